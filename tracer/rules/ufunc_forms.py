"""Vjps of `reduce`, `accumulate` and `reduceat` of every ufunc of two operands, from its own two partials.

Read through rules.RULES. Where a function has a rule of its own (add.reduce is sum), that one is taken.

Params: `axis`, `keepdims`, `where` and `indices`, as NumPy names them; `initial` is a second operand.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tracer.rules.elementwise import ELEMENTWISE
from tracer.rules.kinds import Array, Elementwise, Operands, Params, Vjp, typed
from tracer.rules.reduce import kept_axes

# Forms that have a rule of their own. fmax and fmin choose as the nan-functions do.
OWN_RULES = {
    "add.reduce": "sum",
    "multiply.reduce": "prod",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "fmax.reduce": "nanmax",
    "fmin.reduce": "nanmin",
    "add.accumulate": "cumsum",
    "multiply.accumulate": "cumprod",
}
# On some processors NumPy's loops for these skip steps of a reduction: its own number is no chain of calls.
SKIPPING = ("arctan2", "power")
_NO_CHAINS = ("ldexp", "heaviside", "floor_divide")
BINARY = {
    name: getattr(np, name)
    for name, rule in ELEMENTWISE.items()
    if len(rule.partials) == 2 and isinstance(getattr(np, name, None), np.ufunc) and name not in _NO_CHAINS
}


def _locals(name: str, left: Any, right: Any, out: Any) -> tuple[Any, Any]:
    rule = ELEMENTWISE[name]
    left, right = (np.asarray(each, out.dtype) for each in (left, right))
    by_left, by_right = (np.broadcast_to(rule.local(port)(left, right, out), out.shape) for port in (0, 1))
    return by_left, by_right


def _back_over_steps(
    name: str, x: Array, g_last: Any, g_each: Any, chosen: Any, start: Any
) -> tuple[Array, Any]:
    """Go back over out = f(… f(f(start, x[0]), x[1]) …) along the first axis; return what goes to x and to start.

    Without a start the first chosen element is one. `g_each` comes back to every step, `g_last` to the last.
    """
    before, steps = [], []
    state = start
    has_state = np.full(x.shape[1:], start is not None)
    for at, each in enumerate(x):
        current = np.broadcast_to(True if chosen is None else chosen[at], has_state.shape)
        previous = each if state is None else np.broadcast_to(state, each.shape)
        out = np.asarray(BINARY[name](previous, each))
        before.append((previous, has_state, current))
        state = np.where(current, np.where(has_state, out, each), previous)
        steps.append(out)
        has_state = has_state | current
    back = np.zeros(x.shape, np.result_type(x, g_last))
    g = np.array(np.broadcast_to(g_last, x.shape[1:]))
    for at in range(len(x) - 1, -1, -1):
        if g_each is not None:
            g = g + g_each[at]
        previous, had_state, current = before[at]
        by_left, by_right = _locals(name, previous, x[at], steps[at])
        back[at] = np.where(current, np.where(had_state, g * by_right, g), 0)
        g = np.where(current, np.where(had_state, g * by_left, 0), g)
    return back, g


def _rows(array: Any, operand: Array, axes: tuple[int, ...]) -> Array:
    """Put the axes that are reduced first, and together, in the order in which NumPy goes through them."""
    moved = np.moveaxis(np.broadcast_to(array, operand.shape), axes, range(len(axes)))
    return moved.reshape(-1, *moved.shape[len(axes) :])


def _reduce(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    operand, *initial = operands
    if not operand.ndim:
        row = _reduce(name, port, g, None, (operand.reshape(1), *initial), {**params, "axis": None})
        return row.reshape(operands[port].shape)
    axis = params.get("axis")
    axes = tuple(range(operand.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted(each % operand.ndim for each in axes))
    rows = _rows(operand, operand, axes)
    chosen = None if params.get("where") is None else _rows(params["where"], operand, axes)
    g = kept_axes(g, operand, params).reshape(rows.shape[1:])
    back, of_start = _back_over_steps(name, rows, g, None, chosen, initial[0] if initial else None)
    if port == 1:
        return typed(np.asarray(np.sum(of_start)), initial[0])
    order = [*axes, *(at for at in range(operand.ndim) if at not in axes)]
    moved = back.reshape([operand.shape[at] for at in order])
    return typed(moved.transpose(np.argsort(order)), operand)


def _accumulate(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del port, out
    (operand,) = operands
    axis = params["axis"]
    rows, each = np.moveaxis(operand, axis, 0), np.moveaxis(g, axis, 0)
    back, _ = _back_over_steps(name, rows, np.zeros((), g.dtype), each, None, None)
    return typed(np.moveaxis(back, 0, axis), operand)


def _reduceat(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over each part; one that ends before it begins is its first element."""
    del port, out
    (operand,) = operands
    axis, indices = params["axis"], [int(at) for at in params["indices"]]
    rows, each = np.moveaxis(operand, axis, 0), np.moveaxis(g, axis, 0)
    back = np.zeros(rows.shape, np.result_type(rows, g))
    for at, (first, stop) in enumerate(zip(indices, [*indices[1:], len(rows)], strict=True)):
        part = slice(first, max(stop, first + 1))
        back[part] += _back_over_steps(name, rows[part], each[at], None, None, None)[0]
    return typed(np.moveaxis(back, 0, axis), operand)


def _logaddexp(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return exp(x - out) for all elements at once, and 0 where all are -inf."""
    power = np.exp if name == "logaddexp" else np.exp2
    kept = kept_axes(out, operands[0], params)
    share = np.where(np.isneginf(kept), 0, power(operands[port] - np.where(np.isneginf(kept), 0, kept)))
    back = kept_axes(g, operands[0], params) * share
    if port == 1:
        return typed(np.asarray(np.sum(back)), operands[1])
    where = params.get("where")
    return typed(back if where is None else np.where(where, back, 0), operands[0])


def _form(name: str, pull: Any) -> Vjp:
    rule: Elementwise = ELEMENTWISE[name]
    if not rule.kink:
        return Vjp(partial(pull, name))
    return Vjp(
        partial(pull, name),
        kink=rule.kink + " in a step",
        choice=rule.choice,
        at_kink=partial(_has_kink, name),
    )


def _has_kink(name: str, out: Any, operands: Operands, params: Params) -> bool:
    """Tell whether a step is at a kink; steps are those of accumulate along the axes."""
    del out
    operand = operands[0]
    axis = params.get("axis")
    axes = tuple(range(operand.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    rows = _rows(operand, operand, axes)
    if len(rows) < 2:
        return False
    with np.errstate(all="ignore"):
        steps = BINARY[name].accumulate(rows, 0)
        test = ELEMENTWISE[name].at_kink
        return bool(test is not None and np.any(test(steps[:-1], rows[1:], steps[1:])))


UFUNC_FORMS = {
    f"{name}.{form}": _form(name, pull)
    for form, pull in (("reduce", _reduce), ("accumulate", _accumulate), ("reduceat", _reduceat))
    for name in BINARY
    if f"{name}.{form}" not in OWN_RULES and (form == "accumulate" or name not in SKIPPING)
} | {f"{name}.reduce": _form(name, _logaddexp) for name in ("logaddexp", "logaddexp2")}
