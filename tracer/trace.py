"""Trace: what users hold. A run and the gradient of one of its outputs; each method is one call into a room."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.graph import Graph
from tracer.operations import OP_NUMBERS
from tracer.own_references import refuse_written
from tracer.pull import as_number
from tracer.structures import Structure, fill, names_in
from tracer.tape import RUNS
from tracer.views import Edge, Node, Views, zero_like

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import CodeType

    from matplotlib.figure import Figure

    from tracer.cut_warnings import Warned
    from tracer.diagnose.finding import Finding
    from tracer.diagnose.paths import Paths
    from tracer.edge_gradients import EdgeGradients
    from tracer.gradients import Gradients
    from tracer.recording import Recording
    from tracer.sites import Sites
    from tracer.statistics import EdgeStatistics


@dataclass(eq=False, repr=False)
class Run:
    """One run of a traced function: its record, and what its arguments and result were."""

    function: str
    recording: Recording
    # By parameter: the argument with input numbers in place of its numbers
    structures: dict[str, Structure]
    result: Any = None
    # The exception's type and text: the exception itself would keep its frames alive
    error: str | None = None
    known_sites: Sites | None = None  # of a loaded trace, whose code is not at hand
    keep: str = "auto"
    failed: tuple[CodeType, int] | None = None  # where the exception came from
    # By path: what an argument is that is an array and not traced: 'an array of int64', 'a MaskedArray of float64'
    untraced: dict[str, str] = field(default_factory=dict)
    warned: tuple[Warned, ...] = ()  # of what no cut shows

    def __post_init__(self) -> None:
        # The result may be an array that the program goes on with; most are numbers
        if type(self.result) is not float:
            RUNS[id(self)] = self

    @cached_property
    def graph(self) -> Graph:
        """The forward graph."""
        return Graph(self.recording)

    @cached_property
    def output_arrays(self) -> Counter[int]:
        """By identity of an array: how many outputs are it."""
        values = [each.value for each in self.recording.outputs]
        return Counter(id(each) for each in values if issubclass(type(each), np.ndarray))

    @cached_property
    def sites(self) -> Sites:
        """Where everything was made."""
        from tracer.places import sites_of  # noqa: PLC0415  (not needed to trace)

        return self.known_sites or sites_of(self.recording, self.failed)

    @cached_property
    def input_rows(self) -> dict[int, str]:
        """By row of an input: its name."""
        rows = (self.recording.ops == OP_NUMBERS["input"]).nonzero()[0].tolist()
        return dict(zip(rows, self.recording.input_names, strict=True))

    @cached_property
    def second_names(self) -> dict[str, int]:
        """Further names of inputs, as tied weights have them, and their rows."""
        rows, first = list(self.input_rows), self.input_rows
        met: list[int] = []
        for structure in self.structures.values():
            fill(structure, met.append)
        if len(met) == len(set(met)):
            return {}
        named = (
            (name, rows[number])
            for parameter, structure in self.structures.items()
            for name, number in names_in(structure, parameter, first.values())
        )
        return {name: row for name, row in named if name != first[row]}


@dataclass(eq=False, repr=False)
class Trace:
    """A run and the gradient on every edge for one seeded output; the backward pass runs when first asked for."""

    run: Run
    of: str | int | None = None
    seed: Any = None

    @property
    def function(self) -> str:
        """The name of the traced function."""
        return self.run.function

    @property
    def result(self) -> Any:
        """What the traced function returned; None if it raised, see `error`.

        Raises UnsupportedError in another traced function that has written into it.
        """
        refuse_written(self.run.result)
        return self.run.result

    @property
    def error(self) -> str | None:
        """Type and text of the exception that ended the run; what was recorded up to it can be looked at."""
        return self.run.error

    @property
    def recording(self) -> Recording:
        """The columns of the run."""
        return self.run.recording

    @property
    def graph(self) -> Graph:
        """The columns of the forward graph."""
        return self.run.graph

    @property
    def sites(self) -> Sites:
        """Places in the source, scopes and variable names."""
        return self.run.sites

    @property
    def source(self) -> dict[str, str]:
        """The text of each file that the traced code stands in, as far as it is known."""
        return self.sites.source

    @property
    def input_rows(self) -> dict[int, str]:
        """By row of an input: its name."""
        return self.run.input_rows

    @property
    def nodes(self) -> Views:
        """All nodes, in execution order."""
        return Views("nodes", lambda index: Node(self, index), len(self.graph.kinds))

    @property
    def edges(self) -> Views:
        """All edges, by the node they lead to."""
        return Views("edges", lambda index: Edge(self, index), len(self.graph.src))

    @property
    def inputs(self) -> list[Node]:
        """The input nodes, in the order of the arguments."""
        return [Node(self, int(self.graph.node_of_row[row])) for row in self.input_rows]

    @property
    def outputs(self) -> list[Node]:
        """The output nodes: one for each number in the result."""
        return [Node(self, index) for index in range(self.graph.first_output, len(self.graph.kinds))]

    @property
    def output(self) -> Node:
        """The output whose gradient this is.

        Raises GradientError where there is none, or several to choose from, and LookupNameError for a wrong `of`.
        """
        return Node(self, self.graph.first_output + self._output_number)

    # And not the node, which holds the trace: no circle, so `del` frees at once
    @cached_property
    def _output_number(self) -> int:
        from tracer.lookup import chosen_output  # noqa: PLC0415  (not needed to trace)

        return chosen_output(self)

    @cached_property
    def seed_value(self) -> Any:
        """The gradient that the backward pass starts with, in the shape of the output; 1.0 unless it was given."""
        from tracer.starting_gradient import starting_gradient  # noqa: PLC0415  (not needed to trace)

        return starting_gradient(self)

    @cached_property
    def gradients(self) -> Gradients:
        """The gradients in columns."""
        from tracer.backward import backward  # noqa: PLC0415  (not needed to trace)

        row = self.output.row
        return backward(self.graph, row, self.seed_value, keep_all=self.run.keep == "all")

    @property
    def grads(self) -> dict[str, Any]:
        """The gradient of the output by each parameter, in the structure of its argument.

        Zeros where the output does not depend on it, None where nothing is traced. Arrays are copies.
        """
        rows = list(self.input_rows)
        return {
            parameter: fill(structure, lambda number: self._gradient_of_input(rows[number]))
            for parameter, structure in self.run.structures.items()
        }

    @cached_property
    def first_cuts(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """By row: the first cut that it leads to; -1 where it leads to none."""
        from tracer.diagnose.cut_inputs import first_cuts  # noqa: PLC0415  (few programs have a cut)

        return first_cuts(self, np.flatnonzero(self.recording.ops == OP_NUMBERS["cut"]).tolist())

    @cached_property
    def fired(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """By edge: whether it fired in the backward pass, as it did where the output depends on it."""
        from tracer.edge_gradients import edges_fired  # noqa: PLC0415  (not needed to trace)

        return edges_fired(self)

    @cached_property
    def steps(self) -> np.ndarray[Any, np.dtype[np.int32]]:
        """By edge: when it fired in the backward pass, from 0; -1 where it never did."""
        fired = self.fired
        steps = np.int32(np.count_nonzero(fired)) - fired.cumsum(dtype=np.int32)
        steps[~fired] = -1
        return np.asarray(steps, np.int32)

    def edge_gradients(self) -> EdgeGradients:
        """Return the gradient of every edge in one column: numbers as floats, arrays by edge number.

        Some arrays are `Compressed`: the part that an indexing took, or a column times a row; `.dense()` is the array.
        """
        from tracer.edge_gradients import edge_gradients  # noqa: PLC0415  (not needed to trace)

        return edge_gradients(self)

    @cached_property
    def edge_statistics(self) -> EdgeStatistics:
        """How large the gradient of every edge is, in columns, whether it is kept or not."""
        from tracer.edge_gradients import edge_statistics  # noqa: PLC0415  (not needed to trace)

        return edge_statistics(self)

    def __getitem__(self, name: str) -> Node:
        """Return the node of an input by its path, or of a variable: `t["h"]` is its last value, `t["h[3]"]` its 4th.

        Of a parameter that the function assigns anew, `t["x"]` is the input, and `t["x[-1]"]` the last value.
        Raises LookupNameError with the nearest names.
        """
        from tracer.lookup import node_named  # noqa: PLC0415  (not needed to trace)

        return node_named(self, name)

    def backward(self, of: str | int | None = None, seed: Any = None) -> Trace:
        """Return a new Trace over the same run for another output or seed; nothing accumulates.

        Raises LookupNameError where no output has the name.
        """
        # As it is now: the pass runs when it is asked for, and the program may use its array again
        other = Trace(self.run, self.of if of is None else of, deepcopy(seed))
        if of is not None:
            _ = other._output_number  # raises LookupNameError where no output has the name
        return other

    def explain(self, name: str, *, depth: int = 6, top: int = 5) -> str:
        """Return the arithmetic behind the gradient of an input or variable, as a tree of text lines."""
        from tracer.diagnose.explain import explain  # noqa: PLC0415  (not needed to trace)

        return explain(self, name, depth=depth, top=top)

    def paths(self, name: str, *, to: str | None = None, top: int = 5) -> Paths:
        """Return the paths of largest contribution from an input or variable to the output, or to the value `to`."""
        from tracer.diagnose.paths import paths  # noqa: PLC0415  (as above)

        return paths(self, name, to=to, top=top)

    def findings(self) -> list[Finding]:
        """Return what is wrong with the gradients, worst first: each with its cause, its place and its numbers."""
        from tracer.diagnose.findings import find  # noqa: PLC0415  (as above)

        return find(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace to a file that `load` and the command line read without running any code."""
        from pathlib import Path  # noqa: PLC0415  (not needed to trace)

        from tracer.trace_file import save  # noqa: PLC0415  (as above)

        save(self, Path(path))

    def draw(
        self,
        file: str | os.PathLike[str],
        /,
        *,
        exact: bool = False,
        rolled: bool = False,
        focus: str | None = None,
        depth: int | None = None,
        only: str | None = None,
        path: str | None = None,
        highlight: str | None = None,
        force: bool = False,
    ) -> None:
        """Draw the graph to a file, by its suffix: svg, png, pdf, html, mmd, dot, graphml or json.

        Of a run that failed, what was recorded. A large graph is rolled up unless `exact`, a small one where `rolled`;
        `force` draws also what nobody can read. `focus="h"` shows what is up to `depth` edges away from a value,
        `only="helper[3]"` the 4th call of a function (without a number, all); `path="x"` marks the largest paths of x,
        `highlight="findings"` what is wrong.
        """
        from viz import draw  # noqa: PLC0415  (the one door to viz, which imports this package)

        draw(
            self,
            file,
            exact=exact,
            rolled=rolled,
            focus=focus,
            depth=depth,
            only=only,
            path=path,
            highlight=highlight,
            force=force,
        )

    def to_networkx(
        self,
        *,
        exact: bool = False,
        focus: str | None = None,
        depth: int | None = None,
        only: str | None = None,
        force: bool = False,
    ) -> Any:
        """Return the graph as a `networkx.MultiDiGraph`; large ones are rolled up as pictures are, unless `exact`.

        Nodes have kind, op, name, value, grad and site, edges port, value, upstream, local and grad; rolled ones how
        many they stand for, and the numbers of the first and the last run, the smallest and the largest.
        """
        from viz import to_networkx  # noqa: PLC0415  (as above)

        return to_networkx(self, exact=exact, focus=focus, depth=depth, only=only, force=force)

    def plot(self, kind: str | None = None, name: str | Sequence[str] | None = None) -> Figure:
        """Plot the gradients: 'flow' back, 'histogram', 'sum' at a splitter, or through 'time'; a matplotlib Figure.

        Without a kind, through time where there is a loop, else the flow. `name`: the value whose way, sum or time is
        shown. Raises UsageError for a wrong kind, with the nearest.
        """
        from viz import plot  # noqa: PLC0415  (the one door to viz, as above)

        return plot(self, kind, name)

    def _repr_html_(self) -> str:
        from viz.notebook import html  # noqa: PLC0415  (as above)

        return html(self)

    def __repr__(self) -> str:
        ended = f", ended by {self.error}" if self.error else ""
        return f"<Trace of {self.function}: {len(self.nodes)} nodes, {len(self.edges)} edges{ended}>"

    def _gradient_of_input(self, row: int) -> Any:
        value = self.recording.values[row]
        gradient = self.gradients.row(row) if self.gradients.reached[row] else zero_like(value)
        if isinstance(value, np.ndarray):
            return np.array(gradient, dtype=value.dtype)
        return type(value)(gradient) if isinstance(value, np.inexact) else as_number(gradient, value)
