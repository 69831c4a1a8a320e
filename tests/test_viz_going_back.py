"""What goes back to the next turn or call of a rolled-up picture: its gain, its lane around, or its two tags."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from test_viz_diagram import text
from test_viz_rolled_diagram import drawn

from sample_graphs.programs import gram_schmidt
from tracer import record
from viz import theme
from viz.export import decide
from viz.geometry import PlacedText, Rect
from viz.going_back import tag_back
from viz.lanes import Back, lanes
from viz.layout import geometry
from viz.rolled_diagram import rolled_diagram
from viz.rollup import roll_up


def smoothed(v):
    for _ in range(3):
        v = 0.5 * (v[:-1] + v[1:])
    return v.sum()


def test_wires_back_from_one_place_name_the_gates_that_they_go_to():
    picture = rolled_diagram(roll_up(record(smoothed, np.arange(5.0))))
    words = [text(arrow.label.above)[0] for arrow in picture.arrows if arrow.is_back]
    assert sorted(words) == ["v  to the next turn's [1:]", "v  to the next turn's [:−1]"]


def test_a_value_carried_to_the_next_turn_goes_back_with_its_gain():
    _, picture = drawn("recurrent")
    (back,) = (arrow for arrow in picture.arrows if arrow.is_back)
    assert text(back.label.above)[0] == "h  to the next turn"
    assert "×0.585 for each turn back, on average" in text(back.label.below)
    assert back.label.spark.size == theme.LARGE_SPARK_SIZE
    placed = geometry(picture)
    (wire,) = (wire for wire in placed.wires if wire.turns_at is not None)
    assert wire.edge == back.edge
    assert wire.points[:, 1].max() == wire.turns_at[1] > wire.points[0, 1]
    assert wire.points[-1, 0] < wire.turns_at[0] < wire.points[0, 0]


def power(x, n):
    return x * power(x, n - 1) if n else 1.0


def is_even(x, n):
    return is_odd(x * 0.5, n - 1) * x if n else x


def is_odd(x, n):
    return is_even(x * 1.5, n - 1) + x if n else x


def powers(x):
    total = 0.0
    for n in range(4):
        total = total + power(x, n)
    return total


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (lambda x: power(x, 6), {"call"}),
        (lambda x: is_even(x, 6), {"call"}),
        (lambda x: reduce(lambda total, k: total * x + k, range(5), x), {"call"}),
        (powers, {"call", "turn"}),
    ],
    ids=["recursion", "calls in calls", "reduce", "recursion in a loop"],
)
def test_what_calls_carry_goes_back_to_the_next_call(program, expected):
    picture = rolled_diagram(roll_up(record(program, 0.9)))
    backs = [arrow for arrow in picture.arrows if arrow.is_back]
    assert {arrow.back_to for arrow in backs} == expected
    labelled = [arrow for arrow in backs if not arrow.label.is_empty]
    assert labelled
    for arrow in labelled:
        assert text(arrow.label.above)[0].endswith(f"to the next {arrow.back_to}")
    tagged = tag_back(picture, [picture.arrows.index(backs[0])])
    assert text(tagged.boxes[-2].lines)[0].endswith(f"next {backs[0].back_to}")


@pytest.mark.parametrize(
    ("backs", "obstacles", "found"),
    [
        ([Back((200, 50), (100, 50), (60, 30))], [Rect(100, 30, 100, 40)], [True]),
        ([Back((200, 50), (100, 50), (60, 30))], [Rect(100, 30, 100, 40), Rect(203, 60, 500, 20)], [False]),
        ([Back((200, 50), (100, 50), (60, 30))] * 3, [Rect(100, 30, 100, 40)], [True] * 3),
    ],
)
def test_lanes_lie_below_each_other_or_are_none(backs, obstacles, found):
    passed = np.array([(each.x, each.y, each.x + each.width, each.y + each.height) for each in obstacles])
    made = lanes(backs, obstacles, passed)
    assert [lane is not None for lane in made] == found
    heights = sorted(lane.label[1] for lane in made if lane)
    assert all(second - first >= 30 for first, second in pairwise(heights))
    for lane in filter(None, made):
        assert lane.points[0].tolist() == [200, 50]
        assert lane.points[-1].tolist() == [100, 50]
        assert lane.label[1] > passed[:, 3].max()


@pytest.mark.parametrize(
    ("output", "goes"),
    [
        (Rect(240.0, 0.0, 20.0, 20.0), False),  # the wire would turn down behind it
        (Rect(120.0, 60.0, 20.0, 20.0), False),  # below the loop, and above the lane
        (Rect(120.0, -60.0, 20.0, 20.0), True),
        (Rect(320.0, 0.0, 20.0, 20.0), True),
    ],
)
def test_no_lane_goes_around_an_output(output, goes):
    blocked = Rect(215.0, 30.0, 40.0, 20.0)
    back = Back((200.0, 10.0), (0.0, 10.0), (40.0, 20.0))
    obstacles = [blocked, Rect(180.0, 0.0, 20.0, 20.0), Rect(0.0, 0.0, 20.0, 20.0)]
    passed = np.array([(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height) for rect in obstacles])
    assert [lane is not None for lane in lanes([back], obstacles, passed)] == [True]
    assert [lane is not None for lane in lanes([back], obstacles, passed, [output])] == [goes]


def test_a_wire_that_finds_no_way_back_becomes_two_tags():
    _, picture = drawn("recurrent")
    (at,) = (at for at, arrow in enumerate(picture.arrows) if arrow.is_back)
    tagged = tag_back(picture, [at])
    assert not any(arrow.is_back for arrow in tagged.arrows)
    leaves, enters = tagged.boxes[-2:]
    assert (text(leaves.lines), text(enters.lines)) == (["h  next turn"], ["last turn  h"])
    assert tagged.arrows[at].source == len(tagged.boxes) - 1
    assert tagged.arrows[at].label == picture.arrows[at].label
    assert tagged.arrows[-1].target == len(tagged.boxes) - 2
    placed = geometry(tagged)
    assert len(placed.shapes) == len(picture.boxes) + 2
    legend = [run[1] for entry in placed.legend if isinstance(entry, PlacedText) for run in entry.runs]
    assert any(line.startswith("next turn: ") for line in legend)
    assert not any(line.startswith("goes back: ") for line in legend)
    nameless = replace(picture, boxes=tuple(replace(box, name="") for box in picture.boxes))
    assert text(tag_back(nameless, [at]).boxes[-2].lines) == ["tanh  next turn"]


def test_what_goes_back_keeps_out_of_the_frames_that_it_has_no_end_in():
    finished = record(gram_schmidt.volume, gram_schmidt.VECTORS, gram_schmidt.DIRECTION).backward(of="[0]")
    placed = geometry(decide(finished).diagram)
    back = [wire.points for wire in placed.wires if wire.turns_at]
    assert back
    for points in back:
        for rect in (group.rect for group in placed.groups):
            inside = [
                rect.x < x < rect.x + rect.width and rect.y < y < rect.y + rect.height for x, y in points
            ]
            assert not any(inside) or inside[0] or inside[-1]
