"""A recurrent network reads a sentence: one matrix, used at every word.

Look for: the splitter of `W_hh` adds a term for each word; the first is zero: nothing is remembered yet.
"""
# ruff: noqa: N803 -- matrices have capital letters, as in a textbook

import numpy as np

from tracer import trace

SENTENCE = "to be or not to be"
VOCABULARY = ["be", "not", "or", "to"]
WORDS = [VOCABULARY.index(word) for word in SENTENCE.split()]
HIDDEN = 3

random = np.random.default_rng(seed=2)
W_XH = random.normal(size=(HIDDEN, len(VOCABULARY)))
W_HH = random.normal(size=(HIDDEN, HIDDEN))
W_HY = random.normal(size=(HIDDEN, len(VOCABULARY)))
BIAS = np.zeros(HIDDEN)


def cross_entropy(logits, targets):
    """Measure how surprised the logits are by the targets, per word."""
    positions = np.arange(len(targets))
    return (np.log(np.exp(logits).sum(axis=1)) - logits[positions, targets]).mean()


@trace
def rnn(W_xh=W_XH, W_hh=W_HH, b=BIAS, W_hy=W_HY):
    """Predict each next word of the sentence."""
    h = np.zeros(HIDDEN)
    states = []
    for word in WORDS[:-1]:
        h = np.tanh(W_xh[:, word] + W_hh @ h + b)
        states.append(h)
    logits = np.stack(states) @ W_hy
    return cross_entropy(logits, WORDS[1:])
