"""Rows of test_rules.py for quantiles, averages, calculus, polynomials, and the forms of ufuncs."""

from __future__ import annotations

import numpy as np
from rule_rows import KINKS, Arrays

from tracer.rules.ufunc_forms import BINARY, UFUNC_FORMS

RANDOM = np.random.default_rng(5)
WITH_NAN = np.array([[0.7, np.nan, 2.1, -1.2], [-0.4, 1.3, np.nan, 0.9], [1.9, -2.2, 0.1, 3.3]])
POSITIVE = np.array([[1.1, 1.6, 0.7], [0.9, 2.3, 1.4], [2.7, 0.6, 1.2], [1.8, 1.3, 2.1]])
RISING = np.array([-1.2, -0.3, 0.1, 0.9, 2.2])
WHOLE = {"axis": None, "keepdims": False}
QUANTILE = {**WHOLE, "method": "linear", "weights": None}


def named(op, operands, forward=None, **params):
    function = forward or getattr(np, op)
    return Arrays(op, function, operands, params)


def masked(op):
    where = np.arange(12).reshape(3, 4) % 3 != 1
    options = {"axis": 1, "where": where}
    params = {**options, "keepdims": False, "ddof": 0}
    ends = {"max": -9.0, "min": 9.0}
    if op in ends:
        return Arrays(
            op,
            lambda x, i: (
                np.maximum.reduce(x, 1, initial=i, where=where)
                if op == "max"
                else np.minimum.reduce(x, 1, initial=i, where=where)
            ),
            ((3, 4), np.array(ends[op])),
            params,
        )
    if op in {"sum", "prod"}:
        return Arrays(op, lambda x, i: getattr(np, op)(x, initial=i, **options), ((3, 4), ()), params)
    return Arrays(op, lambda x: getattr(np, op)(x, **options), ((3, 4),), params)


def competing(op):
    """Have `initial` win against some rows."""
    reduce = {"max": np.maximum.reduce, "min": np.minimum.reduce}[op]
    return Arrays(
        op,
        lambda x, i: reduce(x, 1, initial=i),
        (np.array([[0.3, -1.0], [2.0, 1.0], [-3.0, -2.0]]), np.array(0.5)),
        {"axis": 1},
    )


def skipping(op, **params):
    options = {name: value for name, value in params.items() if name != "keepdims"}
    full = {"axis": None, "keepdims": False, "ddof": 0, **params}
    return Arrays(op, lambda x: getattr(np, op)(x, **options), (WITH_NAN,), full)


def quantile(op, operands, params, *q, **options):
    full = {**QUANTILE, **params, **({"q": np.asarray(q[0])} if q else {})}
    return Arrays(op, lambda x, *given: getattr(np, op)(x, *(given or q), **options), operands, full)


def forms():
    indices = np.array([0, 2, 1, 3])
    where = np.arange(12).reshape(4, 3) % 5 != 1
    for op in UFUNC_FORMS:
        name, form = op.split(".")
        f, x = BINARY[name], POSITIVE
        if name in {"fmod", "remainder"}:  # they jump where a result is no larger than the next number
            x = np.array([[97.3, 89.1, 71.7], [31.1, 37.9, 23.3], [5.3, 7.7, 3.1], [2.1, 2.9, 1.3]])
        if name == "copysign":
            x = x * np.array([[1], [-1], [1], [-1]])
        if form == "accumulate":
            yield Arrays(op, f.accumulate, (x,), {"axis": 0})
        elif form == "reduceat":
            yield Arrays(op, lambda x, f=f: f.reduceat(x, indices), (x,), {"axis": 0, "indices": indices})
        else:
            start = (x, np.array(1.05))
            yield Arrays(
                op, lambda x, f=f: f.reduce(x, 0, keepdims=True), (x,), {"axis": 0, "keepdims": True}
            )
            yield Arrays(op, lambda x, i, f=f: f.reduce(x, 1, initial=i), start, {"axis": 1})
            if name in {"logaddexp", "logaddexp2", "hypot"}:
                yield Arrays(op, lambda x, i, f=f: f.reduce(x, (1, 0), initial=i), start, {"axis": (1, 0)})
                yield Arrays(
                    op,
                    lambda x, i, f=f: f.reduce(x, 1, initial=i, where=where),
                    start,
                    {"axis": 1, "where": where},
                )


def form_kinks():
    """Make the first step of a form what makes the ufunc's own derivative a convention."""
    for kink in KINKS:
        for kind in ("accumulate", "reduce", "reduceat"):
            if f"{kink.op}.{kind}" in UFUNC_FORMS and kink.is_kink:
                params = {"axis": 0, "keepdims": False, "indices": np.array([0])}
                yield f"{kink.op}.{kind}", lambda x: x, (np.array(kink.operands),), params


def histogram(density):
    numbers, edges = np.array([0.1, 0.4, 1.2, 1.9, 3.5]), np.array([0.0, 0.5, 2.0])
    bins = np.array([0, 0, 1, 1, 2])
    return Arrays(
        "histogram_density" if density else "histogram",
        lambda w: np.histogram(numbers, edges, weights=w, density=density)[0],
        (np.array([1.0, 0.7, 2.0, 0.3, 1.4]),),
        {"bins": bins, "widths": np.diff(edges)},
    )


def matrices(op):
    base = {"rowvar": True, "bias": False, "ddof": None, "fweights": None, "aweights": None}
    weights = np.array([1.0, 2.0, 0.5, 1.5])
    yield named(op, ((3, 4),), **base)
    yield named(op, ((2, 4), (4,)), **base)
    yield named(
        op, ((4, 3), (4, 2)), lambda m, y: getattr(np, op)(m, y, rowvar=False), **base | {"rowvar": False}
    )
    if op == "cov":
        yield named(op, ((5,),), **base)
        yield named(op, ((3, 4),), lambda m: np.cov(m, aweights=weights), **base | {"aweights": weights})
        yield named(
            op,
            ((3, 4),),
            lambda m: np.cov(m, fweights=[1, 2, 1, 3], bias=True),
            **base | {"bias": True, "fweights": np.array([1, 2, 1, 3])},
        )
        yield named(
            op,
            ((3, 4), weights),
            lambda m, w: (
                (m - np.average(m, 1, w)[:, None])
                * w
                @ (m - np.average(m, 1, w)[:, None]).conj().T
                / (w.sum() - 2 * (w**2).sum() / w.sum())
            ),
            **base | {"ddof": 2, "aweights": weights, "of_weights": 1},
        )


def gradients():
    for order in (1, 2):
        for spacing in (np.array(0.7), RISING):
            yield Arrays(
                "gradient",
                lambda f, h, order=order: np.gradient(f, h, axis=1, edge_order=order),
                ((2, 5), spacing),
                {"axis": 1, "edge_order": order},
            )
    yield Arrays("gradient", np.gradient, ((12,),), {"axis": 0, "edge_order": 1})
    yield Arrays("gradient", np.gradient, ((2,),), {"axis": 0, "edge_order": 1})


def sequences():
    for endpoint in (True, False):
        params = {"num": 4, "endpoint": endpoint, "axis": -1}
        yield named("linspace", ((2,), ()), lambda a, b, p=params: np.linspace(a, b, **p), **params)
        yield named(
            "linspace_step",
            ((2,), ()),
            lambda a, b, p=params: np.linspace(a, b, retstep=True, **p)[1],
            **params,
        )
        yield named(
            "logspace",
            ((2,), ()),
            lambda a, b, p=params: np.logspace(a, b, base=1.5, **p),
            **params,
            base=1.5,
        )
        yield named(
            "logspace",
            ((2,), (), np.array(1.5)),
            lambda a, b, base, p=params: base ** np.linspace(a, b, **p),
            **params,
            base=1.5,
        )
        yield named(
            "geomspace",
            (np.array([0.5, 1.7]), np.array(2.2)),
            lambda a, b, p=params: np.geomspace(a, b, **p),
            **params,
        )


STATISTICS = (
    *(masked(op) for op in ("sum", "prod", "mean", "max", "min", "var", "std")),
    competing("max"),
    competing("min"),
    Arrays("var", lambda x, mean: np.var(x, 1, mean=mean), ((3, 4), (3, 1)), {"axis": 1, "keepdims": False, "ddof": 0}),
    Arrays("std", lambda x, mean: np.std(x, 1, mean=mean), ((3, 4), (3, 1)), {"axis": 1, "keepdims": False, "ddof": 0}),
    named("ptp", ((3, 4),), **WHOLE),
    named("ptp", ((3, 4),), lambda x: np.ptp(x, 1, keepdims=True), axis=1, keepdims=True),
    *(skipping(f"nan{op}", axis=axis) for op in "sum mean prod max min var std cumsum cumprod".split() for axis in (None, 1)),
    *(quantile(op, ((3, 5),), {"axis": 1}, 0.3 * unit, axis=1) for op, unit in (("quantile", 1), ("percentile", 100))),
    *(quantile(op, ((3, 5), np.array([0.3, 0.85]) * unit), {"axis": 1}, axis=1) for op, unit in (("quantile", 1), ("percentile", 100), ("nanquantile", 1), ("nanpercentile", 100))),
    *(quantile("quantile", ((5,),), {"method": method}, [0.2, 0.5, 0.9], method=method) for method in ("lower", "midpoint", "hazen", "averaged_inverted_cdf")),
    quantile("quantile", ((5,),), {"method": "inverted_cdf", "weights": np.array([1.0, 3, 2, 1, 2])}, 0.4, method="inverted_cdf", weights=np.array([1.0, 3, 2, 1, 2])),
    *(Arrays(op, lambda x, op=op: getattr(np, op)(x, *(() if op == "nanmedian" else (0.4 if op == "nanquantile" else 40,)), axis=1), (WITH_NAN,), {**QUANTILE, "axis": 1, "q": np.asarray(0.4 if op == "nanquantile" else 40)}) for op in ("nanmedian", "nanquantile", "nanpercentile")),
    named("median", ((3, 4),), **WHOLE),
    named("median", ((3, 4, 2),), lambda x: np.median(x, (0, 2), keepdims=True), axis=(0, 2), keepdims=True),
    named("average", ((3, 4), POSITIVE.T), lambda x, w: np.average(x, 1, w), axis=1, keepdims=False),
    named("average", ((3, 4), POSITIVE[:, 0]), lambda x, w: np.average(x, 1, w), axis=1, keepdims=False),
    named("average", ((3, 4), POSITIVE.T), lambda x, w: np.average(x, weights=w), **WHOLE),
    named("average_weights", (POSITIVE.T,), lambda w: w.sum(1), axis=1, keepdims=False, shape=(3, 4)),
    named("average_weights", (POSITIVE[:, 0],), lambda w: np.full(3, w.sum()), axis=1, keepdims=False, shape=(3, 4)),
    *matrices("cov"),
    *matrices("corrcoef"),
    named("bincount", ((4,),), lambda w: np.bincount([0, 2, 2, 1], w), bins=np.array([0, 2, 2, 1])),
    histogram(density=False),
    histogram(density=True),
    named("histogram_edges", ((5,),), lambda x: np.histogram_bin_edges(x, 3)),
    named("histogram_edges", ((5, 2),), lambda x: np.histogram_bin_edges(x[:, 1], 3), column=1),
    named("diff", ((), (2, 4), (2, 2)), lambda a, x, b: np.diff(x, 2, prepend=a, append=b), n=2, axis=-1),
    named("ediff1d", ((2,), (3,), ()), lambda a, x, b: np.ediff1d(x, b, a), given=("to_begin", "ary", "to_end")),
    *gradients(),
    named("trapezoid", ((2, 5), ()), lambda y, d: np.trapezoid(y, dx=d), axis=-1, by_x=False),
    named("trapezoid", ((2, 5), RISING), np.trapezoid, axis=-1, by_x=True),
    named("trapezoid", ((3, 2), (3, 2)), lambda y, x: np.trapezoid(y, x, axis=0), axis=0, by_x=True),
    named("interp", (np.array([-2.0, -0.7, 0.05, 1.1, 3.0]), RISING, (5,)), left=None, right=None, period=None, traced=()),
    named("interp", (np.array([-2.0, 3.0]), RISING, (5,)), lambda x, xp, fp: np.interp(x, xp, fp, 1.0, 2.0), left=1.0, right=2.0, period=None, traced=()),
    named("interp", (np.array([-2.0, 0.4, 3.0]), RISING, (5,), (), ()), lambda x, xp, fp, left, right: np.interp(x, xp, fp, left, right), left=1.0, right=2.0, period=None, traced=("left", "right")),
    named("interp", (np.array([-5.1, 0.4, 3.0]), RISING, (5,), np.array(3.7)), lambda x, xp, fp, period: np.interp(x, xp, fp, period=period), left=None, right=None, period=3.7, traced=("period",)),
    named("interp", (np.array([-2.0, 0.4, 3.0]), RISING, (5,)), lambda x, xp, fp: np.interp(x, xp, fp, period=3.7), left=None, right=None, period=3.7, traced=()),
    *sequences(),
    *(named("correlate", pair, lambda a, v, mode=mode: np.correlate(a, v, mode), mode=mode) for mode in ("full", "same", "valid") for pair in (((5,), (3,)), ((3,), (5,)), ((4,), (5,)), ((2,), (5,)), ((5,), (4,)))),
    named("polyval", ((4,), (2, 3))),
    named("vander", ((4,),), increasing=False),
    named("vander", ((4,),), lambda x: np.vander(x, 3, increasing=True), increasing=True),
    named("polyfit", (RISING, (5,)), lambda x, y: np.polyfit(x, y, 2), deg=2),
    named("polyfit", (RISING, (5, 2), POSITIVE.ravel()[:5]), lambda x, y, w: np.polyfit(x, y, 1, w=w), deg=1),
    named("polyder", ((5,),), lambda p: np.polyder(p, 2), m=2),
    named("polyint", ((5,),), lambda p: np.polyint(p, 2), m=2),
    named("polyint", ((5,), (3,)), lambda p, k: np.polyint(p, 3, k), m=3),
    named("polyint", ((5,), ()), lambda p, k: np.polyint(p, 3, [k, k, k]), m=3),
    named("arange", (np.array(1.2), np.array(0.3)), lambda start, step: start + np.arange(5) * step),
    *(named(op, pair) for op in ("polyadd", "polysub", "polymul") for pair in (((5,), (3,)), ((2,), (4,)))),
    named("polydiv_quotient", ((5,), POSITIVE[0]), lambda u, v: np.polydiv(u, v)[0]),
    Arrays("polydiv_rest", lambda u, v: np.polydiv(u, v)[1], (RISING, POSITIVE[0]), {"results": np.polydiv(RISING, POSITIVE[0])}),
    named("roots", (np.array([30.0, -62.0, -150.0, 180.0]),)),
    named("poly", ((4,),)),
    *forms(),
)  # fmt: skip

# op, operands, params, what out is: points where the derivative is a convention
STATISTICS_KINKS = (
    ("ptp", np.ptp, (np.array([1.0, 3.0, 3.0]),), WHOLE),
    *((f"nan{op}", getattr(np, f"nan{op}"), (np.array([2.0, 2.0, np.nan]),), {**WHOLE, "ddof": 0}) for op in ("max", "min", "std")),
    *((op, lambda x, op=op: getattr(np, op)(x, *(() if "median" in op else (0,))), (np.ones(3),), {**QUANTILE, "q": np.asarray(0)}) for op in ("median", "quantile", "percentile", "nanmedian", "nanquantile", "nanpercentile")),
    (
        "pad_computed",
        lambda x: np.pad(x, 1, "maximum"),
        (np.array([1.0, 3.0, 3.0]),),
        {"mode": "maximum", "widths": [[1, 1]], "lengths": None, "reflect_type": "even"},
    ),
    ("interp", np.interp, (np.array([0.1]), RISING, RISING), {"period": None}),
    ("roots", np.roots, (np.array([1.0, -2.0, 1.0]),), {}),
    *form_kinks(),
)  # fmt: skip
