"""Walking through the backward pass: steps as data, keys, screens, lines; in a real terminal where there is one."""

import json
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import viz_programs as programs
from command_line import sample

import tracer
from tracer import detach, record
from tracer.errors import LookupNameError, UsageError
from viz.graph_text import graph_lines
from viz.step_text import lines_of
from viz.stepper import Stepper
from viz.steps import Steps, written

MATRIX, VECTOR = np.arange(9.0).reshape(3, 3) / 10, np.arange(3.0)


def recurrent(W, h, b):  # noqa: N803  (a matrix)
    for _ in range(3):
        h = np.tanh(W @ h + b)
    return (h * h).sum()


def residual(x=3.0, weight=0.5):
    main = weight * x**2
    y = x + main
    return y**2


def with_a_cut(x):
    return x * x * detach(x)


TRACES = [
    lambda: record(residual),
    lambda: record(recurrent, MATRIX, VECTOR, 0.5),
    lambda: record(programs.fan_out, 2.0),
    lambda: record(programs.zeros, 1.0, 2.0, 3.0),
    lambda: record(with_a_cut, 1.5),
    lambda: record(programs.not_finite, 1.0, 2.0),
    lambda: record(lambda z: (z * z + z * 2j).real, 1 + 2j),
]


@pytest.mark.parametrize("make", TRACES)
def test_every_step_is_the_edge_that_fires_with_what_its_splitter_has_by_then(make):
    trace = make()
    steps = Steps(trace)
    assert len(steps) == sum(edge.step is not None for edge in trace.edges)
    order = [*range(len(steps)), *reversed(range(0, len(steps), 2))]  # forwards, and then back
    for number in order:
        edge, step = steps.edge(number), steps[number]
        assert (edge.step, step.edge.step) == (number, number)
        splitter = edge.dst if edge.dst.op == "copy" else edge.src
        if splitter.op != "copy":
            assert step.splitter is None
            continue
        fired = [use for use in splitter.out_edges if use.step is not None]
        arrived = [use.grad for use in fired if use.step <= number]
        assert (step.splitter.arrived, step.splitter.uses) == (len(arrived), len(fired))
        assert step.splitter.so_far == pytest.approx(sum(arrived), nan_ok=True)
        if len(arrived) == len(fired):
            assert np.array_equal(step.splitter.so_far, splitter.grad, equal_nan=True)


@pytest.mark.parametrize("make", TRACES)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_screen_fits_and_shows_nothing_that_has_not_come_back_yet(make, width):
    trace = make()
    stepper = Stepper(Steps(trace))
    for number in range(len(stepper.steps)):
        lines = stepper.screen(width, 24)
        assert len(lines) == 24
        assert max(len(line) for line in lines) <= width
        told = "\n".join(line.plain for line in lines)
        assert f"step {number} of {len(stepper.steps) - 1}" in told
        assert told.count("▶   ←") <= 1
        stepper.press("right")


def test_what_has_not_come_back_yet_is_not_shown():
    trace = record(residual)
    steps = Steps(trace)
    for number in range(len(steps)):
        later = [edge for edge in trace.edges if edge.dst.kind != "splitter" and edge.step > number]
        rows = [line.plain for line in graph_lines(trace, now=number) if "← " in line.plain]
        assert sum(row.endswith("·") for row in rows) == len(later)


def test_a_splitter_waits_for_its_uses_and_its_sum_builds_up():
    stepper = Stepper(Steps(record(residual)))
    shown = []
    for _ in range(len(stepper.steps)):
        shown.append("\n".join(line.plain for line in stepper.screen(100, 40)))
        stepper.press(" ")
    assert "15 × 1 = 15\n  from y back to x, 1st operand of add" in shown[3]
    assert "▶ " + str(_line("y = x + main")).rjust(4) + " │     y = x + main" in shown[3]
    assert "◆ x waits: 1 of 2 uses, 15 so far\n    ● 15            line" in shown[3]
    assert "    ○ waiting       line" in shown[3]
    assert "x            = 3  ◆ waiting 1 of 2   input" in shown[3]
    assert "▶   ← x        15 × 1 = 15" in shown[3]
    assert "    ← weight   ·" in shown[3]
    assert "▶   ← weight   15 × 9 = 135" in shown[5]
    assert "◆ x has all 2 uses: 60" in shown[6]
    assert "x            = 3  ◆ Σ 45 + 15 = 60" in shown[7]


def divided(p=0.3, w=2.0):
    q = math.tanh(p * w + 1)
    r = p / q
    return r * w


def test_a_local_partial_is_said_in_the_users_names():
    stepper = Stepper(Steps(record(divided)))
    told = set()
    for _ in range(len(stepper.steps)):
        told |= {line.plain.partition("   local ")[2] for line in stepper.screen(100, 40)}
        stepper.press(" ")
    assert told - {""} == {"w", "r", "1/q", "-r/q", "1 - q**2", "p"}


def _line(code):
    return next(
        n for n, line in enumerate(Path(__file__).read_text("utf-8").split("\n"), 1) if code in line
    )


MOVES = [  # keys, and the step that they lead to; residual has 8 steps, recurrent many
    (["right", "n", " "], 3),
    (["left"], 0),
    (["right", "right", "b"], 1),
    (["end"], 7),
    (["end", "right"], 7),
    (["end", "home"], 0),
    (["]"], 7),
    (["end", "["], 0),
    ([*"g4", "enter"], 4),
    ([*"gx", "enter"], 7),
    ([*"gy", "enter"], 1),
    ([*"gmain", "enter"], 2),
    ([*"g4", "escape"], 0),
    ([*"g49", "backspace", "enter"], 4),
    (["g", "enter"], 0),
    ([*"/weight", "enter"], 4),
    ([*"/weight", "enter", "N"], 5),
    ([*"/weight", "enter", "N", "N"], 4),
    ([*"/X + MAIN", "enter"], 2),
    (["?", "right", "right"], 1),
    (["unknown"], 0),
]


@pytest.mark.parametrize(
    ("keys", "step"), MOVES, ids=lambda each: "-".join(each) if isinstance(each, list) else ""
)
def test_where_keys_lead(keys, step):
    stepper = Stepper(Steps(record(residual)))
    for key in keys:
        stepper.press(key)
    assert (stepper.now, stepper.has_ended) == (step, False)


def test_sums_are_jumped_to_one_by_one():
    trace = record(recurrent, MATRIX, VECTOR, 0.5)
    stepper = Stepper(Steps(trace))
    sums = sorted(edge.step for edge in trace.edges if edge.dst.op == "copy" and edge.step is not None)
    for step in sums:
        stepper.press("down")
        assert stepper.now == step
    stepper.press("up")
    assert stepper.now == sums[-2]


def test_a_run_goes_on_until_the_end_or_a_key():
    stepper = Stepper(Steps(record(residual)))
    stepper.press("r")
    for _ in range(3):
        stepper.tick()
    assert (stepper.now, stepper.runs) == (3, True)
    stepper.press("q")  # stops the run, and not yet the walk
    assert (stepper.runs, stepper.has_ended) == (False, False)
    stepper.tick()
    assert stepper.now == 3
    stepper.press("r")
    for _ in range(9):
        stepper.tick()
    assert (stepper.now, stepper.runs) == (7, False)
    stepper.press("q")
    assert stepper.has_ended


MESSAGES = [
    ([*"g99", "enter"], "there is no step 99; the steps are 0 to 7"),
    ([*"gmian", "enter"], "did you mean main?"),
    ([*"/zebra", "enter"], "nothing has 'zebra' in it"),
    (["N"], "search with / first"),
    ([*"gma"], "go to step or name: ma▏"),
    ([*"/ma"], "search: ma▏"),
    (["r"], "runs: any key stops"),
]


@pytest.mark.parametrize(("keys", "message"), MESSAGES)
def test_what_a_key_could_not_do_is_told_in_the_last_line(keys, message):
    stepper = Stepper(Steps(record(residual)))
    for key in keys:
        stepper.press(key)
    assert message in stepper.screen(100, 30)[-1].plain
    stepper.press("escape" if len(keys) == 3 else "left")


def test_what_has_no_step_is_an_error():
    steps = Steps(record(programs.zeros, 1.0, 2.0, 3.0))
    with pytest.raises(UsageError, match="no gradient comes back to z"):
        steps.named("z")
    with pytest.raises(LookupNameError):
        steps.named("zebra")
    with pytest.raises(UsageError, match="depends on no input"):
        Steps(record(lambda x: 3.0, 1.0))


def test_a_million_uses_are_no_list_of_lines():
    def many(x):
        total = 0.0
        for _ in range(3000):
            total = total + x
        return total

    stepper = Stepper(Steps(record(many, 2.0)))
    stepper.press("end")
    told = [line.plain for line in stepper.screen(80, 40)]
    assert "  ◆ x has all 3,000 uses: 3000" in told
    assert "    … 2,994 before" in told
    assert next(lines_of(stepper.steps, range(10**6))).startswith("    0  total")


def test_the_command_prints_a_line_for_each_step_where_nobody_looks(edgegrad):
    edgegrad("run", sample("residual"), "-o", "s.trace")
    code, out, err = edgegrad("step", "s.trace")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(8)]
    assert lines[3].endswith("x + main  ◆ x waits: 1 of 2 uses, 15 so far")
    assert re.split(r"  +", lines[6])[1:3] == ["x → power", "7.5 × 6 = 45"]
    assert edgegrad("step", "s.trace", "--from", "2", "--to", "weight")[1].splitlines() == lines[2:6]
    assert edgegrad("step", "s.trace", "--from", "9")[0] == 2
    told = json.loads(edgegrad("step", "s.trace", "--from", "3", "--to", "3", "--json")[1])
    assert told[0]["splitter"] == {"name": "x", "uses": 2, "arrived": 1, "so_far": 15}
    assert (told[0]["edge"]["step"], told[0]["edge"]["grad"]) == (3, 15)
    steps = Steps(tracer.load("s.trace"))
    assert written(steps[0]) == ""


pty = pytest.importorskip("pty", reason="a terminal to type into")


class Terminal:
    """A process in a terminal of its own: keys in, what is on the screen out."""

    def __init__(self, *words, columns=80, rows=30, **environment):
        import fcntl
        import struct
        import termios

        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(theirs)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in ("COLUMNS", "LINES", "NO_COLOR")
        }
        root = str(Path(tracer.__file__).parent.parent)
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", "from viz.cli import main; main()", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                **inherited,
                "TERM": "xterm-256color",
                "PYTHONPATH": root,
                "PYTHONIOENCODING": "utf-8",
                **environment,
            },
        )
        self.theirs = theirs
        self.written = b""

    def until(self, text):
        """Read on until a text has been written since the last call, and return what was."""
        import select

        end = time.monotonic() + 600
        while text not in _plain(self.written):
            assert time.monotonic() < end, _plain(self.written)
            if select.select([self.ours], [], [], 0.2)[0]:
                self.written += os.read(self.ours, 65536)
        found, self.written = self.written, b""
        return found

    def type(self, keys):
        os.write(self.ours, keys.encode())

    def close(self):
        import termios

        assert self.process.wait(600) == 0
        assert termios.tcgetattr(self.theirs) == self.before
        os.close(self.theirs)
        os.close(self.ours)


def _plain(output):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", output.decode("utf-8", "replace")).replace("\r", "")


@pytest.mark.parametrize(
    ("environment", "waits", "colour"),
    [
        ({}, "◆ x waits: 1 of 2 uses, 15 so far", True),
        ({"NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}, "* x waits: 1 of 2 uses, 15 so far", False),
    ],
)
def test_in_a_terminal_keys_walk_through_the_pass(folder, environment, waits, colour):
    record(residual).save("s.trace")
    terminal = Terminal("step", "s.trace", **environment)
    terminal.until("q quit")
    terminal.type("n\x1b[C\x1bOC")  # n, and the arrow as terminals send it in either mode
    shown = terminal.until(waits)
    assert (b"\x1b[31m" in shown or b"31m" in shown) == colour
    terminal.type("/weight\r")
    terminal.until("step 4 of 7")
    terminal.type("gzz\r")
    terminal.until("no input, variable or output is named 'zz'")
    terminal.type("?")
    terminal.until("search code, lines and names")
    terminal.type(" r")
    terminal.until("step 7 of 7")
    terminal.type("q")
    terminal.close()
    assert folder.is_dir()
