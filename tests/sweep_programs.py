"""What the tests of `sweep` run: in a module, so that another process finds it by name."""

import math
import os
from pathlib import Path

import numpy as np

from tracer import trace

INPUTS = [(float(number % 12),) for number in range(60)]


def loss(x, w=np.array([0.5, -1.0, 2.0])):
    h = x
    for _ in range(3):
        h = np.tanh(w * h) + 0.1
    if x > 9:
        raise ValueError(f"{x} is too large")
    return np.sum(h * h) + np.sqrt(x)  # no gradient at 0


def product(x, y=2.0):
    return x * y


def sums(x, scale):
    return np.sum(x * scale)


def idle(x):
    picked = x[0] * x[1]
    unused = x * 2.0  # noqa: F841  (as people write it)
    return picked


def size(z):
    return abs(z) ** 2


def loop(x, n):
    for _ in range(n):
        x = x * 3.0
    return x


def several(x):
    return {"loss": x * x, "other": x}


@trace(of="loss")
def chosen(x):
    return {"loss": x * x, "other": x}


def ends(x):
    if x == 3.0:
        os._exit(1)
    return x * x


def says(x):
    raise SystemExit(f"stopped at {x}")


def masked(x):
    inverse = 1.0 / x
    return np.sum(np.where(x > 0, inverse, 0.0))


def logarithm(x):
    return math.log(x)


def listed(xs, w):
    return sum(x * w for x in xs)


def half(x):
    raise ValueError(f"half a character of {x}: \udc80")


def line_of(code):
    """Return the first line of this file that a code is in."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if code in line)
