"""What calls and other expressions make of a plain number, or of its text, by what is written. Used by goes_on.py."""

from __future__ import annotations

import ast
import cmath
import math
import re
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.program_text import called_name
from tracer.numpy_table import FOLLOWED, PLAIN_READS

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Function, Text

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
# Functions of modules that do nothing but give a result: one that is not known here may keep what it gets
_OF_NUMPY = frozenset(
    "array asarray asanyarray ascontiguousarray asfortranarray concat permute_dims arange full full_like zeros ones "
    "empty eye identity tri indices fromiter fromstring frombuffer base_repr binary_repr format_float_positional "
    "format_float_scientific diag_indices tril_indices triu_indices mask_indices broadcast_shapes packbits unpackbits "
    "bartlett blackman hamming hanning kaiser iterable dtype finfo iinfo ndindex ndenumerate poly1d Polynomial "
    "reduce accumulate reduceat default_rng RandomState Generator normal standard_normal uniform random random_sample "
    "rand randn randint choice permutation exponential gamma beta binomial poisson multivariate_normal".split()
)
_GIVE = {
    "math": frozenset(vars(math)),
    "cmath": frozenset(vars(cmath)),
    "numpy": _OF_NUMPY.union(
        (getattr(each, "__name__", "") for each in chain(FOLLOWED, PLAIN_READS)),
        (name for name, each in vars(np).items() if isinstance(each, np.ufunc)),
        (name for name in np.sctypeDict if isinstance(name, str)),
    ),
    "statistics": frozenset(
        "mean fmean geometric_mean harmonic_mean median median_low median_high median_grouped mode multimode quantiles "
        "pstdev pvariance stdev variance covariance correlation linear_regression NormalDist".split()
    ),
    "decimal": frozenset(("Decimal",)),
    "fractions": frozenset(("Fraction",)),
    "collections": frozenset("deque OrderedDict Counter ChainMap defaultdict".split()),
    "ast": frozenset(("literal_eval",)),
    "re": frozenset("findall finditer search match fullmatch split escape compile".split()),
    "json": frozenset(("dumps", "loads")),
}
# By which a call is given what it writes into, or calls
_HANDS = frozenset(
    "out key default cls object_hook object_pairs_hook parse_float parse_int parse_constant func".split()
)
_TAKE_THREE = frozenset("where clip interp linspace full arange select fsum".split())
PUTS = frozenset("append appendleft extend insert add update setdefault".split())
# Whose result is all made of the first thing that they are given, whatever else they get; or of another one of several
_OF_THE_FIRST = frozenset("format array asarray astype fromstring full_like".split())
_CHOOSE = frozenset("min max next where clip minimum maximum sorted get setdefault pop".split())
# What else an operator, a variable or a call may mean, or what is printed come back
_OTHER_MEANINGS = frozenset(
    "globals builtins __builtins__ modules _getframe currentframe f_locals settrace setprofile Handler "
    "redirect_stdout redirect_stderr __defaults__ __kwdefaults__ __code__ __globals__ __import__ exec".split()
)
_GIVE_NAMES = frozenset("setattr vars object".split())  # `mock.patch.object(math, "exp", …)`
_SET = ("setattr", "__setattr__")
_PASS_ON = frozenset("open errstate catch_warnings printoptions nullcontext".split())  # errors, of `with`
_ASKED = frozenset(
    "lt le gt ge eq ne contains getitem missing add radd iadd sub rsub isub mul rmul imul truediv rtruediv itruediv "
    "pow rpow ipow mod rmod imod floordiv rfloordiv ifloordiv divmod rdivmod "
    "lshift ilshift rshift irshift matmul rmatmul imatmul format".split()
)
_FIELD = re.compile(r"%[-+ #0]*\d*(\.\d+)?[a-z]|{[^{}]*}")


def does_end(text: Text, call: ast.Call) -> bool:
    """Tell whether a call only shows, counts or asks something of what it is given."""
    name = called_name(call)
    if isinstance(call.func, ast.Name) and not text.binds(name):
        is_made_of_it = name == "type" and len(call.args) > 1
        return name in _ENDS and not is_made_of_it and all(each.arg in _SHOWN_BY for each in call.keywords)
    return name in _LOGS and text.module_of(call.func) == "logging"


def does_make(text: Text, call: ast.Call) -> bool:
    """Tell whether what a call is given goes nowhere but into its result."""
    name = called_name(call)
    if not gives_to_nobody(call):
        return False
    if isinstance(call.func, ast.Name) and not text.binds(name):
        return name in _MAKES
    if name == "fromhex":
        return not text.binds("float")
    is_for_its_result = not isinstance(text.parents.get(call), ast.Expr)
    return is_for_its_result and name in _GIVE.get(text.module_of(call.func), ()) and not _has_out(call)


def gives_to_nobody(call: ast.Call) -> bool:
    """Tell whether a call is given nothing by name that it writes into, or calls."""
    return all(each.arg is not None and each.arg not in _HANDS for each in call.keywords)


def _has_out(call: ast.Call) -> bool:
    """Tell whether an array may be given by place for what a function of NumPy computes: `np.exp(x, y)`."""
    name = called_name(call)
    ufunc = getattr(np, name, None)
    most = ufunc.nin if isinstance(ufunc, np.ufunc) else 2 + (name in _TAKE_THREE)
    return len(call.args) > most or (most < 2 and any(isinstance(each, ast.Starred) for each in call.args))


def is_conversion(text: Text, start: ast.AST) -> bool:
    """Tell whether a number leaves by a call that gives it to nobody else."""
    if not isinstance(start, ast.Call) or called_name(start) not in _CONVERSIONS:
        return False
    if isinstance(start.func, ast.Name) and not text.binds(called_name(start)):
        return True
    return called_name(start) == "astype" or text.module_of(start.func) == "numpy"


def writes(text: Text, start: ast.AST) -> bool:
    """Tell whether a number is written by an expression that gives its text to nobody else."""
    if isinstance(start, ast.Call) and isinstance(start.func, ast.Name):
        return called_name(start) in _WRITES and not text.binds(called_name(start))
    return is_text(start)


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
    return False


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


def is_to_caller(text: Text, function: Function | None) -> bool:
    """Tell whether what a function returns is what its call gives, and nothing else has it: a cache, a generator."""
    if isinstance(function, ast.Lambda):
        return True
    if (
        not isinstance(function, ast.FunctionDef)
        or function.decorator_list
        or _is_given(text, function.name)
    ):
        return False
    return not any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(function))


def calls_directly(text: Text, call: ast.Call, function: str) -> bool:
    """Tell whether a call calls a function of a name itself: not something that calls it, `list(map(f, xs))`."""
    name = called_name(call)
    if isinstance(call.func, ast.Name) and function == "<lambda>":
        return text.binds(name) == 1 and any(
            isinstance(each, ast.Assign)
            and isinstance(each.value, ast.Lambda)
            and any(isinstance(target, ast.Name) and target.id == name for target in each.targets)
            for each in text.nodes
        )
    is_alone = isinstance(call.func, ast.Attribute) or text.binds(name) == 1
    return name == function and is_alone and not _is_given(text, name)


def _is_given(text: Text, name: str) -> bool:
    """Tell whether a file assigns something to a name, or to an attribute of that name."""
    return any(
        isinstance(each, (ast.Name, ast.Attribute))
        and not isinstance(each.ctx, ast.Load)
        and name == (each.id if isinstance(each, ast.Name) else each.attr)
        for each in text.nodes
    )


def _name_of(called: ast.expr) -> str:
    return called_name(called) if isinstance(called, ast.Call) else ""


def catches(function: ast.AST) -> bool:
    """Tell whether a part of the program may go on after an error."""
    return any(
        isinstance(each, (ast.Try, ast.TryStar))
        or (isinstance(each, ast.withitem) and _name_of(each.context_expr) not in _PASS_ON)
        for each in ast.walk(function)
    )


@lru_cache(maxsize=16)
def means_what_it_says(text: Text) -> bool:
    """Tell whether nothing in a file may give an operator, a variable or a call another meaning than the usual one."""
    return not any(map(partial(_may_mean_else, text), text.nodes))


@lru_cache(maxsize=16)
def sets_any_name(text: Text) -> bool:
    """Tell whether a file gives something to attributes by names that are not written in it: `__defaults__`, too."""
    return any(map(_sets_any_name, text.nodes))


def _sets_any_name(node: ast.AST) -> bool:
    match node:
        case ast.Call(args=[*given]) if called_name(node) in _SET:
            return not any(isinstance(each, ast.Constant) for each in given[:2])
        case ast.Subscript(value=ast.Call(args=[_, name, *_]) as call, ctx=ast.Store()):
            return called_name(call) == "getattr" and not isinstance(name, ast.Constant)
    return False


def _may_mean_else(text: Text, node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.alias(name=name):
            return name in _OTHER_MEANINGS
        case ast.Constant(value=str(name)):  # `setattr(f, "__defaults__", …)`
            return name[:2] == "__" and name in _OTHER_MEANINGS
        case ast.Attribute(attr=name, ctx=context):
            # `logging.info = kept.append`
            is_written = isinstance(context, ast.Store) or name == "__dict__"
            return name in _OTHER_MEANINGS or (is_written and text.module_of(node) != "")
        case ast.Call(args=[of, *_]) if called_name(node) in _GIVE_NAMES:
            return text.module_of(ast.Attribute(of, "_")) != ""
        case ast.FunctionDef(name=name):
            return name.startswith("__") and name.strip("_") in _ASKED
    return False
