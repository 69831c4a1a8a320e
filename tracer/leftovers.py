"""What a traced function left behind: stand-ins in lists, dicts and objects of the program become plain values.

`losses.append(loss)` on a list that outlives the call must leave a number there, as it does without a trace. Whether
anything was left is known by the tape's count of references; where, only the garbage collector knows, and it is asked
only then.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections import deque
from itertools import chain
from types import CellType, FrameType
from typing import TYPE_CHECKING, Any

from tracer.standins import Traced, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.tape import Tape

_ALONE = (
    3  # references to a tape that nothing of the program holds: the caller's, ours, and the count's own
)
_ROUNDS = 8  # levels of tuples in tuples, which are made anew from the inside


def leave_plain(tape: Tape) -> None:
    """Put plain values in place of the stand-ins of a closed tape, wherever they can be found and replaced.

    Not found are those that only a suspended generator or a traceback holds, and those in NumPy's arrays of objects.
    """
    if sys.getrefcount(tape) <= _ALONE:
        return
    found = [each for each in gc.get_referrers(tape) if issubclass(type(each), Traced)]
    old: list[Any] = found
    new: dict[int, Any] = {id(each): plain(each) for each in found}
    for _ in range(_ROUNDS):
        if not old:
            return
        tuples = [each for each in gc.get_referrers(*old) if _replace(each, new, (old, new, found))]
        new = {id(each): _remade(each, new) for each in tuples}
        old = tuples


def _replace(holder: Any, new: dict[int, Any], own: tuple[Any, ...]) -> bool:
    """Replace what a holder holds; True for a tuple, which must be made anew."""
    if any(holder is each for each in own) or isinstance(holder, FrameType):
        return False
    if isinstance(holder, tuple):
        return True
    with contextlib.suppress(Exception):  # an object that can't be written to keeps what it has
        _replace_in(holder, new)
    return False


def _replace_in(holder: Any, new: dict[int, Any]) -> None:
    if isinstance(holder, dict):
        if any(id(key) in new for key in holder):
            items = [(new.get(id(key), key), value) for key, value in holder.items()]
            holder.clear()
            holder.update(items)
        for key, value in list(holder.items()):
            if id(value) in new:
                holder[key] = new[id(value)]
    elif isinstance(holder, (list, deque)):
        for at, value in enumerate(holder):
            if id(value) in new:
                holder[at] = new[id(value)]
    elif isinstance(holder, set):
        for value in [each for each in holder if id(each) in new]:
            holder.remove(value)
            holder.add(new[id(value)])
    elif isinstance(holder, CellType):
        holder.cell_contents = new.get(id(holder.cell_contents), holder.cell_contents)
    elif not issubclass(type(holder), Traced):
        for name in _attributes(holder):
            value = getattr(holder, name, None)
            if id(value) in new:
                object.__setattr__(holder, name, new[id(value)])


def _attributes(holder: Any) -> Iterable[str]:
    slots = chain.from_iterable(
        [each] if isinstance(each, str) else each
        for kind in type(holder).__mro__
        for each in [vars(kind).get("__slots__", ())]
    )
    return list(dict.fromkeys((*getattr(holder, "__dict__", ()), *slots)))


def _remade(old: Any, new: dict[int, Any]) -> Any:
    """Return a tuple or namedtuple with its parts replaced."""
    return tuple.__new__(type(old), [new.get(id(each), each) for each in old])
