"""Names that are bound to what is replaced: in one module, and in all of them together. Used by patches.py."""

from __future__ import annotations

import operator
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Namespace:
    """The globals of a module: which names are bound to an original, and what replaces each."""

    __slots__ = ("has_caches", "names", "originals", "replacements", "size")

    def __init__(self, names: dict[str, Any], *, has_caches: bool = False) -> None:
        self.names = names
        self.has_caches = has_caches  # so those are looked for, too
        self.size = 0  # when it was searched
        self.originals: dict[str, Any] = {}
        self.replacements: dict[str, Any] = {}

    def binds(self, expected: dict[str, Any]) -> bool:
        """Tell whether names are bound to these very objects."""
        return all(map(operator.is_, map(self.names.get, expected), expected.values()))


class Bound(NamedTuple):
    """Modules that bind an original, as columns: of each its namespace, and of each name where it is and for what.

    All of them are looked at and written to in one step each, as every traced call does that twice.
    """

    namespaces: list[Namespace]
    contents: list[dict[str, Any]]
    originals: list[dict[str, Any]]
    replacements: list[dict[str, Any]]
    holders: list[dict[str, Any]]
    names: list[str]
    original_values: list[Any]
    replacing_values: list[Any]

    @classmethod
    def of(cls, namespaces: Iterable[Namespace]) -> Bound:
        """Gather those of some namespaces that bind an original."""
        bound = [each for each in namespaces if each.originals]
        holders = [each.names for each in bound for _ in each.originals]
        return cls(
            bound,
            [each.names for each in bound],
            [each.originals for each in bound],
            [each.replacements for each in bound],
            holders,
            [name for each in bound for name in each.originals],
            [value for each in bound for value in each.originals.values()],
            [value for each in bound for value in each.replacements.values()],
        )

    def exchange(self, before: list[Any], after: list[dict[str, Any]]) -> bool:
        """Bind all names to others, if they are all bound to what they are expected to be; tell whether they were."""
        if not all(map(operator.is_, map(dict.get, self.holders, self.names), before)):
            return False
        deque(map(dict.update, self.contents, after), maxlen=0)
        return True
