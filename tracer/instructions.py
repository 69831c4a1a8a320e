"""The code object's side of a place: what was executed. Used by syntax.py and source.py."""

from __future__ import annotations

import dis
import opcode
import re
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

# Line, end line, column and end column in bytes, as `co_positions` has them; None is unknown.
Span: TypeAlias = tuple[int | None, int | None, int | None, int | None]

_NUMBERS = (float, complex, int)
_SMALL_INT = opcode.opmap.get("LOAD_SMALL_INT")  # from Python 3.14 on, and these are no constants
_BETWEEN = ("CACHE", "EXTENDED_ARG", "FOR_ITER")  # an item that an array gives up is what a loop stores
_BEFORE_CALLS = (*_BETWEEN, "PRECALL")
# `a[i] = x`, and `a[i:j] = x` from Python 3.12 on
STORES_OF_ITEMS = ("STORE_SUBSCR", "STORE_SLICE")
ITEM_STORES = frozenset(opcode.opmap[name] for name in STORES_OF_ITEMS if name in opcode.opmap)
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF")
_LOADS = ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF")
_TWO_IN_ONE = ("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST")  # from Python 3.13 on

_BINARY_OP = opcode.opmap["BINARY_OP"]
_OPERATORS = [sign for _, sign in opcode._nb_ops]  # type: ignore[attr-defined]  # noqa: SLF001  (documented nowhere else)
_IS_PLAIN = np.isin(np.arange(256), [n for n, sign in enumerate(_OPERATORS) if sign[-1] not in "=]"])
_SUBSCRIPT = opcode.opmap.get("BINARY_SUBSCR")  # None from Python 3.14 on: one of the operators


class Code:
    """What is asked of one code object, read once."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.bytes = code.co_code
        self.spans: list[Span] = list(code.co_positions())
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
        self.parameters = code.co_varnames[:count]
        self.variables = frozenset((*code.co_varnames, *code.co_cellvars)) - frozenset(self.parameters)
        self._names = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
        self._numbers = {(type(value), value) for value in code.co_consts if type(value) in _NUMBERS}
        operations = zip(self.bytes[::2], self.bytes[1::2], strict=True)
        self._numbers |= {(int, argument) for operation, argument in operations if operation == _SMALL_INT}

    def mentions(self, name: str) -> bool:
        """Look for a name, with or without dots and keys; not for private ones, which the compiler renames."""
        parts = (part for part in re.split(r"[.\[]", name) if part.isidentifier())
        return name in self._names or all(part in self._names or part.startswith("__") for part in parts)

    def holds(self, constant: object) -> bool:
        """Look for a number; other constants are not looked for."""
        return type(constant) not in _NUMBERS or (type(constant), constant) in self._numbers


class Instruction(NamedTuple):
    """One instruction; it starts at the offset or before: a frame can stand in the caches behind it."""

    code: Code
    offset: int
    start: int
    operation: str
    argument: int
    span: Span


def taken_by_next(instruction: Instruction) -> tuple[str, bool]:
    """Say what the next instruction does with the result: the variable that it stores it in, and whether it returns it.

    So a value has its name also where no text can be had: `python -c`, a program from standard input, `exec`.
    """
    after = next((each for each in _following(instruction) if each.opname not in _BETWEEN), None)
    if after is None:
        return "", False
    if after.opname in _TWO_IN_ONE:
        return str(after.argval[0]), False
    if after.opname in _STORES:
        return str(after.argval), False
    return "", after.opname == "RETURN_VALUE"


def called_with(instruction: Instruction) -> int:
    """Return where the call is whose last argument is the result; where no call follows, where the result is made."""
    after = next((each for each in _following(instruction) if each.opname not in _BEFORE_CALLS), None)
    return after.offset if after is not None and after.opname == "CALL" else instruction.start


def _following(instruction: Instruction) -> Iterator[dis.Instruction]:
    return (each for each in dis.get_instructions(instruction.code.code) if each.offset > instruction.start)


def loaded_by(instruction: dis.Instruction) -> tuple[str, ...]:
    """Return the variables that an instruction loads: from Python 3.13 on, also two, or one after it stored another."""
    name, loaded = instruction.opname, instruction.argval
    if name == "STORE_FAST_LOAD_FAST":
        return (loaded[1],)
    if not name.startswith(_LOADS):
        return ()
    return loaded if type(loaded) is tuple else (loaded,)


def line_of(code: CodeType, offset: int) -> int:
    """Return the line of an instruction; where it has none, that of its function."""
    return list(code.co_positions())[offset // 2][0] or code.co_firstlineno


def operator_at(frame: FrameType) -> str:
    """Return the operator that the running instruction does, as it is written: `+`, `**=`, `[]`; nothing if none."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if code[at] == _SUBSCRIPT:
        return "[]"
    return str(_OPERATORS[code[at + 1]]) if code[at] == _BINARY_OP else ""


def has_operator(code: CodeType, offsets: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Tell of some offsets whether an operator of two operands stands there, `a + b`: none in place, no `x[i]`."""
    instructions = np.frombuffer(code.co_code, np.uint8)
    is_plain: np.ndarray[Any, Any] = _IS_PLAIN[instructions[offsets + 1]]
    is_plain &= instructions[offsets] == _BINARY_OP
    return is_plain


def start_of(code: bytes, offset: int) -> int:
    """Return where the instruction starts that a frame stands in, or in the caches behind it.

    In Python 3.11 `x[i]` of a class of Python's moves from its start to its caches after seven turns.
    """
    while offset > 0 and not code[offset]:
        offset -= 2
    return offset


def with_inner(codes: Iterable[CodeType]) -> list[CodeType]:
    """Return code objects, and those of the functions and classes that are written inside of them."""
    found = list(codes)
    for each in found:  # which grows
        found += [constant for constant in each.co_consts if isinstance(constant, CodeType)]
    return found


def instructions_of(code: CodeType, offsets: set[int]) -> Iterator[Instruction]:
    """Yield the instructions at these offsets of a code object."""
    facts = Code(code)
    for offset in sorted(offsets):
        if not 0 <= offset < len(facts.bytes):  # a frame that has not started stands at -1
            yield Instruction(facts, offset, offset, "", 0, (None, None, None, None))
            continue
        start = start_of(facts.bytes, offset)
        operation, argument = dis.opname[facts.bytes[start]], facts.bytes[start + 1]
        yield Instruction(facts, offset, start, operation, argument, facts.spans[offset // 2])
