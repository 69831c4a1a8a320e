"""How large gradients are by a measure that no change of units changes. Used by the detectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Rows: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


def gradient_sizes(trace: Trace) -> Column:
    """Return, by row, the norm of its gradient; zero for a value that is never used."""
    leaving = np.zeros(len(trace.graph.kinds))
    # One edge leaves a row: its use, or that to its splitter
    leaving[trace.graph.src] = trace.edge_statistics.norm
    sizes: Column = leaving[trace.graph.node_of_row]
    return sizes


def value_sizes(trace: Trace, rows: Rows) -> Column:
    """Return the norms of the values of some rows."""
    values = trace.recording.values
    sizes: Column = np.abs(values.floats[rows])
    if values.others:
        for at, row in enumerate(rows.tolist()):
            if row in values.others:
                array = np.asarray(values[row])
                sizes[at] = np.linalg.norm(array.ravel()) if array.dtype.kind in "fciu" else np.nan
    return sizes


def influence(trace: Trace, rows: Rows, sizes: Column) -> Column:
    """Return, by row, about what doubling its value would do to the output: |value| × |gradient|."""
    with np.errstate(all="ignore"):
        found: Column = np.nan_to_num(value_sizes(trace, rows) * sizes[rows], nan=np.inf)
    return found


def output_size(trace: Trace) -> float:
    """Return how large what the gradients are of is: the output, in the units of the seed."""
    with np.errstate(all="ignore"):
        return float(np.sum(np.abs(np.asarray(trace.output.value) * np.asarray(trace.seed_value))))
