"""What calls and other expressions make of a plain number, or of its text, by what is written. Used by goes_on.py."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tracer.diagnose.program_text import called_name

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Text

# Calls by which a number leaves, and those that write it
_CONVERSIONS = frozenset(
    "float int complex float16 float32 float64 longdouble array asarray astype".split()
)
_WRITES = frozenset("str repr format hex __format__ __str__ __repr__".split())
# Of Python's own functions: after which it is none any more, or only shown; whose result alone has it
_ENDS = frozenset("print len range isinstance hasattr any all bool id type callable hash".split())
_MAKES = frozenset(
    "float int complex abs round min max sum pow divmod str repr format ascii sorted list tuple set dict frozenset zip "
    "reversed iter next enumerate bytes bytearray".split()
)
_SHOWN_BY = frozenset(("sep", "end", "flush"))  # and not into a file
_LOGS = frozenset("debug info warning error critical exception log".split())
# Modules whose functions only give a result, but for some
_MODULES = frozenset("math cmath numpy statistics decimal fractions collections ast re json".split())
_DO = frozenset("copyto put place putmask fill_diagonal save savez savetxt at shuffle seed dump".split())
PUTS = frozenset("append appendleft extend insert add update setdefault".split())
# How a container is made that nothing else has
_FRESH = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_MAKERS = frozenset("list dict set deque defaultdict OrderedDict zeros empty ones full".split())
# Whose result is all made of the first thing that they are given, whatever else they get; or of another one of several
_OF_THE_FIRST = frozenset("format array asarray astype fromstring full_like".split())
_CHOOSE = frozenset("min max next where clip minimum maximum sorted get setdefault pop".split())
_FIELD = re.compile(r"%[-+ #0]*\d*(\.\d+)?[a-z]|{[^{}]*}")


def does_end(text: Text, call: ast.Call) -> bool:
    """Tell whether a call only shows, counts or asks something of what it is given."""
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _ENDS and all(each.arg in _SHOWN_BY for each in call.keywords)
    return name in _LOGS and text.module_of(call.func) == "logging"


def does_make(text: Text, call: ast.Call) -> bool:
    """Tell whether what a call is given goes nowhere but into its result."""
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _MAKES
    if name == "fromhex":
        return not text.binds("float")
    is_pure = text.module_of(call.func) in _MODULES and name not in _DO
    return is_pure and all(each.arg != "out" for each in call.keywords)


def is_conversion(text: Text, start: ast.AST) -> bool:
    """Tell whether a number leaves by a call that gives it to nobody else."""
    if not isinstance(start, ast.Call) or called_name(start) not in _CONVERSIONS:
        return False
    if isinstance(start.func, ast.Name) and not text.binds(called_name(start)):
        return True
    return called_name(start) == "astype" or text.module_of(start.func) == "numpy"


def is_alone(node: ast.AST, call: ast.Call) -> bool:
    """Tell whether the result of a call is all made of one thing that it is given."""
    name = called_name(call)
    if call.args[:1] == [node] and name in _OF_THE_FIRST:
        return True
    given = [*call.args, *(each.value for each in call.keywords)]
    return name not in _CHOOSE and all(isinstance(each, ast.Constant) for each in given if each is not node)


def is_of_one_number(start: ast.AST) -> bool:
    """Tell whether an expression is a number that left, or the text of nothing but one."""
    match start:
        case ast.JoinedStr(values=parts):
            written = "".join(str(each.value) for each in parts if isinstance(each, ast.Constant))
            return sum(isinstance(each, ast.FormattedValue) for each in parts) == 1 and not _digits(written)
        case ast.BinOp(left=ast.Constant(value=str(form)), right=value):
            return len(_FIELD.findall(form)) == 1 and not _digits(form) and not isinstance(value, ast.Tuple)
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(form))), args=[_], keywords=[]):
            return len(_FIELD.findall(form)) == 1 and not _digits(form)
        case ast.Call():
            return called_name(start) in _CONVERSIONS | _WRITES
    return isinstance(start, ast.FormattedValue)


def _digits(form: str) -> bool:
    return any(map(str.isdigit, _FIELD.sub("", form)))


def is_text(node: ast.AST) -> bool:
    """Tell whether a text is made by an f-string, by `%`, or by a method of one that is written."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) and _is_written(node.left)
    of = node.func if isinstance(node, ast.Call) else None
    return isinstance(node, ast.JoinedStr) or (isinstance(of, ast.Attribute) and _is_written(of.value))


def _is_written(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def is_made(name: ast.Name, statement: ast.AST) -> bool:
    """Tell whether a statement makes the container that it gives a name, and gives it nothing else."""
    match statement:
        case ast.Assign(targets=[target], value=made) | ast.AnnAssign(target=target, value=made):
            if isinstance(target, ast.Tuple) and isinstance(made, ast.Tuple):
                made = dict(zip(target.elts, made.elts, strict=False)).get(name)
            elif target is not name:
                return False
            return isinstance(made, _FRESH) or (isinstance(made, ast.Call) and called_name(made) in _MAKERS)
    return False
