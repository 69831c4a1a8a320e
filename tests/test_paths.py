"""paths: the largest paths against all of them, walked one by one; what they add up to; their text and JSON."""

import itertools
import json
import math
import re

import numpy as np
import pytest
from command_line import sample
from hypothesis import assume, given, note, settings
from strategies import array_programs, scalar_programs
from test_properties import QUICK

from sample_graphs.attention import attention
from sample_graphs.residual import residual
from sample_graphs.rnn import rnn
from tracer import load, record
from tracer.diagnose.path_text import _percent
from tracer.errors import GradientError, LookupNameError

MANY = 3_000  # paths that are walked one by one


def all_paths(source, target):
    """Walk from an input to a node over the edges: yield each path as edges. Only for small graphs."""
    pending = [((), source)]
    while pending:
        edges, node = pending.pop()
        if node == target:
            yield edges
        pending += [((*edges, edge), edge.dst) for edge in node.out_edges]


def product(trace, edges):
    """Multiply the local partials of the function nodes on a path by the seed."""
    factors = [edge.local for edge in edges if edge.dst.kind == "function"]
    return math.prod([trace.seed_value, *reversed(factors)])


@settings(QUICK, max_examples=100)
@given(scalar_programs())
def test_the_largest_paths_of_a_program_of_numbers_are_those_among_all(program):
    trace = record(program.function(), *program.arguments)
    note(repr(program))
    assume(not any(isinstance(node.value, complex) for node in trace.nodes))  # of these, paths have shares
    for source in trace.inputs:
        found = trace.paths(source.name, top=6)
        assume(found.path_count <= MANY)
        walked = [product(trace, edges) for edges in all_paths(source, trace.output)]
        assert found.path_count == len(walked)
        carrying = sorted((each for each in walked if each != 0), key=abs, reverse=True)
        assert [abs(path.contribution) for path in found] == pytest.approx(
            [abs(each) for each in carrying[:6]], rel=1e-12
        )
        for path in found:
            assert path.contribution == pytest.approx(product(trace, path.edges), rel=1e-12)
        assert found.total == source.grad
        assert math.fsum(walked) == pytest.approx(
            source.grad, rel=1e-9, abs=1e-12 * math.fsum(map(abs, walked))
        )
        assert math.fsum([*(path.contribution for path in found), found.others]) == pytest.approx(
            found.total
        )


@settings(QUICK, max_examples=100)
@given(array_programs())
def test_the_shares_of_arrays_add_up(program):
    trace = record(program.function(), *program.arguments)
    note(repr(program))
    for source in trace.inputs:
        size = float(np.linalg.norm(source.grad))
        assume(size > 1e-6)
        found = trace.paths(source.name, top=MANY)
        assume(found.path_count <= MANY)
        assert found.total == pytest.approx(size if np.ndim(source.grad) else source.grad)
        brought = [path.contribution for path in found]
        noise = 1e-9 * max(math.fsum(map(abs, brought)), size)
        assert math.fsum(brought) == pytest.approx(found.total, abs=noise)
        assert all(np.diff(np.abs(brought)) <= 1e-12 * np.abs(brought[:-1]))


def test_a_path_is_a_chain_of_edges_from_the_value_to_the_output():
    trace = record(attention)
    for path in trace.paths("tokens", top=20):
        edges = path.edges
        assert edges[0].src == trace["tokens"]
        for edge, following in itertools.pairwise(edges):
            assert edge.dst == following.src
        assert edges[-1].dst.out_edges[0].dst == trace.output
        assert [edge.dst for edge in edges if edge.dst.kind == "function"] == list(path.nodes)
    assert {edge.dst.kind for edge in edges} == {"function", "splitter"}


def test_the_share_of_a_use_is_its_projection_on_the_whole():
    def f(w):
        return (w * np.array([1.0, 2.0])).sum() + (w * np.array([3.0, -1.0])).sum()

    trace = record(f, np.array([0.5, 0.25]))
    whole = np.array([4.0, 1.0])
    shares = [np.array(use) @ whole / (whole @ whole) for use in ([3.0, -1.0], [1.0, 2.0])]
    assert [path.share for path in trace.paths("w")] == pytest.approx(shares)


def test_paths_up_to_a_value_are_its_part_of_the_gradient():
    trace = record(residual)
    (path,) = trace.paths("x", to="main")
    assert path.contribution == 45
    assert trace.paths("x", to="main").total == 45
    assert trace.paths("x", to="y").total == 60
    assert trace.paths("main", to="x").path_count == 0
    assert not trace.paths("main", to="x")
    assert [each.contribution for each in trace.paths("x", to="x")] == [60]


def test_paths_that_bring_nothing_are_counted_and_not_listed():
    def f(x):
        return 2 * x + x * 0.0

    found = record(f, 3.0).paths("x")
    assert (found.path_count, len(found), found.others) == (2, 1, 0)
    rounded = record(lambda x: x * 0.1 * 3 + x * 0.7 + x * 0.0, 3.0).paths("x", top=2)
    assert (rounded.path_count, len(rounded), rounded.others, rounded.others_share) == (3, 2, 0, 0)
    unused = record(lambda x, y: x + 0 * y, 1.0, 2.0).paths("y")
    assert (unused.path_count, len(unused), unused.total) == (1, 0, 0)
    assert "none of which brings anything" in str(unused)


def test_uses_that_cancel_are_both_listed():
    found = record(lambda x: x * 3 - x * 3, 2.0).paths("x")
    assert [path.contribution for path in found] == [3, -3]
    assert [path.share for path in found] == [None, None]
    assert found.total == 0
    assert str(found).endswith("the paths cancel to zero; see cancellation")


def test_what_is_not_finite_comes_first():
    def f(x, y):
        return 5 * x + math.inf * x - y

    first, second = record(f, 1.0, 1.0).paths("x")
    assert (first.contribution, second.contribution) == (math.inf, 5)
    assert first.share is None


def doubled(x, times):
    for _ in range(times):
        x = (x + x) * 0.5
    return x


@pytest.mark.parametrize(("times", "count"), [(3, 8), (60, 2.0**60), (5_000, math.inf)])
def test_paths_without_number_are_counted(times, count):
    found = record(lambda x: doubled(x, times), 1.0).paths("x", top=3)
    assert found.path_count == count
    assert found.path_count_log10 == pytest.approx(times * math.log10(2))
    assert found.total == 1
    assert len(found) == 3
    assert found[0].contribution == 0.5**times


def test_loops_are_folded_and_a_contribution_below_the_floats_is_told():
    text = str(record(lambda x: doubled(x, 5_000), 1.0).paths("x", top=1))
    assert "about 10^1,505 paths" in text
    assert "7.08e-1506" in text
    assert "] ×5,000 → output" in text


def logistic(x, rate, times):
    for _ in range(times):
        x = rate * x * (1 - x)
    return x


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (5, ["all paths"]),
        (800, ["the paths cancel: the largest is 1.5e+249 times the gradient; see cancellation"]),
        (1_000, ["−8.984e+310 ", "−3.19e+313 %", "1e+312 times the gradient; see cancellation"]),
    ],
)
def test_paths_that_cancel_say_so_also_beyond_the_floats(times, words):
    def f(rate):
        return logistic(0.3, rate, times)

    found = record(f, 3.2).paths("rate")
    text = str(found)
    assert all(word in text for word in words), text
    assert (found.cancels_log10 is None) == ("cancel" not in text)
    sizes = [path.scaled.log10 for path in found]
    expected = [float(np.log10(np.abs(path.factors)).sum()) for path in found]
    assert sizes == pytest.approx(expected)
    assert sizes == sorted(sizes, reverse=True)
    terms = [*(path.scaled for path in found), found.scaled_others]
    top = max(term.exponent for term in terms)
    left = math.fsum(math.ldexp(term.mantissa, term.exponent - top) for term in terms)
    assert left == pytest.approx(math.ldexp(found.total, -top), abs=1e-15)


def test_a_product_that_leaves_the_floats_on_its_way_comes_back():
    def f(x):
        for factor in (1e200, 1e200, 1e-200, 1e-200, 1e-200, 1e-200, 1e200, 3e200):
            x = x * factor
        return x

    (path,) = record(f, 1e-300).paths("x")
    assert path.contribution == pytest.approx(3)


def test_a_path_without_order_is_cut_in_the_middle():
    def f(x):
        for bit in np.random.default_rng(0).integers(0, 2, 200).tolist():
            x = x + 1.0 if bit else x * 1.5
        return x

    text = " ".join(str(record(f, 1.0).paths("x")).split())
    assert "1.5 × … 81 more … × 1.5" in text
    assert " → … → " in text
    assert len(text) < 1_500


def test_the_text_of_a_sample():
    assert str(record(residual).paths("x")) == (
        "x = 3 → output: 2 paths\n"
        "  45   75 %   6 × 0.5 × 1 × 15 × 1\n"
        "    x → ^ :12 → main = × :12 → y = + :13 → ^ :14 → output\n"
        "  15   25 %   1 × 15 × 1\n"
        "    x → y = + :13 → ^ :14 → output\n"
        "  60  100 %   all paths"
    )
    text = str(record(rnn).paths("W_hh", top=2))
    assert "30 paths" in text
    assert "all others" in text


def test_paths_by_two_operands_of_one_operation_are_told_apart():
    def powers(x):
        y = x * x
        return y * y * 2.0

    lines = str(record(powers, 3.0).paths("x")).split("\n")[2:-1:2]
    assert len(set(lines)) == 4
    assert sum(bool(re.search(r"y = × :\d+ \(1st operand\)", line)) for line in lines) == 2
    assert not any("2.0 (" in line for line in lines)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (1.0, "100 %"),
        (0.9995, "99.95 %"),
        (0.999996, "99.9996 %"),
        (1.0001, "100.01 %"),
        (0.0001, "0.01 %"),
    ],
)
def test_what_is_not_all_is_never_rounded_to_all(share, told):
    assert _percent(share, math.log10(share)) == told


def test_the_command_prints_and_fits_the_terminal(edgegrad, monkeypatch):
    edgegrad("run", sample("rnn"), "-o", "s.trace")
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = edgegrad("paths", "s.trace", "W_hh", "--top", "2")
    assert (code, err) == (0, "")
    assert max(map(len, out.split("\n"))) <= 80
    found = load("s.trace").paths("W_hh", top=2)
    told = json.loads(edgegrad("paths", "s.trace", "W_hh", "--top", "2", "--json")[1])
    assert [each["contribution"] for each in told["paths"]] == [path.contribution for path in found]
    assert told["count"] == 30
    assert told["others"] == found.others
    up_to = json.loads(edgegrad("paths", "s.trace", "W_hh", "--to", "h[2]", "--json")[1])
    assert up_to["target"] == "h[2]"


def test_wrong_names_and_runs_without_gradient_are_one_error(edgegrad):
    trace = record(residual)
    for wrong in ({"name": "weigth"}, {"name": "x", "to": "mian"}):
        with pytest.raises(LookupNameError, match="did you mean"):
            trace.paths(**wrong)
    with pytest.raises(GradientError, match="several"):
        record(lambda x: (x * 2, x * 3), 1.0).paths("x")
    edgegrad("run", sample("residual"), "-o", "s.trace")
    code, _, err = edgegrad("paths", "s.trace", "weigth")
    assert code == 2
    assert "did you mean" in err
