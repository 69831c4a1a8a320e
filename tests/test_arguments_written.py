"""What a function does to its arguments: the caller's objects see it, as plain numbers, and stay the objects that they are."""

from __future__ import annotations

import collections

import numpy as np
import pytest
from argument_classes import Layer, Point
from checks import assert_untouched, bits, outcome, same

from tracer import detach, load, record, trace
from tracer.errors import UnsupportedError
from tracer.memory import laid_out_copy


def append(items, x):
    items.append(items[0] * x)
    items[0] = "gone"
    return items


def update(table, x):
    table["new"] = table.pop("old") * x
    table["list"].extend([x, x * 2])
    return table["list"]


def set_attribute(layer, x):
    layer.weight = layer.weight * x
    layer.bias += x
    return layer


def write_array(a, x):
    a *= x
    a += 1
    return a


def sort_in_place(items):
    items.sort()
    items.reverse()
    return items[0] * items[-1]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (append, ([1.0, "b"], 2.0)),
        (update, ({"old": 2.0, "list": [1.0]}, 3.0)),
        (set_attribute, (Layer(2.0, np.array([1.0, 2.0])), 3.0)),
        (write_array, (np.array([1.0, 2.0], np.float32), 3.0)),
        (sort_in_place, ([3.0, 1.0, 2.0],)),
        (lambda items: items.clear(), ([1.0],)),
        (lambda items, x: items.append(x), ([], 2.0)),
        (lambda items, x: items[0].append([x * 2]), ([[], "b"], 2.0)),
        (lambda members, x: members.add(x * 2), ({"a"}, 2.0)),
        (lambda queue, x: queue.extend([x, x]), (collections.deque(maxlen=3), 2.0)),
        (lambda items: (items.append([items[0]]), items)[1], ([1.0],)),
        (lambda a: (a, a[0], [a]), (np.array([1.0, 2.0]),)),
        (lambda d, x: d.setdefault("k", {x: x, (x, 1): {x * 2}}), ({}, 2.0)),
        (lambda x: (collections.deque([x, x], maxlen=2), frozenset([x]), Point(x, x * 1)), (2.0,)),
    ],
)
def test_what_the_function_writes_into_its_arguments_is_the_callers(function, arguments):
    assert_untouched(function, *arguments)


def test_a_trace_tells_what_an_argument_was_that_was_returned_and_written_into_again():
    def step(w, x):
        w -= x
        return w

    w, x = np.array([3.0, 5.0]), np.array([1.0, 2.0])
    first, second = record(step, w, x), record(step, w, x)
    assert first.result is second.result is w
    found = [each.nodes[-1].value for each in (first, second)]
    assert same(found, [np.array([2.0, 3.0]), np.array([1.0, 1.0])])


def test_a_number_kept_in_an_attribute_is_a_plain_number_afterwards():
    class Meter:
        def measure(self, x):
            self.last, self.all = x * 2, [x, {"x": x * 3}]
            return self.last

    meter = Meter()
    assert trace(Meter.measure)(meter, 2.0) == 4.0
    assert same(vars(meter), {"last": 4.0, "all": [2.0, {"x": 6.0}]})


def test_the_callers_objects_are_changed_also_when_the_function_raises():
    def fails(items, a):
        items.append(items[0] * 2)
        a += 1
        raise KeyError("after the change")

    assert_untouched(fails, [1.5], np.array([1.0]))


def test_what_came_in_goes_out_as_the_same_object():
    x, a, items, layer, text = 1.5e300, np.ones(2), [1.0, [2.0]], Layer(1.0, np.ones(1)), ["no number"]
    got = trace(lambda *args: (*args, args[2][1]))(x, a, items, layer, text)
    for returned, given in zip(got, (x, a, items, layer, text, items[1]), strict=True):
        assert returned is given


def test_one_result_returned_twice_is_one_object():
    first, second = trace(lambda a: (lambda b: (b, [b]))(a * 2))(np.ones(2))
    assert second[0] is first


def test_a_list_passed_twice_stays_one_list():
    items = [1.0, 2.0]

    def both(left, right):
        left[0] = right[1] * 5
        return right[0] * left[1]

    assert_untouched(lambda pair: both(*pair), (items, items))
    finished = record(lambda pair: both(*pair), (items, items))
    assert finished.result == 20.0
    assert items[0] == 10.0
    assert finished.grads["pair"][0] == [0.0, 20.0]


def test_an_array_passed_twice_is_two_inputs():
    a = np.array([1.0, 2.0])
    finished = record(lambda x, y: np.sum(x * x * y), a, a)
    assert finished.grads["x"].tolist() == [2.0, 8.0]
    assert finished.grads["y"].tolist() == [1.0, 4.0]


@pytest.mark.parametrize("other", [lambda a: a, lambda a: a[1:], lambda a: a.reshape(2, 2)])
def test_a_write_into_memory_that_two_arguments_share_is_refused(other):
    def write(x, y):
        x += 1
        return np.sum(y)

    a = np.ones(4)
    with pytest.raises(
        UnsupportedError,
        match=r"shares its memory with another input.*at test_arguments_written\.py:\d+; .*by y, too; .*pass a copy",
    ):
        record(write, a, other(a))


def test_a_read_only_array_stays_read_only():
    def write(a):
        a += 1
        return a

    locked = np.ones(2)
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="output array is read-only"):
        trace(write)(locked)
    assert record(lambda a: a.flags.writeable, locked).result is False


def unlocked(a):
    try:
        a.flags.writeable = True
    except ValueError:
        return (a * 3).sum()
    a[0] = 9.0
    return (a * 2).sum()


def locked(a):
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    "make",
    [
        lambda: locked(np.arange(4.0)),
        lambda: locked(np.arange(4.0))[1:],
        lambda: np.frombuffer(np.arange(4.0).tobytes()),
    ],
)
def test_only_what_numpy_lets_be_unlocked_is_written_into(make):
    ours, theirs = make(), make()
    assert same(record(unlocked, ours).result, unlocked(theirs))
    assert same(ours, theirs)


def test_an_array_that_the_function_locks_is_locked_for_the_caller():
    given = np.arange(4.0)
    assert record(lambda a: (a.setflags(write=False), a * 2)[1], given).result.flags.writeable
    assert not given.flags.writeable


def test_a_list_that_holds_itself():
    items = [1.0]
    items.append(items)
    finished = record(lambda items: items[0] * 3, items)
    assert finished.result == 3.0


def test_a_traced_value_in_a_class_of_the_users_is_passed_on():
    class Box:
        def __init__(self, value):
            self.value = value

    box = Box(2.0)
    finished = record(lambda box, x: box.value * x, box, 3.0)
    assert finished.grads == {"box": None, "x": 2.0}
    assert type(box.value) is float


# What is a view of it and what a copy, and in which order its elements are summed, is by the gaps that an array has.
LAYOUTS = {
    "every second column": lambda a: a[:, ::2],
    "every second row": lambda a: a[::2],
    "both": lambda a: a[::2, ::2],
    "upside down": lambda a: a[::-1],
    "backwards": lambda a: a[::-1, ::-1],
    "a part, turned": lambda a: a[3:9, :11].T,
    "a column of many": lambda a: a[:, 3],
    "few of many": lambda a: a[::7, ::19],
    "three axes": lambda a: a.reshape(4, 5, 40)[:, ::3, 1:7],
    "three axes, mixed": lambda a: a.reshape(4, 5, 40).transpose(2, 0, 1)[::2],
    "stretched": lambda a: np.broadcast_to(a[0], (3, 40)),
    "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a[0], 5),
    "a field": lambda a: np.rec.fromarrays([a, a, a.astype("f4")])["f1"],
    "one row": lambda a: a[:1, ::2],
}


def written(flat, a):
    flat[1] = 5.0
    return (a * np.arange(a.size).reshape(a.shape)).sum()


def written_before(a):
    a[..., 0] = 2.0
    return written(a.ravel(), a)


def written_by_an_operator(a):
    a += 1.0
    return written(a.reshape(-1), a)


def written_of_its_own(a):
    part = (a * 1.0)[..., ::2]
    part[..., 0] = 1.0
    return written(part.ravel(), part)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "function",
    [
        np.sum,
        np.linalg.norm,
        lambda a: np.einsum("i...,i...->", a, a),
        lambda a: np.exp(a).sum() * a.flags.c_contiguous + a.flags.f_contiguous,
        lambda a: written(a.ravel(), a),
        lambda a: written(a.ravel("K"), a),
        lambda a: written(a.reshape(-1), a),
        lambda a: written(np.ascontiguousarray(a).reshape(-1), a),
        written_before,
        written_by_an_operator,
        written_of_its_own,
    ],
)
def test_a_view_is_laid_out_as_it_is(layout, function):
    bases = [np.sin(np.arange(800.0) ** 2).reshape(20, 40) for _ in range(2)]
    given = [LAYOUTS[layout](base) for base in bases]
    assert same(outcome(trace(function), given[1]), outcome(function, given[0]))
    assert bits(bases[0]) == bits(bases[1])


kept = []


@pytest.mark.filterwarnings("ignore:a traced value left the graph")
@pytest.mark.parametrize("layout", [*LAYOUTS, "by columns"])
@pytest.mark.parametrize(
    "function",
    [
        lambda a: [float(each) for each in np.nditer(a)],
        lambda a: a.tobytes("A"),
        lambda a: np.asarray(a).ravel("K"),
        lambda a: detach(a).ravel("K"),
        lambda a: a[::2],
        lambda a: (a * 2.0)[..., ::2],
        lambda a: (a * 2.0)[::-1],
        lambda a: kept.append(a * 2.0),
        lambda a: kept.append((a * 2.0)[..., ::2]),
    ],
)
def test_what_comes_out_is_laid_out_as_it_is(layout, function):
    given = {**LAYOUTS, "by columns": np.asfortranarray}[layout](np.arange(800.0).reshape(20, 40))
    kept.clear()
    got, expected = trace(function)(given), function(given)
    assert same(got, expected)
    for left, right in ([(got, expected)] if type(got) is np.ndarray else []) + [kept] * bool(kept):
        assert (left.flags.c_contiguous, left.flags.f_contiguous) == (
            right.flags.c_contiguous,
            right.flags.f_contiguous,
        )
        assert bits(left.ravel("K")) == bits(right.ravel("K"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_gradient_of_a_view_is_that_of_its_elements(layout, tmp_path):
    def function(a):
        b = a * 1.0
        b[..., 0] *= 2.0
        return (b.ravel() * a.reshape(-1)).sum()

    given = LAYOUTS[layout](np.sin(np.arange(800.0) ** 2).reshape(20, 40))
    finished = record(function, given)
    expected = 2 * given
    expected[..., 0] *= 2
    assert same(finished.grads["a"], expected)
    finished.save(tmp_path / "t.trace")
    assert same(load(tmp_path / "t.trace").grads["a"], expected)


def test_a_column_of_a_wide_matrix_is_copied_without_the_others():
    column = np.zeros((1000, 1000))[:, 3]
    assert laid_out_copy(column).base.nbytes < 3 * column.nbytes
