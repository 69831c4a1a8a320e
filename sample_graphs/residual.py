"""A residual connection, y = x + F(x): dL/dx = dL/dy * (1 + F'(x)).

Look for: the skip sends dL/dy = 15 back unchanged, the main path 15 * F'(x) = 45; the splitter adds 60.
"""

from tracer import trace


@trace
def residual(x=3.0, weight=0.5):
    """Add a branch F(x) = weight * x**2 to the value that it started from."""
    main = weight * x**2
    y = x + main
    return y**2
