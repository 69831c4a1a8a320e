"""Derivatives of `scipy.special`, by the names that its ufuncs have there. Needs no SciPy to import.

What SciPy shares with `math` (erf, gamma, expm1) is in elementwise.py. An empty partial says that no closed form is
known (the order of a Bessel function): a traced float is refused there. Sources: NIST's Digital Library of Mathematical
Functions (dlmf.nist.gov), chapters 5 to 11, 13 to 15, 18, 19 and 25. Read through rules.RULES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.elementwise import SPECIAL
from tracer.rules.formula import compile_formula
from tracer.rules.kinds import Elementwise, Vjp, typed

if TYPE_CHECKING:
    from tracer.rules.kinds import Array, Operands, Params

_NORMAL = "exp(-x**2/2)/sqrt(2*pi)"
_W = "wofz((x + 1j*gamma)/(sigma*sqrt(2)))"
_REAL_SQUARE = f"real((x + 1j*gamma)**2*{_W})"
_LINE = "(x + 1j*gamma)"
# Where sigma is small beside that, also zero, the asymptotic series of w (7.12.1): the others lose their digits.
_IS_NARROW = f"abs({_LINE}) > 30*abs(sigma)"
_BY_LINE = (
    f"1j/(pi*{_LINE}**2)*(1 + (sigma/{_LINE})**2*(3 + (sigma/{_LINE})**2*(15 + (sigma/{_LINE})**2*105)))"
)
_BY_WIDTH = f"1j*sigma/(pi*{_LINE}**3)*(2 + (sigma/{_LINE})**2*(12 + (sigma/{_LINE})**2*(90 + (sigma/{_LINE})**2*840)))"
# 7.12.1, differentiated: far out the difference of two equal numbers is left of the plain formula.
_FAR = "(1 + {s}*3/(2*x**2)*(1 + {s}*5/(2*x**2)*(1 + {s}*7/(2*x**2))))"
# xlogy, since a power of 0 at the end of a support may be the power zero
_GAMMA_DENSITY = "exp(xlogy(a - 1, {x}) - {x} - gammaln(a))"
_BETA_DENSITY = "exp(xlogy(a - 1, {x}) + xlog1py(b - 1, -{x}) - betaln(a, b))"
_F_DENSITY = (
    "exp(dfn/2*log(dfn) + dfd/2*log(dfd) + xlogy(dfn/2 - 1, {x}) - (dfn + dfd)/2*log(dfd + dfn*{x})"
    " - betaln(dfn/2, dfd/2))"
)
_CHI_DENSITY = "exp(xlogy(v/2 - 1, {x}/2) - {x}/2 - gammaln(v/2))/2"
_POISSON = "exp(xlogy(floor(k), {m}) - {m} - gammaln(floor(k) + 1))"
_RATE_DENSITY = "exp(b*log(a) + xlogy(b - 1, {x}) - a*{x} - gammaln(b))"  # of rate a and shape b
_BY_RATE = "exp((b - 1)*log(a) + xlogy(b, {x}) - a*{x} - gammaln(b))"
# What SciPy cuts a count to that is no whole number
_WHOLE = "(sign({n})*floor(abs({n})))"
_NEGATIVE_BINOMIAL = (
    "exp(xlogy(whole_n - 1, {p}) + xlog1py(whole_k, -{p}) - betaln(whole_n, whole_k + 1))".replace(
        "whole_n", _WHOLE.format(n="n")
    ).replace("whole_k", _WHOLE.format(n="k"))
)
# (x/2)**v/gamma(v + 3/2); of a negative x a whole power
_STRUVE = (
    "where(x < 0, cos(pi*v), 1)*where(v < 0, rgamma(v + 3/2)*exp(xlogy(v, abs(x)/2)), "
    "exp(xlogy(v, abs(x)/2) - gammaln(v + 3/2)))/sqrt(pi)"
)
_AT_POLE = "cos(pi*{x})*gamma(1 - {x})"  # the slope of 1/gamma where gamma has a pole, by 5.5.3
_T_DENSITY = "exp(gammaln((df + 1)/2) - gammaln(df/2) - (df + 1)/2*log1p({t}**2/df))/sqrt(pi*df)"


def _of(*partials: str, names: str = "", zero_where: tuple[str, ...] = ()) -> Elementwise:
    return Elementwise(partials, names=tuple(names.split()), zero_where=zero_where)


def _complex_ive(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over exp(-|Re z|) I_v(z), whose first factor is not holomorphic."""
    del params
    order, z = operands
    if port == 0:
        return np.zeros(np.shape(out), order.dtype)
    slope = compile_formula("(ive(v - 1, z) + ive(v + 1, z))/2", ("v", "z"))(order, z, out)
    return typed(np.asarray(g * slope - np.sign(z.real) * np.real(g * out)), z)


SIGMOIDS_AND_ENTROPIES = {
    "expit": _of("out*(1 - out)"),
    "logit": _of("1/(x*(1 - x))"),
    "log_expit": _of("-expm1(out)"),
    "xlogy": _of("log(y)", "x/y", zero_where=("False", "x == 0")),
    "xlog1py": _of("log1p(y)", "x/(1 + y)", zero_where=("False", "x == 0")),
    "entr": _of("-log(x) - 1"),
    "rel_entr": _of("log(x/y) + 1", "-x/y"),
    "kl_div": _of("log(x/y)", "1 - x/y"),
    "huber": Elementwise(
        ("where(abs(r) <= delta, 0, abs(r) - delta)", "where(abs(r) <= delta, r, delta*sign(r))"),
        names=("delta", "r"),
    ),
    "pseudo_huber": _of(
        "2*out/delta - r**2/(delta*sqrt(1 + (r/delta)**2))", "r/sqrt(1 + (r/delta)**2)", names="delta r"
    ),
    # Where the difference would lose its digits, two terms of the series.
    "exprel": _of("where(abs(x) < 1e-5, 1/2 + x/3, (exp(x) - out)/x)"),
    "boxcox": _of(
        "x**(lmbda - 1)",
        "where(abs(lmbda) < 1e-5, log(x)**2/2 + lmbda*log(x)**3/3, (xlogy(x**lmbda, x) - out)/lmbda)",
        names="x lmbda",
    ),
    "boxcox1p": _of(
        "exp((lmbda - 1)*log1p(x))",
        "where(abs(lmbda) < 1e-5, log1p(x)**2/2 + lmbda*log1p(x)**3/3, "
        "(xlog1py(exp(lmbda*log1p(x)), x) - out)/lmbda)",
        names="x lmbda",
    ),
    "inv_boxcox": _of(
        "out**(1 - lmbda)",
        "out*where(abs(lmbda) < 1e-4, -y**2/2 + 2*lmbda*y**3/3 - 3*lmbda**2*y**4/4, "
        "(lmbda*y/(1 + lmbda*y) - log1p(lmbda*y))/lmbda**2)",
        names="y lmbda",
    ),
    "inv_boxcox1p": _of("(1 + out)**(1 - lmbda)", "", names="y lmbda"),
    "cosm1": _of("-sin(x)"),
    "powm1": _of("y*x**(y - 1)", "xlogy(out + 1, x)", zero_where=("y == 0", "False")),
    "exp10": _of("log(10)*out"),
    "sindg": _of("pi/180*cos(pi/180*x)"),
    "cosdg": _of("-pi/180*sin(pi/180*x)"),
    "tandg": _of("pi/180*(1 + out**2)"),
    "cotdg": _of("-pi/180*(1 + out**2)"),
    "wrightomega": _of("out/(1 + out)"),
}

ERROR_FUNCTIONS = {
    "erfcx": _of(f"where(real(x) > 50, -{_FAR.format(s='-1')}/(sqrt(pi)*x**2), 2*x*out - 2/sqrt(pi))"),
    "erfi": _of("2/sqrt(pi)*exp(x**2)"),
    "dawsn": _of(f"where(real(x**2) > 2500, -{_FAR.format(s='1')}/(2*x**2), 1 - 2*x*out)"),
    "erfinv": _of("sqrt(pi)/2*exp(out**2)"),
    "erfcinv": _of("-sqrt(pi)/2*exp(out**2)"),
    "ndtr": _of(_NORMAL),
    "ndtri": _of("sqrt(2*pi)*exp(out**2/2)"),
    "log_ndtr": _of("exp(-x**2/2 - out)/sqrt(2*pi)"),
    "ndtri_exp": _of("sqrt(2*pi)*exp(x + out**2/2)"),
    "wofz": _of(  # 7.10.2
        f"where((abs(x) > 50) & (real(1j*x) <= 0), -1j*{_FAR.format(s='1')}/(sqrt(pi)*x**2), 2j/sqrt(pi) - 2*x*out)"
    ),
    # The real part of w(z)/(sigma sqrt(2 pi)), z = (x + 1j gamma)/(sigma sqrt(2)): 7.19.3 and 7.10.2
    "voigt_profile": Elementwise(
        (
            f"where({_IS_NARROW}, -real({_BY_LINE}), -real({_LINE}*{_W})/(sigma**3*sqrt(2*pi)))",
            (
                f"where({_IS_NARROW}, real({_BY_WIDTH}), "
                f"({_REAL_SQUARE}/sigma**2 + 2*gamma/(sigma*sqrt(2*pi)))/(sigma**2*sqrt(2*pi)) - out/sigma)"
            ),
            (
                f"where({_IS_NARROW}, -real(1j*{_BY_LINE}), "
                f"(real((gamma - 1j*x)*{_W})/(sigma*sqrt(2)) - 1/sqrt(pi))/(sigma**2*sqrt(pi)))"
            ),
        ),
        names=("x", "sigma", "gamma"),
        real_only=True,
    ),
    "fresnel_s": _of("sin(pi/2*x**2)"),
    "fresnel_c": _of("cos(pi/2*x**2)"),
    "owens_t": _of(
        "-exp(-h**2/2)*erf(a*h/sqrt(2))/(2*sqrt(2*pi))",
        "exp(-h**2*(1 + a**2)/2)/(2*pi*(1 + a**2))",
        names="h a",
    ),
}

GAMMA_FUNCTIONS = {
    "gammaln": SPECIAL["lgamma"],
    "loggamma": SPECIAL["lgamma"],
    "rgamma": _of(f"where((out == 0) & (real(x) <= 0), {_AT_POLE.format(x='x')}, -digamma(x)*out)"),
    "psi": Elementwise(("polygamma(1, x)",), real_only=True),  # SciPy has no polygamma of complex numbers
    "polygamma": _of("", "polygamma(n + 1, x)", names="n x"),
    "poch": _of(
        f"where((out == 0) & (z <= 0) & (rint(z) == z), gamma(z + m)*{_AT_POLE.format(x='z')}, "
        "out*digamma_rise(z, z + m, m))",
        "out*digamma(z + m)",
        names="z m",
        zero_where=("False", "(out == 0) & (rint(m) != m)"),
    ),
    "binom": _of(
        f"where(out == 0, gamma(n + 1)*rgamma(k + 1)*{_AT_POLE.format(x='(n - k + 1)')}, "
        "out*digamma_rise(n - k + 1, n + 1, k))",
        f"where(out == 0, gamma(n + 1)*where(k < 0, rgamma(n - k + 1)*{_AT_POLE.format(x='(k + 1)')}, "
        f"-rgamma(k + 1)*{_AT_POLE.format(x='(n - k + 1)')}), out*digamma_rise(k + 1, n - k + 1, n - 2*k))",
        names="n k",
    ),
    "beta": _of("out*digamma_rise(a + b, a, -b)", "out*digamma_rise(a + b, b, -a)", names="a b"),
    "betaln": _of("digamma_rise(a + b, a, -b)", "digamma_rise(a + b, b, -a)", names="a b"),
    "gammainc": _of("", _GAMMA_DENSITY.format(x="x"), names="a x"),
    "gammaincc": _of("", "-" + _GAMMA_DENSITY.format(x="x"), names="a x"),
    "gammaincinv": _of("", "1/" + _GAMMA_DENSITY.format(x="out"), names="a y"),
    "gammainccinv": _of("", "-1/" + _GAMMA_DENSITY.format(x="out"), names="a y"),
    "pdtr": _of("", "-" + _POISSON.format(m="m"), names="k m"),
    "pdtrc": _of("", _POISSON.format(m="m"), names="k m"),
    "pdtri": _of("", "-1/" + _POISSON.format(m="out"), names="k y"),
    "betainc": _of("", "", _BETA_DENSITY.format(x="x"), names="a b x"),
    "betaincc": _of("", "", "-" + _BETA_DENSITY.format(x="x"), names="a b x"),
    "betaincinv": _of("", "", "1/" + _BETA_DENSITY.format(x="out"), names="a b y"),
    "betainccinv": _of("", "", "-1/" + _BETA_DENSITY.format(x="out"), names="a b y"),
    "stdtr": _of("", _T_DENSITY.format(t="t"), names="df t"),
    "stdtrit": _of("", "1/" + f"({_T_DENSITY.format(t='out')})", names="df p"),
    "chdtr": _of("", _CHI_DENSITY.format(x="x"), names="v x"),
    "chdtrc": _of("", "-" + _CHI_DENSITY.format(x="x"), names="v x"),
    "chdtri": _of("", f"-1/({_CHI_DENSITY.format(x='out')})", names="v p"),
    "fdtr": _of("", "", _F_DENSITY.format(x="x"), names="dfn dfd x"),
    "fdtrc": _of("", "", "-" + _F_DENSITY.format(x="x"), names="dfn dfd x"),
    "fdtri": _of("", "", "1/" + _F_DENSITY.format(x="out"), names="dfn dfd p"),
    "gdtr": _of(_BY_RATE.format(x="x"), "", _RATE_DENSITY.format(x="x"), names="a b x"),
    "gdtrc": _of("-" + _BY_RATE.format(x="x"), "", "-" + _RATE_DENSITY.format(x="x"), names="a b x"),
    "gdtrix": _of("-out/a", "", "1/" + _RATE_DENSITY.format(x="out"), names="a b p"),
    "nbdtr": _of("", "", _NEGATIVE_BINOMIAL.format(p="p"), names="k n p"),
    "nbdtrc": _of("", "", "-" + _NEGATIVE_BINOMIAL.format(p="p"), names="k n p"),
    "nbdtri": _of("", "", "1/" + _NEGATIVE_BINOMIAL.format(p="out"), names="k n y"),
    "tklmbda": _of(
        "1/(out**(lmbda - 1) + (1 - out)**(lmbda - 1))",
        "",
        names="x lmbda",
        zero_where=("(out == 0) | (out == 1)", "False"),
    ),
    "zeta": _of("", "-x*zeta(x + 1, q)", names="x q"),  # 25.11.17
}

BESSEL_FUNCTIONS = {
    "i1": _of("where(x == 0, 1/2, i0(x) - out/x)"),
    "i0e": _of("i1e(x) - sign(x)*out"),
    "i1e": _of("where(x == 0, 1/2, i0e(x) - out*(sign(x) + 1/x))"),
    "j0": _of("-j1(x)"),
    "j1": _of("where(x == 0, 1/2, j0(x) - out/x)"),
    "y0": _of("-y1(x)"),
    "y1": _of("y0(x) - out/x"),
    "k0": _of("-k1(x)"),
    "k1": _of("-k0(x) - out/x"),
    "k0e": _of("out - k1e(x)"),
    "k1e": _of("out - k0e(x) - out/x"),
    "jv": _of("", "(jv(v - 1, z) - jv(v + 1, z))/2", names="v z"),
    "yv": _of("", "(yv(v - 1, z) - yv(v + 1, z))/2", names="v z"),
    "iv": _of("", "(iv(v - 1, z) + iv(v + 1, z))/2", names="v z"),
    "kv": _of("", "-(kv(v - 1, z) + kv(v + 1, z))/2", names="v z"),
    "ive": Elementwise(
        ("", "(ive(v - 1, z) + ive(v + 1, z))/2 - sign(z)*out"),
        names=("v", "z"),
        of_complex=Vjp(_complex_ive),
    ),
    "kve": _of("", "out - (kve(v - 1, z) + kve(v + 1, z))/2", names="v z"),
    # Where the argument is complex, they are scaled by its imaginary part, too.
    **{
        name: Elementwise(
            ("", f"({name}(v - 1, z) - {name}(v + 1, z))/2"), names=("v", "z"), real_only=True
        )
        for name in ("jve", "yve")
    },
    "hankel1": _of("", "(hankel1(v - 1, z) - hankel1(v + 1, z))/2", names="v z"),
    "hankel2": _of("", "(hankel2(v - 1, z) - hankel2(v + 1, z))/2", names="v z"),
    "hankel1e": _of("", "(hankel1e(v - 1, z) - hankel1e(v + 1, z))/2 - 1j*out", names="v z"),
    "hankel2e": _of("", "(hankel2e(v - 1, z) - hankel2e(v + 1, z))/2 + 1j*out", names="v z"),
    "spherical_jn": _of(
        "", "where(z == 0, where(n == 1, 1/3, 0), n/z*out - spherical_jn(n + 1, z))", names="n z"
    ),
    "spherical_yn": _of("", "n/z*out - spherical_yn(n + 1, z)", names="n z"),
    "spherical_in": _of(
        "", "where(z == 0, where(n == 1, 1/3, 0), n/z*out + spherical_in(n + 1, z))", names="n z"
    ),
    "spherical_kn": _of("", "n/z*out - spherical_kn(n + 1, z)", names="n z"),
    # 10.61: (ber + 1j bei)'' + (ber + 1j bei)'/x = 1j (ber + 1j bei), and so for ker and kei
    **{name: _of(f"{name}p(x)") for name in ("ber", "bei", "ker", "kei")},
    "berp": _of("where(x == 0, 0, -bei(x) - out/x)"),
    "beip": _of("where(x == 0, 1/2, ber(x) - out/x)"),
    "kerp": _of("-kei(x) - out/x"),
    "keip": _of("ker(x) - out/x"),
    # The recurrence relations of 11.4
    "struve": _of("", f"(struve(v - 1, x) - struve(v + 1, x) + {_STRUVE})/2", names="v x"),
    "modstruve": _of("", f"(modstruve(v - 1, x) + modstruve(v + 1, x) + {_STRUVE})/2", names="v x"),
    "wright_bessel": _of("", "", "wright_bessel(a, a + b, x)", names="a b x"),
    "log_wright_bessel": _of("", "", "exp(log_wright_bessel(a, a + b, x) - out)", names="a b x"),
    "airy_ai": _of("airy_aip(z)", names="z"),
    "airy_aip": _of("z*airy_ai(z)", names="z"),
    "airy_bi": _of("airy_bip(z)", names="z"),
    "airy_bip": _of("z*airy_bi(z)", names="z"),
    "yn": _of(
        "", f"(yv({_WHOLE.format(n='n')} - 1, z) - yv({_WHOLE.format(n='n')} + 1, z))/2", names="n z"
    ),
    "kn": _of(
        "", f"-(kv({_WHOLE.format(n='n')} - 1, z) + kv({_WHOLE.format(n='n')} + 1, z))/2", names="n z"
    ),
}

_IS_CUT = "(real(y) < 0) & (real(1j*y) == 0)"  # where R_C is a principal value, and R_D is not defined

INTEGRALS = {
    "spence": _of("where(x == 1, -1, log(x)/(1 - x))"),
    "lambertw": _of("exp(-out)/(1 + out)", "", names="z k"),
    "expi": _of("exp(x)/x"),
    "exp1": _of("-exp(-x)/x"),
    "expn": _of("", "where(n == 0, -exp(-x)*(1 + 1/x)/x, -expn(n - 1, x))", names="n x"),  # 8.19.13
    "si": _of("where(x == 0, 1, sin(x)/x)"),
    "ci": _of("cos(x)/x"),
    "shi": _of("where(x == 0, 1, sinh(x)/x)"),
    "chi": _of("cosh(x)/x"),
    # 16.3.1, 13.3.15, 15.5.1 and 13.3.22
    "hyp0f1": _of("", "hyp0f1(v + 1, z)/v", names="v z"),
    "hyp1f1": _of("", "", "a/b*hyp1f1(a + 1, b + 1, x)", names="a b x"),
    "hyp2f1": _of(
        "", "", "", "where(a*b/c == 0, 0, a*b/c*hyp2f1(a + 1, b + 1, c + 1, z))", names="a b c z"
    ),
    "hyperu": _of("", "", "-a*hyperu(a + 1, b + 1, x)", names="a b x"),
    # 19.18.1, and R_C(x, y) = R_F(x, y, y)
    "elliprf": _of("-elliprd(y, z, x)/6", "-elliprd(z, x, y)/6", "-elliprd(x, y, z)/6"),
    "elliprc": _of(
        f"where({_IS_CUT}, (out - 1/sqrt(x))/(2*(y - x)), -elliprd(y, y, x)/6)",
        f"where({_IS_CUT}, (sqrt(x)/y - out)/(2*(y - x)), -elliprd(x, y, y)/3)",
    ),
    # Table 22.13.1; by m they are integrals
    "ellipj_sn": _of("ellipj_cn(u, m)*ellipj_dn(u, m)", "", names="u m"),
    "ellipj_cn": _of("-ellipj_sn(u, m)*ellipj_dn(u, m)", "", names="u m"),
    "ellipj_dn": _of("-m*ellipj_sn(u, m)*ellipj_cn(u, m)", "", names="u m"),
    "ellipj_ph": _of("ellipj_dn(u, m)", "", names="u m"),
    # 19.25.1 and 19.18.1, which have all their digits at m = 0
    "ellipk": _of("elliprd(0, 1, 1 - m)/6", names="m"),
    "ellipe": _of("-elliprd(0, 1 - m, 1)/6", names="m"),
    "ellipkm1": _of("-elliprd(0, 1, p)/6", names="p"),
    "ellipkinc": _of("1/sqrt(1 - m*sin(phi)**2)", "", names="phi m"),
    "ellipeinc": _of("sqrt(1 - m*sin(phi)**2)", "", names="phi m"),
}

_CONSTANT = "n == 0"  # the polynomial of degree -1 is NaN to SciPy

POLYNOMIALS = {
    # 18.7.9, 18.7.4 and 18.9.19
    "eval_legendre": _of("", f"where({_CONSTANT}, 0, eval_gegenbauer(n - 1, 3/2, x))", names="n x"),
    "eval_chebyt": _of("", "n*eval_chebyu(n - 1, x)", names="n x"),  # 18.9.21
    "eval_chebyu": _of("", f"where({_CONSTANT}, 0, 2*eval_gegenbauer(n - 1, 2, x))", names="n x"),
    # 18.9.19, 18.9.23 and 18.9.15
    "eval_gegenbauer": _of(
        "", "", f"where({_CONSTANT}, 0, 2*alpha*eval_gegenbauer(n - 1, alpha + 1, x))", names="n alpha x"
    ),
    "eval_genlaguerre": _of(
        "", "", f"where({_CONSTANT}, 0, -eval_genlaguerre(n - 1, alpha + 1, x))", names="n alpha x"
    ),
    "eval_jacobi": _of(
        "",
        "",
        "",
        f"where({_CONSTANT}, 0, (n + alpha + beta + 1)/2*eval_jacobi(n - 1, alpha + 1, beta + 1, x))",
        names="n alpha beta x",
    ),
    # The recurrence relations of 14.10; at the ends by 14.8, since there it is (1 - x**2)**(m/2) times a polynomial
    "lpmv": _of(
        "",
        "",
        "where(abs(x) == 1, where(m == 0, x**(v + 1)*v*(v + 1)/2, "
        "where(m == 2, -x**(v + 1)*(v - 1)*v*(v + 1)*(v + 2)/4, where(m > 2, 0, inf - inf))), "
        "where(abs(x) < 1, -lpmv(m + 1, v, x)/sqrt(1 - x**2) - m*x*out/(1 - x**2), "
        "((m - v - 1)*lpmv(m, v + 1, x) + (v + 1)*x*out)/(1 - x**2)))",
        names="m v x",
    ),
    # 18.9.25 and 18.9.27
    "eval_hermite": _of("", f"where({_CONSTANT}, 0, 2*n*eval_hermite(n - 1, x))", names="n x"),
    "eval_hermitenorm": _of("", f"where({_CONSTANT}, 0, n*eval_hermitenorm(n - 1, x))", names="n x"),
    "eval_laguerre": _of("", f"where({_CONSTANT}, 0, -eval_genlaguerre(n - 1, 1, x))", names="n x"),
}

SCIPY_SPECIAL = {
    **SIGMOIDS_AND_ENTROPIES,
    **ERROR_FUNCTIONS,
    **GAMMA_FUNCTIONS,
    **BESSEL_FUNCTIONS,
    **INTEGRALS,
    **POLYNOMIALS,
}
RESULTS = {
    "airy": ("airy_ai", "airy_aip", "airy_bi", "airy_bip"),
    "ellipj": ("ellipj_sn", "ellipj_cn", "ellipj_dn", "ellipj_ph"),
    "fresnel": ("fresnel_s", "fresnel_c"),
    "shichi": ("shi", "chi"),
    "sici": ("si", "ci"),
}
"""The rules of a ufunc that has several results."""
SPHERICAL = tuple(f"spherical_{kind}n" for kind in "jyik")
SHARED = frozenset(("cbrt", "erf", "erfc", "exp2", "expm1", "gamma", "i0", "log1p", "round"))
"""Operations that SciPy has under the same name, with the same meaning, and whose rules are in elementwise.py."""
