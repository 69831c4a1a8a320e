"""Orthonormal vectors out of any, by Gram-Schmidt and by Householder, and the volume that they span."""

import numpy as np


def gram_schmidt(vectors):
    basis = []
    for v in vectors:
        w = v - sum(np.dot(v, b) * b for b in basis)
        if (w > 1e-10).any():
            basis.append(w / np.linalg.norm(w))
    return np.array(basis)


def householder(A):
    R = A.astype(float)
    Q = np.identity(len(R))
    for k in range(R.shape[1]):
        x = R[k:, k]
        v = x.copy()
        v[0] += np.copysign(np.sqrt(x @ x), x[0])
        v /= np.sqrt(v @ v)
        R[k:, k:] -= 2 * np.outer(v, v @ R[k:, k:])
        Q[:, k:] -= 2 * np.outer(Q[:, k:] @ v, v)
    return Q, R


def volume(vectors, direction):
    basis = gram_schmidt(vectors)
    assert np.allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-8)
    Q, R = householder(vectors.T)
    angle = np.arccos(np.clip(basis[-1] @ direction / np.linalg.norm(direction), -1, 1))
    return np.abs(np.prod(np.diagonal(R))), angle, Q[0]


VECTORS = np.array([[1.0, 2.0, 0.5], [0.3, 1.0, -1.0], [2.0, 0.1, 0.7]])
DIRECTION = np.array([0.2, -0.5, 1.0])
