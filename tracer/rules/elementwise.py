"""Derivatives of elementwise operations: the table of a calculus book. Read through rules.RULES.

Where a derivative is a convention, the condition (`kink`) and the convention (`choice`) stand beside it.
A comparison counts as 1 or 0, as Iverson's bracket does. Complex operands have the same holomorphic
derivative, except where the table compares, and where a row has another rule `of_complex`.
"""

from __future__ import annotations

from tracer.rules.complex_numbers import ABSOLUTE, ARCCOS, ARCCOSH, ARCSIN, ARCSINH, NAN_TO_NUM, SIGN
from tracer.rules.kinds import Elementwise, Vjp

POWER = Elementwise(
    # x**0 is 1 whatever x is, and 0**y is 0 whatever y > 0 is; at 0**0 the second is a convention.
    ("y * x**(y - 1)", "log(x) * out"),
    "^",
    zero_where=("y == 0", "(x == 0) & (real(y) >= 0)"),
    kink="(x == 0) & (0 <= real(y)) & (real(y) < 1)",
    choice="x^y at x = 0: inf by x for 0 < y < 1, 0 by y for y = 0",
)
POWERS = ("power", "float_power")

ARITHMETIC = {
    "add": Elementwise(("1", "1"), "+"),
    "subtract": Elementwise(("1", "-1"), "−"),
    "multiply": Elementwise(("y", "x"), "×"),
    "divide": Elementwise(("1/y", "-out/y"), "÷"),
    "negative": Elementwise(("-1",), "−"),
    "positive": Elementwise(("1",), "+"),
    "reciprocal": Elementwise(("-out**2",)),
    "square": Elementwise(("2*x",)),
    **dict.fromkeys(POWERS, POWER),
    "fma": Elementwise(("y", "x", "1")),
    # The number of whole y in x, computed so that it agrees with `out` to the last unit: 1 / 0.1 is 10, and
    # yet 1 % 0.1 is 0.09999999999999995, with 9 in it.
    "remainder": Elementwise(
        ("1", "-(x // y)"), "%", kink="out == 0", choice="x % y jumps here: the slope beside the jump"
    ),
    "fmod": Elementwise(
        ("1", "-rint((x - out)/y)"), kink="out == 0", choice="fmod jumps here: the slope beside the jump"
    ),
    "ieee_remainder": Elementwise(
        ("1", "-rint((x - out)/y)"),
        symbol="remainder",
        kink="abs(out) == abs(y)/2",
        choice="remainder jumps here: the slope beside the jump",
    ),
    "astype": Elementwise(("1",)),
    "copy": Elementwise(("1",)),
    "broadcast_to": Elementwise(("1",)),
}

ROOTS = {
    "sqrt": Elementwise(("1/(2*out)",), "√", kink="x == 0", choice="sqrt'(0) = inf"),
    "cbrt": Elementwise(("1/(3*out**2)",), "∛", kink="x == 0", choice="cbrt'(0) = inf"),
    "hypot": Elementwise(
        ("x/out", "y/out"),
        zero_where=("out == 0", "out == 0"),
        kink="out == 0",
        choice="hypot'(0, 0) = 0",
    ),
}

EXPONENTIALS = {
    "exp": Elementwise(("out",)),
    "exp2": Elementwise(("log(2) * out",)),
    "expm1": Elementwise(("out + 1",)),
    "log": Elementwise(("1/x",)),
    "log2": Elementwise(("1/(x * log(2))",)),
    "log10": Elementwise(("1/(x * log(10))",)),
    "log1p": Elementwise(("1/(1 + x)",)),
    "log_base": Elementwise(("1/(x * log(base))", "-out/(base * log(base))"), "log", names=("x", "base")),
    # log(0 + 0) is -inf, and (-inf) - (-inf) is no number.
    "logaddexp": Elementwise(("exp(x - out)", "exp(y - out)"), zero_where=("out == -inf", "out == -inf")),
    "logaddexp2": Elementwise(
        ("exp2(x - out)", "exp2(y - out)"), zero_where=("out == -inf", "out == -inf")
    ),
    "ldexp": Elementwise(("exp2(y)", "")),
    "frexp_mantissa": Elementwise(
        ("where(x == 0, 1, out/x)",), "frexp", kink="x == 0", choice="frexp'(0) = 1, as its exponent is 0"
    ),
}

TRIGONOMETRY = {
    "sin": Elementwise(("cos(x)",)),
    "cos": Elementwise(("-sin(x)",)),
    "tan": Elementwise(("1 + out**2",)),
    "arcsin": Elementwise(
        ("1/sqrt(1 - x**2)",), kink="abs(x) == 1", choice="arcsin'(±1) = inf", of_complex=ARCSIN
    ),
    "arccos": Elementwise(
        ("-1/sqrt(1 - x**2)",), kink="abs(x) == 1", choice="arccos'(±1) = -inf", of_complex=ARCCOS
    ),
    "arctan": Elementwise(("1/(1 + x**2)",)),
    "arctan2": Elementwise(
        ("y/(x**2 + y**2)", "-x/(x**2 + y**2)"),
        zero_where=("(x == 0) & (y == 0)", "(x == 0) & (y == 0)"),
        kink="(x == 0) & (y == 0)",
        choice="arctan2'(0, 0) = 0",
    ),
    "degrees": Elementwise(("180/pi",)),
    "radians": Elementwise(("pi/180",)),
    "sinh": Elementwise(("cosh(x)",)),
    "cosh": Elementwise(("sinh(x)",)),
    "tanh": Elementwise(("1 - out**2",)),
    "arcsinh": Elementwise(("1/sqrt(x**2 + 1)",), of_complex=ARCSINH),
    # Two roots, not one of x**2 - 1: exact near 1.
    "arccosh": Elementwise(
        ("1/(sqrt(x - 1) * sqrt(x + 1))",), kink="x == 1", choice="arccosh'(1) = inf", of_complex=ARCCOSH
    ),
    "arctanh": Elementwise(("1/(1 - x**2)",)),
}

SPECIAL = {
    "erf": Elementwise(("2/sqrt(pi) * exp(-x**2)",)),
    "erfc": Elementwise(("-2/sqrt(pi) * exp(-x**2)",)),
    "gamma": Elementwise(("out * digamma(x)",), "Γ"),
    "lgamma": Elementwise(("digamma(x)",)),
    "i0": Elementwise(("i1(x)",)),
    # What is added are whole periods.
    "unwrap": Elementwise(("1", "(out - x)/period"), names=("x", "period")),
    "nan_to_num": Elementwise(("isfinite(x)",), of_complex=NAN_TO_NUM),
    "nan_to_given": Elementwise(
        ("isfinite(x)", "x != x", "x == inf", "x == -inf"),
        "nan_to_num",
        names=("x", "nan", "posinf", "neginf"),
        of_complex=NAN_TO_NUM,
    ),
    # Near 0 the difference cancels, and the first terms of its series are exact.
    "sinc": Elementwise(
        ("where(abs(x) > 0.005, (cos(pi*x) - out)/where(x == 0, 1, x), -pi**2*x/3*(1 - (pi*x)**2/10))",)
    ),
}


def _selection(symbol: str, of_x: str, of_y: str) -> Elementwise:
    choice = f"{symbol}: a tie shares equally, 1/2 each"
    return Elementwise((of_x, of_y), symbol, kink="x == y", choice=choice)


# For the f-variants out decides: NaN is never chosen, and no comparison says so.
F_VARIANT = ("(x == out)/(1 + (y == out))", "(y == out)/(1 + (x == out))")

SELECTIONS = {
    "maximum": _selection("max", "(x > y) + (x == y)/2", "(y > x) + (x == y)/2"),
    "minimum": _selection("min", "(x < y) + (x == y)/2", "(y < x) + (x == y)/2"),
    "fmax": _selection("fmax", *F_VARIANT),
    "fmin": _selection("fmin", *F_VARIANT),
    "where": Elementwise(
        ("", "condition != 0", "condition == 0"), names=("condition", "x", "y"), selects=True
    ),
    # lo > hi gives hi.
    "clip": Elementwise(
        (
            "(lo <= x) & (x <= hi)",
            "(x < lo) & (lo <= hi)",
            "(x > hi) | (lo > hi)",
        ),
        names=("x", "lo", "hi"),
        kink="(x == lo) | (x == hi)",
        choice="clip' = 1 at both ends",
    ),
    "absolute": Elementwise(("sign(x)",), "|x|", kink="x == 0", choice="abs'(0) = 0", of_complex=ABSOLUTE),
    "fabs": Elementwise(("sign(x)",), "|x|", kink="x == 0", choice="abs'(0) = 0"),
    "copysign": Elementwise(
        ("sign(x) * copysign(1, y)", "0"),
        kink="(x == 0) | (y == 0)",
        choice="copysign'(0, y) = 0, as for abs",
    ),
    "nextafter": Elementwise(("1", "0")),
}


def _flat(*, name: str, operands: int = 1, symbol: str = "", of_complex: Vjp | None = None) -> Elementwise:
    choice = f"{name}' = 0 everywhere, also at its jumps"
    return Elementwise(("0",) * operands, symbol, choice=choice, flat=True, of_complex=of_complex)


STEPS = {
    "floor": _flat(name="floor", symbol="⌊x⌋"),
    "ceil": _flat(name="ceil", symbol="⌈x⌉"),
    "trunc": _flat(name="trunc"),
    "fix": _flat(name="fix"),
    "rint": _flat(name="rint"),
    "round": _flat(name="round"),
    "sign": _flat(name="sign", of_complex=SIGN),
    "ulp": _flat(name="ulp"),
    "floor_divide": _flat(name="floor_divide", operands=2, symbol="//"),
    "modf_integral": _flat(name="trunc", symbol="modf"),
    "modf_fractional": Elementwise(
        ("1",), "modf", kink="out == 0", choice="the fraction jumps here: the slope beside the jump"
    ),
    "heaviside": Elementwise(
        ("0", "x == 0"), kink="x == 0", choice="heaviside' = 0 by x, also at its jump"
    ),
}

ELEMENTWISE = {**ARITHMETIC, **ROOTS, **EXPONENTIALS, **TRIGONOMETRY, **SELECTIONS, **STEPS}
