"""What may have been done where a claim has another shape than its value: a sum too few or too many, a transpose.

Used by odd_claims.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numbers_text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.claims import Claim
    from tracer.trace import Trace

_MOST_AXES = 4
_MOST_NAMES = 200
_LEAST = 2  # elements that say something
_MOST_CONSTANTS = 200


@dataclass(frozen=True, eq=False)
class Reshaped:
    """A mistake that changes the shape: what it makes, and what that should be the same as."""

    text: str
    """What was done, in words."""
    made: Any
    right: Any
    mended: str = ""
    """What it takes to be compared, where the shape alone shows it."""
    kind: str = "wrong-shape"
    start: str = ""
    """What to say in the place of the shapes."""

    def is_told_by(self, same: Callable[[Any, Any], bool]) -> bool:
        """Tell whether the numbers are those that the mistake gives."""
        return same(np.asarray(self.made), np.asarray(self.right))


def reshaped(claim: Claim, dimensions: dict[int, str]) -> Iterator[Reshaped]:
    """Yield what may have been done to a gradient, by its shape; the simplest first."""
    claimed, expected = claim.value, np.asarray(claim.node.grad)
    name = clean(claim.name)
    if max(claimed.ndim, expected.ndim) > _MOST_AXES or not claimed.size or not expected.size:
        return
    yield from _turned(claimed, expected)
    if claimed.size == expected.size:
        is_alike = _bare(claimed.shape) == _bare(expected.shape)
        mended = f"in the shape {expected.shape}" if is_alike else ""
        yield Reshaped(
            "the right numbers in another shape", claimed.reshape(expected.shape), expected, mended
        )
    yield from _not_summed(claimed, expected, dimensions)
    yield from _summed(claimed, expected, name)
    yield from _parts(claimed, expected)
    yield from _of_another(claim.node.trace, claimed, claim.node.row)


def _turned(claimed: Any, expected: Any) -> Iterator[Reshaped]:
    if claimed.ndim != expected.ndim or claimed.ndim < _LEAST:
        return
    for order in permutations(range(claimed.ndim)):
        turned = claimed.transpose(order)
        if turned.shape == expected.shape:
            is_reversed = order == tuple(reversed(range(claimed.ndim)))
            what = "it is transposed" if is_reversed else f"its axes are in the order {_inverse(order)}"
            start = f"{what}: {claimed.shape}, expected {expected.shape}"
            yield Reshaped("", turned, expected, "transposed" if is_reversed else "", "transposed", start)


def _inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(at) for at in np.argsort(order))


def _not_summed(claimed: Any, expected: Any, dimensions: dict[int, str]) -> Iterator[Reshaped]:
    """Look for axes that are too many, as one by samples has none in a weight."""
    for axes in _axes_from(claimed.shape, expected.shape):
        length = math.prod(claimed.shape[axis] for axis in axes)
        where = f"{_named(axes)}, of {length:,}"
        if len(axes) == 1 and length in dimensions:
            where += f" ({dimensions[length]})"
        total = claimed.sum(axes).reshape(expected.shape)
        yield Reshaped(f"not summed over {where}", total, expected, f"summed over {where}")
        each = np.broadcast_to(np.expand_dims(_without(expected, claimed.ndim, axes), axes), claimed.shape)
        yield Reshaped(f"the whole gradient is repeated along {where}", claimed, each)
        if not np.allclose(claimed, each):
            text = f"neither summed nor averaged over {where}, and its mean is what is right"
            yield Reshaped(text, total / length, expected)


def _summed(claimed: Any, expected: Any, name: str) -> Iterator[Reshaped]:
    """Look for axes that are too few."""
    for axes in _axes_from(expected.shape, claimed.shape):
        where = f"{_named(axes)}, along which {name} has elements of its own"
        yield Reshaped(f"summed over {where}", claimed, expected.sum(axes).reshape(claimed.shape))
        yield Reshaped(f"averaged over {where}", claimed, expected.mean(axes).reshape(claimed.shape))
        if len(axes) == 1:
            for at in range(min(expected.shape[axes[0]], _MOST_NAMES)):
                part = np.take(expected, at, axes[0]).reshape(claimed.shape)
                yield Reshaped(f"element {at} along {_named(axes)} alone", claimed, part)


def _parts(claimed: Any, expected: Any) -> Iterator[Reshaped]:
    """Look for elements that are missing at an end of an axis, or too many."""
    differ = [
        axis
        for axis in range(claimed.ndim)
        if claimed.ndim == expected.ndim and claimed.shape[axis] != expected.shape[axis]
    ]
    if len(differ) != 1:
        return
    (axis,) = differ
    few, many = sorted((claimed.shape[axis], expected.shape[axis]))
    for end, part in (("first", range(few)), ("last", range(many - few, many))):
        if claimed.shape[axis] == few:
            text = f"only the {end} {few:,} of {many:,} along axis {axis} are in it, and they are right"
            yield Reshaped(text, claimed, np.take(expected, part, axis))
        else:
            more = f"there {'is' if many - few == 1 else 'are'} {many - few:,} more"
            text = f"its {end} {few:,} along axis {axis} are right, and {more}"
            yield Reshaped(text, np.take(claimed, part, axis), expected)


def _of_another(trace: Trace, claimed: Any, own: int) -> Iterator[Reshaped]:
    """Look for another value whose gradient it is."""
    for name, _, gradient in gradients_of_others(trace, claimed.shape, own):
        yield Reshaped(f"it is the gradient of {name}", claimed, gradient)


def gradients_of_others(trace: Trace, shape: tuple[int, ...], own: int) -> Iterator[tuple[str, int, Any]]:
    """Yield the gradients of inputs and variables that have a shape, by name and row; none that is all zero."""
    from tracer.views import Node  # noqa: PLC0415  (for what has a name alone)

    named = [(name, row) for row, name in trace.input_rows.items()]
    named += [(each.name, int(rows[0])) for each, rows in trace.sites.variables.items() if len(rows) == 1]
    count = 0
    for name, row in named:
        if row == own or not trace.gradients.reached[row] or np.shape(trace.recording.values[row]) != shape:
            continue
        gradient = np.asarray(Node(trace, int(trace.graph.node_of_row[row])).grad)
        if gradient.size >= _LEAST and np.any(gradient):
            yield clean(name), row, gradient
            count += 1
        if count == _MOST_NAMES:
            return


def _axes_from(longer: tuple[int, ...], shorter: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the axes without which one shape is another, whether they are kept as axes of one element or not."""
    bare = _bare(shorter)
    for count in range(1, len(longer) + 1):
        for axes in combinations(range(len(longer)), count):
            rest = tuple(length for axis, length in enumerate(longer) if axis not in axes)
            if all(longer[axis] != 1 for axis in axes) and _bare(rest) == bare:
                yield axes


def _bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without its axes of one element."""
    return tuple(length for length in shape if length != 1)


def _without(expected: Any, dimensions: int, axes: tuple[int, ...]) -> Any:
    """Return what is right without axes of one element that were kept."""
    wanted = dimensions - len(axes)
    spare = [axis for axis, length in enumerate(expected.shape) if length == 1]
    return np.squeeze(expected, tuple(spare[: expected.ndim - wanted]))


def _named(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"the axes {' and '.join(map(str, axes))}"


def dimensions_of(trace: Trace) -> dict[int, str]:
    """Return the lengths of the axes of inputs and constants, by which people divide."""
    found: dict[int, str] = {}
    values = trace.recording.values.others
    for row, name in trace.input_rows.items():
        for axis, length in enumerate(np.shape(values.get(row, 0.0))):
            found.setdefault(int(length), f"axis {axis} of {clean(name)}")
    for constant in list(trace.recording.constants.others.values())[:_MOST_CONSTANTS]:
        for axis, length in enumerate(np.shape(constant)):
            found.setdefault(int(length), f"axis {axis} of a constant array")
    return found
