"""A double pendulum integrated as a NumPy state vector; returns the tip's position and the energy drift."""

import numpy as np
from numpy import cos, sin

G = 9.81


def deriv(state, L1, L2, M1, M2):
    dydx = np.zeros_like(state)
    dydx[0] = state[1]
    delta = state[2] - state[0]
    den1 = (M1 + M2) * L1 - M2 * L1 * cos(delta) * cos(delta)
    dydx[1] = (
        M2 * L1 * state[1] * state[1] * sin(delta) * cos(delta)
        + M2 * G * sin(state[2]) * cos(delta)
        + M2 * L2 * state[3] * state[3] * sin(delta)
        - (M1 + M2) * G * sin(state[0])
    ) / den1
    dydx[2] = state[3]
    den2 = (L2 / L1) * den1
    dydx[3] = (
        -M2 * L2 * state[3] * state[3] * sin(delta) * cos(delta)
        + (M1 + M2) * G * sin(state[0]) * cos(delta)
        - (M1 + M2) * L1 * state[1] * state[1] * sin(delta)
        - (M1 + M2) * G * sin(state[2])
    ) / den2
    return dydx


def tip(th1, th2, L1=1.0, L2=0.7, M1=1.0, M2=0.5, dt=0.02, n=20):
    th1, th2 = np.radians(th1), np.radians(th2)
    y = np.empty((n, 4))
    y[0] = [th1, 0.0, th2, 0.0]
    for i in range(1, n):
        half = y[i - 1] + deriv(y[i - 1], L1, L2, M1, M2) * dt / 2
        y[i] = y[i - 1] + deriv(half, L1, L2, M1, M2) * dt
    x1, y1 = L1 * sin(y[:, 0]), -L1 * cos(y[:, 0])
    x2, y2 = L2 * sin(y[:, 2]) + x1, -L2 * cos(y[:, 2]) + y1
    return x2[-1], y2[-1]
