import math
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from test_samples import SAMPLES
from test_samples import trace_of as sample
from viz_programs import PROGRAMS, trace_of

from sample_graphs.programs import fft_filter, weather_station
from tracer import record
from viz.choice import View, choose
from viz.diagram import diagram
from viz.layout import geometry
from viz.rows import MOST_TAGS
from viz.wrap import WIDEST, wrap

SCREEN = 2_160  # pixels: no sample is wider
WIDE = ["loop", "grid", "calls", "network"]


def text(box):
    return "".join(span.text for line in box.lines for span in line)


def tags(row, shape):
    """Name and row of each tag, what it names and the row that it points to, as often as the uses that it counts."""
    found = []
    for box in row.boxes:
        if box.shape == shape:
            (line,) = box.lines
            (name,) = (span.text for span in line if span.role == "name")
            (other,) = (span.text.strip() for span in line if span.role == "quiet")
            count, number = re.fullmatch(r"(?:×(\d+)  )?row (\d+)", other).groups()
            found += [(name, int(number))] * int(count or 1)
    return found


def test_an_unused_input_takes_no_row_of_its_own():
    rows = wrap(diagram(record(weather_station.report, weather_station.READINGS).backward(of=0)))
    assert len(rows) > 1
    assert {"limit", "offset"} <= {box.name for box in rows[0].boxes}


def test_a_frame_is_continued_below_never_above():
    rows = wrap(diagram(record(fft_filter.lost_power, fft_filter.SIGNAL).backward(of=0)))
    titles = [group.title for row in rows for group in row.groups]
    assert titles == ["lowpass()", "lowpass(), continued", "lowpass(), continued"]


def without_place(box):
    return replace(box, group=-1)


@pytest.mark.parametrize("name", ["splitter", "residual", "square", "hostile"])
def test_a_picture_that_fits_a_screen_stays_as_it_is(name):
    whole = diagram(trace_of(name))
    assert wrap(whole) == (whole,)


def chained(count):
    def chain(x):
        for _ in range(count):
            x = math.sin(x)
        return x

    return diagram(record(chain, 0.7))


@pytest.mark.parametrize("count", [7, 10, 13])
def test_rows_of_a_small_picture_are_alike(count):
    picture = geometry(chained(count), "built-in")
    starts = [text.baseline for text in picture.row_titles]
    assert 1 < len(starts) <= 4
    ends = [
        max(shape.rect.x + shape.rect.width for shape in picture.shapes if above < shape.rect.y < below)
        for above, below in pairwise([*starts, math.inf])
    ]
    assert min(ends) > 0.8 * max(ends)


def test_a_splitter_begins_a_row_with_all_its_uses():
    rows = wrap(diagram(sample("resnet")))
    assert [len(tags(row, "leaves")) for row in rows] == [1, 1, 1, 1, 0]  # each block is a row


def test_more_than_three_uses_in_other_rows_have_a_tag_for_each_row():
    def fan(x):
        total = math.sin(x)
        for k in range(11):
            total = total + x**k
        return total

    first, *others = wrap(diagram(record(fan, 1.3)))
    shown = [text(box) for box in first.boxes if box.shape == "leaves" and text(box).startswith("x")]
    uses = [sum(name == "x" for name, _ in tags(row, "enters")) for row in others]
    assert shown == [f"x  ×{count}  row {at}" for at, count in enumerate(uses, 2)]


def test_a_picture_of_nothing_stays_as_it_is():
    whole = replace(diagram(trace_of("square")), boxes=(), arrows=())
    assert wrap(whole) == (whole,)


@pytest.mark.parametrize("name", PROGRAMS)
def test_rows_hold_every_box_and_every_label_once(name):
    whole = diagram(trace_of(name))
    rows = wrap(whole)
    boxes = Counter(
        without_place(box) for row in rows for box in row.boxes if box.shape not in ("leaves", "enters")
    )
    assert boxes == Counter(map(without_place, whole.boxes))
    arrows = [(row, arrow) for row in rows for arrow in row.arrows]
    is_stub = [row.boxes[arrow.target].shape == "leaves" for row, arrow in arrows]
    assert len(arrows) - sum(is_stub) == len(whole.arrows)
    assert sum(len(tags(row, "leaves")) for row in rows) == sum(len(tags(row, "enters")) for row in rows)
    labels = Counter(
        (arrow.label, arrow.state, row.boxes[arrow.target].tooltip)
        for row, arrow in arrows
        if arrow.label.above
    )
    expected = Counter(
        (arrow.label, arrow.state, whole.boxes[arrow.target].tooltip)
        for arrow in whole.arrows
        if arrow.label.above
    )
    assert labels == expected


@pytest.mark.parametrize("name", WIDE)
def test_a_wire_goes_on_in_the_row_that_its_tag_names(name):
    rows = wrap(diagram(trace_of(name)))
    assert len(rows) > 1
    leaving = Counter((tag, at, to) for at, row in enumerate(rows, 1) for tag, to in tags(row, "leaves"))
    entering = Counter((tag, at, to) for to, row in enumerate(rows, 1) for tag, at in tags(row, "enters"))
    assert leaving == entering
    assert all(at < to for _, at, to in leaving)


@pytest.mark.parametrize("name", WIDE)
def test_a_tag_names_one_value(name):
    values = {}
    for row in wrap(diagram(trace_of(name))):
        for arrow in row.arrows:
            if row.boxes[arrow.target].shape == "leaves":
                ((tag, _),) = set(tags(replace(row, boxes=(row.boxes[arrow.target],)), "leaves"))
                values.setdefault(tag, set()).add(
                    row.boxes[arrow.source].tooltip.removeprefix("splitter of ")
                )
    assert all(len(places) == 1 for places in values.values()), values


def test_tags_of_a_name_that_two_values_have_are_told_apart():
    def twice(values):
        total = values["a"] * 0.5
        for power in range(20):
            total = total + values["a"] * values["a\n"] ** power
        return total

    rows = wrap(diagram(record(twice, {"a": 1.5, "a\n": 2.5})))
    names = {name for row in rows for name, _ in tags(row, "leaves")}
    assert {"values['a']", "values['a\\n']"} <= names


def test_what_is_used_late_is_drawn_late():
    rows = wrap(diagram(sample("resnet")))
    row_of = {
        text(box).split("(")[0]: at
        for at, row in enumerate(rows)
        for box in row.boxes
        if box.shape == "input"
    }
    assert row_of["x"] == 0
    assert row_of["weights[3][1]"] > row_of["weights[2][1]"] > row_of["weights[1][1]"] > 0


def climb(x):
    for _ in range(30):
        x = x * 1.01
    return x


def test_a_call_that_goes_on_in_another_row_has_a_frame_in_both():
    rows = wrap(diagram(record(lambda x: climb(x) + 1.0, 1.0)))
    first, *others = [[group.title for group in row.groups] for row in rows]
    assert first == ["climb()"]
    assert len(others) > 1
    assert all(titles == ["climb(), continued"] for titles in others)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("engine", [None, "built-in"])
def test_a_sample_is_no_wider_than_a_screen(name, engine):
    assert geometry(diagram(sample(name)), engine).width <= SCREEN


def test_a_long_chain_has_rows_of_like_width():
    def chain(x):
        for _ in range(300):
            x = x * 1.01
        return x

    picture = geometry(diagram(record(chain, 1.0)), "built-in")
    starts = sorted(text.baseline for text in picture.row_titles)
    assert len(starts) > 20
    ends = [max(s.rect.x for s in picture.shapes if a < s.rect.y < b) for a, b in pairwise(starts)]
    assert max(ends) - min(ends) < WIDEST / 3


def blocks(x, weights):
    for inner, outer in weights:
        x = x + np.tanh(x @ inner) @ outer
    return (x**2).mean()


def blocks_trace(count):
    weights = [(np.full((4, 8), 0.1 * k), np.full((8, 4), 0.2)) for k in range(1, count + 1)]
    return record(blocks, np.ones((5, 4)), weights)


def test_the_longer_a_chain_is_the_wider_are_its_rows():
    counts = [len(wrap(diagram(blocks_trace(count)))) for count in (4, 8, 16)]
    assert counts[0] < counts[1]
    assert counts[2] < 3 * counts[0]  # four times as long
    for count in (8, 16):
        picture = geometry(diagram(blocks_trace(count)), "built-in")
        assert picture.height < 1.6 * picture.width


def test_a_picture_that_is_long_all_the_same_has_its_rows_in_columns_like_a_newspaper():
    picture = geometry(diagram(blocks_trace(64)), "built-in")
    places = [(title.rect.x, title.rect.y) for title in picture.row_titles]
    assert places == sorted(places)  # from top to bottom, then from left to right
    columns = sorted({x for x, _ in places})
    assert len(columns) > 1
    assert max(y for x, y in places if x == columns[0]) > 0.5 * picture.height
    assert 0.5 < picture.height / picture.width < 2
    for left in columns[1:]:  # nothing lies between two columns
        parts = [*picture.shapes, *picture.groups]
        assert not any(part.rect.x < left - 20 < part.rect.x + part.rect.width for part in parts)


def test_many_uses_in_other_rows_have_one_tag_for_each_row_which_counts():
    def loop(x):
        total = 0.0
        for k in range(100):
            total = total + x * (k + 1.0)
        return total

    picture = diagram(record(loop, 0.5))
    rows = wrap(picture)
    first = rows[0]
    fork = next(at for at, box in enumerate(first.boxes) if box.shape == "splitter")
    uses = [arrow for arrow in first.arrows if arrow.source == fork]
    tags = ["".join(span.text for span in first.boxes[arrow.target].lines[0]) for arrow in uses]
    counted = [re.fullmatch(r"x  ×(\d+)  row (\d+)", tag) for tag in tags if tag.startswith("x")]
    assert all(counted)
    assert [int(found[2]) for found in counted] == list(range(2, len(rows) + 1))
    inside = sum(first.boxes[arrow.target].shape != "leaves" for arrow in uses)
    assert inside + sum(int(found[1]) for found in counted) == 100
    entering = [
        arrow.edge for row in rows for arrow in row.arrows if row.boxes[arrow.target].shape != "leaves"
    ]
    assert sorted(entering) == sorted(arrow.edge for arrow in picture.arrows)


def test_uses_in_very_many_rows_have_a_tag_for_several_rows():
    def loop(x):
        total = x
        for _ in range(500):
            total = total * x
        return total

    rows = wrap(diagram(record(loop, 0.5)))
    assert len(rows) > 2 * MOST_TAGS
    told = [text(box) for box in rows[0].boxes if box.shape == "leaves" and box.lines[0][0].text == "x"]
    ranges = [re.fullmatch(r"x  ×(\d+)  rows? (\d+)(?: to (\d+))?", each).groups() for each in told]
    assert len(ranges) <= MOST_TAGS
    covered = [row for _, first, last in ranges for row in range(int(first), int(last or first) + 1)]
    assert covered == list(range(2, len(rows) + 1))
    entering = [sum(name == "x" for name, _ in tags(row, "enters")) for row in rows]
    for count, first, last in ranges:
        assert int(count) == sum(entering[int(first) - 1 : int(last or first)])


@pytest.mark.parametrize(
    ("bad", "after", "worst"),
    [(30, 1.0, "alarm"), (59, 1.0, "alarm"), (99, 1.0, "plain"), (99, 0.0, "zero")],
)
def test_a_tag_of_many_uses_shows_the_worst_of_them(bad, after, worst):
    def loop(x):
        total = x
        for i in range(60):
            total = total + x * (math.nan if i == bad else after)
        return total

    first = wrap(diagram(record(loop, 0.5)))[0]
    fork = next(at for at, box in enumerate(first.boxes) if box.shape == "splitter")
    states = [
        arrow.state
        for arrow in first.arrows
        if arrow.source == fork and "×" in text(first.boxes[arrow.target]) and arrow.edge < 0
    ]
    assert len(states) > 1
    assert states.count("alarm") == (worst == "alarm")
    assert worst in states


def test_a_tag_of_what_a_view_leaves_out_stands_in_the_row_where_it_is_used():
    def grown(x, rates):
        for rate in rates:
            x = (x + rate * 1.01) * 1.5
        return x

    trace = record(grown, 1.0, [0.1 * k for k in range(1, 30)])
    rows = wrap(diagram(trace, choose(trace, View(focus="x[14]", depth=8))))
    assert len(rows) > 1
    ends = [(row.boxes[arrow.source], row.boxes[arrow.target]) for row in rows for arrow in row.arrows]
    assert sum(box.shape == "enters" and "row" not in text(box) for row in rows for box in row.boxes) > 4
    assert not any((source.shape, target.shape) == ("enters", "leaves") for source, target in ends)
