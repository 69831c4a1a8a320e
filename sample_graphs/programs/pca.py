"""Principal components three ways (eigenvectors, SVD, QR iteration), and how much variance they explain."""

import numpy as np


def by_eigh(X, k):
    C = X.T @ X / (len(X) - 1)
    vals, vecs = np.linalg.eigh(C)
    order = np.argsort(vals)[::-1]
    return vals[order][:k], vecs[:, order[:k]]


def by_svd(X, k):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return s[:k] ** 2 / (len(X) - 1), Vt[:k].T


def by_qr(X, k, steps=4):
    C = X.T @ X / (len(X) - 1)
    Q = np.eye(C.shape[0], k)
    for _ in range(steps):
        Q, R = np.linalg.qr(C @ Q)
    return np.abs(np.diag(R)), Q


def explained(data, k=2):
    X = data - data.mean(axis=0)
    total = np.trace(X.T @ X) / (len(X) - 1)
    result = {}
    for method in (by_eigh, by_svd, by_qr):
        variances, components = method(X, k)
        residual = X - X @ components @ components.T
        result[method.__name__] = (variances.sum() / total, (residual**2).sum())
    return result


rng = np.random.default_rng(13)
DATA = rng.normal(size=(8, 3)) @ np.diag([3.0, 1.5, 0.4]) + [1, 2, 3]
