"""Zoom, pan, keys, themes and the width of the panes, in a real browser, and what axe has to say."""

from importlib import resources

import numpy as np
import pytest
from rolled_programs import rnn, tanh_loop
from viz_programs import trace_of

from tracer import record


def test_zoom_and_pan_by_keys_wheel_and_drag(visit):
    page = visit(trace_of("splitter"))
    page.settled()
    whole = page.width()
    page.press("+", "+")
    page.settled()
    assert page.width() == pytest.approx(whole * 1.25**2, rel=0.01)
    page.press("-")
    page.settled()
    assert page.width() == pytest.approx(whole * 1.25, rel=0.01)
    page.press("0")
    page.settled()
    assert page.width() == pytest.approx(whole, rel=0.01)
    x, y = page.place("n3")
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -300)
    page.settled()
    assert page.width() > 1.3 * whole
    assert page.place("n3") == pytest.approx((x, y), abs=3)
    before = page.place("n3")
    room = page.page.locator("#graph").bounding_box()
    page.page.mouse.move(room["x"] + 40, room["y"] + 40)
    page.page.mouse.down()
    page.page.mouse.move(room["x"] + 140, room["y"] + 90, steps=4)
    page.page.mouse.up()
    page.settled()
    assert page.place("n3") == pytest.approx((before[0] + 100, before[1] + 50), abs=2)
    assert page.refs("chosen") == set()
    page.page.click("#zoom-fit")
    page.settled()
    assert page.width() == pytest.approx(whole, rel=0.01)


@pytest.mark.parametrize("part", [".wire path.hit", ".scope > rect", ".function", None])
def test_a_click_draws_no_outline(visit, part):
    page = visit(trace_of("calls"))
    page.settled()
    box = page.page.locator(f"#stage {part}" if part else "#stage").first.bounding_box()
    at = box["width"] / 2 if part != ".scope > rect" else 2
    page.page.mouse.click(box["x"] + at, box["y"] + (box["height"] / 2 if part else 5))
    outlined = "[...document.querySelectorAll('*')].filter((each) => getComputedStyle(each).outlineStyle !== 'none').length"
    assert page.run(outlined) == 0
    page.press("Tab", "Shift+Tab")
    assert not page.run("document.activeElement.matches('svg')")


def test_a_pinch_zooms(visit):
    page = visit(trace_of("splitter"))
    page.settled()
    whole = page.width()
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
    page.settled()
    assert page.width() == pytest.approx(2 * whole, rel=0.1)
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


def test_help_lists_the_keys(visit):
    page = visit(trace_of("splitter"))
    page.press("?")
    assert page.page.locator("#help").is_visible()
    assert "space play or pause" in page.text("#help")
    assert page.page.locator("#help svg text").count() > 2
    page.press("Escape")
    assert page.page.locator("#help").is_hidden()


def test_keys_of_a_list_and_of_a_pane_are_their_own(visit):
    page = visit(record(tanh_loop, 0.3, 0.9))
    page.choose(f"e{page.first_edge('edge.backTo')}")
    page.page.locator("#turn").focus()
    count = page.text("#count")
    page.press("ArrowUp", "ArrowLeft")
    assert page.text("#count") == count
    assert page.run("document.activeElement.id") == "turn"
    page.page.locator("#details").focus()
    page.press("ArrowDown")
    assert page.run("document.activeElement.id") == "details"


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


def test_the_source_has_room_for_its_lines(visit):
    page = visit(record(rnn, np.eye(3), np.ones(3), np.ones((60, 3))))
    own = page.page.locator("#source").bounding_box()["width"]
    lines = page.run(
        "[...document.querySelectorAll('#source .made .text')].map((each) => each.getBoundingClientRect().right)"
    )
    assert max(lines) < own


def many_steps(x, w):
    for _ in range(60):
        x = x * w + 0.01
    return x


def test_the_source_is_made_wider_by_keys_and_by_the_mouse(visit):
    page = visit(
        record(many_steps, 0.3, 0.999)
    )  # whose picture is beside it, being too large to be read at once
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


def test_keys_that_come_in_one_frame_all_move_the_divider(visit):
    page = visit(record(many_steps, 0.3, 0.999))
    wide = page.run("""(() => {
        const press = (key) => document.querySelector("#divider").dispatchEvent(new KeyboardEvent("keydown", { key }));
        ["Home", "End", "ArrowRight"].forEach(press);
        return document.querySelector("#source").offsetWidth;
    })()""")
    assert wide == 840


# Rows of lists and lines of source that look like two others before them, in the same states and of the same parts.
REPEATED = """(() => {
    const seen = new Map();
    for (const row of document.querySelectorAll("#source .line, #details :is(tr, li)")) {
        const parts = [row, ...row.querySelectorAll("*")].map(({ tagName, className }) => `${tagName}.${className}`);
        const key = parts.join(" ");
        seen.set(key, (seen.get(key) ?? 0) + 1);
        row.toggleAttribute("data-repeated", seen.get(key) > 2);
    }
})()"""


def accessible(page, scheme="light"):
    """List what axe has to say against the page as it is; in the dark only of its colours, the rest is the same."""
    if page.run("typeof axe") == "undefined":
        axe = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
        page.run(axe + "; undefined")
    page.run(REPEATED)
    only = "runOnly: ['color-contrast']," if scheme == "dark" else ""
    options = f"{{ {only} resultTypes: ['violations'], preload: false }}"
    found = page.run(f"axe.run({{ exclude: '[data-repeated]' }}, {options})")["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, scheme):
    pytest.importorskip("axe_playwright_python")
    page = visit(trace_of("not_finite"), scheme=scheme)
    assert accessible(page, scheme) == []
    page.page.locator("#stage [data-ref=n3]").dispatch_event("click")
    page.press("Home", "ArrowRight", "ArrowRight", "c")
    assert accessible(page, scheme) == []
    page.press("End", "p")
    assert accessible(page, scheme) == []
    page.press("Escape")
    page.page.fill("#search", "r")
    assert accessible(page, scheme) == []
    page.press("Escape", "?")
    assert accessible(page, scheme) == []


def test_axe_finds_nothing_where_there_are_arrays_and_rows(visit):
    pytest.importorskip("axe_playwright_python")
    trace = trace_of("network")
    page = visit(trace)
    page.page.locator(f"#stage [data-ref=n{trace['hidden'].index}]").dispatch_event("click")
    assert accessible(page) == []


def test_axe_finds_nothing_where_calls_are_open_and_closed(visit):
    pytest.importorskip("axe_playwright_python")
    page = visit(trace_of("calls"))
    page.page.locator("#stage .scope .sign").nth(1).click()
    assert accessible(page) == []
