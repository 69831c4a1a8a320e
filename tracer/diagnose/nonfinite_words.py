"""What is said of a NaN or an infinity: the factors that made it, with lines, and what to do. Used by nonfinite.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import formula_of
from tracer.numbers_text import clean, index, is_array, is_finite, number, worst_index
from tracer.rules.kinds import Elementwise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.views import Edge, Node

_SHOWN_NAMES = 3
_FAR = 64  # nodes that are looked at for what masked a gradient
_INFIX = {"add": "+", "subtract": "−", "multiply": "×", "divide": "/", "power": "**", "matmul": "@"}


@dataclass(frozen=True, slots=True)
class Spoiled:
    """What a cause spoils: edges, how often it is born, and which gradients of inputs; or the result, by a value."""

    edges: int
    runs: int
    names: tuple[str, ...]
    is_value: bool
    is_in_result: bool = False
    # Another spoils gradients too, so that this one's part in them can't be told
    is_beside_another: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """A message, the numbers in it, and what the advice depends on."""

    message: str
    numbers: dict[str, float | int | str] = field(default_factory=dict)
    op: str = ""
    is_masked: bool = False
    is_overflow: bool = False


def of_input(node: Node, spoiled: Spoiled) -> Said:
    """Say that an argument is not finite."""
    value, place = _element(node.value)
    bad = int(np.size(node.value) - np.isfinite(node.value).sum())
    more = f", and {bad - 1:,} more" if bad > 1 else ""
    message = (
        f"the input {clean(node.label)} holds {number(value)}{_at_element(place)}{more}{_effect(spoiled)}"
    )
    return Said(message, {"value": _plain(value), "element": place}, "input")


def of_value(node: Node, becomes_nan: Node | None, spoiled: Spoiled) -> Said:
    """Say by what arithmetic a value came to be not finite."""
    text, value, place = _computed(node)
    then = f", then {_computed(becomes_nan)[0]}{_line(becomes_nan)}" if becomes_nan is not None else ""
    runs = f" ({spoiled.runs:,} times)" if spoiled.runs > 1 else ""
    message = f"{text}{_at_element(place)}{runs}{then}{_effect(spoiled)}"
    operands = [each.value if hasattr(each, "upstream") else each for each in node.operands]
    is_overflow = bool(np.isinf(value)) and all(is_finite(each) for each in operands)
    return Said(message, {"value": _plain(value), "element": place}, node.op, is_overflow=is_overflow)


def of_edge(edge: Edge, spoiled: Spoiled, blamed: Node | None, becomes_nan: Edge | None = None) -> Said:
    """Say which upstream times which local partial is not finite."""
    node = edge.dst
    grad, place = _element(edge.grad)
    numbers: dict[str, float | int | str] = {
        "gradient": _plain(grad),
        "element": place,
    }
    runs = f" ({spoiled.runs:,} times)" if spoiled.runs > 1 else ""
    at = _at_element(place)
    if node.kind == "output":
        return Said(
            f"the seed of the backward pass is {number(grad)}{at}{_effect(spoiled)}", numbers, "output"
        )
    if node.kind == "splitter":
        text = f"{number(grad)} is the sum of gradients of {_called(edge.src)} that are finite, and beyond the floats"
        return Said(f"{text}{at}{_effect(spoiled)}", numbers, "copy")
    where = _worst(edge.grad)
    local, upstream = edge.local, edge.upstream
    if local is None:
        text = f"{number(grad)} is what the derivative of {node.op}{_line(node)} makes of finite gradients"
        return Said(f"{text}{at}{runs}{_effect(spoiled)}", numbers, node.op)
    factor, came = _at(local, where), _at(upstream, where)
    numbers |= {"upstream": _plain(came), "local": _plain(factor)}
    masked = _masked_by(node, where) if came == 0 else ""
    text = f"{number(grad)} = {number(came)}{masked} × {number(factor)} ({_partial(edge, where)})"
    if blamed is not None and blamed.index != node.index:
        computed, _, _ = _computed(blamed)
        text += f", as {computed}{_line(blamed)}"
    is_masked = bool(masked) and "sent back by" not in masked and (blamed or node).index == node.index
    text += f"{at}{runs}{_then_nan(becomes_nan)}{_effect(spoiled)}"
    return Said(text, numbers, (blamed or node).op, is_masked=is_masked)


def _then_nan(edge: Edge | None) -> str:
    """Write the factors by which an infinite gradient became NaN: , then nan = inf × 0 on line 4."""
    if edge is None or edge.dst.kind != "function" or edge.local is None:
        return ""
    where = _worst(edge.grad)
    factors = f"{number(_at(edge.upstream, where))} × {number(_at(edge.local, where))}"
    return f", then {number(_at(edge.grad, where))} = {factors}{_line(edge.dst)}"


def _called(node: Node) -> str:
    return clean(node.label) if node.label else "a value"


def _partial(edge: Edge, where: tuple[int, ...]) -> str:
    """Write a local partial as its formula, at the operand's number, with the line: 1/x at x = 0, line 11."""
    formula = formula_of(edge) or edge.formula or ""
    label = edge.src.label
    value = _at(edge.value, where)
    operand = (
        f"at {clean(label)} = {number(value)}" if label else f"of {edge.dst.symbol} at {number(value)}"
    )
    return f"{formula} {operand}{_line(edge.dst, ', line ')}".lstrip()


def _masked_by(node: Node, where: tuple[int, ...]) -> str:
    """Find the operation that made an upstream gradient zero: (masked by where, line 12)."""
    for _ in range(_FAR):
        edges = node.uses
        if not edges:
            return ""
        edge = edges[0]
        user = edge.dst
        if user.kind != "function" or np.shape(edge.grad) != np.shape(node.value):
            return ""
        arrived = user.grad
        same_shape = np.shape(arrived) == np.shape(edge.grad)
        if not same_shape or not isinstance(user.rule, Elementwise):
            return (
                f" ({user.symbol} takes other elements{_line(user, ', line ')})" if np.any(arrived) else ""
            )
        if _at(arrived, where) != 0:
            verb = "masked by" if user.op in ("where", "multiply") else "sent back by"
            return f" ({verb} {_function(user)}{_line(user, ', line ')})"
        node = user
    return ""


def _function(node: Node) -> str:
    return (
        f"a product with {number(0)}"
        if node.op == "multiply"
        else f"np.{node.op}"
        if node.op == "where"
        else node.op
    )


def _computed(node: Node | None) -> tuple[str, Any, str]:
    """Write an operation with the numbers of one element: −inf = log(0)."""
    assert node is not None
    value, place = _element(node.value)
    where = _worst(node.value)
    operands = [each.value if hasattr(each, "upstream") else each for each in node.operands]
    if not isinstance(node.rule, Elementwise) or not all(
        is_array(each) is False or np.shape(each) == np.shape(node.value) or is_array(node.value)
        for each in operands
    ):
        constants = [each for each in node.operands if isinstance(each, (float, np.ndarray))]
        bad = [each for each in constants if not is_finite(each)]
        if bad:
            held, at = _element(bad[0])
            return f"a constant operand of {node.op} holds {number(held)}{_at_element(at)}", value, place
        return f"{number(value)} is what {node.op} makes of finite operands", value, place
    numbers = [number(_at(each, where)) for each in operands]
    name = node.op
    if name in _INFIX and len(numbers) == 2:
        numbers = [f"({each})" if each.startswith("−") and at else each for at, each in enumerate(numbers)]
        return f"{number(value)} = {f' {_INFIX[name]} '.join(numbers)}", value, place
    return f"{number(value)} = {name}({', '.join(numbers)})", value, place


def _at(value: Any, where: Sequence[int]) -> Any:
    """Return the element of an operand that an element of the result was made of."""
    if not is_array(value):
        return value
    shape = np.shape(value)
    if len(shape) > len(where):
        return value.flat[0] if value.size else 0.0
    own = where[len(where) - len(shape) :]
    return value[tuple(min(at, length - 1) for at, length in zip(own, shape, strict=True))]


def _element(value: Any) -> tuple[Any, str]:
    """Return the first element that is NaN, else the first that is infinite, and its place."""
    where = _worst(value)
    return (value[where], index(where)) if where else (value, "")


def _worst(value: Any) -> tuple[int, ...]:
    """Return the place of the first NaN of an array, else of its first infinity; empty for a number."""
    if not is_array(value):
        return ()
    flags = np.isnan(value)
    return worst_index(np.where(flags, np.nan, 0.0)) if flags.any() else worst_index(value)


def _at_element(place: str) -> str:
    return f" at element {place}" if place else ""


def _line(node: Node | None, lead: str = " on line ") -> str:
    site = node.site if node is not None else None
    return f"{lead}{site.line}" if site is not None and site.line else ""


def _effect(spoiled: Spoiled) -> str:
    """Say what comes of it."""
    shown = ", ".join(map(clean, spoiled.names[:_SHOWN_NAMES]))
    more = f" and {len(spoiled.names) - _SHOWN_NAMES:,} more" if len(spoiled.names) > _SHOWN_NAMES else ""
    gradient = f"the gradient of {shown}{more} is not finite" if shown else ""
    if spoiled.is_in_result:
        return "; it reaches the result" + (f", and {gradient}" if gradient else "")
    if gradient:
        return f"; so {gradient}"
    if spoiled.is_beside_another:
        return "; it does not reach the result"
    return "; it reaches neither the output nor any gradient" if spoiled.edges or spoiled.is_value else ""


def _plain(value: Any) -> float | str:
    return number(value) if np.iscomplexobj(value) else float(value)


_ADVICE = {
    "input": "look at where the argument comes from: the function was given it",
    "output": "give a finite seed",
    "copy": "scale the loss down: the sum of the gradients is beyond the floats",
    "exp": "subtract the maximum first, exp(z - z.max()), or clip its operand",
    "log": "keep its operand above 0: log(x + 1e-12), log1p, or a log-softmax instead of log(softmax)",
    "sqrt": "keep the operand of the root above 0: sqrt(x + 1e-12)",
    "divide": "keep the divisor away from 0: x / (y + 1e-12), or np.where on the divisor itself",
    "power": "keep the base away from 0: (x + 1e-12) ** p",
    "subtract": "an infinity was taken from another: keep both finite before this line",
    "multiply": "keep both factors finite: zero times infinity is no number, also where it is masked afterwards",
}
_ADVICE |= dict.fromkeys(("exp2", "expm1", "cosh", "sinh"), _ADVICE["exp"])
_ADVICE |= dict.fromkeys(("log2", "log10", "log_base"), _ADVICE["log"])
_ADVICE["log1p"] = "keep its operand above -1"
_ADVICE |= dict.fromkeys(("reciprocal", "remainder", "floor_divide"), _ADVICE["divide"])
_MASKED = "mask the operand before this operation, not its result after it: f(np.where(ok, x, 1))"


_GROWING = frozenset(
    "add subtract multiply square power matmul dot sum prod cumsum cumprod einsum gamma".split()
)


_POLES = {
    "log": 0,
    "log2": 0,
    "log10": 0,
    "log_base": 0,
    "log1p": 0,
    "sqrt": 0,
    "power": 0,
    "reciprocal": 0,
}
_POLES |= {"divide": 1, "remainder": 1, "floor_divide": 1}
"""By operation, the operand that it has a pole or an end at 0 of; log1p at -1."""


def _away_from_pole(node: Node) -> float | None:
    """Return how far below 0 an operand lies where the result is NaN by it; 0 where it is 0; None elsewhere."""
    at = _POLES[node.op]
    operands = [each.value if hasattr(each, "upstream") else each for each in node.operands]
    value, operand = np.asarray(node.value), np.asarray(operands[at])
    if np.iscomplexobj(value) or np.iscomplexobj(operand):
        return 0.0
    value, operand = np.broadcast_arrays(value, operand + (node.op == "log1p"))
    below = operand[np.isnan(value) & (operand < 0) & np.isfinite(operand)]
    if below.size and not at:
        return float(below[0]) - (node.op == "log1p")
    bad = operand[~np.isfinite(value)]
    return 0.0 if (bad == 0).any() or (not bad.size and (operand == 0).any()) else None


def advice_for(node: Node, said: Said) -> str:
    """Say what to do about it, by the operation to blame."""
    if said.is_masked:
        return _MASKED
    away = _away_from_pole(node) if said.op == node.op and said.op in _POLES else None
    if away is not None and away < 0:
        return f"look at why its operand is negative ({number(away)}): a small shift gives NaN again"
    if said.is_overflow and (said.op in _GROWING or said.op in _POLES) and away != 0:
        return "keep its size down: the result is beyond the floats"
    if said.op in _ADVICE and (away == 0 or said.op not in _POLES):
        return _ADVICE[said.op]
    return f"keep the operands of {node.op} where it and its derivative are finite"
