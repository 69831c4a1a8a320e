"""NumPy calls with `out=`: computed as without it, then written there by `buffers.write`, which records it."""

from __future__ import annotations

import ast
import copy
import dis
import itertools
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.buffers import write
from tracer.by_place import names_with_out
from tracer.callee import called_name, forget_snapshot, seeing, values_of
from tracer.cuts import FOREIGN, MADE_IN_TRACE, cut
from tracer.errors import UnsupportedError
from tracer.frames import place, wants_plain_arrays
from tracer.instructions import operator_at
from tracer.numpy_calls import arrays_of, call_function, getitem
from tracer.numpy_table import PLAIN_READS, PLAIN_UFUNCS, UFUNC_RULES, OptionError, call_options
from tracer.numpy_table.scipy_ufuncs import called_as
from tracer.references import borrowed, is_alone, is_lent_by_caller
from tracer.refused import refuse
from tracer.rules.kinds import is_complex
from tracer.second_ways import refuse_written_otherwise
from tracer.standins import Traced, is_traced, open_tape, plain, plain_deep, record_call, traced_in
from tracer.tape import AUXILIARY
from tracer.ufunc_calls import call_ufunc, chosen_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

_STORES_OF_VARIABLES = ("STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL")
# The value has a shape of its own, or a type, and `write` fits it into `out`.
_FITTED_INTO_OUT = frozenset(
    {np.clip, np.outer, np.percentile, np.quantile, np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin}
)
# They read their operands while they write: also what is in `out` itself
_READ_WHILE_WRITING = frozenset({np.choose, np.concatenate, np.ptp, np.stack})
_ABSOLUTE = np.absolute  # which is another function while a trace runs
_OTHER_RESULT = 1e-3  # of the largest element: single precision differs by less
# Of a number of NumPy's they are methods, which return a number, too
_METHODS_OF_NUMBERS = frozenset(
    {np.amax, np.amin, np.around, *(getattr(np, name, None) for name in dir(np.generic))}
)


def call_into(
    function: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call with `out=`: compute the result as without it, and write it there.

    `method` is the ufunc's; empty for a function that is none. Raises UnsupportedError where `out` is an array that
    was made outside of the trace, and the result would be traced.
    """
    if type(_single(options["out"])) is np.ndarray and not _takes_steps(function):
        # Before anything else holds the array
        adopted = _adopted_out(function, method, inputs, options, frame)
        if adopted is not None:
            return adopted
    out = options["out"]
    targets = out if isinstance(out, tuple) else (out,)
    if not all(each.flags.writeable for each in plain_deep(targets) if isinstance(each, np.ndarray)):
        # Raises NumPy's own error
        (getattr(function, method) if method else function)(*plain_deep(inputs), **plain_deep(options))
    if any(target is not None and not issubclass(type(target), Traced) for target in targets):
        return _into_plain(function, method, inputs, options, frame)
    rest = {name: value for name, value in options.items() if name != "out"}
    if method == "__call__" and plain_deep(rest.get("where", True)) is not True:
        return _call_where(function, inputs, rest, targets, frame)
    results = _computed(function, method, inputs, rest, targets, frame)
    several = isinstance(results, tuple)
    # What is no ufunc was computed into scratch, where NumPy has refused what it does not cast.
    casting = rest.get("casting", "same_kind") if method else "unsafe"
    if not all(map(_takes, targets, results if several else (results,), itertools.repeat(casting))):
        _into_spare(function, method, inputs, rest, out)
    for target, result in zip(targets, results if several else (results,), strict=True):
        if target is not None:
            write(target, ..., result, frame)
    if not method and targets[0].value_.ndim == 0 and _returns_number(function, inputs):
        return getitem(targets[0], (), frame)
    return out if several or not isinstance(out, tuple) else out[0]


def _returns_number(function: Any, inputs: tuple[Any, ...]) -> bool:
    """Tell whether NumPy returns the number that it has written into an `out` without axes, instead of that array."""
    of_number = function in _METHODS_OF_NUMBERS and isinstance(plain(inputs[0]), np.generic)
    return of_number or function is np.dot


def _into_plain(
    function: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Do a call whose `out` is a plain array, for which no stand-in can be put in its place."""
    compute = getattr(function, method) if method else function
    rest = {name: value for name, value in options.items() if name != "out"}
    out = options["out"]
    name = called_as(function)
    if wants_plain_arrays(frame):  # a library's own array, for its own work
        inputs = tuple(cut(each, name, frame) if is_traced(each) else each for each in inputs)
    tape = open_tape(traced_in((*inputs, *rest.values())), frame)
    if tape is None or _takes_steps(function):
        return compute(*plain_deep(inputs), **plain_deep(options))
    if _single(out).dtype.kind in "biu":  # `indices += n`: whole numbers, as `indices + n` is
        value = compute(*plain_deep(inputs), **plain_deep(options))
        for each in traced_in((*inputs, *rest.values())):
            cut(each, f"{name} of {_single(out).dtype}", frame)
        return value
    written = _augmented(frame)
    if written and _single(out).dtype.kind in "fc" and _is_written_back(options, frame):
        from tracer.blank import blank  # noqa: PLC0415  (which imports this room)

        # Nobody sees that what is written back is another array.
        return call_into(function, method, inputs, {**rest, "out": blank(_single(out).copy(), tape)}, frame)
    _into_spare(function, method, inputs, rest, out)
    for each in out if isinstance(out, tuple) else (out,):
        refuse_written_otherwise(each, tape, frame)
    views = seeing(out if isinstance(out, tuple) else (out,), frame)
    # Code in C has no frame: what it does, the line that calls it seems to do.
    calling = called_name(frame.f_code, frame.f_lasti) or ""
    from tracer.ways_around import way_around  # noqa: PLC0415  (few programs are refused)

    if around := way_around(calling):
        raise UnsupportedError(
            f"{calling} writes into an array of its own by {name} with out=",
            where=place(frame),
            advice=f"{around}; detach(x) leaves it out of the gradient",
        )
    raise UnsupportedError(
        f"{written or f'{name} with out='} writes into {FOREIGN}",
        where=place(frame),
        got=f"it is also seen through {views}" if views else "",
        advice=f"{MADE_IN_TRACE}, or name it in watch=(…)"
        + (f"; b = b {written.removesuffix('=')} … makes a new one, for b alone" if written else ""),
    )


def _takes_steps(function: Any) -> bool:
    return function in PLAIN_READS or function in PLAIN_UFUNCS


def _into_spare(
    function: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], out: Any
) -> None:
    """Do the plain call with a copy of `out`: what NumPy itself refuses, it says."""
    compute = getattr(function, method) if method else function
    compute(*plain_deep(inputs), **plain_deep(options), out=copy.deepcopy(plain_deep(out)))


def _computed(
    function: Any,
    method: str,
    inputs: tuple[Any, ...],
    options: dict[str, Any],
    targets: tuple[Any, ...],
    frame: FrameType,
) -> Any:
    """Compute and record what will be written into `out`, in the type that it goes on with."""
    if not all(each is None or isinstance(plain(each), np.ndarray) for each in targets):
        _into_spare(function, method, inputs, options, targets[0] if len(targets) == 1 else targets)
    if method:
        at = {"reduce": 2, "accumulate": 2, "reduceat": 3}.get(method, 0)
        if at and len(inputs) <= at and options.get("dtype") is None:
            options = {**options, "dtype": getattr(plain(targets[0]), "dtype", None)}
        return call_ufunc(function, method, inputs, options, frame)
    if function in _READ_WHILE_WRITING:
        _refuse_overwritten(function, inputs, options, targets[0], frame)
    compute = _into_scratch(function, inputs, targets[0], frame) if inputs and len(targets) == 1 else None
    return call_function(function, inputs, options, frame, compute)


def _takes(target: Any, result: Any, casting: Any) -> bool:
    """Tell whether NumPy would write a result into what was given as its `out`."""
    if target is None:
        return True
    return np.can_cast(np.asarray(plain(result)).dtype, plain(target).dtype, casting)


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
        adopted, is_part = found
        written = adopted.stand_in
        given = tuple(written if each is _single(options["out"]) else each for each in inputs)
        call_into(function, method, given, {**options, "out": written}, frame)
        adopted.settle()
        # Python writes it to its place; a part is there already, and of the array it writes that is the old one.
        return _single(options["out"]) if is_part else written
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
    name = _variable_written(frame.f_code, frame.f_lasti)
    if weakref.getweakrefcount(options["out"][0]) or (name is not None and is_lent_by_caller(name, frame)):
        return False
    if is_alone(options):
        return True
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


def _into_scratch(
    function: Any, inputs: tuple[Any, ...], target: Any, frame: FrameType
) -> Callable[..., Any]:
    """Return how to compute as NumPy does for this `out=`, whose type may decide how precisely."""
    scratch = np.empty_like(target.value_)

    def compute(*others: Any, **options: Any) -> Any:
        first = plain_deep(inputs[0])
        if function is np.clip and len(others) == 1:  # as a method, it may be given one end alone
            others = (*others, None)
        names = names_with_out(function)
        dtype = dict(zip(names[1:], others, strict=False)).get("dtype", options.get("dtype"))
        if dtype is not None and np.dtype(dtype).kind not in "fc":
            raise refuse(f"np.{function.__name__} with dtype={np.dtype(dtype)} and out=", frame)
        value = function(first, *others, out=scratch, **options)
        if function in _FITTED_INTO_OUT:
            return function(first, *others, **options)
        makes_complex = _holds_complex((first, *others))
        if getattr(function, "__module__", "") == "numpy.fft":
            usual = function(first, *others, **options)
            makes_complex = is_complex(usual)
            # Some do not write into `out`, and some read what they have stretched into it; else digits may differ.
            apart = np.abs(value - usual) if value.shape == usual.shape else np.inf
            if value is not scratch or np.any(apart > _OTHER_RESULT * np.max(np.abs(usual), initial=0)):
                raise refuse(f"np.fft.{function.__name__} with an out= that changes the result", frame)
        return value.real.copy() if is_complex(value) and not makes_complex else value

    return compute


def _holds_complex(given: Any) -> bool:
    return any(
        _holds_complex(each) if type(each) in (list, tuple) else np.iscomplexobj(each) for each in given
    )


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
    if ufunc is _ABSOLUTE:  # of complex numbers it is real, whatever it is written into
        made = made.real.copy()
    write(target, mask.copy(), record_call(rule, chosen, made, None, frame, AUXILIARY), frame)
    return target
