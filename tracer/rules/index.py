"""Vjps of reading and writing elements: getitem, item, setitem. Read through rules.RULES.

Params: `index`, any NumPy index (for item: its arguments as a tuple).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Part, Vjp, may_repeat, typed


def _getitem(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Part:
    del port, out
    operand = operands[0]
    return Part(params["index"], g, operand.shape, operand.dtype)


def _item(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Part:
    del port, out
    (operand,) = operands
    index = params.get("index", ())
    if isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, tuple):
        place = index or (0,) * operand.ndim
    else:
        place = tuple(int(at) for at in np.unravel_index(index % operand.size, operand.shape))
    return Part(place, g, operand.shape, operand.dtype)


def _setitem(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over `array[index] = value` as a function of (array before, value) to the array after."""
    del out
    index = params["index"]
    if port == 0:
        back: Array = g.copy()
        back[index] = 0
        return back
    value = np.asarray(operands[1])
    if not may_repeat(index):
        return typed(g[index], value)
    # An element that is named twice holds what was written last: its earlier values get nothing.
    turns = np.arange(value.size).reshape(value.shape)
    last = np.empty(g.shape, turns.dtype)
    last[index] = turns
    return typed(np.where(last[index] == turns, g[index], 0), value)


INDEX = {
    "getitem": Vjp(_getitem, "[ ]"),
    "item": Vjp(_item, "[ ]"),
    "setitem": Vjp(_setitem, "[ ]="),
}
