"""Derivatives of the means, variances and entropies of the distributions of `scipy.stats`: one row a distribution.

Operations are called `gamma.mean`; their operands are the shape parameters, loc and, where a density is, scale. What
SciPy computes otherwise (of another distribution) has no row, and is refused. Read through distributions.SCIPY_STATS.
"""

from __future__ import annotations

from typing import NamedTuple

from tracer.rules.kinds import Elementwise


class Moments(NamedTuple):
    """Derivatives by each shape parameter, of the distribution with loc 0 and scale 1."""

    mean: dict[str, str] | None = {}  # noqa: RUF012  (read only, as the others)
    """None: there is no mean, and no variance."""
    var: dict[str, str] = {}  # noqa: RUF012
    """Of its logarithm."""
    entropy: dict[str, str] | None = None
    """None: SciPy integrates."""
    by_scale: str = "(out - loc)/scale"
    """Of the mean."""


_GAMMA_OF_C = "gamma(1 + 1/c)**2"
_ONE_WIDTH = Moments(entropy={})  # no shape parameter
_EVEN = _ONE_WIDTH._replace(by_scale="0")  # about loc
MOMENTS = {
    **dict.fromkeys("norm laplace logistic".split(), _EVEN),
    **dict.fromkeys("uniform expon gumbel_r gumbel_l rayleigh maxwell halfnorm".split(), _ONE_WIDTH),
    **dict.fromkeys("cauchy halfcauchy".split(), Moments(None, {}, {})),
    "gamma": Moments({"a": "1"}, {"a": "1/a"}, {"a": "1 + (1 - a)*polygamma(1, a)"}),
    "chi2": Moments({"df": "1"}, {"df": "1/df"}, {"df": "1/2 + (2 - df)/4*polygamma(1, df/2)"}),
    "beta": Moments(
        {"a": "b/(a + b)**2", "b": "-a/(a + b)**2"},
        {"a": "1/a - 2/(a + b) - 1/(a + b + 1)", "b": "1/b - 2/(a + b) - 1/(a + b + 1)"},
        {
            "a": "(1 - a)*polygamma(1, a) + (a + b - 2)*polygamma(1, a + b)",
            "b": "(1 - b)*polygamma(1, b) + (a + b - 2)*polygamma(1, a + b)",
        },
    ),
    "t": Moments(
        {"df": "0"},
        {"df": "1/df - 1/(df - 2)"},
        {"df": "(df + 1)/4*(polygamma(1, (df + 1)/2) - polygamma(1, df/2)) + 1/(2*df)"},
        by_scale="0",
    ),
    "lognorm": Moments({"s": "s*exp(s**2/2)"}, {"s": "2*s*(1 - 1/expm1(-s**2))"}, {"s": "1/s"}),
    "weibull_min": Moments(
        {"c": "-gamma(1 + 1/c)*digamma(1 + 1/c)/c**2"},
        {
            "c": f"2*({_GAMMA_OF_C}*digamma(1 + 1/c) - gamma(1 + 2/c)*digamma(1 + 2/c))"
            f"/(c**2*(gamma(1 + 2/c) - {_GAMMA_OF_C}))"
        },
        {"c": "0.5772156649015329/c**2 - 1/c"},  # Euler's constant
    ),
    "pareto": Moments({"b": "-1/(b - 1)**2"}, {"b": "1/b - 2/(b - 1) - 1/(b - 2)"}, {"b": "-1/b**2 - 1/b"}),
    "invgamma": Moments(
        {"a": "-1/(a - 1)**2"},
        {"a": "-2/(a - 1) - 1/(a - 2)"},
        {"a": "1 - (1 + a)*polygamma(1, a)"},
    ),
    "powerlaw": Moments({"a": "1/(a + 1)**2"}, {"a": "1/a - 1/(a + 2) - 2/(a + 1)"}, {"a": "1/a**2 - 1/a"}),
    "genpareto": Moments({"c": "1/(1 - c)**2"}, {"c": "2/(1 - c) + 2/(1 - 2*c)"}, {"c": "1"}),
    "f": Moments(
        {"dfn": "0", "dfd": "-2/(dfd - 2)**2"},
        {
            "dfn": "1/(dfn + dfd - 2) - 1/dfn",
            "dfd": "2/dfd + 1/(dfn + dfd - 2) - 2/(dfd - 2) - 1/(dfd - 4)",
        },
    ),
    "invgauss": Moments({"mu": "1"}, {"mu": "3/mu"}),
}
# Of distributions of whole numbers: the derivatives themselves, of the mean and of the variance.
OF_WHOLE = {
    "poisson": ({"mu": "1"}, {"mu": "1"}),
    "bernoulli": ({"p": "1"}, {"p": "1 - 2*p"}),
    "binom": ({"n": "", "p": "n"}, {"n": "", "p": "n*(1 - 2*p)"}),
    "geom": ({"p": "-1/p**2"}, {"p": "(p - 2)/p**3"}),
    "nbinom": ({"n": "(1 - p)/p", "p": "-n/p**2"}, {"n": "(1 - p)/p**2", "p": "n*(p - 2)/p**3"}),
}


def _rules_of(name: str, row: Moments) -> dict[str, Elementwise]:
    names = (*row.var, "loc", "scale")

    def rule(texts: list[str], by_loc: str, by_scale: str) -> Elementwise:
        return Elementwise((*texts, by_loc, by_scale), names=names, real_only=True)

    rules = {}
    if row.mean is not None:
        by_shape = [text if text == "0" else f"scale*({text})" for text in row.mean.values()]
        rules["mean"] = rule(by_shape, "1", row.by_scale)
        rules["var"] = rule([f"out*({text})" for text in row.var.values()], "0", "2*out/scale")
        rules["std"] = rule([f"out*({text})/2" for text in row.var.values()], "0", "out/scale")
    if row.entropy is not None:
        rules["entropy"] = rule(list(row.entropy.values()), "0", "1/scale")
    return {f"{name}.{method}": made for method, made in rules.items()}


def _whole_rules_of(name: str, mean: dict[str, str], var: dict[str, str]) -> dict[str, Elementwise]:
    names = (*mean, "loc")
    halves = [text and f"({text})/(2*out)" for text in var.values()]
    partials = {"mean": (*mean.values(), "1"), "var": (*var.values(), "0"), "std": (*halves, "0")}
    return {
        f"{name}.{method}": Elementwise(texts, names=names, real_only=True)
        for method, texts in partials.items()
    }


OF_MOMENTS: dict[str, Elementwise] = {}
for _name, _row in MOMENTS.items():
    OF_MOMENTS |= _rules_of(_name, _row)
for _name, (_mean, _var) in OF_WHOLE.items():
    OF_MOMENTS |= _whole_rules_of(_name, _mean, _var)
