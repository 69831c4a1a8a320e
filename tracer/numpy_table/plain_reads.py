"""What carries no derivative, and the ufuncs and methods that are other names of followed functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy._core import umath

from tracer.rules import RULES

# No derivative exists: shapes, tests, positions, and arrays that only take the shape of the traced one.
PLAIN_READS = frozenset(
    getattr(np, name)
    for name in (
        "shape ndim size argmax argmin argsort nonzero flatnonzero argwhere searchsorted count_nonzero any all "
        "isclose allclose array_equal array_equiv iscomplexobj isrealobj isscalar zeros_like ones_like empty_like "
        "result_type can_cast common_type min_scalar_type may_share_memory shares_memory array_repr array_str "
        "array2string iscomplex isreal isneginf isposinf lexsort digitize unravel_index ravel_multi_index isin "
        "argpartition nanargmax nanargmin einsum_path diag_indices_from tril_indices_from triu_indices_from "
        "isfortran"
    ).split()
) | {np.linalg.matrix_rank, np.char.mod}

PLAIN_UFUNCS = frozenset(
    getattr(np, name)
    for name in (
        "equal not_equal less less_equal greater greater_equal isnan isinf isfinite signbit logical_and logical_or "
        "logical_xor logical_not bitwise_and bitwise_or bitwise_xor invert left_shift right_shift spacing gcd lcm isnat"
    ).split()
)
UFUNC_RULES: dict[Any, str] = {
    np.rad2deg: "degrees",
    np.deg2rad: "radians",
    vars(umath)["clip"]: "clip",  # as which `a.clip(low, high)` of a plain array asks
    **{function: name for name in RULES if isinstance(function := vars(np).get(name), np.ufunc)},
}
TWO_RESULTS: dict[Any, tuple[str, str]] = {
    np.divmod: ("floor_divide", "remainder"),
    np.modf: ("modf_fractional", "modf_integral"),
    np.frexp: ("frexp_mantissa", ""),
}

PLAIN_ATTRIBUTES = frozenset("shape ndim size dtype nbytes itemsize strides flags device".split())
PLAIN_METHODS = frozenset(
    "argpartition argsort nonzero searchsorted is_integer setflags __array_namespace__".split()
)
METHODS: dict[str, Any] = {
    name: getattr(np, name)
    for name in "sum mean prod max min dot clip squeeze ravel copy round reshape transpose swapaxes cumsum cumprod "
    "diagonal repeat std take trace var argmax argmin any all".split()
} | {"flatten": np.ravel, "compress": np.ndarray.compress}
MUTATING_METHODS = frozenset(("fill", "partition", "put", "sort"))
