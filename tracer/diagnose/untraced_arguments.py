"""Arguments that are arrays but not traced: whole numbers, objects, masked arrays. They have no gradient to lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.diagnose.finding import Finding
from tracer.numbers_text import clean

if TYPE_CHECKING:
    from tracer.trace import Trace

_NAMED = 3
_NEVER_FLOATS = tuple(f"an array of {each}" for each in ("bool", "<U", "|S", "datetime", "timedelta", "["))


def find(trace: Trace) -> list[Finding]:
    """Tell of the arguments that might have been given as floats; a warning where nothing at all is traced."""
    named = [
        (path, what) for path, what in trace.run.untraced.items() if not what.startswith(_NEVER_FLOATS)
    ]
    if trace.error is not None or not named:
        return []
    listed = ", ".join(f"{clean(path)} is {clean(what)}" for path, what in named[:_NAMED])
    more = f" and {len(named) - _NAMED:,} more arguments like it" if len(named) > _NAMED else ""
    so = (
        "so it is not traced and has no gradient"
        if len(named) == 1
        else "so they are not traced and have no gradient"
    )
    return [
        Finding(
            kind="dead",
            severity="note" if trace.input_rows else "warning",
            site=None,
            message=f"{listed}{more}, {so}",
            advice="give it as floats or an array of floats; nothing has to be done if it only counts, or is an index",
            node=None,
            numbers={"inputs": len(named)},
        )
    ]
