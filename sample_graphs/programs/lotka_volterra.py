"""Predators and prey over time, by the classical Runge-Kutta method; returns how many there are at the end."""


def rk4(f, y, t, dt):
    k1 = f(t, y)
    k2 = f(t + dt / 2, [yi + dt / 2 * ki for yi, ki in zip(y, k1)])
    k3 = f(t + dt / 2, [yi + dt / 2 * ki for yi, ki in zip(y, k2)])
    k4 = f(t + dt, [yi + dt * ki for yi, ki in zip(y, k3)])
    return [yi + dt / 6 * (a + 2 * b + 2 * c + d) for yi, a, b, c, d in zip(y, k1, k2, k3, k4)]


def simulate(prey=10.0, predators=5.0, birth=1.1, hunt=0.4, grow=0.1, death=0.4, t_end=3.0, steps=30):
    def derivatives(t, y):
        x, p = y
        return birth * x - hunt * x * p, grow * x * p - death * p

    dt = t_end / steps
    t, y = 0.0, [prey, predators]
    ts, xs, ps = [t], [y[0]], [y[1]]
    for _ in range(steps):
        y = rk4(derivatives, y, t, dt)
        t += dt
        ts.append(t)
        xs.append(y[0])
        ps.append(y[1])
    peak = max(xs)
    return {"prey": xs[-1], "predators": ps[-1], "peak": peak, "time": ts[-1]}
