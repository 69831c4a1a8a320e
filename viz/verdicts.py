"""What `edgegrad verify` and `edgegrad audit` print: verdicts as text, and as data for JSON."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from tracer.diagnose.faults import Faults, totals, verdict_of
from tracer.diagnose.partials import REASONS, WRONG
from tracer.diagnose.partials import RIGHT as RIGHT_STATUS
from viz.labels import clean
from viz.text import ALARM, NAME, QUIET, width

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tracer.diagnose.faults import Fault
    from tracer.diagnose.replay import Replay
    from tracer.diagnose.verdict import Audit, Verdict
    from tracer.diagnose.verification import Verification
    from tracer.source import Site

RIGHT, UNSURE = "green", "bold yellow"
_WIDEST = 100  # of lines that are read, where no terminal sets a limit
_SHOWN = 12  # groups of each list
_PLACES = 3  # lines of the source, of each
_INDENT = 4


@dataclass(frozen=True, slots=True)
class FaultLine:
    """Edges, sums or values that are wrong or unclear in the same way: the numbers are those of the first."""

    kind: str
    count: int
    operation: str
    operand: int | None
    formula: str
    file: str
    line: int
    code: str
    found: Any
    expected: Any
    error: float
    message: str
    reason: str
    node: int
    edge: int | None
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplayData:
    """The gradients of the inputs along a direction, against differences of the recorded graph."""

    status: str
    inputs: int
    found: float
    expected: float
    error: float
    reason: str


@dataclass(frozen=True, slots=True)
class VerificationData:
    """A verification as JSON has it."""

    function: str
    ok: bool
    edges: int
    right: int
    wrong_edges: int
    unclear_edges: int
    sums: int
    values: int
    same_bits: int
    wrong: tuple[FaultLine, ...]
    unclear: tuple[FaultLine, ...]
    other_values: tuple[FaultLine, ...]
    cuts: int
    inputs: ReplayData | None
    failed: str


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A place in the source."""

    file: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """A verdict as JSON has it."""

    name: str
    kind: str
    is_first: bool
    message: str
    arithmetic: str
    claimed: Any
    expected: Any
    file: str
    line: int
    code: str
    uses: tuple[PlaceLine, ...]
    also: tuple[str, ...]
    follows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuditData:
    """An audit as JSON has it, in backward order."""

    function: str
    ok: bool
    verdicts: tuple[VerdictLine, ...]


def verification_data(checked: Verification) -> VerificationData:
    """Return a verification as data: what is wrong in the same way is one line."""
    return VerificationData(
        checked.function,
        checked.ok,
        checked.edges,
        checked.right,
        len(checked.wrong),
        len(checked.unclear),
        checked.sums,
        checked.values,
        checked.same_bits,
        _fault_lines(checked.wrong),
        _fault_lines(checked.unclear),
        _fault_lines(checked.other_values),
        checked.cuts,
        _replay_data(checked.inputs),
        checked.failed,
    )


def _replay_data(replayed: Replay | None) -> ReplayData | None:
    if replayed is None:
        return None
    status = {RIGHT_STATUS: "right", WRONG: "wrong"}.get(replayed.status, "can't tell")
    return ReplayData(status, *replayed[1:], REASONS.get(replayed.status, ""))


def audit_data(found: Audit) -> AuditData:
    """Return an audit as data."""
    return AuditData(found.function, found.ok, tuple(map(_verdict_line, found.verdicts)))


def verification_parts(checked: Verification) -> list[Any]:
    """Lay out what a verification has found."""
    title = Text(clean(checked.function), style=NAME).append(": ", style="not bold")
    is_right = checked.edges and not checked.cuts and not checked.failed
    title.append(verdict_of(checked), style=ALARM if not checked.ok else RIGHT if is_right else UNSURE)
    parts: list[Any] = [title, *(_wrapped(Text(each, style=QUIET), 0) for each in totals(checked))]
    for name, style, faults in (
        ("wrong", ALARM, checked.wrong),
        ("can't tell", UNSURE, checked.unclear),
        ("other value", UNSURE, checked.other_values),
    ):
        assert isinstance(faults, Faults)
        groups = faults.groups()
        for fault, count, places in groups[:_SHOWN]:
            parts += ["", *_fault(name, style, fault, count, places)]
        if len(groups) > _SHOWN:
            parts += [
                "",
                Text(f"and {len(groups) - _SHOWN:,} more kinds of “{name}”: see --json", style=QUIET),
            ]
    return parts


def audit_parts(found: Audit) -> list[Any]:
    """Lay out the verdicts of an audit, in backward order."""
    count, wrong = len(found.verdicts), len(found.wrong)
    title = Text(clean(found.function), style=NAME).append(": ", style="not bold")
    if wrong:
        title.append(f"{wrong:,} of {count:,} claims {'is' if wrong == 1 else 'are'} wrong", style=ALARM)
    else:
        title.append("the claim is right" if count == 1 else f"all {count:,} claims are right", style=RIGHT)
        title.append(found.to_digits, style=QUIET)
    parts: list[Any] = [title]
    if wrong and count > 1:
        parts.append(Text("in backward order: begin with the first", style=QUIET))
    for verdict in found.verdicts:
        parts += ["", *_verdict(verdict)]
    return parts


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show how far something is to a person at a terminal; nothing is left of it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  (needed only where somebody looks)
    from rich.progress import Progress  # noqa: PLC0415  (as above)

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, everything: int) -> None:
            bar.update(task, completed=done, total=everything)

        yield advance


def _fault(name: str, style: str, fault: Fault, count: int, places: Sequence[str]) -> list[Any]:
    head = Text(name, style=style).append(f"  {fault.subject}", style=f"not bold {NAME}")
    head.append(f"  {fault.place}" if fault.place else "", style=QUIET)
    parts: list[Any] = [_wrapped(head, 0)]
    if fault.site is not None and fault.site.text:
        parts.append(_wrapped(Text(_code(fault.site), style=QUIET), _INDENT))
    told = "; ".join(each for each in (fault.reason, fault.numbers) if each)
    if told:
        parts.append(_wrapped(Text(clean(told)), _INDENT))
    if count > 1:
        others = [place for place in places if place != fault.place]
        more = f", also at {', '.join(others[:_PLACES])}" if others else ""
        more += f" and {len(others) - _PLACES:,} more lines" if len(others) > _PLACES else ""
        parts.append(_wrapped(Text(f"{count:,} like it{more}", style=QUIET), _INDENT))
    return parts


def _verdict(verdict: Verdict) -> list[Any]:
    style = RIGHT if verdict.ok else QUIET if verdict.kind == "follows" else ALARM
    head = Text("▸ " if verdict.is_first else "  ", style=ALARM)
    head.append(clean(verdict.name), style=f"not dim {NAME}").append("  ").append(verdict.kind, style=style)
    if verdict.is_first:
        head.append("  the first wrong one", style=f"not bold {ALARM}")
    head.append(f"  {verdict.place}" if verdict.place else "", style=QUIET)
    parts: list[Any] = [_wrapped(head, 0)]
    if verdict.ok:
        return parts
    if verdict.site is not None and verdict.site.text:
        parts.append(_wrapped(Text(_code(verdict.site), style=QUIET), _INDENT))
    parts.append(_wrapped(Text(clean(verdict.message)), _INDENT))
    if verdict.arithmetic:
        parts.append(_wrapped(Text(clean(verdict.arithmetic), style=NAME), _INDENT))
    return parts


def _wrapped(text: Text, indent: int) -> Any:
    columns = min(width(), _WIDEST)
    lines = text.wrap(_console(), max(columns - indent - 2, 20))
    joined = Text("\n").join(lines)
    return Padding(joined, (0, 0, 0, indent)) if indent else joined


def _console() -> Any:
    from rich.console import Console  # noqa: PLC0415  (which measures)

    return Console(width=_WIDEST)


def _code(site: Site) -> str:
    return clean(" ".join(site.text.split()))


def _fault_lines(faults: Sequence[Fault]) -> tuple[FaultLine, ...]:
    assert isinstance(faults, Faults)
    return tuple(
        FaultLine(
            fault.kind,
            count,
            fault.operation,
            fault.operand,
            fault.formula,
            *_place(fault.site),
            fault.found,
            fault.expected,
            fault.error,
            fault.message,
            fault.reason,
            fault.node.index,
            None if fault.edge is None else fault.edge.index,
            tuple(places),
        )
        for fault, count, places in faults.groups()
    )


def _verdict_line(verdict: Verdict) -> VerdictLine:
    return VerdictLine(
        verdict.name,
        verdict.kind,
        verdict.is_first,
        verdict.message,
        verdict.arithmetic,
        verdict.claimed,
        verdict.expected,
        *_place(verdict.site),
        tuple(PlaceLine(*_place(site)) for site in verdict.uses),
        verdict.also,
        verdict.follows,
    )


def _place(site: Site | None) -> tuple[str, int, str]:
    if site is None or not site.line:
        return "", 0, ""
    return PurePath(site.file).name, site.line, _code(site)
