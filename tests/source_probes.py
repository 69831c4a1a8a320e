"""Programs whose probes note where they are used."""

from __future__ import annotations

import sys
import warnings
from types import CodeType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.source import Place

Pair = tuple[CodeType, int]
Row = tuple[str, tuple[str, ...], bool, int, int]  # text, targets, returned, line, column


class Probe:
    """Answers every operation with itself, and notes the instruction that asked for it."""

    def __init__(self, noted: list[Pair]) -> None:
        self.noted = noted

    def _note(self, *_, **__):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self

    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _note
    __lshift__ = __rshift__ = __and__ = __or__ = __xor__ = __radd__ = __rmul__ = _note
    __neg__ = __pos__ = __invert__ = __lt__ = __getitem__ = __setitem__ = __call__ = sum = exp = _note
    T = property(_note)

    def __bool__(self):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return True

    def __iter__(self):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self._elements()

    def _elements(self):
        for _ in range(2):
            frame = sys._getframe(1)
            self.noted.append((frame.f_code, frame.f_lasti))
            yield self

    __hash__ = object.__hash__

    def __eq__(self, other):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self is other


def run(text: str, name: str = "<program>") -> list[Pair]:
    """Execute a text and call its `f` with two probes."""
    noted: list[Pair] = []
    scope = {"__name__": "program"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of `'\\d'`, which one of the programs has
        code = compile(text, name, "exec", dont_inherit=True)
    exec(code, scope)  # noqa: S102 - the programs are ours
    scope["f"](Probe(noted), Probe(noted))
    return noted


def rows(places: list[Place]) -> list[Row]:
    found = [(p.site.text, p.targets, p.returned, p.site.line, p.site.column) for p in places]
    return list(dict.fromkeys(found))


def body(*lines: str) -> str:
    return "\n".join(("def f(x, y):", *(f"    {line}" for line in lines), ""))


NO: tuple[str, ...] = ()
