"""One value, five uses: each sends back its own term, and the splitter adds them.

Look for: the terms k * x**(k - 1) for k = 1 … 5, which at x = 2 are 1 + 4 + 12 + 32 + 80 = 129.
"""

from tracer import trace

USES = 5


@trace
def fan_out(x=2.0):
    """Add up the first powers of x."""
    total = 0.0
    for power in range(1, USES + 1):
        total = total + x**power
    return total
