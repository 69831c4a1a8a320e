"""The local rules that people write down wrong, as tables: which single one of them gives a claimed gradient.

Looked at are the operations that a value's gradient came through last. What a wrong rule would send back in the place
of the right one is a seed of its own, as going back is linear. Used by audit.py where no mistake at the value is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.diagnose.terms import described
from tracer.graph import operand_value
from tracer.operations import OP_NAMES
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.mistakes import Question
    from tracer.trace import Trace

_DEPTH = 8  # operations that are looked at on the way to a value
_MOST_ROWS = 20_000  # of a longer run, going back again takes too long for a guess
_MATRIX = 2

_SIGMOID: Callable[[Any], Any] = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731  (an entry of the tables)
RULES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "tanh": ("1 − y²", lambda _, y: 1 - y * y),
    "expit": ("y·(1 − y)", lambda _, y: y * (1 - y)),
    "exp": ("y", lambda _, y: y),
    "log": ("1/x", lambda x, _: 1 / x),
    "sqrt": ("1/(2·y)", lambda _, y: 0.5 / y),
    "sin": ("cos(x)", lambda x, _: np.cos(x)),
    "cos": ("−sin(x)", lambda x, _: -np.sin(x)),
}
"""By operation: its local partial, of the operand x and the result y."""
SLIPS: dict[str, tuple[tuple[str, Callable[[Any, Any], Any]], ...]] = {
    "tanh": (
        ("1 − y", lambda _, y: 1 - y),
        ("1 − x²", lambda x, _: 1 - x * x),
        ("1 − tanh(y)²", lambda _, y: 1 - np.tanh(y) ** 2),
        ("y", lambda _, y: y),
    ),
    "expit": (
        ("1 − y", lambda _, y: 1 - y),
        ("x·(1 − x)", lambda x, _: x * (1 - x)),
        ("sigmoid(y)·(1 − sigmoid(y))", lambda _, y: _SIGMOID(y) * (1 - _SIGMOID(y))),
        ("y", lambda _, y: y),
        ("1 − y²", lambda _, y: 1 - y * y),
    ),
    "exp": (("x", lambda x, _: x), ("exp(y)", lambda _, y: np.exp(y))),
    "log": (("1/y", lambda _, y: 1 / y), ("x", lambda x, _: x)),
    "sqrt": (("1/y", lambda _, y: 1 / y), ("1/(2·x)", lambda x, _: 0.5 / x)),
    "sin": (("−cos(x)", lambda x, _: -np.cos(x)),),
    "cos": (("sin(x)", lambda x, _: np.sin(x)),),
}
"""By operation: what is written in its place."""


@dataclass(frozen=True, slots=True)
class WrongRule:
    """An operation whose local rule is wrong, and what was done in its place."""

    node: Node
    text: str


def wrong_rules(asked: Question) -> list[WrongRule]:
    """Return the wrong rules that give what is claimed, each of them alone, of the nearest operation that has one."""
    trace, target = asked.terms.node.trace, asked.terms.node.row
    if target < 0 or not asked.terms.count or len(trace.recording) > _MOST_ROWS:
        return []
    for node, slot in _operations_behind(trace, target):
        right = asked.terms.gradient(node)
        found = [
            WrongRule(node, f"{text}, at {described(node, asked.terms.follower.turns)}")
            for text, change in _slips(trace, node, slot, np.asarray(right))
            if asked.same(asked.claimed, asked.total + _arriving(trace, slot, change, target))
        ]
        if found:
            return found
    return []


def _operations_behind(trace: Trace, row: int) -> Iterator[tuple[Node, int]]:
    """Yield the operations that use a value, then those that use these, with the slot that leads back."""
    recording, graph = trace.recording, trace.graph
    pending, seen = [row], {row}
    for _ in range(_DEPTH):
        following: list[int] = []
        for producer in pending:
            for slot in np.flatnonzero(recording.operands == producer).tolist():
                consumer = int(graph.slot_consumer[slot])
                if not trace.gradients.reached[consumer]:
                    continue
                yield Node(trace, int(graph.node_of_row[consumer])), slot
                if consumer not in seen:
                    seen.add(consumer)
                    following.append(consumer)
        pending = following[:_DEPTH]


def _slips(trace: Trace, node: Node, slot: int, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may have been done in the place of a rule, in words, and by how much that changes what it sends."""
    recording = trace.recording
    name = OP_NAMES[int(recording.ops[node.row])].removesuffix("_scalars")
    operand, result = np.asarray(operand_value(recording, slot)), np.asarray(node.value)
    if name in RULES and operand.shape == result.shape == upstream.shape:
        rule, partial = RULES[name]
        right = partial(operand, result)
        for slip, wrong in SLIPS[name]:
            yield (
                f"{slip} in place of {rule} (x is the operand, y the result)",
                upstream * (wrong(operand, result) - right),
            )
        yield (
            f"the local partial, {rule} (y is the result, x the operand), left out",
            upstream * (1 - right),
        )
    first, stop = int(recording.starts[node.row]), int(recording.starts[node.row + 1])
    if name not in ("matmul", "dot") or stop - first != _MATRIX:
        return
    is_left = slot == first
    matrix = np.asarray(operand_value(recording, stop - 1 if is_left else first))
    if matrix.ndim != _MATRIX or matrix.shape[0] != matrix.shape[1] or upstream.ndim not in (1, _MATRIX):
        return
    turned = matrix.T
    change = upstream @ (matrix - turned) if is_left else (matrix - turned) @ upstream
    done, rule = ("g @ W", "g @ W.T") if is_left else ("W @ g", "W.T @ g")
    yield f"{done} in place of {rule} (g is the gradient of the product, W the matrix)", change


def _arriving(trace: Trace, slot: int, change: Any, target: int) -> Any:
    """Return by how much the gradient of a value changes with what one use of an operand sends back."""
    row = int(trace.recording.operands[slot])
    value = trace.recording.values[row]
    if np.shape(change) != np.shape(value) or not np.isfinite(change).all():
        return np.nan
    if row == target:
        return change
    seed = np.asarray(change, value.dtype) if isinstance(value, np.ndarray) else change[()].item()
    gradients = backward(trace.graph, row, seed)
    return gradients.row(target) if gradients.reached[target] else np.nan
