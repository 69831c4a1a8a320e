"""Vjps of functions that put elements elsewhere: roll, tile, sort, vstack, split, …. Read through rules.RULES.

Params: `places`, in the shape of the result: 1 + the number of the element that stands there, counted through all
operands in order; 0 for an element that comes from none. Numbers are what the function itself makes of arrays of
numbers, so the rule is right wherever the function only moves elements.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

# Of one array; each is a function of NumPy under this name.
ONE_ARRAY = (
    "delete diagflat fliplr flipud pad repeat resize roll rollaxis "
    "rot90 sort take take_along_axis tile tril triu"
).split()
# Of a list of arrays.
LIST_OF_ARRAYS = "block column_stack dstack hstack vstack".split()
# Of one array, with a list of arrays as the result.
SEVERAL_RESULTS = "array_split dsplit hsplit split vsplit".split()
# Of several arrays that are arguments of their own.
OWN_ARGUMENTS = ("append", "insert")
# Of several arrays, with one result for each.
EACH_ITS_OWN = "atleast_1d atleast_2d atleast_3d broadcast_arrays meshgrid".split()
SHIFTS = ("fftshift", "ifftshift")  # of np.fft
_OTHERS = ("as_strided", "choose", "compress", "select", "sliding_window_view")


def _arrange(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Add up what came back to all the places at which an element of the operand stands."""
    del out
    operand, places, g = (
        operands[port],
        params["places"],
        np.asarray(g),
    )  # a number, where one element was taken
    first = 1 + sum(np.size(each) for each in operands[:port])
    mine = (places >= first) & (places < first + operand.size)
    total = np.zeros(operand.size, g.dtype)
    np.add.at(total, places[mine] - first, g[mine])
    return typed(total.reshape(operand.shape), operand)


ARRANGE = {
    name: Vjp(_arrange, name)
    for name in (
        *ONE_ARRAY,
        *LIST_OF_ARRAYS,
        *SEVERAL_RESULTS,
        *OWN_ARGUMENTS,
        *EACH_ITS_OWN,
        *SHIFTS,
        *_OTHERS,
    )
}
