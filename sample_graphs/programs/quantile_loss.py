"""Quantile regression: the pinball loss of linear predictions, compared with the empirical median."""

import numpy as np


def pinball(error, tau):
    return np.where(error >= 0, tau * error, (tau - 1) * error)


def fit_quality(slopes, intercepts, x, y, taus=(0.1, 0.5, 0.9)):
    preds = np.outer(slopes, x) + intercepts[:, None]
    losses = [pinball(y - p, tau).mean() for p, tau in zip(preds, taus)]
    crossing = np.maximum(preds[:-1] - preds[1:], 0).sum()
    baseline = pinball(y - np.median(y), 0.5).mean()
    iqr = np.percentile(y, 75) - np.percentile(y, 25)
    return sum(losses) + 10 * crossing, losses[1] / baseline, iqr


rng = np.random.default_rng(8)
XS = np.linspace(0, 1, 9)
YS = 2 * XS + rng.normal(0, 0.3, 9)
SLOPES, INTERCEPTS = np.array([1.8, 2.1, 2.4]), np.array([-0.4, 0.05, 0.3])
