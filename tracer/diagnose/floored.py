"""Logarithms of probabilities, kept from infinity by a small number, log(p + 1e-12), that lose their gradient by it.

Where p is far below what is added, the gradient is that of the small number, next to none: such an example is the one
that is most wrong, and the one that nothing is learnt from. Where that is so of all of them, tiny_factors.py tells it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.fates import parameters_of
from tracer.diagnose.finding import Finding
from tracer.diagnose.otherwise import MATERIAL, changed_by
from tracer.diagnose.spread import has_gradients
from tracer.graph import operand_value
from tracer.numbers_text import norm, number
from tracer.operations import OP_NUMBERS
from tracer.rules.arrange import ARRANGE
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.trace import Trace

_LOGARITHMS = {OP_NUMBERS["log"]: 1.0, OP_NUMBERS["log2"]: np.log(2.0), OP_NUMBERS["log10"]: np.log(10.0)}
_ADD, _EXP = OP_NUMBERS["add"], OP_NUMBERS["exp"]
_QUOTIENTS = {OP_NUMBERS["divide"]: 1, OP_NUMBERS["reciprocal"]: 0}  # and the port of what is divided by
_PROBABILITIES = {OP_NUMBERS[name] for name in ("softmax", "expit") if name in OP_NUMBERS}
# What leaves a probability one, or adds up some of them
_KEEPING = {
    OP_NUMBERS[name]
    for name in (
        *(
            "getitem",
            "item",
            "reshape",
            "ravel",
            "squeeze",
            "expand_dims",
            "transpose",
            "broadcast_to",
            "copy",
        ),
        *("sum", "subtract", "multiply", "maximum", "minimum", "clip", "concatenate", "stack"),
        *ARRANGE,
    )
    if name in OP_NUMBERS
}
_SMALL = 1e-3  # what is added to a logarithm's argument for safety
_FAR = 1e-3  # of it: a probability below that has lost all but a thousandth of its gradient
_ALIVE = 1e-6  # of what the gradient would be: with less than that, all of it is lost
_STEPS, _STEPS_OF_SOFTMAX = 16, 6  # operations that are followed back
_MOST = 10_000  # logarithms that are looked at one by one


class _Lost(NamedTuple):
    """A logarithm whose gradient goes to what was added to probabilities, and not to them."""

    row: int
    operand: int
    floor: float
    lost: int  # elements
    of: int
    gradient: Any  # that the probabilities get less; of those that are 0 it is not known
    weight: float  # how much the logarithms of those that are lost count, as far as they are 0
    rest: float  # how much the others count, as far as they are not near 1


def find(trace: Trace) -> list[Finding]:
    """Find the logarithms whose argument is what was added to it for safety, where that decides a gradient."""
    if not has_gradients(trace):
        return []
    places: dict[int, list[_Lost]] = {}
    for each in _lost(trace):
        places.setdefault(int(trace.sites.row_places[each.row]), []).append(each)
    worst = max(places.values(), key=len, default=None)
    # One finding alone: each is a pass over the graph, and the cure is one for all
    found = _finding(trace, worst) if worst else None
    return [found] if found else []


def _lost(trace: Trace) -> Iterator[_Lost]:
    recording, values = trace.recording, trace.recording.values
    rows = np.flatnonzero(np.isin(recording.ops, list(_LOGARITHMS)) & trace.gradients.reached)
    for row in rows[:_MOST].tolist():
        total = int(recording.operands[recording.starts[row]])
        if total < 0 or recording.ops[total] != _ADD or is_complex(values[total]):
            continue
        first = int(recording.starts[total])
        producers = recording.operands[first : first + 2].tolist()
        if (producers[0] < 0) == (producers[1] < 0):
            continue
        of_constant = int(producers[1] < 0)
        operand, floor = producers[1 - of_constant], operand_value(recording, first + of_constant)
        if np.ndim(floor) or not 0 < floor < _SMALL:
            continue
        if np.shape(values[operand]) == np.shape(values[row]):
            yield from _lost_in(trace, row, operand, float(floor))


def _lost_in(trace: Trace, row: int, operand: int, floor: float) -> Iterator[_Lost]:
    x = np.asarray(trace.recording.values[operand], np.float64)
    upstream = np.asarray(trace.gradients.row(row), np.float64) / _LOGARITHMS[int(trace.recording.ops[row])]
    sizes = np.abs(upstream)
    # One that is weighted with itself, as in an entropy, or by a label of 0, does not count.
    is_lost = (x >= 0) & (x < _FAR * floor) & (sizes > _FAR * np.max(sizes, initial=0.0))
    if is_lost.any() and _is_probability(trace, operand):
        whole = np.divide(1.0, x, out=np.zeros_like(x), where=is_lost & (x > 0))
        gradient = np.where(is_lost & (x > 0), whole - 1.0 / (x + floor), 0.0) * upstream
        weight = float(np.sum(sizes, where=is_lost & (x == 0)))
        rest = float(np.sum(sizes * np.clip(1.0 - x, 0.0, 1.0), where=~is_lost))
        yield _Lost(row, operand, floor, int(np.count_nonzero(is_lost)), x.size, gradient, weight, rest)


def _is_probability(trace: Trace, row: int) -> bool:
    """Say whether a value comes of a softmax or a sigmoid, written out or not."""
    ops = trace.recording.ops
    way, seen = [row], {row}
    for _ in range(_STEPS):
        if not way:
            return False
        here = way.pop(0)
        op = int(ops[here])
        if op in _PROBABILITIES:
            return True
        producers = _producers(trace, here)
        if op in _QUOTIENTS:
            divisor = producers[_QUOTIENTS[op]]
            if divisor >= 0 and _has_exponential(trace, divisor):
                return True
        elif op in _KEEPING:
            fresh = [each for each in producers if each >= 0 and each not in seen]
            seen.update(fresh)
            way += fresh
    return False


def _has_exponential(trace: Trace, row: int) -> bool:
    level = {row}
    for _ in range(_STEPS_OF_SOFTMAX):
        if any(trace.recording.ops[each] == _EXP for each in level):
            return True
        level = {operand for each in level for operand in _producers(trace, each) if operand >= 0}
    return False


def _producers(trace: Trace, row: int) -> list[int]:
    recording = trace.recording
    found: list[int] = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
    return found


def _finding(trace: Trace, lost: list[_Lost]) -> Finding | None:
    other: dict[int, Any] = {}
    for each in lost:
        other[each.operand] = other.get(each.operand, 0.0) + each.gradient
    count, of = sum(each.lost for each in lost), sum(each.of for each in lost)
    most = np.inf if count < of else 1 / _ALIVE
    parameters = parameters_of(trace)
    changed = [each for each in changed_by(trace, other, parameters) if MATERIAL <= each.share < most]
    weight, rest = sum(each.weight for each in lost), sum(each.rest for each in lost)
    if not changed and not (0 < weight >= MATERIAL * rest and count < of):
        return None
    node = trace.nodes[int(trace.graph.node_of_row[lost[0].row])]
    which = "the probability is" if of == 1 else f"{count:,} of {of:,} probabilities are"
    effect = ""
    if changed:
        name, before, after = changed[0].name, norm(changed[0].before), norm(changed[0].after)
        effect = f"; without it, the gradient of {name} would be {after} instead of {before}"
    return Finding(
        kind="vanishing",
        severity="warning",
        site=node.site,
        message=f"{which} so far below the {number(lost[0].floor)} added before the logarithm that next to no gradient "
        f"is left of {'it' if of == 1 else 'theirs'}{effect}",
        advice="take the logarithm of the softmax or sigmoid from its argument: z − logsumexp(z), −logaddexp(0, −z)",
        node=node,
        edges=tuple(node.in_edges[:1]),
        numbers={"lost": count, "of": of, "inputs": len(changed), "spoiled": count},
    )
