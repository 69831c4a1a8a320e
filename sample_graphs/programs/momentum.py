"""Gradient descent with Nesterov momentum and a decaying rate on Rosenbrock's valley, in plain Python."""

from collections import namedtuple

State = namedtuple("State", "x y vx vy")


def gradient(x, y, a=1.0, b=100.0):
    return -2 * (a - x) - 4 * b * x * (y - x * x), 2 * b * (y - x * x)


def rosenbrock(x, y, a=1.0, b=100.0):
    return (a - x) ** 2 + b * (y - x * x) ** 2


def trajectory(start, rate, momentum, decay):
    s = State(*start, 0.0, 0.0)
    k = 0
    while True:
        gx, gy = gradient(s.x + momentum * s.vx, s.y + momentum * s.vy)
        norm = (gx**2 + gy**2) ** 0.5
        if norm > 10:  # clip
            gx, gy = 10 * gx / norm, 10 * gy / norm
        step = rate / (1 + decay * k)
        vx, vy = momentum * s.vx - step * gx, momentum * s.vy - step * gy
        s = s._replace(x=s.x + vx, y=s.y + vy, vx=vx, vy=vy)
        yield s
        k += 1


def descend(start=(-0.5, 0.8), rate=0.002, momentum=0.8, decay=0.01, steps=25):
    for _, last in zip(range(steps), trajectory(start, rate, momentum, decay)):
        pass
    return rosenbrock(last.x, last.y)
