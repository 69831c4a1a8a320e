"""How the page opens, driven in a real browser: what is in sight, at which size, and with odd traces."""

import numpy as np
import pytest
from rolled_programs import grouped, rolled_trace
from test_samples import trace_of as sample
from viz_programs import HOSTILE_NAMES, trace_of

from tracer import record, trace
from viz import labels


def test_it_opens_with_everything_to_be_seen(visit):
    page = visit(trace_of("splitter"))
    assert page.page.title() == "splitter · edgegrad"
    assert page.text("h1") == "splitter"
    assert page.shown("e2") == ["3", "2 × 1 = 2"]
    assert page.shown("n1") == ["2", "Σ 2 + 5 = 7"]
    assert page.texts("#details tbody tr") == ["x 2 7", "y 3 2", "output 10 1"]
    assert page.text("#count") == "6 / 6"
    box = page.page.locator("#stage > svg").bounding_box()
    room = page.page.locator("#graph").bounding_box()
    assert room["x"] <= box["x"]
    assert box["x"] + box["width"] <= room["x"] + room["width"] + 30


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


def test_what_is_too_large_to_be_read_opens_at_its_beginning_and_says_where_it_goes_on(visit):
    page = visit(record(healthy, 0.3, 0.999), width=1000)
    output = f"n{number_of(page, 'views[0].output')}"
    assert scale_of(page) * 11 >= 9
    assert is_in_sight(page, "n0")
    assert not is_in_sight(page, output)
    assert "right" in page.page.get_attribute("#graph", "data-beyond").split()
    page.press("0")
    assert scale_of(page) * 11 < 9
    assert is_in_sight(page, "n0")
    assert is_in_sight(page, output)
    assert page.page.get_attribute("#graph", "data-beyond") == ""


SIZES = ((1366, 768), (1920, 1080), (1024, 768), (390, 844))


@pytest.mark.parametrize("name", ["splitter", "residual", "fan_out", "resnet"])
def test_at_first_no_node_is_cut_off_at_the_left_and_a_small_graph_is_seen_whole(visit, name):
    page = visit(sample(name))
    for width, height in SIZES:
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.reload()
        page.page.wait_for_selector("html.is-ready")
        page.settled()
        beyond = page.page.get_attribute("#graph", "data-beyond").split()
        assert "left" not in beyond
        assert is_in_sight(page, "n0")
        assert (
            name == "resnet" or "top" not in beyond
        )  # whose picture is begun lower, where more inputs are in sight
        assert scale_of(page) * 12.5 >= 8.5
        if name in ("splitter", "residual") and width > 1000:
            assert beyond == []
        assert page.run("document.documentElement.scrollWidth") <= width
    page.requests = page.requests[:1]


def test_it_opens_where_something_is_wrong(visit):
    page = visit(rolled_trace("overflowing"), width=1000, height=500)
    first = number_of(page, "findings[0].places[0][0]")
    assert scale_of(page) * 11 >= 9
    assert is_in_sight(page, first)
    assert not is_in_sight(page, f"n{number_of(page, 'views[0].output')}")


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


def test_on_a_phone_nothing_is_wider_than_the_screen(visit):
    page = visit(trace_of("residual"), width=390, height=844)
    assert page.run("document.documentElement.scrollWidth") == 390
    for part in ("#graph", "#details", "#source", "#player", "#help-button", "#zoom-fit"):
        box = page.page.locator(part).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] > 20


@pytest.mark.parametrize("name", ["rnn", "resnet", "fan_out"])
def test_on_a_phone_it_opens_at_an_input_which_no_button_covers(visit, name):
    page = visit(sample(name), width=390, height=800)
    page.settled()
    inputs = [f"n{node.index}" for node in page.trace.nodes if node.kind == "input"]
    drawn = [ref for ref in inputs if page.page.locator(f"#stage [data-ref={ref}]").count()]
    assert any(is_in_sight(page, ref) for ref in drawn)
    stage = page.page.locator("#stage").bounding_box()
    assert stage["y"] + stage["height"] <= page.page.locator(".zoom").bounding_box()["y"]
    page.press("End")
    assert page.run(
        "(({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight)(document.getElementById('status'))"
    )


def wait_until(page, condition):
    """Wait for what the page does when it next has time; its policy lets playwright's own way not run."""
    for _ in range(1200):
        if page.run(condition):
            return
        page.page.wait_for_timeout(100)
    raise AssertionError(condition)


@pytest.fixture(scope="module")
def closed():
    return record(grouped(), 0.5)


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
        assert page.text("#details h2 >> nth=0")
    page.press("Escape", "Home", "ArrowRight", "ArrowRight", "End", "c", "c", "p", "p", "0", "+")
    assert page.run("document.documentElement.scrollWidth") <= 1400
    if name == "failed":
        assert "no backward pass" in page.text("#status")
        assert "failed" in page.text(".findings")


def test_hostile_names_and_strings_are_shown_and_nothing_runs(visit):
    trace = trace_of("hostile")
    page = visit(trace)
    told = page.text("#details")
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
