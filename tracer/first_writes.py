"""The first write into an array argument: from then on, whatever else holds the array leads to the same stand-in.

Until then the function works on a copy, as the tape must not change when the caller's array does. From then on it works
in the caller's own memory, so every way to it reads the numbers of the plain program; and what holds the array is
given the stand-in, so that they carry the gradient. What can't be given it, as an iterator, is told of. A
search is done only where references to the array are unaccounted for. Used by run.py.
"""

from __future__ import annotations

import weakref
from collections import Counter
from functools import cached_property, partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any

from tracer.boxing import REFERENCES
from tracer.callee import forget_snapshot
from tracer.errors import UnsupportedError
from tracer.families import is_argument
from tracer.frames import place
from tracer.function_text import end_of
from tracer.known_places import places_known, remember
from tracer.memory import memory_of, overlap, overlapping, owner_of, same_bytes
from tracer.own_references import own_references
from tracer.reach import place_of, places_leading_to, reachable
from tracer.references import references
from tracer.second_ways import counted_in_callers, frames_from, held_by_callers, refused
from tracer.tape import VALUE
from tracer.variables import Variable
from tracer.ways import Known, Ways

if TYPE_CHECKING:
    from collections.abc import Container
    from types import FrameType

    import numpy as np

    from tracer.boxing import Boxes
    from tracer.tape import Tape
    from tracer.watching import Watcher

# Of what callers hold, so many places are looked at, and containers of so many items.
_MOST, _LARGEST = 2000, 1000


class FirstWrites:
    """The first writes into the arguments of one call."""

    def __init__(
        self, boxes: Boxes, given: tuple[tuple[Any, ...], dict[str, Any]], watcher: Watcher
    ) -> None:
        self._boxes = boxes
        self._watcher = watcher
        # References by identity of what is referred to: of who waits for us, who does not run meanwhile
        self._outside = counted_in_callers(given, boxes.tape.scopes.hook_frame)
        self._outside.update(id(before) for *_, before in boxes.tape.places)  # and what we have put aside
        # By identity: the arguments' references to what they are parts of
        self._parts = Counter(id(each.base) for _, each, _ in boxes.entries)
        # By how many there were: the identities of arguments that see what another one sees
        self._overlapping: dict[int, set[int]] = {}
        # By identity of arrays: how many references were missing at the last search, and the places that it found
        self._found: dict[int, tuple[float, list[tuple[Any, Any, Any]]]] = {}

    def lender_of(self, argument: Any, frame: FrameType) -> tuple[Any, np.ndarray[Any, Any]] | None:
        """Have all ways to the caller's array of an argument lead to its stand-in; return that, and the caller's array.

        Where the program has the array of which the argument is a part, it is that one, and its stand-in. What can't be
        made to lead there is told of; it has the right numbers, as it is the caller's memory that will be written into.
        """
        entry = self._boxes.entry_of(argument)
        if entry is None:
            return None
        tape, name = self._boxes.tape, self._boxes.name_of(argument.id_)
        # No variable for what owns the memory: its references are counted.
        whole = self._boxes.wholes.get(id(owner_of(entry[1])))
        is_apart = whole is not None and owner_of(whole.value_) is not owner_of(argument.value_)
        if is_apart or id(entry[1]) in self._shared():
            raise self._shared_refused(entry, name, frame)
        if not same_bytes(entry[1], tape.records[argument.id_ + VALUE]):
            raise refused(name, f"{name} was written into by a second way", place(frame))
        tape.forget_memory(memory_of(entry[1]))  # what was read before the write is what it was
        if whole is not None:
            return whole, owner_of(entry[1])
        known = self._led(entry, name, frame)
        return known.stand_in, known.array

    def _led(self, entry: tuple[Any, Any, int], name: str, frame: FrameType) -> Known:
        missing = self._missing(entry)  # before there are more
        running = frames_from(frame, until=self._boxes.tape.scopes.hook_frame)
        self._boxes.first_written[id(entry[1])] = {
            each.f_code: end_of(each.f_code, each.f_lasti) for each in running
        }
        argument = Known(entry[1], entry[0], name)
        ways = Ways([argument], self._boxes, frame)
        if missing > 0:
            self._lead_to(argument, ways, missing, frame)
        return ways.known[0]

    def _shared(self) -> set[int]:
        """Return, by identity, the arguments that see what another one sees."""
        entries = self._boxes.entries
        if len(entries) not in self._overlapping:
            self._overlapping[len(entries)] = overlapping([each for _, each, _ in entries])
        return self._overlapping[len(entries)]

    def _shared_refused(self, entry: tuple[Any, Any, int], name: str, frame: FrameType) -> UnsupportedError:
        entries = [each for each in self._boxes.entries if overlap(each[1], entry[1])]
        others = [each for each in map(self._boxes.name_of, (each[2] for each in entries)) if each != name]
        names, watched = [name, *others], self._boxes.tape.watched
        largest = self._boxes.name_of(max(entries, key=lambda each: each[1].size)[2])
        arguments = [each for each in names if each not in watched]
        if not arguments:
            advice = f"watch {largest} alone"
        elif len(arguments) < len(names):
            both = " and ".join(each for each in names if each in watched)
            advice = f"pass a copy of {arguments[0]}, or leave {both} out of watch=(…)"
        else:
            advice = f"where {', '.join(others)} is not to see it, pass a copy, or write a = a + b instead of a += b"
        return UnsupportedError(
            f"an in-place write into {name}, which shares its memory with another input, is not followed",
            where=place(frame),
            got=f"it is seen by {', '.join(others)}, too" if others else "",
            advice=advice,
        )

    def _lead_to(self, argument: Known, ways: Ways, missing: float, frame: FrameType) -> None:
        warn = partial(_warn, self._boxes.tape, frame)
        before, found = self._found.pop(id(argument.array), (inf, []))
        is_as_found = all(place_of(owner, key).read() is value for owner, key, value in found)
        if before == missing < inf and is_as_found:
            self._watcher.lead_to(argument, lambda: found, {}, ways.stand_in_for, warn)
            return
        frames = frames_from(frame, until=self._boxes.tape.scopes.hook_frame)
        roots = self._roots | {id(each.f_globals): each.f_globals for each in frames}
        if missing < inf:
            key = id(argument.array)
            found = places_known(key, lambda held: id(held) == key, self._callers | roots)
            if len(found) == missing:  # there is nothing else to be found
                self._watcher.lead_to(argument, lambda: found, {}, ways.stand_in_for, warn)
                return
        variables = [(dict(each.f_locals), each) for each in frames if each.f_locals is not each.f_globals]
        copies = {id(copied): partial(Variable, each) for copied, each in variables}
        roots |= {id(copied): copied for copied, _ in variables}
        try:
            self._watcher.lead_to(
                argument, partial(self._searched, roots, copies), copies, ways.stand_in_for, warn
            )
        finally:
            for each in frames:
                forget_snapshot(each)

    @cached_property
    def _roots(self) -> dict[int, Any]:
        """By identity: where a search begins, but for the variables of the functions that run."""
        return {id(each): each for each in chain.from_iterable(self._watcher.program())}

    @cached_property
    def _callers(self) -> dict[int, Any]:
        """By identity: what who waits for the call has, which the function may have no way to."""
        return {id(each): each for each in held_by_callers(self._boxes.tape.scopes.hook_frame)}

    def _searched(self, roots: dict[int, Any], copies: Container[int]) -> list[tuple[Any, Any, Any]]:
        """Return the places that lead to arguments that nothing was written into yet; a second search is the same."""
        fresh = [each for each in self._boxes.entries if is_argument(each[0])]
        missing = {id(each[1]): count for each in fresh if (count := self._missing(each)) > 0}
        owners = {id(memory_of(each[1])) for each in fresh if id(each[1]) in missing}
        found = list(places_leading_to(missing, owners, roots.values()))
        self._found = {key: (count, []) for key, count in missing.items()}
        lasting = [each for each in found if id(each[0]) not in copies]
        for owner, key, value in lasting:
            if id(value) in missing:
                self._found[id(value)][1].append((owner, key, value))
        begun = [each for key, each in roots.items() if key not in copies]
        remember(
            [*begun, *self._callers.values()],
            [*lasting, *self._with_callers(lasting, missing)],
            dict(zip(missing, missing, strict=True)),
        )
        return found

    def _with_callers(
        self, found: list[tuple[Any, Any, Any]], missing: dict[int, float]
    ) -> list[tuple[Any, Any, Any]]:
        """Return places in what callers have, up to those that hold what no place holds that was found."""
        known = {(id(owner), key) for owner, key, value in found if id(value) in missing}
        held = Counter(id(value) for _, _, value in found if id(value) in missing)
        rest = {key: count - held[key] for key, count in missing.items() if held[key] < count < inf}
        places, seen = [], 0
        for owner, key, value in reachable(self._callers.values(), _MOST, _LARGEST) if rest else ():
            places.append((owner, key, value))
            if id(value) in rest and (id(owner), key) not in known:
                seen = len(places)
                rest[id(value)] -= 1
                if max(rest.values()) <= 0:
                    break
        return places[:seen]

    def _missing(self, entry: tuple[Any, Any, int]) -> float:
        """Count the references to the caller's array of an argument that are neither our own nor accounted for.

        `inf` where another array may see its memory.
        """
        ours = REFERENCES - 1 + len(self._found.get(id(entry[1]), (0, ()))[1])
        count = references(entry, 1) - ours - self._outside[id(entry[1])]
        if weakref.getweakrefcount(entry[1]) or owner_of(entry[1]).base is not None:
            return inf
        owner = [owner_of(entry[1])]
        of_owner = references(owner, 0) - self._parts[id(owner[0])] if owner[0] is not entry[1] else 0
        if of_owner > 0 and of_owner > self._outside[id(owner[0])]:
            return inf
        return count - own_references(entry[1])[0] if count > 0 else count


def _warn(tape: Tape, frame: FrameType, how: str, path: str) -> None:
    what = f"{how} {path}, which is written into here"
    advice = (
        f"what is read through it carries no gradient back; read {path}, or make it in the traced function"
    )
    tape.refuse_if_strict(what, advice, frame)
    tape.warn(what, advice, frame)
