"""How far a ball flies through air with drag, step by step until it hits the ground."""

import math


def flight(speed, angle, drag=0.01, mass=0.145, wind=0.0, dt=0.05, g=9.81, log=None):
    x, y = 0.0, 1.0
    vx = speed * math.cos(math.radians(angle))
    vy = speed * math.sin(math.radians(angle))
    while y > 0:
        rel_x, rel_y = vx - wind, vy
        v = math.hypot(rel_x, rel_y)
        ax = -drag * v * rel_x / mass
        ay = -g - drag * v * rel_y / mass
        x_prev, y_prev = x, y
        x += vx * dt
        y += vy * dt
        vx += ax * dt
        vy += ay * dt
        if log is not None:
            log.append(f"{x:.2f};{y:.2f}")
    # the ground lies between the last two points
    part = y_prev / (y_prev - y)
    return x_prev + part * (x - x_prev)
