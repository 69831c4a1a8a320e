"""Whether what is to be looked at is a trace. Used by what takes one as an argument."""

from __future__ import annotations

from typing import Any

from tracer.errors import UsageError


def require_trace(given: Any, function: str) -> None:
    """Raise UsageError for what is no trace; for the path of one, with the way to open it."""
    from tracer.trace import Trace  # noqa: PLC0415  (which has this package's doors in it)

    if isinstance(given, Trace):
        return
    opened = (
        f"tracer.load({given!r})" if isinstance(given, str) else "f.last_trace, record(f, …) or load(path)"
    )
    raise UsageError(
        f"{function} takes a Trace", got=f"got {type(given).__name__}", advice=f"give one: {opened}"
    )
