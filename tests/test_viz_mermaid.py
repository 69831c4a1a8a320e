"""Mermaid: every text is drawn as itself, read by Mermaid in a browser where it is there."""

import os
import re
from pathlib import Path

import pytest
from browsing import launched
from viz_programs import HOSTILE_NAMES, trace_of

import viz
from tracer import record
from viz import export, labels, mermaid

SCRIPT = os.environ.get("EDGEGRAD_MERMAID", "")  # where mermaid.min.js is, as .ci/run has it


@pytest.fixture(scope="module")
def page():
    if not Path(SCRIPT).is_file():
        reason = (
            "EDGEGRAD_MERMAID names no mermaid.min.js: npm pack mermaid, and take it out of the archive"
        )
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with launched() as browser:
        opened = browser.new_page()
        opened.set_content("<!doctype html><body></body>")
        opened.add_script_tag(path=SCRIPT)
        opened.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
        yield opened
        browser.close()


def drawn(page, text):
    """Have Mermaid draw a text: the lines of its nodes, and of its edges."""
    page.evaluate(
        "async text => { document.body.innerHTML = (await mermaid.render('drawn', text)).svg; }", text
    )
    read = """kind => [...document.querySelectorAll(kind)].map(
        each => [...each.querySelectorAll('p')].map(p => p.innerHTML.split('<br>').map(
            line => new DOMParser().parseFromString(line, 'text/html').body.textContent)).flat())"""
    return page.evaluate(read, "g.node"), page.evaluate(read, "g.edgeLabel")


def texts(lines):
    return ["".join(span.text for span in line) for line in lines]


def said(picture):
    nodes = [texts((*box.lines, *box.caption)) for box in picture.boxes]
    edges = []
    for arrow in picture.arrows:
        lead = picture.boxes[arrow.target].lead
        label = arrow.label if lead.is_empty else lead
        edges.append(texts((*label.above, *label.below)))
    return nodes, edges


def awkward(d):
    total = 0.0
    for value in d.values():
        total = total + value * 2
    return 3.0 - (total + 1.0)


AWKWARD = (
    "1. list",
    "- dash",
    "+ plus",
    "* star",
    "__init__",
    "`tick`",
    "**bold**",
    "a  b",
    "%% no",
    "end",
    "http://a.b",
)


@pytest.mark.parametrize(
    "name", ["splitter", "hostile", "calls", "network", "cut", "not_finite", "awkward", "rolled"]
)
def test_mermaid_draws_every_text_as_itself(page, name):
    if name == "awkward":
        trace = record(awkward, dict.fromkeys(AWKWARD, 1.5))
    elif name == "rolled":
        trace = trace_of("loop")
    else:
        trace = trace_of(name)
    picture, _ = export.picture(trace, export.View(exact=name != "rolled"))
    text, notes = mermaid.write(picture)
    assert notes == ()
    nodes, edges = drawn(page, text)
    expected_nodes, expected_edges = said(picture)
    shown = [lines for lines in nodes if lines and lines[0] not in mermaid.SIGNS.values()]
    assert sorted(map(squeezed, shown)) == sorted(squeezed(lines) for lines in expected_nodes if lines)
    assert sorted(squeezed(lines) for lines in edges if "".join(lines)) == sorted(
        squeezed(lines) for lines in expected_edges if lines
    )


def squeezed(lines):
    return [as_itself(re.sub(r"\s+", " ", line)).strip() for line in lines]


def as_itself(line):
    """Undo what keeps Mermaid from reading Markdown: characters that look the same."""
    return line.replace(mermaid.JOINER, "").replace("∗", "*").replace("ˋ", "`")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_quoted_text_holds_nothing_that_mermaid_reads(name):
    quoted = mermaid.quote([labels.name(name)])
    assert not set(quoted[1:-1].replace("<br/>", "")) & set('"<>`&*_+-%\\{}[]()|;\n') - {";"}
    decoded = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), quoted[1:-1])
    assert as_itself(decoded) == labels.name(name)


def test_more_edges_than_mermaid_draws_are_a_note(tmp_path):
    def loop(x):
        for _ in range(300):
            x = x * x
        return x

    trace = record(loop, 1.0)
    (note,) = viz.draw(trace, tmp_path / "l.mmd", exact=True)
    assert note == "Mermaid draws at most 500 edges unless it is told otherwise, and these are 901"
    notes = viz.draw(trace, tmp_path / "l.mmd")
    assert len(notes) == 1
    assert "rolled up" in notes[0]
    assert "×300" in (tmp_path / "l.mmd").read_text("utf-8")


def test_a_marked_edge_is_heavy_and_has_its_colour(tmp_path):
    target = tmp_path / "s.mmd"
    viz.draw(trace_of("splitter"), target, path="x")
    text = target.read_text("utf-8")
    assert "==>|" in text
    assert "stroke:#0b57d0" in text
