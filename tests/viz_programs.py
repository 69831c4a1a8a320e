"""Programs whose pictures the viz tests look at, from textbook size to 150 boxes."""

import math
import warnings

import numpy as np

from tracer import record
from tracer.errors import CutWarning

HOSTILE_NAMES = (
    '<b>&"quoted" \\',
    "a\nb'é日本\x07",
    "x:y;</svg><script>alert(1)</script>",
    "$\\alpha$ {a_b}^2 %s",
    "trailing\\",
    '"]; n0 [URL="javascript:alert(1)"]; x="',
    "\u202eאבג🙂\r\n",
    "<![CDATA[x]]>&lt;--",
)


def splitter(x, y):
    s = x + y
    return s * x


def residual(x, w, b):
    h = math.tanh(w * x + b)
    return x + h


def square(x):
    return x * x


def fan_out(x):
    total = 0.0
    for k in range(10):
        total = total + x * (k + 1)
    return total


def loop(x, w):
    h = x
    for _ in range(25):
        h = math.tanh(h * w + 0.1)
    return h


def network(inputs, hidden_weights, hidden_bias, weights, bias):
    hidden = np.tanh(inputs @ hidden_weights + hidden_bias)
    out = hidden @ weights + bias
    return (out**2).mean()


def helper(a, b):
    u = a * b
    return u + a


def outer_helper(a, b):
    return helper(a, b) * helper(b, a)


def calls(x, y):
    p = outer_helper(x, y)
    return p * helper(p, 2.0)


def cut(x):
    k = float(x) * 2
    return x * k


def not_finite(x, y):
    r = math.inf * x
    d = r - r
    return d * 0.5 + y


def zeros(x, y, z):  # noqa: ARG001 - an input without a use
    unused = x * 3  # noqa: F841
    return max(x, 2.0) * abs(0.0 * y)


def hostile(d):
    a, b, c, e, f, g, h, k = d.values()
    return a * b + c * e - f / g + h * k


def constants(x):
    return 3 * x + (1 - x) ** 2 / 7


def grid(weights, values):
    layer = list(values)
    for row in weights:
        layer = [sum(w * v for w, v in zip(row, layer, strict=True)) for _ in layer]
    return sum(layer)


def order(a, b, c):
    return (a * c - b * b) / (a - c)


def kalman(state, spread, seen):
    motion, view = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.0]])
    state = motion @ state
    spread = motion @ spread @ motion.T
    gain = spread @ view.T @ np.linalg.inv(view @ spread @ view.T + 0.5)
    return (state + gain @ (seen - view @ state))[0]


def operands(matrix, x, b):
    stacked = np.stack([x, np.where(x > 0, b, x)])
    return np.linalg.solve(matrix, x / b).sum() + stacked[0, 1:].sum() - max(b[2], 5.0) ** x[0]


def helper_in_order(a, b):
    return np.exp(b).sum() - a[1]


def calls_in_order(x):
    return helper_in_order(x * 2.0, x) / helper_in_order(x, x - 1.0)


def squared(x):
    return x * x


def and_itself(x):
    return squared(x) + x


def twice_less(x):
    return and_itself(x) * 2.0 - x


def deep(x):
    return twice_less(and_itself(x) * 2.0) / 3.0 + squared(x)


def entangled(b, x):
    u, v, w = b[0] * x, b[1] * x, b[2] * x
    for k in range(4):
        u, v, w = u * b[2] + v, v - w * b[2], w + x * b[k % 3]
    return u + v + w


def several_outputs(x, y):
    return {"first": x * y, "second": [x + y, x]}


def network_arguments():
    random = np.random.default_rng(0)
    return (
        random.normal(size=(8, 4)),
        random.normal(size=(4, 16)),
        np.zeros(16),
        random.normal(size=(16, 3)),
        np.zeros(3),
    )


PROGRAMS = {
    "splitter": (splitter, (2.0, 3.0)),
    "residual": (residual, (0.5, 1.2, -0.3)),
    "square": (square, (3.0,)),
    "fan_out": (fan_out, (1.5,)),
    "loop": (loop, (0.3, 0.9)),
    "network": (network, network_arguments()),
    "calls": (calls, (2.0, 3.0)),
    "cut": (cut, (2.0,)),
    "not_finite": (not_finite, (1.0, 2.0)),
    "zeros": (zeros, (1.0, 2.0, 3.0)),
    "hostile": (hostile, ({name: 2.0 + at for at, name in enumerate(HOSTILE_NAMES)},)),
    "constants": (constants, (0.123456789,)),
    "order": (order, (5.0, 3.0, 2.0)),
    "kalman": (kalman, (np.array([0.0, 1.0]), np.eye(2), np.array([1.2]))),
    "operands": (operands, (2.0 * np.eye(3), np.array([1.0, -2.0, 3.0]), np.array([2.0, 1.0, 5.0]))),
    "calls_in_order": (calls_in_order, (np.array([1.0, 2.0]),)),
    "deep": (deep, (1.25,)),
    "entangled": (entangled, ([0.5, 1.25, -0.75], 2.0)),
    "grid": (grid, ([[0.5, -1.25, 3.0], [1.0, 2.0, 0.125], [1.5, 2.5, 3.5]], [1.0, -2.0, 1e-9])),
}


def trace_of(name):
    function, arguments = PROGRAMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        return record(function, *arguments)
