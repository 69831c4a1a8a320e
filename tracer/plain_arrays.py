"""The plain arrays that take the place of a trace's arrays: they share memory where the plain program's do.

A part of an array that the caller gave is that part of the caller's own. Of what the function made, an array is copied,
as the records hold its memory; the memory as a whole where several have a part of it, so that each of them sees what is
written into another. Used by unboxing.py and leftovers.py.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.elements import placed_alike
from tracer.memory import address_of, borrowed_of, in_order_of_memory, is_lent, laid_out_copy, owner_of
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from tracer.unboxing import Unboxing

_WRITEABLE = 0x0400  # NumPy's flag


class PlainArrays:
    """The memory that the program has for that in which a run has computed. Holds no stand-in."""

    def __init__(self, boxes: Unboxing) -> None:
        self._families = boxes.tape.families
        wholes = [(each.value_, boxes.arrays[id(each)]) for each in boxes.wholes.values()]
        self._given = [*wholes, *((each.value_, callers) for each, callers, _ in boxes.entries)]

    @cached_property
    def _known(self) -> dict[int, list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]]:
        """By its owner: the arrays that see some memory, and what the program has for each."""
        known: dict[int, list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]] = {}
        for seen, callers in self._given:
            pairs = known.setdefault(id(owner_of(seen)), [])
            pairs.append((seen, callers))
            if is_complex(seen) and seen.strides != callers.strides:
                pairs.append((seen.imag, callers.imag))
        return known

    def plain(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return an array like this one on memory of the program's."""
        owner = owner_of(array)
        if is_lent(array):
            callers = borrowed_of(array)
            known = [(callers, callers)]
        elif id(owner) in self._known:
            known = self._known[id(owner)]
        elif not self._is_shared(owner) or not in_order_of_memory(owner).flags.forc:
            return laid_out_copy(array)
        else:
            known = self._known[id(owner)] = [(owner, owner.copy(order="K"))]
        found = (part for source, other in known if (part := _part(array, source, other)) is not None)
        seen = next(found, None)
        if seen is None:
            return laid_out_copy(array)
        # To ask `flags.writeable` of what np.broadcast_arrays has made is a warning.
        if not array.flags.num & _WRITEABLE:
            seen.flags.writeable = False
        return seen

    def _is_shared(self, owner: np.ndarray[Any, Any]) -> bool:
        """Tell whether the program has several arrays that see some memory."""
        family = self._families.get(id(owner))
        return family is not None and len(family.members.all()) > 1


def _part(
    array: np.ndarray[Any, Any], source: np.ndarray[Any, Any], other: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any] | None:
    """Return the part of another array that an array is of a source of the same shape; None where there is none."""
    if array is source:
        return other
    place: tuple[int, tuple[int, ...]] | None = None
    if source.strides == other.strides:
        place = address_of(other) + address_of(array) - address_of(source), array.strides
    elif array.size:
        place = placed_alike(array, source, other)
    if place is None:
        return None
    memory, (start, strides) = in_order_of_memory(owner_of(other)), place
    try:
        return np.ndarray(array.shape, array.dtype, memory, start - address_of(memory), strides)
    except (TypeError, ValueError):  # beyond it, or it has gaps
        return None
