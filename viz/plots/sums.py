"""The sum: what each use of a value sent back, and how that adds up to its gradient, as a waterfall."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import one_line, uses_of
from tracer.diagnose.tree import shorten_code
from tracer.diagnose.turns import Turns
from tracer.errors import UsageError
from tracer.views import Node
from viz import labels, theme
from viz.plots.style import (
    ROW,
    SIDE,
    TOP,
    TOTAL,
    WIDTH,
    Plot,
    bar,
    headline,
    list_rows,
    settle,
    shown,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.trace import Trace
    from viz.plots.series import Column

MOST_TERMS = 12
_SEEN = 0.25  # of the bar of all others: what the named ones together must be


@dataclass(frozen=True, slots=True)
class SumTerm:
    """One bar: what a use sent back, or what all those that are not named did together."""

    label: str
    amount: float  # of an array, the share of the whole
    uses: int


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum that a splitter made, in the order in which its terms arrived."""

    name: str
    terms: tuple[SumTerm, ...]
    total: float
    grad: Any
    uses: int
    by_share: bool
    by_norm: bool  # the total is zero, so nothing is a share of it


def splitter_sum(trace: Trace, name: str | None = None) -> Sum:
    """Collect the terms of the sum that a value's splitter made; of the value with most uses where none is named."""
    node = trace[name] if name is not None else _most_used(trace)
    if node is None:
        raise UsageError(
            f"no value of {trace.function} has two uses that the output depends on, so nothing is summed",
            advice="plot the flow",
        )
    called = node.label or name or one_line(node.site.text if node.site is not None else node.op)
    uses = [edge for edge in uses_of(node) if trace.steps[edge] >= 0]
    if node.grad is None or len(uses) < 2:
        other = _most_used(trace)
        count = f"the output depends on {len(uses)} use{'' if len(uses) == 1 else 's'} of it"
        raise UsageError(
            f"nothing is summed at {called}",
            got="the value left the graph there" if node.grad is None else count,
            advice=f"did you mean {other.label}?" if other and other.label else "name a value used twice",
        )
    amounts, by_share, by_norm = _amounts(trace, uses, node.grad)
    chosen = (
        set(labels.largest(amounts, MOST_TERMS)) if len(uses) > MOST_TERMS + 1 else set(range(len(uses)))
    )
    in_order = sorted(chosen, reverse=True)  # the last use sends back first
    called_by = _use_labels(trace, uses, [uses[place] for place in in_order])
    terms = [
        SumTerm(label, float(amounts[place]), 1) for place, label in zip(in_order, called_by, strict=True)
    ]
    others = [place for place in range(len(uses)) if place not in chosen]
    if others:
        terms.append(SumTerm(f"{len(others):,} more", float(amounts[others].sum()), len(others)))
    total = 1.0 if by_share else float(np.linalg.norm(np.ravel(node.grad))) if by_norm else float(node.grad)
    return Sum(called, tuple(terms), total, node.grad, len(uses), by_share, by_norm)


def _most_used(trace: Trace) -> Node | None:
    """Return the value whose splitter adds most uses that the output depends on; None where there is none."""
    graph = trace.graph
    uses = np.bincount(graph.src[trace.steps >= 0], minlength=len(graph.kinds))
    best = int(np.argmax(uses))
    return Node(trace, int(graph.src[graph.first_in[best]])) if uses[best] > 1 else None


def _amounts(trace: Trace, uses: Sequence[int], total: Any) -> tuple[Column, bool, bool]:
    """Return each term: a number as it is, an array by its share of the total, or by its norm where that is zero."""
    column = trace.edge_gradients()
    is_number = not isinstance(total, np.ndarray) and not isinstance(total, complex)
    if is_number:
        return column.floats[list(uses)], False, False
    with np.errstate(all="ignore"):
        whole = np.ravel(np.asarray(total))
        scale = float(np.abs(whole).max(initial=0.0))
        if not scale:
            return trace.edge_statistics.norm[list(uses)], False, True
        whole = whole / scale
        square = float(np.vdot(whole, whole).real)
        shares = [
            float(np.vdot(whole, np.ravel(np.asarray(trace.edges[use].grad)) / scale).real) / square
            for use in uses
        ]
    return np.array(shares), True, False


def _use_labels(trace: Trace, uses: list[int], told: list[int]) -> list[str]:
    """Name uses by the line of their operation and the turns of its loops; by its code too where a line has several."""
    users = [trace.edges[edge].dst for edge in told]
    users = [user.out_edges[0].dst if user.op == "broadcast" else user for user in users]
    on_line = Counter((site.file, site.line) for site in {user.site for user in users if user.site})
    turns = Turns(trace).of_uses(uses, told)
    return [
        _use_label(user, turns.get(edge, ""), is_alone=on_line[user.site.file, user.site.line] == 1)
        if user.site
        else _use_label(user, "", is_alone=True)
        for user, edge in zip(users, told, strict=True)
    ]


def _use_label(user: Node, turn: str, *, is_alone: bool) -> str:
    if user.kind == "output":
        return f"output {labels.name(user.name or '')}".rstrip()
    site = user.site
    if site is None or not site.line:
        return str(user.op)
    text: str = shorten_code(one_line(site.text), 18)
    code = f": {text}" if not (turn and is_alone) else ""
    return f"line {site.line}{code}" + (f" ({turn})" if turn else "")


def draw_sum(trace: Trace, names: Sequence[str]) -> Plot:
    """Draw the terms of a sum one after the other, each from where the one before it ended."""
    found = splitter_sum(trace, *names)
    height = ROW * (len(found.terms) + 1)
    figure = Plot(figsize=(WIDTH, TOP + height + SIDE))
    axes: Any = figure.subplots()
    running, ends = 0.0, [0.0]
    named = found.terms if _is_to_scale(found) else found.terms[:-1]
    for place, term in enumerate(named):
        start = 0.0 if found.by_norm else running
        running = start + term.amount
        if not np.isfinite(running):  # from here on there is nothing to begin a bar at
            continue
        bar(axes, place, start, term.amount)
        ends.append(running)
        if not found.by_norm:
            axes.plot([running, running], [place - 0.31, place + 1.31], color=theme.GREY, linewidth=0.8)
    if len(named) < len(found.terms):
        _write_rest(axes, len(named), ends)
    elif np.isfinite(found.total):
        ends.append(found.total)
        axes.barh(len(found.terms), found.total, 0.62, color=theme.INK)
    amounts = [*(term.amount for term in found.terms), found.total]
    alarms = [not np.isfinite(amount) for amount in amounts]
    numbers = [_amount(found, amount) for amount in amounts]
    right = list_rows(axes, [*(term.label for term in found.terms), TOTAL], numbers, alarms)
    room = 0.04 * (max(ends) - min(ends)) or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    settle(axes, TOP, height, right)
    headline(figure, f"{shown(found.name)}: the gradient of {found.uses:,} uses, added", _unit(found))
    return figure


def _is_to_scale(found: Sum) -> bool:
    """Say whether the bars of single uses can be seen beside that of all those that are not named."""
    named, rest = found.terms[:-1], found.terms[-1]
    sizes = [abs(term.amount) for term in named]
    return (
        rest.uses == 1
        or not np.isfinite([*sizes, rest.amount]).all()
        or _SEEN * abs(rest.amount) <= sum(sizes)
    )


def _write_rest(axes: Any, place: int, ends: Sequence[float]) -> None:
    """Show with short bars what is too large for the scale of the single uses: their numbers stand beside them."""
    side = max(ends) if max(ends) >= -min(ends) else min(ends)  # where there is room
    for row in (place, place + 1):
        look = {"color": theme.PAPER, "hatch": "....", "edgecolor": theme.GREY, "linewidth": 0.8}
        axes.barh(row, 0.12 * side, 0.62, left=0.0, **look)
        write(axes, 0.16 * side, row, "not to scale", color=theme.GREY, ha="left" if side >= 0 else "right")


def _amount(found: Sum, amount: float) -> str:
    text = f"{labels.rounded(100 * amount, 3)} %" if found.by_share else labels.number(amount)
    return text if np.isfinite(amount) else f"⚠ {text}"


def _unit(found: Sum) -> str:
    if found.by_norm:
        return "by norm; they cancel: the sum is zero"
    if found.by_share:
        total = labels.norm(found.grad) if labels.is_array(found.grad) else labels.number(found.grad)
        return f"shares of the sum {total}, each term's part along it"
    return "in the order in which they came back"
