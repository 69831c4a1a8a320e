"""The gradient that a backward pass starts with: the seed that was given, or 1.0. Used by trace.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import GradientError
from tracer.lookup import choices, described
from tracer.pull import as_number
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from tracer.trace import Trace


def starting_gradient(trace: Trace) -> Any:
    """Return the gradient of a trace's output, in the shape of that.

    Raises GradientError where the output is no single real number and no seed was given, and for a wrong seed.
    """
    output = trace.recording.outputs[trace.output.index - trace.graph.first_output]
    shape = np.shape(output.value)
    if trace.seed is None:
        if is_complex(output.value):
            raise GradientError(
                f"the output of {trace.function} is complex, and a gradient is that of a real number",
                got=f"got no seed for {described(trace, output)} = {type(output.value).__name__}",
                advice="return a real number, such as abs(z) or z.real, or give the gradient that arrives here: "
                "backward(seed=1) is that of z.real, seed=-1j that of z.imag"
                + choices(trace, ", or choose another output: "),
            )
        if np.size(output.value) == 1:
            return np.ones_like(output.value) if isinstance(output.value, np.ndarray) else 1.0
        raise GradientError(
            f"the output of {trace.function} is an array, so its gradient needs a seed",
            got=f"got no seed for {described(trace, output)} of shape {shape}",
            advice=f"give the starting gradient: backward(seed=np.ones({shape})), or return a single number"
            + choices(trace, ", or choose another output: "),
        )
    try:
        seed = _as_seed(trace.seed, output.value)
    except (TypeError, ValueError):
        raise GradientError(
            "the seed is no real number and no array of them",
            got=f"got {trace.seed!r}, expected shape {shape}",
            advice="the seed is the gradient of the output, one number for each of its elements",
        ) from None
    if seed.shape != shape:
        raise GradientError(
            "the seed has another shape than the output",
            got=f"got {seed.shape}, expected {shape}",
            advice=f"the seed is the gradient of the output, one number for each of its elements: np.ones({shape})",
        )
    return seed.copy() if isinstance(output.value, np.ndarray) else as_number(seed, output.value)


def _as_seed(seed: Any, value: Any) -> np.ndarray[Any, Any]:
    """Return a seed as an array in the type of its output; raise TypeError for a complex one of a real output."""
    if is_complex(seed) and not is_complex(value):
        raise TypeError
    default = np.complex128 if is_complex(value) else np.float64
    return np.asarray(seed, dtype=getattr(value, "dtype", default))
