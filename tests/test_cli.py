"""The command line: its text on a plain 80-column terminal, its exit codes, and one clear line for each bad input."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import sample_graphs
import tracer
from viz import cli

SAMPLES = Path(sample_graphs.__file__).parent
GOLDEN = Path(__file__).parent / "golden"

PROGRAM = """
import sys
import numpy as np
from tracer import trace

@trace
def f(x=2.0, y=3.0):
    s = x * x
    return s * 5

def plain(a, b=1.0):
    return a * b

def no_number(a=1.0):
    return "text"

def no_use(a=1.0):
    return 3.0

def not_a_number(a=0.0):
    huge = 1e999 * a
    return huge - huge + a

def fails(a=1.0):
    b = a * 2
    return b / 0

def cuts(a=1.0):
    b = float(a) * 3
    return a * b

def several(a=1.0):
    b = a * 2
    return {"loss": b * b, "aux": a + 1}

def array(W, b=1.0):
    return (W * b).sum()

def vector(W):
    return W * 2

def many(*numbers, scale=1.0, **others):
    return (sum(numbers) + sum(others.values())) * scale

def first_only(a, /, b=2.0):
    return a * b

class Model:
    @staticmethod
    def loss(x=1.0):
        return x * x

not_a_function = 3

if __name__ == "__main__":
    raise SystemExit("the program ran as a script")
"""


def line_of(code):
    return next(number for number, line in enumerate(PROGRAM.split("\n"), 1) if code in line)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of one's own with a program in it, and a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("program.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@pytest.fixture
def edgegrad(folder, monkeypatch, capsys):  # noqa: ARG001  (the program is in it)
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["edgegrad", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return ended.value.code, out, err

    return call


def sample(name):
    shutil.copy(SAMPLES / f"{name}.py", ".")
    shutil.copy(SAMPLES / "iris.csv", ".")
    return f"{name}.py"


def in_a_process(*words, **environment):
    command = [sys.executable, "-c", "from viz.cli import main; main()", *words]
    root = Path(tracer.__file__).parent.parent
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")
    }
    return subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        check=False,
        env={**inherited, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8", **environment},
    )


def golden(name):
    return (GOLDEN / name).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------- what a person sees


def test_run_prints_gradients_and_sums_and_says_where_it_wrote(edgegrad):
    code, out, err = edgegrad("run", sample("splitter"), "-o", "s.svg", "-o", "s.trace")
    assert (code, err) == (0, "")
    assert out == golden("run_splitter.txt")
    assert Path("s.svg").read_text(encoding="utf-8").count("Σ 3 + 7 = ") == 1
    assert tracer.load("s.trace").grads == {"x": 10.0}


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


def test_the_next_command_that_run_hints_at_works(edgegrad):
    _, out, _ = edgegrad("run", sample("splitter"), "-o", "s.trace")
    hint = out.strip().split("\n")[-1]
    assert hint == "next: edgegrad explain s.trace x"
    assert edgegrad(*hint.split()[2:])[0] == 0


def test_samples_are_listed_in_the_order_of_their_package_and_run_by_name(edgegrad):
    code, out, _ = edgegrad("samples")
    assert code == 0
    names = [line.split()[0] for line in out.split("\n")[1:] if line and not line.startswith(" ")]
    assert names[:3] == ["splitter", "fan_out", "single_use"]
    assert len(names) == len(list(SAMPLES.glob("*.py"))) - 1
    code, out, _ = edgegrad("samples", "splitter", "x=3.0", "-o", "picture.svg")
    assert code == 0
    assert "splitter → 30" in out
    assert Path("picture.svg").exists()


def test_draw_writes_every_picture_that_is_asked_for(edgegrad):
    edgegrad("run", sample("splitter"), "-o", "s.trace")
    code, out, _ = edgegrad("draw", "s.trace", "-o", "a.svg", "-o", "b.dot", "--engine", "built-in")
    assert (code, out) == (0, "wrote a.svg\nwrote b.dot\n")
    assert Path("a.svg").read_bytes().startswith((b"<svg", b"<?xml"))
    assert b"digraph" in Path("b.dot").read_bytes()


# -------------------------------------------------------------------------------------------- choosing edges


@pytest.fixture
def residual(edgegrad):
    edgegrad("run", sample("residual"), "-o", "s.trace")
    return edgegrad


def edges_of(edgegrad, *words):
    code, out, err = edgegrad("edges", "s.trace", *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


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


# ------------------------------------------------------------------------------------------------------- JSON


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


# ------------------------------------------------------------------------------------------------- arguments


def test_values_are_python_literals(edgegrad):
    assert "f → 45" in edgegrad("run", "program.py", "x=-3.0")[1]
    assert (
        "many → 12" in edgegrad("run", "program.py:many", "numbers=[1.0, 2.0]", "scale=2", "other=3.0")[1]
    )
    assert "first_only → 8" in edgegrad("run", "program.py:first_only", "a=4.0")[1]
    assert "loss → 9" in edgegrad("run", "program.py:Model.loss", "x=3.0")[1]


def test_an_array_comes_from_a_file(edgegrad):
    np.save("W.npy", np.array([3.0, 4.0]))
    code, out, _ = edgegrad("run", "program.py:array", "W=@W.npy", "b=2.0")
    assert code == 0
    assert "W      (2,)  ‖5‖  (2,)  ‖2.828‖" in out


def test_an_array_file_is_never_unpickled(edgegrad):
    np.save("W.npy", np.array([print]), allow_pickle=True)
    code, _, err = edgegrad("run", "program.py:array", "W=@W.npy")
    assert (code, err) == (
        2,
        "error: the array of W can't be read; W.npy is no .npy file of numbers; write one with numpy.save\n",
    )


def test_one_of_several_outputs_is_chosen_by_name_or_position(edgegrad):
    assert "['loss'] 4 (seeded), ['aux'] 2" in edgegrad("run", "program.py:several", "--of", "loss")[1]
    Path("pair.py").write_text("def pair(a=1.0):\n    return a * 2, a * 3\n", encoding="utf-8")
    code, out, _ = edgegrad("run", "pair.py:pair", "--of", "1")
    assert code == 0
    assert "[1] 3 (seeded)" in out


def test_what_stands_below_main_does_not_run(edgegrad):
    assert edgegrad("run", "program.py")[0] == 0


def test_a_program_imports_its_neighbours_and_is_a_module_like_any_other(edgegrad):
    Path("neighbour.py").write_text("FACTOR = 4\n", encoding="utf-8")
    Path("uses_neighbour.py").write_text(
        "import sys\nfrom dataclasses import dataclass\nfrom neighbour import FACTOR\n\n"
        "@dataclass\nclass Pair:\n    a: float\n\n"
        "def f(x=2.0):\n    import neighbour\n    assert sys.modules[__name__].f is f\n    return Pair(x * FACTOR).a\n",
        encoding="utf-8",
    )
    before = list(sys.path)
    code, out, err = edgegrad("run", "uses_neighbour.py:f")
    assert (code, err) == (0, "")
    assert "f → 8" in out
    assert sys.path == before
    assert not Path("__pycache__/uses_neighbour.cpython-311.pyc").exists()


def test_a_program_may_be_called_like_a_module_that_is_in_use(edgegrad):
    Path("json.py").write_text("def f(x=2.0):\n    return x * 2\n", encoding="utf-8")
    assert "f → 4" in edgegrad("run", "json.py:f")[1]
    assert sys.modules["json"] is json


def test_a_program_is_read_afresh_each_time(edgegrad):
    Path("fresh.py").write_text("def f(x=2.0):\n    return x * 2\n", encoding="utf-8")
    edgegrad("run", "fresh.py:f")
    Path("fresh.py").write_text("def f(x=2.0):\n    return x * 3\n", encoding="utf-8")
    assert "f → 6" in edgegrad("run", "fresh.py:f")[1]


# -------------------------------------------------------------------------------------------- what is remarkable


def test_an_input_that_the_output_does_not_depend_on_is_told(edgegrad):
    _, out, _ = edgegrad("run", "program.py")
    assert "y          3  0 (the output does not depend on it)" in out


def test_a_nan_on_the_way_is_told_in_one_line(edgegrad):
    code, out, _ = edgegrad("run", "program.py:not_a_number", "-o", "s.trace")
    line = "⚠ NaN or infinity on 7 edges: 5 values and 2 gradients"
    assert code == 0
    assert line in out.split("\n")
    assert line in edgegrad("show", "s.trace")[1].split("\n")
    first = edges_of(edgegrad, "--sort", "grad", "--top", "1")["lines"][0]
    assert first["grad"] == "nan"


def test_a_cut_is_told_with_its_place(edgegrad, recwarn):
    _, out, err = edgegrad("run", "program.py:cuts")
    assert (
        f"cut at program.py:{line_of('float(a)')} by float(): no gradient comes back through float(a)"
        in out
    )
    assert err == ""
    assert not recwarn.list


def test_a_function_without_inputs_is_told(edgegrad):
    Path("none.py").write_text("def none():\n    return 3.0\n", encoding="utf-8")
    assert (
        "nothing is traced: no argument is a float, an int or a float array"
        in edgegrad("run", "none.py:none")[1]
    )


# ------------------------------------------------------------------------------------------------------ bad input

BAD_PROGRAMS = {
    "empty.py": "x = 1\n",
    "two.py": "from tracer import trace\n\n@trace\ndef a(x=1.0): ...\n\n@trace\ndef b(x=1.0): ...\n",
    "syntax.py": "x = 1\ndef f(:\n",
    "raises.py": "import math\n\ndef deep():\n    return math.sqrt(-1)\n\nvalue = deep()\n",
    "imports.py": "import not_there\n",
    "exits.py": "raise SystemExit(3)\n",
}
FUNCTIONS = (
    "f, plain, no_number, no_use, not_a_number, fails, cuts, several, array, vector, many, first_only"
)
DEBUG = "--debug shows the whole traceback"
BAD_INPUT = [
    (["run", "nothere.py"], 2, "there is no file nothere.py"),
    (["run", "progam.py"], 2, "there is no file progam.py; did you mean program.py?"),
    (["run", "."], 2, ". is a folder; name a Python file: FILE.py or FILE.py:FUNCTION"),
    (["run", "program.py:plian"], 2, "program.py has no function plian; did you mean plain?"),
    (["run", "program.py:qqq"], 2, f"program.py has no function qqq; its functions are {FUNCTIONS}"),
    (["run", "program.py:not_a_function"], 2, "not_a_function in program.py is no function; got int"),
    (
        ["run", "empty.py"],
        2,
        "empty.py has no traced function; it defines no function; put @trace on one, or name one: empty.py:FUNCTION",
    ),
    (["run", "two.py"], 2, "two.py has 2 traced functions; a, b; choose one: two.py:a"),
    (
        ["run", "syntax.py"],
        1,
        f"syntax.py can't be imported; at syntax.py:2; SyntaxError: invalid syntax in `def f(:`; {DEBUG}",
    ),
    (
        ["run", "raises.py"],
        1,
        (
            "raises.py can't be imported; at raises.py:4; ValueError: math domain error in `return math.sqrt(-1)`; "
            f"{DEBUG}"
        ),
    ),
    (
        ["run", "imports.py"],
        1,
        (
            "imports.py can't be imported; at imports.py:1; ModuleNotFoundError: No module named 'not_there' "
            f"in `import not_there`; {DEBUG}"
        ),
    ),
    (
        ["run", "exits.py"],
        1,
        f"exits.py can't be imported; at exits.py:1; SystemExit: 3 in `raise SystemExit(3)`; {DEBUG}",
    ),
    (["run", "program.py", "z=1.0"], 2, "f takes no argument z; it is f(x=2.0, y=3.0)"),
    (
        ["run", "program.py:many", "nubers=[1.0]", "scal=2.0", "-o", "nowhere/s.svg"],
        2,
        "can't write nowhere/s.svg; there is no folder nowhere; make it first",
    ),
    (
        ["run", "program.py:several", "aa=1.0"],
        2,
        "several takes no argument aa; it is several(a=1.0); did you mean a?",
    ),
    (["run", "program.py:plain"], 2, "plain needs a value for a; it is plain(a, b=1.0); give one: a=2.0"),
    (
        ["run", "program.py", "x=abc"],
        2,
        "the value of x is no Python literal; got 'abc'; write x=2.0, x=[1.0, 2.0], x=\"'text'\", or x=@array.npy",
    ),
    (
        ["run", "program.py", "x"],
        2,
        "'x' is no argument; arguments are NAME=VALUE, as in x=2.0 or 'W=[[1.0, 2.0]]' or W=@weights.npy",
    ),
    (["run", "program.py:many", "numbers=3"], 2, "*numbers takes a list; got 3; write numbers=[1.0, 2.0]"),
    (
        ["run", "program.py:array", "W=@no.npy"],
        2,
        "the array of W can't be read; no.npy: No such file or directory",
    ),
    (
        ["run", "program.py:no_number"],
        1,
        (
            "no_number returned nothing that has a gradient; got str, expected a float, an array, "
            "or a container of them; return the value that you want the gradient of"
        ),
    ),
    (
        ["run", "program.py:several"],
        1,
        ("several returned several values; got 2 outputs: ['loss'], ['aux']; choose one with --of"),
    ),
    (
        ["run", "program.py:several", "--of", "los"],
        1,
        "several has no output 'los'; choose from ['loss'], ['aux']",
    ),
    (
        ["run", "program.py:fails"],
        1,
        f"fails raised ZeroDivisionError: float division by zero; at program.py:{line_of('b / 0')}",
    ),
    (
        ["run", "program.py:cuts", "--strict"],
        1,
        (
            f"a traced value left the graph through float(); at program.py:{line_of('float(a)')}; value 1.0; "
            "what is computed from it carries no gradient back; detach(x) says that this is meant"
        ),
    ),
    (
        ["run", "program.py", "-o", "s.gif"],
        2,
        "can't write s.gif; its suffix is '.gif'; use one of .svg, .png, .pdf, .dot, .trace",
    ),
    (
        ["run", "program.py", "-o", "picture"],
        2,
        "can't write picture; it has no suffix, which says the format; use one of .svg, .png, .pdf, .dot, .trace",
    ),
    (
        ["run", "program.py", "-o", "folder.svg"],
        2,
        "can't write folder.svg; it is a folder; name a file in it",
    ),
    (["show", "no.trace"], 2, "there is no file no.trace; make one: edgegrad run FILE.py -o no.trace"),
    (["show", "godo.trace"], 2, "there is no file godo.trace; did you mean good.trace?"),
    (
        ["show", "program.py"],
        2,
        "program.py is a program, not a trace; run it first: edgegrad run program.py -o out.trace",
    ),
    (["show", "folder.svg"], 2, "folder.svg is a folder; name a .trace file"),
    (["explain", "good.trace", "xx"], 1, "no input, variable or output is named 'xx'; did you mean x?"),
    (
        ["edges", "good.trace", "--name", "ss"],
        1,
        "no input, variable or output is named 'ss'; did you mean s?",
    ),
    (
        ["edges", "good.trace", "--op", "mul"],
        2,
        "the trace of f has no operation mul; did you mean multiply?",
    ),
    (["edges", "good.trace", "--op", "zz"], 2, "the trace of f has no operation zz; it has multiply"),
    (
        ["draw", "good.trace", "-o", "s.trace"],
        2,
        "can't write s.trace; its suffix is '.trace'; use one of .svg, .png, .pdf, .dot",
    ),
    (["samples", "spliter"], 2, "there is no sample spliter; did you mean splitter?"),
    (["foo"], 2, "No such command 'foo'"),
    (["run"], 2, "Missing argument 'FILE.py[:FUNC]'"),
]


@pytest.fixture
def bad_inputs(edgegrad):
    for name, text in BAD_PROGRAMS.items():
        Path(name).write_text(text, encoding="utf-8")
    edgegrad("run", "program.py", "-o", "good.trace")
    Path("folder.svg").mkdir()
    return edgegrad


@pytest.mark.parametrize(
    ("words", "code", "message"), BAD_INPUT, ids=[" ".join(row[0]) for row in BAD_INPUT]
)
def test_bad_input_has_one_clear_line(bad_inputs, words, code, message):
    assert bad_inputs(*words) == (code, "", f"error: {message}\n")


def test_a_file_that_is_no_trace(edgegrad):
    Path("text.trace").write_text("hello", encoding="utf-8")
    code, out, err = edgegrad("show", "text.trace")
    assert (code, out) == (1, "")
    assert err.startswith("error: text.trace is no trace file; ")
    assert err.count("\n") == 1


def test_a_trace_that_is_cut_off(edgegrad):
    edgegrad("run", "program.py", "-o", "whole.trace")
    whole = Path("whole.trace").read_bytes()
    Path("half.trace").write_bytes(whole[: len(whole) // 2])
    for command in (["show"], ["edges"], ["explain"], ["draw", "-o", "x.svg"]):
        words = [command[0], "half.trace", *(["x"] if command == ["explain"] else command[1:])]
        code, out, err = edgegrad(*words)
        assert (code, out) == (1, "")
        assert err.startswith("error: half.trace is ")
        assert err.count("\n") == 1


def test_a_trace_of_a_newer_version(edgegrad):
    edgegrad("run", "program.py", "-o", "now.trace")
    with zipfile.ZipFile("now.trace") as now, zipfile.ZipFile("newer.trace", "w") as newer:
        for member in now.namelist():
            text = now.read(member)
            if member.endswith(".json"):
                told = json.loads(text)
                told["format_version"] = 999
                text = json.dumps(told).encode()
            newer.writestr(member, text)
    code, _, err = edgegrad("show", "newer.trace")
    assert code == 1
    assert err.startswith("error: newer.trace ")
    assert "999" in err


def test_a_run_that_fails_saves_what_was_recorded(edgegrad):
    code, out, err = edgegrad("run", "program.py:fails", "-o", "s.trace", "-o", "s.svg")
    assert code == 1
    assert out == "wrote s.trace: what was recorded; look at it with edgegrad show\n"
    assert (
        err
        == f"error: fails raised ZeroDivisionError: float division by zero; at program.py:{line_of('b / 0')}\n"
    )
    assert tracer.load("s.trace")["b"].value == 2.0
    code, out, _ = edgegrad("show", "s.trace")
    assert code == 0
    assert out.startswith(
        "fails raised ZeroDivisionError: float division by zero\n1 input · 1 operation · 1 edge\n"
    )
    code, out, _ = edgegrad("edges", "s.trace")
    assert code == 0
    assert "a → b" in out
    code, _, err = edgegrad("explain", "s.trace", "a")
    assert code == 1
    assert err.startswith("error: fails raised an exception, so it has no output to go back from")


def test_a_run_without_a_gradient_is_saved_too(edgegrad):
    code, out, _ = edgegrad("run", "program.py:no_number", "-o", "s.trace")
    assert (code, out) == (1, "wrote s.trace: what was recorded; look at it with edgegrad show\n")
    code, out, _ = edgegrad("show", "s.trace")
    assert code == 0
    assert "no gradients: no_number returned nothing that has a gradient" in out


def test_an_array_output_without_seed(edgegrad):
    np.save("W.npy", np.ones(3))
    code, _, err = edgegrad("run", "program.py:vector", "W=@W.npy")
    assert code == 1
    assert err.startswith("error: the output of vector is an array, so its gradient needs a seed; ")


@pytest.mark.usefixtures("folder")
def test_the_traceback_comes_with_debug_alone():
    quiet = in_a_process("run", "program.py:fails")
    assert (quiet.returncode, b"Traceback" in quiet.stderr) == (1, False)
    loud = in_a_process("run", "program.py:fails", "--debug")
    assert loud.returncode == 1
    assert b"Traceback" in loud.stderr
    assert b"ZeroDivisionError: float division by zero" in loud.stderr
    assert b"\xe2\x95\xad" not in loud.stderr  # no frame around it


# ---------------------------------------------------------------------------------------------- pipes and shells


@pytest.mark.usefixtures("folder")
def test_piped_output_has_no_colours_and_is_not_cut():
    in_a_process("run", sample("fan_out"), "-o", "s.trace")
    piped = in_a_process("edges", "s.trace")
    assert piped.returncode == 0
    assert b"\x1b" not in piped.stdout
    assert b"total + x**power" in piped.stdout


def test_a_terminal_has_colours(edgegrad, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    _, out, _ = edgegrad("run", sample("splitter"))
    assert "\x1b[32m" in out
    assert "\x1b[31m" in out


@pytest.mark.usefixtures("folder")
def test_a_reader_that_goes_away_is_no_error():
    in_a_process("run", sample("rnn"), "-o", "s.trace")
    command = [sys.executable, "-c", "from viz.cli import main; main()", "edges", "s.trace", "--json"]
    root = Path(tracer.__file__).parent.parent
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(root)}
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_every_command_has_help_with_an_example(edgegrad):
    for command in ("run", "show", "edges", "explain", "draw", "samples"):
        code, out, _ = edgegrad(command, "--help")
        assert code == 0
        assert f"Example:  edgegrad {command}" in out
    code, out, _ = edgegrad()
    assert code == 0
    assert "Usage: edgegrad" in out


@pytest.mark.usefixtures("folder")
def test_shells_complete_names():
    in_a_process("run", sample("residual"), "-o", "s.trace")

    def completed(words):
        answer = in_a_process(
            _EDGEGRAD_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
        )
        return answer.stdout.decode().split()

    assert completed("edgegrad explain s.trace w") == ["weight"]
    assert completed("edgegrad samples spl") == ["splitter"]
    assert completed("edgegrad explain no.trace w") == []


@pytest.mark.usefixtures("folder")
def test_help_needs_neither_numpy_nor_matplotlib():
    program = (
        "import sys; sys.argv = ['edgegrad', '--help']; from viz.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'matplotlib', 'tracer'} & set(sys.modules)))"
    )
    root = Path(tracer.__file__).parent.parent
    out = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"},
    ).stdout
    assert out.decode().strip().split("\n")[-1] == "[]"
