"""Prices an American put on a binomial tree, backwards in place over one list."""

from math import exp, sqrt


def american_put(S, K, r, sigma, T, steps=12):
    dt = T / steps
    up = exp(sigma * sqrt(dt))
    down = 1 / up
    p = (exp(r * dt) - down) / (up - down)
    assert 0 < p < 1, f"no arbitrage-free price: p = {p:.3f}"
    discount = exp(-r * dt)

    values = [0.0] * (steps + 1)
    for i in range(steps + 1):
        values[i] = max(K - S * up ** (2 * i - steps), 0.0)
    for n in range(steps - 1, -1, -1):
        for i in range(n + 1):
            hold = discount * (p * values[i + 1] + (1 - p) * values[i])
            exercise = K - S * up ** (2 * i - n)
            values[i] = hold if hold > exercise else exercise
    return values[0]
