"""A loop on the way back as one function: the steps of one turn, written out as Python. Used by backward_pass.py.

What is compiled is kept by its text, which says which rows send to which, and by which rules; the rows, the values and
the numbers are given to it. A row that gets all that it gets in one turn is a variable there: what it was sent first,
then a sum. Gradients of rows and of uses are gathered turn by turn, and put where they belong at the end.

Where a factor is -1, nothing is computed: what goes back is minus what is there, and is subtracted where it is added up
(`Minus`). The bits are the same, but for the sign of NaN: a - b is a + -b.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import compress, repeat
from operator import is_not
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.minus import MINUS_ONE
from tracer.rules.linalg import OF_OUTERS
from tracer.turn_given import (
    Given,
    Way,
    a_room,
    constants_of,
    floats_of,
    itself,
    rooms_of,
    value_of,
    values_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.repeated import Loop
    from tracer.straight import Straight

_EXPECTED = frozenset((float, np.ndarray))  # nothing yet is a float


class Sent(NamedTuple):
    """The variable that holds what was sent, or minus that."""

    name: str
    is_minus: bool = False


class Target(NamedTuple):
    """A row that the loop sends to: of so many turns on, and its number among those of that turn."""

    turns: int
    row: int


def way_back(
    straight: Straight, loop: Loop, gradients: list[Any], outers: dict[int, Any], nothing: float
) -> Way | None:
    """Write out the steps of one turn of a loop, whose rows nothing but the loop sends anything more to.

    None where one of its rows may be reached in some turns only, or got something else than arrays.
    """
    plan = straight.plan
    top = int(plan.rows[loop.first])
    bottom = top - loop.turns * loop.rows + 1
    if any(bottom <= row <= top for row in outers):
        return None
    # All that the code depends on besides the plan: what the rows of the loop, and of one turn more, got before.
    first = max(bottom - loop.rows, 0)
    before = gradients[first : top + 1]
    rows = list(compress(range(first, top + 1), map(is_not, before, repeat(nothing))))
    got = (*rows, *(type(gradients[row]) for row in rows))

    def written() -> Way | None:
        writer = _Writer(straight, loop, top, bottom)
        return writer.way(gradients, nothing) if writer.is_reached_by(gradients, nothing) else None

    way: Way | None = plan.ways.get((loop, got, straight.has_rooms), written)
    return way and way.of(straight)


class _Writer:
    """Writes the code of one loop."""

    def __init__(self, straight: Straight, loop: Loop, top: int, bottom: int) -> None:
        two_turns, plan = slice(loop.first, loop.first + 2 * loop.steps), straight.plan
        self._plan, self._room_of, self._loop = plan, straight.room_of, loop
        self._others = (
            straight.constants.others.keys()
        )  # that are no floats: the same ones in all recordings
        self.top, self.bottom = top, bottom
        self._row_of = plan.rows[two_turns].tolist()
        self._producer_of = plan.producers[two_turns].tolist()
        self._key_of = plan.keys[two_turns].tolist()
        self._shape_of = plan.shapes[two_turns].tolist()
        self._operands_of = [each[two_turns].tolist() for each in plan.operands]
        # By step; None where every turn sends to the same row, from before the loop.
        self._targets = [
            Target(*divmod(self.top - producer, loop.rows)) if producer != next_producer else None
            for producer, next_producer in zip(
                self._producer_of[: loop.steps], self._producer_of[loop.steps :], strict=True
            )
        ]
        self._present: list[list[Any]] = []  # by row of a turn: what was sent to it before, in each turn
        self._reached: set[int] = set()
        self._steps: list[int] = []  # that are taken: those of the rows that are reached
        self._known: set[Target] = set()  # that get all that they get in one turn
        self._sent: dict[Target, Sent] = {}  # what each of those has got so far in this turn
        self._sums: set[Target] = set()  # those whose gradient is a sum, which may grow in place
        self._names: dict[Any, str] = {}  # of what the code is given, by what it is
        self._given: list[Given] = []
        self._names_of_heads: dict[Any, str] = {}  # of what is something else in each turn
        self._heads = ["_"]
        self._columns = [Given(itself, range(loop.turns))]
        self._lines: list[str] = []

    def is_reached_by(self, gradients: list[Any], nothing: float) -> bool:
        """Find out which rows of a turn are gone back over, from what they got before; tell whether in each turn."""
        rows = self._loop.rows
        before = gradients[self.bottom : self.top + 1]
        before.reverse()
        present = self._present = [before[row::rows] for row in range(rows)]
        kinds = [set(map(type, each)) for each in present]
        if any(not each <= _EXPECTED for each in kinds):
            return False
        reached = set(range(rows))
        while True:
            targets = self._sent_from(reached)
            soon = {target.row for target in targets if target.turns == 0}
            later = {
                each.row for each in targets if each.turns == 1 and present[each.row][0] is not nothing
            }
            sure = {row for row in reached if row in soon or row in later or float not in kinds[row]}
            if sure == reached:
                break
            reached = sure
        self._reached = reached
        self._steps = [step for step in range(self._loop.steps) if self.top - self._row_of[step] in reached]
        present_rows = {row for row, each in enumerate(kinds) if np.ndarray in each}
        return bool(reached) and reached.issuperset(present_rows | {target.row for target in targets})

    def _sent_from(self, rows: set[int]) -> set[Target]:
        """Return the rows that some rows send something to."""
        consumers = zip(self._row_of, self._targets, strict=False)
        return {target for row, target in consumers if target is not None and self.top - row in rows}

    def _find_known(self, gradients: list[Any], nothing: float) -> None:
        """Find the rows that get all that they get in one turn, in each of which nothing is sent to them before."""
        targets = self._sent_from(self._reached)
        rows = [target.row for target in targets]
        fixed = {self._producer_of[step] for step in self._steps if self._targets[step] is None}
        for target in targets:
            beyond = self.bottom - 1 - target.row  # that of the turn after the last
            if rows.count(target.row) > 1 or target.turns > 1:
                continue
            is_new = np.ndarray not in set(map(type, self._present[target.row][target.turns :]))
            if is_new and not (target.turns and (gradients[beyond] is not nothing or beyond in fixed)):
                self._known.add(target)

    def way(self, gradients: list[Any], nothing: float) -> Way | None:
        """Return the way back."""
        loop, plan = self._loop, self._plan
        for step in self._steps:
            if plan.pulls[self._key_of[step]] in OF_OUTERS and self._targets[step] is not None:
                return None
        self._find_known(gradients, nothing)
        upstreams = [_NOTHING] * loop.rows
        backs = []
        for step in self._steps:
            row = self.top - self._row_of[step]
            if upstreams[row] is _NOTHING:
                upstreams[row] = self._upstream(row)
            pull = plan.pulls[self._key_of[step]]
            if pull is not None and not hasattr(pull, "factor"):  # by which minus does not go through
                upstreams[row] = self._whole(upstreams[row], self._shape_of_row(row))
            backs.append(self._write_step(step, upstreams[row]))
        carried = [target.row for target in self._known if target.turns]
        sent = [self._whole(self._sent[Target(1, row)], self._shape_of_row(row)) for row in carried]
        self._lines += (
            f"rows += ({', '.join(each.name for each in upstreams)},)",
            f"backs += ({', '.join(each.name for each in backs)},)",
            *(f"next{row} = {each.name}" for row, each in zip(carried, sent, strict=True)),
        )
        top, bottom = self._name("top", itself, self.top), self._name("bottom", itself, self.bottom)
        text = "\n".join(
            (
                f"def way({', '.join((*_PARAMETERS, *self._names.values(), 'numbers', 'columns'))}):",
                *(f"    next{row} = gradients[{top} - {row}]" for row in carried),
                "    rows = []; backs = []",
                f"    for {', '.join(self._heads)}, in zip(*columns):",
                *(f"        {line}" for line in self._lines),
                *_marked("rows", upstreams),
                *_marked("backs", backs),
                "    rows.reverse()",
                f"    gradients[{bottom}:{top} + 1] = rows",
                *(f"    gradients[{bottom} - 1 - {row}] = next{row}" for row in carried),
                "    slots.update(zip(numbers, backs))",
            )
        )
        stop = loop.first + loop.steps * loop.turns
        slots = plan.slots[loop.first : stop].reshape(loop.turns, loop.steps)
        if len(self._steps) < loop.steps:
            slots = slots[:, self._steps]
        return Way(
            _compiled(text), self._given, self._columns, slots.ravel().tolist(), self.top, self.bottom
        )

    def _upstream(self, row: int) -> Sent:
        """Name what a row has got when its turn comes."""
        if Target(0, row) in self._known:
            return self._sent[Target(0, row)]
        if Target(1, row) in self._known:
            return Sent(f"next{row}")
        name = f"upstream{row}"
        self._lines.append(f"{name} = gradients[{self._counted('row', self.top - row, self._loop.rows)}]")
        return Sent(name)

    def _whole(self, sent: Sent, shape: int) -> Sent:
        """Name what was sent itself, where that is minus what there is."""
        if not sent.is_minus:
            return sent
        name, factor = f"minus_{sent.name}", self._name(("factor", -1.0), itself, MINUS_ONE)
        self._lines.append(f"{name} = {self._multiplied(sent.name, factor, self._room_in_turn(shape))}")
        return Sent(name)

    def _write_step(self, step: int, upstream: Sent) -> Sent:
        """Write one step; return the name of what goes back."""
        plan, write = self._plan, self._lines.append
        producer, pull, target = (
            self._producer_of[step],
            plan.pulls[self._key_of[step]],
            self._targets[step],
        )
        shape = self._shape_of[step]
        sent = upstream
        if _is_minus(pull):
            sent = Sent(upstream.name, not upstream.is_minus)
        elif pull is not None:
            sent = Sent(f"back{step}", upstream.is_minus)
            write(f"{sent.name} = {self._product(step, upstream.name, pull)}")
        if target in self._known:
            self._send_known(target, sent, shape)
            return sent
        sent = self._whole(sent, shape)
        back = sent.name
        to = (
            self._name(("row", producer), itself, producer)
            if target is None
            else self._counted("row", producer, self._loop.rows)
        )
        if pull in OF_OUTERS:
            write(f"put_by({to}, {back})")
            return sent
        self._lines += (
            f"present = gradients[{to}]",
            "if present is nothing:",
            f"    gradients[{to}] = {back}",
            f"elif {to} in sums:",
            f"    present += {back}",
            "elif type(present) is ndarray:",
            f"    gradients[{to}] = {self._sum('present', back, self._room_asked(shape))}",
            f"    sums.add({to})",
            "else:",
            f"    add_up({to}, present, {back})",
        )
        return sent

    def _send_known(self, target: Target, sent: Sent, shape: int) -> None:
        """Add what goes back to a row that gets all that it gets in this turn."""
        present = self._sent.get(target)
        if present is None:
            self._sent[target] = sent
            return
        sign = "-" if sent.is_minus else "+"
        if target in self._sums:
            self._lines.append(f"{present.name} {sign}= {sent.name}")
            return
        if present.is_minus and not sent.is_minus:
            present, sent, sign = sent, present, "-"
        present = self._whole(present, shape)
        total = self._sent[target] = Sent(f"sum{target.turns}_{target.row}")
        self._sums.add(target)
        room = self._room_in_turn(shape)
        self._lines.append(f"{total.name} = {self._sum(present.name, sent.name, room, sign)}")

    def _product(self, step: int, upstream: str, pull: Any) -> str:
        """Write what goes back: a product with one factor in place, anything else as a call."""
        factor, shape = getattr(pull, "factor", None), self._shape_of[step]
        if factor is None:
            operands = [self._value(each, step) for each in self._operands_of]
            operands += ["None"] * (3 - len(operands))
            out = self._value(self._row_of, step)
            called, room = self._name(pull, itself, pull), self._room_called(shape)
            return f"{called}({upstream}, {', '.join(operands)}, {out}, {room})"
        if type(factor) is int:
            name = self._value(self._operands_of[factor], step)
        else:
            name = self._name(("factor", factor.item()), itself, factor)
        return self._multiplied(upstream, name, self._room_in_turn(shape))

    def _multiplied(self, upstream: str, factor: str, room: str | None) -> str:
        return f"{upstream} * {factor}" if room is None else f"multiply({upstream}, {factor}, {room})"

    def _sum(self, present: str, back: str, room: str | None, sign: str = "+") -> str:
        return f"{present} {sign} {back}" if room is None else f"{_SUMS[sign]}({present}, {back}, {room})"

    def _shape_of_row(self, row: int) -> int:
        return int(self._plan.shape_of_row[self.top - row])

    def _room_called(self, shape: int) -> str | None:
        """Name what gives an array of a shape when it is called."""
        return self._name(("room", shape), a_room, shape) if self._has_room(shape) else None

    def _room_asked(self, shape: int) -> str | None:
        """Write out an array of a shape that is not made in every turn."""
        return f"{self._room_called(shape)}()" if self._has_room(shape) else None

    def _room_in_turn(self, shape: int) -> str | None:
        """Name an array of a shape that is made in every turn: one more from what gives them, without a call."""
        key = ("room", shape, len(self._heads))
        return self._column(key, rooms_of, shape) if self._has_room(shape) else None

    def _has_room(self, shape: int) -> bool:
        return self._room_of(shape) is not None

    def _counted(self, what: str, start: int, down: int) -> str:
        """Name a number that is less by so many in each turn."""
        return self._column((what, start), itself, range(start, start - self._loop.turns * down, -down))

    def _value(self, column: list[int], step: int) -> str:
        """Name an operand, or the result, of a step."""
        loop, plan = self._loop, self._plan
        number, next_number = column[step], column[step + loop.steps]
        if number == next_number and number >= 0:
            return self._name(("value", number), value_of, number)
        if number >= 0:
            down = number - next_number
            stop = number - loop.turns * down
            rows = slice(number, stop if stop >= 0 else None, -down)
            return self._column(("value", number), values_of, rows)
        port = next(port for port, each in enumerate(self._operands_of) if each is column)
        stop = loop.first + loop.steps * loop.turns
        constants = plan.operands[port][loop.first + step : stop : loop.steps]
        places = -1 - constants
        if self._others.isdisjoint(places.tolist()):
            return self._column(("constant", number), floats_of, places)
        return self._column(("constant", number), constants_of, constants.tolist())

    def _column(self, key: Any, read: Callable[[Straight, Any], Any], what: Any) -> str:
        if key not in self._names_of_heads:
            self._names_of_heads[key] = f"each{len(self._heads)}"
            self._heads.append(self._names_of_heads[key])
            self._columns.append(Given(read, what))
        return self._names_of_heads[key]

    def _name(self, key: Any, read: Callable[[Straight, Any], Any], what: Any) -> str:
        if key not in self._names:
            self._names[key] = f"given{len(self._given)}"
            self._given.append(Given(read, what))
        return self._names[key]


def _is_minus(pull: Any) -> bool:
    factor = getattr(pull, "factor", None)
    return type(factor) is np.ndarray and factor.item() == -1.0


def _marked(name: str, all_sent: list[Sent]) -> Iterator[str]:
    """Write out that in every turn, some of what was gathered there is minus what it stands for."""
    count = len(all_sent)
    for number, sent in enumerate(all_sent):
        if sent.is_minus:
            yield f"    {name}[{number}::{count}] = map(minus, zip({name}[{number}::{count}]))"


_NOTHING = Sent("nothing")
_SUMS = {"+": "add", "-": "subtract"}
_PARAMETERS = (
    "gradients", "slots", "sums", "nothing", "add_up", "put_by", "ndarray", "minus", "multiply", "add", "subtract",
)  # fmt: skip


@lru_cache(maxsize=256)
def _compiled(text: str) -> Callable[..., None]:
    space: dict[str, Any] = {}
    exec(compile(text, "<loop>", "exec"), space)  # noqa: S102  (our own text, of our own names and numbers)
    code: Callable[..., None] = space["way"]
    return code
