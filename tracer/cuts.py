"""What leaves the graph, never silently: a cut node, and one warning for each place in the code; or on purpose.

A value leaves where a bare number is read out of a stand-in. What only counts, or has no gradient to lose, leaves
without a word.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tracer.callee import called, called_as_written, called_name
from tracer.counts import is_count, is_whole, makes_whole
from tracer.errors import UnsupportedError
from tracer.frames import library_function, place, users
from tracer.instructions import ITEM_STORES
from tracer.memory import laid_out_copy
from tracer.operations import OP_NUMBERS, RULE_OF
from tracer.other_threads import is_met_elsewhere
from tracer.rules.kinds import Elementwise, Many
from tracer.standins import is_traced
from tracer.tape import STALE_VALUES, VALUE, WIDTH

if TYPE_CHECKING:
    from types import FrameType

    from tracer.standins import Traced
    from tracer.tape import Tape

FOREIGN = (
    "an array that was made outside of the trace, or by code that it does not see "
    "(a copy of such an array, a random draw)"
)
MADE_IN_TRACE = (
    "make the array in the traced function, by a call that is written np.zeros(…) or np.array(…), "
    "or pass it as an argument"
)
BUFFER = "the memory of something else (a memoryview, an array.array, a pointer)"
OF_BUFFERS = "write into the array whose memory that is; or, where nothing else is to see it, into a copy, np.array(…)"
CONVERSION = "a conversion to a plain array"
MEANT = "detach()"
COMPLEX = "complex(); x + 1j*y is followed"
# NumPy's own code, by which reductions go, as methods or as functions, and what it names them
_REDUCING = {"_sum": "sum", "_prod": "prod", "_amax": "max", "_amin": "min"}
_CONVERSIONS = frozenset(("float()", "int()", CONVERSION, COMPLEX))
_BUILTINS = (float, int, complex)
_OF_OBJECTS = ("np.array of object", "np.asarray of object")
_HANDING_ON = frozenset(
    OP_NUMBERS[name] for name in ("astype", "copy", "getitem", "item", "ravel", "reshape")
)


def cut(traced: Traced, via: str, frame: FrameType) -> Any:
    """Let the plain value leave the graph, never silently: a cut node and one warning for each place.

    Raises CutError where the trace is strict, and UnsupportedError for a write into a plain array or buffer.
    """
    tape = traced.tape_
    value = traced.value_
    if not is_traced(traced):
        return _apart(value)
    # `np.floor(x).astype(int)`: no gradient comes back as it is
    if tape.is_open and is_step(tape, traced.id_):
        return _apart(value)
    if is_count(traced, via, frame):
        return value
    is_conversion = via in _CONVERSIONS
    kind = _number_type(frame) if is_conversion else None
    via = f"np.{kind.__name__}()" if kind else via
    if via == "float()" and (name := _reduction(frame)):
        via = f"initial= of {name}()"
    asking, library, frame = frame, library_function(frame), users(frame)
    if frame is not tape.frame and not tape.enter(frame, traced):
        return _apart(value) if tape.is_open else value
    if is_conversion and frame.f_code.co_code[frame.f_lasti] in ITEM_STORES:
        from tracer.adopted import adopt  # noqa: PLC0415  (which is made of this room)

        if asking is not frame or not adopt(traced, frame):
            _refuse_write(traced, frame)
        return _apart(value)
    if asking is frame and called_name(frame.f_code, frame.f_lasti) == "fill":
        from tracer.adopted_calls import adopt_filled  # noqa: PLC0415  (as above)

        if adopt_filled(traced, frame):
            return _apart(value)
    from tracer.ways_around import way_around  # noqa: PLC0415  (many programs have no cut)

    inside = library or (_compiled_function(frame) if is_conversion and kind is None else "")
    what = f"a traced value left the graph through {via}" + (f" in {inside}" if inside else "")
    advice = "what is computed from it carries no gradient back; "
    if kind and issubclass(kind, np.inexact):
        advice += f"np.array(…, np.{kind.__name__}) is followed; "
    if via in _OF_OBJECTS:
        advice += f"{way_around(via)}; "
    named = via if via.startswith("initial=") else library or called_name(frame.f_code, frame.f_lasti) or ""
    around = way_around(named) or way_around(inside)
    advice += f"{around}; " if around else ""
    meant = "static=(…) of an argument that only counts, or detach(x)," if is_whole(value) else "detach(x)"
    if via == CONVERSION and type(value) is not np.ndarray and not around:
        meant = "np.array(…) around the list that it is in is followed; detach(x)"
    advice += f"{meant} says that this is meant"
    tape.refuse_if_strict(what, advice, frame, got=f"value {brief(value)}")
    _append_cut(traced, via, frame)
    is_only_looked_at = is_conversion or makes_whole(via)
    (tape.warn_later if is_only_looked_at else tape.warn_cut)(what, advice, frame)
    return _apart(value)


def _refuse_write(traced: Traced, frame: FrameType) -> NoReturn:
    """Raise UnsupportedError for a traced value that is written into an array which the trace can't adopt."""
    from tracer.adopted import (  # noqa: PLC0415  (as above)
        arrays_of_target,
        is_buffer_target,
        name_of_target,
        type_of_target,
        views_of_target,
    )
    from tracer.second_ways import refuse_written_otherwise  # noqa: PLC0415  (as above)

    got = f"value {brief(traced.value_)}"
    name, dtype = name_of_target(frame), type_of_target(frame)
    views = views_of_target(frame)
    if dtype is not None:
        raise not_of_floats(dtype, name or "it", got, frame)
    for each in arrays_of_target(frame):
        refuse_written_otherwise(each, traced.tape_, frame)
    if is_buffer_target(frame):
        raise UnsupportedError(
            f"writing a traced value into {BUFFER} is not followed",
            where=place(frame),
            got=got + (f"; it is also seen through {views}" if views else ""),
            advice=OF_BUFFERS,
        )
    # Any other name would be made local by that, or leave the array that something else has.
    is_variable = name in frame.f_code.co_varnames
    is_path = name is not None and name.replace(".", "").isidentifier() and not is_variable
    watched = f'watch=("{name}",)' if is_path else "watch=(…)"
    copied = f"; where only {name} is to see it, write {name} = np.array({name}) in a line before"
    raise UnsupportedError(
        f"writing a traced value into {FOREIGN}, is not followed",
        where=place(frame),
        got=got + (f"; it is also seen through {views}" if views else ""),
        advice=f"{MADE_IN_TRACE}, or name it in {watched}" + (copied if is_variable else ""),
    )


def not_of_floats(dtype: np.dtype[Any], name: str, got: str, frame: FrameType) -> UnsupportedError:
    """Return the error for a traced value that is written into an array which keeps no floats."""
    is_records = dtype.names is not None
    return UnsupportedError(
        f"writing a traced value into an array of {'records' if is_records else dtype} is not followed",
        where=place(frame),
        got=got + (", of which NumPy keeps whole numbers there" if dtype.kind in "iu" else ""),
        advice="keep each field in an array of its own"
        if is_records
        else f"make {name} an array of floats: np.array([1.0, 2.0]), np.zeros(3), or by dtype=float",
    )


def _compiled_function(frame: FrameType) -> str:
    """Return what code in C that asks for a plain number is called: `struct.pack`; "" where the line itself asks."""
    function = called_as_written(frame.f_code, frame.f_lasti)
    is_itself = function is None or any(
        issubclass(type(each), type) and each in _BUILTINS for each in called(frame)
    )
    return "" if is_itself else str(function)


def _reduction(frame: FrameType) -> str | None:
    """Return which reduction asks for a plain number: the one that it starts from."""
    code = frame.f_code
    if not str(frame.f_globals.get("__name__")).startswith("numpy._core."):
        return None
    return frame.f_locals.get("method") if code.co_name == "_wrapreduction" else _REDUCING.get(code.co_name)


def _number_type(frame: FrameType) -> type | None:
    """Return the type of NumPy's numbers whose call asks for a plain number: `np.float64(x)`."""
    if called_name(frame.f_code, frame.f_lasti) in ("float", "int"):
        return None
    types = (each for each in called(frame) if isinstance(each, type) and issubclass(each, np.generic))
    return next(types, None)


def is_step(tape: Tape, position: int | None) -> bool:
    """Tell whether a value was rounded, floored, …, or is handed on from one that was, or from a constant."""
    while position is not None:
        code, operands, other, value, _ = tape.records[position : position + WIDTH]
        rule = RULE_OF[code >> 2]
        if isinstance(rule, Many) and rule.routes:
            numbers = [
                constant if at is None else tape.records[at + VALUE]
                for at, constant in zip(operands, other[0], strict=True)
            ]
            position = operands[rule.partials(numbers, value).index(1.0)]
        elif code >> 2 in _HANDING_ON:
            position = operands if isinstance(operands, int) else operands[0]
        else:
            return isinstance(rule, Elementwise) and rule.flat
    return True


def detach(value: Any) -> Any:
    """Return the plain value: a cut on purpose, drawn but without a warning. Plain values come back unchanged."""
    if not is_traced(value):
        # Of what an earlier trace has left, a number that is not known again: the same bits, another object.
        return value + -0.0 if type(value) is float and id(value) in STALE_VALUES else value
    frame = sys._getframe(1)  # noqa: SLF001  (the caller's place)
    if value.tape_.is_open and not is_met_elsewhere(value.tape_, frame, value):
        _append_cut(value, MEANT, frame)
    return _apart(value.value_)


def _apart(value: Any) -> Any:
    """Return a value that the program may do with what it likes: of an array a copy, in the same order."""
    return laid_out_copy(value) if type(value) is np.ndarray else value


def _append_cut(traced: Traced, via: str, frame: FrameType) -> None:
    traced.tape_.append("cut", (traced.id_,), (None,), traced.value_, frame, {"via": via})


def brief(value: Any) -> str:
    """Write a value, of an array its shape."""
    return f"array of shape {value.shape}" if type(value) is np.ndarray else repr(value)
