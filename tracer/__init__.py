"""Record plain Python and NumPy, go back over every edge, and say what made each gradient."""

from tracer.errors import EdgegradError
from tracer.hook import record, trace, watch
from tracer.standins import detach
from tracer.trace import Trace
from tracer.user_rules import rule

__all__ = ["EdgegradError", "Trace", "detach", "load", "record", "rule", "trace", "watch"]


def load(path: object) -> Trace:
    """Read a trace that `Trace.save` wrote; no code of the traced program is run.

    Raises TraceFileError for a file that is no trace, is damaged or cut off, or was written by a newer version.
    """
    from pathlib import Path  # noqa: PLC0415  (not needed to trace)

    from tracer.trace_file import load_trace  # noqa: PLC0415

    return load_trace(Path(str(path)))
