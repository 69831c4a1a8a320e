"""What the tests of the command line share: a program to run, and ways to run it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import sample_graphs
import tracer

SAMPLES = Path(sample_graphs.__file__).parent
GOLDEN = Path(__file__).parent / "golden"
try:
    1.0 / 0  # noqa: B018  (for what it raises)
except ZeroDivisionError as error:
    BY_ZERO = f"ZeroDivisionError: {error}"  # whose words depend on the version of Python

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


def edges_of(edgegrad, *words):
    code, out, err = edgegrad("edges", "s.trace", *words, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)
