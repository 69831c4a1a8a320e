"""`array ** n` with a traced int: some versions of NumPy read an exponent that has an index as the number it is."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.instructions import operator_at

if TYPE_CHECKING:
    from types import FrameType


class _Exponent:
    """Tells what an array asks of its exponent."""

    def __index__(self) -> int:
        return 2

    def __array_ufunc__(self, *_: Any, **__: Any) -> None:
        return None


_IS_READ: bool = operator.pow(np.ones(1), _Exponent()) is not None


def is_read_as_exponent(frame: FrameType) -> bool:
    """Tell whether the running instruction is a power that asks for the index of an exponent."""
    return _IS_READ and operator_at(frame) in ("**", "**=")
