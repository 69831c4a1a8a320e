"""The programs that are timed, once for each library, written as its own users write them.

Every function here returns a call without arguments that runs the program forward and back. A peer does its usual
backward pass, which leaves the gradients of the inputs; edgegrad leaves the gradient of every edge.
"""
# ruff: noqa: N803, N806 -- matrices have capital letters, as in a textbook

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import Trace, record

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls = dict[str, Callable[[], object]]

SCALARS = (1.0, 0.9999, 0.001)
RNN_STEPS, RNN_SIZE = 100, 32
ATTENTION = 8, 128, 64  # heads, tokens, width
GAUSSIAN_SIZE = 100
VECTOR_SIZE, VECTOR_STEPS = 1_000, 200
CONVOLUTION = 8, 8, 16, 28, 3  # images, channels before and after, pixels and kernel across
NEURONS, EXAMPLES = (3, 16, 16, 1), 16
MLP_SIZES, MLP_BATCH = (784, 256, 256, 10), 128


def annotate(trace: Trace) -> Trace:
    """Make edgegrad compute all that it has to say: the gradients of the inputs, and of every edge."""
    gradients = trace.edge_gradients()
    if len(gradients) != len(trace.edges) or not trace.grads:
        raise AssertionError
    return trace


def installed(peer: str) -> bool:
    """Tell whether a library to compare with is there (`pip install -e '.[bench]'`)."""
    return find_spec(peer) is not None


def multiply_adds(count: int) -> Callable[[Any, Any, Any], Any]:
    """Return a loop of `count` multiplications and as many additions."""

    def loop(s: Any, a: Any, b: Any) -> Any:
        for _ in range(count):
            s = s * a + b
        return s

    return loop


def sines(count: int) -> Callable[[Any, Any], Any]:
    """Return a loop of `count` sines of products: two nodes and three labelled edges a turn."""

    def loop(s: Any, a: Any) -> Any:
        for _ in range(count):
            s = math.sin(s * a)
        return s

    return loop


def lost_digits(count: int) -> Callable[[Any, Any, Any], Any]:
    """Return a loop of `count` multiplications and additions whose gradients have no right digit."""

    def loop(s: Any, a: Any, b: Any) -> Any:
        for _ in range(count // 3):
            s = s + (1 - math.cos(a)) / (a * a) * b
        return s

    return loop


def scalar_loop(count: int) -> Calls:
    """Set up the loop of multiply-adds for everyone."""
    loop = multiply_adds(count)
    calls: Calls = {
        "edgegrad": lambda: annotate(record(loop, *SCALARS)),
        "plain": lambda: loop(*SCALARS),
    }
    if installed("torch"):
        calls["PyTorch"] = _torch_call(loop, SCALARS)
    if installed("autograd"):
        calls["autograd"] = _autograd_call(loop, SCALARS)
    if installed("micrograd"):
        calls["micrograd"] = _micrograd_call(loop, SCALARS)
    return calls


def rnn() -> Calls:
    """Set up the recurrent network for everyone who has arrays."""
    random = np.random.default_rng(seed=5)
    words = random.normal(size=(RNN_STEPS, RNN_SIZE))
    weights = (
        random.normal(size=(RNN_SIZE, RNN_SIZE)) / RNN_SIZE**0.5,
        random.normal(size=(RNN_SIZE, RNN_SIZE)) / RNN_SIZE**0.5,
        random.normal(size=RNN_SIZE),
    )

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(W_xh: Any, W_hh: Any, b: Any) -> Any:
            h = np.zeros(RNN_SIZE)
            for word in words:
                h = np.tanh(W_xh @ word + W_hh @ h + b)
            return (h**2).sum()

        return forward

    calls = _array_calls(with_library, weights)
    if installed("torch"):
        import torch  # noqa: PLC0415 (an extra)

        words_in_torch = torch.tensor(words)

        def forward(W_xh: torch.Tensor, W_hh: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            h = torch.zeros(RNN_SIZE, dtype=torch.float64)
            for word in words_in_torch:
                h = torch.tanh(W_xh @ word + W_hh @ h + b)
            return (h**2).sum()

        calls["PyTorch"] = _torch_call(forward, weights)
    return calls


def mlp() -> Calls:
    """Set up the classifier of images for everyone who has arrays."""
    random = np.random.default_rng(seed=6)
    images = random.normal(size=(MLP_BATCH, MLP_SIZES[0]))
    labels = random.integers(MLP_SIZES[-1], size=MLP_BATCH)
    rows = np.arange(MLP_BATCH)
    layers = list(pairwise(MLP_SIZES))
    weights = tuple(
        weight
        for before, after in layers
        for weight in (random.normal(size=(before, after)) * (2 / before) ** 0.5, np.zeros(after))
    )

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
            hidden = np.maximum(images @ W1 + b1, 0.0)
            hidden = np.maximum(hidden @ W2 + b2, 0.0)
            logits = hidden @ W3 + b3
            shifted = logits - np.max(logits, axis=1, keepdims=True)
            return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[rows, labels])

        return forward

    calls = _array_calls(with_library, weights)
    if installed("torch"):
        import torch  # noqa: PLC0415 (an extra)

        images_in_torch, labels_in_torch = torch.tensor(images), torch.tensor(labels)

        def forward(*weights: torch.Tensor) -> torch.Tensor:
            W1, b1, W2, b2, W3, b3 = weights
            hidden = torch.relu(images_in_torch @ W1 + b1)
            hidden = torch.relu(hidden @ W2 + b2)
            return torch.nn.functional.cross_entropy(hidden @ W3 + b3, labels_in_torch)

        calls["PyTorch"] = _torch_call(forward, weights)
    return calls


def attention() -> Calls:
    """Set up a layer of attention: many heads, each a product of matrices as large as the text."""
    random = np.random.default_rng(seed=7)
    heads, tokens, width = ATTENTION
    text = random.normal(size=(tokens, width))
    weights = tuple(random.normal(size=(heads, width, width // heads)) / width**0.5 for _ in range(3))

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(W_query: Any, W_key: Any, W_value: Any) -> Any:
            total = 0.0
            for head in range(heads):
                query, key, value = text @ W_query[head], text @ W_key[head], text @ W_value[head]
                scores = query @ key.T / (width // heads) ** 0.5
                shares = np.exp(scores - np.max(scores, axis=1, keepdims=True))
                shares = shares / np.sum(shares, axis=1, keepdims=True)
                total = total + np.sum((shares @ value) ** 2)
            return total

        return forward

    return _array_calls(with_library, weights)


def cholesky() -> Calls:
    """Set up the log-likelihood of a Gaussian process: one decomposition and two solutions."""
    random = np.random.default_rng(seed=8)
    places = np.sort(random.uniform(0.0, 10.0, size=GAUSSIAN_SIZE))
    squares = (places[:, None] - places[None, :]) ** 2
    seen = np.sin(places) + 0.1 * random.normal(size=GAUSSIAN_SIZE)
    noise = np.eye(GAUSSIAN_SIZE)

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(scale: Any, length: Any, sigma: Any) -> Any:
            covariance = scale**2 * np.exp(-0.5 * squares / length**2) + sigma**2 * noise
            factor = np.linalg.cholesky(covariance)
            white = np.linalg.solve(factor, seen)
            return -0.5 * np.dot(white, white) - np.sum(np.log(np.diag(factor)))

        return forward

    return _array_calls(with_library, (1.3, 0.7, 0.2))


def vector_loop() -> Calls:
    """Set up a loop of elementwise steps over one vector: a logistic map with a decaying rate."""
    start = np.random.default_rng(seed=9).uniform(0.2, 0.8, size=VECTOR_SIZE)

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(x: Any, rate: Any) -> Any:
            for _ in range(VECTOR_STEPS):
                x = x + 0.1 * (rate * x * (1.0 - x) - np.tanh(x))
            return np.sum(x)

        return forward

    return _array_calls(with_library, (start, np.full(VECTOR_SIZE, 2.5)))


def convolution() -> Calls:
    """Set up a layer of convolution over images, written as a sum over the places in the kernel."""
    random = np.random.default_rng(seed=10)
    batch, before, after, size, kernel = CONVOLUTION
    images = random.normal(size=(batch, size, size, before))
    weights = (random.normal(size=(kernel, kernel, before, after)) / kernel, np.zeros(after))
    valid = size - kernel + 1

    def with_library(np: Any) -> Callable[..., Any]:
        def forward(W: Any, b: Any) -> Any:
            out = b
            for row in range(kernel):
                for column in range(kernel):
                    seen = images[:, row : row + valid, column : column + valid, :]
                    out = out + np.dot(seen, W[row, column])
            return np.mean(np.maximum(out, 0.0) ** 2)

        return forward

    return _array_calls(with_library, weights)


class Neuron:
    """A neuron with its weights and its bias, as every introduction to neural networks writes it."""

    def __init__(self, weights: Any, bias: Any) -> None:
        self.weights = weights
        self.bias = bias

    def __call__(self, inputs: Any) -> Any:
        """Return the activation."""
        total = self.bias
        for weight, value in zip(self.weights, inputs, strict=True):
            total = total + weight * value
        return self.activate(total)

    def activate(self, total: Any) -> Any:
        """Bend the sum, by a polynomial, which all libraries have."""
        return total - total**3 * 0.1


def neurons() -> Calls:
    """Set up a network of objects with one number in each place for those who have scalars."""
    random = np.random.default_rng(seed=11)
    parameters = [
        [(random.normal(size=before).tolist(), 0.0) for _ in range(after)]
        for before, after in pairwise(NEURONS)
    ]
    examples = [
        (random.uniform(-1, 1, size=NEURONS[0]).tolist(), label) for label in (-1.0, 1.0) * (EXAMPLES // 2)
    ]

    def loss(parameters: Any) -> Any:
        network = [[Neuron(*neuron) for neuron in layer] for layer in parameters]
        total = 0.0
        for inputs, label in examples:
            values = inputs
            for layer in network:
                values = [neuron(values) for neuron in layer]
            total = total + (values[0] - label) ** 2
        return total

    calls: Calls = {
        "edgegrad": lambda: annotate(record(loss, parameters)),
        "plain": lambda: loss(parameters),
    }
    if installed("micrograd"):
        from micrograd.engine import Value  # noqa: PLC0415 (an extra)

        def wrapped() -> Any:
            return [
                [(list(map(Value, weights)), Value(bias)) for weights, bias in layer]
                for layer in parameters
            ]

        calls["micrograd"] = lambda: loss(wrapped()).backward()
    return calls


def shortest() -> Calls:
    """Set up a function of one operation."""

    def double(x: Any) -> Any:
        return x * 2.0

    return {"record": lambda: record(double, 1.0), "annotate": lambda: annotate(record(double, 1.0))}


def _array_calls(with_library: Callable[[Any], Callable[..., Any]], weights: tuple[Any, ...]) -> Calls:
    """Set up a NumPy program for plain NumPy, edgegrad, and autograd with its own copy of NumPy."""
    forward = with_library(np)
    calls: Calls = {
        "plain": lambda: forward(*weights),
        "edgegrad": lambda: annotate(record(forward, *weights)),
    }
    if installed("autograd"):
        from autograd import numpy as autograd_numpy  # noqa: PLC0415 (an extra)

        calls["autograd"] = _autograd_call(with_library(autograd_numpy), weights)
    return calls


def _autograd_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], object]:
    from autograd import grad  # noqa: PLC0415 (an extra)

    gradient = grad(function, argnum=tuple(range(len(arguments))))
    return lambda: gradient(*arguments)


def _torch_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], object]:
    import torch  # noqa: PLC0415 (an extra)

    tensors = [torch.tensor(argument, dtype=torch.float64, requires_grad=True) for argument in arguments]
    return lambda: torch.autograd.grad(function(*tensors), tensors)


def _micrograd_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Callable[[], object]:
    from micrograd.engine import Value  # noqa: PLC0415 (an extra)

    def call() -> None:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(10_000_000)  # its backward pass recurses over the graph
        try:
            function(*map(Value, arguments)).backward()
        finally:
            sys.setrecursionlimit(limit)

    return call
