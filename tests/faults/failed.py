"""Runs that fail: the finding says where. A function for each, called with its defaults."""

import math

import numpy as np


def power_of_a_power(x=2.0):
    y = x
    for _ in range(3):
        y = math.exp(y)  # cause
    return y


def _normalised(weights, total):
    return [w / total for w in weights]  # cause of division_by_zero


def division_by_zero(weights=(1.0, -1.0)):
    shares = _normalised(weights, sum(weights))
    return shares[0]


def shapes_that_do_not_fit(W=np.ones((3, 2)), x=np.ones(3)):
    h = np.tanh(x)
    return np.sum(W @ h)  # cause


def wrong_key(params={"w": 2.0}, x=3.0):
    y = params["w"] * x
    return y + params["bias"]  # cause
