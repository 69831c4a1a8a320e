"""Dataclasses of numbers and arrays -> JSON text: what `--json` prints.

An array is told by shape, type and norm, with its extremes: `tracer.load` gives it whole. NaN and the infinities, for
which JSON has no number, are the strings "nan", "inf" and "-inf", which `float` reads; a complex
number is {"re": …, "im": …}.
"""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np


def as_json(value: Any) -> str:
    """Return an object as indented JSON."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        return str(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return _array(value)
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.item()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, complex):
        return {"re": _plain(value.real), "im": _plain(value.imag)}
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _array(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    numbers = value if value.dtype.kind in "fc" else value.astype(np.float64)
    is_finite = np.isfinite(numbers)
    told: dict[str, Any] = {
        "shape": list(value.shape),
        "dtype": str(value.dtype),
        "norm": _plain(float(np.linalg.norm(numbers.ravel()))),
    }
    if value.size and numbers.dtype.kind == "f":
        told |= {"min": _plain(float(numbers.min())), "max": _plain(float(numbers.max()))}
    return told | {"not_finite": int((~is_finite).sum())}
