"""run, draw and samples: programs and their arguments, what is written, and what is remarkable about a run."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import SAMPLES, edges_of, golden, line_of, sample

import tracer
from viz import diagram, hints


def test_run_prints_gradients_and_sums_and_says_where_it_wrote(edgegrad):
    code, out, err = edgegrad("run", sample("splitter"), "-o", "s.svg", "-o", "s.trace")
    assert (code, err) == (0, "")
    assert out == golden("run_splitter.txt")
    assert Path("s.svg").read_text(encoding="utf-8").count("Σ 3 + 7 = ") == 1
    assert tracer.load("s.trace").grads == {"x": 10.0}


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


def test_a_long_picture_is_announced_before_it_is_drawn(edgegrad, monkeypatch):
    monkeypatch.setattr(hints, "LONG_PICTURE", 3)
    code, out, err = edgegrad("run", sample("splitter"), "--exact", "-o", "s.svg")
    assert code == 0
    assert "wrote s.svg\n" in out
    assert err == (
        "drawing 6 nodes takes a while and makes a very long picture; without --exact it is rolled up, "
        "and --focus NAME shows a part as it ran\n"
    )
    assert edgegrad("run", sample("splitter"), "-o", "s.svg")[2] == ""
    assert edgegrad("run", sample("splitter"), "--exact")[2] == ""


LOOP = """
def loop(x, w):
    for _ in range(100):
        x = x * w + 0.1
    return x
"""


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".dot"])
def test_a_long_run_is_drawn_rolled_up_and_says_so(edgegrad, suffix):
    Path("repeated.py").write_text(LOOP, encoding="utf-8")
    code, out, err = edgegrad("run", "repeated.py:loop", "x=0.5", "w=0.9", "-o", f"loop{suffix}")
    assert (code, err) == (0, "")
    assert Path(f"loop{suffix}").stat().st_size > 1_000
    assert "rolled up: 204 nodes as 6 boxes" in " ".join(out.split())
    _, exact, _ = edgegrad("run", "repeated.py:loop", "x=0.5", "w=0.9", "--exact", "-o", f"exact{suffix}")
    assert "rolled up" not in exact
    assert Path(f"exact{suffix}").stat().st_size > 2 * Path(f"loop{suffix}").stat().st_size


@pytest.mark.parametrize("words", [["run", "newton.py"], ["samples", "newton"], ["draw", "n.trace"]])
def test_a_short_run_is_drawn_rolled_up_where_that_is_asked_for(edgegrad, words):
    edgegrad("run", sample("newton"), "-o", "n.trace")
    code, out, err = edgegrad(*words, "-o", "n.svg", "--rolled")
    assert (code, err) == (0, "")
    assert "rolled up: " in out
    assert "×5" in Path("n.svg").read_text("utf-8")  # turns


def test_a_picture_of_too_many_nodes_is_refused_at_once_and_the_trace_is_kept(edgegrad, monkeypatch):
    monkeypatch.setattr(diagram, "NODE_LIMIT", 5)
    monkeypatch.setattr(hints, "LONG_PICTURE", 3)
    code, out, err = edgegrad("run", sample("splitter"), "-o", "s.svg", "-o", "s.trace")
    assert code == 1
    assert "wrote s.trace\n" in out
    assert err == (
        "error: a picture of 6 nodes can't be read; it would take about 0 seconds, and be 10.4 KiB as .svg; "
        "5 nodes are drawn unasked; leave --exact out, or look at a part: --focus NAME, or --only FUNCTION; "
        "--force (in Python force=True) draws it all the same\n"
    )
    assert tracer.load("s.trace").grads == {"x": 10.0}
    assert not Path("s.svg").exists()


def test_a_part_is_drawn_and_paths_are_marked_also_as_a_program_is_run(edgegrad):
    code, out, _ = edgegrad("samples", "splitter", "-o", "s.svg", "-o", "s.trace", "--path", "x")
    assert (code, Path("s.svg").read_text("utf-8").count("largest path of x")) == (0, 1)
    code, out, _ = edgegrad("draw", "s.trace", "-o", "part.svg", "--focus", "x", "--depth", "0")
    assert (code, out) == (0, "wrote part.svg\n")
    assert "left out of this view" in Path("part.svg").read_text("utf-8")
    code, out, _ = edgegrad("draw", "s.trace", "-o", "h.svg", "--highlight", "findings")
    assert (code, out) == (0, "wrote h.svg\nnote: there are no findings to highlight\n")


def test_values_are_python_literals(edgegrad):
    assert "f → 45" in edgegrad("run", "program.py", "x=-3.0")[1]
    assert (
        "many → 12" in edgegrad("run", "program.py:many", "numbers=[1.0, 2.0]", "scale=2", "other=3.0")[1]
    )
    assert "first_only → 8" in edgegrad("run", "program.py:first_only", "a=4.0")[1]
    assert "loss → 9" in edgegrad("run", "program.py:Model.loss", "x=3.0")[1]
    for value, shown in (("nan", "nan"), ("inf", "inf"), ("-inf", "−inf")):
        assert f"first_only → ⚠ {shown}\n" in edgegrad("run", "program.py:first_only", f"a={value}")[1]
        listed = edgegrad("run", "program.py:many", f"numbers=[1.0, {value}]", "scale=2", "other=3.0")
        assert f"many → ⚠ {shown}\n" in listed[1]


SCRIPT = """
import numpy as np
import pytest
weights = np.array([1.0, 2.0])
class Layer:
    def __init__(self):
        self.bias = 0.5
layer = Layer()
def loss(x=3.0):
    return float_sum(weights * x) + layer.bias * x
def float_sum(values):
    return values[0] + values[1]
"""


def test_a_script_whose_weights_are_globals_is_looked_at_unchanged(edgegrad):
    Path("script.py").write_text(SCRIPT)
    code, out, err = edgegrad(
        "run", "script.py:loss", "--watch", "weights", "--watch", "layer", "-o", "s.trace"
    )
    assert (code, err) == (0, "")
    grads = tracer.load("s.trace").grads
    assert grads["x"] == 3.5
    assert grads["weights"].tolist() == [3.0, 3.0]
    assert grads["layer"] == {"bias": 3.0}
    assert "layer.bias" in out
    code, _, err = edgegrad("run", "script.py:loss", "--watch", "wieghts")
    assert code == 2
    assert err.startswith(
        "error: nothing named 'wieghts' can be watched; it is neither a global nor a closure"
    )


def test_an_array_comes_from_a_file(edgegrad):
    np.save("W.npy", np.array([3.0, 4.0]))
    code, out, _ = edgegrad("run", "program.py:array", "W=@W.npy", "b=2.0")
    assert edgegrad("run", "program.py:array", "W=np.array([3.0, 4.0])", "b=2.0") == (code, out, "")
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


def test_an_input_that_the_output_does_not_depend_on_is_told(edgegrad):
    _, out, _ = edgegrad("run", "program.py")
    assert "y          3  0 (the output does not depend on it)" in out


def test_a_nan_on_the_way_is_told_with_its_origin(edgegrad):
    code, out, _ = edgegrad("run", "program.py:not_a_number", "-o", "s.trace")
    told = (
        "⚠ NaN or infinity on 7 edges: 5 values and 2 gradients\n"
        f"it begins with huge = 1e999 * a at program.py:{line_of('1e999')}, which gave ⚠ nan\n"
    )
    assert code == 0
    assert told in out
    assert told in edgegrad("show", "s.trace")[1]
    first = edges_of(edgegrad, "--sort", "grad", "--top", "1")["lines"][0]
    assert first["grad"] == "nan"


def test_a_gradient_that_becomes_infinite_is_told_with_its_origin(edgegrad):
    Path("root.py").write_text(
        "import math\ndef root(x=0.0):\n    return 3 * math.sqrt(x)\n", encoding="utf-8"
    )
    assert (
        "it begins on the way back through math.sqrt(x) at root.py:3, which gave 0\n"
        in edgegrad("run", "root.py:root")[1]
    )


def test_an_input_that_is_infinite_is_the_origin_itself(edgegrad):
    assert "it begins with x, which is ⚠ inf\n" in edgegrad("run", "program.py", "x=1e999")[1]


def test_a_mask_is_no_origin(edgegrad):
    Path("mask.py").write_text(
        "import numpy as np\n"
        "def mask(s=np.array([1.0, 2.0])):\n"
        "    masked = s + np.array([-np.inf, -np.inf])\n"
        "    shifted = masked - np.max(masked)\n"
        "    return np.sum(np.exp(shifted))\n",
        encoding="utf-8",
    )
    with np.errstate(all="ignore"):
        out = edgegrad("run", "mask.py:mask")[1]
    assert "it begins with shifted = masked - np.max(masked) at mask.py:4" in " ".join(out.split())


def test_a_cut_is_told_with_its_place(edgegrad, recwarn):
    _, out, err = edgegrad("run", "program.py:cuts")
    assert (
        f"cut at program.py:{line_of('float(a)')} by float(): no gradient comes back through float(a) to a"
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
