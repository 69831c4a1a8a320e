"""Containers of classes that say something of their own: none of it is run to put stand-ins in, or to take them out."""

import json
import time
from collections import ChainMap, UserDict, UserList, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
from checks import assert_untouched

from tracer import load, record, trace

X = 2.0


class Positive:
    """A descriptor that keeps a field, says what was set, and refuses what is no positive float."""

    said: list[Any] = []  # noqa: RUF012  (of all of them)

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, owner, kind=None):
        return self if owner is None else owner.__dict__[self.name]

    def __set__(self, owner, value):
        if not isinstance(value, float) or value <= 0:
            raise ValueError(f"{value} is not positive")
        self.said.append(value)
        owner.__dict__[self.name] = value


@dataclass
class Checked:
    value: float = Positive()


@dataclass
class Lazy:
    value: float
    late: float = 0.0

    @property
    def late(self):  # noqa: F811  (as for a property that is a field)
        raise RuntimeError("not yet")

    @late.setter
    def late(self, value):
        pass


@dataclass
class Failure(Exception):  # noqa: N818  (what users write)
    value: float


class FromOne(list):
    def __getitem__(self, at):
        if at < 1:
            raise ValueError("from one")
        return super().__getitem__(at - 1)


class Noted(list):
    __slots__ = ("note",)


class Marked(tuple):  # noqa: SLOT001  (what users write)
    note = ""


class Made(namedtuple("Made", "a b")):  # noqa: PYI024, SLOT002  (what users write)
    @classmethod
    def _make(cls, _):
        raise RuntimeError("not by this")


marked, made = Marked((3.0,)), Made(3.0, "b")
marked.note, made.note = "m", "n"
kept = []


class Key:
    number = 1

    def __hash__(self):
        if self.number == 3:
            raise RuntimeError("no hash any more")
        return self.number


class ReadOnly:
    def __init__(self):
        self.__dict__["w"] = 3.0

    @property
    def w(self):
        return self.__dict__["w"]


def note(items, x):
    items.note = items[0] * x
    return items.note


def rehash(table, key, x, to):
    table[key] = x * 3
    key.number = to
    return x * 5


def in_both(owner, attributes, x):
    attributes["v"] = attributes["v"] * x
    return owner.v * x


def of_a_property(owner, x):
    vars(owner)["w"] = owner.w * x
    return owner.w


@pytest.mark.parametrize(
    ("make", "function", "slope"),
    [
        (lambda: [Checked(3.0)], lambda each, x: each.value * x, 3.0),
        (lambda: [Lazy(3.0)], lambda each, x: each.value * x, 3.0),
        (lambda: [Failure(3.0)], lambda each, x: each.value * x, 3.0),
        (lambda: [FromOne([3.0, 4.0])], lambda items, x: items[1] * items[2] * x, 12.0),
        (lambda: [Noted([3.0])], note, 3.0),
        (lambda: [time.gmtime(0)], lambda when, x: x * len(when.tm_zone) * when.tm_year, 3 * 1970.0),
        (lambda: [ReadOnly()], of_a_property, 3.0),
    ],
)
def test_what_a_class_says_is_not_run(make, function, slope):
    Positive.said.clear()
    expected = function(*make(), X)
    said = Positive.said[:]
    Positive.said.clear()
    given = make()
    finished = record(function, *given, X)
    assert Positive.said == said
    assert finished.result == expected
    assert finished.grads["x"] == slope
    json.dumps(
        [getattr(given[0], "note", 0.0), getattr(given[0], "value", 0.0), getattr(given[0], "w", 0.0)]
    )


@pytest.mark.parametrize("name", ["marked", "made"])
def test_a_tuple_of_another_class_stays_one(name):
    def function(x):
        held = globals()[name]
        kept[:] = [held, type(held)((held[0] * x, 1.0)) if name == "marked" else Made(x, 1.0)]
        kept[1].note = held.note
        return held[0] * x

    watched = trace(watch=(name,))(function)
    assert watched(X) == 6.0
    assert watched.last_trace[f"{name}{'[0]' if name == 'marked' else '.a'}"].grad == X
    assert [(type(each).__name__, each.note) for each in kept] == [
        (type(kept[0]).__name__, kept[0].note)
    ] * 2
    json.dumps(kept)


@pytest.mark.parametrize("to", [2, 3])
def test_a_key_that_hashes_otherwise_by_now_is_there_once(to):
    key, other = Key(), [1.0]
    table = {key: 2.0}

    def function(table, other, x):
        other[0] = x
        return rehash(table, key, x, to)

    finished = record(function, table, other, X)
    assert other == [X]
    assert to == 3 or list(table.values()) == [6.0]
    key.number = 1
    assert finished.grads["x"] == 5.0


def test_an_object_and_its_attributes_are_the_same_inputs():
    @dataclass
    class Owner:
        v: float

    owner = Owner(3.0)
    finished = record(in_both, owner, vars(owner), X)
    assert (finished.result, finished.grads["x"]) == (12.0, 12.0)
    assert vars(owner) == {"v": 6.0}


def test_a_result_that_has_no_answer_for_a_field_comes_out():
    assert_untouched(lambda x: Lazy(x).value, X)
    assert record(lambda x: Lazy(x * 3.0), X).outputs


class WithRate:
    __slots__ = ()

    def with_rate(self, rate):
        self.rate, self.name = rate, "own"
        return self


class OwnDict(WithRate, dict):
    pass


class OwnList(WithRate, list):
    __slots__ = ("name", "rate")


class AroundDict(WithRate, UserDict):
    pass


class AroundList(WithRate, UserList):
    pass


class AroundDicts(WithRate, ChainMap):
    pass


BESIDE = {  # what holds numbers and has an attribute, too; its gradient without that
    "a dict": (OwnDict(w=2.0), "w", {"w": 12.0}),
    "slots": (OwnList([2.0]), 0, [12.0]),
    "around a dict": (AroundDict(w=2.0), "w", {"data": {"w": 12.0}}),
    "around a list": (AroundList([2.0]), 0, {"data": [12.0]}),
    "around dicts": (AroundDicts({"w": 2.0}), "w", {"maps": [{"w": 12.0}]}),
}


@pytest.mark.parametrize(("given", "key", "wanted"), BESIDE.values(), ids=BESIDE)
def test_an_attribute_beside_what_is_held_is_an_input(given, key, wanted, tmp_path):
    given.with_rate([3.0])
    finished = record(lambda p: p[key] * p[key] * p.rate[0], given)
    got = finished.grads["p"]
    if isinstance(given, (dict, list)):
        assert (got, got.rate, got.name) == (wanted, [4.0], None)
    else:
        assert got == {**wanted, "rate": [4.0], "name": None}
    assert finished["p.rate[0]"].grad == 4.0
    assert (type(given.rate[0]), given.rate, given.name) == (float, [3.0], "own")
    finished.save(tmp_path / "t.trace")
    assert load(tmp_path / "t.trace")["p.rate[0]"].grad == 4.0
