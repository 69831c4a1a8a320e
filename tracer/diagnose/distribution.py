"""How the gradients of many runs are distributed, by place in the source: in whole numbers and exact sums.

What is told of two lots of runs can be put together in any order and any grouping, to the same bits: counts are ints,
sums have all their digits. Only within one run are gradients added as floats, in the order of its columns.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.diagnose.spread import NOTHING, gradient_edges
from tracer.graph import CUT, FUNCTION, SPLITTER
from tracer.operations import OP_NAMES
from tracer.rules.edited import Part
from tracer.sites import NO_PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tracer.edge_gradients import EdgeGradients
    from tracer.trace import Trace

Column: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Columns: TypeAlias = dict[str, Column]

_LEAST_DECADE, _LAST_DECADE = -324, 308  # of floats that are not zero
_POWERS = np.array([float(f"1e{power}") for power in range(_LEAST_DECADE, _LAST_DECADE + 1)])
_TOGETHER = 1 << 16  # elements of arrays that are counted in one go
_BITS = 128  # of an exact sum that a root is taken of
_NO_PORT = -1
_BROADCAST = len(OP_NAMES)  # the number of what is no operation, and stands before one


class Exact(NamedTuple):
    """A sum of floats without rounding: `digits` × 2**`exponent`."""

    digits: int = 0
    exponent: int = 0

    def plus(self, other: Exact) -> Exact:
        """Add."""
        if not other.digits:
            return self
        exponent = min(self.exponent, other.exponent) if self.digits else other.exponent
        return Exact(
            (self.digits << max(self.exponent - exponent, 0)) + (other.digits << other.exponent - exponent),
            exponent,
        )

    def over(self, count: int) -> float:
        """Divide by a count, and round once; infinite where no float is as large."""
        above, below = max(self.exponent, 0), max(-self.exponent, 0)
        try:
            return (self.digits << above) / (count << below)
        except OverflowError:
            return math.inf if self.digits > 0 else -math.inf

    def root_over(self, count: int) -> float:
        """Return the root of the sum divided by a count, also where no float holds the sum."""
        excess = self.digits.bit_length() - _BITS
        excess += (self.exponent + excess) % 2
        digits = self.digits >> excess if excess > 0 else self.digits << -excess
        return math.ldexp(math.sqrt(digits / count), (self.exponent + excess) // 2)


_NOTHING_YET = Exact()


def exact(value: float, exponent: int) -> Exact:
    """Return `value` × 2**`exponent`."""
    digits, below = value.as_integer_ratio()
    return Exact(digits, exponent + 1 - below.bit_length())


class Spot(NamedTuple):
    """What a line of a table is about: a value made at a place, or the use of one as operand `port`."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    function: str
    code: str
    op: str
    port: int
    name: str


@dataclass(slots=True)
class Tally:
    """What is known of the gradients at one spot; of complex ones, of their sizes |g|."""

    inputs: int = 0
    """The inputs in whose run it was reached."""
    edges: int = 0
    """The values or uses: several a run in a loop."""
    count: int = 0
    """The elements of all their gradients."""
    zeros: int = 0
    not_finite: int = 0
    least: float = math.inf
    most: float = -math.inf
    total: Exact = _NOTHING_YET
    squares: Exact = _NOTHING_YET
    decades: dict[int, int] = field(default_factory=dict)
    """By p: how many are of a size from 10**p up to, and without, 10**(p + 1)."""

    def merge(self, other: Tally) -> None:
        """Take in what is known of other runs, or of other edges of this one."""
        self.inputs += other.inputs
        self.edges += other.edges
        self.count += other.count
        self.zeros += other.zeros
        self.not_finite += other.not_finite
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        self.total = self.total.plus(other.total)
        self.squares = self.squares.plus(other.squares)
        for decade, count in other.decades.items():
            self.decades[decade] = self.decades.get(decade, 0) + count


Tallies: TypeAlias = dict[Spot, Tally]


def merge(into: Tallies, other: Tallies) -> None:
    """Take the tallies of other runs into those of some."""
    for spot, tally in other.items():
        into.setdefault(spot, Tally()).merge(tally)


def tallies_of(trace: Trace) -> tuple[Tallies, Tallies]:
    """Count the gradients of a run: of its values, by the place where they were made; and of their uses."""
    gradients = trace.edge_gradients()
    return _site_tallies(trace, gradients), _edge_tallies(trace, gradients)


def _site_tallies(trace: Trace, gradients: EdgeGradients) -> Tallies:
    """Count by the place where a value was made; inputs by name."""
    graph, recording = trace.graph, trace.recording
    rows = np.flatnonzero(graph.kinds[graph.node_of_row] != CUT)
    names = _Names(trace, _as_it_is)
    ports = np.full(len(rows), _NO_PORT)
    keys = trace.sites.row_places[rows], recording.ops[rows], ports, names.of_rows[rows]
    return _tallies(trace, gradients, keys, names, gradient_edges(graph)[rows], rows)


def _edge_tallies(trace: Trace, gradients: EdgeGradients) -> Tallies:
    """Count by the operation and operand that a use is, and by the variable that is used."""
    graph, recording = trace.graph, trace.recording
    kinds = graph.kinds[graph.dst]
    edges = np.flatnonzero((graph.slots >= 0) & ((kinds == FUNCTION) | (kinds == SPLITTER)))
    slots = graph.slots[edges]
    consumers = graph.slot_consumer[slots]
    ops = np.where(kinds[edges] == SPLITTER, _BROADCAST, recording.ops[consumers])
    ports = slots - recording.starts[consumers]
    rows = recording.operands[slots]
    names = _Names(trace, _numberless)
    keys = trace.sites.row_places[consumers], ops, ports, names.of_rows[rows]
    return _tallies(trace, gradients, keys, names, edges, rows)


class _Names:
    """The first variable that each row was assigned to, and the paths of inputs, as numbers in `texts`."""

    def __init__(self, trace: Trace, input_name: Callable[[str], str]) -> None:
        numbers: dict[str, int] = {"": 0}
        of_places = [
            numbers.setdefault("".join(place.targets[:1]), len(numbers)) for place in trace.sites.places
        ]
        self.of_rows = np.array([*of_places, 0])[trace.sites.row_places]  # NO_PLACE takes the last
        for row, name in trace.input_rows.items():
            self.of_rows[row] = numbers.setdefault(input_name(name), len(numbers))
        self.texts = list(numbers)


def _as_it_is(name: str) -> str:
    return name


def _numberless(name: str) -> str:
    """Name all elements of a list alike: its uses in a loop are one use."""
    return re.sub(r"\[\d+\]", "[…]", name)


def _tallies(
    trace: Trace,
    gradients: EdgeGradients,
    keys: tuple[Column, ...],
    names: _Names,
    edges: Column,
    rows: Column,
) -> Tallies:
    """Count the gradients of edges by key; `rows` made their values. NOTHING for an edge is a value without use."""
    if not len(rows):
        return {}
    firsts, groups = _grouped(keys)
    spots = [_spot(trace, names, *key) for key in zip(*(key[firsts].tolist() for key in keys), strict=True)]
    tallies = [Tally(inputs=1, edges=int(count)) for count in np.bincount(groups)]
    has_array = np.zeros(len(gradients) + 1, np.bool_)  # the last for what has no edge
    has_array[list(gradients.others)] = True
    is_array = has_array[edges]
    is_reached = np.append(trace.steps >= 0, False)[edges]
    numbers = is_reached & ~is_array
    _count(tallies, gradients.floats[edges[numbers]], groups[numbers])
    _count_zeros(trace, tallies, groups[~is_reached], edges[~is_reached], rows[~is_reached])
    arrays = zip(edges[is_array].tolist(), groups[is_array].tolist(), strict=True)
    for values, of in _blocks(tallies, ((gradients.others.as_kept(edge), group) for edge, group in arrays)):
        _count(tallies, values, of)
    found: Tallies = {}
    # Two places can look the same: a line run by `exec` twice
    for spot, tally in zip(spots, tallies, strict=True):
        if spot in found:
            tally.inputs = 0
        found.setdefault(spot, Tally()).merge(tally)
    return found


def _grouped(keys: tuple[Column, ...]) -> tuple[Column, Column]:
    """Return where each distinct row of some columns stands first, and by row the number of the one that it is."""
    firsts, groups = np.zeros(1, np.int64), np.zeros(len(keys[0]), np.int64)
    for key in keys:
        low = int(key.min())
        codes = groups * (int(key.max()) - low + 1) + (key - low)
        _, firsts, groups = np.unique(codes, return_index=True, return_inverse=True)
    return firsts, groups


def _spot(trace: Trace, names: _Names, place: int, op: int, port: int, name: int) -> Spot:
    text = names.texts[name]
    operation = "broadcast" if op == _BROADCAST else OP_NAMES[op]
    if place == NO_PLACE:
        return Spot("", 0, -1, 0, -1, "", "", operation, port, text)
    found = trace.sites.places[place]
    site = found.site
    return Spot(
        site.file,
        site.line,
        site.column,
        site.end_line,
        site.end_column,
        site.function,
        " ".join(site.text.split()),
        operation,
        port,
        dict(found.reads).get(port, text),
    )


def _count_zeros(trace: Trace, tallies: list[Tally], groups: Column, edges: Column, rows: Column) -> None:
    """Count what no gradient came back to: as many zeros as the value has elements."""
    graph, values = trace.graph, trace.recording.values
    sizes = np.ones(len(rows), np.int64)
    for at in np.flatnonzero(np.isin(rows, values.wide_rows)).tolist():
        sizes[at] = math.prod(getattr(values.kept(int(rows[at])), "shape", ()))
    if graph.targets:
        is_use = (edges != NOTHING) & (graph.kinds[graph.dst[edges]] == FUNCTION)
        for at in np.flatnonzero(is_use).tolist():
            target = graph.targets.get(int(graph.slots[edges[at]]))
            sizes[at] = sizes[at] if target is None else math.prod(target)
    totals = np.zeros(len(tallies), np.int64)
    np.add.at(totals, groups, sizes)
    for group in np.flatnonzero(totals).tolist():
        zeros = int(totals[group])
        tallies[group].merge(Tally(count=zeros, zeros=zeros, least=0.0, most=0.0))


def _blocks(tallies: list[Tally], arrays: Iterable[tuple[Any, int]]) -> Iterator[tuple[Column, Column]]:
    """Yield the elements of arrays, many small arrays at a time, with their groups; count zeros that are not kept."""
    parts: list[Column] = []
    groups: list[int] = []
    waiting = 0
    for gradient, group in arrays:
        values = gradient
        if isinstance(gradient, Part):
            values = gradient.numbers
            zeros = math.prod(gradient.shape) - values.size
            if zeros > 0:
                tallies[group].merge(Tally(count=zeros, zeros=zeros, least=0.0, most=0.0))
        elif hasattr(gradient, "dense"):
            values = gradient.dense()
        values = np.asarray(values).ravel()
        parts.append(np.abs(values) if values.dtype.kind == "c" else values.astype(np.float64, copy=False))
        groups.append(group)
        waiting += len(values)
        if waiting >= _TOGETHER:
            yield np.concatenate(parts), np.repeat(groups, list(map(len, parts)))
            parts, groups, waiting = [], [], 0
    if parts:
        yield np.concatenate(parts), np.repeat(groups, list(map(len, parts)))


def _count(tallies: list[Tally], values: Column, groups: Column) -> None:
    """Count numbers by group."""
    if not len(values):
        return
    order = np.argsort(groups, kind="stable")
    values, groups = values[order], groups[order]
    count = len(tallies)
    is_finite = np.isfinite(values)
    counts, finite = np.bincount(groups, minlength=count), np.bincount(groups[is_finite], minlength=count)
    values, groups = values[is_finite], groups[is_finite]
    sizes = np.abs(values)
    used, firsts = np.unique(groups, return_index=True)
    extremes = {}
    if len(used):
        # Scaled by a power of two, so that no square is too large or too small for a float.
        exponents = np.frexp(np.maximum.reduceat(sizes, firsts))[1]
        scaled = np.ldexp(values, -np.repeat(exponents, np.diff(np.append(firsts, len(groups)))))
        columns = (
            used,
            np.minimum.reduceat(values, firsts) + 0.0,  # -0.0 and 0.0 are one number, whichever comes first
            np.maximum.reduceat(values, firsts) + 0.0,
            np.add.reduceat(scaled, firsts),
            np.add.reduceat(scaled * scaled, firsts),
            exponents,
        )
        extremes = {
            group: Tally(
                least=least, most=most, total=exact(total, power), squares=exact(squares, 2 * power)
            )
            for group, least, most, total, squares, power in zip(
                *(column.tolist() for column in columns), strict=True
            )
        }
    decades = np.searchsorted(_POWERS, sizes, side="right") - 1
    decades = groups * len(_POWERS) + np.maximum(decades, 0)
    for code, times in zip(*_counted(decades[sizes > 0]), strict=True):
        group, decade = divmod(code, len(_POWERS))
        extremes[group].decades[decade + _LEAST_DECADE] = times
    zeros = np.bincount(groups[sizes == 0], minlength=count)
    for group in np.flatnonzero(counts).tolist():
        found = extremes.get(group, Tally())
        found.count, found.zeros = int(counts[group]), int(zeros[group])
        found.not_finite = int(counts[group] - finite[group])
        tallies[group].merge(found)


def _counted(codes: Column) -> tuple[list[int], list[int]]:
    found, times = np.unique(codes, return_counts=True)
    return found.tolist(), times.tolist()


def columns_of(tallies: Tallies) -> Columns:
    """Return tallies as a table: one array a column, lines by file, line and column, inputs first.

    `least`, `most`, `mean` and `rms` are of what is finite, NaN where nothing is; `histogram` has a column for each
    of `decades_of` the tallies.
    """
    spots = sorted(tallies)
    lines = [tallies[spot] for spot in spots]
    table: Columns = {
        name: np.array([spot[number] for spot in spots], np.int64 if name in _NUMBERS else np.str_)
        for number, name in enumerate(Spot._fields)
    }
    for name in ("inputs", "edges", "count", "zeros", "not_finite"):
        table[name] = np.array([getattr(line, name) for line in lines], np.int64)
    finite = [line.count - line.not_finite for line in lines]
    table |= {
        "min": _floats(line.least if left else math.nan for line, left in zip(lines, finite, strict=True)),
        "max": _floats(line.most if left else math.nan for line, left in zip(lines, finite, strict=True)),
        "sum": _floats(line.total.over(1) for line in lines),
        "sum_squares": _floats(line.squares.over(1) for line in lines),
        "mean": _floats(
            line.total.over(left) if left else math.nan for line, left in zip(lines, finite, strict=True)
        ),
        "rms": _floats(
            line.squares.root_over(left) if left else math.nan
            for line, left in zip(lines, finite, strict=True)
        ),
    }
    decades = decades_of(tallies)
    histogram = np.zeros((len(lines), len(decades)), np.int64)
    for number, line in enumerate(lines):
        for decade, count in line.decades.items():
            histogram[number, decade - int(decades[0])] = count
    return table | {"histogram": histogram}


_NUMBERS = ("line", "column", "end_line", "end_column", "port")


def decades_of(*tallies: Tallies) -> Column:
    """Return the powers of ten from the smallest size that was met to the largest."""
    met = [decade for each in tallies for tally in each.values() for decade in tally.decades]
    return np.arange(min(met), max(met) + 1) if met else np.arange(0)


def _floats(numbers: Iterable[float]) -> Column:
    return np.fromiter(numbers, np.float64)
