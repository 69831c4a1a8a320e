"""The length of a Bezier curve: De Casteljau by recursion, refined until straight enough."""

from math import dist, sqrt


def lerp(a, b, t):
    return tuple(p + (q - p) * t for p, q in zip(a, b))


def de_casteljau(points, t):
    if len(points) == 1:
        return points[0]
    return de_casteljau([lerp(a, b, t) for a, b in zip(points, points[1:])], t)


def split(points, t=0.5):
    left, right, rest = [], [], list(points)
    while rest:
        left.append(rest[0])
        right.insert(0, rest[-1])
        rest = [lerp(a, b, t) for a, b in zip(rest[:-1], rest[1:])]
    return left, right


def curve_length(points, tolerance=1e-3, depth=0, max_depth=6):
    chord = dist(points[0], points[-1])
    net = sum(dist(a, b) for a, b in zip(points, points[1:]))
    if net - chord < tolerance or depth >= max_depth:
        return (chord + net) / 2
    left, right = split(points)
    return curve_length(left, tolerance, depth + 1) + curve_length(right, tolerance, depth + 1)


def describe(points, t=0.3):
    x, y = de_casteljau(points, t)
    return curve_length(points), sqrt(x**2 + y**2)


POINTS = [(0.0, 0.0), (1.0, 2.0), (3.0, 2.5), (4.0, -0.5)]
