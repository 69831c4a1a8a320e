"""Programs of a few nodes, of which parts are drawn, or which stand for what is too large."""

import math


def scaled(a, b):
    u = a * b
    return u + a


def program(x, y):
    p = scaled(x, y)
    q = scaled(p, y)
    r = q * q
    return r + math.sin(x)


def many_uses(x):
    total = 0.0
    for k in range(20):
        total = total + x * (k + 1)
    return total
