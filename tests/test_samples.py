"""Every sample: its plain result, its gradients, and what its docstring tells the reader to look for."""

from __future__ import annotations

import ast
import importlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from invariants import assert_names
from rolled_invariants import assert_rolled
from sample_gradients import (
    BY_HAND,
    DIFFERENCE_TOLERANCE,
    HAND_TOLERANCE,
    central_differences,
    default_arguments,
    leaves,
    rnn_terms_by_hand,
    weight_tying_terms_by_hand,
)

import sample_graphs
from tracer import audit

if TYPE_CHECKING:
    from types import ModuleType

    from tracer.trace import Trace

FOLDER = Path(sample_graphs.__file__).parent
SAMPLES = [
    "splitter",
    "fan_out",
    "single_use",
    "mistakes",
    "residual",
    "resnet",
    "rnn",
    "attention",
    "weight_tying",
    "gradient_accumulation",
    "logistic",
    "newton",
    "black_scholes",
]


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"sample_graphs.{name}")


def function_of(name: str) -> Any:
    return getattr(module_of(name), name)


def trace_of(name: str) -> Trace:
    function = function_of(name)
    function()
    return function.last_trace


def terms(trace: Trace, name: str) -> list[Any]:
    """List what the uses of a value sent back, in the order in which they were made."""
    return [edge.grad for edge in trace[name].uses]


def assert_close(got: Any, expected: Any, tolerance: dict[str, float]) -> None:
    got_leaves, expected_leaves = leaves(got), leaves(expected)
    assert len(got_leaves) == len(expected_leaves)
    for got_leaf, expected_leaf in zip(got_leaves, expected_leaves, strict=True):
        assert np.shape(got_leaf) == np.shape(expected_leaf)
        np.testing.assert_allclose(got_leaf, expected_leaf, **tolerance)


def test_the_folder_holds_these_samples_and_its_docstring_lists_them_in_order():
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert files == set(SAMPLES)
    listed = [line.split()[0] for line in sample_graphs.__doc__.splitlines() if line.startswith("    ")]
    assert listed == SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_rolled_up_has_the_numbers_of_the_exact_graph(name):
    assert_rolled(trace_of(name))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_value_is_called_finds_it(name):
    assert_names(trace_of(name))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_one_page_that_says_what_it_shows_and_what_to_look_for(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    title, blank, look_for = ast.get_docstring(tree).splitlines()
    assert title.endswith(".")
    assert not blank
    assert look_for.startswith("Look for: ")
    traced = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    assert traced == [name]
    assert len(source.splitlines()) <= 50


@pytest.mark.parametrize("name", SAMPLES)
def test_tracing_changes_neither_the_bits_nor_the_type_of_the_result(name):
    function = function_of(name)
    plain, traced = function.__wrapped__(), function()
    assert type(traced) is type(plain)
    assert np.asarray(traced).tobytes() == np.asarray(plain).tobytes()


@pytest.mark.parametrize("name", SAMPLES)
def test_gradients_match_central_differences_of_the_plain_function(name):
    trace = trace_of(name)
    function = function_of(name).__wrapped__
    expected = central_differences(function, default_arguments(function))
    assert list(trace.grads) == list(expected)
    assert_close(trace.grads, expected, DIFFERENCE_TOLERANCE)


@pytest.mark.parametrize("name", sorted(BY_HAND))
def test_gradients_match_those_worked_out_by_hand(name):
    trace = trace_of(name)
    expected = BY_HAND[name](**default_arguments(function_of(name).__wrapped__))
    assert list(trace.grads) == list(expected)
    assert_close(trace.grads, expected, HAND_TOLERANCE)


@pytest.mark.parametrize("name", SAMPLES)
def test_gradients_have_the_structure_of_the_arguments(name):
    trace = trace_of(name)
    for argument, gradient in zip(
        leaves(default_arguments(function_of(name).__wrapped__)), leaves(trace.grads), strict=True
    ):
        assert type(gradient) is type(argument)
        assert np.asarray(gradient).dtype == np.asarray(argument).dtype


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_fits_one_picture(name):
    assert len(trace_of(name).nodes) <= 90


def test_splitter_adds_three_and_seven():
    trace = trace_of("splitter")
    assert terms(trace, "x") == [3.0, 7.0]
    assert trace["x"].grad == 10.0
    assert [node.kind for node in trace.nodes].count("splitter") == 1


def test_fan_out_adds_one_term_for_each_power():
    trace = trace_of("fan_out")
    assert terms(trace, "x") == [1.0, 4.0, 12.0, 32.0, 80.0]
    assert trace["x"].grad == 129.0


def test_single_use_has_no_splitter_and_multiplies_along_its_chain():
    trace = trace_of("single_use")
    assert "splitter" not in [node.kind for node in trace.nodes]
    (use,) = trace["bias"].uses
    assert trace["bias"].grad == use.grad == use.upstream * use.local == 1 - math.tanh(0.5) ** 2


def test_residual_adds_the_skip_and_the_main_path():
    trace = trace_of("residual")
    towards_y = trace["y"].grad
    assert towards_y == 15.0
    assert sorted(terms(trace, "x")) == [towards_y, towards_y * 3.0]
    assert trace["x"].grad == 60.0


def test_resnet_skips_hand_the_gradient_on_unchanged():
    trace = trace_of("resnet")
    splitters = [node for node in trace.nodes if node.kind == "splitter" and node.op == "copy"]
    blocks = [node for node in splitters if {edge.dst.op for edge in node.out_edges} == {"matmul", "add"}]
    assert len(blocks) == module_of("resnet").BLOCKS
    for block in blocks:
        (skip,) = [edge for edge in block.out_edges if edge.dst.op == "add"]
        (branch,) = [edge for edge in block.out_edges if edge.dst.op == "matmul"]
        np.testing.assert_array_equal(skip.grad, skip.upstream)
        np.testing.assert_allclose(block.grad, skip.upstream + branch.grad, rtol=1e-14)


@pytest.mark.parametrize("name", ["W_xh", "W_hh", "b"])
def test_rnn_adds_one_term_for_each_word(name):
    trace = trace_of("rnn")
    by_word = [
        term[name] for term in rnn_terms_by_hand(**default_arguments(function_of("rnn").__wrapped__))
    ]
    assert len(trace[name].uses) == len(module_of("rnn").WORDS) - 1
    assert_close(terms(trace, name), by_word, HAND_TOLERANCE)
    np.testing.assert_allclose(sum(terms(trace, name)), trace.grads[name], rtol=1e-14)


def test_rnn_has_no_gradient_for_the_memory_before_the_first_word():
    first, *others = terms(trace_of("rnn"), "W_hh")
    assert not first.any()
    assert all(term.any() for term in others)


@pytest.mark.parametrize("name", ["keys", "values"])
def test_attention_adds_one_term_for_each_head(name):
    trace = trace_of("attention")
    by_head = terms(trace, name)
    assert len(by_head) == module_of("attention").HEADS
    # An edge into a transpose carries the gradient of the keys as they were before it.
    np.testing.assert_allclose(sum(by_head), trace[name].grad, rtol=1e-14)


def test_weight_tying_adds_the_embedding_and_the_scoring():
    trace = trace_of("weight_tying")
    by_hand = weight_tying_terms_by_hand(**default_arguments(function_of("weight_tying").__wrapped__))
    assert_close(terms(trace, "E"), [by_hand["looked up"], by_hand["scored"]], HAND_TOLERANCE)


@pytest.mark.parametrize("name", ["slope", "intercept"])
def test_gradient_accumulation_adds_the_micro_batches_to_the_full_batch(name, monkeypatch):
    module = module_of("gradient_accumulation")
    micro_batches = trace_of("gradient_accumulation")
    monkeypatch.setattr(module, "MICRO_BATCH", len(module.SPEED))
    full_batch = trace_of("gradient_accumulation")
    assert len(micro_batches[name].uses) == 3
    assert len(full_batch[name].uses) == 1
    np.testing.assert_allclose(sum(terms(micro_batches, name)), full_batch.grads[name], rtol=1e-14)


def test_logistic_sends_probability_minus_truth_to_the_scores():
    trace = trace_of("logistic")
    probability, truth = trace["probability"].value, module_of("logistic").IS_VIRGINICA
    np.testing.assert_allclose(trace["scores"].grad, (probability - truth) / 100, rtol=1e-12, atol=1e-15)


def test_logistic_reads_a_hundred_real_flowers():
    module = module_of("logistic")
    assert module.MEASURED.shape == (100, 4)
    np.testing.assert_allclose(module.MEASURED.mean(axis=0), [6.262, 2.872, 4.906, 1.676], rtol=1e-12)
    assert module.IS_VIRGINICA.sum() == 50


def test_newton_forgets_all_steps_but_the_last():
    trace = trace_of("newton")
    *early, last = terms(trace, "x")
    assert len(early) == 4
    assert last == pytest.approx(1 / (2 * math.sqrt(2)), rel=1e-12)
    assert max(abs(term) for term in early) < 1e-5


def test_black_scholes_cancels_at_d1_so_that_delta_is_left():
    trace = trace_of("black_scholes")
    through_price, through_d2 = terms(trace, "d1")
    assert through_price == pytest.approx(-through_d2, rel=1e-12)
    assert abs(through_price) > 1
    assert trace["d1"].grad == pytest.approx(0.0, abs=1e-12)


def test_mistakes_are_named():
    trace, attempts = trace_of("mistakes"), module_of("mistakes").ATTEMPTS
    kinds = [audit(trace, claims)["h"].kind for claims in attempts.values()]
    assert kinds == [
        "match",
        "mean-not-sum",
        "product-not-sum",
        "missing-uses",
        "missing-uses",
        "missing-uses",
        "added-not-multiplied",
        "sign",
        "scale",
    ]
