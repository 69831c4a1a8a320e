"""What every stand-in is, and the one way from a computed result to a record.

Who comes here (`operators.py`, `numpy_calls.py`, `python_calls.py`) has computed the plain value, and calls
`record_call`: the plain result is never touched, the record is made beside it.
"""

from __future__ import annotations

import functools
import opcode
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tracer.callee import called, called_name
from tracer.counts import is_count, is_whole
from tracer.errors import UnsupportedError
from tracer.frames import library_function, place, users
from tracer.memory import laid_out_copy
from tracer.operations import COMPACT_OPERANDS, OP_NUMBERS, RULE_OF
from tracer.refused import refuse_complex, refuse_value
from tracer.rules.kinds import Elementwise, Many, is_complex
from tracer.tape import LEFT, WIDTH, Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

HANDING_ON = frozenset(
    OP_NUMBERS[name] for name in ("astype", "copy", "getitem", "item", "ravel", "reshape")
)
STORES = frozenset(opcode.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in opcode.opmap)
NO_RECORD = -1
FOREIGN = (
    "an array that was made outside of the trace, or by code that it does not see "
    "(a copy of such an array, a random draw)"
)
MADE_IN_TRACE = (
    "make the array in the traced function, by a call that is written np.zeros(…) or np.array(…), "
    "or pass it as an argument"
)
CONVERSION = "a conversion to a plain array"
COMPLEX = "complex(); x + 1j*y is followed"
_CONVERSIONS = frozenset(("float()", "int()", CONVERSION, COMPLEX))
_MAKES_WHOLE = ("array of int", "asarray of int", "asanyarray of int", "astype of int")  # labels, places
# By the way out, and whether it was an array; else detach.
_OF_OBJECTS = ("np.array of object", "np.asarray of object")
_ADVICE = {
    (
        CONVERSION,
        False,
    ): "np.array(…) around the list that it is in is followed; detach(x) says that this is meant"
}
_DEEPEST = 64  # axes of an array
SCALARS = (float, int, complex, np.inexact, np.integer)
_FLOAT64 = np.dtype(np.float64)


class Traced:
    """A number or array of user code: its value, its tape, and the position of its record on the tape.

    An array that the function made, and wrote no traced value into yet, has no record: its `id_` is NO_RECORD. The
    names end in an underscore because programs ask what they are given for a `value` of its own, or an `id`.
    """

    __slots__ = ("id_", "tape_", "value_")

    value_: Any
    tape_: Tape
    id_: int
    stand_ins: ClassVar[dict[str, type[Traced]]] = {}

    def __init_subclass__(cls, stands_for: str) -> None:
        Traced.stand_ins[stands_for] = cls
        _STAND_INS.add(cls)


_STAND_INS: set[type] = set()


def is_traced(value: Any) -> bool:
    """Tell whether a value is a stand-in with a record; isinstance would be answered by what it stands for."""
    return type(value) in _STAND_INS and value.id_ >= 0


def plain(value: Any) -> Any:
    """Return the number or array that a stand-in stands for; anything else unchanged."""
    return value.value_ if type(value) in _STAND_INS else value


def plain_deep(value: Any) -> Any:
    """Return `value` with the stand-ins inside tuples, lists and dicts replaced by what they stand for."""
    kind = type(value)
    if kind in _STAND_INS:
        return value.value_
    if kind is tuple:
        return tuple([plain_deep(item) for item in value])
    if kind is list:
        return [plain_deep(item) for item in value]
    if kind is dict:
        return {key: plain_deep(item) for key, item in value.items()}
    return value


def reading(original: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function from which no number comes back the plain values, as `str` gets them."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        return original(*plain_deep(args), **plain_deep(options))

    return function


def whole_plain(value: Any) -> Any:
    """Return `value` with the traced whole numbers inside tuples and lists replaced by plain ones: they count."""
    kind = type(value)
    if kind is tuple or kind is list:
        return kind([whole_plain(item) for item in value])
    return value.value_ if kind in _STAND_INS and is_whole(value.value_) else value


def holds_traced(value: Any) -> bool:
    """Tell whether a stand-in is found in a value, or in tuples and lists of values."""
    if type(value) in (tuple, list):
        return next(traced_in(value), None) is not None
    return is_traced(value)


def traced_in(nested: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the traced values in nested lists; one of plain numbers is gone through at the speed of C."""
    kinds = set(map(type, nested))
    if not kinds.isdisjoint(_STAND_INS):
        yield from filter(is_traced, nested)
    if depth < _DEEPEST and not kinds.isdisjoint((list, tuple)):
        for item in nested:
            if type(item) is list or type(item) is tuple:
                yield from traced_in(item, depth + 1)


def wrap(tape: Tape, position: int, value: Any) -> Any:
    """Return the stand-in for the value of the record at `position`."""
    stand_in = Traced.stand_ins["array" if type(value) is np.ndarray else "number"]()
    stand_in.value_, stand_in.tape_, stand_in.id_ = value, tape, position
    return stand_in


def open_tape(operands: Iterable[Any], frame: FrameType) -> Tape | None:
    """Return the open tape of the operands; None if all are plain or left over from a run that has ended."""
    tape: Tape | None = None
    for operand in operands:
        if type(operand) not in _STAND_INS or operand.id_ < 0:
            continue
        own = operand.tape_
        if own is tape:
            continue
        if not own.is_open:
            own.enter(frame)  # says so where another trace is running
        elif frame is not own.frame and own.is_met_elsewhere(frame, operand):
            continue
        elif tape is None:
            tape = own
        else:
            raise UnsupportedError(
                "one operation meets values of two traces that are both running",
                where=place(frame),
                advice="pass the value in as an argument of the traced function",
            )
    return tape


def record_call(
    name: str,
    operands: tuple[Any, ...],
    value: Any,
    params: dict[str, Any] | None,
    frame: FrameType,
    flag: int = 0,
) -> Any:
    """Record that `name`, applied to `operands`, gave `value`; return the stand-in for it.

    `flag=AUXILIARY` marks a step on the way to the result of the instruction, which takes no variable's name.

    The plain value is returned where no operand is traced. Raises UnsupportedError for a result that is no number, and
    for complex operands of a rule that takes none.
    """
    tape = open_tape(operands, frame)
    if tape is None:
        return _unrecorded(value, operands)
    if type(value) is np.ndarray:
        if value.dtype is not _FLOAT64 and value.dtype.kind not in "fc":
            if value.dtype.kind not in "biu":
                refuse_value(name, value, frame)
            # Whole numbers take steps. What was traced (Python ints) ends here, and that is said.
            for operand in filter(is_traced, operands):
                cut(operand, "an array of integers", frame)
            return value
    elif type(value) is np.timedelta64 or not isinstance(value, SCALARS):
        refuse_value(name, value, frame)
    number = OP_NUMBERS[name]
    rule = RULE_OF[number]
    if rule is not None and rule.real_only and any(is_complex(plain(each)) for each in (value, *operands)):
        refuse_complex(name, frame)
    arity = COMPACT_OPERANDS[number]
    if arity != len(operands) or (params and arity > 1):
        positions = [operand.id_ if _is_on(tape, operand) else None for operand in operands]
        constants = [None if _is_on(tape, operand) else _constant(tape, operand) for operand in operands]
        position = tape.append(name, tuple(positions), tuple(constants), value, frame, params, flag)
        return wrap(tape, position, value)
    code, left, right = number << 2, operands[0], params
    if _is_on(tape, left):
        code, left = code | 1, left.id_
    else:
        left = _constant(tape, left)
    if arity > 1:
        right = operands[1]
        if _is_on(tape, right):
            code, right = code | 2, right.id_
        else:
            right = _constant(tape, right)
    if frame is not tape.frame:
        tape.enter(frame)
    records = tape.records
    position = len(records)
    records += (code, left, right, value, frame.f_lasti | flag)
    return wrap(tape, position, value)


def _unrecorded(value: Any, operands: tuple[Any, ...]) -> Any:
    """Return a value that is not recorded; what a trace in another thread watches is only to be read there."""
    if type(value) is np.ndarray and value.base is not None:
        running = [
            each.value_
            for each in operands
            if is_traced(each) and each.tape_.is_open and not each.tape_.is_handed(each)
        ]
        if any(np.may_share_memory(value, each) for each in running):
            value = value.view()
            value.flags.writeable = False
    return value


def _is_on(tape: Tape, operand: Any) -> bool:
    """Tell whether an operand has a record on this tape."""
    return type(operand) in _STAND_INS and operand.tape_ is tape and operand.id_ >= 0


def _constant(tape: Tape, operand: Any) -> Any:
    """Return an operand that is not traced as the record keeps it."""
    kind = type(operand)
    if kind is float or kind is int:
        return operand
    constant = plain(operand)
    if type(constant) in (list, tuple):
        constant = np.asarray(constant)
    return tape.snapshot(constant) if isinstance(constant, np.ndarray) else constant


def cut(traced: Traced, via: str, frame: FrameType) -> Any:
    """Let the plain value leave the graph, never silently: a cut node and one warning for each place.

    Raises CutError where the trace is strict, and UnsupportedError for a write into a plain array or buffer.
    """
    tape = traced.tape_
    value = traced.value_
    if not is_traced(traced):
        return _apart(value)
    if tape.is_open and is_step(
        tape, traced.id_
    ):  # `np.floor(x).astype(int)`: no gradient comes back as it is
        return _apart(value)
    if is_count(traced, via, frame):
        return value
    is_conversion = via in _CONVERSIONS
    kind = _number_type(frame) if is_conversion else None
    via = f"np.{kind.__name__}()" if kind else via
    asking, library, frame = frame, library_function(frame), users(frame)
    if frame is not tape.frame and not tape.enter(frame, traced):
        return _apart(value) if tape.is_open else value
    if is_conversion and frame.f_code.co_code[frame.f_lasti] in STORES:
        from tracer.adopted import adopt, arrays_of_target, name_of_target, type_of_target, views_of_target  # noqa: PLC0415  (which is made of this room)
        from tracer.second_ways import refuse_written_otherwise  # noqa: PLC0415  (as that is)

        if asking is frame and adopt(traced, frame):
            return _apart(value)
        name, dtype = name_of_target(frame), type_of_target(frame)
        views = views_of_target(frame)
        if dtype is not None:
            is_records = dtype.names is not None
            raise UnsupportedError(
                f"writing a traced value into an array of {'records' if is_records else dtype} is not followed",
                where=place(frame),
                got=f"value {_brief(value)}",
                advice="keep each field in an array of its own"
                if is_records
                else f"make {name or 'it'} an array of floats: np.zeros(…) without another dtype",
            )
        for each in arrays_of_target(frame):
            refuse_written_otherwise(each, tape, frame)
        raise UnsupportedError(
            f"writing a traced value into {FOREIGN}, is not followed",
            where=place(frame),
            got=f"value {_brief(value)}" + (f"; it is also seen through {views}" if views else ""),
            # Any other name would be made local by that, or leave the array that something else has.
            advice=f"{MADE_IN_TRACE}, or name it in watch=(…)"
            + (
                f"; where only {name} is to see it, write {name} = np.array({name}) in a line before"
                if name in frame.f_code.co_varnames
                else ""
            ),
        )
    if asking is frame and called_name(frame.f_code, frame.f_lasti) == "fill":
        from tracer.adopted_calls import adopt_filled  # noqa: PLC0415  (which is made of this room)

        if adopt_filled(traced, frame):
            return _apart(value)
    from tracer.ways_around import way_around  # noqa: PLC0415  (many programs have no cut)

    what = f"a traced value left the graph through {via}" + (f" in {library}" if library else "")
    advice = "what is computed from it carries no gradient back; "
    if kind and issubclass(kind, np.inexact):
        advice += f"np.array(…, np.{kind.__name__}) is followed; "
    if via in _OF_OBJECTS:
        advice += f"{way_around(via)}; "
    around = way_around(library or called_name(frame.f_code, frame.f_lasti) or "")
    advice += f"{around}; " if around else ""
    meant = "static=(…) of an argument that only counts, or detach(x)," if is_whole(value) else "detach(x)"
    advice += _ADVICE.get((via, type(value) is np.ndarray), f"{meant} says that this is meant")
    tape.refuse_if_strict(what, advice, frame, got=f"value {_brief(value)}")
    _append_cut(traced, via, frame)
    is_only_looked_at = is_conversion or via.removeprefix("np.").startswith(_MAKES_WHOLE)
    (tape.warn_later if is_only_looked_at else tape.warn)(what, advice, frame)
    return _apart(value)


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
                constant if at is None else tape.records[at + 3]
                for at, constant in zip(operands, other[0], strict=True)
            ]
            position = operands[rule.partials(numbers, value).index(1.0)]
        elif code >> 2 in HANDING_ON:
            position = operands if isinstance(operands, int) else operands[0]
        else:
            return isinstance(rule, Elementwise) and rule.flat
    return True


def detach(value: Any) -> Any:
    """Return the plain value: a cut on purpose, drawn but without a warning. Plain values come back unchanged."""
    if not is_traced(value):
        # Of what an earlier trace has left, a number that is not known again: the same bits, another object.
        return value + -0.0 if type(value) is float and id(value) in LEFT else value
    frame = sys._getframe(1)  # noqa: SLF001  (the caller's place)
    if value.tape_.is_open and not value.tape_.is_met_elsewhere(frame, value):
        _append_cut(value, "detach()", frame)
    return _apart(value.value_)


def _apart(value: Any) -> Any:
    """Return a value that the program may do with what it likes: of an array a copy, in the same order."""
    return laid_out_copy(value) if type(value) is np.ndarray else value


def _append_cut(traced: Traced, via: str, frame: FrameType) -> None:
    traced.tape_.append("cut", (traced.id_,), (None,), traced.value_, frame, {"via": via})


def _brief(value: Any) -> str:
    return f"array of shape {value.shape}" if type(value) is np.ndarray else repr(value)


def unary(operand: Traced, name: str, compute: Callable[[Any], Any], frame: FrameType) -> Any:
    """Compute and record an operation of one operand."""
    value = compute(operand.value_)
    tape = operand.tape_
    if frame is not tape.frame and not tape.enter(frame, operand):
        return value
    if type(value) is np.ndarray:
        if value.dtype is not _FLOAT64 and value.dtype.kind != "f":
            return record_call(name, (operand,), value, None, frame)
    elif type(value) is not float and not isinstance(value, SCALARS):
        refuse_value(name, value, frame)
    records = tape.records
    position = len(records)
    records += (OP_NUMBERS[name] << 2 | 1, operand.id_, None, value, frame.f_lasti)
    return wrap(tape, position, value)
