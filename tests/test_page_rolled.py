"""The page of a rolled graph: its numbers over the runs, the turns told in full, and what can be opened."""

import json
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from rolled_programs import ROLLED, rolled_trace
from test_page import Parts, data_from, data_of

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
        assert told.get("isBack", False) == edge.is_back
        exact = [trace.edges[int(member)] for member in edge.members]
        if edge.count == 1:
            assert labels.norm(exact[0].grad) in told["grad"]
            continue
        series = numbers.gradients(edge)
        drawn = [float(str(size).replace("−", "-")) for size in told["series"]["sizes"]]
        np.testing.assert_allclose(drawn, series.points, rtol=1e-3)
        for run, text in told["series"]["named"].values():
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


def tanh_loop(x, w):
    h = x
    for _ in range(100):
        a = h * w
        h = math.tanh(a)
    return h


def test_the_edges_of_a_loop_tell_the_same_turn(tmp_path):
    trace = record(tanh_loop, 0.3, 0.9)
    view = data_of(trace, tmp_path)["views"][0]
    loops = {edge["loop"] for edge in view["edges"] if "loop" in edge}
    assert loops == {0}
    assert view["loops"] == [{"count": 100, "word": "turn"}]
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
    assert view["loops"] == [{"count": 100, "word": "turn", "counter": "t", "start": 0, "step": 1}]


def in_a_list(w):
    return sum([math.tanh(w * at) for at in range(100)])


def entered_often(w):
    total = 0.0
    for _ in range(10):
        for k in range(20):
            total = total + math.tanh(w * k)
    return total


@pytest.mark.parametrize("function", [in_a_list, entered_often])
def test_what_is_no_one_loop_has_runs(function, tmp_path):
    view = data_of(record(function, 0.3), tmp_path)["views"][0]
    assert view["loops"]
    assert {loop["word"] for loop in view["loops"]} == {"run"}
    assert not any("counter" in loop for loop in view["loops"])


def logistic(r, x):
    for _ in range(100):
        x = r * x * (1 - x)
    return x


def rnn(w, h, xs):
    for x in xs:
        h = np.tanh(w @ h + x)
    return (h**2).sum()


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


def clip(x):
    y = x * 1.5
    for k in range(12):
        y = y * 0.9 + k * x
    return y


def step(x, w):
    a = clip(x * w)
    b = clip(a + w)
    return a * b


def many_calls(x, w):
    total = x * 1.0
    for k in range(8):
        total = total * w + step(total, w + k) * 0.1
    return total


def grouped(levels=100):
    """Write a program whose own text has more than the budget: its helpers are closed."""
    body = "".join(f"    y = y * {1 + at / 1000} + x\n" for at in range(levels))
    source = f"def helper(x, y):\n{body}    return y\ndef program(x):\n    return helper(x, x) * x\n"
    namespace = {}
    exec(source, namespace)  # noqa: S102 - a program too long to be written out
    return namespace["program"]


@pytest.fixture(scope="module")
def closed():
    return record(grouped(), 0.5)


def test_a_closed_group_has_a_view_of_its_own(closed, tmp_path):
    data = data_of(closed, tmp_path)
    whole, inside = data["views"]
    (group,) = [node for node in whole["nodes"] if node["kind"] == "group"]
    assert group["opens"] == 1
    assert (inside["parent"], inside["name"]) == (0, "helper()")
    assert len(inside["nodes"]) >= group["nodes"]


def test_views_inside_views_lead_back(tmp_path):
    data = data_of(record(many_calls, 0.3, 0.2), tmp_path)
    for number, view in enumerate(data["views"][1:], 1):
        assert 0 <= view["parent"] < number
        opened = [node for node in data["views"][view["parent"]]["nodes"] if node.get("opens") == number]
        assert len(opened) == 1


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


def first_edge(page, condition):
    script = f"JSON.parse(document.getElementById('data').textContent).views[0].edges.findIndex((edge) => {condition})"
    return page.run(script)


def choose(page, ref):
    page.page.locator(f"#stage .wire[data-ref={ref}], #stage [data-ref={ref}]").last.dispatch_event("click")


def test_a_turn_can_be_chosen_and_the_picture_tells_it(visit):
    trace = record(tanh_loop, 0.3, 0.9)
    page = visit(trace)
    edge = first_edge(page, "edge.isBack")
    choose(page, f"e{edge}")
    assert page.page.locator("#details .plot").count() == 1
    page.page.select_option("#turn", "2")
    told = page.run(
        f"JSON.parse(document.getElementById('data').textContent).views[0].edges[{edge}].turns[2]"
    )
    assert told["working"] in page.text("#details")
    assert told["working"] in page.shown(f"e{edge}")
    assert told["value"] in page.shown(f"e{edge}")
    assert page.text("#turn-text") == "turn 2 (of 100, from 0); pale: all turns"
    replaced = page.page.locator(f"#stage .wire[data-ref=e{edge}] .is-replaced").all_text_contents()
    assert any("→" in text for text in replaced)
    page.page.click("#back")
    assert told["value"] not in page.shown(f"e{edge}")
    assert page.page.locator("#turn-note").is_hidden()
    assert page.run("document.querySelectorAll('.is-apart, .is-one-turn').length") == 0
    page.page.select_option("#turn", "1")
    assert page.page.locator("#turn-note").is_visible()
    page.page.click("#turn-end")
    assert told["working"] not in page.shown(f"e{edge}")
    assert page.page.locator("#turn-note").is_hidden()


def test_what_is_searched_for_is_seen_also_where_all_was_fitted(visit):
    page = visit(rolled_trace("recurrent"), width=1100, height=420)
    page.press("0")
    drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    scale = "document.querySelector('#stage > svg').getBoundingClientRect().width"
    page.run(drawn)
    before = page.run(scale)
    page.press("/")
    page.page.keyboard.type("h")
    page.press("Enter")
    page.run(drawn)
    (ref,) = page.refs("chosen")
    assert page.run(scale) > 1.5 * before
    shape = page.page.locator(f"#stage [data-ref={ref}] > :is(rect, ellipse, polygon)").first.bounding_box()
    stage = page.page.locator("#stage").bounding_box()
    assert shape["height"] >= 10
    assert stage["x"] <= shape["x"] <= stage["x"] + stage["width"]
    assert stage["y"] <= shape["y"] <= stage["y"] + stage["height"]


def test_nothing_is_written_over_what_was_each_time_the_same(visit):
    def mean(x):
        total = 0.0
        for t in range(100):
            total = total + math.tanh(x * t)
        return total / 100

    page = visit(record(mean, 0.01))
    edge = first_edge(page, "edge.isBack")
    wire = page.page.locator(f"#stage .wire[data-ref=e{edge}] text:visible")
    assert any("each time" in text for text in wire.all_text_contents())
    choose(page, f"e{edge}")
    page.page.select_option("#turn", "2")
    assert not any("each time" in text for text in wire.all_text_contents())
    assert any("0.01 × 1 = 0.01" in text for text in wire.all_text_contents())


def test_a_rolled_graph_is_stepped_through_place_by_place(visit):
    page = visit(record(tanh_loop, 0.3, 0.9))
    page.press("Home", "ArrowRight", "ArrowRight")
    assert "in 100 runs" in page.text("#status") or "output" in page.text("#status")
    assert page.refs("now")
    page.press("End")
    assert page.refs("later") == set()


def test_groups_open_and_the_breadcrumb_leads_back(visit, closed):
    page = visit(closed)
    nodes = Parts(page.path.read_text("utf-8")).data["views"][0]["nodes"]
    (group,) = [number for number, node in enumerate(nodes) if node["kind"] == "group"]
    choose(page, f"n{group}")
    assert "nodes inside" in page.text("#details")
    page.page.click("#details button:has-text('Open')")
    assert page.texts("#crumbs > span") == ["program", "\u203a helper()"]
    assert page.page.locator("#stage .function").count() > 100
    page.press("Home", "ArrowRight")
    assert page.text("#count").startswith("1 /")
    page.page.click("#crumbs .link")
    assert page.text("#crumbs") == "program"
    choose(page, f"n{group}")
    page.page.click("#details button:has-text('Open')")
    page.press("Escape")
    assert page.text("#crumbs") == "program"


def test_a_part_of_a_graph_has_a_page(visit, tmp_path):
    trace = record(tanh_loop, 0.3, 0.9)
    path = tmp_path / "part.html"
    viz.draw(trace, path, focus="h", depth=2)
    from test_page import Parts

    view = Parts(path.read_text("utf-8")).data["views"][0]
    assert len(view["nodes"]) < 20
    for node in view["nodes"]:
        for edge in [*node.get("in", []), *node.get("out", [])]:
            assert 0 <= edge < len(view["edges"])
    kinds = [node["kind"] for node in view["nodes"]]
    assert "output" in kinds
    page = visit(trace, focus="h")
    page.press("Home", "ArrowRight", "ArrowRight")
    assert page.refs("now")
    assert json.loads(page.page.locator("#data").text_content())["title"] == "tanh_loop"


def wait_until(page, condition):
    """Wait for what the page does when it next has time; its policy lets playwright's own way not run."""
    for _ in range(100):
        if page.run(condition):
            return
        page.page.wait_for_timeout(100)
    raise AssertionError(condition)


def test_text_out_of_sight_is_left_out_of_a_large_picture_until_it_comes_into_sight(visit, closed):
    page = visit(closed, exact=True)
    page.press("0")
    out = "document.querySelectorAll('#stage .is-out').length"
    groups = page.run("document.querySelectorAll('#stage > svg > g').length")
    assert groups > 300
    for _ in range(18):
        page.press("+")
    wait_until(page, f"{groups} / 2 < {out} && {out} < {groups}")
    page.press("/")
    page.page.keyboard.type("output")
    page.press("Enter")
    (output,) = page.refs("chosen")
    shown = f"getComputedStyle(document.querySelector('[data-ref={output}] text')).display"
    wait_until(page, f"{shown} !== 'none'")
    assert page.run("document.activeElement.dataset.ref") == output
    page.press("Home", "ArrowRight", "ArrowRight", "ArrowRight")
    assert page.refs("now")


def scale_of(page):
    page.page.wait_for_timeout(200)
    return page.run("new DOMMatrix(document.querySelector('#stage > svg').style.transform).a")


def is_in_sight(page, ref):
    """Whether all of a node is in the room for the picture."""
    node, room = (
        page.page.locator(f"#stage [data-ref={ref}]").bounding_box(),
        page.page.locator("#stage").bounding_box(),
    )
    return all(
        room[side] <= node[side] and node[side] + node[size] <= room[side] + room[size]
        for side, size in (("x", "width"), ("y", "height"))
    )


def number_of(page, what):
    return page.run(f"JSON.parse(document.getElementById('data').textContent).{what}")


def healthy(x, w):
    for _ in range(60):
        x = x * w + 0.01
    return x


def test_it_opens_where_the_gradients_come_from_at_a_size_that_can_be_read(visit):
    page = visit(record(healthy, 0.3, 0.999), width=1000)
    assert scale_of(page) * 11 >= 9
    assert is_in_sight(page, f"n{number_of(page, 'views[0].output')}")
    assert not is_in_sight(page, "n0")
    page.press("0")
    assert scale_of(page) * 11 < 9
    assert is_in_sight(page, "n0")


def test_it_opens_where_something_is_wrong(visit):
    page = visit(rolled_trace("overflowing"), width=1000, height=500)
    first = number_of(page, "findings[0].places[0][0]")
    assert scale_of(page) * 11 >= 9
    assert is_in_sight(page, first)
    assert not is_in_sight(page, f"n{number_of(page, 'views[0].output')}")


def test_the_source_has_room_for_its_lines(visit):
    page = visit(record(rnn, np.eye(3), np.ones(3), np.ones((60, 3))))
    own = page.page.locator("#source").bounding_box()["width"]
    lines = page.run(
        "[...document.querySelectorAll('#source .made .text')].map((each) => each.getBoundingClientRect().right)"
    )
    assert max(lines) < own


def test_the_source_is_made_wider_by_keys_and_by_the_mouse(visit):
    page = visit(record(rnn, np.eye(3), np.ones(3), np.ones((60, 3))))
    divider = page.page.locator("#divider")
    own = page.page.locator("#source").bounding_box()["width"]

    def width():
        page.page.wait_for_timeout(100)  # a frame, for its value to follow
        found = page.page.locator("#source").bounding_box()["width"]
        assert int(divider.get_attribute("aria-valuenow")) == round(found / 14)
        graph = page.page.locator("#graph").bounding_box()
        assert graph["x"] == pytest.approx(found + 1, abs=0.1)
        return found

    divider.focus()
    before = width()
    assert before == own
    page.press("ArrowRight")
    assert width() == pytest.approx(before + 28, abs=8)
    page.press("ArrowLeft", "ArrowLeft")
    assert width() == pytest.approx(before - 28, abs=14)
    assert page.text("#count").startswith(page.text("#count").split(" / ")[1])  # no step was taken
    page.press("Home")
    assert width() == 140
    page.press("End", "ArrowRight")
    assert width() == 840
    page.page.mouse.move(840, 400)
    page.page.mouse.down()
    page.page.mouse.move(500, 420)
    page.page.mouse.up()
    assert width() == pytest.approx(500, abs=2)
    divider.dblclick()
    assert width() == own


def test_keys_of_a_list_and_of_a_pane_are_their_own(visit):
    page = visit(record(tanh_loop, 0.3, 0.9))
    choose(page, f"e{first_edge(page, 'edge.isBack')}")
    page.page.locator("#turn").focus()
    count = page.text("#count")
    page.press("ArrowUp", "ArrowLeft")
    assert page.text("#count") == count
    assert page.run("document.activeElement.id") == "turn"
    page.page.locator("#details").focus()
    page.press("ArrowDown")
    assert page.run("document.activeElement.id") == "details"


def test_colour_shows_what_vanishes_over_the_turns_and_the_chosen_turn(visit):
    page = visit(record(rnn, np.eye(3) / 10, np.ones(3), np.ones((60, 3))))
    page.press("c")
    decades = page.page.get_attribute("#scale svg", "aria-label")
    assert "from 1e-" in decades
    assert "left to right" in page.text("#scale")
    assert "as thick as its largest" in page.text("#scale")
    edge = first_edge(page, "edge.isBack")
    stroke = f"getComputedStyle(document.querySelector('#stage .wire[data-ref=e{edge}] > path:not(.hit)')).stroke"
    name = page.run(stroke).removeprefix('url("#').split('"')[0]
    stops = page.run(
        f"[...document.getElementById('{name}').children].map((each) => getComputedStyle(each).stopColor)"
    )
    assert len(set(stops)) > 10
    choose(page, f"e{edge}")
    page.page.select_option("#turn", "1")
    choose(page, "n0")
    early = page.run(stroke)
    assert "(of 60" in page.text("#scale")
    assert page.page.get_attribute("#scale svg", "aria-label") == decades
    choose(page, f"e{edge}")
    page.page.select_option("#turn", "59")
    choose(page, "n0")
    assert early != page.run(stroke)
    assert early.startswith("rgb")
    page.press("c")
    assert page.page.locator("#stage linearGradient").count() == 0
