"""Programs that ask what they are given for its attributes find those of a number or an array, and none of ours."""

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer.standins import Traced

NAMES = sorted(
    {
        name
        for kind in (
            float,
            int,
            complex,
            str,
            list,
            dict,
            np.float64,
            np.ndarray,
            *Traced.stand_ins.values(),
        )
        for name in dir(kind)
    }
)


class Value:
    """As engines for gradients in a hundred lines have it."""

    def __init__(self, value):
        self.value = value

    def __mul__(self, other):
        return Value(self.value * (other.value if hasattr(other, "value") else other))


def by_asking(x):
    return (Value(x) * x * Value(x)).value


def by_default(x):
    return getattr(Value(x), "value", 0.0) * getattr(x, "value", x) * getattr(x, "id", x)


def by_trying(x):
    try:
        return x.value * x
    except AttributeError:
        return x * x * x


def by_items(x):
    def total(nested):
        return sum(map(total, nested)) if hasattr(nested, "__iter__") else nested * nested

    return total([x, [x, (2 * x,)], np.array([x, 3.0])])


def by_item(x):
    return x[0] if hasattr(x, "__getitem__") else x * x


def by_conversion(x):
    return np.asarray(x) ** 2 if hasattr(x, "__array__") else x * x * 2


@pytest.mark.parametrize("function", [by_asking, by_default, by_trying, by_items, by_item, by_conversion])
def test_the_plain_programs_branch_is_taken(function):
    assert_untouched(function, 1.5)
    assert_differentiates(function, 1.5)


@pytest.mark.parametrize(
    "value", [0.5, 3, 1j, np.float64(2), np.float32(2), np.ones(2), np.array(1.0)], ids=repr
)
def test_hasattr_answers_as_without_a_trace(value):
    def function(x):
        return {name: hasattr(x, name) for name in NAMES}, type(hasattr).__name__, hasattr is hasattr

    assert_untouched(function, value)
