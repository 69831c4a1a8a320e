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


def one_less_cosine(x=1e-4):
    return (1 - math.cos(x)) / x**2  # cause


def one_less_cosine_of_nothing(x=1e-8):
    return (1 - math.cos(x)) / x**2  # cause


def root_less_one(x=1e-9):
    return (math.sqrt(1 + x) - 1) / x  # cause


def logarithm_near_one(x=1e-12):
    y = 1 + x
    return math.log(y) / x  # cause


def exponential_less_one(rate=1e-9, years=2.0):
    growth = math.exp(rate * years)
    gain = growth - 1  # cause
    return gain / rate


def smaller_root_of_a_quadratic(a=1.0, b=1e7, c=1.0):
    return (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a)  # cause


def smaller_root_of_a_steep_quadratic(a=1.0, b=1e8, c=1.0):
    discriminant = b**2 - 4 * a * c
    return (-b + math.sqrt(discriminant)) / (2 * a)  # cause


def hyperbolic_difference(x=20.0):
    return math.cosh(x) - math.sinh(x)  # cause


def expanded_polynomial(x=1.001):
    return x**7 - 7 * x**6 + 21 * x**5 - 35 * x**4 + 35 * x**3 - 21 * x**2 + 7 * x - 1  # cause


def one_less_cosines_of_an_array(x=np.array([1e-4, 2e-4, 3e-4])):
    angle = 0.5 * x
    return np.sum((1 - np.cos(angle)) / x**2)  # cause


def naive_deviation_of_an_array(x=1e6 + np.array([0.1, 0.4, -0.3, 0.9])):
    mean = np.mean(x)
    return np.sqrt(np.mean(x**2) - mean**2)  # cause


def naive_deviation_by_products(x=1e6 + np.array([0.1, 0.4, -0.3, 0.9]), weights=np.full(4, 0.25)):
    mean = weights @ x
    variance = weights @ (x * x) - mean * mean  # cause
    return 1.0 / np.sqrt(variance)


def normalised_by_naive_variance(x=1e5 + np.array([[0.1, 0.4], [-0.3, 0.9], [0.8, -0.2]])):
    mean = np.mean(x, axis=0)
    variance = np.mean(x * x, axis=0) - mean * mean  # cause
    normal = (x - mean) / np.sqrt(variance + 1e-5)
    return np.sum(normal**3)


def one_less_sigmoid(z=25.0):
    p = 1 / (1 + math.exp(-z))
    return -math.log(1 - p)  # cause


def single_precision(x=np.array([0.01, 0.02], np.float32)):
    return np.sum((1 - np.cos(x)) / x**2)  # cause


def _versine(angle):
    return 1 - math.cos(angle)  # cause of haversine


def haversine(north=1e-6, east=1e-6, radius=6.371e6):
    h = _versine(north) / 2 + math.cos(north) * _versine(east) / 2
    return 2 * radius * math.asin(math.sqrt(h))


def alternating_series(x=20.0, terms=120):
    total, term = 0.0, 1.0
    for n in range(1, terms):
        total = total + term  # cause
        term = -term * x / n
    return math.log(abs(total))


def slope_of_small_step(x=0.7, h=1e-9):
    slope = (math.exp(x + h) - math.exp(x)) / h  # cause
    return (slope - 2.0) ** 2


def square_of_one_less_cosine(x=1e-9):
    return (1 - math.cos(x)) ** 2  # cause


def square_of_a_difference_written_out(a=1.0, b=1.0 + 1e-9):
    return a * a - 2 * a * b + b * b  # cause
