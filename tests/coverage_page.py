"""Write docs/coverage.md from the coverage table: python tests/coverage_page.py."""

from __future__ import annotations

from pathlib import Path

from coverage_options import OPTIONS, SCIPYS_OPTIONS
from coverage_table import ALIASES, CUTS, ERROR, FOLLOWED, NO_VALUES, PLAIN_READ, ROWS

from tracer import scipy_calls
from tracer.rules import RULES
from tracer.rules.densities import DENSITIES, MASSES
from tracer.rules.moments import OF_MOMENTS
from tracer.rules.scipy_special import RESULTS, SCIPY_SPECIAL, SHARED

PAGE = Path(__file__).parent.parent / "docs" / "coverage.md"
_RULE_NAMES = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "atan2": "arctan2", "remainder": "ieee_remainder",
    "frexp": "frexp_mantissa", "modf": "modf_fractional", "polydiv": "polydiv_quotient", "eigh": "eigh_vectors",
    "eig": "eig_vectors", "svd": "svd_u", "qr": "qr_q", "abs": "absolute", "amax": "max", "amin": "min",
    "vector_norm": "norm", "matrix_norm": "norm", "histogram": "histogram_edges",
}  # fmt: skip
_HEAD = """# What is followed

What edgegrad does with every public function of `math`, `numpy`, `numpy.linalg` and `numpy.fft`, and with every
attribute of an array, over all versions of NumPy from 2.0 on. The suite observes that each line is true
(`tests/test_coverage.py`): a function is called as the tables in `tests/coverage_*.py` show, and

- **followed**: each call has the gradient of central differences by each of its operands, in float64 and, as far as
  that goes, in float32; HIPS autograd, where it has the function, says the same; so it is with complex operands, wherever NumPy
  takes them. A call changes no bit of the result.
- **plain read**: it takes steps, so it has no derivative: shapes, tests, places, counts.
- **cut**: the value leaves the graph here, with a warning that names the line.
- **error**: an `UnsupportedError` at that line: no answer rather than a wrong one.

Written by `python tests/coverage_page.py`; the suite fails where this page is stale or a function is missing.
"""


def _cell(text):
    return text.replace("|", "\\|")


def _table(heads, rows):
    lines = [
        " | ".join(heads),
        " | ".join("---" for _ in heads),
        *(" | ".join(map(_cell, row)) for row in rows),
    ]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def _short(name):
    return f"`{name.replace('numpy.ndarray.', 'ndarray.').replace('numpy.', 'np.', 1)}`"


def _convention(row):
    """Return what is written beside the rule that has the name of the function."""
    name = row.name.rpartition(".")[2]
    if row.name == "numpy.remainder":  # math.remainder is another function
        return RULES[name].choice
    rule = RULES.get(_RULE_NAMES.get(name, name))
    return getattr(rule, "choice", "")


def _calls(row):
    return f"{len(row.calls)}: `{row.calls[0]}`" + (", …" if len(row.calls) > 1 else "")


_OF_SCIPY = """## SciPy

If the program has imported it: functions by a rule of their own (`tests/test_rules.py` compares each with differences), and
what SciPy itself writes in Python, whose steps are followed (`tests/test_scipy_written.py`): `stats.pearsonr`, `zscore`, `linregress`,
`ttest_ind`, `multivariate_normal.logpdf` (of a covariance SciPy reads the lower triangle, which gets the gradient),
`gaussian_kde`; `signal.savgol_filter`, `detrend`, `filtfilt`, `sosfiltfilt`, `resample_poly`, `stft`, `windows`; `integrate.simpson`,
`cumulative_trapezoid`, `fixed_quad`, and `solve_ivp` by RK45, RK23, DOP853 and BDF; `optimize.newton`;
`interpolate.interp1d` and `BarycentricInterpolator`, and, by their data y and by where they are read, `CubicSpline`,
`CubicHermiteSpline`, `PchipInterpolator`, `make_interp_spline`, `BSpline` and `PPoly`, with `derivative` and `integrate`;
`sparse`: `S @ x`, `x @ S` and `S.dot(x)` of a plain matrix of any kind (rule `sparse_matmul`). Indices are plain reads:
`signal.find_peaks` (whose heights, thresholds and prominences are followed; not `width=`), `argrelextrema`,
`spatial.KDTree(points).query_ball_point(x)`.
"""
_CUTS_OF_SCIPY = """What SciPy solves in C or Fortran, or by steps until it is satisfied, is a cut or an error that names the line and says what
to do instead (`tracer/ways_around.py`): `integrate.quad` and `odeint`; `optimize.brentq`, `root`, `fsolve`, `minimize`,
`least_squares`, `curve_fit`; `interpolate.UnivariateSpline`, `splrep`, `Akima1DInterpolator`; `ndimage.zoom`,
`map_coordinates`, `rotate`; `sparse` matrices of traced numbers and `sparse.linalg`; `spatial.KDTree.query`.
"""


def _scipy_rows():
    """Yield the parts of SciPy, and the functions of each that have a rule."""
    results = {name for names in RESULTS.values() for name in names}
    special = (SCIPY_SPECIAL.keys() - results) | RESULTS.keys() | SHARED
    for module, readers in scipy_calls.PARTS:
        names = {*readers, *special} if module == "scipy.special" else readers
        yield f"`{module}`", ", ".join(f"`{name}`" for name in sorted(names))
    for names, methods in (
        (DENSITIES, "`pdf`, `logpdf`, `cdf`, `logcdf`, `sf`, `logsf`, `ppf`, `isf`"),
        (MASSES, "`pmf`, `logpmf`, of some `cdf` and `sf`"),
        (
            {name.partition(".")[0] for name in OF_MOMENTS if name.endswith(".mean")},
            "`mean`, `var`, `std`",
        ),
        ({name.partition(".")[0] for name in OF_MOMENTS if name.endswith(".entropy")}, "`entropy`"),
    ):
        yield f"`scipy.stats`: {methods}", ", ".join(f"`{name}`" for name in sorted(names))


def _of(kind):
    return [row for row in ROWS if row.kind == kind]


def text():
    """Return the page."""
    counts = [(kind, str(len(_of(kind)))) for kind in (FOLLOWED, PLAIN_READ, CUTS, ERROR, NO_VALUES)]
    reasons = dict.fromkeys(row.reason for row in _of(NO_VALUES))
    sections = [
        _HEAD,
        _table(("what", "functions"), counts),
        "## Followed\n",
        _table(
            ("function", "calls that check it", "convention"),
            [(_short(row.name), _calls(row), _convention(row)) for row in _of(FOLLOWED)],
        ),
        "Other names: "
        + ", ".join(f"{_short(name)} is {_short(of)}" for name, of in ALIASES.items())
        + ".\n",
        "## Plain reads\n",
        ", ".join(_short(row.name) for row in _of(PLAIN_READ)) + "\n",
        "## Cuts\n",
        ", ".join(_short(row.name) for row in _of(CUTS)) + "\n",
        "## Errors\n",
        _table(("function", "reason"), [(_short(row.name), row.reason) for row in _of(ERROR)]),
        _OF_SCIPY,
        _table(("part", "functions with a rule"), _scipy_rows()),
        _CUTS_OF_SCIPY,
        "## Options that are errors\n",
        "Of functions that are followed, these calls are errors, whatever the numbers are:\n",
        _table(
            ("call", "reason"), [(f"`{call}`", why) for call, why in (OPTIONS | SCIPYS_OPTIONS).items()]
        ),
        "## No use of values\n",
        _table(
            ("what", "functions"),
            [
                (reason, ", ".join(_short(row.name) for row in _of(NO_VALUES) if row.reason == reason))
                for reason in reasons
            ],
        ),
    ]
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(text())
