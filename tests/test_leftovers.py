"""What a traced function stores outside of itself is plain afterwards, as it is without a trace."""

from __future__ import annotations

import collections
import contextlib
import contextvars
import dataclasses
import functools
import gc
import itertools
import json
import operator
import statistics
import subprocess
import sys
import types

import numpy as np
import pytest

from tracer import leftovers, record, trace
from tracer.errors import CutWarning
from tracer.standins import Traced

Point = collections.namedtuple("Point", "x y")  # noqa: PYI024  (as users write it)


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: float


class Slots:
    __slots__ = ("x",)


class Plain:
    pass


class SlotsOfList(list):
    __slots__ = ("x",)


def stand_ins():
    gc.collect()
    return [each for each in gc.get_objects() if issubclass(type(each), Traced)]


def stand_ins_in(value):
    """Look into what the collector does not know."""
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        value = value.tolist()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return any(map(stand_ins_in, value))
    return issubclass(type(value), Traced)


def test_a_log_of_losses_holds_numbers():
    losses = []

    @trace
    def loss(w):
        value = (w * 3 - 1) ** 2
        losses.append(value)
        return value

    for w in (1.0, 2.0):
        loss(w)
    assert losses == [4.0, 25.0]
    assert set(map(type, losses)) == {float}
    assert json.dumps(losses) == "[4.0, 25.0]"
    assert statistics.mean(losses) == 14.5


class Model:
    last = None


@pytest.mark.parametrize("fails", [False, True])
def test_every_kind_of_place_is_found(fails):
    before = stand_ins()  # what the tracebacks of other tests hold
    kept, table, queue, numbers, slots, plain = [], {}, collections.deque(), set(), Slots(), Plain()
    listed, fixed, cell, model = SlotsOfList(), [], None, types.SimpleNamespace(below=Plain())

    def function(x, model):
        nonlocal cell
        y = x * 2
        kept.extend([y, (1, (y, [y])), Point(y, y), Frozen(y), np.ones(2) * y])
        table["y"] = y
        table[y] = 1
        queue.append(y)
        numbers.add(y)
        slots.x = listed.x = plain.x = cell = Model.last = model.below.x = y
        fixed.extend([frozenset([(y,)]), slice(y, None, [y]), ValueError("far", y)])
        fixed.extend([functools.partial(max, y, key=abs), lambda at=y: at, lambda *, at=y: at])
        return y / (not fails)

    with pytest.raises(ZeroDivisionError) if fails else contextlib.nullcontext() as told:
        record(function, 1.5, model)
    assert kept[:4] == [3.0, (1, (3.0, [3.0])), Point(3.0, 3.0), Frozen(3.0)]
    assert type(kept[2]) is Point
    assert type(kept[4]) is np.ndarray
    assert kept[4].tolist() == [3.0, 3.0]
    assert fixed[:2] == [frozenset([(3.0,)]), slice(3.0, None, [3.0])]
    assert (fixed[2].args, fixed[3].args, fixed[3](-4), fixed[4](), fixed[5]()) == (
        ("far", 3.0),
        (3.0,),
        -4,
        3.0,
        3.0,
    )
    assert list(table.items()) == [("y", 3.0), (3.0, 1)]
    assert (queue, numbers, slots.x, plain.x, cell) == (collections.deque([3.0]), {3.0}, 3.0, 3.0, 3.0)
    assert json.dumps([Model.last, model.below.x, listed.x]) == "[3.0, 3.0, 3.0]"
    del told  # whose frames hold theirs
    assert set(map(id, stand_ins())) <= set(map(id, before))


class DivergedError(Exception):
    def __init__(self, loss):
        super().__init__("diverged")
        self.loss = loss


def diverged(x):
    try:
        (x * 2).nothing  # noqa: B018  (an AttributeError that has the object)
    except AttributeError:
        raise DivergedError(x * 3) from DivergedError([x])


def in_a_group(x):
    raise ExceptionGroup("several", [DivergedError(x * 3), ValueError({"x": x})])


@pytest.mark.parametrize("function", [diverged, in_a_group])
def test_what_an_error_brings_with_it_is_plain(function, monkeypatch):
    monkeypatch.setattr(leftovers, "gc", None)  # no search is needed
    with pytest.raises((DivergedError, ExceptionGroup)) as told:
        record(function, 2.0)
    error = told.value
    if function is diverged:
        assert json.dumps([error.loss, error.__cause__.loss, error.__context__.obj]) == "[6.0, [2.0], 4.0]"
    else:
        assert json.dumps([error.exceptions[0].loss, *error.exceptions[1].args]) == '[6.0, {"x": 2.0}]'


@pytest.mark.parametrize("kind", [KeyboardInterrupt, StopIteration])
def test_a_list_holds_numbers_whatever_ended_the_run(kind):
    def function(x):
        losses.append(x * 2)
        raise kind(x)

    losses = []
    with pytest.raises(kind):
        record(function, 2.0)
    assert set(map(type, losses)) == {float}


def test_a_search_that_python_stops_lets_the_error_through(monkeypatch):
    def stopped(*_, **__):
        raise RecursionError

    def function(x):
        Model.last = x * 2
        raise ValueError("the program's")

    monkeypatch.setattr(leftovers, "put_in_place", stopped)
    with pytest.raises(ValueError, match="the program's"):
        record(function, 2.0)


def test_what_is_written_into_a_kept_array_leaves_the_trace_alone():
    kept = []
    finished = record(lambda a: (kept.append(a * 2), (a * 2).sum())[1], np.ones(2))
    kept[0][:] = 7.0
    assert finished.nodes[1].value.tolist() != [7.0, 7.0]
    assert finished.grads["a"].tolist() == [2.0, 2.0]


def test_no_module_is_asked_what_it_holds(monkeypatch):
    kept, asked, ask = [], [], gc.get_referents
    monkeypatch.setattr(gc, "get_objects", lambda: [gc, kept])  # of all that there is
    monkeypatch.setattr(gc, "get_referents", lambda *each: asked.extend(each) or ask(*each))
    record(lambda x: kept.extend(x * i for i in range(30)), 2.0)
    assert kept == [2.0 * i for i in range(30)]
    assert set(map(type, kept)) == {float}
    assert gc not in asked  # some modules of Python 3.12 answer with what is dead


@pytest.mark.parametrize("name", ["own", "in a list"])
def test_a_cache_of_the_program_is_a_constant_in_the_next_trace_and_that_is_said(name):
    known = {}

    def doubled(x):
        known.setdefault("doubled", x * 2)
        return known["doubled"]

    def function(x):
        return doubled(x) * x if name == "own" else np.sum([doubled(x), x]) * x

    record(function, 3.0)
    with pytest.warns(
        CutWarning, match=r"kept from an earlier trace is a constant .* at test_leftovers\.py:"
    ):
        record(function, 3.0)


buffer = np.zeros(3)


@pytest.mark.parametrize("is_cleared", [True, False])
def test_a_buffer_that_traces_write_into_is_the_programs_own(is_cleared):
    def function(x):
        global buffer
        if is_cleared:
            buffer[:] = 0
        buffer += x
        return buffer.sum()

    buffer[:] = 0
    record(function, 3.0)
    assert trace(strict=True)(function)(3.0) == (9.0 if is_cleared else 18.0)


KEEPS_NOTHING = """
import datetime
import gc
import types
import numpy as np
from tracer import leftovers, record, trace
leftovers.gc = None  # which alone knows where a thing is kept

def fails(x, a):
    def power(n):  # which holds itself
        return x * power(n - 1) if n else local[0] / 0

    node, local = types.SimpleNamespace(y=x * 2), [x, {"a": a * x}]
    node.me, steps = node, (x * i for i in range(3))
    next(steps)
    return power(3)

def ring(x, size):
    node = types.SimpleNamespace(y=[x * i for i in range(size)])
    node.me = node
    if size > 300:
        gc.collect()  # it is old when it becomes garbage
    return x

for size in (1, 400):
    trace(static=("size",))(ring)(2.0, size)
try:
    record(fails, 2.0, np.ones(3))
except ZeroDivisionError:
    pass
for name in ("decimal", "fractions"):
    record(lambda x, a: (a * x).sum() + a[0], 2.0, np.ones(3))
    __import__(name)
"""


def test_a_program_that_keeps_nothing_is_not_searched():
    subprocess.run([sys.executable, "-"], input=KEEPS_NOTHING, text=True, check=True)


def begun(items):
    iterator = iter(items)
    next(iterator)
    return iterator


ITERATORS = {  # of a number and an array, in a list or not
    "an array": lambda _, a: iter(a),
    "an array that was computed": lambda x, a: iter(a * x),
    "rows": lambda _, a: iter(a[:, None]),
    "all elements": lambda _, a: a.flat,
    "begun": lambda _, a: begun(a),
    "zip": lambda x, a: zip(a, a * x, strict=True),
    "enumerate": lambda _, a: enumerate(a),
    "map": lambda x, a: map(abs, a - x),
    "filter": lambda _, a: filter(None, a),
    "a generator expression": lambda _, a: (each * 2 for each in a),
    "cycle": lambda _, a: itertools.cycle(a),
    "cycle, begun": lambda _, a: begun(itertools.cycle(a)),
    "islice": lambda _, a: itertools.islice(a, 2),
    "tee": lambda _, a: itertools.tee(a)[1],
    "pairwise": lambda _, a: itertools.pairwise(a),
    "chain": lambda x, a: itertools.chain(a, a * x),
}


@pytest.mark.parametrize("name", ITERATORS)
def test_an_iterator_that_is_left_gives_plain_values(name):
    def function(x, a):
        kept.append(ITERATORS[name](x, a))
        return x * a[0]

    kept, a = [], np.array([0.5, 1.5, 2.5])
    finished = record(function, 2.0, a)
    assert finished.grads["x"] == 0.5
    values = list(itertools.islice(kept[0], 5))
    assert repr(values) == repr(list(itertools.islice(ITERATORS[name](2.0, a), 5)))
    assert not any(issubclass(type(each), Traced) for value in values for each in np.atleast_1d(value))


def test_a_loader_that_outlives_its_trace_goes_on():
    kept = {}

    def function(a, x):
        if not kept:
            kept["loader"] = iter(a)
        return next(kept["loader"]) * x

    a = np.array([0.5, 1.5, 2.5])
    assert [record(function, a, 2.0).grads["x"] for _ in range(2)] == [0.5, 1.5]
    assert (type(kept["loader"]), function(a, 2.0)) == (type(iter(a)), 5.0)


VARIABLE = contextvars.ContextVar("variable")
HELD = {  # what holds a number, and what it gives of it
    "itertools.repeat": (itertools.repeat, next),
    "itertools.repeat, so often": (lambda x: itertools.repeat(x, 3), list),
    "itertools.count": (itertools.count, lambda held: [next(held), next(held)]),
    "itertools.product": (lambda x: itertools.product([x, 1.0], [x]), list),
    "itertools.product, begun": (lambda x: begun(itertools.product([x, 1.0], [x])), list),
    "itertools.combinations": (lambda x: begun(itertools.combinations([x, 1.0, x], 2)), list),
    "itertools.permutations": (lambda x: itertools.permutations([1.0, x]), list),
    "itertools.accumulate": (lambda x: begun(itertools.accumulate([x, 1.0])), list),
    "the iterator of a tuple": (lambda x: begun((1.0, x, x * 2)), list),
    "a context variable": (lambda x: [VARIABLE.set(x)], lambda _: VARIABLE.get()),
    "a context variable of tuples": (lambda x: [VARIABLE.set((x, (x, 1.0)))], lambda _: VARIABLE.get()),
    "functools.cmp_to_key": (functools.cmp_to_key(lambda _, other: other), lambda held: held < held),
    "functools.cmp_to_key, its object": (functools.cmp_to_key(max), lambda held: held.obj),
    "a method": (lambda x: types.MethodType(pow, x), lambda held: [held(2.0), held.__self__]),
    "a method of the number": (lambda x: x.__mul__, lambda held: held(2.0)),
    "operator.methodcaller": (lambda x: operator.methodcaller("__mul__", x), lambda held: held(3.0)),
    "StopIteration": (StopIteration, lambda held: [held.value, *held.args]),
}


@pytest.mark.parametrize("name", HELD)
@pytest.mark.parametrize("where", ["kept", "returned"])
def test_what_is_held_by_code_in_c_is_plain(name, where):
    if name.startswith("itertools") and "__reduce__" not in vars(itertools.count):
        pytest.skip("these can't be made anew from Python 3.14 on")
    make, read = HELD[name]
    kept = []

    def function(x):
        held = make(x * 2)
        return held if where == "returned" else kept.append(held)

    held = trace(function)(1.25) or kept.pop()
    assert json.dumps(read(held)) == json.dumps(read(make(2.5)))


def own_names(x, _):
    y, pair = x * 2, (x, [(x * 3,)])
    yield 0
    yield y, pair, y * 2, [x for _ in range(2)]


def a_generator_in_it(x, a):
    yield from own_names(x, a)


def a_loop(x, a):
    for at, each in enumerate(a * x):
        yield each * at


def a_write(x, a):
    part = a[:2]
    yield 0
    part[0] = 7.0
    yield x, part, a


def a_write_by_what_waits(x, a):
    (a, (yield 0))[0][1] = 5.0
    yield x * 2


class Awaited:
    def __await__(self):
        yield 0


async def waiting(x, a):
    y = a[1:] * x
    await Awaited()
    y[0] = x
    return y


GENERATORS = {each.__name__: each for each in (own_names, a_generator_in_it, a_loop, a_write)}
GENERATORS |= {
    "a_write_by_what_waits": a_write_by_what_waits,
    "waiting": lambda *given: waiting(*given).__await__(),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_that_is_left_goes_on_with_plain_values(name):
    def goes_on(call):
        def function(x, a):
            kept.append(begun(GENERATORS[name](x, a)))
            return x * a[0]

        kept, a = [], np.array([0.5, 1.5, 2.5])
        call(function)(1.25, a)
        values = []
        with contextlib.suppress(StopIteration):
            values.append(next(kept[0]))
        return repr(values), repr(a), stand_ins_in(values)

    assert goes_on(trace) == goes_on(lambda function: function)


def filled(like, *items):
    for at, item in items:
        like[at] = item
    return like


OBJECTS = {
    "numbers": lambda x, a: filled(np.empty(2, object), (0, x), (1, 1.0)),
    "arrays": lambda x, a: filled(np.empty((2, 1), object), ((0, 0), a * x), ((1, 0), a)),
    "a view": lambda x, a: filled(np.empty((2, 2), object), ((0, 1), x * 2)).T[1],
    "tuples": lambda x, a: filled(np.empty(2, object), (0, (x, (x * 2, "a"))), (1, [x])),
    "no axes": lambda x, a: ({"held": filled(np.empty((), object), ((), x))},),
    "in another": lambda x, a: filled(np.empty(1, object), (0, filled(np.empty(1, object), (0, x)))),
    "records": lambda x, a: filled(np.zeros(2, [("a", object), ("b", float)]), (0, (x, 1.0))),
    "another class": lambda x, a: filled(np.empty(2, object).view(np.recarray), (1, x)),
}


def test_what_is_in_an_array_of_objects_is_plain():
    def kept(call):
        found = {}
        call(lambda x, a: (found.update({name: OBJECTS[name](x, a) for name in OBJECTS}), x)[1])(
            1.25, np.ones(2)
        )
        return found

    got = kept(trace)
    assert repr(got) == repr(kept(lambda function: function))
    assert not stand_ins_in(got)


def test_an_array_of_objects_that_is_given_is_plain_also_where_the_function_fails():
    def function(x, items, records):
        items[0] = records["a"][1] = x * 2
        raise ValueError(x)

    items, records = np.array([1.0, "a"], object), np.zeros(2, [("a", object)])
    with pytest.raises(ValueError, match=r"1\.25"), pytest.warns(CutWarning, match="not traced"):
        trace(function)(1.25, items, records)
    assert (type(items[0]), type(records["a"][1]), items[0]) == (float, float, 2.5)


def test_an_iterator_that_a_generator_has_too_goes_on_for_both():
    kept = {}

    def function(x):
        numbers = iter((x, x * 2, x * 3))
        kept.update(numbers=numbers, generator=begun(each for each in numbers))

    record(function, 1.5)
    assert [next(kept["numbers"]), next(kept["generator"])] == [3.0, 4.5]
