"""Healthy programs with gradients of all sizes: many layers, long runs, units, what has converged."""

import math

import numpy as np

_rng = np.random.default_rng(2)
_SQUARE = [_rng.normal(size=(8, 8)) / np.sqrt(8) for _ in range(24)]


def residual_net(x=_rng.normal(size=8), weights=tuple(0.3 * W for W in _SQUARE)):
    h = x
    for W in weights:
        h = h + np.tanh(W @ h)
    return np.mean(h**2)


def normalised_net(x=_rng.normal(size=(4, 8)), weights=tuple(_SQUARE)):
    h = x
    for W in weights:
        z = h @ W
        z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
        h = np.maximum(z, 0)
    return np.mean(h**2)


def lstm(
    xs=_rng.normal(size=(20, 3)), W=0.4 * _rng.normal(size=(12, 6)), b=np.repeat([0.0, 2.0, 0.0, 0.0], 3)
):
    h, c = np.zeros(3), np.zeros(3)
    for x in xs:
        z = W @ np.concatenate([x, h]) + b
        i, f, o = (1 / (1 + np.exp(-part)) for part in (z[:3], z[3:6], z[6:9]))
        c = f * c + i * np.tanh(z[9:])
        h = o * np.tanh(c)
    return np.sum(h**2)


def gravity_in_si_units(mass=5.97e24, other=7.35e22, distance=3.84e8):
    return 6.674e-11 * mass * other / distance**2


def orbit_in_si_units(x=1.496e11, v=29780.0, mass=1.989e30):
    y, u = 0.0, v
    v = 0.0
    dt = 86400.0
    for _ in range(200):
        r = math.sqrt(x * x + y * y)
        a = -6.674e-11 * mass / r**3
        v = v + dt * a * x
        u = u + dt * a * y
        x = x + dt * v
        y = y + dt * u
    return x


def atoms(charge=1.602e-19, distance=5.29e-11, mass=9.109e-31):
    force = 8.988e9 * charge * charge / distance**2
    return math.sqrt(force * distance / mass)


def converged_regression(w=0.0, b=0.0, xs=(0.0, 1.0, 2.0, 3.0), ys=(1.1, 2.9, 5.2, 6.8)):
    for _ in range(400):
        errors = [w * x + b - y for x, y in zip(xs, ys)]
        w = w - 0.1 * sum(e * x for e, x in zip(errors, xs)) / 2
        b = b - 0.1 * sum(errors) / 2
    return sum((w * x + b - y) ** 2 for x, y in zip(xs, ys))


def at_the_optimum(w=np.array([1.94, 1.09]), X=np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])):
    return np.sum((X @ w - np.array([1.1, 2.9, 5.2, 6.8])) ** 2)


def newton_root(a=2.0, x=1.0):
    for _ in range(12):
        x = x - (x * x - a) / (2 * x)
    return x


def fixed_point(x=0.5, scale=1.0):
    for _ in range(80):
        x = math.cos(scale * x)
    return x


def long_stable_integrator(x=1.0, v=0.0, k=1.0):
    dt = 0.01
    for _ in range(3000):
        v = v - dt * k * x
        x = x + dt * v
    return x * x + v * v


def log_softmax_of_many(z=np.linspace(-30, 30, 40)):
    shifted = z - z.max()
    return -(shifted[20] - np.log(np.sum(np.exp(shifted))))


def softmax_of_numbers(a=1.0, b=-40.0, c=3.0):
    top = max(a, b, c)
    ea, eb, ec = math.exp(a - top), math.exp(b - top), math.exp(c - top)
    return -math.log(ea / (ea + eb + ec))


def layer_norm(x=_rng.normal(size=16), gain=np.ones(16), shift=np.zeros(16)):
    normal = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return np.sum((gain * normal + shift) ** 3)


def hidden_markov(start=np.array([0.5, 0.5]), move=np.array([[0.9, 0.1], [0.2, 0.8]])):
    belief = start
    for seen in (0, 1, 1, 0, 0, 1, 0, 1) * 3:
        belief = (belief @ move) * np.array([[0.02, 0.01], [0.003, 0.04]])[:, seen]
    return math.log(belief.sum())


def binomial_tree(price=100.0, up=1.05, down=0.96, rate=0.5):
    values = [max(price * up**k * down ** (30 - k) - 100.0, 0.0) for k in range(31)]
    for step in range(30):
        values = [rate * values[k + 1] + (1 - rate) * values[k] for k in range(30 - step)]
    return values[0]


def compound_interest(balance=1000.0, rate=0.004):
    for _ in range(360):
        balance = balance * (1 + rate) + 50.0
    return balance


def trained_classifier(w=3.0, b=-1.0, xs=(-9.0, -4.0, 0.2, 5.0, 12.0), ys=(0, 0, 1, 1, 1)):
    loss = 0.0
    for x, y in zip(xs, ys):
        p = 1 / (1 + math.exp(-(w * x + b)))
        loss -= math.log(p if y else 1 - p)
    return loss / 5


def running_mean(xs=tuple(range(1, 200))):
    mean = 0.0
    for n, x in enumerate(xs, 1):
        mean = mean + (x - mean) / n
    return mean


def small_loss(w=1.0, x=1e-7):
    return (w * x) ** 2
