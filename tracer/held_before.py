"""What the program had before the first number left the graph, and which constants are that, or made of nothing else.

A number that was an object of the program's before another one left can't be made of that one: numbers never change,
and which object it is tells it from one of the same digits, as the program may have kept of an earlier call. So a
constant of an operation has not come back where it

- is such a number, the same object, or one that is written in a function, also of a class that is made an object of
  in the run. What the trace's own inputs are is left out, as `float(x)` gives that object back;
- has each bit of what the expression in the line makes of such numbers, and of whole numbers that count, by operators
  alone (`1 - self.decay**self.turns`). What it reads is looked up when the operation takes the constant, in the frame
  that still waits for it. A variable of the function's own is what it was, as nothing else can change it; what another
  part of the program might change meanwhile (a global, an attribute, an item) counts only where nothing of the
  program's runs between.

Arrays are no such evidence: one may be written into and have the bits that it had. What is not seen is not known:
came_back.py asks the text, or warns. Used by came_back.py and tape.py.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import deque
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from tracer.callee import values_of
from tracer.counts import makes_int
from tracer.frames import is_library, is_own
from tracer.holders import module_of, names_of
from tracer.memory import same_bytes
from tracer.operations import OP_NUMBERS
from tracer.standins import Traced
from tracer.tape import AUXILIARY, VALUE, WIDTH
from tracer.texts_back import parts_of
from tracer.variables import enclosed
from tracer.written_operands import computed_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from types import FrameType

    from tracer.tape import Tape
    from tracer.written_operands import Operand

_NUMBERS = frozenset((float, complex, np.float64, np.float32))
_OPERANDS = frozenset((*_NUMBERS, int, np.ndarray))
_ROOM = 20_000  # numbers that are kept, and objects that are looked into,
_AT_ONCE = 64  # or arrays, lists and rows with so many
_DEEPEST = 4  # objects in objects
_MOST = 200  # records whose operands are looked up, as each takes as long as many records
_OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.USub: operator.neg,
}
_OF_ARRAYS = frozenset(("T", "shape", "size", "ndim"))
_WITHOUT = (ModuleType, CodeType, str, bytes, int)  # which hold no number of the program's


class Held:
    """What the program had when the first number left, and the constants of one run that are known by that."""

    __slots__ = (
        "_are_ints_traced",
        "_arrays",
        "_inputs",
        "_is_counted",
        "_numbers",
        "_of",
        "_room",
        "_rows",
        "_seen",
        "_tape",
        "_waiting",
    )

    def __init__(self, tape: Tape, function: Any, arguments: Any, inputs: Collection[int]) -> None:
        """Look through what the function can reach; not into the arrays that are inputs, by identity."""
        self._of = function, arguments
        self._tape = tape
        self._note_inputs()
        self._is_counted = False
        self._room = _ROOM
        self._numbers: dict[int, Any] = {}
        # By identity: which global has the array, itself, and a copy of what was in it
        self._arrays: dict[int, tuple[str, Any, Any]] = {}
        # Which global has a list of numbers, itself, and what was in it
        self._rows: list[tuple[str, Any, list[Any]]] = []
        # By position of a record: its instruction, what its operands are that are made of what was there, and whether
        # of whole numbers, too
        self._seen: dict[int, tuple[int, list[float], bool]] = {}
        # By code: the operands of instructions that may be made so, by instruction
        self._waiting: dict[CodeType, dict[int, Any]] = {}
        for name, each in _objects(_roots(function, arguments)):
            kind = type(each)
            if kind in _NUMBERS:
                self._numbers[id(each)] = each
            elif kind is np.ndarray:
                if each.dtype.kind in "fciu" and id(each) not in inputs:
                    self._note_array(name, each)
            else:
                self._rows.append((name, each, [*each]))

    def _note_inputs(self) -> None:
        values = self._tape.records[VALUE::WIDTH]
        self._inputs = len(self._tape.input_names), {*map(id, values)}
        self._are_ints_traced = any(issubclass(type(each), (int, np.integer)) for each in values)

    def _note_array(self, name: str, array: np.ndarray[Any, Any]) -> None:
        size = 1 + array.size // _AT_ONCE
        if id(array) not in self._arrays and size <= self._room:
            self._room -= size
            self._arrays[id(array)] = name, ref(array), array.copy("K")

    def data(self, names: Collection[str]) -> Iterator[Any]:
        """Yield the arrays and the lists of numbers of some globals that are still there, as they were."""
        there = {id(each): each for _, each in _objects(_roots(*self._of))}
        for name, array, before in self._arrays.values():
            own = array()
            is_there = own is not None and there.get(id(own)) is own
            if (not name or name in names) and is_there and same_bytes(before, own):
                yield before
        for name, row, numbers in self._rows:
            is_as_before = len(row) == len(numbers) and all(map(operator.is_, row, numbers))
            if (not name or name in names) and is_as_before and id(row) in there:
                yield numbers

    def has_number(self, number: Any) -> bool:
        """Tell whether a number is one that was there: the same object."""
        if len(self._tape.input_names) != self._inputs[0]:  # what is watched later
            self._note_inputs()
        return id(number) in self._numbers and id(number) not in self._inputs[1]

    def look_at(self, frame: FrameType) -> bool:
        """Note what the next record's operands are made of; tell whether a function may have more that are."""
        if len(self._seen) >= _MOST:
            return False
        code, at = frame.f_code, frame.f_lasti
        waiting = self._waiting.get(code)
        if waiting is None:
            waiting = self._waiting[code] = {**computed_in(code)}
            self._numbers.update((id(each), each) for each in _literals(code))
        if at in waiting:
            self._is_counted = False
            made = [
                each for each in (self._made_of(each, frame) for each in waiting[at]) if type(each) is float
            ]
            if made:
                self._seen[len(self._tape.records)] = at, made, self._is_counted
            else:  # as in a loop it is not, either
                del waiting[at]
        return bool(waiting)

    def _made_of(self, operand: Operand, frame: FrameType) -> Any:
        """Return what an operand is, if that is made of what was there; else None."""
        is_alone = all(_runs_nothing(each, frame) for each in operand.after)
        try:
            with np.errstate(all="ignore"):
                return self._value(operand.node, frame, is_alone=is_alone)
        except (ArithmeticError, TypeError, ValueError, IndexError, RecursionError, MemoryError):
            return None

    def _value(self, node: ast.expr, frame: FrameType, *, is_alone: bool) -> Any:
        """Return what an expression makes of what was there. Raises TypeError where that is not known."""
        match node:
            case ast.Constant(value=value) if type(value) in (int, float, complex):
                return value
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                operands = [self._value(each, frame, is_alone=is_alone) for each in (left, right)]
            case ast.UnaryOp(op=op, operand=held) if type(op) in _OPERATORS:
                operands = [self._value(held, frame, is_alone=is_alone)]
            case _:
                return self._read(node, frame, is_alone=is_alone)
        if not all(type(each) in _OPERANDS for each in operands):
            raise TypeError
        return _OPERATORS[type(op)](*operands)

    def _read(self, node: ast.expr, frame: FrameType, *, is_alone: bool) -> Any:
        """Return what a name, an attribute or an item holds. Raises TypeError where that was not there."""
        code = frame.f_code
        name = node.id if isinstance(node, ast.Name) else ""
        if is_alone or (name in code.co_varnames and name not in code.co_cellvars):
            found = [*values_of(node, frame)]
            if len(found) == 1 and (self.has_number(found[0]) or self._is_count(found[0])):
                return found[0]
        raise TypeError

    def _is_count(self, value: Any) -> bool:
        """Tell of a whole number whether it can have no gradient, unless one is found to have left by `int(x)`."""
        is_count = type(value) is int and not self._are_ints_traced
        self._is_counted |= is_count
        return is_count

    def known(self) -> set[tuple[int, int]]:
        """Return which constants of the closed tape are known, by row and operand, before it is frozen."""
        for code in {each.code for each in self._tape.segments}:
            self._numbers.update((id(each), each) for each in _literals(code))
        records = self._tape.records
        general = zip(records[0::WIDTH], records[2::WIDTH], strict=True)
        ways = [right[1]["via"] for code, right in general if code == OP_NUMBERS["cut"] << 2]
        if any(map(makes_int, ways)):
            self._seen = {at: each for at, each in self._seen.items() if not each[-1]}
        found = set()
        for row, (code, left, right) in enumerate(
            zip(records[0::WIDTH], records[1::WIDTH], records[2::WIDTH], strict=True)
        ):
            mask = code & 3
            constants = right[0] if not mask else (None if mask & 1 else left, None if mask & 2 else right)
            for port, each in enumerate(constants):
                if each is not None and (self.has_number(each) or self._was_made(row * WIDTH, each)):
                    found.add((row, port))
        return found

    def _was_made(self, position: int, constant: Any) -> bool:
        at, made, _ = self._seen.get(position, (0, [], False))
        is_there = self._tape.records[position + WIDTH - 1] & ~AUXILIARY == at
        return is_there and type(constant) is float and constant.hex() in map(float.hex, made)


def _runs_nothing(node: ast.expr, frame: FrameType) -> bool:
    """Tell whether computing an expression runs nothing of the program's: operators and calls of numbers and arrays."""
    match node:
        case ast.Constant():
            return True
        case ast.BinOp(left=left, right=right):
            return _runs_nothing(left, frame) and _runs_nothing(right, frame)
        case ast.UnaryOp(operand=held):
            return _runs_nothing(held, frame)
        case ast.Attribute(value=held, attr=name) if name in _OF_ARRAYS and _runs_nothing(held, frame):
            return True
        case ast.Call(func=ast.Attribute(value=owner) as called, args=args, keywords=[]):
            if not all(_runs_nothing(each, frame) for each in args):
                return False
            found = [*values_of(owner, frame)]
            is_module = len(found) == 1 and (found[0] is np or found[0] is math)
            return (is_module and _is_of_library(called, frame)) or _runs_nothing(owner, frame)
        case ast.Name() | ast.Attribute() | ast.Subscript():
            found = [*values_of(node, frame)]
            return len(found) == 1 and (type(found[0]) in _OPERANDS or issubclass(type(found[0]), Traced))
    return False


def _is_of_library(called: ast.expr, frame: FrameType) -> bool:
    """Tell whether a function of a module is that of the library: nothing of the program's has its place."""
    return all(
        type(each) is not FunctionType
        or is_own(each.__code__.co_filename)
        or is_library(str(each.__globals__.get("__name__")))
        for each in values_of(called, frame)
    )


def _literals(code: CodeType) -> Iterator[Any]:
    """Yield the numbers that are written in a function."""
    pending = [*code.co_consts]
    while pending:
        each = pending.pop()
        if type(each) in _NUMBERS:
            yield each
        elif type(each) in (tuple, frozenset):
            pending += each


def _parts_of(value: Any) -> list[Any]:
    """Return what is in a container or an object; of functions and classes what is written there, and defaults."""
    if type(value) is FunctionType:
        literals = () if is_library(str(value.__globals__.get("__name__"))) else _literals(value.__code__)
        return [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values(), *literals]
    if issubclass(type(value), type):
        return [] if is_library(str(module_of(value))) else [*names_of(value).values()]
    return parts_of(value)


def _objects(roots: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the numbers, arrays, and lists of nothing but numbers in some objects, each with the name of its root."""
    room, seen = _ROOM, set()
    pending = deque((name, roots[name], -(not name)) for name in reversed(roots))
    while pending:  # what is near comes first
        name, value, depth = pending.popleft()
        kind = type(value)
        if kind in _NUMBERS or kind is np.ndarray:
            yield name, value
        elif depth <= _DEEPEST and id(value) not in seen and not issubclass(kind, _WITHOUT):
            seen.add(id(value))
            parts = _parts_of(value)
            is_flat = _NUMBERS.issuperset(map(type, parts))
            size = 1 + len(parts) // (_AT_ONCE if is_flat else 1)
            if size <= room:
                room -= size
                pending += ((name, each, depth + 1) for each in parts)
                if is_flat and (kind is list or kind is tuple) and len(parts) > 1:
                    yield name, value


def _roots(function: Any, arguments: Any) -> dict[str, Any]:
    """Return globals by name; by "" the object of a function, what is around it, and its arguments."""
    names = getattr(getattr(function, "__func__", function), "__globals__", {})
    roots = {name: each for name, each in names.items() if not name.startswith("__")}
    roots[""] = [getattr(function, "__self__", None), *enclosed(function), *arguments]
    return roots
