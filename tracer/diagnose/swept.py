"""What a sweep finds out, while it is gathered and when it is done. Made by `sweep.py`.

What is gathered of some inputs is small and plain: no trace is in it, so that it can come from another process.
"""

from __future__ import annotations

import itertools
import os
import reprlib
import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.diagnose.distribution import (
    Columns,
    Tallies,
    columns_of,
    decades_of,
    merge,
    tallies_of,
)
from tracer.diagnose.finding import SEVERITIES, Severity
from tracer.diagnose.findings import harm
from tracer.errors import UsageError
from tracer.numbers_text import clean, number, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracer.diagnose.finding import Finding
    from tracer.source import Site
    from tracer.trace import Trace

Arguments: TypeAlias = "tuple[Any, ...] | dict[str, Any]"
FindingKey: TypeAlias = "tuple[str, str, Site | None, str]"

_SHOWN = 8  # input numbers, failed inputs and lines of a table in the text
_LONGEST = 200  # characters of arguments in it


@dataclass(frozen=True, slots=True)
class SweptFinding:
    """A finding that stood at one place with one severity, in all the inputs that show it."""

    kind: str
    severity: Severity
    site: Site | None
    name: str
    """The input that it is about, where it has no place in the source."""
    message: str
    """Of the input that shows it worst: it spoils most there, and of equals the first."""
    advice: str
    numbers: Mapping[str, float | int | str]
    """The numbers of that message."""
    inputs: tuple[int, ...]
    """The numbers of all inputs that show it, in order, counted from 0."""
    worst: int
    """The number of the input of the message."""
    arguments: Arguments
    """The arguments of that input."""

    @property
    def often(self) -> int:
        """In how many inputs it stood."""
        return len(self.inputs)

    @property
    def place(self) -> str:
        """The file and line in short: model.py:12; empty without a place."""
        return _place(self.site)


@dataclass(frozen=True, slots=True)
class FailedInput:
    """An input whose run ended by an exception, or has no gradient to look at."""

    number: int
    arguments: Arguments
    error: str
    """The type and the text of the exception."""
    site: Site | None
    """Where in the program it was raised, where that is known."""

    @property
    def place(self) -> str:
        """The file and line in short: model.py:12; empty without a place."""
        return _place(self.site)


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """What many runs of one function have shown; in tables a dict of columns, one line for each place.

    `sites` has a line for each input and each place where a value is made: the gradients of these values. `edges` has
    one for each operand of each operation: the gradients of these uses. Columns: the place (`file`, `line`, `column`,
    `end_line`, `end_column`, `function`, `code`), `op`, `port` (of an edge), `name`; `inputs` that came here, `edges`
    in all their runs, `count` of the elements of their gradients, of these `zeros` and `not_finite`; of what is finite
    `min`, `max`, `sum`, `sum_squares`, `mean`, `rms`; `histogram`, with a column for each of the decades of |gradient|
    in `site_decades` and `edge_decades`: how many are from 10**decade up to 10**(decade + 1).
    """

    function: str
    count: int
    """How many inputs there were, those that failed included."""
    failed: tuple[FailedInput, ...]
    findings: tuple[SweptFinding, ...]
    """Worst first, and of equal severity what occurred most often."""
    sites: Columns = field(repr=False)
    edges: Columns = field(repr=False)
    site_decades: np.ndarray[Any, Any] = field(repr=False)
    edge_decades: np.ndarray[Any, Any] = field(repr=False)

    def to_parquet(self, folder: str | os.PathLike[str]) -> None:
        """Write sites.parquet, edges.parquet, findings.parquet and failed.parquet into a folder, which may be new.

        There a histogram is two lists, `decades` and `counts`, and arguments are text. Needs pyarrow.
        """
        folder = Path(folder)
        if folder.suffix == ".parquet" or (folder.exists() and not folder.is_dir()):
            raise UsageError(
                "a sweep is written into a folder: it is four tables",
                got=f"got {folder}",
                advice=f"give {folder.with_suffix('')}, and read {folder.with_suffix('') / 'edges.parquet'}",
            )
        tables = {
            "sites": _with_lists(self.sites, self.site_decades),
            "edges": _with_lists(self.edges, self.edge_decades),
            "findings": _finding_columns(self.findings),
            "failed": _failed_columns(self.failed),
        }
        _write(tables, folder)

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        return (
            f"<Sweep of {self.function}: {self.count:,} inputs, {len(self.failed):,} failed, "
            f"{len(self.findings):,} findings>"
        )


@dataclass(slots=True)
class _Occurrences:
    """A finding in some inputs, while it is gathered."""

    message: str
    advice: str
    numbers: dict[str, float | int | str]
    harm: float
    worst: int
    inputs: list[int]

    def merge(self, other: _Occurrences) -> None:
        """Take in the same finding of other inputs."""
        self.inputs += other.inputs
        if (other.harm, -other.worst) > (self.harm, -self.worst):
            self.message, self.advice, self.numbers = other.message, other.advice, other.numbers
            self.harm, self.worst = other.harm, other.worst


@dataclass(slots=True)
class Gathered:
    """What some inputs have shown: put together in any order, it comes to the same."""

    count: int = 0
    sites: Tallies = field(default_factory=dict)
    edges: Tallies = field(default_factory=dict)
    findings: dict[FindingKey, _Occurrences] = field(default_factory=dict)
    failed: list[tuple[int, str, Site | None]] = field(default_factory=list)

    def add(self, number: int, trace: Trace) -> None:
        """Take in the run of one input."""
        self.count += 1
        try:
            found = trace.findings()
            sites, edges = ({}, {}) if trace.error is not None else tallies_of(trace)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is told of this input, and the others go on)
            self.failed.append((number, f"{type(error).__name__}: {error}", None))
            return
        if trace.error is not None:
            site = next((finding.site for finding in found if finding.kind == "failed"), None)
            self.failed.append((number, trace.error, site))
        merge(self.sites, sites)
        merge(self.edges, edges)
        for finding in found:
            if finding.kind != "failed":  # is told of already
                self._add_finding(number, finding)

    def _add_finding(self, number: int, finding: Finding) -> None:
        name = (finding.node.name or "") if finding.site is None and finding.node is not None else ""
        key = (finding.kind, finding.severity, finding.site, name)
        made = _Occurrences(
            finding.message, finding.advice, dict(finding.numbers), harm(finding), number, [number]
        )
        known = self.findings.setdefault(key, made)
        if known is not made:
            known.merge(made)

    def merge(self, other: Gathered) -> None:
        """Take in what other inputs have shown."""
        self.count += other.count
        merge(self.sites, other.sites)
        merge(self.edges, other.edges)
        self.failed += other.failed
        for key, occurrences in other.findings.items():
            known = self.findings.setdefault(key, occurrences)
            if known is not occurrences:
                known.merge(occurrences)

    def as_sweep(
        self, function: str, of_failed: Mapping[int, Arguments], of_worst: Mapping[FindingKey, Arguments]
    ) -> Sweep:
        """Return what came out, in the order that does not depend on that in which it came."""
        findings = [
            SweptFinding(
                kind=kind,
                severity=severity,  # type: ignore[arg-type]  # the key of a dict has no narrower type
                site=site,
                name=name,
                message=occurrences.message,
                advice=occurrences.advice,
                numbers=occurrences.numbers,
                inputs=tuple(sorted(set(occurrences.inputs))),
                worst=occurrences.worst,
                arguments=of_worst[kind, severity, site, name],
            )
            for (kind, severity, site, name), occurrences in self.findings.items()
        ]
        findings.sort(key=_rank)
        failed = [
            FailedInput(number, of_failed[number], error, site)
            for number, error, site in sorted(self.failed, key=lambda each: each[0])
        ]
        return Sweep(
            function,
            self.count,
            tuple(failed),
            tuple(findings),
            columns_of(self.sites),
            columns_of(self.edges),
            decades_of(self.sites),
            decades_of(self.edges),
        )


def _rank(finding: SweptFinding) -> tuple[Any, ...]:
    site = finding.site
    place = (site.file, site.line, site.column, site.end_column) if site else ()
    return (
        SEVERITIES.index(finding.severity),
        -finding.often,
        finding.inputs,
        finding.kind,
        place,
        finding.name,
    )


def _place(site: Site | None) -> str:
    return f"{PurePath(site.file).name}:{site.line}" if site and site.line else ""


def _code(site: Site | None) -> str:
    return " ".join(site.text.split()) if site else ""


class _Shortened(reprlib.Repr):
    """Writes arguments in a line; an array as its shape and norm."""

    def repr1(self, x: Any, level: int) -> str:
        if isinstance(x, np.ndarray) and x.size > _SHOWN and x.dtype.kind in "fciub":
            return f"array {summary(x)}"
        if isinstance(x, np.ndarray | np.generic):
            return " ".join(repr(x).split())
        return super().repr1(x, level)


def shown(arguments: Arguments) -> str:
    """Write the arguments of an input as a call has them: (2.0, n=3)."""
    shortened = _Shortened()
    shortened.maxother = shortened.maxstring = shortened.maxlong = 60
    if isinstance(arguments, dict):
        texts = [f"{name}={shortened.repr(value)}" for name, value in arguments.items()]
    else:
        texts = [shortened.repr(value) for value in arguments]
    text = clean(", ".join(texts))
    return f"({text if len(text) <= _LONGEST else text[: _LONGEST - 1] + '…'})"


def _lines(sweep: Sweep) -> list[str]:
    lines = [f"{clean(sweep.function)}: {sweep.count:,} inputs, {len(sweep.failed):,} failed"]
    for finding in sweep.findings:
        where = f"  {clean(finding.place)}" if finding.place else ""
        code = (
            f": {clean(' '.join(finding.site.text.split()))}" if finding.site and finding.site.text else ""
        )
        lines += [
            "",
            f"{finding.severity} {finding.kind}{where}{code}",
            f"  in {finding.often:,} of {sweep.count:,} inputs: {_listed(finding.inputs)}",
            f"  input {finding.worst}, {shown(finding.arguments)}: {finding.message}",
            f"  → {finding.advice}",
        ]
    groups = _alike(sweep.failed)
    for several in groups[:_SHOWN]:
        first = several[0]
        where = f" at {clean(first.place)}" if first.place else ""
        numbers = _listed([failed.number for failed in several])
        lines += [
            "",
            f"failed{where}: {clean(first.error)}",
            f"  in {len(several):,} of {sweep.count:,} inputs: {numbers}",
            f"  input {first.number}, {shown(first.arguments)}",
        ]
    if len(groups) > _SHOWN:
        lines += ["", f"… and {len(groups) - _SHOWN:,} other failures"]
    return [*lines, "", *_input_lines(sweep.sites)]


def _alike(failed: Iterable[FailedInput]) -> list[list[FailedInput]]:
    """Put together what failed at one place by one type of exception; most often first."""
    found: dict[tuple[str, Site | None], list[FailedInput]] = {}
    for each in failed:
        found.setdefault((each.error.partition(":")[0], each.site), []).append(each)
    return sorted(found.values(), key=len, reverse=True)


def _listed(numbers: Iterable[int]) -> str:
    first = list(itertools.islice(numbers, _SHOWN + 1))
    return ", ".join([*map(str, first[:_SHOWN]), *("…" for _ in first[_SHOWN:])])


def _input_lines(sites: Columns) -> list[str]:
    """Tabulate the gradients of the inputs; all other places are in the columns."""
    lines = np.flatnonzero(sites["op"] == "input").tolist()
    if not lines:
        return ["no gradient came back to any input"]
    rows: list[tuple[str, ...]] = [("gradient of", "count", "rms", "min", "max", "zeros", "not finite")]
    for line in lines[:_SHOWN]:
        numbers = [number(float(sites[column][line])) for column in ("rms", "min", "max")]
        counts = [f"{sites[column][line]:,}" for column in ("count", "zeros", "not_finite")]
        rows.append((clean(str(sites["name"][line])), counts[0], *numbers, *counts[1:]))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    more = [f"… and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
    return [
        *(
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
                ]
            )
            for row in rows
        ),
        *more,
        f"{len(sites['op']):,} places in .sites, uses by operand in .edges",
    ]


def _with_lists(table: Columns, decades: np.ndarray[Any, Any]) -> dict[str, list[Any]]:
    """Return a table whose histogram is lists without zeros."""
    columns: dict[str, list[Any]] = {
        name: column.tolist() for name, column in table.items() if name != "histogram"
    }
    filled = [np.flatnonzero(line) for line in table["histogram"]]
    columns["decades"] = [decades[each].tolist() for each in filled]
    columns["counts"] = [line[each].tolist() for line, each in zip(table["histogram"], filled, strict=True)]
    return columns


_SITE = ("file", "line", "column", "end_line", "end_column", "function")


def _finding_columns(findings: tuple[SweptFinding, ...]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        each.name: [getattr(finding, each.name) for finding in findings]
        for each in fields(SweptFinding)
        if each.name not in ("site", "arguments", "numbers", "inputs")
    }
    columns["inputs"] = [list(finding.inputs) for finding in findings]
    columns["often"] = [finding.often for finding in findings]
    columns["arguments"] = [shown(finding.arguments) for finding in findings]
    return columns | _site_columns([finding.site for finding in findings])


def _failed_columns(failed: tuple[FailedInput, ...]) -> dict[str, list[Any]]:
    return {
        "number": [each.number for each in failed],
        "error": [each.error for each in failed],
        "arguments": [shown(each.arguments) for each in failed],
        **_site_columns([each.site for each in failed]),
    }


def _site_columns(sites: list[Site | None]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [getattr(site, name, None) for site in sites] for name in _SITE}
    return columns | {"code": [_code(site) for site in sites]}


_WHOLE = frozenset(
    "line column end_line end_column port inputs edges count zeros not_finite often worst number".split()
)
_REAL = frozenset(("min", "max", "sum", "sum_squares", "mean", "rms"))
_LISTS = frozenset(("decades", "counts"))


def _write(tables: Mapping[str, Mapping[str, list[Any]]], folder: Path) -> None:
    """Write tables, each to a file of its own that is whole or not there."""
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
        from pyarrow import parquet  # noqa: PLC0415  (as above)
    except ImportError:
        raise UsageError(
            "Parquet files are written by pyarrow, which is not installed",
            advice="pip install 'edgegrad[parquet]', or read the columns of .sites and .edges, which are NumPy arrays",
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in tables.items():
        types = {}
        for name in columns:
            is_list = name in _LISTS or (table == "findings" and name == "inputs")
            kind = pa.int64() if name in _WHOLE | _LISTS else pa.float64() if name in _REAL else pa.string()
            types[name] = pa.list_(kind) if is_list else kind
        made = pa.table({name: pa.array(column, types[name]) for name, column in columns.items()})
        handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        os.close(handle)
        try:
            parquet.write_table(made, temporary)
            Path(temporary).replace(folder / f"{table}.parquet")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
