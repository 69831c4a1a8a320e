"""The programs that are timed, once for each library, written as its own users write them.

Every function here returns a call without arguments that runs the program forward and back. A peer does its usual
backward pass, which leaves the gradients of the inputs; edgegrad leaves the gradient of every edge.
"""
# ruff: noqa: N803, N806 -- matrices have capital letters, as in a textbook

from __future__ import annotations

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
