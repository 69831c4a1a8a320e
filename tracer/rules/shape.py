"""Vjps of what only moves elements: reshape, transpose, concatenate, stack, …. Read through rules.RULES.

Their answers are views of the gradient wherever NumPy can make one.
"""

from __future__ import annotations

from itertools import accumulate
from operator import methodcaller
from typing import Any

import numpy as np

from tracer.rules.edited import Part, is_shallow
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _reshape(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Part:
    del port
    if type(g) is Part:
        if params.get("order") != "F" and is_shallow(g):
            return Part(methodcaller("reshape", out.shape), g, operands[0].shape, g.dtype)
        g = g.dense()
    return np.asarray(g).reshape(operands[0].shape, order="F" if params.get("order") == "F" else "C")


def _transpose(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Part:
    del port, out
    axes = params.get("axes")
    if type(g) is Part:
        if is_shallow(g):
            return Part(methodcaller("transpose", axes), g, operands[0].shape, g.dtype)
        g = g.dense()
    back: Array
    if axes is None:
        back = g.transpose()
    else:
        places = [0] * g.ndim
        for at, axis in enumerate(axes):
            places[axis] = at
        back = g.transpose(places)
    return back


def _swapaxes(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, operands
    swapped: Array = g.swapaxes(params["axis1"], params["axis2"])
    return swapped


def _moveaxis(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, operands
    return np.moveaxis(g, params["destination"], params["source"])


def _flip(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, operands
    return np.flip(g, params.get("axis"))


def _starts(operands: Operands, params: Params) -> Params:
    """Say where each of the joined arrays begins, once for all: there may be a hundred thousand."""
    axis = params.get("axis", 0)
    lengths = (operand.size if axis is None else operand.shape[axis] for operand in operands)
    return {**params, "starts": list(accumulate(lengths, initial=0))}


def _concatenate(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axis, start = params.get("axis", 0), params["starts"][port]
    if axis is None:
        return typed(g[start : start + operands[port].size].reshape(operands[port].shape), operands[port])
    axis %= g.ndim
    piece = g[(slice(None),) * axis + (slice(start, start + operands[port].shape[axis]),)]
    return typed(piece, operands[port])


def _stack(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axis = params.get("axis", 0) % g.ndim
    return typed(g[(slice(None),) * axis + (port,)], operands[port])


SHAPE = {
    "reshape": Vjp(_reshape, takes_parts=True),
    "ravel": Vjp(_reshape, takes_parts=True),
    "squeeze": Vjp(_reshape, takes_parts=True),
    "expand_dims": Vjp(_reshape, takes_parts=True),
    "transpose": Vjp(_transpose, "T", takes_parts=True),
    "swapaxes": Vjp(_swapaxes),
    "moveaxis": Vjp(_moveaxis),
    "flip": Vjp(_flip),
    "concatenate": Vjp(_concatenate, shared=_starts),
    "stack": Vjp(_stack),
}
