"""An Asian option by Monte Carlo with antithetic paths, and its control variate."""

import numpy as np


def paths(s0, r, sigma, T, steps, n, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, steps))
    z = np.concatenate([z, -z])
    dt = T / steps
    increments = (r - 0.5 * sigma**2) * dt + sigma * np.sqrt(dt) * z
    return s0 * np.exp(np.cumsum(increments, axis=1))


def asian_call(s0=100.0, strike=98.0, r=0.03, sigma=0.25, T=1.0, steps=6, n=10):
    S = paths(s0, r, sigma, T, steps, n)
    discount = np.exp(-r * T)
    payoff = discount * np.maximum(S.mean(axis=1) - strike, 0.0)
    control = discount * S[:, -1] - s0
    centered = control - control.mean()
    beta = centered @ (payoff - payoff.mean()) / (centered @ centered)
    adjusted = payoff - beta * control
    return adjusted.mean(), adjusted.std(ddof=1) / np.sqrt(2 * n)
