"""Writing into arrays in place: by index, through views, with out=, and into arrays that the function made."""

import copy
import gc

import numpy as np
import pytest
from buffer_programs import ONE, TWO, W, X, filled
from checks import assert_differentiates, assert_untouched

from tracer import families, load, record, trace
from tracer.families import note_view
from tracer.members import Members


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@pytest.mark.parametrize("function", [*ONE, *TWO], ids=lambda function: function.__name__)
def test_what_is_written_is_followed(function):
    arguments = (X,) if function in ONE else (X, W)
    assert_untouched(function, *arguments)
    assert_differentiates(copied(function), *arguments)


def copied(function):
    """Differences call the function again and again: it gets arrays of its own."""
    if function in TWO:
        return lambda x, w: function(x * 1.0, w * 1.0)
    return lambda x: function(x * 1.0)


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@pytest.mark.parametrize("function", [*ONE, *TWO], ids=lambda function: function.__name__)
def test_a_loaded_trace_has_the_same_arrays(function, tmp_path):
    finished = record(function, *((X.copy(),) if function in ONE else (X.copy(), W.copy())))
    if np.size(finished.result) > 1:
        finished = finished.backward(seed=np.ones(4))
    finished.save(tmp_path / "f.trace")
    loaded = load(tmp_path / "f.trace")
    assert len(loaded.nodes) == len(finished.nodes)
    for before, after in zip(finished.nodes, loaded.nodes, strict=True):
        np.testing.assert_array_equal(before.value, after.value)
        if before.kind != "cut":
            np.testing.assert_array_equal(before.grad, after.grad)
    for before, after in zip(finished.edges, loaded.edges, strict=True):
        np.testing.assert_array_equal(before.grad, after.grad)


def test_every_version_of_an_array_has_its_value():
    finished = record(filled, X)
    writes = [node for node in finished.nodes if node.op == "setitem"]
    assert [node.name for node in writes] == ["out"] * 4
    expected = np.zeros(4)
    for i, node in enumerate(writes):
        expected[i] = X[i] ** 2
        np.testing.assert_array_equal(node.value, expected)


def test_what_was_overwritten_gets_nothing():
    def overwritten(x, y):
        a = x * 1.0
        a[1] = y
        return a.sum()

    grads = record(overwritten, X, 5.0).grads
    assert grads["x"].tolist() == [1, 0, 1, 1]
    assert grads["y"] == 1


def test_an_iterator_over_plain_arrays_writes_into_them():
    def function(x):
        y, z = np.zeros(4), np.ones(4)
        iterator = np.nditer([y, z], op_flags=[["writeonly"], ["readonly"]])
        assert isinstance(iterator, np.nditer)
        for into, each in iterator:
            into[...] = each * 2
        outside = np.arange(3)
        for each in np.nditer(op=outside, op_flags=[["readwrite"]]):
            each[...] = 1
        return (y * x).sum() * outside.sum()

    assert_untouched(function, X)
    assert_differentiates(function, X)


def test_errors_of_writes_are_numpys_own():
    def out_of_bounds(x):
        a = np.zeros(3)
        a[3] = x
        return a.sum()

    def wrong_shape(x):
        a = x * 1.0
        a[:2] = x[:3]
        return a.sum()

    def read_only(x):
        a = np.broadcast_to(x, (2, 4))
        a[0] = 1
        return a.sum()

    def read_only_out(x):
        a = np.diagonal((x * 1.0).reshape(2, 2))
        return np.add(a, x[:2], out=a)

    def read_only_sorted(x):
        np.diagonal((x * 1.0).reshape(2, 2)).sort()

    for function in (out_of_bounds, wrong_shape, read_only, read_only_out, read_only_sorted):
        assert_untouched(function, X if function is not out_of_bounds else 2.0)


def test_arrays_of_the_functions_own_are_plain_to_libraries():
    def with_compiled_code(x):
        start = np.zeros(3)
        noise = np.random.default_rng(0).normal(start)
        return x * noise.sum() + np.linalg.norm(np.ones(2)) * x

    assert_untouched(with_compiled_code, 2.0)
    assert_differentiates(with_compiled_code, 2.0)


def test_plain_arrays_come_back_plain():
    @trace
    def several(x):
        out = np.zeros(3)
        out[0] = x
        return out, np.ones(2), {"empty": np.zeros((0, 2))}, out[1:]

    first, second, third, fourth = several(2.0)
    assert [type(each) for each in (first, second, third["empty"], fourth)] == [np.ndarray] * 4
    assert first.tolist() == [2, 0, 0]
    assert copy.deepcopy(second).tolist() == [1, 1]


def random_program(seed):
    """Views of views, written through at random, among uses of all of them."""

    def program(x):
        random = np.random.RandomState(seed)
        arrays = [x * 1.0, np.zeros((3, 4)), np.ones((4, 3))]
        total = 0.0
        for _ in range(random.randint(4, 14)):
            step, a = random.randint(9), arrays[random.randint(len(arrays))]
            row = random.randint(a.shape[0])
            if step == 0 and a.ndim > 1:
                arrays.append(a[row])
            elif step == 1:
                arrays.append(a.T)
            elif step == 2:
                arrays.append(a.reshape(-1))
            elif step == 3:
                arrays.append(a[:: random.choice([1, 2, -1])])
            elif step == 4:
                a[...] = x.ravel()[random.randint(12)] * (0.5 + random.rand())
            elif step == 5:
                a[row] *= x[0, random.randint(4)]
            elif step == 6:
                a += random.rand() if random.rand() < 0.5 else x[1, 2] * a
            elif step == 7:
                total = total + np.tanh(a).sum() * (1 + random.rand())
            else:
                a[random.randint(0, a.shape[0], 2)] = random.rand() if random.rand() < 0.4 else x[2, 1] ** 2
        return total + sum((np.sin(a) * (i + 1)).sum() for i, a in enumerate(arrays))

    return program


@pytest.mark.parametrize("copied_up_to", [0, 64])
@pytest.mark.parametrize("seed", range(60))
def test_random_writes_through_views_are_followed(seed, copied_up_to, monkeypatch):
    monkeypatch.setattr(families, "_SMALL", copied_up_to)
    x = np.random.RandomState(seed).rand(3, 4) + 0.3
    assert_untouched(random_program(seed), x)
    assert_differentiates(random_program(seed), x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("function", "shape", "dtype"),
    [(np.fft.fft, 50, np.complex128), (np.sum, (), np.float64), (np.mean, (), np.float64)],
)
def test_the_type_of_out_decides_how_precisely_is_computed(function, shape, dtype):
    def into(x):
        out = np.zeros(shape, dtype)
        function(x, out=out)
        return np.abs(out)

    x = np.linspace(0.1, 3.3, 50).astype(np.float32)
    assert not np.array_equal(function(x), into(x))
    assert_untouched(into, x)
    assert record(into, x).backward(seed=np.ones(shape)).grads["x"].dtype == np.float32


def test_a_view_that_is_made_anew_is_the_last():
    def program(x):
        a = x * 1.0
        first, second = a[1:], a[:, 1:]
        (family,) = a.tape_.families.values()
        for looked_at in (family.members.all, lambda: family.members.between(a.value_)):
            assert [id(each) for each in looked_at()] == [id(each) for each in (first, second, a)]
            note_view(first, (a,))
            assert [id(each) for each in looked_at()] == [id(each) for each in (second, first, a)]
            note_view(second, (a,))
        return a.sum() + first.sum() + second.sum()

    record(program, np.ones((2, 3)))


LOOKS = {
    "rows": lambda a, at: a[at % 4],
    "backwards": lambda a, at: a[::-1, at % 3 :],
    "every other": lambda a, at: a[at % 2 :: 2, ::2],
    "columns": lambda a, at: a.T[at % 5],
    "nothing": lambda a, at: a[at % 3 : at % 3],
    "all of them": lambda a, at: [a[:1], a.T[1:2], a[::-2], a[2:2], a[None, 3], a.reshape(-1)[7:9]][
        at % 6
    ].swapaxes(0, -1),
}


@pytest.mark.parametrize("name", LOOKS)
def test_views_with_the_identities_of_those_that_are_gone(name):
    look, identities = LOOKS[name], []

    def program(x):
        a = np.concatenate([np.outer(x, x), x[:, None]], axis=1)
        kept = [a[1:3], a[:, 1:4:2]]
        total = 0.0
        for at in range(30):
            view = look(a, at)
            identities.append(id(view))
            view *= x[at % 4]
            total = total + kept[at % 2].sum()
            if at % 7 == 3:
                kept[at % 2] = look(a, at)
            del view
        return total + a @ np.arange(5.0) @ x

    x = np.array([1.1, 0.7, 0.9, 1.2])
    gc.disable()
    try:
        assert_untouched(program, x)
        assert_differentiates(program, x)
    finally:
        gc.enable()
    assert len(set(identities)) < len(identities)


@pytest.mark.parametrize("step", [1, -1])
def test_of_many_views_a_write_looks_at_those_that_see_it(step, monkeypatch):
    looked_at = []
    between = Members.between
    monkeypatch.setattr(
        Members, "between", lambda *given: looked_at.append(between(*given)) or looked_at[-1]
    )

    def program(x):
        b = np.zeros(100)
        views = [b[at : at + 2] for at in range(99)][::step]
        for at in range(0, 99, 3):
            views[at] = None  # some are gone
        for at, view in enumerate(views):
            if view is not None:
                view[0] = x[at % 3] * at
                b[at] += x[0]
        views = [each[:1] for each in views if each is not None]
        return b @ np.arange(100.0) + sum(each[0] * each[0] for each in views)

    x = np.array([1.3, 0.7, 2.1])
    assert_untouched(program, x)
    assert_differentiates(program, x)
    assert looked_at
    assert max(map(len, looked_at)) < 10


def test_an_operator_in_place_on_a_part_is_one_write():
    def program(x):
        a = x * 1.0
        a[1:] += x[0]  # Python changes the view, and writes it back to its place
        return a.sum()

    finished = record(program, np.arange(3.0))
    assert [node.op for node in finished.nodes].count("setitem") == 1
    assert finished.grads["x"].tolist() == [3.0, 1.0, 1.0]
