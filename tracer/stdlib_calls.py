"""Functions of Python's library that ask for the exact type of a number, followed or read while a trace runs.

They are replaced as those of `math` are, from the first trace on that finds their module imported.
"""

from __future__ import annotations

import copyreg
import functools
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import numpy_calls
from tracer.cuts import cut
from tracer.seeds import STANDING, Reading, stand_in_for
from tracer.standins import Traced, holds_traced, is_traced, plain, plain_deep, reading, record_call, wrap
from tracer.tape import AUXILIARY, innermost
from tracer.texts import note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_JSON = object()  # among what a tape remembers: texts that json wrote


def _statistic(rule: str, **params: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Follow a statistic of a sequence of numbers, which NumPy has, too; the value is Python's, which is exact."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def function(data: Any, *args: Any, **options: Any) -> Any:
            if not hasattr(data, "__len__"):
                data = list(data)
            numbers = list(data)
            if not holds_traced([numbers, args, *options.values()]):
                return original(data, *args, **options)
            frame = _frame(1)
            value = original(plain_deep(numbers), *plain_deep(args), **plain_deep(options))
            stacked = numpy_calls.array_of(numbers, frame)
            for centre in (*args, *options.values()):
                if centre is not None:
                    return _about(centre, stacked, value, frame, is_root=rule == "std", **params)
            return record_call(rule, (stacked,), value, {"axis": None, "keepdims": False, **params}, frame)

        return function

    return make


def _about(centre: Any, stacked: Any, value: Any, frame: FrameType, *, ddof: int, is_root: bool) -> Any:
    """Record a variance, or its root, about a centre that is given beside the data."""
    if not is_traced(centre):
        centre = float(centre)
    off = _step("subtract", np.subtract, (stacked, centre), frame)
    squares = _step("multiply", np.multiply, (off, off), frame)
    params = {"axis": None, "keepdims": False}
    total = record_call("sum", (squares,), plain(squares).sum(), params, frame, AUXILIARY)
    count = float(plain(stacked).size - ddof)
    if not is_root:
        return record_call("divide", (total, count), value, None, frame)
    return record_call("sqrt", (_step("divide", np.divide, (total, count), frame),), value, None, frame)


def _step(rule: str, compute: np.ufunc, operands: tuple[Any, ...], frame: FrameType) -> Any:
    """Record an operation on the way to a statistic."""
    return record_call(rule, operands, compute(*map(plain, operands)), None, frame, AUXILIARY)


def _harmonic(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def function(data: Any, weights: Any = None) -> Any:
        numbers, shares = list(data), None if weights is None else list(weights)
        if not holds_traced([numbers, shares]):
            return original(numbers, shares)
        frame = _frame(1)
        value = original(plain_deep(numbers), plain_deep(shares))
        params = {"axis": None, "keepdims": False}
        counted = numpy_calls.array_of([1.0] * len(numbers) if shares is None else shares, frame)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = _step("divide", np.divide, (counted, numpy_calls.array_of(numbers, frame)), frame)
        total = record_call("sum", (parts,), plain(parts).sum(), params, frame, AUXILIARY)
        count = record_call("sum", (counted,), plain(counted).sum(), params, frame, AUXILIARY)
        return record_call("divide", (count, total), value, None, frame)

    return function


def _written_out(original: Callable[..., Any]) -> Callable[..., Any]:
    """Write plain values as text; `_read_back` knows it again."""

    @functools.wraps(original)
    def function(*args: Any, **options: Any) -> Any:
        written = _Written(_frame(1))
        for number in _numbers_in([*args, *options.values()]):
            written.note(number)
        text = original(*map(_as_written, args), **written.options(plain_deep(options)))
        written.keep("".join(written.parts) if text is None else text)
        return text

    return function


def _as_written(value: Any) -> Any:
    """Return what `json` writes of a value, with plain numbers: of `defaultdict(list)` and the like a plain dict."""
    kind = type(value)
    if not issubclass(kind, (tuple, list, dict)):
        return plain(value)
    if next(_numbers_in([value]), None) is None:
        return value
    if issubclass(kind, dict):
        return {key: _as_written(item) for key, item in value.items()}
    return list(map(_as_written, value))


class _Written:
    """One text that `json` writes, and the traced values in it."""

    def __init__(self, frame: FrameType) -> None:
        self.parts: list[str] = []
        self._frame, self._numbers = frame, list[Traced]()

    def note(self, value: Traced) -> Any:
        """Note that a value is written, and return the plain one."""
        number, is_array = plain(value), isinstance(plain(value), np.ndarray)
        note(value, str(number.tolist() if is_array else number), self._frame)
        # As it is now: the array may be written into
        self._numbers.append(wrap(value.tape_, value.id_, number.copy() if is_array else number))
        return number

    def options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Have what is written be seen, and what `json` does not know, before the program's own `default` is asked."""
        encoder, default = given.get("cls") or sys.modules["json"].JSONEncoder, given.get("default")
        written = self

        class Encoder(encoder):  # type: ignore[misc, valid-type]  # the program's own
            def default(self, value: Any) -> Any:
                if is_traced(value):
                    return written.note(value)
                return super().default(value) if default is None else default(value)

            def iterencode(self, *args: Any, **options: Any) -> Iterator[str]:
                for part in super().iterencode(*args, **options):
                    written.parts.append(part)
                    yield part

        return {**given, "cls": Encoder, "default": None}

    def keep(self, text: str) -> None:
        """Remember a text with traced values for as long as their trace runs."""
        for tape in {number.tape_ for number in self._numbers}:
            if tape.is_open:
                tape.remembered[_JSON, hash(text.strip())] = self._numbers


def _read_back(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let the traced values leave of which this is the text: written only, they have not."""

    @functools.wraps(original)
    def function(text: Any, *args: Any, **options: Any) -> Any:
        running = innermost()
        if running is not None and type(text) in (str, bytes, bytearray):
            encoding = None if type(text) is str else sys.modules["json"].detect_encoding(text)
            key = text.decode(encoding, "surrogatepass") if encoding else text
            for number in running.remembered.get((_JSON, hash(key.strip())), ()):
                cut(number, "json.loads", _frame(1))
        return original(text, *args, **options)

    return function


class _Leaving(Reading):
    """Makes the stand-in for a class whose objects hold plain values: a traced one leaves, never into an `except`."""

    def __call__(cls, *args: Any, **options: Any) -> Any:  # noqa: N805  (of a metaclass)
        for number in _numbers_in([*args, *options.values()]):
            cut(number, cls.__name__, _frame(1))
        return super().__call__(*args, **options)


def _numbers_in(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if issubclass(type(item), (tuple, list, dict)):
            yield from _numbers_in(item.values() if issubclass(type(item), dict) else item)
        elif is_traced(item):
            yield item


_TABLE: dict[tuple[str, str], Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    ("json", "dump"): _written_out,
    ("json", "dumps"): _written_out,
    ("json", "loads"): _read_back,  # which json.load calls
    ("statistics", "harmonic_mean"): _harmonic,
    ("statistics", "mean"): _statistic("mean"),
    ("statistics", "pstdev"): _statistic("std", ddof=0),
    ("statistics", "pvariance"): _statistic("var", ddof=0),
    ("statistics", "stdev"): _statistic("std", ddof=1),
    ("statistics", "variance"): _statistic("var", ddof=1),
    ("select", "select"): reading,
    ("time", "ctime"): reading,
    ("time", "gmtime"): reading,
    ("time", "localtime"): reading,
    ("time", "sleep"): reading,
}

_CLASSES = (("decimal", "Decimal"), ("datetime", "timedelta"))
_standing: list[type] = []  # those of them that the program has imported


def exchange(*, leaving: bool) -> None:
    """Have objects of these classes pickled by the name that stands for the class, or be as they were."""
    for kind in _standing:
        if leaving:
            copyreg.dispatch_table.setdefault(kind, _reduced)
        elif copyreg.dispatch_table.get(kind) is _reduced:
            del copyreg.dispatch_table[kind]


def _reduced(value: Any) -> tuple[Any, ...]:
    _, *rest = value.__reduce__()
    return STANDING[type(value)], *rest


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement) for the functions of the modules that the program has imported."""
    for (module, name), make in _TABLE.items():
        original = getattr(sys.modules.get(module), name, None)
        # While a trace runs, the name stands for a replacement.
        if original is not None and not hasattr(original, "__wrapped__"):
            yield original, make(original)
    for module, name in _CLASSES:
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and type(kind) is not _Leaving:
            if kind not in STANDING:
                _standing.append(kind)
            yield kind, STANDING.get(kind) or stand_in_for(kind, _Leaving)
