import math
import re
from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from rolled_programs import ROLLED, rolled_trace
from test_samples import trace_of as sample
from viz_programs import PROGRAMS, trace_of

from tracer import record
from viz import engines, layered, layout, routes
from viz.diagram import diagram
from viz.geometry import PlacedShape, PlacedText, Rect, arrowhead
from viz.layout import geometry, place_rows
from viz.rolled_diagram import rolled_diagram
from viz.rollup import roll_up
from viz.samples import samples
from viz.skeleton import Skeleton, ranks
from viz.wrap import wrap

INSTALLED = [engine for engine in engines.ENGINES if engine == "built-in" or engines.find(engine)]


def all_texts(picture):
    """Each line of text, and each curve, with the shape that it stands inside, or None."""
    for each in (*picture.shapes, *picture.wires):
        yield from ((spark, None) for spark in each.sparks)
    for line in (picture.title, *picture.row_titles):
        yield line, None
    for shape in picture.shapes:
        yield from ((line, shape) for line in shape.inside)
        yield from ((line, None) for line in shape.beside)
    for wire in picture.wires:
        yield from ((line, None) for line in wire.texts)
    for group in picture.groups:
        yield group.title, None
    for entry in picture.legend:
        if isinstance(entry, PlacedText):
            yield entry, None


def overlap(first, second, slack=0.5):
    return (
        first.x + slack < second.x + second.width
        and second.x + slack < first.x + first.width
        and first.y + slack < second.y + second.height
        and second.y + slack < first.y + first.height
    )


def overlaps(firsts, seconds, slack=0.5):
    """Which of some rectangles overlap which of others, as `overlap` tells of two."""
    first, second = (
        np.array([(each.x, each.y, each.x + each.width, each.y + each.height) for each in rects])
        for rects in (firsts, seconds)
    )
    before, after = first[:, None, :2] + slack < second[:, 2:], second[:, :2] + slack < first[:, None, 2:]
    return (before & after).all(axis=2)


def contains(outer, inner, slack=0.5):
    return (
        outer.x <= inner.x + slack
        and outer.y <= inner.y + slack
        and outer.x + outer.width >= inner.x + inner.width - slack
        and outer.y + outer.height >= inner.y + inner.height - slack
    )


def points_along(points):
    """A hundred points of a Bézier path of (3k + 1, 2) points, a piece."""
    t = np.linspace(0, 1, 100)[:, None]
    pieces = [points[at : at + 4] for at in range(0, len(points) - 1, 3)]
    return np.concatenate(
        [
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
            for a, b, c, d in pieces
        ]
    )


def run_through(points, low, high):
    """Tell of each rectangle, by two of its corners, whether one of the points lies in it."""
    near = np.flatnonzero(((points.min(axis=0) < high) & (points.max(axis=0) > low)).all(axis=1))
    points = points[:, None, :]
    found = np.zeros(len(low), np.bool_)
    found[near] = ((points > low[near]) & (points < high[near])).all(axis=2).any(axis=0)
    return found


@cache
def decided(name):
    """The diagram of a program, exact or rolled up."""
    if name.startswith("rolled "):
        name = name.removeprefix("rolled ")
        trace = (
            rolled_trace(name) if name in ROLLED else trace_of(name) if name in PROGRAMS else sample(name)
        )
        return rolled_diagram(roll_up(trace))
    if name.startswith("closed "):
        return rolled_diagram(roll_up(rolled_trace(name.removeprefix("closed ")), budget=1))
    return diagram(trace_of(name) if name in PROGRAMS else sample(name))


@cache
def rows_of(name, engine):
    return place_rows(decided(name), engine)


@cache
def place(name, engine):
    with pytest.MonkeyPatch.context() as patch:  # to ask the engine takes longest
        patch.setattr(layout, "place_rows", lambda *_: rows_of(name, engine))
        return geometry(decided(name), engine)


PICTURES = [
    *PROGRAMS,
    *("attention", "black_scholes", "gradient_accumulation", "resnet", "rnn"),
    *(f"rolled {name}" for name in (*ROLLED, *PROGRAMS, *(each.name for each in samples()))),
    *(f"closed {name}" for name in ("small_net", "nested_calls", "training", "mutual")),
]


# Of the module, for then pytest runs all tests of one picture, and goes on to the next.
@pytest.fixture(scope="module", params=[f"{name} by {engine}" for engine in INSTALLED for name in PICTURES])
def name_and_engine(request):
    return request.param.split(" by ")


@pytest.fixture
def picture(name_and_engine):
    return place(*name_and_engine)


@pytest.fixture
def arrows(name_and_engine):
    arrows = []
    boxes = 0
    for row in rows_of(*name_and_engine)[0]:
        arrows += [
            replace(arrow, source=arrow.source + boxes, target=arrow.target + boxes) for arrow in row.arrows
        ]
        boxes += len(row.boxes)
    return arrows


def test_no_text_overlaps_a_box_or_other_text(picture):
    texts, containers = zip(*all_texts(picture), strict=True)
    rects = [line.rect for line in texts]
    over = np.argwhere(np.triu(overlaps(rects, rects), 1))
    assert not len(over), [(texts[first], texts[second]) for first, second in over]
    shapes = [*picture.shapes, *(entry for entry in picture.legend if isinstance(entry, PlacedShape))]
    for line, shape in np.argwhere(overlaps(rects, [each.rect for each in shapes])):
        assert shapes[shape] is containers[line], (texts[line], shapes[shape])


def test_no_box_overlaps_another(picture):
    for first, second in combinations(picture.shapes, 2):
        assert not overlap(first.rect, second.rect)


def test_nothing_is_clipped(picture):
    page = Rect(0, 0, picture.width, picture.height)
    for line, inside in all_texts(picture):
        assert contains(page, line.rect)
        assert inside is None or contains(inside.rect, line.rect), line
    for wire in picture.wires:
        assert wire.points.min() >= 0
        assert (wire.points.max(axis=0) <= (picture.width, picture.height)).all()


def test_no_wire_runs_through_text_or_a_box_that_is_not_its_own(picture, arrows):
    texts = [line.rect for line, _ in all_texts(picture)]
    rects = texts + [shape.rect for shape in picture.shapes]
    low = np.array([(rect.x + 0.5, rect.y + 0.5) for rect in rects])
    high = np.array([(rect.x + rect.width - 0.5, rect.y + rect.height - 0.5) for rect in rects])
    for arrow, wire in zip(arrows, picture.wires, strict=True):
        inside = run_through(points_along(wire.points)[1:-1], low, high)
        inside[[len(texts) + arrow.source, len(texts) + arrow.target]] = False
        assert not inside.any(), [rects[at] for at in np.flatnonzero(inside)]


def test_no_wire_runs_along_the_arrowheads_of_what_it_does_not_enter(picture, arrows):
    heads = [(arrow.target, arrowhead(wire)[1]) for arrow, wire in zip(arrows, picture.wires, strict=True)]
    targets = np.array([target for target, head in heads if head])
    corners = np.array([head for _, head in heads if head]).reshape(-1, 3, 2)
    low, high = corners.min(axis=1), corners.max(axis=1)
    for arrow, wire in zip(arrows, picture.wires, strict=True):
        inside = run_through(points_along(wire.points), low, high) & (targets != arrow.target)
        assert not inside.any(), [corners[at] for at in np.flatnonzero(inside)]


def in_steps(points, step=2.0):
    """Points along a Bézier path, one every few pixels."""
    along = points_along(points)
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(along, axis=0).T))])
    return np.stack([np.interp(np.arange(0, far[-1], step), far, each) for each in along.T], axis=1)


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("name", ["entangled", "deep", "attention", "resnet"])
def test_no_two_wires_of_other_values_run_together(name, engine):
    rows, placed, _ = rows_of(name, engine)
    for row, each in zip(rows, placed, strict=True):
        ends = [(arrow.source, arrow.target) for arrow in row.arrows]
        paths = [in_steps(wire.points) for wire in each.wires]
        for (first, one), (second, other) in combinations(zip(ends, paths, strict=True), 2):
            if first[0] == second[0] or first[1] == second[1]:
                continue
            if (one.min(axis=0) > other.max(axis=0) + 3).any() or (
                one.max(axis=0) + 3 < other.min(axis=0)
            ).any():
                continue
            near = np.abs(one[:, None] - other).sum(axis=2).min(axis=1) < 3
            assert 2 * np.count_nonzero(near) < 40, (first, second)


def test_a_frame_holds_whole_boxes(picture):
    for group in picture.groups:
        for shape in picture.shapes:
            assert contains(group.rect, shape.rect) or not overlap(group.rect, shape.rect)


def test_wires_run_from_left_to_right_and_end_at_their_shapes(picture, arrows):
    for arrow, wire in zip(arrows, picture.wires, strict=True):
        source, target = picture.shapes[arrow.source].rect, picture.shapes[arrow.target].rect
        start = (source.x + source.width, source.y + source.height / 2)
        if wire.points[0] != pytest.approx(start, abs=1.5):  # it leaves a trunk that another wire draws
            trunks = [
                other.points
                for leaving, other in zip(arrows, picture.wires, strict=True)
                if leaving.source == arrow.source and other is not wire
            ]
            near = [np.abs(points_along(points) - wire.points[0]) for points in trunks]
            assert min(gaps[gaps[:, 0] < 200, 1].min(initial=np.inf) for gaps in near) < 1.5
        assert target.x - 1.5 <= wire.points[-1][0] <= target.x + target.width / 2 + 1.5
        assert target.y - 1.5 <= wire.points[-1][1] <= target.y + target.height + 1.5


def height_at_label(wire):
    """The height at which a wire runs through its label."""
    points = points_along(wire.points)
    centre = wire.texts[0].x + wire.texts[0].width / 2
    return points[np.abs(points[:, 0] - centre).argmin(), 1]


def operands(picture, rows):
    """The wires of each gate whose operands have an order: where they enter and come from, and what they say first."""
    wires = iter(picture.wires)
    for row in rows:
        entering = {}
        for arrow in row.arrows:
            wire = next(wires)
            if row.boxes[arrow.target].is_ordered:
                says = wire.texts[0].runs[0][1]
                entering.setdefault(arrow.target, []).append(
                    (wire.points[-1][1], height_at_label(wire), says, arrow.operand)
                )
        yield from entering.values()


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize("name", [*PROGRAMS, *(each.name for each in samples())])
def test_operands_enter_a_gate_from_top_to_bottom(name, engine):
    whole = decided(name)
    gates = list(operands(place(name, engine), wrap(whole)))
    assert len(gates) == sum(box.is_ordered for box in whole.boxes)
    for wires in gates:
        entries, heights, says, which = map(list, zip(*wires, strict=True))
        assert entries == sorted(set(entries))
        assert heights == sorted(heights) or (engine != "built-in" and says == which)


def test_wires_that_cross_before_their_gate_say_which_operand_they_are(monkeypatch):
    monkeypatch.setattr(layout, "inverted", lambda skeleton, _: set(np.flatnonzero(skeleton.is_ordered)))
    whole = diagram(trace_of("order"))
    says = [says for wires in operands(geometry(whole, "built-in"), wrap(whole)) for *_, says, _ in wires]
    assert says == ["1st operand", "2nd operand"] * 3


def test_the_order_of_operands_is_looked_at_where_it_matters():
    ordered = {
        box.lines[0][0].text: box.is_ordered
        for name in ("order", "operands", "kalman", "fan_out")
        for box in diagram(trace_of(name)).boxes
        if box.wires_in > 1
    }
    assert ordered == {"−": True, "÷": True, "×": False, "+": False, "stack": True, "@": True} | {
        "solve": True,
        "^": True,
        "where((3,), ·, ·)": True,
    }


def random_skeleton(layers, width, seed=0):
    random = np.random.default_rng(seed)
    heads = np.arange(width, layers * width).repeat(2)
    columns = np.clip(heads % width + random.integers(-2, 3, len(heads)), 0, width - 1)
    tails = (heads // width - 1) * width + columns
    size = layers * width
    no = np.zeros(size, np.bool_)
    sizes = random.uniform(20, 90, (2, size))
    return Skeleton(
        size,
        *sizes,
        tails,
        heads,
        no,
        0.0 * sizes[0],
        no,
        no,
        no,
        np.full(size, -1),
        np.zeros(0, int),
        np.zeros((0, 2)),
    )


def test_the_built_in_layout_places_20_000_items_apart():
    skeleton = random_skeleton(2_000, 10)
    placement = layered.place(skeleton)
    assert len(placement.paths) == len(skeleton.tail)
    for layer in range(2_000):
        items = np.arange(layer * 10, layer * 10 + 10)
        items = items[np.argsort(placement.y[items])]
        gaps = np.diff(placement.y[items]) - (skeleton.height[items][1:] + skeleton.height[items][:-1]) / 2
        assert gaps.min() >= layered.BEND_GAP - 1e-6
        if layer:
            before = placement.x[items - 10] + skeleton.width[items - 10] / 2
            assert before.max() < (placement.x[items] - skeleton.width[items] / 2).min()


def test_a_chain_of_100_000_items_needs_no_recursion():
    tails = np.arange(100_000)
    assert ranks(100_001, tails, tails + 1) == list(range(100_001))


def test_the_built_in_layout_finds_the_drawing_without_crossings():
    (splitter,) = (geometry(diagram(trace_of("splitter")), "built-in"),)
    heights = {wire.points[4][1] for wire in splitter.wires if wire.texts}
    assert len(heights) == 5


@pytest.mark.parametrize("engine", INSTALLED)
def test_the_same_trace_gives_the_same_geometry(engine):
    first, second = (geometry(diagram(trace_of("network")), engine) for _ in range(2))
    assert repr(first) == repr(second)


def taught(xs, w):
    total = 0.0
    for x in xs:
        for k in range(8):
            total = total + math.tanh(w * x + k * xs[0])
    return total


def climbing(x):
    y = x
    for _ in range(60):
        y = y * x
    return y


def waves(x):
    return math.sin(x) * math.cos(x)


IN_ORDER = [
    (taught, ([1.0, 2.0, 0.3, 0.4, 0.5], 0.7), True, [rf"xs\[{at}\]" for at in range(5)]),
    (waves, (0.5,), False, ["sin", "cos"]),
    (climbing, (1.01,), False, [rf"x .*row {row}" for row in range(2, 6)]),
]


@pytest.mark.parametrize("engine", INSTALLED)
@pytest.mark.parametrize(("program", "arguments", "is_rolled", "expected"), IN_ORDER)
def test_inputs_and_uses_come_in_their_order_from_the_top(engine, program, arguments, is_rolled, expected):
    trace = record(program, *arguments)
    drawn = rolled_diagram(roll_up(trace)) if is_rolled else diagram(trace)
    placed = geometry(drawn, engine)
    heights = {}
    for shape in placed.shapes:
        words = " ".join(run for line in shape.inside[:1] for _, run, _ in line.runs)
        for each in expected:
            if re.fullmatch(each, words):
                heights.setdefault(each, shape.rect.y)
    assert sorted(expected, key=heights.__getitem__) == expected


def test_only_routes_that_run_through_an_obstacle_are_left_out_before_they_are_looked_at():
    random = np.random.default_rng(3)
    low = random.uniform(0.0, 600.0, (30, 2))
    obstacles = low, low + random.uniform(10.0, 90.0, (30, 2))
    start, stop, bend = np.array([0.0, 200.0]), np.array([640.0, 330.0]), 36.0
    before = np.linspace(0.0, 600.0, 200)
    for few in (4, 30):
        some = obstacles[0][:few], obstacles[1][:few]
        blocked = routes._is_level_blocked(start, stop, bend, before, some)
        clear = np.array(
            [routes._is_clear(routes._bent(start, stop, bend, each), some) for each in before.tolist()]
        )
        assert blocked.any()
        assert not (blocked & clear).any()
