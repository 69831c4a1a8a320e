"""Loops of the program, found again on the way back: the same steps over other rows, as one function of its own.

Used by straight.py and backward_pass.py. What a loop did is written down turn by turn, and gone back over step by step:
which row, which use, how it goes back. Where many turns differ only in the numbers of their rows, all but the
arithmetic is asked once, and the steps of one turn are written out as Python, which is compiled and kept.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.rules.linalg import column_times_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.straight import Column, Straight

_FEWEST_STEPS = 256  # that are worth the search, and the code
_FEWEST_TURNS = 8
_EXPECTED = frozenset((float, np.ndarray))  # nothing yet is a float
_GUESSES = 4  # how often the same instruction may run in one turn


class Loop(NamedTuple):
    """So many turns of so many steps, from one of the steps on."""

    first: int
    steps: int  # of a turn
    turns: int
    rows: int  # of a turn, all of them one after the other


def loops(straight: Straight, instructions: Column, first: int, stop: int) -> Iterator[Loop]:
    """Find loops among some steps, in order: the one in their middle, and those on both sides of it."""
    if stop - first < _FEWEST_STEPS:
        return
    middle = (first + stop) // 2
    places = instructions[straight.rows[middle:stop]]
    same = (straight.keys[middle:stop] == straight.keys[middle]) & (places == places[0])
    for steps in same.nonzero()[0][1 : _GUESSES + 1].tolist():
        found = _loop_of(straight, steps, first, middle, stop)
        if found is not None:
            yield from loops(straight, instructions, first, found.first)
            yield found
            yield from loops(straight, instructions, found.first + found.steps * found.turns, stop)
            return


def _loop_of(straight: Straight, steps: int, first: int, middle: int, stop: int) -> Loop | None:
    """Return the loop of so many steps a turn that has the step in the middle; None where there is none."""
    if (stop - first) < _FEWEST_TURNS * steps or middle + 2 * steps >= stop:
        return None
    rows, producers = straight.rows[first:stop], straight.producers[first:stop]
    keys, shapes, slots = (each[first:stop] for each in (straight.keys, straight.shapes, straight.slots))
    at = middle - first
    turn_rows, turn_slots = (int(each[at] - each[at + steps]) for each in (rows, slots))
    repeats = keys >= 0
    repeats[:-1] &= rows[:-1] - rows[1:] <= 1
    back = producers[:-steps] - producers[steps:]
    repeats[:-steps] &= (
        (keys[:-steps] == keys[steps:])
        & (shapes[:-steps] == shapes[steps:])
        & (rows[:-steps] - rows[steps:] == turn_rows)
        & (slots[:-steps] - slots[steps:] == turn_slots)
        & ((back == 0) | (back == turn_rows))
    )
    repeats[: -2 * steps] &= back[:-steps] == back[steps:]
    repeats[-2 * steps :] = False
    breaks = (~repeats).nonzero()[0]
    before = int(np.searchsorted(breaks, at))
    begin = int(breaks[before - 1]) + 1 if before else 0
    end = int(breaks[before]) + 2 * steps
    # Where a row begins, in this turn and in the next
    while begin < at and (
        (begin and rows[begin] == rows[begin - 1]) or rows[begin + steps] == rows[begin + steps - 1]
    ):
        begin += 1
    turns = (end - begin) // steps
    if turns < _FEWEST_TURNS or turns * steps < _FEWEST_STEPS:
        return None
    return Loop(first + begin, steps, turns, turn_rows)


class Way(NamedTuple):
    """How to go back over a loop: the compiled code, and what it is given."""

    code: Callable[..., None]
    given: list[Any]
    columns: list[Any]
    top: int  # the first row that is gone back over, and the last
    bottom: int


def way_back(
    straight: Straight,
    loop: Loop,
    is_split: Column,
    gradients: list[Any],
    outers: dict[int, Any],
    nothing: float,
) -> Way | None:
    """Write out the steps of one turn of a loop, whose rows nothing but the loop sends anything more to.

    None where one of its rows may be reached in some turns only, or got something else than arrays.
    """
    writer = _Writer(straight, loop, is_split)
    if any(writer.bottom <= row <= writer.top for row in outers):
        return None
    present = gradients[writer.bottom : writer.top + 1]
    present.reverse()
    return (
        writer.way()
        if writer.is_reached_by([present[row :: loop.rows] for row in range(loop.rows)], nothing)
        else None
    )


class _Writer:
    """Writes the code of one loop."""

    def __init__(self, straight: Straight, loop: Loop, is_split: Column) -> None:
        first, two_turns = loop.first, slice(loop.first, loop.first + 2 * loop.steps)
        self._straight, self._loop = straight, loop
        self.top = int(straight.rows[first])
        self.bottom = self.top - loop.turns * loop.rows + 1
        self._row_of = straight.rows[two_turns].tolist()
        self._slot_of = straight.slots[two_turns].tolist()
        self._producer_of = straight.producers[two_turns].tolist()
        self._key_of = straight.keys[two_turns].tolist()
        self._shape_of = straight.shapes[two_turns].tolist()
        self._operands_of = [each[two_turns].tolist() for each in straight.operands]
        split = is_split[self.bottom : self.top + 1][::-1].reshape(loop.turns, loop.rows)
        self._is_split: list[bool] = np.logical_or.reduce(split).tolist()
        self._is_present: list[bool] = []  # by row of a turn: something has been sent to it already
        self._reached: set[int] = set()
        self._sent: dict[int, str] = {}  # by row of a turn: what it is sent, where that is all
        self._names: dict[Any, str] = {}  # of what the code is given, by what it is
        self._given: list[Any] = []
        self._names_of_heads: dict[Any, str] = {}  # of what is something else in each turn
        self._heads: list[str] = []
        self._columns: list[Any] = []
        self._lines: list[str] = []

    def is_reached_by(self, present: list[list[Any]], nothing: float) -> bool:
        """Find out which rows of a turn are gone back over, from what they got before; tell whether in each turn."""
        kinds = [set(map(type, each)) for each in present]
        if any(not each <= _EXPECTED for each in kinds):
            return False
        self._is_present = [np.ndarray in each for each in kinds]
        reached = set(range(self._loop.rows))
        while True:
            # The rows that something is sent to in the same turn, and those in the next.
            soon, next_turn, any_turn = self._sent_from(reached)
            later = {row for row in next_turn if present[row][0] is not nothing}
            sure = {row for row in reached if row in soon or row in later or float not in kinds[row]}
            if sure == reached:
                break
            reached = sure
        self._reached = reached
        present_rows = {row for row, is_present in enumerate(self._is_present) if is_present}
        return bool(reached) and reached.issuperset(present_rows | any_turn)

    def _sent_from(self, rows: set[int]) -> list[set[int]]:
        """Return the rows that some rows send something to: in the same turn, in the next, and in any."""
        found: list[set[int]] = [set(), set(), set()]
        for step in range(self._loop.steps):
            if self.top - self._row_of[step] in rows and self._is_relative(step):
                turns, row = divmod(self.top - self._producer_of[step], self._loop.rows)
                found[min(turns, 2)].add(row)
                found[2].add(row)
        return found

    def way(self) -> Way | None:
        """Return the way back."""
        loop = self._loop
        for step in range(loop.steps):
            if self._straight.pulls[self._key_of[step]] is column_times_row and self._is_relative(step):
                return None
        row = -1
        for step in range(loop.steps):
            if self.top - self._row_of[step] not in self._reached:
                continue
            if self._row_of[step] != row:
                row = self._row_of[step]
                upstream = self._sent.get(self.top - row) or self._loaded(row)
            self._write_step(step, upstream)
        text = "\n".join(
            (
                f"def way({', '.join((*_PARAMETERS, *self._names.values(), 'columns'))}):",
                f"    for {', '.join(self._heads)}, in zip(*columns):",
                *(f"        {line}" for line in self._lines),
            )
        )
        return Way(_compiled(text), self._given, self._columns, self.top, self.bottom)

    def _write_step(self, step: int, upstream: str) -> None:
        straight, write = self._straight, self._lines.append
        producer, pull = self._producer_of[step], straight.pulls[self._key_of[step]]
        room = straight.room_of(self._shape_of[step])
        room_name = None if room is None else self._name(("room", self._shape_of[step]), room)
        back = upstream
        if pull is not None:
            back = f"back{step}"
            write(f"{back} = {self._product(step, upstream, pull, room_name)}")
        write(f"slots[{self._head('slot', self._slot_of, step)}] = {back}")
        turns, row = divmod(self.top - producer, self._loop.rows)
        if not self._is_relative(step):
            to = self._name(("row", producer), producer)
        else:
            to = self._counted("row", producer, self._loop.rows)
            if turns == 0 and not self._is_split[row] and not self._is_present[row]:
                self._sent[row] = back
                write(f"gradients[{to}] = {back}")
                return
        if pull is column_times_row:
            write(f"put_by({to}, {back})")
            return
        total = f"present + {back}" if room_name is None else f"add(present, {back}, {room_name}())"
        self._lines += (
            f"present = gradients[{to}]",
            "if present is nothing:",
            f"    gradients[{to}] = {back}",
            f"elif {to} in sums:",
            f"    present += {back}",
            "elif type(present) is ndarray:",
            f"    gradients[{to}] = {total}",
            f"    sums.add({to})",
            "else:",
            f"    add_up({to}, present, {back})",
        )

    def _product(self, step: int, upstream: str, pull: Any, room: str | None) -> str:
        """Write what goes back: a product with one factor in place, anything else as a call."""
        factor = getattr(pull, "factor", None)
        if factor is None:
            operands = [self._value(each, step) for each in self._operands_of]
            operands += ["None"] * (3 - len(operands))
            out = self._value(self._row_of, step)
            return f"{self._name(pull, pull)}({upstream}, {', '.join(operands)}, {out}, {room})"
        if type(factor) is int:
            name = self._value(self._operands_of[factor], step)
        else:
            name = self._name(("factor", factor.item()), factor)
        return f"{upstream} * {name}" if room is None else f"multiply({upstream}, {name}, {room}())"

    def _is_relative(self, step: int) -> bool:
        return bool(self._producer_of[step] != self._producer_of[step + self._loop.steps])

    def _loaded(self, row: int) -> str:
        name = f"upstream{self.top - row}"
        self._lines.append(f"{name} = gradients[{self._counted('row', row, self._loop.rows)}]")
        return name

    def _head(self, what: str, column: list[int], step: int) -> str:
        return self._counted(what, column[step], column[step] - column[step + self._loop.steps])

    def _counted(self, what: str, start: int, down: int) -> str:
        """Name a number that is less by so many in each turn."""
        return self._column((what, start), lambda: range(start, start - self._loop.turns * down, -down))

    def _value(self, column: list[int], step: int) -> str:
        """Name an operand, or the result, of a step."""
        loop, held = self._loop, self._straight.held
        number, next_number = column[step], column[step + loop.steps]
        if number == next_number and number >= 0:
            return self._name(("value", number), held(number))
        if number >= 0:
            down = number - next_number
            numbers = range(number, number - loop.turns * down, -down)
            return self._column(("value", number), lambda: list(map(held, numbers)))
        port = next(port for port, each in enumerate(self._operands_of) if each is column)
        stop = loop.first + loop.steps * loop.turns
        constants = self._straight.operands[port][loop.first + step : stop : loop.steps]
        return self._column(("constant", number), lambda: list(map(held, constants.tolist())))

    def _column(self, key: Any, made: Callable[[], Any]) -> str:
        if key not in self._names_of_heads:
            self._names_of_heads[key] = f"each{len(self._heads)}"
            self._heads.append(self._names_of_heads[key])
            self._columns.append(made())
        return self._names_of_heads[key]

    def _name(self, key: Any, given: Any) -> str:
        if key not in self._names:
            self._names[key] = f"given{len(self._given)}"
            self._given.append(given)
        return self._names[key]


_PARAMETERS = ("gradients", "slots", "sums", "nothing", "add_up", "put_by", "ndarray", "multiply", "add")


@lru_cache(maxsize=256)
def _compiled(text: str) -> Callable[..., None]:
    space: dict[str, Any] = {}
    exec(compile(text, "<loop>", "exec"), space)  # noqa: S102  (our own text, of our own names and numbers)
    code: Callable[..., None] = space["way"]
    return code
