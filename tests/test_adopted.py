"""Arrays that plain code made in the traced function: what else holds them, and what the text of a write tells.

A write is followed, with the right gradient and the plain result, or it is an error; never a wrong number.
"""

import importlib.util
import sys

import numpy as np
import pytest
from adopted_rows import HELD, IMPORTS
from adopted_rows_calls import CALLED, HELD_WHILE_CALLED, SET_UP
from adopted_rows_frames import IN_FRAMES
from adopted_rows_held import HELD_ELSEWHERE
from adopted_rows_inside import INSIDE
from adopted_rows_refused import NOT_TOLD
from adopted_rows_text import WRITTEN
from adopted_rows_views import VIEWS, VIEWS_HELD_ELSEWHERE
from checks import assert_differentiates, assert_untouched

from tracer import record
from tracer.errors import CutWarning, UnsupportedError

X = np.array([1.3, 0.7, 2.1, 1.9])
FOLLOWED = HELD | WRITTEN | IN_FRAMES | INSIDE | CALLED | VIEWS
if sys.version_info < (3, 13):
    FOLLOWED |= SET_UP
REFUSED = HELD_ELSEWHERE | NOT_TOLD | HELD_WHILE_CALLED | VIEWS_HELD_ELSEWHERE
_PROGRAM = """
import numpy as np
DATA = np.arange(1.0, 5.0)

def function(x):
    b, c, i, j = DATA * 1, DATA * 2, 1, 2
    m = np.arange(4) > i
    {}
    return b @ np.arange(4.0) + (1 < i) * (j > 2) * c.sum() * b[1:3].sum()
"""
# What was compiled, and what stands at its place afterwards
EDITED = {
    "name": ("b[i] = x[0] * j", "b[j] = x[0] * i"),
    "number": ("b[1] = x[0]", "b[2] = x[0]"),
    "comparison": ("b[m < 1] = x[0]", "b[m > 1] = x[0]"),
    "operator": ("b[~m] = x[0]", "b[-m] = x[0]"),
    "array": ("b[0] = x[0] * c[0]", "c[0] = x[0] * b[0]"),
    "slice": ("b[1:2] = x[0]", "b[1:3] = x[0]"),
}


def module_of(path, text):
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The functions of all rows, by name, from one file."""
    rows = list((FOLLOWED | REFUSED).items())
    text = IMPORTS + "".join(f"\ndef program_{at}(x):{body}" for at, (_, body) in enumerate(rows))
    module = module_of(tmp_path_factory.mktemp("rows") / "adopted_programs.py", text)
    return {name: getattr(module, f"program_{at}") for at, (name, _) in enumerate(rows)}


@pytest.mark.filterwarnings("ignore:Setting the shape")  # deprecated from NumPy 2.5 on
@pytest.mark.parametrize("name", FOLLOWED)
def test_what_only_variables_hold_is_followed(name, programs):
    assert_untouched(programs[name], X)
    assert_differentiates(programs[name], X)


@pytest.mark.parametrize("name", REFUSED)
def test_what_something_else_holds_is_an_error(name, programs):
    plain = programs[name](X.copy())
    with pytest.raises((UnsupportedError, CutWarning)):
        record(programs[name], X.copy())
    np.testing.assert_array_equal(programs[name](X.copy()), plain)


@pytest.mark.parametrize("name", EDITED)
def test_a_file_that_was_edited_is_not_read(name, tmp_path):
    old, new = EDITED[name]
    function = module_of(tmp_path / "edited.py", _PROGRAM.format(old)).function
    (tmp_path / "edited.py").write_text(_PROGRAM.format(new) + "# edited\n")
    with pytest.raises(UnsupportedError):
        record(function, X.copy())


def test_of_two_files_with_equal_code_the_one_that_was_not_edited_is_read(tmp_path):
    old, new = EDITED["number"]
    edited, other = (module_of(tmp_path / name, _PROGRAM.format(old)).function for name in ("a.py", "b.py"))
    (tmp_path / "a.py").write_text(_PROGRAM.format(new) + "# edited\n")
    assert edited.__code__ == other.__code__
    with pytest.raises(UnsupportedError):
        record(edited, X.copy())
    assert_untouched(other, X)
    assert_differentiates(other, X)


_STATE = """
import numpy as np
W = np.array([1.0, 2.0, 3.0])
rows, table = [W], {"w": [W]}

def read(x):
    W[0] = x[0] * x[1]
    return rows[0].sum() + table["w"][0].sum() * x[1]

def returned(x):
    W[0] = x[0] * x[1]
    return W

def returned_in_a_pair(x):
    W[0] = x[0] * x[1]
    return W, rows[0].sum()

def shaped_and_locked(x):
    W[0] = x[0] * x[1]
    W.shape = 3, 1
    W.setflags(write=False)
    return W
"""


@pytest.mark.filterwarnings("ignore:Setting the shape")  # as above
def test_what_is_set_of_a_programs_array_is_set_of_that(tmp_path):
    module = module_of(tmp_path / "state.py", _STATE)
    array = module.W
    assert record(module.shaped_and_locked, X[:2].copy()).result is module.W is array
    np.testing.assert_allclose(array, [[0.91], [2.0], [3.0]])
    assert not array.flags.writeable


# Of x[0] * x[1] = 0.91 at the place that is written, 5 at the others
EXPECTED = {
    "read": [0.7 * 1.7, 1.3 * 1.7 + 5.91],
    "returned": [0.91 * 0.7, 0.91 * 1.3],
    "returned_in_a_pair": [0.7, 1.3],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_traces_hold_of_a_programs_array_is_our_own(name, tmp_path):
    module = module_of(tmp_path / "state.py", _STATE)
    held = []
    for _ in range(3):
        held.append(record(getattr(module, name), X[:2].copy()))
        assert module.W is module.rows[0] is module.table["w"][0]
    of = {"returned_in_a_pair": "[1]"}.get(name)
    seed = None if name != "returned" else np.array([0.91, 0.0, 0.0])
    found = [each.backward(of=of, seed=seed).grads["x"] for each in held]
    assert all(np.array_equal(each, found[0]) for each in found)
    np.testing.assert_allclose(found[0], EXPECTED[name])


_VIEWED = """
import numpy as np
W = np.ones((2, 3, 4)).transpose({})
W = W.copy(order="K")
v = W[1]
kept = []

def function(x):
    v[0] = x[0] * x[1]
    kept[:] = v[1:], W.T, W[:, 1]
    kept[0][:] = x[0]
    return W.sum()
"""


@pytest.mark.parametrize("axes", ["0, 1, 2", "2, 1, 0", "1, 0, 2"])
def test_views_of_a_programs_array_that_are_kept_are_of_that(axes, tmp_path):
    module = module_of(tmp_path / "viewed.py", _VIEWED.format(axes))
    array, view = module.W, module.v
    finished = record(module.function, X[:2].copy())
    np.testing.assert_allclose(
        finished.grads["x"], [0.7 * view[0].size + view[1:].size, 1.3 * view[0].size]
    )
    assert module.W is array
    assert module.v is view
    assert {id(each.base) for each in (view, *module.kept)} == {id(array)}


def test_what_who_calls_has_in_a_tuple_is_found(tmp_path):
    module = module_of(tmp_path / "state.py", _STATE)
    params = (module.W, 1.0)
    np.testing.assert_allclose(record(module.read, X[:2].copy()).grads["x"], EXPECTED["read"])
    assert params[0] is module.W


def test_what_something_else_holds_of_what_a_trace_returned_is_an_error(tmp_path):
    module = module_of(tmp_path / "state.py", _STATE)
    held = record(module.returned, X[:2].copy())
    kept = np.array([held.result, None], object)
    with pytest.raises(UnsupportedError):
        record(module.returned, X[:2].copy())
    assert kept[0] is module.W
