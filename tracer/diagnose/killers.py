"""Why an operation that has a gradient hands none of it back to an operand. Used by dead.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.spread import NOTHING, Column, gradient_edges, operand_edges
from tracer.numbers_text import clean, is_array, number
from tracer.operations import OP_NUMBERS, RULE_OF
from tracer.rules.kinds import Elementwise

if TYPE_CHECKING:
    from tracer.trace import Trace
    from tracer.views import Node

_SATURATING = frozenset(
    "tanh exp exp2 expm1 erf erfc arctan expit log_expit ndtr log_ndtr logaddexp logaddexp2 softmax log_softmax sinc "
    "sigmoid gelu".split()
)
CHOOSING = frozenset("maximum minimum fmax fmin where clip max_scalars min_scalars".split())
# What the other of two equal numbers, or another slope at 0, would have got past.
BENT = frozenset(
    "max_scalars min_scalars absolute fabs hypot hypot_scalars dist norm std power float_power".split()
)
_RESTS = frozenset("remainder fmod ieee_remainder modf_fractional".split())
_USERS = 8  # operations that are looked at, from a value on
_PRODUCTS = frozenset(
    "multiply divide matmul dot outer einsum inner vdot tensordot fma prod cross kron".split()
)

ADVICE = {
    "rounded": "a step has no slope: leave the rounding out of what is differentiated, or round detached values",
    "saturated": "keep its operand in the range where it still has a slope: scale it down, or normalise before it",
    "off": "check the sign and the size of its operand, or use a leaky variant that keeps a slope",
    "selection": "nothing has to be done if the other one is meant to be chosen",
    "zero factor": "take the factor 0 out, or check the mask that it comes from",
    "zero weight": "do not start both factors at 0: give the weights small random numbers",
    "overwritten": "write to another place, or add instead of overwriting",
    "left out": "use the elements that it gave, or leave the input out",
    "compared": "a step has no slope: use a smooth stand-in such as a sigmoid, or say static for what only steers",
    "branched": "nothing has to be done if it is meant to steer only: static=(…) keeps it out of the gradients",
    "picked": "use the values that are picked instead of their places, or a softmax",
    "counted": "a count has no slope: use a smooth one, such as a sum of sigmoids, or say static for what only counts",
    "sized": "nothing has to be done if only its shape is meant: static=(…) keeps it out of the gradients",
    "indexed": "an index has no slope: interpolate between the elements, or say static for what only counts",
    "text": "nothing has to be done if it is meant to be shown only; compute with the number itself",
    "read back": "compute with the number itself, and round a detached one where that is meant",
    "dropped": "use it, or leave it out of the arguments; the same array as a global or an attribute is a constant",
    "unknown": "follow where the value goes: no operation that was recorded takes it further",
    "balanced": "nothing has to be done: the function is flat at this point",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Why:
    """The reason, as one of the kinds in ADVICE and as text; the node to blame, and the inputs that are its cause."""

    kind: str
    text: str
    node: Node
    names: tuple[str, ...] = ()
    numbers: dict[str, float | int | str] = field(default_factory=dict)


def why_killed(trace: Trace, row: int, slot: int) -> Why:
    """Say why the operation of a row hands nothing back to one of its operands."""
    node = trace.nodes[int(trace.graph.node_of_row[row])]
    port = slot - int(trace.recording.starts[row])
    operands = [each.value if hasattr(each, "upstream") else each for each in node.operands]
    is_constant = [not hasattr(each, "upstream") for each in node.operands]
    rule, op = node.rule, node.op
    if isinstance(rule, Elementwise) and (rule.flat or op == "heaviside"):
        return Why("rounded", f"{op} takes steps, so its derivative is 0 everywhere", node)
    if op in _SATURATING:
        return _saturated(node, operands[port])
    if op in CHOOSING:
        others = [at for at in range(len(operands)) if at != port and not (op == "where" and at == 0)]
        if op == "clip" and port == 0:
            text = f"{_span(operands[0])} lies outside of the bounds of clip"
            return Why("off", f"{text}, {_span(operands[1])} and {_span(operands[2])}", node)
        chosen = f"{op.removesuffix('_scalars')} takes {_span(node.value)}, never {_span(operands[port])}"
        return Why("off" if all(is_constant[at] for at in others) else "selection", chosen, node)
    if op == "setitem":
        by = _overwriting(node, port)
        if by is not None:
            return Why("overwritten", f"overwritten before it is used, `{_text(by)}`", by)
        return Why("left out", "what comes later uses other elements alone", node)
    if op in _PRODUCTS:
        return _product(trace, node, port)
    if op in ("getitem", "array", "stack", "concatenate", "take", "ravel", "reshape", "item"):
        return Why("left out", f"what comes after {op} uses other elements alone", node)
    return Why("balanced", f"the derivative of {op} is 0 at {_span(operands[port])}", node)


def why_balanced(trace: Trace, row: int, slot: int) -> Why:
    """Say why the gradients of the uses of a value, one by the operation of a row, cancel; x - x % 1 is x rounded."""
    source = trace.nodes[int(trace.graph.node_of_row[trace.recording.operands[slot]])]
    pending = [use.dst for use in source.uses[:_USERS]]
    for user in pending[:_USERS]:
        pending += [use.dst for use in user.uses[:_USERS]] if user.kind == "function" else []
    for user in pending[: 2 * _USERS]:
        if user.op in _RESTS and any(use.dst.op == "subtract" and use.port == 1 for use in user.uses):
            text = f"less its rest `{_text(user)}` it takes steps, so the slopes cancel to exactly 0"
            return Why("rounded", text, user)
    node = trace.nodes[int(trace.graph.node_of_row[row])]
    return Why("balanced", "the gradients of its uses cancel to exactly 0", node)


def idle_places(trace: Trace) -> list[int]:
    """Return a slot for each place whose steps, clamps or saturations hand nothing back in any of their runs."""
    graph, recording = trace.graph, trace.recording
    is_stopping = np.array(
        [
            name in _SATURATING
            or name in ("clip", "maximum", "minimum")
            or (isinstance(rule, Elementwise) and rule.flat)
            for name, rule in ((name, RULE_OF[number]) for name, number in OP_NUMBERS.items())
        ],
        np.bool_,
    )
    numbers = np.fromiter(OP_NUMBERS.values(), np.int64, len(OP_NUMBERS))
    flags = np.zeros(int(numbers.max()) + 1, np.bool_)
    flags[numbers] = is_stopping
    into = operand_edges(graph)
    slots = np.flatnonzero((into != NOTHING) & flags[recording.ops[graph.slot_consumer]])
    sizes = trace.edge_statistics.norm
    outlet = gradient_edges(graph)[graph.slot_consumer[slots]]
    slots, outlet = slots[outlet != NOTHING], outlet[outlet != NOTHING]
    slots = slots[sizes[outlet] != 0]
    if not len(slots):
        return []
    places: Column = trace.sites.row_places[graph.slot_consumer[slots]]
    passes = sizes[into[slots]] != 0
    open_places = np.unique(places[passes])
    found, firsts = np.unique(places, return_index=True)
    closed: list[int] = slots[firsts[~np.isin(found, open_places)]].tolist()
    return closed


def _saturated(node: Node, operand: Any) -> Why:
    value, operand = np.asarray(node.value), np.real(np.asarray(operand))
    # The element where most of the gradient arrives
    most = int(np.argmax(np.abs(node.grad))) if operand.shape == value.shape else 0
    at, out = float(operand.flat[most]), float(np.real(value).flat[most])
    if value.ndim == 0:
        text = f"{node.op}({number(at)}) = {number(out)} in floats, where its derivative is 0"
    else:
        text = (
            f"{node.op} lies where its derivative is 0 in floats: {node.op}({number(at)}) = {number(out)}"
        )
    return Why("saturated", text, node, numbers={"operand": at, "value": out})


def _product(trace: Trace, node: Node, port: int) -> Why:
    """Find the factor that is zero, and what made it so."""
    for at, operand in enumerate(node.operands):
        value = operand.value if hasattr(operand, "upstream") else operand
        if (
            at == port
            or not isinstance(value, (int, float, complex, np.number, np.ndarray))
            or np.any(value)
        ):
            continue
        if not hasattr(operand, "upstream"):
            return Why("zero factor", f"multiplied by a constant 0, `{_text(node)}`", node)
        factor = trace.nodes[int(trace.graph.node_of_row[operand.src.row])]
        factor = _before_moves(factor)
        if factor.kind == "input":
            text = f"multiplied by {clean(factor.label)}, which is 0, `{_text(node)}`"
            return Why("zero weight", text, node, names=(factor.label,))
        if factor.op in ("maximum", "clip", "where", "minimum"):
            first = factor.operands[1 if factor.op == "where" else 0]
            given = first.value if hasattr(first, "upstream") else first
            return Why("off", f"{factor.op} takes {_span(factor.value)}, never {_span(given)}", factor)
        if node.op == "divide" and factor.op in _SATURATING:  # a softmax: the exponential of 0 / their sum
            return _saturated(factor, factor.in_edges[0].value)
    value = node.value
    if node.op == "divide" and port == 1 and np.ndim(value) == 0 and value:
        divisor = number(node.in_edges[-1].value)
        text = f"the derivative of divide, −{number(value)}/{divisor}, is 0 in floats"
        return Why("saturated", text.replace("−−", ""), node)
    return Why("balanced", f"the derivative of {node.op} is 0 here", node)


def _before_moves(node: Node) -> Node:
    """Go back over what only moves elements: a transposed matrix is the matrix."""
    while node.kind != "input" and node.op in (
        "transpose",
        "reshape",
        "ravel",
        "getitem",
        "copy",
        "broadcast",
    ):
        node = node.in_edges[0].src
    return node


def _overwriting(node: Node, port: int) -> Node | None:
    """Find the write that takes away the elements that an earlier write, or the whole array, gave."""
    mask = np.zeros(np.shape(node.value), np.bool_)
    if port:
        mask[node.params["index"]] = True
        later = _next_write(node)
    else:
        _mark_given(node.in_edges[0].src, mask)
        later = node
    while later is not None:
        own = np.zeros_like(mask)
        own[later.params["index"]] = True
        if (mask & own).any():
            return later
        later = _next_write(later)
    return None


def _next_write(node: Node) -> Node | None:
    writes = [use.dst for use in node.uses if use.dst.op == "setitem" and use.port == 0]
    return writes[-1] if writes else None


def _mark_given(node: Node, mask: Column) -> None:
    """Mark the elements that traced values were written to; all, where the array itself was computed."""
    while node.op in ("setitem", "copy"):
        edges = node.in_edges
        if node.op == "setitem" and any(edge.port == 1 for edge in edges):
            mask[node.params["index"]] = True
        if not edges or edges[0].port:
            return
        node = edges[0].src
    mask[...] = True


def _span(value: Any) -> str:
    """Write a number, or between which two an array lies."""
    if not is_array(value):
        return (
            number(value) if isinstance(value, (int, float, complex, np.number, np.ndarray)) else "nothing"
        )
    if not value.size:
        return "nothing"
    least, most = np.min(value), np.max(value)
    return number(least) if least == most else f"{number(least)} … {number(most)}"


def _text(node: Node) -> str:
    return clean(" ".join(node.site.text.split())) if node.site is not None else node.op
