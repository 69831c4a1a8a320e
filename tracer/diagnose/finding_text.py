"""A finding as lines of text for a person: its place with the source, its cause, its advice. `viz` adds the colours."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING

from tracer.diagnose.finding import KINDS
from tracer.diagnose.tree import cut_short
from tracer.errors import UsageError
from tracer.numbers_text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.diagnose.finding import Finding
    from tracer.source import Site
    from tracer.trace import Trace


def checked_kinds(kinds: Iterable[str]) -> frozenset[str]:
    """Return kinds of findings as a set. Raises UsageError for a word that is none."""
    wanted = list(kinds)
    for kind in wanted:
        if kind not in KINDS:
            close = difflib.get_close_matches(str(kind), KINDS, n=1, cutoff=0.5)
            raise UsageError(
                f"there are no findings of the kind {kind!r}",
                got=f"the kinds are {', '.join(KINDS)}",
                advice=f"did you mean {close[0]}?" if close else "name some of them, with commas between",
            )
    return frozenset(wanted)


def is_harm(finding: Finding, kinds: frozenset[str]) -> bool:
    """Say whether a finding is of one of some kinds and does harm."""
    return finding.kind in kinds and finding.severity != "note"


def text_of(trace: Trace, finding: Finding, columns: int) -> str:
    """Write a finding as `edgegrad check` does."""
    source = ("".join(pair) for pair in source_lines(trace, finding.site, columns))
    lines = [
        f"{finding.severity} {finding.kind}{place_of(finding)}",
        *source,
        *said(finding, columns),
        *advised(finding, columns),
    ]
    return "\n".join(lines)


def place_of(finding: Finding) -> str:
    """Write file, line and function behind the kind of a finding; empty without a place."""
    if not finding.place:
        return ""
    function = f" in {clean(finding.site.function)}" if finding.site and finding.site.function else ""
    return f"  {clean(finding.place)}{function}"


def source_lines(trace: Trace, site: Site | None, columns: int) -> list[tuple[str, str]]:
    """Return the line of a place with its columns underlined, of a long one the part around them: margin and text."""
    lines = trace.source.get(site.file, "").splitlines() if site else []
    if site is None or not 0 < site.line <= len(lines):
        return []
    line = lines[site.line - 1]
    end = site.end_column if site.end_line == site.line else len(line.rstrip())
    before = len(line) - len(line.lstrip())
    lead = f"  {site.line} │ "
    room = columns - len(lead)
    if site.column < 0:  # no expression: a statement
        return [(lead, cut_short(clean(line.strip()), room))]
    start = min(before, site.column)
    if end - start > room:
        start = site.column
    shown = cut_short(clean(line[start:].rstrip().replace("\t", " ")), room)
    first = site.column - start
    length = max(min(end - site.column, room - first), 1)
    return [(lead, shown), (" " * (len(lead) - 2) + "│ " + " " * first, "^" * length)]


def said(finding: Finding, columns: int) -> list[str]:
    """Write the cause, and how many edges it spoils."""
    spoiled = int(finding.numbers.get("spoiled", 0) or 0)
    count = f" (spoils {spoiled:,} edges)" if spoiled > 1 and finding.severity != "note" else ""
    return _wrapped(finding.message + count, columns)


def advised(finding: Finding, columns: int) -> list[str]:
    """Write the advice."""
    return _wrapped(f"→ {finding.advice}", columns)


def _wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(
        clean(text), columns, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
