"""Vjps of reading and writing elements: getitem, item, setitem. Read through rules.RULES.

Params: `index`, any NumPy index (for item: its arguments as a tuple).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.edited import Edited, Part, may_repeat, part_of
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _getitem(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Part:
    del port, out
    operand = operands[0]
    return part_of(params["index"], g, operand.shape, operand.dtype)


def _item(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Any:
    del port, out
    (operand,) = operands
    if isinstance(operand, np.generic):  # a number of NumPy's is its own element
        return g
    index = params.get("index", ())
    # a.item((2,)) counts through all elements, as a.item(2)
    while isinstance(index, tuple) and len(index) == 1:
        index = index[0]
    if isinstance(index, tuple):
        place = index or (0,) * operand.ndim
    else:
        place = tuple(int(at) for at in np.unravel_index(index % operand.size, operand.shape))
    return Part(place, np.asarray(g), operand.shape, operand.dtype)


def _setitem(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array | Edited:
    """Go back over `array[index] = value` as a function of (array before, value) to the array after."""
    del out
    index = params["index"]
    if port == 0:  # what was overwritten gets nothing
        return Edited(g, index, 0)
    value: Any = operands[1] if type(operands[1]) is Edited else np.asarray(operands[1])
    after: Array = g.current() if type(g) is Edited else g
    if not may_repeat(index):
        return typed(np.array(after[index]), value)
    # An element that is named twice holds what was written last: its earlier values get nothing.
    turns = np.arange(value.size).reshape(value.shape)
    last = np.empty(g.shape, turns.dtype)
    last[index] = turns
    return typed(np.where(last[index] == turns, after[index], 0), value)


def _add_at(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over np.add.at(array, index, value): every value gets what came back to its element."""
    del out
    return g if port == 0 else typed(np.array(g[params["index"]]), operands[1])


def _subtract_at(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    return g if port == 0 else -_add_at(port, g, out, operands, params)


INDEX = {
    "getitem": Vjp(_getitem, "[ ]", shapes_only=True, takes_parts=True),
    "item": Vjp(_item, "[ ]", shapes_only=True),
    "setitem": Vjp(_setitem, "[ ]=", shapes_only=True),
    "add_at": Vjp(_add_at, "[ ]+="),
    "subtract_at": Vjp(_subtract_at, "[ ]−="),
}
