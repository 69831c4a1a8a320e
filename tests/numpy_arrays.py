"""Arrays that NumPy's functions are called with."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(7)


VECTOR = np.array([0.7, -1.3, 2.1])


MATRIX = RANDOM.normal(size=(2, 3))


CUBE = RANDOM.normal(size=(2, 3, 4))


SQUARE = RANDOM.normal(size=(3, 3))


POSITIVE = np.array([[0.4, 1.7, 2.2], [0.9, 3.1, 0.6]])


SMALL = np.array([0.3, -0.6, 0.8])
