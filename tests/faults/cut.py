"""Faults whose worst finding is `cut`: a function for each, called with its defaults."""

import numpy as np


def float_of_a_loss(x=2.5):
    y = x * x
    return 3.0 * float(y)  # cause


def half_of_it_cut(x=2.5):
    y = x * x
    z = float(y)  # cause
    return y + z * x


def item_of_an_array(x=np.array([1.5, 2.5])):
    total = np.sum(x * x).item()
    scale = float(total)  # cause
    return np.sum(x / scale)


def _as_number(value):
    return float(value)  # cause of cut_in_a_helper


def cut_in_a_helper(w=0.7, x=1.9):
    return w * _as_number(x * 1.3)


def plain_array(x=np.array([1.5, 2.5]), w=2.0):
    y = np.asarray(x * 2.0, dtype=object)  # cause
    return w * float(y[0])
