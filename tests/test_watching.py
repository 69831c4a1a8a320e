"""State that is no argument: objects, slots, classes, aliases. Every way to it is the same input, and is restored."""

from __future__ import annotations

import collections
import copy
import enum
import functools
import math
import types
import warnings
from dataclasses import dataclass, field

import numpy as np
import pytest
from checks import same

from tracer import load, record, trace, watch
from tracer.errors import CutWarning, LookupNameError, UnsupportedError
from tracer.run import Options, run


def array(*numbers):
    return np.array(numbers)


class Base:
    scale = 1.5  # a weight that all share
    sizes = (2, 2)

    def __init__(self):
        self.W = array(0.5, -1.0)

    def forward(self, x):
        return math.tanh(np.sum(self.W * x) * self.scale)


class Layer(Base):
    def __init__(self, bias):
        super().__init__()
        self.bias = bias
        self.count = 3
        self.name = "layer"

    def forward(self, x):
        return super().forward(x) * self.count + self.bias


class Slotted:
    __slots__ = ("__hidden", "unset", "w")

    def __init__(self):
        self.w = 0.7
        self.__hidden = array(2.0, 3.0)

    def forward(self, x):
        return self.w * x + self.__hidden[1]


@dataclass(frozen=True)
class Frozen:
    rate: float = 0.3
    table: dict = field(default_factory=lambda: {"a": array(1.0, 2.0), "n": 2})
    pair: tuple = (1.5, array(4.0))


class Guarded:
    """Its attribute is behind a property, and nothing may be set."""

    def __init__(self):
        object.__setattr__(self, "_w", 0.9)

    @property
    def w(self):
        return self._w

    @property
    def computed(self):
        return self._w * 2

    def __setattr__(self, name, value):
        raise AttributeError(name)


class Mode(enum.Enum):
    FAST = 2.5


class Model:
    def __init__(self):
        self.layers = [Layer(0.1), Layer(0.2)]
        self.slotted, self.frozen, self.guarded = Slotted(), Frozen(), Guarded()
        self.shared = self.layers[0].W  # the same array, and the same object, by other ways
        self.first = self.layers[0]
        self.layers[1].parent = self
        self.mode = Mode.FAST

    def forward(self, x):
        y = self.layers[0].forward(x) + self.layers[1].forward(x) * self.mode.value
        y = y + self.slotted.forward(x) * self.guarded.w + np.sum(self.shared) ** 2 * x
        table = self.frozen.table
        y = (
            y * self.frozen.rate
            + np.sum(table["a"]) * table["n"]
            + self.frozen.pair[0] * self.frozen.pair[1][0] * x
        )
        return y + self.first.bias * self.layers[1].parent.slotted.w


model = Model()
PATHS = [
    "model.layers[0].W", "model.layers[0].bias", "model.layers[0].scale", "model.layers[1].W",
    "model.layers[1].bias", "model.slotted._Slotted__hidden", "model.slotted.w", "model.frozen.rate",
    "model.frozen.table['a']", "model.frozen.pair[0]", "model.frozen.pair[1]", "model.guarded._w",
]  # fmt: skip


def whole(x):
    return model.forward(x)


def numbers(value):
    """Every float behind an object, by its path, read past our own code."""
    found, pending, seen = {}, [("model", value)], set()
    while pending:
        path, item = pending.pop(0)
        if isinstance(item, float) or type(item) is np.ndarray:
            found[path] = item
            continue
        if id(item) in seen or isinstance(item, enum.Enum):
            continue
        seen.add(id(item))
        if isinstance(item, dict):
            pending[:0] = [(f"{path}[{key!r}]", each) for key, each in item.items()]
        elif isinstance(item, (list, tuple)):
            pending[:0] = [(f"{path}[{at}]", each) for at, each in enumerate(item)]
        elif type(item).__module__ == __name__:
            names = getattr(item, "__dict__", None) or ["_Slotted__hidden", "w"]
            pending[:0] = [(f"{path}.{name}", getattr(item, name)) for name in names]
            if isinstance(item, Base):
                pending += [(f"{path}.scale", Base.scale)]
    return found


def set_at(root, path, value):
    """Set one number of a copy, also a frozen one."""
    owner, steps = path.removeprefix("model"), []
    while owner:
        head = owner[1:].split("]")[0] if owner[0] == "[" else owner[1:].split(".")[0].split("[")[0]
        steps.append(("item", eval(head)) if owner[0] == "[" else ("attribute", head))  # noqa: S307  (our own paths)
        owner = owner[len(head) + (2 if owner[0] == "[" else 1) :]
    holders = [root]
    for kind, key in steps[:-1]:
        holders.append(holders[-1][key] if kind == "item" else getattr(holders[-1], key))
    kind, key = steps[-1]
    if isinstance(holders[-1], tuple):
        items = list(holders[-1])
        items[key] = value
        object.__setattr__(holders[-2], steps[-2][1], tuple(items))
    elif kind == "item":
        holders[-1][key] = value
    else:
        object.__setattr__(holders[-1], key, value)


def test_every_number_that_an_object_holds_is_an_input():
    before = numbers(model)
    finished = trace(watch=("model",))(whole)
    plain = whole(0.4)
    assert same(finished(0.4), plain)
    assert [node.name for node in finished.last_trace.inputs] == ["x", *sorted(PATHS, key=lambda path: [
        node.name for node in finished.last_trace.inputs].index(path))]  # fmt: skip
    after = numbers(model)
    assert after.keys() == before.keys()
    assert all(after[path] is before[path] for path in before)
    grads = finished.last_trace.grads["model"]
    assert grads["layers"][0]["W"].shape == (2,)
    assert grads["frozen"]["pair"][1].shape == (1,)
    assert "count" not in grads["layers"][0]


@pytest.mark.parametrize("path", [path for path in PATHS if not path.endswith("scale")])
def test_gradients_of_an_object_match_differences(path):
    global model
    finished = trace(watch=("model",))(whole)
    finished(0.4)
    gradient = finished.last_trace[path].grad
    start = np.array(finished.last_trace[path].value)
    original = model
    try:
        for index in np.ndindex(start.shape):
            values = []
            for step in (1e-6, -1e-6):
                model = copy.deepcopy(original)
                moved = start.copy()
                moved[index] += step
                if type(finished.last_trace[path].value) is np.ndarray:
                    numbers(model)[path][...] = moved
                else:
                    set_at(model, path, float(moved))
                values.append(whole(0.4))
            slope = (values[0] - values[1]) / 2e-6
            np.testing.assert_allclose(np.asarray(gradient)[index], slope, rtol=1e-6, atol=1e-8)
    finally:
        model = original


def test_a_weight_of_a_class_is_one_input_for_all():
    finished = trace(watch=("model",))(whole)
    finished(0.4)
    values = []
    for scale in (1.5 + 1e-6, 1.5 - 1e-6):
        Base.scale = scale
        values.append(whole(0.4))
    Base.scale = 1.5
    slope = (values[0] - values[1]) / 2e-6
    np.testing.assert_allclose(finished.last_trace["model.layers[0].scale"].grad, slope, rtol=1e-7)
    assert "scale" not in vars(model.layers[0])


def test_an_object_is_kept_in_a_trace_file(tmp_path):
    finished = trace(watch=("model",))(whole)
    finished(0.4)
    finished.last_trace.save(tmp_path / "t.trace")
    assert same(load(tmp_path / "t.trace").grads, finished.last_trace.grads)


class Optimiser(Base):
    def __init__(self):
        super().__init__()
        self.b = 1.0
        self.history = []

    @trace(watch=("self.W", "self.b", "self.history"))
    def step(self, x):
        loss = np.sum(self.W * x) + self.b * x
        self.W = self.W - 0.1 * self.W
        self.b -= 0.5
        self.scale = self.b * 2
        self.history.append(loss)
        self.last = {"loss": loss}
        return loss

    @trace(watch=("self",))
    def in_place(self, x):
        loss = np.sum(self.W * x) + self.b * x
        self.W -= 0.1 * loss
        self.W[0] = x
        return loss

    @trace(watch=("self",))
    def fails(self, x):
        self.b = self.b * x
        self.W *= self.b
        del self.history
        raise KeyError(x)


@pytest.mark.parametrize("method", ["step", "in_place", "fails"])
def test_a_method_leaves_its_object_as_the_plain_one_does(method):
    traced, plain = Optimiser(), Optimiser()
    memory = traced.W
    outcomes = []
    for each, function in (
        (traced, getattr(Optimiser, method)),
        (plain, getattr(Optimiser, method).__wrapped__),
    ):
        try:
            outcomes.append(function(each, 2.0))
        except KeyError as error:
            outcomes.append(str(error))
    assert same(*outcomes)
    assert same(vars(traced), vars(plain))
    assert (traced.W is memory) == (method != "step")
    assert type(Base.scale) is float
    finished = getattr(Optimiser, method).last_trace
    if method != "fails":
        grads = finished.grads
        assert grads["self.W" if method == "step" else "self"] is not None
        assert finished["self.W"].grad.tolist() == [2.0, 2.0]
        assert finished.input_rows  # self itself is no input


def test_a_bound_method_and_a_class_method():
    bound = Optimiser()
    finished, error = run(bound.in_place, (3.0,), {}, Options(watch=("self.W", "self.b")))
    assert error is None
    assert same(finished.grads, {"x": 0.5, "self.W": array(3.0, 3.0), "self.b": 3.0})

    class Holder:
        w = 2.0

        @classmethod
        def value(cls, x):
            return cls.w * x

    assert run(Holder.value, (3.0,), {}, Options(watch=("cls.w",)))[0].grads == {"x": 2.0, "cls.w": 3.0}
    assert type(Holder.w) is float


class Called:
    def __init__(self):
        self.w, self.recent = 2.0, collections.deque([3.0])

    def __call__(self, x):
        return self.w * x * self.recent[0]


called = Called()
module = types.ModuleType("module_of_a_test")
module.W, module.rate, module.name, module.phase = array(1.0, 2.0), 3.0, "text", 1 + 2j


@pytest.mark.parametrize(
    ("function", "names", "grads"),
    [
        (called, ("self",), {"x": 6.0, "self": {"w": 6.0, "recent": [4.0]}}),
        (called, ("self.recent[0]",), {"x": 6.0, "self.recent[0]": 4.0}),
        (functools.partial(lambda k, x: k * called(x), 1), ("called.w",), {"x": 6.0, "called.w": 6.0}),
        (functools.wraps(whole)(lambda x: called(x)), ("called.w",), {"x": 6.0, "called.w": 6.0}),
        (
            lambda x: x * module.rate + module.W[1],
            ("module",),
            {"x": 3.0, "module": {"W": array(0, 1.0), "rate": 2.0, "phase": 0j}},
        ),
        (lambda x: (module.phase * x).imag, ("module.phase",), {"x": 2.0, "module.phase": -2j}),
        (lambda x: x * Base.scale, ("Base",), {"x": 1.5, "Base": {"scale": 2.0}}),
    ],
)
def test_what_is_called_and_what_holds_the_numbers(function, names, grads):
    finished, error = run(function, (2.0,), {}, Options(watch=names))
    assert error is None
    assert same(finished.grads, grads)
    assert (type(called.w), type(called.recent[0]), type(module.rate), type(Base.scale)) == (float,) * 4


def test_an_object_that_is_an_argument():
    def function(layer, x):
        return layer.forward(x)

    traced = trace(watch=("layer",))(function)
    layer = Layer(0.5)
    traced(layer, 0.3)
    assert traced.last_trace.grads["layer"].keys() == {"W", "bias", "scale"}
    assert traced.last_trace.grads["layer"]["bias"] == 1.0
    assert record(function, layer, 0.3).grads["layer"] is None


class Silent(list):
    """Says of itself that it is empty."""

    def __len__(self):
        return 0

    def __iter__(self):
        return iter(())


def test_what_a_container_holds_is_read_past_its_class_and_in_its_own_order():
    table, silent = collections.OrderedDict(a=2.0, b=3.0), Silent([1.0, 5.0])
    table.move_to_end("a")

    @trace(watch=("table", "silent"))
    def function(x):
        return table["a"] * x + table["b"] * x**2 + silent[1] * x

    assert function(2.0) == 26.0
    assert function.last_trace.grads == {"x": 19.0, "table": {"b": 4.0, "a": 2.0}, "silent": [0.0, 2.0]}
    assert list(map(type, (*table.values(), silent[0], silent[1]))) == [float] * 4


def test_what_is_watched_twice_or_an_argument_already_is_one_input():
    traced = trace(watch=("model", "model.slotted.w", "x"))(whole)
    traced(0.4)
    grads = traced.last_trace.grads
    assert grads["model.slotted.w"] == grads["model"]["slotted"]["w"]
    assert list(grads) == ["x", "model", "model.slotted.w"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("model.guarded.w", "model.guarded.w"),
        ("model.layers[1].W", "model.layers[1].W"),
        ("model.frozen.table['a']", "model.frozen.table['a']"),
        ("model.layers[-1].bias", "model.layers[-1].bias"),
        ("Base.scale", "Base.scale"),
        ("model.layers[0].scale", "model.layers[0].scale"),
    ],
)
def test_a_path_to_one_number(name, path):
    before = numbers(model)
    traced = trace(watch=(name,))(whole)
    assert traced(0.4) == whole(0.4)
    assert np.any(traced.last_trace[path].grad != 0.0)
    assert all(numbers(model)[each] is before[each] for each in before)
    assert "scale" not in vars(model.layers[0])


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        (
            "model.guarded.computed",
            UnsupportedError,
            "model.guarded.computed can't be watched; it is computed",
        ),
        (
            "model.layers[7]",
            LookupNameError,
            r"model.layers\[7\] can't be watched; model.layers is a list without",
        ),
        ("model.slotted.unset", LookupNameError, "a Slotted that is watched has no attribute 'unset'"),
        ("1 + 1", LookupNameError, "'1 \\+ 1' can't be watched; name a variable, an attribute or an item"),
        ("model..W", LookupNameError, "'model..W' can't be watched"),
        ("model.layers[i]", LookupNameError, "can't be watched"),
    ],
)
def test_what_can_not_be_watched(name, error, text):
    before = numbers(model)
    with pytest.raises(error, match=text):
        trace(watch=("model.layers", name))(whole)(1.0)
    assert all(numbers(model)[each] is before[each] for each in before)


def test_watch_of_an_object_inside_a_function():
    layer = Layer(0.25)

    def function(x):
        assert watch(layer, "layer") is layer
        assert watch(layer, "layer") is layer
        return layer.forward(x)

    finished = record(function, 0.3)
    assert finished["layer.bias"].grad == 1.0
    assert finished["layer.W"].grad.shape == (2,)
    assert type(layer.bias) is float
    assert watch(layer, "layer") is layer


def test_a_generator_that_is_left_unfinished():
    layer = Layer(0.25)

    def steps(x):
        while True:
            x = layer.forward(x)
            yield x

    def function(x):
        source = steps(x)
        return next(source) + next(source) + layer.bias

    traced = trace(watch=("layer",))(function)
    assert traced(0.3) == function(0.3)
    gradient = traced.last_trace.grads["layer"]["bias"]
    assert type(layer.bias) is float
    values = []
    for step in (1e-6, -1e-6):
        layer.bias = 0.25 + step
        values.append(function(0.3))
    np.testing.assert_allclose(gradient, (values[0] - values[1]) / 2e-6, rtol=1e-7)


def test_nested_traces_restore_each_its_own():
    layer, other = Layer(0.25), Layer(0.5)

    def inner(x):
        return other.forward(x)

    def outer(x):
        finished, error = run(inner, (0.3,), {}, Options(watch=("other",)))
        assert error is None
        assert type(other.bias) is float
        return layer.forward(x) * finished.grads["other"]["bias"]

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", CutWarning
        )  # the class they share has one weight, which the outer watches
        traced = trace(watch=("layer.bias",))(outer)
        traced(0.3)
    assert traced.last_trace.grads["layer.bias"] == 1.0
    assert type(layer.bias) is float
