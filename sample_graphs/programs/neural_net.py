"""A multilayer perceptron out of classes over plain lists of floats: no NumPy, one neuron at a time."""

import math
import random


class Neuron:
    def __init__(self, weights, bias, activation):
        self.weights = weights
        self.bias = bias
        self.activation = activation

    def __call__(self, inputs):
        total = self.bias
        for w, x in zip(self.weights, inputs):
            total += w * x
        return self.activation(total)


class Layer:
    def __init__(self, neurons):
        self.neurons = neurons

    def __call__(self, inputs):
        return [neuron(inputs) for neuron in self.neurons]


class MLP:
    def __init__(self, sizes, parameters):
        it = iter(parameters)
        self.layers = []
        for k, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
            last = k == len(sizes) - 2
            act = (lambda z: z) if last else self.leaky_relu
            self.layers.append(
                Layer([Neuron([next(it) for _ in range(n_in)], next(it), act) for _ in range(n_out)])
            )

    @staticmethod
    def leaky_relu(z):
        return z if z > 0 else 0.01 * z

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]


def hinge_loss(parameters, xs, ys, alpha=1e-2):
    model = MLP([2, 4, 1], parameters)
    scores = [model.forward(x) for x in xs]
    data_loss = sum(max(0.0, 1 - y * s) for y, s in zip(ys, scores)) / len(ys)
    accuracy = sum((s > 0) == (y > 0) for s, y in zip(scores, ys)) / len(ys)
    assert isinstance(data_loss, float) and not math.isnan(data_loss)
    return data_loss + alpha * math.fsum(p**2 for p in parameters), accuracy


source = random.Random(4)
PARAMETERS = [source.uniform(-1, 1) for _ in range(2 * 4 + 4 + 4 + 1)]
XS = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.9], [-1.1, -0.2]]
YS = [1, 1, -1, -1]
