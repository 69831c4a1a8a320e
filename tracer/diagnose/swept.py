"""What a sweep finds out, while it is gathered and when it is done. Made by `sweep.py`.

What is gathered of some inputs is small and plain: no trace is in it, so that it can come from another process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

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
from tracer.diagnose.sweep_tables import write_tables
from tracer.diagnose.sweep_text import lines_of, place_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import numpy as np

    from tracer.diagnose.finding import Finding
    from tracer.source import Site
    from tracer.trace import Trace

Arguments: TypeAlias = "tuple[Any, ...] | dict[str, Any]"
FindingKey: TypeAlias = "tuple[str, str, Site | None, str]"


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
        return place_of(self.site)


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
        return place_of(self.site)


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
        write_tables(self, Path(folder))

    def __str__(self) -> str:
        return "\n".join(lines_of(self))

    def __repr__(self) -> str:  # which a shell or a notebook shows
        return str(self)


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
