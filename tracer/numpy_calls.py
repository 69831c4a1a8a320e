"""NumPy functions, ufuncs and array methods met by a stand-in: which are followed, and how.

Each followed function has one row in `_FOLLOWED`: a function that reads the call's arguments and says which rule
it is, which arguments are operands, and the parameters that the rule needs. The value itself is always computed
by NumPy on plain values.
"""

from __future__ import annotations

import opcode
import weakref
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.errors import UnsupportedError
from tracer.rules import RULES
from tracer.standins import cut, holds_traced, is_traced, open_tape, plain, plain_deep, record_call
from tracer.tape import AUXILIARY, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Followed: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any] | None]

_BINARY_OP = opcode.opmap["BINARY_OP"]
_NOT_GIVEN = np._NoValue  # noqa: SLF001  (NumPy's own default for keepdims)


class _OptionError(Exception):
    """An option of a followed function that is not followed itself."""


def _only_defaults(positional: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Refuse every option but those that change nothing."""
    for value in positional:
        if value is not None and value is not _NOT_GIVEN:
            raise _OptionError("a positional option")
    for name, value in options.items():
        if value is None or value is _NOT_GIVEN:
            continue
        if (name, value) in (
            ("order", "C"),
            ("subok", False),
            ("casting", "same_kind"),
            ("optimize", False),
        ):
            continue
        raise _OptionError(f"{name}=")


def _reduction(name: str) -> Callable[..., Followed]:
    def read(a: Any, axis: Any = None, *rest: Any, keepdims: Any = False, **options: Any) -> Followed:
        _only_defaults(rest, options)
        keeps = bool(keepdims) and keepdims is not _NOT_GIVEN
        return name, (a,), {"axis": plain_deep(axis), "keepdims": keeps}

    return read


def _operands(name: str) -> Callable[..., Followed]:
    def read(*operands: Any, **options: Any) -> Followed:
        _only_defaults((), options)
        return name, operands, None

    return read


def _joined(name: str) -> Callable[..., Followed]:
    def read(arrays: Any, axis: Any = 0, *rest: Any, **options: Any) -> Followed:
        _only_defaults(rest, options)
        if axis is None:
            raise _OptionError("axis=None")
        return name, tuple(arrays), {"axis": plain(axis)}

    return read


def _reshape(a: Any, _shape: Any = None, *rest: Any, **options: Any) -> Followed:
    _only_defaults(
        () if rest in ((), ("C",)) else rest,
        {name: value for name, value in options.items() if name not in ("shape", "newshape")},
    )
    return "reshape", (a,), {}


def _flat(name: str) -> Callable[..., Followed]:
    def read(a: Any, order: Any = "C") -> Followed:
        _only_defaults((), {"order": order})
        return name, (a,), {}

    return read


def _transpose(a: Any, axes: Any = None) -> Followed:
    return "transpose", (a,), {"axes": None if axes is None else tuple(plain_deep(axes))}


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Followed:
    return "tensordot", (a, b), {"axes": plain_deep(axes)}


def _with_params(name: str, *parameters: str) -> Callable[..., Followed]:
    """Read a function of one array whose other arguments are what its rule needs, under the same names."""

    def read(a: Any, *positional: Any, **options: Any) -> Followed:
        params = dict.fromkeys(parameters) | dict(zip(parameters, positional, strict=False)) | options
        _only_defaults(
            positional[len(parameters) :], {k: v for k, v in params.items() if k not in parameters}
        )
        return name, (a,), {key: plain_deep(params[key]) for key in parameters}

    return read


def _shape_only(name: str) -> Callable[..., Followed]:
    def read(a: Any, *_: Any, **options: Any) -> Followed:
        _only_defaults((), {key: value for key, value in options.items() if key not in ("axis", "shape")})
        return name, (a,), {}

    return read


def _where(condition: Any, x: Any, y: Any) -> Followed:
    return "where", (plain(condition), x, y), None


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *rest: Any, **options: Any) -> Followed:
    low = options.pop("min", a_min)
    high = options.pop("max", a_max)
    _only_defaults(rest, options)
    return "clip", (a, -np.inf if low is None else low, np.inf if high is None else high), None


def _einsum(subscripts: Any, *operands: Any, **options: Any) -> Followed:
    if not isinstance(subscripts, str):
        raise _OptionError("subscripts given as lists")
    options.pop("optimize", None)  # another order of the same sums
    _only_defaults((), options)
    return "einsum", operands, {"subscripts": subscripts}


def _round(a: Any, decimals: int = 0, *rest: Any, **options: Any) -> Followed:
    _only_defaults(rest, options)
    return "round", (a,), {"decimals": plain(decimals)}


_FOLLOWED: dict[Any, Callable[..., Followed]] = {
    np.sum: _reduction("sum"),
    np.mean: _reduction("mean"),
    np.prod: _reduction("prod"),
    **dict.fromkeys((np.max, np.amax), _reduction("max")),
    **dict.fromkeys((np.min, np.amin), _reduction("min")),
    np.dot: _operands("dot"),
    np.outer: _operands("outer"),
    np.inner: _operands("inner"),
    np.vdot: _operands("vdot"),
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.where: _where,
    np.clip: _clip,
    np.concatenate: _joined("concatenate"),
    np.stack: _joined("stack"),
    np.reshape: _reshape,
    np.ravel: _flat("ravel"),
    np.transpose: _transpose,
    np.swapaxes: _with_params("swapaxes", "axis1", "axis2"),
    np.moveaxis: _with_params("moveaxis", "source", "destination"),
    np.flip: _with_params("flip", "axis"),
    np.cumsum: _with_params("cumsum", "axis"),
    np.squeeze: _shape_only("squeeze"),
    np.expand_dims: _shape_only("expand_dims"),
    np.broadcast_to: _shape_only("broadcast_to"),
    np.copy: _shape_only("copy"),
    np.round: _round,
}

# No derivative exists: shapes, tests, positions, and arrays that only take the shape of the traced one.
_PLAIN_READS = frozenset(
    getattr(np, name)
    for name in (
        "shape ndim size argmax argmin argsort nonzero flatnonzero argwhere searchsorted count_nonzero any all "
        "isclose allclose array_equal array_equiv iscomplexobj isrealobj isscalar zeros_like ones_like empty_like "
        "result_type can_cast common_type min_scalar_type may_share_memory shares_memory array_repr array_str "
        "array2string iscomplex isreal isneginf isposinf lexsort digitize unravel_index"
    ).split()
)
_PLAIN_UFUNCS = frozenset(
    getattr(np, name)
    for name in (
        "equal not_equal less less_equal greater greater_equal isnan isinf isfinite signbit logical_and logical_or "
        "logical_xor logical_not bitwise_and bitwise_or bitwise_xor invert left_shift right_shift spacing"
    ).split()
)
UFUNC_RULES: dict[Any, str] = {
    np.rad2deg: "degrees",
    np.deg2rad: "radians",
    np.conjugate: "positive",
    **{function: name for name in RULES if isinstance(function := getattr(np, name, None), np.ufunc)},
}
_TWO_RESULTS: dict[Any, tuple[str, str]] = {
    np.divmod: ("floor_divide", "remainder"),
    np.modf: ("modf_fractional", "modf_integral"),
}
_REDUCING: dict[Any, Any] = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}

_PLAIN_ATTRIBUTES = frozenset("shape ndim size dtype nbytes itemsize strides flags imag".split())
_PLAIN_METHODS = frozenset("argmax argmin argsort any all nonzero searchsorted is_integer".split())
_METHODS: dict[str, Any] = {
    name: getattr(np, name)
    for name in "sum mean prod max min dot clip squeeze ravel copy round reshape transpose swapaxes cumsum".split()
} | {"flatten": np.ravel}


def refuse(what: str, frame: FrameType) -> UnsupportedError:
    """Return the error for a function that has no rule, naming it and the line."""
    return UnsupportedError(
        f"{what} is not followed yet",
        where=place(frame),
        got="a traced value was passed in, and no derivative rule is known",
        advice="write it with supported operations, or pass detach(x) to leave it out of the gradient",
    )


def call_ufunc(
    ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any], frame: FrameType
) -> Any:
    """Compute and record `ufunc(*inputs)`; what is not followed raises UnsupportedError."""
    values = tuple(plain_deep(value) for value in inputs)
    if open_tape((*inputs, *options.get("out", ())), frame) is None or ufunc in _PLAIN_UFUNCS:
        return getattr(ufunc, method)(*values, **plain_deep(options))
    if options.get("out"):
        raise refuse(
            f"writing the result of np.{ufunc.__name__} into an existing array (out=, or array += x)", frame
        )
    if method == "reduce" and ufunc in _REDUCING:
        return call_function(_REDUCING[ufunc], inputs, {"axis": 0, **options}, frame)
    if method != "__call__" or options:
        called = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        raise refuse(called + (f" with {next(iter(options))}=" if options else ""), frame)
    if ufunc in _TWO_RESULTS:
        results = ufunc(*values)
        return tuple(
            record_call(name, inputs, value, None, frame, AUXILIARY)
            for name, value in zip(_TWO_RESULTS[ufunc], results, strict=True)
        )
    if ufunc not in UFUNC_RULES:
        raise refuse(f"np.{ufunc.__name__}", frame)
    if ufunc is np.power and frame.f_code.co_code[frame.f_lasti] == _BINARY_OP:
        value = values[0] ** values[1]  # array ** 2 is np.square: not always the bits of np.power
    else:
        value = ufunc(*values)
    return record_call(UFUNC_RULES[ufunc], arrays_of(inputs, frame), value, None, frame)


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
    if function in _PLAIN_READS:
        return function(*plain_deep(args), **plain_deep(options))
    read = _FOLLOWED.get(function)
    name = _full_name(function)
    if read is None:
        if not _any_open(args, options, frame):
            return function(*plain_deep(args), **plain_deep(options))
        raise refuse(name, frame)
    if compute is None:
        value = function(*plain_deep(args), **plain_deep(options))
    else:
        value = compute(*plain_deep(args[1:]), **plain_deep(options))
    try:
        rule, operands, params = read(*args, **options)
    except _OptionError as error:
        raise refuse(f"{name} with {error}", frame) from None
    result = record_call(rule, arrays_of(operands, frame), value, params, frame)
    if type(value) is np.ndarray and value.base is not None and is_traced(result):
        _note_view(result, operands)
    return result


def _any_open(args: tuple[Any, ...], options: dict[str, Any], frame: FrameType) -> bool:
    """Tell whether a call meets a value of a trace that is running."""
    flat = [
        item
        for value in (*args, *options.values())
        for item in (value if type(value) in (list, tuple) else [value])
    ]
    return open_tape(flat, frame) is not None


def arrays_of(operands: tuple[Any, ...], frame: FrameType) -> tuple[Any, ...]:
    """Turn operands that are lists with traced values in them into traced arrays."""
    if any(type(operand) in (list, tuple) for operand in operands):
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
    index = _copied(plain_deep(index))
    value = array.value[index]
    result = record_call("getitem", (array,), value, {"index": index}, frame)
    if type(value) is np.ndarray and value.base is not None and is_traced(result):
        _note_view(result, (array,))
    return result


def _copied(index: Any) -> Any:
    """Copy the arrays of an index: what is changed in place after its use must not corrupt a gradient."""
    if type(index) is tuple:
        return tuple(map(_copied, index))
    return index.copy() if type(index) is np.ndarray else index


def attribute(number: Any, name: str, attribute: Any, frame: FrameType) -> Any:
    """Return an attribute or a method of a traced array or NumPy scalar."""
    if name in _PLAIN_ATTRIBUTES or name in _PLAIN_METHODS or not number.tape.is_open:
        return attribute
    if name == "T":
        return call_function(np.transpose, (number,), {}, frame)
    if name in ("real", "numerator"):
        return number
    if name in ("conj", "conjugate"):
        return lambda: number
    if name in ("reshape", "transpose"):

        def reshaped(*args: Any, **options: Any) -> Any:
            shape = args if len(args) != 1 else args[0]
            given = (number, *([shape] if args else []))
            return call_function(_METHODS[name], given, options, frame, attribute)

        return reshaped
    if name in _METHODS:
        return lambda *args, **options: call_function(
            _METHODS[name], (number, *args), options, frame, attribute
        )
    if name == "item":
        return lambda *args: record_call(
            "item", (number,), attribute(*plain_deep(args)), {"index": args}, frame
        )
    if name == "astype":
        return lambda *args, **options: _astype(number, attribute(*args, **options), frame)
    if name in ("tolist", "tobytes", "data", "hex", "as_integer_ratio"):
        value = cut(number, f".{name}", frame)
        return getattr(value, name)
    raise refuse(f"ndarray.{name}", frame)


def _astype(number: Any, value: Any, frame: FrameType) -> Any:
    if value is number.value:  # copy=False, and the type is right already
        return number
    if value.dtype.kind == "f":
        return record_call("astype", (number,), value, None, frame)
    cut(number, f".astype({value.dtype})", frame)
    return value


def _note_view(view: Any, operands: tuple[Any, ...]) -> None:
    """Remember which stand-ins look at the same memory."""
    owner = owner_of(view.value)
    for operand in operands:
        if is_traced(operand) and type(operand.value) is np.ndarray and owner_of(operand.value) is owner:
            family = view.tape.families.setdefault(id(owner), [])
            family += (weakref.ref(view), weakref.ref(operand))


def owner_of(array: Any) -> Any:
    """Return the array that owns the memory."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def refuse_aliased_write(array: Any, frame: FrameType) -> None:
    """Raise where an in-place write would also change another traced array that shares the memory."""
    if array.id in array.tape.shared_inputs:
        raise UnsupportedError(
            "an in-place write into an argument that shares its memory with another argument is not followed",
            where=place(frame),
            advice="write a = a + b instead of a += b, or pass a copy",
        )
    owner = owner_of(array.value)
    for reference in array.tape.families.get(id(owner), ()):
        other = reference()
        if other is not None and other is not array and owner_of(other.value) is owner:
            raise UnsupportedError(
                "an in-place write through a view is not followed",
                where=place(frame),
                got=f"the array of shape {array.value.shape} shares its memory with one of shape {other.value.shape}",
                advice="write a = a + b instead of a += b, or take a copy first",
            )
