"""The ufuncs of scipy.special: which rule they are, if the program has imported them. SciPy is never imported here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import UnsupportedError
from tracer.frames import place
from tracer.rules import RULES
from tracer.rules.kinds import Elementwise
from tracer.rules.scipy_special import RESULTS, SCIPY_SPECIAL, SHARED
from tracer.standins import is_traced

if TYPE_CHECKING:
    from types import FrameType

_MADE = " (vectorized)"  # NumPy names what np.frompyfunc makes of f "f (vectorized)"


def is_special(ufunc: Any) -> bool:
    """Tell whether a ufunc is one of scipy.special."""
    # By equality: its name may have a stand-in while a trace runs, which is the ufunc for whoever asks
    special = sys.modules.get("scipy.special")
    return special is not None and getattr(special, ufunc.__name__, None) == ufunc


def called_as(function: Any) -> str:
    """Return what a program calls a function of NumPy's, or a ufunc of scipy.special, which may be one of several."""
    name = str(function.__name__)
    if name.endswith(_MADE):
        return f"np.frompyfunc of {name.removesuffix(_MADE)}"
    known = getattr(sys.modules.get("scipy.special"), name, None)
    is_special = known == function or not (known is None or isinstance(known, np.ufunc))
    return f"{'scipy.special' if is_special and getattr(np, name, None) != function else 'np'}.{name}"


def special_rule(ufunc: Any, inputs: tuple[Any, ...], frame: FrameType) -> str | None:
    """Return the rule of a ufunc of scipy.special; None where there is none. Raises as `check_partials`."""
    name = str(ufunc.__name__)
    if not is_special(ufunc) or (name not in SCIPY_SPECIAL and name not in SHARED):
        return None
    check_partials(f"scipy.special.{name}", name, inputs, frame)
    return name


def special_results(ufunc: Any, inputs: tuple[Any, ...], frame: FrameType) -> tuple[str, ...] | None:
    """Return the rules of a ufunc of scipy.special that has several results; None for another."""
    if ufunc.nout == 1 or not is_special(ufunc) or ufunc.__name__ not in RESULTS:
        return None
    names = RESULTS[ufunc.__name__]
    for name in names:
        check_partials(f"scipy.special.{ufunc.__name__}", name, inputs, frame)
    return names


def check_partials(called: str, rule_name: str, operands: tuple[Any, ...], frame: FrameType) -> None:
    """Raise UnsupportedError where a float is traced for which the rule has no partial; a whole number needs none."""
    rule = RULES[rule_name]
    if not isinstance(rule, Elementwise):
        return
    for name, text, operand in zip(rule.operand_names, rule.partials, operands, strict=False):
        if not text and is_traced(operand) and not isinstance(operand.value_, (int, np.integer)):
            raise UnsupportedError(
                f"the derivative of {called} by {name} is not followed: its rule has no formula for it",
                where=place(frame),
                got=f"got a traced {name}",
                advice=f"pass detach({name}) to leave it out of the gradient",
            )
