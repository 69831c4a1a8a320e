"""Arrays that the traced function made: by whatever name it calls np.zeros, and under every name that it gives them."""

import warnings
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from checks import assert_untouched, central_differences

from tracer import record
from tracer.errors import UnsupportedError

X = np.array([1.0, 2.0, 3.0])
STATE = None

SAME_MEMORY = {
    "asarray": np.asarray,
    "asarray of a type": lambda a: np.asarray(a, dtype=float),
    "asanyarray": np.asanyarray,
    "ascontiguousarray": np.ascontiguousarray,
    "asfortranarray": np.asfortranarray,
    "require": np.require,
    "asarray_chkfinite": np.asarray_chkfinite,
    "array copy=False": lambda a: np.array(a, copy=False),
    "array copy=None": lambda a: np.array(a, copy=None),
    "array ndmin": lambda a: np.array(a, copy=None, ndmin=2)[0],
}


@pytest.mark.parametrize("name", SAME_MEMORY)
@pytest.mark.parametrize("by_item", [False, True])
def test_a_second_name_of_an_array_sees_what_is_written(name, by_item):
    def function(x):
        # By its name at the time of the call: what is in the table is replaced while the trace runs, too.
        out = np.zeros(3)
        same = SAME_MEMORY[name](out)
        if by_item:
            for i in range(3):
                out[i] = x[i]
        else:
            out += x
        return (same**2).sum()

    assert_untouched(function, X)
    np.testing.assert_array_equal(record(function, X.copy()).grads["x"], 2 * X)


# What is asked of an array before it is written into, and used afterwards.
ASKED_BEFORE = {
    "sum": lambda a: (a.sum, lambda held: held()),
    "dot": lambda a: (a.dot, lambda held: held(X)),
    "reshape": lambda a: (a.reshape, lambda held: held(3, 1)[1, 0]),
    "copy": lambda a: (a.copy, lambda held: held()[1]),
    "tolist": lambda a: (a.tolist, lambda held: held()[1]),
    "item": lambda a: (a.item, lambda held: held(1)),
    "astype": lambda a: (a.astype, lambda held: held(float)[1]),
    "argmax": lambda a: (a.argmax, lambda held: held() * 1.0),
    "__getitem__": lambda a: (a.__getitem__, lambda held: held(1)),
    "iter": lambda a: (iter(a), sum),
    "enumerate": lambda a: (enumerate(a), lambda held: sum(i * each for i, each in held)),
    "map": lambda a: (map(abs, a), sum),
    "reversed": lambda a: (reversed(a), sum),
    "flat": lambda a: (a.flat, sum),
}


@pytest.mark.parametrize("name", ASKED_BEFORE)
@pytest.mark.parametrize("is_made", [False, True])
def test_what_is_asked_of_an_array_before_a_write_sees_it(name, is_made):
    def function(x, a):
        array = np.zeros(3) if is_made else a
        held, use = ASKED_BEFORE[name](array)
        array[1] = 3 * x
        return use(held) * x

    assert_untouched(function, 2.0, X)
    expected = central_differences(lambda x: function(x, X.copy()), 2.0)[0]
    np.testing.assert_allclose(record(function, 2.0, X.copy()).grads["x"], expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_an_array_is_gone_through_while_it_is_written(shape):
    def function(x):
        out, total = np.zeros(shape), 0.0
        for i, each in enumerate(out):
            total += (each * (i + 1)).sum()
            if i < 2:
                out[i + 1] = x * (i + 1)
        return total

    assert_untouched(function, 2.0)
    assert record(function, 2.0).grads["x"] == 8.0


def test_a_copy_of_an_array_does_not_see_what_is_written():
    def function(x):
        out = np.zeros(3)
        other, whole = np.array(out), np.asarray(out, dtype=np.float32)
        out += x
        return (out * (1 + other + whole)).sum()

    np.testing.assert_array_equal(record(function, X.copy()).grads["x"], np.ones(3))


def test_what_a_library_keeps_of_an_array_is_not_written_into():
    library = {"__name__": "scipy.anything", "np": np, "kept": []}
    exec("def read(a): return np.asarray(a).sum()\ndef keep(a): kept.append(np.asarray(a)[1:])", library)  # noqa: S102  (code without text)

    def function(x, use):
        out = np.ones(3)
        use(out)
        out[0] = x
        return out.sum()

    assert record(function, 2.0, library["read"]).grads["x"] == 1
    with pytest.raises(UnsupportedError, match="as raw numbers, too"):
        record(function, 2.0, library["keep"])


class Slotted:
    __slots__ = ("xp",)

    def __init__(self):
        self.xp = np


class Backend:
    zeros = staticmethod(np.zeros)


MODEL = SimpleNamespace(xp=np, inner=SimpleNamespace(xp=np))
TABLE = {"z": np.zeros, 1: {"of": np.zeros}}
SLOTTED, BACKEND = Slotted(), Backend()
KEY = "z"


def local_name():
    make = np.zeros
    return make(3)


def handed_in(make):
    return make(3)


def without_text():
    names = {"np": np}
    exec("def make():\n  out = np.zeros(\n    3)\n  return out", names)  # noqa: S102  (code without text)
    return names["make"]()


WAYS = {
    "attributes": lambda: MODEL.xp.zeros(3),
    "more attributes": lambda: MODEL.inner.xp.zeros(3),
    "slots": lambda: SLOTTED.xp.zeros(3),
    "static method": lambda: BACKEND.zeros(3),
    "subscript": lambda: TABLE["z"](3),
    "subscript by a name": lambda: TABLE[KEY](3),
    "two subscripts": lambda: TABLE[1]["of"](3),
    "getattr": lambda: getattr(np, "zeros")(3),  # noqa: B009
    "choice": lambda: (np.zeros if KEY else np.ones)(3),
    "local name": local_name,
    "several lines": lambda: np.zeros(
        shape=(3,),
        dtype=float,
    ),
    "argument": lambda: handed_in(np.zeros),
    "no text": without_text,
}


@pytest.mark.parametrize("name", WAYS)
def test_an_array_is_followed_however_its_maker_is_called(name):
    def function(x):
        out = WAYS[name]()
        out[0] = x
        return out.sum() * 3

    assert record(function, 2.0).grads["x"] == 3


def test_one_line_may_call_several_makers():
    def function(x, make):
        out = make(3)
        out[0] = x
        return out.sum() * 3

    for make in (np.zeros, np.ones, np.empty, np.zeros):
        assert record(function, 2.0, make).grads["x"] == 3


def test_what_compiled_code_makes_is_followed_from_the_first_write_on():
    def function(x):
        (out,) = map(np.zeros, [3])
        out[0] = x
        return out.sum()

    assert record(function, 2.0).grads == {"x": 1.0}


def test_looking_for_the_maker_calls_nothing_of_the_user():
    class Guarded:
        asked = 0

        @property
        def xp(self):
            self.asked += 1
            return np

    guarded = Guarded()

    def function(x):
        return guarded.xp.zeros(3).sum() + x

    record(function, 2.0)
    assert guarded.asked == 1


DATA = np.array([1.0, 2.0, 3.0, 4.0])


def copied(x):
    b = DATA.copy()
    b *= x[0]
    return b.sum()


def written_further(x):
    b = DATA / 2
    b += x
    b -= 1
    b[0] = x[1]
    b[1:] *= 2
    return (b * b).sum()


def one_by_one(x):
    b = np.exp(DATA)
    for i in range(3):
        b[i + 1] += x[i] * i
    b[-4] = b[0] * x[2]
    return (b * b).sum()


def of_parts(x):
    b = np.random.default_rng(0).normal(size=(3, 4)) * 2
    b[:, 1] = np.sin(x[:3]) * x[3]
    b[0] = x
    c = np.sqrt(DATA)
    c[c > 1.5] = x[0]
    c[::2], rest = x[1:3] * x[1:3], 1
    return (b * b).sum() * c.prod() * rest


def read_before(x):
    b = DATA + 1
    y = (b * x).sum()
    b[0] = y
    return (b * b).sum() * y


def by_two_names(x):
    b = c = DATA.copy()
    b[0] = x[0]
    c[1] = x[1]
    return (b * b).sum() + c.prod()


def by_several_functions(x):
    def fill(into, at):
        into[at] = x[at]

    def look():
        return (b * b).sum()

    b = DATA.copy()
    fill(b, 1)
    fill(b, 2)
    return look() * b.prod()


def in_places(x):
    holder, items = SimpleNamespace(w=DATA / 3), {"a": [DATA * 3]}
    holder.w[0] = x[0]
    items["a"][0][1] = x[1]
    return holder.w.prod() * items["a"][0].prod()


def of_an_object(x):
    holder = SimpleNamespace(w=np.exp(DATA))
    holder.w *= x[1]
    return holder.w.sum()


def of_a_list(x):
    items = [DATA * 2]
    items[0] /= x[2]
    return items[0].prod()


def seen_by_a_closure(x):
    b = (DATA > 1.5).astype(float)

    def total():
        return b.sum()

    b += x
    return total()


def second_name(x):
    b = DATA.copy()
    c = b
    b *= x
    return c.sum()


def kept_in_a_list(x):
    items = [DATA * 2]
    b = items[0]
    b *= x
    return items[0].sum()


def in_a_default(x):
    b = DATA.copy()

    def look(b=b):
        return b.sum()

    b *= x
    return look()


@pytest.mark.parametrize(
    "function",
    [
        *(
            copied,
            written_further,
            of_an_object,
            of_a_list,
            seen_by_a_closure,
            one_by_one,
            of_parts,
            read_before,
        ),
        *(by_two_names, second_name, by_several_functions, in_places, kept_in_a_list, in_a_default),
    ],
)
def test_an_augmented_assignment_to_an_array_that_plain_code_made(function):
    x = np.array([0.5, 1.5, 2.5, 3.5])
    assert_untouched(function, x)
    np.testing.assert_allclose(
        record(function, x).grads["x"], central_differences(function, x)[0], rtol=1e-7
    )


def viewed(x):
    b = DATA.copy()
    total = b[1:].sum
    b[1] = x
    return total()


def weakly_known(x):
    b = DATA.copy()
    known = weakref.ref(b)
    b[1] = x
    return known().sum()


def of_a_caller(x):
    return (lambda b: exec("b[0] = x", {"b": b, "x": x}) or b.sum())(DATA.copy())  # noqa: S102  (code without text)


def a_list(x):
    b = DATA.copy()
    b[:2] = [x, 2.0]
    return b.sum()


def objects(x):
    b, c = DATA.copy(), np.empty(2, object)
    c[:] = 1.0
    c[0] = x
    b[:2] = c
    return b.sum()


def a_part_of_unknown_place(x):
    b = DATA.copy()
    b[int("1")] = x
    return b.sum()


@pytest.mark.parametrize(
    "function",
    [
        *(
            viewed,
            weakly_known,
            of_a_caller,
            a_list,
            a_part_of_unknown_place,
        ),
        objects,
    ],
)
def test_an_array_that_others_may_see_is_not_written_into(function):
    with pytest.raises(UnsupportedError, match="writing a traced value into an array that"):
        record(function, 2.0)


def test_the_error_says_which_line_to_add():
    with pytest.raises(
        UnsupportedError, match=r"watch=\(…\); where only b is to see it, write b = np\.array\(b\) in a"
    ):
        record(viewed, 2.0)
    with pytest.raises(UnsupportedError, match=r"or pass it as an argument, or name it in watch=") as told:
        record(seen_elsewhere, 2.0)
    assert "in a line before" not in str(told.value)


class Grads:
    whole = np.zeros(4)
    of_w, total = whole[:2], whole.sum


def seen_elsewhere(x):
    Grads.of_w[0] = x * 2
    return x


def test_what_is_written_into_a_global_array_stays_there():
    def function(x):
        STATE[1] = x
        return (STATE * STATE).sum()

    # Nothing but the module has the array: what it has afterwards is one with the same numbers.
    globals()["STATE"] = np.ones(3)
    assert record(function, 3.0).grads == {"x": 6.0}
    assert type(STATE) is np.ndarray
    assert STATE.tolist() == [1.0, 3.0, 1.0]


def test_it_is_plain_after_a_failure_too():
    def function(x):
        STATE[1] = x
        raise ValueError(x)

    globals()["STATE"] = np.ones(3)
    with pytest.raises(ValueError, match=r"3\.0"):
        record(function, 3.0)
    assert type(STATE) is np.ndarray
    assert STATE.tolist() == [1.0, 3.0, 1.0]


def test_numpy_warns_once_of_what_does_not_fit():
    def function(x):
        b = DATA.astype(np.float32)
        b[0] = x
        return b[1]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record(function, 1e300)
    assert [str(each.message) for each in caught] == ["overflow encountered in cast"]
