"""The local rules that people write down wrong, as tables, and what each sends back in the place of the right one.

Which operations are looked at, and whether one at all its runs or at one gives what is claimed: wrong_rules.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.composed_rules import (
    NORMALISED,
    SOFTMAX,
    name_of,
    slips_of_normalised,
    slips_of_sigmoid,
    slips_of_softmax,
)
from tracer.diagnose.rearranged import slips_of_order
from tracer.diagnose.written_slopes import RULES, SLIPS
from tracer.graph import operand_value
from tracer.numbers_text import clean, number
from tracer.numbers_text import operand as operand_at
from tracer.operations import IS_ELEMENTWISE
from tracer.rules.edited import may_repeat
from tracer.rules.reduce import kept_axes
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.trace import Trace

NOTHING_BACK, WRONG_SIGN = "gets nothing back", "gets its gradient back with the wrong sign"
TRANSPOSED = "gets back is transposed"
_LEFT_OUT = "the local partial left out: the upstream is handed on as it is"
SWAPPED = "the factors swapped: its own in place of the other"
_MATRIX = 2
_SMALL = 1e-2  # a constant that is added up to this keeps a number from being zero


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One run of an operation, and the operand by which it leads back to a value."""

    node: Node
    slot: int
    name: str
    """The operation as the tables know it: `1/(1 + exp(-x))` in one is expit."""


def key_of(text: str) -> str:
    """Return by what the slips of two runs are the same: what is called x is x0 in the first turn."""
    return next((each for each in (NOTHING_BACK, WRONG_SIGN, TRANSPOSED) if text.endswith(each)), text)


def is_anywhere(text: str) -> bool:
    """Tell whether a slip is the same at each operation of a way."""
    return text.endswith((NOTHING_BACK, WRONG_SIGN))


def twins(trace: Trace, slot: int) -> list[int]:
    """Return the operands of an operation that are the same value."""
    recording, row = trace.recording, int(trace.graph.slot_consumer[slot])
    operands = recording.operands[recording.starts[row] : recording.starts[row + 1]]
    alike: list[int] = (
        np.flatnonzero(operands == recording.operands[slot]) + recording.starts[row]
    ).tolist()
    return alike


def slips(trace: Trace, run: Run, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Yield what may have been done in the place of a rule, in words, and by how much that changes what it sends.

    `upstream` is what arrives at the operation, `sent` what the right rule makes of it.
    """
    operand, result = np.asarray(operand_value(trace.recording, run.slot)), np.asarray(run.node.value)
    is_alike = np.shape(sent) == operand.shape == result.shape == np.shape(upstream)
    if run.name in _WHOLE:
        yield from _WHOLE[run.name](trace, run.node.row, upstream)
        return
    if run.name in RULES and is_alike:
        rule, partial = RULES[run.name]
        for slip, wrong in SLIPS[run.name]:
            yield (
                f"{slip} in place of {rule} (x is the operand, y the result)",
                upstream * wrong(operand, result) - sent,
            )
        yield f"the local partial, {rule} (y is the result, x the operand), left out", upstream - sent
        before = one_turn_earlier(trace, run.node.row) if run.name in _OF_RESULT else None
        if before is not None and before.shape == result.shape:
            yield (
                f"y of one turn earlier in {rule} (y is the result)",
                upstream * partial(operand, before) - sent,
            )
        yield f"the local partial, {rule}, multiplied by twice", (partial(operand, result) - 1) * sent
        if run.name == "expit":
            for text, wrong in slips_of_sigmoid(trace, run.node.row, upstream):
                yield text, wrong - sent
    elif (
        IS_ELEMENTWISE[trace.recording.ops[run.node.row]] or run.name == "setitem"
    ) and result.shape == np.shape(upstream):
        handed_on = summed_to(np.asarray(upstream), operand.shape)
        if handed_on is not None and handed_on.shape == np.shape(sent):
            yield _LEFT_OUT, handed_on - sent
        if run.name == "multiply" and is_alike:
            yield SWAPPED, upstream * operand - sent
    if is_alike:
        yield from _of_masks(run, result, upstream, sent)
        yield from _of_powers(trace, run, operand, sent)
    yield from _of_extremes(trace, run, operand, upstream, sent)
    yield from _without_small(trace, run, upstream, sent)
    yield from _of_matrices(trace, run, upstream)
    yield from _of_places(trace, run, upstream, sent)
    yield from _of_next_turn(trace, run, upstream)
    yield from slips_of_order(run.name, upstream, sent)
    if np.shape(sent) == operand.shape:
        if run.name in ("matmul", "dot") and operand.ndim == _MATRIX and len(set(operand.shape)) == 1:
            yield f"what {called(run)} {TRANSPOSED}", np.transpose(sent) - sent
        yield f"{called(run)} {NOTHING_BACK}", -1.0 * np.asarray(sent)
        yield f"{called(run)} {WRONG_SIGN}", -2.0 * np.asarray(sent)


def slips_of_both(run: Run, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Yield the slips of an operation whose operands are one value, as in `h * h`; `sent` is by all of them."""
    name = called(run)
    yield f"{name} {NOTHING_BACK}", -1.0 * sent
    yield f"{name} {WRONG_SIGN}", -2.0 * sent
    if run.name == "multiply":
        yield f"{name} in place of 2·{name}: one of the two factors forgotten", -0.5 * sent
        yield _LEFT_OUT, upstream - sent


def _of_powers(trace: Trace, run: Run, operand: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Look for the exponent that is left out as a factor, or not taken down by one."""
    slot = _first(run) + 1
    is_constant = run.name == "power" and run.slot != slot and trace.recording.operands[slot] < 0
    exponent = np.asarray(operand_value(trace.recording, slot)) if is_constant else np.zeros(2)
    if run.name == "square" or (exponent.size == 1 and exponent):
        n = 2.0 if run.name == "square" else float(exponent.real.ravel()[0])
        power = "x" if n == 2 else f"x^({number(n - 1)})"
        rule = f"{number(n)}·{power} (x is the operand)"
        yield f"{power} in place of {rule}", sent / n - sent
        yield f"{number(n)}·x^({number(n)}) in place of {rule}", sent * operand - sent


_WHOLE = {SOFTMAX: slips_of_softmax, NORMALISED: slips_of_normalised}


def _of_masks(run: Run, result: Any, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Look for a relu, or another choice between what arrives and nothing, that chose by something else."""
    is_kept = (sent == upstream) & (upstream != 0)
    if run.name not in _MASKED or not np.all(is_kept | (sent == 0)) or is_kept.all() or not is_kept.any():
        return
    yield (
        "masked by the upstream, g > 0, in place of the operand",
        np.where(upstream > 0, upstream, 0.0) - sent,
    )
    yield "the mask turned around: handed on where the right one stops it", upstream - 2.0 * sent
    if run.name in ("maximum", "fmax"):
        yield "multiplied by the result in place of its mask", upstream * result - sent


_MASKED = frozenset({"maximum", "minimum", "fmax", "fmin", "clip", "where", "multiply"})


def _of_extremes(
    trace: Trace, run: Run, operand: Any, upstream: Any, sent: Any
) -> Iterator[tuple[str, Any]]:
    """Look for the gradient of a largest element that went to others as well."""
    params = trace.recording.params.get(run.node.row, {})
    if run.name not in ("max", "min") or "axis" not in params or np.shape(sent) != operand.shape:
        return
    name = "largest" if run.name == "max" else "smallest"
    to_all = np.broadcast_to(kept_axes(upstream, operand, params), operand.shape)
    share = operand.size / max(1, np.size(upstream))
    yield f"given to all elements, not to the {name} alone", to_all - sent
    yield f"shared by all elements, not given to the {name} alone", to_all / share - sent


def summed_to(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Return the sum over the copies that a broadcast made of something of a shape; None where it was none."""
    extra = gradient.ndim - len(shape)
    if extra < 0 or any(
        length not in (1, into) for length, into in zip(shape, gradient.shape[extra:], strict=True)
    ):
        return None
    axes = tuple(axis for axis, length in enumerate(shape, extra) if length == 1 != gradient.shape[axis])
    return gradient.sum((*range(extra), *axes), keepdims=True).reshape(shape)


def called(run: Run) -> str:
    """Return what the operand of a run is called."""
    trace = run.node.trace
    row = int(trace.graph.slot_consumer[run.slot])  # of a composed operation, its first
    edge = trace.edges[trace.graph.edge_of(row, run.slot)]
    name = edge.src.name if edge is not None else None
    return clean(name) if name else f"the {operand_at(run.slot - int(trace.recording.starts[row]))}"


def _first(run: Run) -> int:
    return int(run.node.trace.recording.starts[run.node.row])


def _without_small(trace: Trace, run: Run, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Look for a small constant that is added before an operation, and that the pass back knows nothing of."""
    recording, first = trace.recording, _first(run)
    constant = added_constant(trace, run)
    if constant is None:
        return
    at = first + 1 if run.name == "divide" else first
    without = np.asarray(operand_value(recording, at)) - constant
    if run.name == "log":
        partial = 1 / without
    elif run.name == "sqrt":
        partial = 0.5 / np.sqrt(without)
    else:
        partial = 1 / without if run.slot == first else -operand_value(recording, first) / without**2
    wrong = upstream * partial
    if np.shape(wrong) == np.shape(sent):
        yield f"the {number(constant)} that is added to the operand left out of the rule", wrong - sent


def added_constant(trace: Trace, run: Run) -> float | None:
    """Return the small constant that is added to what a logarithm, a root or a division is taken of, if one is."""
    recording, first = trace.recording, _first(run)
    if run.name not in ("log", "sqrt", "divide"):
        return None
    producer = int(recording.operands[first + 1 if run.name == "divide" else first])
    if producer < 0 or name_of(trace, producer) != "add":
        return None
    added = range(int(recording.starts[producer]), int(recording.starts[producer + 1]))
    small = [np.asarray(operand_value(recording, slot)) for slot in added if recording.operands[slot] < 0]
    if len(small) != 1 or small[0].size != 1:
        return None
    constant = float(small[0].real.ravel()[0])
    return constant if 0 < abs(constant) <= _SMALL else None


def _of_matrices(trace: Trace, run: Run, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Look for a square matrix that was not transposed."""
    matrix = other_matrix(trace, run)
    is_square = np.ndim(upstream) == _MATRIX and len(set(np.shape(upstream))) == 1
    if matrix is not None and is_square:
        turned = upstream.T - upstream
        change = turned @ matrix.T if run.slot == _first(run) else matrix.T @ turned
        yield "g.T in place of g (g is the gradient of the product)", change
    if matrix is None or matrix.shape[0] != matrix.shape[1] or np.ndim(upstream) not in (1, _MATRIX):
        return
    turned, is_left = matrix.T, run.slot == _first(run)
    change = upstream @ (matrix - turned) if is_left else (matrix - turned) @ upstream
    done, rule = ("g @ W", "g @ W.T") if is_left else ("W @ g", "W.T @ g")
    yield f"{done} in place of {rule} (g is the gradient of the product, W the matrix)", change


def other_matrix(trace: Trace, run: Run) -> Any:
    """Return the matrix by which a product multiplies an operand; None where there is none."""
    first, stop = _first(run), int(trace.recording.starts[run.node.row + 1])
    if run.name not in ("matmul", "dot") or stop - first != _MATRIX:
        return None
    matrix = np.asarray(operand_value(trace.recording, stop - 1 if run.slot == first else first))
    return matrix if matrix.ndim == _MATRIX else None


def _of_next_turn(trace: Trace, run: Run, upstream: Any) -> Iterator[tuple[str, Any]]:
    """Look for a product with what the other operand is one turn of a loop later: h[t] in place of h[t - 1]."""
    recording, first = trace.recording, _first(run)
    is_pair = int(recording.starts[run.node.row + 1]) - first == _MATRIX
    if run.name not in ("matmul", "dot", "multiply") or not is_pair:
        return
    is_left = run.slot == first
    row = int(recording.operands[first + 1 if is_left else first])
    later = _one_turn_later(trace, run.node.row, row, 1 if is_left else 0)
    other = np.asarray(operand_value(recording, first + 1 if is_left else first))
    if later is None or np.shape(recording.values[later]) != other.shape:
        return
    difference = np.asarray(recording.values[later]) - other
    if run.name == "multiply":
        change = upstream * difference
    elif np.ndim(upstream) == _MATRIX == difference.ndim:
        change = upstream @ difference.T if is_left else difference.T @ upstream
    elif np.ndim(upstream) == difference.ndim == 1:
        change = np.outer(upstream, difference) if is_left else np.outer(difference, upstream)
    else:
        return
    name = Node(trace, int(trace.graph.node_of_row[later])).name
    factor = clean(name) if name else "the other operand"
    yield f"{factor} of one turn later in place of {factor}", change


def _one_turn_later(trace: Trace, user: int, row: int, port: int) -> int | None:
    """Return the value that follows the operand of an operation in a loop: what its last run has, is made there."""
    places, recording = trace.sites.row_places, trace.recording
    runs = np.flatnonzero((places == places[user]) & (recording.ops == recording.ops[user]))
    if len(runs) < 2:  # the first may have a constant
        return None
    last = int(recording.operands[int(recording.starts[runs[-1]]) + port])
    if last < 0:
        return None
    made = np.flatnonzero((places == places[last]) & (recording.ops == recording.ops[last]))
    at = int(np.searchsorted(made, row, side="right"))
    return int(made[at]) if at < len(made) else None


_OF_RESULT = frozenset({"tanh", "expit"})  # whose slope is one of the result


def one_turn_earlier(trace: Trace, row: int) -> Any:
    """Return what a row of a loop gave one turn earlier, in the first turn what stood in its place; None for others."""
    places, recording, consumers = trace.sites.row_places, trace.recording, trace.graph.slot_consumer
    runs = np.flatnonzero((places == places[row]) & (recording.ops == recording.ops[row]))
    at = int(np.searchsorted(runs, row))
    if at > 0:
        return np.asarray(recording.values[int(runs[at - 1])])
    if len(runs) < 2:
        return None
    for slot in np.flatnonzero(recording.operands == runs[-2]).tolist():
        user = int(consumers[slot])
        users = np.flatnonzero((places == places[user]) & (recording.ops == recording.ops[user]))
        if runs[-2] < user <= runs[-1] and len(users) == len(runs) and users[0] < runs[0]:
            return np.asarray(
                operand_value(
                    recording, int(recording.starts[users[0]]) + slot - int(recording.starts[user])
                )
            )
    return None


def updated(trace: Trace, run: Run, upstream: Any) -> Any:
    """Return how what a product sends back changes as its matrix takes a step along its gradient; None for others."""
    matrix, first = other_matrix(trace, run), _first(run)
    is_left = run.slot == first
    row = int(trace.recording.operands[first + 1 if is_left else first]) if matrix is not None else -1
    if row < 0 or not trace.gradients.reached[row] or np.ndim(upstream) not in (1, _MATRIX):
        return None
    step = np.asarray(trace.gradients.row(row)).T
    return upstream @ step if is_left else step @ upstream


def _of_places(trace: Trace, run: Run, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Look for elements that are taken more than once, and added to once."""
    params = trace.recording.params.get(run.node.row, {})
    wrong = np.zeros(np.shape(sent))
    if run.name == "getitem" and may_repeat(params["index"]):
        wrong[params["index"]] += upstream
    elif run.name == "take" and "places" in params:
        wrong.reshape(-1)[params["places"] - 1] += upstream
    else:
        return
    yield (
        "what is taken several times was added to once, as d[i] += g does; np.add.at(d, i, g) adds each",
        wrong - sent,
    )
