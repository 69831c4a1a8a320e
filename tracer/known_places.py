"""Where a search has found what holds an array: the way there from where the search began, for the next call.

A way holds nothing of the program's, only names, indices and the identity of its beginning. So it is no proof: it is
gone again, and counts where it ends at the array.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

from tracer.holders import own_attributes
from tracer.reach import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_MOST = 10_000  # arrays whose places are remembered
_KEYS = frozenset((str, int, type(None)))
# What owns a place in a value; from the last on, which cell
_ITSELF, _ATTRIBUTES, _DEFAULTS, _NAMED_DEFAULTS, _CELLS = range(5)

_Way: TypeAlias = tuple[int, tuple[tuple[int, Any], ...]]
"""The identity of a root, and steps: what owns the place in that, and its key; the same in what is held there; …."""

_known: dict[int, list[_Way]] = {}  # by identity of the array


def remember(roots: Iterable[Any], found: list[tuple[Any, Any, Any]], arrays: Mapping[int, int]) -> None:
    """Remember which places hold some arrays: those are among what was found, the nearest first.

    `arrays` says by the identity of each by which identity it is asked for: that of what a view is one of.
    """
    # By identity of an owner: from which root, by which steps, and its number there
    begun: dict[int, tuple[int, tuple[tuple[int, Any], ...], int]] = {}
    for root in roots:
        for number, owner in _owners(root):
            begun.setdefault(id(owner), (id(root), (), number))
    anew: dict[int, dict[tuple[int, Any], _Way]] = {}  # by array and place
    count = 0
    while len(begun) > count:  # again, as what holds another may be found later
        count = len(begun)
        for owner, key, value in found:
            if id(owner) not in begun or type(key) not in _KEYS:
                continue
            begin, steps, number = begun[id(owner)]
            steps = (*steps, (number, key))
            if id(value) in arrays:
                anew.setdefault(arrays[id(value)], {})[id(owner), key] = begin, steps
                continue
            for at, inner in _owners(value):
                begun.setdefault(id(inner), (begin, steps, at))
    _known.update((array, [*ways.values()]) for array, ways in anew.items())
    while len(_known) > _MOST:
        del _known[next(iter(_known))]


def places_known(
    array: int, is_wanted: Callable[[Any], bool], roots: Mapping[int, Any]
) -> list[tuple[Any, Any, Any]]:
    """Return the (owner, key, value) of the places that are remembered of an array, and still hold what is wanted.

    `roots` are by identity where a search would begin now.
    """
    places = {}
    for root, steps in _known.get(array, ()):
        with suppress(Exception):  # where there is something else now
            owner, key = _gone(roots[root], steps)
            if is_wanted(held := place_of(owner, key).read()):
                places[id(owner), key] = owner, key, held
    return [*places.values()]


def _gone(value: Any, steps: tuple[tuple[int, Any], ...]) -> tuple[Any, Any]:
    for at, (number, key) in enumerate(steps):
        owner = next(owner for each, owner in _owners(value) if each == number)
        if at == len(steps) - 1:
            return owner, key
        value = place_of(owner, key).read()
    raise LookupError


def _owners(value: Any) -> Iterator[tuple[int, Any]]:
    """Yield what has places in a value, each by its number; no object with slots, which may be a property now."""
    kind = type(value)
    if issubclass(kind, (dict, list, tuple, deque, CellType)):
        yield _ITSELF, value
        if kind is dict:  # as the variables of a thousand modules are
            return
    elif issubclass(kind, FunctionType):
        yield _DEFAULTS, value.__defaults__
        yield _NAMED_DEFAULTS, value.__kwdefaults__
        yield from enumerate(value.__closure__ or (), _CELLS)
    if (own := own_attributes(value)) is not None:
        yield _ATTRIBUTES, own
