"""What recordings of one program share, worked out once: the next call of the same program pays for a comparison.

An outline is which operations used which rows, in shapes and types: the graph's columns follow from it, and how the
way back goes. No number does: nothing here holds a value, a gradient or an array of the user's. Few outlines are kept,
of short recordings: over long ones, the arithmetic takes longer than what is saved.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.operations import RULE_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from tracer.graph import Graph

_MOST = 8  # outlines
_MOST_WAYS = 4  # back over one outline, as a trace that is asked for each of its outputs has many
_LONGEST = 1 << 12  # rows, of which one outline takes about half a megabyte
_FLOAT64 = np.dtype(np.float64)


class Known:
    """What has been worked out so far, by what it depends on; no more than so much of it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, Any] = {}

    def get(self, key: Hashable, made: Callable[[], Any]) -> Any:
        """Return what is known under a key; made now, if nothing is."""
        try:
            return self._known[key]
        except KeyError:
            found = made()
        if self._most:
            if len(self._known) >= self._most:
                self._known = {}
            self._known[key] = found
        return found


def outline_of(graph: Graph) -> Known:
    """Return the outline of a graph whose arrays have been looked at; of a long one, one that keeps nothing."""
    recording = graph.recording
    if len(recording) > _LONGEST:
        return Known(0)
    constants = tuple(
        (number, type(value), value.shape, value.dtype is _FLOAT64)
        if isinstance(value, np.ndarray)
        else (number, type(value))
        for number, value in recording.constants.others.items()
    )
    columns = (
        recording.ops,
        recording.starts,
        recording.operands,
        graph.output_rows,
        graph.shape_of_row,
        graph.wide_rows,
        graph.other_types,
    )
    rows = tuple(recording.params)  # whose rule needs more than the operands
    rules = tuple(_Same(RULE_OF[op]) for op in np.bincount(recording.ops).nonzero()[0].tolist())
    return _known((tuple(graph.shapes), constants, rows, rules, *(column.tobytes() for column in columns)))


class _Same:
    """A rule, by identity: two may be equal, and what is kept may be of one of them."""

    __slots__ = ("_rule",)

    def __init__(self, rule: Any) -> None:
        self._rule = rule

    def __eq__(self, other: object) -> bool:
        return type(other) is _Same and other._rule is self._rule

    def __hash__(self) -> int:
        return id(self._rule)


@lru_cache(maxsize=_MOST)
def _known(_: Hashable) -> Known:
    # Of each way its rows and its plan, what it reached, which edges fire, and where their gradients are
    return Known(2 + 5 * _MOST_WAYS)


forget = _known.cache_clear
"""Forget all outlines, for tests that work out the same in two ways."""
