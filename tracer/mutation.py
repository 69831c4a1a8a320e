"""NumPy calls that may write into an array: `out=`, `np.add.at`; those of `writing_calls.py` are led there.

Each is a plain NumPy call whose result is then written by `buffers.write`, which records it.
"""

from __future__ import annotations

import ast
import dis
import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.buffers import copied, fitted, replace, write
from tracer.callables import CALLING_FUNCTIONS
from tracer.callee import forget_snapshot, values_of
from tracer.errors import UnsupportedError
from tracer.families import forget_ways, note_view
from tracer.frames import place, wants_plain_arrays
from tracer.instructions import operator_at
from tracer.memory import is_alone
from tracer.numpy_calls import arrays_of, call_function, getitem, refuse
from tracer.numpy_table import UFUNC_RULES, OptionError, call_options
from tracer.references import borrowed
from tracer.rules.edited import may_repeat
from tracer.rules.kinds import is_complex
from tracer.standins import (
    FOREIGN,
    MADE_IN_TRACE,
    Traced,
    cut,
    is_traced,
    open_tape,
    plain_deep,
    record_call,
    traced_in,
)
from tracer.tape import AUXILIARY
from tracer.ufunc_calls import call_ufunc, chosen_by
from tracer.writing_calls import WRITING_FUNCTIONS, adopted_first, call_writing, writes_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

_STORES_OF_VARIABLES = ("STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL")
_OUT_IN_C = {np.dot: ("a", "b", "out"), np.concatenate: ("arrays", "axis", "out")}
_STRETCHED_INTO_OUT = frozenset({np.clip, np.outer, np.percentile, np.quantile})
_READ_WHILE_WRITING = frozenset(
    {np.choose, np.concatenate, np.ptp, np.stack}
)  # also what is in `out` itself
_AT_RULES = {np.add: "add_at", np.subtract: "subtract_at"}


def call_any(
    function: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    frame: FrameType,
    compute: Callable[..., Any] | None = None,
) -> Any:
    """Do a call of a NumPy function that may write: into its first argument, into `out`, or nowhere.

    A method gives its own way to `compute` the value from the arguments but the first.
    """
    if function in WRITING_FUNCTIONS and (
        function is not np.nan_to_num or writes_in_place(*args, **options)
    ):
        return call_writing(function, args, options, frame)
    if function in CALLING_FUNCTIONS:
        return CALLING_FUNCTIONS[function](frame, *args, **options)
    if len(args) > 1:
        names = _names_with_out(function)
        if len(args) <= len(names) and "out" in names[: len(args)]:  # np.dot(a, b, out)
            at = names.index("out")
            args, options = args[:at], {**dict(zip(names[at:], args[at:], strict=False)), **options}
    if options.get("out") is not None:
        return call_into(function, "", args, options, frame)
    return call_function(function, args, options, frame, compute)


@cache
def _names_with_out(function: Any) -> tuple[str, ...]:
    """Return the names of the parameters that can be given by position, where `out` is one of them."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, in a NumPy that does not say
        return _OUT_IN_C.get(function, ())
    names = tuple(each.name for each in parameters if each.kind is not each.KEYWORD_ONLY)
    return names if "out" in names else ()


def call_ufunc_any(
    ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call of a ufunc, or of a method of it, that may write: into its first argument, into `out`, or nowhere."""
    if "out" in options:
        return call_into(ufunc, method, inputs, options, frame)
    if method == "at":
        return call_at(ufunc, inputs, frame)
    return call_ufunc(ufunc, method, inputs, options, frame)


def call_into(
    function: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call with `out=`: compute the result as without it, and write it there.

    `method` is the ufunc's; empty for a function that is none. Raises UnsupportedError where `out` is an array that
    was made outside of the trace, and the result would be traced.
    """
    if type(_single(options["out"])) is np.ndarray:
        adopted = _adopted_out(function, method, inputs, options, frame)
        if adopted is not None:
            return adopted
    rest = {name: value for name, value in options.items() if name != "out"}
    out = options["out"]
    targets = out if isinstance(out, tuple) else (out,)
    name = f"np.{function.__name__}"
    if any(target is not None and not issubclass(type(target), Traced) for target in targets):
        if wants_plain_arrays(frame):  # a library's own array, for its own work
            inputs = tuple(cut(each, name, frame) if is_traced(each) else each for each in inputs)
        tape = open_tape(traced_in((*inputs, *rest.values())), frame)
        if tape is None:
            compute = getattr(function, method) if method else function
            return compute(*plain_deep(inputs), **plain_deep(options))
        written = _augmented(frame)
        if written and targets[0].dtype.kind in "fc" and _is_written_back(options, frame):
            from tracer.blank import blank  # noqa: PLC0415  (which imports this room)

            # Nobody sees that what is written back is another array.
            own = blank(targets[0].copy(), tape)
            return call_into(function, method, inputs, {**rest, "out": own}, frame)
        # What NumPy itself refuses, it says.
        spare = tuple(
            np.array(each, subok=True) if each is not None else None for each in plain_deep(targets)
        )
        compute = getattr(function, method) if method else function
        compute(*plain_deep(inputs), **plain_deep(rest), out=spare if isinstance(out, tuple) else spare[0])
        raise UnsupportedError(
            f"{written or f'{name} with out='} writes into {FOREIGN}",
            where=place(frame),
            advice=MADE_IN_TRACE
            + (f"; b = b {written.removesuffix('=')} … makes a new one" if written else ""),
        )
    where = plain_deep(rest.get("where", True))
    if method == "__call__" and where is not True:
        return _call_where(function, inputs, rest, targets, frame)
    if method:
        results = call_ufunc(function, method, inputs, rest, frame)
    else:
        if function in _READ_WHILE_WRITING:
            _refuse_overwritten(function, inputs, rest, targets[0], frame)
        compute = _into_scratch(function, inputs, targets[0]) if inputs and len(targets) == 1 else None
        results = call_function(function, inputs, rest, frame, compute)
    several = isinstance(results, tuple)
    for target, result in zip(targets, results if several else (results,), strict=True):
        if target is not None:
            write(target, ..., result, frame)
    return out if several or not isinstance(out, tuple) else out[0]


def _refuse_overwritten(
    function: Any, inputs: tuple[Any, ...], options: dict[str, Any], target: Any, frame: FrameType
) -> None:
    """Refuse a call that reads parts of its `out` that it has overwritten: in place it gives something else."""
    out, given, how = target.value_, plain_deep(inputs), plain_deep(options)
    if not out.flags.writeable or not any(np.may_share_memory(each, out) for each in _arrays_in(given)):
        return
    before = out.copy(order="K")
    apart = function(*given, out=np.empty_like(out), **how)
    try:
        is_same = function(*given, out=out, **how).tobytes() == apart.tobytes()
    finally:
        out[...] = before
    if not is_same:
        raise UnsupportedError(
            f"np.{function.__name__} reads values from the array that it writes into, some after they are overwritten",
            where=place(frame),
            advice="give it a copy of the values",
        )


def _arrays_in(given: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the arrays among plain arguments, and in lists and tuples of them."""
    for each in given:
        if type(each) is np.ndarray:
            yield each
        elif type(each) in (list, tuple):
            yield from _arrays_in(each)


def _single(out: Any) -> Any:
    return out[0] if isinstance(out, tuple) and len(out) == 1 else out


def _adopted_out(
    function: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call with a plain array as `out` for which a stand-in can be put in its place; else return None."""
    from tracer.adopted_calls import adopt_argument, adopt_augmented  # noqa: PLC0415  (which imports this room)

    tape = open_tape(traced_in((*inputs, *options.values())), frame)
    if tape is None or method not in ("", "__call__"):
        return None
    if _augmented(frame):
        found = adopt_augmented(options, tape, frame)
        if found is None:
            return None
        adopted, part = found
        given = tuple(part if each is _single(options["out"]) else each for each in inputs)
        call_into(function, method, given, {**options, "out": part}, frame)
        adopted.settle()
        # Python writes it to its place; a part is there already, and of the array it writes that is the old one.
        return part if part is adopted.stand_in else _single(options["out"])
    whole = adopt_argument(function, inputs, options, "out", tape, frame)
    if whole is None:
        return None
    given = tuple(whole.stand_in if each is _single(options["out"]) else each for each in inputs)
    result = call_into(function, method, given, {**options, "out": whole.stand_in}, frame)
    whole.settle()
    return result


def _augmented(frame: FrameType) -> str:
    """Return the operator if a line writes `b *= x`, which NumPy does as a call with `out=`; else nothing."""
    written = operator_at(frame)
    return written if written.endswith("=") else ""


def _is_written_back(options: dict[str, Any], frame: FrameType) -> bool:
    """Tell of `b *= x` whether what Python writes back is all that is left of the array: only b has it, or nothing."""
    if is_alone(options):
        return True
    name = _variable_written(frame.f_code, frame.f_lasti)
    if name is None or not is_alone(options, 1 - borrowed(ast.Name(name), frame)):
        return False
    held = any(each is options["out"][0] for each in values_of(ast.Name(name), frame))
    forget_snapshot(frame)
    return held


@cache
def _variable_written(code: CodeType, offset: int) -> str | None:
    """Return the variable that the instruction after one writes."""
    following = next((each for each in dis.get_instructions(code) if each.offset > offset), None)
    if following is None or not following.opname.startswith(_STORES_OF_VARIABLES):
        return None
    name = following.argval[0] if type(following.argval) is tuple else following.argval  # of two in one
    return str(name)


def _into_scratch(function: Any, inputs: tuple[Any, ...], target: Any) -> Callable[..., Any]:
    """Return how to compute as NumPy does for this `out=`, whose type may decide how precisely."""
    scratch = np.empty_like(target.value_)

    def compute(*others: Any, **options: Any) -> Any:
        first = plain_deep(inputs[0])
        value = function(first, *others, out=scratch, **options)
        if function in _STRETCHED_INTO_OUT:  # the value has a shape of its own, and `write` stretches it
            return function(first, *others, **options)
        makes_complex = getattr(function, "__module__", "") == "numpy.fft" or any(
            map(np.iscomplexobj, (first, *others))
        )
        return value.real.copy() if is_complex(value) and not makes_complex else value

    return compute


def _call_where(
    ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any], targets: tuple[Any, ...], frame: FrameType
) -> Any:
    """Do `ufunc(…, out=a, where=mask)`: only the chosen elements are computed, and have a derivative."""
    (target,) = targets
    rule = UFUNC_RULES.get(ufunc)
    how = {name: value for name, value in options.items() if name != "where"}
    if rule is None or target is None:
        raise refuse(f"np.{ufunc.__name__} with where=", frame)
    try:
        call_options(ufunc, how)
    except OptionError as error:
        raise refuse(f"np.{ufunc.__name__} with {error}", frame) from None
    mask = np.broadcast_to(plain_deep(options["where"]), target.value_.shape)
    scratch = target.value_.copy()
    ufunc(*plain_deep(inputs), out=scratch, where=mask, **how)
    chosen = tuple(chosen_by(operand, mask, frame) for operand in arrays_of(inputs, frame))
    made = scratch[mask]
    if ufunc is np.absolute:  # of complex numbers it is real, whatever it is written into
        made = made.real.copy()
    write(target, mask.copy(), record_call(rule, chosen, made, None, frame, AUXILIARY), frame)
    return target


def call_at(ufunc: Any, inputs: tuple[Any, ...], frame: FrameType) -> None:
    """Do `np.add.at(array, index, value)`, where an element may be named several times."""
    if type(inputs[0]) is np.ndarray:
        adopted = adopted_first(ufunc.at, inputs, {}, frame)
        if adopted is not None:
            call_at(ufunc, (adopted.stand_in, *inputs[1:]), frame)
            adopted.settle()
            return
    array, index, *values = inputs
    index = copied(plain_deep(index))
    if not issubclass(type(array), Traced):
        if open_tape(traced_in(inputs), frame) is None:
            ufunc.at(array, index, *plain_deep(values))
            return
        raise UnsupportedError(
            f"np.{ufunc.__name__}.at writes into {FOREIGN}",
            where=place(frame),
            advice=MADE_IN_TRACE,
        )
    fresh = array.value_.copy(order="K")
    ufunc.at(fresh, index, *plain_deep(values))
    if ufunc in _AT_RULES and array.value_.flags.writeable:
        operand = fitted(values[0], np.shape(array.value_[index]), array.value_.dtype, frame)
        made = record_call(_AT_RULES[ufunc], (array, operand), fresh, {"index": index}, frame)
        if is_traced(made):
            replace(array, made, frame)
        else:
            write(array, ..., fresh, frame)
    elif open_tape(traced_in((array, *values)), frame) is None:
        write(array, ..., fresh, frame)
    else:
        for part, mask in _rounds(index, array.value_):
            operands = arrays_of(tuple(values), frame)
            if mask is not None:
                operands = tuple(chosen_by(operand, mask, frame) for operand in operands)
            made = call_ufunc(ufunc, "__call__", (getitem(array, part, frame), *operands), {}, frame)
            write(array, part, made, frame)


def _rounds(index: Any, array: np.ndarray[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield what `ufunc.at` does one after the other, in rounds that name no element twice.

    A round is an index, and a mask of the values that belong to it; None for all of them.
    """
    places = np.arange(array.size).reshape(array.shape)[index]
    if not may_repeat(index) or len(np.unique(places)) == places.size:
        yield index, None
        return
    flat = places.ravel()
    order = np.argsort(flat, kind="stable")
    turn = np.empty(len(flat), np.intp)
    turn[order] = np.arange(len(flat)) - np.searchsorted(flat[order], flat[order])
    for number in range(int(turn.max()) + 1):
        mask = (turn == number).reshape(places.shape)
        yield np.unravel_index(places[mask], array.shape), mask


def set_part(array: Any, name: str, value: Any, frame: FrameType) -> None:
    """Do `array.real = value` or `array.imag = value`."""
    fresh = array.value_.copy(order="K") if type(array.value_) is np.ndarray else array.value_
    setattr(fresh, name, plain_deep(value))  # raises NumPy's own errors, and Python's for a number
    if not is_complex(fresh):
        write(array, ..., value, frame)
        return
    part = fitted(value, fresh.shape, fresh.real.dtype, frame)
    write(array, ..., record_call(f"with_{name}", (array, part), fresh, None, frame), frame)


def set_shape(array: Any, shape: Any, frame: FrameType) -> None:
    """Do `array.shape = shape`: the stand-in moves on to a record of the same memory in another shape."""
    array.tape_.refuse_write_elsewhere(frame)
    value = array.value_.view()
    value.shape = plain_deep(shape)  # raises NumPy's own errors
    made = record_call("reshape", (array,), value, {}, frame)
    if is_traced(made):
        note_view(made, (array,))
        forget_ways(array)
        value, array.id_ = made.value_, made.id_
    array.value_ = value
