"""Renders a few pixels of a sphere above a plane by marching rays through a signed distance field."""

import math

EPS = 1e-4


def length(v):
    return math.sqrt(sum(c * c for c in v))


def normalize(v):
    n = length(v)
    return tuple(c / n for c in v)


def make_scene(radius, height, blend):
    def sphere(p):
        return length((p[0], p[1] - height, p[2])) - radius

    def plane(p):
        return p[1]

    def scene(p):  # a smooth minimum melts the two together
        a, b = sphere(p), plane(p)
        h = max(blend - abs(a - b), 0.0) / blend
        return min(a, b) - h * h * blend / 4

    return scene


def normal(scene, p):
    x, y, z = p
    return normalize(
        (
            scene((x + EPS, y, z)) - scene((x - EPS, y, z)),
            scene((x, y + EPS, z)) - scene((x, y - EPS, z)),
            scene((x, y, z + EPS)) - scene((x, y, z - EPS)),
        )
    )


def march(scene, origin, direction, far=20.0):
    t = 0.0
    for _ in range(60):
        p = tuple(o + t * d for o, d in zip(origin, direction))
        d = scene(p)
        if d < 1e-9:
            return p
        t += d
        if t > far:
            break
    return None


def render(radius=1.0, height=1.2, blend=0.3, light=(0.5, 0.8, -0.4), size=2):
    scene, light, image = make_scene(radius, height, blend), normalize(light), []
    for j in range(size):
        row = []
        for i in range(size):
            d = normalize((0.9 * (i + 0.4) / size - 0.45, 0.2 - 0.7 * (j + 0.5) / size, 1.0))
            hit = march(scene, (0.0, 1.5, -3.0), d)
            row.append(max(0.0, sum(a * b for a, b in zip(normal(scene, hit), light))) if hit else 0.0)
        image.append(row)
    return image
