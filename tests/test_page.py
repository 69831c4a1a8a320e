"""What is in a page: its numbers are those of the trace, its exercises those of the table of mistakes, its text is text."""

import base64
import hashlib
import json
import re
import warnings
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from test_samples import trace_of as sample
from viz_programs import HOSTILE_NAMES, PROGRAMS, trace_of

import viz
from tracer import record
from tracer import trace as decorate
from tracer.errors import CutWarning
from viz import labels
from viz.page import document
from viz.page.arrays import LARGEST, MOST, Arrays

SAMPLES = ("rnn", "resnet", "attention", "newton", "logistic")


def page_of(trace, tmp_path):
    path = tmp_path / "page.html"
    viz.draw(trace, path)
    return path.read_text("utf-8")


class Parts(HTMLParser):
    """The scripts, the style, the policy and the tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.style, self.policy, self.tags, self.handlers = [], "", "", [], []
        self.within = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append(tag)
        self.handlers += [
            name for name in told if name.startswith("on") or name in ("src", "href", "style")
        ]
        self.within = tag
        if tag == "script":
            self.scripts.append([told.get("type"), ""])
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"]

    def handle_data(self, data):
        if self.within == "script":
            self.scripts[-1][1] += data
        elif self.within == "style":
            self.style += data

    def handle_endtag(self, tag):  # noqa: ARG002
        self.within = ""

    @property
    def data(self):
        return data_from(*self.scripts[0])


def data_from(kind, text):
    """Read the data of a page as it does."""
    return json.loads(text if kind == document.PLAIN else zlib.decompress(base64.b64decode(text)))


def data_of(trace, tmp_path):
    return Parts(page_of(trace, tmp_path)).data


def hash_of(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_a_page_allows_its_own_script_and_style_and_nothing_else(tmp_path):
    parts = Parts(page_of(trace_of("splitter"), tmp_path))
    assert [kind for kind, _ in parts.scripts] == ["application/json", "module"]
    assert parts.handlers == []
    rules = dict(rule.strip().split(" ", 1) for rule in parts.policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "script-src": hash_of(parts.scripts[1][1]),
        "style-src": hash_of(parts.style),
        "img-src": "data:",
    }
    assert not set(parts.tags) & {"link", "img", "iframe", "object", "embed", "base", "form", "a"}


def test_a_page_is_the_same_each_time(tmp_path):
    assert page_of(trace_of("residual"), tmp_path) == page_of(trace_of("residual"), tmp_path)


@pytest.mark.parametrize("name", [*PROGRAMS, *SAMPLES])
def test_all_numbers_are_those_of_the_trace(name, tmp_path):
    trace = trace_of(name) if name in PROGRAMS else sample(name)
    data = data_of(trace, tmp_path)
    (view,) = data["views"]
    assert len(view["nodes"]) == len(trace.nodes)
    assert len(view["edges"]) == len(trace.edges)
    for node, told in zip(trace.nodes, view["nodes"], strict=True):
        assert told["in"] if node.in_edges else "in" not in told
        assert told.get("in", []) == [edge.index for edge in node.in_edges]
        assert told.get("out", []) == [edge.index for edge in node.out_edges]
        assert told["value"].startswith(
            labels.summary(node.value) if labels.is_array(node.value) else labels.number(node.value)
        )
        assert (told.get("grad") is None) == (node.grad is None)
        if node.grad is not None:
            assert labels.norm(node.grad) in told["grad"]
        for value, key in ((node.value, "valueArray"), (node.grad, "gradArray")):
            if key in told:
                array = data["arrays"][told[key]]
                elements = np.array([float(each) for each in array["elements"]]).reshape(array["shape"])
                np.testing.assert_allclose(elements, value, rtol=1e-3)
        if "sums" in told:
            uses = [trace.edges[edge] for edge, *_ in told["sums"]]
            assert [use.step for use in uses] == sorted(
                use.step for use in node.out_edges if use.step is not None
            )
            if uses:
                assert told["sums"][-1][2] == labels.norm(node.grad)
    for edge, told in zip(trace.edges, view["edges"], strict=True):
        assert (told["from"], told["to"]) == (edge.src.index, edge.dst.index)
        assert told.get("step") == edge.step
        assert labels.norm(edge.grad) in told["grad"]
        if edge.dst.kind == "function" and edge.step is not None:
            assert labels.norm(edge.grad) in told["working"]
            if edge.local is not None and not labels.is_array(edge.upstream):
                factors = f"{labels.norm(edge.upstream)} × {labels.norm(edge.local)} = "
                assert told["working"].startswith(factors)
        size = float(np.linalg.norm(np.ravel(edge.grad)))
        if np.isfinite(size):
            assert told["magnitude"] == pytest.approx(size, rel=1e-4)
        else:
            assert told["bad"]
    assert [view["edges"][edge]["step"] for edge in view["order"]] == list(range(len(view["order"])))


@pytest.mark.parametrize("name", [*PROGRAMS, *SAMPLES])
def test_lines_are_those_of_the_source(name, tmp_path):
    trace = trace_of(name) if name in PROGRAMS else sample(name)
    data = data_of(trace, tmp_path)
    for node, told in zip(trace.nodes, data["views"][0]["nodes"], strict=True):
        if node.site is None:
            assert "site" not in told
            continue
        (line,) = (
            text
            for number, text in data["files"][told["site"]["file"]]["lines"]
            if number == node.site.line
        )
        first = labels.clean(node.site.text.splitlines()[0])
        assert first[:40] in line


def test_the_exercises_of_a_splitter_know_all_mistakes(tmp_path):
    trace = trace_of("splitter")
    exercise = data_of(trace, tmp_path)["views"][0]["practice"][-1]
    made = {mistake["number"]: mistake["kind"] for mistake in exercise["mistakes"]}
    assert made[3.5] == "mean-not-sum"
    assert made[10.0] == "product-not-sum"
    assert made[2.0] == made[5.0] == "missing-uses"
    assert made[-7.0] == "sign"
    assert "added-not-multiplied" in made.values()


def test_findings_are_told_with_their_places(tmp_path):
    trace = trace_of("not_finite")
    (finding,) = trace.findings()
    (told,) = data_of(trace, tmp_path)["findings"]
    assert (told["message"], told["advice"], told["severity"]) == (finding.message, finding.advice, "error")
    assert told["places"][0] == [f"n{finding.node.index}", *(f"e{edge.index}" for edge in finding.edges)]
    assert told["site"]["line"] == finding.site.line


def test_hostile_strings_end_no_script_and_begin_no_comment(tmp_path):
    text = page_of(trace_of("hostile"), tmp_path)
    parts = Parts(text)
    assert len(parts.scripts) == 2
    assert text.count("<!") == 1
    names = [node.get("name", "") for node in parts.data["views"][0]["nodes"]]
    for name in HOSTILE_NAMES:
        assert any(labels.clean(repr(name))[1:12] in shown for shown in names)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text.replace("\r", ""))


@pytest.mark.parametrize(
    "text", ["</script>", "<!--<script>", "a\u2028b", "\ud800", "&amp;", "<\\/script>"]
)
def test_data_comes_back_as_it_went_in(text):
    kind, written = document.as_script_data({"text": text})
    assert kind == document.PLAIN
    assert "</" not in written
    assert "<!" not in written
    assert json.loads(written)["text"] == text.encode("utf-8", "replace").decode()
    kind, packed = document.as_script_data({"text": text * document.LARGE})
    assert kind == document.PACKED
    assert re.fullmatch("[A-Za-z0-9+/]+=*", packed)
    assert data_from(kind, packed)["text"] == document.LARGE * text.encode("utf-8", "replace").decode()


def echo(x):
    return x


def failing(x):
    y = x * 2
    raise ValueError(y)


def test_odd_traces_have_a_page(tmp_path):
    for function, arguments in ((echo, (2.0,)), (echo, (np.float32(2.0),)), (echo, (2.0 + 1j,))):
        trace = record(function, *arguments)
        if isinstance(arguments[0], complex):
            trace = trace.backward(seed=1)
        assert data_of(trace, tmp_path)["views"][0]["nodes"]


def test_a_run_that_failed_has_a_page_without_gradients(tmp_path):
    traced = decorate(failing)
    with pytest.raises(ValueError, match="4"):
        traced(2.0)
    data = data_of(traced.last_trace, tmp_path)
    (view,) = data["views"]
    assert view["order"] == view["practice"] == []
    assert all("grad" not in node for node in view["nodes"])
    assert data["findings"][0]["kind"] == "failed"


def test_a_cut_is_told(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        data = data_of(trace_of("cut"), tmp_path)
    assert [finding["kind"] for finding in data["findings"]] == ["cut"]


def test_arrays_are_written_once_and_only_as_far_as_they_are_small():
    arrays = Arrays()
    small = np.array([[1.0, np.nan], [-np.inf, 1.23456]])
    assert arrays.add(small) == arrays.add(small.copy()) == 0
    assert arrays.data() == [{"shape": (2, 2), "elements": [1.0, "nan", "−inf", 1.235]}]
    assert arrays.add(np.zeros(LARGEST + 1)) is None
    assert arrays.add(np.zeros(0)) is None
    assert arrays.add(3.0) is None
    numbers = [arrays.add(np.full(LARGEST, float(at))) for at in range(MOST // LARGEST + 2)]
    assert numbers[-1] is None
    assert sum(len(each["elements"]) for each in arrays.data()) <= MOST
