"""A gradient that is minus another one, and is kept as that: what a subtraction sends back to its right operand.

Made by turn_code.py. Whoever asks for a gradient gets it in full: gradients.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MINUS_ONE = np.array(-1.0)  # the local partial


class Minus(tuple[np.ndarray[Any, Any]]):
    """Minus the array that it holds. A tuple, as thousands are made at once."""

    __slots__ = ()

    def dense(self) -> Any:
        """Return it in full, with the bits that the rule gives: upstream × -1."""
        return np.multiply(self[0], MINUS_ONE)


def in_full(gradient: Any) -> Any:
    """Return a gradient that is minus another in full; any other unchanged."""
    return gradient.dense() if type(gradient) is Minus else gradient
