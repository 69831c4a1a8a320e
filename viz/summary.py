"""Trace -> what `edgegrad run` and `edgegrad show` say about it. Columns, so that a million operations are no wait.

Used by `viz.text` and by the command line, which prints the same as JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose import nonfinite
from tracer.diagnose.cut_inputs import inputs_cut_at, why_nothing
from tracer.diagnose.explain import one_line
from tracer.diagnose.finding import SEVERITIES
from tracer.diagnose.findings import harm
from tracer.diagnose.magnitude import largest_of, not_finite
from tracer.diagnose.untraced_arguments import holders
from tracer.graph import CUT, FUNCTION, KINDS, NO_SLOT
from tracer.structures import fill
from viz.running import why_no_gradient

if TYPE_CHECKING:
    from tracer.statistics import EdgeStatistics
    from tracer.trace import Trace

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

SHOWN_INPUTS = 20
SHOWN_SPLITTERS = 5
SHOWN_TERMS = 5
SHOWN_CUTS = 5


@dataclass(frozen=True, slots=True)
class InputLine:
    """An input and its gradient; `has_gradient` is false where there is no backward pass to ask."""

    name: str
    value: Any
    grad: Any
    is_reached: bool
    uses: int
    why_nothing: str  # why no gradient comes back; empty where one does


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
class CutLine:
    """A place where values left the graph, how they did, and how often."""

    code: str
    file: str
    line: int
    via: str
    count: int
    inputs: tuple[str, ...]  # that lead there


@dataclass(frozen=True, slots=True)
class ResultLine:
    """An operation, or an input, and what it gave."""

    name: str
    code: str
    file: str
    line: int
    value: Any


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is to say about a trace as a whole."""

    function: str
    error: str | None  # what ended the run
    last: ResultLine | None  # recorded before a run failed; None where nothing was
    no_gradient: str  # why there are no gradients; empty where there are
    inputs: tuple[InputLine, ...]
    input_count: int
    untraced: tuple[str, ...]  # parameters whose arguments hold nothing that is traced
    holders: tuple[str, ...]  # objects among them that hold floats, which are constants
    outputs: tuple[OutputLine, ...]
    output_count: int
    counts: dict[str, int]  # nodes by kind, splitters as 'copy' and 'broadcast'
    edges: int
    splitters: tuple[SplitterLine, ...]
    cuts: tuple[CutLine, ...]
    gradient_arrays: (
        int  # edges whose gradient is an array, how many of them are kept, and the memory of those
    )
    kept_arrays: int
    kept_bytes: int
    bad_edges: int  # edges whose value or gradient holds a NaN or an infinity
    bad_values: int
    bad_gradients: int
    bad_origin: ResultLine | None  # where the first of them came from


def summary(trace: Trace) -> Summary:
    """Collect what there is to say about a trace as a whole; a run that failed has no gradients."""
    reason = why_no_gradient(trace)
    statistics = trace.edge_statistics if reason is None else None
    arrays = len(statistics.arrays) - _complex_numbers(trace) if statistics is not None else 0
    graph = trace.graph
    uses = np.bincount(graph.src, minlength=len(graph.kinds))
    counts = dict(zip(KINDS, np.bincount(graph.kinds, minlength=len(KINDS)).tolist(), strict=True))
    broadcasts = int((graph.node_slots != NO_SLOT).sum())
    counts |= {"copy": counts.pop("splitter") - broadcasts, "broadcast": broadcasts}
    bad_values = _bad_values(trace)
    bad_gradients = statistics.not_finite > 0 if statistics is not None else np.zeros_like(bad_values)
    return Summary(
        function=trace.function,
        error=trace.error,
        last=_last(trace) if trace.error else None,
        no_gradient="" if reason is None else reason.message,
        inputs=tuple(_inputs(trace, uses, has_gradient=statistics is not None)),
        input_count=len(trace.input_rows),
        untraced=tuple(_untraced(trace)),
        holders=tuple(holders(trace)),
        outputs=tuple(_outputs(trace, has_gradient=statistics is not None)),
        output_count=len(trace.recording.outputs),
        counts=counts,
        edges=len(graph.src),
        splitters=tuple(_splitters(trace, uses, statistics)),
        cuts=tuple(_cuts(trace)),
        gradient_arrays=arrays,
        kept_arrays=arrays - len(trace.gradients.measured.edges) if statistics is not None else 0,
        kept_bytes=trace.gradients.kept_bytes() if statistics is not None else 0,
        bad_edges=int((bad_values | bad_gradients).sum()),
        bad_values=int(bad_values.sum()),
        bad_gradients=int(bad_gradients.sum()),
        bad_origin=_bad_origin(trace) if (bad_values | bad_gradients).any() else None,
    )


def _complex_numbers(trace: Trace) -> int:
    """Count the gradients that are kept beside the arrays, and are none."""
    return sum(
        isinstance(each, complex | np.complexfloating) for each in trace.edge_gradients().others.values()
    )


def _last(trace: Trace) -> ResultLine | None:
    """Return the last operation of a trace."""
    operations = np.flatnonzero(trace.graph.kinds == FUNCTION)
    return _result(trace.nodes[int(operations[-1])]) if len(operations) else None


def _result(node: Any) -> ResultLine:
    site = node.site
    file, line = (PurePath(site.file).name, site.line) if site is not None and site.line else ("", 0)
    return ResultLine(node.label, one_line(_text(node)) or node.name or node.op, file, line, node.value)


def _untraced(trace: Trace) -> list[str]:
    """Return the parameters that `t.grads` has nothing but None for; an empty container is none of them."""
    found = []
    for name, structure in trace.run.structures.items():
        inputs: list[int] = []
        fill(structure, inputs.append)
        if not inputs and structure not in ((), [], {}):
            found.append(name)
    return found


def _bad_origin(trace: Trace) -> ResultLine | None:
    """Return the node that the worst finding blames; None where an infinity is meant, as in a mask."""
    found = nonfinite.find(trace)
    worst = min(found, key=lambda each: (SEVERITIES.index(each.severity), -harm(each)), default=None)
    return _result(worst.node) if worst is not None else None


def _bad_values(trace: Trace) -> Mask:
    """Say of each edge whether its value holds a NaN or an infinity."""
    bad_rows: Mask = not_finite(trace.recording.values)[trace.graph.rows[trace.graph.src]]
    return bad_rows


def _cuts(trace: Trace) -> list[CutLine]:
    """Return the places of the cuts, those that come first."""
    rows = trace.graph.rows[trace.graph.kinds == CUT]
    _, firsts, counts = np.unique(trace.sites.row_places[rows], return_index=True, return_counts=True)
    shown = sorted(zip(firsts.tolist(), counts.tolist(), strict=True))[:SHOWN_CUTS]
    places = trace.sites.row_places[rows]
    lost = inputs_cut_at(trace, [rows[places == places[first]].tolist() for first, _ in shown])
    lines = []
    for (first, count), inputs in zip(shown, lost, strict=True):
        row = int(rows[first])
        site = trace.sites.place(row).site
        via = trace.recording.params.get(row, {}).get("via", "")
        file = PurePath(site.file).name
        lines.append(CutLine(one_line(site.text), file, site.line, via, count, tuple(inputs)))
    return lines


def _inputs(trace: Trace, uses: np.ndarray[Any, Any], *, has_gradient: bool) -> list[InputLine]:
    graph = trace.graph
    lines = []
    for row, name in islice(trace.input_rows.items(), SHOWN_INPUTS):
        node = trace.nodes[int(graph.node_of_row[row])]
        is_reached = has_gradient and bool(trace.gradients.reached[row])
        lines.append(
            InputLine(
                name,
                node.value,
                node.grad if has_gradient else None,
                is_reached,
                _use_count(trace, node.index, uses),
                "" if is_reached else why_nothing(trace, row),
            )
        )
    return lines


def _use_count(trace: Trace, node: int, uses: np.ndarray[Any, Any]) -> int:
    graph = trace.graph
    if uses[node] != 1:
        return int(uses[node])
    user = int(graph.dst[graph.out_edges(node)[0]])
    return int(uses[user]) if graph.is_copy(user) else 1


def _outputs(trace: Trace, *, has_gradient: bool) -> list[OutputLine]:
    seeded = trace.output.index - trace.graph.first_output if has_gradient else -1
    outputs = trace.recording.outputs
    shown = list(range(min(len(outputs), SHOWN_INPUTS)))
    if seeded >= len(shown):
        shown[-1] = seeded
    return [OutputLine(outputs[each].path, outputs[each].value, each == seeded) for each in shown]


def _splitters(
    trace: Trace, uses: np.ndarray[Any, Any], statistics: EdgeStatistics | None
) -> list[SplitterLine]:
    """Return the splitters of the largest terms, which what is not finite is; then by uses, then what comes first."""
    graph = trace.graph
    splitters = np.flatnonzero(graph.is_copy())
    sizes = statistics.norm if statistics is not None else None
    largest = np.zeros(len(graph.kinds))
    if sizes is not None:
        np.maximum.at(largest, graph.src, np.where(np.isfinite(sizes), sizes, np.inf))
    order = np.lexsort((-uses[splitters], -largest[splitters]))
    lines = []
    for index in splitters[order[:SHOWN_SPLITTERS]].tolist():
        node = trace.nodes[index]
        edges = graph.out_edges(index)
        terms: tuple[Any, ...] = ()
        if sizes is not None:
            terms = tuple(trace.edges[edge].grad for edge in largest_of(sizes, edges, SHOWN_TERMS))
        name = node.label or _text(node)
        lines.append(SplitterLine(name, len(edges), terms, node.grad if sizes is not None else None))
    return lines


def _text(node: Any) -> str:
    return " ".join(node.site.text.split()) if node.site is not None else ""
