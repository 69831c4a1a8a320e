"""An epidemic by day (susceptible, infected, recovered) with a vaccination campaign; returns the worst day and toll."""

import numpy as np


def days(beta, gamma, population, infected, vaccination):
    s, i, r = population - infected, infected, 0.0
    while True:
        yield s, i, r
        new_cases = np.clip(beta * s * i / population, 0, s)
        recovered = gamma * i
        vaccinated = np.clip(vaccination * population, 0, s - new_cases)
        s, i, r = s - new_cases - vaccinated, i + new_cases - recovered, r + recovered + vaccinated


def outbreak(beta=0.5, gamma=0.12, population=1000.0, infected=5.0, vaccination=0.004, horizon=40):
    source = days(beta, gamma, population, infected, vaccination)
    table = np.array([next(source) for _ in range(horizon)])
    assert np.allclose(table.sum(axis=1), population)
    worst = int(table[:, 1].argmax())
    return table[worst, 1], table[-1, 2] / population, worst
