"""Vjps of nansum, nanmean and their like: the rules of sum and mean, for the elements that are numbers.

Read through rules.RULES.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.rules.reduce import REDUCE
from tracer.rules.statistics import STATISTICS

if TYPE_CHECKING:
    from tracer.rules.kinds import Array, Operands, Params, Vjp


def _numbers_alone(operands: Operands, params: Params) -> Params:
    where = params.get("where")
    numbers = ~np.isnan(operands[0])
    return {**params, "where": numbers if where is None else numbers & where}


def _pull(rule: Vjp, port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    back: Array = rule.pull(port, g, out, operands, _numbers_alone(operands, params))
    return back


def _at_kink(rule: Vjp, out: Any, operands: Operands, params: Params) -> bool:
    return rule.at_kink is not None and rule.at_kink(out, operands, _numbers_alone(operands, params))


_RULES = {**REDUCE, **STATISTICS}

WITHOUT_NAN = {
    f"nan{name}": replace(
        _RULES[name],
        pull=partial(_pull, _RULES[name]),
        at_kink=partial(_at_kink, _RULES[name]) if _RULES[name].at_kink else None,
        choice=_RULES[name].choice.replace(name, f"nan{name}"),
    )
    for name in ("sum", "mean", "prod", "max", "min", "var", "std", "cumsum", "cumprod")
}
