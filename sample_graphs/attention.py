"""Attention with several heads that read the same keys and values (multi-query attention).

Look for: the splitters of `keys` and `values` add one term for each head.
"""
# ruff: noqa: N803, N806 -- matrices have capital letters, as in a textbook

import math

import numpy as np

from tracer import trace

WORDS, FEATURES, HEADS = 4, 6, 3
HEAD = FEATURES // HEADS

random = np.random.default_rng(seed=3)
TOKENS = random.normal(size=(WORDS, FEATURES))
TARGETS = random.normal(size=(WORDS, FEATURES))
W_Q = [random.normal(size=(FEATURES, HEAD)) / 2 for _ in range(HEADS)]
W_K = random.normal(size=(FEATURES, HEAD)) / 2
W_V = random.normal(size=(FEATURES, HEAD)) / 2


def softmax(scores):
    """Turn each row of scores into weights that sum to one."""
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@trace
def attention(tokens=TOKENS, W_q=W_Q, W_k=W_K, W_v=W_V):
    """Let every head mix the values in its own way, and compare the result with the targets."""
    keys = tokens @ W_k
    values = tokens @ W_v
    heads = []
    for W in W_q:
        queries = tokens @ W
        weights = softmax(queries @ keys.T / math.sqrt(HEAD))
        heads.append(weights @ values)
    mixed = np.concatenate(heads, axis=1)
    return ((mixed - TARGETS) ** 2).mean()
