"""Every value used once: no splitter anywhere, only the chain rule.

Look for: each gate multiplies what arrives from the right by its own local partial; nothing is added.
"""

import math

from tracer import trace


@trace
def single_use(x=0.5, weight=3.0, bias=-1.0):
    """Compute one neuron."""
    score = weight * x + bias
    return math.tanh(score)
