"""The expected gradients of every sample, computed without edgegrad: by hand and by central differences."""
# ruff: noqa: N803 -- the samples' own names: matrices have capital letters, as in a textbook

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sample_graphs import (
    gradient_accumulation,
    logistic,
    resnet,
    rnn,
    weight_tying,
)

if TYPE_CHECKING:
    from collections.abc import Callable

DIFFERENCE_STEP = np.finfo(float).eps ** (1 / 3)
"""The step at which the truncation error of a central difference is about as large as its rounding error.

Both are then about eps ** (2 / 3), 4e-11, times the function's value and third derivative; these are at
most 1e4 in every sample, hence the tolerances.
"""

DIFFERENCE_TOLERANCE = {"rtol": 1e-6, "atol": 1e-7}
HAND_TOLERANCE = {"rtol": 1e-12, "atol": 1e-13}


def default_arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Give the arguments with which a sample runs when it is called without any."""
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


def leaves(structure: Any) -> list[Any]:
    """List the numbers and arrays of nested dicts, lists and tuples in order."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, list | tuple):
        return [leaf for part in structure for leaf in leaves(part)]
    return [structure]


def with_leaves(structure: Any, values: list[Any]) -> Any:
    """Build the same structure from other leaves; consumes `values` from the front."""
    if isinstance(structure, dict):
        return {key: with_leaves(part, values) for key, part in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(with_leaves(part, values) for part in structure)
    return values.pop(0)


def central_differences(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Measure the gradient of a plain function at its arguments, one number at a time."""
    values = leaves(arguments)
    gradients = []
    for position, value in enumerate(values):
        gradient = np.zeros(np.shape(value))
        for index in np.ndindex(gradient.shape):
            step = DIFFERENCE_STEP * max(1.0, abs(float(np.asarray(value)[index])))
            above, below = np.array(value, dtype=float), np.array(value, dtype=float)
            above[index] += step
            below[index] -= step
            results = []
            for moved in (above, below):
                moved_value = moved if isinstance(value, np.ndarray) else float(moved)
                changed = [*values[:position], moved_value, *values[position + 1 :]]
                results.append(float(function(**with_leaves(arguments, changed))))
            gradient[index] = (results[0] - results[1]) / float(above[index] - below[index])
        gradients.append(gradient if isinstance(value, np.ndarray) else float(gradient))
    return dict(with_leaves(arguments, gradients))


def splitter_by_hand(x: float) -> dict[str, Any]:  # noqa: ARG001 -- the gradient of a line is the same everywhere
    return {"x": 10.0}


def fan_out_by_hand(x: float) -> dict[str, Any]:
    return {"x": 1 + 2 * x + 3 * x**2 + 4 * x**3 + 5 * x**4}


def single_use_by_hand(x: float, weight: float, bias: float) -> dict[str, Any]:
    slope = 1 / math.cosh(weight * x + bias) ** 2
    return {"x": slope * weight, "weight": slope * x, "bias": slope}


def residual_by_hand(x: float, weight: float) -> dict[str, Any]:
    towards_y = 2 * (x + weight * x**2)
    return {"x": towards_y * (1 + 2 * weight * x), "weight": towards_y * x**2}


def resnet_by_hand(x: np.ndarray, weights: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    states, scores = [x], []
    for weight_in, weight_out in weights:
        scores.append(states[-1] @ weight_in)
        states.append(states[-1] + np.where(scores[-1] > 0, scores[-1], 0) @ weight_out)
    towards = 2 * (states[-1] - resnet.TARGETS) / x.size
    gradients: list[tuple[np.ndarray, np.ndarray]] = []
    for (weight_in, weight_out), score, state in zip(
        reversed(weights), reversed(scores), reversed(states[:-1]), strict=True
    ):
        active = score > 0
        towards_score = active * (towards @ weight_out.T)
        gradients.insert(0, (state.T @ towards_score, (active * score).T @ towards))
        towards = towards + towards_score @ weight_in.T
    return {"x": towards, "weights": gradients}


def towards_logits(logits: np.ndarray, targets: list[int]) -> np.ndarray:
    """Differentiate the mean cross entropy: (softmax - truth) / count."""
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return (softmax - np.eye(logits.shape[1])[targets]) / len(targets)


def rnn_terms_by_hand(
    W_xh: np.ndarray, W_hh: np.ndarray, b: np.ndarray, W_hy: np.ndarray
) -> list[dict[str, Any]]:
    """Give what each word adds to the gradient of each matrix, first word first."""
    states = [np.zeros(rnn.HIDDEN)]
    for word in rnn.WORDS[:-1]:
        states.append(np.tanh(W_xh[:, word] + W_hh @ states[-1] + b))
    from_logits = towards_logits(np.array(states[1:]) @ W_hy, rnn.WORDS[1:])
    terms: list[dict[str, Any]] = []
    from_the_future = np.zeros(rnn.HIDDEN)
    for time in reversed(range(len(rnn.WORDS) - 1)):
        towards_state = W_hy @ from_logits[time] + from_the_future
        towards_score = towards_state * (1 - states[time + 1] ** 2)
        one_hot = np.eye(len(rnn.VOCABULARY))[rnn.WORDS[time]]
        terms.insert(
            0,
            {
                "W_xh": np.outer(towards_score, one_hot),
                "W_hh": np.outer(towards_score, states[time]),
                "b": towards_score,
                "W_hy": np.outer(states[time + 1], from_logits[time]),
            },
        )
        from_the_future = W_hh.T @ towards_score
    return terms


def rnn_by_hand(**arguments: np.ndarray) -> dict[str, Any]:
    terms = rnn_terms_by_hand(**arguments)
    return {name: sum(term[name] for term in terms) for name in arguments}


def weight_tying_terms_by_hand(E: np.ndarray, W: np.ndarray) -> dict[str, Any]:
    """Give the two terms of the matrix, and the gradient of the weight."""
    previous, following = weight_tying.WORDS[:-1], weight_tying.WORDS[1:]
    one_hot = np.eye(len(E))[previous]
    hidden = np.tanh(one_hot @ E @ W)
    from_logits = towards_logits(hidden @ E.T, following)
    towards_score = (from_logits @ E) * (1 - hidden**2)
    return {
        "looked up": one_hot.T @ towards_score @ W.T,
        "scored": from_logits.T @ hidden,
        "W": (one_hot @ E).T @ towards_score,
    }


def weight_tying_by_hand(E: np.ndarray, W: np.ndarray) -> dict[str, Any]:
    terms = weight_tying_terms_by_hand(E, W)
    return {"E": terms["looked up"] + terms["scored"], "W": terms["W"]}


def gradient_accumulation_by_hand(slope: float, intercept: float) -> dict[str, Any]:
    speed, distance = gradient_accumulation.SPEED, gradient_accumulation.DISTANCE
    error = slope * speed + intercept - distance
    return {"slope": float(2 * (error @ speed) / len(speed)), "intercept": float(2 * error.mean())}


def logistic_by_hand(weights: np.ndarray, bias: float) -> dict[str, Any]:
    scores = logistic.FLOWERS @ weights + bias
    probability = 1 / (1 + np.exp(-scores))
    towards_scores = (probability - logistic.IS_VIRGINICA) / len(scores)
    return {"weights": logistic.FLOWERS.T @ towards_scores, "bias": float(towards_scores.sum())}


def newton_by_hand(x: float) -> dict[str, Any]:
    return {"x": 1 / (2 * math.sqrt(x))}


def black_scholes_by_hand(
    spot: float, strike: float, rate: float, volatility: float, years: float
) -> dict[str, Any]:
    """Give the greeks: delta, dual delta, rho, vega and minus theta."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    discount = math.exp(-rate * years)
    in_the_money = math.erfc(-d2 / math.sqrt(2)) / 2
    return {
        "spot": math.erfc(-d1 / math.sqrt(2)) / 2,
        "strike": -discount * in_the_money,
        "rate": strike * years * discount * in_the_money,
        "volatility": spot * density * math.sqrt(years),
        "years": spot * density * volatility / (2 * math.sqrt(years))
        + rate * strike * discount * in_the_money,
    }


BY_HAND: dict[str, Callable[..., dict[str, Any]]] = {
    "splitter": splitter_by_hand,
    "fan_out": fan_out_by_hand,
    "single_use": single_use_by_hand,
    "residual": residual_by_hand,
    "resnet": resnet_by_hand,
    "rnn": rnn_by_hand,
    "weight_tying": weight_tying_by_hand,
    "gradient_accumulation": gradient_accumulation_by_hand,
    "logistic": logistic_by_hand,
    "newton": newton_by_hand,
    "black_scholes": black_scholes_by_hand,
}
"""Closed forms; attention has none that is simpler than the engine, and is checked by differences alone."""
