"""k-means with soft assignment: every point belongs to every centre a little; returns the final distortion."""

import numpy as np


def soft_kmeans(points, centers, beta=2.0, n_iter=5, tol=1e-12):
    history = []
    for it in range(n_iter):
        d2 = ((points[:, None, :] - centers[None, :, :]) ** 2).sum(-1)
        logits = -beta * d2
        logits -= logits.max(axis=1, keepdims=True)
        r = np.exp(logits)
        r /= r.sum(axis=1, keepdims=True)
        new = r.T @ points / r.sum(axis=0)[:, None]
        history.append((r * d2).sum())
        if np.linalg.norm(new - centers) < tol:
            print(f"converged after {it} iterations")
            break
        centers = new
    return history[-1], centers


rng = np.random.default_rng(3)
POINTS = np.vstack([rng.normal(m, 0.4, size=(5, 2)) for m in (-1.0, 0.5, 2.0)])
CENTERS = np.array([[-0.5, -0.5], [0.3, 0.2], [1.5, 1.0]])
