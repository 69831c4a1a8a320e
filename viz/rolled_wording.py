"""The words of a rolled picture: a number over its runs, the sum of a splitter, a gate's constants in all runs."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import factor_of
from viz import labels
from viz.parts import Line, Span
from viz.wording import Told, gate_text, sum_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace
    from viz.rolled_numbers import Numbers, Series, Sum
    from viz.rollup import Ints, Rolled, RolledEdge, RolledNode
    from viz.theme import Role, State

MOST_COMPARED = 2_000  # runs whose constants are compared one by one; of more they may differ
SHOWN_IN_FULL = 4  # uses of a splitter


class _Varying:
    """A constant that is another one in another run."""


_Varying.__name__ = "…"  # by which `labels.constant` shows what is no number


class _Common:
    """What the runs of one place have in common, as `gate_text` reads a node."""

    def __init__(self, node: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> None:
        self.symbol, self.op = node.symbol, node.op
        self.operands, self.params = operands, params


def times(count: int) -> str:
    """Write how often: ×25."""
    return f"×{count:,}"


def common_gate_text(trace: Trace, members: np.ndarray) -> str:
    """Show a gate's operation with the constants that it has in all runs; … for those that differ."""
    node = trace.nodes[int(members[0])]
    if len(members) == 1:
        return gate_text(node)
    recording = trace.recording
    rows = trace.graph.rows[members]
    starts = recording.starts.take(rows)
    if np.any(recording.starts[1:].take(rows) - starts != len(node.operands)):
        return labels.clean(node.symbol)
    operands = tuple(_common(trace, starts + at, operand) for at, operand in enumerate(node.operands))
    params = node.params
    if params:
        looked_at = rows[:MOST_COMPARED].tolist()
        others = [recording.params.get(row, {}) for row in looked_at[1:]]
        is_all = len(rows) <= MOST_COMPARED
        params = {
            name: value
            if is_all and all(_is_same(value, each.get(name)) for each in others)
            else _Varying()
            for name, value in params.items()
        }
    return gate_text(_Common(node, operands, params))


def _common(trace: Trace, slots: np.ndarray, first: Any) -> Any:
    """Return an operand that is traced, or the same constant in all runs; else what is shown as …."""
    operands = trace.recording.operands
    if operands[slots[0]] < 0:
        of_all = operands[slots]
        traced = slots[of_all >= 0]
        if not len(traced):
            return first if _is_one_constant(trace.recording, of_all) else _told(trace.recording, of_all)
        slots = traced  # where it is a constant in some runs, its wire says in how many it is none
    slot = int(slots[0])
    return trace.edges[trace.graph.edge_of(int(trace.graph.slot_consumer[slot]), slot)]


def _told(recording: Any, operands: np.ndarray) -> Told:
    """Say what constants that differ have in common: their shape, or nothing."""
    numbers = (-1 - operands[:MOST_COMPARED]).tolist()
    shapes = {np.shape(recording.constants[number]) for number in numbers}
    return Told(
        str(*shapes) if len(shapes) == 1 and shapes != {()} and len(operands) == len(numbers) else "…"
    )


def _is_one_constant(recording: Any, operands: np.ndarray) -> bool:
    """Say whether constants look the same in a gate."""
    numbers = -1 - operands
    floats = recording.constants.floats[numbers]
    if not np.isnan(floats[0]):
        return bool(np.all(floats == floats[0]))
    if len(numbers) > MOST_COMPARED:
        return False
    first, *others = (recording.constants[number] for number in numbers.tolist())
    return all(_is_same(first, each) for each in others)


def _is_same(first: Any, second: Any) -> bool:
    """Say whether two constants look the same in a gate."""
    return first is second or (
        type(first) is type(second) and labels.constant(first) == labels.constant(second)
    )


def value_series_lines(name: str, series: Series | None, first: Any, last: Any) -> tuple[Line, ...]:
    """Write what a wire carries forward, in its first run and in its last."""
    lead = (Span(f"{labels.name(name)} = ", "name"),) if name else ()
    if series is not None:
        text, is_bad = _from_to(series), bool(series.bad)
    else:
        texts = [
            labels.summary(each) if labels.is_array(each) else labels.number(each) for each in (first, last)
        ]
        is_same = texts[0] == texts[1]
        if labels.is_array(first) and labels.is_array(last) and np.shape(first) == np.shape(last):
            texts[1] = labels.norm(last)
        text = texts[0] if is_same else " → ".join(texts)
        is_bad = not (labels.is_finite(first) and labels.is_finite(last))
    role: Role = "alarm" if is_bad else "value"
    return ((*lead, Span(f"⚠ {text}" if is_bad else text, role)),)


def _from_to(series: Series) -> str:
    first, last = _sized(series, series.first), _sized(series, series.last)
    if series.is_constant:
        return first
    return f"{first} → {last}"


def _sized(series: Series, value: float) -> str:
    return f"‖{labels.number(value)}‖" if series.is_norm else labels.number(value)


def gradient_series_lines(series: Series | None, fired: int) -> tuple[Line, ...]:
    """Write a gradient in its first run and in its last, in forward order, and what is to be said of some runs."""
    if series is None:
        return ()
    count = len(series.values)
    if not fired:
        return ((Span("0  not reached", "quiet"),),)
    text = _from_to(series)
    is_same = " → " not in text
    role: Role = "alarm" if not (math.isfinite(series.first) and math.isfinite(series.last)) else "gradient"
    line: Line = (Span(f"⚠ {text}" if role == "alarm" else text, role),)
    if is_same:
        line += (Span("  each time", "aside"),)
    elif series.first == series.last == 0 and series.bad < count:
        line += (Span(f"  up to {_sized(series, float(series.values[series.most]))}", "aside"),)
    return (line, *notes_on_runs(series, fired, count))


def notes_on_runs(series: Series, fired: int, count: int) -> tuple[Line, ...]:
    """Say how many runs were not reached, are zero, or not finite."""
    lines: list[Line] = []
    zeros = series.zeros - (count - fired)
    told = [f"{count - fired:,} of {count:,} not reached"] if fired < count else []
    if zeros > 0 and series.zeros < count:
        told.append(f"{zeros:,} zero" if told else f"{zeros:,} of {count:,} zero")
    if told:
        lines.append((Span(", ".join(told), "aside"),))
    if series.bad and not series.is_constant:
        lines.append((Span(f"⚠ {series.bad:,} of {count:,} not finite", "alarm"),))
    return tuple(lines)


def series_state(series: Series | None, carried: Series | None, fired: int) -> State:
    """Say how a wire is drawn: by the worst that flows on it in any run."""
    if (series is not None and series.bad) or (carried is not None and carried.bad):
        return "alarm"
    if series is None:
        return "plain"
    if not fired:
        return "unreached"
    return "zero" if series.zeros == len(series.values) else "plain"


def gain_lines(series: Series | None) -> tuple[Line, ...]:
    """Write by how much a gradient that is carried back from turn to turn changes in one, on average."""
    if series is None or len(series.values) < 3:
        return ()
    first, last = abs(series.first), abs(series.last)
    if not (first > 0 and last > 0 and math.isfinite(first) and math.isfinite(last)):
        return ()
    exponent = (math.log(first) - math.log(last)) / (len(series.values) - 1)
    if abs(exponent) > 700:
        return ()
    average = "" if series.is_constant else ", on average"
    factor = factor_of(exponent / math.log(10), 3)
    return ((Span(f"×{factor} for each turn back{average}", "working"),),)


def series_tooltip(numbers: Numbers, edge: RolledEdge) -> str:
    """Say in which runs a gradient is smallest and largest."""
    series = numbers.gradients(edge)
    if series is None or len(series.values) < 2 or series.bad == len(series.values):
        return ""
    least, most = series.least, series.most
    return (
        f"gradient: largest {_sized(series, float(series.values[most]))} in {numbers.when(edge, most)}, "
        f"smallest {_sized(series, float(series.values[least]))} in {numbers.when(edge, least)}"
    )


def splitter_lines(
    numbers: Numbers, rolled: Rolled, node: RolledNode, total: Sum | None
) -> tuple[Line, ...]:
    """Write the sum of a splitter that ran once: its total, and its largest terms with the runs they came from."""
    if total is None:
        return ()
    edges = rolled.outgoing[node.index]
    if total.uses <= SHOWN_IN_FULL:
        uses = numbers.trace.nodes[int(node.members[0])].out_edges
        return sum_lines([use.grad for use in uses], total.total)
    is_one_place = len(edges) == 1 and edges[0].count == total.uses
    runs = f"{total.uses:,} runs" if is_one_place else f"{total.uses:,} uses"
    is_bad = not labels.is_finite(total.total)
    text = labels.norm(total.total)
    role: Role = "alarm" if is_bad else "gradient"
    first = (Span(f"Σ over {runs} = ", "working"), Span(f"⚠ {text}" if is_bad else text, role))
    return (first, *_terms(numbers, rolled, total, edges))


def uses_text(counts: Ints) -> str:
    """Write of how many uses each of several sums is."""
    least, most = int(counts.min()), int(counts.max())
    return f"Σ of {least:,} uses" if least == most else f"Σ of {least:,} to {most:,} uses"


def _terms(numbers: Numbers, rolled: Rolled, total: Sum, edges: Sequence[RolledEdge]) -> tuple[Line, ...]:
    """Name the largest terms by where they come from, each in percent of the total, or itself where terms cancel."""
    if total.by_share and total.terms and all(_is_small(term.share) for term in total.terms):
        return ((Span(f"{sum(edge.count for edge in edges):,} terms, each under 1 %", "working"),),)
    users = _user_texts(numbers, rolled, edges)
    texts = []
    told = total.terms[: 2 if len(edges) > 1 else 3]
    turns = [numbers.when(rolled.edges[term.edge], term.run) for term in told]
    leads = [
        when.rpartition(": ")[0] for when in turns
    ]  # `for word: turn 2`, of a loop over what is no number
    for at, (term, when) in enumerate(zip(told, turns, strict=True)):
        edge = rolled.edges[term.edge]
        turn = when if edge.count > 1 else ""
        if turn and turns.count(when) > 1 and len(edges) == 1:  # a helper that is called again in one turn
            turn += f", run {numbers.run_of_gate(edge, term.run):,}"
        if len(edges) > 1:
            user = users[edge.dst]
            turn = f"{user} ({turn})" if turn else user
        elif at and leads[0] == leads[at] and "," not in when:
            turn = turn.removeprefix(f"{leads[0]}: ")
        size = _share_text(term.share) if total.by_share else labels.number(term.value, 3)
        texts.append(f"{turn}: {size}")
    return ((Span(", ".join(texts), "working"),),) if texts else ()


def _user_texts(numbers: Numbers, rolled: Rolled, edges: Sequence[RolledEdge]) -> dict[int, str]:
    """Name what uses a value, by node; where several are called the same by their lines, then by those of the calls."""
    targets = {edge.dst: rolled.nodes[edge.dst] for edge in edges}
    names = {node: _target_text(numbers, target) for node, target in targets.items()}
    lines = {node: _lines(rolled, target) for node, target in targets.items()}
    alike = defaultdict(list)
    for node, name in names.items():
        alike[name].append(lines[node])
    found = {}
    for node, name in names.items():
        others, words = alike[name], [name]
        for at, line in enumerate(lines[node]):
            same = [each for each in others if each[at : at + 1] == (line,)]
            if len(same) < len(others) and line:
                words.append(f"in line {line}" if at == 0 else f"called in line {line}")
            others = same
        found[node] = ", ".join(words) if len(words) > 2 else " ".join(words)
    return found


def _lines(rolled: Rolled, target: RolledNode) -> tuple[int, ...]:
    """Return the line of a node, and those of the calls that it is in, the innermost first; 0 where unknown."""
    lines, group = [target.site.line if target.site else 0], target.group
    while group >= 0:
        site = rolled.groups[group].site
        lines.append(site.line if site else 0)
        group = rolled.groups[group].parent
    return tuple(lines)


def _share_text(share: float) -> str:
    return "under 1 %" if _is_small(share) else f"{labels.number(round(100 * share))} %"


def _is_small(share: float) -> bool:
    return bool(share) and not round(100 * share)


def _target_text(numbers: Numbers, target: RolledNode) -> str:
    """Name what uses a value, in a word."""
    if target.kind in ("group", "output"):
        return labels.shorten(labels.name(target.name or target.kind), labels.CONSTANT_LIMIT)
    if target.kind == "function":
        return labels.shorten(common_gate_text(numbers.trace, target.members), labels.CONSTANT_LIMIT)
    node = numbers.trace.nodes[int(target.members[0])]
    if node.kind == "splitter" and len(node.out_edges) == 1:  # a broadcast: what stretches the value
        node = node.out_edges[0].dst
    return labels.shorten(labels.clean(node.symbol), 12)
