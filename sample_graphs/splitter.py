"""One value, two uses: a splitter adds what comes back, 3 + 7 = 10.

Look for: the splitter behind `x`, which waits for both of its uses before it can answer.
"""

from tracer import trace


@trace
def splitter(x=2.0):
    """Use x twice."""
    left = 3 * x
    right = 7 * x
    return left + right
