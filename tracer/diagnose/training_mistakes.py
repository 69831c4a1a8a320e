"""The mistakes of a training loop: a decay or a step in the gradient, one example of many, another value's gradient.

Hypotheses as in mistakes.py, whose table they are part of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.composed_rules import name_of
from tracer.diagnose.reshaped import gradients_of_others
from tracer.diagnose.runs_behind import reached_from
from tracer.diagnose.terms import described
from tracer.graph import operand_value
from tracer.numbers_text import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.question import Question
    from tracer.views import Node

    Array = np.ndarray[Any, Any]

_LEAST = 2  # elements that tell a number times an array from another
_PARALLEL = 1e-9  # of what is left of one array beside another
_MATRIX = 2
_NEARLY = 1e-6  # of a factor
_MOST_USES = 50
_MOST_PARTS = 500
_MOST_NUMBERS = 1 << 20  # of what the examples of a product bring, one by one


def factor_along(wanted: Any, direction: Any) -> float:
    """Return how many times a direction is nearest to what is wanted; zero where that says nothing."""
    wanted, direction = np.ravel(wanted), np.ravel(direction)
    is_real = not np.iscomplexobj(wanted) and not np.iscomplexobj(direction)
    if not is_real or wanted.shape != direction.shape or np.count_nonzero(direction) < _LEAST:
        return 0.0
    square = float(np.sum(direction * direction))
    factor = float(np.sum(wanted * direction)) / square if square and np.isfinite(square) else 0.0
    return factor if np.isfinite(factor) else 0.0


def _is_parallel(left: Any, right: Any) -> bool:
    """Tell whether a factor of one array would be as good as one of the other."""
    rest = left - factor_along(left, right) * right
    return bool(np.abs(rest).max(initial=0.0) <= _PARALLEL * np.abs(left).max(initial=0.0))


def of_weights(asked: Question) -> Iterator[tuple[str, float, str]]:
    """Look for a decay of the weight that is in its gradient, and for the weight itself after a step."""
    value, total, claimed = np.asarray(asked.terms.node.value), asked.total, asked.claimed
    if not np.any(value) or claimed.shape != total.shape or total.ndim == 0 or _is_parallel(total, value):
        return
    name, change = asked.name, claimed - total
    for what, direction in ((name, value), (f"the sign of {name}", np.sign(value))):
        share = factor_along(change, direction)
        if share and not _is_parallel(total, direction) and asked.is_made_by(total + share * direction):
            done = "is added to" if share > 0 else "is taken from"
            yield "weight-decay", 2.5, f"{number(abs(share))} × {what} {done} it, as weight decay"
    step = factor_along(claimed - value, total)
    does_value_show = not asked.same(claimed, step * total)
    if does_value_show and asked.is_made_by(value + step * total):
        how = "less" if step < 0 else "plus"
        text = f"it is {name} {how} {number(abs(step))} × its gradient: the updated value in place of the gradient"
        yield "step", 2, text if step else f"it is the value of {name}"


def of_others(asked: Question) -> Iterator[tuple[str, float, str]]:
    """Look for another value whose gradient is claimed; what the value goes on to is a matter of the rules between."""
    node = asked.terms.node
    if asked.total.ndim == 0 or node.row < 0:
        return
    behind: set[int] | None = None
    for name, row, gradient in gradients_of_others(node.trace, asked.total.shape, node.row):
        if asked.is_made_by(gradient):
            behind = reached_from(node.trace, node.row) if behind is None else behind
            if row not in behind:
                yield "swapped", 2, f"it is the gradient of {name}"


def of_triangles(asked: Question) -> Iterator[tuple[str, float, str]]:
    """Look for the gradient along symmetric changes, where the program reads one triangle of a matrix."""
    total, claimed = asked.total, asked.claimed
    is_square = total.ndim == _MATRIX and total.shape[0] == total.shape[1] and claimed.shape == total.shape
    if not is_square or (np.any(np.tril(total, -1)) and np.any(np.triu(total, 1))):
        return
    halved = (total + total.T) / 2
    share = factor_along(claimed, halved)
    if share and np.any(halved - total) and asked.is_made_by(share * halved):
        text = f"it is right along symmetric changes alone: the program reads one triangle of {asked.name}, whose "
        text += "elements get all; claimed is half for each of a pair"
        is_one = abs(share - 1) <= _NEARLY
        yield "symmetric", 1 if is_one else 2.5, text if is_one else f"{text}, {number(share)} times"


def of_examples(asked: Question) -> Iterator[tuple[str, float, str, int]]:
    """Look for a product with many examples of which one alone is in the gradient, or all but one."""
    terms = asked.terms
    if not 0 < terms.count <= _MOST_USES or asked.claimed.shape != asked.total.shape:
        return
    for at in range(terms.count):
        use = terms.use(at)
        wanted = asked.claimed - (asked.total - terms.terms[at].reshape(asked.total.shape))
        for axis, parts in _examples(use, terms.node.row, terms.gradient(use)):
            what = f"axis {axis} of what {described(use, terms.follower.turns)} takes"
            where = f"it is a sum over {len(parts):,} examples, {what}"
            for text, made in _one_of(parts, wanted, where):
                if asked.is_made_by(asked.total - terms.terms[at].reshape(asked.total.shape) + made):
                    yield "missing-uses", 2, text, at


def one_of_copies(asked: Question) -> Iterator[tuple[str, float, str, int]]:
    """Look for one of the copies of a broadcast, as of a bias to samples, or all but one."""
    copies = asked.terms.sent_to_copies
    wanted = np.ravel(asked.claimed)
    if copies is None or not np.any(wanted) or wanted.shape != copies.shape[-1:]:
        return
    for axis in range(copies.ndim - 1):
        parts = np.moveaxis(copies, axis, 0)
        parts = parts.sum(tuple(range(1, parts.ndim - 1)))
        if len(parts) > 1:
            along = f", axis {axis} of {copies.ndim - 1}" if copies.ndim > _MATRIX else ""
            where = f"{asked.name} is broadcast to {len(parts):,} copies{along}, whose gradients are added"
            for text, made in _one_of(parts, wanted, where):
                if asked.is_made_by(made):
                    yield "missing-uses", 2, text, 0


def _one_of(parts: Any, wanted: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield what one part of many is, all but one, or one as if it were the mean of all; the likeliest of each."""
    count = len(parts)
    lines, goal = parts.reshape(count, -1), np.ravel(wanted)
    whole = lines.sum(0)
    inner, squares = lines @ goal, np.sum(lines * lines, 1)
    of_rest = lines @ (whole - goal)
    for kind, times, cost in (
        ("only", 1, squares - 2 * inner),
        ("without", 1, squares - 2 * of_rest),
        ("only", count, count**2 * squares - 2 * count * inner),
    ):
        at = int(np.argmin(cost))
        if not np.any(lines[at]) or (count == _LEAST and kind == "without"):
            continue
        name = {0: "the first", count - 1: "the last"}.get(at, f"number {at:,}, from 0,")
        if kind == "without":
            yield f"{where}; {name} is missing", (whole - lines[at]).reshape(wanted.shape)
            continue
        how = f", {count:,} times: its own gradient in place of the mean over all"
        if times == 1:
            how = ": overwritten with = instead of +=" if at in (0, count - 1) else ""
        yield f"{where}; only {name} is in it{how}", (times * lines[at]).reshape(wanted.shape)


def _examples(use: Node, row: int, upstream: Any) -> Iterator[tuple[int, Array]]:
    """Yield, for each axis that a product of two arrays sums over on the way back, what each place along it brings."""
    recording = use.trace.recording
    first, stop = int(recording.starts[use.row]), int(recording.starts[use.row + 1]) if use.row >= 0 else 0
    if use.row < 0 or name_of(use.trace, use.row) not in ("matmul", "dot") or stop - first != _MATRIX:
        return
    is_left = int(recording.operands[first]) == row
    other = np.asarray(operand_value(recording, first + 1 if is_left else first))
    weight = np.asarray(recording.values[row])
    upstream = np.asarray(upstream)
    if (
        weight.ndim != _MATRIX
        or other.ndim < _MATRIX
        or upstream.ndim != other.ndim
        or np.iscomplexobj(upstream)
    ):
        return
    if is_left and other.ndim == _MATRIX:  # W @ X, whose examples are columns
        left, right, axes = upstream.T, other.T, range(1, 2)
    elif not is_left:
        left, right, axes = other, upstream, range(other.ndim - 1)
    else:
        return
    for axis in axes:
        moved = np.moveaxis(left, 0 if is_left else axis, 0), np.moveaxis(right, 0 if is_left else axis, 0)
        count = len(moved[0])
        if count > 1 and count * weight.size <= _MOST_NUMBERS:
            flat = [each.reshape(count, -1, each.shape[-1]) for each in moved]
            yield axis, np.einsum("eki,ekj->eij", *flat)


def of_overwritten_parts(asked: Question) -> Iterator[tuple[str, float, str, tuple[int, ...]]]:
    """Look for parts of an array, as the windows of a convolution, that overwrite what others have put there."""
    terms, trace = asked.terms, asked.terms.node.trace
    if not 1 < terms.count <= _MOST_PARTS or asked.claimed.shape != asked.total.shape:
        return
    uses = [terms.use(at) for at in range(terms.count)]
    if any(use.row < 0 or name_of(trace, use.row) != "getitem" for use in uses):
        return
    for order in (range(terms.count), range(terms.count)[::-1]):
        made = np.zeros_like(asked.total)
        for at in order:
            index = trace.recording.params[uses[at].row]["index"]
            made[index] = terms.terms[at].reshape(made.shape)[index]
        if asked.is_made_by(made):
            text = f"parts of {asked.name} overlap, and each overwrote what others had put there, with d[i] = g"
            yield "missing-uses", 1.5, f"{text} in place of d[i] += g", tuple(range(terms.count))
            return
