"""What the text of a function reads of the program: variables around it, attributes, items by keys that are written.

No code is run: a name stands for what it holds now, a call for what the function returns by its text, a parameter for
what calls give it. What the text does not say, as `getattr(model, name)` or what a library makes, is not read. Used by
named_otherwise.py.
"""

from __future__ import annotations

import ast
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.diagnose.program_text import called_name, parameters_in_order
from tracer.frames import is_installed
from tracer.function_text import SCOPES, bound_in, later_than, parts_of, text_of
from tracer.holders import MISSING, is_object, names_of, order_of
from tracer.only_decides import is_only_looked_at
from tracer.text_values import (
    Above,
    Called,
    Computed,
    New,
    Value,
    attribute,
    functions,
    item,
    items,
    methods,
    package_of,
)
from tracer.variables import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import CodeType

    from tracer.diagnose.program_text import Function
    from tracer.diagnose.reading import Program

_MOST = 300  # functions that are read, each with what it is given
_SHAPES = frozenset("shape size ndim dtype nbytes itemsize strides flags".split())
_SHAPED = frozenset("len zeros_like ones_like empty_like isinstance type id shape ndim size".split())
_HAND_ON = frozenset("list tuple reversed sorted iter".split())
_TAKING = frozenset(
    "abs all any dict enumerate float iter list map max min next reversed round set sorted sum tuple zip".split()
)
_GOING_THROUGH = frozenset(("map", "max", "min", "sum"))
_NOT_OPERATORS = frozenset("__init__ __new__ __post_init__ __repr__ __str__ __call__".split())
_OPERATED = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.AugAssign, ast.withitem)
_LOAD = ast.Load()


class Read(NamedTuple):
    """An array that is read: how it is reached, and where."""

    path: str
    array: np.ndarray[Any, Any]
    code: CodeType
    line: int


def reads_of(
    function: Any, given: dict[str, Any], until: Mapping[CodeType, tuple[int, float]]
) -> list[Read]:
    """Return what the text of a function and of what it calls reads, where it can be had.

    `given` are arguments that hold what they hold without a trace. What the text also writes to is left out, and so is
    what comes after an end in a function, for those that have one.
    """
    reader = _Reader(package_of(function), until)
    for each in functions(Value("", function)):
        known = {name: [Value(name, held)] for name, held in given.items()}
        reader.frame_of(each, _unknown(each) | known)
    return reader.reads()


class _Reader:
    """The functions that are read, from the first one on."""

    def __init__(self, package: str, until: Mapping[CodeType, tuple[int, float]]) -> None:
        self._package = package
        self.until = until
        self._frames: dict[Any, _Frame] = {}

    def reads(self) -> list[Read]:
        found: list[tuple[Read, tuple[int, Any]]] = []
        written: set[tuple[int, Any]] = set()
        done = 0
        while done < len(self._frames):  # which grows
            frame = [*self._frames.values()][done]
            found += frame.arrays()
            written.update(frame.written())
            done += 1
        return [read for read, place in found if place not in written]

    def frame_of(self, called: Called, given: dict[str, list[Value]]) -> _Frame | None:
        """Return a function with what it is given; None for one of another library, or without text."""
        function, code = called.function, called.function.__code__
        is_others = is_installed(str(function.__module__), code.co_filename)
        found = text_of(code, code.co_filename)
        if found is None or len(self._frames) >= _MOST:
            return None
        if is_others and package_of(function) != self._package:
            return None
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        values = {name: [Value(name, each)] for name, each in called.defaults().items()}
        values |= {name: each for name, each in given.items() if name in names}
        if called.own is not None and names:
            values[names[0]] = [called.own]
        key = (id(function), *(each.identity() for name in sorted(values) for each in values[name]))
        if key not in self._frames:
            self._frames[key] = _Frame(self, function, *found, values)
        return self._frames[key]


class _Frame:
    """One function with what its parameters hold, as far as that is known."""

    def __init__(
        self, reader: _Reader, function: Any, text: Program, node: Function, given: dict[str, list[Value]]
    ) -> None:
        self._reader, self._function = reader, function
        self._text, self._node, self._given = text, node, given
        self._known: dict[ast.AST, list[Value]] = {}
        self._parts = parts_of(text, node)
        self._is_asked = False
        self._around = cells_of(function)
        last = reader.until.get(function.__code__)
        self._later = later_than(last, node) if last is not None else frozenset()

    def arrays(self) -> Iterator[tuple[Read, tuple[int, Any]]]:
        """Yield the arrays that are read, and their places; what else runs by it is read, too."""
        for node in self._parts.reading:
            for each in [*self.value(node), *self._handed(node)]:
                if type(each.held) is not np.ndarray:
                    self._run(node, each)
                elif not self._is_only_seen(node) and (each.is_chosen or not self._is_conditional(node)):
                    yield Read(each.path, each.held, self._function.__code__, node.lineno), each.place

    def written(self) -> Iterator[tuple[int, Any]]:
        """Yield the places that are given something else: what is read there may be that."""
        for node in self._parts.written:
            match node:
                case ast.Attribute() | ast.Subscript():
                    yield from (each.place for each in self._looked_up(node))
                case ast.Call(args=[of, ast.Constant(value=str(name)), _]):
                    named = ast.Attribute(of, name, _LOAD)
                    yield from (each.place for each in self._looked_up(named))
                case ast.Global(names=names):
                    yield from ((id(self._function.__globals__), name) for name in names)

    def returned(self) -> list[Value]:
        """Return what the function returns, as far as that is known."""
        if self._is_asked:
            return []
        self._is_asked = True
        found = [*chain.from_iterable(map(self.value, self._parts.returned))]
        self._is_asked = False
        return found

    def value(self, node: ast.AST) -> list[Value]:
        """Return what an expression may stand for."""
        if node not in self._known:
            self._known[node] = []  # while it is looked for
            if node not in self._later:
                self._known[node] = self._looked_up(node)
        return self._known[node]

    def _looked_up(self, node: ast.AST) -> list[Value]:
        match node:
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.Attribute(value=of, attr=name):
                found = [each for held in self.value(of) for each in attribute(held, name)]
                return [*chain.from_iterable(map(self._computed, found))]
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="vars"), args=[of])
                | ast.Attribute(value=of, attr="__dict__"),
                slice=ast.Constant(value=str(name)),
            ):
                return self._looked_up(ast.Attribute(of, name, _LOAD))
            case ast.Subscript(slice=ast.Slice()):
                return []
            case ast.Subscript(value=of, slice=key):
                looked = [item(each, _key(key)) if _is_key(key) else items(each) for each in self.value(of)]
                return [*chain.from_iterable(looked)]
            case ast.Call():
                return self._call(node)
            case ast.IfExp(body=one, orelse=other):
                return self.value(one) + self.value(other)
            case ast.BoolOp(values=parts):
                return [*chain.from_iterable(map(self.value, parts))]
            case ast.NamedExpr(value=held):
                return self.value(held)
        return []

    def _computed(self, value: Value) -> list[Value]:
        if type(value.held) is not Computed:
            return [value]
        frame = self._reader.frame_of(Called(value.held.function, value.held.own), {})
        return frame.returned() if frame is not None else []

    def _named(self, node: ast.AST, name: str) -> list[Value]:
        scope: ast.AST | None = node
        while scope is not self._node and scope is not None:
            scope = self._text.parents.get(scope)
            bound = bound_in(scope) if isinstance(scope, SCOPES) else {}
            if name in bound:
                given = self._given.get(name, []) if scope is self._node else []
                return [*given, *chain.from_iterable(map(self._assigned, bound[name]))]
        names = self._function.__globals__
        if name in self._around:
            held = self._around[name].read()
            return [] if held is MISSING else [Value(name, held)]
        return [Value(name, names[name], (id(names), name))] if name in names else []

    def _assigned(self, name: ast.AST) -> list[Value]:
        """Return what is given to a variable at one place."""
        above = self._text.parents.get(name)
        at = -1
        if isinstance(above, ast.Tuple):
            at, above = above.elts.index(name), self._text.parents.get(above)  # type: ignore[arg-type]
        match above:
            case ast.Assign(value=ast.Tuple(elts=parts)) if 0 <= at < len(parts):
                return self.value(parts[at])
            case ast.Assign(value=held) | ast.AnnAssign(value=held) | ast.NamedExpr(value=held) if at < 0:
                return self.value(held) if held is not None else []
            case ast.For(iter=over) | ast.comprehension(iter=over):
                return self._iterated(over, at)
        return []

    def _iterated(self, node: ast.AST, at: int) -> list[Value]:
        """Return what a loop goes through; `at` where each is a tuple, one of its items."""
        match node:
            case ast.Call(func=ast.Name(id="enumerate"), args=[over, *_]) if at == 1:
                return self._iterated(over, -1)
            case ast.Call(func=ast.Name(id="zip"), args=overs) if 0 <= at < len(overs):
                return self._iterated(overs[at], -1)
            case ast.Call(func=ast.Name(id=name), args=[over, *_]) if name in _HAND_ON:
                return self._iterated(over, at)
            case ast.Call(func=ast.Attribute(value=of, attr="values")) if at < 0:
                return [each for held in self.value(of) for each in items(held)]
            case ast.Call(func=ast.Attribute(value=of, attr="items")) if at == 1:
                return [each for held in self.value(of) for each in items(held)]
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if at < 0:
                return [*chain.from_iterable(map(self.value, parts))]
        found = [each for held in self.value(node) for each in items(held) if type(held.held) is not dict]
        return found if at < 0 else [each for held in found for each in item(held, at)]

    def _call(self, call: ast.Call) -> list[Value]:
        found: list[Value] = []
        match call:
            case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(name)), *_]):
                return self._looked_up(ast.Attribute(of, name, _LOAD))
            case ast.Call(func=ast.Name(id="super"), args=[]) if "__class__" in self._around:
                own = self._given.get(parameters_in_order(self._node)[0], [])
                kind = self._around["__class__"].read()
                return [Value(each.path, Above(each, kind)) for each in own]
            case ast.Call(func=ast.Attribute(value=of, attr="get"), args=[ast.Constant(value=key), *_]):
                found = [each for held in self.value(of) for each in item(held, key)]
        for each in self.value(call.func):
            if issubclass(type(each.held), type):
                found.append(Value("", New(each.held)))
            for called in functions(each):
                frame = self._reader.frame_of(called, self._arguments(called, call))
                if frame is not None and not issubclass(type(each.held), type):
                    found += frame.returned()
        return found

    def _arguments(self, called: Called, call: ast.Call) -> dict[str, list[Value]]:
        """Return what is given to the parameters of a function, as far as the text says."""
        code = called.function.__code__
        names = code.co_varnames[: code.co_argcount][called.own is not None :]
        is_known = not any(isinstance(each, ast.Starred) for each in call.args) and all(
            each.arg for each in call.keywords
        )
        given = [[each] for each in called.first] + [self.value(each) for each in call.args]
        named = {each.arg: self.value(each.value) for each in call.keywords if each.arg}
        if not is_known:  # nor is what is by default
            return _unknown(called) | named
        return dict(zip(names, given, strict=False)) | named

    def _run(self, node: ast.AST, value: Value) -> None:
        """Have read what runs where something is handed to what is not read itself, or an operator meets it."""
        above = self._text.parents.get(node)
        call = self._text.parents.get(above) if isinstance(above, ast.keyword) else above
        taker = (
            call
            if isinstance(call, ast.Call) and call.func is not node and not self._is_read(call)
            else None
        )
        is_operated = isinstance(above, _OPERATED) or getattr(above, "iter", None) is node
        called: Iterable[Called] = ()
        if not is_object(value.held):
            called = functions(value) if taker is not None else ()
        elif is_operated or (taker is not None and _takes(taker, self._text)):
            own = {
                name for kind in order_of(type(value.held)) for name in names_of(kind) if name[:2] == "__"
            }
            called = methods(value, *sorted(own - _NOT_OPERATORS))
        for each in called:
            self._reader.frame_of(each, {})

    def _handed(self, node: ast.AST) -> list[Value]:
        """Return the items of a container that a call of NumPy's or of Python's goes through: `np.stack(params)`."""
        call = self._text.parents.get(node)
        if not isinstance(call, ast.Call) or node not in call.args:
            return []
        name = called_name(call)
        is_python_s = (
            isinstance(call.func, ast.Name) and name in _GOING_THROUGH and not self._text.binds(name)
        )
        if not is_python_s and self._text.module_of(call.func) != "numpy":
            return []
        found = [each for held in self.value(node) if type(held.held) is not dict for each in items(held)]
        return [each for each in found if type(each.held) is np.ndarray]

    def _is_conditional(self, node: ast.AST) -> bool:
        """Tell whether a condition decides of an item: `w if at == k else params[k]` leaves out the given one."""
        while node is not self._node:
            above = self._text.parents[node]
            if isinstance(above, (ast.If, ast.IfExp)) and node is not above.test:
                return True
            if any(each.ifs for each in getattr(above, "generators", ())):
                return True
            node = above
        return False

    def _is_read(self, call: ast.Call) -> bool:
        return any(True for each in self.value(call.func) for _ in functions(each))

    def _is_only_seen(self, node: ast.AST) -> bool:
        """Tell whether nothing is computed from what is read: its shape, `is`, a test, what is printed."""
        above = self._text.parents.get(node)
        if isinstance(above, ast.Attribute):
            return above.attr in _SHAPES or is_only_looked_at(self._text, above)
        if isinstance(above, ast.Subscript):
            return not isinstance(above.ctx, ast.Load)
        if isinstance(above, ast.Compare):
            return True
        is_shaped = isinstance(above, ast.Call) and called_name(above) in _SHAPED
        return is_shaped or is_only_looked_at(self._text, node)


def _unknown(called: Called) -> dict[str, list[Value]]:
    """Return that nobody knows what the parameters of a function are given."""
    return {name: [] for name in called.function.__code__.co_varnames}


def _takes(call: ast.Call, text: Program) -> bool:
    """Tell whether a call of Python's or NumPy's asks an object for its items, or for a number or an array."""
    name = called_name(call)
    is_python_s = isinstance(call.func, ast.Name) and name in _TAKING and not text.binds(name)
    return is_python_s or text.module_of(call.func) in ("math", "numpy", "scipy")


def _is_key(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
    )


def _key(node: ast.AST) -> Any:
    return node.value if isinstance(node, ast.Constant) else -node.operand.value  # type: ignore[attr-defined]
