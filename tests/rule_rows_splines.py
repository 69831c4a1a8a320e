"""Rows of test_rules.py for the splines of scipy.interpolate, kernels, and products with sparse matrices: the function, and its operands."""

from __future__ import annotations

import numpy as np
from rule_rows_linalg import normal
from scipy import interpolate, sparse

SMOOTH = np.array([0.4, -1.0, 0.7, 1.5])
KNOTS = np.array([0.0, 1.0, 2.5, 4.0])
PLACES = np.array([[0.3, 1.4], [-0.6, 4.4], [2.7, 3.1]])
BUMPY = np.array([0.4, 0.9, 1.1, -0.5, -0.7, 1.5, 1.6])
# Ends of each kind
ENDS = ("not-a-knot", "natural", ((1, 0.3), "clamped"))


def scipy_spline_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for values, options in ((SMOOTH, {}), (SMOOTH[:, None] * [1.0, 2.0], {"nu": 1}), (SMOOTH, {"nu": 3})):
        spline = interpolate.CubicSpline(KNOTS, values)
        params = {"breaks": spline.x, "nu": 0, "extrapolate": True, **options}
        yield arrays(
            "piecewise_polynomial",
            lambda x, c, s=spline, o=options: interpolate.PPoly(c, s.x)(x, **o),
            (PLACES, spline.c.copy()),
            params,
        )
        spline = interpolate.make_interp_spline(KNOTS, values)
        params = {"t": spline.t, "k": 3, "nu": 0, "extrapolate": True, **options}
        yield arrays(
            "b_spline",
            lambda x, c, s=spline, o=options: interpolate.BSpline(s.t, c, 3)(x, **o),
            (PLACES, spline.c.copy()),
            params,
        )
    numbers, rows, columns = normal(4), np.array([0, 2, 2, 1]), np.array([1, 0, 3, 1])
    places = {"rows": rows, "columns": columns}
    matrix = sparse.coo_array((numbers, (rows, columns)), (3, 4))
    for x, y in ((normal(4), normal(3)), (normal(4, 2), normal(2, 3))):
        for is_right, other in ((False, x), (True, y)):
            yield arrays(
                "sparse_matmul",
                lambda n, x, r=is_right: (
                    x @ sparse.coo_array((n, matrix.coords), (3, 4))
                    if r
                    else sparse.coo_array((n, matrix.coords), (3, 4)) @ x
                ),
                (numbers, other),
                {**places, "is_right": is_right},
            )
    made = interpolate.CubicSpline(KNOTS, SMOOTH[:, None] * [1.0, 2.0])
    for low, high in ((-0.4, 2.1), (3.3, 0.2), (1.2, 1.9)):
        yield arrays(
            "piecewise_integral",
            lambda a, b, c: interpolate.PPoly(c, KNOTS).integrate(a, b),
            (np.array(low), np.array(high), made.c.copy()),
            {"breaks": KNOTS},
        )
    for axis, values in ((0, SMOOTH), (1, SMOOTH[None] * [[1.0], [-2.0]])):
        for ends in ENDS:
            params = {"x": KNOTS, "bc_type": _filled(ends, values), "axis": axis}
            yield arrays(
                "cubic_spline",
                lambda y, a=axis, e=params["bc_type"]: interpolate.CubicSpline(KNOTS, y, a, e).c,
                (values,),
                params,
            )
        slopes = values[..., ::-1] + 0.2
        yield arrays(
            "cubic_hermite",
            lambda y, dydx, a=axis: interpolate.CubicHermiteSpline(KNOTS, y, dydx, a).c,
            (values, slopes),
            {"x": KNOTS, "axis": axis},
        )
    for k, ends in ((3, None), (2, None), (3, ([(1, 0.3)], [(2, 0.1)])), (3, "natural")):
        yield arrays(
            "interpolating_spline",
            lambda y, k=k, e=ends: interpolate.make_interp_spline(KNOTS, y, k, bc_type=e).c,
            (SMOOTH,),
            {"x": KNOTS, "k": k, "t": None, "bc_type": ends, "axis": 0},
        )
    for values in (
        BUMPY,
        BUMPY[:2],
        np.array([0.1, 2.0, 1.9]),
        np.array([[0.1, 0.2, 2.9], [0.3, 1.0, 1.5]]),
    ):
        x, axis = np.arange(values.shape[-1]) ** 1.3, values.ndim - 1
        yield arrays(
            "pchip",
            lambda y, x=x, a=axis: interpolate.PchipInterpolator(x, y, a).c,
            (values,),
            {"x": x, "axis": axis},
        )


def _filled(ends, values):
    """Give each end a value for every line."""
    if isinstance(ends, str) or values.ndim == 1:
        return ends
    return [each if isinstance(each, str) else (each[0], np.full(len(values), each[1])) for each in ends]


def scipy_kernel_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for name in ("gaussian_kde", "gaussian_kde_log"):
        for places, points in ((normal(1, 4), normal(1, 3)), (normal(2, 3), normal(2, 5))):
            covariance = np.array([[0.7, 0.2], [0.2, 0.5]])[: len(points), : len(points)]
            weights = np.array([0.1, 0.4, 0.2, 0.2, 0.1])[: points.shape[1]]
            yield arrays(name, _kernels(name), (places, points, covariance, weights), {})


def _kernels(name):
    """Write the sum out: SciPy has it of one triangle of the covariance alone."""

    def density(places, points, covariance, weights):
        apart = places[:, :, None] - points[:, None]
        energy = np.einsum("imn,ij,jmn->mn", apart, np.linalg.inv(covariance), apart) / 2
        total = np.exp(-energy) @ weights / np.sqrt(np.linalg.det(2 * np.pi * covariance))
        return np.log(total) if name.endswith("_log") else total

    return density


SPLINE_KINKS = (
    (
        "pchip",
        lambda y: interpolate.PchipInterpolator(KNOTS, y).c,
        (np.array([1.0, 1.0, 2.0, 2.5]),),
        {"x": KNOTS, "axis": 0},
    ),
)
