"""Small graphs as text: each node with its operands, as wide as there is room."""

import json
import re

import numpy as np
import pytest
import viz_programs as programs
from command_line import sample

from tracer import detach, record
from viz.graph_text import MOST_NODES, MOST_OPERANDS, graph_lines, is_small, neighbourhood


def broadcast(W, b):  # noqa: N803  (a matrix)
    return (W + b).sum()


def cut(x):
    return x * detach(x)


def lines_of(trace, *nodes, **options):
    return [line.plain for line in graph_lines(trace, *nodes, **options)]


DRAWN = [
    (
        lambda: record(programs.residual, 0.5, 2.0, 0.0),
        [
            "x  = 0.5  ◆ Σ 0.8399 + 1 = 1.84  input",
            "w  = 2  input",
            "b  = 0  input",
            "w * x  = 1  viz_programs.py:{w * x + b}",
            "← w  0.42 × 0.5 = 0.21",
            "← x  0.42 × 2 = 0.8399",
        ],
    ),
    (
        lambda: record(broadcast, np.ones((2, 3)), np.ones(3)),
        [
            "W  = (2, 3)  ‖2.449‖  input",
            "b  = (3,)  ‖1.732‖  input",
            "W + b  = (2, 3)  ‖4.899‖  test_graph_text.py:{(W + b).sum()}",
            "← W  ‖2.449‖ → ‖2.449‖",
            "← b  ‖2.449‖ → ‖2.449‖ → Σ of copies ‖3.464‖",
        ],
    ),
    (
        lambda: record(cut, 3.0),
        [
            "x  = 3  ◆ Σ 0 + 3 = 3  input",
            "detach(x)  = 3  cut",
            "← x  none",
        ],
    ),
    (
        lambda: record(programs.not_finite, 1.0, 2.0),
        [
            "x  = 1  input",
            "y  = 2  input",
            "r  = ⚠ inf  ◆ Σ 0.5 − 0.5 = 0  viz_programs.py:{r = math.inf * x}  math.inf * x",
            "← x  0 × inf = ⚠ nan",
        ],
    ),
]


def _numbered(line):
    from pathlib import Path

    import viz_programs

    if "{" not in line:
        return line
    start, code, end = re.split("[{}]", line)
    file = viz_programs.__file__ if "viz_programs" in start else __file__
    text = Path(file).read_text("utf-8").split("\n")
    return start + str(next(number for number, each in enumerate(text, 1) if code in each)) + end


@pytest.mark.parametrize(("make", "lines"), DRAWN)
def test_how_a_graph_reads(make, lines):
    drawn = [re.sub(r" {2,}", "  ", line.strip()) for line in lines_of(make())]
    assert drawn[: len(lines)] == [_numbered(line) for line in lines]


def test_each_edge_is_one_line_but_those_into_splitters():
    trace = record(programs.fan_out, 2.0)
    lines = lines_of(trace)
    assert sum("← " in line for line in lines) == sum(edge.dst.kind != "splitter" for edge in trace.edges)
    assert sum("← " not in line for line in lines) == sum(node.kind != "splitter" for node in trace.nodes)


def test_where_there_is_little_room_code_goes_and_numbers_stay():
    trace = record(programs.residual, 0.5, 2.0, 0.0)
    narrow = lines_of(trace, width=40)
    assert max(map(len, narrow)) <= 40
    assert "  ← x           0.42 × 2 = 0.8399" in narrow
    assert not any("viz_programs" in line for line in narrow)


def test_of_many_operands_the_first_are_shown_and_the_one_that_fires():
    trace = record(lambda x: np.stack([x * k for k in range(20)]).sum(), 2.0)
    stack = next(node for node in trace.nodes if len(node.in_edges) == 20)
    lines = lines_of(trace, [stack.index])
    assert len(lines) == 1 + MOST_OPERANDS + 1
    assert lines[-1] == f"  … {20 - MOST_OPERANDS} more operands"
    now = stack.in_edges[15].step
    assert sum(line.startswith("▶") for line in lines_of(trace, [stack.index], now=now)) == 1


def test_a_neighbourhood_has_both_ends_of_its_edge_and_what_comes_after():
    trace = record(programs.loop, 0.5, 0.7)
    for edge in trace.edges:
        nodes = [trace.nodes[index] for index in neighbourhood(edge)]
        assert len(nodes) <= 6
        assert not any(node.kind == "splitter" for node in nodes)
        if edge.dst.kind != "splitter":
            assert edge.dst in nodes


def test_show_draws_small_graphs_alone(edgegrad):
    edgegrad("run", sample("residual"), "-o", "s.trace")
    assert "  ← weight   15 × 9 = 135\n" in edgegrad("show", "s.trace")[1]
    assert "graph" not in json.loads(edgegrad("show", "s.trace", "--json")[1])
    edgegrad("run", sample("logistic"), "-o", "s.trace")
    assert "← " not in edgegrad("show", "s.trace")[1]
    assert is_small(record(programs.residual, 0.5, 2.0, 0.0))
    assert not is_small(record(programs.loop, 0.5, 0.7))
    assert MOST_NODES < 20
    edgegrad("run", "program.py:not_a_number", "-o", "s.trace")
    assert "⚠ nan" in edgegrad("show", "s.trace")[1]
    edgegrad("run", "program.py:fails", "-o", "f.trace")
    assert "← " not in edgegrad("show", "f.trace")[1]
