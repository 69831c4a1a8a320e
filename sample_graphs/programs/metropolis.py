"""A Markov chain that samples a skewed density, by Metropolis steps with a fixed stream of random numbers."""

import math
import random


def log_density(x, mean, scale, skew):
    z = (x - mean) / scale
    tail = 0.5 * math.erfc(-skew * z / math.sqrt(2))
    return -0.5 * z * z - math.log(scale) + (math.log(tail) if tail > 0 else -math.inf)


def chain(mean=0.5, scale=1.2, skew=2.0, step=0.9, n=40, seed=7):
    dice = random.Random(seed)
    x, accepted, samples = mean, 0, []
    for _ in range(n):
        proposal = x + step * dice.gauss(0, 1)
        log_ratio = log_density(proposal, mean, scale, skew) - log_density(x, mean, scale, skew)
        if log_ratio >= 0 or dice.random() < math.exp(log_ratio):
            x = proposal
            accepted += 1
        samples.append(x)
    kept = samples[n // 4 :]
    average = sum(kept) / len(kept)
    return average, sum((s - average) ** 2 for s in kept) / (len(kept) - 1), accepted / n
