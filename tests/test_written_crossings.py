"""Writes where two features meet: found by random programs, each a minimised row."""

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record
from tracer.errors import UnsupportedError

X = np.array([0.7, 0.2, 0.3, -0.4])
W = np.arange(8.0).reshape(2, 4) / 7


def view_of_another_shape(x):
    view = x.reshape(2, 2)[...]
    view.shape = (4,)
    x *= 0.7
    return (view * W[1]).sum()


def number_seen_as_array(x):
    number = np.asarray(x.sum() * np.ones(()))
    row, wide = number.reshape(1), np.broadcast_to(number, (4,))
    number *= 2
    row += number
    return (row * number).sum() + (wide * wide * W[1]).sum()


def array_seen_as_number(x):
    row = x[:1] * 1
    number = np.squeeze(row)
    np.sin(number, out=number)
    row *= 2
    return number * row.sum()


def stretched_into_out(x):
    outer, clipped = np.zeros((2, 4)), np.zeros((2, 4))
    np.outer(x[:1], x, out=outer)
    np.clip(x, -0.3, 0.6, out=clipped)
    return ((outer + clipped) * W).sum()


def real_into_complex_out(x):
    out = np.zeros(2, complex)
    np.sum(np.outer([1.0, 2.0], x), axis=1, out=out)
    return np.abs(out * (1 + 2j) + 1).sum()


def array_with_more_axes_without_a_copy(x):
    y = x * 1
    view = np.array(y, copy=None, ndmin=2)
    y[0] = 0.5
    view[0, 1] *= y[2]
    return (view * y * W).sum()


def required(x):
    same = np.require(x)
    other = np.require(x, float, ["F", "W", "O"])
    same *= 2
    other[0] = same[1] ** 2
    return (same * other * x * W).sum()


def flat_places(x):
    m = np.zeros((2, 4))
    m.flat[1:7] = x
    m.flat[[0, 0]] = x[:2]
    m.flat = m.flat.copy() * x[:1].repeat(8)
    x.T.flat = x[:2]
    return (m * m * W).sum() + (x * W).sum()


def flat_places_without_axes(x):
    number = np.zeros(())
    np.put(number, [0, 0], x[:2])
    number.flat[0] = number.flat[0] * x[3]
    return number * x[0]


def flat_as_an_array(x):
    m = np.zeros((2, 2))
    seen, copied = np.array(m.flat), np.array(m.T.flat, np.float32)  # of which NumPy copies the second
    m[1] = x[:2]
    seen[1] = x[3] ** 2
    np.add.at(seen, [0, 0], x.flat[1:3])
    np.multiply(m.flat, x, out=seen)
    pairs = np.c_[m.flat, x.flat] * np.vstack((x.flat, m.T.flat)).T
    return (m * m).sum() + (pairs * W.reshape(4, 2)).sum() + copied.sum() + np.max(x * m.flat)


def joined_into_its_memory(x):
    both = np.zeros(8)
    both[:4] = x
    np.concatenate([both[:4], x * both[0]], out=both)
    return (both * W.ravel()).sum()


FOLLOWED = (
    flat_as_an_array,
    joined_into_its_memory,
    view_of_another_shape, number_seen_as_array, array_seen_as_number, stretched_into_out, real_into_complex_out,
    array_with_more_axes_without_a_copy, required, flat_places, flat_places_without_axes,
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@pytest.mark.parametrize("function", FOLLOWED, ids=lambda function: function.__name__)
def test_what_is_written_is_followed(function):
    assert_untouched(function, X)
    assert_differentiates(lambda x: function(x * 1.0), X)


def placed_from_itself(x):
    np.place(x, x < 0.5, x[1:3])
    return x.sum()


def joined_over_itself(x):
    np.concatenate([x[1:3], x[:2]], out=x)
    return x.sum()


def range_over_itself(x):
    np.ptp(x.reshape(2, 2), axis=1, out=x[1:3])
    return x.sum()


def rows_in_another_order(x):
    m = x.reshape(2, 2)
    m[::-1] = list(m)
    return m[0].sum()


def memory_in_hand(x):
    m = np.zeros(3)
    raw = m.data
    m[0] = x[0]
    raw[0] = 0.5
    return (m * x[:3]).sum()


def pairs_as_complex(x):
    m = np.zeros(4)
    z = m.view(complex)
    z[0] = 3 + 1j * x[0]
    return (m * x).sum()


class Marked(np.ndarray):
    pass


def view_of_another_class(x):
    m = np.zeros(3)
    seen = m.view(Marked)
    m[0] = x[0]
    return float((seen * 2).sum()) + m.sum()


REFUSED = (
    (placed_from_itself, "np.place reads values from the array that it writes into"),
    (joined_over_itself, "np.concatenate reads values from the array that it writes into"),
    (range_over_itself, "np.ptp reads values from the array that it writes into"),
    (rows_in_another_order, "a list of parts of an array is written into the same array"),
    (memory_in_hand, "written into memory that the program has in hand as raw numbers"),
    (pairs_as_complex, "written into memory that the program has in hand as raw numbers"),
    (view_of_another_class, "written into memory that the program has in hand as raw numbers"),
)


@pytest.mark.parametrize(("function", "message"), REFUSED, ids=lambda each: getattr(each, "__name__", None))
def test_what_cannot_be_followed_is_refused(function, message):
    with pytest.raises(UnsupportedError, match=message):
        record(function, X.copy())
