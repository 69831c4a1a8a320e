"""Ways by which a number comes back that the text of the program shows to nobody who believes it at once."""

from __future__ import annotations

import warnings
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tracer import record
from tracer.errors import CutWarning

KEEPS = "class Keeps:\n    def {}(self, *given):\n        self.had = given[0]\n        return self\nKEEP = Keeps()\n"
# In each, `float(x) * 3` comes back as `back`; the lines before the function stand above a line of dashes
BACK = {
    "a key": "d = {}; d[float(x) * 3] = 1; back = max(d)",
    "an operator of an object": KEEPS.format("__radd__") + "---\nfloat(x) * 3 + KEEP; back = KEEP.had",
    "a comparison of an object": KEEPS.format("__gt__") + "---\nfloat(x) * 3 < KEEP; back = KEEP.had",
    "an object that is added to": KEEPS.format("__iadd__") + "---\nk = KEEP; k += float(x) * 3; back = KEEP.had",
    "an assertion": "try:\n    assert not x, float(x) * 3\nexcept AssertionError as e: back = e.args[0]",
    "an error of a helper": "def g(l):\n    if l: raise ValueError(f'{l}')\n"
    "---\ntry: g(float(x) * 3)\nexcept ValueError as e: back = float(str(e))",
    "a list that may be given": "KEPT = []\ndef g(x, kept=None):\n    if kept is None: kept = []\n"
    "    kept.append(float(x) * 3)\n---\ng(x, KEPT); back = KEPT[-1]",
    "another name of a list": "KEPT = []\n---\nk = KEPT; k += [float(x) * 3]; back = KEPT[-1]",
    "what a generator returns": "def g(x):\n    yield\n    return float(x) * 3\n"
    "---\nk = g(x); next(k)\ntry: next(k)\nexcept StopIteration as e: back = e.value",
    "a coroutine": "async def g(x): return float(x) * 3\n"
    "---\ntry: g(x).send(None)\nexcept StopIteration as e: back = e.value",
    "what calls a helper": "def g(x): return float(x) * 3\n---\nk = []; k.extend(map(g, [x])); back = k[0]",
    "a cache": "from functools import cache\nclass A: pass\ndef h(a): return float(a.x) * 3\nh = cache(h)\n"
    "---\na = A(); a.x = x; h(a); back = h(a)",
    "an array by place": "import numpy as np\nBUF = np.zeros(1)\n---\nnp.multiply(float(x), 3, BUF); back = BUF[0]",
    "a key function": "KEPT = []\n---\nmax([float(x) * 3], key=lambda v: KEPT.append(v) or v); back = KEPT[-1]",
    "further arguments": "def g(a, *more, b=0): return more[-1]\n---\nback = g(1, float(x) * 3)",
    "another print": "KEPT = []\nglobals()['print'] = KEPT.append\n---\nprint(float(x) * 3); back = KEPT[-1]",
    "what is printed": "import contextlib, io\n---\nk = io.StringIO()\nwith contextlib.redirect_stdout(k): print(float(x) * 3)\n"
    "back = float(k.getvalue())",
    "a function of a module": "import logging\nKEPT = []\nlogging.info = KEPT.append\n"
    "---\nlogging.info(float(x) * 3); back = KEPT[-1]",
    "a class": "---\nback = type('A', (), {'v': float(x) * 3}).v",
    "a text beside a quiet cut": "---\nk = [float(f'{x:.9f}')]; print(float(x)); back = k[0]",
}  # fmt: skip


def _program(tmp_path, text):
    before, _, lines = text.rpartition("---\n")
    path = tmp_path / "program.py"
    body = "\n".join(f"    {line}" for line in lines.splitlines())
    path.write_text(f"{before}def f(x):\n{body}\n    return back * x\n", "utf-8")
    spec = spec_from_file_location("program", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


@pytest.mark.parametrize("text", BACK.values(), ids=BACK)
def test_it_is_one_warning(tmp_path, text):
    with pytest.warns(CutWarning, match=r"program\.py") as told:
        assert record(_program(tmp_path, text), 1.2345678).grads["x"] > 0
    assert len(told) == 1


def test_an_array_of_the_result_has_it(tmp_path):
    text = "import numpy as np\n---\nback = np.zeros(2); back[0] = float(x) * 3; back[1] = x"
    with pytest.warns(CutWarning, match=r"program\.py"):
        record(_program(tmp_path, text), 1.37)


def test_an_error_that_nothing_catches_ends_the_run(tmp_path):
    text = (
        "l = float(x) * 3\nif l > 9: raise ValueError(f'{l}')\nassert l < 9, l\nback = 0.7 * x / (2 + 0.3)"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(_program(tmp_path, text), 1.37)
