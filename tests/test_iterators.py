"""`np.nditer` over one traced array: what is read and written by it is followed; NumPy's own errors."""

import types

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record, trace
from tracer.errors import UnsupportedError

A = np.array([[1.5, -0.5, 2.0], [0.3, 0.9, -1.1]])
LAYOUTS = {
    "by rows": A,
    "by columns": np.asfortranarray(A),
    "backwards": A[::-1, ::-1],
    "with gaps": A[:, ::2],
}


def checked_as_courses_do(x):
    """The gradient by central differences, as the assignments of CS231n compute it."""
    gradient, h = np.zeros_like(x), 1e-3
    places = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not places.finished:
        place = places.multi_index
        old = x[place]
        x[place] = old + h
        above = np.sum(x**3)
        x[place] = old - h
        below = np.sum(x**3)
        x[place] = old
        gradient[place] = (above - below) / (2 * h)
        places.iternext()
    return np.sum(gradient * x)


def read_in_order(x):
    total = 0.0
    for turn, element in enumerate(np.nditer(x)):
        total = total + turn * element**2
    return total


def written_by_views(x):
    with np.nditer(x, [], [["readwrite"]]) as elements:
        for turn, element in enumerate(elements):
            element[...] = turn * element * element
    return np.sum(x * x)


def written_by_number(x):
    elements = np.nditer(x, ["c_index"], ["readwrite"], order="F")
    while not elements.finished:
        elements[0] = elements[0] * elements.index + elements.value
        elements.iternext()
    return np.sum(x**2)


def asked(x):
    elements = np.nditer(x, ["multi_index"])
    first = elements[0]
    elements.iterindex = 3
    other = elements.copy()
    elements.multi_index = (1, 1)
    facts = len(elements), elements.itersize, elements.shape, elements.operands[0].shape, other.multi_index
    return first * elements[-1] + elements[0:1][0] * other.value, facts


def filled(x):
    made = np.zeros((2, 2))
    elements = np.nditer(made, ["multi_index"], ["writeonly"])
    for element in elements:
        row, column = elements.multi_index
        element[...] = x[row, 0] * x[0, column]
    return np.sum(made * made)


@pytest.mark.parametrize(
    "function", [checked_as_courses_do, read_in_order, written_by_views, written_by_number, filled]
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_elements_are_read_and_written_as_views(function, layout):
    assert_untouched(function, LAYOUTS[layout])
    assert_differentiates(function, LAYOUTS[layout])


def test_what_an_iterator_is_asked():
    assert_untouched(asked, A)
    assert_differentiates(lambda x: asked(x)[0], A)


def test_the_checker_may_go_around_a_traced_function():
    given = A.copy()
    assert checked_as_courses_do(given) == trace(checked_as_courses_do)(A.copy())
    inner = trace(lambda x: np.sum(x**3))
    for place in np.nditer(given, op_flags=["readwrite"]):
        place[...] = 2.0
    assert inner(given) == 48.0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.nditer(x)[1],
        lambda x: np.nditer(x).multi_index,
        lambda x: np.nditer(x, ["bad"]),
        lambda x: np.nditer(x[:0]),
        lambda x: list(np.nditer(x[:0], ["zerosize_ok"])),
        lambda x: np.nditer(x).__setitem__(0, 1.0),
        lambda x: [each.__setitem__(..., 1.0) for each in np.nditer(x)],
        lambda x: (lambda it: ([0 for _ in it], it[0]))(np.nditer(x)),
        lambda x: (lambda it: (it.close(), it.value))(np.nditer(x)),
        lambda x: np.nditer(x).nothing,
        lambda x: np.nditer(np.broadcast_to(x, (2, 2, 3)), op_flags=["readwrite"]),
        lambda x: np.nditer(x, [], [], None, "K", "safe", [[7]]),
    ],
)
def test_its_errors_are_numpys_own(function):
    assert_untouched(function, A)


def test_what_is_left_of_it_is_numpys_own():
    kept = types.SimpleNamespace()

    def keeping(x):
        kept.it = np.nditer(x, op_flags=["readwrite"])
        next(kept.it)
        next(kept.it)
        return x.sum()

    given = A.copy()
    record(keeping, given)
    assert type(kept.it) is np.nditer
    kept.it[0] = 9.0
    assert given[0, 1] == 9.0


def test_what_it_can_be_changed_into_is_refused():
    with pytest.raises(
        UnsupportedError, match=r"nditer\.remove_axis is not followed; at test_iterators\.py:\d+"
    ):
        record(lambda x: np.nditer(x, ["multi_index"]).remove_axis(0), A)
