"""The page of a rolled graph: its numbers over the runs, the turns told in full, and what can be opened."""

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rolled_programs import ROLLED, rnn, rolled_trace, tanh_loop
from test_page import data_from, data_of

import viz
from tracer import record
from viz import labels
from viz.export import Shown, decide
from viz.geometry import PlacedText
from viz.layout import geometry
from viz.loops import FULL_OF_MANY, Loops
from viz.page.data import page_data
from viz.page.document import as_script_data
from viz.rolled_diagram import rolled_diagram
from viz.rolled_numbers import Numbers
from viz.rollup import roll_up

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", ROLLED)
def test_all_numbers_of_a_rolled_page_are_those_of_the_trace(name):
    trace = rolled_trace(name)
    rolled = roll_up(trace)
    shown = Shown(trace, rolled, rolled_diagram(rolled), ())
    data = data_from(*as_script_data(page_data(shown, geometry(shown.diagram, "built-in"), "built-in")))
    numbers = Numbers(rolled)
    view = data["views"][0]
    assert view["isRolled"]
    assert [node.get("count", 1) for node in view["nodes"]] == [node.count for node in rolled.nodes]
    assert sum(turn is not None for turn in view["order"]) == len(set(view["order"]))
    for edge, told in zip(rolled.edges, view["edges"], strict=True):
        assert (told["from"], told["to"]) == (edge.src, edge.dst)
        assert ("backTo" in told) == edge.is_back
        exact = [trace.edges[int(member)] for member in edge.members]
        if edge.count == 1:
            assert labels.norm(exact[0].grad) in told["grad"]
            continue
        series = numbers.gradients(edge)
        drawn = [float(str(size).replace("−", "-")) for size in told["series"]["sizes"]]
        np.testing.assert_allclose(drawn, series.points, rtol=1e-3)
        for run, text, when in told["series"]["named"].values():
            assert when == numbers.when(edge, run)
            assert text == labels.norm(exact[run].grad) or series.is_norm
        sizes = [np.linalg.norm(np.ravel(each.grad)) for each in exact]
        if np.isfinite(sizes).all():
            assert told["magnitude"] == pytest.approx(max(sizes), rel=1e-4)
        turns = told["turns"]
        assert turns
        run = 0
        for turn in turns.values():  # in their order, each is one of the runs
            run = next(at for at in range(run, len(exact)) if says(turn, exact[at]))
        assert int(max(turns, key=int)) < view["loops"][told["loop"]]["count"]


def texts_of(entries):
    """Return the lines of a legend."""
    return ["".join(text for _, text, _ in each.runs) for each in entries if isinstance(each, PlacedText)]


@pytest.mark.parametrize("name", ROLLED)
def test_the_legend_of_a_page_is_that_of_its_picture(name):
    trace = rolled_trace(name)
    shown = decide(trace)
    placed = geometry(shown.diagram, "built-in")
    (view, *_) = page_data(shown, placed, "built-in")["views"]
    legend = ET.fromstring(view["legend"])  # noqa: S314  (we wrote it)
    lines = filter(None, ("".join(each.itertext()) for each in legend.iter(f"{SVG}text")))
    assert sorted(lines) == sorted(texts_of(placed.legend))


def says(turn, edge):
    """Whether what is told of a turn is what an exact edge carries."""
    value = labels.norm(edge.value) in turn["value"]
    return value and labels.norm(edge.grad) in (turn.get("working") or turn["grad"])


def test_the_edges_of_a_loop_tell_the_same_turn(tmp_path):
    trace = record(tanh_loop, 0.3, 0.9)
    view = data_of(trace, tmp_path)["views"][0]
    loops = {edge["loop"] for edge in view["edges"] if "loop" in edge}
    assert loops == {0}
    (loop,) = view["loops"]
    assert (loop["count"], loop["word"]) == (100, "turn")
    assert loop["names"] == {str(turn): f"turn {turn}" for turn in map(int, loop["names"])}
    turns = {tuple(edge["turns"]) for edge in view["edges"] if "loop" in edge}
    assert {turn for kept in turns for turn in kept} >= {"0", "1", "2", "97", "98", "99"}
    for edge in view["edges"]:
        for turn, told in edge.get("turns", {}).items():
            target = view["nodes"][edge["to"]]
            if target["kind"] == "function" and target["op"] == "tanh":
                assert labels.number(trace[f"a[{turn}]"].value) == told["value"]
                assert labels.number(trace[f"a[{turn}]"].grad) in told["working"]


def test_one_expression_with_two_places_is_in_one_loop(tmp_path):
    def rnn(xs, w):
        h = 0.0
        for t in range(100):
            h = np.tanh(w @ xs[t] + h)
        return h

    view = data_of(record(rnn, np.ones((100, 3)), np.ones(3)), tmp_path)["views"][0]
    (loop,) = view["loops"]
    assert loop["names"] == {str(turn): f"t = {turn}" for turn in range(100)}


def in_a_list(w):
    return sum([math.tanh(w * at) for at in range(100)])


def entered_often(w):
    total = 0.0
    for _ in range(10):
        for k in range(20):
            total = total + math.tanh(w * k)
    return total


def entered_as_often_as_told(w, times=(30, 40, 50)):
    total = 0.0
    for each in times:
        for k in range(each):
            total = total + math.tanh(w * k)
    return total


@pytest.mark.parametrize(
    ("function", "words", "last"),
    [
        (in_a_list, ["turn", "run"], "at = 99"),  # a sum goes through the list by itself
        (entered_often, ["turn"], "turn 9, k = 19"),
        (entered_as_often_as_told, ["run"], None),
    ],
)
def test_turns_are_told_by_all_loops_around_them_and_else_they_are_runs(function, words, last, tmp_path):
    view = data_of(record(function, 0.3), tmp_path)["views"][0]
    assert [loop["word"] for loop in view["loops"]] == words
    assert list(view["loops"][0].get("names", {"": None}).values())[-1] == last


def logistic(r, x):
    for _ in range(100):
        x = r * x * (1 - x)
    return x


def test_a_sum_is_of_one_run_and_what_a_loop_gives_has_its_gradient_over_the_runs(tmp_path):
    trace = record(logistic, 3.5, 0.3)
    nodes = data_of(trace, tmp_path)["views"][0]["nodes"]
    (of_r,) = [n for n in nodes if n["kind"] == "splitter" and n["name"] == "r"]
    assert [total for _, _, total, _ in of_r["sums"]] == [labels.number(trace.grads["r"])]
    inside = next(n for n in nodes if n["kind"] == "splitter" and n.get("count") == 99)
    assert [total for _, _, total, _ in inside["sums"]] == [None, inside["grad"]]
    first, last = (labels.number(trace[f"x[{turn}]"].grad) for turn in (0, 98))
    assert inside["grad"] == f"{first} \u2192 {last}"


def test_the_uses_of_each_run_of_a_splitter_are_counted_also_where_one_place_is_several(tmp_path):
    def loss(w, b):
        weights = [w * at for at in range(6)]
        total = 0.0
        for x in range(20):
            for at, each in enumerate(weights):
                if at < 4 or x < 15:
                    total = total + each * x + b
        return total

    view = data_of(record(loss, 0.5, 0.1), tmp_path)["views"][0]
    uses = {node.get("count", 1): node["uses"] for node in view["nodes"] if "sums" in node}
    assert uses == {1: [110, 110], 6: [15, 20]}


def test_a_sum_of_arrays_is_told_by_its_norm_and_never_missing(tmp_path):
    rng = np.random.default_rng(0)
    trace = record(rnn, rng.normal(size=(3, 3)) / 3, np.zeros(3), rng.normal(size=(60, 3)))
    nodes = data_of(trace, tmp_path)["views"][0]["nodes"]
    (split,) = [n for n in nodes if n["kind"] == "splitter" and n["name"] == "w"]
    assert split["sums"][-1][2] == labels.norm(trace.grads["w"])
    (tanh,) = [n for n in nodes if n["op"] == "tanh"]
    first, last = (labels.norm(trace[f"h[{turn}]"].grad) for turn in (0, 59))
    assert tanh["grad"] == f"{first} \u2192 {last}"


def test_the_largest_uses_of_a_value_are_told_by_their_turns(visit):
    page = visit(record(tanh_loop, 0.3, 0.9))
    trace = page.trace
    view = page.run("JSON.parse(document.getElementById('data').textContent).views[0]")
    at, split = next((at, node) for at, node in enumerate(view["nodes"]) if "largest" in node)
    edge = view["edges"][split["largest"][0][0]]
    uses = {labels.number(use.grad) for use in trace[split["name"]].uses}
    assert {term for _, _, term in split["largest"]} <= uses
    assert (
        labels.number(max((use.grad for use in trace[split["name"]].uses), key=abs))
        == split["largest"][0][2]
    )
    page.choose(f"n{at}")
    (first, *_) = page.texts("#details .largest li")
    assert first.endswith(f", {split['largest'][0][1]}: {split['largest'][0][2]}")
    page.page.locator("#details .largest .link").first.click()
    assert page.refs("chosen") == {f"e{view['edges'].index(edge)}"}


@pytest.mark.parametrize(("length", "kept"), [(50, 50), (100, 100), (101, 30)])
def test_as_many_turns_are_kept_as_the_documentation_says(tmp_path, length, kept):
    view = data_of(record(rnn, np.eye(2), np.ones(2), np.ones((length, 2))), tmp_path)["views"][0]
    turns = {turn for edge in view["edges"] for turn in edge.get("turns", ())}
    assert abs(len(turns) - kept) <= (length > 100) * 2
    assert {"0", "1", "2", str(length - 1)} <= turns


def test_with_many_edges_fewer_turns_are_kept():
    count = 260
    names = [f"x{at}" for at in range(count)]
    lines = [f"        {name} = {name} * 1.5" for name in names]
    source = f"def wide({', '.join(names)}):\n    for _ in range(50):\n" + "\n".join(lines)
    namespace = {}
    exec(compile(f"{source}\n    return {' + '.join(names)}", "wide.py", "exec"), namespace)  # noqa: S102
    rolled = roll_up(record(namespace["wide"], *np.ones(count).tolist()))
    assert sum(edge.count > 1 for edge in rolled.edges) > 3_000 / FULL_OF_MANY
    (first, *_) = [edge for edge in rolled.edges if edge.count > 1]
    assert FULL_OF_MANY - 2 < len(Loops(rolled).of(first)[1]) <= FULL_OF_MANY


def test_findings_have_a_place_in_every_view_that_shows_them(tmp_path):
    def bad(x):
        for k in range(60):
            x = x * 1.1 + k
        return math.inf * x - math.inf * x

    trace = record(bad, 1.0)
    data = data_of(trace, tmp_path)
    assert data["findings"]
    for finding in data["findings"]:
        assert len(finding["places"]) == len(data["views"])
        (first, *_) = finding["places"][0]
        assert int(first[1:]) < len(data["views"][0]["nodes"])


def test_the_size_of_a_page_is_that_of_the_programs_text(tmp_path):
    sizes = []
    for steps in (1_000, 30_000):

        def loop(x, w, steps=steps):
            for _ in range(steps):
                x = x * w + 0.1
            return x

        viz.draw(record(loop, 0.3, 0.9), tmp_path / "loop.html")
        sizes.append((tmp_path / "loop.html").stat().st_size)
    assert sizes[1] < 1.1 * sizes[0]
    assert sizes[1] < 500_000
