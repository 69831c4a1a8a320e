"""Where the hand of a robot arm is, by a chain of 4x4 matrices from its joint angles (Denavit-Hartenberg)."""

import functools

import numpy as np


def joint(theta, d, a, alpha):
    ct, st = np.cos(theta), np.sin(theta)
    ca, sa = np.cos(alpha), np.sin(alpha)
    return np.array(
        [
            [ct, -st * ca, st * sa, a * ct],
            [st, ct * ca, -ct * sa, a * st],
            [0, sa, ca, d],
            [0, 0, 0, 1],
        ]
    )


def hand(*angles, lengths=(0.4, 0.35, 0.2)):
    twists = [np.pi / 2, 0.0, -np.pi / 2]
    links = [joint(q, 0.1, a, twist) for q, a, twist in zip(angles, lengths, twists)]
    pose = functools.reduce(np.matmul, links, np.eye(4))
    return pose[:3, 3]


def miss(angles, target):
    delta = hand(*angles) - target
    return np.sqrt(np.sum(delta**2)), {"x": delta[0], "y": delta[1], "z": delta[2]}
