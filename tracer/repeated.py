"""Loops of the program, found again on the way back: the same steps over other rows. Used by straight.py.

What a loop did is written down turn by turn, and gone back over step by step: which row, which use, how it goes back.
Where many turns differ only in the numbers of their rows, all but the arithmetic is asked once: `turn_code.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.straight import Column, Plan

_FEWEST_STEPS = 256  # that are worth the search, and the code
_FEWEST_TURNS = 8
_GUESSES = 4  # how often the same instruction may run in one turn


class Loop(NamedTuple):
    """So many turns of so many steps, from one of the steps on."""

    first: int
    steps: int  # of a turn
    turns: int
    rows: int  # of a turn, all of them one after the other


def loops(plan: Plan, instructions: Column, first: int, stop: int) -> Iterator[Loop]:
    """Find loops among some steps, in order: the one in their middle, and those on both sides of it."""
    if stop - first < _FEWEST_STEPS:
        return
    middle = (first + stop) // 2
    places = instructions[plan.rows[middle:stop]]
    same = (plan.keys[middle:stop] == plan.keys[middle]) & (places == places[0])
    for steps in same.nonzero()[0][1 : _GUESSES + 1].tolist():
        found = _loop_of(plan, steps, first, middle, stop)
        if found is not None:
            yield from loops(plan, instructions, first, found.first)
            yield found
            yield from loops(plan, instructions, found.first + found.steps * found.turns, stop)
            return


def _loop_of(plan: Plan, steps: int, first: int, middle: int, stop: int) -> Loop | None:
    """Return the loop of so many steps a turn that has the step in the middle; None where there is none."""
    if (stop - first) < _FEWEST_TURNS * steps or middle + 2 * steps >= stop:
        return None
    rows, producers = plan.rows[first:stop], plan.producers[first:stop]
    keys, shapes, slots = (each[first:stop] for each in (plan.keys, plan.shapes, plan.slots))
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
