"""The shapes of a program that is recorded again: those of its arrays, whatever else has changed since."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tracer import array_shapes, record
from tracer.recording import ARRAYS

_RANDOM = np.random.default_rng(8)
_TURNS = 40
_CONSTANTS = {"given": np.ones(5)}


def _operators(x: Any, y: Any) -> Any:
    for _ in range(_TURNS):
        x = x + 0.1 * (y * x * (1.0 - x) - np.tanh(x)) / 2 % 7.0
    return x.sum()


def _in_place(x: Any, y: Any) -> Any:
    for _ in range(_TURNS):
        z = x * 1.0
        z += y
        x = z * 0.5
    return x.sum()


def _into_out(x: Any, y: Any) -> Any:
    for _ in range(_TURNS):
        z = np.multiply(x, 1.0, out=np.empty(np.shape(_CONSTANTS["given"])))
        x = x * 0.5
    return (z + y).sum()


def _with_a_constant(x: Any, y: Any) -> Any:
    for _ in range(_TURNS):
        z = x * _CONSTANTS["given"]
        x = x * 0.5 + y * 0.1
    return z.sum()


def _with_numbers(x: Any, y: Any) -> Any:
    for _ in range(_TURNS):
        x = x * 0.9 + y.sum() * 0.1 - np.float64(0.1)
    return x.sum()


def _array(*shape: int, dtype: Any = np.float64) -> Any:
    return _RANDOM.uniform(0.2, 0.8, shape).astype(dtype)


_FIVE = _array(5)
_CALLS = (  # arguments, and what a constant is: in turn, and the first again
    (_FIVE, _FIVE, _array(5)),
    (_array(5), _array(5), _array(5)),
    (_array(3, 5), _FIVE, _array(5)),
    (_array(1), _FIVE, _array(5)),
    (_array(5, dtype=np.float32), _FIVE, _array(5)),
    (_array(5, dtype=np.float32), _array(5, dtype=np.float32), _array(5, dtype=np.float32)),
    (_array(1), _array(1), _array(2, 5)),
    (_array(), _array(5), _array(5, dtype=np.float32)),
    (_array(), _array(), _array(4, 5)),
    (_array(1), _array(1), 2.0),
    (_FIVE, _FIVE, _array(5)),
)


@pytest.mark.parametrize("program", [_operators, _in_place, _into_out, _with_a_constant, _with_numbers])
@pytest.mark.filterwarnings("ignore:overflow")
def test_they_are_those_of_the_arrays(program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = 0
    for x, y, constant in _CALLS:
        monkeypatch.setitem(_CONSTANTS, "given", constant)
        try:
            graph = record(program, x, y).graph
        except ValueError:  # which the plain program raises, too: an operand or a buffer of another shape
            with pytest.raises(ValueError, match=r"broadcast"):
                program(x.copy(), y.copy())
            continue
        ran += 1
        others = graph.recording.values.others
        arrays = {row: value for row, value in others.items() if type(value) in ARRAYS}
        assert {row: graph.shapes[graph.shape_of_row[row]] for row in arrays} == {
            row: value.shape for row, value in arrays.items()
        }
        assert set(graph.other_types.tolist()) == {
            row
            for row, value in arrays.items()
            if type(value) is not np.ndarray or value.dtype != np.float64
        }
        assert graph.most_bytes == max(
            (math.prod(each.shape) for each in arrays.values()), default=0
        ) * max((each.dtype.itemsize for each in arrays.values()), default=0)
    assert ran > 3


def test_of_what_is_recorded_again_only_what_does_not_follow_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = record(_operators, _FIVE, _FIVE).graph
    monkeypatch.setattr(array_shapes, "_look", None)  # which looks at all
    again = record(_operators, _array(5), _array(5)).graph
    assert again.shape_of_row is first.shape_of_row
    assert again.number_of_shape((9,)) == len(first.shapes)
    assert (9,) not in first.shapes
