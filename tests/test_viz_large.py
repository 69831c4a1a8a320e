"""Pictures of tens of thousands of boxes: one layout for all rows, whose parts are made as they are written."""

import gc
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from test_viz_layout import random_skeleton

from tracer import record
from tracer.errors import DrawError
from viz import bulk, engines, export, frames, large, layered, waiting
from viz import diagram as rooms
from viz.choice import View
from viz.diagram import diagram
from viz.layout import geometry
from viz.wrap import wrap


def scaled(a, b):
    return (a - b) / b


def looped(x, w):
    total = 0.0
    for each in x:
        total += math.tanh(each * w) - scaled(each, w)
    return total


def called(x, w):
    total = 0.0
    for each in x:
        total += scaled(each, w) * scaled(w, each)
    return total


def wide(x, w):
    return sum([each * w for each in x])


def recurrence(x, w):
    state = w
    for _ in range(60):
        state = math.tanh(state * w + x[0])
    return state


PROGRAMS = {program.__name__: program for program in (looped, wide, recurrence)}
VALUES = [0.1 * k for k in range(40)]


@pytest.fixture
def always_large(monkeypatch):
    monkeypatch.setattr(large, "LARGE", 5)


def traced(name):
    return record(PROGRAMS[name], VALUES, 0.5)


def texts(placed):
    return Counter("".join(text for _, text, _ in line.runs) for line in placed)


@pytest.mark.usefixtures("always_large")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_large_picture_says_what_every_picture_of_the_trace_says(name, monkeypatch):
    picture = diagram(traced(name))
    placed = geometry(picture)
    monkeypatch.setattr(large, "LARGE", 1_000_000)
    usual = geometry(picture, "built-in")
    assert "placed row by row in the order of execution" in placed.notes[0]
    assert not usual.notes
    assert [shape.node for shape in placed.shapes] == [shape.node for shape in usual.shapes]
    assert [wire.edge for wire in placed.wires] == [wire.edge for wire in usual.wires]
    for shapes in ("inside", "beside"):
        said, expected = (
            texts(line for shape in each.shapes for line in getattr(shape, shapes))
            for each in (placed, usual)
        )
        assert said == expected
    said, expected = (
        texts(line for wire in each.wires for line in wire.texts if "operand" not in line.runs[0][1])
        for each in (placed, usual)
    )
    assert said == expected


@pytest.mark.usefixtures("always_large")
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_shape_of_a_large_picture_is_on_another_and_wires_join_what_they_belong_to(name):
    trace = traced(name)
    placed = geometry(diagram(trace))
    rects = [shape.rect for shape in placed.shapes]
    low = np.array([(rect.x, rect.y) for rect in rects])
    high = low + [(rect.width, rect.height) for rect in rects]
    overlap = (low[:, None] < high[None]).all(axis=2) & (high[:, None] > low[None]).all(axis=2)
    assert (overlap == np.eye(len(rects), dtype=bool)).all()
    assert high.max(axis=0)[0] < placed.width
    assert high.max(axis=0)[1] < placed.height
    of_node = {shape.node: shape.rect for shape in placed.shapes if shape.node >= 0}
    whole = [wire for wire in placed.wires if not wire.is_stub]
    assert len(whole) == len(trace.edges)
    for wire in whole:
        rect = of_node[trace.edges[wire.edge].dst.index]
        x, y = wire.points[-1]
        assert rect.x - 1 <= x <= rect.x + rect.width / 2
        assert rect.y <= y <= rect.y + rect.height
        assert len(wire.points) % 3 == 1
        assert (np.diff(wire.points[:, 0]) >= -1).all()  # nothing leads back


@pytest.mark.usefixtures("always_large")
@pytest.mark.parametrize("name", ["looped", "wide"])
def test_operands_that_have_an_order_enter_in_it_or_say_which_they_are(name):
    trace = traced(name)
    wires = {wire.edge: wire for wire in geometry(diagram(trace)).wires if not wire.is_stub}
    told = {
        edge
        for edge, wire in wires.items()
        if any(text.endswith("operand") for line in wire.texts for _, text, _ in line.runs)
    }
    for node in trace.nodes:
        if node.op in ("subtract", "divide") and len(node.in_edges) == 2:
            first, second = (wires[edge.index] for edge in node.in_edges)
            assert first.points[-1, 1] < second.points[-1, 1]
            assert (first.edge in told) == (second.edge in told)


@pytest.mark.usefixtures("always_large")
def test_frames_of_calls_hold_their_own_boxes_where_none_are_too_many(monkeypatch):
    picture = diagram(record(called, VALUES[1:], 0.5))
    placed = geometry(picture)
    assert len({group.number for group in placed.groups}) > 30
    own = {box.node: box.group for box in picture.boxes}
    for group in placed.groups:
        inside = [
            shape
            for shape in placed.shapes
            if group.rect.x < shape.rect.x < group.rect.x + group.rect.width
            and group.rect.y < shape.rect.y < group.rect.y + group.rect.height
        ]
        assert {own[shape.node] for shape in inside if shape.node >= 0} == {group.number}
    monkeypatch.setattr(frames, "MOST", 0)
    placed = geometry(picture)
    assert not placed.groups
    assert "rows have no frames around calls: too many" in placed.notes[1]


def test_a_picture_of_an_engine_without_its_frames_says_so(monkeypatch):
    monkeypatch.setattr(frames, "MOST", 3)
    picture = diagram(traced("looped"))
    placed = geometry(picture)
    assert not placed.groups
    assert placed.notes == (
        "no frames around calls: there are 40, and at most 3 are drawn; --only FUNCTION frames one",
    )
    assert not geometry(diagram(traced("recurrence"))).notes


def test_items_keep_apart_in_every_layer_of_every_row():
    skeletons = [random_skeleton(40, 10, seed) for seed in range(3)]
    for skeleton, row in zip(skeletons, bulk.place(skeletons), strict=True):
        assert len(row.paths()) == len(skeleton.tail)
        for layer in range(40):
            items = np.flatnonzero(row.layer[: skeleton.size] == layer)
            items = items[np.argsort(row.y[items])]
            gaps = np.diff(row.y[items]) - (skeleton.height[items][1:] + skeleton.height[items][:-1]) / 2
            assert (gaps >= layered.BEND_GAP - 1e-6).all()
        assert (row.left[1:] > row.right[:-1]).all()


def all_used_at_the_end(count):
    """Make a chain of which every item is used by the last one, too: more bends than are drawn."""
    chain, numbers = random_skeleton(count, 1), np.arange(count - 2)
    tail, head = (
        np.concatenate([np.arange(count - 1), numbers]),
        np.concatenate([np.arange(1, count), np.full(count - 2, count - 1)]),
    )
    return replace(chain, tail=tail, head=head)


def test_a_row_is_placed_as_if_it_were_alone():
    skeletons = [*(random_skeleton(12, 6, seed) for seed in range(3)), all_used_at_the_end(60)]
    for skeleton, row in zip(skeletons, bulk.place(skeletons), strict=True):
        (alone,) = bulk.place([skeleton])
        assert np.allclose(row.x, alone.x)
        assert np.allclose(row.y - row.y.min(), alone.y - alone.y.min())
        assert all(
            np.allclose(*np.diff(pair, axis=1)) for pair in zip(row.paths(), alone.paths(), strict=True)
        )


@pytest.mark.usefixtures("always_large")
def test_parts_made_on_demand_are_a_sequence():
    picture = diagram(traced("looped"))
    assert len(wrap(picture)) > 2
    shapes = geometry(picture).shapes
    assert isinstance(shapes, large.OnDemand)
    every = list(shapes)
    assert len(shapes) == len(every)
    assert shapes[-1] == every[-1]
    assert shapes[3:40:7] == tuple(every[3:40:7])
    with pytest.raises(IndexError):
        shapes[len(every)]


@pytest.mark.usefixtures("always_large")
@pytest.mark.parametrize("engine", ["graphviz-pure", "dot"])
def test_an_engine_is_refused_for_a_large_picture_at_once(engine, monkeypatch, tmp_path):
    monkeypatch.setattr(engines, "run", None)
    with pytest.raises(
        DrawError, match=rf"'{engine}' can't place \d+ boxes; .*; leave --engine out"
    ) as told:
        export.draw(traced("looped"), tmp_path / "p.svg", engine, View(exact=True))
    assert "\n" not in str(told.value)


@pytest.mark.usefixtures("always_large")
def test_a_picture_that_can_not_be_made_to_its_end_leaves_no_file(monkeypatch, tmp_path):
    def exhausted(*_):
        raise MemoryError

    monkeypatch.setattr(large, "set_shapes", exhausted)
    with pytest.raises(DrawError, match="there is not enough memory to draw"):
        traced("looped").draw(tmp_path / "p.svg", exact=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_whoever_waits_is_told_how_far_the_writing_is(suffix, monkeypatch, tmp_path):
    monkeypatch.setattr(waiting, "_TOLD", 10)
    told = []
    view = View(exact=True)
    export.draw(
        traced("looped"),
        tmp_path / f"p{suffix}",
        None,
        view,
        lambda *steps: told.append(steps[0] / steps[1]),
    )
    assert told == sorted(told)
    assert sum(share > 0.75 for share in told) > 20
    assert told[-1] <= 1


def test_the_collector_sweeps_again_when_a_picture_is_drawn_or_refused(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(export, "decide", lambda *_: seen.append(gc.isenabled()) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        traced("looped").draw(tmp_path / "p.svg")
    assert seen == [False]
    assert gc.isenabled()


def test_a_page_that_no_browser_opens_is_refused_by_force_too(monkeypatch, tmp_path):
    monkeypatch.setattr(rooms, "NODE_LIMIT", 5)
    monkeypatch.setattr(rooms, "MOST_PAGE_DATA", 10_000)
    with pytest.raises(
        DrawError, match=r"a page of \d+ nodes can't be opened; .* 9.77 KiB; write \.svg"
    ) as told:
        traced("looped").draw(tmp_path / "p.html", exact=True, force=True)
    assert "\n" not in str(told.value)
    traced("looped").draw(tmp_path / "p.svg", exact=True, force=True)
