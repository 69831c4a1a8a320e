"""The page of a graph too large for elements: its columns are its picture, and a browser draws and explores them."""

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from test_page import Parts
from test_page_moving import accessible
from test_page_practice import answer
from viz_programs import trace_of

from tracer import record
from viz import labels
from viz.choice import View
from viz.export import decide
from viz.layout import geometry
from viz.page import columns as page_columns
from viz.page.columns import LARGEST_SVG, columns, is_large
from viz.page.data import page_data

EXACT = View(exact=True)


def neuron(weights, values):
    total = weights[-1]
    for weight, value in zip(weights, values):  # noqa: B905 - the last weight has no value
        total = total + weight * value
    return math.tanh(total)


def network(x, layers):
    values = x
    for layer in layers:
        values = [neuron(weights, values) for weights in layer]
    loss = 0.0
    for value in values:
        loss = loss + value * value
    return loss


@pytest.fixture(scope="module")
def trace():
    random = np.random.default_rng(5)
    widths = (9, 10, 10, 5)
    layers = [random.normal(size=(wide, before + 1)).tolist() for before, wide in pairwise(widths)]
    found = record(network, random.normal(size=widths[0]).tolist(), layers)
    assert 700 < len(found.nodes) < 1500
    return found


@pytest.fixture(scope="module")
def shown(trace):
    return decide(trace, EXACT)


@pytest.fixture(scope="module")
def placed(shown):
    return geometry(shown.diagram)


def lines_of(written, item):
    """Read the lines of an item back: their places and texts."""
    first = sum(written["texts"][:item])
    runs_before = sum(written["lines"][3 : 4 * first : 4])
    found = []
    for at in range(first, first + written["texts"][item]):
        x, baseline, _, count = written["lines"][4 * at : 4 * at + 4]
        runs = written["runs"][3 * runs_before : 3 * (runs_before + count)]
        text = [
            (written["roles"][role][0], written["strings"][number])
            for role, number in zip(runs[1::3], runs[2::3], strict=True)
        ]
        found.append((x / 10, baseline / 10, text))
        runs_before += count
    return found


def test_columns_say_what_the_picture_says(placed):
    written = columns(placed)
    wires, shapes = placed.wires, placed.shapes
    frames = len(placed.groups) + len(placed.row_titles)
    assert written["counts"] == [frames, len(wires), len(shapes)]
    assert written["edges"] == [each.edge for each in (*wires, *shapes)]
    assert written["nodes"] == [each.node for each in shapes]
    rects = np.array(written["rects"][4 * frames :]).reshape(-1, 4) / 10
    for rect, shape in zip(rects, shapes, strict=True):
        np.testing.assert_allclose(
            rect, [shape.rect.x, shape.rect.y, shape.rect.width, shape.rect.height], atol=0.051
        )
    at = 0
    for wire, length in zip(wires, written["lengths"], strict=True):
        steps = np.array(written["points"][2 * at : 2 * (at + length)]).reshape(-1, 2)
        np.testing.assert_allclose(steps.cumsum(axis=0) / 10, wire.points, atol=0.051)
        at += length
    for item in (
        *range(0, frames + len(wires), 37),
        *range(frames + len(wires), sum(written["counts"]), 41),
    ):
        if item < frames:
            continue
        part = (*wires, *shapes)[item - frames]
        texts = part.texts if item < frames + len(wires) else (*part.inside, *part.beside)
        for (x, baseline, runs), text in zip(lines_of(written, item), texts, strict=True):
            assert runs == [(role, run) for _, run, role in text.runs]
            assert (x, baseline) == pytest.approx((text.x, text.baseline), abs=0.051)


def test_columns_are_small(placed):
    size = len(json.dumps(columns(placed), separators=(",", ":")))
    assert size < 160 * (len(placed.shapes) + len(placed.wires))


def test_a_small_picture_keeps_its_rows_and_its_elements(trace):
    few = decide(trace, View(exact=True, focus="loss", depth=1))
    small = geometry(few.diagram)
    assert not is_large(small)
    assert "svg" in page_data(few, small, None)["views"][0]


def test_a_large_one_comes_as_columns_alone(shown, placed):
    assert len(placed.shapes) > LARGEST_SVG
    view = page_data(shown, placed, None)["views"][0]
    assert "svg" not in view
    assert "columns" in view


# What is drawn, by what a context was told: [text, x, y, colour] of the screen, and lines with their colours.
WATCH = """(() => {
    const paper = CanvasRenderingContext2D.prototype;
    const { fillText, fillRect, stroke } = paper;
    window.drawn = { texts: [], lines: [] };
    paper.fillRect = function (...box) {
        window.drawn = { texts: [], lines: [], ground: this.fillStyle };
        return fillRect.apply(this, box);
    };
    paper.fillText = function (text, x, y) {
        const { a, e, d, f } = this.getTransform();
        window.drawn.texts.push([text, a * x + e, d * y + f, this.fillStyle]);
        window.drawn.scale = a;
        return fillText.call(this, text, x, y);
    };
    paper.stroke = function (...path) {
        window.drawn.lines.push([this.strokeStyle, this.lineWidth]);
        return stroke.apply(this, path);
    };
})()"""


class Canvas:
    """A visit to a page with a canvas, and what it has drawn."""

    def __init__(self, visit):
        self.visit = visit
        self.page = visit.page
        visit.page.add_init_script(WATCH)
        visit.requests.clear()
        visit.page.reload()
        visit.page.wait_for_selector("html.is-ready")
        self.visit.page.locator("#stage .cursor").focus()  # of the first node, at the left
        self.visit.press("Escape")
        self.visit.run("document.activeElement.blur()")
        self.settle()

    def settle(self):
        """Wait until what was asked for is drawn."""
        self.visit.run(
            "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))"
        )

    def press(self, *keys):
        self.visit.press(*keys)
        self.settle()

    def texts(self):
        """Return the texts that are in sight, with their places on the screen."""
        room = self.page.locator("#stage").bounding_box()
        return [
            (text, room["x"] + x, room["y"] + y)
            for text, x, y, _ in self.visit.run("drawn.texts")
            if 0 <= x < room["width"] and 0 <= y < room["height"]
        ]

    def words(self):
        return [text for text, _, _ in self.texts()]

    def where(self, word):
        """Return where a text begins on the screen."""
        return next((x + 3, y - 2) for text, x, y in self.texts() if text == word)

    def is_at(self, word, x, y):
        """Whether a word that `where` found there is there now; others may say the same elsewhere."""
        return any(
            text == word and math.hypot(at + 3 - x, top - 2 - y) < 5 for text, at, top in self.texts()
        )

    def named(self, name):
        """Return a colour of the theme, as a context tells it."""
        return self.visit.page.evaluate(
            """(name) => {
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = `var(--${name})`;
                const context = document.createElement("canvas").getContext("2d");
                context.fillStyle = getComputedStyle(probe).color;
                probe.remove();
                return context.fillStyle;
            }""",
            name,
        )

    def colours(self):
        return {colour for colour, _ in self.visit.run("drawn.lines")}

    def find(self, query):
        """Search, and go to the first that is found."""
        self.page.fill("#search", query)
        self.page.locator("#search").press("Enter")
        self.settle()


@pytest.fixture
def canvas(visit, trace):
    def begin(**options):
        return Canvas(visit(trace, exact=True, **options))

    return begin


def test_it_draws_the_numbers_of_the_trace(canvas, trace):
    page = canvas()
    assert page.page.locator("#stage > canvas").count() == 1
    node = trace["loss[0]"]
    page.find("loss")
    words = page.words()
    assert words.count("×") >= 1
    (edge,) = node.out_edges
    assert labels.number(edge.value) in words
    assert labels.number(edge.grad) in words


def test_every_number_of_the_trace_is_in_the_details(canvas, trace):
    page = canvas()
    page.page.locator("#stage .cursor").focus()
    page.press("ArrowUp")
    for node in trace.nodes[100:900:61]:
        page.visit.run(f"document.querySelector('.cursor').dataset.ref = 'n{node.index}'")
        page.press("Enter")
        told = page.visit.text("#details")
        assert labels.norm(node.value) in told
        assert node.grad is None or labels.norm(node.grad) in told


def test_a_click_chooses_what_is_drawn_there_and_a_hover_lights_its_line(canvas, trace):
    page = canvas()
    name = "x[0]"
    x, y = page.where(name)
    page.page.mouse.move(x, y)
    page.settle()
    page.page.mouse.click(x, y)
    page.settle()
    told = page.visit.text("#details")
    assert told.startswith(name)
    assert labels.number(trace.grads["x"][0]) in told
    page.find("loss")
    accent = page.named("accent")
    assert accent in page.colours()
    x, y = next((x, y) for text, x, y in page.texts() if text == "×")
    page.page.mouse.move(x + 3, y - 4)
    page.settle()
    assert page.visit.texts(".line.is-lit .text")
    page.press("Escape")
    assert page.visit.text("#details h2") == "Inputs and outputs"


def test_a_line_lights_its_nodes_and_search_finds_them(canvas):
    page = canvas()
    page.press("0")
    accent = page.named("accent")
    assert accent not in page.colours()
    page.page.locator(".line.made").first.hover()
    page.settle()
    assert accent in page.colours()
    page.page.mouse.move(5, 5)
    page.page.fill("#search", "tanh")
    page.settle()
    assert accent in page.colours()
    page.page.locator("#search").press("Enter")
    page.settle()
    assert page.visit.run("document.activeElement.className") == "cursor"
    assert "tanh" in page.page.get_attribute(".cursor", "aria-label")
    assert page.visit.text(".said") == page.page.get_attribute(".cursor", "aria-label")


def test_steps_hide_gradients_and_light_the_edge_that_fires(canvas, trace):
    page = canvas()
    now = page.named("now")
    assert now not in page.colours()
    page.find("loss")
    page.press("Home")
    page.press("ArrowRight")
    assert now in page.colours()
    assert page.visit.text("#count") == f"1 / {len(trace.edges)}"
    first = next(edge for edge in trace.edges if edge.step == 0)
    assert labels.number(first.grad) in page.words()
    for _ in range(4):
        page.press("ArrowRight")
    edge = next(edge for edge in trace.edges if edge.step == 4)
    assert any(labels.number(edge.grad) in word for word in (page.visit.text("#status"), *page.words()))
    page.press("End")
    assert now not in page.colours()


def test_no_gradient_is_drawn_before_the_backward_pass(canvas):
    page = canvas()
    roles = Parts(page.visit.path.read_text("utf-8")).data["views"][0]["columns"]["roles"]
    assert ["gradient", 12.5, True] in roles
    red = "window.drawn.texts.filter(([, , , colour]) => colour === '#c41a16').length"
    assert page.visit.run(red) > 5
    page.press("Home")
    assert page.visit.run(red) == 0
    page.press("End")
    assert page.visit.run(red) > 5


def test_colour_by_size_and_back(canvas):
    page = canvas()
    plain = page.colours()
    page.press("c")
    coloured = page.colours()
    assert len(coloured) > len(plain) + 3
    page.press("c")
    assert page.colours() == plain


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_theme(canvas, scheme):
    page = canvas(scheme=scheme)
    own = {"light": "#ffffff", "dark": "#14171b"}
    assert page.visit.run("drawn.ground") == own[scheme]
    page.page.click("#theme-button")
    page.settle()
    assert page.visit.run("drawn.ground") == own["light"]
    page.page.click("#theme-button")
    page.settle()
    assert page.visit.run("drawn.ground") == own["dark"]


def test_practice_asks_in_the_picture(canvas, trace):
    page = canvas()
    page.press("p")
    assert "?" in page.words()
    edge = next(
        edge
        for edge in sorted(trace.edges, key=lambda edge: edge.step)
        if edge.dst.kind not in ("output", "splitter")
    )
    answer(page.visit, repr(float(edge.grad)))
    assert page.visit.text(".score").startswith("1 of ")
    page.page.click("#practice-button")
    page.settle()
    assert "?" not in page.words()


def test_the_keyboard_walks_and_a_screen_reader_hears_it(canvas, trace):
    page = canvas()
    page.page.locator("#stage .cursor").focus()
    for node in trace.nodes[1:4]:
        page.press("ArrowDown")
        assert page.visit.run("document.activeElement.dataset.ref") == f"n{node.index}"
        assert labels.number(node.value) in page.visit.text(".said")
    cursor = page.page.locator("#stage .cursor").bounding_box()
    room = page.page.locator("#graph").bounding_box()
    assert room["x"] <= cursor["x"] <= room["x"] + room["width"]
    page.press("Shift+ArrowRight")
    page.press("Enter")
    assert page.visit.text("#details h2")


def test_less_is_written_from_afar_and_a_plate_says_what_is_there(canvas):
    page = canvas()
    page.press(*"-----")
    names = page.words()
    assert any(word.startswith("x[") for word in names)
    assert not any("×" in word and "=" in word for word in names)
    page.press("0")
    far = page.words()
    assert any(word.startswith("row ") for word in far)
    assert not any("×" in word and "=" in word for word in far)
    page.press("+", "+", "+")
    room = page.page.locator("#stage").bounding_box()
    seen = False
    for step in range(40):
        page.page.mouse.move(room["x"] + 60 + 17 * step, room["y"] + 200 + 9 * step)
        seen = seen or page.page.locator(".plate").is_visible()
    assert seen


def test_drag_moves_and_the_wheel_zooms_where_the_pointer_is(canvas):
    page = canvas()
    x, y = page.where("x[0]")
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -200)
    page.settle()
    assert page.is_at("x[0]", x, y)
    room = page.page.locator("#graph").bounding_box()
    start = (room["x"] + room["width"] - 60, room["y"] + 20)
    page.page.mouse.move(*start)
    page.page.mouse.down()
    page.page.mouse.move(start[0] + 40, start[1] + 30, steps=4)
    page.page.mouse.up()
    page.settle()
    assert page.is_at("x[0]", x + 40, y + 30)
    assert page.visit.text("#details h2") == "Inputs and outputs"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(canvas, scheme):
    pytest.importorskip("axe_playwright_python")
    page = canvas(scheme=scheme)
    assert accessible(page.visit, scheme) == []
    page.find("loss")
    page.press("Home", "ArrowRight", "c")
    assert accessible(page.visit, scheme) == []


@pytest.mark.parametrize(
    "name", ["splitter", "network", "calls", "cut", "not_finite", "zeros", "operands", "hostile"]
)
def test_all_that_a_picture_says_is_drawn(visit, monkeypatch, name):
    monkeypatch.setattr(page_columns, "LARGEST_SVG", 0)
    trace = trace_of(name)
    page = Canvas(visit(trace, width=3600, height=2600))  # room for all of it, near enough to be read
    page.press("0")
    placed = geometry(decide(trace).diagram)
    lines = [line for part in placed.shapes for line in (*part.inside, *part.beside)]
    lines += [line for part in placed.wires for line in part.texts]
    expected = sorted(text for line in lines for _, text, _ in line.runs)
    drawn = page.visit.run("drawn.texts.map(([text]) => text)")
    frames = [text for part in placed.groups for _, text, _ in part.title.runs]
    rows = [text for title in placed.row_titles for _, text, _ in title.runs]
    assert sorted(drawn) == sorted(expected + frames + rows)
    for node in trace.nodes:
        page.visit.run(f"document.querySelector('.cursor').dataset.ref = 'n{node.index}'")
        page.page.locator("#stage .cursor").focus()
        page.press("Enter")
        assert labels.norm(node.value) in page.visit.text("#details")
    page.press("Escape", "Home", "ArrowRight", "ArrowRight", "End", "c", "c")
