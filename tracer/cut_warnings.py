"""What a run warns of: that a value left the graph, or that something in it is a constant. Used by tape.py."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

from tracer.errors import CutWarning

if TYPE_CHECKING:
    from types import CodeType

_SAID: dict[str | tuple[str, type[Warning], int], int] = {}  # what Python's filters know was shown


class Warned(NamedTuple):
    """What a run has warned of and no cut shows: numbers that are constants in it; at a line, 0 where there is none."""

    what: str
    advice: str
    file: str
    line: int


class Left(NamedTuple):
    """A place where a number left that may only be looked at; from which row on; and what is to be said of it."""

    what: str
    advice: str
    code: CodeType
    instruction: int
    line: int
    row: int


def warned(what: str, where: str, advice: str, file: str, line: int) -> CutWarning | None:
    """Warn of a cut at a line; return the warning where it is an error (`python -W error`).

    A step that is traced a thousand times says it once, as Python's filters have it; or as often as they say otherwise.
    """
    try:
        warnings.warn_explicit(
            CutWarning(f"{what}; at {where}; {advice}"), CutWarning, file, line, registry=_SAID
        )
    except CutWarning as raised:
        return raised.with_traceback(None)
    return None
