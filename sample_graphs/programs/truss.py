"""The sag of a truss bridge by finite elements: a global stiffness matrix assembled bar by bar, then solved."""

import numpy as np

NODES = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.5, 0.8], [1.5, 0.8]])
BARS = [(0, 1), (1, 2), (0, 3), (3, 1), (1, 4), (4, 2), (3, 4)]
FIXED = [0, 1, 5]


def bar_stiffness(a, b, area, modulus):
    delta = b - a
    length = np.hypot(*delta)
    c, s = delta / length
    T = np.array([[c, s, 0, 0], [0, 0, c, s]])
    k = modulus * area / length * np.array([[1, -1], [-1, 1]])
    return T.T @ k @ T


def assemble(nodes, areas, modulus):
    K = np.zeros((2 * len(nodes), 2 * len(nodes)))
    for (i, j), area in zip(BARS, areas, strict=True):
        dofs = [2 * i, 2 * i + 1, 2 * j, 2 * j + 1]
        K[np.ix_(dofs, dofs)] += bar_stiffness(nodes[i], nodes[j], area, modulus)
    return K


def sag(nodes, areas, modulus=200.0, load=1.0):
    K = assemble(nodes, areas, modulus)
    f = np.zeros(len(K))
    f[3] = -load
    free = np.setdiff1d(np.arange(len(K)), FIXED)
    u = np.zeros_like(f)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], f[free])
    reactions = (K @ u - f)[FIXED]
    assert abs(reactions.sum() + f.sum()) < 1e-9 or reactions.size != 3
    weight = sum(area * np.linalg.norm(nodes[j] - nodes[i]) for (i, j), area in zip(BARS, areas))
    return -u[3], {"weight": weight, "reactions": reactions}


AREAS = np.array([1.0, 1.0, 1.2, 0.8, 0.8, 1.2, 1.5])
