"""A diff as text: what is new and gone, the first difference in each direction, the inputs, and the places."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tracer.diagnose.cause import Operation, written
from tracer.diagnose.tree import WIDTH, cut_short
from tracer.numbers_text import clean, number, operand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.cause import Cause
    from tracer.diagnose.diff import Diff, Group, InputChange, Lone

SHOWN = 10  # places, inputs and operations of one kind; the largest first


def render(diff: Diff, width: int = WIDTH) -> str:
    """Write a diff as text of at most `width` characters a line."""
    lines = [cut_short(_title(diff), width)]
    lines += _wrapped([_counts(diff)], width, "")
    for heading, lone in (
        ("removed: in the first trace alone", diff.removed),
        ("added: in the second trace alone", diff.added),
    ):
        if lone:
            lines += ["", heading, *_table([_lone(each) for each in lone], width)]
    for heading, cause, what in (
        ("forward, the first value that differs", diff.first_value, "value"),
        ("backward, the first gradient that differs", diff.first_gradient, "gradient"),
    ):
        if cause is not None:
            lines += ["", heading, *_cause(cause, what, width)]
    if diff.inputs:
        lines += ["", "inputs that differ", *_table([_input(each) for each in diff.inputs], width)]
    if diff.outputs:
        outputs = [(each.name or "the result", written(each.value)) for each in diff.outputs]
        lines += ["", "outputs that differ", *_table(outputs, width)]
    for heading, groups in (
        ("values that differ, the largest change first", diff.values),
        ("gradients that differ, the largest change first", diff.gradients),
    ):
        if groups:
            lines += ["", heading, *_table([_group(each) for each in groups], width)]
    if diff.notes:
        lines += ["", *_wrapped([f"note: {clean(note)}" for note in diff.notes], width, "")]
    return "\n".join(lines)


def _title(diff: Diff) -> str:
    names = dict.fromkeys((clean(diff.function_a), clean(diff.function_b)))
    return f"{' → '.join(names)}: {'no difference' if diff.same else 'different'}"


def _counts(diff: Diff) -> str:
    counts = dict.fromkeys((diff.operations_a, diff.operations_b))
    operations = " → ".join(f"{count:,}" for count in counts)
    told = [
        f"{operations} operations, {diff.matched:,} matched",
        f"{diff.values_differing:,} of {diff.values_compared:,} values differ",
    ]
    if diff.edges_compared or diff.gradients:
        edges = "matched edges into operations and splitters"
        told.append(f"{diff.edges_differing:,} of {diff.edges_compared:,} {edges} differ")
    return "; ".join(told) + f" (beyond {_tolerance(diff)})"


def _tolerance(diff: Diff) -> str:
    relative = "1e-9 for float64, 1e-4 for float32" if diff.rtol is None else number(diff.rtol)
    return f"rtol {relative}" + (f", atol {number(diff.atol)}" if diff.atol else "")


def _cause(cause: Cause, what: str, width: int) -> list[str]:
    heading = (
        str(cause.operation)
        if cause.kind == "output"
        else f"{_place(cause.operation, cause.old_line)}: {written(cause.change)}"
    )
    lines = _wrapped([heading], width, "  ") + _wrapped([cause.message], width, "    ")
    if cause.follow > 0:
        one = cause.follow == 1
        lines += [f"    {cause.follow:,} other {what}{'' if one else 's'} differ{'s' if one else ''}"]
    return lines


def _place(operation: Operation, old_line: int) -> str:
    text = str(operation)
    if old_line and operation.line and old_line != operation.line:
        return text.removesuffix(")") + f", was {old_line})"
    return text


def _lone(lone: Lone) -> tuple[str, ...]:
    return (str(lone.operation), f"{lone.count:,} ×")


def _input(change: InputChange) -> tuple[str, ...]:
    value = f"value {written(change.value)}" if change.value else "value the same"
    gradient = f"gradient {written(change.gradient)}" if change.gradient else ""
    return (clean(change.name), value, gradient)


def _group(group: Group) -> tuple[str, ...]:
    place = _place(group.operation, group.old_line)
    if group.port is not None:
        place = f"sum over the uses of {place}" if group.port < 0 else f"{place}, {operand(group.port)}"
    count = f"{group.differing:,} of {group.total:,}"
    begin = (
        "begins here" if group.born == group.total else f"{group.born:,} begin here" if group.born else ""
    )
    return (place, written(group.change), count if group.total > 1 else "", begin)


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    """Lay out rows in columns, the first cut where they don't fit; and say how many are left out."""
    shown = rows[:SHOWN]
    rest = [max(len(row[column]) for row in shown) for column in range(1, len(shown[0]))]
    room = max(width - 2 - sum(each + 2 for each in rest if each), 12)
    first = min(max(len(row[0]) for row in shown), room)
    lines = []
    for row in shown:
        cells = [cut_short(row[0], first).ljust(first)]
        cells += [cell.ljust(size) for cell, size in zip(row[1:], rest, strict=True) if size]
        lines.append(cut_short(f"  {'  '.join(cells)}".rstrip(), max(width, 12)))
    if len(rows) > SHOWN:
        lines.append(f"  … {len(rows) - SHOWN:,} more")
    return lines


def _wrapped(texts: Sequence[str], width: int, indent: str) -> list[str]:
    return [
        line
        for text in texts
        for line in textwrap.wrap(
            text,
            width,
            initial_indent=indent,
            subsequent_indent=indent + ("  " if indent else ""),
            break_on_hyphens=False,
        )
    ]
