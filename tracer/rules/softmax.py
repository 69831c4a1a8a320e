"""Vjps of logsumexp, softmax and log_softmax of `scipy.special`. Needs no SciPy. Read through rules.RULES.

Params: `axis` (None, an int or a tuple), and for logsumexp `keepdims`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed
from tracer.rules.matrices import summed_to
from tracer.rules.reduce import kept_axes


def _logsumexp(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return b exp(a - out) for a, and exp(a - out) for the weights b."""
    a = operands[0]
    weights = operands[1] if len(operands) > 1 else np.ones((), a.dtype)
    full = np.broadcast_shapes(a.shape, weights.shape)
    whole = np.broadcast_to(a, full)
    with np.errstate(invalid="ignore"):  # inf - inf, which is no share of anything
        share = np.exp(whole - kept_axes(out, whole, params))
    back = kept_axes(g, whole, params) * share
    return typed(summed_to(back * weights if port == 0 else back, operands[port].shape), operands[port])


def _softmax(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return out (g - Σ g out)."""
    del port
    inner = np.sum(g * out, axis=params["axis"], keepdims=True)
    return typed(out * (g - inner), operands[0])


def _log_softmax(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    """Return g - softmax Σ g."""
    del port
    return typed(g - np.exp(out) * np.sum(g, axis=params["axis"], keepdims=True), operands[0])


SOFTMAX = {"logsumexp": Vjp(_logsumexp), "softmax": Vjp(_softmax), "log_softmax": Vjp(_log_softmax)}
