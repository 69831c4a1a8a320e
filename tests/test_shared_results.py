"""What is one object, or one memory, in the plain program's result is so in the traced one's; and in its classes."""

from __future__ import annotations

import collections
import copy
import dataclasses
import gc
import weakref

import numpy as np
import pytest
from checks import same

from tracer import trace
from tracer.tape import STALE_VALUES

OUTSIDE = np.arange(6.0)
Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024  (as users write it)


@dataclasses.dataclass
class State:
    position: object
    history: list


def parts(value):
    """Every container and array in a nested value, in order."""
    inside = {tuple: list, list: list, Pair: list, set: list, dict: lambda each: list(each.values())}
    found = [] if isinstance(value, (int, float)) else [value]
    if dataclasses.is_dataclass(value):
        return found + parts(list(vars(value).values()))
    if type(value) in inside:
        found += [part for each in inside[type(value)](value) for part in parts(each)]
    return found


def sharing(value):
    found = parts(value)
    arrays = [each for each in found if isinstance(each, np.ndarray)]
    return (
        [[one is other for one in found] for other in found],
        [[np.shares_memory(one, other) for one in arrays] for other in arrays],
    )


def made(a):
    return a * 2


@pytest.mark.parametrize(
    "function",
    [
        lambda a: (lambda b: (b, b, [b]))(made(a)),
        lambda a: (lambda b: (b, b[1:3], b[2:], b[::2]))(made(a)),
        lambda a: (lambda b: (b[::-1], b[1:], b.reshape(2, 3).T))(made(a)),
        lambda a: (lambda b: (b.reshape(2, 3), b.ravel(), b.copy()))(made(a)),
        lambda a: (lambda b: (b.T, b, b[0], b[:, 1]))(made(a).reshape(2, 3)),
        lambda a: np.split(made(a), 2),
        lambda a: (a, a[1:], a[::-1]),
        lambda a: a[2:],
        lambda a: [a.__setitem__(0, a[1] * 2), a, a[:2]],
        lambda a: (lambda z: [z.__setitem__(0, a[0]), z, z[2:]])(np.zeros(6)),
        lambda a: (lambda z: (z, z[2:], a))(np.zeros(6)),
        lambda a: (lambda z: [z.__setitem__((0, 0, 0), a[0]), z, z[1], z[:, 1], z.T[0]])(
            np.ones((2, 3, 4)).transpose(1, 0, 2).copy(order="K")
        ),
        lambda a: (lambda x: (x, x, (x,), {"x": x}))([made(a), 1.0]),
        lambda a: (lambda d: ({"p": d, "q": d}, d))({"x": made(a), "s": a[0]}),
        lambda a: (lambda t: (t, t, [t]))((made(a), 1.0)),
        lambda a: (lambda p: (p, p, p.left))(Pair(made(a), a[0] * 2)),
        lambda a: (lambda s: (s, s.history, s, s.position))(State(made(a), [a[0] * 2])),
        lambda a: (OUTSIDE, OUTSIDE[1:], made(a)),
        lambda a: (np.broadcast_to(made(a), (2, 6)), made(a)[:0], made(a)[1:1]),
        lambda a: np.broadcast_arrays(made(a), made(a).reshape(6, 1)),
    ],
)
def test_what_is_shared_is_shared(function):
    def plain_and_arguments(call):
        argument = OUTSIDE.copy()
        return call(argument), argument

    expected, got = plain_and_arguments(function), plain_and_arguments(trace(function))
    assert sharing(got) == sharing(expected)
    assert repr(got) == repr(expected)


KEPT = []


def kept_of(call, argument):
    KEPT.clear()
    result = call(argument)
    return [each() if callable(each) else each for each in KEPT], result, argument


@pytest.mark.parametrize(
    "function",
    [
        lambda a: KEPT.extend([a[:2], a[::-1], a.reshape(2, 3).T, np.broadcast_to(a, (2, 6))]),
        lambda a: KEPT.extend([{"p": (a[:2],)}, lambda at=a[2:]: at, (lambda v: lambda: v)(a[3:])]),
        lambda a: [a.__setitem__(0, a[1] * 2), KEPT.extend([a[:2], a])],
        lambda a: (lambda z: [z.__setitem__(0, a[0].real), KEPT.extend([z, z[2:]])])(np.zeros(6)),
        lambda a: (lambda z: KEPT.extend([z[:3], z]))(np.zeros(6)),
        lambda a: (lambda b: [KEPT.append(b[2:]), b[:3]])(made(a)),
        lambda a: (lambda b: KEPT.extend([b[1:], {"w": b}, a.__iadd__(b)]))(made(a)),
        lambda a: KEPT.extend([made(a)[2:], made(a)[2:]]),
        lambda a: KEPT.extend([(a + 1j)[1:].real, (lambda c: (c, c.real, c.imag))(a + 1j)]),
        lambda a: KEPT.extend([a.real, a.imag[1:], a[:2]]),
    ],
)
@pytest.mark.parametrize(("step", "kind"), [(1, float), (300, float), (300, complex)])
def test_what_is_kept_and_shared_is_shared(function, step, kind):
    def kept(call):
        return kept_of(call, np.arange(6 * step, dtype=kind)[::step])

    expected, got = kept(function), kept(trace(function))
    assert sharing(got) == sharing(expected)
    assert repr(got) == repr(expected)


def test_a_view_that_is_kept_lets_go_of_the_array():
    @trace
    def function(a):
        KEPT[:] = [a[:2]]
        return a.sum()

    STALE_VALUES.clear()  # of other tests
    arrays = [np.arange(6.0) for _ in range(4)]
    freed = [weakref.ref(each) for each in arrays]
    while arrays:
        function(arrays.pop())
    KEPT.clear()
    function(np.ones(3))
    assert [each() for each in freed] == [None] * 4


def test_a_write_into_a_result_is_seen_by_what_shares_it_and_not_by_the_trace():
    @trace
    def function(a):
        b = a * a
        return b, b[1:], b * b

    whole, part, squared = function(np.array([1.0, 2.0, 3.0]))
    whole[1] = 7.0
    assert part[0] == 7.0
    assert squared[1] == 16.0
    finished = function.last_trace.backward(of=2, seed=np.ones(3))
    assert finished.grads["a"].tolist() == [4.0, 32.0, 108.0]


class Base:
    rate = 0.5

    def get(self):
        return self.rate


class Derived(Base):
    pass


def test_what_the_program_keeps_is_what_it_returns():
    @trace
    def function(a):
        made = Derived()
        made.array, made.items = a * 2, [a[0] * 2]
        return made, made.array, made.items

    made, array, items = function(OUTSIDE.copy())
    assert made.array is array
    assert made.items is items
    assert same(items, [np.float64(0)])


def test_a_class_attribute_that_the_function_sets_is_what_python_looks_up():
    holder = Derived()

    @trace
    def function(x):
        Base.rate = x * 2
        Base.fresh = [x]
        return holder.get() * Derived.rate

    try:
        for x in (1.5, 2.5):
            assert function(x) == 4 * x * x
            garbage = [float(each) for each in range(100)]  # where a value that was let go of lay
            gc.collect()
            assert (Base.rate, holder.rate, holder.get(), Derived.rate) == (2 * x,) * 4
            assert type(Base.rate) is float
            assert Derived.fresh == [x]
            del garbage
        assert function.last_trace.grads["x"] == 8 * 2.5
    finally:
        Base.rate = 0.5
        del Base.fresh
    assert copy.copy(holder).rate == 0.5
