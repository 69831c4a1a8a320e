"""What a sweep found out, as text for a person. Read through `str(Sweep)`."""

from __future__ import annotations

import itertools
import reprlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import clean, number, summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.diagnose.distribution import Columns
    from tracer.diagnose.swept import Arguments, FailedInput, Sweep
    from tracer.source import Site

_SHOWN = 8  # input numbers, failed inputs and lines of a table in the text
_LONGEST = 200  # characters of arguments in it


def place_of(site: Site | None) -> str:
    """Write file and line in short: model.py:12; empty without a place."""
    return f"{PurePath(site.file).name}:{site.line}" if site and site.line else ""


def code_of(site: Site | None) -> str:
    """Write the expression of a place on one line."""
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


def lines_of(sweep: Sweep) -> list[str]:
    """Write what came out for a person, line by line."""
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
