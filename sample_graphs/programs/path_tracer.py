"""Light that bounces between spheres: a vector class with operators, recursion over reflections, a row of pixels."""

from __future__ import annotations

import math
from typing import NamedTuple


class Vec(NamedTuple):
    x: float
    y: float
    z: float

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return self + -1 * other

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k, self.z * k)

    __rmul__ = __mul__

    def __matmul__(self, other):
        return sum(a * b for a, b in zip(self, other))

    def unit(self):
        return self * (1 / math.sqrt(self @ self))


class Sphere(NamedTuple):
    center: Vec
    radius: float
    color: float
    mirror: float

    def hit(self, origin, direction):
        oc = origin - self.center
        b, c = oc @ direction, oc @ oc - self.radius**2
        disc = b * b - c
        if disc <= 0:
            return None
        root = math.sqrt(disc)
        return next((t for t in (-b - root, -b + root) if t > 1e-6), None)


def trace_ray(spheres, light, origin, direction, depth=3):
    hits = [(t, s) for s in spheres if (t := s.hit(origin, direction)) is not None]
    if not hits:
        return 0.1 + 0.2 * max(direction.y, 0)
    t, sphere = min(hits, key=lambda hit: hit[0])
    point = origin + direction * t
    normal = (point - sphere.center).unit()
    shade = max(normal @ (light - point).unit(), 0.05) * sphere.color
    if depth and sphere.mirror:
        bounce = direction - 2 * (direction @ normal) * normal
        shade += sphere.mirror * trace_ray(spheres, light, point, bounce, depth - 1)
    return shade


def row(spheres, light, width=5):
    eye = Vec(0.0, 0.0, -4.0)
    return [trace_ray(spheres, light, eye, Vec((i - 1.8) / width, 0.12, 1.0).unit()) for i in range(width)]


SCENE = [Sphere(Vec(-0.6, 0.1, 0.3), 0.8, 0.9, 0.3), Sphere(Vec(0.9, 0.2, -0.2), 0.6, 0.7, 0.5)]
LIGHT = Vec(2.0, 4.0, -3.0)
