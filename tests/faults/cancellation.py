"""Faults whose worst finding is `cancellation`: gradients that are a small difference of large terms."""

import math

import numpy as np


def nearly_equal_multiples(a=2.0):
    return a * 3 - a * 3.0001  # cause


def difference_of_large_losses(w=1.5):
    before = 1e9 * (w - 1.0) ** 2
    after = 1e9 * (w - 1.0) ** 2 + 0.001 * w  # cause
    return after - before


def naive_variance(xs=(1e6 + 0.1, 1e6 + 0.4, 1e6 - 0.3)):
    n = len(xs)
    mean = sum(xs) / n
    return sum(x * x for x in xs) / n - mean * mean  # cause


def naive_variance_of_an_array(xs=1e6 + np.array([0.1, 0.4, -0.3, 0.9])):
    return np.mean(xs**2) - np.mean(xs) ** 2  # cause


def finite_difference_in_the_loss(x=1.0):
    h = 1e-7
    slope = (math.sin(x + h) - math.sin(x)) / h  # cause
    return slope**2


def small_angle(x=1e-3):
    return x - math.sin(x)  # cause


def one_element(a=np.array([1.0, 2.0, 3.0])):
    up = a * np.array([3e6, 2.0, 0.1])
    down = a * np.array([3e6 - 1, 1.0, 0.4])  # cause
    return np.sum(up - down)


def broadcast_sum(shift=0.5, weights=np.array([1e7, -1e7 + 1, 3.0])):
    return np.sum(shift * weights)  # cause


def difference_of_roots(x=1e10):
    return math.sqrt(x + 1) - math.sqrt(x)  # cause


def inner_variable(x=0.3):
    y = math.exp(x)
    return y * 1.000001 - y  # cause


def expanded_distance(x=1000.0, y=1000.01):
    return x * x - 2 * x * y + y * y  # cause


def second_difference(x=0.7):
    h = 1e-4
    return (math.cos(x + h) - 2 * math.cos(x) + math.cos(x - h)) / h**2  # cause
