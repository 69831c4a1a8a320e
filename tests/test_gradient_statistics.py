"""How large a gradient is, in five numbers: of arrays of every kind, of compressed ones, of one difference after the other."""

from __future__ import annotations

import numpy as np
import pytest
from keep_programs import assert_statistics

from tracer.rules import Outer, Part
from tracer.rules.edited import Edited
from tracer.statistics import Measurer, Statistics

WEIRD = (
    np.array([1.0, -2.0, 0.0]),
    np.array([np.nan, 1.0]),
    np.array([np.inf, -1.0, np.nan, -np.inf]),
    np.array([1e200, -3e200]),
    np.array([1e-200, 2e-200]),
    np.array([5e-324]),
    np.zeros((3, 4)),
    np.broadcast_to(np.array([[2.0], [-7.0]]), (2, 900)),
    np.arange(12.0).reshape(3, 4).T[::2],
    np.float32([3e38, 1.0]),
    np.asarray(-4.0),
    np.arange(20_000.0) - 3,
)


@pytest.mark.parametrize("alone", [True, False])
def test_statistics_of_arrays(alone):
    measurer = Measurer()
    lines = [measurer.of(each) for each in WEIRD] if alone else measurer.table(WEIRD)
    with np.errstate(all="ignore"):
        for line, array in zip(lines, WEIRD, strict=True):
            norm, least, most, mean, not_finite = line
            wide = array.astype(np.longdouble)
            np.testing.assert_allclose(
                [norm, least, most, mean],
                np.array([np.sqrt((wide**2).sum()), wide.min(), wide.max(), wide.mean()], np.float64),
                rtol=1e-14,
            )
            assert not_finite == (~np.isfinite(array)).sum()
    assert np.isnan(measurer.of(np.zeros((0, 3)))[1:4]).all()
    assert measurer.of(np.array([3 + 4j, 1j])) == (26**0.5, 1.0, 5.0, 3.0, 0)
    assert measurer.of(-2.0) == Statistics(2.0, -2.0, -2.0, -2.0, 0)
    assert measurer.of(float("inf")).not_finite == 1


FLOAT = np.dtype(np.float64)


VALUES = np.array([[1.0, -2.0], [0.5, 3.0]])


COMPRESSED = {
    "one element": Part((1, 2), np.asarray(-3.0), (4, 5), FLOAT),
    "all of it": Part(..., VALUES, (2, 2), FLOAT),
    "nothing": Part(slice(0, 0), np.zeros((0, 5)), (4, 5), FLOAT),
    "rows": Part(slice(1, 3), VALUES[:, [0, 1, 1]], (4, 3), FLOAT),
    "mask": Part(np.array([True, False, True]), np.array([2.0, np.nan]), (3,), FLOAT),
    "each once": Part(np.array([3, 1]), np.array([2.0, 5.0]), (4,), FLOAT),
    "one twice": Part(np.array([3, 3]), np.array([2.0, 5.0]), (4,), FLOAT),
    "the same from both ends": Part(np.array([1, -1]), np.array([2.0, 5.0]), (2,), FLOAT),
    "two arrays": Part((np.array([0, 0]), np.array([1, 1])), np.array([2.0, 5.0]), (2, 2), FLOAT),
    "narrowed": Part(0, np.asarray(1 / 3), (4,), np.dtype(np.float32)),
    "product": Outer(np.array([1.0, -2.0]), np.array([3.0, -5.0, 0.5]), FLOAT),
    "product of signs": Outer(np.array([-1.0, -2.0]), np.array([3.0]), FLOAT),
    "product with infinity": Outer(np.array([0.0, 1.0]), np.array([np.inf, 2.0]), FLOAT),
    "product that overflows": Outer(np.array([1e200, 1.0]), np.array([1e200, 2.0]), FLOAT),
    "tiny product": Outer(np.array([1e-200, 1.0]), np.array([1e-200, 1e-300]), FLOAT),
    "narrowed product": Outer(np.array([1e30, 1.0]), np.array([1e30, 1 / 3]), np.dtype(np.float32)),
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_statistics_of_compressed_gradients(name):
    compressed = COMPRESSED[name]
    with np.errstate(all="ignore"):
        dense = compressed.dense()
        assert_statistics(Measurer().of(compressed), dense)


def test_statistics_of_many_compressed_gradients_are_those_of_each():
    with np.errstate(all="ignore"):
        table = Measurer().table(list(COMPRESSED.values()))
        for line, compressed in zip(table, COMPRESSED.values(), strict=True):
            assert_statistics(Statistics(*line), compressed.dense())


def test_statistics_of_differences_go_from_one_to_the_next():
    array = np.random.default_rng(7).normal(size=(100, 100))
    edited, measurer = array, Measurer()
    indices = [
        (3, 4),
        slice(0, 2),
        (slice(None), 5),
        np.array([1, 1]),
        (50, 50),
        ...,
        (99, 99),
        (0, 0),
        (1, 0),
    ]
    values = [1e3, 0.0, -2.0, 5.0, np.nan, 0.0, 7.0, np.inf, 1e-200]
    for index, value in zip(indices, values, strict=True):
        part = Part(index, np.asarray(value), array.shape, array.dtype)
        edited = edited.plus(part) if value == 5.0 else Edited(edited, index, value)
        with np.errstate(all="ignore"):
            assert_statistics(measurer.of(edited), edited.dense())
