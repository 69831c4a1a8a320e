"""What a traced function left behind: stand-ins in lists, dicts and objects of the program become plain values.

`losses.append(loss)` on a list that outlives the call must leave a number there, as it does without a trace, also where
the function raises. Whether anything was left is known by the tape's count of references (`accounted.py`); where, only
the garbage collector knows, and it is asked only then. The numbers that are left are objects of their own, known by
identity: a later trace that meets one, in a program's own cache, says that it is a constant.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
import itertools
import warnings
from bisect import bisect_right
from functools import partial
from itertools import islice
from operator import is_, methodcaller
from types import (
    AsyncGeneratorType,
    CellType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import forget_snapshot
from tracer.flat import Flat, Rows
from tracer.frames import is_library, is_own
from tracer.holders import (
    CONTAINERS,
    Attribute,
    Cell,
    Item,
    OfPartial,
    attributes,
    items_in,
    module_of,
    names_of,
    order_of,
)
from tracer.instructions import line_of
from tracer.iterators import Elements
from tracer.memory import is_lent
from tracer.next_states import is_next_state
from tracer.object_arrays import all_arrays, exchange
from tracer.references import references
from tracer.standins import Traced, plain
from tracer.structures import items_of, rebuilt
from tracer.tape import AUXILIARY, STALE, STALE_ADVICE, STALE_VALUES, WIDTH
from tracer.turns import searching
from tracer.variables import Variable

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from tracer.errors import CutError, CutWarning
    from tracer.holders import Holder
    from tracer.plain_arrays import PlainArrays
    from tracer.tape import Tape

_MANY = 1000  # objects that the collector is asked of at once
_FEW = 10  # objects that the collector is asked for one by one
_MOST = 100_000  # values that are known again
_ROUNDS = 8  # levels of tuples in tuples, which are made anew from the inside
_FRAMES = {GeneratorType: "gi_frame", CoroutineType: "cr_frame", AsyncGeneratorType: "ag_frame"}
_FIXED = (tuple, frozenset, slice, MethodType, methodcaller)
# They go on from where they are, so all who have one must get the same other one. Some know how to be made anew up to
# Python 3.13 only.
_ITERATORS = frozenset(
    (
        Elements,
        Flat,
        itertools.combinations,
        itertools.combinations_with_replacement,
        itertools.count,
        itertools.permutations,
        itertools.product,
        itertools.repeat,
        type(iter(())),
    )
)


def leave_plain(
    tape: Tape,
    arrays: dict[int, Any],
    given: dict[int, Any],
    plain_arrays: PlainArrays,
    error: BaseException | None = None,
) -> None:
    """Put plain values in place of the stand-ins of a closed tape, wherever they can be found and replaced.

    `arrays` are those that the caller has got, and `given` those that it gave and that are as they were, by stand-in;
    `plain_arrays` makes those of the others. The frames of the `error` that ended the run keep theirs.

    Not found are those that only an iterator that something else than variables and containers has, what a suspended
    generator is computing with, another context or a traceback holds: they stand for the same plain values.
    """
    known = [tape]
    del tape
    if references(known, 0) == 1:  # the caller's
        return
    from tracer.accounted import are_accounted_for  # noqa: PLC0415  (many programs keep nothing)

    try:
        with searching():
            if not are_accounted_for(known, error):
                _search(known, arrays, given, plain_arrays)
    except (MemoryError, RecursionError):
        if error is None:  # else that is what is raised
            raise


def _search(
    known: list[Tape], arrays: dict[int, Any], given: dict[int, Any], plain_arrays: PlainArrays
) -> None:
    found = [each for each in gc.get_referrers(*known) if issubclass(type(each), Traced)]
    known_as = {**given, **arrays}
    numbers = {
        id(each): known_as[id(each)] if id(each) in known_as else _copy(plain(each), plain_arrays)
        for each in found
    }
    # Arrays on memory of the program's are no numbers of ours, whatever was written into them.
    own = {
        *given,
        *(id(each) for each in found if type(each.value_) is np.ndarray and is_lent(each.value_)),
    }
    places: dict[int, list[Holder]] = {}
    put_in_place(found, numbers, places=places)
    own.update(id(each) for each in found if is_next_state(each, places.get(id(each), ()), known[0]))
    if any(references(found, at) > 0 for at in range(len(found))):  # in what the collector does not know
        for array in all_arrays():
            exchange(array, lambda item: _parts(item, numbers))
        for each in found:  # what still has one
            each.value_ = numbers[id(each)]
    held = [each for key, each in numbers.items() if type(each) is not int and key not in own]
    left = {id(held[at]): held[at] for at in range(len(held)) if references(held, at) > 1}  # ours
    del held
    _let_go(2 * len(left))
    STALE_VALUES.update(left)
    while len(STALE_VALUES) > _MOST:
        del STALE_VALUES[next(iter(STALE_VALUES))]


def _let_go(count: int) -> None:
    """Forget those of the oldest values that the program has let go of: a view would keep an array for good."""
    with contextlib.suppress(RuntimeError):  # another thread has put some there meanwhile
        for key in list(islice(STALE_VALUES, count)):
            oldest = [STALE_VALUES.pop(key, None)]
            if oldest[0] is not None and references(oldest, 0) > 0:
                STALE_VALUES[key] = oldest[0]


def put_in_place(
    found: list[Any], others: dict[int, Any], *own: Any, places: dict[int, list[Holder]] | None = None
) -> None:
    """Put others (by identity) in place of the objects that were found, wherever they are kept, but in our `own`.

    By identity of what was found, `places` get those that were written.
    """
    noted: dict[int, list[Holder]] = {} if places is None else places
    old, new, known = found, others, dict(others)
    for _ in range(_ROUNDS):
        if not old:
            break
        _replace_in_context(new)
        holders = holders_of(old)
        ours = (old, new, known, found, holders, *own)
        anew = [at for at in range(len(holders)) if _is_made_anew(holders, at, ours)]
        for at, each in enumerate(holders):
            if at not in anew:
                _replace(each, new, ours, noted)
        old = [holders[at] for at in anew]
        del holders, ours
        new = {id(each): _remade(each, known) for each in old}
        known |= new


def holders_of(old: list[Any]) -> list[Any]:
    """Return what refers to some objects; of many at once, in one pass, as the collector compares with each of them.

    Never asks a module, whose names are a dict that is asked: in Python 3.12 `_asyncio` also answers with objects that
    are dead, in a list for reuse; dying twice they make a ring of it, around which the collector goes for ever.
    """
    if len(old) <= _FEW:
        return gc.get_referrers(*old)
    wanted = set(map(id, old))
    everything = [each for each in gc.get_objects() if type(each) is not ModuleType]
    found: list[Any] = []
    for at in range(0, len(everything), _MANY):
        some = everything[at : at + _MANY]
        if not wanted.isdisjoint(map(id, gc.get_referents(*some))):
            found += [each for each in some if not wanted.isdisjoint(map(id, gc.get_referents(each)))]
    return found


def meet_left(tape: Tape) -> CutError | CutWarning | None:
    """Warn of the numbers in a closed tape that an earlier trace left; return the error where the tape is strict."""
    for position in _left_numbers(tape.records) if STALE_VALUES else ():
        at = bisect_right(tape.segments, position, key=lambda segment: segment.start) - 1
        code, instruction = tape.segments[at].code, tape.records[position + WIDTH - 1] & ~AUXILIARY
        if (code, instruction) not in tape.warned:
            tape.warned.add((code, instruction))
            error = tape.told(STALE, STALE_ADVICE, code, line_of(code, instruction))
            if error is not None:
                return error
    return None


def _left_numbers(records: list[Any]) -> Iterator[int]:
    """Yield the positions of the records that have such a number among their operands."""
    for row, (left, right) in enumerate(zip(records[1::WIDTH], records[2::WIDTH], strict=True)):
        constants = right[0] if type(right) is tuple else ()
        if (
            id(left) in STALE_VALUES
            or id(right) in STALE_VALUES
            or any(id(each) in STALE_VALUES for each in constants)
        ):
            yield row * WIDTH


def _copy(value: Any, plain_arrays: PlainArrays) -> Any:
    """Return the same value as an object of its own; whole numbers are shared by all of Python."""
    if type(value) is float:
        return value + -0.0  # the same bits
    if type(value) is complex:
        return complex(value.real, value.imag)
    if type(value) is np.ndarray:
        return plain_arrays.plain(value)
    return value.copy() if isinstance(value, np.generic) else value


def _is_made_anew(holders: list[Any], at: int, own: tuple[Any, ...]) -> bool:
    """Tell whether a holder can't be written into, as a tuple, and another one can take its place."""
    kind = type(holders[at])
    if any(holders[at] is each for each in own):
        return False
    return issubclass(kind, _FIXED) or (kind in _ITERATORS and _is_in_places(holders, at))


def _is_in_places(holders: list[Any], at: int) -> bool:
    """Tell whether all references to an object are in places that can be written, and it can be made anew."""
    count = references(holders, at)
    if "__reduce__" not in names_of(type(holders[at])):
        return False
    for each in gc.get_referrers(holders[at]):
        if each is not holders and not issubclass(type(each), (FrameType, *_FIXED)):
            count -= sum(place.read() is holders[at] for place in _places(each, (id(holders[at]),)))
    return count == 0


def _replace(
    holder: Any, new: dict[int, Any], own: tuple[Any, ...], places: dict[int, list[Holder]]
) -> None:
    """Replace what a holder holds."""
    if any(holder is each for each in own) or issubclass(type(holder), FrameType):
        return
    with contextlib.suppress(Exception):  # an object that can't be written to keeps what it has
        _replace_in(holder, new, places)


def _replace_in_context(new: dict[int, Any]) -> None:
    """Set the context variables of whoever called that have such a value."""
    for variable, value in contextvars.copy_context().items():
        if id(value) in new:
            variable.set(new[id(value)])


def _replace_in_variables(frame: FrameType, new: dict[int, Any]) -> None:
    """Replace what a suspended function has in variables; what it is computing with, `x + (yield)`, it keeps."""
    for name, value in list(frame.f_locals.items()):
        if id(value) in new:
            Variable(frame, name).write(new[id(value)])
    forget_snapshot(frame)


def _replace_in(holder: Any, new: dict[int, Any], places: dict[int, list[Holder]]) -> None:
    if type(holder) in _FRAMES:
        _replace_in_variables(getattr(holder, _FRAMES[type(holder)]), new)
        return
    if isinstance(holder, dict) and any(id(key) in new for key in holder):
        items = [(new.get(id(key), key), value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
    if isinstance(holder, set):
        for value in [each for each in holder if id(each) in new]:
            holder.remove(value)
            holder.add(new[id(value)])
        return
    for place in _places(holder, new):
        value = place.read()
        if id(value) in new:
            with contextlib.suppress(Exception):  # the other places of it may be written
                place.write(new[id(value)])
                places.setdefault(id(value), []).append(place)


def _places(holder: Any, wanted: Container[int]) -> Iterable[Holder]:
    """Return the places in a holder; of a container, those of what is wanted, by identity, as it may hold millions."""
    if isinstance(holder, CellType):
        return [Cell(holder)]
    if issubclass(type(holder), Traced):
        return []
    for kept, places in _KEPT_ELSEWHERE.items():
        if issubclass(type(holder), kept):
            return [*places(holder), *_members(holder), *(place for _, place in attributes(holder))]
    kind = _class_of(holder)
    if kind is not None:  # past whose dict Python keeps what it has looked up
        return [Attribute(kind, name) for name in list(holder)]
    if issubclass(type(holder), CONTAINERS):
        items = items_in(holder)
        if issubclass(type(holder), dict):  # to which another thread may add meanwhile
            items = list(items)
        own = () if type(holder) in CONTAINERS else attributes(holder)
        held = [Item(holder, key) for key, value in items if id(value) in wanted]
        return [*held, *(place for _, place in own)]
    return [*_members(holder), *(place for _, place in attributes(holder))]


def _members(holder: Any) -> Iterator[Holder]:
    """Yield what an object written in C has as attributes of its own, some to be read only."""
    for kind in order_of(type(holder)):
        if is_library(str(module_of(kind))):
            for name, each in names_of(kind).items():
                if type(each) is MemberDescriptorType:
                    yield Attribute(holder, name)


_KEPT_ELSEWHERE: dict[type[Any], Callable[[Any], list[Holder]]] = {
    FunctionType: lambda function: [Attribute(function, "__defaults__")],
    BaseException: lambda error: [Attribute(error, "args")],
    partial: lambda call: [OfPartial(call, "args"), OfPartial(call, "func")],
    Rows: lambda rows: [Attribute(rows, "array")],
}


def _class_of(holder: Any) -> Any:
    """Return the class whose attributes a dict is; None for any other holder."""
    if type(holder) is not dict or "__module__" not in holder or "__doc__" not in holder:
        return None
    kinds = [each for each in gc.get_referrers(holder) if issubclass(type(each), type)]
    return next((each for each in kinds if any(part is holder for part in gc.get_referents(each))), None)


def _remade(old: Any, new: dict[int, Any]) -> Any:
    """Return a tuple, a slice, a frozen set, a method or an iterator with its parts replaced."""
    if type(old) is slice:
        return slice(*(new.get(id(each), each) for each in (old.start, old.stop, old.step)))
    if type(old) is MethodType:
        return _method(old, new)
    if issubclass(type(old), tuple):
        return rebuilt(old, {at: new.get(id(each), each) for at, each in items_of(old) or ()})
    if issubclass(type(old), frozenset):
        return frozenset.__new__(type(old), [new.get(id(each), each) for each in frozenset.__iter__(old)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what later versions of Python do not know
        make, given, *state = old.__reduce__()
        made = make(*_parts(given, new))
        if state:
            made.__setstate__(_parts(state[0], new))
    return made


def _method(old: MethodType, new: dict[int, Any]) -> Any:
    """Return a method of another object; one that we have written for a stand-in is that of the plain value."""
    function, owner = new.get(id(old.__func__), old.__func__), new.get(id(old.__self__), old.__self__)
    is_ours = type(function) is FunctionType and is_own(function.__code__.co_filename)
    if issubclass(type(old.__self__), Traced) and is_ours:
        return getattr(owner, function.__name__, old)
    return MethodType(function, owner)


def _parts(value: Any, new: dict[int, Any]) -> Any:
    """Return what is in tuples of tuples with others in its place."""
    if id(value) in new or type(value) is not tuple:
        return new.get(id(value), value)
    parts = tuple([_parts(each, new) for each in value])
    return value if all(map(is_, parts, value)) else parts
