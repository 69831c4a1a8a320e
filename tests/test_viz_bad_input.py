"""Graphs that are odd, and graphs that are too large: each is drawn, or refused with one clear line."""

import math
import re
import warnings
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from small_programs import program

import tracer
import viz
from tracer import record
from tracer.errors import CutWarning, DrawError
from viz import diagram as rooms
from viz import export, raster


def constant(x):  # noqa: ARG001 - that it uses nothing is the case
    return 3.0


def same(x):
    return x


def nothing_in():
    return 1.0


def not_finite(x):
    return x * math.inf - x * math.inf


def nan_in_arrays(x):
    return (x * np.array([1.0, np.nan, np.inf])).sum()


def named(d):
    return sum(value * 2 for value in d.values())


BAD = {
    "constant": (constant, (1.0,)),
    "one edge": (same, (1.0,)),
    "one node": (nothing_in, ()),
    "not finite": (not_finite, (1.0,)),
    "not finite in arrays": (nan_in_arrays, (np.ones(3),)),
    "empty array": (lambda x: (x * 2).sum(), (np.zeros((0, 3)),)),
    "names of 10,000 characters": (named, ({"n" * 10_000: 1.0, "m" * 9_999 + "\n": 2.0},)),
}


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "html", "mmd", "graphml", "json"])
@pytest.mark.parametrize("name", BAD)
def test_odd_graphs_are_drawn_in_every_format(name, suffix, tmp_path):
    function, arguments = BAD[name]
    trace = record(function, *arguments)
    target = tmp_path / f"odd.{suffix}"
    trace.draw(target, exact=True)
    assert 0 < target.stat().st_size < 400_000
    if suffix == "svg":
        root = ET.parse(target).getroot()  # noqa: S314
        assert max(float(root.get("width")), float(root.get("height"))) < 2_000
        if "finite" in name:
            assert "⚠" in target.read_text("utf-8")


@pytest.mark.parametrize("suffix", ["svg", "dot"])
def test_ten_thousand_uses_of_a_value_say_the_largest_terms(suffix, tmp_path):
    def uses(x):
        return math.fsum([x * 7.0 if k == 5_000 else x for k in range(10_000)])

    target = tmp_path / f"uses.{suffix}"
    record(uses, 0.5).draw(target, exact=True)
    text = target.read_text("utf-8")
    assert "Σ 10,000 terms: 7 + 1 + …" in text
    assert len(text) < 30_000_000


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_ten_thousand_uses_in_one_call_are_rolled_up_like_as_many_calls(suffix, tmp_path):
    target = tmp_path / f"uses.{suffix}"
    notes = viz.draw(record(lambda x: sum([x] * 10_000), 0.5), target)
    assert "rolled up: 10,002 edges as 3 arrows" in notes[0]
    assert target.stat().st_size < 400_000


def test_an_error_of_10_000_characters_is_one_short_line(tmp_path):
    def failing(_):
        raise ValueError("long\n" * 2_000)

    traced = tracer.trace(failing)
    with pytest.raises(ValueError, match="long"):
        traced(2.0)
    (note,) = viz.draw(traced.last_trace, tmp_path / "f.svg")
    assert "\n" not in note
    assert len(note) < 300


@pytest.mark.parametrize("suffix", [*export.SUFFIXES, ".SVG"])
def test_a_refusal_says_what_a_picture_would_take_where_that_was_measured(suffix, monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    with pytest.raises(DrawError) as told:
        record(program, 2.0, 3.0).draw(tmp_path / f"p{suffix}", exact=True)
    assert re.findall(r"\.[a-z]{3,}", str(told.value)) == [
        each for each in rooms.COST if each == suffix.lower()
    ]


def test_too_many_nodes_are_refused_with_what_they_would_take_and_drawn_by_force(monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    trace = record(program, 2.0, 3.0)
    target = tmp_path / "p.svg"
    with pytest.raises(DrawError, match=r"it would take about .* seconds, and be .* as \.svg") as told:
        trace.draw(target, exact=True)
    assert "--focus NAME, or --only FUNCTION; --force (in Python force=True) draws it" in str(told.value)
    assert not target.exists()
    trace.draw(target, exact=True, force=True)
    shapes = re.findall(r'<g class="(?:input|function|splitter|output) ', target.read_text("utf-8"))
    assert len(shapes) >= len(trace.nodes)
    trace.draw(target, focus="x", depth=0, exact=True)  # few enough


def test_what_memory_does_not_hold_is_refused_by_force_too(monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    monkeypatch.setattr(rooms, "free_memory", lambda: 50_000)
    trace = record(program, 2.0, 3.0)
    with pytest.raises(
        DrawError, match=r"nodes does not fit into memory; .* and 48.8 KiB are free; leave"
    ) as told:
        trace.draw(tmp_path / "p.svg", exact=True, force=True)
    assert "\n" not in str(told.value)
    with pytest.raises(DrawError, match="nodes does not fit into memory"):  # nor is it promised
        trace.draw(tmp_path / "p.svg", exact=True)
    parts = len(trace.nodes) + len(trace.edges)
    monkeypatch.setattr(rooms, "free_memory", lambda: 4_000 * parts)  # enough for SVG, and not for PDF
    with pytest.raises(DrawError, match="nodes does not fit into memory"):
        trace.draw(tmp_path / "p.pdf", exact=True, force=True)
    trace.draw(tmp_path / "p.svg", exact=True, force=True)
    (tmp_path / "p.svg").unlink()
    monkeypatch.setattr(rooms, "free_memory", lambda: None)  # it can't be asked

    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(export, "geometry", exhausted)
    with pytest.raises(DrawError, match="there is not enough memory to draw"):
        trace.draw(tmp_path / "p.svg", exact=True, force=True)
    assert not list(tmp_path.iterdir())


def test_a_png_of_too_many_nodes_is_not_promised_by_force(monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    monkeypatch.setattr(rooms, "PIXELS", 1e8)
    trace = record(program, 2.0, 3.0)
    with pytest.raises(
        DrawError, match=r"too big for a PNG; \d+ nodes and their wires would have [\d,]+ pixels; "
    ):
        trace.draw(tmp_path / "p.png", exact=True)


def test_the_machine_says_how_much_memory_is_free():
    free = rooms.free_memory()
    assert free is None or 10_000_000 < free < 1 << 50


def test_what_no_png_holds_is_refused_before_it_is_laid_out(monkeypatch, tmp_path):
    def long(x):
        for _ in range(3_000):
            x = x * 1.001
        return x

    monkeypatch.setattr(export, "geometry", None)
    monkeypatch.setattr(raster, "MOST_PIXELS", 1_000_000)
    with pytest.raises(
        DrawError, match=r"too big for a PNG; its 3,002 boxes .* pixels; .* write \.svg or \.pdf"
    ):
        record(long, 1.0).draw(tmp_path / "l.png", exact=True, force=True)


def test_a_million_operations_asked_for_exactly_are_refused_at_once(tmp_path):
    def loop(x):
        for _ in range(100_000):
            x = x * 0.5
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        trace = record(loop, 1.0)
    with pytest.raises(
        DrawError, match=r"a picture of 100,002 nodes can't be read; it would take about 32 seconds"
    ):
        trace.draw(tmp_path / "l.svg", exact=True)
    with pytest.raises(DrawError, match=r"it would take about 50 seconds, and be 15.3 MiB as \.html"):
        trace.draw(tmp_path / "l.html", exact=True)
    trace.draw(tmp_path / "l.svg", focus="x[50000]", depth=3)
    assert (tmp_path / "l.svg").stat().st_size < 30_000
