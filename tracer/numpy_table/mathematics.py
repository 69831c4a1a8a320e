"""Functions of statistics and signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.reading import NOT_GIVEN, Followed, Reader, only_defaults, with_params
from tracer.standins import plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable


def _spread(name: str) -> Callable[..., Followed]:
    def read(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        ddof: Any = 0,
        keepdims: Any = False,
        **options: Any,
    ) -> Followed:
        correction = options.pop("correction", NOT_GIVEN)
        only_defaults((dtype, out), options)
        keeps = bool(keepdims) and keepdims is not NOT_GIVEN
        freedom = plain_deep(ddof if correction is NOT_GIVEN else correction)
        return name, (a,), {"axis": plain_deep(axis), "keepdims": keeps, "ddof": freedom}

    return read


def _convolve(a: Any, v: Any, mode: Any = "full") -> Followed:
    return "convolve", (a, v), {"mode": mode}


MATHEMATICS: dict[Any, Reader] = {
    np.var: _spread("var"),
    np.std: _spread("std"),
    np.cumprod: with_params("cumprod", "axis"),
    np.diff: with_params("diff", "n", "axis"),
    np.convolve: _convolve,
}
