"""Functions of SciPy that a derivative needs. Nobody gets there without SciPy, but with a loaded trace."""

from __future__ import annotations

import importlib
from typing import Any

from tracer.errors import GradientError


def from_scipy(module: str, name: str) -> Any:
    """Return a function of one of SciPy's modules; raise GradientError where SciPy is not installed."""
    try:
        return getattr(importlib.import_module(f"scipy.{module}"), name)
    except ImportError:
        raise GradientError(
            f"a derivative needs scipy.{module}.{name}",
            got="SciPy is not installed here",
            advice="pip install scipy",
        ) from None
