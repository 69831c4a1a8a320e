"""A natural cubic spline through points: a tridiagonal system solved in place, then evaluated between them."""

import bisect


def second_derivatives(xs, ys):
    n = len(xs)
    h = [xs[i + 1] - xs[i] for i in range(n - 1)]
    diag = [2 * (h[i - 1] + h[i]) for i in range(1, n - 1)]
    rhs = [6 * ((ys[i + 1] - ys[i]) / h[i] - (ys[i] - ys[i - 1]) / h[i - 1]) for i in range(1, n - 1)]
    for i in range(1, n - 2):  # Thomas: eliminate downwards
        factor = h[i] / diag[i - 1]
        diag[i] -= factor * h[i]
        rhs[i] -= factor * rhs[i - 1]
    m = [0.0] * n
    for i in range(n - 3, -1, -1):
        m[i + 1] = (rhs[i] - h[i + 1] * m[i + 2]) / diag[i]
    return m


def spline(xs, ys):
    m = second_derivatives(xs, ys)

    def evaluate(x):
        k = min(max(bisect.bisect_right(xs, x) - 1, 0), len(xs) - 2)
        h = xs[k + 1] - xs[k]
        a, b = (xs[k + 1] - x) / h, (x - xs[k]) / h
        return a * ys[k] + b * ys[k + 1] + ((a**3 - a) * m[k] + (b**3 - b) * m[k + 1]) * h**2 / 6

    return evaluate


def sample(xs, ys, at=(0.25, 1.6, 2.5)):
    f = spline(xs, ys)
    return [f(x) for x in at]
