"""Curves exam scores: out= buffers, boolean masks, fancy indexing, nan for missing, and a ranking."""

import numpy as np


def curve(scores, weights, bonus=2.0, pivot=60.0):
    scores = scores.copy()
    missing = np.isnan(scores)
    scores[missing] = 0.0
    buffer = np.empty_like(scores)
    np.multiply(scores, weights, out=buffer)
    totals = buffer.sum(axis=1)
    count = (~missing).sum(axis=1)
    totals /= np.where(count == 0, 1, count) / scores.shape[1]
    below = totals < pivot
    totals[below] += bonus * np.sqrt(pivot - totals[below])
    np.minimum(totals, 100, out=totals)
    ranking = np.argsort(-totals)
    return totals[ranking], totals[ranking[:3]].mean() - totals.min()


SCORES = np.array([[80.0, 70.0, np.nan], [40.0, 55.0, 61.0], [90.0, 95.0, 99.0], [20.0, np.nan, 35.0]])
WEIGHTS = np.array([0.3, 0.3, 0.4])
