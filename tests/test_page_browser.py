"""The page, driven in a real browser: each visit ends with the check that nothing failed and nothing was asked for."""

from importlib import resources

import numpy as np
import pytest
from rolled_programs import rolled_trace
from test_samples import trace_of as sample
from viz_programs import HOSTILE_NAMES, trace_of

from tracer import record, trace
from viz import labels

PANE = "#details"


def test_it_opens_with_everything_to_be_seen(visit):
    page = visit(trace_of("splitter"))
    assert page.page.title() == "splitter · edgegrad"
    assert page.text("h1") == "splitter"
    assert page.shown("e2") == ["3", "2 × 1 = 2"]
    assert page.shown("n1") == ["2", "Σ 2 + 5 = 7"]
    assert page.texts(f"{PANE} tbody tr") == ["x 2 7", "y 3 2", "output 10 1"]
    assert page.text("#count") == "6 / 6"
    box = page.page.locator("#stage > svg").bounding_box()
    room = page.page.locator("#graph").bounding_box()
    assert room["x"] <= box["x"]
    assert box["x"] + box["width"] <= room["x"] + room["width"] + 30


@pytest.mark.parametrize(
    "name", ["splitter", "residual", "calls", "cut", "not_finite", "zeros", "operands"]
)
def test_every_number_of_the_trace_is_in_the_details(visit, name):
    trace = trace_of(name)
    page = visit(trace)
    for node in trace.nodes:
        page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")
        told = page.text(PANE)
        for number in (node.value, node.grad):
            if number is not None:
                assert labels.norm(number) in told
        if node.kind == "function":
            for edge in node.in_edges:
                if edge.step is not None:
                    assert labels.norm(edge.upstream) in told
                    assert labels.norm(edge.grad) in told
                    assert (
                        edge.local is None
                        or labels.is_array(edge.grad)
                        or labels.number(edge.local) in told
                    )
        if node.kind == "splitter" and node.op == "copy":
            for edge in node.out_edges:
                assert edge.step is None or labels.norm(edge.grad) in told
    for edge in trace.edges:
        page.page.locator(f"#stage [data-ref=e{edge.index}]").first.dispatch_event("click")
        told = page.text(PANE)
        assert labels.norm(edge.value) in told
        assert labels.norm(edge.grad) in told


@pytest.mark.parametrize("name", ["network", "calls", "fan_out", "cut"])
def test_every_part_of_the_picture_is_where_the_page_believes_it_is(visit, name):
    page = visit(trace_of(name))
    measured = page.run(
        "[...document.querySelectorAll('#stage > svg > g')].map((group) => group.getBBox()).map((box) => [box.x, box.y, box.width, box.height])"
    )
    boxes = page.run("JSON.parse(document.getElementById('data').textContent).views[0].boxes")
    assert len(boxes) == len(measured) - 1  # without the legend, which is empty here
    for box, found in zip(boxes, measured, strict=False):
        np.testing.assert_allclose(box, found, atol=max(8, 0.06 * found[2]))


def test_the_backward_pass_goes_step_by_step(visit):
    trace = trace_of("splitter")
    page = visit(trace)
    page.press("Home")
    assert page.text("#count") == "0 / 6"
    assert page.shown("e2") == ["3"]
    assert page.shown("n0") == ["x", "2"]
    assert page.shown("n5") == ["output", "10", "1"]
    for step in range(1, 6):
        page.press("ArrowRight")
        edge = next(edge for edge in trace.edges if edge.step == step - 1)
        assert page.refs("now") == {f"e{edge.index}"}
        later = {f"e{each.index}" for each in trace.edges if each.step >= step}
        assert {ref for ref in page.refs("later") if ref[0] == "e"} == later
        if edge.dst.kind == "function":
            assert labels.number(edge.grad) in page.text("#status")
        if step in (2, 3, 4):
            assert page.shown("n1") == ["2", "waiting 1 of 2, Σ 5"]
            assert "not there yet" in page.page.get_attribute("#stage [data-ref=n1]", "aria-label")
    assert page.shown("n1") == ["2", "all 2 are here, Σ 7"]
    page.press("ArrowRight")
    assert page.shown("n1") == ["2", "Σ 2 + 5 = 7"]
    assert page.refs("later") == set()
    assert page.text("#status").endswith("The backward pass is complete.")
    page.press("ArrowLeft", "ArrowLeft")
    assert page.text("#count") == "4 / 6"
    page.press("End")
    assert page.text("#count") == "6 / 6"


def test_a_curve_comes_with_its_gradient(visit):
    page = visit(rolled_trace("remember"))
    seen = "[...document.querySelectorAll('#stage .wire .series')].filter((each) => getComputedStyle(each).visibility === 'visible').length"
    curves = page.run(seen)
    assert curves > 3
    page.press("Home")
    assert page.run(seen) == 0
    told = page.run(
        "[...document.querySelectorAll('#stage .aside')].map((each) => getComputedStyle(each).visibility)"
    )
    assert set(told) == {"hidden"}
    page.press("End")
    assert page.run(seen) == curves


def rest(matrix, x):
    return np.linalg.solve(matrix, x).sum()


def test_practice_without_exercises_hides_nothing_and_says_why(visit):
    page = visit(record(rest, np.eye(2), np.ones(2)))
    page.press("p")
    assert page.refs("later") == set()
    assert "no question about them is fair" in page.text(PANE)
    assert "hidden" not in page.text("#status")


def test_details_keep_back_what_the_picture_hides(visit):
    page = visit(trace_of("splitter"))
    page.page.locator("#stage [data-ref=n1]").dispatch_event("click")
    assert "Σ = 7" in page.text(PANE)
    page.press("Home", "ArrowRight", "ArrowRight")
    assert "7" not in page.text(PANE).split("arrive")[1].replace("line 7", "")
    assert "5" in page.text(PANE).split("arrive")[1]


def test_slider_and_buttons_step_too(visit):
    page = visit(trace_of("splitter"))
    page.page.fill("#slider", "3")
    assert page.text("#count") == "3 / 6"
    page.page.click("#back")
    page.page.click("#next")
    page.page.click("#next")
    assert page.text("#count") == "4 / 6"
    page.page.click("#first")
    assert page.text("#count") == "0 / 6"
    page.page.click("#last")
    assert page.text("#count") == "6 / 6"


def test_play_goes_on_by_itself_and_stops(visit):
    page = visit(trace_of("splitter"), motion="reduce")
    page.page.click("#play")
    assert page.page.get_attribute("#play", "aria-label") == "Pause"
    page.wait_for("#count", "2 / 6")
    page.press("Space")
    assert page.page.get_attribute("#play", "aria-label") == "Play"
    at = page.text("#count")
    page.page.wait_for_timeout(1300)
    assert page.text("#count") == at


def test_a_line_lights_its_nodes_and_a_node_its_line(visit):
    page = visit(trace_of("splitter"))
    lines = page.page.locator(".line.made")
    lines.nth(0).hover()
    assert page.refs("hover") == {"n3"}
    page.page.mouse.move(*page.place("n4"))
    assert page.refs("hover") == {"n4"}
    assert page.texts(".line.is-lit .text") == ["return s * x"]
    lines.nth(1).click()
    assert page.refs("chosen") == {"n4"}
    assert page.text(f"{PANE} h2") == "×"


def test_a_click_shows_the_arithmetic_and_its_links_lead_on(visit):
    page = visit(trace_of("splitter"))
    page.page.mouse.click(*page.place("n4"))
    assert page.texts(f"{PANE} .arithmetic tbody tr") == [
        "s 1st operand 1 × 2 = 2 local = x",
        "x 2nd operand 1 × 5 = 5 local = s",
    ]
    page.page.click(f"{PANE} .arithmetic tr:last-child .link")
    assert page.refs("chosen") == {"e4"}
    page.page.click(f"{PANE} dd >> text=splitter of x")
    assert page.refs("chosen") == {"n1"}
    rows = page.texts(f"{PANE} .arithmetic tbody tr")
    assert [row.split()[-2:] for row in rows] == [["5", "5"], ["2", "7"]]
    page.press("Escape")
    assert page.refs("chosen") == set()
    assert page.text(f"{PANE} h2") == "Inputs and outputs"


def test_findings_lead_to_their_place(visit):
    trace = trace_of("not_finite")
    (finding,) = trace.findings()
    page = visit(trace)
    assert finding.message in page.text(".findings")
    assert finding.advice in page.text(".findings")
    page.page.click(".findings .link")
    assert page.refs("chosen") == {f"n{finding.node.index}"}
    assert finding.message in page.text(PANE)


@pytest.mark.parametrize(("query", "ref"), [("s", "n3"), ("y", "n2"), ("25", "n4"), ("multiply", "n4")])
def test_search_by_name_and_by_line(visit, query, ref):
    page = visit(trace_of("splitter"))
    page.press("/")
    page.page.keyboard.type(query)
    assert page.refs("found") >= {ref}
    page.press("Enter")
    assert page.refs("chosen") == {ref}
    assert page.run("document.activeElement.dataset.ref") == ref
    assert page.page.locator("#hits").is_hidden()


def test_search_says_when_nothing_is_found(visit):
    page = visit(trace_of("splitter"))
    page.page.fill("#search", "zebra")
    assert page.texts("#hits li") == ["nothing is called so"]
    page.press("Escape")
    assert page.page.locator("#hits").is_hidden()


def scale(page):
    return page.page.locator("#stage > svg").bounding_box()["width"]


def settled(page):
    page.run("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")


def test_zoom_and_pan_by_keys_wheel_and_drag(visit):
    page = visit(trace_of("splitter"))
    settled(page)
    whole = scale(page)
    page.press("+", "+")
    settled(page)
    assert scale(page) == pytest.approx(whole * 1.25**2, rel=0.01)
    page.press("-")
    settled(page)
    assert scale(page) == pytest.approx(whole * 1.25, rel=0.01)
    page.press("0")
    settled(page)
    assert scale(page) == pytest.approx(whole, rel=0.01)
    x, y = page.place("n3")
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -300)
    settled(page)
    assert scale(page) > 1.3 * whole
    assert page.place("n3") == pytest.approx((x, y), abs=3)
    before = page.place("n3")
    room = page.page.locator("#graph").bounding_box()
    page.page.mouse.move(room["x"] + 40, room["y"] + 40)
    page.page.mouse.down()
    page.page.mouse.move(room["x"] + 140, room["y"] + 90, steps=4)
    page.page.mouse.up()
    settled(page)
    assert page.place("n3") == pytest.approx((before[0] + 100, before[1] + 50), abs=2)
    assert page.refs("chosen") == set()
    page.page.click("#zoom-fit")
    settled(page)
    assert scale(page) == pytest.approx(whole, rel=0.01)


def test_a_pinch_zooms(visit):
    page = visit(trace_of("splitter"))
    settled(page)
    whole = scale(page)
    session = page.context.new_cdp_session(page.page)
    x, y = page.place("n3")

    def touch(kind, distance):
        points = (
            [{"x": x - distance, "y": y, "id": 0}, {"x": x + distance, "y": y, "id": 1}] if distance else []
        )
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 40)
    for distance in (50, 60, 80):
        touch("touchMove", distance)
    touch("touchEnd", 0)
    settled(page)
    assert scale(page) == pytest.approx(2 * whole, rel=0.1)
    assert page.refs("chosen") == set()


def test_the_keyboard_alone_reaches_everything(visit):
    page = visit(trace_of("splitter"))
    reached = set()
    for _ in range(60):
        page.press("Tab")
        reached.add(
            page.run(
                "document.activeElement.id || document.activeElement.dataset.ref || document.activeElement.getAttribute('class')"
            )
        )
    assert {
        "search",
        "colour-button",
        "practice-button",
        "theme-button",
        "help-button",
        "source",
        "line made",
        "n0",
    } <= reached
    assert {"zoom-in", "zoom-fit", "details", "link", "first", "play", "slider"} <= reached
    page.page.locator("#stage [data-ref=n0]").focus()
    page.press("ArrowDown", "ArrowDown", "ArrowDown")
    assert page.run("document.activeElement.dataset.ref") == "n3"
    assert page.run("document.activeElement.getAttribute('aria-label')").startswith(
        "+ at line 24, s, value 5, gradient 2"
    )
    page.press("Shift+ArrowRight")
    assert page.run("document.activeElement.dataset.ref") == "n4"
    page.press("Shift+ArrowLeft")
    assert page.run("document.activeElement.dataset.ref") == "n3"
    page.press("Enter")
    assert page.refs("chosen") == {"n3"}
    page.press("ArrowUp")
    assert page.run("document.activeElement.dataset.ref") == "n2"
    assert page.run("getComputedStyle(document.querySelector('[data-ref=n2] > rect')).strokeWidth") == "4px"


def test_colour_shows_the_size_of_gradients_and_can_be_turned_off(visit):
    page = visit(trace_of("loop"), motion="reduce")
    plain = page.run("getComputedStyle(document.querySelector('.wire > path:not(.hit)')).stroke")
    page.press("c")
    strokes = "[...document.querySelectorAll('#stage .is-coloured > path:not(.hit)')].map((path) => getComputedStyle(path).stroke)"
    assert len(set(page.run(strokes))) > 10
    assert page.text("#scale").startswith("|gradient|, small to large")
    assert page.page.locator("#scale .tick").count() > 2
    assert page.page.get_attribute("#colour-button", "aria-pressed") == "true"
    page.page.click("#colour-button")
    assert page.run(strokes) == []
    assert page.page.locator("#scale").is_hidden()
    assert page.run("getComputedStyle(document.querySelector('.wire > path:not(.hit)')).stroke") == plain


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme_of_the_system_and_has_a_switch(visit, scheme):
    page = visit(trace_of("splitter"), scheme=scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    own = page.run(ground)
    assert (own == "rgb(16, 18, 21)") == (scheme == "dark")
    page.page.click("#theme-button")
    assert page.text("#theme-button") == "Theme: light"
    assert page.run(ground) == "rgb(244, 245, 247)"
    page.page.click("#theme-button")
    assert page.run(ground) == "rgb(16, 18, 21)"
    page.page.click("#theme-button")
    assert page.run(ground) == own


def test_arrays_are_heat_maps_whose_cells_tell_their_numbers(visit):
    trace = trace_of("network")
    page = visit(trace)
    node = trace["hidden"]
    page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")
    figures = page.page.locator(f"{PANE} .heat")
    assert figures.count() == 2
    assert figures.first.locator("rect").count() == node.value.size
    figures.first.locator("rect").nth(17).hover()
    assert (
        figures.first.locator(".cell-value").inner_text() == f"[1, 1] = {labels.number(node.value[1, 1])}"
    )
    figures.nth(1).locator("rect").nth(5).hover()
    assert (
        figures.nth(1).locator(".cell-value").inner_text() == f"[0, 5] = {labels.number(node.grad[0, 5])}"
    )


def answer(page, number):
    page.page.keyboard.type(number)
    page.press("Enter")


def test_practice_hides_gradients_and_names_the_mistake(visit):
    page = visit(trace_of("splitter"))
    page.press("p")
    assert page.shown("e2") == ["3", "?"]
    assert page.shown("n1") == ["2", "?"]
    assert "7" not in page.text(PANE)
    assert page.refs("chosen") == {"e4"}
    verdict = f"{PANE} .is-wrong .verdict"
    answer(page, "6")
    assert "this is their sum: (1 + 5)" in page.text(verdict)
    page.press("Control+a")
    answer(page, "5")
    assert page.shown("e4") == ["2", "1 × 5 = 5"]
    for right in ("1 * 2", "2", "2"):
        answer(page, right)
    assert page.refs("chosen") == {"e0"}
    for wrong, words in (
        ("3.5", "2 uses, whose gradients are added; this is their mean"),
        ("10", "this is their product"),
        ("5", "only the first of 2 to arrive is in it"),
        ("2", "only the last to arrive"),
        ("-7", "it has the wrong sign"),
        ("0", "none of the 2 uses of x was added"),
        ("99", "none of the usual mistakes gives it"),
        ("seven", "That is no number"),
    ):
        page.press("Control+a")
        answer(page, wrong)
        assert words in page.text(verdict)
    page.press("Control+a")
    answer(page, "7")
    assert page.text(".score") == "5 of 5 right, 3 at the first try"
    assert page.shown("n0") == ["x", "2", "7"]
    assert page.refs("later") == set()
    page.page.click("text=Begin again")
    assert page.text(".score") == "0 of 5 right"
    assert page.shown("n0") == ["x", "2", "?"]


def test_practice_can_be_shown_the_answer_and_left(visit):
    page = visit(trace_of("splitter"))
    page.page.click("#practice-button")
    page.page.click(f"{PANE} button:has-text('Show') >> nth=0")
    assert page.text(".score") == "0 of 5 right"
    assert page.shown("e4") == ["2", "1 × 5 = 5"]
    page.page.mouse.click(*page.place("n0"))
    assert page.refs("chosen") == {"e0"}
    page.page.locator("#zoom-fit").focus()
    page.press("ArrowLeft")
    assert page.text("#count") == "6 / 6"
    page.press("Escape")
    assert page.refs("later") == set()
    assert page.page.get_attribute("#practice-button", "aria-pressed") == "false"


def test_help_lists_the_keys(visit):
    page = visit(trace_of("splitter"))
    page.press("?")
    assert page.page.locator("#help").is_visible()
    assert "space play or pause" in page.text("#help")
    assert page.page.locator("#help svg text").count() > 2
    page.press("Escape")
    assert page.page.locator("#help").is_hidden()


def test_hostile_names_and_strings_are_shown_and_nothing_runs(visit):
    trace = trace_of("hostile")
    page = visit(trace)
    told = page.text(PANE)
    for name in HOSTILE_NAMES:
        path = trace.inputs[HOSTILE_NAMES.index(name)].name
        assert " ".join(labels.name(path).split()) in told
    assert page.run("document.scripts.length") == 2
    assert page.page.locator("#stage script, #stage a, #stage image, iframe, object").count() == 0
    page.page.fill("#search", "</script>")
    page.page.fill("#search", "javascript:")
    assert page.page.locator("#hits li").count() >= 1
    for node in trace.nodes:
        page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")


def accessible(page):
    """List what axe has to say against the page as it is."""
    axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    page.run(axe + "; undefined")
    found = page.run("axe.run()")["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, scheme):
    pytest.importorskip("axe_playwright_python")
    page = visit(trace_of("not_finite"), scheme=scheme)
    assert accessible(page) == []
    page.page.locator("#stage [data-ref=n3]").dispatch_event("click")
    page.press("Home", "ArrowRight", "ArrowRight", "c")
    assert accessible(page) == []
    page.press("End", "p")
    assert accessible(page) == []
    page.press("Escape")
    page.page.fill("#search", "r")
    assert accessible(page) == []
    page.press("Escape", "?")
    assert accessible(page) == []


def test_axe_finds_nothing_where_there_are_arrays_and_rows(visit):
    pytest.importorskip("axe_playwright_python")
    trace = trace_of("network")
    page = visit(trace)
    page.page.locator(f"#stage [data-ref=n{trace['hidden'].index}]").dispatch_event("click")
    assert accessible(page) == []


@pytest.mark.parametrize("width", [800, 1400])
def test_nothing_is_cut_off_or_overlaps(visit, width):
    page = visit(sample("rnn"), width=width)
    assert page.run("document.documentElement.scrollWidth") <= width
    panes = [
        page.page.locator(each).bounding_box()
        for each in (".bar", "#graph", "#source", "#details", "#player")
    ]
    for at, first in enumerate(panes):
        assert first["width"] > 150
        assert first["height"] > 30
        for second in panes[:at]:
            apart = (
                first["x"] >= second["x"] + second["width"] - 1
                or second["x"] >= first["x"] + first["width"] - 1
                or first["y"] >= second["y"] + second["height"] - 1
                or second["y"] >= first["y"] + first["height"] - 1
            )
            assert apart


def constant(x):  # noqa: ARG001 - its gradient is zero
    return 1.0


def echo(x):
    return x


def many_uses(x):
    total = 0.0
    for _ in range(10_000):
        total = total + x
    return total


def overflowing(x):
    y = x
    for _ in range(400):
        y = y * 10.0
    return y - y


def failing(x):
    y = x * 2
    z = y + x
    raise ValueError(z)


def long_names(d):
    total = 1.0
    for value in d.values():
        total = total * value
    return total


def failed(function, *arguments):
    traced = trace(function)
    with pytest.raises(ValueError, match="6"):
        traced(*arguments)
    return traced.last_trace


ODD = {
    "constant": lambda: record(constant, 2.0),
    "one_edge": lambda: record(echo, 2.0),
    "many_uses": lambda: record(many_uses, 1.5),
    "overflowing": lambda: record(overflowing, 1.0),
    "failed": lambda: failed(failing, 2.0),
    "long_names": lambda: record(long_names, {"n" * 10_000: 2.0, "</script>" * 1_000: 3.0}),
    "empty_array": lambda: record(lambda x: (x * 2.0).sum(), np.zeros((0, 3))),
    "complex": lambda: record(lambda z: abs(z * z), 1.0 + 2.0j),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_traces_can_be_looked_at(visit, name):
    found = ODD[name]()
    page = visit(found)
    assert page.page.locator("#stage [data-node]").count() >= 1
    for at in range(min(6, page.page.locator("#stage [data-ref]").count())):
        page.page.locator("#stage [data-ref]").nth(at).dispatch_event("click")
        assert page.text(f"{PANE} h2 >> nth=0")
    page.press("Escape", "Home", "ArrowRight", "ArrowRight", "End", "c", "c", "p", "p", "0", "+")
    assert page.run("document.documentElement.scrollWidth") <= 1400
    if name == "failed":
        assert "no backward pass" in page.text("#status")
        assert "failed" in page.text(".findings")


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit(trace_of("residual"), width=390, height=844)
    assert page.run("document.documentElement.scrollWidth") == 390
    for part in ("#graph", "#details", "#source", "#player", "#help-button", "#zoom-fit"):
        box = page.page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] > 20
