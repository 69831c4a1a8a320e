"""How products with matrices of `scipy.sparse` are followed. SciPy is not imported here.

`S @ x`, `S.dot(x)`, `x @ S` and the `*` of a matrix end up in two methods, which tell by its type what they are given.
The matrix goes onto the tape as the numbers that it stores, and where they stand.
"""

from __future__ import annotations

import copy
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.frames import users
from tracer.memory import same_bytes
from tracer.numpy_calls import array_of
from tracer.rules.kinds import is_complex
from tracer.standins import holds_traced, open_tape, plain, plain_deep, record_call, traced_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.tape import Tape

_frame = sys._getframe  # noqa: SLF001  (the only way to see the caller at this speed)
_AXES = 2
_MATRIX = object()  # among what a tape remembers: what matrices held


def multiplying(original: Callable[..., Any]) -> Callable[..., Any]:
    """Follow a product of a sparse matrix and a traced vector or matrix, or one whose stored numbers are traced."""
    is_right = original.__name__ == "_rmatmul_dispatch"

    def following(self: Any, other: Any) -> Any:
        numbers = getattr(self, "data", None)
        if not (holds_traced(other) or holds_traced(numbers)):
            return original(self, plain_deep(other))
        dense = plain_deep(other)
        is_product = np.ndim(dense) in (1, _AXES) and len(self.shape) == _AXES
        if holds_traced(numbers):
            is_product &= self.format == "coo"
        if not is_product or is_complex(plain(numbers)) or is_complex(np.asarray(dense)):
            return original(self, other)
        frame = users(_frame(1))
        value = original(_plain(self), dense)
        tape = open_tape(traced_in((other, numbers)), frame)
        if tape is None:
            return value
        x = array_of(other, frame) if holds_traced(other) else np.asarray(dense)
        numbers, rows, columns = _stored(self, tape)
        params = {"rows": rows, "columns": columns, "is_right": is_right}
        return record_call("sparse_matmul", (numbers, x), value, params, frame)

    return following


def _plain(matrix: Any) -> Any:
    """Return the same matrix with plain numbers."""
    if not holds_traced(getattr(matrix, "data", None)):
        return matrix
    made = copy.copy(matrix)
    made.data = plain(matrix.data)
    return made


def _stored(matrix: Any, tape: Tape) -> tuple[Any, ...]:
    """Return the stored numbers, their rows and their columns: the same arrays while the matrix is the same."""
    if holds_traced(getattr(matrix, "data", None)):
        return matrix.data, matrix.row.copy(), matrix.col.copy()
    listed = matrix.tocoo(copy=False)
    found = (listed.data, listed.row, listed.col)
    known = tape.remembered.get((_MATRIX, id(matrix)))
    if known is None or known[0] is not matrix or not all(map(same_bytes, known[1], found)):
        known = tape.remembered[_MATRIX, id(matrix)] = matrix, tuple(each.copy() for each in found)
    stored: tuple[Any, ...] = known[1]
    return stored


def classes(sparse: Any) -> list[tuple[type[Any], str, Callable[[Any], Any]]]:
    """Return what is followed: a class, the name of its method, and what makes the function that follows it."""
    kinds = [each for each in vars(sparse).values() if isinstance(each, type)]
    bases = dict.fromkeys(base for kind in kinds for base in kind.__mro__)
    return [
        (kind, name, multiplying)
        for kind in bases
        for name in ("_matmul_dispatch", "_rmatmul_dispatch")
        if type(vars(kind).get(name)) is FunctionType
    ]
