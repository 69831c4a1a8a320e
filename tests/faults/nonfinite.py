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


def overflowing_softmax_of_another_class(z=np.array([1000.0, 0.0])):
    e = np.exp(z)  # cause
    p = e / e.sum()
    return -np.log(p[1])


def overflowing_sigmoid(x=-800.0):
    e = np.exp(-x)  # cause
    return -np.log(1.0 / (1.0 + e))


def overflowing_softmax_under_a_root(z=np.array([1000.0, 0.0]), w=2.0):
    e = np.exp(z)  # cause
    return w * np.sqrt((e / e.sum())[1])


def input_with_nan(x=np.array([1.0, np.nan, 2.0]), w=np.ones(3)):  # cause: x
    return np.sum(x * w)


def _length(p, q):
    return math.sqrt((p - q) ** 2)  # cause of distance_in_a_helper


def distance_in_a_helper(points=(1.0, 2.0, 2.0, 5.0)):
    total = 0.0
    for p, q in zip(points, points[1:]):
        total = total + _length(p, q)
    return total


def log_of_softmax(W=np.array([[900.0, 0.0], [0.0, 1.0]]), x=np.array([1.0, 2.0])):
    z = W @ x
    e = np.exp(z - np.max(z))
    p = e / np.sum(e)
    return -np.log(p[1])  # cause


def entropy_of_a_certain_event(p=np.array([1.0, 0.0, 0.0])):
    return -np.sum(p * np.log(p))  # cause


def standard_deviation_by_hand(x=np.array([2.0, 2.0, 2.0]), scale=1.5):
    variance = np.mean((x - np.mean(x)) ** 2)
    return scale / (1.0 + np.sqrt(variance))  # cause


def fractional_power_at_zero(x=0.0, p=0.5):
    return 3.0 * x**p  # cause


def masked_logarithm(x=np.array([1.0, 0.0, 3.0])):
    logs = np.log(x)  # cause
    return np.sum(np.where(x > 0, logs, 0.0))


def masked_by_a_product(x=np.array([1.0, 0.0, 3.0])):
    mask = np.array([1.0, 0.0, 1.0])
    root = np.sqrt(x)  # cause
    return np.sum(mask * root)


def exploding_recurrence(w=1e30, x=1.0):
    h = x
    for _ in range(12):
        h = h * w  # cause
    return h - h


def infinity_minus_infinity(x=np.array([-np.inf, -np.inf])):
    shifted = x - np.max(x)  # cause
    return np.sum(np.exp(shifted))


def inverse_of_a_difference(positions=(0.0, 1.0, 1.0), charge=2.0):
    energy = 0.0
    for i in range(3):
        for j in range(i):
            gap = (positions[i] - positions[j]) ** 2
            energy = energy + charge * gap**0.5  # cause
    return energy


def nan_in_the_data(w=np.array([0.5, -0.5]), b=0.1):
    X = np.array([[1.0, 2.0], [np.nan, 1.0]])
    return np.mean((X @ w + b) ** 2)  # cause


def arccos_at_one(v=np.array([1.0, 0.0])):
    cosine = v[0] / (v[0] ** 2 + v[1] ** 2)
    return np.arccos(cosine)  # cause
