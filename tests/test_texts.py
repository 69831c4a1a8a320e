"""Text of a traced value: to show it is a read; a number that is read back from it is a cut, at the text's place."""

# ruff: noqa: S307 -- reprs are evaluated, as programs do

from __future__ import annotations

import ast
import base64
import configparser
import contextlib
import csv
import decimal
import fractions
import io
import json
import logging
import math
import pprint
import random
import re
import reprlib
import string
import tomllib
import urllib.parse
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from checks import same

from tracer import detach, load, record, trace, verify
from tracer.errors import CutError, CutWarning

if TYPE_CHECKING:
    from tracer.trace import Trace

X = math.sqrt(7.3891)
FORMAT, OLD = "{:.4f}", {"format": "%.5f"}


class Shown:
    def __init__(self, value):
        self.value = value

    def __str__(self):
        return f"<{self.value:.5f}>"


class Pair(NamedTuple):
    value: float


def in_a_helper(value):
    return FORMAT.format(value)


def changed_in_turn(text):
    text = text.strip("0")
    number = float(text[:3])
    number /= 3
    return number


def into(write):
    file = io.StringIO()
    write(file)
    return file.getvalue()


def logged(text, *values):
    file = io.StringIO()
    logger = logging.getLogger("edgegrad.tests.texts")
    logger.propagate = False
    logger.handlers = [logging.StreamHandler(file)]
    logger.warning(text, *values)
    return file.getvalue()


def configured(x):
    config = configparser.ConfigParser()
    config["all"] = {"x": str(x)}
    return config.getfloat("all", "x")


def run(program, **names):
    exec(program, names)  # noqa: S102  (as programs do)
    return names["v"]


BACK = {  # way: what comes back as a number
    "an f-string": lambda x: float(f"{x}"),
    "a format": lambda x: float(f"{x:.3f}"),
    "three digits": lambda x: float(f"{x:.2f}"),
    "a format in a format": lambda x: float(f"{x:{10}.{5}f}"),
    "thousands": lambda x: float(f"{x * 1e4:,.2f}".replace(",", "")),
    "an exponent": lambda x: float(format(x * 1e20, ".5e")),
    "hex": lambda x: float.fromhex(x.hex()),
    "repr": lambda x: [float(f"{x!r}"), ast.literal_eval(repr(x))],
    "a number below zero": lambda x: float(f"{-x:.4f}"),
    "a helper": lambda x: float(in_a_helper(x)),
    "format_map": lambda x: float("{v:.6f}".format_map({"v": x})),
    "an attribute": lambda x: float("{.value:.6f}".format(Shown(x))),
    "%": lambda x: float("%.4f" % x),
    "% of a name": lambda x: float("%(v)s" % {"v": x}),
    "% kept elsewhere": lambda x: float(OLD["format"] % x),
    "% of several": lambda x: float(("%d %.6e" % (1, x)).split()[1]),
    "% of bytes": lambda x: float(b"%.5g" % x),
    "a method": lambda x: [float(x.__format__(".5f")), float(x.__str__())],
    "eval": lambda x: [eval(repr(Pair(x))).value, eval(str({"a": x}))["a"]],
    "exec": lambda x: run(f"v = {x!r}"),
    "a list": lambda x: ast.literal_eval(repr([x, 2 * x]))[1],
    "a class": lambda x: float(str(Shown(x))[1:-1]),
    "an exception": lambda x: float(str(ValueError(x))),
    "json that is written by hand": lambda x: json.loads(f'{{"v": {x}}}')["v"],
    "json in json": lambda x: json.loads(f'{{"v": {json.dumps([x])}}}')["v"][0],
    "json to a file": lambda x: float(into(lambda file: json.dump(x, file))),
    "json of an array": lambda x: ast.literal_eval(json.dumps({"v": np.array([x])}, default=list))["v"][0],
    "toml": lambda x: tomllib.loads(f"v = {x:.7f}")["v"],
    "print": lambda x: float(into(lambda file: print(x, file=file))),
    "csv": lambda x: float(into(lambda file: csv.writer(file).writerow([x, 1])).split(",")[0]),
    "a log": lambda x: [float(logged("v %.6f", x).split()[1]), float(logged("%s", x))],
    "a configuration": configured,
    "Decimal": lambda x: float(decimal.Decimal(f"{x:.5f}")),
    "Fraction": lambda x: float(fractions.Fraction(str(x))),
    "a template": lambda x: float(string.Template("$v").substitute(v=x)),
    "a pattern": lambda x: float(re.sub("v", str(x), "v")),
    "pprint": lambda x: [float(pprint.pformat(x)), float(reprlib.repr(x))],
    "bytes": lambda x: float(base64.b64decode(base64.b64encode(str(x).encode()))),
    "a query": lambda x: float(urllib.parse.parse_qs(urllib.parse.urlencode({"v": x}))["v"][0]),
    "a complex number": lambda x: complex(str(x + 1j * x)).imag,
    "NumPy's number": lambda x: [np.float64(str(x)), np.float32(f"{x:.4f}")],
    "NumPy's cast": lambda x: np.array([str(x)]).astype(float)[0],
    "loadtxt": lambda x: np.loadtxt(io.StringIO(f"{x} 2"))[0],
    "genfromtxt": lambda x: np.genfromtxt(io.StringIO(f"{x},2"), delimiter=",")[0],
    "an array": lambda x: np.fromstring(str(np.array([x, 3 * x]))[1:-1], sep=" "),
    "array2string": lambda x: np.fromstring(np.array2string(np.array([x, 2 * x]))[1:-1], sep=" "),
    "repr of an array": lambda x: eval(repr(np.array([x, 2 * x])), {"array": np.array})[1],
    "texts of a list": lambda x: np.array(["%.6f" % v for v in np.array([x, 2 * x])], float),
}  # fmt: skip
if type(np.char.mod) is type(np.sum):  # from NumPy 2.3 on; before, it makes a plain array, and that is told
    BACK["np.char"] = lambda x: np.char.mod("%.6f", np.array([x, 2 * x])).astype(float)[1]
CHANGED = {  # or of few digits: known by the program's text
    "a part": lambda x: float(str(x)[:5]),
    "one digit": lambda x: float(f"{x:.1f}"),
    "divided": lambda x: float("%.3f" % x) / 100,
    "thousandths": lambda x: int(f"{x * 1000:.0f}") / 1000,
    "rounded": lambda x: round(float("{:.3f}".format(x)), 1) + 0.25,
    "of a variable": lambda x: changed_in_turn(str(x)),
    "in a helper, changed": lambda x: float(in_a_helper(x)) / 3,
    "an array, changed": lambda x: np.array([str(v) for v in np.array([x, 2 * x])], float) / 7,
    "matched": lambda x: float(re.match(r"\d\.\d", repr(x)).group()),
}  # fmt: skip


def recorded(function: Any, *arguments: Any) -> tuple[Trace, list[Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return record(function, *arguments), caught


def cut_nodes(finished: Trace) -> list[Any]:
    return [node for node in finished.nodes if node.kind == "cut"]


@pytest.mark.parametrize("way", BACK.values(), ids=BACK)
def test_a_number_that_is_read_back_is_a_cut_where_the_text_was_made(way):
    def function(x):
        y = x * 1.02
        back = way(y)
        return sum(np.sum(each * x) for each in (back if type(back) is list else [back])) + y

    finished, caught = recorded(function, X)
    assert same(finished.result, function(X))
    assert {each.category for each in caught} == {CutWarning}
    assert all(
        "written as text and read back as a number; at test_texts.py:" in str(each.message)
        for each in caught
    )
    cuts = cut_nodes(finished)
    assert {(each.filename, each.lineno) for each in caught} == {
        (node.site.file, node.site.line) for node in cuts
    }
    assert {each.severity for each in finished.findings() if each.kind == "cut"} == {"warning"}
    assert verify(finished)


@pytest.mark.parametrize("way", CHANGED.values(), ids=CHANGED)
def test_a_number_that_is_read_back_otherwise_is_a_cut_too(way):
    def function(x):
        y = x * 1.02
        return np.sum(way(y) * x) + y

    finished, (warning,) = recorded(function, X)
    assert same(finished.result, function(X))
    assert "written as text and read back as a number; at test_texts.py:" in str(warning.message)
    (line,) = {node.site.line for node in cut_nodes(finished)}
    assert line == warning.lineno
    assert verify(finished)


def epochs(w):
    for epoch in range(20):
        loss = (w * 1.5 - 1) ** 2
        print(f"{epoch} {loss:.4f} {w:.3f} {loss} %.6f" % w)
        w = w - 0.01 * loss
    return w


ROWS = [(round(random.Random(n).gauss(0, 1), 3), round(random.Random(n).random(), 4)) for n in range(60)]  # noqa: S311
TABLE = np.array(ROWS)


def rows_of_few_digits(w):
    for u, v in ROWS:
        p = w * u
        print(f"p {p:.3f} {p:.4f}")
        w = w - 0.01 * (p - v) * u
    return w


def rows_of_an_array(w):
    for u, v in TABLE:
        p = w * u
        print("%.3f %.4f" % (p, w))
        w = w - 0.01 * (p - v) * u
    return w


def the_same_computed_beside_it(x):
    t = 0.0
    for step in range(50):
        x, t = x + 0.05, t + 0.05
        print(f"{x:.2f}", t, step)
    return x * t


def well_known(x):
    print(x)
    return x * math.pi + math.sin(x - math.pi)


def round_numbers(x):
    print(x, f"{x / 2:.3f}", f"{x * 300:.0f}")
    return x * float("1.25") + x * (0.25 + 0.375) + sum(x * n for n in range(370, 380))


def written_in_it(x):
    print(f"{x:.4f}")
    return x * 2.7183


def given(x, y):
    print(f"{x:.4f}")
    return x * y


def detached(x):
    return x * float(f"{detach(x):.6f}")


def rounded(x):
    return x * float(f"{round(x, 4)}")


def shown_beside_the_result(x):
    return {"loss": x * x, "shown": float(f"{x:.5f}")}


def compared(x):
    return x * 2 if float(f"{x:.5f}") > 1 else x


HEALTHY = [
    (epochs, 0.9),
    (rows_of_few_digits, 0.4),
    (rows_of_an_array, 0.4),
    (the_same_computed_beside_it, 0.0),
    (well_known, math.pi),
    (round_numbers, 1.25),
    (written_in_it, 2.71828),
    (given, 2.71828),
    (detached, X),
    (rounded, X),
    (shown_beside_the_result, X),
    (compared, X),
]


@pytest.mark.parametrize(("function", "x"), HEALTHY)
def test_what_is_only_shown_is_nothing_to_warn_of(function, x):
    static = {"y": 2.7183} if function is given else {}
    with contextlib.redirect_stdout(io.StringIO()):
        finished = trace(static=tuple(static), of="loss" if function is shown_beside_the_result else None)(
            function
        )
        finished(x, **static)
    found = finished.last_trace.findings()
    assert not [each for each in found if each.kind == "cut" and each.severity != "note"]


def around(x):
    text = in_a_helper(x * 3.1)
    out = np.zeros(2)
    out[0] = x * float(text)
    row = out[:1]
    row += x
    out[1] = float(text) * x
    return out.sum() * x


def test_the_cut_stands_where_it_happened():
    finished, (warning,) = recorded(around, X)
    assert same(finished.result, around(X))
    (node,) = cut_nodes(finished)
    assert (node.site.function, node.site.text, node.site.line) == (
        "in_a_helper",
        "FORMAT.format(value)",
        warning.lineno,
    )
    assert node.in_edges[0].src.value == X * 3.1
    assert node.value == float(in_a_helper(X * 3.1))
    written = next(each for each in finished.nodes if each.op == "setitem")
    assert node.in_edges[0].src.index < node.index < written.index
    assert verify(finished)
    constant = float(in_a_helper(X * 3.1))
    assert finished.grads["x"] == pytest.approx(2 * X * (2 * constant + 1))


def test_a_loaded_trace_has_the_same_cuts(tmp_path):
    finished, _ = recorded(around, X)
    finished.save(tmp_path / "t.trace")
    again = load(tmp_path / "t.trace")
    assert list(map(str, again.findings())) == list(map(str, finished.findings()))
    assert [node.site.line for node in cut_nodes(again)] == [node.site.line for node in cut_nodes(finished)]


def test_strict_and_warnings_that_are_errors():
    with pytest.raises(CutError, match=r"read back as a number; at test_texts\.py:\d+"):
        trace(strict=True)(around)(X)
    traced = trace(around)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CutWarning, match=r"read back as a number; at test_texts\.py:\d+"):
            traced(X)
    assert traced.last_trace.error.startswith("CutWarning: ")
    assert recorded(around, X)[0].grads


def read_in_a_loop(x):
    total = 0.0
    for _ in range(12):
        x = x * 1.0371
        total = total + float(f"{x:.2f}") * x
    return total


def test_each_of_a_loop_is_a_cut_and_one_warning():
    finished, (warning,) = recorded(read_in_a_loop, X)
    assert len(cut_nodes(finished)) >= 10  # some are round numbers
    assert warning.lineno == read_in_a_loop.__code__.co_firstlineno + 4


def test_what_is_meant_and_read_by_the_text_of_the_program_is_told_once():
    finished, _ = recorded(lambda x: x + float(f"{x:.17g}"), X)
    assert [each.kind for each in finished.findings()] == ["cut"]
