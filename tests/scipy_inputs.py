"""What the tests of SciPy share: numbers, and rows that need a newer SciPy than one that edgegrad follows."""

from __future__ import annotations

import re

import numpy as np
import pytest
import scipy

VECTOR = np.array([0.3, 0.8, 1.7])
MATRIX = np.array([[0.3, 0.8, 1.7], [2.1, 0.1, 0.6]])
OTHER = np.array([0.5, -0.2, 1.1])
SIGNAL = np.array([0.3, 1.9, -0.7, 0.4, 2.2, 1.1, -1.6, 0.9])
REGULAR = np.array([[3.1, 0.4, -0.7], [0.2, 2.6, 0.9], [-0.5, 0.3, 4.2]])
SIDES = np.array([[0.3, 1.8], [0.8, -0.6], [1.7, 0.2]])

VERSION = tuple(map(int, re.findall(r"\d+", scipy.__version__)[:2]))


def needs(major, minor, why):
    """Return a mark that skips before a version of SciPy."""
    return pytest.mark.skipif((major, minor) > VERSION, reason=f"before SciPy {major}.{minor} {why}")


def since(major, minor, *row, why):
    """Return a row of `parametrize` that is skipped before a version of SciPy."""
    return pytest.param(*row, marks=needs(major, minor, why))
