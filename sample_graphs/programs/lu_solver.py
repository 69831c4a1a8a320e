"""A linear system by LU with partial pivoting in place, its determinant, and a step of refinement."""

import numpy as np


def lu(A):
    A, n = A.copy(), A.shape[0]
    perm, sign = list(range(n)), 1
    for k in range(n - 1):
        p = k + int(np.argmax(np.abs(A[k:, k])))
        if A[p, k] == 0:
            raise ValueError(f"singular matrix at column {k}")
        if p != k:
            A[[k, p]] = A[[p, k]]
            perm[k], perm[p] = perm[p], perm[k]
            sign = -sign
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
    return A, perm, sign


def substitute(LU, perm, b):
    x = b[perm]
    n = len(x)
    for i in range(1, n):
        x[i] -= LU[i, :i] @ x[:i]
    for i in reversed(range(n)):
        x[i] = (x[i] - LU[i, i + 1 :].dot(x[i + 1 :])) / LU[i, i]
    return x


def solve(A, b):
    LU, perm, sign = lu(A)
    x = substitute(LU, perm, b)
    residual = b - A @ x
    x += substitute(LU, perm, residual)
    assert np.allclose(A @ x, b)
    return x, sign * LU.diagonal().prod(), np.abs(residual).max() < 1e-9


A = np.array([[0.1, 2.0, -1.0, 0.5], [3.0, 0.2, 1.0, -1.0], [1.0, -2.0, 0.3, 2.0], [0.5, 1.0, 4.0, 1.0]])
B = np.array([1.0, -0.5, 2.0, 0.7])
