"""Heat in a plate with a warm edge and a hot spot, by explicit finite differences with slices in place."""

import numpy as np


def diffuse(u, alpha=0.2, steps=8, edge=1.0):
    u = u.copy()
    for _ in range(steps):
        u[0, :] = edge
        u[-1, :] = u[-2, :]  # insulated
        u[:, 0], u[:, -1] = u[:, 1], u[:, -2]
        lap = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1]
        u[1:-1, 1:-1] += alpha * lap
    return u


def mean_temperature(u, alpha=0.2, edge=1.0):
    final = diffuse(u, alpha, edge=edge)
    hottest = np.unravel_index(final.argmax(), final.shape)
    return final[1:-1, 1:-1].mean(), final[hottest]


PLATE = np.zeros((6, 7))
PLATE[2:4, 3] = 5.0
