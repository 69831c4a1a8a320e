"""Vjps of a sum of normal densities around points, `scipy.stats.gaussian_kde`, and of its logarithm.

Operands: where it is read and the points, a column each; the covariance; the weights. Its rules: distributions.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, typed

_AT_ONCE = 2**20  # numbers


def pull(port: int, g: Any, out: Any, operands: Operands, params: Params, *, is_log: bool) -> Array:
    """Return the gradient of one operand."""
    del params
    places, points, covariance, weights = operands
    inverse = np.linalg.inv(covariance)
    scale = np.linalg.slogdet(2 * math.pi * covariance)[1] / 2
    back, step = np.zeros(operands[port].shape), max(1, _AT_ONCE // points.size)
    for at in range(0, places.shape[1], step):
        some = slice(at, at + step)
        apart = places[:, some, None] - points[:, None]
        solved = np.tensordot(inverse, apart, 1)
        logarithm = -np.sum(apart * solved, 0) / 2 - scale - (out[some, None] if is_log else 0)
        of_each = np.exp(logarithm) * g[some, None]
        share = of_each * weights
        if port == 0:
            back[:, some] = -np.sum(share * solved, 2)
        elif port == 1:
            back += np.sum(share * solved, 1)
        elif port == 2:
            back += (np.einsum("mn,imn,jmn->ij", share, solved, solved) - inverse * np.sum(share)) / 2
        else:
            back += np.sum(of_each, 0)
    return typed(back, operands[port])
