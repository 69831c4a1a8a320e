"""What `edgegrad check` prints: findings as text, as data for JSON, and as annotations of a GitHub workflow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tracer.diagnose.cuts import UNTOLD
from tracer.diagnose.finding import KINDS, SEVERITIES, Finding
from tracer.diagnose.finding_text import advised, checked_kinds, is_harm, place_of, said, source_lines
from tracer.errors import UsageError
from tracer.numbers_text import listed
from viz.labels import clean
from viz.text import ALARM, NAME, QUIET, width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.trace import Trace

_WIDEST = 100  # of lines that are read, where no terminal sets a limit
_LEAST = 40
_NAMED = 3  # cuts in the last line
_GITHUB_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
_STYLES = {"error": ALARM, "warning": "bold yellow", "note": QUIET}


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding as JSON has it; lines and columns count from 1, as editors do, and are 0 where there is no place."""

    kind: str
    severity: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    code: str
    message: str
    advice: str
    node: int | None
    edges: tuple[int, ...]
    numbers: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Checked:
    """All findings of a trace, worst first."""

    function: str
    nodes: int
    edges: int
    findings: tuple[FindingLine, ...]


def kinds_in(text: str) -> frozenset[str]:
    """Read the kinds in a list with commas. Raises UsageError for a word that is none."""
    kinds = checked_kinds(word.strip() for word in text.split(",") if word.strip())
    if not kinds:
        raise UsageError("--fail-on names no kind", advice=f"name some of {', '.join(KINDS)}")
    return kinds


def has_failed(findings: Sequence[Finding], kinds: frozenset[str]) -> bool:
    """Say whether there is a finding of one of some kinds that does harm."""
    return any(is_harm(finding, kinds) for finding in findings)


def checked(trace: Trace, findings: Sequence[Finding]) -> Checked:
    """Return the findings of a trace as data."""
    return Checked(
        trace.function, len(trace.nodes), len(trace.edges), tuple(_line(finding) for finding in findings)
    )


def _line(finding: Finding) -> FindingLine:
    site = finding.site
    has_columns = site is not None and site.column >= 0
    return FindingLine(
        kind=finding.kind,
        severity=finding.severity,
        file=_path(site.file) if site else "",
        line=site.line if site else 0,
        column=site.column + 1 if site and has_columns else 0,
        end_line=site.end_line if site else 0,
        end_column=site.end_column + 1 if site and has_columns else 0,
        function=site.function if site else "",
        code=finding.code,
        message=finding.message,
        advice=finding.advice,
        node=finding.node.index if finding.node is not None else None,
        edges=tuple(edge.index for edge in finding.edges),
        numbers=dict(finding.numbers),
    )


def _path(file: str) -> str:
    """Name a file from the working directory, if it is below it."""
    path = Path(file)
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else file


def finding_parts(trace: Trace, findings: Sequence[Finding], columns: int | None = None) -> list[Text]:
    """Lay out findings for a person: the source with its place underlined, the cause, the advice, what it spoils."""
    if not findings:
        return [Text(_verdict(trace, findings))]
    columns = columns or max(min(width(), _WIDEST), _LEAST)
    parts: list[Text] = []
    for finding in findings:
        parts += [*_finding(trace, finding, columns), Text("")]
    return [*parts, Text(_verdict(trace, findings))]


def _verdict(trace: Trace, findings: Sequence[Finding]) -> str:
    """Sum up in one line: that nothing was found is said only where the run has warned of nothing, either."""
    name, looked_at = clean(trace.function), f"({len(trace.edges):,} edges looked at)"
    counted = f"; {_counted(findings)}" if findings else ""
    harm = [finding for finding in findings if finding.severity != "note"]
    if not harm:
        return f"{name}: found nothing wrong with its gradients {looked_at}{counted}"
    if not all(finding.numbers.get(UNTOLD) for finding in harm):
        return f"{name}{counted.replace(';', ':', 1)}"
    cuts = len(harm)
    lines = listed(
        [f"{finding.place}: {finding.code}".removesuffix(": ") for finding in harm if finding.place], _NAMED
    )
    places = f" ({lines})" if lines else ""
    return (
        f"{name}: nothing wrong among the recorded operations {looked_at}, but {cuts:,} cut{'s' if cuts > 1 else ''}: "
        f"the gradients lack whatever was computed from a number after it left{places}{counted}"
    )


def _finding(trace: Trace, finding: Finding, columns: int) -> list[Text]:
    heading = (
        Text()
        .append(f"{finding.severity} ", style=_STYLES[finding.severity])
        .append(finding.kind, style=NAME)
        .append(place_of(finding))
    )
    heading.truncate(columns, overflow="ellipsis")
    source = [
        Text(margin, style=QUIET).append(text, style=style)
        for (margin, text), style in zip(
            source_lines(trace, finding.site, columns), ("not dim", ALARM), strict=False
        )
    ]
    return [
        heading,
        *source,
        *map(Text, said(finding, columns)),
        *(Text(line, style=QUIET) for line in advised(finding, columns)),
    ]


def _counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(
        f"{counts[severity]:,} {severity}{'s' if counts[severity] > 1 else ''}"
        for severity in SEVERITIES
        if counts[severity]
    )


def github(findings: Sequence[Finding]) -> str:
    """Write findings as the commands that a GitHub workflow makes annotations of."""
    return "\n".join(map(_annotation, findings))


def _annotation(finding: Finding) -> str:
    """Write one command: ::error file=…,line=…,col=…,title=…::message."""
    site = finding.site
    properties: dict[str, object] = {}
    if site is not None and site.line:
        properties |= {"file": _path(site.file), "line": site.line, "endLine": site.end_line or site.line}
        if site.column >= 0:
            properties["col"] = site.column + 1
            if site.end_line == site.line:
                properties["endColumn"] = site.end_column
    properties["title"] = f"edgegrad: {finding.kind}"
    said = f"{finding.message}\n{finding.advice}"
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_GITHUB_LEVELS[finding.severity]} {written}::{_data(said)}"


def _data(text: str) -> str:
    """Escape a message as the runner reads it: the percent sign first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property, which may hold neither of the signs that end it, either."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
