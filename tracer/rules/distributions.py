"""The rules of `scipy.stats`, by name: what each says is read when somebody asks for it.

A program without SciPy asks for none of them, and importing does not wait for hundreds of texts. They are written out
in densities.py; what goes back through an estimate of a density is in kernels.py. Read through rules.RULES.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tracer.rules.kinds import Elementwise, Vjp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.rules.kinds import Array, Operands, Params

# By the shape parameters, in SciPy's order
CONTINUOUS = {
    name: shapes
    for shapes, names in (
        (
            "",
            "norm uniform expon laplace logistic cauchy halfnorm halfcauchy rayleigh maxwell gumbel_r gumbel_l",
        ),
        ("a", "gamma invgamma powerlaw skewnorm"),
        ("b", "pareto gennorm"),
        ("c", "weibull_min weibull_max genextreme genpareto"),
        ("df", "chi2 t"),
        ("s", "lognorm"),
        ("mu", "invgauss"),
        ("a b", "beta truncnorm"),
        ("dfn dfd", "f"),
    )
    for name in names.split()
}
WHOLE = {"poisson": "mu", "bernoulli": "p", "geom": "p", "binom": "n p", "nbinom": "n p"}
_WITHOUT_MEAN = frozenset("cauchy halfcauchy weibull_max gennorm truncnorm skewnorm genextreme".split())
_WITHOUT_ENTROPY = frozenset("weibull_max gennorm truncnorm skewnorm genextreme f invgauss".split())
_WITH_SUM = frozenset("poisson binom geom".split())


class _Named(Elementwise):
    """A rule whose texts are elsewhere; once they have been asked for, it is a rule like any other."""

    def __init__(self, name: str, names: tuple[str, ...]) -> None:
        self.names, self.real_only, self._name = names, True, name

    def _read(self) -> Elementwise:
        from tracer.rules.densities import WRITTEN  # noqa: PLC0415  (as above)

        vars(self).update(vars(WRITTEN[self._name]))
        self.__class__ = Elementwise  # type: ignore[assignment]  # of which it has all
        return self

    if not TYPE_CHECKING:
        partials = property(lambda self: self._read().partials)
        zero_where = property(lambda self: self._read().zero_where)


def _methods() -> Iterator[tuple[str, str, str]]:
    """Yield a distribution, the methods that have a rule, and what they are called with."""
    for name, shapes in CONTINUOUS.items():
        yield name, "logpdf pdf cdf sf logcdf logsf", f"x {shapes} loc scale"
        yield name, "ppf isf", f"q {shapes} loc scale"
        if name not in _WITHOUT_MEAN:
            yield name, "mean var std", f"{shapes} loc scale"
        if name not in _WITHOUT_ENTROPY:
            yield name, "entropy", f"{shapes} loc scale"
    for name, shapes in WHOLE.items():
        yield name, "logpmf pmf cdf sf" if name in _WITH_SUM else "logpmf pmf", f"k {shapes} loc"
        yield name, "mean var std", f"{shapes} loc"


SCIPY_STATS: dict[str, Elementwise] = {
    f"{name}.{method}": _Named(f"{name}.{method}", tuple(operands.split()))
    for name, methods, operands in _methods()
    for method in methods.split()
}


def _kernels(port: int, g: Any, out: Any, operands: Operands, params: Params, *, is_log: bool) -> Array:
    from tracer.rules.kernels import pull  # noqa: PLC0415  (as above)

    return pull(port, g, out, operands, params, is_log=is_log)


KERNELS = {
    "gaussian_kde": Vjp(partial(_kernels, is_log=False), real_only=True),
    "gaussian_kde_log": Vjp(partial(_kernels, is_log=True), real_only=True),
}
