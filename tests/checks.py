"""What the tests of the core compare with: the plain call, bit for bit, and central differences."""

from __future__ import annotations

import collections
import copy
import dataclasses
import sys

import numpy as np

from tracer import backward_pass, rooms, trace
from tracer.pull import COMPRESSED
from tracer.standins import is_traced


def bits(array):
    """What tells one array from another; of objects, and of long doubles, whose bytes have gaps, their texts."""
    return list(map(repr, array.ravel())) if array.dtype.char in "OgG" else array.tobytes()


def same(left, right):
    """Equal to the bit and to the type, inside of containers too; a stand-in is never the same as anything."""
    if is_traced(left) or is_traced(right) or type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and bits(left) == bits(right)
    if isinstance(left, (float, np.floating)):
        return bits(np.asarray(left)) == bits(np.asarray(right))
    if isinstance(left, (tuple, list, collections.deque)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left.items()), list(right.items()))
    if isinstance(left, (set, frozenset)):
        return same(sorted(left, key=repr), sorted(right, key=repr))
    if dataclasses.is_dataclass(left):
        return same(vars(left), vars(right))
    return bool(left == right)


def outcome(function, *arguments, **named):
    """What a call returns, or the type and the text of what it raises."""
    try:
        return "returned", function(*arguments, **named)
    except Exception as error:  # noqa: BLE001  (whatever the plain program raises)
        return "raised", type(error), str(error)


def assert_untouched(function, *arguments, **named):
    """The traced call returns or raises what the plain one does, and leaves its arguments the same; the outcome."""
    traced = trace(function)
    for_plain, for_traced = copy.deepcopy((arguments, named)), copy.deepcopy((arguments, named))
    expected = outcome(function, *for_plain[0], **for_plain[1])
    got = outcome(traced, *for_traced[0], **for_traced[1])
    assert same(got, expected), f"traced: {got}, plain: {expected}"
    assert same(for_traced, for_plain), f"arguments after the traced call: {for_traced}, plain: {for_plain}"
    return expected


def central_differences(function, *arguments, step=1e-4):
    """The derivative of the sum of what `function` returns, by each argument that is a float or a float array.

    Five points: the error is of the order of step**4.
    """

    def total(*changed):
        return float(np.sum(function(*changed), dtype=np.longdouble))

    def slope(at, change):
        def moved(by):
            return total(*arguments[:at], change(by), *arguments[at + 1 :])

        inner = moved(step) - moved(-step)
        return (8 * inner - moved(2 * step) + moved(-2 * step)) / (12 * step)

    def by_array(at, array):
        gradient = np.zeros(array.shape)
        for place in np.ndindex(array.shape):

            def change(by, place=place):
                changed = array.astype(np.float64)
                changed[place] += by
                return changed

            gradient[place] = slope(at, change)
        return gradient

    return [
        by_array(at, each) if isinstance(each, np.ndarray) else slope(at, lambda by, each=each: each + by)
        for at, each in enumerate(arguments)
    ]


def assert_differentiates(function, *arguments, rtol=1e-5, atol=1e-7):
    """The gradients by all arguments are those of central differences; the trace."""
    traced = trace(function)
    result = traced(*copy.deepcopy(arguments))
    seed = None if np.size(result) == 1 else np.ones(np.shape(result))
    finished = traced.last_trace.backward(seed=seed)
    expected = central_differences(function, *arguments)
    for name, gradient, wanted in zip(finished.grads, finished.grads.values(), expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=rtol, atol=atol, err_msg=name)
    return finished


def assert_both_ways_back_agree(finished, monkeypatch):
    """Over each row by its rule, or straight and in blocks of memory: every edge's gradient has the same bits."""

    def gradients(few_rows, fewest_bytes):
        monkeypatch.setattr(backward_pass, "_FEW_ROWS", few_rows)
        monkeypatch.setattr(rooms, "_FEWEST", fewest_bytes)
        monkeypatch.setattr(rooms, "_SIZES", range(1, 1 << 19))
        found = finished.backward(seed=finished.seed_value).edge_gradients()
        return found.floats, {
            edge: each.dense() if type(each) in COMPRESSED else each for edge, each in found.others.items()
        }

    by_rule, straight = gradients(sys.maxsize, sys.maxsize), gradients(0, 0)
    assert same(straight, by_rule)
