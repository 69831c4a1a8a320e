"""show, edges and explain: what they print on a plain 80-column terminal and as JSON, and how edges are chosen."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import edges_of, golden, sample

import tracer


@pytest.mark.parametrize("name", ["residual", "logistic", "newton", "fan_out"])
def test_what_the_commands_print(edgegrad, name):
    assert edgegrad("run", sample(name), "-o", "s.trace")[0] == 0
    printed = ""
    inputs = [node.name for node in tracer.load("s.trace").inputs]
    for command in (
        ["show", "s.trace"],
        ["edges", "s.trace"],
        *(["explain", "s.trace", each] for each in inputs),
    ):
        code, out, err = edgegrad(*command)
        assert (code, err) == (0, "")
        printed += f"$ edgegrad {' '.join(command)}\n{out}\n"
    assert printed == golden(f"terminal_{name}.txt")


def test_what_is_printed_fits_the_terminal(edgegrad, monkeypatch):
    edgegrad("run", sample("rnn"), "-o", "s.trace")
    edgegrad("run", sample("attention"), "-o", "a.trace")
    monkeypatch.setenv("COLUMNS", "80")
    for command in (
        ["show", "s.trace"],
        ["edges", "s.trace", "--top", "99"],
        ["edges", "a.trace", "--top", "99"],
    ):
        _, out, _ = edgegrad(*command)
        assert max(map(len, out.split("\n"))) <= 80, command
        assert not any(line.endswith(" ") for line in out.split("\n"))


@pytest.fixture
def residual(edgegrad):
    edgegrad("run", sample("residual"), "-o", "s.trace")
    return edgegrad


def test_edges_can_be_sorted(residual):
    everything = edges_of(residual)["lines"]
    assert [line["step"] for line in everything] == list(range(len(everything)))
    by_grad = [abs(line["grad"]) for line in edges_of(residual, "--sort", "grad")["lines"]]
    assert by_grad == sorted(by_grad, reverse=True)
    by_value = [abs(line["value"]) for line in edges_of(residual, "--sort", "value")["lines"]]
    assert by_value == sorted(by_value, reverse=True)
    by_line = [line["line"] for line in edges_of(residual, "--sort", "line")["lines"] if line["line"]]
    assert by_line == sorted(by_line) == [12, 12, 12, 13, 13, 14]


def test_edges_can_be_chosen(residual):
    assert {line["source"] for line in edges_of(residual, "--name", "x")["lines"]} == {"x"}
    assert {line["line"] for line in edges_of(residual, "--line", "12")["lines"]} == {12}
    assert {line["op"] for line in edges_of(residual, "--op", "add")["lines"]} == {"add"}
    assert [line["grad"] for line in edges_of(residual, "--op", "copy")["lines"]] == [60.0]
    assert sorted(line["grad"] for line in edges_of(residual, "--min", "45")["lines"]) == [
        45.0,
        60.0,
        135.0,
    ]
    assert edges_of(residual, "--name", "x", "--op", "add")["chosen"] == 1
    cut_short = edges_of(residual, "--top", "2")
    assert (len(cut_short["lines"]), cut_short["chosen"], cut_short["edges"]) == (2, 8, 8)


def test_no_edge_that_fits_is_said(residual):
    assert residual("edges", "s.trace", "--min", "1e9")[:2] == (0, "no edge of 8 fits\n")


def test_an_edge_says_its_product(residual):
    line = edges_of(residual, "--name", "weight")["lines"][0]
    assert (line["upstream"], line["local"], line["grad"]) == (15.0, 9.0, 135.0)
    assert (line["variable"], line["code"], line["file"]) == ("main", "weight * x**2", "residual.py")


def test_a_part_of_a_structure_is_chosen_by_the_name_of_the_whole(edgegrad):
    Path("parts.py").write_text("def parts(p):\n    return p['a'] * p['b'][0]\n", encoding="utf-8")
    assert edgegrad("run", "parts.py:parts", "p={'a': 2.0, 'b': [3.0]}", "-o", "s.trace")[0] == 0
    assert {line["source"] for line in edges_of(edgegrad, "--name", "p")["lines"]} == {
        "p['a']",
        "p['b'][0]",
    }
    assert [line["source"] for line in edges_of(edgegrad, "--name", 'p["a"]')["lines"]] == ["p['a']"]


def test_show_as_json(residual):
    told = json.loads(residual("show", "s.trace", "--json")[1])
    assert told["function"] == "residual"
    assert [(each["name"], each["grad"]) for each in told["inputs"]] == [("x", 60.0), ("weight", 135.0)]
    assert told["splitters"] == [{"name": "x", "uses": 2, "terms": [45.0, 15.0], "total": 60.0}]
    assert (told["counts"]["function"], told["edges"], told["bad_edges"]) == (4, 8, 0)


def test_explain_as_json(residual):
    told = json.loads(residual("explain", "s.trace", "x", "--json")[1])
    assert (told["name"], told["grad"], told["uses"]) == ("x", 60.0, 2)
    first = told["terms"][0]
    assert (first["parent"], first["level"], first["upstream"], first["local"]) == (-1, 1, 7.5, 6.0)
    assert told["terms"][1]["parent"] == 0


def test_samples_as_json(edgegrad):
    told = json.loads(edgegrad("samples", "--json")[1])
    assert told[0]["name"] == "splitter"
    assert told[0]["look_for"].startswith("the splitter behind")


def test_json_tells_an_array_by_shape_and_norm_and_a_nan_as_a_string(edgegrad):
    np.save("W.npy", np.array([[3.0, 4.0]]))
    edgegrad("run", "program.py:array", "W=@W.npy", "b=nan".replace("nan", "1e999"), "-o", "s.trace")
    told = json.loads(edgegrad("show", "s.trace", "--json")[1])
    assert told["inputs"][0]["value"] == {
        "shape": [1, 2], "dtype": "float64", "norm": 5.0, "min": 3.0, "max": 4.0, "not_finite": 0
    }  # fmt: skip
    assert told["inputs"][0]["grad"]["max"] == "inf"
    assert told["inputs"][1]["value"] == "inf"
