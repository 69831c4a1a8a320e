"""Faults whose worst finding is `nonfinite`: a function for each, called with its defaults."""

import math

import numpy as np


def norm_at_zero(x=np.zeros(3), w=np.ones(3)):
    length = np.sqrt(np.sum(x**2))  # cause
    return length * np.sum(w)


def masked_reciprocal(x=np.array([2.0, 0.0, 4.0])):
    inverse = 1.0 / x  # cause
    return np.sum(np.where(x > 0, inverse, 0.0))


def overflowing_softmax(z=np.array([1000.0, 0.0, -5.0])):
    e = np.exp(z)  # cause
    p = e / np.sum(e)
    return -np.log(p[0])


def input_with_nan(x=np.array([1.0, np.nan, 2.0]), w=np.ones(3)):  # cause: x
    return np.sum(x * w)


def _length(p, q):
    return math.sqrt((p - q) ** 2)  # cause of distance_in_a_helper


def distance_in_a_helper(points=(1.0, 2.0, 2.0, 5.0)):
    total = 0.0
    for p, q in zip(points, points[1:]):
        total = total + _length(p, q)
    return total
