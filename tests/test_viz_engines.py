import sys

import numpy as np
import pytest
from test_samples import trace_of as sample
from viz_programs import trace_of

from tracer import record
from tracer.errors import DrawError
from viz import engines
from viz.diagram import diagram
from viz.layout import geometry
from viz.reading_order import crossings, inverted
from viz.setting import skeleton_of
from viz.wrap import wrap


@pytest.fixture
def picture():
    return diagram(trace_of("splitter"))


def fake_engine(monkeypatch, folder, body):
    """Install a script in the place of every engine."""
    program = folder / "graphviz-pure"
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setattr(engines, "find", lambda _: program)


def same_placement(first, second):
    return [shape.rect for shape in first.shapes] == [shape.rect for shape in second.shapes]


FAILURES = [
    ("time.sleep(60)", "took more than 0.5 s"),
    ("sys.exit(3)", "failed with exit code 3"),
    ("print('not json')", "gave an answer that can't be read"),
    ("print('{}')", "gave an answer that can't be read"),
    ("print('[' * 100000)", "gave an answer that can't be read"),
    ('print(\'{"bb": "0,0,1,1", "objects": []}\')', "gave an answer that can't be read"),
    ('print(\'{"bb": "0,0,1,nan", "objects": []}\')', "gave an answer that can't be read"),
]


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
@pytest.mark.parametrize(("body", "reason"), FAILURES)
def test_an_engine_that_fails_is_replaced_and_said_so(monkeypatch, tmp_path, picture, body, reason):
    monkeypatch.setattr(engines.run, "__defaults__", (0.5 if "sleep" in body else 300.0,))
    fake_engine(monkeypatch, tmp_path, body)
    placed = geometry(picture)
    assert placed.notes == (f"drawn by the built-in layout: graphviz-pure {reason}",)
    assert same_placement(placed, geometry(picture, "built-in"))


def test_a_program_that_does_not_start_is_replaced(monkeypatch, tmp_path, picture):
    monkeypatch.setattr(engines, "find", lambda _: tmp_path / "missing")
    assert geometry(picture).notes == ("drawn by the built-in layout: missing does not start",)


def test_without_any_engine_the_built_in_layout_draws(monkeypatch, picture):
    monkeypatch.setattr(engines, "find", lambda _: None)
    placed = geometry(picture)
    assert placed.notes == ()
    assert same_placement(placed, geometry(picture, "built-in"))


def test_a_graph_that_dot_cannot_do_in_time_goes_to_the_built_in_layout(monkeypatch, tmp_path, picture):
    fake_engine(monkeypatch, tmp_path, "sys.exit(1)")
    monkeypatch.setattr(engines, "MOST_VIRTUAL", 10)
    assert geometry(picture).notes == (
        "drawn by the built-in layout: 14 places to fill are too many for graphviz-pure",
    )


def test_an_engine_that_is_not_there_is_an_error(monkeypatch, picture):
    monkeypatch.setattr(engines, "find", lambda _: None)
    with pytest.raises(DrawError, match=r"the layout engine 'dot' is not installed; leave --engine out"):
        geometry(picture, "dot")
    with pytest.raises(
        DrawError, match=r"no layout engine 'neato'; the engines are graphviz-pure, dot, built-in"
    ):
        geometry(picture, "neato")


def test_what_an_engine_reads_holds_no_text_of_the_user(monkeypatch, tmp_path):
    sent = []
    monkeypatch.setattr(engines, "find", lambda _: tmp_path)
    monkeypatch.setattr(engines, "run", lambda _, text: sent.append(text) or b"")
    geometry(diagram(trace_of("hostile")))
    assert sent[0].isascii()
    assert not any(word in sent[0] for word in ("script", "alpha", "URL", "trailing"))


def test_bends_are_counted():
    skeleton = type(
        "Skeleton", (), {"size": 4, "tail": np.array([0, 1, 2, 0]), "head": np.array([1, 2, 3, 3])}
    )
    assert engines.virtual_nodes(skeleton) == 6


SHAPES = [(2, 3), (2, 2), (3, 4), (4, 2)]


def forward(x, inner, outer):
    return np.maximum(x @ inner, 0) @ outer


@pytest.mark.parametrize(
    "trace",
    [
        sample("newton"),  # one order of the items has four crossings
        record(lambda x, y, *w: ((forward(x, *w) - y) ** 2).sum(), *map(np.ones, SHAPES)),  # a frame
    ],
)
def test_an_engine_is_asked_again_where_wires_cross_or_operands_are_out_of_order(trace):
    for row in wrap(diagram(trace)):
        skeleton, _ = skeleton_of(row)
        (placement,), notes = engines.place([skeleton])
        assert not notes
        assert not inverted(skeleton, placement.y)
        assert crossings(skeleton, placement) == 0
