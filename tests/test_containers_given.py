"""Lists, dicts, tuples and dataclasses as arguments: each stays the object that it is, whatever its class says."""

import collections
import copy
import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tracer import record, trace
from tracer.errors import CutWarning, UnsupportedError
from tracer.standins import Traced
from tracer.structures import items_of

X = 2.0


@dataclass(eq=False)
class Node:
    value: float
    next: Any = None

    def step(self, by):
        self.value += by
        return sum(each.value for each in REGISTRY) * by


REGISTRY = [Node(1.0), Node(3.0)]
KEPT = {}
CONSTANTS = [Node(4.0), Node(5.0)]


@dataclass(frozen=True)
class Fixed:
    value: float


@dataclass
class Slotted:
    __slots__ = ("array", "value")
    value: float
    array: np.ndarray


@dataclass
class Checked:
    """A field that is a property: what the class does when it is set is not to be run by a trace."""

    scale: float
    limits: list = field(default_factory=list)

    @property
    def scale(self):
        return self._scale

    @scale.setter
    def scale(self, value):
        self.limits = [*getattr(self, "limits", []), "set"] if type(self.__dict__) is dict else []
        self._scale = value


@dataclass
class Value:
    """A number of a small library of automatic differentiation."""

    data: float
    grad: float = 0.0
    parents: tuple = ()
    back: Any = None

    def __mul__(self, other):
        made = Value(self.data * other.data, 0.0, (self, other))

        def back():
            self.grad += other.data * made.grad
            other.grad += self.data * made.grad

        made.back = back
        return made


class Attributes(dict):
    def __init__(self, **items):
        super().__init__(**items)
        self.__dict__ = self


class Logged(dict):
    def __init__(self, **items):
        super().__init__(**items)
        self.log = []

    def __setitem__(self, key, value):
        self.log.append(key)
        super().__setitem__(key, value)


class AppendOnly(list):
    def __setitem__(self, at, value):
        raise TypeError("append only")

    def __copy__(self):
        raise TypeError("one alone")


class Counts(collections.defaultdict):
    def __init__(self):
        super().__init__(float)


class Vector(tuple):
    __slots__ = ()

    def __new__(cls, *items):
        return super().__new__(cls, items)

    def norm(self):
        return sum(each * each for each in self)


class Pair(tuple):  # noqa: SLOT001  (with attributes)
    def __new__(cls, x, y):
        made = super().__new__(cls, (x, y))
        made.unit = "m"
        return made


class Named(collections.namedtuple("Named", "a b")):  # noqa: PYI024  (what users write)
    __slots__ = ()

    @classmethod
    def _make(cls, items):
        raise TypeError(items)


def ring(*values):
    nodes = [Node(each) for each in values]
    for each, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        each.next = following
    return nodes[0]


def tree():
    root = {"value": 2.0, "children": []}
    root["children"] = [{"value": each, "parent": root} for each in (3.0, 4.0)]
    return root


def holding_itself():
    items = [1.0, 3.0]
    items.append(items)
    return items


def put(container, key, value):
    container[key] = value
    return container


def around(node, x):
    total, following = node.value * x, node.next
    while following is not node:
        total, following = total + following.value**2 * x, following.next
    return total


def seen_from_behind(node, x):
    node.value = x * 3
    return node.next.next.next.value * x


def seen_once(node, x):
    visited = set()
    total = 0.0
    while id(node) not in visited:
        visited.add(id(node))
        total, node = total + node.value * x, node.next
    return total


def of_the_parent(root, x):
    root["value"] = root["value"] * x
    return sum(each["parent"]["value"] * each["value"] for each in root["children"])


def known(node, x):
    return x * (node.value if node is CONSTANTS[0] else node.value / CONSTANTS[0].value)


def back_through(root, weight, x):
    root.grad = x
    root.back()
    root.parents[0].back()
    return weight.grad * x


def product_of(w):
    return Value(w) * Value(3.0)


def a_product():
    weight = Value(3.0)
    return weight * Value(2.0) * weight, weight


def moved(table, x):
    table.move_to_end("a")
    table["c"] = x * table["a"]
    return table["c"] * next(iter(table.values()))


def written_and_asked(table, read, x):
    table["w"] = table["w"] * x
    return read() * x


def with_its_reader():
    table = {"w": 3.0}
    return table, lambda: table["w"]


def in_turns(items, later, x):
    items[0] = x * 5
    return next(later) * x


def with_its_iterator():
    items = [1.0, 2.0]
    return items, iter(items)


def of_an_array(layer, x):
    layer.array[0] = x
    layer.value = layer.value * x
    return layer.array.sum() * layer.value


def tied(weights, x):
    (_, encoder), decoder = weights["encoder"], weights["decoder"][0]
    product = encoder @ decoder * x
    encoder[0] = product * (encoder is decoder)
    return (decoder * decoder).sum() * product


def one_array_twice():
    array = np.array([1.0, 3.0])
    return ({"encoder": ("W", array), "decoder": [array, 1.0]},)


ROWS = {
    "tied weights": (one_array_twice, tied),
    "ring": (lambda: (ring(1.0, 3.0, 5.0),), around),
    "ring, written": (lambda: (ring(1.0, 3.0, 5.0),), seen_from_behind),
    "ring, by identity": (lambda: (ring(1.0, 3.0, 5.0),), seen_once),
    "tree with parents": (lambda: (tree(),), of_the_parent),
    "list that holds itself": (
        lambda: (holding_itself(),),
        lambda items, x: put(items, 0, x * items[1])[2][2][0] * x,
    ),
    "read by a function": (with_its_reader, written_and_asked),
    "read by an iterator": (with_its_iterator, in_turns),
    "the object that is meant": (lambda: (CONSTANTS[0],), known),
    "another object": (lambda: (CONSTANTS[1],), known),
    "in a registry": (lambda: (REGISTRY[0],), lambda node, x: node.step(x)),
    "values with their grads": (a_product, back_through),
    "slots": (lambda: (Slotted(2.0, np.array([1.0, 4.0])),), of_an_array),
    "property": (lambda: (Checked(2.0),), lambda each, x: each.scale * x * len(each.limits)),
    "frozen": (lambda: (Fixed(3.0),), lambda fixed, x: fixed.value * x),
    "items that are attributes": (
        lambda: (Attributes(w=3.0),),
        lambda items, x: put(items, "c", x * items.w).c * items.w * x,
    ),
    "dict that logs": (
        lambda: (Logged(a=2.0),),
        lambda items, x: put(items, "b", x * items["a"])["b"] * len(items.log),
    ),
    "order of a dict": (lambda: (collections.OrderedDict(a=2.0, b=3.0),), moved),
    "default of a dict": (lambda: (Counts(),), lambda items, x: put(items, "w", items["v"] + x)["w"] * x),
    "list that is appended to": (
        lambda: (AppendOnly([1.0, 3.0]),),
        lambda items, x: (items.append(items[1] * x), items[2] * x)[1],
    ),
    "tuple of many": (lambda: (Vector(1.0, 3.0),), lambda v, x: v.norm() * x),
    "tuple of two": (lambda: (Pair(1.0, 3.0),), lambda v, x: v[1] * x * len(v.unit)),
    "named tuple": (lambda: (Named(1.0, 3.0),), lambda v, x: v.a * v[1] * x),
    "tuple of lists": (lambda: (([1.0], [3.0]),), lambda pair, x: put(pair[0], 0, x)[0] * pair[1][0]),
    "functions": (lambda: ({"act": np.tanh, "w": 0.3},), lambda net, x: net["act"](net["w"] * x)),
}


def seen(given):
    return re.sub(r" at 0x\w+", "", repr(given))


@pytest.mark.parametrize("name", ROWS)
def test_a_container_stays_what_it_is(name):
    make, function = ROWS[name]

    def plain(x):
        given = make()
        return function(*given, x), given

    before = [copy.copy(vars(each)) for each in (*REGISTRY, *CONSTANTS)]

    def again(x):
        for each, attributes in zip((*REGISTRY, *CONSTANTS), before, strict=True):
            vars(each).update(attributes)
        return plain(x)

    expected, left = again(X)
    shown = seen(left)
    slope = (
        8 * (again(X + 1e-3)[0] - again(X - 1e-3)[0]) - again(X + 2e-3)[0] + again(X - 2e-3)[0]
    ) / 0.012
    again(X)
    for each, attributes in zip((*REGISTRY, *CONSTANTS), before, strict=True):
        vars(each).update(attributes)
    given = make()
    finished = record(function, *given, X)
    assert finished.result == expected
    assert seen(given) == shown
    assert finished.grads["x"] == pytest.approx(slope, rel=1e-9)


def test_gradients_are_those_of_the_inputs_in_a_ring():
    node = ring(1.0, 3.0, 5.0)
    finished = record(around, node, X)
    assert finished.grads["node"].value == X
    assert finished.grads["node"].next.value == 6.0 * X
    assert finished.grads["node"].next.next.next is None  # which is the first again


@pytest.mark.parametrize(
    "given", [lambda a: [a, a], lambda a: (a, a), lambda a: {"v": a, "w": a}, lambda a: Slotted(a, a)]
)
def test_an_array_that_an_argument_holds_twice_is_one_input(given):
    array = np.array([1.0, 2.0])

    def product(held, x):
        first, second = (item for _, item in items_of(held))
        return (first * first * second).sum() * x * (first is second)

    finished = record(product, given(array), X)
    assert finished.result == 9.0 * X
    for _, gradient in items_of(finished.grads["held"]):
        assert gradient.tolist() == [3.0 * X, 12.0 * X]
    assert len(finished.run.input_rows) == 2


def test_a_result_of_a_class_of_tuples_is_one_of_its_objects():
    vector, pair, named = record(lambda x: (Vector(x, x * 2), Pair(x, 1.0), Named(x, x)), X).result
    assert (type(vector), vector.norm()) == (Vector, 20.0)
    assert (type(pair), pair, pair.unit) == (Pair, (X, 1.0), "m")
    assert named == Named(X, X)


def test_what_keeps_a_container_has_the_callers_own():
    class Owner:
        pass

    owner, items, table = Owner(), [1.0], {"w": 2.0}

    def keep(items, table, x):
        owner.items, owner.table, owner.write = items, table, lambda: items.append(4.0)
        items[0] = x * table["w"]
        return items[0]

    record(keep, items, table, X)
    assert owner.items is items
    assert owner.table is table
    owner.write()
    assert items == [4.0, 4.0]


def test_an_array_that_is_kept_is_the_callers_own():
    class Layer:
        def forward(self, x):
            self.x, KEPT["x"] = x, [x]
            return (x * x).sum()

    layer, x = Layer(), np.ones(2)
    for _ in range(2):  # nor is it one of an earlier trace
        assert record(lambda x: layer.forward(x), x).grads["x"].tolist() == [2.0, 2.0]
        assert layer.x is x
        assert KEPT["x"][0] is x


def test_what_was_given_is_plain_again_whatever_happens():
    def fails(node, items, x):
        items += [x, [x * 2]]
        node.value = x
        raise KeyError(items[0])

    node, items = ring(1.0, 3.0), [5.0]
    with pytest.raises(KeyError, match=r"5\.0"):
        trace(fails)(node, items, X)
    assert type(node.value) is float
    assert items == [5.0, 2.0, [4.0]]
    assert not any(issubclass(type(each), Traced) for each in items)


def test_what_is_too_deep_is_refused_and_plain_again():
    nodes = [Node(1.0) for _ in range(3000)]
    for each, following in itertools.pairwise(nodes):
        each.next = following
    with pytest.raises(
        UnsupportedError, match=r"node holds objects in objects.*limit of .*setrecursionlimit"
    ):
        record(around, nodes[0], X)
    assert {type(each.value) for each in nodes} == {float}


def test_traces_of_several_threads_take_turns_with_one_container():
    params = [1.0, 2.0, 3.0]
    at_once = threading.Barrier(4)
    results = []

    def of_squares(params):
        return sum(each * each for each in params)

    def run():
        at_once.wait()
        results.extend(record(of_squares, params).grads["params"] for _ in range(20))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == [[2.0, 4.0, 6.0]] * 80
    assert list(map(type, params)) == [float] * 3


def test_a_thread_that_reads_a_container_meanwhile_gets_plain_values():
    params, answers = [1.0, 2.0], []
    read, done = threading.Event(), threading.Event()

    def bystander():
        read.wait()
        answers.append(params[0] * 3.0)
        done.set()

    def function(params, x):
        read.set()
        done.wait()
        return params[0] * x

    thread = threading.Thread(target=bystander)
    thread.start()
    with pytest.warns(CutWarning, match="another thread has read"):
        finished = record(function, params, X)
    thread.join()
    assert list(map(type, answers)) == [float]
    assert finished.grads == {"params": [2.0, 0.0], "x": 1.0}


def test_an_inner_trace_leaves_the_stand_ins_of_the_outer_one():
    params = [1.0, 2.0]

    def outer(params, x):
        params.append(x * 2.0)
        inner = record(lambda items: items[0] * 3.0 + items[2] * 5.0, params)
        return params[2] * x + inner.result

    with pytest.warns(CutWarning, match="a value of the outer trace"):
        finished = record(outer, params, X)
    assert finished.result == 8.0 + 3.0 + 20.0
    assert finished.grads == {"params": [3.0, 0.0], "x": 8.0 + 10.0}
    assert params == [1.0, 2.0, 4.0]
