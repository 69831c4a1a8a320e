"""Calls that show how NumPy's elementwise functions are followed: text, with the operands of coverage_table.py."""

from __future__ import annotations

_ONE = {
    "negative positive abs absolute fabs square exp exp2 expm1 sin cos tan arctan atan sinh cosh tanh arcsinh asinh "
    "cbrt degrees radians deg2rad rad2deg floor ceil trunc rint sign": "c",
    "sqrt log log2 log10 log1p reciprocal": "p",
    "arcsin arccos arctanh asin acos atanh": "u",
    "arccosh acosh": "(p + 1)",
}
_TWO = "add subtract multiply maximum minimum fmax fmin hypot logaddexp logaddexp2"
_OVER_POSITIVE = (
    "divide true_divide arctan2 atan2 remainder mod fmod floor_divide heaviside nextafter copysign"
)
_SHAPES = ("m, v", "v, m", "q, r", "x, c", "c, x", "z, e", "e, r")


def _one(name, operand):
    return (
        f"np.{name}({operand})",
        f"np.{name}({operand} * np.ones(1))",
        f"np.{name}({operand}, where={operand} > 0.4, out=np.zeros_like({operand}))",
        f"np.{name}({operand}, dtype=np.float64)",
        f"np.{name}({operand}[..., :0])",
        f"np.{name}({operand}.ravel()[0])",
    )


UFUNCS: dict[str, tuple[str, ...]] = {
    **{name: _one(name, operand) for names, operand in _ONE.items() for name in names.split()},
    **{
        name: (
            *(f"np.{name}({pair})" for pair in _SHAPES),
            f"np.{name}.outer(v, m)",
            f"np.{name}.outer(x, v)",
            f"np.{name}.outer(v, 1.3)",
            f"np.{name}.reduce(c)",
            f"np.{name}.reduce(c, axis=1, keepdims=True)",
            f"np.{name}.accumulate(c, 1)",
            f"np.{name}.accumulate(v)",
            f"np.{name}.reduceat(k, [0, 3, 1, 4])",
            f"np.{name}.reduceat(n, [0, 2], axis=1)",
            f"np.{name}(m, v, where=m > 0, out=np.ones((2, 3)))",
        )
        for name in _TWO.split()
    },
    **{
        name: (
            f"np.{name}(m, p)",
            f"np.{name}(p, v)",
            f"np.{name}(q, p)",
            f"np.{name}(x, p)",
            f"np.{name}(v, x)",
            f"np.{name}(e, r)",
            f"np.{name}(m, p, dtype=np.float64)",
            f"np.{name}.outer(v, p)",
        )
        for name in _OVER_POSITIVE.split()
    },
}
UFUNCS |= {
    "add": (
        *UFUNCS["add"],
        "np.add.reduce(c, axis=(0, 2), initial=x, where=c > 0)",
        "np.add.reduce(c, dtype=np.float64)",
        "put(v, lambda t: np.add.at(t, [0, 2, 0], m[0]))",
        "np.add(m, 1, dtype=np.float32).astype(float)",
    ),
    "subtract": (*UFUNCS["subtract"], "put(v, lambda t: np.subtract.at(t, [0, 0], x))"),
    "multiply": (
        *UFUNCS["multiply"],
        "np.multiply.reduce(c, axis=(0, 2), initial=x, where=c > 0)",
        "put(v, lambda t: np.multiply.at(t, [0, 2, 0], m[0]))",
    ),
    "maximum": (
        *UFUNCS["maximum"],
        "np.maximum.reduce(c, axis=None, initial=x)",
        "np.maximum.reduce(c, axis=(0, 1), initial=-9, where=c > 0)",
        "put(v, lambda t: np.maximum.at(t, [0, 2, 0, 0], k[:4]))",
    ),
    "logaddexp": (
        *UFUNCS["logaddexp"],
        "np.logaddexp.reduce(c, axis=None, initial=x)",
        "np.logaddexp.reduce(c, axis=2, where=c > -1)",
        "put(v, lambda t: np.logaddexp.at(t, (np.array([1, 1, 0]),), v[::-1]))",
    ),
    "hypot": (
        *UFUNCS["hypot"],
        "np.hypot.reduce(c, axis=(0, 2), initial=x)",
        "np.hypot.reduce(m, axis=1, where=m > -0.5)",
    ),
    **{
        name: (
            *UFUNCS[name],
            f"np.{name}.reduce(9 * p[::-1], axis=1)",
            f"np.{name}.accumulate(p, axis=1)",
            f"np.{name}.reduceat(p, [1, 0])",
        )
        for name in ("remainder", "mod", "fmod", "copysign", "nextafter")
    },
    "divide": (
        *UFUNCS["divide"],
        "np.divide.reduce(p)",
        "np.divide.accumulate(p, axis=1)",
        "np.divide.reduceat(p, [1, 0], axis=-1)",
        "np.divide(m, v, where=v > 0, out=np.zeros((2, 3)))",
    ),
    "arctan2": (*UFUNCS["arctan2"], "np.arctan2.accumulate(p, axis=1)"),
    "negative": (*UFUNCS["negative"], "put(v, lambda t: np.negative.at(t, [0, 1, 0]))"),
    **{
        name: (
            f"np.{name}(p, m)",
            f"np.{name}(p, 2)",
            f"np.{name}(2.5, m)",
            f"np.{name}(x, p)",
            f"np.{name}(p, q)",
            f"np.{name}(m, 3)",
            f"np.{name}.outer(p, v)",
            f"np.{name}.accumulate(p, axis=1)",
            *((f"np.{name}.reduce(p)", f"np.{name}.reduceat(p, [1, 0])") if name == "float_power" else ()),
        )
        for name in ("power", "pow", "float_power")
    },
    "ldexp": ("np.ldexp(m, 3)", "np.ldexp(m, np.array([1, -2, 0]))"),
    "frexp": ("np.frexp(p + 0.03)[0]", "np.frexp(x)[0]"),
    "modf": ("np.modf(m)[0]", "np.modf(m)"),
    "divmod": ("np.divmod(p, 0.71)", "np.divmod(m, p)[1]"),
    "conjugate": ("np.conjugate(m)",),
    "conj": ("np.conj(m)",),
    "matmul": (
        "np.matmul(s, s * 2, axes=[(1, 0), (-1, 0), (1, 0)])",
        "np.matmul(c, [[1.0, 2.0], [x, 3.0]], axes=[(2, 0), (0, 1), (-2, -1)])",
        "np.matmul(m, n)",
        "np.matmul(v, s)",
        "np.matmul(c, n.T)",
        "np.matmul(v, v)",
        "np.matmul(s, c[0][:, :2])",
    ),
    "vecdot": ("np.vecdot(m, v)", "np.vecdot(v, m)", "np.vecdot(c, c[:1])", "np.vecdot(m, m, axis=0)"),
    "matvec": ("np.matvec(m, v)", "np.matvec(c.transpose(0, 2, 1), v)", "np.matvec(s, m)"),
    "vecmat": ("np.vecmat(v, n)", "np.vecmat(m, s)"),
    # no ufuncs, but elementwise
    "sinc": ("np.sinc(m)", "np.sinc(x)", "np.sinc(np.array([0.0, 1e-6, 0.004, 0.006]) * x)", "np.sinc(z)"),
    "i0": ("np.i0(m)", "np.i0(9 * v)"),
    "nan_to_num": (
        "np.nan_to_num(h)",
        "np.nan_to_num(h, nan=3.0)",
        "np.nan_to_num(x)",
        "np.nan_to_num(h, nan=y, posinf=2.0)",
        "np.nan_to_num(np.where([1, 1, 1, 0, 0], [np.inf, -np.inf, np.nan, 0, 0], k), True, y, x, -y)",
        "put(h, lambda t: np.nan_to_num(t, copy=False, nan=y))",
    ),
    "clip": (
        "np.clip(c, -0.5, 0.55)",
        "np.clip(c, x - 1, None)",
        "np.clip(m, v - 1, v + 0.3)",
        "np.clip(x, v, v + 1)",
        "np.clip(e, x, y)",
        "c.clip(-0.5, x)",
    ),
    "where": (
        "np.where(c > 0, c, 2 * c)",
        "np.where(m > 0, v, x)",
        "np.where([True, False, True], v, m)",
        "np.where(x > 1, q, r)",
    ),
    "fix": ("np.fix(c)",),
    "round": ("np.round(c * 10) * c", "np.round(m, 1)", "np.round(x, decimals=2)"),
    "around": ("np.around(m, 1)",),
    "unwrap": (
        "np.unwrap(6 * c)",
        "np.unwrap(4 * c, axis=0)",
        "np.unwrap(5 * v, period=4)",
        "np.unwrap(5 * c, period=y)",
        "np.unwrap(v, discont=4)",
    ),
    "astype": ("np.astype(m, np.float64) * x", "np.astype(m, np.float32).astype(float)"),
    "copy": ("np.copy(m) * v", "np.copy(z)", "np.copy(m, 'F')", "np.copy(m, order='C', subok=True)"),
}
