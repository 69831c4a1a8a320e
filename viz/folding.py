"""What a roll-up folds by: chains of calls, and paths of inputs and outputs."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.sites import Scope

Ints: TypeAlias = np.ndarray[Any, np.dtype[Any]]

ROOT = 0  # the traced function's own call: no group
MOST_PATHS = 8  # of one parameter that are told apart
_INDEX = re.compile(r"\[-?\d+\]")
_BRACKET = re.compile(r"\[[^…\[\]][^\[\]]*\]")
_PARTS = re.compile(r"(\[[^\[\]]*\])")
_SOME = "[…]"


@dataclass(slots=True)
class Call:
    """All calls of one function from one place within one chain of calls."""

    name: str
    parent: int
    place: int
    first: int  # scope
    count: int = 0


@dataclass(frozen=True, slots=True)
class Calls:
    """The folded calls, callers first, and by scope which of them it is."""

    groups: list[Call]
    of_scope: Ints


def fold_calls(scopes: Sequence[Scope]) -> Calls:
    """Fold calls by function, place and the folded call around them.

    Recursion folds: a function within itself is the same group. The traced function is none, so its own recursion
    is a group of its own.
    """
    count = len(scopes)
    parents, places, depths = (
        np.fromiter(map(attrgetter(what), scopes), np.int64, count) for what in ("parent", "place", "depth")
    )
    called = list(map(attrgetter("name"), scopes))
    names = list(dict.fromkeys(called))
    numbers = {name: number for number, name in enumerate(names)}
    functions = np.fromiter(map(numbers.__getitem__, called), np.int64, count)
    groups = [Call(scopes[0].name, -1, -1, 0, 1)]
    ancestors: list[dict[str, int]] = [{}]  # by group: the groups around it and itself, by function
    found: dict[tuple[int, int, int], int] = {}
    of_scope = np.zeros(count, np.int32)
    order = np.argsort(depths, kind="stable")
    firsts = np.searchsorted(depths[order], np.arange(1, int(depths.max(initial=0)) + 2))
    for start, stop in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True):
        level = order[start:stop]
        keys = np.stack([of_scope[parents[level]], places[level], functions[level]], axis=1)
        width = int(keys[:, 1].max()) + 2
        flat = (keys[:, 0] * width + keys[:, 1] + 1) * len(names) + keys[:, 2]
        used, first, inverse, times = np.unique(
            flat, return_index=True, return_inverse=True, return_counts=True
        )
        mapped = np.empty(len(used), np.int32)
        for at, (line, runs) in enumerate(zip(first.tolist(), times.tolist(), strict=True)):
            parent, place, function = keys[line].tolist()
            name = names[function]
            group = ancestors[parent].get(name, -1)
            if group < 0:
                group = found.get((parent, place, function), -1)
            if group < 0:
                group = found[parent, place, function] = len(groups)
                groups.append(Call(name, parent, place, int(level[line])))
                ancestors.append({**ancestors[parent], name: group})
            groups[group].count += runs
            mapped[at] = group
        of_scope[level] = mapped[inverse]
    return Calls(groups, of_scope)


def fold_paths(
    paths: Sequence[str], unused: Sequence[bool] = (), shapes: Sequence[tuple[int, ...]] = ()
) -> tuple[list[str], list[int]]:
    """Fold the paths of each parameter by pattern where it has many: the patterns, and by path its pattern.

    Indices are left out from the innermost outwards until few patterns are left, keys after them:
    `params[0]['W'][…][…]`. What is alone keeps its whole path. Arrays of different shapes are told apart where few
    patterns are left then, too. Of paths that nothing uses one pattern is left.
    """
    by_parameter: dict[tuple[str, bool], list[int]] = {}
    for at, path in enumerate(paths):
        parameter = re.split(r"[.\[]", path, maxsplit=1)[0]
        by_parameter.setdefault((parameter, bool(unused) and unused[at]), []).append(at)
    pattern_of = [0] * len(paths)
    numbers: dict[tuple[str, bool, tuple[int, ...]], int] = {}
    for (_, is_unused), own in by_parameter.items():
        named = [paths[each] for each in own]
        patterns = _patterns(named, 1 if is_unused else MOST_PATHS)
        all_alike: list[tuple[int, ...]] = [()] * len(own)
        own_shapes = [shapes[each] for each in own] if shapes and not is_unused else all_alike
        if len(set(zip(patterns, own_shapes, strict=True))) > MOST_PATHS:
            own_shapes = all_alike
        elif len(set(own_shapes)) > 1:
            patterns = _by_shape(named, patterns, own_shapes)
        for each, pattern, shape in zip(own, patterns, own_shapes, strict=True):
            pattern_of[each] = numbers.setdefault((pattern, is_unused, shape), len(numbers))
    return [pattern for pattern, *_ in numbers], pattern_of


def _patterns(paths: list[str], most: int) -> list[str]:
    """Fold the paths of one parameter."""
    patterns = paths
    for bracket in (_INDEX, _BRACKET):
        kept = max(len(bracket.findall(pattern)) for pattern in set(patterns))
        while len(set(patterns)) > most and kept:
            kept -= 1
            patterns = [_with_first(pattern, bracket, kept) for pattern in patterns]
    counts = Counter(patterns)
    return [
        path if counts[pattern] == 1 else pattern for path, pattern in zip(paths, patterns, strict=True)
    ]


def _by_shape(paths: list[str], patterns: list[str], shapes: list[tuple[int, ...]]) -> list[str]:
    """Give each shape within a pattern a pattern of its own: what all its paths have in common."""
    kinds = list(zip(patterns, shapes, strict=True))
    common: dict[tuple[str, tuple[int, ...]], str] = {}
    for path, kind in zip(paths, kinds, strict=True):
        common[kind] = _common(common.get(kind, path), path, kind[0])
    return [common[kind] for kind in kinds]


def _common(first: str, second: str, pattern: str) -> str:
    """Return two paths with what differs in brackets left out; the pattern where they differ otherwise."""
    parts = [_PARTS.split(path) for path in (first, second)]
    if len(parts[0]) != len(parts[1]) or parts[0][::2] != parts[1][::2]:
        return pattern
    return "".join(a if a == b else _SOME for a, b in zip(*parts, strict=True))


def _with_first(path: str, bracket: re.Pattern[str], kept: int) -> str:
    """Leave out all brackets of a kind but the first."""
    for each in reversed(list(bracket.finditer(path))[kept:]):
        path = f"{path[: each.start()]}{_SOME}{path[each.end() :]}"
    return path
