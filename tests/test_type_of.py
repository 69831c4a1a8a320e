"""`type(x)` in the user's own modules answers as it does without a trace."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record

DISPATCH = {
    float: lambda x: x * 2,
    np.ndarray: lambda x: x.sum(),
    np.float64: lambda x: x * 3,
    int: lambda x: x * 5,
}
TYPES = (type,)
ARRAY = np.array([1.0, 2.0])


def helper(x):
    return x * x if type(x) is float else 0.0


def is_number(x, of=ARRAY, kind=type):
    return kind(x) is float and kind(of) is np.ndarray


def kept_kind(_, kind=type):
    return kind


class Meta(type):
    pass


class Made(metaclass=Meta):
    def twice(self, x):
        return x * 2 if type(self) is Made else 0.0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2 if type(x) is float else 0.0,
        lambda x: x * 2 if type(x) == float else 0.0,  # noqa: E721
        lambda x: x * 2 if type(x) in (int, float) else 0.0,
        lambda x: x * 2 if issubclass(type(x), float) else 0.0,
        lambda x: x * type(x)(3),
        lambda x: DISPATCH[type(x)](x),
        lambda x: sum(DISPATCH[type(each)](each) for each in (x, x * ARRAY, np.float64(2) * x, 3)),
        lambda x: helper(x) * x,
        lambda x: Made().twice(x) * x,
        lambda x: x * 2 if is_number(x) else 0.0,
        lambda x: x * 2 if kept_kind(x) is TYPES[0] else 0.0,
        lambda x: next(each * 2 for each in [x] if type(each) is type(1.0)),  # noqa: UP003  (as users write it)
        lambda x: x if type(x * ARRAY) is np.ndarray else 0.0,
        lambda x: x * 2 if not isinstance(x, type) and type(x) is float else 0.0,
        lambda x: x * 2 if not isinstance(x, (type, str)) and type(x) is float else 0.0,
        lambda x: x * 2 if list(map(type, [x, 1])) == [float, int] else 0.0,
        lambda x: x * 2 if type(type(x)) is type and type(x) is float else 0.0,
        lambda x: x * 2 if type.mro(type(x))[0] is float and sorted([x], key=type) else 0.0,
        lambda x: x * 2 if type != float and type(x) is float else 0.0,  # noqa: E721
    ],
)
def test_the_plain_programs_branch_is_taken(function):
    assert_untouched(function, 2.5)
    assert_differentiates(function, 2.5)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: type(x),
        lambda x: type(x).__name__,
        lambda x: (type, type(type), type(Made), type(Made) is Meta, type(int) is type, type is type(int)),
        lambda x: (
            isinstance(int, type),
            isinstance(x, type),
            issubclass(Meta, type),
            repr(type),
            type == type(int),  # noqa: E721
        ),
        lambda x: (type.__name__, type.mro(int), hash(type) == hash(type(int)), {type: 1}[type(int)]),
        lambda x: type("Fresh", (Made,), {"a": 1}).a,
        lambda x: type("Fresh", (Made,), {}).__mro__[1] is Made,
        lambda x: repr((type | None, None | type, type[int])),
        lambda x: (type.__setattr__(Made, "a", 1), type.__getattribute__(Made, "a"), type.__repr__(Made)),
        lambda x: copy.copy(type) in TYPES,
        lambda x: type(1, 2),
        lambda x: type(),
        lambda x: (
            "type" in vars(__builtins__) if not isinstance(__builtins__, dict) else "type" in __builtins__
        ),
    ],
)
def test_it_is_as_good_as_the_builtin(function):
    def compared(x):
        result = function(x)
        # A result that is the builtin itself is compared by value: it is another object while a trace runs.
        return [each in TYPES for each in result] if isinstance(result, tuple) else result

    assert_untouched(compared, 2.5)


def test_a_metaclass_is_made_under_a_trace():
    def function(x):
        class Fresh(type):
            pass

        class Kind(metaclass=Fresh):
            pass

        return x * 2 if type(Kind) is Fresh and Fresh.__mro__[1] in TYPES else 0.0

    assert_untouched(function, 2.5)


def test_the_modules_have_no_type_of_their_own_afterwards():
    assert record(lambda x: x * ("type" in globals()) if type(x) is float else x, 2.0).grads["x"] == 1.0
    assert "type" not in globals()
    with pytest.raises(ZeroDivisionError):
        record(lambda x: x / 0 if type(x) is float else x, 2.0)
    assert "type" not in globals()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * (int.__class__ is type),
        lambda x: x * [each for each in (type,) if each is type(int)].__len__(),
        lambda x: x * isinstance(int, (type, str)),
    ],
)
def test_a_function_that_uses_type_otherwise_has_the_builtin(function):
    assert_untouched(function, 2.5)


def test_a_kept_type_is_the_builtin():
    kept = record(lambda x: (x, [type]), 2.5).result[1]
    assert kept[0].__class__ is type is kept[0]
