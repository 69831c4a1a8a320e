"""Healthy programs that look like lost digits or lost ways: exact differences, residuals, numbers that are only shown."""

import json
import math

import numpy as np

_rng = np.random.default_rng(5)
_DATA = _rng.normal(size=(8, 3))


def versine_by_the_half_angle(x=1e-8):
    return 2 * math.sin(x / 2) ** 2 / x**2 + x


def growth_with_all_digits(x=1e-12):
    return math.log1p(x) / x + math.expm1(x) / x + x


def larger_root_first(a=1.0, b=1e3, c=1.0):
    q = -(b + math.sqrt(b * b - 4 * a * c)) / 2
    return c / q


def two_pass_deviation(x=1e6 + _rng.normal(size=30)):
    return np.sqrt(np.mean((x - np.mean(x)) ** 2))


def batch_norm_far_from_zero(x=1e5 + _rng.normal(size=(16, 4)), gain=np.ones(4)):
    normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    return np.sum((gain * normal) ** 3)


def exact_difference_of_inputs(a=1.0000000001, b=1.0):
    return (a - b) ** 2 / (a + b)


def nearly_exact_fit(w=0.30000000000000004, b=0.1, xs=(1.0, 2.0, 3.0), ys=(0.4, 0.7, 1.0)):
    return sum((w * x + b - y) ** 2 for x, y in zip(xs, ys))


def nearly_exact_fit_of_an_array(w=np.array([0.1, 0.2, 0.3])):
    residual = _DATA @ w - _DATA @ np.array([0.1, 0.2, 0.3 + 1e-13])
    return np.sum(residual**2)


def fraction_of_a_turn(time=1234.5678, frequency=440.1):
    phase = frequency * time
    rest = phase - math.floor(phase)
    return math.sin(2 * math.pi * rest)


def compensated_sum(xs=tuple(1e6 * (-1.0) ** k + 0.1 * k for k in range(100))):
    total, lost = 0.0, 0.0
    for x in xs:
        y = x - lost
        t = total + y
        lost = (t - total) - y
        total = t
    return total * total


def compensated_sum_that_adds_its_errors(xs=(1.0, 1e10, 1e-7, -1e10, 0.3)):
    total, errors = 0.0, 0.0
    for x in xs:
        t = total + x
        errors += (total - t) + x if abs(total) >= abs(x) else (x - t) + total
        total = t
    return (total + errors) ** 2


def newton_to_the_last_digit(a=3.0, x=1.0):
    for _ in range(20):
        error = x * x - a
        x = x - error / (2 * x)
    return x


def chaotic_map(x=0.3, r=3.7):
    for _ in range(12):
        x = r * x * (1 - x)
    return x


def training_until_nothing_is_left(w=np.zeros(2), X=np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])):
    y = X @ np.array([0.3, 0.7])
    for _ in range(300):
        w = w - 0.2 * (X.T @ (X @ w - y))
    return np.sum((X @ w - y) ** 2) + 0.01 * np.sum(w**2)


def single_precision_layers(x=_rng.normal(size=(8, 4)).astype(np.float32), W=np.eye(4, dtype=np.float32)):
    h = np.tanh(x @ W)
    normal = (h - h.mean(axis=1, keepdims=True)) / np.sqrt(h.var(axis=1, keepdims=True) + np.float32(1e-5))
    shifted = normal - normal.max(axis=1, keepdims=True)
    return -np.mean(shifted[:, 0] - np.log(np.exp(shifted).sum(axis=1)))


def printed_and_logged(x=2.0, w=3.0):
    loss = (w * x - 1.0) ** 2
    text = f"loss {loss:.3f} at {x!s}"
    numbers = [float(loss), float(x)]
    print(text, sum(numbers) / len(numbers), json.dumps({"mean": numbers[0]}))
    return loss


def stops_by_a_number(x=2.0):
    best = float("inf")
    y = x
    for _ in range(5):
        y = 0.5 * (y + x / y)
        change = float(abs(y * y - x))
        if change >= best:
            break
        best = change
    return y


def named_by_a_text(x=2.0, scale=10.0):
    label = str(x)
    width = len(label) if float(label.strip()) > 1.0 else 1
    return scale * x * width


def detached_scale(x=np.array([1.0, 2.0])):
    from tracer import detach

    return np.sum(x / (1.0 + detach(np.sum(x * x))))


def identity_of_sines(x=1.0):
    return math.sin(x) ** 2 + math.cos(x) ** 2 - 1


def identity_of_squares(a=1.1, b=0.3):
    return (a + b) ** 2 - a * a - 2 * a * b - b * b


def penalty_of_a_rotation(t=0.3):
    M = np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])
    return np.sum((M @ M.T - np.eye(2)) ** 2)


def penalties_of_unit_vectors(angles=np.array([0.3, -0.4, 1.0])):
    total = 0.0
    for angle in angles:
        c, s = math.cos(angle), math.sin(angle)
        total = total + (c * c + s * s - 1) ** 2
    return total
