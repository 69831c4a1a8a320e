"""Every row of the coverage table, observed: what is called followed has the gradient of differences, and so on."""

from __future__ import annotations

import ast
import functools
import linecache
import re
import warnings

import autograd
import autograd.numpy as witness_numpy
import coverage_page
import numpy as np
import pytest
from checks import central_differences, same
from coverage_options import OPTIONS, SCIPYS_OPTIONS
from coverage_table import (
    ALIASES,
    CUTS,
    ERROR,
    FOLLOWED,
    NAMES,
    NO_VALUES,
    OPERANDS,
    PLAIN_READ,
    ROWS,
    SPACE,
    found,
    installed,
    names_in,
    parts,
)

from tracer import load, record, trace
from tracer.errors import CutWarning, UnsupportedError
from tracer.rules import RULES
from tracer.rules.arrange import MATRICES
from tracer.rules.cosines import COSINES
from tracer.rules.distances import DISTANCES
from tracer.rules.distributions import KERNELS, SCIPY_STATS
from tracer.rules.filters import FILTERS
from tracer.rules.scipy_linalg import SCIPY_LINALG
from tracer.rules.scipy_special import SCIPY_SPECIAL
from tracer.rules.softmax import SOFTMAX
from tracer.rules.sparse import SPARSE
from tracer.rules.splines import SPLINES
from tracer.rules.triangles import TRIANGLES
from tracer.standins import plain

SHOWN = {kind: [row for row in ROWS if row.kind == kind] for kind in {row.kind for row in ROWS}}


def calls_of(kind, without=()):
    """Return the calls of the rows that the installed NumPy and Python have."""
    return [
        pytest.param(call, id=f"{row.name}: {call}")
        for row in SHOWN[kind]
        if found(row.name) is not None
        for call in row.calls
        if not any(word in call for word in without)
    ]


@functools.cache
def program(call):
    """Compile a call to a function of the operands that it mentions, and return both."""
    names = [name for name in OPERANDS if name in names_in(call)]
    text = f"lambda {', '.join(names)}: {call}"
    file = f"<{call}>"
    linecache.cache[file] = (len(text), None, [text], file)  # np.zeros is told by the text of its line
    return eval(compile(text, file, "eval"), dict(SPACE)), [OPERANDS[name] for name in names]  # noqa: S307


def weighted(result, numpy=np):
    """Add up all the floats in a result, each with a weight of its own: a gradient in the wrong place shows."""
    total = 0.0
    for number, part in enumerate(parts(result)):
        shape = np.shape(part)
        weights = 0.3 + np.cos(1.7 * np.arange(np.prod(shape, dtype=int)) + number).reshape(shape)
        total = total + numpy.sum(part * weights)
    return total


@functools.cache
def recorded(call, kind=np.float64):
    """Record the weighted sum of what a call returns, with operands of a type."""
    function, operands = program(call)
    operands = [each.astype(kind) if isinstance(each, np.ndarray) else kind(each) for each in operands]
    return record(lambda *given: weighted(function(*given)), *operands)


def plain_of(call):
    function, operands = program(call)
    with np.errstate(all="ignore"):
        return function(*(np.copy(each) if isinstance(each, np.ndarray) else each for each in operands))


def assert_plain_result(call):
    """The traced call returns what the plain one does, to the bit and the type."""
    function, operands = program(call)
    expected = plain_of(call)
    got = trace(function)(*(np.copy(each) if isinstance(each, np.ndarray) else each for each in operands))
    assert same(got, expected), f"traced: {got}, plain: {expected}"


@pytest.mark.parametrize("call", calls_of(FOLLOWED))
def test_what_is_followed_has_the_gradient_of_differences(call):
    assert_plain_result(call)
    function, operands = program(call)
    finished = recorded(call)
    assert not [node for node in finished.nodes if node.kind == "cut"]
    got = finished.grads["given"]
    with np.errstate(all="ignore"):
        wanted = central_differences(lambda *given: weighted(function(*given)), *operands)
    for gradient, expected in zip(got, wanted, strict=True):
        scale = 1 + np.max(np.abs(expected), initial=0)
        # In float32 differences are no more exact than that; exactness is tested below.
        tolerance = 1e-2 if "float32" in call else 2e-7
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=tolerance * scale)


# These look at the distance between floats, have float64 written into them, or ask whether a number is nearly 0.
NARROW = calls_of(FOLLOWED, without=("nextafter", "1e-6", "float64", "math.", "polydiv"))


@pytest.mark.parametrize("call", NARROW)
def test_what_is_followed_keeps_single_precision(call):
    narrow, wide = recorded(call, np.float32).grads["given"], recorded(call).grads["given"]
    for gradient, expected, operand in zip(narrow, wide, program(call)[1], strict=True):
        if isinstance(operand, np.ndarray):
            assert gradient.dtype == np.float32
            scale = 1 + np.max(np.abs(expected), initial=0)
            np.testing.assert_allclose(gradient, expected, rtol=5e-3, atol=5e-3 * scale)


# autograd as a second witness

# What autograd takes and makes nothing of, and sinc at 0, where it says nan.
OVERLOOKED = ("where=", "correction=", "order='A'", "norm='forward'", "[0.0, 1e-6")


def witnessed(call):
    """Return autograd's gradients of a call; None where it lacks the function or the option."""
    names = [name for name in OPERANDS if name in names_in(call)]
    function = eval(f"lambda {', '.join(names)}: {call}", {**SPACE, "np": witness_numpy})  # noqa: S307
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")  # "output seems independent": it has lost the gradient
            return autograd.grad(
                lambda *given: weighted(function(*given), witness_numpy), tuple(range(len(names)))
            )(*(OPERANDS[name] for name in names))
    except Exception:  # noqa: BLE001  (it says in many ways that it can't)
        return None


def test_autograd_agrees_wherever_it_has_the_function():
    agreed = 0
    for parameter in calls_of(FOLLOWED, without=("put(", "math.", "nextafter", *OVERLOOKED)):
        (call,) = parameter.values
        theirs = witnessed(call)
        if theirs is None:
            continue
        for gradient, expected in zip(recorded(call).grads["given"], theirs, strict=True):
            scale = 1 + np.max(np.abs(expected), initial=0)
            np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-8 * scale, err_msg=call)
        agreed += 1
    assert agreed > 400


# complex numbers, made of the real operands of a call

TURN, SHIFT = np.exp(0.5j), 0.2j
# What rounds to float32 takes larger steps than these differences.
WIDE = calls_of(FOLLOWED, without=("float32", "math."))


def real_weighted(result):
    """Add up the real and the imaginary parts of all numbers in a result, each with a weight of its own."""
    total, pending, number = 0.0, [result], 0
    while pending:
        each = pending.pop()
        if isinstance(each, (tuple, list)):
            pending += each
        elif np.asarray(plain(each)).dtype.kind in "fc":
            number += 1
            shape = np.shape(each)
            angles = 1.7 * np.arange(np.prod(shape, dtype=int)).reshape(shape) + number
            total = total + np.sum(np.real(each) * (0.3 + np.cos(angles)))
            total = total + np.sum(np.imag(each) * np.sin(angles))
    return total


def taken_as_complex(call):
    """Return a call as a real function of real operands that are turned in the plane; None where NumPy refuses."""
    function, operands = program(call)

    def turned(*given):
        return real_weighted(function(*(each * TURN + SHIFT for each in given)))

    try:
        with np.errstate(all="ignore"):
            turned(*operands)
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError, np.linalg.LinAlgError):
        return None
    return turned, operands


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("call", WIDE)
def test_what_numpy_computes_of_complex_numbers_is_followed(call):
    made = taken_as_complex(call)
    if made is None:
        return
    function, operands = made
    finished = record(function, *operands)
    assert not [node for node in finished.nodes if node.kind == "cut"]
    random = np.random.default_rng(7)
    directions = [random.uniform(0.5, 1.5, np.shape(each)) for each in operands]

    def moved(h):
        return function(*(each + h * way for each, way in zip(operands, directions, strict=True)))

    got = sum(np.sum(each * way) for each, way in zip(finished.grads["given"], directions, strict=True))
    with np.errstate(all="ignore"):
        (expected,) = central_differences(moved, 0.0)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_most_functions_take_complex_numbers():
    assert sum(taken_as_complex(each.values[0]) is not None for each in WIDE) > 700


# every number that is written in a call, as an argument that is traced


def with_a_number_traced(call):
    """Yield, for each number in a call, a function of it that makes the call, and the number."""
    names = [name for name in OPERANDS if name in names_in(call)]
    for node in ast.walk(ast.parse(call, mode="eval")):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            text = f"{call[: node.col_offset]} number {call[node.end_col_offset :]}"
            file = f"<{text}>"
            source = f"lambda number, {', '.join(names)}: {text}"
            linecache.cache[file] = (len(source), None, [source], file)
            function = eval(compile(source, file, "eval"), dict(SPACE))  # noqa: S307

            def program(number, function=function):
                given = (OPERANDS[name] for name in names)
                copies = (np.copy(each) if isinstance(each, np.ndarray) else each for each in given)
                return weighted(function(number, *copies))

            yield program, float(node.value)


def slope_of(function, number):
    """Return the slope; None where the function refuses floats, or takes steps here."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy 2.5: of counts that are floats
            (wide,), (narrow,) = (central_differences(function, number, step=step) for step in (2e-4, 1e-4))
    except (TypeError, ValueError, IndexError, np.linalg.LinAlgError):
        return None
    return narrow if np.isclose(wide, narrow, rtol=1e-3, atol=1e-5) else None


@pytest.mark.parametrize(
    "call",
    calls_of(
        FOLLOWED,
        without=("float32", "trim_zeros", "nextafter", "bincount([", ".flat[", "flat.__", "excluded"),
    ),
)
def test_a_number_in_a_call_is_followed_or_refused_never_lost(call):
    for function, number in with_a_number_traced(call):
        expected = slope_of(function, number)
        if expected is None:
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                finished = record(function, number)
            except UnsupportedError:
                continue
        if any(each.category is CutWarning for each in caught):
            continue
        assert np.isclose(finished.grads["number"], expected, rtol=1e-4, atol=1e-5), call


# everything else


def nearby(operand):
    return operand + 1e-7 if isinstance(operand, float) else np.where(operand == 0, 0, operand + 1e-7)


@pytest.mark.parametrize("call", calls_of(PLAIN_READ))
def test_a_plain_read_takes_steps_and_leaves_no_node(call):
    assert_plain_result(call)
    function, operands = program(call)
    traced = trace(function)
    traced(*operands)
    assert {node.kind for node in traced.last_trace.nodes} <= {"input", "function", "splitter", "output"}
    moved = function(*map(nearby, operands))
    assert repr(moved) == repr(function(*operands)) or "array_" in call or "array2string" in call


@pytest.mark.parametrize("call", calls_of(CUTS))
def test_a_cut_says_so(call):
    function, operands = program(call)
    traced = trace(function)
    with pytest.warns(CutWarning, match="left the graph through"):
        traced(*(np.copy(each) if isinstance(each, np.ndarray) else each for each in operands))
    assert "cut" in {node.kind for node in traced.last_trace.nodes}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("call", calls_of(ERROR))
def test_an_error_is_one_and_names_the_line(call):
    function, operands = program(call)
    with pytest.raises(UnsupportedError, match=r" at <.*>:1"):
        record(function, *operands)


# NumPy warns of some, traced or not.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.parametrize("call", OPTIONS | SCIPYS_OPTIONS)
def test_an_option_that_is_an_error_is_one_and_names_the_line(call):
    function, operands = program(call)
    try:
        plain_of(call)
    except ValueError as refusal:  # a newer NumPy refuses it itself
        with pytest.raises(ValueError, match=f"^{re.escape(str(refusal))}"):
            record(function, *operands)
    else:
        with pytest.raises(UnsupportedError, match=r" at <.*>:1"):
            record(function, *operands)


def test_an_error_has_a_reason():
    assert all(row.reason for row in SHOWN[ERROR])


def answers(function, *operands):
    """Return the floats that a call gives; None where it raises."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return [np.array(part) for part in parts(function(*operands))]
    except Exception:  # noqa: BLE001  (dtype tools raise all kinds of errors for arrays)
        return None


QUIET = [
    row.name
    for row in SHOWN[NO_VALUES]
    if found(row.name) is not None and "settings" not in row.reason and "files" not in row.reason
]


@pytest.mark.parametrize("name", QUIET)
def test_what_makes_no_use_of_values_loses_no_gradient(name):
    function = found(name)
    for operands in ((1.53,), (OPERANDS["v"],), (OPERANDS["v"], OPERANDS["v"])):
        plain, moved = (answers(function, *(each * by for each in operands)) for by in (1, 1.0001))
        if not plain or not moved or all(map(np.array_equal, plain, moved)):
            continue
        # It does depend on them: then it must say so.
        with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            try:
                record(lambda *given: function(*given), *operands)
            except UnsupportedError:
                continue
        assert any(issubclass(warning.category, CutWarning) for warning in said)


def test_every_public_name_has_one_row():
    assert len(set(NAMES)) == len(NAMES)
    missing = set(installed()) - set(NAMES) - set(ALIASES)
    assert not missing, (
        "put a row into a table of tests/coverage_*.py, and run python tests/coverage_page.py"
    )


def test_every_rule_is_reached_by_a_call():
    """A rule that no public function reaches is dead, or its function has no row."""
    reached = {node.op for parameter in calls_of(FOLLOWED) for node in recorded(*parameter.values).nodes}
    lacking = {op for op in ("matvec", "vecmat", "unstack") if not hasattr(np, op)}  # in NumPy 2.0
    assert set(RULES) - reached - SCIPYS_OWN - lacking <= PYTHONS_OWN


# Rules of Python's operators and builtins; of math functions that a Python may lack; of what has no name in numpy.
SCIPYS_OWN = {*SCIPY_SPECIAL, *SCIPY_STATS, *SCIPY_LINALG, *SOFTMAX, *COSINES, *TRIANGLES, *MATRICES}
SCIPYS_OWN |= {
    *DISTANCES,
    *SPLINES,
    *SPARSE,
    *FILTERS,
    *KERNELS,
    "squareform",
    "solve_assuming",
    "inv_assuming",
}
PYTHONS_OWN = {"sum_scalars", "max_scalars", "min_scalars", "log_base", "hypot_scalars", "fma", "sumprod", "ulp", "rect", "as_strided", "with_real", "with_imag", "slogdet_sign", "sliding_window_view"}  # fmt: skip


def test_the_page_is_fresh():
    assert coverage_page.PAGE.read_text() == coverage_page.text(), "run python tests/coverage_page.py"


@pytest.mark.parametrize(
    "name", ["nanvar", "quantile", "average", "cov", "gradient", "interp", "polyfit", "einsum", "add"]
)
def test_a_trace_of_it_can_be_kept(name, tmp_path):
    """The parameters of every kind of rule can be written, and read again."""
    (row,) = (row for row in ROWS if row.name == f"numpy.{name}")
    for call in row.calls[-2:]:
        finished = recorded(call)
        finished.save(tmp_path / "kept.trace")
        again = load(tmp_path / "kept.trace").backward(seed=1.0)
        for edge, other in zip(finished.edges, again.edges, strict=True):
            np.testing.assert_array_equal(edge.grad, other.grad)
