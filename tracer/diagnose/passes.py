"""What a gradient passes on its way, gathered by operation. Used by gain.py and tiny_factors.py."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.forest import END
from tracer.diagnose.way import Numbers, ways
from tracer.graph import operand_value
from tracer.groups import Numbered, members_of
from tracer.numbers_text import clean
from tracer.operations import LIMIT, OP_NAMES, OP_NUMBERS
from tracer.recording import operand_of
from tracer.sites import NO_PLACE
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.diagnose.finding import Severity
    from tracer.diagnose.scale import Column
    from tracer.trace import Trace

CONVERGED = 1e-6
"""Of the value: an iteration that changes it by less has arrived, and forgets where it started, as it should."""
_SIGMOID = "the sigmoid"
_EVEN = 0.5  # powers of ten
_EXP, _ADD, _GETITEM = (OP_NUMBERS[name] for name in ("exp", "add", "getitem"))
_STEPS_OF_SIGMOID = 3  # exp, add, divide


def and_more(spoiled: int) -> str:
    """Say how many inputs are spoiled besides the one that was named."""
    others = spoiled - 1
    return f", and {others:,} more input{'s' if others > 1 else ''} with it" if others else ""


def columns_of(*names: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a column by number of operation that says which these are."""
    column = np.zeros(LIMIT, np.bool_)
    column[[OP_NUMBERS[name] for name in names]] = True
    return column


SATURATES = columns_of("tanh", "expit", "erf", "arctan", "norm.cdf", "ndtr")
_DIVIDES = columns_of("divide", "reciprocal")
_FACTORS = columns_of("multiply", "divide")
_PRODUCTS = columns_of("prod", "prod_scalars", "cumprod")


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """All passes through one operation on one way, and what they made of the gradient together."""

    rows: Numbers  # whose uses the passes are, in the order of the run
    row: int  # that of the pass with the largest change
    change: float  # in powers of ten, by which is judged
    told: float  # the like, as measured in the run
    is_even: bool  # the passes change it about equally
    passes: int  # of a product of many numbers as many as there are further factors
    is_saturating: bool
    is_unit: bool
    name: str


class Passes:
    """The ways of a trace and the operations on them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.ways = ways(trace)
        self.ops, self.places = trace.recording.ops, trace.sites.row_places
        # By row: the operation that its gradient comes through
        self.users = np.maximum(self.ways.following, 0)
        inputs = np.array(list(trace.input_rows), np.int64)
        self.inputs = inputs[self.ways.following[inputs] != END]
        self._factors = np.ones(len(self.ops), np.int64)
        for row in np.flatnonzero(_PRODUCTS[self.ops]).tolist():
            slots = range(trace.recording.starts[row], trace.recording.starts[row + 1])
            self._factors[row] = max(
                sum(np.size(operand_value(trace.recording, slot)) for slot in slots) - 1, 1
            )

    def are_repeated(self, least: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say of each row whether the operation that its gradient comes through is met so often in the run."""
        places, ops = self.places[self.users], self.ops[self.users]
        runs = np.bincount(self.places[self.places != NO_PLACE], minlength=1)
        answer: np.ndarray[Any, np.dtype[np.bool_]] = (places != NO_PLACE) & (runs[places] >= least)
        answer |= self._factors[self.users] >= least
        answer |= SATURATES[ops] & (np.bincount(self.ops)[ops] >= least)
        return answer

    @cached_property
    def units(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say of each row whether its gradient comes through a product with a constant, as conversions of units are."""
        recording = self.trace.recording
        answer = np.zeros(len(self.ops), np.bool_)
        rows = np.flatnonzero(_FACTORS[self.ops])
        firsts = recording.starts[rows]
        answer[rows] = np.minimum(recording.operands[firsts], recording.operands[firsts + 1]) < 0
        return answer[self.users]

    def stretches(self, way: Numbers, column: Column, told: Column) -> list[Stretch]:
        """Gather the passes on a way by place in the source, and those that saturate by operation."""
        users, changes = self.users[way], np.stack((column[way], told[way]))
        keys = np.where(self.places[users] == NO_PLACE, -1 - users, self.places[users]).astype(np.int64)
        saturates = SATURATES[self.ops[users]]
        keys[saturates] = len(self.trace.sites.places) + self.ops[users][saturates]
        sigmoids = self._sigmoids(way)
        for back in range(1, _STEPS_OF_SIGMOID):  # the sum and the exponential count to the division
            changes[:, sigmoids] += changes[:, sigmoids - back]
            changes[:, sigmoids - back] = 0.0
        is_sigmoid = np.zeros(len(way), np.bool_)
        is_sigmoid[sigmoids] = True
        units = self.units[way]
        lowest = int(keys.min(initial=0))
        numbered = Numbered(keys - lowest, int(keys.max(initial=0)) - lowest + 1)
        count = len(numbered.keys)
        numbers = numbered.by_row(np.arange(count))
        sums = [np.bincount(numbers, each, count).tolist() for each in changes]
        parts = members_of(numbers, count)
        return [
            Stretch(
                way[part],
                int(way[part[np.argmax(np.abs(changes[0, part]))]]),
                change,
                measured,
                bool(np.ptp(changes[1, part]) <= _EVEN),
                int(self._factors[users[part]].sum()),
                bool(is_sigmoid[part[0]] or saturates[part[0]]),
                bool(units[part].all()),
                _SIGMOID if is_sigmoid[part[0]] else self.name(int(users[part[0]])),
            )
            for part, change, measured in zip(parts, *sums, strict=True)
        ]

    def name(self, row: int) -> str:
        """Name the operation of a row."""
        return OP_NAMES[int(self.ops[row])].removesuffix("_scalars")

    def _sigmoids(self, way: Numbers) -> Numbers:
        """Return the positions on a way at which 1 / (1 + exp(-x)) ends."""
        recording, ops = self.trace.recording, self.ops[self.users[way]]
        if len(way) < _STEPS_OF_SIGMOID:
            return np.zeros(0, np.int64)
        ends = np.flatnonzero((ops[:-2] == _EXP) & (ops[1:-1] == _ADD) & _DIVIDES[ops[2:]]) + 2
        firsts = recording.starts[self.users[way[ends - 1]]]
        has_constant = np.minimum(recording.operands[firsts], recording.operands[firsts + 1]) < 0
        return ends[has_constant].astype(np.int64)

    def has_converged(self, stretch: Stretch) -> bool:
        """Say whether an operation gave nearly the same in its last two passes."""
        if len(stretch.rows) == 1:
            return False
        before, last = (
            np.asarray(operand_of(self.trace.recording, int(self.users[row]))) for row in stretch.rows[-2:]
        )
        if before.shape != last.shape or last.dtype.kind not in "fc":
            return False
        size = np.linalg.norm(last.ravel())
        return bool(size > 0 and np.linalg.norm((last - before).ravel()) <= CONVERGED * size)

    def called(self, row: int) -> str:
        """Name an input, an item of one, or what uses one."""
        names, recording = self.trace.input_rows, self.trace.recording
        if row in names:
            also = [name for name, other in self.trace.run.second_names.items() if other == row]
            return clean(f"{names[row]} (also {', '.join(also)})" if also else names[row])
        operands = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
        name = clean(next(names[each] for each in operands if each in names))
        index = recording.params[row].get("index") if self.ops[row] == _GETITEM else None
        return f"{name}[{index}]" if isinstance(index, int) else f"an early use of {name}"

    def told(self, stretch: Stretch) -> str:
        """Name an operation and its line."""
        site = self.trace.sites.place(int(self.users[stretch.row])).site
        return f"{stretch.name} in line {site.line}" if site.line else stretch.name

    def finding(
        self,
        kind: str,
        severity: Severity,
        stretch: Stretch,
        message: str,
        advice: str,
        numbers: Mapping[str, float | int | str],
    ) -> Finding:
        """Make a finding whose place is an operation; its edges are those of the first and of the last pass."""
        trace, ends = self.trace, dict.fromkeys((int(stretch.rows[0]), int(stretch.rows[-1])))
        edges = [trace.graph.edge_of(int(self.users[row]), int(self.ways.slots[row])) for row in ends]
        node = Node(trace, int(trace.graph.node_of_row[self.users[stretch.row]]))
        told = tuple(Edge(trace, each) for each in edges)
        known = {"passes": stretch.passes, "log10_gain": stretch.told}
        return Finding(kind, severity, node.site, message, advice, node, told, {**numbers, **known})
