"""What calls of functions are called, in pictures as in what is typed: `helper()`, `helper[2]`, `Model.step[0]`.

A function goes by the shortest end of its qualified name that means no other function of the run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from tracer.errors import LookupNameError
from tracer.lookup import counted_name, listed, nearest
from viz import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOCALS = ".<locals>"


class CallNames:
    """The names of all calls of a run."""

    def __init__(self, scopes: Sequence[Any]) -> None:
        self._called = list(map(attrgetter("name"), scopes))
        self._counts = Counter(self._called)
        self._short: dict[str, str] = {}

    @cached_property
    def _numbers(self) -> list[int]:
        """By call: how many of the same function came before it."""
        before: defaultdict[str, count[int]] = defaultdict(count)
        return [next(before[name]) for name in self._called]

    def function(self, qualified: str) -> str:
        """Return the shortest name by which a function is found, and no other is."""
        if qualified not in self._short:
            parts = qualified.replace(LOCALS, "").split(".")
            ends = (".".join(parts[at:]) for at in range(len(parts) - 1, -1, -1))
            sound = (end for end in ends if functions_named(self._counts, end) == [qualified])
            self._short[qualified] = next(sound, qualified)
        return self._short[qualified]

    def call(self, scope: int) -> str:
        """Name one call: by its function alone where that was called once, else with its number, from 0."""
        name = self._called[scope]
        shown = labels.name(self.function(name))
        return f"{shown}()" if self._counts[name] == 1 else f"{shown}[{self._numbers[scope]}]"

    def calls(self, scope: int, times: int) -> str:
        """Name calls of one function, the first of which is given: all that one place of the program makes."""
        return self.call(scope) if times == 1 else f"{labels.name(self.function(self._called[scope]))}()"


def functions_named(names: Iterable[str], wanted: str) -> list[str]:
    """Find the qualified names that a name means: the whole of one, else the end of several."""
    bare = wanted.removesuffix("()")
    known = list(dict.fromkeys(names))
    if bare in known:
        return [bare]
    return [
        name
        for name in known
        if f".{name}".endswith(f".{bare}") or f".{name.replace(LOCALS, '')}".endswith(f".{bare}")
    ]


def calls_named(scopes: Sequence[Any], wanted: str) -> list[Any]:
    """Find the calls of a function, `helper`, or one of them, `helper[3]`. Raises LookupNameError."""
    named = _of_function(scopes, wanted)
    if named:
        return named
    name, number = counted_name(wanted)
    counted = _of_function(scopes, name) if name else []
    if counted and -len(counted) <= number < len(counted):
        return [counted[number]]
    if counted:
        times = (
            f"it was called {len(counted):,} times, [0] to [{len(counted) - 1}]"
            if len(counted) > 1
            else "it was called once"
        )
        raise LookupNameError(
            f"the function {name} has no call number {number}",
            got=times,
            advice=f"{name} alone is every call",
        )
    names = CallNames(scopes)
    known = Counter(names.function(scope.name) for scope in scopes[1:])
    told = [f"{function} ({times:,} times)" if times > 1 else function for function, times in known.items()]
    if not known:
        raise LookupNameError(
            f"no function that was called is named {wanted!r}",
            advice="no other function was called in this run",
        )
    near = nearest(name or wanted, list(known))
    raise LookupNameError(
        f"no function that was called is named {wanted!r}",
        got=f"called were {listed(told)}",
        advice=near if near.endswith("?") else f"{next(iter(known))}[0] is one call, the first",
    )


def _of_function(scopes: Sequence[Any], wanted: str) -> list[Any]:
    named = set(functions_named(map(attrgetter("name"), scopes), wanted))
    return [scope for scope in scopes if scope.name in named]
