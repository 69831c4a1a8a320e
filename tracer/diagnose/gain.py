"""Gradients that are lost, or blown up, by what they pass on their way: `vanishing` and `exploding`.

Judged is what operations make of a gradient that it passes again and again, and not the size of the gradient: units
change that by any power of ten, but once, not at every turn. What comes back on the way counts against it (the log of
a small product), and so does what many ways bring together (the leaves of a tree).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose import tiny_factors
from tracer.diagnose.forest import END
from tracer.diagnose.forgetting import Forgetting
from tracer.diagnose.passes import Passes, Stretch, and_more
from tracer.diagnose.spread import has_gradients
from tracer.diagnose.tiny_factors import ROUNDING
from tracer.numbers_text import factor_of, power_of_ten
from tracer.operations import OP_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding, Severity
    from tracer.diagnose.scale import Column
    from tracer.diagnose.way import Numbers
    from tracer.trace import Trace

LOST = 6.0
"""Powers of ten: beneath a millionth of the gradient, no step that is right for the others moves what gets it.

Healthy layers lose or gain less than a factor of two each, and few programs stack more than ten without a way around.
"""
BLOWN = 8.0
"""Powers of ten: what a healthy simulation makes of a small change in a long run stays well beneath."""
OVERFLOW = float(np.log10(np.finfo(np.float64).max)) / 2
"""Powers of ten: a product of two such gradients is no float any more."""
PASSES = 3
"""Fewer passes of one operation are a conversion of units, or a saturated value, and no way that wears out."""
SLOWLY = float(np.log10(0.9)) - 1e-9
"""Powers of ten at a pass: a discount, a momentum, a running mean. That its old items fade is what it is for."""
SHARE = 0.1
"""Of the loss in powers of ten: what did less of it is not named."""
REST = 0.05
"""Powers of ten: less than what the digits of the factors round away is not told as the rest."""
NAMED = 3
"""Operations named in a message; one more seldom makes the cause clearer."""
ROUNDS = 3
"""Causes looked for in one direction; each costs one sweep over the rows."""
LOOKED_AT = 64
"""Items of inputs, those that lost most first; more seldom show another cause."""

_CONVERGED_ADVICE = "nothing, if the iteration may forget where it started"
_REPLACED_ADVICE = "nothing, if the run may forget where it started: what comes in replaces it turn by turn"
_FADES_ADVICE = "nothing, if old items may fade"
_GETITEM = OP_NUMBERS["getitem"]
_ITEM = re.compile(r"[\[.]")
_LARGEST = 300  # powers of ten that a float holds


@dataclass(frozen=True, slots=True)
class _Direction:
    """What vanishing and exploding differ in; sizes in powers of ten."""

    kind: str
    sign: float
    bound: float  # from here on a warning
    beyond_use: float  # from here on an error
    verb: str
    advice: str


_VANISHING = _Direction(
    "vanishing",
    -1.0,
    LOST,
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


def find(trace: Trace) -> list[Finding]:
    """Return what makes gradients vanish or explode, one finding for each operation that does it."""
    if not has_gradients(trace):
        return []
    with np.errstate(all="ignore"):  # inf and NaN are other detectors' business
        passes = Passes(trace)
        forgetting = Forgetting(passes)
        gain, growth = passes.ways.gain, passes.ways.growth
        is_repeated = passes.are_repeated(PASSES)
        is_free = ~is_repeated & passes.units
        shrinking = np.where(is_repeated, gain, np.where(is_free, 0.0, np.maximum(gain, 0.0)))
        growing = np.where(is_repeated, growth, np.where(is_free, 0.0, np.minimum(growth, 0.0)))
        return [
            *_Search(
                passes, forgetting, _VANISHING, gain, passes.ways.sent, -passes.ways.total(shrinking)
            ).findings(),
            *_Search(passes, forgetting, _EXPLODING, growth, growth, passes.ways.total(growing)).findings(),
            *tiny_factors.find(passes, PASSES - 1),
        ]


@dataclass(frozen=True, slots=True)
class _Search:
    """The search in one direction: by row, how a gradient changed there, judged and told, and in all since then."""

    passes: Passes
    forgetting: Forgetting
    direction: _Direction
    column: Column
    told: Column
    totals: Column

    def findings(self) -> list[Finding]:
        """Find what wears out whole inputs, then items of them, then some of the uses of one."""
        blamed: set[int] = set()
        inputs = self.passes.inputs
        first_states = self._first_states(inputs)
        found, left = self._worn(np.setdiff1d(inputs, first_states), None, blamed)
        is_whole = self.totals[inputs] < self.direction.bound
        further: tuple[tuple[Numbers, Severity | None], ...] = (
            (self._items(inputs[is_whole]), None),
            (self._worst_use(left), None),  # lost or blown up in more ways than the strongest
            (self._worst_use(inputs[is_whole]), "note"),
            (first_states, "note"),
        )
        for rows, most in further:
            found += self._worn(rows, most, blamed)[0]
        return found

    def _first_states(self, inputs: Numbers) -> Numbers:
        """Return the inputs that are lost because others replace them turn by turn, as is meant."""
        if self.direction is not _VANISHING:
            return inputs[:0]
        return self.forgetting.first_states(inputs[self.totals[inputs] >= self.direction.bound])

    def _worn(
        self, rows: Numbers, most: Severity | None, blamed: set[int]
    ) -> tuple[list[Finding], Numbers]:
        """Return what wore out some rows, with at most some severity, and the rows for which that is not found."""
        found: list[Finding] = []
        left, unexplained = rows[self.totals[rows] >= self.direction.bound], []
        for _ in range(ROUNDS):
            if not len(left):
                break
            worst = int(left[np.argmax(self.totals[left])])
            way = self.passes.ways.rows_from(worst)
            stretches = self.passes.stretches(way, self.column, self.told)
            named = self._to_blame(stretches)
            is_same = left == worst
            if named:
                place = int(self.passes.places[self.passes.users[named[0].row]])
                has_share = self._have_share(place)
                is_same |= has_share[left]
                if place not in blamed:
                    message = self._message(way, named, stretches, int(is_same.sum()))
                    edges = int(np.count_nonzero(has_share & (self.totals >= self.direction.bound)))
                    found.append(self._finding(message, named, left[is_same], most, edges))
                blamed.add(place)
            else:
                unexplained.append(worst)
            left = left[~is_same]
        return found, np.array(unexplained, np.int64)

    def _uses(self, rows: Numbers) -> Numbers:
        """Return the operations that use some values and are themselves lost or blown up, in the order of the run."""
        passes, recording = self.passes, self.passes.trace.recording
        # By row, and by constant from the end (-1, -2, …), which is never used so
        is_used = np.zeros(len(recording) + len(recording.constants), np.bool_)
        is_used[rows] = True
        users = passes.trace.graph.slot_consumer[is_used.take(recording.operands).nonzero()[0]]
        found: Numbers = users[
            (self.totals[users] >= self.direction.bound) & (passes.ways.following[users] != END)
        ].astype(np.int64)
        return found

    def _worst_use(self, rows: Numbers) -> Numbers:
        users = self._uses(rows)
        return users[[np.argmax(self.totals[users])]] if len(users) else users

    def _items(self, rows: Numbers) -> Numbers:
        """Return the items of some inputs that are lost or blown up, though the inputs as a whole are not."""
        users = self._uses(rows)
        picked = users[self.passes.ops[users] == _GETITEM]
        worst = picked[np.argsort(-self.totals[picked], kind="stable")][:LOOKED_AT].tolist()
        return np.array([row for row in worst if self._is_whole_item(row)], np.int64)

    def _is_whole_item(self, row: int) -> bool:
        """Say whether all that an item of an input gets comes this way: no other use of it gets more."""
        recording = self.passes.trace.recording
        source = int(recording.operands[recording.starts[row]])
        item = np.asarray(self.passes.trace.gradients.row(source)[recording.params[row]["index"]])
        return bool(np.linalg.norm(item.ravel()) <= 2 * self.passes.ways.sizes[row])

    def _to_blame(self, stretches: Sequence[Stretch]) -> list[Stretch]:
        """Return the operations that account for a loss, worst first; nothing where it was no wearing out."""
        sign = self.direction.sign
        worn = [each for each in stretches if each.passes >= PASSES and each.change * sign > 0]
        counted = (each for each in stretches if each.passes >= PASSES or not each.is_unit)
        against = sum(min(each.change * sign, 0.0) for each in counted)
        total = sum(each.change * sign for each in worn) + against
        if not total >= self.direction.bound:  # or NaN
            return []
        worn.sort(key=lambda each: -each.change * sign)
        return [each for each in worn if each.change * sign >= SHARE * total][:NAMED]

    def _have_share(self, place: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Say by row whether a good part of the loss is that of one place."""
        is_there = self.passes.places[self.passes.users] == place
        shares = self.passes.ways.total(np.where(is_there, self.column * self.direction.sign, 0.0))
        answer: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = shares >= SHARE * self.totals
        return answer

    def _message(
        self, way: Numbers, named: Sequence[Stretch], stretches: Sequence[Stretch], spoiled: int
    ) -> str:
        """Say what the worst do to a gradient, what gives some of it back, and the rest: they multiply to all of it."""
        passes, whole = self.passes, self.passes.ways.change(way)
        parts = [
            f"{each.passes:,} passes through {passes.told(each)} make {power_of_ten(each.told)}, "
            f"{factor_of(each.told / each.passes)} each{'' if each.is_even else ' on average'}"
            for each in named
        ]
        rest = whole - sum(each.told for each in named)
        against = min(stretches, key=lambda each: each.told * self.direction.sign)
        if against.told * self.direction.sign < -SHARE * abs(whole):
            parts.append(f"{passes.told(against)} makes {power_of_ten(against.told)} of it again")
            rest -= against.told
        if abs(rest) > REST:
            parts.append(f"the rest makes {power_of_ten(rest)}")
        told = f"{passes.called(int(way[0]))} {self.direction.verb}: {'; '.join(parts)}"
        return f"{told}; {power_of_ten(whole)} in all{and_more(spoiled)}"

    def _finding(
        self,
        message: str,
        named: Sequence[Stretch],
        spoiled: Numbers,
        most: Severity | None,
        edges: int,
    ) -> Finding:
        direction, passes, worst = self.direction, self.passes, named[0]
        size = sum(abs(each.change) for each in named)
        advice = direction.advice
        severity: Severity = most or ("error" if size >= direction.beyond_use else "warning")
        if direction is _VANISHING and (meant := self._meant(named, spoiled)):
            severity, advice = "note", meant
        numbers: dict[str, float | int | str] = {
            "inputs": len(spoiled),
            "spoiled": edges,
            "gain": 10.0**worst.told if abs(worst.told) < _LARGEST else power_of_ten(worst.told),
            "gain_per_pass": 10.0 ** (worst.told / worst.passes),
        }
        return passes.finding(direction.kind, severity, worst, message, advice, numbers)

    def _meant(self, named: Sequence[Stretch], lost: Numbers) -> str:
        """Say what to do about a loss that is meant: nothing, and why; empty where it is a fault."""
        if len(self.forgetting.first_states(lost)) == len(lost):
            return _REPLACED_ADVICE
        if any(each.is_saturating for each in named):
            return ""
        if not self._are_items(lost):
            return _CONVERGED_ADVICE if self.passes.has_converged(named[0]) else ""
        if all(each.change / each.passes >= SLOWLY for each in named):
            return _FADES_ADVICE
        rest = sum(each.change for each in named if not self.forgetting.is_average(each))
        is_average = -rest < self.direction.bound and self.forgetting.come_in(lost.tolist())
        return _FADES_ADVICE if is_average else ""

    def _are_items(self, lost: Numbers) -> bool:
        """Say whether what is lost are the old items of a series, of which the new ones are not lost."""
        names = self.passes.trace.input_rows
        series = {_ITEM.split(names[row])[0] for row in lost.tolist() if row in names}
        others = set(self.passes.inputs.tolist()).difference(lost.tolist())
        return series <= {_ITEM.split(names[row])[0] for row in others}
