"""Faults whose worst finding is `exploding`: gradients that many factors above 1 blow up."""

import math

import numpy as np

_rng = np.random.default_rng(1)
_LARGE = 3 * _rng.normal(size=(5, 5))


def linear_recurrence(h=0.01, w=2.5, xs=tuple([0.1] * 30)):
    for x in xs:
        h = w * h + x  # cause
    return h


def recurrent_large_matrix(h=0.001 * np.ones(5), W=_LARGE):
    for _ in range(20):
        h = W @ h  # cause
    return np.sum(h)


def power_iteration(A=np.array([[40.0, 1.0], [1.0, 30.0]]), v=np.array([1.0, 0.5])):
    for _ in range(15):
        v = A @ v  # cause
    return v[0] / 3.0


def logistic_map(x=0.3, r=3.99):
    for _ in range(100):
        x = r * x * (1 - x)  # cause
    return x


def repeated_exponential(x=1.02):
    for _ in range(3):
        x = math.exp(x)  # cause
    return x


def doubling(x=1.0, steps=40):
    for _ in range(steps):
        x = x + x  # cause
    return x


def fibonacci(a=1.0, b=1.0):
    for _ in range(60):
        a, b = b, a + b  # cause
    return a


def _unstable(x, v, dt):
    a = -40.0 * x  # cause of unstable_step
    return x + dt * v, v + dt * a


def unstable_step(x=1.0, v=0.0, dt=0.9):
    for _ in range(40):
        x, v = _unstable(x, v, dt)
    return x


def growing_products(factors=tuple([7.0] * 15)):
    total = 1.0
    for f in factors:
        total *= f  # cause
    return total


def squaring(x=1.5):
    for _ in range(6):
        x = x * x  # cause
    return x


def rising_powers(x=1.5):
    y = x
    for i in range(1, 20):
        y = y * (i * x)  # cause
    return y


def untamed_batch(
    x=_rng.normal(size=(30, 4, 3)), W_in=_rng.normal(size=(3, 6)), W=1.5 * _rng.normal(size=(6, 6))
):
    h = np.zeros((4, 6))
    for t in range(30):
        h = x[t] @ W_in + h @ W  # cause
    return np.mean(h)
