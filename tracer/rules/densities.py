"""Derivatives of the distributions of `scipy.stats`: one row a distribution, from which all of its methods follow.

Operations are called `norm.logpdf`; their operands are x, the shape parameters, loc and scale. An empty partial (of a
cdf, by a shape parameter) says that no closed form is known: a traced float is refused there. So are complex operands:
SciPy computes something with them, but they are no places and no scales. Read through distributions.SCIPY_STATS.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer.rules.kinds import Elementwise
from tracer.rules.moments import OF_MOMENTS

_Y = re.compile(r"\by\b")


class Density(NamedTuple):
    """A density in y = (x - loc)/scale, up to the division by `scale`."""

    log: str
    slope: str
    """The derivative of `log` by y."""
    by_shape: dict[str, str] = {}  # noqa: RUF012  (read only)
    """The derivative of `log` by each shape parameter, in SciPy's order."""
    outside: str = "False"
    """Where the density is zero."""


# Of the normal distribution between a and b, in whichever tail they lie
_BETWEEN = "where(a > 0, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))"
# log(1 + c y)/c and its derivative by c, at c = 0 and beside it, where it would lose its digits; and of -c.
_RISING = "where(c == 0, y, log1p(c*y)/where(c == 0, 1, c))"
_RISING_BY_C = (
    "where(abs(c) < 1e-4, -y**2/2 + 2*c*y**3/3 - 3*c**2*y**4/4, (y/(1 + c*y) - log1p(c*y)/where(c == 0, 1, c))"
    "/where(c == 0, 1, c))"
)
_FALLING = "where(c == 0, -y, log1p(-c*y)/where(c == 0, 1, c))"
_FALLING_BY_C = (
    "where(abs(c) < 1e-4, -y**2/2 - 2*c*y**3/3 - 3*c**2*y**4/4, (-y/(1 - c*y) - log1p(-c*y)/where(c == 0, 1, c))"
    "/where(c == 0, 1, c))"
)
DENSITIES = {
    "norm": Density("-y**2/2 - log(2*pi)/2", "-y"),
    "uniform": Density("0", "0", outside="(y < 0) | (y > 1)"),
    "expon": Density("-y", "-1", outside="y < 0"),
    "laplace": Density("-abs(y) - log(2)", "-sign(y)"),
    "logistic": Density("-abs(y) - 2*log1p(exp(-abs(y)))", "-tanh(y/2)"),
    "cauchy": Density("-log(pi*(1 + y**2))", "-2*y/(1 + y**2)"),
    "gamma": Density(
        "(a - 1)*log(y) - y - gammaln(a)", "(a - 1)/y - 1", {"a": "log(y) - digamma(a)"}, outside="y < 0"
    ),
    "chi2": Density(
        "(df/2 - 1)*log(y) - y/2 - df/2*log(2) - gammaln(df/2)",
        "(df/2 - 1)/y - 1/2",
        {"df": "(log(y) - log(2) - digamma(df/2))/2"},
        outside="y < 0",
    ),
    "beta": Density(
        "(a - 1)*log(y) + (b - 1)*log1p(-y) - betaln(a, b)",
        "(a - 1)/y - (b - 1)/(1 - y)",
        {"a": "log(y) - digamma(a) + digamma(a + b)", "b": "log1p(-y) - digamma(b) + digamma(a + b)"},
        outside="(y < 0) | (y > 1)",
    ),
    "t": Density(
        "gammaln((df + 1)/2) - gammaln(df/2) - log(pi*df)/2 - (df + 1)/2*log1p(y**2/df)",
        "-(df + 1)*y/(df + y**2)",
        {
            "df": "(digamma((df + 1)/2) - digamma(df/2) - 1/df - log1p(y**2/df)"
            " + (df + 1)*y**2/(df*(df + y**2)))/2"
        },
    ),
    "lognorm": Density(
        "-log(y)**2/(2*s**2) - log(s*y*sqrt(2*pi))",
        "-(log(y)/s**2 + 1)/y",
        {"s": "(log(y)**2/s**2 - 1)/s"},
        outside="y < 0",
    ),
    "weibull_min": Density(
        "log(c) + (c - 1)*log(y) - y**c",
        "(c - 1)/y - c*y**(c - 1)",
        {"c": "1/c + log(y)*(1 - y**c)"},
        outside="y < 0",
    ),
    "pareto": Density("log(b) - (b + 1)*log(y)", "-(b + 1)/y", {"b": "1/b - log(y)"}, outside="y < 1"),
    "invgamma": Density(
        "-(a + 1)*log(y) - gammaln(a) - 1/y",
        "(1/y - a - 1)/y",
        {"a": "-log(y) - digamma(a)"},
        outside="y < 0",
    ),
    "halfnorm": Density("log(2/pi)/2 - y**2/2", "-y", outside="y < 0"),
    "halfcauchy": Density("log(2/pi) - log1p(y**2)", "-2*y/(1 + y**2)", outside="y < 0"),
    "rayleigh": Density("log(y) - y**2/2", "1/y - y", outside="y < 0"),
    "maxwell": Density("log(2/pi)/2 + 2*log(y) - y**2/2", "2/y - y", outside="y < 0"),
    # Sources as SciPy's documentation has them: the tutorial's "Continuous Statistical Distributions"
    "weibull_max": Density(
        "log(c) + (c - 1)*log(-y) - (-y)**c",
        "(c - 1)/y + c*(-y)**(c - 1)",
        {"c": "1/c + log(-y)*(1 - (-y)**c)"},
        outside="y > 0",
    ),
    "powerlaw": Density(
        "log(a) + (a - 1)*log(y)", "(a - 1)/y", {"a": "1/a + log(y)"}, outside="(y < 0) | (y > 1)"
    ),
    "gennorm": Density(
        "log(b/2) - gammaln(1/b) - abs(y)**b",
        "-b*sign(y)*abs(y)**(b - 1)",
        {"b": "1/b + digamma(1/b)/b**2 - where(y == 0, 0, abs(y)**b*log(abs(y)))"},
    ),
    "truncnorm": Density(
        f"-y**2/2 - log(2*pi)/2 - log({_BETWEEN})",
        "-y",
        {
            "a": f"exp(-a**2/2)/(sqrt(2*pi)*({_BETWEEN}))",
            "b": f"-exp(-b**2/2)/(sqrt(2*pi)*({_BETWEEN}))",
        },
        outside="(y < a) | (y > b)",
    ),
    "skewnorm": Density(
        "log(2) - y**2/2 - log(2*pi)/2 + log_ndtr(a*y)",
        "-y + a*exp(-(a*y)**2/2 - log_ndtr(a*y))/sqrt(2*pi)",
        {"a": "y*exp(-(a*y)**2/2 - log_ndtr(a*y))/sqrt(2*pi)"},
    ),
    "genextreme": Density(
        f"{_FALLING} - log1p(-c*y) - exp({_FALLING})",
        f"(exp({_FALLING}) + c - 1)/(1 - c*y)",
        {"c": f"({_FALLING_BY_C})*(1 - exp({_FALLING})) + y/(1 - c*y)"},
        outside="c*y > 1",
    ),
    "genpareto": Density(
        f"-{_RISING} - log1p(c*y)",
        "-(c + 1)/(1 + c*y)",
        {"c": f"-({_RISING_BY_C}) - y/(1 + c*y)"},
        outside="(y < 0) | (c*y < -1)",
    ),
    "f": Density(
        "dfn/2*log(dfn) + dfd/2*log(dfd) + (dfn/2 - 1)*log(y) - (dfn + dfd)/2*log(dfd + dfn*y)"
        " - betaln(dfn/2, dfd/2)",
        "(dfn/2 - 1)/y - (dfn + dfd)/2*dfn/(dfd + dfn*y)",
        {
            "dfn": "(log(dfn*y) + 1 - log(dfd + dfn*y) - (dfn + dfd)*y/(dfd + dfn*y)"
            " - digamma(dfn/2) + digamma((dfn + dfd)/2))/2",
            "dfd": "(log(dfd) + 1 - log(dfd + dfn*y) - (dfn + dfd)/(dfd + dfn*y)"
            " - digamma(dfd/2) + digamma((dfn + dfd)/2))/2",
        },
        outside="y < 0",
    ),
    "invgauss": Density(
        "-log(2*pi*y**3)/2 - (y/mu - 1)**2/(2*y)",
        "(1/y**2 - 1/mu**2 - 3/y)/2",
        {"mu": "(y/mu - 1)/mu**2"},
        outside="y < 0",
    ),
    "gumbel_r": Density("-y - exp(-y)", "expm1(-y)"),
    "gumbel_l": Density("y - exp(y)", "-expm1(y)"),
}
# Of distributions of whole numbers k: the derivative of the log of the probability, by each shape parameter.
MASSES = {
    "poisson": {"mu": "k/mu - 1"},
    "bernoulli": {"p": "k/p - (1 - k)/(1 - p)"},
    "binom": {"n": "", "p": "k/p - (n - k)/(1 - p)"},
    "geom": {"p": "1/p - (k - 1)/(1 - p)"},
    "nbinom": {"n": "digamma(k + n) - digamma(n) + log(p)", "p": "n/p - k/(1 - p)"},
}
# Of the sum up to k, a whole number.
SUMS = {
    "poisson": {"mu": "-exp(k*log(mu) - mu - gammaln(k + 1))"},
    "binom": {"n": "", "p": "-exp(k*log(p) + (n - k - 1)*log1p(-p) - betaln(k + 1, n - k))"},
    "geom": {"p": "k*(1 - p)**(k - 1)"},
}


def _times(factor: str, text: str) -> str:
    return f"{factor}*({text})" if text else ""


def _rule(partials: tuple[str, ...], names: tuple[str, ...], outside: str) -> Elementwise:
    return Elementwise(partials, names=names, zero_where=(outside,) * len(partials), real_only=True)


def _methods_of(name: str, density: Density) -> dict[str, Elementwise]:
    """Write out the partials of each method by x, the shape parameters, loc and scale."""
    shapes = tuple(density.by_shape)
    unknown = dict.fromkeys(shapes, "")
    log_pdf, slope, outside = (
        _with_y_for("x", text) for text in (density.log, density.slope, density.outside)
    )
    by_shape = {shape: _with_y_for("x", text) for shape, text in density.by_shape.items()}
    y = _with_y_for("x", "y")

    def rule(by_y: str, by_scale: str, by_shape: dict[str, str]) -> Elementwise:
        """Return the rule of a method from the derivatives of its logarithm, or of itself, by y."""
        by_x, by_loc = ("0", "0") if by_y == "0" else (f"({by_y})/scale", f"-({by_y})/scale")
        partials = (by_x, *by_shape.values(), by_loc, by_scale)
        return _rule(partials, ("x", *shapes, "loc", "scale"), outside)

    stretch = f"({slope})*{y} + 1"
    methods = {
        "logpdf": rule(slope, f"-({stretch})/scale", by_shape),
        "pdf": rule(
            slope if slope == "0" else f"out*({slope})",
            f"-out*({stretch})/scale",
            {shape: _times("out", text) for shape, text in by_shape.items()},
        ),
    }
    for method, of_y in {
        "cdf": f"exp({log_pdf})",
        "sf": f"-exp({log_pdf})",
        "logcdf": f"exp({log_pdf} - out)",
        "logsf": f"-exp({log_pdf} - out)",
    }.items():
        methods[method] = rule(of_y, f"-({of_y})*{y}/scale", unknown)
    # Of the two that go the other way, what y is by their answer
    log_pdf, y = _with_y_for("out", density.log), _with_y_for("out", "y")
    for method, sign in (("ppf", ""), ("isf", "-")):
        partials = (f"{sign}scale*exp(-({log_pdf}))", *unknown.values(), "1", y)
        methods[method] = _rule(partials, ("q", *shapes, "loc", "scale"), "False")
    return {f"{name}.{method}": made for method, made in methods.items()}


def _with_y_for(of: str, text: str) -> str:
    """Put (x - loc)/scale for y."""
    return _Y.sub(f"(({of} - loc)/scale)", text) if "y" in text else text


def _masses_of(name: str, by_shape: dict[str, str]) -> dict[str, Elementwise]:
    names = ("k", *by_shape, "loc")
    texts = [re.sub(r"\bk\b", "(k - loc)", text) for text in by_shape.values()]
    return {
        f"{name}.logpmf": _rule(("", *texts, ""), names, "out == -inf"),
        f"{name}.pmf": _rule(("", *(_times("out", text) for text in texts), ""), names, "out == 0"),
    }


def _sums_of(name: str, by_shape: dict[str, str]) -> dict[str, Elementwise]:
    names = ("k", *by_shape, "loc")
    texts = [re.sub(r"\bk\b", "floor(k - loc)", text) for text in by_shape.values()]
    outside = "(out == 0) | (out == 1)"
    return {
        f"{name}.{method}": _rule(("", *(_times(sign, text) for text in texts), ""), names, outside)
        for method, sign in (("cdf", "1"), ("sf", "-1"))
    }


WRITTEN: dict[str, Elementwise] = {}
for _name, _density in DENSITIES.items():
    WRITTEN |= _methods_of(_name, _density)
for _name, _by_shape in MASSES.items():
    WRITTEN |= _masses_of(_name, _by_shape)
for _name, _by_shape in SUMS.items():
    WRITTEN |= _sums_of(_name, _by_shape)
WRITTEN |= OF_MOMENTS
