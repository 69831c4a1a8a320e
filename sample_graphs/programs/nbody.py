"""Bodies that attract each other, by leapfrog steps with double loops; returns their total energy and positions."""

import numpy as np


def accelerations(pos, mass, softening):
    n = pos.shape[0]
    acc = np.zeros((n, 3))
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            r = pos[j] - pos[i]
            d2 = r[0] ** 2 + r[1] ** 2 + r[2] ** 2 + softening**2
            acc[i] += mass[j] * r / d2**1.5
    return acc


def energy(pos, vel, mass, softening):
    kinetic = 0.5 * np.sum(mass[:, np.newaxis] * vel**2)
    potential = 0.0
    for i in range(len(mass)):
        for j in range(i + 1, len(mass)):
            r = np.linalg.norm(pos[i] - pos[j])
            potential -= mass[i] * mass[j] / np.hypot(r, softening)
    return kinetic + potential


def simulate(pos, vel, mass, softening=0.1, dt=0.02, steps=5):
    pos = pos.copy()
    vel = vel.copy()
    vel -= np.average(vel, axis=0, weights=mass)  # rest frame
    acc = accelerations(pos, mass, softening)
    for _ in range(steps):
        vel += acc * dt / 2.0
        pos += vel * dt
        acc = accelerations(pos, mass, softening)
        vel += acc * dt / 2.0
    return energy(pos, vel, mass, softening), pos


POS = np.array([[0.0, 0.0, 0.0], [1.0, 0.2, 0.0], [-0.4, 0.9, 0.3]])
VEL = np.array([[0.0, 0.1, 0.0], [0.2, 0.8, 0.1], [-0.9, -0.3, 0.0]])
MASS = np.array([1.0, 0.4, 0.3])
