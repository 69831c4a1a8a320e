"""Which NumPy functions are followed: one row each, in tables by family. `numpy_calls.py` reads them.

A row is a function that reads the call's arguments and says which rule it is, which arguments are operands, and
the parameters that the rule needs. The value itself is always computed by NumPy on plain values.
"""

from __future__ import annotations

from tracer.numpy_table.arrange import ARRANGE
from tracer.numpy_table.complex_numbers import COMPLEX_NUMBERS
from tracer.numpy_table.everyday import EVERYDAY
from tracer.numpy_table.linalg import LINALG
from tracer.numpy_table.mathematics import MATHEMATICS
from tracer.numpy_table.picking import PICKING
from tracer.numpy_table.plain_reads import (
    METHODS,
    MUTATING_METHODS,
    PLAIN_ATTRIBUTES,
    PLAIN_METHODS,
    PLAIN_READS,
    PLAIN_UFUNCS,
    TWO_RESULTS,
    UFUNC_RULES,
)
from tracer.numpy_table.polynomials import POLYNOMIALS
from tracer.numpy_table.reading import Followed, OptionError, Reader
from tracer.numpy_table.reductions import REDUCTIONS
from tracer.numpy_table.ufunc_forms import FORMS, call_options

FOLLOWED: dict[object, Reader] = {
    **EVERYDAY,
    **REDUCTIONS,
    **ARRANGE,
    **PICKING,
    **MATHEMATICS,
    **POLYNOMIALS,
    **LINALG,
    **COMPLEX_NUMBERS,
}

__all__ = [
    "FOLLOWED",
    "FORMS",
    "METHODS",
    "MUTATING_METHODS",
    "PLAIN_ATTRIBUTES",
    "PLAIN_METHODS",
    "PLAIN_READS",
    "PLAIN_UFUNCS",
    "TWO_RESULTS",
    "UFUNC_RULES",
    "Followed",
    "OptionError",
    "Reader",
    "call_options",
]
