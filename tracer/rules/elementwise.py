"""Derivatives of elementwise operations: the table of a calculus book. Read through rules.RULES."""

# ruff: noqa: RUF001  the symbols of gates are those of mathematics

from __future__ import annotations

from tracer.rules.kinds import Elementwise

ARITHMETIC = {
    "add": Elementwise(("1", "1"), "+"),
    "subtract": Elementwise(("1", "-1"), "−"),
    "multiply": Elementwise(("y", "x"), "×"),
    "divide": Elementwise(("1/y", "-out/y"), "÷"),
    "negative": Elementwise(("-1",), "−"),
    "positive": Elementwise(("1",), "+"),
}

ELEMENTWISE = {**ARITHMETIC}
