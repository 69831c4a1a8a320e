"""The log-probability of what a hidden Markov model emits, by the forward algorithm in logarithms."""

import numpy as np


def logsumexp(a, axis=None):
    a_max = np.max(a, axis=axis, keepdims=True)
    out = np.log(np.sum(np.exp(a - a_max), axis=axis, keepdims=True)) + a_max
    return out.item() if axis is None else np.squeeze(out, axis=axis)


def log_normalize(scores):
    return scores - logsumexp(scores, axis=-1)[..., np.newaxis]


def log_likelihood(start, transition, emission, observed):
    log_pi, log_A, log_B = map(log_normalize, (start, transition, emission))
    T, K = len(observed), len(start)
    alpha = np.empty((T, K))
    alpha[0] = log_pi + log_B[:, observed[0]]
    for t in range(1, T):
        for k in range(K):
            alpha[t, k] = logsumexp(alpha[t - 1] + log_A[:, k]) + log_B[k, observed[t]]
    return logsumexp(alpha[-1])


rng = np.random.default_rng(11)
START, TRANSITION, EMISSION = rng.normal(size=3), rng.normal(size=(3, 3)), rng.normal(size=(3, 4))
OBSERVED = "ACGTTACA"
SYMBOLS = ["ACGT".index(letter) for letter in OBSERVED]
