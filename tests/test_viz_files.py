import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pydot
import pytest
from gallery_page import IN_README, readme_path
from matplotlib.backends.backend_agg import RendererAgg
from viz_programs import HOSTILE_NAMES, PROGRAMS, trace_of

import viz
from tracer.errors import DrawError
from viz import dot, engines, labels, raster, vector
from viz.diagram import diagram
from viz.layout import geometry
from viz.text_size import text_width

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def lines_of(picture):
    return ["".join(tspan.text for tspan in text) for text in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_svg_is_xml_and_has_a_shape_for_every_node(name):
    trace = trace_of(name)
    root = ET.fromstring(viz.svg(trace))  # noqa: S314
    kinds = [group.get("class", "").split()[0] for group in root.findall(f"{SVG}g")]
    shapes = {"input", "output", "function", "splitter", "broadcast", "cut"}
    assert sum(kind in shapes for kind in kinds) == len(trace.nodes)
    assert kinds.count("wire") == len(trace.edges)


@pytest.mark.parametrize("name", PROGRAMS)
def test_marks_say_which_node_and_edge_each_shape_and_wire_stands_for(name):
    trace = trace_of(name)
    root = ET.fromstring(vector.write(geometry(diagram(trace)), marked=True))  # noqa: S314
    groups = root.findall(f"{SVG}g")
    nodes = {int(group.get("data-node")): group for group in groups if group.get("data-node")}
    assert sorted(nodes) == list(range(len(trace.nodes)))
    wires, stubs, leaves, enters = (
        [group.get("data-edge") for group in groups if group.get("class").split()[0] == kind]
        for kind in ("wire", "stub", "leaves", "enters")
    )
    assert sorted(map(int, wires)) == list(range(len(trace.edges)))
    assert stubs == leaves
    assert set(stubs) - {None} <= set(enters) <= set(wires)  # None: a tag of several uses
    assert enters or name != "fan_out"  # which is broken into rows
    for number, group in nodes.items():
        node = trace.nodes[number]
        if node.kind == "function":
            assert node.op in "".join(group.itertext())


def test_a_picture_without_marks_has_none():
    assert "data-" not in viz.svg(trace_of("splitter"))


def test_an_svg_holds_the_arithmetic_as_text():
    lines = lines_of(viz.svg(trace_of("splitter")))
    assert {"splitter", "Σ 2 + 5 = 7", "1 × 5 = 5", "s = 5", "output"} <= set(lines)


def test_an_svg_has_the_formula_and_the_place_as_tooltips():
    titles = [title.text for title in ET.fromstring(viz.svg(trace_of("residual"))).iter(f"{SVG}title")]  # noqa: S314
    assert any("local partial: 1 - h**2" in title and "viz_programs.py:" in title for title in titles)


@pytest.mark.parametrize("name", IN_README)
def test_the_pictures_in_the_readme_say_what_is_drawn_today(name):
    shown = readme_path(name).read_text("utf-8")
    assert sorted(lines_of(shown)) == sorted(lines_of(viz.svg(IN_README[name]())))


def test_hostile_names_are_drawn_as_themselves_in_svg():
    picture = viz.svg(trace_of("hostile"))
    root = ET.fromstring(picture)  # noqa: S314
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg",
        "g",
        "title",
        "rect",
        "text",
        "tspan",
        "ellipse",
        "path",
        "polygon",
    }
    for name in HOSTILE_NAMES:
        assert labels.name(f"d[{name!r}]") in lines_of(picture)
    assert "script" not in re.sub(r">[^<]*<", "><", picture)


def test_what_xml_has_no_character_for_is_left_out():
    assert vector.escape("a\x00b\ud800c\uffffd<&>\"'") == "abcd&lt;&amp;&gt;&quot;&#39;"


@pytest.mark.parametrize("name", ["splitter", "hostile"])
def test_dot_text_is_golden(name):
    assert dot.write(diagram(trace_of(name))) == (GOLDEN / f"{name}.dot").read_text("utf-8")


def unquoted(text):
    """What Graphviz shows for a quoted string."""
    text = text[1:-1].replace('\\"', '"').replace("&amp;", "&")
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)


@pytest.mark.filterwarnings(
    "ignore:.*deprecated:DeprecationWarning"
)  # pydot's parser uses pyparsing's old names
def test_hostile_names_come_back_from_dot():
    (graph,) = pydot.graph_from_dot_data(dot.write(diagram(trace_of("hostile"))))
    shown = {unquoted(node.get_label()).split("\n")[0] for node in graph.get_nodes() if node.get_label()}
    assert {labels.name(f"d[{name!r}]") for name in HOSTILE_NAMES} <= shown
    assert all(not node.get("URL") for node in graph.get_nodes())


QUOTED = [
    ("plain", '"plain"'),
    ("trailing\\", '"trailing\\\\"'),
    ('"in quotes"', '"\\"in quotes\\""'),
    ("a:b", '"a:b"'),
    ("two\nlines", '"two\\nlines"'),
    ("\\N &amp;", '"\\\\N &amp;amp;"'),
]


@pytest.mark.parametrize(("text", "quoted"), QUOTED)
def test_one_function_quotes_for_dot(text, quoted):
    assert dot.quote(text) == quoted
    assert unquoted(quoted) == text


@pytest.mark.skipif(not engines.find("graphviz-pure"), reason="no engine to read DOT with")
def test_an_engine_reads_hostile_dot_as_it_was_meant():
    text = dot.write(diagram(trace_of("hostile")))
    program = str(engines.find("graphviz-pure"))
    answer = subprocess.run([program, "-Tsvg"], input=text.encode(), capture_output=True, check=True).stdout  # noqa: S603
    drawn = {"".join(text.itertext()) for text in ET.fromstring(answer).iter(f"{SVG}text")}  # noqa: S314
    assert {labels.name(f"d[{name!r}]") for name in HOSTILE_NAMES} <= drawn


@pytest.mark.parametrize("name", ["splitter", "calls"])
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".dot"])
def test_the_same_trace_gives_the_same_bytes(tmp_path, suffix, name):
    paths = [tmp_path / f"{number}{suffix}" for number in ("one", "two")]
    for path in paths:
        viz.draw(trace_of(name), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(paths[0].read_bytes()) > 500


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_png_has_the_size_of_the_geometry(tmp_path, name):
    if name in ("loop", "grid"):
        pytest.skip("as the others, and slow")
    trace = trace_of(name)
    viz.draw(trace, tmp_path / "out.png", "built-in")
    content = (tmp_path / "out.png").read_bytes()
    placed = geometry(diagram(trace), "built-in")
    assert content.startswith(b"\x89PNG")
    assert int.from_bytes(content[16:20]) == round(placed.width * raster.SCALE)
    assert int.from_bytes(content[20:24]) == round(placed.height * raster.SCALE)


def test_a_pdf_holds_no_date_and_no_program(tmp_path):
    viz.draw(trace_of("hostile"), tmp_path / "out.pdf")
    content = (tmp_path / "out.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"CreationDate" not in content
    assert b"Producer" not in content


PAGES = [("splitter", 1.0), ("wide", 0.5)]


@pytest.mark.parametrize(("name", "zoom"), PAGES)
def test_a_pdf_page_has_the_size_of_the_picture_or_the_largest_that_readers_open(monkeypatch, name, zoom):
    placed = geometry(diagram(trace_of("splitter")), "built-in")
    if name == "wide":
        monkeypatch.setattr(raster, "PDF_LIMIT", placed.width / 2)
    content, _ = raster.write(placed, "pdf")
    width, height = map(float, re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content).groups())
    assert (width, height) == pytest.approx((placed.width * zoom, placed.height * zoom), abs=0.1)


def test_glyphs_that_the_font_lacks_are_noted(tmp_path):
    notes = viz.draw(trace_of("hostile"), tmp_path / "out.png", "built-in")
    assert notes == ("DejaVu Sans has no glyph for 日 本 🙂: drawn as boxes in a png, right in an .svg",)


def test_a_png_of_too_many_pixels_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(raster, "MOST_PIXELS", 10_000)
    with pytest.raises(
        DrawError, match=r"too big for a PNG; .* pixels; at most 10,000 .*; write \.svg or \.pdf"
    ):
        viz.draw(trace_of("splitter"), tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_a_large_png_is_drawn_smaller_and_says_so(monkeypatch, tmp_path):
    placed = geometry(diagram(trace_of("splitter")))
    monkeypatch.setattr(raster, "MOST_PIXELS", int(placed.width * placed.height * 0.6**2) + 1)
    notes = viz.draw(trace_of("splitter"), tmp_path / "out.png")
    assert notes == ("drawn at 60% of its size, as a PNG can't be larger: .svg and .pdf have no pixels",)
    width, height = struct.unpack(">II", (tmp_path / "out.png").read_bytes()[16:24])
    assert (width, height) == pytest.approx((placed.width * 0.6, placed.height * 0.6), abs=1)


def test_an_unknown_suffix_names_the_choices(tmp_path):
    with pytest.raises(DrawError, match=r"the suffix is '\.jpg'; use one of \.svg, \.png, \.pdf, \.dot"):
        viz.draw(trace_of("splitter"), tmp_path / "out.jpg")
    with pytest.raises(DrawError, match=r"it has no suffix; use one of"):
        viz.draw(trace_of("splitter"), tmp_path / "out")


def test_a_path_that_cannot_be_written_is_one_error(tmp_path):
    with pytest.raises(
        DrawError, match=r"can't write '.*out\.svg'; No such file or directory; choose another path"
    ):
        viz.draw(trace_of("splitter"), tmp_path / "missing" / "out.svg")


def test_an_svg_is_written_without_matplotlib_and_pydot():
    program = "import sys, viz; print('matplotlib' in sys.modules, 'pydot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("scale", [0.55, 1.0, 2.0])
def test_a_png_draws_text_as_wide_as_it_was_measured(monkeypatch, scale):
    measured = []
    draw_text = RendererAgg.draw_text

    def measure(renderer, pen, x, y, text, font, *arguments):
        ink, _, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
        bold = font.get_weight() == "bold"
        measured.append((ink / scale, text_width(text, font.get_size_in_points(), bold=bold)))
        draw_text(renderer, pen, x, y, text, font, *arguments)

    monkeypatch.setattr(RendererAgg, "draw_text", measure)
    monkeypatch.setattr(raster, "_png_scale", lambda _: scale)
    raster.write(geometry(diagram(trace_of("network")), "built-in"), "png")
    assert len(measured) > 50
    for ink, width in measured:
        assert ink <= width + 1 / scale
