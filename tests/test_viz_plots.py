"""Plots: their numbers are the trace's, no text lies on another, and what can't be plotted says so."""

import math
from pathlib import Path

import numpy as np
import pytest
import viz_programs as programs
from command_line import sample
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from test_samples import trace_of

from tracer import record
from tracer.errors import GradientError, LookupNameError, UsageError
from viz import plots
from viz.plots import series as sizes_along
from viz.plots.flow import flow
from viz.plots.histogram import histogram
from viz.plots.series import series_of
from viz.plots.style import spread
from viz.plots.through_time import looped, through_time

random = np.random.default_rng(5)
MATRIX, VECTOR = random.normal(size=(3, 3)), random.normal(size=3)


def recurrent(W, h):  # noqa: N803  (a matrix)
    for _ in range(4):
        h = np.tanh(W @ h)
    return (h * h).sum()


def mixed(x, y):
    total = x * 3 + x * -5.5 + x * 2.0 + math.exp(x)
    for k in (0.0, 2.0, math.inf):
        total = total + y * k
    return total


def vanishing(x):
    for _ in range(700):
        x = x * 0.9
    return x


def half(x):
    return x * 0.5


def helpers(x):
    return half(half(x) + x * x)


def first(x):
    for _ in range(4):
        h = x = x * 0.9
    return h


def second(x):
    for _ in range(4):
        h = x = x * 1.1
    return h


def two_loops(x):
    return second(first(x))


def nested(x):
    total = 0.0
    for k in range(4):
        s = 0.0
        for _ in range(20):
            s = s + x * (k + 1.0)
        total = total + s * s
    return total


def opposite(x):
    return (x - x).sum()


def complex_sum(z):
    return (z * 2 + z * 1j).real


def line_of(code):
    return next(
        n for n, line in enumerate(Path(__file__).read_text("utf-8").split("\n"), 1) if code in line
    )


TRACES = {
    "recurrent": lambda: record(recurrent, MATRIX, VECTOR),
    "mixed": lambda: record(mixed, 0.3, 1.0),
    "vanishing": lambda: record(vanishing, 2.0),
    "helpers": lambda: record(helpers, 2.0),
    "nested": lambda: record(nested, 0.5),
    "opposite": lambda: record(opposite, VECTOR),
    "complex": lambda: record(complex_sum, 1 + 2j),
    "nan": lambda: record(lambda x, y: (math.inf * x - math.inf * x) * y, 1.0, 2.0),
    "unused": lambda: record(lambda x, y, z: x * 2 + z * 0.0, 1.0, 2.0, 3.0),
    "hostile": lambda: record(
        programs.hostile, dict(zip(programs.HOSTILE_NAMES, np.arange(1.0, 9.0).tolist(), strict=True))
    ),
}
PLOTTED = [
    *((name, "flow", None) for name in TRACES),
    *((name, "histogram", None) for name in TRACES),
    *((name, "sum", None) for name in TRACES if name not in ("hostile", "vanishing", "unused", "nan")),
    *((name, "time", None) for name in ("recurrent", "mixed", "nested", "vanishing")),
    ("recurrent", "time", "W"),
    ("recurrent", "flow", "h[2]"),
]


@pytest.mark.parametrize(("name", "kind", "value"), PLOTTED)
def test_no_text_lies_on_another_or_leaves_the_figure(name, kind, value):
    figure = TRACES[name]().plot(kind, value)
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [*figure.texts]
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label]
        texts += [label for axis in (axes.xaxis, axes.yaxis) for label in _labels_within(axis)]
    texts = [text for text in texts if text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    paper = figure.bbox
    for number, (text, box) in enumerate(boxes):
        assert paper.x0 <= box.x0, text
        assert box.x1 <= paper.x1, text
        assert paper.y0 - 1 <= box.y0, text
        assert box.y1 <= paper.y1, text
        for other, more in boxes[:number]:
            assert not box.padded(-1.5).overlaps(more.padded(-1.5)), (text, other)
    assert min(text.get_fontsize() for text in texts) * 3.5 / figure.get_figwidth() >= 8


def _labels_within(axis):
    low, high = sorted(axis.get_view_interval())
    places = axis.get_majorticklocs()
    return [
        tick.label1
        for tick, place in zip(axis.get_major_ticks(), places, strict=True)
        if low <= place <= high
    ]


@pytest.mark.parametrize("name", ["recurrent", "helpers", "mixed"])
def test_the_flow_shows_each_edge_at_its_step(name):
    trace = TRACES[name]()
    axes = trace.plot("flow").axes[0]
    shown = dict(zip(*axes.lines[0].get_data(), strict=True))
    fired = [edge for edge in trace.edges if edge.step is not None]
    assert sorted(shown) == [edge.step for edge in fired][::-1]
    for edge in fired:
        size = np.linalg.norm(np.ravel(edge.grad))
        expected = size if np.isfinite(size) and size else math.nan
        assert shown[edge.step] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(("name", "value"), [("recurrent", "W"), ("helpers", "x"), ("recurrent", "h[1]")])
def test_the_gains_make_up_the_whole_way(name, value):
    trace = TRACES[name]()
    found = flow(trace, value)
    gradient = np.linalg.norm(np.ravel(trace[value].grad))
    assert found.change == pytest.approx(math.log10(gradient / np.linalg.norm(trace.seed_value)))
    rest = found.rest.change if found.rest else 0.0
    assert sum(gain.change for gain in found.gains) + rest == pytest.approx(found.change)
    assert found.way.sizes[-1] == pytest.approx(gradient)
    bars = trace.plot("flow", value).axes[1].patches
    assert [bar.get_width() for bar in bars][: len(found.gains)] == [gain.change for gain in found.gains]


def test_the_numbers_of_a_plot_are_those_of_the_picture():
    figure = trace_of("residual").plot("flow", "weight")
    written = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert figure.texts[-1].get_text() == "on the way to weight: × 135"
    assert written == {"× 15", "× 9"}


def test_a_gradient_that_no_float_holds_is_told_by_the_partials():
    def halved(x, y):
        for _ in range(1200):
            x = x * 0.5
        return x + y

    found = flow(record(halved, 2.0, 1.0))
    assert found.way.name == "x"
    assert found.change == pytest.approx(1200 * math.log10(0.5))
    assert [(gain.op, gain.passes) for gain in found.gains] == [("multiply", 1200)]
    assert found.edges.zero_count == sum(0.5**turn == 0 for turn in range(1, 1201)) > 100
    title = record(halved, 2.0, 1.0).plot("flow").texts[-1].get_text()
    assert title == "on the way to x: × 1e-361, which no float holds"


@pytest.mark.parametrize("name", [None, "p", "q"])
def test_the_way_to_a_gradient_that_is_not_finite_leads_to_what_made_it_so(name):
    def entropy(scale, p, q):
        q = p * 3.0 + q * 1000.0
        return -np.sum(np.where(q > 0, q * np.log(q), 0.0)) * scale

    with np.errstate(all="ignore"):
        finished = record(entropy, 2.0, np.array([0.5, 0.0]), np.array([0.25, 0.0]))
        found = flow(finished, name)
    assert found.way.name == (name or "p")
    assert math.isnan(found.change)
    assert [gain.op for gain in found.gains if math.isnan(gain.change)] == ["multiply"]
    assert found.way.broken_count >= 2
    figure = finished.plot("flow", *([name] if name else []))
    assert figure.texts[-1].get_text() == f"on the way to {name or 'p'}: × nan"
    assert "⚠ × nan" in {text.get_text() for axes in figure.axes for text in axes.texts}


def test_a_gradient_that_cancels_is_zero():
    def opposed(x):
        return x * 3 - x * 3

    figure = record(opposed, 2.0).plot("flow", "x")
    assert figure.texts[-1].get_text() == "on the way to x: × 0"
    assert [bar.get_width() for bar in figure.axes[1].patches] == [pytest.approx(math.log10(3))]


def test_time_shows_the_gradient_of_each_value_or_use():
    trace = TRACES["recurrent"]()
    line = trace.plot().axes[0].lines[0]  # a loop: time is what is plotted
    norms = [np.linalg.norm(trace[f"h[{turn}]"].grad) for turn in range(4)]
    assert line.get_ydata().tolist() == pytest.approx(norms)
    uses = trace.plot("time", "W").axes[0].lines[0]
    assert uses.get_ydata().tolist() == pytest.approx(
        [np.linalg.norm(edge.grad) for edge in trace["W"].uses]
    )
    at_line = through_time(trace, [f"test_viz_plots.py:{line_of('np.tanh')}"]).series[0]
    assert at_line.sizes.tolist() == pytest.approx(norms)


@pytest.mark.parametrize(("factor", "scale"), [(1.0, "linear"), (1.0 + 1e-15, "linear"), (1.1, "log")])
def test_sizes_that_are_all_the_same_have_an_axis_from_0(factor, scale):
    def drift(w):
        for _ in range(5):
            w = w * factor + 0.25
        return w * w

    (axes,) = record(drift, 1.0).plot("time", "w").axes
    assert axes.get_yscale() == scale
    assert (axes.get_ylim()[0] == 0.0) == (scale == "linear")


def test_values_that_several_lines_of_a_loop_give_are_not_counted_as_turns():
    def twice(x, w):
        h = x
        for _ in range(5):
            h = h * w
            h = h + x
        return h

    assert (
        record(twice, 0.5, 0.9).plot("time", "h").axes[0].get_xlabel() == "value, in the order of the run"
    )
    assert TRACES["recurrent"]().plot("time", "h").axes[0].get_xlabel() == "turn"


def test_loops_of_other_clocks_have_axes_of_their_own():
    figure = TRACES["nested"]().plot("time")
    assert [
        [len(line.get_xdata()) for line in axes.lines if len(line.get_xdata())] for axes in figure.axes
    ] == [
        [80],
        [4],
    ]
    assert {axes.get_xlabel() for axes in figure.axes} == {"turn"}
    assert figure.axes[1].get_ylim() == (0, 1.3)  # the total's gradient is 1 in each turn
    assert figure.axes[1].get_yticks().tolist() == [0, 1]


def test_two_operations_of_one_name_and_line_are_told_by_their_code():
    def twice(x, w):
        return (w * x) * (x * 0.25)

    names = [
        label.get_text() for label in record(twice, 3.0, 2.0).plot("flow", "w").axes[1].get_yticklabels()
    ]
    assert len(set(names)) == len(names)
    assert any(name.endswith(": w * x") for name in names)


def test_what_is_looked_at_through_time_is_what_loops_carry():
    assert list(looped(TRACES["recurrent"]())) == ["h"]
    assert list(looped(TRACES["mixed"]())) == ["total"]
    assert not looped(TRACES["helpers"]())
    assert list(looped(record(two_loops, 0.5))) == ["first.h", "second.h"]
    assert TRACES["helpers"]().plot().axes[0].get_xlabel().startswith("backward step")


def test_the_histogram_counts_every_edge_into_a_function_once():
    trace = TRACES["mixed"]()
    found = histogram(trace)
    assert found.by == "line"
    fired = [edge for edge in trace.edges if edge.step is not None and edge.dst.kind == "function"]
    assert sum(group.edges for group in found.groups) == len(fired)
    assert sum(group.zeros for group in found.groups) == sum(edge.grad == 0 for edge in fired) == 1
    assert (
        sum(group.broken for group in found.groups)
        == sum(not np.isfinite(edge.grad) for edge in fired)
        == 1
    )
    for group in found.groups:
        assert group.counts.sum() + group.zeros + group.broken == group.edges
    by_function = histogram(TRACES["helpers"]())
    assert (by_function.by, [group.name for group in by_function.groups]) == (
        "function",
        ["half", "helpers"],
    )
    figure = TRACES["helpers"]().plot("histogram")
    areas = [stairs.get_data().values for stairs in figure.axes[0].patches]
    assert [int((area % 1 > 0).sum()) for area in areas] == [
        int((group.counts > 0).sum()) for group in reversed(by_function.groups)
    ]


def test_long_runs_are_bands_between_the_extremes_of_each_bin(monkeypatch):
    monkeypatch.setattr(sizes_along, "BINS", 3)
    monkeypatch.setattr(sizes_along, "MOST_POINTS", 6)
    sizes = np.array([1.0, 2, 3, 0, math.nan, 5, 0, 0, 0])
    found = series_of("x", np.arange(9.0), sizes)
    assert found.is_binned
    assert found.at.tolist() == [1, 4, 7]
    assert found.sizes.tolist()[:2] == [2, 5]
    assert found.least.tolist()[:2] == [1, 5]
    assert found.most.tolist()[:2] == [3, 5]
    assert np.isnan([found.sizes[2], found.least[2], found.most[2]]).all()
    assert (found.zeros.tolist(), found.zero_count) == ([4, 7], 4)
    assert (found.broken.tolist(), found.broken_count) == ([4], 1)


def test_names_that_would_lie_on_each_other_are_moved_apart():
    assert spread([0.5, 0.5, 0.9], 0.1) == pytest.approx([0.5, 0.6, 0.9])
    assert spread([0.95, 0.96, 0.97], 0.1) == pytest.approx([0.8, 0.9, 1.0])
    assert spread([], 0.1) == []


WRONG = [
    ("recurrent", ("flwo",), "there is no plot 'flwo'; did you mean flow?"),
    ("recurrent", ("h",), "h is a value of recurrent; name the kind first: time h, sum h or flow h"),
    ("recurrent", ("spiral",), "the kinds are flow, histogram, sum, time"),
    ("recurrent", ("histogram", "W"), "histogram takes no name"),
    ("recurrent", ("sum", ["W", "h"]), "sum takes one name; got W, h"),
    ("recurrent", ("time", ["W", "h"]), "W is one value with many uses and h many values"),
    ("recurrent", ("time", "x.py:3"), "nothing was recorded at line 3 of x.py; lines with operations: "),
    ("helpers", ("time",), "no variable of helpers is assigned 3 times or more"),
    ("vanishing", ("sum",), "no value of vanishing has two uses"),
    ("mixed", ("sum", "total"), "the output depends on 1 use of it; did you mean x?"),
    ("mixed", ("flow", "total"), "there is no way back to 'total'; it is the output"),
    ("unused", ("flow", "y"), "there is no way back to 'y'; the output does not depend on it"),
    ("unused", ("flow", "z"), "there is no way back to 'z'; its gradient is zero"),
]


@pytest.mark.parametrize(("name", "asked", "message"), WRONG)
def test_what_cannot_be_plotted_says_what_can(name, asked, message):
    with pytest.raises(UsageError) as error:
        TRACES[name]().plot(*asked)
    assert message in str(error.value)


def test_errors_that_are_the_traces_own():
    with pytest.raises(LookupNameError, match="did you mean h"):
        TRACES["recurrent"]().plot("sum", "hh")
    with pytest.raises(GradientError, match="needs a seed"):
        record(lambda x: x * 2, VECTOR).plot()
    with pytest.raises(UsageError, match="depends on none of its inputs"):
        record(lambda x: 3.0, 1.0).plot()


def test_a_plot_is_the_same_whatever_style_the_user_has_set(tmp_path):
    trace = TRACES["recurrent"]()
    plots.save(trace.plot(), tmp_path / "plain.svg")
    with rc_context({"font.size": 30, "text.usetex": True, "axes.facecolor": "black"}):
        plots.save(trace.plot(), tmp_path / "styled.svg")
    assert (tmp_path / "plain.svg").read_bytes() == (tmp_path / "styled.svg").read_bytes()
    assert trace.plot()._repr_png_().startswith(b"\x89PNG")


def test_the_command_writes_what_it_is_asked_for(edgegrad):
    edgegrad("run", sample("rnn"), "-o", "rnn.trace")
    code, out, err = edgegrad("plot", "rnn.trace", "time", "h", "-o", "h.png", "-o", "h.svg", "-o", "h.pdf")
    assert (code, err) == (0, "")
    assert out == "wrote h.png\nwrote h.svg\nwrote h.pdf\n"
    starts = {"h.png": b"\x89PNG", "h.svg": b"<?xml", "h.pdf": b"%PDF"}
    assert all(Path(name).read_bytes().startswith(start) for name, start in starts.items())
    assert edgegrad("plot", "rnn.trace", "-o", "h.gif")[0] == 2
    code, _, err = edgegrad("plot", "rnn.trace", "times", "-o", "h.png")
    assert (code, err) == (2, "error: there is no plot 'times'; did you mean time?\n")
