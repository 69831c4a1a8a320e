"""Arrays that plain NumPy code made, and that a call writes a traced value into: `b[1:] += x`, `np.copyto(b, x)`.

As in `adopted.py`: where the running line says what holds the array, and all that has it are places of the program, a
stand-in takes its place in them. How many references such a call has by itself tells the same call, done with
an array that only one variable has, and with a value that NumPy asks in place of the traced one.

Used by mutation.py, into_out.py and cuts.py.
"""

from __future__ import annotations

import ast
import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.adopted import (
    Adopted,
    Asked,
    attributes_of,
    can_be_written,
    place_in_class,
    places_of,
)
from tracer.buffers import write
from tracer.callee import forget_snapshot, values_of
from tracer.frames import wants_plain_arrays
from tracer.holders import Attribute, Item, slots_of
from tracer.references import borrowed
from tracer.running import running_at
from tracer.standins import Traced, holds_traced
from tracer.variables import frames_of
from tracer.who_holds import is_held_elsewhere

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from tracer.holders import Holder
    from tracer.tape import Tape


def adopt_argument(
    function: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
    key: int | str,
    tape: Tape,
    frame: FrameType,
) -> Adopted | None:
    """Return the stand-in for the argument of a call that it writes into; None where that can't be done.

    `args` and `options` are as NumPy hands them on: nothing else of edgegrad's may hold the array. In the options of a
    ufunc, `out` is a tuple.
    """
    if any(type(each) in (list, tuple) and holds_traced(each) for each in (*args, *options.values())):
        return None  # which the same call with other values would record
    frames = frames_of(frame)
    try:
        written = _as_augmented(function, key, frame)
        if written is None:
            node = _call(function, frame)
            written = None if node is None else _as_written(node, args, options, key)
        if written is None:
            return None
        held, text = written
        return _adopt(
            places_of(held[0], frame),
            lambda: _taken(args, options, key),
            text,
            (function, args, options),
            tape,
            frame,
            sum(borrowed(each, frame) for each in held),
        )
    finally:
        for each in frames:
            forget_snapshot(each)


def adopt_filled(value: Any, frame: FrameType) -> bool:
    """Record `b.fill(x)`; say whether it could be done. NumPy then does it once more, of the plain value."""
    frames = frames_of(frame)
    try:
        node = running_at(frame.f_code, frame.f_lasti)
        match node:
            case ast.Call(ast.Attribute(array, "fill"), [_], []):
                pass
            case _:
                return False
        adopted = _adopt(
            places_of(array, frame),
            None,
            "{array}.fill(asked)",
            (None, (), {"value": value}),
            value.tape_,
            frame,
            borrowed(array, frame),
        )
        if adopted is None:
            return False
        write(adopted.stand_in, ..., value, frame)
        adopted.settle()
    finally:
        for each in frames:
            forget_snapshot(each)
    return True


def adopt_augmented(options: dict[str, Any], tape: Tape, frame: FrameType) -> tuple[Adopted, Any] | None:
    """Return, of `b[1:] += x`, the stand-in for `b` and that for its part; None where that can't be done.

    Of `params[k] += x` they are one, for the whole array, which the program itself writes back to its place. Where the
    text names no place, `net.params()[0] += x`, the array has one in a list of ours.
    """
    frames = frames_of(frame)
    try:
        node = running_at(frame.f_code, frame.f_lasti)
        if not isinstance(node, ast.AugAssign):
            return None
        text = "{array}[...] " + _SYMBOLS[type(node.op)] + "= asked"
        if options["out"][0].base is None:
            adopted = _adopt(
                _places_written(node.target, options, frame) or [Item([options["out"][0]], 0)],
                lambda: options["out"][0],
                text.replace("[...]", ""),
                (None, (), {}),
                tape,
                frame,
                borrowed(node.target, frame),
            )
            return None if adopted is None else (adopted, adopted.stand_in)
        if not isinstance(node.target, ast.Subscript):
            return None
        adopted = _adopt(
            _places_of_part(node.target.value, options, frame),
            lambda: options["out"][0].base,
            text,
            (None, (), {}),
            tape,
            frame,
            borrowed(node.target.value, frame),
        )
        if adopted is None:
            return None
        return adopted, adopted.part(options["out"][0])
    finally:
        for each in frames:
            forget_snapshot(each)


def _places_written(target: ast.expr, options: dict[str, Any], frame: FrameType) -> list[Holder]:
    """Return the places that hold the array of `target += …`: what holds it tells the key, as any text may."""
    match target:
        case ast.Subscript(of, _):
            owners = [each for each in values_of(of, frame) if isinstance(each, dict | list)]
        case ast.Attribute(of, name):
            objects = list(values_of(of, frame))
            attributes = [attributes_of(each) for each in objects]
            owners = [each for each in attributes if type(each) is dict]
            slots = [Attribute(each, name) for each in objects if name in slots_of(type(each))]
            of_classes = [place for each in objects if (place := place_in_class(each, name)) is not None]
            found = [each for each in (*slots, *of_classes) if each.read() is options["out"][0]]
            if found:
                return [*found]
        case _:
            return places_of(target, frame)
    return [
        Item(owner, key)
        for owner in owners
        for key, held in (dict.items(owner) if isinstance(owner, dict) else enumerate(owner))
        if held is options["out"][0]
    ]


def _as_augmented(ufunc: Any, key: int | str, frame: FrameType) -> tuple[list[ast.expr], str] | None:
    """Return of `b.__iadd__(x)` or `operator.iadd(b, x)` the same as `_as_written`: `b += x` as a call."""
    node = running_at(frame.f_code, frame.f_lasti) if key == "out" else None
    match node:
        case ast.Call(ast.Attribute(array, name), [_], []) if _AUGMENTED.get(name) is ufunc:
            return [array], f"{{array}}.{name}(asked)"
        case ast.Call(called, [array, _], []):
            for name, known in _AUGMENTED.items():
                if known is ufunc and any(
                    each is getattr(operator, name) for each in values_of(called, frame)
                ):
                    return [array], f"operator.{name}({{array}}, asked)"
    return None


def _places_of_part(node: ast.expr, options: dict[str, Any], frame: FrameType) -> list[Holder]:
    """Return the places of the array that is written of `b[1:] += x`, or of `b[0][1:] += x`, `b.T[1:] += x`.

    There is none where the text does not say that the view which stands before the brackets is made anew: another one
    would be told from it by nothing, and not have what is written.
    """
    while not any(each is options["out"][0].base for each in values_of(node, frame)):
        match node:
            case ast.Subscript(of, _) | ast.Attribute(of, "T" | "real"):
                node = of
            case ast.Call(ast.Attribute(of, "ravel" | "reshape" | "transpose" | "view")):
                node = of
            case _:
                return []
    return places_of(node, frame)


def _call(function: Any, frame: FrameType) -> ast.Call | None:
    """Return the call of a function that a line of the user's is at, with its arguments written out."""
    if wants_plain_arrays(frame):
        return None
    node = running_at(frame.f_code, frame.f_lasti)
    if not isinstance(node, ast.Call):
        return None
    is_plain = not any(isinstance(each, ast.Starred) for each in node.args) and all(
        each.arg is not None for each in node.keywords
    )
    called = node.func
    if isinstance(called, ast.Attribute) and called.attr == "at":
        called, function = called.value, getattr(function, "__self__", None)
    return node if is_plain and any(each is function for each in values_of(called, frame)) else None


def _taken(args: tuple[Any, ...], options: dict[str, Any], key: int | str) -> Any:
    if isinstance(key, int):
        return args[key]
    return options[key][0] if type(options[key]) is tuple else options[key]


def _as_written(
    node: ast.Call, args: tuple[Any, ...], options: dict[str, Any], key: int | str
) -> tuple[list[ast.expr], str] | None:
    """Return where in a call the array is, first where it is written, and the call with these places left open."""
    parts: list[str] = []
    found: list[ast.expr] = []
    given = [*args, *options["out"]] if type(options.get("out")) is tuple else [*args]
    target = _taken(args, options, key)
    if len(node.args) > len(given):
        return None
    for number, each in enumerate(node.args):
        if given[number] is target:
            found.append(each)
        parts.append(_argument(given[number], target, f"args[{number}]"))
    for keyword in node.keywords:
        if keyword.arg not in options:
            return None
        value = options[keyword.arg]
        value = value[0] if keyword.arg == "out" and type(value) is tuple else value
        if value is target:
            found.insert(0 if keyword.arg == key else len(found), keyword.value)
        parts.append(f"{keyword.arg}=" + _argument(value, target, f"options[{keyword.arg!r}]"))
    return (found, f"function({', '.join(parts)})") if found else None


def _argument(value: Any, target: Any, otherwise: str) -> str:
    if value is target:
        return "{array}"
    return "asked" if issubclass(type(value), Traced) else otherwise


def _adopt(
    places: list[Holder],
    take: Callable[[], Any] | None,
    text: str,
    called: tuple[Any, tuple[Any, ...], dict[str, Any]],
    tape: Tape,
    frame: FrameType,
    borrowed: int,
) -> Adopted | None:
    """Return the stand-in for the array in some places, if it is what `take` gives, and nothing else has it."""
    if not places or (take is not None and places[0].read() is not take()):
        return None
    if not can_be_written(places[0].read()):
        return None
    fewest = _fewest(text, places[0].read(), called) - borrowed
    if is_held_elsewhere(places, fewest, tape, frame):
        return None
    return Adopted(places, tape)


def _fewest(
    text: str,
    like: np.ndarray[Any, Any],
    called: tuple[Any, tuple[Any, ...], dict[str, Any]],
) -> int:
    """Count what is more while such a call of an array that only one place has asks the traced value."""
    function, args, options = called
    number = float(np.ravel(options["value"].value_)[0].real) if "value" in options else 0.0
    items = [np.empty_like(like)]
    asked = _AskedByCalls(number, [Item(items, 0)])
    _probe(text.format(array="items[0]"))(function, items, asked, args, options)
    return -1 if asked.surplus is None else asked.surplus


@lru_cache(maxsize=64)
def _probe(call: str) -> Any:
    """Return a function that does a call of the same form."""
    made: dict[str, Any] = {"operator": operator}
    exec(f"def probe(function, items, asked, args, options):\n    {call}", made)  # noqa: S102  (text of this room)
    return made["probe"]


class _AskedByCalls(Asked):
    """What is written in place of a traced value, and is asked by NumPy's protocols as that is."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        self.count()

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        self.count()


_AUGMENTED = {
    "__iadd__": np.add,
    "__isub__": np.subtract,
    "__imul__": np.multiply,
    "__itruediv__": np.divide,
    "__ipow__": np.power,
}
_SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
}
