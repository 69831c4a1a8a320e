"""The forms of a ufunc that are no plain call: how `reduce`, `accumulate`, `reduceat` and options are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.numpy_table.plain_reads import UFUNC_RULES
from tracer.numpy_table.reading import Followed, OptionError, given_options, reduction
from tracer.rules import RULES
from tracer.rules.ufunc_forms import OWN_RULES, SKIPPING
from tracer.standins import plain, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

_HYPOT, _VECDOT = np.hypot, np.vecdot  # which are others while a trace runs
# Options that say how NumPy computes, not what.
_HOW = frozenset("dtype casting order subok sig signature".split())


def _rule(ufunc: Any, form: str) -> str:
    name = UFUNC_RULES.get(ufunc, "")
    rule = OWN_RULES.get(f"{name}.{form}", f"{name}.{form}")
    if form != "accumulate" and name in SKIPPING:
        raise OptionError(
            "steps that NumPy skips on some processors (np.power.accumulate(x)[-1] is followed)"
        )
    if rule not in RULES:
        raise OptionError("a ufunc that takes steps, or no two numbers")
    return rule


def _reduce(ufunc: Any, array: Any, axis: Any = 0, *rest: Any, **options: Any) -> Followed:
    order = "dtype out keepdims initial where"
    options = given_options(order, rest, options)
    if ufunc is _HYPOT:  # it starts from its identity, and |x| is what it makes of one x
        options.setdefault("initial", ufunc.identity)
    return reduction(_rule(ufunc, "reduce"), order)(array, axis, **options)


def _accumulate(ufunc: Any, array: Any, axis: Any = 0, dtype: Any = None) -> Followed:
    del dtype
    axis = plain(axis)
    return _rule(ufunc, "accumulate"), (array,), {"axis": 0 if axis is None else axis}


def _reduceat(ufunc: Any, array: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Followed:
    del dtype
    params = {"indices": np.array(plain_deep(indices), np.intp), "axis": plain(axis)}
    return _rule(ufunc, "reduceat"), (array,), params


def call_options(ufunc: Any, options: dict[str, Any]) -> dict[str, Any] | None:
    """Return the parameters that the options of a plain call make for its rule; refuse what changes the meaning."""
    for name in options:
        if name not in _HOW and not (name == "axis" and ufunc is _VECDOT):
            raise OptionError(f"{name}=")
    return {"axis": plain(options["axis"])} if "axis" in options else None


FORMS: dict[str, Callable[..., Followed]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
}
