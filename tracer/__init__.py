"""Record plain Python and NumPy, go back over every edge, and say what made each gradient."""

from typing import TYPE_CHECKING

from tracer.cuts import detach
from tracer.errors import EdgegradError, UsageError
from tracer.hook import record, trace, watch
from tracer.trace import Trace

if TYPE_CHECKING:
    from tracer.diagnose.asserting import assert_gradients
    from tracer.diagnose.audit import audit
    from tracer.diagnose.diff import diff
    from tracer.diagnose.sweep import sweep
    from tracer.diagnose.verify import verify
    from tracer.user_rules import rule

__all__ = [
    "EdgegradError",
    "Trace",
    "assert_gradients",
    "audit",
    "detach",
    "diff",
    "load",
    "record",
    "rule",
    "sweep",
    "trace",
    "verify",
    "watch",
]

_ROOMS = {
    "assert_gradients": "diagnose.asserting",
    "audit": "diagnose.audit",
    "diff": "diagnose.diff",
    "rule": "user_rules",
    "sweep": "diagnose.sweep",
    "verify": "diagnose.verify",
}
"""What is not needed to trace, and its room: imported when it is asked for."""


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        from importlib import import_module  # noqa: PLC0415  (as above)

        return getattr(import_module(f"tracer.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(path: object) -> Trace:
    """Read a trace that `Trace.save` wrote; no code of the traced program is run.

    Raises UsageError for what is no path, TraceFileError for a file that is no trace, is damaged or cut off, or was
    written by a newer version.
    """
    from os import PathLike  # noqa: PLC0415  (not needed to trace)
    from pathlib import Path  # noqa: PLC0415

    from tracer.trace_file import load_trace  # noqa: PLC0415

    if not isinstance(path, (str, PathLike)):
        raise UsageError(
            "load takes the path of a trace file",
            got=f"got {type(path).__name__}",
            advice="load('x.trace'), which t.save('x.trace') writes",
        )

    return load_trace(Path(str(path)))
