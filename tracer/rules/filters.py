"""Vjps of filters: of `scipy.signal`, recursive ones; of `scipy.ndimage`, weighted sums over moving windows.

A filter is linear in what it filters, so going back is its transpose: of y with A y = B x, for B and A that multiply by
the polynomials b and a in the delay, u = g / A', and then B' u for x, and for the coefficients the products of u with
what they are multiplied by. Read through rules.RULES.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.rules.from_scipy import from_scipy
from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import summed_to

if TYPE_CHECKING:
    from collections.abc import Callable

Chains: TypeAlias = "list[list[tuple[int, Any, int, str]]]"
"""Sums of chains of moving windows: the axis of each, its weights, how far its middle is moved, the ends."""

# recursive filters


class _Back:
    """A filter along the last axis, gone back over: each method gives what goes back to one operand."""

    def __init__(self, g: Array, of_state: Any, operands: Operands, out: Array, state: Any) -> None:
        # They may be whole numbers
        b, a, x = (np.atleast_1d(np.asarray(each, np.float64)) for each in operands[:3])
        order = max(len(b), len(a)) - 1
        self.b, self.a = (np.pad(each, (0, order + 1 - len(each))) for each in (b, a))
        self.x, self.out, self.order = x, out, order
        self.first = operands[3] if len(operands) > 3 else np.zeros(order)
        self.met = min(order, x.shape[-1])  # elements that a state has a part in
        self.of_state = of_state
        self.state = state
        if of_state is not None:
            g = g.copy()
            g[..., x.shape[-1] - self.met :] -= self._of_tail(self.a)
        self.u = from_scipy("signal", "lfilter")(np.ones(1), a, g[..., ::-1])[..., ::-1]

    def to_b(self) -> Array:
        return self._products(self.x)

    def to_a(self) -> Array:
        back = -self._products(self.out)
        back[0] += np.sum(self.u[..., : self.met] * self.first[..., : self.met])
        if self.of_state is not None:
            moved = self.state.copy()  # but what is left of the first state
            moved[..., : self.order - self.met] -= self.first[..., self.met :]
            back[0] -= np.sum(self.of_state * moved) / self.a[0]
        return back

    def to_x(self) -> Array:
        back = from_scipy("signal", "lfilter")(self.b, np.ones(1), self.u[..., ::-1])[..., ::-1]
        if self.of_state is not None:
            back[..., back.shape[-1] - self.met :] += self._of_tail(self.b)
        return np.asarray(back)

    def to_first(self) -> Array:
        back = np.zeros((*self.x.shape[:-1], self.order))
        back[..., : self.met] = self.a[0] * self.u[..., : self.met]
        if self.of_state is not None:
            back[..., self.met :] += self.of_state[..., : self.order - self.met]
        return back

    # The last state m is the sum of b[m + 1 + j] x[-1 - j] - a[m + 1 + j] y[-1 - j], over a[0].

    def _delays(self) -> Array:
        return np.add.outer(np.arange(self.order), np.arange(self.met)) + 1

    def _of_tail(self, coefficients: Array) -> Array:
        weights = np.pad(coefficients, (0, self.order))[self._delays()]
        return np.asarray((self.of_state @ weights)[..., ::-1] / self.a[0])

    def _products(self, values: Array) -> Array:
        """Return the sums over all lines of u[n] values[n - k], and of the last state, for each delay k."""
        length, back = values.shape[-1], np.zeros(2 * self.order + 1)
        for k in range(self.order + 1):
            back[k] = np.sum(self.u[..., k:] * values[..., : max(length - k, 0)])
        if self.of_state is not None:
            tail = values[..., ::-1][..., : self.met]
            products = self.of_state.reshape(-1, self.order).T @ tail.reshape(-1, self.met)
            np.add.at(back, self._delays(), products / self.a[0])
        return back[: self.order + 1]


def _last(axis: int, *arrays: Any) -> list[Any]:
    return [np.moveaxis(np.asarray(each), axis, -1) for each in arrays]


def _lfilter(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    return _of_filter(port, operands, params["axis"], g, None, out, None)


def _lfilter_state(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    filtered = params["results"][0]
    return _of_filter(port, operands, params["axis"], np.zeros_like(filtered), g, filtered, out)


def _of_filter(
    port: int, operands: Operands, axis: int, g: Any, of_state: Any, out: Any, state: Any
) -> Array:
    moved = (*operands[:2], *_last(axis, *operands[2:]))
    g, out = _last(axis, g, out)
    if of_state is not None:
        of_state, state = _last(axis, of_state, state)
    back = _Back(g, of_state, moved, out, state)
    if port < 2:
        coefficients = (back.to_a if port else back.to_b)()[: np.size(operands[port])]
        return typed(coefficients.reshape(operands[port].shape), operands[port])
    of_lines = summed_to((back.to_x if port == 2 else back.to_first)(), moved[port].shape)
    return typed(np.moveaxis(of_lines, -1, axis), operands[port])


def _lfilter_zi(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over the solution of M zi = b[1:] - a[1:] b[0], of b and a over a[0], where M has a[1:] in a column."""
    del params
    b, a = (np.atleast_1d(np.asarray(each, np.float64)) for each in operands)
    order = max(len(b), len(a)) - 1
    b, a = (np.pad(each, (0, order + 1 - len(each))) / a[0] for each in (b, a))
    matrix = np.eye(order) - np.eye(order, k=1)
    matrix[:, 0] += a[1:]
    u = np.linalg.solve(matrix.T, g)
    of_b, of_a = np.array([-u @ a[1:], *u]), np.array([0.0, *(-u * (b[0] + out[0]))])
    of_a[0] = -(of_b @ b + of_a @ a)
    back = (of_a if port else of_b)[: np.size(operands[port])] / np.ravel(operands[1])[0]
    return typed(back.reshape(operands[port].shape), operands[port])


def _sosfilt(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    return _of_sections(port, operands, params["axis"], g, None)


def _sosfilt_state(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    return _of_sections(port, operands, params["axis"], np.zeros_like(params["results"][0]), g)


def _of_sections(port: int, operands: Operands, axis: int, g: Any, of_states: Any) -> Array:
    """Go back over a cascade of filters of order two, the last first."""
    sos, x = operands[0], np.moveaxis(operands[1], axis, -1)
    state_axis = axis + 1 if axis >= 0 else axis  # states have an axis of sections before the others
    lfilter = from_scipy("signal", "lfilter")
    states = np.zeros((len(sos), *x.shape[:-1], 2))
    if len(operands) > 2:
        states = np.moveaxis(operands[2], state_axis, -1)
    g = np.moveaxis(np.asarray(g), axis, -1)
    if of_states is not None:
        of_states = np.moveaxis(of_states, state_axis, -1)
    stages, ends = [x], []
    for section, state in zip(sos, states, strict=True):
        filtered, end = lfilter(section[:3], section[3:], stages[-1], zi=state)
        stages.append(filtered)
        ends.append(end)
    of_sos, of_first = np.zeros(sos.shape), np.zeros(states.shape)
    for at in range(len(sos) - 1, -1, -1):
        given = (sos[at, :3], sos[at, 3:], stages[at], states[at])
        of_state = None if of_states is None else of_states[at]
        back = _Back(g, of_state, given, stages[at + 1], ends[at])
        if port == 0:
            of_sos[at] = *back.to_b(), *back.to_a()
        elif port == 2:
            of_first[at] = back.to_first()
        g = back.to_x()
    if port == 2:
        return typed(np.moveaxis(of_first, -1, state_axis), operands[2])
    return typed(of_sos if port == 0 else np.moveaxis(g, -1, axis), operands[port])


def _upfirdn(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over x with up - 1 zeros between its elements, convolved with h, of which one in `down` is kept."""
    del out
    h, (x, g) = operands[0], _last(params["axis"], operands[1], g)
    correlate, up = from_scipy("signal", "correlate"), params["up"]
    kept = np.zeros((*g.shape[:-1], (x.shape[-1] - 1) * up + len(h)))
    kept[..., :: params["down"]] = g
    if port == 1:
        back = correlate(kept, h.reshape(*(1,) * (x.ndim - 1), -1), "valid")[..., ::up]
        return typed(np.moveaxis(back, -1, params["axis"]), operands[1])
    between = np.zeros((*x.shape[:-1], (x.shape[-1] - 1) * up + 1))
    between[..., ::up] = x
    return typed(correlate(kept, between, "valid").reshape(h.shape), h)


# moving windows

# NumPy's names for SciPy's
_PADDING = {
    **dict.fromkeys(("reflect", "grid-mirror"), "symmetric"),
    **dict.fromkeys(("wrap", "grid-wrap"), "wrap"),
    **dict.fromkeys(("constant", "grid-constant"), "constant"),
    "mirror": "reflect",
    "nearest": "edge",
}


def places_of(shape: tuple[int, ...], widths: list[tuple[int, int]], mode: str) -> Array:
    """Return which element stands where in an array that is continued beyond its ends; -1 where a number does."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    padding: Any = _PADDING[mode]
    options = {"constant_values": -1} if padding == "constant" else {}
    return np.pad(numbers, widths, padding, **options)


def window_places(
    shape: tuple[int, ...], sizes: tuple[int, ...], origins: tuple[int, ...], mode: str
) -> Array:
    """Return `places_of` an array whose every element has a whole window, of `sizes` and moved by `origins`."""
    before = [size // 2 + origin for size, origin in zip(sizes, origins, strict=True)]
    widths = [(left, size - 1 - left) for left, size in zip(before, sizes, strict=True)]
    return places_of(shape, widths, mode)


def _correlate_nd(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over sums over windows of `places`, weighted by operand 1, turned round where it is `flipped`."""
    del out
    if port == 1:
        back = _turned(
            from_scipy("signal", "correlate")(_continued(operands[0], params), g, "valid"), params
        )
        return typed(back.reshape(operands[1].shape), operands[1])
    weights = _turned(operands[1].reshape(params["sizes"]), params)
    return typed(_spread(g, weights, params["places"], operands[0]), operands[0])


def _continued(x: Array, params: Params) -> Array:
    """Return an array as it is continued beyond its ends."""
    return np.where(params["places"] < 0, params["fill"], x.ravel()[params["places"]])


def _turned(weights: Array, params: Params) -> Array:
    return np.flip(weights) if params["flipped"] else weights


def _spread(g: Any, weights: Array, places: Array, x: Array) -> Array:
    full = from_scipy("signal", "convolve")(np.asarray(g, np.float64), weights, "full")
    inside = places >= 0
    return np.bincount(places[inside], full[inside], x.size).reshape(x.shape)


def correlated(operands: Operands, params: Params) -> Array:
    """Compute what the rule `correlate_nd` goes back over."""
    weights = _turned(operands[1].reshape(params["sizes"]), params)
    return np.asarray(from_scipy("signal", "correlate")(_continued(operands[0], params), weights, "valid"))


# one axis after the other


def _listed(value: Any, count: int) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value] * count


def _axes(params: Params, ndim: int) -> list[int]:
    axes = params.get("axes")
    if "axis" in params:
        axes = params["axis"]
    return [int(axis) % ndim for axis in (range(ndim) if axes is None else _listed(axes, 1))]


def _gaussian_weights(sigma: float, order: int, params: Params, radius: Any) -> Array:
    """Return the weights by what becomes of a single 1: they are SciPy's own business."""
    reach = int(params["truncate"] * float(sigma) + 0.5) if radius is None else int(radius)
    one = np.eye(1, 2 * reach + 1, reach)[0]
    answer = from_scipy("ndimage", "gaussian_filter1d")(
        one, sigma, order=order, mode="constant", truncate=params["truncate"], radius=radius
    )
    return np.asarray(answer[::-1])


def _gaussian(params: Params, ndim: int) -> Chains:
    axes = _axes(params, ndim)
    given = [_listed(params[name], len(axes)) for name in ("sigma", "order", "mode", "radius")]
    return [
        [
            (axis, _gaussian_weights(sigma, order, params, radius), 0, mode)
            for axis, sigma, order, mode, radius in zip(axes, *given, strict=True)
            if sigma > 1e-15 or "axis" in params
        ]
    ]


def _uniform(params: Params, ndim: int) -> Chains:
    axes = _axes(params, ndim)
    given = [_listed(params[name], len(axes)) for name in ("size", "origin", "mode")]
    return [
        [
            (axis, np.full(int(size), 1 / int(size)), origin, mode)
            for axis, size, origin, mode in zip(axes, *given, strict=True)
            if size > 1 or "axis" in params  # SciPy leaves the others as they are
        ]
    ]


def _edge(smooth: tuple[int, int, int]) -> Callable[[Params, int], Chains]:
    def chains(params: Params, ndim: int) -> Chains:
        modes = _listed(params["mode"], ndim)
        along = params["axis"] % ndim
        return [[(axis, (-1, 0, 1) if axis == along else smooth, 0, modes[axis]) for axis in range(ndim)]]

    return chains


def _laplace(params: Params, ndim: int) -> Chains:
    axes = _axes(params, ndim)
    modes = _listed(params["mode"], len(axes))
    return [[(axis, (1, -2, 1), 0, mode)] for axis, mode in zip(axes, modes, strict=True)]


_CHAINS: dict[str, Callable[[Params, int], Chains]] = {
    **dict.fromkeys(("gaussian_filter", "gaussian_filter1d"), _gaussian),
    **dict.fromkeys(("uniform_filter", "uniform_filter1d"), _uniform),
    "sobel": _edge((1, 2, 1)),
    "prewitt": _edge((1, 1, 1)),
    "laplace": _laplace,
}


def _by_axes(name: str, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Go back over a sum of chains of moving windows, each of them along an axis."""
    del port, out
    (x,) = operands
    total = np.zeros(x.shape)
    for chain in _CHAINS[name](params, x.ndim):
        back = np.asarray(g, np.float64)
        for axis, weights, origin, mode in reversed(chain):
            sizes = (*(1,) * axis, len(weights), *(1,) * (x.ndim - axis - 1))
            origins = tuple(origin if at == axis else 0 for at in range(x.ndim))
            places = window_places(x.shape, sizes, origins, mode)
            back = _spread(back, np.reshape(weights, sizes), places, x)
        total += back
    return typed(total, x)


BY_AXES = frozenset(_CHAINS)

FILTERS = {
    "lfilter": Vjp(_lfilter, real_only=True),
    "lfilter_zi": Vjp(_lfilter_zi, real_only=True),
    "lfilter_state": Vjp(_lfilter_state, real_only=True),
    "sosfilt": Vjp(_sosfilt, real_only=True),
    "sosfilt_state": Vjp(_sosfilt_state, real_only=True),
    "upfirdn": Vjp(_upfirdn, real_only=True),
    "correlate_nd": Vjp(_correlate_nd, real_only=True),
    **{name: Vjp(partial(_by_axes, name), real_only=True) for name in _CHAINS},
}
