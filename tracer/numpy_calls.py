"""NumPy functions, ufuncs and array methods met by a stand-in: computed on plain values, and recorded.

Which functions are followed, and how, stands in the tables of `numpy_table`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.asked_for import note_equal_arrays
from tracer.buffers import copied
from tracer.cuts import CONVERSION, cut
from tracer.families import note_view
from tracer.frames import only_shows, wants_plain_arrays
from tracer.numpy_table import (
    FOLLOWED,
    METHODS,
    PLAIN_ATTRIBUTES,
    PLAIN_METHODS,
    PLAIN_READS,
    OptionError,
)
from tracer.numpy_table.reductions import OVERWRITING, without_overwriting
from tracer.other_threads import is_handed, is_met_elsewhere
from tracer.refused import refuse
from tracer.rules.kinds import is_complex
from tracer.standins import Traced, holds_traced, is_traced, open_tape, plain_deep, record_call, traced_in
from tracer.structures import rebuilt
from tracer.tape import AUXILIARY
from tracer.texts import note

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SEQUENCES = frozenset((list, tuple))
_COMPARING = frozenset((np.array_equal, np.array_equiv, np.allclose))
# What reads the file back has constants.
_WRITING_OUT = frozenset((np.save, np.savetxt, np.savez, np.savez_compressed))


def _plain_read(function: Any, args: tuple[Any, ...], options: dict[str, Any], frame: FrameType) -> Any:
    """Return what has no derivative; note what is written so, and what is compared with what is kept."""
    read_only = function(*plain_deep(args), **plain_deep(options))
    if type(read_only) is str or (function is np.char.mod and type(read_only) is np.ndarray):
        for written in traced_in(args):
            note(written, " ".join(np.ravel(read_only)), frame)
    elif function in _COMPARING and len(args) > 1:
        note_equal_arrays(args[0], args[1], frame)
    return read_only


def call_function(
    function: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
    compute: Callable[..., Any] | None = None,
) -> Any:
    """Compute and record a NumPy function; what is not followed raises UnsupportedError.

    A method gives its own way to `compute` the value from the arguments but the first.
    """
    if function is np.where and len(args) + len(options) == 1:
        function = np.nonzero
    if function in OVERWRITING and any_open((*args, *options.values()), frame):
        args, options = without_overwriting(function, args, options)
    if function in PLAIN_READS:
        if compute is not None:
            return compute(*plain_deep(args[1:]), **plain_deep(options))
        return _plain_read(function, args, options, frame)
    read = FOLLOWED.get(function)
    if read is None:
        return _call_unfollowed(function, args, options, frame)
    plain_options = plain_deep(options) if options else options
    if compute is None:
        value = function(*plain_deep(args), **plain_options)
    else:
        value = compute(*plain_deep(args[1:]), **plain_options)
    try:
        followed = read(*args, **options)
    except OptionError as error:
        name = _full_name(function)
        _let_lists_leave(name, f"{name} with {error}", (*args, *options.values()), frame)
        return value
    if followed is None:
        return value
    if args and is_traced(args[0]) and value is args[0].value_:
        return args[0]  # np.atleast_1d and the like hand on what they are given
    if isinstance(followed, list):
        return several(followed, value, frame)
    rule, operands, params = followed
    result = record_call(rule, arrays_of(operands, frame), value, params, frame)
    if type(value) is np.ndarray and value.base is not None and is_traced(result):
        note_view(result, operands)
    return result


def _call_unfollowed(
    function: Any, args: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Call a NumPy function that no table names: what it writes out leaves, and else nothing traced may go in."""
    given = (*args, *options.values())
    if function in _WRITING_OUT:
        result = function(*plain_deep(args), **plain_deep(options))
        if any_open(given, frame):
            for each in traced_in(given):
                cut(each, _full_name(function), frame)
        return result
    if only_shows(frame):
        let_be_shown(given, frame)
        return function(*plain_deep(args), **plain_deep(options))
    if function.__module__.startswith("numpy.polynomial."):
        return function.__wrapped__(*args, **options)  # plain Python, whose steps are followed
    name = _full_name(function)
    _let_lists_leave(name, name, given, frame)
    return function(*plain_deep(args), **plain_deep(options))


def let_be_shown(given: Any, frame: FrameType) -> None:
    """Let the traced values among the arguments leave, by a call of what only shows them."""
    for each in traced_in(given):
        cut(each, CONVERSION, frame)


def several(followed: list[Any], values: Any, frame: FrameType) -> Any:
    """Record each result of a function that returns several, and return them as NumPy does: a list or a tuple.

    A rule that needs the other results has a place for them: `"results": None` among its parameters.
    """
    parts = []
    for row, value in zip(followed, values, strict=True):
        if row is None or isinstance(row, list):  # it takes steps, or is several itself
            parts.append(value if row is None else several(row, value, frame))
            continue
        rule, operands, params = row
        if is_traced(operands[0]) and value is operands[0].value_:
            parts.append(operands[0])
            continue
        given = {**params, "results": tuple(values)} if params and "results" in params else params
        part = record_call(rule, arrays_of(operands, frame), value, given, frame, AUXILIARY)
        if type(value) is np.ndarray and value.base is not None and is_traced(part):
            note_view(part, operands)
        parts.append(part)
    return rebuilt(values, dict(enumerate(parts)))


def any_open(values: tuple[Any, ...], frame: FrameType) -> bool:
    """Tell whether a value of a trace that is running is among some values, or in lists of them."""
    return open_tape(traced_in(values), frame) is not None


def _let_lists_leave(name: str, what: str, values: tuple[Any, ...], frame: FrameType) -> None:
    """Let numbers in lists leave through a function that is not followed; what NumPy asks itself is refused."""
    if not any_open(values, frame):
        return
    if any(map(is_traced, values)) or any(
        type(value) is Traced.stand_ins["array"] for value in traced_in(values)
    ):
        raise refuse(what, frame) from None
    for number in traced_in(values):
        cut(number, name, frame)


def arrays_of(operands: tuple[Any, ...], frame: FrameType) -> tuple[Any, ...]:
    """Turn operands that are lists with traced values in them into traced arrays."""
    if not _SEQUENCES.isdisjoint(map(type, operands)):
        return tuple(array_of(operand, frame) if holds_traced(operand) else operand for operand in operands)
    return operands


def array_of(nested: Any, frame: FrameType, dtype: Any = None, flag: int = AUXILIARY) -> Any:
    """Return the traced array that np.array makes of nested lists with traced values in them."""
    if type(nested) not in (list, tuple):
        return nested
    value = np.array(plain_deep(nested), dtype=dtype)
    parts = tuple(array_of(item, frame, value.dtype) if holds_traced(item) else item for item in nested)
    return record_call("stack", parts, value, {"axis": 0}, frame, flag)


def _full_name(function: Any) -> str:
    """Write a NumPy function the way users do: np.sum, np.linalg.norm."""
    package = str(getattr(function, "__module__", "")).removeprefix("numpy").strip(".")
    return ".".join(
        part for part in ("np", package if package in ("linalg", "fft") else "", function.__name__) if part
    )


def getitem(array: Any, index: Any, frame: FrameType) -> Any:
    """Compute and record `array[index]`."""
    if type(index) is not int:
        index = copied(plain_deep(index))
    value = array.value_[index]
    result = record_call("getitem", (array,), value, {"index": index}, frame)
    if type(value) is np.ndarray and value.base is not None and is_traced(result):
        note_view(result, (array,))
    return result


def part_of(number: Any, name: str, frame: FrameType) -> Any:
    """Return the real or the imaginary part of a complex value; of an array it sees the same memory."""
    return call_function(np.real if name == "real" else np.imag, (number,), {}, frame)


def conjugate(number: Any, frame: FrameType) -> Any:
    """Return what `.conjugate()` gives: a real value is its own."""
    value = number.value_.conjugate()
    return record_call("conjugate", (number,), value, None, frame) if is_complex(value) else number


def item(number: Any, frame: FrameType) -> Any:
    """Compute and record `number.item()`, Python's own number."""
    return record_call("item", (number,), number.value_.item(), {"index": ()}, frame, AUXILIARY)


def attribute(number: Any, name: str, attribute: Any, frame: FrameType) -> Any:
    """Return an attribute or a method of a traced array or NumPy scalar."""
    if name in PLAIN_ATTRIBUTES or not number.tape_.is_open:
        return attribute
    if name in PLAIN_METHODS:
        return _late(number, name, attribute)
    before = number.value_
    if name in ("T", "mT"):
        return (
            _transposed(number, attribute, frame)
            if name == "T"
            else call_function(np.matrix_transpose, (number,), {}, frame)
        )
    if name in ("numerator", "conj", "conjugate"):
        return number if name == "numerator" else lambda: conjugate(number, frame)
    if name in ("reshape", "transpose"):

        def reshaped(*args: Any, **options: Any) -> Any:
            shape = args if len(args) != 1 else args[0]
            given = (number, *([shape] if args else []))
            return call_function(METHODS[name], given, options, frame, _now(number, before, attribute))

        return reshaped
    if name in METHODS:
        from tracer.mutation import call_any  # noqa: PLC0415  (which is made of this room)

        return lambda *args, **options: call_any(
            METHODS[name], (number, *args), options, frame, _now(number, before, attribute)
        )
    if name == "item":
        return lambda *args: record_call(
            "item",
            (number,),
            _now(number, before, attribute)(*plain_deep(args)),
            {"index": plain_deep(args)},
            frame,
        )
    if name in _SEEING:
        return lambda *args, **options: _SEEING[name](
            number, _now(number, before, attribute)(*args, **options), frame
        )
    if name in _LEAVING:
        return _leaving(number, name, frame)
    return _not_followed(number, f"ndarray.{name}", attribute, frame)


def _not_followed(number: Any, what: str, value: Any, frame: FrameType) -> Any:
    """Raise the error, but in a thread for whose answer the traced function may wait: its end is refused."""
    if is_met_elsewhere(number.tape_, frame, number) and is_handed(number.tape_, number):
        return value
    raise refuse(what, frame)


def _now(number: Any, before: Any, method: Any) -> Any:
    """Return a method of the array that there was before as that of the one that there is."""
    return method if number.value_ is before else getattr(number.value_, method.__name__)


def _late(number: Any, name: str, attribute: Any) -> Any:
    """Return a method as that of the array that there is when it is called: `largest = a.argmax; a += x; largest()`."""
    if type(number.value_) is not np.ndarray or not callable(attribute):
        return attribute

    def method(*args: Any, **options: Any) -> Any:
        return getattr(number.value_, name)(*args, **options)

    return method


def _leaving(number: Any, name: str, frame: FrameType) -> Any:
    """Let the plain value leave through what gives its bits."""
    if name == "data":
        value = cut(number, f".{name}", frame)
        value.setflags(write=False)  # it is a copy, in which a write would be lost
        return value.data

    def leaving(*args: Any, **options: Any) -> Any:
        return getattr(cut(number, f".{name}", frame), name)(*args, **options)

    return leaving


def _listed(number: Any, value: Any, frame: FrameType) -> Any:
    """Follow `a.tolist()`, number by number; libraries get plain numbers."""
    if wants_plain_arrays(frame):
        return cut(number, ".tolist", frame).tolist()

    def part(each: Any, place: tuple[int, ...]) -> Any:
        if type(each) is list:
            return [part(item, (*place, at)) for at, item in enumerate(each)]
        return record_call("item", (number,), each, {"index": place}, frame, AUXILIARY)

    return part(value, ())


def _view(number: Any, value: Any, frame: FrameType) -> Any:
    """Follow `a.view()`, which looks at the same memory; other types would read its bits."""
    if value.dtype != number.value_.dtype:
        return _not_followed(number, "ndarray.view as another type", value, frame)
    if type(value) is not np.ndarray:
        what = f"ndarray.view as another class, {type(value).__name__},"
        return _not_followed(number, what, value, frame)
    result = record_call("reshape", (number,), value, {}, frame)
    if is_traced(result):
        note_view(result, (number,))
    return result


def _transposed(number: Any, value: Any, frame: FrameType) -> Any:
    if type(value) is not np.ndarray:  # a NumPy scalar, which is its own transpose
        return number
    result = record_call("transpose", (number,), value, {"axes": None}, frame)
    if is_traced(result):
        note_view(result, (number,))
    return result


def _to_device(number: Any, value: Any, frame: FrameType) -> Any:
    del value, frame  # NumPy knows one device alone
    return number


def _astype(number: Any, value: Any, frame: FrameType) -> Any:
    if value is number.value_:  # copy=False, and the type is right already
        return number
    if value.dtype.kind in "fc":
        return record_call("astype", (number,), value, None, frame)
    cut(number, f".astype({value.dtype})", frame)
    return value


# What gives the bits of a value.
_LEAVING = frozenset(("data", "tobytes", "tostring", "hex", "as_integer_ratio", "tofile", "dump", "dumps"))
# Methods that give the array itself in another guise.
_SEEING = {"astype": _astype, "to_device": _to_device, "tolist": _listed, "view": _view}
