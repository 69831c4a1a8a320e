"""Batch normalisation as a layer object, with running statistics that it keeps from batch to batch."""

import numpy as np


class BatchNorm:
    def __init__(self, features, momentum=0.9, eps=1e-5):
        self.momentum, self.eps = momentum, eps
        self.running_mean = np.zeros(features)
        self.running_var = np.ones(features)

    def __call__(self, x, gamma, beta, training=True):
        if training:
            mean, var = x.mean(axis=0), x.var(axis=0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var *= self.momentum
            self.running_var += (1 - self.momentum) * var
        else:
            mean, var = self.running_mean, self.running_var
        normalized = (x - mean) / np.sqrt(var + self.eps)
        return gamma * normalized + beta


def train_and_test(x_train, x_test, gamma, beta):
    norm = BatchNorm(x_train.shape[1])
    total = 0.0
    for start in range(0, len(x_train), 4):
        batch = x_train[start : start + 4]
        total += np.square(np.maximum(norm(batch, gamma, beta), 0)).mean()
    out = norm(x_test, gamma, beta, training=False)
    return total, out


rng = np.random.default_rng(7)
TRAIN, TEST = rng.normal(1.0, 2.0, (8, 3)), rng.normal(size=(2, 3))
