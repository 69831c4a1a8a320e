"""A diode circuit solved by Newton's method with a numerical Jacobian; returns the node voltages."""

import numpy as np


def diode(v, saturation=1e-9, thermal=0.026):
    return saturation * np.expm1(v / thermal)


def currents(v, supply, r1, r2):
    a, b = v
    return np.array([(supply - a) / r1 - (a - b) / r2, (a - b) / r2 - diode(b)])


def jacobian(f, x, *args, h=1e-6):
    J = np.empty((x.size, x.size))
    for k in range(x.size):
        d = np.zeros(x.size)
        d[k] = h
        J[:, k] = (f(x + d, *args) - f(x - d, *args)) / (2 * h)
    return J


def solve(supply=5.0, r1=1000.0, r2=220.0, guess=(0.8, 0.55), tol=1e-15):
    v = np.asarray(guess)
    for _ in range(50):
        residual = currents(v, supply, r1, r2)
        step = np.linalg.solve(jacobian(currents, v, supply, r1, r2), residual)
        v = v - np.clip(step, -0.1, 0.1)
        if np.max(np.abs(residual)) < tol:
            return v, diode(v[1])
    raise RuntimeError("Newton did not converge")
