"""Operations that people differentiate as one: a sigmoid that is written out, a softmax, and either with its loss.

Where they end, and what is written down in the place of their derivative. Used by wrong_rules.py and local_rules.py.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.graph import operand_value
from tracer.numbers_text import number
from tracer.operations import OP_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.trace import Trace

SIGMOID, SOFTMAX, NORMALISED = "expit", "softmax", "normalised"
_NEAR = 1e-6
_MATRIX = 2


def name_of(trace: Trace, row: int) -> str:
    """Return the name of an operation, the same for numbers and arrays."""
    return OP_NAMES[int(trace.recording.ops[row])].removesuffix("_scalars")


def end_of(trace: Trace, name: str, row: int) -> int | None:
    """Return where a composed operation of a name ends whose first operation is a row; None where none begins."""
    return _ENDS[name](trace, row)


def composed(trace: Trace, row: int) -> Iterator[tuple[str, int]]:
    """Yield the composed operations that begin with a row, by name, and where they end."""
    for name in _ENDS:
        if (end := end_of(trace, name, row)) is not None:
            yield name, end


def _end_of_sigmoid(trace: Trace, row: int) -> int | None:
    """Look for 1/(1 + exp(-x))."""
    for name, one in (("negative", False), ("exp", False), ("add", True), ("divide", True)):
        if name != "negative":
            users = _users(trace, row)
            if len(users) != 1:
                return None
            row = users[0]
        if name_of(trace, row) != name:
            return None
        start, stop = int(trace.recording.starts[row]), int(trace.recording.starts[row + 1])
        given = [slot for slot in range(start, stop) if trace.recording.operands[slot] < 0]
        if one and (len(given) != 1 or np.any(np.asarray(operand_value(trace.recording, given[0])) != 1)):
            return None
        if name == "divide" and given != [start]:
            return None
    return row


def _end_of_softmax(trace: Trace, row: int) -> int | None:
    """Look for exp(x)/Σ exp(x), or of x less its largest, however the sum is made: what it divides adds up to one."""
    recording = trace.recording
    if name_of(trace, row) == "subtract":  # of the largest, which the derivative knows nothing of
        row = next((user for user in _users(trace, row) if name_of(trace, user) == "exp"), row)
    if name_of(trace, row) != "exp" or not np.ndim(recording.values[row]):
        return None
    for user in _users(trace, row):
        is_share = name_of(trace, user) == "divide" and recording.operands[recording.starts[user]] == row
        if is_share and axis_of_softmax(recording.values[user], recording.values[row]) is not None:
            return user
    return None


def _end_of_normalised(trace: Trace, row: int) -> int | None:
    """Look for what is less its mean, divided by its standard deviation, as in a layer norm or a batch norm."""
    recording = trace.recording
    centred = np.asarray(recording.values[row])
    if name_of(trace, row) != "subtract" or centred.ndim == 0 or np.iscomplexobj(centred):
        return None
    for user in _users(trace, row)[:_MOST_USERS]:
        is_scaled = name_of(trace, user) in ("divide", "multiply") and row in _operands(trace, user)
        if (
            is_scaled
            and scales_of(centred, recording.values[user]) is not None
            and _leads_to(trace, row, user)
        ):
            return user
    return None


def _operands(trace: Trace, row: int) -> list[int]:
    operands: list[int] = trace.recording.operands[
        trace.recording.starts[row] : trace.recording.starts[row + 1]
    ].tolist()
    return operands


def _leads_to(trace: Trace, centred: int, end: int) -> bool:
    """Tell whether what a centred value is divided by is computed from what was centred."""
    source = _operands(trace, centred)[0]
    pending = [each for each in _operands(trace, end) if each != centred]
    seen = set(pending)
    while pending:
        at = pending.pop()
        if at in (source, centred):
            return at >= 0
        new = {each for each in _operands(trace, at) if each >= source} - seen if at >= 0 else set()
        seen |= new
        pending += new
    return False


def scales_of(centred: Any, normal: Any) -> tuple[tuple[int, ...], Any, float] | None:
    """Return the axes over which a value was normalised, one over its deviation, and the constant in that; or None."""
    centred, normal = np.asarray(centred), np.asarray(normal)
    if centred.shape != normal.shape or not centred.size:
        return None
    last = centred.ndim - 1
    for axes in (
        (last,),
        *((axis,) for axis in range(last)),
        *combinations(range(centred.ndim), 2),
        (0, 2, 3),
    ):
        if max(axes) > last or any(centred.shape[axis] < 2 for axis in axes):
            continue
        squares = np.mean(centred**2, axes, keepdims=True)
        is_centred = np.abs(np.mean(centred, axes, keepdims=True)) <= _NEAR * np.sqrt(squares)
        if not np.all(is_centred & (squares > 0)):
            continue
        scale = np.mean(normal * centred, axes, keepdims=True) / squares
        added = 1 / scale**2 - squares
        is_so = np.allclose(normal, scale * centred, rtol=_NEAR) and np.all(scale > 0)
        if is_so and np.ptp(added) <= _NEAR * np.max(squares) and np.min(added) >= -_NEAR * np.max(squares):
            return axes, scale, float(np.mean(added))
    return None


_MOST_USERS = 10

_ENDS: dict[str, Callable[[Trace, int], int | None]] = {
    SIGMOID: _end_of_sigmoid,
    SOFTMAX: _end_of_softmax,
    NORMALISED: _end_of_normalised,
}


def _users(trace: Trace, row: int) -> list[int]:
    slots = np.flatnonzero(trace.recording.operands == row)
    return [int(trace.graph.slot_consumer[slot]) for slot in slots]


def axis_of_softmax(shares: Any, exponentials: Any = None) -> int | None:
    """Return the axis along which something adds up to one; None where there is none."""
    shares = np.asarray(shares)
    for axis in reversed(range(shares.ndim)):
        is_one = np.allclose(shares.sum(axis), 1.0, atol=_NEAR) and shares.shape[axis] > 1
        if is_one and exponentials is not None:
            is_one = np.allclose(
                exponentials / np.sum(exponentials, axis, keepdims=True), shares, atol=_NEAR
            )
        if is_one:
            return axis
    return None


def is_in_logarithm(trace: Trace, row: int) -> bool:
    """Tell whether what a row gives goes into a logarithm, or what is a step from it: 1 less it, elements of it."""
    near = [row, *(each for each in _users(trace, row) if name_of(trace, each) in _BEFORE_LOGARITHM)]
    return any(name_of(trace, user) == "log" for each in near for user in _users(trace, each))


_BEFORE_LOGARITHM = frozenset({"subtract", "add", "getitem", "clip", "maximum"})


def slips_of_sigmoid(trace: Trace, end: int, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is sent back instead by a sigmoid under its cross entropy, whose derivative is y less the label."""
    y = np.asarray(trace.recording.values[end])
    if is_in_logarithm(trace, end) and np.all(upstream):
        weight = np.where(upstream < 0, -upstream * y, upstream * (1 - y))  # of a label of 1, of 0
        if np.allclose(weight, weight.flat[0]):
            yield "y in place of y − label, the gradient of sigmoid and cross entropy as one", weight * y


def slips_of_softmax(trace: Trace, end: int, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a softmax sends back by wrong rules, less what is right; y is what it gives, g what arrives."""
    y = np.asarray(trace.recording.values[end])
    axis = axis_of_softmax(y)
    if axis is None or np.shape(upstream) != y.shape:
        return
    inner = np.sum(upstream * y, axis, keepdims=True)
    right = y * (upstream - inner)
    rule = "y·(g − Σ g·y) (y is the softmax, g its upstream)"
    wrong = [
        (f"y·(1 − y)·g, the diagonal alone, in place of {rule}", y * (1 - y) * upstream),
        (f"y·g in place of {rule}", y * upstream),
        (f"y·(g − Σ g) in place of {rule}", y * (upstream - np.sum(upstream, axis, keepdims=True))),
        (f"y·(g + Σ g·y) in place of {rule}", y * (upstream + inner)),
        (f"g − Σ g·y in place of {rule}", upstream - inner),
        (f"y·(1 − y) too many after {rule}", right * y * (1 - y)),
        (f"{rule}, left out", upstream),
    ]
    if y.ndim == _MATRIX:
        over_other = np.sum(upstream * y, 1 - axis, keepdims=True)
        wrong.append((f"the sum over axis {1 - axis}, not {axis}, in {rule}", y * (upstream - over_other)))
    if np.all(upstream <= 0) and is_in_logarithm(trace, end):
        told = "y in place of y − label, the gradient of softmax and cross entropy as one"
        wrong.append((told, -inner * y))
    yield from ((text, made - right) for text, made in wrong)


def slips_of_normalised(trace: Trace, end: int, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a normalisation sends back by wrong rules, less what is right."""
    normal = np.asarray(trace.recording.values[end])
    for row in _operands(trace, end):
        found = scales_of(trace.recording.values[row], normal) if row >= 0 else None
        if found is not None and np.shape(upstream) == normal.shape:
            break
    else:
        return
    axes, scale, added = found
    centred = normal / scale

    def mean(array: Any, over: tuple[int, ...] = axes) -> Any:
        return np.mean(array, over, keepdims=True)

    def sent(g: Any, y: Any, average: Any = mean) -> Any:
        return g - average(g) - y * average(g * y)

    right = sent(upstream, normal) * scale
    count = normal.size // scale.size
    rule = "(g − mean g − y·mean(g·y))/s (y is the normalised value, s the deviation, g the upstream)"
    wrong = [
        (f"the division by the deviation left out of {rule}", right / scale),
        (f"divided by s² in {rule}", right * scale),
        (
            f"sums in place of the means in {rule}",
            sent(upstream, normal, lambda a: count * mean(a)) * scale,
        ),
        (f"the centred value in place of y in {rule}", sent(upstream, centred) * scale),
    ]
    if added > _NEAR * float(np.mean(centred**2)):
        bare = 1 / np.sqrt(mean(centred**2))
        told = f"the {number(added)} that is added left out of s in {rule}"
        wrong += [
            (told, sent(upstream, normal) * bare),
            (f"{told} and y", sent(upstream, centred * bare) * bare),
        ]
    for axis in range(normal.ndim):
        if axis not in axes:
            told = f"means over axis {axis}, not {', '.join(map(str, axes))}, in {rule}"
            wrong.append((told, sent(upstream, normal, lambda a, over=(axis,): mean(a, over)) * scale))
    yield from ((text, made - right) for text, made in wrong)
