"""Programs whose pictures are rolled up: loops, calls within loops, recursion, branches, values carried around."""

from __future__ import annotations

import copy
import math
import warnings

import numpy as np

from tracer import record
from tracer.errors import CutWarning


def newton(x):
    root = x
    for _ in range(100):
        root = root - (root * root - x) / (2.0 * root)
    return root


def nested_loops(values, weights):
    total = 0.0
    for row in weights:
        inner = 0.0
        for weight, value in zip(row, values, strict=True):
            inner = inner + weight * value
        total = total + math.tanh(inner)
    return total


def predict(params, x):
    return params[0] * x + params[1]


def mean_loss(params, xs, ys):
    total = 0.0
    for x, y in zip(xs, ys, strict=True):
        error = predict(params, x) - y
        total = total + error * error
    return total / len(xs)


def training(params, xs, ys):
    for _ in range(20):
        slope = sum(2 * (predict(params, x) - y) * x for x, y in zip(xs, ys, strict=True)) / len(xs)
        offset = sum(2 * (predict(params, x) - y) for x, y in zip(xs, ys, strict=True)) / len(xs)
        params = [params[0] - 0.05 * slope, params[1] - 0.05 * offset]
    return mean_loss(params, xs, ys)


def momentum(x, rate):
    speed = 0.0
    for _ in range(12):
        speed = 0.9 * speed - rate * (2 * x)
        x = x + speed
    return x * x


def overflowing(x):
    total = 0.0
    for k in range(40):
        x = x * x
        total = total + x * 0.1 * k
    return total


def dead(x):
    total = 0.0
    for k in range(30):
        part = max(x - 0.1 * k, 0.0)
        total = total + part * part
    return total


def stepped(matrix, state):
    for _ in range(8):
        state = np.tanh(matrix @ state) - state[0]
    return (state**2).sum()


def cut_often(x):
    total = 0.0
    for k in range(5):
        total = total + x * float(x + k)
    return total


def unused_often(x):
    for k in range(6):
        unused = x * k  # noqa: F841
    return x * 2.0


def recurrent(x, w, u, steps):
    h = x
    for _ in range(steps):
        h = math.tanh(w * h + u * x)
    return h


def dense(weights, biases, values):
    made = []
    for row, bias in zip(weights, biases, strict=True):
        total = bias
        for weight, value in zip(row, values, strict=True):
            total = total + weight * value
        made.append(math.tanh(total))
    return made


def runge_kutta(f, y, h):
    first = f(y)
    second = f([each + h * slope for each, slope in zip(y, first, strict=True)])
    return [each + h / 2 * (a + b) for each, a, b in zip(y, first, second, strict=True)]


def orbit(x, v):
    def force(state):
        return [state[1], -state[0]]

    state = [x, v]
    for _ in range(20):
        state = runge_kutta(force, state, 0.1)
    return state[0]


def remember(x, w):
    h = 0.0
    for _ in range(60):
        h = math.tanh(w * h + x)
    return h


def scalar_net(params, xs):
    values = xs
    for layer in params:
        values = dense(layer["W"], layer["b"], values)
    return sum(values)


def scalar_net_arguments(size=8, layers=4):
    draw = np.random.default_rng(3)
    params = [
        {"W": draw.normal(size=(size, size)).tolist(), "b": draw.normal(size=size).tolist()}
        for _ in range(layers)
    ]
    return params, draw.normal(size=size).tolist()


def even(n, t):
    return t if n == 0 else odd(n - 1, t * 0.9)


def odd(n, t):
    return even(n - 1, t + 0.1)


def power(x, n):
    return x if n == 1 else x * power(x, n - 1)


def fibonacci(n, a):
    return a if n < 2 else fibonacci(n - 1, a) + fibonacci(n - 2, a) * 0.5


def mutual(x):
    return even(10, x)


def tree(x):
    return fibonacci(7, x)


def square(t):
    return t * t


def two_places(x):
    return square(x) + square(x + 1.0)


def scaled(t, k):
    return square(t) * k


def nested_calls(x):
    total = 0.0
    for k in range(5):
        total = total + scaled(x, 1.0 + k)
    return total


def either(x):
    total = 0.0
    for k in range(6):
        part = x * k if k % 2 else x - k
        total = total + part
    return total


def until(x):
    root, turns = x, 0
    while abs(root * root - x) > 1e-9:
        root = 0.5 * (root + x / root)
        turns += 1
    return root


def pair(x, y):
    return x * 0.5, y + x


def swapped(x, y):
    for _ in range(7):
        x, y = pair(x, y)
    return x - y


def gathered(x):
    states = []
    h = np.zeros(3)
    for _ in range(9):
        h = np.tanh(x + h)
        states.append(h)
    return np.stack(states).sum()


def summed(x):
    for _ in range(4):
        x = x - 0.1 * sum(x * k + 1.0 for k in range(3))
    return x


def failing(x):
    for k in range(5):
        if k == 4:
            raise KeyError(k)
        x = x * 2.0
    return x


ROLLED = {
    "recurrent": (recurrent, (0.5, 0.9, 0.3, 25)),
    "orbit": (orbit, (1.0, 0.2)),
    "remember": (remember, (0.3, 0.8)),
    "scalar_net": (scalar_net, scalar_net_arguments()),
    "small_net": (scalar_net, scalar_net_arguments(4, 2)),
    "newton": (newton, (2.0,)),
    "until": (until, (2.0,)),
    "nested_loops": (nested_loops, ([0.1, 0.2, 0.3, 0.4], [[0.3, -0.2, 0.1, 0.5]] * 4)),
    "training": (training, ([0.1, 0.2], [1.0, 2.0, 3.0], [2.0, 4.1, 6.2])),
    "momentum": (momentum, (3.0, 0.1)),
    "mutual": (mutual, (0.7,)),
    "tree": (tree, (0.7,)),
    "power": (power, (1.1, 9)),
    "two_places": (two_places, (2.0,)),
    "nested_calls": (nested_calls, (2.0,)),
    "either": (either, (1.5,)),
    "swapped": (swapped, (1.0, 2.0)),
    "summed": (summed, (0.5,)),
    "gathered": (gathered, (np.array([0.1, 0.2, 0.3]),)),
    "overflowing": (overflowing, (1.5,)),
    "dead": (dead, (1.25,)),
    "stepped": (stepped, (np.array([[0.5, -0.3], [0.2, 0.8]]), np.array([1.0, -0.5]))),
    "cut_often": (cut_often, (2.0,)),
    "unused_often": (unused_often, (2.0,)),
}


def rolled_trace(name):
    """Record a program; its arguments stay as they are."""
    function, arguments = ROLLED[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutWarning)
        return record(function, *copy.deepcopy(arguments))


def tanh_loop(x, w):
    h = x
    for _ in range(100):
        a = h * w
        h = math.tanh(a)
    return h


def clip(x):
    y = x * 1.5
    for k in range(12):
        y = y * 0.9 + k * x
    return y


def step(x, w):
    a = clip(x * w)
    b = clip(a + w)
    return a * b


def many_calls(x, w):
    total = x * 1.0
    for k in range(8):
        total = total * w + step(total, w + k) * 0.1
    return total


def grouped(levels=100):
    """Write a program whose own text has more than the budget: its helpers are closed."""
    body = "".join(f"    y = y * {1 + at / 1000} + x\n" for at in range(levels))
    source = f"def helper(x, y):\n{body}    return y\ndef program(x):\n    return helper(x, x) * x\n"
    namespace = {}
    exec(source, namespace)  # noqa: S102 - a program too long to be written out
    return namespace["program"]


def rnn(w, h, xs):
    for x in xs:
        h = np.tanh(w @ h + x)
    return (h**2).sum()
