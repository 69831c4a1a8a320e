"""Arrays that plain NumPy code made, and that a call writes a traced value into: `b[1:] += x`, `np.copyto(b, x)`.

As in `adopted.py`: where the running line says what holds the array, and all that has it are places of the program, a
stand-in takes its place in them. How many references such a call has by itself tells the same call, done with
an array that only one variable has, and with a value that NumPy asks in place of the traced one.

Used by mutation.py, into_out.py and cuts.py.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
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
    places_written,
)
from tracer.buffers import write
from tracer.callee import forget_snapshot, values_of
from tracer.frames import wants_plain_arrays
from tracer.holders import Attribute, Item, slots_of
from tracer.looked_up import named_arrays, view_of
from tracer.memory import owner_of
from tracer.references import borrowed
from tracer.running import running_at
from tracer.standins import Traced, holds_traced
from tracer.variables import frames_of
from tracer.who_holds import holders_of

if TYPE_CHECKING:
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
        node = None if written is not None else _call(function, frame)
        if written is None and node is None:
            return None
        places: list[Holder] = []
        by_itself = Counter[int]()
        for at in _sharing(args, options, key):
            found = _as_written(node, args, options, at) if node is not None else written
            if found is None:
                return None
            held, text = found
            of_this = places_of(held[0], frame)
            if not of_this and all(view_of(each, frame) is None for each in held):
                return None
            if at == key:
                places = of_this or [Item([_taken(args, options, key)], 0)]
            if of_this or at == key:
                by_itself.update(_by_itself(text, _taken(args, options, at), (function, args, options)))
                by_itself[id(_taken(args, options, at))] -= sum(borrowed(each, frame) for each in held)
            else:
                by_itself[id(owner_of(_taken(args, options, at)))] += 1
        if places[0].read() is not _taken(args, options, key):
            return None
        return _adopt(places, by_itself, tape, frame)
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
        places, by_itself = places_written(array, frame)
        if not places:
            return False
        by_itself.update(_by_itself("{array}.fill(asked)", places[0].read(), (None, (), {"value": value})))
        by_itself[id(places[0].read())] -= borrowed(array, frame)
        adopted = _adopt(places, by_itself, value.tape_, frame)
        if adopted is None:
            return False
        write(adopted.stand_in, ..., value, frame)
        adopted.settle()
    finally:
        for each in frames:
            forget_snapshot(each)
    return True


def adopt_augmented(options: dict[str, Any], tape: Tape, frame: FrameType) -> tuple[Adopted, bool] | None:
    """Return the stand-in for the array of `b += x`, and whether it is one that the line has made anew, `b[1:] += x`.

    None where that can't be done. Of `params[k] += x` the program itself writes it back to its place. Where the text
    names no place, `net.params()[0] += x`, the array has one in a list of ours.
    """
    frames = frames_of(frame)
    try:
        node = running_at(frame.f_code, frame.f_lasti)
        if not isinstance(node, ast.AugAssign):
            return None
        by_itself = Counter[int]()
        places = _places_written(node.target, options, frame)
        is_part = not places and isinstance(node.target, ast.Subscript) and _is_view(options)
        if isinstance(node.target, ast.Subscript) and is_part:
            made_of = _made_of(node.target.value, options, frame)
            if made_of is None:
                return None
            by_itself[made_of] += 1 - borrowed(node.target.value, frame)
        text = "{array} " + _SYMBOLS[type(node.op)] + "= asked"
        places = places or [Item([options["out"][0]], 0)]
        by_itself.update(_by_itself(text, options["out"][0], (None, (), {})))
        by_itself[id(options["out"][0])] -= 0 if is_part else borrowed(node.target, frame)
        if places[0].read() is not options["out"][0]:
            return None
        adopted = _adopt(places, by_itself, tape, frame)
        return None if adopted is None else (adopted, is_part)
    finally:
        for each in frames:
            forget_snapshot(each)


def _is_view(options: dict[str, Any]) -> bool:
    return options["out"][0].base is not None


def _sharing(args: tuple[Any, ...], options: dict[str, Any], key: int | str) -> list[int | str]:
    """Return where the array that is written is among arguments, and others that see its memory: once each."""
    keys: dict[int, int | str] = {id(_taken(args, options, key)): key}
    owner = id(owner_of(_taken(args, options, key)))
    for at in (*range(len(args)), *options):
        if _sees(_taken(args, options, at), owner):
            keys.setdefault(id(_taken(args, options, at)), at)
    return [*keys.values()]


def _sees(value: Any, owner: int) -> bool:
    return type(value) is np.ndarray and id(owner_of(value)) == owner


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


def _made_of(node: ast.expr, options: dict[str, Any], frame: FrameType) -> int | None:
    """Return the identity of what waits for the write into its part: `b` of `b[1:] += x`; or of what that is a view of.

    Of `b[0][1:] += x` and `b.T[1:] += x` that is `b`. None where the text does not say that the view which stands
    before the brackets is made anew: another one would be told from it by nothing, and not have what is written.
    """
    is_made = False
    while not (seen := [id(each) for each in named_arrays(node, frame) if _is_its_base(each, options)]):
        match node:
            case ast.Subscript(of, _) | ast.Attribute(of, "T" | "real"):
                node = of
            case ast.Call(ast.Attribute(of, "ravel" | "reshape" | "transpose" | "view")):
                node = of
            case _:
                return None
        is_made = True
    return id(options["out"][0].base) if is_made else seen[0] if len(seen) == 1 else None


def _is_its_base(value: Any, options: dict[str, Any]) -> bool:
    """Tell whether what is written may be a view of a value."""
    return type(value) is np.ndarray and owner_of(value) is options["out"][0].base


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
    """Return an argument; of the options, `out` may be a tuple of one."""
    if isinstance(key, int):
        return args[key]
    return options[key][0] if type(options[key]) is tuple else options[key]


def _as_written(
    node: ast.Call, args: tuple[Any, ...], options: dict[str, Any], key: int | str
) -> tuple[list[ast.expr], str] | None:
    """Return where in a call an argument is, first at its key, and the call with these places left open."""
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


def _adopt(places: list[Holder], by_itself: Counter[int], tape: Tape, frame: FrameType) -> Adopted | None:
    """Return the stand-in for the array in some places, if nothing else has it: see `holders_of`."""
    if not places or not can_be_written(owner_of(places[0].read())):
        return None
    held = holders_of(places, by_itself, tape, frame)
    return None if held is None else Adopted(held, tape)


def _by_itself(
    text: str,
    array: np.ndarray[Any, Any],
    called: tuple[Any, tuple[Any, ...], dict[str, Any]],
) -> dict[int, int]:
    """Count the references that such a call has by itself: see `Asked`."""
    function, args, options = called
    number = float(np.ravel(options["value"].value_)[0].real) if "value" in options else 0.0
    asked = _AskedByCalls(number, array)
    _probe(text.format(array="items[0]"))(function, asked.items, asked, args, options)
    return asked.counted(array)


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
