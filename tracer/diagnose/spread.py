"""How a fault spreads through a graph: from where it is born to everything that it spoils. Columns only.

A `parent` column says of each spoiled item, by number, which one spoiled it; one that is its own parent is where the
fault is born, a root. Used by the detectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.errors import EdgegradError
from tracer.graph import FUNCTION, SPLITTER
from tracer.recording import INDEX

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, np.dtype[Any]]
NOTHING = -1


def roots_of(parent: Column) -> Column:
    """Follow the parents of all items to their roots, in steps of doubling length."""
    while True:
        further = parent[parent]
        if bool((further == parent).all()):
            return parent
        parent = further


def first_of(count: int, keys: Column, items: Column) -> Column:
    """Return, by key, the first of its items; NOTHING where it has none."""
    found = np.full(count, NOTHING, INDEX)
    found[keys[::-1]] = items[::-1]  # of several that are assigned to one place, the last stays
    return found


def closure(roots: Column, above: Column, below: Column) -> Column:
    """Return which roots have a part in some, which are given as a column of flags.

    `above` and `below` are the roots of the two ends of each link by which a fault went on: where one has a part, so
    has what was under it.
    """
    has_part = roots.copy()
    while True:
        reached = below[has_part[above]]
        if has_part[reached].all():
            return has_part
        has_part[reached] = True


def has_gradients(trace: Trace) -> bool:
    """Tell whether there is an output to go back from."""
    try:
        return trace.seed_value is not None
    except EdgegradError:
        return False


def gradient_edges(graph: Graph) -> Column:
    """Return, by row, the edge that has the gradient of its value: its only use, or its splitter's; else NOTHING."""
    outlet = first_of(len(graph.kinds), graph.src, np.arange(len(graph.src), dtype=INDEX))
    return outlet.take(graph.node_of_row)


def brings_operand(graph: Graph) -> Column:
    """Say of each edge whether it brings an operand to its operation: in their order, these are the traced slots."""
    flags: Column = graph.slots >= 0
    if graph.targets:  # broadcasts have slots too
        flags &= (graph.kinds != SPLITTER).repeat(graph.first_in[1:] - graph.first_in[:-1])
    return flags


def operand_edges(graph: Graph) -> Column:
    """Return, by slot, the edge that brings a traced operand to its operation; NOTHING for constants."""
    found = np.full(len(graph.recording.operands), NOTHING, INDEX)
    found[graph.recording.operands >= 0] = brings_operand(graph).nonzero()[0]
    return found


def is_function(graph: Graph) -> Column:
    """Say of each edge whether it leads to an operation."""
    flags: Column = (graph.kinds == FUNCTION).repeat(graph.first_in[1:] - graph.first_in[:-1])
    return flags
