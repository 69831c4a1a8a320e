"""The source beside the graph: the lines of each file that something was made at, with what is around them."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from viz import labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tracer.source import Site

WHOLE = 600  # lines of a file that is shown whole
AROUND = 12  # lines shown before and after a place in a longer one
LONGEST_LINE = 400


class Sources:
    """Files by number, and the lines of them that are named."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._numbers: dict[str, int] = {}
        self._named: list[set[int]] = []

    def place(self, site: Site | None) -> dict[str, Any] | None:
        """Say where something is: the file's number, its lines, and the expression on one line."""
        if site is None or not site.line:
            return None
        file = self._numbers.setdefault(site.file, len(self._numbers))
        if file == len(self._named):
            self._named.append(set())
        self._named[file].update((site.line, max(site.line, site.end_line)))
        return {
            "file": file,
            "line": site.line,
            "end": max(site.line, site.end_line),
            "code": labels.shorten(labels.clean(" ".join(site.text.split())), LONGEST_LINE),
        }

    def data(self) -> list[dict[str, Any]]:
        """Return the files that were named, each with its numbered lines; a file without a text has none."""
        return [
            {"name": labels.clean(PurePath(file).name), "lines": self._lines(file, number)}
            for file, number in self._numbers.items()
        ]

    def _lines(self, file: str, number: int) -> list[tuple[int, str]]:
        lines = self._texts.get(file, "").splitlines()
        shown = range(1, len(lines) + 1)
        if len(lines) > WHOLE:
            near = {line + step for line in self._named[number] for step in range(-AROUND, AROUND + 1)}
            shown = sorted(near.intersection(shown))  # type: ignore[assignment]  # any numbers in order
        return [(line, _fit(lines[line - 1])) for line in shown]


def _fit(line: str) -> str:
    return labels.shorten(labels.clean(line.expandtabs(4)), LONGEST_LINE)
