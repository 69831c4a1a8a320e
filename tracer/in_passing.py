"""What is held in passing: the list without a name of `for p in [W, b]`, and the variables of generators that wait.

No place of the program leads there, as nothing but a loop that runs has the iterator. The garbage collector knows all
iterators, the youngest by themselves: a loop that has just begun costs no search of the whole program.
"""

from __future__ import annotations

import collections
import gc
import itertools
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import TYPE_CHECKING, Any

from tracer.callee import forget_snapshot
from tracer.holders import CONTAINERS, OVER_SEQUENCES, Item, OfIterator, base_of, items_in
from tracer.leading import is_looked_into
from tracer.references import is_waiting
from tracer.variables import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.holders import Holder

_LARGEST = 10_000  # items of a container that are looked at one by one
_MANY = 1000  # lists that the collector is asked for at once
_WAITING = {GeneratorType: "gi_frame", CoroutineType: "cr_frame", AsyncGeneratorType: "ag_frame"}


_CONTAINERS: tuple[Any, ...] = ([], (), {}, collections.deque(), collections.OrderedDict())
_ITERATORS: frozenset[type] = frozenset(
    (
        *(type(iter(each)) for each in (*_CONTAINERS, {}.values(), {}.items())),
        *(type(reversed(each)) for each in (*_CONTAINERS, {}.values(), {}.items())),
        *(each for each in vars(itertools).values() if isinstance(each, type)),
        *(OVER_SEQUENCES, enumerate, filter, map, zip, *_WAITING),
    )
)
_WANTED = _ITERATORS | {list}


def objects_in_passing(generation: int | None) -> list[Any]:
    """Return the iterators and lists that the garbage collector knows, of a generation."""
    return [each for each in gc.get_objects(generation) if type(each) in _WANTED]


def held_in_passing(objects: list[Any]) -> list[Any]:
    """Return the generators among some objects, and what iterators hold, or others that those have, if looked into."""
    pending = [each for each in objects if type(each) in _ITERATORS]
    seen: dict[int, Any] = {}  # and kept, or an identity could be another's
    while pending:
        each = pending.pop()
        if id(each) not in seen and (type(each) in _ITERATORS or is_looked_into(type(each))):
            seen[id(each)] = each
            if type(each) in _ITERATORS:
                pending += gc.get_referents(each)
            elif type(each) is tuple:
                pending += [inner for inner in each if type(inner) in _ITERATORS]
    return [each for each in seen.values() if type(each) in _WAITING or type(each) not in _ITERATORS]


def places_in_passing(
    is_wanted: Callable[[Any], bool], held: list[Any], objects: list[Any]
) -> list[Holder]:
    """Return where what iterators hold has a wanted array, and lists that wait in a line: `[W, b][0] -= g` has one.

    And the iterators that go through one themselves: `for row in W`.
    """
    found: list[Holder] = [
        OfIterator(each)
        for each in objects
        if type(each) is OVER_SEQUENCES and any(map(is_wanted, gc.get_referents(each)))
    ]
    for each in (*held, *_lists_with(is_wanted, objects)):
        found += _variables(each, is_wanted) if type(each) in _WAITING else _items(each, is_wanted)
    return found


def _lists_with(is_wanted: Callable[[Any], bool], objects: list[Any]) -> Iterator[Any]:
    """Yield the lists among some objects that hold a wanted array."""
    lists = [each for each in objects if type(each) is list and len(each) <= _LARGEST]
    for at in range(0, len(lists), _MANY):
        some = lists[at : at + _MANY]
        if any(map(is_wanted, gc.get_referents(*some))):
            yield from (each for each in some if any(map(is_wanted, each)))


def _variables(waiting: Any, is_wanted: Callable[[Any], bool]) -> list[Holder]:
    """Return the variables of a generator that hold a wanted array; what it computes with, `x + (yield)`, is none."""
    if not any(map(is_wanted, gc.get_referents(waiting))):
        return []
    frame = getattr(waiting, _WAITING[type(waiting)])
    held = [name for name, value in frame.f_locals.items() if is_wanted(value)]
    names = [name for name in held if not is_waiting(name, frame)]
    forget_snapshot(frame)
    return [Variable(frame, name) for name in names]


def _items(held: Any, is_wanted: Callable[[Any], bool], *, is_inside: bool = False) -> list[Holder]:
    """Return the places in a container, and in those in it, that hold a wanted array."""
    kind = type(held)
    if not issubclass(kind, (*CONTAINERS, tuple)) or base_of(kind).__len__(held) > _LARGEST:
        return []
    items = list(items_in(held))
    found: list[Holder] = [Item(held, key) for key, each in items if is_wanted(each)]
    if not is_inside:
        for _, each in items:
            found += _items(each, is_wanted, is_inside=True)
    return found
