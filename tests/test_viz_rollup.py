"""The roll-up: what folds into what, what it is called, which edges go back, and the numbers of the exact graph."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from rolled_invariants import assert_rolled
from rolled_programs import (
    ROLLED,
    either,
    failing,
    gathered,
    mutual,
    nested_calls,
    power,
    recurrent,
    rolled_trace,
    scalar_net,
    scalar_net_arguments,
    summed,
    swapped,
    tree,
    two_places,
    until,
)
from strategies import array_programs, scalar_programs, writing_programs
from viz_programs import PROGRAMS, trace_of

from sample_graphs.programs import pendulum, transformer
from tracer import load, record, trace
from tracer.errors import UnsupportedError
from viz.choice import View, choose
from viz.folding import MOST_PATHS, fold_paths
from viz.rolled_numbers import MOST_POINTS, Numbers, Series
from viz.rollup import BUDGET, FEWEST, READABLE, SEVERAL, roll_up
from viz.text_order import in_order

QUICK = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), print_blob=False)


def rolled(function, *arguments, **named):
    return roll_up(record(function, *arguments), **named)


def functions(found):
    return [(node.op, node.name, node.count) for node in found.nodes if node.kind == "function"]


def back(found):
    return [
        (found.nodes[edge.src].name, found.nodes[edge.dst].op, edge.count)
        for edge in found.edges
        if edge.is_back
    ]


def test_a_loop_is_one_turn_and_a_value_carried_to_the_next_goes_back():
    found = rolled(recurrent, 0.5, 0.9, 0.3, 25)
    assert functions(found) == [
        ("multiply", "", 25),
        ("multiply", "", 25),
        ("add", "", 25),
        ("tanh", "h", 25),
    ]
    assert back(found) == [("h", "multiply", 24)]
    assert [node.name for node in found.nodes if node.kind == "input"] == ["x", "w", "u", "steps"]


@pytest.mark.parametrize("steps", [2, 10, 40])
def test_a_picture_does_not_grow_with_the_run(steps):
    few, many = rolled(recurrent, 0.5, 0.9, 0.3, steps), rolled(recurrent, 0.5, 0.9, 0.3, 3 * steps)
    assert [(node.op, node.name) for node in few.nodes] == [(node.op, node.name) for node in many.nodes]
    assert [(edge.src, edge.dst, edge.port) for edge in few.edges] == [
        (edge.src, edge.dst, edge.port) for edge in many.edges
    ]


def test_the_same_function_called_from_two_places_is_two_groups():
    found = rolled(two_places, 2.0)
    assert [(group.name, group.count, group.site.text) for group in found.groups] == [
        ("square[0]", 1, "square(x)"),
        ("square[1]", 1, "square(x + 1.0)"),
    ]


def test_calls_within_calls_are_groups_within_groups():
    found = rolled(nested_calls, 2.0)
    assert [(group.name, group.parent, group.count) for group in found.groups] == [
        ("scaled()", -1, 5),
        ("square()", 0, 5),
    ]


@pytest.mark.parametrize(
    ("function", "arguments", "groups", "carried"),
    [
        (mutual, (0.7,), [("even()", -1, 5), ("odd()", 0, 5)], [("", "multiply", 4)]),
        (tree, (0.7,), [("fibonacci()", -1, 20)], [("", "multiply", 7), ("", "add", 12)]),
        (power, (1.1, 9), [("power()", -1, 7)], [("", "subtract", 6), ("", "multiply", 6)]),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_recursion_is_one_group_of_the_calls_that_did_something(function, arguments, groups, carried):
    found = rolled(function, *arguments)
    assert [(group.name, group.parent, group.count) for group in found.groups] == groups
    assert back(found) == carried


def test_what_a_generator_does_comes_before_what_is_made_of_it():
    found = rolled(summed, 0.5)
    assert functions(found) == [
        ("multiply", "", 12), ("add", "", 12), ("sum_scalars", "", 4), ("multiply", "", 4), ("subtract", "x", 4)
    ]  # fmt: skip
    assert back(found) == [("x", "multiply", 9), ("x", "subtract", 3)]


def test_what_is_called_in_a_generator_comes_before_what_is_made_of_it():
    found = roll_up(rolled_trace("training"))
    names = [found.nodes[edge.src].op for edge in found.edges if edge.is_back]
    assert names == ["copy"] * 6 + ["add"]  # the two parameters, which are used in six places, and a total


def test_what_a_comprehension_makes_for_a_call_comes_before_it():
    found = roll_up(rolled_trace("orbit"))
    second = [node for node in found.nodes if node.site is not None and node.site.text == "-state[0]"]
    assert [node.count for node in second if node.kind == "function"] == [20, 20]
    carried = {found.nodes[edge.src].site.text for edge in found.edges if edge.is_back}
    assert carried == {"each + h / 2 * (a + b)"}
    assert not any(edge.is_back for edge in found.incoming[second[-1].index])


def test_branches_that_take_turns_are_counted_apart_and_named_by_what_reads_them():
    found = rolled(either, 1.5)
    assert functions(found) == [("multiply", "part", 3), ("subtract", "part", 3), ("add", "total", 6)]
    assert back(found) == [
        ("total", "add", 5)
    ]  # and not the part that was first made after the first total


def test_a_condition_that_the_compiler_writes_twice_is_one_place():
    found = rolled(until, 2.0)
    (square,) = (node for node in found.nodes if node.site is not None and node.site.text == "root * root")
    assert square.count > 2


def test_values_that_are_swapped_between_variables_go_back():
    found = rolled(swapped, 1.0, 2.0)
    assert back(found) == [("x", "multiply", 6), ("y", "add", 6)]


def test_lists_in_a_list_are_stacked_before_the_one_around_them():
    found = rolled(lambda r: np.array([[[r, 2.0], [1.0, r]], [[r, r], [0.0, 0.0]]]).sum(), 1.5)
    assert [node.count for node in found.nodes if node.op == "stack"] == [3, 2, 1]
    assert not back(found)


def test_what_nothing_uses_of_a_parameter_is_one_box():
    found = rolled(lambda x, seen: x[0] * x[1] + seen[3], [1.5, 2.0], [1, 2, 3, 4.0])
    inputs = {node.name: node.count for node in found.nodes if node.kind == "input"}
    assert inputs == {"x[0]": 1, "x[1]": 1, "seen[…]": 3, "seen[3]": 1}


def test_many_operands_from_one_place_are_one_edge():
    found = rolled(gathered, np.array([0.1, 0.2, 0.3]))
    (edge,) = (edge for edge in found.edges if edge.port == SEVERAL)
    assert found.nodes[edge.dst].op == "stack"
    assert edge.count == 8  # and the last state, which has no other use, comes without a splitter
    assert_rolled(found.trace)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_numbers_are_those_of_the_exact_graph(name):
    finished = trace_of(name)
    assert_rolled(finished)


@pytest.mark.parametrize("name", ROLLED)
def test_numbers_of_loops_and_calls_are_those_of_the_exact_graph(name):
    assert_rolled(rolled_trace(name))


@settings(QUICK, max_examples=50)
@given(scalar_programs())
def test_numbers_of_random_programs_of_scalars(program):
    note(repr(program))
    assert_rolled(record(program.function(), *program.arguments))


def test_an_array_without_axes_has_its_sign():
    def step(x):
        return np.sum(np.sin(np.asarray(np.exp(-x * x))))

    assert_rolled(record(step, np.array(0.41)))


@settings(QUICK, max_examples=50)
@given(array_programs())
def test_numbers_of_random_programs_of_arrays(program):
    note(repr(program))
    assert_rolled(record(program.function(), *program.arguments))


@pytest.mark.filterwarnings("ignore:Setting the shape")  # NumPy's own, from 2.5 on
@settings(QUICK, max_examples=50)
@given(writing_programs())
def test_numbers_of_random_programs_that_write(program):
    note(repr(program))
    try:
        finished = record(program.function(), *program.arguments)
    except UnsupportedError:
        return
    assert_rolled(finished)


def test_many_inputs_of_one_parameter_fold_by_the_pattern_of_their_paths():
    found = rolled(scalar_net, *scalar_net_arguments())
    inputs = {node.name: node.count for node in found.nodes if node.kind == "input"}
    expected = {f"params[{layer}]['{name}'][…]": 8 for layer in range(4) for name in "b"}
    expected |= {f"params[{layer}]['W'][…][…]": 64 for layer in range(4)}
    assert inputs == expected | {f"xs[{at}]": 1 for at in range(8)}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([f"x[{at}]" for at in range(MOST_PATHS)], [f"x[{at}]" for at in range(MOST_PATHS)]),
        ([f"x[{at}]" for at in range(MOST_PATHS + 1)], ["x[…]"]),
        ([f"net.layers[{at}].w" for at in range(40)], ["net.layers[…].w"]),
        (["a", "b", *(f"c['k{at}'][0]" for at in range(20))], ["a", "b", "c[…][…]"]),
        ([f"p[{a}][{b}][{c}]" for a in range(2) for b in range(4) for c in range(5)], [
            f"p[{a}][{b}][…]" for a in range(2) for b in range(4)
        ]),
        ([f"p[{a}]['W'][{b}][{c}]" for a in range(3) for b in range(4) for c in range(5)] + ["p[0]['b'][0]"], [
            *(f"p[{a}]['W'][…][…]" for a in range(3)), "p[0]['b'][0]"  # alone: in full
        ]),
        ([], []),
    ],
)  # fmt: skip
def test_paths_fold_from_the_innermost_index_outwards(paths, expected):
    patterns, of_path = fold_paths(paths)
    assert patterns == expected
    assert len(of_path) == len(paths)
    for path, at in zip(paths, of_path, strict=True):
        assert re.fullmatch(re.escape(patterns[at]).replace("…", ".*"), path)


def test_groups_close_from_the_innermost_until_the_picture_is_small_enough():
    arguments = scalar_net_arguments(4, 2)
    whole = rolled(scalar_net, *arguments)
    closed = rolled(scalar_net, *arguments, budget=len(whole.nodes) - 1)
    (group,) = (node for node in closed.nodes if node.kind == "group")
    assert (group.name, group.count, group.site.text) == (
        "dense()",
        2,
        'dense(layer["W"], layer["b"], values)',
    )
    assert len(closed.nodes) < len(whole.nodes)
    assert not closed.groups


def test_arrays_of_different_shapes_are_different_boxes_where_few_are_left_then():
    paths = [f"p[{block}]['{name}']" for block in range(2) for name in "abcdefghi"]
    patterns, of_path = fold_paths(paths, shapes=([(2, 8)] * 8 + [(8, 2)]) * 2)
    assert patterns == ["p[…][…]", "p[…]['i']"]
    assert of_path == ([0] * 8 + [1]) * 2
    patterns, _ = fold_paths(paths, shapes=[(side, side) for side in range(18)])
    assert patterns == ["p[…][…]"]


def test_a_transformers_matrices_are_folded_by_shape():
    finished = record(transformer.next_token_loss, transformer.PARAMETERS, transformer.TOKENS)
    inputs = [node for node in roll_up(finished).nodes if node.kind == "input"]
    assert {node.name for node in inputs if "mlp" in node.name} == {
        f"params['blocks'][0]['mlp']['{name}']" for name in ("w_in", "w_out")
    }
    for node in inputs:
        assert len({np.shape(finished.nodes[member].value) for member in node.members.tolist()}) == 1


def test_calls_close_until_a_picture_is_readable_but_not_what_is_nearly_all_of_it():
    finished = record(pendulum.tip, 120.0, -10.0, n=3).backward(of="[0]")
    few = roll_up(finished)
    assert [node.name for node in few.nodes if node.kind == "group"] == ["deriv()", "deriv()"]
    assert FEWEST <= len(few.nodes) <= READABLE < len(roll_up(finished, budget=BUDGET - 1).nodes) < BUDGET
    inside = roll_up(finished, choose(finished, View(only="deriv")).keep)
    assert READABLE < len(inside.nodes) < BUDGET
    assert [group.name for group in inside.groups] == ["deriv()"]


def test_a_sum_says_which_turns_its_largest_terms_came_from():
    found = rolled(recurrent, 0.5, 0.9, 0.3, 25)
    (splitter,) = (node for node in found.nodes if node.kind == "splitter" and node.name == "w")
    total = Numbers(found).sum_of(splitter)
    grads = [edge.grad for edge in found.trace["w"].uses]
    assert total.uses == 25
    assert total.total == pytest.approx(sum(grads))
    largest = sorted(range(25), key=lambda turn: -abs(grads[turn]))[:3]
    assert [term.run for term in total.terms] == largest
    assert [term.share for term in total.terms] == pytest.approx(
        [grads[turn] / sum(grads) for turn in largest]
    )


@pytest.mark.parametrize("count", [1, 2, MOST_POINTS, MOST_POINTS + 1, 10_000])
def test_what_is_drawn_of_a_series_is_short_and_has_its_extremes(count):
    values = np.random.default_rng(count).normal(size=count) * 10.0 ** np.linspace(0, -9, count)
    values[count // 2] = 0.0
    series = Series.of(values)
    assert len(series.runs) <= MOST_POINTS + 2
    assert {0, count - 1, series.least, series.most} <= set(series.runs.tolist())
    assert series.zeros == 1


def test_what_is_not_finite_is_drawn_and_is_no_extreme():
    values = np.ones(5_000)
    values[[17, 4_000]] = math.nan, -math.inf
    series = Series.of(values)
    assert {17, 4_000} <= set(series.runs.tolist())
    assert series.bad == 2
    assert series.values[series.most] == series.values[series.least] == 1.0


def test_a_loaded_trace_rolls_up_the_same(tmp_path):
    finished = record(scalar_net, *scalar_net_arguments(3, 2))
    finished.save(tmp_path / "net.trace")
    first, again = roll_up(finished), roll_up(load(tmp_path / "net.trace"))
    assert [(node.op, node.name, node.count) for node in first.nodes] == [
        (node.op, node.name, node.count) for node in again.nodes
    ]
    assert np.array_equal(first.of_edge, again.of_edge)


def test_a_run_that_failed_rolls_up_without_gradients():
    finished = trace(failing)
    with pytest.raises(KeyError):
        finished(1.0)
    found = roll_up(finished.last_trace)
    assert functions(found) == [("multiply", "x", 4)]
    numbers = Numbers(found)
    assert not numbers.has_gradients
    assert all(numbers.gradients(edge) is None for edge in found.edges)
    assert numbers.values(found.nodes[1]).values.tolist() == [2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize(
    ("keys", "edges", "order", "back"),
    [
        ([(0,), (1,), (2,)], [(0, 1), (1, 2)], [0, 1, 2], set()),
        ([(0,), (2,), (1,)], [(0, 1), (1, 2)], [0, 1, 2], set()),  # no circle: what is used comes first
        ([(0,), (1,), (2,)], [(0, 1), (1, 2), (2, 1)], [0, 1, 2], {(2, 1)}),
        ([(0,), (1,)], [(0, 0), (0, 1)], [0, 1], {(0, 0)}),
        ([(3,), (1,), (2,)], [(0, 1), (1, 2), (2, 0)], [1, 2, 0], {(0, 1)}),
        ([(0,), (1,), (5,), (6,), (2,)], [(1, 2), (2, 1), (3, 4), (4, 3), (2, 4), (0, 3)], [0, 1, 2, 4, 3], {(2, 1), (3, 4)}),
        ([], [], [], set()),
    ],
)  # fmt: skip
def test_only_an_edge_on_a_circle_goes_back(keys, edges, order, back):
    assert in_order(keys, edges) == (order, back)


def test_a_long_text_is_put_in_order_without_recursion():
    count = 5_000
    chain = [(at, at + 1) for at in range(count - 1)]
    order, back = in_order([(at,) for at in range(count)], [*chain, (count - 1, 0)])
    assert order == list(range(count))
    assert back == {(count - 1, 0)}
