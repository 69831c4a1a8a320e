"""Fits a logistic regression with Adam and a gradient derived by hand; returns the loss after training."""

import numpy as np


def loss_and_grad(w, X, y, l2):
    p = 1 / (1 + np.exp(-X @ w))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + l2 * (w**2).sum()
    grad = X.T @ (p - y) / len(y) + 2 * l2 * w
    return loss, grad


def adam(X, y, lr=0.1, beta1=0.9, beta2=0.999, l2=0.01, steps=8, eps=1e-8):
    w = np.zeros(X.shape[1])
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        loss, g = loss_and_grad(w, X, y, l2)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)
        w -= lr * m_hat / (np.sqrt(v_hat) + eps)
        if t % 4 == 0:
            print("step %d loss %.4f |w| %.3f" % (t, loss, np.linalg.norm(w)))
    return loss_and_grad(w, X, y, l2)[0]


rng = np.random.default_rng(5)
X = rng.normal(size=(12, 3))
Y = (X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=12) > 0).astype(float)
