"""Where a number goes that a library in C made of one that left the graph."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize
from test_cut_flow import cuts_of, traced


class _Box:
    value = 0.0


def a_root(k):
    return optimize.brentq(lambda t: t * t - k, 0, 9) + 0.1 * k


def a_root_by_a_named_function(k):
    def excess(t):
        return float(t * t - k)

    return optimize.brentq(excess, 0, 9) + 0.1 * k


def a_root_of_plain_numbers(k):
    return optimize.brentq(lambda t: float(t * t - k), 0, 9) + 0.1 * k


def an_attribute(k):
    return optimize.root(lambda p: p**3 - k, [1.0]).x[0] + 0.1 * k


def an_attribute_of_a_name(k):
    found = optimize.least_squares(lambda p: p - k, [0.0])
    return found.x[0] + 0.1 * k


def one_of_a_pair(k):
    value, error = integrate.quad(lambda t: np.exp(-k * t), 0, 1)
    print(error)
    return value + 0.1 * k


def a_method(k):
    def slopes(_, y):
        return [float(-k * y[0])]

    found = integrate.solve_ivp(slopes, (0, 1), [1.0], method="LSODA", dense_output=True)
    return found.sol(0.5)[0] + 0.1 * k


def a_draw(k):
    return np.random.default_rng(1).normal(k, 1.0) + 0.1 * k


def an_attribute_of_an_object(k):
    box = _Box()
    box.value = optimize.brentq(lambda t: t * t - k, 0, 9)
    return box.value + 0.1 * k


def an_item_of_a_dictionary(k):
    found = {"root": optimize.brentq(lambda t: t * t - k, 0, 9)}
    return found["root"] + 0.1 * k


def another_result(k):
    return k * 1.7, optimize.brentq(lambda t: t * t - k, 0, 9)


def items_of_a_list(k):
    roots = [1.0]
    roots.append(optimize.brentq(lambda t: t * t - k, 0, 9))
    return sum(roots) * k


ROOT = "with the root x as a plain number"
DRAW = r"mu + s * rng.normal(size=…)"


@pytest.mark.parametrize(
    ("function", "message", "advice"),
    [
        (a_root, "comes back", ROOT),
        (a_root_by_a_named_function, "comes back", "leave the conversion out"),
        (a_root_of_plain_numbers, "comes back", "leave the conversion out"),
        (an_attribute, "comes back", ROOT),
        (an_attribute_of_a_name, "comes back", "with the minimum x as a plain number"),
        (one_of_a_pair, "comes back", "scipy.integrate.fixed_quad"),
        (a_method, "comes back", "leave the conversion out"),
        (a_draw, "comes back", DRAW),
        (an_attribute_of_an_object, "is not followed further", ROOT),
        (items_of_a_list, "comes back", ROOT),
        (an_item_of_a_dictionary, "is not followed further", ROOT),
    ],
)
def test_what_a_library_makes_of_it_is_a_number_that_no_operation_made(function, message, advice):
    (found,) = cuts_of(traced(function, 1.3))
    assert found.severity == "warning"
    assert message in found.message
    assert "the gradient of k may be short by it" in found.message
    assert advice in found.advice


def test_a_number_of_a_library_in_the_result_has_no_gradient():
    (found,) = cuts_of(traced(another_result, 1.3))
    assert found.severity == "warning"
    assert found.message.endswith("[1], is in the result as a constant, which has no gradient")
