"""Functions of `math` and builtins that a program keeps in containers, defaults, classes and objects."""

from __future__ import annotations

import enum
import functools
import importlib
import math
import operator
import pickle
import sys
import types
import warnings
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pytest

from tracer import patches, record, stored, trace
from tracer.errors import CutWarning
from tracer.exact import Loose
from tracer.type_of import MOST_FUNCTIONS

TABLE = {"tanh": math.tanh, "deep": {"er": [("tanh", math.tanh, 1)]}}
LAYERS = [math.tanh, (math.exp, math.tanh)]
PAIR = (math.exp, math.tanh)


class Named(NamedTuple):
    function: object
    rate: float


NAMED = Named(math.tanh, 0.1)
ORDERED = OrderedDict(a=math.tanh)
MADE = defaultdict(list, a=[math.tanh])
HALF = functools.partial(math.pow, 0.5)
SQUARED = functools.partial(math.pow, 2.0)
APPLIED = functools.partial(lambda f, x: f(x), math.tanh)
CONFIG = types.SimpleNamespace(activation=math.tanh)
DERIVATIVE = {math.sin: math.cos, math.tanh: lambda x: 1 - math.tanh(x) ** 2}
SMOOTH = {math.sin, math.tanh}


class Activation(enum.Enum):
    TANH = Named(math.tanh, 0.1)


class Base:
    inherited = math.tanh


class Layer(Base):
    activation = staticmethod(math.tanh)
    plain = math.tanh  # written in C: no method
    several = (math.exp, math.tanh)

    def __init__(self):
        self.kept = math.tanh
        self.inner = [types.SimpleNamespace(functions={"tanh": math.tanh})]

    def forward(self, x, activation=math.tanh):
        return activation(x)

    def by_attribute(self, x):
        return self.kept(x)

    @classmethod
    def by_class(cls, x, activation=math.tanh):
        return activation(x)

    @property
    def chosen(self, activation=math.tanh):  # noqa: PLR0206  (its default is what is tested)
        return activation

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, x, activation=math.tanh):
        self._rate = activation(x)

    def __call__(self, x):
        return self.inner[0].functions["tanh"](x)


class Slotted:
    __slots__ = ("kept",)

    def __init__(self):
        self.kept = math.tanh


@dataclass
class Setting:
    activation: object = math.tanh
    more: list = field(default_factory=lambda: [math.tanh])


LAYER, SLOTTED, SETTING = Layer(), Slotted(), Setting()


def by_default(x, activation=math.tanh):
    return activation(x)


def by_keyword(x, *, activation=math.tanh):
    return activation(x)


def by_default_in_a_tuple(x, activations=(math.exp, math.tanh)):
    return activations[1](x)


def with_attribute(x):
    return with_attribute.activation(x)


with_attribute.activation = math.tanh


@functools.lru_cache
def cached(x, activation=math.tanh):
    return activation(x)


decorated = trace(by_default)
VECTORIZED = np.vectorize(math.tanh)
VECTORIZED_HELPER = np.vectorize(lambda x, activation=math.tanh: activation(x))
helpers = types.ModuleType("helpers_of_test_stored")
exec(  # noqa: S102  (a module of the user's, in another file)
    compile(
        "import math, sys\nTABLE = [math.tanh]\ndef f(x, g=math.tanh):\n    return g(x)\ndef h(x):\n    return TABLE[0](x)\n"
        "def by_import(x):\n    import helpers_of_test_stored as own\n    return own.h(x)\n"
        "def by_name(x):\n    return sys.modules[__name__].h(x)\n"
        "def by_attribute(x, given):\n    return given.h(x)\n",
        "helpers_of_test_stored.py",
        "exec",
    ),
    vars(helpers),
)
sys.modules[helpers.__name__] = helpers
package = types.ModuleType("package_of_test_stored")
package.inner = types.ModuleType("package_of_test_stored.inner")
package.inner.helpers, package.inner.package = helpers, package


def in_a_closure():
    functions = {"tanh": math.tanh}
    pair = (math.exp, math.tanh)
    return lambda x: functions["tanh"](x) * 0.5 + pair[1](x) * 0.5


SLOPE = 1 - math.tanh(0.3) ** 2
KEPT = {
    "dict": lambda x: TABLE["tanh"](x),
    "nested": lambda x: TABLE["deep"]["er"][0][1](x),
    "list": lambda x: LAYERS[0](x),
    "tuple in a list": lambda x: LAYERS[1][1](x),
    "tuple": lambda x: PAIR[1](x),
    "namedtuple": lambda x: NAMED.function(x),
    "ordered dict": lambda x: ORDERED["a"](x),
    "defaultdict": lambda x: MADE["a"][0](x),
    "argument of a partial": lambda x: APPLIED(x),
    "namespace": lambda x: CONFIG.activation(x),
    "enum": lambda x: Activation.TANH.value.function(x),
    "static method": lambda x: Layer.activation(x),
    "class attribute": lambda x: LAYER.plain(x),
    "class attribute by the class": lambda x: Layer.plain(x),
    "inherited": lambda x: LAYER.inherited(x),
    "tuple in a class": lambda x: LAYER.several[1](x),
    "attribute": lambda x: LAYER.kept(x),
    "default of a method": lambda x: LAYER.forward(x),
    "default of a class method": lambda x: Layer.by_class(x),
    "default of a property": lambda x: LAYER.chosen(x),
    "default of a setter": lambda x: [made := Layer(), setattr(made, "rate", x), made.rate][2],
    "called object": lambda x: LAYER(x),
    "slot": lambda x: SLOTTED.kept(x),
    "dataclass": lambda x: SETTING.activation(x),
    "list in a dataclass": lambda x: SETTING.more[0](x),
    "default of a field": lambda x: Setting().activation(x),
    "default": lambda x: by_default(x),
    "keyword default": lambda x: by_keyword(x),
    "default in a tuple": lambda x: by_default_in_a_tuple(x),
    "attribute of a function": with_attribute,
    "beneath a cache": lambda x: cached(x),
    "vectorized": lambda x: VECTORIZED(x)[()],
    "default of what is vectorized": lambda x: VECTORIZED_HELPER(x)[()],
    "beneath @trace": lambda x: decorated(x),
    "another module": lambda x: helpers.f(x),
    "another module's table": lambda x: helpers.h(x),
    "its own module, imported": lambda x: helpers.by_import(x),
    "its own module, by name": lambda x: helpers.by_name(x),
    "module in a package": lambda x: package.inner.helpers.f(x),
    "closure": in_a_closure(),
    "bound method": LAYER.by_attribute,
    "object": LAYER,
    "argument's attribute": lambda x, layer=LAYER: layer.kept(x),
    "argument's slot": lambda x, holder=SLOTTED: holder.kept(x),
    "map": lambda x: sum(map(TABLE["tanh"], [x])),
    "inner function": lambda x: (lambda y: TABLE["tanh"](y))(x),
    "keyed by a function": lambda x: math.sqrt(DERIVATIVE[math.tanh](x)) * 2 / math.sqrt(DERIVATIVE[math.tanh](0.3)) * 0.0
    + (TABLE["tanh"](x) if math.tanh in DERIVATIVE and math.tanh in SMOOTH and math.cos not in SMOOTH else 0.0),
}  # fmt: skip


def everything():
    return (
        repr((TABLE, LAYERS, PAIR, NAMED, ORDERED, MADE, HALF, APPLIED, CONFIG, DERIVATIVE, Activation.TANH)),
        repr((vars(LAYER), SETTING, SLOTTED.kept, by_default.__defaults__, by_keyword.__kwdefaults__)),
        repr({name: value for name, value in vars(Layer).items() if "activation" in name or name in ("plain", "several")}),
        repr((by_default_in_a_tuple.__defaults__, vars(helpers)["TABLE"], helpers.f.__defaults__, with_attribute.activation)),
        list(DERIVATIVE) == [math.sin, math.tanh] and {math.sin, math.tanh} == SMOOTH,
    )  # fmt: skip


@pytest.mark.parametrize("function", KEPT.values(), ids=KEPT)
def test_a_function_is_followed_wherever_it_is_kept(function):
    before = everything()
    cached.cache_clear()
    finished = record(function, 0.3)
    assert finished.grads["x"] == pytest.approx(SLOPE, rel=1e-12)
    assert everything() == before
    with pytest.raises((TypeError, AttributeError)):
        record(function, "text")
    assert everything() == before


def test_partials_operators_and_what_python_does_itself():
    for function, slope in (
        (lambda x: HALF(x), math.log(0.5) * 0.5**0.3),
        (lambda x: SQUARED(x), math.log(2) * 2**0.3),
        (lambda x: operator.mul(x, x), 0.6),
        (lambda x: functools.reduce(operator.mul, [x, x, x]), 3 * 0.3**2),
        (lambda x: functools.reduce(math.pow, [x, 2]), 0.6),
        (lambda x: next(map(math.exp, [x])), math.exp(0.3)),
        (lambda x: sorted([x, 0.1], key=math.sin)[1] * 2, 2.0),
        (lambda x: max([x, 0.1], key=math.cos) * 2, 0.0),
    ):
        assert record(function, 0.3).grads["x"] == pytest.approx(slope, rel=1e-12)


def test_what_the_program_puts_there_stays():
    table = {"f": math.tanh, "g": math.exp}

    def function(x):
        table["f"] = abs
        del table["g"]
        return table["f"](x)

    assert record(function, 0.3).grads["x"] == 1.0
    assert table == {"f": abs}


PICKLED = pickle.dumps(math.tanh)


def test_a_kept_function_is_pickled_and_compared_as_without_a_trace():
    def function(x):
        assert pickle.dumps(TABLE["tanh"]) == PICKLED
        assert TABLE["tanh"] is math.tanh is LAYER.plain
        assert math.tanh in LAYERS
        assert LAYERS.index(math.tanh) == 0
        return x

    assert record(function, 0.3).grads["x"] == 1.0


LONG = [math.tanh] * 1000
LIBRARYS = types.MappingProxyType({math.tanh: 1})


@pytest.mark.parametrize("function", [lambda x: LONG[7](x), lambda x: next(iter(LIBRARYS))(x)])
def test_where_a_function_is_not_found_a_cut_says_so(function):
    with pytest.warns(CutWarning, match=r"left the graph through float\(\); at test_stored.py:\d+"):
        finished = record(function, 0.3)
    assert finished.result == math.tanh(0.3)
    assert finished.grads["x"] == 0.0
    assert [node.kind for node in finished.nodes] == ["input", "cut", "output"]


def test_no_more_than_so_many_objects_are_looked_at():
    data = [[[float(each)] for each in range(150)] for _ in range(150)]

    def function(x):
        return data[0][0][0] * x

    looked = []
    stored.search((function,), lambda value: looked.append(value) or value, Loose({}))
    assert 1000 < len(looked) < stored._MOST + 200
    assert record(function, 1.0).grads["x"] == 0.0


def test_an_attribute_is_no_function_of_the_module_that_is_called_so():
    looked = []
    stored.search((helpers.by_attribute,), lambda value: looked.append(value) or value, Loose({}))
    assert helpers.h not in looked
    stored.search((helpers.by_import,), lambda value: looked.append(value) or value, Loose({}))
    assert helpers.h in looked


def test_what_functions_read_is_kept_for_more_of_them_than_a_search_looks_at():
    assert {each.cache_info().maxsize for each in (stored._read_by, stored._names_of)} == {MOST_FUNCTIONS}
    assert MOST_FUNCTIONS > stored._MOST


class Loud(type):
    __module__ = property(lambda _: 1 / 0)
    __dict__ = property(lambda _: 1 / 0)
    __mro__ = property(lambda _: 1 / 0)


class Proxy:
    """Bound to nothing: whatever is asked of it raises, as of a context-local of a web framework."""

    __slots__ = ("__dict__", "kept")
    __class__ = property(lambda _: 1 / 0)
    __getattribute__ = __len__ = __iter__ = __hash__ = lambda *_: 1 / 0


def loud(kind):
    return type(
        f"Loud{kind.__name__}", (kind,), dict.fromkeys(("items", "__len__", "__iter__"), lambda *_: 1 / 0)
    )


RAISING = {
    "proxy": Proxy(),
    "metaclass": Loud("Made", (), {"a": math.tanh}),
    "dict": loud(dict)(a=math.tanh),
    "list": loud(list)([math.tanh]),
    "tuple": loud(tuple)([math.tanh]),
    "attributes": type("Held", (), {"__dict__": property(lambda _: 1 / 0)})(),
    "module": type("Lazy", (types.ModuleType,), {"__getattribute__": lambda *_: 1 / 0})("lazy"),
}


@pytest.mark.parametrize("name", RAISING)  # pytest itself would ask the objects
def test_the_search_runs_no_code_of_the_users(name):
    held = RAISING[name]

    def function(x):
        return math.tanh(x) if held is not None else x

    assert record(function, 0.3).grads["x"] == pytest.approx(SLOPE, rel=1e-12)
    assert list(stored._items(held)) is not None  # not only caught


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("scipy_calls.methods", "install"),
        ("lists", "exchange"),
        ("warned", "redirect"),
        ("stored", "search"),
        ("patches._installation", "_replace"),
    ],
)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_after_an_error_while_functions_are_replaced_all_are_put_back(monkeypatch, module, name, error):
    if module.startswith("scipy"):
        pytest.importorskip("scipy")  # followed where a program has imported it
    room, _, inner = module.partition(".")
    owner = importlib.import_module(f"tracer.{room}")
    owner = getattr(owner, inner) if inner else owner
    plain, failing = getattr(owner, name), [True]

    def fails(*args, **options):
        answer = plain(*args, **options)
        if failing:
            failing.clear()
            raise error
        return answer

    before, shown = everything(), warnings._showwarnmsg
    monkeypatch.setattr(owner, name, fails)
    with pytest.raises(error):
        record(lambda x: TABLE["tanh"](x), 0.3)
    assert everything() == before
    assert (patches._installation._traces, warnings._showwarnmsg) == (0, shown)
    assert all(isinstance(each, types.BuiltinFunctionType) for each in (math.tanh, math.exp, sum, np.array))
    assert record(lambda x: TABLE["tanh"](x), 0.3).grads["x"] == pytest.approx(SLOPE, rel=1e-12)
    assert everything() == before
