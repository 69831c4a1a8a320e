"""Which references to an array are our own, and which the program's: what counts those of the program asks here.

What a trace returned is among our own, so a function that writes into it must not ask that trace for it again.
"""

from __future__ import annotations

import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import UnsupportedError
from tracer.frames import place, users
from tracer.memory import owner_of
from tracer.references import references
from tracer.structures import leaves
from tracer.tape import RUNS, STALE_VALUES, innermost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tracer.tape import Tape

_NONE: Mapping[int, int] = MappingProxyType({})


def own_references(array: Any) -> tuple[int, set[int]]:
    """Count the references to an array that are edgegrad's own: as it is known again, and in what traces returned.

    Also returned are, by identity, the lists and the like in which those are.
    """
    runs = [run for each in RUNS.valuerefs() if (run := each()) is not None]
    in_results = [
        holder for run in runs for holder, held in held_alone(vars(run), "result") if held == id(array)
    ]
    in_outputs = sum(run.output_arrays.get(id(array), 0) for run in runs)
    return len(in_results) + in_outputs + int(STALE_VALUES.get(id(array)) is array), set(in_results)


def held_alone(items: Any, key: Any, noted: Mapping[int, int] = _NONE) -> Iterator[tuple[int, int]]:
    """Yield an item that is an array, or those in it where nothing else has it: what holds one and it, by identity.

    `noted` are by identity how many references are our own.
    """
    if issubclass(type(items[key]), np.ndarray):
        yield id(items), id(items[key])
    elif type(items[key]) in (tuple, list, dict) and references(items, key) == noted.get(id(items[key]), 0):
        inner = items[key]
        kinds = set(map(type, inner.values() if type(inner) is dict else inner))  # mostly of numbers alone
        if not kinds.isdisjoint((tuple, list, dict)) or any(issubclass(each, np.ndarray) for each in kinds):
            for each in list(inner) if type(inner) is dict else range(len(inner)):
                yield from held_alone(inner, each, noted)


def refuse_written(result: Any) -> None:
    """Raise UnsupportedError where a traced function asks for what an earlier trace returned, and has written into it.

    That reference is our own, so no stand-in has taken its place there.
    """
    tape: Tape | None = innermost()
    while tape is not None:
        owners = [] if tape.running is None else [*map(id, map(owner_of, tape.running.boxes.lent()))]
        for path, array in leaves(result) if owners else ():
            if type(array) is np.ndarray and id(owner_of(array)) in owners:
                raise UnsupportedError(
                    "reading the result of an earlier trace again, after a write into it, is not followed",
                    where=place(users(sys._getframe(1))),  # noqa: SLF001  (the user's)
                    got=f"array of shape {array.shape}" + (f" at {path}" if path else ""),
                    advice="read it once, before the write, into a variable: y = t.result",
                )
        tape = tape.outer
