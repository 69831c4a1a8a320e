"""Rows of arrays over which the way back is straight: what their shapes and types answer is asked once, in columns.

Used by backward_pass.py alone. A row is straight if all of it is float64, and either its rule is a product and its
traced operands have its shape, or it is a product of matrices. What goes back over it then has the shape and the type
of the operand, whatever the numbers are, and nothing is checked.
"""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from tracer.array_shapes import FLOAT64
from tracer.operations import IS_ELEMENTWISE, LIMIT, RULE_OF
from tracer.outlines import Known
from tracer.repeated import loops
from tracer.rooms import rooms
from tracer.rules.kinds import Elementwise, Vjp
from tracer.rules.pulls import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.graph import Graph
    from tracer.recording import Recording
    from tracer.repeated import Loop
    from tracer.rules.kinds import Pull

    Column: TypeAlias = np.ndarray[Any, Any]

_NUMBERS = frozenset((float, int, np.float64))
_OTHER = -1  # what is neither a number nor an array of float64; an array has the number of its shape
_BY_RULE = -1
_MOST_WAYS = 32  # over the loops of one plan
_OF_MATRICES = [number for number, rule in enumerate(RULE_OF) if isinstance(rule, Vjp) and rule.pulls]


def by_its_rule(*_: Any) -> Any:
    """Stand for the way back over a row by its rule; is not called."""
    raise AssertionError


class Stretch(NamedTuple):
    """Some of the steps, which may be a loop."""

    first: int
    stop: int
    loop: Loop | None


class Plan:
    """What is the same for all recordings of one outline: how to go back over each of some rows, without the values."""

    def __init__(self, graph: Graph, rows: Column) -> None:
        recording = graph.recording
        operands, consumers = recording.operands, graph.slot_consumer
        kinds = _kinds(graph)
        is_straight = IS_ELEMENTWISE[recording.ops] & (kinds[: len(recording)] > 0)
        misfit = (kinds[operands] != kinds[consumers]) & ((operands >= 0) | (kinds[operands] == _OTHER))
        is_straight[consumers[misfit]] = False
        firsts, stops = recording.starts[rows], recording.starts[rows + 1]
        is_straight[rows[stops - firsts > MOST]] = False
        ops = recording.ops[rows].astype(np.int64)
        keys = np.where(is_straight[rows], ops, _BY_RULE)
        pulls: dict[int, Pull | None] = {}  # by key and port
        for op in set(keys.tolist()) - {_BY_RULE}:
            rule = RULE_OF[op]
            assert isinstance(rule, Elementwise)
            if rule.is_real:
                pulls.update((op * MOST + port, pull) for port, pull in rule.pulls)
            else:
                keys[keys == op] = _BY_RULE
        for op in _OF_MATRICES:
            places = (ops == op).nonzero()[0]
            if not len(places):
                continue
            matrix_rule = RULE_OF[op]
            assert isinstance(matrix_rule, Vjp)
            sides = operands[firsts[places]], operands[stops[places] - 1]
            out, left, right = (kinds[each] for each in (rows[places], *sides))
            is_array = (out > 0) & (left > 0) & (right > 0)
            axes = np.array([len(shape) for shape in graph.shapes])
            for number, ((left_axes, right_axes), each) in enumerate(matrix_rule.pulls.items()):
                key = LIMIT * (number + 1) + op
                keys[places[is_array & (axes[left] == left_axes) & (axes[right] == right_axes)]] = key
                pulls.update((key * MOST + port, pull) for port, pull in each)
        is_by_rule = keys == _BY_RULE
        self.by_rule = rows[is_by_rule]
        # The traced operands of each row, the last first; of a row that its rule goes back over, one for all.
        degrees = np.where(is_by_rule, 1, stops - firsts)
        ends = degrees.cumsum()
        turns = np.arange(len(rows)).repeat(degrees)
        slots = (stops - 1 + ends - degrees)[turns] - np.arange(len(turns))
        is_gone_over = (operands[slots] >= 0) | is_by_rule[turns]
        turns, slots = turns[is_gone_over], slots[is_gone_over]
        self.rows, self.slots = rows[turns], slots
        self.producers = operands[slots]
        self.keys = np.where(is_by_rule[turns], _BY_RULE, keys[turns] * MOST + slots - firsts[turns])
        pulls[_BY_RULE] = by_its_rule
        self.pulls = pulls
        # By port; of a row with fewer operands, its last once more.
        most = min(MOST, int((stops - firsts).max(initial=1)))
        self.operands = [operands[np.minimum(firsts + port, stops - 1)[turns]] for port in range(most)]
        # Below 0 are the operands of rows that are gone back over by their rules.
        self.shapes = graph.shape_of_row[np.maximum(self.producers, 0)]
        self.all_shapes, self.shape_of_row = graph.shapes, graph.shape_of_row
        self.needed = self._count_needed(graph)
        self.stretches = list(self._find_stretches(recording.instructions))
        # By the loop, and what its rows got before: its code, or None where it is gone back over step by step.
        self.ways = Known(_MOST_WAYS)

    def _find_stretches(self, instructions: Column) -> Iterator[Stretch]:
        """Yield all steps, in order: loops, and what is between them."""
        at, count = 0, len(self.rows)
        for loop in loops(self, instructions, 0, count):
            # The first turn on the way back, of which a program may not use all, apart.
            first = loop.first + loop.steps
            yield Stretch(at, first, None)
            at = loop.first + loop.steps * loop.turns
            yield Stretch(first, at, loop._replace(first=first, turns=loop.turns - 1))
        if at < count:
            yield Stretch(at, count, None)

    def _count_needed(self, graph: Graph) -> dict[tuple[int, ...], int]:
        """Count the products and the sums of each shape that they can be written into memory of ours."""
        is_product = self.keys != _BY_RULE
        for key, pull in self.pulls.items():
            if pull is None:
                is_product &= self.keys != key
        shapes = graph.shapes
        counts = np.bincount(self.shapes[is_product], minlength=len(shapes))
        counts += np.bincount(graph.shape_of_row[graph.is_split], minlength=len(shapes))
        # Arrays with several axes have their memory in the order that NumPy chooses.
        return {
            shape: count
            for shape, count in zip(shapes, counts.tolist(), strict=True)
            if count and len(shape) == 1
        }


class Straight:
    """How to go back over each of some rows, all of which have operands, and with which values."""

    def __init__(self, graph: Graph, rows: Column) -> None:
        self.plan: Plan = graph.outline.get(rows.tobytes(), lambda: Plan(graph, rows))
        self.constants = graph.recording.constants
        self.held = _held(graph.recording)
        made = rooms(self.plan.needed)
        self._rooms = [made.get(shape) for shape in self.plan.all_shapes] if made else []

    def steps(self, first: int, last: int) -> Iterator[tuple[Any, ...]]:
        """Return, for each operand: row, slot, producer, how to go back to it, operands, result, and a room.

        For a row that is gone back over by its rule there is one step, and by_its_rule is how.
        """
        plan, some, held = self.plan, slice(first, last), self.held.__getitem__
        rows = plan.rows[some].tolist()
        operands = [map(held, each[some].tolist()) for each in plan.operands]
        missing = [repeat(None)] * (MOST - len(operands))
        calls = [each and each.__next__ for each in self._rooms]
        rooms = map(calls.__getitem__, plan.shapes[some].tolist()) if calls else repeat(None)
        return zip(
            rows, plan.slots[some].tolist(), plan.producers[some].tolist(),
            map(plan.pulls.__getitem__, plan.keys[some].tolist()),
            *operands, *missing, map(held, rows), rooms, strict=False,
        )  # fmt: skip

    @property
    def has_rooms(self) -> tuple[bool, ...]:
        """By number of a shape: whether there is what gives an array of it."""
        return tuple(each is not None for each in self._rooms)

    def room_of(self, shape: int) -> Any:
        """Return what gives arrays of a shape, by its number; None where NumPy makes its own."""
        return self._rooms[shape] if self._rooms else None


def _held(recording: Recording) -> list[Any]:
    """Return the values of rows that are no floats, by row, and from the end the constants, as operands number them."""
    others, constants = recording.values.others, recording.constants
    if len(others) == len(recording):
        held = list(others.values())  # which are in the order of the rows
    else:
        held = [None] * len(recording)
        for row, value in others.items():
            held[row] = value
    held += constants.floats[::-1].tolist()
    for number, value in constants.others.items():
        held[-1 - number] = value
    return held


def _kinds(graph: Graph) -> Column:
    """Return what each row is, and from the end each constant: the number of an array's shape, 0 for a number."""
    recording = graph.recording
    rows, constants = len(recording), recording.constants
    kinds = np.zeros(rows + len(constants), np.int64)
    kinds[:rows] = graph.shape_of_row
    kinds[graph.other_types] = _OTHER
    for number, value in constants.others.items():
        if type(value) is np.ndarray and value.dtype is FLOAT64:
            kinds[-1 - number] = graph.number_of_shape(value.shape)
        elif type(value) not in _NUMBERS:
            kinds[-1 - number] = _OTHER
    return kinds
