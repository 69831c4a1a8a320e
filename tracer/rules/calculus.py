"""Vjps of differences, integrals and interpolation, and of sequences between two ends. Read through rules.RULES."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import summed_to

# differences


def _diff(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Take differences of the gradients, the other way round; operands stand as they are joined."""
    del out
    ndim = max(operand.ndim for operand in operands)
    axis = (-1 if params["axis"] is None else params["axis"]) % ndim
    back = g
    for _ in range(1 if params["n"] is None else params["n"]):
        widths = [(0, 0)] * ndim
        widths[axis] = (1, 1)
        back = -np.diff(np.pad(back, widths), axis=axis)
    # NumPy takes a number as one more element along the axis.
    lengths = [operand.shape[axis] if operand.ndim else 1 for operand in operands]
    first = sum(lengths[:port])
    mine = np.take(back, np.arange(first, first + lengths[port]), axis)
    return typed(np.asarray(mine.sum() if not operands[port].ndim else mine), operands[port])


def _ediff1d(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Cut the gradient into those of the beginning, the differences and the end."""
    del out
    at = params["given"].index("ary")
    sizes = [operand.size for operand in operands]
    sizes[at] = max(sizes[at] - 1, 0)
    first = sum(sizes[:port])
    mine = g[first : first + sizes[port]]
    if port == at:
        mine = -np.diff(np.pad(mine, 1)) if operands[port].size else mine
    return typed(mine.reshape(operands[port].shape), operands[port])


# derivatives by differences


def _stencil(length: int, spacing: Any, edge_order: int, dtype: Any) -> tuple[Array, Array]:
    """Return the weights of np.gradient and their places, a row for each of the five combs.

    NumPy differentiates combs whose teeth stand five apart: no answer looks at two of them.
    """
    combs = (np.arange(length) % 5 == np.arange(5)[:, None]).astype(dtype)
    differentiate: Any = np.gradient
    answers = np.stack([differentiate(comb, spacing, edge_order=edge_order) for comb in combs])
    shift = (np.arange(5)[:, None] - np.arange(length) + 2) % 5 - 2
    return answers, np.arange(length) + shift


def _gradient(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    axis, order = params["axis"], params["edge_order"]
    f = np.moveaxis(operands[0], axis, -1)
    spacing = operands[1] if len(operands) > 1 else np.asarray(1.0)
    g = np.moveaxis(g, axis, -1)
    if port == 1:
        if not spacing.ndim:
            return typed(-np.sum(g * np.moveaxis(out, axis, -1)) / spacing, spacing)
        return typed(_by_coordinates(g, f, spacing, order), spacing)
    weights, places = _stencil(f.shape[-1], spacing, order, g.dtype)
    back = np.zeros_like(g)
    for weight, place in zip(weights, places, strict=True):
        inside = (place >= 0) & (place < f.shape[-1])
        teeth: Any = (..., place[inside])
        np.add.at(back, teeth, (g * weight)[..., inside])
    return typed(np.moveaxis(back, -1, axis), operands[0])


def _by_coordinates(g: Any, f: Any, x: Array, order: int) -> Array:
    """Go back over the slopes to the distances between the coordinates, and from there to the coordinates."""
    d = np.diff(x)
    slopes = np.diff(f, axis=-1) / d
    by_distance = np.zeros((*g.shape[:-1], len(d)), np.result_type(g, x))
    before, after, sums = d[:-1], d[1:], d[:-1] + d[1:]
    inner = (before * slopes[..., 1:] + after * slopes[..., :-1]) / sums
    middle = g[..., 1:-1]
    by_distance[..., :-1] += middle * (slopes[..., 1:] - after * slopes[..., :-1] / before - inner) / sums
    by_distance[..., 1:] += middle * (slopes[..., :-1] - before * slopes[..., 1:] / after - inner) / sums
    for end, near, far in ((0, 0, 1), (-1, -1, -2)):
        u, g_end = slopes[..., near], g[..., end]
        if order == 1:
            by_distance[..., near] -= g_end * u / d[near]
            continue
        v, share, total = slopes[..., far], d[near] / (d[near] + d[far]), d[near] + d[far]
        by_distance[..., near] += g_end * (-u / d[near] * (1 + share) + (u - v) * d[far] / total**2)
        by_distance[..., far] += g_end * (v / d[far] * share + (v - u) * d[near] / total**2)
    summed = by_distance.reshape(-1, len(d)).sum(0)
    return -np.diff(np.pad(summed, 1))


def _trapezoid(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the sum of d (y[k] + y[k + 1]) / 2; operand 1 is x, or where it is a number the distance dx."""
    del out
    axis = params["axis"]
    y = np.moveaxis(operands[0], axis, -1)
    g = np.asarray(g)[..., None]
    of_distance = operands[1] if len(operands) > 1 else np.asarray(1.0)
    if params["by_x"]:
        x = np.moveaxis(operands[1], axis if operands[1].ndim > 1 else 0, -1)
        distance = np.diff(x)
    else:
        distance = of_distance
    if not y.shape[-1]:
        return np.zeros_like(operands[port])
    middles = (y[..., 1:] + y[..., :-1]) / 2
    ends = [(0, 0)] * (y.ndim - 1) + [(1, 1)]
    if port == 0:
        halves = np.pad(np.broadcast_to(g * distance / 2, middles.shape), ends)
        return typed(np.moveaxis(halves[..., 1:] + halves[..., :-1], -1, axis), operands[0])
    if not params["by_x"]:
        return typed(summed_to(g * middles, operands[1].shape), operands[1])
    back = summed_to(-np.diff(np.pad(g * middles, ends)), x.shape)
    return typed(np.moveaxis(back, -1, axis if operands[1].ndim > 1 else 0), operands[1])


# interpolation


def _interp(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Between two knots a line; beside them a constant. At a knot the slope is that of the line after it."""
    del out
    x, xp = operands[0].real, operands[1].real  # NumPy drops the imaginary parts of places
    fp = operands[2] * 1.0
    order, left, right = np.arange(len(xp)), params["left"], params["right"]
    name = params["traced"][port - 3] if port > 2 else ""
    turns_of_x = turns_of_xp = 0.0
    if params["period"] is not None:
        period = abs(params["period"])
        turns_of_x, turns_of_xp = x // period, xp // period
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        order = np.concatenate([order[-1:], order, order[:1]])
        xp = xp[order] + np.concatenate([[-period], np.zeros(len(xp)), [period]])
        turns_of_xp = np.concatenate([[1], np.zeros(len(xp) - 2), [-1]]) + turns_of_xp[order]
        fp, left, right = fp[order], None, None
    if name in ("left", "right"):
        return typed(np.sum(g, where=x < xp[0] if name == "left" else x > xp[-1]), operands[port])
    count = len(xp)
    after = np.clip(np.searchsorted(xp, x, "right"), 1, max(count - 1, 1))
    before, after = after - 1, np.minimum(after, count - 1)
    inside = (x >= xp[0]) & (x <= xp[-1])
    width = np.where(before == after, 1, xp[after] - xp[before])
    slope = np.where(inside, (fp[after] - fp[before]) / width, 0)
    if port == 0:
        return typed(typed(np.asarray(g * slope), x), operands[0])
    share = np.where(inside, (x - xp[before]) / width, 0)
    back = np.zeros(count, np.result_type(g, xp))
    if port == 1 or name == "period":
        np.add.at(back, before, -g * slope * (1 - share))
        np.add.at(back, after, -g * slope * share)
    else:
        np.add.at(back, before, np.where(inside, g * (1 - share), 0))
        np.add.at(back, after, np.where(inside, g * share, 0))
        for end, beside, given in ((0, x < xp[0], left), (-1, x > xp[-1], right)):
            if given is None:
                back[end] += np.sum(g, where=beside)
    if name == "period":  # x and xp go back by as many periods as they have turns
        by_period = np.sum(g * slope * turns_of_x) + np.sum(back * turns_of_xp)
        return typed(np.asarray(-by_period.real * np.conj(params["period"]) / period), operands[port])
    total = np.zeros(operands[port].shape, back.dtype)
    np.add.at(total, order, back)
    return typed(typed(total, (x, xp, fp)[port]), operands[port])


def _is_knot(out: Any, operands: Operands, params: Params) -> bool:
    del out
    x, xp = operands[0].real, operands[1].real
    if params["period"] is not None:
        x, xp = x % params["period"], xp % params["period"]
    return bool(np.isin(x, xp).any())


# sequences between two ends


def _shares(out: Any, params: Params) -> Any:
    """Return how far along each element is, along the first axis."""
    share = np.linspace(0, 1, params["num"], endpoint=params["endpoint"])
    return share.reshape(-1, *(1,) * (np.ndim(out) - 1))


def _between(port: int, back: Any, operands: Operands, share: Any) -> Array:
    end = operands[port]
    return typed(summed_to((back * (share if port else 1 - share)).sum(0), end.shape), end)


def _linspace(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    g = np.moveaxis(g, params["axis"], 0)
    return _between(port, g, operands, _shares(out, params))


def _linspace_step(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    intervals = params["num"] - bool(params["endpoint"])
    back = (g if port else -g) / intervals if intervals > 0 else np.zeros_like(g)
    return typed(summed_to(back, operands[port].shape), operands[port])


def _arange(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over start + k step."""
    del out, params
    return typed(np.sum(g * np.arange(len(g)) if port else g), operands[port])


def _logspace(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    g, moved = np.moveaxis(g, params["axis"], 0), np.moveaxis(out, params["axis"], 0)
    if port == 2:
        share = _shares(out, params)
        exponents = operands[0] * (1 - share) + operands[1] * share
        return typed(np.sum(g * exponents * moved) / operands[2], operands[2])
    back = g * moved * np.log(params["base"])
    return _between(port, back, operands, _shares(out, params))


def _geomspace(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    g, moved = np.moveaxis(g, params["axis"], 0), np.moveaxis(out, params["axis"], 0)
    return _between(port, g * moved / operands[port], operands, _shares(out, params))


# products along a line


def _convolve(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    first, second = (np.atleast_1d(each) for each in operands)
    shortest = min(len(first), len(second))
    start = {"full": 0, "same": (shortest - 1) // 2, "valid": shortest - 1}[params["mode"] or "full"]
    return _of_full(port, g, start, operands)


def _of_full(port: int, g: Any, start: int, operands: Operands) -> Array:
    """Go back over the part of a full convolution that begins at `start`."""
    first, second = (np.atleast_1d(each) for each in operands)
    full = np.zeros(len(first) + len(second) - 1, g.dtype)
    full[start : start + len(g)] = g
    answer = np.correlate(full, (second, first)[port].conj(), "valid")  # it conjugates them again
    return typed(answer.reshape(operands[port].shape), operands[port])


def _correlate(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Convolve with the conjugate of the second operand, turned round.

    Where that is the longer one, NumPy counts from the other end.
    """
    del out
    first, second = (np.atleast_1d(each) for each in operands)
    shortest = min(len(first), len(second))
    same = (shortest - 1) // 2 if len(first) >= len(second) else shortest // 2
    start = {"full": 0, "same": same, "valid": shortest - 1}[params["mode"]]
    back = _of_full(port, g, start, (first, second[::-1].conj()))
    return typed((back[::-1].conj() if port else back).reshape(operands[port].shape), operands[port])


LINES = {
    "diff": Vjp(_diff),
    "convolve": Vjp(_convolve),
}
CALCULUS = {
    "ediff1d": Vjp(_ediff1d),
    "gradient": Vjp(_gradient),
    "trapezoid": Vjp(_trapezoid, "∫"),
    "interp": Vjp(
        _interp, kink="at a knot", choice="interp: at a knot the slope after it", at_kink=_is_knot
    ),
    "arange": Vjp(_arange),
    "linspace": Vjp(_linspace),
    "linspace_step": Vjp(_linspace_step),
    "logspace": Vjp(_logspace),
    "geomspace": Vjp(_geomspace),
    "correlate": Vjp(_correlate),
}
