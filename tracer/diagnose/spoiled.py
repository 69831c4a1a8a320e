"""Where a claim that is not finite may come from: a factor that is not at just these elements. Used by odd_claims.py.

A factor is put in as NaN where it is not finite; what goes back from there must be the claim's pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.diagnose.local_rules import added_constant
from tracer.diagnose.nonfinite import find
from tracer.diagnose.runs_behind import runs_behind
from tracer.diagnose.terms import described
from tracer.diagnose.turns import Turns
from tracer.graph import operand_value
from tracer.numbers_text import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.claims import Claim
    from tracer.diagnose.local_rules import Run
    from tracer.trace import Trace

_MOST_ROWS = 20_000
_MOST_RUNS = 200
_MOST_TRIED = 20
_MOST_BEFORE = 8  # claims that are not finite, the nearest first

_FACTORS: dict[str, tuple[tuple[str, Callable[[Any, Any], Any]], ...]] = {
    "log": (("1/x", lambda x, _: 1 / x),),
    "sqrt": (("1/(2·√x)", lambda x, _: 0.5 / np.sqrt(x)),),
    "exp": (("exp(x)", lambda x, _: np.exp(x)),),
    "abs": (("x/|x|", lambda x, _: x / np.abs(x)),),
    "absolute": (("x/|x|", lambda x, _: x / np.abs(x)),),
    "maximum": (("y/x", lambda x, y: y / x),),
    "expit": (("exp(−x)", lambda x, _: np.exp(-x)),),
    "arcsin": (("1/√(1 − x²)", lambda x, _: 1 / np.sqrt(1 - x * x)),),
    "arccos": (("1/√(1 − x²)", lambda x, _: 1 / np.sqrt(1 - x * x)),),
    "norm": (("x/‖x‖", lambda x, y: x / y),),
}
"""By operation: a factor as people write it, of the operand x and the result y."""


def causes_of(claim: Claim, bad: Any) -> list[str]:
    """Return the factors that are not finite so that just these elements of a gradient are not, in words."""
    trace, target = claim.node.trace, claim.node.row
    if target < 0 or len(trace.recording) > _MOST_ROWS:
        return []
    found: dict[str, None] = {}
    turns, tried = Turns(trace), 0
    for count, run in enumerate(runs_behind(trace, target)):
        if count == _MOST_RUNS or tried == _MOST_TRIED:
            break
        for text, factor in _factors(trace, run):
            wrong = ~np.isfinite(factor)
            if wrong.any() and wrong.shape == np.shape(operand_value(trace.recording, run.slot)):
                tried += 1
                if np.array_equal(
                    _reached(trace, int(trace.recording.operands[run.slot]), wrong, target), bad
                ):
                    found[f"{text}, at {described(run.node, turns)}"] = None
    return list(found)


def _factors(trace: Trace, run: Run) -> Iterator[tuple[str, Any]]:
    """Yield factors by which a run may multiply."""
    x, y = np.asarray(operand_value(trace.recording, run.slot)), np.asarray(run.node.value)
    first = int(trace.recording.starts[run.node.row])
    without = added_constant(trace, run) or 0.0
    left_out = f" where the {number(without)} that is added to x is left out"
    for text, factor in _FACTORS.get(run.name, ()):
        made = factor(x, y)
        yield _is_not_finite(text, made), made
        if without:
            made = factor(x - without, y)
            yield f"{_is_not_finite(text, made)}{left_out}", made
    if run.name == "divide" and run.slot == first + 1:
        yield "1/x is inf", np.asarray(1 / x)
        yield f"1/x is inf{left_out}", np.asarray(1 / (x - without))


def _is_not_finite(text: str, made: Any) -> str:
    values = made[~np.isfinite(made)]
    return f"{text} is {'nan' if np.isnan(values).any() else 'inf'}"


def spoiled_by(claim: Claim, bad: Any, others: list[Claim]) -> str:
    """Return the name of a claim whose elements that are not finite spoil just these; empty where there is none."""
    if len(claim.node.trace.recording) > _MOST_ROWS:
        return ""
    for other in others[: -_MOST_BEFORE - 1 : -1]:
        if other.node.row > claim.node.row >= 0:
            wrong = ~np.isfinite(other.value)
            wrong &= np.isfinite(np.asarray(other.node.grad))
            if np.array_equal(_reached(claim.node.trace, other.node.row, wrong, claim.node.row), bad):
                return other.name
    return ""


def _reached(trace: Trace, row: int, wrong: Any, target: int) -> Any:
    """Return which elements of a gradient are not finite if some of another are not."""
    if row == target:
        return wrong
    value = trace.recording.values[row]
    seed = np.where(wrong, np.nan, 0.0)
    is_array = isinstance(value, np.ndarray)
    gradients = backward(trace.graph, row, np.asarray(seed, value.dtype) if is_array else seed.item())
    if not gradients.reached[target]:
        return np.zeros(np.shape(trace.recording.values[target]), np.bool_)
    return ~np.isfinite(np.asarray(gradients.row(target)))


def how_born(trace: Trace) -> str:
    """Return how a gradient of the trace itself came to be not finite."""
    found = [each for each in find(trace) if each.severity != "note"]
    return found[0].message.split(";")[0] if found else ""
