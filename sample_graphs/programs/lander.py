"""A lander steered by a PID controller in a loop with early return, default arguments and closures over state."""

from functools import partial


def make_pid(kp, ki, kd):
    integral, previous = 0.0, None

    def pid(error, dt):
        nonlocal integral, previous
        integral += error * dt
        slope = 0.0 if previous is None else (error - previous) / dt
        previous = error
        return kp * error + ki * integral + kd * slope

    return pid


def engine(thrust, *, limits=(0.0, 25.0)):
    low, high = limits
    return min(max(thrust, low), high)


def land(height=50.0, speed=-5.0, kp=0.9, ki=0.02, kd=1.6, *, g=9.81, mass=1.5, fuel=40.0, dt=0.1):
    pid, burn = make_pid(kp, ki, kd), partial(engine, limits=(0.0, 25.0))
    history = []
    for step in range(120):
        wanted = -0.25 * height - 0.5
        thrust = burn(mass * (g + pid(wanted - speed, dt))) if fuel > 0 else 0.0
        fuel -= 0.02 * thrust * dt
        speed += (thrust / mass - g) * dt
        height += speed * dt
        history.append((height, speed))
        if height <= 0:
            return "landed", step, -speed, fuel
    return "hovering", step, *history[-1], fuel
