"""An LSTM that reads a sine wave and predicts its next value; the weights are a dict of arrays."""

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def init_params(n_in=1, n_hidden=6, seed=1):
    rng = np.random.default_rng(seed)
    scale = 1 / np.sqrt(n_hidden)
    return {
        "W": rng.uniform(-scale, scale, (4 * n_hidden, n_in + n_hidden)),
        "b": np.concatenate([np.ones(n_hidden), np.zeros(3 * n_hidden)]),  # forget gate starts open
        "W_out": rng.uniform(-scale, scale, (1, n_hidden)),
        "b_out": 0.0,
    }


def step(params, x, state):
    h, c = state
    z = params["W"] @ np.concatenate([np.atleast_1d(x), h]) + params["b"]
    f, i, o, g = np.split(z, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h, c


def mean_squared_error(params, series):
    n_hidden = params["W_out"].shape[1]
    state = (np.zeros(n_hidden), np.zeros(n_hidden))
    predictions = []
    for x in series[:-1]:
        state = step(params, x, state)
        (y,) = params["W_out"] @ state[0] + params["b_out"]
        predictions.append(y)
    errors = np.array(predictions) - series[1:]
    return np.mean(errors**2)


WAVE = np.sin(np.linspace(0, 2 * np.pi, 12))
PARAMETERS = init_params()
