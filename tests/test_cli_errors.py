"""Bad input to the command line: one clear line and the exit code for each."""

import json
import zipfile
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from command_line import BY_ZERO, in_a_process, line_of

import tracer

BAD_PROGRAMS = {
    "empty.py": "x = 1\n",
    "helped.py": "def again(f):\n    return lambda *x: f(*x)\n\ndef g(x): ...\n\n@again\ndef loss(x=1.0):\n    return g(x)\n",
    "two.py": "from tracer import trace\n\n@trace\ndef a(x=1.0): ...\n\n@trace\ndef b(x=1.0): ...\n",
    "syntax.py": "x = 1\ndef f(:\n",
    "raises.py": "import math\n\ndef deep():\n    return math.factorial(-1)\n\nvalue = deep()\n",
    "imports.py": "import not_there\n",
    "exits.py": "raise SystemExit(3)\n",
    "later.py": "async def later(x=1.0):\n    return x\n",
}
FUNCTIONS = (
    "f, plain, no_number, no_use, not_a_number, fails, cuts, several, array, vector, many, first_only"
)
DEBUG = "--debug shows the whole traceback"
BAD_INPUT = [
    (["run", "nothere.py"], 2, "there is no file nothere.py"),
    (["run", "progam.py"], 2, "there is no file progam.py; did you mean program.py?"),
    (
        ["run", "program.py", "-o", "x.svg", "--engine", "neato"],
        2,
        "Invalid value for '--engine': 'neato' is not one of 'graphviz-pure', 'dot', 'built-in'",
    ),
    (["run", "."], 2, ". is a folder; name a Python file: FILE.py or FILE.py:FUNCTION"),
    (["run", "program.py:plian"], 2, "program.py has no function plian; did you mean plain?"),
    (["run", "program.py:qqq"], 2, f"program.py has no function qqq; its functions are {FUNCTIONS}"),
    (["run", "program.py:not_a_function"], 2, "not_a_function in program.py is no function; got int"),
    (
        ["run", "empty.py"],
        2,
        "empty.py has no traced function; it defines no function; put @trace on one, or name one: empty.py:FUNCTION",
    ),
    (
        ["run", "helped.py"],
        2,
        "helped.py has no traced function; its functions are again, g, loss; put @trace on one, or name one: helped.py:loss",
    ),
    (
        ["run", "later.py:later"],
        1,
        (
            "later is an async function; at later.py:1; its body has not run when the call returns, so there is no "
            "result to go back from; trace a function that runs it to its end: record(lambda x: asyncio.run(later(x)), x)"
        ),
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
            "raises.py can't be imported; at raises.py:4; ValueError: factorial() not defined for negative values in `return math.factorial(-1)`; "
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
    (["run", "program.py", "x=1.0", "x=2.0"], 2, "x is given twice; give one value: x=…"),
    (
        ["run", "program.py:plain"],
        2,
        "plain needs a value for a; it is plain(a, b=1.0); give one: a=2.0; for an array, a='np.array([1.0, 2.0])' or a=@array.npy",
    ),
    (
        ["run", "program.py", "x=abc"],
        2,
        "the value of x is no Python literal; got 'abc'; write x=2.0, x='[1.0, 2.0]', x=\"'text'\", x='np.array([1.0, 2.0])' or x=@array.npy",
    ),
    (
        ["run", "program.py", "x"],
        2,
        "'x' is no argument; arguments are NAME=VALUE, as in x=2.0 or 'W=[[1.0, 2.0]]' or W=@weights.npy",
    ),
    (
        ["run", "program.py:array", "W=[[1, 2]]"],
        1,
        "array raised TypeError: can't multiply sequence by non-int of type 'float'; at program.py:37; W is a list; for an array, W='np.array([1.0, 2.0])' or W=@array.npy",
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
        "several returned several values; got 2 outputs: ['loss'], ['aux']; choose one: --of loss",
    ),
    (
        ["run", "program.py:several", "--of", "los"],
        2,
        "several has no output 'los'; choose from ['loss'], ['aux']",
    ),
    (
        ["run", "program.py:fails"],
        1,
        f"fails raised {BY_ZERO}; at program.py:{line_of('b / 0')}",
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
        "can't write s.gif; its suffix is '.gif'; use one of .svg, .png, .pdf, .dot, .html, .mmd, .graphml, .json, .trace",
    ),
    (
        ["run", "program.py", "-o", "picture"],
        2,
        "can't write picture; it has no suffix, which says the format; use one of .svg, .png, .pdf, .dot, .html, .mmd, .graphml, .json, .trace",
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
        "program.py is a program, not a trace; run it first: edgegrad run program.py -o program.trace",
    ),
    *(
        (
            [*words, "program.py:plain", *more],
            2,
            (
                "program.py:plain is a program, not a trace; run it first: "
                "edgegrad run program.py:plain -o program.trace"
            ),
        )
        for words, more in [
            (["explain"], ["a"]),
            (["show"], []),
            (["edges"], []),
            (["verify"], []),
            (["diff", "good.trace"], []),
        ]
    ),
    (["show", "folder.svg"], 2, "folder.svg is a folder; name a .trace file"),
    (["explain", "good.trace", "xx"], 2, "no input, variable or output is named 'xx'; did you mean x?"),
    (
        ["edges", "good.trace", "--name", "ss"],
        2,
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
        "can't write s.trace; its suffix is '.trace'; use one of .svg, .png, .pdf, .dot, .html, .mmd, .graphml, .json",
    ),
    (
        ["draw", "good.trace", "-o", "s.svg", "--focus", "xx"],
        2,
        "no input, variable or output is named 'xx'; did you mean x?",
    ),
    (
        ["draw", "good.trace", "-o", "s.svg", "--only", "helper"],
        2,
        "no function that was called is named 'helper'; no other function was called in this run",
    ),
    (
        ["draw", "good.trace", "-o", "s.svg", "--focus", "x", "--only", "f"],
        2,
        "a picture has one subject; got focus 'x' and only 'f'; choose one of the two",
    ),
    *(
        (
            [*words, "-o", "s.svg", "--exact", "--rolled"],
            2,
            (
                "a picture is exact or rolled up; got both; leave one of them out; "
                "without either, only a large graph is rolled up"
            ),
        )
        for words in (["draw", "good.trace"], ["run", "program.py:fails"], ["samples", "splitter"])
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
    assert out.startswith(
        "wrote s.trace: what was recorded; look at it with  edgegrad show s.trace\nwrote s.svg\n"
    )
    assert err == f"error: fails raised {BY_ZERO}; at program.py:{line_of('b / 0')}\n"
    assert tracer.load("s.trace")["b"].value == 2.0
    code, out, _ = edgegrad("show", "s.trace")
    assert code == 0
    assert out.startswith(f"fails raised {BY_ZERO}\n1 input · 1 operation · 1 edge\n")
    code, out, _ = edgegrad("edges", "s.trace")
    assert code == 0
    assert "a → b" in out
    code, _, err = edgegrad("explain", "s.trace", "a")
    assert code == 1
    assert err.startswith("error: fails raised an exception, so it has no output to go back from")


def test_a_run_without_a_gradient_is_saved_too(edgegrad):
    code, out, _ = edgegrad("run", "program.py:no_number", "-o", "s.trace")
    assert (code, out) == (1, "wrote s.trace: what was recorded; look at it with  edgegrad show s.trace\n")
    code, out, _ = edgegrad("show", "s.trace")
    assert code == 0
    assert "no gradients: no_number returned nothing that has a gradient" in out


def test_a_trace_without_a_seed_is_told_of_the_option(edgegrad):
    np.save("W.npy", np.ones(3))
    edgegrad("run", "program.py:vector", "W=@W.npy", "-o", "v.trace")
    Path("c.json").write_text('{"W": [1, 1, 1]}')
    for words in (("explain", "v.trace", "W"), ("paths", "v.trace", "W"), ("audit", "v.trace", "c.json")):
        code, _, err = edgegrad(*words)
        assert (code, "--seed '[1.0, …]' or --seed @FILE.npy" in err, "backward(" in err) == (
            1,
            True,
            False,
        )


def test_an_array_output_without_seed(edgegrad):
    np.save("W.npy", np.ones(3))
    code, _, err = edgegrad("run", "program.py:vector", "W=@W.npy")
    assert code == 1
    assert err.startswith("error: the output of vector is an array, so its gradient needs a seed; ")


def test_the_version_is_that_of_the_distribution(edgegrad):
    assert edgegrad("--version") == (0, f"edgegrad {metadata.version('edgegrad')}\n", "")


@pytest.mark.usefixtures("folder")
def test_the_traceback_comes_with_debug_alone():
    quiet = in_a_process("run", "program.py:fails")
    assert (quiet.returncode, b"Traceback" in quiet.stderr) == (1, False)
    loud = in_a_process("run", "program.py:fails", "--debug")
    assert loud.returncode == 1
    assert b"Traceback" in loud.stderr
    assert BY_ZERO.encode() in loud.stderr
    assert b"\xe2\x95\xad" not in loud.stderr  # no frame around it
