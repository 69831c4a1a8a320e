"""What edgegrad does with every public function of math, numpy, numpy.linalg, numpy.fft and method of ndarray.

One row per name. test_coverage.py observes that each row tells the truth; coverage_page.py writes docs/coverage.md.
"""

from __future__ import annotations

import io
import math
import os
import types
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.special
from coverage_mathematics import COMPLEX, FFT, LINALG, MATH, MATHEMATICS, METHODS
from coverage_moves import MOVES
from coverage_reductions import REDUCTIONS
from coverage_rest import CUT, ERRORS, PLAIN, UNUSED
from coverage_ufuncs import UFUNCS

FOLLOWED, PLAIN_READ, CUTS, NO_VALUES, ERROR = "followed", "plain read", "cut", "no use of values", "error"
_random = np.random.default_rng(20)


def _distinct(*shape):
    """Return numbers of both signs at distances far above a step of differences, in random order."""
    count = math.prod(shape)
    numbers = (_random.permutation(count) - (count - 1) / 2) * (3.7 / count) + _random.uniform(
        -0.4, 0.4, count
    ) / count
    return numbers.reshape(shape)


# What the calls are about; each of these names that a call mentions is traced.
OPERANDS = {
    "x": 1.53,
    "y": 0.71,
    "z": np.array(1.29),
    "v": np.array([0.72, -1.31, 2.13]),
    "u": np.array([0.31, -0.62, 0.83]),
    "k": _distinct(5),
    "m": _distinct(2, 3),
    "p": np.array([[0.43, 1.72, 2.23], [0.94, 3.15, 0.66]]),
    "q": np.array([[0.24], [-1.17]]),
    "r": np.array([[0.55, 1.46, -0.87]]),
    "s": _distinct(3, 3),
    "n": _distinct(3, 4),
    "c": _distinct(2, 3, 4),
    "e": np.zeros((0, 3)),
    "h": np.array([[0.72, np.nan, 2.13], [-0.45, 1.31, np.nan]]),
}


def put(array, change):
    """Change a copy in place, and return it."""
    changed = array.copy()
    change(changed)
    return changed


SPACE = {"np": np, "math": math, "scipy": scipy, "io": io, "os": os, "put": put}


@dataclass(frozen=True)
class Row:
    """What is done with a function; `calls` show it, `reason` says why it is not followed."""

    name: str
    kind: str
    calls: tuple[str, ...] = ()
    reason: str = ""


def _rows():
    for prefix, table in (
        ("numpy.", UFUNCS),
        ("numpy.", REDUCTIONS),
        ("numpy.", MOVES),
        ("numpy.", MATHEMATICS),
        ("numpy.linalg.", LINALG),
        ("numpy.", COMPLEX),
        ("numpy.fft.", FFT),
        ("numpy.ndarray.", METHODS),
        ("math.", MATH),
    ):
        for name, calls in table.items():
            yield Row(prefix + name, FOLLOWED, tuple(dict.fromkeys(calls)))
    for name, calls in PLAIN.items():
        yield Row(_full(name), PLAIN_READ, calls)
    for reason, names in UNUSED.items():
        for name in names.split():
            yield Row(_full(name), NO_VALUES, reason=reason)
    for name, calls in CUT.items():
        yield Row(_full(name), CUTS, calls)
    for name, (call, reason) in ERRORS.items():
        yield Row(_full(name), ERROR, (call,), reason)


def _full(name):
    return name if name.startswith("math.") else f"numpy.{name}"


ROWS = tuple(sorted(_rows(), key=lambda row: row.name))
NAMES = [row.name for row in ROWS]
# Older names, which warn where they are still there.
ALIASES = {
    "numpy.row_stack": "numpy.vstack",
    "numpy.trapz": "numpy.trapezoid",
    "numpy.ndarray.tostring": "numpy.ndarray.tobytes",
}


def found(name):
    """Return what a name stands for in the installed NumPy and Python; None where they lack it."""
    value = {"numpy": np, "math": math}[name.split(".")[0]]
    for part in name.split(".")[1:]:
        value = vars(value).get(part) if isinstance(value, types.ModuleType) else getattr(value, part, None)
        if value is None:
            return None
    return value


def installed():
    """Yield every public name that is to have a row."""
    for prefix, module in (
        ("math", math),
        ("numpy", np),
        ("numpy.linalg", np.linalg),
        ("numpy.fft", np.fft),
    ):
        for name, value in vars(module).items():
            if not name.startswith("_") and callable(value):
                yield f"{prefix}.{name}"
    for name in dir(np.ndarray):
        if not name.startswith("_"):
            yield f"numpy.ndarray.{name}"


def names_in(call):
    """Return the names that a call mentions, also in functions inside of it."""
    pending, names = [compile(call, "<call>", "eval")], set()
    while pending:
        code = pending.pop()
        names.update(code.co_names)
        pending += [each for each in code.co_consts if hasattr(each, "co_names")]
    return names


def parts(result):
    """Yield the arrays of floats in what a call returned."""
    if isinstance(result, (tuple, list)) or type(result).__name__ == "SequenceBox":  # autograd's tuples
        for each in result:
            yield from parts(each)
    elif (
        isinstance(result, (float, np.floating))
        or getattr(getattr(result, "dtype", None), "kind", "") == "f"
    ):
        yield result
