"""Which single local rule, written down wrong, gives a claimed gradient: at one run of its line, or at all of them.

Looked at are the operations that a value's gradient came through last. What a wrong rule would send back in the place
of the right one is a seed of its own, as going back is linear. Used by audit.py where no mistake at the value is found.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.diagnose.composed_rules import SOFTMAX
from tracer.diagnose.factors import named_factor
from tracer.diagnose.local_rules import (
    NOTHING_BACK,
    SWAPPED,
    Run,
    called,
    is_anywhere,
    key_of,
    slips,
    slips_of_both,
    twins,
    updated,
)
from tracer.diagnose.other_values import slips_of_other_values
from tracer.diagnose.runs_behind import (
    by_place,
    end_of_way,
    kind_of,
    named_runs,
    runs_behind,
    runs_of,
    way_of,
    work_of,
)
from tracer.diagnose.terms import described, when_of
from tracer.diagnose.tried import Tried, WrongRule
from tracer.diagnose.witnesses import beside_right, row_of, seed_at, sent_by
from tracer.diagnose.written_slopes import SLIPS
from tracer.graph import operand_value
from tracer.numbers_text import clean, number
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.claims import Claim
    from tracer.diagnose.question import Question
    from tracer.diagnose.turns import Turns
    from tracer.gradients import Gradients
    from tracer.trace import Trace

    Table = Callable[[Trace, Run, Any, Any], Iterator[tuple[str, Any]]]

_MOST_ROWS = 20_000  # of a longer run, going back again takes too long for a guess
_SHARE = 0.5  # of what is left, for a claim
_OVERHEAD = 200  # which going back takes however short the way is, in rows
_SLIPS = 8  # rules that are worked out at a run, in times that going back over it takes
# Rows that are gone back over for another rule than one that a right claim speaks against
_DOUBTED = 100_000
_MOST_RUNS = 100
_MOST_TURNS = 12  # of which stretches are looked at
_NOTHING = 1e-9
_CONSTANTS = "nothing goes back through what is taken of all elements, as if it were constant"
_ALONE, _BACK = "alone", "back"
_REACHES = {
    "": "",
    _ALONE: ", for {} alone",
    _BACK: ", on the way back to the runs before alone, not for {}",
}
"""Where what is sent back wrongly arrives, and how it is said."""
_STATISTICS = frozenset({"mean", "var", "std", "average"})


def wrong_rules(asked: Question, tried: Tried, *, is_on_way: bool = False) -> list[WrongRule]:
    """Return the wrong rules that give what is claimed, each of them alone, of the nearest operation that has one.

    Those that are known of other claims come first. With `is_on_way`, those alone that all of the gradient comes
    through, and that are more than a factor: it is known already.
    """
    trace, target = asked.terms.node.trace, asked.terms.node.row
    tried.is_cut = False
    if target < 0 or not asked.terms.count:
        return []
    if len(trace.recording) > _MOST_ROWS:
        tried.is_cut = True
        return []
    if not np.any(asked.claimed) or asked.claimed.shape != asked.total.shape:
        return []
    if tried.work is None:
        tried.work = np.cumsum(work_of(trace))
    search = _Search(asked, trace, target, tried.work, tried.right)
    if is_on_way:
        search.rows = {each.row for each in way_of(asked.terms.node)}
    search.left = tried.left_for_known
    found = search.known(tried.rules)
    tried.left_for_known = search.left
    if not found:
        search.left = tried.left * _SHARE
        found = search.found()
        tried.is_cut = search.left < 0
        tried.left -= tried.left * _SHARE - search.left
    tried.rules += [each for each in found if not each.of]
    return found


class _Search:
    """What is tried for one claim."""

    def __init__(self, asked: Question, trace: Trace, target: int, work: Any, right: list[Claim]) -> None:
        self.asked, self.trace, self.target, self.work, self.right = asked, trace, target, work, right
        self.left = 0.0
        self.table: Table | None = None
        self.rows: set[int] | None = None
        """What is looked at alone."""

    def known(self, rules: list[WrongRule]) -> list[WrongRule]:
        """Return the rule that another claim has shown, where it gives this one, too."""
        for each in rules:
            if each.run.node.row <= self.target:
                continue
            if each.text == _CONSTANTS:
                if self.asked.is_made_by(self._without(list(each.beside))):
                    return [replace(each, of=each.of or each.shown)]
                continue
            if each.turns:
                runs = [run for run in each.turns if run.node.row > self.target]
                if self._is_made_by(runs, SWAPPED if each.text == SWAPPED else NOTHING_BACK):
                    return [replace(each, of=each.of or each.shown)]
                continue
            everywhere = self._in_order(
                [run for one in each.beside or [each.run] for run in runs_of(one, self.target)]
            )
            alike = any(
                self._is_made_by(runs, each.text, each.reach if each.reach == _BACK else "")
                for runs in ([everywhere] if each.beside else [[each.run], everywhere])
            )
            others = [] if alike else self._moved(each.run)
            if alike or each.text in [other.text for other in others]:
                return [replace(each, of=each.of or each.shown)]
            if self.left < 0:
                break
        return []

    def found(self) -> list[WrongRule]:
        """Return what gives the claim: slips in a rule first, then another value in the place of one."""
        for self.table in (slips, slips_of_other_values):
            if (
                found := self._nearest() or ([] if self.rows is not None else self._constants())
            ) or self.left < 0:
                return found
        return []

    def _constants(self) -> list[WrongRule]:
        """Look for means and variances that were all taken as constants, as in a batch norm."""
        statistics: dict[int, Run] = {}
        for run in runs_behind(self.trace, self.target):
            if run.name in _STATISTICS:
                statistics.setdefault(run.node.row, run)
        chosen = self._in_order([run for run in statistics.values() if not self._is_the_only_way(run)])
        if len(chosen) < 2 or not self.asked.is_made_by(self._without(chosen)):
            return []
        places = " and ".join(dict.fromkeys(named_runs([run], self._turns) for run in chosen[::-1]))
        return [replace(self._rule(chosen[0], _CONSTANTS, places), beside=tuple(chosen))]

    def _is_the_only_way(self, run: Run) -> bool:
        return not np.any(np.abs(self._without([run])) > _NOTHING * np.abs(self.asked.total).max())

    def _without(self, runs: list[Run]) -> Any:
        """Return what the gradient would be if some operands got nothing back."""
        total = self.asked.total
        changed: list[Gradients] = []
        for run in runs:
            sources = [*self.asked.terms.changes(run.node), *changed]
            sent = np.asarray(sum(sent_by(self.trace, each, run.slot) for each in sources))
            arriving, gradients = self._arriving(run, -sent)
            total = total + arriving
            changed += [gradients] if gradients is not None else []
        return total

    def _nearest(self) -> list[WrongRule]:
        """Return the nearest that gives the claim; what other claims show to be right comes last."""
        doubted: list[WrongRule] = []
        for found in self._candidates():
            is_lost = any(is_anywhere(each.text) for each in found)
            if found and not (is_lost and beside_right(found, self.right)):
                return found
            if found and not doubted:
                doubted, self.left = found, min(self.left, _DOUBTED)
            if self.left < 0:
                break
        return doubted

    def _candidates(self) -> Iterator[list[WrongRule]]:
        repeated: list[Run] = []
        everywhere: dict[str, list[Run]] = {}
        seen: set[tuple[int, int, int]] = set()
        products: dict[int, Run] = {}
        is_input = self.target in self.trace.input_rows
        for run in runs_behind(self.trace, self.target):
            if self.rows is not None and int(self.trace.graph.slot_consumer[run.slot]) not in self.rows:
                continue
            if (kind := kind_of(run)) in seen:
                repeated.append(run)
                continue
            seen.add(kind)
            runs = runs_of(run, self.target)
            if run.name in SLIPS:
                everywhere.setdefault(run.name, []).extend(runs)
            if len(runs) == 1:
                yield self._at_one(run)
            else:
                repeated.append(run)
                if not is_input:  # a value of one turn goes through its own run alone
                    yield self._at([run])
                yield self._at(self._in_order(runs))
            if self.rows is None:
                yield self._both_factors(run, products)
        for runs in everywhere.values():  # as of the gates of an LSTM
            if len(firsts := by_place(runs)) > 1:
                found = self._at(self._in_order(runs))
                yield [replace(each, beside=firsts) for each in found if not each.reach]
        for run in repeated:  # a slip at one turn of a loop alone is made less often
            yield self._at_one(run)
        if self.rows is None:
            yield self._stretches(repeated)

    def _both_factors(self, run: Run, products: dict[int, Run]) -> list[WrongRule]:
        """Look for a product in which either factor got what is the other's; when its second factor comes."""
        other = products.setdefault(kind_of(run)[0], run)
        if run.name != "multiply" or kind_of(other) == kind_of(run):
            return []
        both = self._in_order([*runs_of(run, self.target), *runs_of(other, self.target)])
        if not self._is_made_by(both, SWAPPED):
            return []
        where = f"either operand of {named_runs(runs_of(run, self.target), self._turns)}"
        return [replace(self._rule(both[0], SWAPPED, where), turns=tuple(both))]

    def _stretches(self, repeated: list[Run]) -> list[WrongRule]:
        """Look for several turns in which an operand gets nothing back, from the first or up to the last."""
        kinds = {kind_of(run): run for run in repeated}
        for run in kinds.values():
            runs = self._in_order(runs_of(run, self.target))
            for count in range(2, min(len(runs), _MOST_TURNS)):
                for part in (runs[:count], runs[-count:]):
                    if self._is_made_by(part, NOTHING_BACK):
                        where = f"{described(part[-1].node, self._turns)} to ({when_of(part[0].node, self._turns)})"
                        text = f"nothing comes back to {called(part[0])}"
                        return [replace(self._rule(part[0], text, where), turns=tuple(part))]
                    if self.left < 0:
                        return []
        return []

    def _somewhere(self, runs: list[Run]) -> str:
        """Say where something is that is the same at any operation of a way: a factor, a sign, nothing."""
        first = named_runs(runs, self._turns)
        if len(by_place(runs)) > 1:
            return first
        node, end = min(
            ((run.node, end_of_way(run.node, self.target)) for run in (runs[0], runs[-1])),
            key=lambda each: each[1].row - each[0].row,
        )
        on = described(end, self._turns if len(runs) == 1 else None)
        return first if end.row == node.row else f"{first}, or on from there up to {on}"

    def _in_order(self, runs: list[Run]) -> list[Run]:
        return sorted(runs, key=lambda each: -each.node.row)[:_MOST_RUNS]

    def _rule(self, run: Run, text: str, where: str) -> WrongRule:
        return WrongRule(run, text, where, self.asked.name)

    def _at(self, runs: list[Run]) -> list[WrongRule]:
        """Return the slips that give what is claimed, made at every one of some runs."""
        texts = [text for text, _ in self._slips(runs[0], [])] if runs else []
        if self.rows is not None:
            texts = [each for each in texts if not is_anywhere(each)]
        for reach, words in _REACHES.items() if len(runs) > 1 else [("", "")]:
            tried = texts if not reach else [each for each in texts if not is_anywhere(each)]
            found = [text for text in tried if self._is_made_by(runs, text, reach)]
            only = words.format(self.asked.name)
            if found:
                where = named_runs(runs, self._turns)
                return [
                    replace(
                        self._rule(
                            runs[0],
                            text,
                            (self._somewhere(runs) if is_anywhere(text) else where) + only,
                        ),
                        reach=reach,
                    )
                    for text in found
                ]
        return []

    def _is_made_by(self, runs: list[Run], text: str, reach: str = "") -> bool:
        """Say whether a slip at some runs gives what is claimed.

        What is sent back wrongly is fed on to the runs before, unless the pass back is right but for this claim; or it
        is fed on alone, and is right where it gives this claim.
        """
        total = self.asked.total
        changed: list[Gradients] = []
        for run, before in zip(runs, [*runs[1:], None], strict=True):
            change = next(
                (each for made, each in self._slips(run, changed) if key_of(made) == key_of(text)), 0.0
            )
            since = None if before is None else before.node.row
            arriving, gradients = self._arriving(run, change, since if reach == _ALONE else None)
            total = total + arriving
            if reach == _BACK:
                total = total - (arriving if since is None else self._arriving(run, change, since)[0])
            if gradients is not None and reach != _ALONE:
                changed.append(gradients)
            if self.left < 0:
                return False
        return self.asked.is_made_by(total)

    def _slips(self, run: Run, changed: list[Gradients]) -> Iterator[tuple[str, Any]]:
        """Yield the slips of one run, given those at later ones."""
        terms, trace = self.asked.terms, self.trace
        operand = Node(trace, int(trace.graph.node_of_row[trace.recording.operands[run.slot]]))
        sources = [*terms.changes(operand), *changed]
        row = int(trace.graph.slot_consumer[run.slot])
        self.left -= float(self.work[row] - self.work[row - 1]) * (_SLIPS + len(sources))
        upstream = sum(row_of(each, run.node.row) for each in sources)
        sent = sum(sent_by(trace, each, run.slot) for each in sources)
        alike = twins(trace, run.slot)
        for table in (slips, slips_of_other_values) if self.table is None else (self.table,):
            if len(alike) > 1 and table is slips:
                both = sum(sent_by(trace, each, slot) for each in sources for slot in alike)
                yield from slips_of_both(run, np.asarray(upstream), np.asarray(both))
            else:
                yield from table(trace, run, np.asarray(upstream), np.asarray(sent))

    def _arriving(self, run: Run, change: Any, since: int | None = None) -> tuple[Any, Gradients | None]:
        """Return by how much the gradient of the value changes with what one use of an operand sends back.

        Where `since` is given, by its uses after that row alone.
        """
        trace = self.trace
        row = int(trace.recording.operands[run.slot])
        value = trace.recording.values[row]
        if not np.any(change):
            return 0.0, None
        if np.shape(change) != np.shape(value) or not np.isfinite(change).all():
            return np.nan, None
        if row == self.target:
            return change, None
        self.left -= float(self.work[row]) + _OVERHEAD
        gradients = backward(trace.graph, row, seed_at(trace, row, change))
        if since is None:
            return row_of(gradients, self.target), gradients
        slots = np.flatnonzero(trace.recording.operands == self.target)
        slots = slots[trace.graph.slot_consumer[slots] > since].tolist()
        return sum((sent_by(trace, gradients, slot) for slot in slots), 0.0), gradients

    @property
    def _turns(self) -> Turns:
        return self.asked.terms.follower.turns

    def _at_one(self, run: Run) -> list[WrongRule]:
        return self._at([run]) or self._moved(run)

    def _moved(self, run: Run) -> list[WrongRule]:
        """Look for what lies along a direction: a factor, a step."""
        is_none = run.name == SOFTMAX or self.table is slips_of_other_values
        return [] if is_none or self.rows is not None else self._scaled(run) or self._updated(run)

    def _scaled(self, run: Run) -> list[WrongRule]:
        """Look for a factor that is too many, or forgotten, in what one operand gets back."""
        sent = sum(sent_by(self.trace, each, run.slot) for each in self.asked.terms.changes(run.node))
        step, arriving = self._step(run, sent)
        name, _ = named_factor(self.asked, 1 + step) if step not in (0.0, -1.0) else ("", 0.0)
        if not name or not self.asked.is_made_by(self.asked.total + step * arriving):
            return []
        return [self._rule(run, f"{called(run)} gets {name} times what it should", self._somewhere([run]))]

    def _step(self, run: Run, direction: Any) -> tuple[float, Any]:
        """Return how far along a direction what an operand gets back gives the claim, and what one step gives."""
        value = operand_value(self.trace.recording, run.slot)
        arriving, _ = (
            self._arriving(run, direction) if np.shape(direction) == np.shape(value) else (0.0, None)
        )
        size = float(np.sum(np.abs(arriving) ** 2))
        is_real = not np.iscomplexobj(arriving) and not np.iscomplexobj(self.asked.claimed)
        if not is_real or np.size(arriving) == 1 or not size or not np.isfinite(size):
            return 0.0, 0.0
        return float(np.sum((self.asked.claimed - self.asked.total) * arriving)) / size, arriving

    def _updated(self, run: Run) -> list[WrongRule]:
        """Look for a matrix that took a step along its gradient before the pass back went through it."""
        upstream = sum(row_of(each, run.node.row) for each in self.asked.terms.changes(run.node))
        direction = updated(self.trace, run, upstream)
        step, arriving = self._step(run, direction) if direction is not None else (0.0, 0.0)
        if not step or not self.asked.is_made_by(self.asked.total + step * arriving):
            return []
        first = int(self.trace.recording.starts[run.node.row])
        source = int(self.trace.recording.operands[first + 1 if run.slot == first else first])
        name = Node(self.trace, int(self.trace.graph.node_of_row[source])).name
        matrix = clean(name) if name else "the matrix"
        done = "less" if step < 0 else "plus"
        text = f"{matrix} {done} {number(abs(step))} × its gradient in place of {matrix}: it was updated too early"
        return [self._rule(run, text, named_runs([run], self._turns))]
