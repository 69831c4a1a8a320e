"""A Julia set without complex numbers: how fast points run away, smoothed, summed over a little grid."""

import numpy as np


def escape(zx, zy, cx, cy, limit=30, radius=50.0):
    n = 0
    while zx * zx + zy * zy < radius**2 and n < limit:
        zx, zy = zx * zx - zy * zy + cx, 2 * zx * zy + cy
        n += 1
    if n == limit:
        return 0.0
    return n + 1 - np.log(np.log(np.sqrt(zx**2 + zy**2)) / np.log(radius)) / np.log(2)


def brightness(cx=-0.8, cy=0.356, zoom=1.0, center=(0.05, 0.1)):
    total = 0
    for dy in (-1.0, -0.35, 0.3, 0.95):
        for dx in (-1.5, -0.9, 0.7, 1.4):
            total += escape(center[0] + dx / zoom, center[1] + dy / zoom, cx, cy)
    return total / 16
