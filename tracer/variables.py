"""The variables of functions that run, and of generators that wait, as places."""

from __future__ import annotations

import ctypes
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.callee import IS_SNAPSHOT
from tracer.frames import is_own
from tracer.holders import MISSING, Cell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Variable(NamedTuple):
    """A variable of a function that runs, or of a generator that waits."""

    frame: FrameType
    name: str

    def known_as(self) -> tuple[int, str]:
        """Return what tells one variable from another: a variable of several functions is one."""
        return 0 if self.is_shared() else id(self.frame), self.name

    def is_shared(self) -> bool:
        """Tell whether it is a variable of several functions."""
        code = self.frame.f_code
        return self.name in code.co_cellvars or self.name in code.co_freevars

    def read(self) -> Any:
        """See Holder."""
        return self.frame.f_locals[self.name]

    def write(self, value: Any) -> None:
        """See Holder."""
        variables = self.frame.f_locals
        variables[self.name] = value
        if IS_SNAPSHOT:
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(self.frame), ctypes.c_int(0))


def cells_of(function: Any) -> dict[str, Cell]:
    """Return, by name, the variables of functions around a function, which last when that has ended."""
    function = getattr(function, "__func__", function)
    names = function.__code__.co_freevars if issubclass(type(function), FunctionType) else ()
    return dict(zip(names, map(Cell, function.__closure__ or ()), strict=False))


def enclosed(function: Any) -> Iterator[Any]:
    """Yield what a function, or that of a method, has of the functions around it."""
    if isinstance(function, (FunctionType, MethodType)):
        held = (each.read() for each in cells_of(function).values())
        yield from (each for each in held if each is not MISSING)  # as in a cell that is still empty


def frames_of(frame: FrameType) -> list[FrameType]:
    """Return a frame and those that wait for it, up to the first of edgegrad's own."""
    frames = [frame]
    while (back := frames[-1].f_back) is not None and not is_own(back.f_code.co_filename):
        frames.append(back)
    return frames
