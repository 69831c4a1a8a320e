"""NumPy's warnings under a trace: the same texts, at the user's lines, as often as without a trace."""

from __future__ import annotations

import linecache
import sys
import types
import warnings

import numpy as np
import pytest

from tracer import record
from tracer.errors import UnsupportedError

TEXT = """
import numpy as np

def divide_twice(a, x):
    for _ in range(3):
        y = a / x
    z = (a /
         x)
    return y + z

def each_kind(a, x):
    b = np.log(a)
    c = a ** -1.0
    d = a[0] / a[1]
    a /= x
    e = np.sqrt(-a)
    f = 1.0 / a
    g = np.divide(a, x)
    h = np.true_divide.reduce(a) if False else np.float64(1.0) / a
    return np.sum(b + c + d + e + f + g + h)

def by_numpys_own_code(a, x):
    return np.mean(a[:0]) + np.var(a[:0]) + np.sum(np.linalg.norm(a / x))

def helper(a, x):
    return a / x

def calls(a, x):
    return helper(a, x) + helper(a, x)

def of_numbers(a, x):
    small = np.int8(100) * (np.int8(2) if x[0] else np.int8(1))
    return np.float32(1e30) * a[0].astype(np.float32) * np.float32(1e30) / x[0] + 1.0 / x[0] + np.float64(2) / x[1] + small

def on_two_lines(a, x):
    b = np.log(x)
    return b + np.log(x)

def writes(a, x):
    out = np.zeros(2)
    out[:] = a / x
    np.divide(a, x, out=out)
    out /= x
    return out
"""
ARGUMENTS = np.array([1.0, 0.0]), np.zeros(2)
ACTIONS = ("default", "always", "once", "module")
NAMES = ("divide_twice", "each_kind", "by_numpys_own_code", "calls", "of_numbers", "on_two_lines", "writes")


def module_of(name):
    """The module anew: nothing of it has been warned for."""
    module = types.ModuleType(name)
    linecache.cache["warned_program.py"] = (
        len(TEXT),
        None,
        TEXT.splitlines(keepends=True),
        "warned_program.py",
    )
    exec(compile(TEXT, "warned_program.py", "exec"), vars(module))  # noqa: S102  (a module of the user's)
    return module


def shown(function, action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        warnings.onceregistry.clear()
        for _ in range(2):
            function(*(each.copy() for each in ARGUMENTS))
    return [(each.filename, each.lineno, each.category, str(each.message)) for each in caught]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_warning_names_the_line_that_it_names_without_a_trace(name, action):
    module, again = module_of("warned_program"), module_of("warned_program")
    expected = shown(getattr(module, name), action)
    assert expected
    assert shown(lambda a, x: record(getattr(again, name), a, x), action) == expected


@pytest.mark.parametrize("name", NAMES)
def test_it_does_so_where_a_room_was_imported_since(name, monkeypatch):
    for room in [module for key, module in sys.modules.items() if key.startswith("tracer.")]:
        monkeypatch.setitem(vars(room), "__warningregistry__", {})
    test_a_warning_names_the_line_that_it_names_without_a_trace(name, "default")


def test_a_filter_for_the_users_module_holds():
    module = module_of("warned_program")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.filterwarnings("error", module="warned_program")
        with pytest.raises(RuntimeWarning, match="encountered in divide"):
            record(module.helper, *ARGUMENTS)
        warnings.filterwarnings("ignore", module="warned_program")
        record(module.helper, *ARGUMENTS)


def test_errstate_is_as_without_a_trace():
    def function(a, x):
        with np.errstate(divide="raise"):
            return a / x

    with pytest.raises(FloatingPointError):
        record(function, *ARGUMENTS)
    with np.errstate(all="ignore"):
        record(lambda a, x: a / x, *ARGUMENTS)
    assert record(lambda x: np.geterr() == BEFORE and x, 1.0).result == 1.0


BEFORE = np.geterr()


def test_pythons_warnings_are_as_before_when_the_trace_has_ended():
    before = warnings._showwarnmsg
    record(lambda x: x, 1.0)
    with pytest.raises(ZeroDivisionError):
        record(lambda x: x / 0, 1.0)
    assert warnings._showwarnmsg is before
    assert sys.modules["warnings"]._showwarnmsg is before


ANSWERED = {
    "if": lambda x: x * 2 if (1.7).__eq__(x) else x * 3,
    "filter": lambda x: sum(filter((0.5).__lt__, [x, x * 0.1])),
    "any": lambda x: x * any(map((0.5).__eq__, [x, x])),
    "caught": lambda x: swallowing(lambda: x * 2 if (1.7).__eq__(x) else x),
}


def swallowing(function):
    try:
        return function()
    except (TypeError, DeprecationWarning):
        return 0.0


@pytest.mark.parametrize("function", ANSWERED.values(), ids=ANSWERED)
@pytest.mark.parametrize("action", ["ignore", "default", "error"])
def test_what_a_plain_number_answers_of_a_traced_one_is_refused(function, action):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter(action)
        before = list(warnings.filters)
        for _ in range(2):
            with pytest.raises(UnsupportedError, match=r"; at test_warned\.py:\d+; .*NotImplemented"):
                record(function, 0.7)
        assert warnings.filters == before


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="from then on the plain program raises TypeError")
def test_what_the_program_says_itself_is_left_to_it():
    def function(x):
        return x * 2 if NotImplemented else x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert record(function, 0.7).result == 1.4
