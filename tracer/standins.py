"""What every stand-in is, and the one way from a computed result to a record.

Who comes here (`operators.py`, `numpy_calls.py`, `python_calls.py`) has computed the plain value, and calls
`record_call`: the plain result is never touched, the record is made beside it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tracer.counts import is_whole
from tracer.errors import UnsupportedError
from tracer.frames import place
from tracer.operations import COMPACT_OPERANDS, OP_NUMBERS, RULE_OF
from tracer.other_threads import is_handed, is_met_elsewhere
from tracer.refused import refuse_complex, refuse_value
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from tracer.tape import Tape

NO_RECORD = -1
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
        elif frame is not own.frame and is_met_elsewhere(own, frame, operand):
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
            from tracer.cuts import cut  # noqa: PLC0415  (which is made of this room)

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
            if is_traced(each) and each.tape_.is_open and not is_handed(each.tape_, each)
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
