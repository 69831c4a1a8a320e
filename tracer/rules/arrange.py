"""Vjps of functions that put elements elsewhere: roll, tile, sort, vstack, split, …. Read through rules.RULES.

Params: `places`, in the shape of the result: 1 + the number of the element that stands there, counted through all
operands in order; 0 for an element that comes from none. Numbers are what the function itself makes of arrays of
numbers, so the rule is right wherever the function only moves elements.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from tracer.rules.edited import Part
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

# Of one array; each is a function of NumPy under this name.
ONE_ARRAY = (
    "delete diagflat fliplr flipud pad repeat resize roll rollaxis "
    "rot90 sort take take_along_axis tile tril triu"
).split()
# Of a list of arrays.
LIST_OF_ARRAYS = "block column_stack dstack hstack vstack".split()
# Of one array, with a list of arrays as the result.
SEVERAL_RESULTS = "array_split dsplit hsplit split unstack vsplit".split()
# Of several arrays that are arguments of their own.
OWN_ARGUMENTS = ("append", "insert")
# Of several arrays, with one result for each.
EACH_ITS_OWN = "atleast_1d atleast_2d atleast_3d broadcast_arrays ix_ meshgrid".split()
SHIFTS = ("fftshift", "ifftshift")  # of np.fft
# Of scipy.linalg.
MATRICES = "block_diag circulant hankel toeplitz".split()
_OTHERS = (
    "apply_along_axis as_strided choose compress concatenate_items intersect1d partition piecewise select setdiff1d "
    "setxor1d sliding_window_view squareform trim_zeros union1d unique vectorize"
).split()


def _sorted_places(operands: Operands, params: Params) -> Params:
    """Say where the elements of each operand stand, once for all: there may be thousands of operands."""
    places = params["places"]
    firsts = list(accumulate((np.size(each) for each in operands), initial=1))
    if len(operands) == 1:
        return {**params, "firsts": firsts}
    order = np.argsort(places, axis=None, kind="stable")
    numbers = places.ravel()[order]
    return {**params, "firsts": firsts, "order": order, "bounds": np.searchsorted(numbers, firsts).tolist()}


def _arrange(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Part:
    """Add up what came back to all the places at which an element of the operand stands."""
    del out
    g, operand, places = np.asarray(g), operands[port], params["places"]
    if "order" in params:
        mine = params["order"][params["bounds"][port] : params["bounds"][port + 1]]
        numbers, back = places.flat[mine] - params["firsts"][port], g.flat[mine]
    else:
        chosen = places > 0
        numbers, back = places[chosen] - 1, g[chosen]
    # np.split: no array of zeros for every piece
    if places.size < operand.size and len(operands) == 1 and operand.ndim:
        return Part(
            np.unravel_index(numbers, operand.shape), typed(back, operand), operand.shape, operand.dtype
        )
    total = np.zeros(operand.size, g.dtype)
    np.add.at(total, numbers, back)
    return typed(total.reshape(operand.shape), operand)


ARRANGE = {
    name: Vjp(_arrange, name, shared=_sorted_places)
    for name in (
        *ONE_ARRAY,
        *LIST_OF_ARRAYS,
        *SEVERAL_RESULTS,
        *OWN_ARGUMENTS,
        *EACH_ITS_OWN,
        *SHIFTS,
        *MATRICES,
        *_OTHERS,
    )
}
