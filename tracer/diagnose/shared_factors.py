"""One factor that several wrong claims have in common: a mean that is forgotten at the loss is wrong in every gradient.

Each claim alone would be called a mistake of its own. Used by audit.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.backward import backward
from tracer.diagnose.runs_behind import way_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.trace import Trace
    from tracer.views import Node

_MOST_ROWS = 20_000
_MOST_NODES = 8  # along the way of a claim
_MOST_CLAIMS = 50
_NEARLY = 1e-6


@dataclass(frozen=True, eq=False)
class Compared:
    """A claim beside the gradient that is right, in its shape."""

    name: str
    node: Node
    claimed: Any
    expected: Any
    is_right: bool
    is_made_by: Callable[[Any], bool]
    """Whether the claim is some gradient, and by far more than the right one."""


@dataclass(frozen=True, eq=False)
class SharedFactor:
    """What comes back to a node has a factor too many, and so have the gradients that are made of it."""

    factor: float
    node: Node | None
    """None: everything has it."""
    names: tuple[str, ...]
    """Of the claims that show it, in backward order."""


def shared_factor(trace: Trace, compared: list[Compared]) -> SharedFactor | None:
    """Return the factor that explains the first claim that has one, and others; None where it explains no other."""
    wrong = [each for each in compared if not each.is_right]
    if not 1 < len(wrong) <= _MOST_CLAIMS or len(trace.recording) > _MOST_ROWS:
        return None
    first, factor = next(((each, k) for each in wrong if (k := _factor(each))), (None, 0.0))
    if first is None:
        return None
    best: tuple[str, ...] = ()
    at: Node | None = None
    for node, changes in _changes(trace, first, factor):
        made = [(each, each.expected + changes(each)) for each in compared]
        if any(each.is_right and _differs(total, each.expected) for each, total in made):
            continue
        names = tuple(each.name for each, total in made if not each.is_right and each.is_made_by(total))
        if len(names) > len(best):
            best, at = names, node
    # Else what is claimed for the others follows from the first
    is_beyond = at is None or at.row != first.node.row
    return SharedFactor(factor, at, best) if len(best) > 1 and is_beyond and first.name in best else None


def _changes(
    trace: Trace, first: Compared, factor: float
) -> Iterator[tuple[Node | None, Callable[[Compared], Any]]]:
    """Yield the places where the factor may have come in, nearest first, and by how much it changes a gradient."""
    for node in way_of(first.node)[:_MOST_NODES]:
        value = trace.recording.values[node.row]
        seed = np.asarray(node.grad) * (factor - 1)
        is_array = isinstance(value, np.ndarray)
        gradients = backward(
            trace.graph, node.row, np.asarray(seed, value.dtype) if is_array else seed.item()
        )

        def of_node(each: Compared, row: int = node.row, gradients: Any = gradients) -> Any:
            is_behind = 0 <= each.node.row <= row and gradients.reached[each.node.row]
            return gradients.row(each.node.row) if is_behind else 0.0

        yield node, of_node
    yield None, lambda each: (factor - 1) * each.expected


def _factor(each: Compared) -> float:
    """Return the factor by which a claim is a multiple of the right gradient; zero where it is none."""
    claimed, right = np.ravel(each.claimed), np.ravel(each.expected)
    if claimed.shape != right.shape or np.iscomplexobj(claimed) or np.iscomplexobj(right):
        return 0.0
    square = float(np.sum(right * right))
    factor = float(np.sum(claimed * right)) / square if square and np.isfinite(square) else 0.0
    return factor if np.isfinite(factor) and each.is_made_by(factor * each.expected) else 0.0


def _differs(left: Any, right: Any) -> bool:
    off = np.abs(np.asarray(left) - right).max(initial=0.0)
    return bool(off > _NEARLY * np.abs(np.asarray(right)).max(initial=0.0))
