"""Logistic regression on a hundred real irises: virginica or versicolor.

Look for: what arrives at `scores` is (probability - truth) / 100 for each flower, after all those gates.
"""

from pathlib import Path

import numpy as np

from tracer import trace

IRISES = Path(__file__).with_name("iris.csv")
SPECIES = np.loadtxt(IRISES, delimiter=",", skiprows=1, usecols=4, dtype=str)
MEASURED = np.loadtxt(IRISES, delimiter=",", skiprows=1, usecols=range(4))[SPECIES != "setosa"]
FLOWERS = (MEASURED - MEASURED.mean(axis=0)) / MEASURED.std(axis=0)
IS_VIRGINICA = SPECIES[SPECIES != "setosa"] == "virginica"

# Sepal length and width, petal length and width: a first guess that large petals make a virginica.
GUESS = np.array([0.0, 0.0, 1.0, 1.0])


@trace
def logistic(weights=GUESS, bias=0.0):
    """Measure how unlikely the model finds the true species."""
    scores = FLOWERS @ weights + bias
    probability = 1 / (1 + np.exp(-scores))
    likelihood = np.where(IS_VIRGINICA, probability, 1 - probability)
    return -np.log(likelihood).mean()
