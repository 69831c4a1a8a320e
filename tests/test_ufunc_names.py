"""Ufuncs that are given lists of traced numbers, which they ask nothing: `np.exp([x, y])`."""

import sys
import threading
import warnings

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched
from numpy import hypot
from scipy import special

from tracer import record
from tracer.errors import CutWarning

OUTSIDE = np.ones(2)


def in_a_helper(numbers):
    return np.sqrt(numbers)


def imported(x, y):
    import numpy  # noqa: ICN001  (as users write it)
    from numpy import exp

    return numpy.log([x, y]) * exp([y, x])


def appended(x, y):
    numbers = []
    for each in (x, y):
        numbers.append(each * x)  # noqa: PERF401
    return np.tanh(numbers)


def repeated(x, y):
    numbers = [0.0] * 2
    numbers[1] = x * y
    return np.exp(numbers)


def of_all(*numbers):
    return np.square(numbers)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: np.cbrt([x, y * x]),
        lambda x, y: np.exp((x, y))[1] * x,
        lambda x, y: np.sin([[x, y], [y, 1.0]]),
        lambda x, y: np.cos([np.array([x, y]), np.ones(2)]),
        lambda x, y: np.logaddexp([x, y], [y, 1.0]),
        lambda x, y: np.maximum(0.9, [each * each for each in (x, y)]),
        lambda x, y: np.power([x, y], 2) + np.power(2.0, [x, y]),
        lambda x, y: np.exp([x, y], dtype=np.float64) * np.divmod([x, y], 0.4)[1],
        lambda x, y: np.add([x, y], 1.0, casting="safe") * np.abs([-x, y]),
        lambda x, y: np.matmul([x, y], [1.0, 2.0]) * np.modf([x, y])[0],
        lambda x, y: hypot([x, y], [y, 2.0]) * np.greater([x, y], 1.0),
        lambda x, y: (
            in_a_helper([x, y]) * in_a_helper(np.array([x, y])) * in_a_helper(4.0) * in_a_helper(x)
        ),
        lambda x, y: special.expit([x, y]) * special.poch(x, [2.0, 3.0]) * np.hypot.reduce(-np.array([x])),
        lambda x, y: np.add([x, y], 0.5) * np.add.outer([x], [y]).sum() * np.add.accumulate([x, y])[1],
        imported,
        lambda x, y: appended(x, y) + repeated(x, y) * of_all(x, y),
        lambda x, y: record(lambda z: np.exp([z, 1.0]).sum(), 2.0).grads["z"] * np.exp([x, y]),
    ],
)
def test_a_list_is_followed(function):
    assert_untouched(function, 1.7, 0.6)
    assert_differentiates(function, 1.7, 0.6)


def test_a_list_that_is_given_is_followed():
    assert_differentiates(lambda p: (lambda q: np.exp(q))(p).sum(), np.array([1.3, 0.7]))
    t = record(lambda p, q: np.exp(p) @ np.log(q), [0.0, 0.0], (1.0, 2.0))
    assert t.grads == {"p": [0.0, np.log(2.0)], "q": (1.0, 0.5)}


def test_what_stands_in_a_name_is_the_ufunc_in_all_but_lists():
    def program(x):
        numbers = [x, 2.0]
        made = np.add(np.zeros(2), numbers)
        made[0] = 3.0
        return np.add(made, OUTSIDE) * np.add("a", 1) if x > 9 else np.add(1, 2) * made.sum()

    assert_untouched(program, 1.7)
    assert_differentiates(program, 1.7)
    with pytest.raises(TypeError) as traced:
        record(lambda x: np.exp([x], bad=1), 1.7)
    with pytest.raises(TypeError) as plain:
        np.exp([1.7], bad=1)
    assert str(traced.value) == str(plain.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, f: x * 2.0 if f is np.exp else x,
        lambda x, f: x * 2.0 if type(np.exp) is np.ufunc else x,
        lambda x, f: np.exp(OUTSIDE, np.zeros(2)).sum() * x,
    ],
)
def test_a_ufunc_of_which_the_program_does_more_than_call_it_stays_in_its_name(function):
    def program(x, f):
        return function(x, f) * np.exp([x])[0]

    with pytest.warns(CutWarning, match=r"np\.exp"):
        t = record(program, 1.7, np.exp)
    assert t.result == program(1.7, np.exp)


def test_names_are_as_they_were_afterwards():
    before, seen = dict(vars(np)), []

    def fails(x):
        thread = threading.Thread(target=lambda: seen.append(np.exp([0.0]).tolist()))
        thread.start()
        thread.join()
        raise KeyError(np.exp([x]))

    with pytest.raises(KeyError):
        record(fails, 1.7)
    assert seen == [[1.0]]
    assert vars(np) == before
    assert type(np.exp) is np.ufunc


def test_a_module_that_is_imported_meanwhile_has_the_ufuncs_themselves(tmp_path, monkeypatch):
    text = "import numpy as np\nfrom numpy import exp\n\nACT = {'exp': np.exp}\n\n\ndef f(x, act=np.exp):\n    return act(x)\n"
    (tmp_path / "imported_meanwhile.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    def program(x):
        import os.path  # of which the code has the dotted name

        import imported_meanwhile as late

        return np.exp([x]).sum() * late.f(x) + late.ACT["exp"](x) + len(os.path.sep)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert record(program, 1.7).grads["x"] == pytest.approx(2 * np.exp(3.4) + np.exp(1.7))
    late = sys.modules.pop("imported_meanwhile")
    assert all(each is np.exp for each in (late.exp, late.ACT["exp"], *late.f.__defaults__))
