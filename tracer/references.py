"""How many references there are to an object, whatever the version of Python makes of the line that asks.

Up to Python 3.13, what runs has a reference of its own to each of its operands and arguments. From 3.14 on, it borrows
from local variables what the compiler can tell to stay there meanwhile, and that is told line by line. So an object is
counted by where it is kept, never by a variable or a parameter of the one who counts; and of the program's own lines
it is read what they borrow.
"""

from __future__ import annotations

import ast
import dis
import sys
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.errors import UsageError
from tracer.instructions import instructions_of, loaded_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

if "free-threading build" in sys.version:  # as Python's documentation has it asked
    refused = UsageError(
        "edgegrad does not run on a free-threaded Python: there references are counted otherwise, and what is one step "
        "under the lock of the interpreter is several, so a gradient could be missing without a word",
        got=f"got Python {sys.version}",
        advice="run it with the ordinary build of the same version (python3.14, not python3.14t)",
    )
    raise ImportError(refused.message)

BORROWS = any("BORROW" in name for name in dis.opmap)
# Instructions that put one result in place of their operands; of others it is only known how much more there is
_ANSWERS = tuple(
    "BINARY_ BUILD_ CALL COMPARE_OP CONTAINS_OP CONVERT_VALUE FORMAT_ GET_ITER IS_OP LOAD_ATTR TO_BOOL UNARY_ "
    "YIELD_VALUE".split()
)
_LEAVING = (
    "JUMP_BACKWARD",
    "JUMP_FORWARD",
    "RETURN_VALUE",
    "RAISE_VARARGS",
    "RERAISE",
)  # nothing goes on behind
_MADE = (*_ANSWERS, "FOR_ITER", "UNPACK_")
_ALONE = [object()]
_OWN = sys.getrefcount(_ALONE[0])  # that of the list, and the count's


def references(items: Any, key: Any) -> int:
    """Count the references to an item of a list, a tuple or a dict, beyond that one."""
    return sys.getrefcount(items[key]) - _OWN


def is_alone(options: dict[str, Any], held: int = 0) -> bool:
    """Tell of `b *= x`, asked by the `__array_ufunc__` of x, whether nothing has the array but so many references."""
    (array,) = options["out"]
    owns = array.base is None
    del array
    return owns and _references(options) - held <= _fewest()


def _references(options: dict[str, Any]) -> int:
    return references(options["out"], 0)


class _Asked:
    """What is asked in place of x."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> int:
        return _references(options)


class _Made:
    """Has no array, but makes one."""

    written: Any = None

    def __getitem__(self, index: Any) -> Any:
        return np.empty(1)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.written = value


@cache
def _fewest() -> int:
    """Count the references to an array that nothing has while it is written."""
    made = _Made()
    made[0] *= _Asked()
    return int(made.written)


def borrowed(node: ast.expr, frame: FrameType) -> int:
    """Count the references to what is written so that the running instruction may lack, as it borrows its operand."""
    waiting, operands = _loaded(frame.f_code, frame.f_lasti) if BORROWS else (_NONE, _NONE)
    return int(any(_lacks_reference(each, waiting | operands, frame) for each in _variables(node)))


def is_waiting(name: str, frame: FrameType) -> bool:
    """Tell whether an operand is borrowed from a variable while another is computed: c, in `c + g(c)`, while g runs.

    It stays what it was, whatever the variable is given meanwhile, and has no reference that could be counted.
    """
    return BORROWS and _lacks_reference(name, _loaded(frame.f_code, frame.f_lasti)[0], frame)


def is_lent_by_caller(name: str, frame: FrameType) -> bool:
    """Tell whether a variable may have no reference of its own, as a call that waits has borrowed it: c, in `g(c)`.

    So it is of a parameter, of what is given that, `d = c`, and of what is called with those. Code in C in between
    makes a reference, which is not told.
    """
    if not BORROWS:  # and where nothing is, asking for a frame's variables would leave a reference
        return False
    return _is_lent({name}, frame.f_locals.get(name), frame)


def is_set_aside(array: Any, frame: FrameType) -> bool:
    """Tell whether a comprehension that runs keeps an array without a reference: c, in `g(c)`, `[c for c in …]` of g.

    A variable of its name waits meanwhile where nobody can look, and may be lent.
    """
    running: FrameType | None = frame if BORROWS else None
    while running is not None:
        names = _set_aside(running.f_code, running.f_lasti)
        if names and _is_lent({*names}, array, running):
            return True
        running = running.f_back
    return False


def _is_lent(names: set[str], held: Any, frame: FrameType) -> bool:
    while names & _given_variables(frame.f_code) and frame.f_back is not None:
        frame = frame.f_back
        operands = _loaded(frame.f_code, frame.f_lasti)[1]
        given = [each for each in operands if frame.f_locals.get(each.name) is held]
        if any(each.is_borrowed for each in given):
            return True
        names = {each.name for each in given}
    return False


class _Loaded(NamedTuple):
    """A variable that an operand is loaded from."""

    name: str
    is_borrowed: bool  # else it has a reference, if the variable has one


_NONE: frozenset[_Loaded] = frozenset()


def _lacks_reference(name: str, loaded: frozenset[_Loaded], frame: FrameType) -> bool:
    return _Loaded(name, True) in loaded or (
        _Loaded(name, False) in loaded and is_lent_by_caller(name, frame)
    )


@lru_cache(maxsize=1024)
def _given_variables(code: CodeType) -> frozenset[str]:
    """Return the parameters of a function, and the variables that may be given what another one holds.

    Those are all but the ones that are stored right where a result was made.
    """
    given, before = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}, ""
    for each in dis.get_instructions(code):
        if each.opname.startswith("STORE_FAST"):
            stored = (each.argval,) if type(each.argval) is str else each.argval
            is_made = before.startswith(_MADE if len(stored) == 1 or "LOAD" in each.opname else "UNPACK_")
            given.update(() if is_made and not each.is_jump_target else stored)
        before = each.opname
    return frozenset(given).difference(code.co_cellvars)


@lru_cache(maxsize=1024)
def _set_aside(code: CodeType, offset: int) -> frozenset[str]:
    """Return the variables of a function whose names a comprehension that runs there has for its own."""
    spans = [*code.co_positions()]
    around = {
        each.argval
        for each in dis.get_instructions(code)
        if each.opname == "LOAD_FAST_AND_CLEAR"
        and each.offset < offset
        and _is_within(spans[offset // 2], spans[each.offset // 2])
    }
    return frozenset(around & _own_variables(code)) if around else frozenset()


@lru_cache(maxsize=1024)
def _own_variables(code: CodeType) -> frozenset[str]:
    """Return the parameters of a function, and what it stores elsewhere than in a comprehension."""
    names = {*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]}
    spans = [*code.co_positions()]
    inside: dict[str, list[Any]] = {}
    for each in dis.get_instructions(code):
        span = spans[each.offset // 2]
        if each.opname == "LOAD_FAST_AND_CLEAR":
            inside.setdefault(each.argval, []).append(span)
        elif each.opname.startswith("STORE_FAST"):
            stored = (each.argval,) if type(each.argval) is str else each.argval
            names.update(
                name for name in stored if not any(_is_within(span, one) for one in inside.get(name, ()))
            )
    return frozenset(names)


def _is_within(inner: tuple[Any, ...], outer: tuple[Any, ...]) -> bool:
    if None in (*inner, *outer):
        return True
    return outer[::2] <= inner[::2] and inner[1::2] <= outer[1::2]


@lru_cache(maxsize=1024)
def _loaded(code: CodeType, offset: int) -> tuple[frozenset[_Loaded], frozenset[_Loaded]]:
    """Return the variables that operands are loaded from: those that wait below, and those of the running one."""
    (running,) = instructions_of(code, {offset})
    stack: list[frozenset[_Loaded]] = []  # what may have been loaded there
    operands: list[frozenset[_Loaded]] = []
    ahead: dict[int, list[frozenset[_Loaded]]] = {}  # by where it is jumped to
    goes_on = True
    for each in dis.get_instructions(code) if offset >= 0 else ():
        jumped = ahead.get(each.offset, [])
        if not goes_on:
            stack = [*jumped]
        elif len(jumped) == len(stack):
            stack = list(map(frozenset.union, stack, jumped))
        goes_on = not each.opname.startswith(_LEAVING)
        if each.opname == "SWAP" and len(stack) >= each.argval:
            stack[-1], stack[-each.argval] = stack[-each.argval], stack[-1]
            continue
        if each.opname == "COPY" and len(stack) >= each.argval:
            stack.append(stack[-each.argval])
            continue
        if each.opcode in dis.hasjrel:
            after = max(0, len(stack) + dis.stack_effect(each.opcode, each.arg, jump=True))
            there = [*stack, *[_NONE] * after][:after]
            ahead[each.argval] = list(map(frozenset.union, there, ahead.get(each.argval, there)))
        is_variable = "LOAD_FAST" in each.opname
        made = [_Loaded(name, "BORROW" in each.opname) for name in loaded_by(each) if is_variable]
        effect = dis.stack_effect(each.opcode, each.arg, jump=False)
        results = max(effect, len(made), int(each.opname.startswith(_ANSWERS)))
        at = max(0, len(stack) - results + effect)
        operands, stack[at:] = stack[at:], []
        if each.offset >= running.start:
            break
        stack += [frozenset({loaded}) for loaded in made] or [_NONE] * results
    return _NONE.union(*stack), _NONE.union(*operands)


def _variables(node: ast.expr) -> Iterator[str]:
    """Yield the names of the variables whose value an expression may be."""
    match node:
        case ast.Name(name):
            yield name
        case ast.IfExp(_, one, other):
            yield from (*_variables(one), *_variables(other))
        case ast.BoolOp(_, parts):
            yield from (name for part in parts for name in _variables(part))
