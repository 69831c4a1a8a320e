"""A square root by Newton's method: a plain loop that stops on a tolerance.

Look for: `x` is used at every step, but its last use sends back everything: Newton's method forgets.
"""

import math

from tracer import trace


@trace
def newton(x=2.0):
    """Average a guess with x / guess until it no longer changes."""
    previous, root = math.inf, 1.0
    while not math.isclose(root, previous, rel_tol=1e-9):
        previous = root
        root = (root + x / root) / 2
    return root
