"""Healthy programs with gradients of all sizes: many layers, long runs, units, what has converged."""

import math

import numpy as np

_rng = np.random.default_rng(2)
_SQUARE = [_rng.normal(size=(8, 8)) / np.sqrt(8) for _ in range(24)]


def residual_net(x=_rng.normal(size=8), weights=tuple(0.3 * W for W in _SQUARE)):
    h = x
    for W in weights:
        h = h + np.tanh(W @ h)
    return np.mean(h**2)


def normalised_net(x=_rng.normal(size=(4, 8)), weights=tuple(_SQUARE)):
    h = x
    for W in weights:
        z = h @ W
        z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + 1e-5)
        h = np.maximum(z, 0)
    return np.mean(h**2)


def lstm(
    xs=_rng.normal(size=(20, 3)), W=0.4 * _rng.normal(size=(12, 6)), b=np.repeat([0.0, 2.0, 0.0, 0.0], 3)
):
    h, c = np.zeros(3), np.zeros(3)
    for x in xs:
        z = W @ np.concatenate([x, h]) + b
        i, f, o = (1 / (1 + np.exp(-part)) for part in (z[:3], z[3:6], z[6:9]))
        c = f * c + i * np.tanh(z[9:])
        h = o * np.tanh(c)
    return np.sum(h**2)


def gravity_in_si_units(mass=5.97e24, other=7.35e22, distance=3.84e8):
    return 6.674e-11 * mass * other / distance**2


def orbit_in_si_units(x=1.496e11, v=29780.0, mass=1.989e30):
    y, u = 0.0, v
    v = 0.0
    dt = 86400.0
    for _ in range(200):
        r = math.sqrt(x * x + y * y)
        a = -6.674e-11 * mass / r**3
        v = v + dt * a * x
        u = u + dt * a * y
        x = x + dt * v
        y = y + dt * u
    return x


def atoms(charge=1.602e-19, distance=5.29e-11, mass=9.109e-31):
    force = 8.988e9 * charge * charge / distance**2
    return math.sqrt(force * distance / mass)


def converged_regression(w=0.0, b=0.0, xs=(0.0, 1.0, 2.0, 3.0), ys=(1.1, 2.9, 5.2, 6.8)):
    for _ in range(400):
        errors = [w * x + b - y for x, y in zip(xs, ys)]
        w = w - 0.1 * sum(e * x for e, x in zip(errors, xs)) / 2
        b = b - 0.1 * sum(errors) / 2
    return sum((w * x + b - y) ** 2 for x, y in zip(xs, ys))


def at_the_optimum(w=np.array([1.94, 1.09]), X=np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0]])):
    return np.sum((X @ w - np.array([1.1, 2.9, 5.2, 6.8])) ** 2)


def newton_root(a=2.0, x=1.0):
    for _ in range(12):
        x = x - (x * x - a) / (2 * x)
    return x


def fixed_point(x=0.5, scale=1.0):
    for _ in range(80):
        x = math.cos(scale * x)
    return x


def long_stable_integrator(x=1.0, v=0.0, k=1.0):
    dt = 0.01
    for _ in range(3000):
        v = v - dt * k * x
        x = x + dt * v
    return x * x + v * v


def log_softmax_of_many(z=np.linspace(-30, 30, 40)):
    shifted = z - z.max()
    return -(shifted[20] - np.log(np.sum(np.exp(shifted))))


def softmax_of_numbers(a=1.0, b=-40.0, c=3.0):
    top = max(a, b, c)
    ea, eb, ec = math.exp(a - top), math.exp(b - top), math.exp(c - top)
    return -math.log(ea / (ea + eb + ec))


def layer_norm(x=_rng.normal(size=16), gain=np.ones(16), shift=np.zeros(16)):
    normal = (x - x.mean()) / np.sqrt(x.var() + 1e-5)
    return np.sum((gain * normal + shift) ** 3)


def hidden_markov(start=np.array([0.5, 0.5]), move=np.array([[0.9, 0.1], [0.2, 0.8]])):
    belief = start
    for seen in (0, 1, 1, 0, 0, 1, 0, 1) * 3:
        belief = (belief @ move) * np.array([[0.02, 0.01], [0.003, 0.04]])[:, seen]
    return math.log(belief.sum())


def binomial_tree(price=100.0, up=1.05, down=0.96, rate=0.5):
    values = [max(price * up**k * down ** (30 - k) - 100.0, 0.0) for k in range(31)]
    for step in range(30):
        values = [rate * values[k + 1] + (1 - rate) * values[k] for k in range(30 - step)]
    return values[0]


def compound_interest(balance=1000.0, rate=0.004):
    for _ in range(360):
        balance = balance * (1 + rate) + 50.0
    return balance


def trained_classifier(w=3.0, b=-1.0, xs=(-9.0, -4.0, 0.2, 5.0, 12.0), ys=(0, 0, 1, 1, 1)):
    loss = 0.0
    for x, y in zip(xs, ys):
        p = 1 / (1 + math.exp(-(w * x + b)))
        loss -= math.log(p if y else 1 - p)
    return loss / 5


def running_mean(xs=tuple(range(1, 200))):
    mean = 0.0
    for n, x in enumerate(xs, 1):
        mean = mean + (x - mean) / n
    return mean


def small_loss(w=1.0, x=1e-7):
    return (w * x) ** 2


def training_in_arrays(W=0.5 * _rng.normal(size=(3, 8)), v=0.5 * _rng.normal(size=8), rate=0.05):
    X = np.sin(np.arange(48.0)).reshape(16, 3)
    Y = X.sum(axis=1)
    for _ in range(60):
        h = np.tanh(X @ W)
        error = h @ v - Y
        v, W = v - rate * (h.T @ error) / 8, W - rate * (X.T @ (np.outer(error, v) * (1 - h * h))) / 8
    return np.mean((np.tanh(X @ W) @ v - Y) ** 2)


def heat_on_a_rod(u=tuple(math.exp(-((i - 8) ** 2) / 4) for i in range(16)), alpha=0.25):
    for _ in range(40):
        u = [u[i] + alpha * (u[i - 1] - 2 * u[i] + u[(i + 1) % 16]) for i in range(16)]
    return sum(x * x for x in u)


def deep_relu(
    x=_rng.normal(size=(16, 32)), weights=tuple(_rng.normal(size=(32, 32)) / 4 for _ in range(20))
):
    h = x
    for W in weights:
        h = np.maximum(h @ W, 0)
    return np.mean(h**2)


def gated_unit(
    xs=_rng.normal(size=(30, 3)), W=0.5 * _rng.normal(size=(4, 7)), U=0.5 * _rng.normal(size=(4, 7))
):
    h = np.zeros(4)
    for x in xs:
        both = np.concatenate([x, h])
        z = 1 / (1 + np.exp(-(U @ both)))
        h = z * h + (1 - z) * np.tanh(W @ both)
    return np.sum(h**2)


def discounted_rewards(rewards=tuple(_rng.normal(size=400)), discount=0.95):
    total = 0.0
    for reward in reversed(rewards):
        total = reward + discount * total
    return total


def sure_answer(z=np.array([20.0, -10.0, 0.0])):
    shifted = z - z.max()
    return -(shifted[0] - math.log(np.exp(shifted).sum()))


def masked_attention(q=_rng.normal(size=(6, 4)), k=_rng.normal(size=(6, 4)), v=_rng.normal(size=(6, 4))):
    scores = np.where(np.tril(np.ones((6, 6))) > 0, q @ k.T / 2, -1e9)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.sum((e / e.sum(axis=1, keepdims=True) @ v) ** 2)


def bias_before_a_batch_norm(x=_rng.normal(size=(16, 4)), bias=0.1 * np.ones(4), scale=np.ones(4)):
    h = x + bias
    normal = (h - h.mean(axis=0)) / np.sqrt(h.var(axis=0) + 1e-5)
    return np.sum(np.tanh(scale * normal) ** 2)


def normalised_power_iteration(A=np.array([[2.0, 1.0], [1.0, 3.0]]), v=np.array([1.0, 0.0])):
    for _ in range(50):
        v = A @ v
        v = v / np.sqrt(v @ v)
    return v @ A @ v


def black_body(wavelength=5e-7, temperature=5800.0):
    h, c, k = 6.626e-34, 2.998e8, 1.381e-23
    return 2 * h * c**2 / wavelength**5 / (math.exp(h * c / (wavelength * k * temperature)) - 1)


def binding_energy(satellite=1000.0, planet=5.97e24, distance=7e6, speed=7500.0):
    return 0.5 * satellite * speed**2 - 6.674e-11 * planet * satellite / distance


def damped_oscillator(x=1.0, v=0.0, damping=0.5, stiffness=4.0):
    for _ in range(1000):
        a = -stiffness * x - damping * v
        v = v + 0.01 * a
        x = x + 0.01 * v
    return x


def gru_with_a_first_state(
    xs=_rng.normal(size=(40, 3)),
    h=np.zeros(4),
    W=0.5 * _rng.normal(size=(12, 3)),
    U=0.5 * _rng.normal(size=(12, 4)),
    b=np.zeros(12),
):
    for x in xs:
        a, c = W @ x + b, U @ h
        z = 1 / (1 + np.exp(-(a[:4] + c[:4])))
        r = 1 / (1 + np.exp(-(a[4:8] + c[4:8])))
        h = (1 - z) * np.tanh(a[8:] + r * c[8:]) + z * h
    return np.sum((h - 0.3) ** 2)


def momentum(grads=tuple(_rng.normal(size=150)), m=0.0):
    for g in grads:
        m = 0.9 * m + 0.1 * g
    return m * m


def momentum_of_arrays(grads=_rng.normal(size=(200, 3)), m=np.zeros(3), beta=0.9):
    for g in grads:
        m = beta * m + (1 - beta) * g
    return np.sum(m**2)


def running_variance(xs=tuple(_rng.normal(size=300)), mean=0.0, var=1.0):
    for x in xs:
        d = x - mean
        mean = mean + 0.1 * d
        var = 0.9 * (var + 0.1 * d * d)
    return math.sqrt(var)


def fast_filter(signal=_rng.normal(size=30), keep=0.4):
    level = 0.0
    for s in signal:
        level = keep * level + (1 - keep) * s
    return level**2


def recurrent_net_over_constant_data(h=np.zeros(4), W=0.5 * _SQUARE[0][:4, :3], U=0.3 * _SQUARE[1][:4, :4]):
    for x in np.sin(np.arange(120.0)).reshape(40, 3):
        h = np.tanh(W @ x + U @ h)
    return np.sum((h - 0.3) ** 2)


def sure_of_the_right_class(w=100.0, x=1.0, y=1.0):
    p = 1 / (1 + math.exp(-w * x))
    return -(y * math.log(p + 1e-12) + (1 - y) * math.log(1 - p + 1e-12))


def density_far_from_one_of_two(means=np.array([-20.0, 9.0]), x=1.0):
    densities = np.exp(-((x - means) ** 2) / 2) / math.sqrt(2 * math.pi)
    return -np.log(np.sum(densities) / 2)


def gated_net_of_joined_states(
    xs=_rng.normal(size=(40, 2)),
    h=np.zeros(3),
    W=0.4 * _SQUARE[0][:3, :5],
    U=0.4 * _SQUARE[1][:3, :5],
):
    for x in xs:
        z = 1 / (1 + np.exp(-(W @ np.concatenate([h, x]))))
        h = (1 - z) * h + z * np.tanh(U @ np.concatenate([h, x]))
    return np.sum(h)


def _softmax_of_rows(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def entropy_with_a_floor(z=np.array([[0.0, 50.0, 3.0], [0.1, -40.0, 0.2]])):
    p = _softmax_of_rows(z)
    return -np.sum(p * np.log(p + 1e-12))


def cross_entropy_with_a_floor(z=np.array([[2.0, -3.0, 0.5], [0.1, 45.0, -60.0]]), y=np.eye(3)[:2]):
    p = _softmax_of_rows(z)
    return -np.mean(np.sum(y * np.log(p + 1e-12), axis=1))


def power_of_a_spectrum_in_decibels(x=np.sin(2 * np.pi * 4 * np.arange(32) / 32)):
    power = np.abs(np.fft.rfft(x)) ** 2
    return np.mean(10 * np.log10(power + 1e-10))


def density_with_a_background(mean=0.2, scale=1.5, xs=np.array([0.1, -0.4, 1.2, 30.0])):
    density = np.exp(-0.5 * ((xs - mean) / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    return -np.sum(np.log(density + 1e-9))


def counts_with_one_more(x=np.array([1e-9, 2.0, 5.0])):
    return np.sum(np.log(x + 1e-4))
