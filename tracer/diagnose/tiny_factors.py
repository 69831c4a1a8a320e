"""Inputs that one saturated value, or one tiny factor, keeps from having any influence: `vanishing`, in one pass.

That a factor is tiny says nothing, as units are; that doubling an input would not change the output does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.passes import and_more, columns_of
from tracer.diagnose.scale import influence, output_size
from tracer.graph import operand_value
from tracer.numbers_text import power_of_ten
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding
    from tracer.diagnose.passes import Passes, Stretch
    from tracer.diagnose.way import Numbers

UNNOTICED = -6.0
"""Powers of ten: doubling an input that does less than that to the output is not what any step does."""
ROUNDING = float(np.log10(np.finfo(np.float64).eps))
"""Powers of ten: beneath it, doubling a value does not change the last digit of a result of its own size."""
LOOKED_AT = 64
"""Inputs of little influence, those of the least first; more seldom show another cause."""
MOST_STEPS = 1 << 20
"""Operations on the ways that are looked at, together, but for the last: they take a fifth of a second."""
STEPS_OF_SOFTMAX = 6
"""Operations from an exponential to the quotient, at most: a choice, a sum, a shape."""
_EXP = OP_NUMBERS["exp"]
_DIVIDES = columns_of("divide", "reciprocal")
_LOGARITHMS = columns_of("log", "log1p", "log2", "log10")
STUCK = 4.0
"""Powers of ten: what takes the logarithm of a probability and has little influence is satisfied; with a smaller one
than this, as by a sigmoid that is saturated at the wrong end, stuck."""
_FACTORS = frozenset(("multiply", "divide"))
_SATURATED = "scale its argument down, or compute the loss from the argument itself, as with logits"
_ABSORBED = "bring the terms of the output to one scale"


def find(passes: Passes, most_passes: int) -> list[Finding]:
    """Return one finding for each operation that takes all influence from inputs in at most so many passes."""
    inputs, sizes, gain = passes.inputs, passes.ways.sizes, passes.ways.gain
    influences = influence(passes.trace, inputs, sizes)
    scale = max(output_size(passes.trace), float(np.max(influences, initial=0.0)))
    is_small = (influences <= 10.0**UNNOTICED * scale) & (sizes[inputs] > 0)
    if not is_small.any():
        return []
    is_small &= passes.ways.total(np.minimum(gain, 0.0))[inputs] <= UNNOTICED
    order = np.argsort(influences[is_small], kind="stable")[:LOOKED_AT]
    found: dict[int, list[tuple[Stretch, int]]] = {}
    steps = 0
    for at in np.flatnonzero(is_small)[order].tolist():
        is_nothing = influences[at] < 10.0**ROUNDING * scale
        way = passes.ways.rows_from(int(inputs[at]))
        steps += len(way)
        ops = passes.ops[passes.users[way]]
        logarithms = passes.users[way[_LOGARITHMS[ops]]]
        is_satisfied = _is_satisfied(passes, logarithms)
        is_array = int(inputs[at]) in passes.trace.recording.values.others
        has_softmax = (is_array or len(logarithms) > 0) and _is_softmax(ops)
        for stretch in passes.stretches(way, gain, passes.ways.sent):
            if stretch.passes <= most_passes and _takes_all(stretch, is_satisfied, has_softmax, is_nothing):
                found.setdefault(int(stretch.rows[0]), []).append((stretch, int(inputs[at])))
                break
        if steps > MOST_STEPS:
            break
    return [_finding(passes, spoiled) for spoiled in found.values()]


def _is_satisfied(passes: Passes, logarithms: Numbers) -> bool:
    """Say whether logarithms are taken on a way, and not all of them of next to nothing."""
    recording = passes.trace.recording
    operands = (operand_value(recording, int(recording.starts[row])) for row in logarithms.tolist())
    return not all(bool(np.all(np.abs(each) < 10.0**-STUCK)) for each in operands)


def _is_softmax(ops: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> bool:
    """Say whether an exponential is divided by, or by what was made of it, soon after."""
    return any(
        _DIVIDES[ops[at : at + STEPS_OF_SOFTMAX]].any() for at in np.flatnonzero(ops == _EXP).tolist()
    )


def _takes_all(stretch: Stretch, is_satisfied: bool, has_softmax: bool, is_nothing: bool) -> bool:
    """Say whether an operation is what takes the influence; `is_nothing`: rounding leaves nothing of it."""
    if stretch.is_saturating or (has_softmax and stretch.name == "exp"):
        return stretch.change <= UNNOTICED and not is_satisfied
    return is_nothing and stretch.name in _FACTORS and stretch.change <= ROUNDING


def _finding(passes: Passes, spoiled: Sequence[tuple[Stretch, int]]) -> Finding:
    stretch, row = spoiled[0]
    ways = [passes.ways.rows_from(row) for _, row in spoiled]
    before = [
        way[: np.flatnonzero(way == stretch.rows[0])[0] + 1]
        for way, (stretch, _) in zip(ways, spoiled, strict=True)
    ]
    edges = len(np.unique(np.concatenate(before)))
    is_saturated = stretch.is_saturating or stretch.name not in _FACTORS
    how = "saturated" if is_saturated else "so small a factor that rounding takes the rest"
    whole = passes.ways.change(passes.ways.rows_from(row))
    own, in_all = power_of_ten(stretch.told), power_of_ten(whole)
    message = (
        f"{passes.called(row)} loses its gradient: {passes.told(stretch)} is {how} and multiplies it by {own}"
        f"{f'; {in_all} in all' if in_all != own else ''}{and_more(len(spoiled))}"
    )
    advice = _SATURATED if is_saturated else _ABSORBED
    numbers = {"inputs": len(spoiled), "spoiled": edges, "log10_whole": whole}
    return passes.finding("vanishing", "warning", stretch, message, advice, numbers)
