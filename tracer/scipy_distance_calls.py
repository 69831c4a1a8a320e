"""How a call of `scipy.spatial.distance` is read. SciPy is not imported here."""

from __future__ import annotations

import sys
from math import inf
from typing import TYPE_CHECKING, Any

from tracer.numpy_table.arrange import numbered
from tracer.numpy_table.reading import OptionError
from tracer.rules.distances import SLOPES
from tracer.standins import plain

if TYPE_CHECKING:
    from collections.abc import Callable

# As SciPy calls them, too.
_ALIASES = {
    **dict.fromkeys(("euclid", "eu", "e"), "euclidean"),
    **dict.fromkeys(("sqe", "sqeuclid"), "sqeuclidean"),
    **dict.fromkeys(("cblock", "cb", "c"), "cityblock"),
    **dict.fromkeys(("chebychev", "chebyshev", "cheby", "cheb", "ch"), "chebyshev"),
    **dict.fromkeys(("mi", "m", "pnorm"), "minkowski"),
    "cos": "cosine",
}


def _of_metric(name: str, count: int) -> Callable[..., Any]:
    def read(*args: Any, metric: Any = "euclidean", p: Any = 2.0, **options: Any) -> Any:
        if len(args) > count:
            metric = args[count]
        operands = (*args[:count], *(options.pop(each) for each in ("XA", "XB", "X") if each in options))
        for option, value in options.items():
            if value is not None:
                raise OptionError(f"{option}=")
        called = metric.lower() if isinstance(metric, str) else getattr(metric, "__name__", "")
        called = _ALIASES.get(called, called)
        if called == "minkowski" and plain(p) == inf:
            called = "chebyshev"
        if called not in SLOPES:
            raise OptionError(f"metric={metric!r}")
        return name, operands, {"metric": called, "p": float(plain(p))}

    return read


def _squareform(x: Any, **_: Any) -> Any:
    places = sys.modules["scipy.spatial.distance"].squareform(*numbered((x,)), checks=False)
    return "squareform", (x,), {"places": places}


READERS: dict[str, Callable[..., Any]] = {
    "cdist": _of_metric("cdist", 2),
    "pdist": _of_metric("pdist", 1),
    "squareform": _squareform,
}
