"""Where a traced whole number is a shift, a count, an axis or an index: there it is read, as by `range(n)`.

And by which ways out a float becomes a whole number: those take steps, so no gradient is lost there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.callee import called, called_name
from tracer.frames import is_library
from tracer.instructions import operator_at

if TYPE_CHECKING:
    from types import FrameType

# By NumPy's function: its variables that count. Most functions ask for an index, and need no row.
_COUNTING = {
    "roll": ("shift", "axis"),
    "pad": ("pad_width",),
    "partition": ("kth",),
    "_wrapfunc": ("args", "kwds"),
}
_WRAPPED = ("repeat", "take")  # of what goes through `_wrapfunc`
_OF_GENERATORS = (
    "binomial bytes choice hypergeometric integers multinomial multivariate_hypergeometric multivariate_normal "
    "permutation randint random_integers seed spawn".split()
)
_METHODS = frozenset(
    [
        *("ndarray.repeat", "ndarray.take", "ndarray.partition", "SeedSequence.spawn"),
        *(f"{kind}.{name}" for kind in ("Generator", "RandomState") for name in _OF_GENERATORS),
    ]
)
_SEEKING = frozenset(("ndarray.searchsorted",))  # places, whatever the number
_PERMUTING = frozenset(("Generator.permutation", "RandomState.permutation"))
# What `cuts.py` says of ways out: `int()`, `np.int64()`, `np.asarray of uint8`, `.astype(bool)`
_TO_WHOLE = re.compile(r"(?:np\.)?(u?int\d*|bool_?)\(\)|.* of (u?int|bool)|\.astype\((u?int|bool)")
_SHAPING = frozenset(("Generator.multivariate_normal", "RandomState.multivariate_normal"))


def is_whole(value: Any) -> bool:
    """Tell whether a plain value is a whole number."""
    return isinstance(value, (int, np.integer))


def makes_whole(via: str) -> bool:
    """Tell whether nothing but a whole number or a truth value leaves by a way: `int(x)`."""
    return _TO_WHOLE.match(via) is not None


def makes_int(via: str) -> bool:
    """Tell whether nothing but a whole number leaves by a way, and no truth value."""
    found = _TO_WHOLE.match(via)
    return found is not None and "int" in found[found.lastindex or 0]


def takes_steps(via: str, value: Any) -> bool:
    """Tell whether a value leaves by such a way that is none itself: the derivative of that is 0."""
    return makes_whole(via) and not is_whole(value)


def is_count(traced: Any, via: str, frame: FrameType) -> bool:
    """Tell whether a traced value is asked for where it can only count, or only whole numbers come of it."""
    if not is_whole(traced.value_):
        is_sought = not via.endswith("()") and _is_method(frame, _SEEKING)
        return is_sought or _is_step_of_tri(frame)
    if operator_at(frame) == "[]":
        return True
    if is_library(str(frame.f_globals.get("__name__"))):
        names = _COUNTING.get(frame.f_code.co_name)
        known = frame.f_locals
        if via == "int()" or _is_step_of_tri(frame):
            return True
        is_other = frame.f_code.co_name == "_wrapfunc" and known.get("method") not in _WRAPPED
        return not is_other and any(_holds(known.get(name), traced) for name in names or ())
    return _is_method(frame, _METHODS)


def _is_method(frame: FrameType, names: frozenset[str]) -> bool:
    """Tell whether a line calls one of some methods; `default_rng(0).integers(n)` is known by its name alone."""
    known = list(called(frame))
    if known:
        return any(getattr(each, "__qualname__", None) in names for each in known)
    return called_name(frame.f_code, frame.f_lasti) in {each.partition(".")[2] for each in names}


def items_of_permutation(traced: Any, frame: FrameType) -> Any:
    """Return what `rng.permutation(n)` makes of a whole number, if that is where an array is asked for; else None."""
    if is_whole(traced.value_) and _is_method(frame, _PERMUTING):
        return np.arange(traced.value_)
    return None


def is_taken_for_shape(value: Any, frame: FrameType) -> bool:
    """Tell whether a plain number is asked for its items by code in C that takes what is no int for a shape."""
    return is_whole(value) and _is_method(frame, _SHAPING)


def _is_step_of_tri(frame: FrameType) -> bool:
    """Tell whether NumPy's `tri` is running for whole numbers: it has np.arange compute with them, and divide them."""
    if frame.f_code.co_name != "tri" or not is_library(str(frame.f_globals.get("__name__"))):
        return False
    counts = (frame.f_locals.get(name) for name in ("N", "M", "k"))
    return all(is_whole(getattr(each, "value_", each)) for each in counts)


def _holds(nested: Any, traced: Any) -> bool:
    if type(nested) is dict:
        nested = list(nested.values())
    if type(nested) in (list, tuple):
        return any(_holds(each, traced) for each in nested)
    return nested is traced
