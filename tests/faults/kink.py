"""Faults whose worst finding is `kink`: a function for each, called with its defaults."""

import math

import numpy as np


def abs_at_zero(x=0.0, w=3.0):
    return w * abs(x)  # cause


def tie_in_maximum(a=2.0, b=2.0):
    return np.maximum(a, b) * 3.0  # cause


def tie_in_max(a=1.5, b=1.5, w=2.0):
    return w * max(a, b)  # cause


def relu_at_zero(x=0.0):
    return np.maximum(x, 0.0) * 2.0  # cause


def relu_of_an_array_without_axes(x=np.array(0.0)):
    return np.maximum(x, 0.0) * 2.0  # cause


def clip_at_its_edge(x=1.0):
    return 4.0 * np.clip(x, 0.0, 1.0)  # cause


def _distance(p, q):
    return math.dist(p, q)  # cause of distance_of_a_point_to_itself


def distance_of_a_point_to_itself(p=(1.0, 2.0)):
    return 2.0 * _distance(p, (1.0, 2.0))


def norm_of_zero(x=np.zeros(3), scale=2.0):
    return scale * np.linalg.norm(x)  # cause


def hinge_at_its_corner(w=0.5, x=2.0):
    return max(0.0, 1 - w * x)  # cause


def tie_in_an_array(a=np.array([1.0, 3.0, 3.0])):
    return 2.0 * a.max()  # cause


def tie_along_an_axis(a=np.array([[3.0, 3.0], [1.0, 1.0]])):
    return np.sum(np.min(a, axis=1))  # cause
