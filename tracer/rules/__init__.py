"""Derivative rules: one table from the name of an operation to its rule.

Names are NumPy's where NumPy has one; Python's operators and `math` share them.
"""

from __future__ import annotations

from tracer.rules.arrange import ARRANGE
from tracer.rules.assumed import ASSUMED
from tracer.rules.calculus import CALCULUS, LINES
from tracer.rules.complex_numbers import COMPLEX_NUMBERS
from tracer.rules.cosines import COSINES
from tracer.rules.decompositions import DECOMPOSITIONS
from tracer.rules.distances import DISTANCES
from tracer.rules.distributions import KERNELS, SCIPY_STATS
from tracer.rules.edited import Part
from tracer.rules.einsum import EINSUM
from tracer.rules.elementwise import ELEMENTWISE, SPECIAL
from tracer.rules.filters import FILTERS
from tracer.rules.fourier import FOURIER
from tracer.rules.index import INDEX
from tracer.rules.kinds import Compressed, Elementwise, Many, Outer, Rule, Vjp
from tracer.rules.linalg import LINALG
from tracer.rules.many import MANY
from tracer.rules.norms import NORMS
from tracer.rules.padding import PADDING
from tracer.rules.polynomials import POLYNOMIALS
from tracer.rules.products import PRODUCTS
from tracer.rules.quantiles import QUANTILES
from tracer.rules.reduce import REDUCE
from tracer.rules.scipy_linalg import SCIPY_LINALG
from tracer.rules.scipy_special import SCIPY_SPECIAL
from tracer.rules.shape import SHAPE
from tracer.rules.softmax import SOFTMAX
from tracer.rules.sparse import SPARSE
from tracer.rules.splines import SPLINES
from tracer.rules.statistics import DISTRIBUTIONS, STATISTICS
from tracer.rules.systems import SYSTEMS
from tracer.rules.triangles import TRIANGLES
from tracer.rules.ufunc_forms import UFUNC_FORMS
from tracer.rules.without_nan import WITHOUT_NAN

RULES: dict[str, Rule] = {
    **ELEMENTWISE,
    **COMPLEX_NUMBERS,
    **MANY,
    **REDUCE,
    **SHAPE,
    **INDEX,
    **LINALG,
    **EINSUM,
    **ARRANGE,
    **STATISTICS,
    **PRODUCTS,
    **SYSTEMS,
    **DECOMPOSITIONS,
    **NORMS,
    **SPECIAL,
    **SCIPY_SPECIAL,
    **SCIPY_STATS,
    **SCIPY_LINALG,
    **SOFTMAX,
    **DISTANCES,
    **SPLINES,
    **SPARSE,
    **FILTERS,
    **KERNELS,
    **FOURIER,
    **COSINES,
    **LINES,
    **CALCULUS,
    **DISTRIBUTIONS,
    **POLYNOMIALS,
    **QUANTILES,
    **WITHOUT_NAN,
    **PADDING,
    **ASSUMED,
    **TRIANGLES,
    **UFUNC_FORMS,
}

__all__ = ["RULES", "Compressed", "Elementwise", "Many", "Outer", "Part", "Rule", "Vjp"]
