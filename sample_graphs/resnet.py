"""Four residual blocks on arrays: the skips carry the gradient past every block.

Look for: at each splitter one term is the gradient from the right, unchanged; the branch only adds to it.
"""
# ruff: noqa: N803, N806 -- matrices have capital letters, as in a textbook

import numpy as np

from tracer import trace

BLOCKS = 4
SAMPLES, FEATURES, HIDDEN = 5, 6, 8

random = np.random.default_rng(seed=1)
IMAGES = random.normal(size=(SAMPLES, FEATURES))
TARGETS = random.normal(size=(SAMPLES, FEATURES))
WEIGHTS = [
    (random.normal(size=(FEATURES, HIDDEN)) / 4, random.normal(size=(HIDDEN, FEATURES)) / 4)
    for _ in range(BLOCKS)
]


def block(x, W_in, W_out):
    """Add a layer of rectified units to what it reads."""
    hidden = np.maximum(x @ W_in, 0.0)
    return x + hidden @ W_out


@trace
def resnet(x=IMAGES, weights=WEIGHTS):
    """Send a batch through all blocks and measure how far from its targets it arrives."""
    for W_in, W_out in weights:
        x = block(x, W_in, W_out)
    return ((x - TARGETS) ** 2).mean()
