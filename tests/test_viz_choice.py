"""What part of a graph is drawn, what stands at its border, and what is marked."""

import math
import re
from dataclasses import fields, replace
from inspect import Parameter, signature
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from browsing import launched
from small_programs import many_uses, program, scaled

import tracer
import viz
from tracer import record
from tracer.errors import GradientError, LookupNameError, UsageError
from tracer.trace import Trace
from viz import drawing, theme, vector
from viz.choice import View, ViewOptions, choose
from viz.diagram import diagram
from viz.geometry import PlacedText
from viz.layout import geometry
from viz.legend import legend
from viz.options import VIEW
from viz.parts import Mark

SVG = "{http://www.w3.org/2000/svg}"


def drawn(trace, **view):
    chosen = choose(trace, View(**view))
    return diagram(trace, chosen)


def words(lines):
    return ["".join(span.text for span in line) for line in lines]


def tags(picture, shape):
    return sorted(words(box.lines)[0] for box in picture.boxes if box.shape == shape)


def nodes(picture):
    return sorted(box.node for box in picture.boxes if box.node >= 0)


def by_walking(trace, name, depth):
    """The same neighbourhood from one node to the next: splitters and broadcasts cost nothing."""
    centre = trace[name].index
    found = {centre}
    for forwards in (True, False):
        front = {centre}
        for _ in range(depth):
            following = set()
            waiting = [trace.nodes[each] for each in front]
            while waiting:
                node = waiting.pop()
                edges = node.out_edges if forwards else node.in_edges
                for edge in edges:
                    end = edge.dst if forwards else edge.src
                    if end.kind == "splitter":
                        waiting.append(end)
                    else:
                        following.add(end.index)
            front = following
            found |= front
    return found


@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("name", ["x", "p", "r", "scaled.u[1]"])
def test_a_neighbourhood_is_what_walking_from_node_to_node_finds(name, depth):
    trace = record(program, 2.0, 3.0)
    keep = choose(trace, View(focus=name, depth=depth)).keep
    kept = {node.index for node in trace.nodes if keep[node.index] and node.kind != "splitter"}
    assert kept == by_walking(trace, name, depth)
    for node in trace.nodes:
        if node.kind == "splitter":
            assert keep[node.index] == (node.in_edges[0].src.index in kept)


def test_a_broadcast_is_kept_between_a_value_and_its_operation():
    def stretched(x, w):
        return (x * w + w).sum()

    trace = record(stretched, np.ones((3, 2)), 2.0)
    broadcasts = [node.index for node in trace.nodes if node.op == "broadcast"]
    assert len(broadcasts) == 2
    near = choose(trace, View(focus="x", depth=1)).keep
    assert [bool(near[each]) for each in broadcasts] == [False, False]  # w is no neighbour of x
    near = choose(trace, View(focus="w", depth=1)).keep
    assert [bool(near[each]) for each in broadcasts] == [True, True]


def names(tags_found):
    return [tag.split("  ")[0] for tag in tags_found]


def test_what_is_left_out_stands_at_the_border_by_name_and_line():
    picture = drawn(record(program, 2.0, 3.0), focus="r", depth=1)
    assert names(tags(picture, "enters")) == ["p", "sin", "u[1]"]
    assert tags(picture, "leaves") == ["output"]
    assert all(re.fullmatch(r".+  line \d+", tag) for tag in tags(picture, "enters"))
    assert picture.is_part


def test_a_tag_has_the_value_and_the_gradient_of_its_edge():
    trace = record(program, 2.0, 3.0)
    picture = drawn(trace, focus="r", depth=1)
    for arrow in picture.arrows:
        assert arrow.edge >= 0
        edge = trace.edges[arrow.edge]
        ends = picture.boxes[arrow.source].node, picture.boxes[arrow.target].node
        assert {edge.src.index, edge.dst.index} >= {each for each in ends if each >= 0}
    whole = {arrow.edge: arrow.label for arrow in diagram(trace).arrows}
    assert all(arrow.label == whole[arrow.edge] for arrow in picture.arrows)


def test_many_uses_that_are_left_out_are_counted_and_summed():
    trace = record(many_uses, 0.5)
    picture = drawn(trace, focus="total[19]", depth=2)
    assert names(tags(picture, "enters")) == ["total[16]", "× 18"]
    assert tags(picture, "leaves") == ["+18 more"]  # of x, two of whose uses are near
    (counted,) = [
        arrow for arrow in picture.arrows if words(picture.boxes[arrow.target].lines) == ["+18 more"]
    ]
    assert words(counted.label.below)[0].endswith(f"= {210 - 20 - 19}")
    fork = next(box for box in picture.boxes if box.shape == "splitter")
    assert words(fork.lead.below)[0].endswith("= 210")  # the sum over all uses, also those left out


def test_only_one_function_shows_its_calls_and_what_enters_and_leaves():
    trace = record(program, 2.0, 3.0)
    both = drawn(trace, only="scaled")
    first = drawn(trace, only="scaled[0]")
    last = drawn(trace, only="scaled[-1]")
    assert set(nodes(first)) | set(nodes(last)) == set(nodes(both))
    assert not set(nodes(first)) & set(nodes(last))
    assert {trace.nodes[each].scope.index for each in nodes(first)} == {1}
    assert [group.title for group in last.groups] == ["scaled[1]"]
    assert names(tags(first, "enters")) == ["x", "x", "y"]
    assert names(tags(first, "leaves")) == ["q", "u[1]"]
    assert all(box.group == -1 for box in last.boxes if box.shape in ("enters", "leaves"))


def test_a_view_is_the_same_for_the_command_line_and_python():
    defaults = {field.name: field.default for field in fields(View)}
    assert list(VIEW) == list(ViewOptions.__annotations__) == list(defaults)
    drawn_by = signature(Trace.draw).parameters.values()
    assert {each.name: each.default for each in drawn_by if each.kind is Parameter.KEYWORD_ONLY} == defaults
    for command in (drawing.run, drawing.draw, drawing.samples):
        options = signature(command).parameters
        assert {name: options[name].default for name in VIEW} == defaults
        assert "view" not in options


def test_only_the_traced_function_is_everything():
    trace = record(program, 2.0, 3.0)
    assert nodes(drawn(trace, only="program")) == list(range(len(trace.nodes)))


@pytest.mark.parametrize(
    ("view", "kind", "text"),
    [
        ({"focus": "pp"}, LookupNameError, "no input, variable or output is named 'pp'; did you mean p?"),
        ({"path": "X"}, LookupNameError, "did you mean x?"),
        ({"only": "scald"}, LookupNameError, r"called were scaled \(2 times\); did you mean scaled\?"),
        ({"only": "zz[1]"}, LookupNameError, r"'zz\[1\]'; called were scaled \(2 times\); scaled\[0\] is one call, the first"),
        ({"only": "scaled[2]"}, LookupNameError, r"has no call number 2; it was called 2 times, \[0\] to \[1\]"),
        ({"only": "x", "focus": "x"}, UsageError, "one subject"),
        ({"highlight": "bugs"}, UsageError, "can't highlight 'bugs'; highlight one of findings"),
        ({"focus": "x", "depth": -1}, UsageError, "got -1"),
        ({"exact": True, "rolled": True}, UsageError, "exact or rolled up; got both; leave one of them out"),
        ({"depth": 3}, UsageError, "a depth is that of a focus; got depth 3 and no focus"),
    ],
)  # fmt: skip
def test_a_view_that_cannot_be_is_one_clear_line(view, kind, text):
    with pytest.raises(kind, match=text) as told:
        choose(record(program, 2.0, 3.0), View(**view))
    assert "\n" not in str(told.value)


def test_a_finding_outside_of_a_part_is_said_to_be_there():
    def poles(x, y):
        a = np.log(x * 0.0)
        b = y * 2.0
        c = b * 3.0
        return np.sum(a + c)

    with np.errstate(all="ignore"):
        finished = record(poles, np.ones(2), np.ones(2))
    here = [mark.text for mark in choose(finished, View(highlight="findings", focus="a")).marks]
    away = [mark.text for mark in choose(finished, View(highlight="findings", focus="y", depth=0)).marks]
    assert len(here) == len(away) > 1
    assert not any("outside" in text for text in here)
    assert not away[0].endswith("(outside of this view)")  # the focus itself
    assert all(text.endswith("(outside of this view)") for text in away[1:])


def test_a_function_that_nobody_called_is_told_where_there_are_none():
    with pytest.raises(LookupNameError, match="no other function was called"):
        choose(record(many_uses, 1.0), View(only="helper"))


def test_the_largest_paths_are_marked_to_the_output_and_the_rest_is_calm():
    trace = record(program, 2.0, 3.0)
    picture = drawn(trace, path="x")
    paths = trace.paths("x", top=3)
    assert [mark.sign for mark in picture.marks] == ["▶1", "▶2", "▶3"]
    assert [mark.text.split(": ")[0] for mark in picture.marks] == [
        "largest path of x",
        "path 2 of x",
        "path 3 of x",
    ]
    assert [mark.kind for mark in picture.marks] == ["path", "path-2", "path-3"]
    marked = {arrow.edge for arrow in picture.arrows if arrow.mark in theme.PATHS}
    on_paths = {edge.index for path in paths for edge in path.edges}
    assert on_paths <= marked
    assert {arrow.edge for arrow in picture.arrows if arrow.is_calm} == set(
        range(len(trace.edges))
    ) - marked
    (last,) = [arrow for arrow in picture.arrows if picture.boxes[arrow.target].shape == "output"]
    assert last.mark == "path"
    for arrow in picture.arrows:
        spans = [span for line in arrow.label.above for span in line if span.role in theme.PATHS]
        expected = [rank for rank, path in enumerate(paths) if arrow.edge in {e.index for e in path.edges}]
        if expected and (arrow.label.above or arrow.label.below):
            assert [span.text for span in spans] == [f"▶{rank + 1} " for rank in expected]
            assert [span.role for span in spans] == [theme.PATHS[rank] for rank in expected]
            assert arrow.mark == theme.PATHS[expected[0]]


def vanishing(x):
    for _ in range(12):
        x = math.tanh(x * 0.1)
    return x


def test_findings_are_marked_where_they_are_with_number_and_kind():
    trace = record(vanishing, 0.5)
    (finding, *_) = trace.findings()
    picture = drawn(trace, highlight="findings")
    (box,) = [box for box in picture.boxes if box.mark == "finding" and box.node == finding.node.index]
    assert words(box.caption)[-1] == f"⚑1 {finding.kind}"
    assert picture.marks[0].text.startswith(f"{finding.severity}: {finding.kind} at {finding.place}: ")
    assert not any(each.is_calm for each in (*picture.boxes, *picture.arrows))


def test_nothing_to_highlight_is_a_note(tmp_path):
    assert viz.draw(record(program, 2.0, 3.0), tmp_path / "p.svg", highlight="findings") == (
        "there are no findings to highlight",
    )


def test_a_mark_is_a_line_a_colour_and_a_sign_in_svg_and_the_legend_says_it():
    picture = vector.write(geometry(drawn(record(program, 2.0, 3.0), path="x")))
    root = ET.fromstring(picture)  # noqa: S314
    wires = [group for group in root.findall(f"{SVG}g") if group.get("class", "").startswith("wire")]
    looks = {theme.MARK[kind].colour: theme.MARK[kind].dashes for kind in theme.PATHS}
    assert len(set(looks.values())) == len(looks) == 3  # who sees no colours can tell them apart
    heavy = [wire for wire in wires if wire.find(f"{SVG}path").get("stroke") in looks]
    found = {
        (wire.find(f"{SVG}path").get("stroke"), wire.find(f"{SVG}path").get("stroke-dasharray", ""))
        for wire in heavy
    }
    assert found == {(colour, ",".join(f"{each:g}" for each in dashes)) for colour, dashes in looks.items()}
    assert all(float(wire.find(f"{SVG}path").get("stroke-width")) == 3 for wire in heavy)
    calm = {wire.find(f"{SVG}path").get("stroke") for wire in wires if wire not in heavy}
    assert calm <= {theme.calm(stroke.colour) for stroke in theme.WIRE.values()}
    legend = "".join(root.find(f"{SVG}g[@class='legend']").itertext())
    assert "▶1 largest path of x" in legend


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "html", "mmd", "graphml", "json"])
@pytest.mark.parametrize(
    "view", [{"focus": "x"}, {"only": "scaled"}, {"path": "y", "highlight": "findings"}, {"exact": True}]
)
def test_every_view_is_drawn_in_every_format(tmp_path, suffix, view):
    target = tmp_path / f"v.{suffix}"
    record(program, 2.0, 3.0).draw(target, **view)
    assert target.stat().st_size > 500


@pytest.mark.parametrize("view", [{"focus": "x"}, {"only": "scaled[0]"}, {"path": "x"}])
def test_a_page_of_a_part_opens_without_an_error_and_shows_what_is_marked(view, tmp_path):
    trace = record(program, 2.0, 3.0)
    target = tmp_path / "part.html"
    trace.draw(target, **view)
    errors = []
    with launched() as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.goto(target.as_uri())
        shown = page.evaluate("document.querySelectorAll('#stage [data-node]').length")
        colours = page.evaluate(
            "[...document.querySelectorAll('[class*=-mark].wire > path:not(.hit)')].map(each => getComputedStyle(each).stroke)"
        )
        told = page.locator("#details .marks b").all_inner_texts()
        for _ in range(40):
            page.keyboard.press("ArrowRight")
    assert errors == []
    assert shown == sum(box.node >= 0 for box in drawn(trace, **view).boxes)
    assert len(set(colours)) == (3 if "path" in view else 0)
    assert told == [mark.sign for mark in drawn(trace, **view).marks]


def test_paths_of_a_run_that_failed_are_refused_and_its_neighbourhoods_drawn(tmp_path):
    def failing(x):
        y = scaled(x, 2.0)
        raise ValueError(y)

    traced = tracer.trace(failing)
    with pytest.raises(ValueError):  # noqa: PT011
        traced(2.0)
    trace = traced.last_trace
    with pytest.raises(GradientError, match="raised an exception"):
        viz.draw(trace, tmp_path / "f.svg", path="x")
    (note,) = viz.draw(trace, tmp_path / "f.svg", only="scaled")
    assert note.startswith("the forward graph alone")
    assert "x" in (tmp_path / "f.svg").read_text("utf-8")


def test_a_long_text_of_a_legend_stands_whole_in_several_lines():
    def program(x):
        return x * 2

    long = "the gradient of v may be short by it, " * 6
    picture = replace(diagram(record(program, 1.0)), marks=(Mark("finding", "⚑1", long, "cut"),))
    placed, (wide, tall) = legend(picture, 620.0)
    texts = [entry for entry in placed if isinstance(entry, PlacedText)]
    said = " ".join("".join(text for _, text, _ in entry.runs).strip() for entry in texts)
    assert long.strip() in said
    assert wide < 1.1 * 800
    assert max(entry.baseline for entry in texts) < tall
    lines = sorted(entry.baseline for entry in texts)
    assert len({round(line) for line in lines}) > 2
