"""Rows of test_rules.py for scipy.special and scipy.stats: the function, and where its operands may lie."""

from __future__ import annotations

import numpy as np
from rule_rows_linalg import normal, positive, regular, tall, wide
from scipy import fft, linalg, special, stats
from scipy.spatial import distance

from tracer.rules.assumed import assumed
from tracer.rules.densities import SUMS
from tracer.rules.distances import SLOPES
from tracer.rules.moments import MOMENTS, OF_MOMENTS
from tracer.rules.moments import OF_WHOLE as MOMENTS_OF_WHOLE
from tracer.rules.scipy_special import RESULTS, SPHERICAL
from tracer.rules.triangles import order_of

# The specs of rule_rows.py, which imports this.
UNIT, POSITIVE, NEGATIVE, ANY = (-0.9, 0.9), (0.5, 3.0), (-3.0, -0.5), (-2.0, 2.0)
PART, MIDDLE, HIGH = (0.1, 0.9), (0.3, 0.7), (2.0, 3.0)
THREES = "threes"

SPECIAL = (
    *(
        (name, (ANY,))
        for name in "expit log_expit erfcx erfi dawsn ndtr log_ndtr sindg cosdg tandg".split()
    ),
    *((name, (PART,)) for name in "logit entr erfinv erfcinv ndtri ellipk ellipe ellipkm1".split()),
    *((name, (ANY,)) for name in "exp10 cosm1 i1 j0 j1 wrightomega exprel rgamma".split()),
    *(
        (name, (POSITIVE,))
        for name in "gammaln loggamma psi y0 y1 k0 k1 k0e k1e i0e i1e spence expi exp1".split()
    ),
    *((name, (NEGATIVE,)) for name in "i0e i1e expi ndtri_exp".split()),
    *((name, (POSITIVE, POSITIVE)) for name in "xlogy xlog1py rel_entr kl_div beta betaln poch".split()),
    ("gammaln", ((-1.7, -1.3),)),
    ("cotdg", ((20.0, 60.0),)),
    ("xlogy", ("zeros", POSITIVE)),
    ("xlog1py", ("zeros", POSITIVE)),
    ("huber", (HIGH, UNIT)),
    ("huber", (PART, HIGH)),
    ("pseudo_huber", (POSITIVE, ANY)),
    ("exprel", ((-1e-6, 1e-6),)),
    ("boxcox", (POSITIVE, POSITIVE)),
    ("boxcox", (POSITIVE, "zeros")),
    ("boxcox1p", (POSITIVE, POSITIVE)),
    ("boxcox1p", (POSITIVE, "zeros")),
    ("inv_boxcox", (POSITIVE, 1.5)),
    ("powm1", (POSITIVE, ANY)),
    ("lambertw", (POSITIVE, 0.0)),
    ("lambertw", (POSITIVE, THREES)),
    *((name, (THREES, POSITIVE)) for name in ("pdtr", "pdtrc")),
    ("owens_t", (ANY, ANY)),
    ("polygamma", (THREES, POSITIVE)),
    ("ellipkinc", (PART, 0.7)),
    ("ellipeinc", (PART, 0.7)),
    ("binom", ((5.0, 6.0), (2.0, 3.0))),
    *((name, (THREES, POSITIVE)) for name in "gammainc gammaincc stdtr chdtr chdtrc".split()),
    *((name, (THREES, PART)) for name in "gammaincinv gammainccinv".split()),
    *((name, (THREES, THREES, PART)) for name in "betainc betaincc betaincinv betainccinv".split()),
    *((name, (THREES, POSITIVE)) for name in "jv yv iv kv ive kve yn kn expn".split()),
    *((name, (ANY,)) for name in "wofz airy_ai airy_aip airy_bi airy_bip".split()),
    *(
        (name, (POSITIVE,))
        for name in "ber bei berp beip ker kei kerp keip fresnel_s fresnel_c si ci shi chi".split()
    ),
    ("voigt_profile", (ANY, POSITIVE, POSITIVE)),
    ("inv_boxcox", (POSITIVE, POSITIVE)),
    ("inv_boxcox", (POSITIVE, (-1e-5, 1e-5))),
    ("inv_boxcox1p", (POSITIVE, 1.5)),
    ("tklmbda", (PART, 0.3)),
    ("zeta", (THREES, POSITIVE)),
    *((name, (THREES, POSITIVE)) for name in "jve yve hankel1 hankel2 hankel1e hankel2e".split()),
    *((name, (THREES, POSITIVE)) for name in SPHERICAL),
    *((name, (THREES, POSITIVE)) for name in "struve modstruve hyp0f1".split()),
    *((name, (1.5, 2.5, POSITIVE)) for name in "wright_bessel log_wright_bessel hyp1f1 hyperu".split()),
    ("hyp2f1", (1.5, 0.7, 2.5, UNIT)),
    ("elliprf", (POSITIVE, POSITIVE, POSITIVE)),
    ("elliprc", (POSITIVE, POSITIVE)),
    ("lpmv", (1.0, THREES, UNIT)),
    ("eval_chebyu", (THREES, UNIT)),
    *((name, (THREES, 0.7, UNIT)) for name in "eval_gegenbauer eval_genlaguerre".split()),
    ("eval_jacobi", (THREES, 0.7, 1.3, UNIT)),
    *((f"ellipj_{name}", (POSITIVE, 0.6)) for name in "sn cn dn ph".split()),
    *((name, (3.0, 5.0, POSITIVE)) for name in "fdtr fdtrc".split()),
    ("stdtrit", (THREES, MIDDLE)),
    ("fdtri", (3.0, 5.0, PART)),
    *((name, (POSITIVE, 3.0, POSITIVE)) for name in "gdtr gdtrc".split()),
    ("gdtrix", (POSITIVE, 3.0, PART)),
    *((name, (2.0, 5.0, PART)) for name in "nbdtr nbdtrc nbdtri".split()),
    *((name, (THREES, PART)) for name in "chdtri pdtri".split()),
    *(
        (name, (THREES, UNIT))
        for name in "eval_legendre eval_chebyt eval_hermite eval_hermitenorm eval_laguerre".split()
    ),
)
SEVERAL = {
    name: lambda *operands, f=getattr(special, function), at=at: f(*operands)[at]
    for function, names in RESULTS.items()
    for at, name in enumerate(names)
}
DENSITIES = {
    "norm": ((), ANY),
    "uniform": ((), PART),
    "expon": ((), POSITIVE),
    "laplace": ((), POSITIVE),
    "logistic": ((), ANY),
    "cauchy": ((), ANY),
    "gamma": ((HIGH,), POSITIVE),
    "chi2": (((4.0, 6.0),), POSITIVE),
    "beta": ((HIGH, HIGH), PART),
    "t": ((HIGH,), ANY),
    "lognorm": (((0.6, 0.9),), (1.0, 3.0)),
    "weibull_min": (((1.5, 2.5),), POSITIVE),
    "pareto": ((HIGH,), HIGH),
    "invgamma": ((HIGH,), POSITIVE),
    **dict.fromkeys(("halfnorm", "halfcauchy", "rayleigh", "maxwell"), ((), POSITIVE)),
    "weibull_max": (((1.5, 2.5),), NEGATIVE),
    "powerlaw": ((HIGH,), PART),
    "gennorm": (((1.5, 2.5),), POSITIVE),
    "truncnorm": (((-1.6, -1.2), (1.5, 2.5)), (-0.9, 0.9)),
    "skewnorm": ((HIGH,), ANY),
    "genextreme": (((0.15, 0.25),), ANY),
    "genpareto": (((0.2, 0.4),), POSITIVE),
    "f": ((HIGH, HIGH), POSITIVE),
    "invgauss": (((0.6, 0.9),), POSITIVE),
    **dict.fromkeys(("gumbel_r", "gumbel_l"), ((), ANY)),
}
# Shape parameters of what has no threes
ONE_PLACE = {"truncnorm": (-1.4, 2.0), "genextreme": (0.2,)}
# Where a shape parameter is 0, or lies far out
LIMITS = (
    ("genextreme", ((-1e-5, 1e-5),), ANY),
    ("genpareto", ((-1e-5, 1e-5),), POSITIVE),
    ("truncnorm", ((9.0, 9.5), (9.9, 10.1)), (9.6, 9.8)),
)
# Shape parameters for which there are means and variances, where those of the densities have none
WIDE = {
    "t": ((4.0, 6.0),),
    "pareto": ((4.0, 6.0),),
    "invgamma": ((4.0, 6.0),),
    "genpareto": ((0.15, 0.2),),
    "f": (HIGH, (7.0, 9.0)),
}
OF_WHOLE = {"poisson": (POSITIVE,), "binom": (3.0, MIDDLE), "nbinom": (HIGH, MIDDLE)}
MASSES = (
    ("poisson", (THREES, POSITIVE)),
    ("geom", (2.0, MIDDLE)),
    ("nbinom", (2.0, HIGH, MIDDLE)),
    ("binom", (1.0, THREES, MIDDLE)),
    ("bernoulli", (0.0, MIDDLE)),
    ("bernoulli", (1.0, MIDDLE)),
)
# No two coordinates that lie equally far apart.
POINTS = np.array([[0.3, 1.9], [-1.2, 0.6], [2.4, -0.7]])
OTHERS = np.array([[1.1, 0.2], [-0.5, 2.3], [0.1, -1.4], [1.7, 1.2]])
LOC, SCALE = (-0.01, 0.01), (1.0, 1.05)


def scipy_rows(elements):
    """Return the rows, made with the class of rows of elementwise operations."""
    for name, operands in SPECIAL:
        if name not in SEVERAL and not hasattr(special, name):
            continue  # of a newer SciPy
        yield elements(name, SEVERAL.get(name) or getattr(special, name), operands)
    for name, (shapes, x) in DENSITIES.items():
        distribution = getattr(stats, name)
        for method in ("pdf", "logpdf"):
            yield elements(f"{name}.{method}", getattr(distribution, method), (x, *shapes, LOC, SCALE))
        whole = ONE_PLACE.get(name) or tuple(THREES for _ in shapes)
        for method in ("cdf", "sf", "logcdf", "logsf"):
            yield elements(f"{name}.{method}", getattr(distribution, method), (x, *whole, LOC, SCALE))
        for method in ("ppf", "isf"):
            yield elements(
                f"{name}.{method}", getattr(distribution, method), ((0.2, 0.8), *whole, LOC, SCALE)
            )
    for name, shapes, x in LIMITS:
        for method in ("pdf", "logpdf"):
            function = getattr(getattr(stats, name), method)
            yield elements(f"{name}.{method}", function, (x, *shapes, "zeros", 1.0))
            if len(shapes) == 1:
                yield elements(f"{name}.{method}", function, (x, "zeros", "zeros", 1.0))
    for name, operands in MASSES:
        for method in ("pmf", "logpmf", *(("cdf", "sf") if name in SUMS else ())):
            yield elements(f"{name}.{method}", getattr(getattr(stats, name), method), (*operands, "zeros"))
    yield from _moments(elements)


def _moments(elements):
    for name in MOMENTS:
        shapes = WIDE.get(name) or DENSITIES[name][0]
        for method in ("mean", "var", "std", "entropy"):
            if f"{name}.{method}" in OF_MOMENTS:
                function = getattr(getattr(stats, name), method)
                yield elements(f"{name}.{method}", function, (*shapes, LOC, SCALE))
    for name in MOMENTS_OF_WHOLE:
        for method in ("mean", "var", "std"):
            shapes = OF_WHOLE.get(name, (MIDDLE,))
            yield elements(f"{name}.{method}", getattr(getattr(stats, name), method), (*shapes, LOC))


def scipy_fft_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for name in (f"{inverse}{kind}n" for inverse in ("", "i") for kind in ("dct", "dst")):
        function = getattr(fft, name)
        for number in (1, 2, 3, 4):
            for norm in ("backward", "ortho", "forward"):
                # Of complex numbers, SciPy reads no other `orthogonalize` than that.
                params = {"type": number, "norm": norm, "orthogonalize": norm == "ortho", "axes": (0,)}
                yield arrays(name, lambda x, p=params, f=function: f(x, **p), (normal(4),), params)
            params = {"type": number, "norm": "backward", "orthogonalize": False, "axes": (2, 0)}
            yield arrays(
                name, lambda x, p=params, f=function: f(x, s=(5, 2), **p), (normal(3, 2, 4),), params
            )


def scipy_distance_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for metric in SLOPES:
        exponent = {"p": 3.0} if metric == "minkowski" else {}
        params = {"metric": metric, "p": 3.0}
        yield arrays(
            "cdist",
            lambda a, b, m=metric, p=exponent: distance.cdist(a, b, m, **p),
            (POINTS, OTHERS),
            params,
        )
        yield arrays("pdist", lambda a, m=metric, p=exponent: distance.pdist(a, m, **p), (POINTS,), params)
    for x in (normal(3), np.array([[0.0, 1.5], [1.5, 0.0]])):
        places = distance.squareform(np.arange(1, x.size + 1).reshape(x.shape), checks=False)
        yield arrays("squareform", lambda x: distance.squareform(x, checks=False), (x,), {"places": places})


def scipy_linalg_rows(arrays):
    """Return the rows, made with the class of rows of functions of arrays."""
    for lower in (False, True):
        for unit_diagonal in (False, True):
            for trans in "NTC":
                params = {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}
                for b in (normal(3), normal(3, 2)):
                    yield arrays(
                        "solve_triangular",
                        lambda a, b, params=params: linalg.solve_triangular(a, b, **params),
                        (regular(3, 3), b),
                        params,
                    )
        yield arrays(
            "cho_factor",
            lambda a, lower=lower: linalg.cho_factor(a, lower)[0],
            (positive(3, 3),),
            {"lower": lower},
        )
        for b in (normal(3), normal(3, 2)):
            yield arrays(
                "cho_solve",
                lambda c, b, lower=lower: linalg.cho_solve((c, lower), b),
                (normal(3, 3) + 2 * np.eye(3), b),
                {"lower": lower},
            )
    for family in (_triangles, _assumed, _moved):
        yield from family(arrays)
    for function in (linalg.expm, linalg.logm, linalg.sqrtm):
        yield arrays(
            function.__name__,
            lambda a, function=function: function(a + 0 * np.float64(1)),  # logm warns of single precision
            (positive(3, 3) + 0.1 * normal(3, 3),),
            {},
        )


def _triangles(arrays):
    for a in (regular(3, 3)[[1, 2, 0]], tall(4, 3)[::-1].copy(), wide(2, 4)):
        yield arrays("lu_lower", lambda a: linalg.lu(a)[1], (a,), {})
        yield arrays("lu_exchanged", lambda a: linalg.lu(a, permute_l=True)[0], (a,), {})
        yield arrays("lu_upper", lambda a: linalg.lu(a)[2], (a,), {})
        order = order_of(linalg.lu_factor(a)[1], len(a))
        yield arrays("lu_factor", lambda a: linalg.lu_factor(a)[0], (a,), {"order": order})
    for trans in (0, 1, 2):
        for b in (normal(3), normal(3, 2)):
            yield arrays(
                "lu_solve",
                lambda c, b, trans=trans: linalg.lu_solve((c, np.array([2, 2, 2])), b, trans),
                (normal(3, 3) + 2 * np.eye(3), b),
                {"order": order_of([2, 2, 2], 3), "trans": trans},
            )


def _assumed(arrays):
    structures = (
        "hermitian",
        "symmetric",
        "diagonal",
        "tridiagonal",
        "upper triangular",
        "lower triangular",
    )
    for structure in structures:
        for lower in (False, True):
            params, given = (
                {"structure": structure, "lower": lower},
                {"assume_a": structure, "lower": lower},
            )
            yield arrays(
                "solve_assuming",
                lambda a, b, given=given: linalg.solve(a, b, **given),
                (positive(3, 3), normal(3, 2)),
                params,
            )
            if structure not in {"tridiagonal", "diagonal"}:
                yield arrays(
                    "inv_assuming",
                    lambda a, params=params: np.linalg.inv(assumed(a, **params)),
                    (positive(3, 3),),
                    params,
                )
    hermitian = {"structure": "hermitian", "lower": True}
    for a in (positive(3, 3), positive(2, 3, 3)):
        yield arrays("pinv_assuming", lambda a: np.linalg.pinv(a, hermitian=True), (a,), hermitian)
    turned = positive(3, 3) * np.array([1, -1, 1])[:, None] * np.array([1, -1, 1])
    for a in (positive(3, 3), positive(3, 3) - 4 * np.eye(3), np.stack([turned, -turned])):
        for part, name in enumerate(("u", "s", "vh")):
            yield arrays(
                f"svd_hermitian_{name}",
                lambda a, part=part: np.linalg.svd(a, hermitian=True)[part],
                (a,),
                {},
            )


def _moved(arrays):
    for name, shapes in (
        ("block_diag", ((2, 3), (2, 2))),
        ("circulant", ((3,),)),
        ("hankel", ((3,), (2,))),
        ("toeplitz", ((3,), (4,))),
    ):
        function = getattr(linalg, name)
        numbers, first = [], 1
        for shape in shapes:
            size = int(np.prod(shape))
            numbers.append(np.arange(first, first + size).reshape(shape))
            first += size
        yield arrays(name, function, shapes, {"places": function(*numbers)})
