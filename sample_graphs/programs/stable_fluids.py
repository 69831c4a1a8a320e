"""Smoke in a box: advection with bilinear sampling, diffusion by Jacobi sweeps, and a projection, in place."""

import numpy as np


def set_walls(field, sign):
    field[0, :], field[-1, :] = sign * field[1, :], field[-2, :]
    field[:, 0], field[:, -1] = field[:, 1], sign * field[:, -2]
    return field


def advect(field, u, v, dt):
    rows, cols = np.indices(field.shape).astype(float)
    y = np.clip(rows - dt * v, 0.5, field.shape[0] - 1.5)
    x = np.clip(cols - dt * u, 0.5, field.shape[1] - 1.5)
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - i, x - j
    top = (1 - fx) * field[i, j] + fx * field[i, j + 1]
    bottom = (1 - fx) * field[i + 1, j] + fx * field[i + 1, j + 1]
    return (1 - fy) * top + fy * bottom


def jacobi(b, x, alpha, sweeps):
    for _ in range(sweeps):
        x[1:-1, 1:-1] = (
            b[1:-1, 1:-1] + alpha * (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:])
        ) / (1 + 4 * alpha)
        set_walls(x, 1)
    return x


def project(u, v, sweeps=4):
    div = np.zeros_like(u)
    div[1:-1, 1:-1] = 0.5 * (u[1:-1, 2:] - u[1:-1, :-2] + v[2:, 1:-1] - v[:-2, 1:-1])
    p = np.zeros_like(u)
    for _ in range(sweeps):
        p[1:-1, 1:-1] = (p[1:-1, 2:] + p[1:-1, :-2] + p[2:, 1:-1] + p[:-2, 1:-1] - div[1:-1, 1:-1]) / 4
    u[1:-1, 1:-1] -= 0.5 * (p[1:-1, 2:] - p[1:-1, :-2])
    v[1:-1, 1:-1] -= 0.5 * (p[2:, 1:-1] - p[:-2, 1:-1])


def simulate(smoke, u, v, viscosity=0.1, buoyancy=0.3, dt=0.4, steps=2):
    for _ in range(steps):
        v -= buoyancy * smoke * dt
        u, v = jacobi(u, u.copy(), viscosity, 3), jacobi(v, v.copy(), viscosity, 3)
        project(u, v)
        u, v = advect(u, u, v, dt), advect(v, u, v, dt)
        smoke = advect(smoke, u, v, dt)
    return (smoke**2).sum(), smoke[1]


rng = np.random.default_rng(17)
SMOKE, U, V = rng.random((6, 7)), rng.normal(0, 0.3, (6, 7)), rng.normal(0, 0.3, (6, 7))
