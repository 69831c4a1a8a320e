"""Gradients that are lost, or blown up, by what they pass on their way: `vanishing` and `exploding`.

Judged is what operations make of a gradient that it passes again and again, and not the size of the gradient: units
change that by any power of ten, but once, not at every turn. What comes back on the way counts against it (the log of
a small product), and so does what many ways bring together (the leaves of a tree).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.scale import influence, output_size
from tracer.diagnose.spread import has_gradients
from tracer.diagnose.way import END, Column, Numbers, ways
from tracer.numbers_text import clean, power_of_ten
from tracer.operations import LIMIT, OP_NAMES, OP_NUMBERS
from tracer.recording import operand_of
from tracer.sites import NO_PLACE
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Severity
    from tracer.trace import Trace

LOST = -6.0
"""Powers of ten: beneath a millionth of the gradient, no step that is right for the others moves what gets it.

Healthy layers lose or gain less than a factor of two each, and few programs stack more than ten without a way around.
"""
BLOWN = 8.0
"""Powers of ten: what a healthy simulation makes of a small change in a long run stays well beneath."""
ROUNDING = float(np.log10(np.finfo(np.float64).eps))
"""Powers of ten: beneath it, doubling a value does not change the last digit of a result of its own size."""
OVERFLOW = float(np.log10(np.finfo(np.float64).max)) / 2
"""Powers of ten: a product of two such gradients is no float any more."""
PASSES = 3
"""Fewer passes of one operation are a conversion of units, or a saturated value, and no way that wears out."""
CONVERGED = 1e-6
"""Of the value: an iteration that changes it by less has arrived, and forgets where it started, as it should."""
SLOWLY = 0.9
"""Of the gradient, at a pass: a discount, a momentum, a running mean. That its old items fade is what it is for."""
SHARE = 0.1
"""Of the loss in powers of ten: what did less of it is not named."""
NAMED = 3
"""Operations named in a message; one more seldom makes the cause clearer."""
ROUNDS = 4
"""Causes looked for in one direction; each costs one sweep over the rows."""

_EXP, _ADD, _GETITEM, _LOG = (OP_NUMBERS[name] for name in ("exp", "add", "getitem", "log"))
_ITEM = re.compile(r"[\[.]")
_FACTORS = frozenset(("multiply", "divide"))
_LARGEST = 300  # powers of ten that a float holds
_LOOKED_AT = 64  # inputs of small influence: more seldom show another cause


def _column_of(*names: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return a column by number of operation that says which these are."""
    column = np.zeros(LIMIT, np.bool_)
    column[[OP_NUMBERS[name] for name in names]] = True
    return column


_SATURATES = _column_of("tanh", "expit", "erf", "arctan", "norm.cdf", "ndtr")
_DIVIDES = _column_of("divide", "reciprocal")


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What all passes of one operation made of a gradient."""

    rows: Numbers  # in the order of the run
    row: int  # that of the pass, or of all passes at one place, with the largest change
    change: float  # powers of ten
    is_saturating: bool
    name: str

    @property
    def passes(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _Direction:
    """What vanishing and exploding differ in."""

    kind: str
    sign: float
    bound: float
    beyond_floats: float
    verb: str
    advice: str


_VANISHING = _Direction(
    "vanishing",
    -1.0,
    -LOST,
    -ROUNDING,
    "loses its gradient",
    "give the gradient a way around (a residual connection, a gate that stays open), scale the factors to about 1, or "
    "take logarithms of products",
)
_EXPLODING = _Direction(
    "exploding",
    1.0,
    BLOWN,
    OVERFLOW,
    "gets a gradient blown up",
    "scale the factors to about 1, normalise at each turn, clip the gradient, or take fewer steps",
)
_SATURATED_ADVICE = "scale its argument down, or compute the loss from the argument itself, as with logits"
_ABSORBED_ADVICE = "bring the terms of the output to one scale"


def find(trace: Trace) -> list[Finding]:
    """Return what makes gradients vanish or explode, one finding for each operation that does it."""
    if not has_gradients(trace):
        return []
    with np.errstate(all="ignore"):  # inf and NaN are other detectors' business
        return _Search(trace).findings()


class _Search:
    """The ways of one trace, and what was found on them."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.ops, self.places = trace.recording.ops, trace.sites.row_places
        self.ways = ways(trace)
        self.users = np.maximum(
            self.ways.following, 0
        )  # by row: the operation that the gradient comes through
        inputs = np.array(list(trace.input_rows), np.int64)
        self.inputs = inputs[self.ways.following[inputs] != END]
        user_places, user_ops = self.places[self.users], self.ops[self.users]
        runs = np.bincount(self.places[self.places != NO_PLACE], minlength=1)
        is_repeated = (user_places != NO_PLACE) & (runs[user_places] >= PASSES)
        is_repeated |= _SATURATES[user_ops] & (np.bincount(self.ops)[user_ops] >= PASSES)
        self.is_repeated = is_repeated

    def findings(self) -> list[Finding]:
        """Return what is lost or blown up in many passes, and what in few."""
        gain, growth = self.ways.gain, self.ways.growth
        shrinking = np.where(self.is_repeated, gain, np.maximum(gain, 0.0))
        growing = np.where(self.is_repeated, growth, np.minimum(growth, 0.0))
        lost = self._worn(_VANISHING, -self.ways.total(shrinking), gain)
        blown_up = self._worn(_EXPLODING, self.ways.total(growing), growth)
        return [*lost, *blown_up, *self._lost_at_once()]

    def _worn(self, direction: _Direction, totals: Column, column: Column) -> list[Finding]:
        """Find what is lost or gained in many passes: whole inputs, then items of them, then some uses of one."""
        found: list[Finding] = []
        blamed: set[int] = set()
        for rows, severity in self._targets(totals, direction.bound):
            left = rows[totals[rows] >= direction.bound]
            for _ in range(ROUNDS):
                if not len(left):
                    break
                worst = int(left[np.argmax(totals[left])])
                way = self.ways.rows_from(worst)
                named = self._to_blame(direction, way, column)
                if not named:
                    left = left[left != worst]
                    continue
                place = int(self.places[self.users[named[0].row]])
                is_same = left == worst
                if len(left) > 1:
                    at_place = np.where(self.places[self.users] == place, column * direction.sign, 0.0)
                    is_same |= self.ways.total(at_place)[left] >= SHARE * totals[left]
                if place not in blamed:
                    if direction is _VANISHING and self._fades(left[is_same], named):
                        severity = "note"
                    found.append(self._finding(direction, way, named, column, int(is_same.sum()), severity))
                blamed.add(place)
                left = left[~is_same]
        return found

    def _targets(self, totals: Column, bound: float) -> list[tuple[Numbers, Severity | None]]:
        """Return the rows whose gradients are judged; with a severity, if it is not the number's to decide."""
        recording, is_bad = self.trace.recording, totals >= bound
        slots = np.flatnonzero(recording.operands >= 0)
        is_input = np.zeros(len(recording), np.bool_)
        is_input[self.inputs[~is_bad[self.inputs]]] = True
        of_inputs = slots[is_input[recording.operands[slots]]]
        users = self.trace.graph.slot_consumer[of_inputs]
        users = users[is_bad[users] & (self.ways.following[users] != END)]
        items = [row for row in users[self.ops[users] == _GETITEM].tolist() if self._is_lost_item(row)]
        earliest = users[np.argsort(-totals[users], kind="stable")[:1]]
        return [(self.inputs, None), (np.array(items, np.int64), None), (earliest, "note")]

    def _is_lost_item(self, row: int) -> bool:
        """Say whether all that an item of an input gets comes this way: no other use of it gets more."""
        recording = self.trace.recording
        source = int(recording.operands[recording.starts[row]])
        whole, index = self.trace.gradients.row(source), recording.params[row]["index"]
        item = np.asarray(whole[index])
        return bool(np.linalg.norm(item.ravel()) <= 2 * self.ways.sizes[row])

    def _to_blame(self, direction: _Direction, way: Numbers, column: Column) -> list[_Stretch]:
        """Return the operations that account for a loss, worst first; nothing where it was no wearing out."""
        sign = direction.sign
        stretches = self._stretches(way, column)
        worn = [each for each in stretches if each.passes >= PASSES and each.change * sign > 0]
        against = sum(min(each.change * sign, 0.0) for each in stretches)
        total = sum(each.change * sign for each in worn) + against
        if not total >= direction.bound:  # or NaN
            return []
        worn.sort(key=lambda each: -each.change * sign)
        return [each for each in worn if each.change * sign >= SHARE * total][:NAMED]

    def _stretches(self, way: Numbers, column: Column) -> list[_Stretch]:
        """Gather the passes on a way by operation."""
        users = self.users[way]
        changes = column[way].copy()
        keys = np.where(self.places[users] == NO_PLACE, -1 - users, self.places[users]).astype(np.int64)
        saturates = _SATURATES[self.ops[users]]
        keys[saturates] = len(self.trace.sites.places) + self.ops[users][saturates]
        sigmoids = self._sigmoids(way)
        for back in (1, 2):  # the sum and the exponential count to the division
            changes[sigmoids] += changes[sigmoids - back]
            changes[sigmoids - back] = 0.0
        is_sigmoid = np.zeros(len(way), np.bool_)
        is_sigmoid[sigmoids] = True
        numbers, inverse = np.unique(keys, return_inverse=True)
        sums = np.bincount(inverse, changes, len(numbers))
        order = np.argsort(inverse, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)
        return [
            _Stretch(
                way[part],
                int(way[part[np.argmax(np.abs(changes[part]))]]),
                float(change),
                bool(is_sigmoid[part[0]] or saturates[part[0]]),
                "the sigmoid" if is_sigmoid[part[0]] else OP_NAMES[int(self.ops[users[part[0]]])],
            )
            for part, change in zip(parts, sums.tolist(), strict=True)
        ]

    def _sigmoids(self, way: Numbers) -> Numbers:
        """Return the positions on a way at which 1 / (1 + exp(-x)) ends."""
        recording, ops = self.trace.recording, self.ops[self.users[way]]
        if len(way) < 3:
            return np.zeros(0, np.int64)
        ends = np.flatnonzero((ops[:-2] == _EXP) & (ops[1:-1] == _ADD) & _DIVIDES[ops[2:]]) + 2
        sums = self.users[way[ends - 1]]
        first = recording.starts[sums]
        is_of_constant = np.minimum(recording.operands[first], recording.operands[first + 1]) < 0
        return ends[is_of_constant].astype(np.int64)

    def _finding(
        self,
        direction: _Direction,
        way: Numbers,
        named: Sequence[_Stretch],
        column: Column,
        spoiled: int,
        severity: Severity | None,
    ) -> Finding:
        worst, row, whole = named[0], int(way[0]), float(column[way].sum())
        size = sum(abs(each.change) for each in named)
        advice = direction.advice
        if severity is None:
            severity = "error" if size >= direction.beyond_floats else "warning"
        saturates = any(each.is_saturating for each in named)
        if direction is _VANISHING and not saturates and self._has_converged(worst):
            severity, advice = "note", "nothing, if the iteration may forget where it started"
        parts = [
            f"{each.passes:,} passes through {each.name}{self._line(each)} make {power_of_ten(each.change)}, "
            f"{power_of_ten(each.change / each.passes)} each"
            for each in named
        ]
        more = f", and {spoiled - 1:,} more inputs with it" if spoiled > 1 else ""
        message = (
            f"{self._called(row)} {direction.verb}: {'; '.join(parts)}, of the {power_of_ten(whole)}{more}"
        )
        numbers: dict[str, float | int | str] = {
            "spoiled": spoiled,
            "passes": worst.passes,
            "gain": 10.0**worst.change if abs(worst.change) < _LARGEST else f"1e{worst.change:.0f}",
            "gain_per_pass": 10.0 ** (worst.change / worst.passes),
            "log10_gain": worst.change,
            "log10_whole": whole,
        }
        return self._told(direction.kind, severity, worst, message, advice, numbers)

    def _fades(self, lost: Numbers, named: Sequence[_Stretch]) -> bool:
        """Say whether old items of a series are lost slowly, by a constant factor, and new ones are not."""
        if any(each.is_saturating or each.change / each.passes < np.log10(SLOWLY) for each in named):
            return False
        names = self.trace.input_rows
        alike = {_ITEM.split(names[row])[0] for row in lost.tolist() if row in names}
        rest = set(self.inputs.tolist()).difference(lost.tolist())
        return alike <= {_ITEM.split(names[row])[0] for row in rest}

    def _told(
        self,
        kind: str,
        severity: Severity,
        worst: _Stretch,
        message: str,
        advice: str,
        numbers: dict[str, float | int | str],
    ) -> Finding:
        trace, ends = self.trace, [int(worst.rows[0]), int(worst.rows[-1])]
        edges = [
            trace.graph.edge_of(int(self.users[each]), int(self.ways.slots[each]))
            for each in dict.fromkeys(ends)
        ]
        node = Node(trace, int(trace.graph.node_of_row[self.users[worst.row]]))
        return Finding(
            kind,
            severity,
            node.site,
            message,
            advice,
            node,
            tuple(Edge(trace, each) for each in edges),
            numbers,
        )

    def _has_converged(self, stretch: _Stretch) -> bool:
        """Say whether an operation gave nearly the same in its last two passes."""
        before, last = (
            np.asarray(operand_of(self.trace.recording, int(self.users[row]))) for row in stretch.rows[-2:]
        )
        if before.shape != last.shape or last.dtype.kind not in "fc":
            return False
        size = np.linalg.norm(last.ravel())
        return bool(size > 0 and np.linalg.norm((last - before).ravel()) <= CONVERGED * size)

    def _line(self, stretch: _Stretch) -> str:
        site = self.trace.sites.place(int(self.users[stretch.row])).site
        return f" in line {site.line}" if site.line else ""

    def _called(self, row: int) -> str:
        """Name an input, an item of one, or what uses one."""
        trace = self.trace
        if row in trace.input_rows:
            return clean(trace.input_rows[row])
        recording = trace.recording
        sources = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
        source = next(each for each in sources if each in trace.input_rows)
        name = clean(trace.input_rows[source])
        if self.ops[row] == _GETITEM and isinstance(recording.params[row]["index"], int):
            return f"{name}[{recording.params[row]['index']}]"
        return f"an early use of {name}"

    def _lost_at_once(self) -> list[Finding]:
        """Find inputs that one saturated value, or one tiny factor, keeps from having any influence on the output."""
        trace, sizes = self.trace, self.ways.sizes
        influences = influence(trace, self.inputs, sizes)
        scale = max(output_size(trace), float(np.max(influences, initial=0.0)))
        is_small = (influences <= 10.0**LOST * scale) & (sizes[self.inputs] > 0)
        if not is_small.any():
            return []
        totals = self.ways.total(np.where(self.is_repeated, 0.0, np.minimum(self.ways.gain, 0.0)))
        is_small &= totals[self.inputs] <= LOST
        found: dict[int, tuple[_Stretch, int, int]] = {}
        for at in np.flatnonzero(is_small)[np.argsort(influences[is_small], kind="stable")][
            :_LOOKED_AT
        ].tolist():
            row = int(self.inputs[at])
            way = self.ways.rows_from(row)
            is_nothing = influences[at] < 10.0**ROUNDING * scale
            for stretch in self._stretches(way, self.ways.gain):
                follower = int(self.users[self.users[stretch.rows[-1]]])
                bad = stretch.is_saturating and stretch.change <= LOST and self.ops[follower] != _LOG
                bad |= is_nothing and stretch.name in _FACTORS and stretch.change <= ROUNDING
                if stretch.passes < PASSES and bad:
                    first, _, count = found.get(int(stretch.rows[0]), (stretch, row, 0))
                    found[int(stretch.rows[0])] = (stretch, _ if count else row, count + 1)
                    break
        return [self._told_at_once(*each) for each in found.values()]

    def _told_at_once(self, stretch: _Stretch, row: int, spoiled: int) -> Finding:
        how = "saturated" if stretch.is_saturating else "so small a factor that rounding takes the rest"
        whole = float(self.ways.gain[self.ways.rows_from(row)].sum())
        message = (
            f"{self._called(row)} loses its gradient: {stretch.name}{self._line(stretch)} is {how} and makes "
            f"{power_of_ten(stretch.change)} of the {power_of_ten(whole)}"
        )
        numbers: dict[str, float | int | str] = {
            "spoiled": spoiled,
            "passes": stretch.passes,
            "log10_gain": stretch.change,
            "log10_whole": whole,
        }
        advice = _SATURATED_ADVICE if stretch.is_saturating else _ABSORBED_ADVICE
        return self._told("vanishing", "warning", stretch, message, advice, numbers)
