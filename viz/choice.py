"""What part of a trace a picture shows, and what is marked in it: a View that somebody asked for -> a Choice.

Columns in, columns out: a mask over the exact nodes, and marks by the number of a node or an edge. Nothing here knows
how anything is drawn; `viz.diagram` draws the nodes of the mask, `viz.marks` the marks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from tracer.errors import UsageError
from tracer.graph import INPUT, OUTPUT, SPLITTER
from tracer.numbers_text import clean, number, shorten_text
from viz.calls import calls_named
from viz.parts import Mark
from viz.theme import PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding
    from tracer.graph import Graph
    from tracer.recording import Indices
    from viz.skeleton import Flags, Ints

DEPTH = 2  # edges around a focus
MOST_FINDINGS = 12  # of a picture; `edgegrad check` lists all
FINDING_LIMIT = 300  # characters, in two lines or three of a legend
HIGHLIGHTS = ("findings",)


class ViewOptions(TypedDict, total=False):
    """A View as keywords."""

    exact: bool
    rolled: bool
    focus: str | None
    depth: int | None
    only: str | None
    path: str | None
    highlight: str | None
    force: bool


@dataclass(frozen=True, slots=True)
class View:
    """What somebody wants to see of a trace; the same names as the options of the command line."""

    exact: bool = False
    rolled: bool = False  # also what is small
    focus: str | None = None
    depth: int | None = None  # of the focus; None is DEPTH
    only: str | None = None
    path: str | None = None
    highlight: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for what contradicts itself: before anything is run or read."""
        if self.exact and self.rolled:
            raise UsageError(
                "a picture is exact or rolled up",
                got="got both",
                advice="leave one of them out; without either, only a large graph is rolled up",
            )
        if self.focus is not None and self.only is not None:
            raise UsageError(
                "a picture has one subject",
                got=f"got focus {self.focus!r} and only {self.only!r}",
                advice="choose one of the two",
            )
        if self.depth is not None and self.focus is None:
            raise UsageError(
                "a depth is that of a focus",
                got=f"got depth {self.depth} and no focus",
                advice="choose the focus, too",
            )
        if self.highlight not in (None, *HIGHLIGHTS):
            raise UsageError(
                f"can't highlight {self.highlight!r}", advice=f"highlight one of {', '.join(HIGHLIGHTS)}"
            )


WHOLE = View()


@dataclass(frozen=True, slots=True)
class Choice:
    """What is drawn of a trace: `keep` by node (None: all), and which marks stand at which nodes and edges."""

    keep: Flags | None = None
    marks: tuple[Mark, ...] = ()
    on_nodes: tuple[Ints, ...] = ()  # by mark: where it stands
    on_edges: tuple[Ints, ...] = ()
    is_rest_calm: bool = False  # what no mark stands at is drawn pale
    notes: tuple[str, ...] = ()


EVERYTHING = Choice()


def choose(trace: Any, view: View = WHOLE) -> Choice:
    """Choose what a view shows of a trace.

    Raises LookupNameError for a name that is not there, GradientError for paths and findings of a trace that has no
    gradients.
    """
    found = _Found()
    keep = None
    if view.focus is not None:
        keep = _neighbourhood(trace, view.focus, DEPTH if view.depth is None else view.depth, found)
    elif view.only is not None:
        keep = _calls(trace, view.only)
    if view.path is not None:
        _mark_paths(trace, view.path, found)
    if view.highlight is not None:
        _mark_findings(trace, found)
    return Choice(
        keep,
        tuple(found.marks) if keep is None else _told_of_a_part(trace.graph, keep, found),
        tuple(found.nodes),
        tuple(found.edges),
        view.path is not None,
        tuple(found.notes),
    )


class _Found:
    """The marks as they are found."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.nodes: list[Ints] = []
        self.edges: list[Ints] = []
        self.notes: list[str] = []

    def add(self, mark: Mark, nodes: Sequence[int] | Ints, edges: Sequence[int] | Ints = ()) -> None:
        self.marks.append(mark)
        self.nodes.append(np.asarray(nodes, np.int64))
        self.edges.append(np.asarray(edges, np.int64))


def _told_of_a_part(graph: Graph, keep: Flags, found: _Found) -> tuple[Mark, ...]:
    """Return the marks, and say of those that stand at nothing that is kept that they are elsewhere."""
    is_seen = [
        bool(keep[nodes].any() or keep[graph.src[edges]].any() or keep[graph.dst[edges]].any())
        for nodes, edges in zip(found.nodes, found.edges, strict=True)
    ]
    return tuple(
        mark if seen else replace(mark, text=f"{mark.text} (outside of this view)")
        for mark, seen in zip(found.marks, is_seen, strict=True)
    )


def _neighbourhood(trace: Any, name: str, depth: int, found: _Found) -> Flags:
    """Keep a value and what is at most `depth` edges before or behind it; a splitter is part of its value."""
    if depth < 0:
        raise UsageError("a depth is a number of edges", got=f"got {depth}", advice="0 is the value alone")
    graph = trace.graph
    centre = trace[name].index
    kept = np.zeros(len(graph.kinds), np.bool_)
    for step in (_before, _behind):
        reached = np.zeros(len(kept), np.bool_)
        front = np.array([centre])
        reached[front] = True
        for _ in range(depth):
            following = np.unique(step(graph, front))
            front = following[~reached[following]]
            if not len(front):
                break
            reached[front] = True
        kept |= reached
    _keep_splitters(graph, kept)
    found.add(Mark("focus", "◎", f"{clean(name)}, with what is {depth} or fewer edges away"), [centre])
    return kept


def _value_of(graph: Graph, nodes: Ints) -> Ints:
    """Return for splitters and broadcasts the node whose value they copy, for other nodes themselves."""
    is_splitter = graph.kinds[nodes] == SPLITTER
    values = nodes.copy()
    values[is_splitter] = graph.node_of_row[graph.rows[nodes[is_splitter]]]
    return values


def _before(graph: Graph, nodes: Ints) -> Ints:
    """Return what nodes use."""
    edges = _ranges(graph.first_in[nodes], graph.first_in[nodes + 1])
    return _value_of(graph, graph.src[edges].astype(np.int64))


def _behind(graph: Graph, nodes: Ints) -> Ints:
    """Return what uses nodes: also through a splitter, and a broadcast behind it."""
    first, by_source = graph.edges_by_source
    found = [np.zeros(0, np.int64)]
    while len(nodes):
        edges = by_source[_ranges(first[nodes], first[nodes + 1])]
        heads = graph.heads(edges)
        is_splitter = graph.kinds[heads] == SPLITTER
        found.append(heads[~is_splitter])
        nodes = heads[is_splitter]
    return np.concatenate(found)


def _ranges(starts: Indices, stops: Indices) -> Ints:
    """Join the numbers of several ranges."""
    lengths = (stops - starts).astype(np.int64)
    within = np.arange(int(lengths.sum())) - np.repeat(lengths.cumsum() - lengths, lengths)
    return np.repeat(starts.astype(np.int64), lengths) + within


def _keep_splitters(graph: Graph, kept: Flags) -> None:
    """Keep the splitter of each value that is kept, and a broadcast where its operation is kept, too."""
    splitters = np.flatnonzero(graph.kinds == SPLITTER)
    kept[splitters] = kept[_value_of(graph, splitters)]
    slots = graph.node_slots[splitters]
    broadcasts = splitters[slots >= 0]
    kept[broadcasts] &= kept[graph.node_of_row[graph.slot_consumer[slots[slots >= 0]]]]


def _calls(trace: Any, only: str) -> Flags:
    """Keep what the calls of one function did, `helper`, or one of them, `helper[3]`."""
    scopes, graph = trace.sites.scopes, trace.graph
    chosen = {scope.index for scope in calls_named(scopes, only)}
    is_in = np.zeros(len(scopes), np.bool_)
    for scope in scopes:  # a call comes after the one that it is made in
        is_in[scope.index] = scope.index in chosen or (scope.parent >= 0 and is_in[scope.parent])
    if is_in[0]:
        return np.ones(len(graph.kinds), np.bool_)
    kept: Flags = is_in[trace.sites.row_scopes[graph.acting_rows()]]
    kept[(graph.kinds == OUTPUT) | (graph.kinds == INPUT)] = False
    return kept


def _mark_paths(trace: Any, name: str, found: _Found) -> None:
    """Mark the largest paths from a value to the output, each to its very end."""
    paths = trace.paths(name, top=len(PATHS))
    if not len(paths):
        found.notes.append(f"no path leads from {clean(name)} to the output, so none is marked")
    graph = trace.graph
    for rank, (kind, path) in enumerate(zip(PATHS, paths, strict=False), 1):
        edges = _with_splitters(
            graph, np.append(_edges_of(graph, path.slots), graph.first_in[paths.target.index])
        )
        nodes = np.append(graph.src[edges], paths.target.index)
        share = "" if path.share is None else f", {path.share:.0%} of its gradient".replace("-", "−")
        which = "largest path" if rank == 1 else f"path {rank}"
        text = f"{which} of {clean(name)}: {number(path.contribution)}{share}"
        found.add(Mark(kind, f"▶{rank}", text), nodes, edges)


def _edges_of(graph: Graph, slots: Ints) -> Ints:
    """Return the edges that bring operands to their rows."""
    recording, rows = graph.recording, graph.slot_consumer[slots]
    traced_before = np.concatenate([[0], np.cumsum(recording.operands >= 0)])
    among = traced_before[slots] - traced_before[recording.starts[rows]]
    found: Ints = graph.first_in[graph.node_of_row[rows]] + among
    return found


def _with_splitters(graph: Graph, edges: Ints) -> Ints:
    """Add to edges of a path those before the splitters and broadcasts that they leave."""
    found, last = [edges], edges
    while len(last):
        sources = graph.src[last]
        last = graph.first_in[sources[graph.kinds[sources] == SPLITTER]].astype(np.int64)
        found.append(last)
    return np.concatenate(found)


def _mark_findings(trace: Any, found: _Found) -> None:
    """Mark the places of the findings, the worst first."""
    findings: list[Finding] = trace.findings()
    if not findings:
        found.notes.append("there are no findings to highlight")
    if len(findings) > MOST_FINDINGS:
        found.notes.append(
            f"{MOST_FINDINGS} of {len(findings):,} findings are marked, the worst; `edgegrad check` lists all"
        )
    for rank, finding in enumerate(findings[:MOST_FINDINGS], 1):
        where = f" at {finding.place}" if finding.place else ""
        text = f"{finding.severity}: {finding.kind}{where}: {finding.message}"
        mark = Mark("finding", f"⚑{rank}", shorten_text(clean(text), FINDING_LIMIT), finding.kind)
        nodes = [finding.node.index] if finding.node is not None else []
        found.add(mark, nodes, [edge.index for edge in finding.edges])
