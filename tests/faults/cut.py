"""Faults whose worst finding is `cut`: a function for each, called with its defaults."""

import io
import math

import numpy as np
from scipy import interpolate, optimize


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


def part_of_a_sum(x=2.0):
    return x + 3 * float(x)  # cause


def weight_by_a_number(x=(2.0, 1.0), w=3.0):
    v = float(x[0])  # cause
    return w * v + x[1]


def exponential_of_a_number(x=2.0):
    return x + math.exp(float(x))  # cause


def through_a_text(x=2.0):
    return x + float(str(x))  # cause


def through_a_formatted_text(x=2.0, w=3.0):
    text = f"{x:.17g}"  # cause
    return w * x + w * float(text)


def through_a_text_beside_a_weight(x=2.34567, w=3.0):
    return float(f"{x:.2f}") * w  # cause


def _shown(value):
    return f"{value:.3g}"  # cause of through_a_text_in_a_helper


def through_a_text_in_a_helper(x=2.34567, w=3.0):
    text = _shown(x)
    return w * float(text)


def through_an_old_format(x=2.34567, w=3.0):
    return w * float("%.1f" % x)  # cause


def through_a_text_by_percent(x=2.0):
    return x * float("%.17g" % x)  # cause


def _written(value):
    return float(repr(value))  # cause of text_in_a_helper


def text_in_a_helper(x=2.0):
    return x * _written(x)


def added_in_place(x=2.0):
    total = x * x
    total += 2.0 * float(x)  # cause
    return total


def _shifted(value):
    return float(value) - 1.0  # cause of shifted_in_a_helper


def shifted_in_a_helper(x=2.0):
    return x * _shifted(x)


def normalised_by_a_number(x=np.array([1.0, 2.0])):
    size = np.sum(x * x).item()
    scale = 1.0 + math.sqrt(float(size))  # cause
    return np.sum(x / scale)


def step_by_a_number(x=2.0, rate=0.1):
    for _ in range(3):
        slope = float(2.0 * x)  # cause
        x = x - rate * slope
    return x * x


def root_of_a_library(k=1.3):
    root = optimize.brentq(lambda t: t * t - k, 0, 9)  # cause
    return root + 0.1 * k


def interpolated(y=np.array([0.0, 1.0, 4.0, 9.0])):
    return float(interpolate.interp1d(np.arange(4.0), y)(2.3))  # cause


class _Average:
    def __init__(self):
        self.value = 0.0

    @property
    def number(self):
        return float(self.value)  # cause of average_by_a_property


def average_by_a_property(x=2.345):
    average = _Average()
    average.value = x
    return 0.9 * x + 0.1 * average.number


def half_through_a_file(x=np.array([1.5, 2.5])):
    file = io.BytesIO()
    np.save(file, x * x)  # cause
    file.seek(0)
    weights = np.load(file) / 2
    return np.sum(weights * x)
