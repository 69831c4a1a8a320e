"""Paths as data and as text: each with its product and the operations on it, loops folded. Used by `Paths` and viz."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.tree import WIDTH
from tracer.numbers_text import DIGITS, clean, is_array, number, operand, power_of_ten, summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.paths import Path, Paths

EXACT_COUNT = 2**53  # floats count exactly up to here
LONGEST_LOOP = 256  # operations of a loop's body that is folded
SHOWN_FACTORS = 8
LISTED_FACTORS = 1_000
SHOWN_GROUPS = 24  # a path that goes through more is cut in the middle
_NEGLIGIBLE = 1e-9  # shares that are the rounding of the others
_SHARE_DIGITS = 3
INDENT = " " * 4
_GLUE = "\N{NO-BREAK SPACE}"  # at which no line is broken


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on a path."""

    op: str
    symbol: str
    variable: str
    file: str
    line: int
    operand: str = ""
    """Which operand the path comes by, where another one is the same value: 2nd operand."""


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that follow one another, and how many times they do."""

    times: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PathLine:
    """One path: what it brings, its share of the whole, the factors in its direction, and its operations."""

    contribution: float
    log10: float
    """The logarithm of its size, which is never too large or too small for the floats."""
    share: float | None
    factors: tuple[float, ...]
    """Of very many the first and the last ones."""
    operations: int
    groups: tuple[Group | None, ...]
    """None where some are left out."""


@dataclass(frozen=True, slots=True)
class PathTable:
    """What there is to say about the paths from one value to another."""

    source: str
    target: str
    value: Any
    grad: Any
    total: float
    count: float
    count_log10: float
    paths: tuple[PathLine, ...]
    others: float
    others_log10: float
    others_share: float | None
    cancels_log10: float | None
    """By what power of ten the largest path exceeds all paths together, where they cancel."""


def table_of(paths: Paths) -> PathTable:
    """Return the paths as data, with names instead of nodes."""
    source = paths.source
    return PathTable(
        source.label or source.op,
        _target(paths),
        source.value,
        source.grad,
        paths.total,
        paths.path_count,
        paths.path_count_log10,
        tuple(_line(path) for path in paths),
        paths.others,
        paths.scaled_others.log10,
        paths.others_share,
        paths.cancels_log10,
    )


def _target(paths: Paths) -> str:
    target = paths.target
    return f"output {target.label}".rstrip() if target.kind == "output" else target.label or target.op


def _line(path: Path) -> PathLine:
    graph, recording, sites = path.trace.graph, path.trace.recording, path.trace.sites
    nodes = path.trace.nodes
    rows = graph.slot_consumer[path.slots]
    # What is the same operation at the same place is the same step of a loop.
    codes = recording.ops[rows].astype(np.int64) << 32 | sites.row_places[rows] + 1
    ports = _ports_of_twins(recording, rows, path.slots)
    codes = codes * (int(ports.max(initial=-1)) + 2) + ports
    groups: list[Group | None] = []
    for piece in _folded(codes):
        if piece is None:
            groups.append(None)
            continue
        start, length, times = piece
        here = slice(start, start + length)
        made = (nodes[int(graph.node_of_row[row])] for row in rows[here].tolist())
        steps = zip(made, ports[here].tolist(), strict=True)
        groups.append(Group(times, tuple(_step(node, port, is_repeated=times > 1) for node, port in steps)))
    factors = path.factors[::-1].tolist()
    if len(factors) > LISTED_FACTORS:
        factors[LISTED_FACTORS // 2 : -LISTED_FACTORS // 2] = []
    return PathLine(
        path.contribution, path.scaled.log10, path.share, tuple(factors), len(rows), tuple(groups)
    )


def _ports_of_twins(recording: Any, rows: np.ndarray[Any, Any], slots: np.ndarray[Any, Any]) -> Any:
    """Return by which operand a path comes to each operation that uses the same value by another, too; else -1."""
    ports = np.full(len(rows), -1, np.int64)
    starts, stops = recording.starts[rows], recording.starts[rows + 1]
    is_pair = (stops - starts) == 2
    first = starts[is_pair]
    ports[is_pair] = np.where(
        recording.operands[first] == recording.operands[first + 1], slots[is_pair] - first, -1
    )
    for at in np.flatnonzero(stops - starts > 2).tolist():
        operands = recording.operands[starts[at] : stops[at]]
        if np.count_nonzero(operands == recording.operands[slots[at]]) > 1:
            ports[at] = slots[at] - starts[at]
    return ports


def _step(node: Any, port: int, *, is_repeated: bool) -> Step:
    site = node.site
    variable = node.label
    if is_repeated and node.name:  # without the count, which only one of the times has
        variable = variable.rpartition(node.name)[0] + node.name
    return Step(
        node.op,
        node.symbol,
        clean(variable),
        PurePath(site.file).name if site is not None and site.line else "",
        site.line if site is not None else 0,
        operand(port) if port >= 0 else "",
    )


def _folded(codes: np.ndarray[Any, Any]) -> list[tuple[int, int, int] | None]:
    """Fold a sequence into pieces: where it starts, its length, how often it stands there; None for those left out."""
    pieces: list[tuple[int, int, int] | None] = list(islice(_pieces(codes), SHOWN_GROUPS + 1))
    if len(pieces) <= SHOWN_GROUPS:
        return pieces
    del pieces[SHOWN_GROUPS // 2 :]
    from_the_end = islice(_pieces(codes[::-1]), SHOWN_GROUPS // 2)
    ends = [(len(codes) - start - length * times, length, times) for start, length, times in from_the_end]
    return [*pieces, None, *reversed(ends)]


def _pieces(codes: np.ndarray[Any, Any]) -> Iterator[tuple[int, int, int]]:
    """Yield the pieces of a sequence from its start on; a loop is the shortest that comes at least twice."""
    following = np.full(len(codes), len(codes))  # where the same operation comes next
    order = np.argsort(codes, kind="stable")
    is_same = codes[order[:-1]] == codes[order[1:]]
    following[order[:-1][is_same]] = order[1:][is_same]
    place = 0
    while place < len(codes):
        length, times, other = 1, 1, int(following[place])
        while other <= place + LONGEST_LOOP and other < len(codes):
            repeated = _agreement(codes[place:], codes[other:]) // (other - place)
            if repeated:
                length, times = other - place, repeated + 1
                break
            other = int(following[other])
        yield place, length, times
        place += length * times


def _agreement(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> int:
    """Return for how long two sequences agree; looks no further than twice that."""
    seen, size = 0, LONGEST_LOOP
    while seen < len(right):
        differs = np.flatnonzero(left[seen : seen + size][: len(right) - seen] != right[seen : seen + size])
        if len(differs):
            return seen + int(differs[0])
        seen, size = seen + size, 2 * size
    return len(right)


def text_of(paths: Paths, width: int = WIDTH) -> str:
    """Write the paths as text of at most `width` characters a line."""
    return render(table_of(paths), width)


def render(table: PathTable, width: int = WIDTH) -> str:
    """Write a table of paths as text of at most `width` characters a line."""
    value = summary(table.value) if is_array(table.value) else number(table.value)
    lines = [f"{clean(table.source)} = {value} → {table.target}: {_count(table)}"]
    if not table.paths:
        return lines[0]
    amounts = [_amount(line.contribution, line.log10) for line in table.paths]
    amounts += [_amount(table.others, table.others_log10), number(table.total)]
    size = math.log10(abs(table.total)) if table.total else 0.0
    shares = [_percent(line.share, line.log10 - size) for line in table.paths]
    shares += [_percent(table.others_share, table.others_log10 - size), "100 %"]
    amount_width, share_width = max(map(len, amounts)), max(map(len, shares))

    def row(place: int, text: str) -> str:
        return f"  {amounts[place]:>{amount_width}}  {shares[place]:>{share_width}}   {text}".rstrip()

    groups = [group for line in table.paths for group in line.groups if group is not None]
    has_files = len({step.file for group in groups for step in group.steps}) > 1
    for place, line in enumerate(table.paths):
        lines.append(row(place, _product(line, is_share=is_array(table.value))))
        steps = [clean(table.source), *(_group(group, has_files=has_files) for group in line.groups)]
        if table.target.startswith("output"):
            steps.append(table.target)
        lines += textwrap.wrap(
            " → ".join(steps),
            width,
            initial_indent=INDENT,
            subsequent_indent=INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines = [line.replace(_GLUE, " ") for line in lines]
    if table.count != len(table.paths):
        lines.append(row(len(table.paths), "all others"))
    lines.append(row(len(table.paths) + 1, "all paths"))
    if table.cancels_log10 is not None:
        lines.append(_cancelling(table.cancels_log10))
    return "\n".join(lines)


def _count(table: PathTable) -> str:
    if not table.count:
        return "no path"
    if table.count == 1:
        many = "1 path"
    elif table.count < EXACT_COUNT:
        many = f"{int(table.count):,} paths"
    elif math.isfinite(table.count):
        many = f"about {number(table.count)} paths"
    else:
        many = f"about 10^{int(table.count_log10):,} paths"
    return many if table.paths else f"{many}, none of which brings anything"


def _cancelling(log10: float) -> str:
    what = "to zero" if math.isinf(log10) else f"the largest is {power_of_ten(log10)} times the gradient"
    return f"  the paths cancel{' ' if math.isinf(log10) else ': '}{what}; see cancellation"


def _amount(contribution: float, log10: float) -> str:
    """Write a contribution, also one that is too small or too large for a float."""
    if (contribution == 0 or math.isinf(contribution)) and math.isfinite(log10):
        return _written_out(math.copysign(1.0, contribution), log10)
    return number(contribution)


def _percent(share: float | None, log10: float) -> str:
    if share is None:
        return "—"
    if math.isinf(share) and math.isfinite(log10):
        return f"{_written_out(math.copysign(1.0, share), log10 + 2, _SHARE_DIGITS)} %"
    if 0 < abs(share) < _NEGLIGIBLE:
        return "≈ 0 %"
    told = number(100 * share, _SHARE_DIGITS)
    if told == "100" and abs(share - 1) > _NEGLIGIBLE:  # nearly all is not all
        told = number(
            100 * share, next(n for n in range(_SHARE_DIGITS, 17) if number(100 * share, n) != "100")
        )
    return f"{told} %"


def _written_out(sign: float, log10: float, digits: int = DIGITS) -> str:
    """Write a number that is no float: 7.08e-1506."""
    power = math.floor(log10)
    return f"{number(sign * 10 ** (log10 - power), digits)}e{power:+d}"


def _product(line: PathLine, *, is_share: bool) -> str:
    """Write the factors from the value on; of many, those that are not 1, and of many of these the ends."""
    factors, many = list(line.factors), line.operations + 1
    if is_share or len(factors) > SHOWN_FACTORS:
        factors = [factor for factor in factors if factor != 1]
        many -= len(line.factors) - len(factors)
    texts = [number(factor) for factor in factors]
    if len(texts) > SHOWN_FACTORS + 1:
        half = SHOWN_FACTORS // 2
        texts = [*texts[:half], f"… {many - 2 * half:,} more …", *texts[-half:]]
    if is_share:
        return f"shares {' × '.join(texts)}" if texts else ""
    return " × ".join(texts)


def _group(group: Group | None, *, has_files: bool) -> str:
    if group is None:
        return "…"
    steps = " → ".join(_written(step, has_files=has_files) for step in group.steps)
    return f"[{steps}] ×{group.times:,}" if group.times > 1 else steps


def _written(step: Step, *, has_files: bool) -> str:
    place = f"{step.file if has_files else ''}:{step.line}" if step.line else ""
    by = step.operand and f"({step.operand.replace(' ', _GLUE)})"
    return _GLUE.join(filter(None, (step.variable and f"{step.variable}{_GLUE}=", step.symbol, place, by)))
