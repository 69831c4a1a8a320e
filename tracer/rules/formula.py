"""Formulas: the text of a partial derivative, compiled once to a function of NumPy columns or arrays.

Used by kinds.py; `fault_of` also by whoever takes a text that is not from our own tables. A text may use the names of
the operands, `out`, and the functions of VOCABULARY; our own tables also those of FROM_SCIPY and OF_SEVERAL.
"""

from __future__ import annotations

import ast
import copy
import keyword
import math
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.from_scipy import from_scipy
from tracer.rules.special import digamma, digamma_rise, i1

if TYPE_CHECKING:
    from collections.abc import Callable

COLUMN_TYPE = np.dtype(np.float64)

FROM_NUMPY = (
    "abs",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "isfinite",
    "log",
    "log1p",
    "real",
    "rint",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
)
VOCABULARY: dict[str, Any] = {
    "pi": math.pi,
    "inf": math.inf,
    "digamma": digamma,
    "i1": i1,
    **{name: getattr(np, name) for name in FROM_NUMPY},
}
FROM_SCIPY = (
    "bei beip ber berp betaln elliprd erf eval_chebyu eval_gegenbauer "
    "eval_genlaguerre eval_hermite eval_hermitenorm eval_jacobi expn gamma gammaln hankel1 hankel1e "
    "hankel2 hankel2e hyp0f1 hyp1f1 hyp2f1 hyperu i0 i0e i1e iv ive j0 j1 jv jve k0 k0e k1 k1e kei keip ker "
    "kerp kv kve log_ndtr log_wright_bessel lpmv modstruve ndtr polygamma rgamma spherical_in spherical_jn "
    "spherical_kn spherical_yn struve wofz wright_bessel xlog1py xlogy y0 y1 yv yve zeta"
).split()
"""What the derivatives of SciPy's own functions need."""


def _special(name: str) -> Callable[..., Any]:
    def function(*operands: Any) -> Any:
        return of_whole_order(from_scipy("special", name))(*operands)

    return function


def of_whole_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function of SciPy orders of the type that it takes: columns are floats, or all complex."""

    def compute(*operands: Any, **options: Any) -> Any:
        try:
            return function(*operands, **options)
        except TypeError:
            *orders, place = operands
            orders = [np.real(order) for order in orders]
            if any(map(np.iscomplexobj, operands[:-1])):
                return compute(*orders, place, **options)
            return function(np.asarray(orders[0]).astype(np.int64), *orders[1:], place, **options)

    return compute


def _result(name: str, at: int) -> Callable[..., Any]:
    return lambda *operands: from_scipy("special", name)(*operands)[at]


# The results of functions that have several
OF_SEVERAL = {
    **{f"airy_{name}": _result("airy", at) for at, name in enumerate(("ai", "aip", "bi", "bip"))},
    **{f"ellipj_{name}": _result("ellipj", at) for at, name in enumerate(("sn", "cn", "dn"))},
}
_FROM_SCIPY = {name: _special(name) for name in FROM_SCIPY} | OF_SEVERAL

_NAME = re.compile(r"[^\W\d_]\w*")
_LONGEST = 1000  # characters
_DEEPEST = 50  # levels of parentheses, signs and the like
_ARITHMETIC = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.BitAnd, ast.BitOr, ast.UAdd, ast.USub, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.Load,
)  # fmt: skip
# A ufunc takes one argument more than it has operands, and writes into it.
_ARGUMENTS = {"copysign": 2, "where": 3}


def fault_of(text: str, names: tuple[str, ...]) -> str:
    """Say what in a text is no formula in the operands `names`; the empty string where it is one.

    What passes is arithmetic: it can call nothing but the functions of VOCABULARY, and look into nothing; and it
    computes where all operands are 1.
    """
    if len(text) > _LONGEST:
        return f"it has {len(text):,} characters, the most is {_LONGEST:,}"
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it can't be read: {getattr(error, 'msg', error)}"
    if _depth(tree) > _DEEPEST:
        return f"it is nested more than {_DEEPEST} levels deep"
    functions = {name for name, meaning in VOCABULARY.items() if callable(meaning)}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        fault = ""
        if isinstance(node, ast.Call):
            fault = _fault_of_call(node, functions)
        elif isinstance(node, ast.Name):
            known = functions if id(node) in called else {*names, "out", *VOCABULARY.keys() - functions}
            if node.id not in known:
                fault = f"{node.id} is none of {', '.join(sorted(known))}"
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float) or not _fits_float(node.value):
                fault = f"{node.value!r:.40} is no number that a float can hold"
        elif not isinstance(node, _ARITHMETIC):
            fault = f"{ast.unparse(node) or type(node).__name__} is no arithmetic"
        elif isinstance(node, ast.BinOp | ast.Compare):
            fault = _fault_of_condition(node)
        if fault:
            return fault
    return _fault_at_one(text, names)


def _fault_of_call(node: ast.Call, functions: set[str]) -> str:
    if not (isinstance(node.func, ast.Name) and node.func.id in functions) or node.keywords:
        return f"{ast.unparse(node)} calls something else than {', '.join(sorted(functions))}"
    count = _ARGUMENTS.get(node.func.id, 1)
    if len(node.args) != count:
        return f"{ast.unparse(node)} gives {node.func.id} {len(node.args)} arguments, and it takes {count}"
    return ""


def _fault_of_condition(node: ast.BinOp | ast.Compare) -> str:
    if isinstance(node, ast.Compare):
        return f"{ast.unparse(node)} compares more than two" if len(node.ops) > 1 else ""
    if not isinstance(node.op, ast.BitAnd | ast.BitOr) or (
        _is_condition(node.left) and _is_condition(node.right)
    ):
        return ""
    return f"{ast.unparse(node)} joins something else than two comparisons"


def _is_condition(node: ast.AST) -> bool:
    return isinstance(node, ast.Compare) or (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr)
    )


def _fault_at_one(text: str, names: tuple[str, ...]) -> str:
    """Say why arithmetic does not compute, of numbers and of arrays; the empty string where it does."""
    try:
        with np.errstate(all="ignore"):
            function = compile_formula(text.strip(), names, in_floats=True)
            answers = [function(*[one] * len(names), one) for one in (1.0, np.ones(1))]
    except (ArithmeticError, AttributeError, TypeError, ValueError, RecursionError) as error:
        return f"it can't be computed: {error}"
    return "it gives complex numbers" if any(map(np.iscomplexobj, answers)) else ""


def is_operand_name(name: str) -> bool:
    """Tell whether a formula can name an operand so: no function of formulas, no name of our own."""
    return (
        _NAME.fullmatch(name) is not None
        and not keyword.iskeyword(name)
        and name not in {*VOCABULARY, "out"}
    )


def _fits_float(number: Any) -> bool:
    return bool(abs(number) <= sys.float_info.max)


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level:
        depth, level = depth + 1, [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


@cache
def compile_formula(
    text: str, names: tuple[str, ...], zero_where: str = "", *, in_floats: bool = False
) -> Callable[..., Any]:
    """Compile `text` to a function of the operands `names` and `out`, all positional.

    It is zero where the condition `zero_where` holds, whatever the text says there. The answer has out's
    floating type wherever the text computes one of its own. `in_floats` takes whole numbers as floats.
    """
    value = _body(text, names)
    if in_floats:
        everything = ", ".join((*names, "out"))
        return _compile(names, f"{everything} = _in_floats({everything})", f"return _typed({value}, out)")
    if not zero_where:
        return _compile(names, f"return {value}")
    return _compile(
        names,
        f"_value = {value}",
        f"_excluded = {zero_where}",
        # A condition on constants alone is a plain bool, and then mostly False: no pass over the array.
        "return _value if _excluded is False else _typed(where(_excluded, 0, _value), out)",
    )


@cache
def compile_condition(text: str, names: tuple[str, ...]) -> Callable[..., Any]:
    """Compile `text` to a function of the operands `names` and `out` with a boolean answer."""
    return _compile(names, f"return {text}")


def _compile(names: tuple[str, ...], *statements: str) -> Callable[..., Any]:
    parameters = ", ".join((*names, "out"))
    lines = [
        f"def _local({parameters}):",
        "    try:",
        *(f"        {statement}" for statement in statements),
        # Plain numbers raise where NumPy answers inf: 1/y for the constant y = 0.
        "    except (ZeroDivisionError, OverflowError):",
        f"        return _local(*_as_arrays({parameters}))",
    ]
    namespace = dict(NAMESPACE)
    # Our own tables, and texts that `fault_of` found nothing but arithmetic in.
    exec(compile("\n".join(lines), f"<rule: {statements[0]}>", "exec"), namespace)  # noqa: S102
    local: Callable[..., Any] = namespace["_local"]
    return local


def _body(text: str, names: tuple[str, ...]) -> str:
    return text_of(folded(text, names))


def folded(text: str, names: tuple[str, ...]) -> ast.expr:
    """Return the tree of a text, with a plain number for all that depends on no operand."""
    tree: ast.expr = _Fold({*names, "out"}).visit(ast.parse(text, mode="eval").body)
    return tree


def text_of(tree: ast.expr) -> str:
    """Return a tree as text whose value has out's type."""
    # Only a function or a comparison can answer in a wider type than its float32 operands have.
    widens = any(isinstance(node, ast.Call | ast.Compare) for node in ast.walk(tree))
    body = ast.unparse(tree)
    return f"_typed({body}, out)" if widens else body


class _Fold(ast.NodeTransformer):
    """Turn what depends on no operand into a plain number.

    `sqrt(pi)` is a NumPy float64, which would widen a float32 array; a plain number does not.
    """

    def __init__(self, operands: set[str]) -> None:
        self.operands = operands

    def visit(self, node: ast.AST) -> Any:
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        if isinstance(node, ast.Call | ast.BinOp) and not names & self.operands:
            # In floats, so that 9**9**9 ends at once, in an OverflowError.
            numbers = ast.fix_missing_locations(_Floats().visit(copy.deepcopy(node)))
            number = eval(compile(ast.Expression(numbers), "<rule>", "eval"), dict(VOCABULARY))  # noqa: S307 as above
            return ast.Constant(complex(number) if np.iscomplexobj(number) else float(number))
        return self.generic_visit(node)


class _Floats(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        number: Any = node.value
        return ast.Constant(number if isinstance(number, complex) else float(number))


def _typed(value: Any, out: Any) -> Any:
    if type(value) in (bool, float, int, complex):  # a comparison of plain numbers: np.where(True, x, y)
        value = np.asarray(value)[()]
    dtype = getattr(out, "dtype", COLUMN_TYPE)
    if value.dtype.kind == "c" and dtype.kind == "f":  # the partial of a real function of complex numbers
        dtype = np.result_type(dtype, np.complex64)
    if value.dtype is dtype or value.dtype == dtype or dtype.kind not in "fc":
        return value
    return value.astype(dtype)


def _in_floats(*operands: Any) -> list[Any]:
    return [float(each) if isinstance(each, (int, np.integer)) else each for each in operands]


def _as_arrays(*operands: Any) -> list[Any]:
    dtype = getattr(operands[-1], "dtype", COLUMN_TYPE)
    if dtype.kind not in "fc":
        dtype = COLUMN_TYPE
    return [np.asarray(operand, dtype) for operand in operands]


# Names of ours begin with an underscore, those of operands do not.
NAMESPACE = {
    **_FROM_SCIPY,
    **VOCABULARY,
    "digamma_rise": digamma_rise,
    "_typed": _typed,
    "_as_arrays": _as_arrays,
    "_in_floats": _in_floats,
}
