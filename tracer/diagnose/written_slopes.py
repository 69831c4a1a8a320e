"""The slopes of functions of one number, and what is written in their place, as tables. Used by local_rules.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGMOID: Callable[[Any], Any] = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731  (an entry of the tables)
RULES: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "tanh": ("1 − y²", lambda _, y: 1 - y * y),
    "expit": ("y·(1 − y)", lambda _, y: y * (1 - y)),
    "exp": ("y", lambda _, y: y),
    "log": ("1/x", lambda x, _: 1 / x),
    "sqrt": ("1/(2·y)", lambda _, y: 0.5 / y),
    "sin": ("cos(x)", lambda x, _: np.cos(x)),
    "cos": ("−sin(x)", lambda x, _: -np.sin(x)),
}
"""By operation: its local partial, of the operand x and the result y."""
SLIPS: dict[str, tuple[tuple[str, Callable[[Any, Any], Any]], ...]] = {
    "tanh": (
        ("1 − y", lambda _, y: 1 - y),
        ("1 − x²", lambda x, _: 1 - x * x),
        ("1 + y²", lambda _, y: 1 + y * y),
        ("y·(1 − y)", lambda _, y: y * (1 - y)),
        ("1 − tanh(y)²", lambda _, y: 1 - np.tanh(y) ** 2),
        ("y", lambda _, y: y),
    ),
    "expit": (
        ("1 − y", lambda _, y: 1 - y),
        ("x·(1 − x)", lambda x, _: x * (1 - x)),
        ("sigmoid(y)·(1 − sigmoid(y))", lambda _, y: _SIGMOID(y) * (1 - _SIGMOID(y))),
        ("y", lambda _, y: y),
        ("1 − y²", lambda _, y: 1 - y * y),
        ("y·(1 + y)", lambda _, y: y * (1 + y)),
    ),
    "exp": (("x", lambda x, _: x), ("exp(y)", lambda _, y: np.exp(y))),
    "log": (("1/y", lambda _, y: 1 / y), ("x", lambda x, _: x)),
    "sqrt": (
        ("1/y", lambda _, y: 1 / y),
        ("1/(2·x)", lambda x, _: 0.5 / x),
        ("1/2", lambda _, y: 0.5 + 0 * y),
        ("1", lambda _, y: 1 + 0 * y),
    ),
    "sin": (
        ("−cos(x)", lambda x, _: -np.cos(x)),
        ("sin(x)", lambda _, y: y),
        ("−sin(x)", lambda _, y: -y),
        ("cos(y)", lambda _, y: np.cos(y)),
    ),
    "cos": (
        ("sin(x)", lambda x, _: np.sin(x)),
        ("cos(x)", lambda _, y: y),
        ("−cos(x)", lambda _, y: -y),
        ("−sin(y)", lambda _, y: -np.sin(y)),
    ),
}
"""By operation: what is written in its place."""
