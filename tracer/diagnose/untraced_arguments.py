"""Arguments that are not traced: arrays of whole numbers or objects, masked ones; objects that nothing watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tracer.diagnose.finding import Finding
from tracer.numbers_text import clean, listed
from tracer.untraced import HOLDING

if TYPE_CHECKING:
    from tracer.trace import Trace

_NAMED = 3
_NEVER_FLOATS = tuple(f"an array of {each}" for each in ("bool", "<U", "|S", "datetime", "timedelta", "["))


def find(trace: Trace) -> list[Finding]:
    """Tell of the arguments that might have been given as floats; a warning where nothing at all is traced."""
    if trace.error is not None:
        return []
    named = [
        (path, what)
        for path, what in trace.run.untraced.items()
        if not what.startswith(_NEVER_FLOATS) and not what.endswith(HOLDING)
    ]
    return [*_arrays(trace, named), *_objects(trace, holders(trace))]


def holders(trace: Trace) -> list[str]:
    """Return the paths of objects that hold floats of which none is an input."""
    inputs = tuple(trace.input_rows.values())
    return [
        path
        for path, what in trace.run.untraced.items()
        if what.endswith(HOLDING) and not any(each.startswith((f"{path}.", f"{path}[")) for each in inputs)
    ]


def _objects(trace: Trace, paths: list[str]) -> list[Finding]:
    if not paths:
        return []
    shown = listed([f"{path} is {trace.run.untraced[path]}" for path in paths], _NAMED)
    name, *_ = paths
    return [
        _finding(
            trace,
            len(paths),
            f"{shown}, which nothing watches: what it holds is constant, and has no gradient",
            f"watch=({name!r},), or --watch {name}, makes its numbers inputs; nothing has to be done where "
            "constants are meant",
        )
    ]


def _arrays(trace: Trace, named: list[tuple[str, str]]) -> list[Finding]:
    """Tell of arrays and the like."""
    if not named:
        return []
    some = ", ".join(f"{clean(path)} is {clean(what)}" for path, what in named[:_NAMED])
    more = f" and {len(named) - _NAMED:,} more arguments like it" if len(named) > _NAMED else ""
    so = (
        "so it is not traced and has no gradient"
        if len(named) == 1
        else "so they are not traced and have no gradient"
    )
    return [
        _finding(
            trace,
            len(named),
            f"{some}{more}, {so}",
            "give it as floats or an array of floats; nothing has to be done if it only counts, or is an index",
        )
    ]


def _finding(trace: Trace, count: int, message: str, advice: str) -> Finding:
    return Finding(
        kind="dead",
        severity="note" if trace.input_rows else "warning",
        site=None,
        message=message,
        advice=advice,
        node=None,
        numbers={"inputs": count},
    )
