"""Weight tying: one matrix embeds the words and un-embeds the prediction.

Look for: the splitter of `E` adds two terms: from the rows that were looked up, and from the scoring.
"""
# ruff: noqa: N803 -- matrices have capital letters, as in a textbook

import numpy as np

from tracer import trace

SENTENCE = "the cat sat on the mat"
VOCABULARY = ["cat", "mat", "on", "sat", "the"]
WORDS = [VOCABULARY.index(word) for word in SENTENCE.split()]
FEATURES = 3

random = np.random.default_rng(seed=4)
EMBEDDING = random.normal(size=(len(VOCABULARY), FEATURES))
WEIGHT = random.normal(size=(FEATURES, FEATURES))


def cross_entropy(logits, targets):
    """Measure how surprised the logits are by the targets, per word."""
    positions = np.arange(len(targets))
    return (np.log(np.exp(logits).sum(axis=1)) - logits[positions, targets]).mean()


@trace
def weight_tying(E=EMBEDDING, W=WEIGHT):
    """Predict each next word with the matrix that embedded the word before."""
    embedded = E[WORDS[:-1]]
    hidden = np.tanh(embedded @ W)
    logits = hidden @ E.T
    return cross_entropy(logits, WORDS[1:])
