"""`np.nditer` and `np.nested_iters`, which iterate in C over plain memory.

An iterator over one traced array goes from element to element as NumPy's does, and gives the views of that array, which
are read and written as any others. One over several arrays, or over more than an element at a time, has plain copies:
to read them is a cut, to write is refused, as it would be lost. `patches.py` replaces the names.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tracer.array_likes import USUAL, array_in
from tracer.buffers import write
from tracer.errors import UnsupportedError
from tracer.families import expose
from tracer.frames import place, users
from tracer.memory import laid_out_copy
from tracer.numpy_calls import getitem
from tracer.seeds import Reading
from tracer.standins import NO_RECORD, Traced, is_traced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_nditer = np.nditer  # which `np.nditer` is not while a trace runs
_ORIGINALS = ((_nditer, 2), (np.nested_iters, 3))  # with the place of `op_flags`
_WRITING = ("readwrite", "writeonly")
# By which an iterator over one array gives its elements one by one, and how it is asked where it is.
_FOLLOWED = {
    "flags": {"multi_index", "c_index", "f_index", "zerosize_ok"},
    "op_flags": {"readonly", *_WRITING},
}
_PARAMETERS = ("op", "flags", "op_flags", "op_dtypes", "order", "casting")
_REFUSED = ("enable_external_loop", "itviews", "remove_axis", "remove_multi_index")


class Elements:
    """Stands for an nditer over one traced array."""

    __slots__ = ("_array", "_is_writing", "_options", "_places", "_real")

    def __init__(self, array: Any, options: dict[str, Any]) -> None:
        """Begin at the first element. Raises what NumPy's own iterator does."""
        # Of a copy, so that nothing else holds the array; its layout decides which element comes next
        memory = laid_out_copy(array.value_)
        memory.flags.writeable = array.value_.flags.writeable
        self._array, self._options = array, options
        self._real: Any = _nditer(memory, **options)
        self._places: Any = _nditer(memory, **{**options, "flags": ["multi_index", "zerosize_ok"]})
        self._is_writing = _writes((array,), options.get("op_flags"))

    def _element(self, frame: FrameType) -> Any:
        """Return the view of the element that the iterator is at."""
        self._places.iterindex = self._real.iterindex
        array, index = self._array, (*self._places.multi_index, ...)
        element = (
            getitem(array, index, frame)
            if issubclass(type(array), Traced) and array.id_ != NO_RECORD
            else array[index]
        )
        if not self._is_writing:
            (element.value_ if issubclass(type(element), Traced) else element).flags.writeable = False
        return element

    @property
    def value(self) -> Any:
        """The element, as `it[0]`."""
        _ = self._real.value  # raises NumPy's own errors
        return self._element(_frame(1))

    @property
    def operands(self) -> tuple[Any]:
        """The array."""
        _ = self._real.operands  # as above
        return (self._array,)

    def __getitem__(self, index: Any) -> Any:
        _ = self._real[index]  # as above
        element = self._element(_frame(1))
        return (element,)[index] if isinstance(index, slice) else element

    def __setitem__(self, index: Any, value: Any) -> None:
        frame = _frame(1)
        self._real[index] = 0.0  # as above
        element = self._element(frame)
        value = value if type(value) in USUAL else array_in(value)
        if issubclass(type(element), Traced):
            write(element, ..., value, frame)
        else:
            element[...] = value

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        next(self._real)
        return self._element(_frame(1))

    def __len__(self) -> int:
        return len(self._real)

    def __enter__(self) -> Self:
        self._real.__enter__()
        return self

    def __exit__(self, *error: object) -> Any:
        return self._real.__exit__(*error)

    def copy(self) -> Any:
        """Return another iterator, at the same element."""
        return _begun(self._array, self._options, self._real.iterindex)

    __copy__ = copy

    def __reduce__(self) -> Any:
        """Say how to make NumPy's own, once a plain array can take the place of the stand-in (`leftovers.py`)."""
        return _begun, (self._array, self._options, self._real.iterindex)

    def __getattr__(self, name: str) -> Any:
        if name in _REFUSED and issubclass(type(self._array), Traced):
            raise _refused(f"nditer.{name}", "an iterator over the elements of a traced array", _frame(1))
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in Elements.__slots__:
            object.__setattr__(self, name, value)
        else:
            setattr(self._real, name, value)


Elements.__name__ = Elements.__qualname__ = "numpy.nditer"


def _begun(array: Any, options: dict[str, Any], index: int) -> Any:
    """Return the iterator that is at an element."""
    made: Any = Elements(array, options) if issubclass(type(array), Traced) else _nditer(array, **options)
    if index < made.itersize:
        made.iterindex = index
    return made


def _iterating(original: Callable[..., Any], at: int) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        op: Any = args[0] if args else options.get("op")
        operands: Any = op if type(op) in (list, tuple) else (op,)
        flags = args[at] if len(args) > at else options.get("op_flags")
        if not any(issubclass(type(each), Traced) for each in operands):
            return original(*args, **options)
        given = dict(zip(_PARAMETERS, args, strict=False)) | options
        if original is _nditer and len(args) <= len(_PARAMETERS) and _is_followed(operands, given):
            return Elements(operands[0], {name: each for name, each in given.items() if name != "op"})
        if not _writes(operands, flags):
            return original(*args, **options)
        if any(map(is_traced, operands)):
            what = f"np.{original.__name__} that writes"
            raise _refused(
                what, "a traced array among its operands, of which it would change a copy", _frame(1)
            )
        memory = [_memory(each) for each in operands]
        of_memory = memory if type(op) in (list, tuple) else memory[0]
        return original(
            of_memory, *args[1:], **{name: each for name, each in options.items() if name != "op"}
        )

    return function


def _refused(what: str, got: str, frame: FrameType) -> UnsupportedError:
    return UnsupportedError(
        f"{what} is not followed",
        where=place(users(frame)),
        got=got,
        advice="write it as operations of whole arrays, or as a loop over np.ndindex(a.shape) or over np.nditer of one",
    )


def _is_followed(operands: Any, given: dict[str, Any]) -> bool:
    """Tell whether an iterator goes from element to element of one array of numbers."""
    (array, *others), names = operands, set(given)
    return (
        not others
        and names <= set(_PARAMETERS)
        and given.get("op_dtypes") is None
        and all(_all_flags(given.get(each)) <= allowed for each, allowed in _FOLLOWED.items())
        and type(array.value_) is np.ndarray
    )


def _all_flags(given: Any) -> set[str]:
    """Return flags, which are given for all operands, or for each in a list of its own."""
    each_flags = [[flag] if isinstance(flag, str) else flag for flag in given or ()]
    return {flag for some in each_flags for flag in some or ()}


def _writes(operands: Any, flags: Any) -> bool:
    """Tell whether an iterator may change one of its operands, or makes one, as it does where that is None."""
    return any(each is None for each in operands) or not _all_flags(flags).isdisjoint(_WRITING)


def _memory(operand: Any) -> Any:
    """Return the memory itself of an array that holds no traced value yet; none may be written into it any more."""
    if not issubclass(type(operand), Traced):
        return operand
    expose(operand)
    return operand.value_


def replacements() -> Iterator[tuple[Any, Any]]:
    """Yield (original, replacement)."""
    for original, at in _ORIGINALS:
        function = _iterating(original, at)
        if not isinstance(original, type):
            yield original, function
            continue
        names = {name: each for name, each in vars(original).items() if not name.startswith("__")}
        names |= {"__wrapped__": original, "__module__": original.__module__, "__doc__": original.__doc__}
        names["__called__"] = staticmethod(function)
        yield original, Reading(original.__name__, (), names)  # NumPy lets no class be made of its own
