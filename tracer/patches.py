"""What Python offers no hook for: functions written in C that would read a bare number out of a stand-in.

While a trace runs, `math.*`, `cmath.*`, the builtins `sum`, `pow`, `min` and `max`, and `np.array` are replaced by
functions that do the same and record it; for plain values they only call the original. They are replaced in their own
modules and wherever a module or the traced function's closure has bound the original (`from math import exp`), and put
back when the last trace ends.
"""

from __future__ import annotations

import builtins
import cmath
import functools
import math
import operator
import re
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import (
    caches,
    callables,
    creation,
    lists,
    numpy_calls,
    scipy_calls,
    stdlib_calls,
    stored,
    warned,
)
from tracer.blank import Blank, blank_of
from tracer.buffers import note_view
from tracer.creation import made
from tracer.operations import OP_NUMBERS
from tracer.standins import SCALARS, cut, holds_traced, is_traced, plain, plain_deep, record_call
from tracer.tape import AUXILIARY, wants_plain_arrays
from tracer.values import Array, Scalar, binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)

_ONE_ARGUMENT = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atanh": "arctanh", "cbrt": "cbrt", "cos": "cos", "cosh": "cosh", "degrees": "degrees", "erf": "erf",
    "erfc": "erfc", "exp": "exp", "exp2": "exp2", "expm1": "expm1", "fabs": "fabs", "gamma": "gamma",
    "lgamma": "lgamma", "log10": "log10", "log1p": "log1p", "log2": "log2", "radians": "radians", "sin": "sin",
    "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
_ARGUMENTS = {
    "atan2": "arctan2",
    "copysign": "copysign",
    "fma": "fma",
    "fmod": "fmod",
    "ldexp": "ldexp",
    "nextafter": "nextafter",
    "pow": "power",
    "remainder": "ieee_remainder",
}
_TO_ARRAYS = "array asarray asanyarray asarray_chkfinite ascontiguousarray asfortranarray require".split()
_FOR_C = ("asarray_chkfinite", "ascontiguousarray", "asfortranarray")
_OF_COMPLEX = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
    "atanh": "arctanh", "cos": "cos", "cosh": "cosh", "exp": "exp", "log10": "log10", "phase": "angle",
    "sin": "sin", "sinh": "sinh", "sqrt": "sqrt", "tan": "tan", "tanh": "tanh",
}  # fmt: skip
_TO_ARRAYS = "array asarray asanyarray asarray_chkfinite ascontiguousarray asfortranarray".split()
_FOR_C = ("asarray_chkfinite", "ascontiguousarray", "asfortranarray")
_PLAIN_READS = ("isclose", "isfinite", "isinf", "isnan", "ulp")


def _one_argument(original: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    """Follow a function of one number: the hot path of programs written with `math`."""
    code = OP_NUMBERS[name] << 2 | 1

    def function(x: Any, /) -> Any:
        if type(x) is not Scalar:
            return _general(original, name, (x,), _frame(1)) if is_traced(x) else original(x)
        value = original(x.value)
        tape = x.tape
        frame = _frame(1)
        if frame is not tape.frame and not tape.enter(frame):
            return value
        out = Scalar()
        out.value, out.tape = value, tape
        records = tape.records
        out.id = len(records)
        records += (code, x.id, None, value, frame.f_lasti)
        return out

    return function


def _general(original: Callable[..., Any], name: str, operands: tuple[Any, ...], frame: FrameType) -> Any:
    """Compute and record a function of numbers, of which some may be arrays of one element."""
    value = original(*map(plain, operands))
    return record_call(name, tuple(_number(operand, frame) for operand in operands), value, None, frame)


def _number(operand: Any, frame: FrameType) -> Any:
    """Return the element of a traced array of one element, as `float(array)` is; numbers unchanged."""
    return (
        record_call("item", (operand,), operand.value.item(), {}, frame, AUXILIARY)
        if type(operand) is Array
        else operand
    )


def _arguments(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    def function(*operands: Any, **options: Any) -> Any:
        if any(map(is_traced, operands)):
            return _general(functools.partial(original, **plain_deep(options)), name, operands, _frame(1))
        return original(*operands, **plain_deep(options))

    return function


def _plain_read(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        return original(*map(plain, args), **plain_deep(options))

    return function


def _log(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(x: Any, /, *base: Any) -> Any:
        if is_traced(x) or any(map(is_traced, base)):
            return _general(original, "log_base" if base else "log", (x, *base), _frame(1))
        return original(x, *base)

    return function


def _hypot(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    def function(*coordinates: Any) -> Any:
        if any(map(is_traced, coordinates)):
            name = "hypot" if len(coordinates) == 2 else "hypot_scalars"
            return _general(original, name, coordinates, _frame(1))
        return original(*coordinates)

    return function


def _two_results(names: tuple[str, str]) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(x: Any, /) -> Any:
            if not is_traced(x):
                return original(x)
            frame = _frame(1)
            results = original(x.value)
            operand = (_number(x, frame),)
            return tuple(
                record_call(name, operand, value, None, frame, AUXILIARY) if name else value
                for name, value in zip(names, results, strict=True)
            )

        return function

    return make


def _points(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow a function of two sequences of numbers: dist and sumprod."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(p: Any, q: Any, /) -> Any:
            p, q = list(p), list(q)
            if not any(map(is_traced, (*p, *q))):
                return original(p, q)
            value = original(list(map(plain, p)), list(map(plain, q)))
            return record_call(name, (*p, *q), value, {}, _frame(1))

        return function

    return make


def _sequence(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow a function of one sequence of numbers and, for sum and prod, a start."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(numbers: Any, /, *start: Any, **named_start: Any) -> Any:
            numbers = list(numbers)
            extra = (*start, *named_start.values())
            if not any(map(is_traced, (*numbers, *extra))):
                return original(numbers, *start, **named_start)
            if not all(isinstance(plain(number), SCALARS) for number in (*numbers, *extra)):
                if name == "fsum" or len(extra) > 1:
                    return original(numbers, *start, **named_start)
                rule, compute = _STEPS[name]
                return _folded((*(extra or (_STARTS[name],)), *numbers), rule, compute, _frame(1))
            value = original(list(map(plain, numbers)), *map(plain, start), **plain_deep(named_start))
            return record_call(name, (*numbers, *extra), value, {}, _frame(1))

        return function

    return make


_STEPS: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "sum_scalars": ("add", operator.add),
    "prod_scalars": ("multiply", operator.mul),
}
_STARTS = {"sum_scalars": 0, "prod_scalars": 1}


def _folded(
    operands: tuple[Any, ...], name: str, compute: Callable[[Any, Any], Any], frame: FrameType
) -> Any:
    """Add up arrays one by one, as the builtin sum does, with the caller's line for every step."""
    total = operands[0]
    for operand in operands[1:]:
        if _are_numbers(total, operand):
            total = binary(total, operand, name, compute, frame)
        else:
            total = compute(total, operand)
    return total


def _are_numbers(*operands: Any) -> bool:
    return all(isinstance(plain(operand), (*SCALARS, np.ndarray)) for operand in operands)


def _power(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    """Follow the builtin pow; with a modulus Python would not ask a stand-in that stands second."""

    def function(*args: Any, **options: Any) -> Any:
        if len(args) != 2 or options:
            return original(*map(plain, args), **plain_deep(options))
        base, exponent = args
        if (is_traced(base) or is_traced(exponent)) and _are_numbers(base, exponent):
            return binary(base, exponent, "power", operator.pow, _frame(1))
        return original(base, exponent)

    return function


def _extreme(name: str) -> Callable[[Callable[..., Any], str], Callable[..., Any]]:
    """Follow the builtins min and max, which hand one of their arguments on."""

    def make(original: Callable[..., Any], _: str) -> Callable[..., Any]:
        def function(*args: Any, **options: Any) -> Any:
            if options or not args:
                return original(*args, **options)
            numbers = list(args[0]) if len(args) == 1 else args
            if not any(type(number) is Scalar for number in numbers):
                return original(numbers) if len(args) == 1 else original(*args)
            if not all(isinstance(plain(number), (int, float, complex)) for number in numbers):
                return original(numbers)
            value = original(list(map(plain, numbers)))
            return record_call(name, tuple(numbers), value, {}, _frame(1))

        return function

    return make


def _array(original: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Follow np.array and np.asarray of traced values, and of lists of them."""
    keyword = "object" if name == "array" else "a"

    def function(*args: Any, **options: Any) -> Any:
        if not args and keyword in options:
            args = (options.pop(keyword),)
        if not args or not holds_traced(args[0]):
            value = original(*args, **options)
            # What is not a new array is somebody's, who would not see what is written into a blank one.
            is_new = type(value) is np.ndarray and not (
                isinstance(args[0], np.ndarray) and np.may_share_memory(value, args[0])
            )
            return made(value, function, _frame(1)) if is_new else value
        frame = _frame(1)
        dtype = options.get("dtype", args[1] if len(args) > 1 else None)
        value = original(plain_deep(args[0]), *args[1:], **options)
        if options.get("like") is not None:
            raise numpy_calls.refuse(f"np.{name} with like=", frame)
        if wants_plain_arrays(frame) and (name in _FOR_C or options.keys() - {"dtype", "copy", "ndmin"}):
            raise numpy_calls.refuse(f"np.{name}, by which a library hands an array to code in C,", frame)
        if value.dtype.kind not in "fc":
            return _cut_all(args[0], name, value, frame)
        if type(args[0]) in (list, tuple):
            result = numpy_calls.array_of(args[0], frame, dtype, flag=0)
        elif value is args[0].value:  # asarray, or copy=False
            return args[0]
        elif np.may_share_memory(value, args[0].value):  # with ndmin=, and of an array without axes
            view = record_call("reshape", (args[0],), value, {}, frame)
            note_view(view, (args[0],))
            return view
        else:
            fresh = value.reshape(np.shape(args[0].value))
            result = record_call("copy" if dtype is None else "astype", (args[0],), fresh, None, frame)
        if value.shape == np.shape(plain(result)):
            return result
        return record_call("reshape", (result,), value, {}, frame)

    return function


def _strided(original: Callable[..., Any], _: str) -> Callable[..., Any]:
    """Follow a view by strides, which NumPy makes of bare memory."""

    def function(x: Any, *args: Any, **options: Any) -> Any:
        if is_traced(x):
            return numpy_calls.call_function(original, (x, *args), options, _frame(1))
        view = original(plain(x), *plain_deep(args), **plain_deep(options))
        return blank_of(view, x) if type(x) is Blank else view

    return function


def _cut_all(nested: Any, name: str, value: Any, frame: FrameType) -> Any:
    """Say of every traced value in a list that it ends in an array of something else than floats."""
    pending = [nested]
    while pending:
        item = pending.pop()
        if type(item) in (list, tuple):
            pending += item
        elif is_traced(item):
            cut(item, f"np.{name} of {value.dtype}", frame)
    return value


_MAKERS: dict[str, Callable[[Callable[..., Any], str], Callable[..., Any]]] = {
    "log": _log,
    "hypot": _hypot,
    "dist": _points("dist"),
    "sumprod": _points("sumprod"),
    "fsum": _sequence("fsum"),
    "prod": _sequence("prod_scalars"),
    "modf": _two_results(("modf_fractional", "modf_integral")),
    "frexp": _two_results(("frexp_mantissa", "")),
    **dict.fromkeys(_PLAIN_READS, _plain_read),
}


_COMPLEX_MAKERS: dict[str, tuple[Callable[[Callable[..., Any], str], Callable[..., Any]], str]] = {
    "log": (_log, ""),
    "polar": (_two_results(("absolute", "angle")), ""),
    "rect": (_arguments, "rect"),
    **dict.fromkeys(("isclose", "isfinite", "isinf", "isnan"), (_plain_read, "")),
}


def _replacements() -> dict[Any, Callable[..., Any]]:
    """Return original -> replacement for everything that this Python has."""
    rows: list[tuple[Any, str, Callable[..., Any], str]] = []
    rows += [(math, name, _one_argument, rule) for name, rule in _ONE_ARGUMENT.items()]
    rows += [(math, name, _arguments, rule) for name, rule in _ARGUMENTS.items()]
    rows += [(math, name, make, "") for name, make in _MAKERS.items()]
    rows += [(cmath, name, _one_argument, rule) for name, rule in _OF_COMPLEX.items()]
    rows += [(cmath, name, make, rule) for name, (make, rule) in _COMPLEX_MAKERS.items()]
    rows += [
        (builtins, "sum", _sequence("sum_scalars"), ""),
        (builtins, "pow", _power, ""),
        (np.lib.stride_tricks, "as_strided", _strided, ""),
    ]
    rows += [(np, name, _array, name) for name in (*_TO_ARRAYS, "require")]
    rows += [(builtins, name, _extreme(f"{name}_scalars"), "") for name in ("min", "max")]
    table: dict[Any, Callable[..., Any]] = {}
    for module, name, make, rule in rows:
        original = getattr(module, name, None)  # math.sumprod came with Python 3.12, math.fma with 3.13
        if original is not None:
            table[original] = functools.wraps(original)(make(original, rule))
    return table | dict(creation.replacements())


_REPLACEMENTS = _replacements()
_ORIGINALS = {replacement: original for original, replacement in _REPLACEMENTS.items()}
_KINDS = frozenset(map(type, _REPLACEMENTS))  # of functions: written in C, in Python, and NumPy's own


def _add_imported() -> bool:
    """Take in functions of what the program has imported by now; tell whether there are new ones."""
    new = {
        original: replacement
        for original, replacement in (*scipy_calls.replacements(), *stdlib_calls.replacements())
        if original not in _REPLACEMENTS
    }
    _REPLACEMENTS.update(new)
    _ORIGINALS.update((replacement, original) for original, replacement in new.items())
    return bool(new)


_FUNCTION = type(_replacements)
# Where Python and pip put what is no program of the user's
_LIBRARIES = (str(Path(functools.__file__).parent), str(Path(np.__file__).parents[1]))
# NumPy's inner modules work on plain values: what is traced does not get that far.
_OWN_BUSINESS = re.compile(r"tracer\.|numpy\.(\w+\.)*_")


# Objects of NumPy's that are called or indexed without asking their arguments: class, method, what follows it.
_METHODS = (
    (np.vectorize, "__call__", callables.vectorized(np.vectorize.__call__)),
    (type(np.r_).__mro__[1], "__getitem__", callables.indexed(type(np.r_).__getitem__)),
)
_PLAIN_METHODS = tuple(vars(kind)[name] for kind, name, _ in _METHODS)


@dataclass(slots=True)
class _Namespace:
    """The globals of a module: which names are bound to an original, and what replaces each."""

    names: dict[str, Any]
    has_caches: bool = False  # so those are looked for, too
    size: int = 0  # when it was searched
    originals: dict[str, Any] = field(default_factory=dict)
    replacements: dict[str, Any] = field(default_factory=dict)

    def search(self) -> _Namespace:
        """Find the names that are bound to an original."""
        items = list(self.names.items())
        self.size = len(items)
        self.originals = {
            name: value for name, value in items if type(value) in _KINDS and value in _REPLACEMENTS
        }
        if self.has_caches:
            self.originals.update(item for item in items if replacement(item[1]) is not item[1])
        self.replacements = {name: replacement(value) for name, value in self.originals.items()}
        return self

    def binds(self, expected: dict[str, Any]) -> bool:
        """Tell whether names are bound to these very objects."""
        return all(map(operator.is_, map(self.names.get, expected), expected.values()))


class _Installation:
    """The replaced names of the whole process; traces in several threads share them.

    A module is searched once, and again when it has got more or fewer names: searching all of them takes
    milliseconds, and every traced call would pay for it. Of installed libraries even the size is looked at only
    when something has been imported. What every call does pay for is done in few steps.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._traces = 0
        self._modules: list[Any] = []
        self._newest: tuple[int, Any] = (-1, None)  # by which a module more is noticed
        self._namespaces: dict[int, _Namespace] = {}
        self._changing: list[_Namespace] = []  # those of the user's own modules
        self._contents: list[dict[str, Any]] = []  # of these
        self._sizes: list[int] = []
        self._bound: list[_Namespace] = []  # those that bind an original
        self._replaced: list[_Namespace] = []
        self._stored: list[stored.Slot | stored.Keys] = []

    def install(self, function: Any, arguments: Any) -> None:
        """Replace every original that the function can reach, and count one trace more."""
        with self._lock:
            if not self._traces:
                if _newest_module() != self._newest:
                    if _add_imported():  # which every module that is known has not been searched for
                        self._namespaces.clear()
                    self._list_modules()
                scipy_calls.distributions.install()
                if list(map(len, self._contents)) != self._sizes:
                    self._search_changed()
                for namespace in self._bound:
                    self._replace(namespace)
                lists.exchange(looking=True)
                warned.redirect(to_user=True)
                for kind, name, followed in _METHODS:
                    setattr(kind, name, followed)
            self._traces += 1
            names = getattr(function, "__globals__", None)
            if names is not None:  # searched each time: a notebook may have bound a name anew
                self._replace(_Namespace(names, has_caches=True).search())
            for place in stored.search((function, arguments), replacement):
                place.exchange()
                self._stored.append(place)

    def remove(self) -> None:
        """Count one trace less; after the last, put every original back."""
        with self._lock:
            self._traces -= 1
            if self._traces:
                return
            scipy_calls.distributions.remove()
            lists.exchange(looking=False)
            warned.redirect(to_user=False)
            for (kind, name, _), plain_method in zip(_METHODS, _PLAIN_METHODS, strict=True):
                setattr(kind, name, plain_method)
            for namespace in self._replaced:
                names = namespace.names
                if namespace.binds(namespace.replacements):
                    names.update(namespace.originals)
                    continue
                for name in namespace.replacements:  # the function has bound some of them anew
                    original = _original(names.get(name))
                    if original is not None:
                        names[name] = original
            for place in reversed(self._stored):
                place.restore()
            self._replaced.clear()
            self._stored.clear()
            if _newest_module() != self._newest:
                known = set(map(id, self._modules))
                for module in list(sys.modules.values()):
                    if id(module) not in known:
                        _restore_new_module(module)

    def _list_modules(self) -> None:
        self._newest = _newest_module()
        self._modules = list(sys.modules.values())
        known, self._namespaces, self._changing = self._namespaces, {}, []
        for module in self._modules:
            names = getattr(module, "__dict__", None)
            if type(names) is not dict or _OWN_BUSINESS.match(str(names.get("__name__"))):
                continue
            found = known.get(id(names)) or _Namespace(names)
            self._namespaces[id(names)] = found.search() if found.size != len(names) else found
            if not str(names.get("__file__")).startswith(_LIBRARIES):
                self._changing.append(found)
        self._contents = [namespace.names for namespace in self._changing]
        self._search_changed()

    def _search_changed(self) -> None:
        for namespace in self._changing:
            if len(namespace.names) != namespace.size:
                namespace.search()
        self._sizes = [namespace.size for namespace in self._changing]
        self._bound = [namespace for namespace in self._namespaces.values() if namespace.originals]

    def _replace(self, namespace: _Namespace) -> None:
        if not namespace.binds(namespace.originals):
            namespace.search()
        if namespace.originals:
            namespace.names.update(namespace.replacements)
            self._replaced.append(namespace)


def _newest_module() -> tuple[int, Any]:
    """Return how many modules there are, and the last that was imported: its place in `sys.modules` is the last."""
    try:
        return len(sys.modules), sys.modules[next(reversed(sys.modules))]
    except (RuntimeError, KeyError):  # another thread is importing
        return 0, None


def _original(value: Any) -> Any:
    """Return what a value replaces; None if it is no replacement."""
    return _ORIGINALS.get(value) or caches.original_of(value) if type(value) is _FUNCTION else None


def _restore_new_module(module: Any) -> None:
    """Put the originals into a module that was imported while a trace ran and bound the replacements."""
    namespace = getattr(module, "__dict__", {})
    for name, value in list(namespace.items()):
        original = _original(value)
        if original is not None:
            namespace[name] = original


_installation = _Installation()


@contextmanager
def installed(function: Any, arguments: Any) -> Iterator[None]:
    """Have the replacements in place for the time of one trace, also where the arguments keep the originals."""
    _installation.install(function, arguments)
    try:
        yield
    finally:
        _installation.remove()


def replacement(value: Any) -> Any:
    """Return the followed version of a function passed as an argument (`f(x, math.tanh)`); else the value."""
    if type(value) is caches.CACHED:
        return caches.followed(value)
    return _REPLACEMENTS.get(value, value) if type(value) in _KINDS else value
