"""Random programs: the plain result untouched, the gradients of central differences, the graph's invariants."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from checks import assert_untouched, central_differences
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st
from invariants import assert_invariants
from strategies import array_programs, scalar_programs, table_programs, writing_programs

import tracer.backward
from tracer import record
from tracer.errors import UnsupportedError

QUICK = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)


def assert_program(program):
    function = program.function()
    note(repr(program))
    assert_untouched(function, *program.arguments)
    finished = record(function, *copy.deepcopy(program.arguments))
    assert_invariants(finished)
    assume(not any(node.kink for node in finished.nodes if node.op != "round"))
    expected = central_differences(lambda *given: function(*copy.deepcopy(given)), *program.arguments)
    scale = 1 + max((float(np.max(np.abs(each), initial=0)) for each in expected), default=0.0)
    assume(scale < 300)
    for name, wanted in zip(finished.grads, expected, strict=True):
        np.testing.assert_allclose(finished.grads[name], wanted, rtol=1e-6, atol=1e-7 * scale, err_msg=name)


@settings(QUICK, max_examples=200)
@given(scalar_programs())
def test_programs_of_scalars(program):
    assert_program(program)


@settings(QUICK, max_examples=200)
@given(array_programs())
def test_programs_of_arrays(program):
    assert_program(program)


@settings(QUICK, max_examples=100)
@given(table_programs())
def test_programs_of_the_whole_table(program):
    function = program.function()
    note(repr(program))
    assert_untouched(function, *program.arguments)
    finished = record(function, *program.arguments)
    with np.errstate(all="ignore"):
        expected, finer = (
            central_differences(function, *program.arguments, step=step) for step in (1e-4, 3e-5)
        )
    for name, wanted, other in zip(finished.grads, expected, finer, strict=True):
        # Where the two differ, a step went over a kink or the function is too steep for differences.
        scale = 1 + np.max(np.abs(wanted), initial=0)
        assume(np.allclose(wanted, other, rtol=1e-6, atol=1e-6 * scale))
        np.testing.assert_allclose(finished.grads[name], wanted, rtol=1e-5, atol=1e-5 * scale, err_msg=name)


@pytest.mark.filterwarnings("ignore:Conversion of an array with ndim")  # NumPy's own, before 2.4
@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@settings(QUICK, max_examples=150)
@given(writing_programs())
def test_programs_that_write(program):
    try:
        record(program.function(), *copy.deepcopy(program.arguments))
    except UnsupportedError:
        return  # no answer is no wrong one
    assert_program(program)


@settings(QUICK, max_examples=40)
@given(array_programs(), st.floats(-3, 3))
def test_a_seed_scales_every_gradient(program, seed):
    finished = record(program.function(), *program.arguments)
    scaled = finished.backward(seed=seed)
    for edge, other in zip(finished.edges, scaled.edges, strict=True):
        np.testing.assert_allclose(np.asarray(edge.grad) * seed, other.grad, rtol=1e-9, atol=1e-12)


@settings(QUICK, max_examples=40)
@given(array_programs())
def test_what_was_not_kept_is_recomputed_alike(program):
    kept = record(program.function(), *program.arguments)
    budget, tracer.backward.BUDGET = tracer.backward.BUDGET, 0
    try:
        recomputed = kept.backward()
        assert len(recomputed.gradients.slots) <= len(kept.gradients.slots)
        for edge, other in zip(kept.edges, recomputed.edges, strict=True):
            np.testing.assert_array_equal(edge.grad, other.grad)
            assert np.asarray(edge.grad).dtype == np.asarray(other.grad).dtype
    finally:
        tracer.backward.BUDGET = budget
