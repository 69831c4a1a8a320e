"""Trace -> what `edgegrad run` and `edgegrad show` say about it. Columns, so that a million operations are no wait.

Used by `viz.text` and by the command line, which prints the same as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import GradientError
from tracer.graph import KINDS, NO_SLOT, SPLITTER
from tracer.numbers_text import largest

if TYPE_CHECKING:
    from tracer.recording import Values
    from tracer.trace import Trace

SHOWN_INPUTS = 20
SHOWN_SPLITTERS = 5
SHOWN_TERMS = 5


@dataclass(frozen=True, slots=True)
class InputLine:
    """An input and its gradient; `has_gradient` is false where there is no backward pass to ask."""

    name: str
    value: Any
    grad: Any
    is_reached: bool
    uses: int


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A number in the result."""

    path: str
    value: Any
    is_seeded: bool


@dataclass(frozen=True, slots=True)
class SplitterLine:
    """A value with several uses, and the sum of what they sent back: all terms if they are few, else the largest."""

    name: str
    uses: int
    terms: tuple[Any, ...]
    total: Any


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is to say about a trace as a whole."""

    function: str
    error: str | None  # what ended the run
    no_gradient: str  # why there are no gradients; empty where there are
    inputs: tuple[InputLine, ...]
    input_count: int
    outputs: tuple[OutputLine, ...]
    output_count: int
    operations: int
    counts: dict[str, int]  # nodes by kind
    edges: int
    splitters: tuple[SplitterLine, ...]
    bad_values: int  # edges whose value holds a NaN or an infinity
    bad_gradients: int


def summary(trace: Trace) -> Summary:
    """Collect what there is to say about a trace as a whole; a run that failed has no gradients."""
    no_gradient = ""
    gradients: Values | None = None
    try:
        gradients = trace.edge_gradients()
    except GradientError as error:
        no_gradient = error.message
    graph = trace.graph
    uses = np.bincount(graph.src, minlength=len(graph.kinds))
    counts = np.bincount(graph.kinds, minlength=len(KINDS)).tolist()
    return Summary(
        function=trace.function,
        error=trace.error,
        no_gradient=no_gradient,
        inputs=tuple(_inputs(trace, uses, has_gradient=gradients is not None)),
        input_count=len(trace.input_rows),
        outputs=tuple(_outputs(trace, has_gradient=gradients is not None)),
        output_count=len(trace.recording.outputs),
        operations=int(counts[KINDS.index("function")]),
        counts=dict(zip(KINDS, counts, strict=True)),
        edges=len(graph.src),
        splitters=tuple(_splitters(trace, uses, gradients)),
        bad_values=_bad_values(trace),
        bad_gradients=int(bad(gradients).sum()) if gradients is not None else 0,
    )


def bad(values: Values) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each value in a column whether it holds a NaN or an infinity."""
    answer = ~np.isfinite(values.floats)
    for position, value in values.others.items():
        answer[position] = _is_bad(value)
    return answer


def _is_bad(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fc" and not bool(np.isfinite(value).all())
    return isinstance(value, (float, complex, np.inexact)) and not bool(np.isfinite(value))


def _bad_values(trace: Trace) -> int:
    rows = trace.graph.rows[trace.graph.src]
    return int(bad(trace.recording.values)[rows[rows >= 0]].sum())


def _inputs(trace: Trace, uses: np.ndarray[Any, Any], *, has_gradient: bool) -> list[InputLine]:
    graph = trace.graph
    lines = []
    for row, name in islice(trace.input_rows.items(), SHOWN_INPUTS):
        node = trace.nodes[int(graph.node_of_row[row])]
        lines.append(
            InputLine(
                name,
                node.value,
                node.grad if has_gradient else None,
                has_gradient and bool(trace.gradients.reached[row]),
                _use_count(trace, node.index, uses),
            )
        )
    return lines


def _use_count(trace: Trace, node: int, uses: np.ndarray[Any, Any]) -> int:
    graph = trace.graph
    if uses[node] != 1:
        return int(uses[node])
    user = int(graph.dst[graph.out_edges(node)[0]])
    is_splitter = graph.kinds[user] == SPLITTER and graph.node_slots[user] == NO_SLOT
    return int(uses[user]) if is_splitter else 1


def _outputs(trace: Trace, *, has_gradient: bool) -> list[OutputLine]:
    seeded = trace.output.index - trace.graph.first_output if has_gradient else -1
    outputs = trace.recording.outputs
    shown = list(range(min(len(outputs), SHOWN_INPUTS)))
    if seeded >= len(shown):
        shown[-1] = seeded
    return [OutputLine(outputs[each].path, outputs[each].value, each == seeded) for each in shown]


def _splitters(trace: Trace, uses: np.ndarray[Any, Any], gradients: Values | None) -> list[SplitterLine]:
    """Return the splitters with the most uses; of equal ones those that come first."""
    graph = trace.graph
    splitters = np.flatnonzero((graph.kinds == SPLITTER) & (graph.node_slots == NO_SLOT))
    lines = []
    for index in splitters[np.argsort(-uses[splitters], kind="stable")[:SHOWN_SPLITTERS]].tolist():
        node = trace.nodes[index]
        edges = graph.out_edges(index)
        terms: tuple[Any, ...] = ()
        if gradients is not None:
            terms = tuple(gradients[edge] for edge in _largest(edges, gradients))
        name = node.label or _text(node)
        lines.append(SplitterLine(name, len(edges), terms, node.grad if gradients is not None else None))
    return lines


def _largest(edges: list[int], gradients: Values) -> list[int]:
    """Return the edges with the largest gradients, in the order of the edges if that is all of them."""
    if len(edges) <= SHOWN_TERMS:
        return edges
    if gradients.others and gradients.others.keys() & set(edges):
        return [edges[position] for position in largest([gradients[edge] for edge in edges], SHOWN_TERMS)]
    return [edges[position] for position in largest(gradients.floats[edges], SHOWN_TERMS)]


def _text(node: Any) -> str:
    return " ".join(node.site.text.split()) if node.site is not None else ""
