"""Calls that show how reductions, running totals and quantiles are followed."""

from __future__ import annotations

_WAYS = (
    "c",
    "c, axis=0",
    "c, -1",
    "c, axis=(0, -1)",
    "c, axis=None, keepdims=True",
    "c, 1, keepdims=True",
    "z",
)


def _calls(name, ways, operand="c"):
    return tuple(f"np.{name}({way.replace('c', operand) if operand != 'c' else way})" for way in ways)


_TOTALS = {
    name: (
        *_calls(name, _WAYS),
        f"c.{name}(axis=(1, -1), keepdims=True)",
        f"np.{name}(e, axis=1)",
        f"np.{name}(c, 1, where=c > -0.3)",
        f"np.{name}(m, dtype=np.float64)",
        f"put(v, lambda t: np.{name}(s, axis=1, out=t))",
    )
    for name in ("sum", "mean", "prod")
}
_ENDS = {
    name: (
        *_calls(name, _WAYS),
        f"np.{name}(c, axis=1, initial=x)",
        f"np.{name}(c, axis=2, initial={start}, where=c > -0.3)",
        f"np.{name}(c, initial=x, keepdims=True)",
        f"np.{name}(e, axis=1)",
    )
    for name, start in (("max", -9), ("min", 9), ("amax", -9), ("amin", 9))
}
_SPREADS = {
    name: (
        *_calls(name, _WAYS[:6]),
        f"np.{name}(c, 1, ddof=1)",
        f"np.{name}(c, axis=0, correction=1)",
        f"np.{name}(c, 1, where=c > -1.5)",
        f"np.{name}(m, axis=1, mean=q)",
        f"np.{name}(m, axis=1, mean=m.mean(axis=1, keepdims=True), keepdims=True)",
        f"m.{name}(1, ddof=1)",
    )
    for name in ("var", "std")
}
_NAN_WAYS = ("h", "h, axis=0", "h, -1", "h, axis=(0, 1)", "h, axis=1, keepdims=True", "c, axis=(0, -1)")
_RUNNING = ("c", "c, 0", "c, axis=-1", "v", "z", "e, axis=1", "m, 1, np.float64")
_QUANTILE_WAYS = (
    "c, 0.3",
    "c, [0.1, 0.77], axis=1",
    "c, [[0.1, 0.5], [0.9, 1]], axis=(0, 2)",
    "c, 0.61, axis=-1, keepdims=True",
    "c, y, axis=1",
    "k, u[[0, 2]] * u[[0, 2]]",
)
_METHODS = (
    "linear weibull hazen median_unbiased normal_unbiased interpolated_inverted_cdf inverted_cdf "
    "averaged_inverted_cdf closest_observation lower higher nearest midpoint"
).split()
_WEIGHTED = "weights=[1, 3, 2, 1, 2], method='inverted_cdf'"


def _quantiles(name):
    unit = 100 if "percentile" in name else 1
    ways = [way if unit == 1 else way.replace(", ", ", 100 * np.array(", 1) for way in _QUANTILE_WAYS]
    closed = [way if unit == 1 else _closed(way) for way in ways]
    return (
        *(f"np.{name}({way})" for way in closed),
        *(f"np.{name}(k, {0.37 * unit}, method='{method}')" for method in _METHODS),
        *(f"np.{name}(k, {unit} * y, method='{method}')" for method in _METHODS[:6]),
        f"np.{name}(k, [{0.2 * unit}, {0.8 * unit}], {_WEIGHTED})",
        f"np.{name}(k, [{unit} * y, {unit * 0.1} * x])",
        f"np.{name}(k, {0.4 * unit}, weights=k * k, method='inverted_cdf')",
        f"np.{name}(k, {unit * 1.0})",
        f"np.{name}(k, 0)",
    )


def _closed(way):
    """Close the bracket that was opened for q: before the options."""
    head, mark, tail = way.partition(", axis")
    return f"{head}){mark}{tail}"


REDUCTIONS: dict[str, tuple[str, ...]] = {
    **_TOTALS,
    "sum": (
        *_TOTALS["sum"],
        "np.sum(c, axis=1, initial=x)",
        "np.sum(e, initial=x)",
        "np.sum(c, initial=2.0, where=c > 0)",
    ),
    "prod": (
        *_TOTALS["prod"],
        "np.prod(c, axis=1, initial=x)",
        "np.prod(m, initial=x, keepdims=True)",
        "np.prod(np.where(m > 1, 0, m), axis=1)",
    ),
    **_ENDS,
    **_SPREADS,
    "ptp": (*_calls("ptp", _WAYS[:6]),),
    "nansum": (*_calls("nansum", _NAN_WAYS), "np.nansum(h, initial=x, where=h > -9)"),
    "nanprod": (*_calls("nanprod", _NAN_WAYS), "np.nanprod(h, initial=x)"),
    "nanmean": (*_calls("nanmean", _NAN_WAYS), "np.nanmean(h, axis=1, where=[True, True, False])"),
    "nanmax": (*_calls("nanmax", _NAN_WAYS), "np.nanmax(h, axis=1, initial=x)"),
    "nanmin": (*_calls("nanmin", _NAN_WAYS), "np.nanmin(h, axis=1, initial=-x)"),
    "nanvar": (*_calls("nanvar", _NAN_WAYS), "np.nanvar(h, axis=1, ddof=1)"),
    "nanstd": (*_calls("nanstd", _NAN_WAYS[:2]), "np.nanstd(c, axis=1, ddof=1)"),
    "nanmedian": (*_calls("nanmedian", _NAN_WAYS), "np.nanmedian(c, axis=1)"),
    "nancumsum": (*_calls("nancumsum", ("h", "h, axis=0", "h, 1")),),
    "nancumprod": (*_calls("nancumprod", ("h", "h, axis=0", "h, 1")),),
    "cumsum": (*_calls("cumsum", _RUNNING), "c.cumsum(1)", "put(v, lambda t: np.cumsum(v[::-1], out=t))"),
    "cumprod": (*_calls("cumprod", _RUNNING), "c.cumprod(1)", "np.cumprod(np.where(m > 1, 0, m), 1)"),
    "cumulative_sum": (
        "np.cumulative_sum(v)",
        "np.cumulative_sum(c, axis=1)",
        "np.cumulative_sum(c, axis=-1, include_initial=True)",
        "np.cumulative_sum(v, include_initial=True)",
    ),
    "cumulative_prod": (
        "np.cumulative_prod(v)",
        "np.cumulative_prod(c, axis=1)",
        "np.cumulative_prod(c, axis=-1, include_initial=True)",
    ),
    "median": (
        *_calls("median", _WAYS),
        "np.median(k)",
        "np.median(n, axis=1)",
        "np.median(k, overwrite_input=False)",
    ),
    "quantile": _quantiles("quantile"),
    "percentile": _quantiles("percentile"),
    "nanquantile": (
        *(
            f"np.nanquantile({way})"
            for way in (
                "h, 0.3",
                "h, 0.3, axis=0",
                "h, [0.2, 0.7], axis=1, keepdims=True",
                "h, y",
                "h, y, axis=0",
            )
        ),
        f"np.nanquantile(k, 0.4, {_WEIGHTED})",
    ),
    "nanpercentile": (
        *(f"np.nanpercentile({way})" for way in ("h, 30", "h, 30, axis=0", "h, [20, 70], axis=1")),
    ),
    "average": (
        "np.average(c)",
        "np.average(c, 1)",
        "np.average(c, axis=(0, 2), keepdims=True)",
        "np.average(m, weights=p)",
        "np.average(m, 1, weights=p)",
        "np.average(m, 1, weights=[1.0, 2.0, 0.5])",
        "np.average(m, axis=-1, weights=v * v, keepdims=True)",
        "np.average(c, axis=1, weights=v * v)",
        "np.average(m, 1, weights=p, returned=True)",
        "np.average(m, 1, weights=v * v, returned=True)",
        "np.average(m, 1, returned=True)",
    ),
    "cov": (
        "np.cov(n)",
        "np.cov(m, p)",
        "np.cov(v, u)",
        "np.cov(n, rowvar=False)",
        "np.cov(m.T, p.T, rowvar=False)",
        "np.cov(n, bias=True)",
        "np.cov(n, ddof=2)",
        "np.cov(k)",
        "np.cov(n, fweights=[1, 2, 1, 3])",
        "np.cov(n, aweights=[0.5, 2, 1, 3])",
        "np.cov(n, fweights=[1, 2, 1, 3], aweights=[0.5, 2, 1, 3], ddof=0)",
        "np.cov(n, aweights=n[0] ** 2)",
        "np.cov(m, p, fweights=[1, 2, 1], aweights=v * v, ddof=2)",
    ),
    "corrcoef": (
        "np.corrcoef(n)",
        "np.corrcoef(m, p)",
        "np.corrcoef(v, u)",
        "np.corrcoef(n, rowvar=False)",
    ),
    "histogram": (
        "np.histogram(k, bins=3)[1]",
        "np.histogram(k, 3, (x - 4, y + 5))[1]",
        "np.histogram([1, 2, 2, 3], bins=2, weights=n[0])[0]",
        "np.histogram(k, bins=3, weights=k * k)",
        "np.histogram([1.0, 2, 2, 3, 9], bins=[1, 2, 3], weights=k + 3, density=True)[0]",
        "np.histogram([0.1, 0.2], bins=2 * k[np.argsort(k)])[1]",
    ),
    "histogram2d": (
        "np.histogram2d(v, u, bins=[[-2, 0, 2], [-2, 0, 2]])",
        "np.histogram2d(v, u, 3)",
        "np.histogram2d(v, u, [2, 3], range=((-2.0, x), [y, 9.0]), weights=v)[1:]",
        "np.histogram2d(v, u, [2, [-2.0, 0.1, 3.0] * v ** 2], weights=v * u)",
        "np.histogram2d([0.1, 0.6, 0.9], [0.7, 1.2, 0.3], [0, 1, 2], None, True, p[0])",
    ),
    "histogramdd": (
        "np.histogramdd(m.T, bins=[[-3, 0, 3], [-3, 0, 3]])",
        "np.histogramdd(n, 2)",
        "np.histogramdd(n, (2, 3, 1, 2), weights=v)",
        "np.histogramdd([v, [1, 3, 2], u], 2, range=[None, (0, 4), (-0.5, 0.5)], weights=u)[0]",
    ),
    "histogram_bin_edges": (
        "np.histogram_bin_edges([0.1, 0.2], 4, range=(y, x))",
        "np.histogram_bin_edges(k, 4)",
        "np.histogram_bin_edges(c, bins='sqrt')",
    ),
    "bincount": ("np.bincount([0, 2, 2, 1, 5], weights=k)", "np.bincount([0, 2, 0], v, minlength=5)"),
}
