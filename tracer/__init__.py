"""Record plain Python and NumPy, go back over every edge, and say what made each gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.errors import EdgegradError
from tracer.hook import record, trace, watch
from tracer.standins import detach
from tracer.trace import Trace
from tracer.user_rules import rule

if TYPE_CHECKING:
    from tracer.diagnose.diff import Diff

__all__ = ["EdgegradError", "Trace", "detach", "diff", "load", "record", "rule", "trace", "watch"]


def diff(a: Trace, b: Trace, *, rtol: float | None = None, atol: float = 0.0) -> Diff:
    """Compare two traces of one program, or of two versions of it; `print` tells where they part, and why.

    A number differs where |a - b| > atol + rtol * max(|a|, |b|); rtol is 1e-9 for float64, 1e-4 for float32 and 1e-2
    for float16 unless it is given. Raises UsageError for traces that have nothing in common.
    """
    from tracer.diagnose.diff import diff as compare  # noqa: PLC0415  (not needed to trace)

    return compare(a, b, rtol=rtol, atol=atol)


def load(path: object) -> Trace:
    """Read a trace that `Trace.save` wrote; no code of the traced program is run.

    Raises TraceFileError for a file that is no trace, is damaged or cut off, or was written by a newer version.
    """
    from pathlib import Path  # noqa: PLC0415  (not needed to trace)

    from tracer.trace_file import load_trace  # noqa: PLC0415

    return load_trace(Path(str(path)))
