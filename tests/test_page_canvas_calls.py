"""Calls that open and close in a picture drawn on a canvas, and what of it is printed, in a real browser."""

import pytest
from test_page_canvas import Canvas
from test_page_moving import accessible
from viz_programs import trace_of

from viz.page import columns as page_columns


@pytest.fixture
def canvas(visit, monkeypatch):
    monkeypatch.setattr(page_columns, "LARGEST_SVG", 0)

    def begin(**options):
        page = Canvas(visit(trace_of("calls"), **options))
        page.press("0")
        return page

    return begin


def sign(page, title):
    """Return where the sign of a call is on the screen: before its title."""
    x, y = page.where(title)
    return x - 3 - 13 * page.visit.run("drawn.scale"), y


def gates(page):
    return len([word for word in page.words() if word in ("×", "× 2", "+")])


def test_a_call_closes_at_its_sign_and_opens_wherever_it_is_clicked(canvas):
    page = canvas()
    every = gates(page)
    page.page.mouse.click(*sign(page, "helper[2]"))
    page.settle()
    assert gates(page) == every - 2
    assert page.visit.texts("#details .fold[aria-expanded=false]") == ["+ helper[2] 2 inside"]
    assert page.visit.text(".said") == "helper[2], closed, 2 nodes inside"
    x, y = page.where("helper[2]")
    page.page.mouse.click(x + 5, y + 25)
    page.settle()
    assert gates(page) == every
    page.page.mouse.click(*sign(page, "outer_helper()"))
    page.settle()
    for _ in range(4):
        page.press("-")
    assert "+ outer_helper()" in page.words()  # in its frame, from afar


def test_a_call_closes_and_opens_by_key_and_from_the_list_and_a_screen_reader_hears_it(canvas):
    page = canvas()
    every = gates(page)
    inside = next(node for node in page.visit.trace.nodes if node.name == "u")
    page.find("u")
    page.press("Escape", "0", "o")
    assert gates(page) == every - 2
    told = page.page.get_attribute(".cursor", "aria-label")
    assert told.endswith("closed, 2 nodes inside, o opens it")
    room = page.page.locator(".cursor").bounding_box()
    assert room["width"] > 100  # around the call
    page.press("o")
    assert gates(page) == every
    assert page.page.get_attribute(".cursor", "aria-label").startswith("× at line")
    page.page.click("#details .fold:has-text('outer_helper()')")
    page.settle()
    assert gates(page) == every - 5
    page.press("Home")
    now = page.named("now")
    lit = []
    for _ in range(len(page.visit.trace.edges) - 1):  # the last step shows all gradients
        page.press("ArrowRight")
        lit.append(now in page.colours())
    assert all(lit)  # what fires in a closed call lights it
    page.find("u")
    page.press("0")
    assert gates(page) == every
    assert page.page.get_attribute(".cursor", "data-ref") == f"n{inside.index}"


def test_axe_finds_nothing_where_a_call_is_closed(canvas):
    pytest.importorskip("axe_playwright_python")
    page = canvas()
    page.find("u")
    page.press("Escape", "o")
    assert accessible(page.visit) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_of_it_is_printed_on_white(canvas, scheme):
    page = canvas(scheme=scheme)
    every, ground = len(page.words()), page.visit.run("drawn.ground")
    for _ in range(9):
        page.press("+")
    assert len(page.words()) < every
    page.visit.run("dispatchEvent(new Event('beforeprint'))")
    assert page.visit.run("drawn.ground") == "#ffffff"
    assert len(page.visit.run("drawn.texts")) == every
    size = page.visit.run(
        "[...document.querySelectorAll('#stage > canvas')].map(({ width, height }) => [width, height])"
    )
    assert max(size[0]) == 3600
    page.visit.run("dispatchEvent(new Event('afterprint'))")
    page.settle()
    assert page.visit.run("drawn.ground") == ground
    assert len(page.words()) < every
