"""Faults whose worst finding is `vanishing`: gradients that are lost in many small factors, or in one tiny one."""

import math

import numpy as np

_rng = np.random.default_rng(0)
_WEIGHTS = [_rng.normal(size=(6, 6)) / np.sqrt(6) for _ in range(40)]
_SMALL = 0.05 * _rng.normal(size=(5, 5))
_SEQUENCE = _rng.normal(size=(20, 5))
_LAYERS = [(W, 0.1 * row) for W, row in zip(_WEIGHTS, np.sin(np.arange(240.0)).reshape(40, 6))]


def deep_tanh(x=0.8, weights=tuple([2.5] * 30)):
    h = x
    for w in weights:
        h = math.tanh(w * h)  # cause
    return (h - 0.5) ** 2


def _sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))  # cause of deep_sigmoid


def deep_sigmoid(x=1.0, weights=(0.9, 1.1, 0.7, 1.3, 0.8, 1.2, 0.9, 1.0, 1.1, 0.9, 1.4, 0.6), bias=0.1):
    h = x
    for w in weights:
        h = _sigmoid(w * h + bias)
    return (h - 1.0) ** 2


def deep_sigmoid_arrays(x=_rng.normal(size=6), weights=tuple(_WEIGHTS)):
    h = x
    for W in weights:
        h = 1 / (1 + np.exp(-(W @ h)))  # cause
    return np.sum((h - 1) ** 2)


def shared_sigmoid(x=1.0, w=0.5):
    h = x
    for _ in range(25):
        z = w * h
        h = 1 / (1 + math.exp(-z))  # cause
    return h


def tanh_written_out(x=0.4, w=6.0):
    a = math.tanh(w * x)
    b = math.tanh(w * a)
    c = math.tanh(w * b)
    d = math.tanh(w * c)  # cause
    return d * d


def recurrent_small_matrix(xs=_SEQUENCE, W=_SMALL, U=np.eye(5)):
    h = np.zeros(5)
    for x in xs:
        h = np.tanh(W @ h + U @ x)  # cause
    return np.sum(h**2)


def recurrent_numbers(xs=tuple(0.3 + 0.1 * i for i in range(30)), w=0.3, u=0.5):
    h = 0.0
    for x in xs:
        h = w * h + u * x  # cause
    return (h - 1) ** 2


def product_of_small_factors(factors=tuple([0.1, 0.2, 0.05, 0.1, 0.3] * 6)):
    likelihood = 1.0
    for p in factors:
        likelihood = likelihood * p  # cause
    return likelihood


def underflowing_product(x=1.0, rate=0.01):
    for _ in range(200):
        x = x * rate  # cause
    return (x - 1.0) ** 2


def _damped(v):
    return v * 0.5  # cause of helper_called_many_times


def helper_called_many_times(v=3.0, push=0.2):
    total = 0.0
    for turn in range(60):
        v = _damped(v) + push * turn
    total = total + v
    return total


def saturated_output(x=9.0, w=3.0, target=-1.0):
    y = math.tanh(w * x / 2.7)  # cause
    return (y - target) ** 2


def saturated_sigmoid(x=4.0, w=-8.0, target=1.0):
    p = 1 / (1 + math.exp(-(w * x)))  # cause
    return (p - target) ** 2


def tiny_term(w=2.0, v=0.7):
    data = (w - 1.0) ** 2
    scaled = data * 1e-30  # cause
    return scaled + v * v


def deep_tanh_with_a_helper(x=_rng.normal(size=4), scale=0.01):
    h = x
    for _ in range(10):
        h = scale * np.tanh(h)  # cause
    return np.sum(np.cos(h) + h)


def leaking_sum(signal=_rng.normal(size=30), keep=0.4):
    level = 0.0
    for s in signal:
        level = keep * level + s  # cause
    return level**2


def shrinking_linear_layers(x=np.ones(8), W=0.1 * np.eye(8)):
    h = x
    for _ in range(12):
        h = W @ h  # cause
    return np.sum((h - 1) ** 2)


def product_of_a_list(factors=(0.1, 0.02, 0.3, 0.01, 0.2, 0.1, 0.05, 0.2, 0.03, 0.4)):
    return math.prod(factors)  # cause


def product_of_an_array(p=np.full(40, 0.1)):
    likelihood = np.prod(p)  # cause
    return 1.0 - likelihood


def later_inputs_are_fine(x=_rng.normal(size=(30, 4)), W_in=0.4 * np.eye(4), W=0.3 * np.eye(4)):
    h = np.zeros(4)
    for t in range(30):
        h = np.tanh(W_in @ x[t] + W @ h)  # cause
    return h @ h


def saturated_softmax(z=np.array([50.0, 0.0, -5.0]), target=np.array([0.0, 1.0, 0.0])):
    e = np.exp(z - z.max())  # cause
    return np.sum((e / e.sum() - target) ** 2)


def recurrent_net_with_a_first_state(
    xs=_SEQUENCE, h=np.zeros(5), W=_SMALL, U=np.eye(5), b=np.linspace(-0.1, 0.1, 5)
):
    for x in xs:
        h = np.tanh(W @ h + U @ x + b)  # cause
    return np.sum(h**2)


def net_of_constants(x=_rng.normal(size=6)):
    h = x
    for W, b in _LAYERS:
        h = 1 / (1 + np.exp(-(W @ h + b)))  # cause
    return np.sum(h**2)


def encoded_first_state(
    x=_rng.normal(size=3), E=_rng.normal(size=(5, 3)), xs=_SEQUENCE, W=_SMALL, U=np.eye(5)
):
    h = E @ x
    for each in xs:
        h = np.tanh(W @ h + U @ each)  # cause
    return np.sum(h**2)


def sure_of_the_wrong_class(w=100.0, x=1.0, y=0.0):
    p = 1 / (1 + math.exp(-w * x))  # cause
    return -(y * math.log(p + 1e-12) + (1 - y) * math.log(1 - p + 1e-12))


def softmax_beneath_its_floor(z=np.array([0.0, 50.0, 3.0]), target=0):
    e = np.exp(z - z.max())  # cause
    p = e / e.sum()
    return -np.log(p[target] + 1e-12)


def softmax_of_two_beneath_its_floor(a=0.0, b=50.0):
    m = max(a, b)
    ea, eb = math.exp(a - m), math.exp(b - m)  # cause
    return -math.log(ea / (ea + eb) + 1e-8)


_LABELS = np.eye(3)[[0, 1, 2, 0, 1, 2]]
_EXAMPLES = np.random.default_rng(0).normal(size=(6, 4))
_CLASSES = 40 * np.random.default_rng(1).normal(size=(4, 3))


def _probabilities(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def worst_examples_beneath_the_floor(W=_CLASSES, X=_EXAMPLES, Y=_LABELS):
    p = _probabilities(X @ W)
    return -np.mean(np.sum(Y * np.log(p + 1e-12), axis=1))  # cause


def picked_examples_beneath_the_floor(W=_CLASSES, X=_EXAMPLES):
    p = _probabilities(X @ W)
    return -np.log2(1e-8 + p[np.arange(6), [0, 1, 2, 0, 1, 2]]).mean()  # cause


def underflowed_examples_beneath_the_floor(z=np.array([[0.0, 900.0], [0.0, 30.0]])):
    p = _probabilities(z)
    return np.sum(-np.log(p + 1e-9) * np.array([[1.0, 0.0], [0.0, 1.0]]))  # cause
