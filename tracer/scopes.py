"""Scopes: the calls of Python functions in a run, and which of them a frame is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tracer.frames import OWN_FILES

if TYPE_CHECKING:
    from types import CodeType, FrameType

NO_INSTRUCTION = -1
WHOLE_TRACE = 0  # scope of the traced function itself
_HOOK = -1  # stands for the scope of the hook, which is outside of the trace
COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_IS_GENERATOR = 0x20  # inspect.CO_GENERATOR, without the cost of importing inspect


class Call(NamedTuple):
    """One call of one Python function, and the instruction of the caller that made it."""

    code: CodeType
    parent: int
    caller: CodeType | None
    instruction: int


_call = partial(tuple.__new__, Call)  # in one step: one is made for every call of a function


class Scopes:
    """The calls of one run, by their scope, which is a number; those that are running form a stack."""

    __slots__ = ("_depths", "_stack", "_suspended", "calls")

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._depths: dict[FrameType, int] = {}  # position of each known frame in _stack
        self._stack: list[tuple[FrameType, int]] = []  # frames from the hook down, their scopes
        self._suspended: dict[FrameType, int] = {}  # scopes of generators, which come back

    def start(self, hook_frame: FrameType, code: CodeType) -> None:
        """Make the frame that calls the traced function the root: what it calls is the whole trace."""
        self._stack.append((hook_frame, _HOOK))
        self._depths[hook_frame] = 0
        self.calls.append(Call(code, _HOOK, None, NO_INSTRUCTION))

    def close(self) -> None:
        """Let go of every frame."""
        self._stack.clear()
        self._depths.clear()
        self._suspended.clear()

    @property
    def hook_frame(self) -> FrameType:
        """The frame that calls the traced function."""
        return self._stack[0][0]

    def nearest(self, frame: FrameType) -> int:
        """Return the scope of the innermost call around a frame that has made a record."""
        known: FrameType | None = frame
        while known is not None and known not in self._depths:
            known = known.f_back
        return max(self._stack[self._depths[known]][1], WHOLE_TRACE) if known is not None else WHOLE_TRACE

    def of(self, frame: FrameType) -> int:
        """Find the call that `frame` is, making the scopes of all calls between it and a known frame."""
        depths, stack = self._depths, self._stack
        fresh: list[FrameType] = []
        known: FrameType | None = frame
        while known is not None and known not in depths:
            fresh.append(known)
            known = known.f_back
        keep = depths[known] + 1 if known is not None else 1
        while len(stack) > keep:
            del depths[stack.pop()[0]]
        scope = stack[-1][1]
        while fresh:
            new = fresh.pop()
            scope = WHOLE_TRACE if scope == _HOOK else self._new(new, scope)
            depths[new] = len(stack)
            stack.append((new, scope))
        return WHOLE_TRACE if scope == _HOOK else scope

    def _new(self, frame: FrameType, parent: int) -> int:
        """Return the scope of a frame that was not seen running just before."""
        code, back = frame.f_code, frame.f_back
        if code.co_name in COMPREHENSIONS or code.co_filename.startswith(OWN_FILES):
            return parent
        is_generator = code.co_flags & _IS_GENERATOR
        if is_generator and frame in self._suspended:
            return self._suspended[frame]
        while back is not None and back.f_code.co_filename.startswith(OWN_FILES):
            back = back.f_back  # called through edgegrad: by a replaced function, or a reflected operator
        scope = len(self.calls)
        caller, instruction = (back.f_code, back.f_lasti) if back is not None else (None, NO_INSTRUCTION)
        self.calls.append(_call((code, parent, caller, instruction)))
        if is_generator:
            self._suspended[frame] = scope
        return scope
