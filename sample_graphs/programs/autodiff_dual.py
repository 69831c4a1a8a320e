"""Forward-mode differentiation with dual numbers, as a class that takes plain numbers, too; Halley's method on top."""

import math


class Dual:
    def __init__(self, value, slope=0.0):
        self.value = value
        self.slope = slope

    def __add__(self, other):
        if hasattr(other, "value"):
            return Dual(self.value + other.value, self.slope + other.slope)
        return Dual(self.value + other, self.slope)

    __radd__ = __add__

    def __neg__(self):
        return Dual(-self.value, -self.slope)

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __mul__(self, other):
        value, slope = getattr(other, "value", other), getattr(other, "slope", 0.0)
        return Dual(self.value * value, self.slope * value + self.value * slope)

    __rmul__ = __mul__

    def __pow__(self, n):
        return Dual(self.value**n, n * self.value ** (n - 1) * self.slope)


def exp(x):
    try:
        e = math.exp(x.value)
    except AttributeError:
        return math.exp(x)
    return Dual(e, e * x.slope)


def derivative(f, x, h=1e-3):
    """First by duals, second by a difference of those."""
    first = f(Dual(x, 1.0))
    return first.value, first.slope, (f(Dual(x + h, 1.0)).slope - f(Dual(x - h, 1.0)).slope) / (2 * h)


def root(x, growth, shift):
    def f(t):
        return growth * exp(t * growth) + shift * t**3 - 2.0 * t * shift

    for _ in range(4):
        value, slope, bend = derivative(f, x)
        x = x - 2 * value * slope / (2 * slope**2 - value * bend)
    return x, f(x + 1.0)
