"""Vjps of the cosine and sine transforms of `scipy.fft`: dctn, dstn and their inverses. Read through rules.RULES.

Params: `type`, `axes`, `norm` and `orthogonalize` as SciPy has them. Each transform is the orthogonal one of its type,
scaled as a whole and at its ends; going back is the orthogonal one of the inverse type, scaled at the other ends.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tracer.rules.fourier import fitted
from tracer.rules.from_scipy import from_scipy
from tracer.rules.kinds import Array, Operands, Params, Vjp

_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}
_OTHER_NORM = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
# By kind and type: elements √2 too small in the orthogonal transform's result, and too large in what goes in.
_ENDS = {
    ("dct", 1): ((0, -1), (0, -1)),
    ("dct", 2): ((0,), ()),
    ("dct", 3): ((), (0,)),
    ("dst", 2): ((-1,), ()),
    ("dst", 3): ((), (-1,)),
}


def _orthogonal(kind: str, g: Any, turned: int, axis: int) -> Any:
    return from_scipy("fft", kind)(g, type=turned, axis=axis, norm="ortho")


def _scaled(x: Any, places: tuple[int, ...], factor: float, axis: int) -> Any:
    if places:
        x = x.copy()
        for place in places:
            x[(slice(None),) * (axis % x.ndim) + (place,)] *= factor
    return x


def _pull(
    kind: str, port: int, g: Any, out: Any, operands: Operands, params: Params, *, is_inverse: bool
) -> Array:
    del port
    number, norm = int(params["type"]), params["norm"]
    orthogonalize = params["orthogonalize"]
    if is_inverse:
        number, norm = _INVERSE[number], _OTHER_NORM[norm]
    ends = ((), ()) if orthogonalize else _ENDS.get((kind, number), ((), ()))
    for axis in params["axes"]:
        length = out.shape[axis] + {("dct", 1): -1, ("dst", 1): 1}.get((kind, number), 0)
        factor = {"backward": 1.0, "ortho": 0.0, "forward": -1.0}[norm]
        g = _scaled(g, ends[0], math.sqrt(2), axis)
        g = _orthogonal(kind, g, _INVERSE[number], axis) * math.sqrt(2 * length) ** factor
        g = _scaled(g, ends[1], 1 / math.sqrt(2), axis)
    return fitted(np.asarray(g), operands[0], params["axes"])


COSINES = {
    f"{inverse}{kind}n": Vjp(partial(_pull, kind, is_inverse=bool(inverse)), f"{inverse}{kind}")
    for kind in ("dct", "dst")
    for inverse in ("", "i")
}
