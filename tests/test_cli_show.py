"""show, edges and explain: what they print on a plain 80-column terminal and as JSON, and how edges are chosen."""

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import BY_ZERO, edges_of, golden, line_of, sample

import tracer
from viz.diagram import diagram
from viz.forward import Forward
from viz.summary import summary


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


def test_long_names_give_way_where_a_terminal_is_narrow_and_numbers_do_not(edgegrad, monkeypatch):
    Path("long.py").write_text("def long(p, unused):\n    return p['a'] * p['b' * 40]\n", encoding="utf-8")
    edgegrad(
        "run", "long.py:long", "p={'a': 1.2345, " + f"'{'b' * 40}': 2.0}}", "unused=1.0", "-o", "s.trace"
    )
    monkeypatch.setenv("COLUMNS", "50")
    _, out, _ = edgegrad("show", "s.trace")
    lines = [line.split() for line in out.split("\n") if line.startswith(("p[", "unused"))][:3]  # the table
    assert [line[1:] for line in lines] == [
        ["1.234", "2"],
        ["2", "1.234"],
        ["1", "0", "(not", "reached)"],
    ]
    assert lines[1][0].startswith("p['bbbb")
    assert lines[1][0].endswith("…")


def test_an_argument_that_passes_through_is_listed(edgegrad):
    np.save("W.npy", np.arange(3))
    code, out, _ = edgegrad("run", "program.py:array", "W=@W.npy", "-o", "s.trace")
    assert code == 0
    assert "\nW      passed through  not traced\n" in out
    assert json.loads(edgegrad("show", "s.trace", "--json")[1])["untraced"] == ["W"]
    edgegrad("run", "program.py:many", "numbers=[1.0]", "-o", "s.trace")  # others={} is empty, not untraced
    assert json.loads(edgegrad("show", "s.trace", "--json")[1])["untraced"] == []


def test_numbers_are_no_arrays_that_are_kept(edgegrad):
    Path("turned.py").write_text("def f(z):\n    return abs(z * z + 1)\n", encoding="utf-8")
    edgegrad("run", "turned.py:f", "z=2j", "-o", "s.trace")
    assert "kept" not in edgegrad("show", "s.trace")[1]


JSON_KEYS = {  # what programs that read it rely on: a key is added, never renamed
    "show": "function error last no_gradient inputs input_count untraced holders outputs output_count counts edges splitters "
    "cuts gradient_arrays kept_arrays kept_bytes bad_edges bad_values bad_gradients bad_origin",
    "edges": "lines chosen edges has_gradients no_gradient",
    "explain": "name value grad uses heading terms",
}
JSON_LINE_KEYS = {
    ("show", "inputs"): "name value grad is_reached uses why_nothing",
    ("show", "outputs"): "path value is_seeded",
    ("show", "splitters"): "name uses terms total",
    (
        "edges",
        "lines",
    ): "step source target op port value upstream local formula grad variable code file line",
    (
        "explain",
        "terms",
    ): "kind level parent arithmetic grad upstream local formula op port has_twin variable code file line turn",
}


@pytest.mark.parametrize("command", JSON_KEYS)
def test_the_keys_of_json_stay(residual, command):
    words = ["x"] if command == "explain" else []
    told = json.loads(residual(command, "s.trace", *words, "--json")[1])
    assert list(told) == JSON_KEYS[command].split()
    for (owner, key), names in JSON_LINE_KEYS.items():
        if owner == command:
            assert list(told[key][0]) == names.split()


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


# ------------------------------------------------------------------------------------ choosing output and seed


@pytest.fixture
def several(edgegrad):
    edgegrad("run", "program.py:several", "-o", "s.trace")
    return edgegrad


def test_every_command_goes_back_from_the_output_that_is_chosen(several):
    inputs = json.loads(several("show", "s.trace", "--of", "loss", "--json")[1])["inputs"]
    assert [line["grad"] for line in inputs] == [8.0]
    assert [
        line["grad"] for line in edges_of(several, "--of", "aux", "--op", "copy", "--name", "a")["lines"]
    ] == [1.0]
    assert several("explain", "s.trace", "a", "--of", "loss")[1].startswith(
        "a = 1 · grad 8 = Σ 8 + 0 (2 uses)\n"
    )
    assert several("draw", "s.trace", "--of", "loss", "-o", "s.svg")[0] == 0
    assert "Σ 8 + 0 = " in Path("s.svg").read_text(encoding="utf-8")


def test_every_command_starts_with_the_seed_that_is_given(several):
    options = ("--of", "aux", "--seed", "-3")
    assert json.loads(several("show", "s.trace", *options, "--json")[1])["inputs"][0]["grad"] == -3.0
    assert edges_of(several, *options)["lines"][0]["grad"] == -3.0
    assert "−3 = seed   output ['aux']" in several("explain", "s.trace", "a", *options)[1]
    assert several("draw", "s.trace", *options, "-o", "s.svg")[0] == 0
    assert "−3 × 1 = " in Path("s.svg").read_text(encoding="utf-8")


def test_run_takes_a_seed_and_the_trace_keeps_it(edgegrad):
    np.save("W.npy", np.array([1.0, 2.0]))
    np.save("seed.npy", np.array([10.0, 20.0]))
    for seed, gradient in (("@seed.npy", [20.0, 40.0]), ("[1, 0]", [2.0, 0.0])):
        assert edgegrad("run", "program.py:vector", "W=@W.npy", "--seed", seed, "-o", "s.trace")[0] == 0
        assert tracer.load("s.trace").grads["W"].tolist() == gradient


def test_where_no_output_is_chosen_every_command_says_so(several):
    for command in ("show", "edges"):
        code, out, _ = several(command, "s.trace")
        assert code == 0
        assert "no gradients: several returned several values;" in out
    for words in (["explain", "s.trace", "a"], ["draw", "s.trace", "-o", "s.svg"]):
        code, _, err = several(*words)
        assert code == 1
        assert "choose one" in err


# --------------------------------------------------------------------------------------------- the next command


@pytest.fixture
def terminal(edgegrad, monkeypatch):
    """Run the command line as at a terminal without colours, and return the last line that it prints."""
    monkeypatch.setenv("TERM", "dumb")

    def call(*words):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        _, out, err = edgegrad(*words)
        assert err == ""
        return out.strip().split("\n")[-1]

    return call


def test_a_command_ends_with_the_next_at_a_terminal(terminal):
    terminal("run", sample("residual"), "-o", "s.trace")
    assert terminal("show", "s.trace") == "next: edgegrad explain s.trace x"
    assert terminal("edges", "s.trace", "--name", "weight") == "next: edgegrad explain s.trace weight"
    assert terminal("explain", "s.trace", "x") == "next: edgegrad draw s.trace -o s.svg"
    assert terminal("show", "s.trace", "--json") == "}"


def test_the_next_command_chooses_the_same_output(terminal):
    terminal("run", "program.py:several", "--of", "loss", "-o", "s.trace")
    options = ("--of", "aux", "--seed", "2.0")
    assert terminal("show", "s.trace", *options) == "next: edgegrad explain s.trace a --of aux --seed 2.0"
    assert terminal("explain", "s.trace", "a", *options) == (
        "next: edgegrad draw s.trace --of aux --seed 2.0 -o s.svg"
    )


def test_the_next_command_names_an_output_where_one_must_be_chosen(terminal):
    with pytest.raises(AssertionError, match="choose one: --of loss"):
        terminal("run", "program.py:several", "-o", "s.trace")
    assert terminal("show", "s.trace") == "next: edgegrad show s.trace --of loss"
    assert terminal("edges", "s.trace") == "next: edgegrad edges s.trace --of loss"


def test_a_name_in_the_next_command_is_quoted_for_the_shell(terminal):
    Path("parts.py").write_text("def parts(p):\n    return p['a'] * 2\n", encoding="utf-8")
    hint = terminal("run", "parts.py:parts", "p={'a': 2.0}", "-o", "s.trace")
    assert hint == """next: edgegrad explain s.trace "p['a']\""""
    assert shlex.split(hint)[-1] == "p['a']"


def test_what_is_piped_has_no_next_command(residual):
    for words in (["show", "s.trace"], ["edges", "s.trace"], ["explain", "s.trace", "x"]):
        assert "next:" not in residual(*words)[1]


# -------------------------------------------------------------------------------------------- a run that failed


@pytest.fixture
def failed(edgegrad):
    edgegrad("run", "program.py:fails", "-o", "s.trace")
    return edgegrad


def test_show_says_where_a_run_stopped(failed):
    code, out, err = failed("show", "s.trace")
    assert (code, err) == (0, "")
    assert out == (
        f"fails raised {BY_ZERO}\n"
        "1 input · 1 operation · 1 edge\n"
        "\n"
        "input  value\n"
        "a          1\n"
        "\n"
        f"the last that was recorded: b = a * 2 at program.py:{line_of('b = a * 2')}, which gave 2\n"
    )
    assert json.loads(failed("show", "s.trace", "--json")[1])["last"]["value"] == 2.0


def test_an_exception_without_a_text_ends_without_a_colon(edgegrad):
    Path("silent.py").write_text("def silent(a=1.0):\n    raise KeyboardInterrupt\n", encoding="utf-8")
    assert edgegrad("run", "silent.py:silent", "-o", "s.trace")[0] == 1
    assert edgegrad("show", "s.trace")[1].startswith("silent raised KeyboardInterrupt\n1 input\n")


def test_a_run_that_failed_at_once_recorded_nothing(edgegrad):
    Path("at_once.py").write_text("def at_once(a=1.0):\n    raise ValueError('no')\n", encoding="utf-8")
    edgegrad("run", "at_once.py:at_once", "-o", "s.trace")
    assert "nothing was recorded before it\n" in edgegrad("show", "s.trace")[1]


def test_a_run_that_failed_is_drawn_forward(edgegrad):
    Path("stops.py").write_text(
        "import numpy as np\n\ndef stops(v, a):\n    b = a * a + float(a)\n    w = v * b\n    return w / [1, 2, 3]\n",
        encoding="utf-8",
    )
    np.save("v.npy", np.ones(2))
    assert edgegrad("run", "stops.py:stops", "v=@v.npy", "a=3.0", "-o", "s.trace")[0] == 1
    code, out, err = edgegrad("draw", "s.trace", "-o", "s.svg", "-o", "s.dot", "--engine", "built-in")
    assert (code, err) == (0, "")
    note = "note: the forward graph alone, without gradients: stops raised ValueError: operands"
    assert " ".join(out.split()).count(note) == 1  # of both pictures
    picture = Path("s.svg").read_text(encoding="utf-8")
    assert "stops, no gradients" in picture
    said = repr(diagram(Forward(tracer.load("s.trace"))))
    assert said.count("role='gradient'") == said.count("cut off") == 1
    assert "role='working'" not in said
    assert b"digraph" in Path("s.dot").read_bytes()


def test_a_run_that_fails_draws_what_was_recorded_and_says_which_pictures_it_can_not(edgegrad):
    code, out, err = edgegrad("run", "program.py:fails", "-o", "s.svg", "-o", "s.dot")
    assert (code, err.splitlines()[0][:6]) == (1, "error:")
    assert "ZeroDivisionError" in err
    assert "wrote s.svg" in out
    assert "the forward graph alone, without gradients: fails raised" in " ".join(out.split())
    assert "fails, no gradients" in Path("s.svg").read_text(encoding="utf-8")
    assert Path("s.dot").read_bytes().startswith(b"digraph")

    code, out, err = edgegrad("run", "program.py:fails", "-o", "other.svg", "--focus", "never")
    assert code == 1
    assert "ZeroDivisionError" in err
    assert "other.svg was not drawn: no input, variable or output is named 'never'" in " ".join(out.split())
    assert not Path("other.svg").exists()


def test_the_splitters_that_are_shown_have_the_largest_terms():
    def program(idle, x, y):
        return idle * 0.0 + idle * 0.0 + idle * 0.0 + x * 0.5 - x * 0.25 + y * 30.0 - y * 30.0

    trace = tracer.record(program, 1.0, 1.0, 1.0).backward()
    assert [line.name for line in summary(trace).splitters] == ["y", "x", "idle"]
