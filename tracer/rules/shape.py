"""Vjps of what only moves elements: reshape, transpose, concatenate, stack, …. Read through rules.RULES.

Their answers are views of the gradient wherever NumPy can make one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _reshape(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    return np.asarray(g).reshape(operands[0].shape, order="F" if params.get("order") == "F" else "C")


def _transpose(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out, operands
    axes = params.get("axes")
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


def _concatenate(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axis = params.get("axis", 0)
    if axis is None:
        start = sum(operand.size for operand in operands[:port])
        return typed(g[start : start + operands[port].size].reshape(operands[port].shape), operands[port])
    axis %= g.ndim
    start = sum(operand.shape[axis] for operand in operands[:port])
    piece = g[(slice(None),) * axis + (slice(start, start + operands[port].shape[axis]),)]
    return typed(piece, operands[port])


def _stack(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    axis = params.get("axis", 0) % g.ndim
    return typed(g[(slice(None),) * axis + (port,)], operands[port])


SHAPE = {
    "reshape": Vjp(_reshape),
    "ravel": Vjp(_reshape),
    "squeeze": Vjp(_reshape),
    "expand_dims": Vjp(_reshape),
    "transpose": Vjp(_transpose, "T"),
    "swapaxes": Vjp(_swapaxes),
    "moveaxis": Vjp(_moveaxis),
    "flip": Vjp(_flip),
    "concatenate": Vjp(_concatenate),
    "stack": Vjp(_stack),
}
