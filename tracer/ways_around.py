"""What to do instead of a function that is not followed: advice, by its name or by what it gives.

Of SciPy that is code in C or Fortran, or goes on until it is satisfied; of NumPy what makes other classes, or bits.
"""

from __future__ import annotations

import re

_NEWTON = (
    "one step of Newton's method from the answer has its gradient: with {x} as a plain number, of a function that "
    "returns detach(…), {step}, where {matrix} is a plain number, too"
)
_ROOT = _NEWTON.format(x="the root x", step="x - f(x) / slope", matrix="the slope of f")
_ROOTS = _NEWTON.format(
    x="the root x", step="x - np.linalg.solve(J, f(x))", matrix="J, the matrix of the slopes of f,"
)
_MINIMUM = _NEWTON.format(
    x="the minimum x",
    step="x - np.linalg.solve(H, slopes(x))",
    matrix="H, the matrix of second derivatives,",
)
_MINIMUM_OF_ONE = _NEWTON.format(
    x="the minimum x", step="x - slope(x) / curvature", matrix="the curvature, f's second derivative,"
)
_LINEAR = (
    "it is linear in the {x}: B @ {x}.ravel() is followed, where B is {matrix}; by a place, weights are: "
)
_SPARSE = "S @ x of a plain sparse matrix is followed; one of traced numbers can be dense: A[i, j] = x"
_MASKED = (
    "with the mask in an array of its own, np.sum(x, where=~mask), np.mean(x, where=~mask) and "
    "np.where(mask, 0.0, x) are followed"
)
_OBJECTS = (
    "an array of floats is followed, as in a.astype(float); of parts of several shapes, "
    "a = np.empty(n, dtype=object) that is filled by a[i] = x"
)
_BITS = "the plain value has memory of its own"
_NUMPY = (
    (r"np\.ma\.|MaskedArray", _MASKED),
    (r"np\.bmat$", "np.block is followed"),
    (
        r"np\.(as)?matrix$|matrix of",
        "arrays are followed: np.array(…) instead of np.matrix(…), np.asarray(M) of a plain one, @ instead of *",
    ),
    (r"np\.frompyfunc of ", "np.vectorize(f) of that function f is followed"),
    (r"ndarray of object|np\.(as)?array of object", _OBJECTS),
    (r"(ndarray of )?timedelta64", "numbers are followed: those of seconds are d / np.timedelta64(1, 's')"),
    (r"ndarray\.resize$", "np.resize(x, shape), np.pad and x.reshape(shape) are followed"),
    (r"ndarray\.base$", "np.shares_memory(x, y) tells whether two arrays see the same memory"),
    (
        r"ndarray\.view as another class",
        "leave the view out: an array is followed, also in an attribute of a class with the same methods",
    ),
    (
        r"ndarray\.view as another type$",
        "x[0::2] + 1j * x[1::2] is followed, and so are z.real and z.imag; as for bits, " + _BITS,
    ),
    (
        r"ndarray\.(__dlpack__|__array_(interface|struct)__)$",
        "another library gets plain numbers from detach(x)",
    ),
    (r"ndarray\.(byteswap|getfield|setfield|ctypes)$", _BITS),
)
_NUMPYS = ("np.", "ndarray", "MaskedArray", "matrix ", "timedelta64")
_DRAWS = (
    (r"initial= of sum", "w + a.sum() is followed, for a.sum(initial=w)"),
    (r"initial= of prod", "w * a.prod() is followed, for a.prod(initial=w)"),
    (
        r"initial= of (max|min)",
        "np.maximum(w, a.max()) is followed, for a.max(initial=w), and so is np.minimum",
    ),
    (r"(bsr|coo|csc|csr|dia|dok|lil)_(array|matrix)$", _SPARSE),
    (
        r"(?:.*\W)?multivariate_normal$",
        "a draw of fixed numbers is followed: mean + L @ rng.normal(size=n), with L = np.linalg.cholesky(cov)",
    ),
    (
        r"(?:.*\W)?(?:normal|uniform)$",
        "a draw of fixed numbers is followed: mu + s * rng.normal(size=…), low + (high - low) * rng.random(…)",
    ),
    (
        r"(?:.*\W)?(?:exponential|laplace|logistic|gumbel|rayleigh)$",
        "a draw of fixed numbers is followed: scale * rng.exponential(size=…), and so for each that has a scale",
    ),
    (r"(?:.*\W)?lognormal$", "a draw of fixed numbers is followed: np.exp(mu + s * rng.normal(size=…))"),
    (
        r".*(?:random|rng|gen)\w*\.(?:gamma|beta|dirichlet|chisquare|standard_t|standard_gamma|vonmises|wald|weibull|pareto)$",
        "a draw has no gradient by the shape of its distribution; by a scale it has: scale * rng.standard_gamma(2.0)",
    ),
    (
        r"(?:.*\W)?(?:choice|multinomial|multivariate_hypergeometric|binomial|poisson|geometric)$",
        "a draw has no gradient by its probability; the logarithm of that, np.log(p[i]), is followed",
    ),
)
# By the name of the function that the program calls; the first that fits. Compiled when somebody asks: few do.
_ADVICE = tuple(
    (rf"scipy\.(?:{names})", advice)
    for names, advice in (
        (r"integrate\.odeint|integrate\.ode\b", "scipy.integrate.solve_ivp(…, method='RK45') is followed"),
        (
            r"integrate\.solve_ivp",
            "method='RK45', 'RK23', 'DOP853' and 'BDF' are followed, between two plain times and without events",
        ),
        (
            r"integrate\.(quad|dblquad|tplquad|nquad|tanhsinh)",
            "scipy.integrate.fixed_quad and simpson of f at fixed points are followed",
        ),
        (r"optimize\.(brent[hq]|bisect|ridder|toms748|root_scalar)", _ROOT),
        (r"optimize\.(root|fsolve|broyden\d|newton_krylov)", _ROOTS),
        (
            r"optimize\.(curve_fit|least_squares|leastsq|nnls)",
            _MINIMUM
            + "; what is linear in its parameters, np.linalg.lstsq and np.polyfit fit, and are followed",
        ),
        (r"optimize\.(minimize_scalar|fminbound|brent$)", _MINIMUM_OF_ONE),
        (r"optimize\.(minimize|fmin|basinhopping|differential_evolution|dual_annealing|shgo)", _MINIMUM),
        (
            r"ndimage\.(map_coordinates|rotate|zoom|shift|affine_transform|geometric_transform|spline_filter)",
            _LINEAR.format(
                x="image",
                matrix="np.stack([f(each) for each in np.eye(image.size).reshape(-1, *image.shape)], -1)",
            )
            + "image[i, j] * (1 - s) + image[i + 1, j] * s",
        ),
        (
            r"stats\.(\w+\.(stats|moment|mean|var|std|entropy)|rv_(continuous|discrete)\.)",
            "of the usual distributions, as stats.gamma.var(a), logpdf, cdf, ppf, mean, var, entropy are followed",
        ),
        (
            r"stats\.multivariate_|linalg\.eigh with a matrix of equal",
            "np.linalg.solve(C, x - mean) and np.linalg.slogdet(C) of the covariance C are followed",
        ),
        (
            r"interpolate\.(Univariate|InterpolatedUnivariate|LSQUnivariate|spl|make_smoothing|make_lsq|Akima|Krogh)",
            "CubicSpline, PchipInterpolator and make_interp_spline(x, y, k) are followed, also by their data y",
        ),
        (
            r"interpolate\.(CubicSpline|CubicHermite|Pchip|PPoly|BSpline|make_interp_spline)",
            "such a spline is linear in y: B @ y is followed, for the plain B = CubicSpline(x, np.eye(len(x)))(at)",
        ),
        (
            r"interpolate\.(RegularGrid|interpn|RBF|griddata|LinearND|NearestND)",
            "but for method='pchip', "
            + _LINEAR.format(
                x="values", matrix="its answer for np.eye(values.size).reshape(*values.shape, -1)"
            )
            + "values[i] * (1 - s) + values[i + 1] * s",
        ),
        (
            r"interpolate\.",
            "CubicSpline, PchipInterpolator, make_interp_spline and interp1d are followed, also by their data y",
        ),
        (
            r"special\.(sph_)?(assoc_)?legendre_p|special\.sph_harm",
            "scipy.special.eval_legendre(n, x) and lpmv(m, n, x) are followed",
        ),
        (
            r"spatial\.c?KDTree",
            "np.linalg.norm(x - points[i], axis=-1) is followed, for the plain i = tree.query(detach(x))[1]",
        ),
        (
            r"sparse\.linalg\.",
            "np.linalg.solve(S.toarray(), b) and the like are followed; so is S @ x of a plain matrix S",
        ),
        (r"sparse\.", _SPARSE),
        (
            r"signal\.(find_peaks|peak_)",
            "scipy.signal.find_peaks(x) is followed without width=, and its properties are",
        ),
        (
            r"signal\.chirp",
            "by its frequencies it is np.cos(2 * np.pi * (f0 * t + (f1 - f0) / (2 * t1) * t**2)), which is followed",
        ),
        (
            r"signal\.(welch|csd|periodogram|coherence)",
            "scipy.signal.spectrogram(x, window='hann', nperseg=n, noverlap=n // 2)[2].mean(axis=-1) is followed",
        ),
        (
            r"fftpack\.",
            "scipy.fft is followed (whose rfft is complex); of fftpack fft, ifft, dct and dst and their inverses",
        ),
    )
)


def way_around(called: str) -> str:
    """Return what to do where a value leaves through a function of a library, or can't go into it; "" for none."""
    rows = (*(_NUMPY if called.startswith(_NUMPYS) else ()), *_DRAWS, *_ADVICE)
    return next((advice for names, advice in rows if re.match(names, called)), "")
