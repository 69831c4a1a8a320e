"""All roots of a polynomial at once, by Durand and Kerner: complex numbers, written into place by place."""

import numpy as np


def roots_of(coefficients, turns=12):
    n = len(coefficients) - 1
    roots = (0.4 + 0.9j) ** np.arange(n)
    for _ in range(turns):
        for i in range(n):
            value = np.polyval(coefficients, roots[i]) / coefficients[0]
            roots[i] -= value / np.prod(roots[i] - np.delete(roots, i))
    return roots


def stability(coefficients):
    """Return how far inside of the unit circle the roots of a filter lie, and how sharp its resonance is."""
    roots = roots_of(coefficients)
    slowest = roots[np.argmax(np.abs(roots))]
    return 1 - np.abs(slowest), np.abs(slowest.imag) / np.abs(slowest), np.sum(np.abs(roots) ** 2)


FILTER = np.array([4.0, 1.3, 2.1, 0.4])
