"""Record plain Python and NumPy, go back over every edge, and say what made each gradient."""

from typing import TYPE_CHECKING

from tracer.errors import EdgegradError
from tracer.hook import record, trace, watch
from tracer.standins import detach
from tracer.trace import Trace
from tracer.user_rules import rule

if TYPE_CHECKING:
    from tracer.diagnose.audit import audit
    from tracer.diagnose.diff import diff
    from tracer.diagnose.verify import verify

__all__ = [
    "EdgegradError",
    "Trace",
    "audit",
    "detach",
    "diff",
    "load",
    "record",
    "rule",
    "trace",
    "verify",
    "watch",
]


def __getattr__(name: str) -> object:
    """Import what only looks at traces when it is asked for: it is not needed to trace."""
    if name in ("audit", "diff", "verify"):
        from importlib import import_module  # noqa: PLC0415  (as above)

        return getattr(import_module(f"tracer.diagnose.{name}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(path: object) -> Trace:
    """Read a trace that `Trace.save` wrote; no code of the traced program is run.

    Raises TraceFileError for a file that is no trace, is damaged or cut off, or was written by a newer version.
    """
    from pathlib import Path  # noqa: PLC0415  (not needed to trace)

    from tracer.trace_file import load_trace  # noqa: PLC0415

    return load_trace(Path(str(path)))
