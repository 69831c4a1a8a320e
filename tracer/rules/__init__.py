"""Derivative rules: one table from the name of an operation to its rule.

Names are NumPy's where NumPy has one; Python's operators and `math` share them.
"""

from __future__ import annotations

from tracer.rules.elementwise import ELEMENTWISE
from tracer.rules.kinds import Elementwise, Many, Part, Rule, Vjp

RULES: dict[str, Rule] = {**ELEMENTWISE}

__all__ = ["RULES", "Elementwise", "Many", "Part", "Rule", "Vjp"]
