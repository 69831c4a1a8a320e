import base64
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browsing import LONGEST
from viz_programs import HOSTILE_NAMES, hostile

import tracer
from tracer import record, trace
from viz import export
from viz.rollup import BUDGET


def product(x, y):
    for _ in range(5):
        x = x * y
    return x


def twice(x):
    return x * 2


def both(x):
    return x * 2, x * 3


@trace
def fails(x):
    y = x * 2
    raise ValueError(f"<b>{y}</b> & é")


def failed():
    with pytest.raises(ValueError, match="<b>"):
        fails(2.0)
    return fails.last_trace


class Tags(HTMLParser):
    """The tags of some HTML with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_a_small_trace_is_a_still_picture_with_the_page_over_it():
    shown = record(product, 1.0, 2.0)
    parsed = Tags(shown._repr_html_())
    (_, box), (image_tag, image), (frame_tag, frame) = parsed.tags
    assert (image_tag, frame_tag, parsed.text) == ("img", "iframe", "")
    picture = base64.b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()
    assert picture == export.svg(shown)
    assert image["alt"] == "The graph of product: the gradient on every edge"
    width = re.search('width="([0-9.]+)"', picture)[1]
    assert f"width:100%;max-width:{width}px" in image["style"]
    assert frame["sandbox"] == "allow-scripts"
    page = Tags(frame["srcdoc"])
    assert page.tags[0] == ("html", {"lang": "en", "data-theme": "light", "data-embedded": None})
    assert 'classList.add("is-ready")' in page.text
    assert "position:absolute;inset:0" in frame["style"]
    assert "position:relative" in box["style"]


def test_names_of_any_kind_stay_inside_their_attributes():
    values = dict(zip(HOSTILE_NAMES, np.arange(1.0, 9.0).tolist(), strict=True))
    parsed = Tags(record(hostile, values)._repr_html_())
    assert [tag for tag, _ in parsed.tags] == ["div", "img", "iframe"]
    assert parsed.text == ""


def many(x):
    for _ in range(BUDGET):
        x = x * 1.01
    return x


def test_a_large_trace_is_rolled_up_with_its_page_over_it():
    large = record(many, 1.0)
    parsed = Tags(large._repr_html_())
    assert [tag for tag, _ in parsed.tags] == ["div", "img", "iframe"]
    picture = base64.b64decode(parsed.tags[1][1]["src"].partition(",")[2]).decode()
    assert picture == export.svg(large)
    assert f"×{BUDGET}" in picture
    assert '"isRolled":true' in parsed.tags[2][1]["srcdoc"]


def test_a_page_too_large_to_be_saved_with_a_notebook_is_left_out(monkeypatch):
    monkeypatch.setattr(export, "MOST_EMBEDDED", 10_000)
    parsed = Tags(record(many, 1.0)._repr_html_())
    assert [tag for tag, _ in parsed.tags] == ["div", "img"]


CELL = """<!doctype html><body style="margin:0;width:700px">{}</body>"""


@pytest.fixture
def cell(browser, tmp_path):
    """Show some HTML as a cell of a notebook does; nothing may be asked for, and nothing go wrong."""
    contexts, errors, requests = [], [], []

    def open_cell(html):
        path = tmp_path / "cell.html"
        path.write_text(CELL.format(html), "utf-8")
        contexts.append(browser.new_context(viewport={"width": 760, "height": 600}, offline=True))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url[:10]))
        page.set_default_timeout(LONGEST)
        page.goto(path.as_uri())
        return page

    yield open_cell
    for context in contexts:
        context.close()
    assert errors == []
    assert set(requests) <= {"file:///" + str(tmp_path)[1:3], "data:image", "about:srcd"}


def test_in_a_browser_the_page_lies_over_the_picture_and_steps(cell):
    page = cell(record(product, 1.0, 2.0)._repr_html_())
    frame = page.frame_locator("iframe")
    assert frame.locator("#count").inner_text() == "12 / 12"
    picture = frame.locator("#stage > svg").bounding_box()
    outside = page.locator("iframe").bounding_box()
    assert picture["x"] >= outside["x"]
    assert picture["x"] + picture["width"] <= outside["x"] + outside["width"] <= 701
    assert picture["height"] > 30
    assert not frame.locator("#source").is_visible()
    shade = "(each) => getComputedStyle(each, '::after').display"
    assert frame.locator("#graph").evaluate(shade) == "none"  # there is nothing beyond
    frame.locator("#first").click()
    assert frame.locator("#count").inner_text() == "0 / 12"
    frame.locator("#next").click()
    assert frame.locator("#stage .is-now").count() == 1
    assert frame.locator("body").evaluate("(each) => getComputedStyle(each).visibility") == "visible"


def test_in_a_browser_two_traces_of_one_notebook_step_each_for_itself(cell):
    first, second = record(product, 1.0, 2.0), record(many, 1.0)
    page = cell(first._repr_html_() + second._repr_html_())
    frames = [page.frame_locator("iframe").nth(at) for at in range(2)]
    frames[0].locator("#first").click()
    frames[1].locator("#first").click()
    frames[1].locator("#next").click()
    frames[1].locator("#speed").focus()
    page.keyboard.press("ArrowDown")
    assert [frame.locator("#count").inner_text()[0] for frame in frames] == ["0", "1"]
    assert [frame.locator("#speed").input_value() for frame in frames] == ["1", "2"]
    assert page.locator("[id]").count() == 0  # what might clash with another cell's


def test_in_a_browser_a_rolled_picture_steps_and_lights_what_is_pointed_at(cell):
    page = cell(record(many, 1.0)._repr_html_())
    frame = page.frame_locator("iframe")
    frame.locator("#first").click()
    frame.locator("#next").click()
    frame.locator("#next").click()
    assert frame.locator("#stage .is-now").count() >= 1
    frame.locator("#stage .function").first.hover()
    assert frame.locator("#stage .is-hover").count() >= 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda html: re.sub("<iframe.*?</iframe>", "", html, flags=re.DOTALL),
        lambda html: html.replace('sandbox="allow-scripts"', 'sandbox=""'),
    ],
    ids=["no frames", "no scripts"],
)
def test_where_no_script_may_run_the_still_picture_is_seen(cell, spoil):
    page = cell(spoil(record(product, 1.0, 2.0)._repr_html_()))
    image = page.locator("img").bounding_box()
    assert image["width"] > 400
    assert image["x"] + image["width"] <= 701
    assert page.evaluate("document.images[0].naturalWidth") > 400
    if page.locator("iframe").count():
        body = page.frame_locator("iframe").locator("body")
        assert body.evaluate("(each) => getComputedStyle(each).visibility") == "hidden"


AS_TEXT = {  # the last line of a cell, and how what is shown begins
    ".explain('W_hh')": "W_hh = (3, 3)",
    ".paths('W_hh')": "W_hh = (3, 3)",
    "['h']": "&lt;Node ",
    ".nodes": "46 nodes",
    "['W_hh'].uses": "[&lt;Edge ",
    ".findings()": "[]",
}


def test_a_notebook_that_is_run_and_converted_shows_trace_and_plot(tmp_path):
    for needed in ("nbconvert", "ipykernel"):
        pytest.importorskip(needed, reason=f"{needed} is not installed: pip install 'edgegrad[test]'")
    code = ["from sample_graphs.rnn import rnn\n", "rnn()\n", "rnn.last_trace"]
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in (code, ["rnn.last_trace.plot()"], *([f"rnn.last_trace{each}"] for each in AS_TEXT))
    ]
    notebook_file = tmp_path / "rnn.ipynb"
    notebook_file.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}), "utf-8"
    )
    root = str(Path(tracer.__file__).parent.parent)
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "html",
        "--execute",
        "--template",
        "basic",
        "rnn.ipynb",
    ]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": root,
            "IPYTHONDIR": str(tmp_path),
            "JUPYTER_CONFIG_DIR": str(tmp_path),
        },
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    page = (tmp_path / "rnn.html").read_text("utf-8")
    for line in AS_TEXT.values():
        assert f"<pre>{line}" in page
    assert "\\n" not in page.partition("<pre>W_hh")[2]
    tags = Tags(page).tags
    images = [attributes["src"][:22] for tag, attributes in tags if tag == "img"]
    assert images == ["data:image/svg+xml;bas", "data:image/png;base64,"]
    assert [attributes["sandbox"] for tag, attributes in tags if tag == "iframe"] == ["allow-scripts"]


TOLD = [
    (
        lambda: record(twice, np.ones(3)),
        ["twice → ‖3.464‖", "the output of twice is an array", "backward(seed=np.ones((3,)))"],
    ),
    (lambda: record(both, 1.0), ["both → [0] 2, [1] 3", "choose one: @trace(of=…)"]),
    (
        failed,
        ["fails raised ValueError: &lt;b&gt;4.0&lt;/b&gt; &amp; é", "y = x * 2 at test_viz_notebook.py:"]
        + ["The graph of fails: the values up to where it failed"],
    ),
]


@pytest.mark.parametrize(("make", "lines"), TOLD)
def test_what_has_no_gradients_is_told(make, lines):
    shown = make()._repr_html_()
    assert shown.startswith("<pre>")
    for line in lines:
        assert line in shown
    assert ("<img" in shown) == ("up to where it failed" in lines[-1])
    assert "<iframe" not in shown


def test_of_a_run_that_failed_the_forward_graph_is_drawn(tmp_path):
    failed().draw(tmp_path / "out.svg")
    picture = (tmp_path / "out.svg").read_text("utf-8")
    assert "fails, no gradients" in picture
    assert ">y = <" in picture
