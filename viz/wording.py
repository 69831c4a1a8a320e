"""The words of a picture: what stands at one wire, in one gate, in one tooltip.

Used by `viz.diagram` alone. Every number's text comes from `viz.labels`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import formula_of
from tracer.numbers_text import operand as operand  # noqa: PLC0414  (pictures take their words from here)
from viz import labels
from viz.parts import Line, Span

TOOLTIP_LIMIT = 200
_GATE_LIMIT = 2 * labels.CONSTANT_LIMIT
QUOTES = "'"
JOINS = ("stack", "concatenate")  # along axis 0 where nothing else is said
COMMUTATIVE = frozenset(
    "add multiply maximum minimum fmax fmin hypot logaddexp logaddexp2 polyadd polymul vdot inner vecdot"
    " fsum sum_scalars prod_scalars max_scalars min_scalars hypot_scalars dist sumprod beta betaln".split()
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from viz.theme import Role, State


def gate_text(node: Any) -> str:
    """Show a gate's operation, and the constants among its operands: ×, × 3, 1 −, x², clip(·, 0, 1), [2:]."""
    symbol = _symbol(node)
    operands = node.operands
    if node.op == "sparse_matmul":
        return _sparse_text(symbol, node)
    is_wire = [_is_edge(operand) for operand in operands]
    if all(is_wire):
        return symbol
    texts = ["·" if wire else _constant(each) for each, wire in zip(operands, is_wire, strict=True)]
    if symbol == "^" and is_wire[0] and labels.superscript(operands[1]):
        return f"x{labels.superscript(operands[1])}"
    is_written = "index" in node.params  # into an array, of which the index is told
    is_infix = len(texts) == 2 and not symbol[:1].isalnum()
    text = f"{symbol}({', '.join(texts)})"
    if is_written or (
        len(text) > _GATE_LIMIT and not is_infix
    ):  # a list that is cut reads like another one
        texts = [
            labels.shape(each) if labels.is_array(each) else text
            for each, text in zip(operands, texts, strict=True)
        ]
        text = f"{symbol}({', '.join(texts)})"
    if is_infix:
        return f"{symbol} {texts[1]}" if is_wire[0] else f"{texts[0]} {symbol}"
    return labels.shorten(text, _GATE_LIMIT)


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of an operand that is another one in another run."""

    text: str


def _constant(operand: Any) -> str:
    return operand.text if isinstance(operand, Told) else labels.constant(operand)


def _sparse_text(symbol: str, node: Any) -> str:
    """Show on which side of a product the sparse matrix is, of whose stored numbers the node knows, and its shape."""
    x = node.operands[1]
    x_shape, shape = np.shape(x.value if _is_edge(x) else x), np.shape(node.value)
    if node.params["is_right"]:
        return f"{symbol} sparse ({x_shape[-1]}, {shape[-1]})"
    return f"sparse ({shape[0]}, {x_shape[0]}) {symbol}"


def _symbol(node: Any) -> str:
    """Show an operation with what it is told besides its operands: [2:], [i]=, Σ axis 0, einsum ij,j->i."""
    symbol, params = labels.clean(node.symbol), node.params
    if "index" in params and symbol.startswith("[ ]"):
        return labels.subscript(params["index"]) + symbol.removeprefix("[ ]")
    told = ""
    if params.get("axis") is not None and (node.op not in JOINS or params["axis"]):
        axis = labels.constant(params["axis"])
        told = f" axis ({axis})" if isinstance(params["axis"], tuple) else f" axis {axis}"
    elif "subscripts" in params:
        told = f" {labels.constant(params['subscripts']).strip(QUOTES)}"
    return labels.shorten(symbol, labels.CONSTANT_LIMIT) + told


def is_ordered(node: Any, wires_in: int) -> bool:
    """Say whether a reader must know which of a gate's wires is the first operand."""
    return wires_in > 1 and node.op not in COMMUTATIVE


def _is_edge(operand: Any) -> bool:
    return hasattr(type(operand), "upstream")


def wire_value(source: Any) -> tuple[Line, ...]:
    """Write what a wire carries forward: with its name and all it takes where it starts, else in one line."""
    lines = value_lines(source.value)
    if source.kind != "function":
        return lines[:1]
    if not source.label:
        return lines
    return ((Span(f"{labels.name(source.label)} = ", "name"), *lines[0]), *lines[1:])


def value_lines(value: Any) -> tuple[Line, ...]:
    """Write a value that flows forward."""
    role: Role = "alarm" if is_bad(value) else "value"
    return tuple((Span(_flag(text, role), role),) for text in _texts(value))


def gradient_lines(grad: Any) -> tuple[Line, ...]:
    """Write a gradient without what made it."""
    role: Role = "alarm" if is_bad(grad) else "gradient"
    return tuple((Span(_flag(text, role), role),) for text in _texts(grad))


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if not labels.is_array(value):
        return [labels.number(value)]
    return [labels.summary(value)] if value.size == 0 else [labels.summary(value), labels.worst(value)]


def _flag(text: str, role: Role) -> str:
    """Mark what is not finite by a sign of its own, so that colour is not the only one."""
    return f"⚠ {text}" if role == "alarm" else text


def _result(text: str, *, is_bad: bool) -> Span:
    role: Role = "alarm" if is_bad else "gradient"
    return Span(_flag(text, role), role)


def product_lines(edge: Any) -> tuple[Line, ...]:
    """Write the product that made a gradient: upstream × local = gradient."""
    grad, upstream = edge.grad, edge.upstream
    if grad is None or upstream is None:
        return ()
    if edge.step is None:
        return ((Span("0  not reached", "quiet"),),)
    if labels.is_array(grad) or labels.is_array(upstream):
        return _array_product(upstream, edge.local, grad)
    local = edge.local
    working = (
        f"{labels.number(upstream)} → "
        if local is None
        else "{} {} ".format(*labels.product(upstream, local, grad))
    )
    return ((Span(working, "working"), _result(labels.number(grad), is_bad=is_bad(grad))),)


def _array_product(upstream: Any, local: Any, grad: Any) -> tuple[Line, ...]:
    """Write a rule between arrays by their norms, and the product at the worst element where there is one."""
    norms = (
        Span(f"{labels.norm(upstream)} → ", "working"),
        _result(labels.norm(grad), is_bad=is_bad(grad)),
    )
    if not labels.is_array(grad) or grad.size == 0:
        return (norms,)
    if local is None or np.shape(upstream) != grad.shape:
        return (norms, (Span(labels.worst(grad), "working"),))
    place = labels.worst_index(grad)
    factors, equals = labels.product(
        upstream[place], np.broadcast_to(local, grad.shape)[place], grad[place]
    )
    at_place = f"{labels.index(place)}  {factors} {equals} {labels.number(grad[place])}"
    return (norms, (Span(at_place, "working"),))


def sum_lines(terms: Sequence[Any], total: Any) -> tuple[Line, ...]:
    """Write the sum that a splitter made: Σ 3 + 7 = 10; nothing where there was no backward pass."""
    if total is None:
        return ()
    bad = is_bad(total)
    if not labels.is_array(total):
        working = "Σ {} {} ".format(*labels.addition(terms, total))
        return ((Span(working, "working"), _result(labels.number(total), is_bad=bad)),)
    norms = (Span(f"Σ {labels.norms(terms)} → ", "working"), _result(labels.norm(total), is_bad=bad))
    if total.size == 0:
        return (norms,)
    place = labels.worst_index(total)
    first = labels.largest(terms, labels.LARGEST_TERMS)  # the uses whose norms stand above
    addends, equals = labels.addition([term[place] for term in terms], total[place], first=first)
    at_place = f"{labels.index(place)}  {addends} {equals} {labels.number(total[place])}"
    return (norms, (Span(at_place, "working"),))


def broadcast_lines(node: Any, edge: Any) -> tuple[Line, ...]:
    """Write the sum over a broadcast's copies: Σ over 128 = 9.3."""
    narrow, wide = np.shape(edge.value), np.shape(node.value)
    copies = math.prod(wide) // max(math.prod(narrow), 1)
    total = edge.grad
    if total is None:
        return ()
    first = (Span(f"Σ over {copies} = ", "working"), _result(labels.norm(total), is_bad=is_bad(total)))
    if not labels.is_array(total) or total.size == 0:
        return (first,)
    return (first, (Span(labels.worst(total), "working"),))


def is_unreached(edge: Any) -> bool:
    """Say whether the output does not depend on this use of a value; a cut is told by itself."""
    return edge.step is None and edge.grad is not None and edge.dst.kind != "cut"


def quieted(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Write lines small and grey, but for what is wrong."""
    return tuple(
        tuple(span if span.role == "alarm" else Span(span.text, "quiet") for span in line) for line in lines
    )


def is_bad(value: Any) -> bool:
    """Say whether a value holds a nan or an infinity."""
    if type(value) is float:  # most are
        return not math.isfinite(value)
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and not bool(np.isfinite(value).all())
    if value is None or isinstance(value, int):
        return False
    return not bool(np.isfinite(value))


def edge_state(edge: Any) -> State:
    """Say how a wire is drawn: by the worst that flows on it."""
    grad = edge.grad
    if edge.dst.kind == "cut":
        return "cut"
    if is_bad(grad) or is_bad(edge.value):
        return "alarm"
    if is_unreached(edge):
        return "unreached"
    has_some = np.any(grad) if isinstance(grad, np.ndarray) else grad is None or bool(grad)
    return "plain" if has_some else "zero"


def place(node: Any) -> str:
    """Name a node's line and its text; the file by its name alone, so that a picture is the same everywhere."""
    site = node.site
    if site is None:
        return ""
    text = f"{site.text}  " if site.text else ""
    return f"{text}({_file_name(site.file)}:{site.line})"


@lru_cache
def _file_name(file: str) -> str:
    return PurePath(file).name


def edge_tooltip(edge: Any, source: Any, target: Any) -> str:
    """Say which operand an edge is, the local partial's formula in the user's names, and when it fired."""
    start = source.label or source.name or source.op
    which = "" if target.kind == "output" else f", {operand(edge.port)}"
    parts = [f"{start} → {target.op}{which}"]
    formula = formula_of(edge)
    if formula:
        parts.append(f"local partial: {formula}")
    if edge.step is not None:
        parts.append(f"backward step {edge.step}")
    return tooltip(*parts, place(target))


def tooltip(*parts: str) -> str:
    """Join lines of text for a tooltip; empty ones are left out."""
    return "\n".join(labels.shorten(labels.clean(part), TOOLTIP_LIMIT) for part in parts if part)
