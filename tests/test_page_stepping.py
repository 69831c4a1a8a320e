"""The backward pass in the page, step by step, in a real browser."""

import json

from rolled_programs import rolled_trace, tanh_loop
from viz_programs import trace_of

import viz
from tracer import record
from viz import labels


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


def test_details_keep_back_what_the_picture_hides(visit):
    page = visit(trace_of("splitter"))
    page.page.locator("#stage [data-ref=n1]").dispatch_event("click")
    assert "Σ = 7" in page.text("#details")
    page.press("Home", "ArrowRight", "ArrowRight")
    assert "7" not in page.text("#details").split("arrive")[1].replace("line 7", "")
    assert "5" in page.text("#details").split("arrive")[1]


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


def test_play_has_a_speed_which_is_chosen_by_keys_too_and_while_it_plays(visit):
    page = visit(trace_of("splitter"), motion="reduce")
    page.page.focus("#last")
    page.press("Tab")
    assert page.run("document.activeElement.id") == "speed"
    page.press("ArrowDown")
    assert page.page.input_value("#speed") == "2"
    page.page.select_option("#speed", "0.25")  # 4.4 s a step
    page.page.click("#play")
    page.page.wait_for_timeout(1300)
    assert page.text("#count") == "0 / 6"
    page.page.select_option("#speed", "4")
    page.page.wait_for_timeout(1300)
    assert int(page.text("#count").split()[0]) >= 3


def test_a_rolled_graph_is_stepped_through_place_by_place(visit):
    page = visit(record(tanh_loop, 0.3, 0.9))
    page.press("Home", "ArrowRight", "ArrowRight")
    assert "in 100 runs" in page.text("#status") or "output" in page.text("#status")
    assert page.refs("now")
    page.press("End")
    assert page.refs("later") == set()


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
