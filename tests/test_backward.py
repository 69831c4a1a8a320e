"""Which output, which seed, what is kept; and numbers that are changed in place do not corrupt a gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched, same
from invariants import assert_invariants

import tracer.backward
from tracer import record, trace
from tracer.errors import GradientError, LookupNameError


def several(x, y):
    loss = x * y
    aux = {"sum": x + y, "parts": (x * x, [y * 3])}
    return loss, aux


@pytest.mark.parametrize(
    ("of", "grads"),
    [
        (0, {"x": 3.0, "y": 2.0}),
        ("loss", {"x": 3.0, "y": 2.0}),
        ("[0]", {"x": 3.0, "y": 2.0}),
        ("[1]['sum']", {"x": 1.0, "y": 1.0}),
        ("[1]['parts'][0]", {"x": 4.0, "y": 0.0}),
        ("[1]['parts'][1][0]", {"x": 0.0, "y": 3.0}),
    ],
)
def test_of_chooses_an_output(of, grads):
    finished = record(several, 2.0, 3.0)
    assert finished.backward(of=of).grads == grads
    traced = trace(of=of)(several)
    traced(2.0, 3.0)
    assert traced.last_trace.grads == grads
    assert record(traced, 2.0, 3.0).grads == grads


def test_of_takes_the_key_of_a_dict_the_field_of_a_tuple_and_an_inputs_name():
    from collections import namedtuple

    Result = namedtuple("Result", "loss accuracy")  # noqa: PYI024
    assert record(lambda x: {"loss": x * 2, "n": 3.0}, 1.0).backward(of="loss").grads == {"x": 2.0}
    assert record(lambda x: Result(x * 2, x * 5), 1.0).backward(of="accuracy").grads == {"x": 5.0}
    assert record(lambda x, y: (x, y * 2), 1.0, 1.0).backward(of="x").grads == {"x": 1.0, "y": 0.0}


def test_a_new_backward_adds_nothing_to_the_first():
    finished = record(several, 2.0, 3.0).backward(of="loss")
    first = [edge.grad for edge in finished.edges]
    other = finished.backward(of="[1]['sum']", seed=5.0)
    assert other.grads == {"x": 5.0, "y": 5.0}
    assert [edge.grad for edge in finished.edges] == first
    assert finished.backward().grads == finished.grads == {"x": 3.0, "y": 2.0}
    assert finished.output.name == "[0]"


def test_without_a_choice_the_error_names_the_outputs():
    finished = record(several, 2.0, 3.0)
    with pytest.raises(GradientError) as caught:
        _ = finished.grads
    assert str(caught.value).startswith(
        "several returned several values; got 4 outputs: [0] = loss, [1]['sum'], [1]['parts'][0], "
        "[1]['parts'][1][0]; choose one: @trace(of=…), "
    )
    with pytest.raises(
        LookupNameError,
        match=r"several has no output 'nothing'; choose from \[0\] = loss, \[1\]\['sum'\], ",
    ):
        _ = finished.backward(of="nothing").grads
    assert len(finished.nodes) == 12


def test_of_several_outputs_the_only_traced_one_is_taken():
    assert record(lambda x: (x * 2, 7.0, "text"), 1.0).grads == {"x": 2.0}


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (
            lambda x: None,
            "<lambda> returned nothing that has a gradient; got None, expected a float, an array",
        ),
        (lambda x: "a", "<lambda> returned nothing that has a gradient; got str"),
        (lambda x: x > 1, "<lambda> returned nothing that has a gradient; got bool"),
        (lambda x: [], "<lambda> returned nothing that has a gradient; got list without a float in it"),
    ],
)
def test_a_result_without_a_gradient(function, text):
    with pytest.raises(GradientError) as caught:
        _ = record(function, 2.0).grads
    assert str(caught.value).startswith(text)


def test_an_output_that_no_input_reaches_has_zero_gradients():
    finished = record(lambda x, a: 5.0, 2.0, np.ones(2, np.float32))
    assert same(finished.grads, {"x": 0.0, "a": np.zeros(2, np.float32)})


def vector(x, a):
    return x * a


def test_an_array_needs_a_seed():
    finished = record(vector, 2.0, np.array([1.0, 3.0]))
    with pytest.raises(
        GradientError, match=r"output of vector is an array, so .*shape \(2,\); .*np\.ones\(\(2,\)\)"
    ):
        _ = finished.grads
    seeded = finished.backward(seed=[1.0, 10.0])
    assert seeded.grads["x"] == 31.0
    assert seeded.grads["a"].tolist() == [2.0, 20.0]
    assert seeded.output.grad.tolist() == [1.0, 10.0]
    with pytest.raises(GradientError, match=r"another shape than the output; got \(3,\), expected \(2,\)"):
        _ = finished.backward(seed=np.ones(3)).grads


def test_a_seed_is_taken_as_it_was():
    seed = np.array([1.0, 10.0])
    seeded = record(vector, 2.0, np.array([1.0, 3.0])).backward(seed=seed)
    seed[:] = 0
    assert seeded.grads["x"] == 31.0
    assert [edge.grad.tolist() for edge in seeded.output.in_edges] == [[1.0, 10.0]]


def test_values_that_are_handed_out_are_read_only():
    weights = np.array([2.0, 5.0])
    finished = record(lambda x: ((a := x * weights) * a).sum(), np.array([1.0, 3.0]))
    product = finished["a"]
    for value in (product.value, finished["x"].value, product.uses[0].value, product.operands[1]):
        with pytest.raises(ValueError, match="read-only"):
            value[:] = 0
    assert finished.grads["x"].tolist() == [8.0, 150.0]


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_an_array_of_one_number_needs_no_seed(shape):
    assert record(lambda a: a * 3, np.ones(shape, np.float32)).grads["a"] == np.full(shape, 3, np.float32)


def test_a_scalar_takes_a_seed():
    assert record(lambda x: x * 3, 1.0).backward(seed=2).grads == {"x": 6.0}
    assert record(lambda x: x * 3, np.float32(1.0)).backward(seed=0.5).grads == {"x": np.float32(1.5)}


def test_gradients_are_the_callers_own():
    finished = record(lambda a: np.sum(a * a), np.array([1.0, 2.0]))
    finished.grads["a"][:] = 99
    assert finished.grads["a"].tolist() == [2.0, 4.0]
    assert [edge.grad.tolist() for edge in finished["a"].uses] == [[1.0, 2.0], [1.0, 2.0]]


# What is changed in place after its use


def test_inputs_outputs_and_constants_changed_after_the_call():
    a, constant = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def function(a, items):
        return [a * constant * items[0], np.sum(a * a * constant)]

    items = [np.array([5.0, 6.0])]
    traced = trace(of=1)(function)
    first, _ = traced(a, items)
    before = record(function, a.copy(), [items[0].copy()]).backward(of=1).grads
    a[:], constant[:], items[0][:], first[:] = 9, 9, 9, 9
    items.clear()
    assert same(traced.last_trace.grads, before)
    assert traced.last_trace.result[0] is first


def test_a_constant_changed_within_the_function():
    def function(x):
        weights = np.array([1.0, 2.0])
        index = np.array([0, 1])
        pair = [0, 1]
        a = x * weights
        weights[:] = 100.0
        b = a[index] * a[(index,)]
        index[:] = 0
        c = b[pair]
        pair[:] = [1, 1]
        mask = np.array([True, False])
        d = np.where(mask, c, 0.0)
        mask[:] = True
        return np.sum(d * weights)

    assert_untouched(function, 3.0)
    assert record(function, 3.0).grads["x"] == 2 * 3.0 * 100


def test_the_same_constant_before_and_after_a_change():
    def function(x):
        w = np.ones(2)
        total = np.sum(x * w)
        for step in range(3):
            w += step
            total = total + np.sum(x * w * w)
        w[:] = np.nan
        return total

    assert_untouched(function, 2.0)
    assert record(function, 2.0).grads["x"] == 2 + 2 + 2 * 4 + 2 * 16


def test_an_array_changed_in_place_keeps_its_old_values_on_the_tape():
    def function(a, x):
        before = a * a
        alias = a
        a += x
        a *= alias
        a -= 1
        a /= 2.0
        a **= 2
        return np.sum(before * a)

    a = np.array([1.0, 2.0])
    assert_untouched(function, a, 3.0)
    finished = record(function, a.copy(), 3.0)
    assert_invariants(finished)

    def plain(a, x):
        return np.sum(a * a * (((a + x) * (a + x) - 1) / 2.0) ** 2)

    expected = record(plain, a, 3.0).grads
    np.testing.assert_allclose(finished.grads["a"], expected["a"])
    np.testing.assert_allclose(finished.grads["x"], expected["x"])


def test_in_place_with_another_type_or_shape():
    def function(a, b):
        a += b
        a *= [1.0, 2.0]
        a -= b.sum()
        return a

    assert_untouched(function, np.ones((3, 2), np.float32), np.array([2.0, 3.0]))
    assert_untouched(function, np.ones(2), np.ones((3, 2)))
    assert_untouched(lambda a, m: a.__imatmul__(m), np.ones((2, 2)), np.full((2, 2), 3.0))
    finished = record(
        lambda a, b: np.sum(function(a, b)), np.ones((3, 2), np.float32), np.array([2.0, 3.0])
    )
    assert finished.grads["b"].tolist() == [3 - 6, 6 - 6]
    assert finished.grads["a"].dtype == np.float32


@pytest.mark.parametrize(
    "view",
    [
        lambda a: a[1:],
        lambda a: a[:, 0],
        lambda a: a.T,
        lambda a: a.reshape(-1),
        lambda a: a.ravel(),
        lambda a: np.transpose(a),
        lambda a: np.expand_dims(a, 0),
        lambda a: np.squeeze(a[:1]),
        lambda a: a[...],
        lambda a: a[None],
        lambda a: a.T[0].T,
        lambda a: next(iter(a)),
    ],
)
def test_a_write_through_a_view_or_under_one_is_followed(view):
    def through(x):
        a = x * 1.0
        part = view(a)
        part *= 3
        return np.sum(a * a)

    def under(x):
        a = x * 1.0
        part = view(a)
        a *= x
        return np.sum(part * part)

    for function in (through, under):
        assert_untouched(function, np.arange(1.0, 7.0).reshape(2, 3))
        assert_differentiates(function, np.arange(1.0, 7.0).reshape(2, 3))


@pytest.mark.parametrize(
    "copy",
    [
        lambda a: a[1:].copy(),
        lambda a: a.flatten(),
        lambda a: a[[0, 1]],
        lambda a: a * 1,
        lambda a: np.array(a),
        lambda a: a.astype(float),
        lambda a: np.concatenate([a, a]),
        lambda a: a[a > 0],
    ],
)
def test_a_write_into_a_copy_is_followed(copy):
    def function(a):
        part = copy(a)
        part += a.sum()
        a *= 2
        return np.sum(part) + np.sum(a)

    assert_untouched(function, np.ones((2, 3)))
    assert_invariants(record(function, np.ones((2, 3))))


@pytest.mark.parametrize(
    "same_array", [lambda a: a, np.asarray, lambda a: a.astype(float, copy=False), lambda a: a.real]
)
def test_another_name_of_the_same_array_sees_the_write(same_array):
    def function(a):
        other = same_array(a)
        a *= 3
        return np.sum(other)

    assert_untouched(function, np.ones(2))
    assert record(function, np.ones(2)).grads["a"].tolist() == [3.0, 3.0]


def test_a_splitter_sums_its_uses_from_the_last_to_the_first():
    def function(x, a):
        early = a * x
        late = np.sin(a) + a / 3
        return np.sum(early * early) + np.sum(late) + a[1] * x + np.exp(a).mean() * x

    generator = np.random.default_rng(5)
    finished = record(function, 0.3, generator.normal(size=7))
    for name in ("x", "a"):
        node = finished[name]
        uses = [edge.grad for edge in reversed(node.uses)]
        total = uses[0]
        for gradient in uses[1:]:
            total = total + gradient
        assert len(uses) > 2
        assert same(node.grad, total)
        assert same(finished.backward()[name].grad, total)


def test_the_uses_of_a_matrix_by_vectors_are_summed_last_and_in_one_product():
    generator = np.random.default_rng(5)
    vectors = generator.normal(size=(5, 4))

    def function(w):
        total = (w * 0.1).sum()
        for vector in vectors:
            total = total + np.sin(w @ vector).sum()
        return total

    finished = record(function, generator.normal(size=(3, 4)))
    by_vectors = [edge for edge in finished["w"].uses if edge.dst.op == "matmul"]
    (other,) = [edge.grad for edge in finished["w"].uses if edge.dst.op != "matmul"]
    columns = np.array([edge.upstream for edge in reversed(by_vectors)])
    assert same(finished["w"].grad, other + columns.T.dot(vectors[::-1]))


# What is kept


def network(w, b, x):
    for _ in range(3):
        x = np.tanh(x @ w + b)[:, ::-1]
    return np.mean(x[1:] * x[:-1])


def test_keep_all_and_a_budget_of_nothing_give_equal_edges(monkeypatch):
    generator = np.random.default_rng(3)
    arguments = [generator.normal(size=shape) for shape in ((4, 4), (4,), (5, 4))]
    everything = trace(keep="all")(network)
    everything(*arguments)
    monkeypatch.setattr(tracer.backward, "BUDGET", 0)
    recomputed = record(network, *arguments)
    assert_invariants(recomputed)
    assert not [kept for kept in recomputed.gradients.slots.values() if isinstance(kept, np.ndarray)]
    assert [kept for kept in everything.last_trace.gradients.slots.values() if isinstance(kept, np.ndarray)]
    for kept, again in zip(everything.last_trace.edges, recomputed.edges, strict=True):
        np.testing.assert_array_equal(kept.grad, again.grad)


def test_infinite_and_undefined_gradients_are_answers_without_warnings():
    def function(x, y):
        return x**y + (x * 0.0) ** 0.5

    finished = record(function, -2.0, 2.0)
    assert np.isnan(finished.grads["x"])  # 0 * inf
    assert np.isnan(finished.grads["y"])
    assert [edge.local for edge in finished["y"].uses if np.isnan(edge.local)]
    edge = finished["y"].uses[0]
    assert np.isnan(edge.grad)
    assert edge.formula == "log(x) * out"
    assert record(lambda a: np.sum(np.sqrt(a)), np.zeros(2)).grads["a"].tolist() == [np.inf, np.inf]


def test_what_max_did_not_choose_gets_nothing():
    finished = record(lambda x, y: max(x, math.sqrt(y)), 2.0, 0.0)
    assert finished.grads == {"x": 1.0, "y": 0.0}
    assert [edge.grad for edge in finished["x"].uses] == [1.0]


@pytest.mark.parametrize("index", [(), ..., None])
def test_a_number_that_is_indexed_gets_a_number_back(index):
    finished = record(lambda x: np.sum(np.sqrt(np.sum(x))[index] * 2), np.ones(2))
    into_index = next(
        edge for edge in finished.edges if edge.dst.op in ("getitem", "reshape", "expand_dims")
    )
    assert (np.shape(into_index.grad), into_index.grad) == ((), 2.0)
    assert finished.edge_gradients()[into_index.index] == 2.0
    assert_invariants(finished)


def test_another_output_is_named_at_once():
    finished = record(lambda x: {"loss": x * x, "rest": x}, 2.0)
    with pytest.raises(LookupNameError, match="has no output 'los'; choose from"):
        finished.backward(of="los")
