"""Where a run raised its exception, among its values: what the expression that raised it had read."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.sites import NO_PLACE, Variable
from viz import labels
from viz.parts import Line, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.source import Site

UNUSED: tuple[Line, ...] = (
    (Span("never used", "quiet"),),
    (Span("in arithmetic", "quiet"),),
)
_STOPPED: tuple[Line, ...] = (
    (Span("not used before", "quiet"),),
    (Span("the run failed", "quiet"),),
)


class Failure(NamedTuple):
    """The nodes whose values the expression read that raised, what stands at them, and at what has no use else."""

    nodes: frozenset[int] = frozenset()
    told: tuple[Line, ...] = ()
    unused: tuple[Line, ...] = UNUSED


NO_FAILURE = Failure()


def failure_of(trace: Any) -> Failure:
    """Say where the exception of a run was raised; of a run that raised none nothing.

    Where its operands are not found, an argument of a helper, it is told behind what was recorded last.
    """
    if trace.error is None:
        return NO_FAILURE
    place = trace.sites.failed_at
    site: Site | None = trace.sites.places[place].site if place != NO_PLACE else None
    raised = labels.shorten(labels.clean(trace.error.partition(":")[0]), labels.NAME_LIMIT)
    nodes = _read_by(trace, site) if site is not None and site.text else set()
    where = f"by {labels.name(' '.join(site.text.split()))}" if nodes and site is not None else ""
    rows = len(trace.sites.row_places)
    if not nodes and rows:
        nodes = {int(trace.graph.node_of_row[rows - 1])}
        where = f"after this, in line {site.line}" if site is not None and site.line else "after this"
    told: tuple[Line, ...] = ((Span(f"⚠ {raised} raised", "alarm"),), (Span(where, "quiet"),))
    return Failure(frozenset(nodes), told, _STOPPED)


def _read_by(trace: Any, site: Site) -> set[int]:
    """Return the nodes of an expression's operands: variables by their last value, others by where they stand."""
    try:
        parsed = ast.parse(f"({site.text})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return set()  # a statement, such as `raise`, computes nothing
    rows = (row for operand in _operands(parsed) for row in _rows_of(trace, site, operand))
    return {int(trace.graph.node_of_row[row]) for row in rows}


def _rows_of(trace: Any, site: Site, operand: ast.expr) -> list[int]:
    sites = trace.sites
    if not isinstance(operand, ast.Name | ast.Attribute):
        line, column = site.line + operand.lineno - 1, operand.col_offset
        column += site.column - 1 if operand.lineno == 1 else 0  # of a line of ASCII; else it is not found
        wanted = (site.file, line, column)
        numbers = [
            number
            for number, place in enumerate(sites.places)
            if (place.site.file, place.site.line, place.site.column) == wanted and _is_in(place.site, site)
        ]
        return [int(row) for row in np.flatnonzero(np.isin(sites.row_places, numbers))[-1:]]
    name = ast.unparse(operand)
    held = sites.variables.get(Variable(site.function, name), ())
    if len(held):
        return [int(held[-1])]
    is_own = site.function == sites.scopes[0].name
    return [row for row, path in trace.input_rows.items() if path == name and is_own]


def _operands(parsed: ast.expr) -> Iterator[ast.expr]:
    """Yield what an operation is given, in a list also each of its items."""
    match parsed:
        case ast.BinOp(left=left, right=right):
            given = [left, right]
        case ast.UnaryOp(operand=operand):
            given = [operand]
        case ast.Compare(left=left, comparators=others):
            given = [left, *others]
        case ast.Subscript(value=value):
            given = [value]
        case ast.Call(func=func, args=args, keywords=keywords):
            given = [*args, *(keyword.value for keyword in keywords)]
            given += [func.value] if isinstance(func, ast.Attribute) else []
        case _:
            given = []
    while given:
        operand = given.pop(0)
        match operand:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                given += items
            case ast.Starred(value=value):
                given.append(value)
            case _:
                yield operand


def _is_in(part: Site, whole: Site) -> bool:
    """Say whether a place is within another, and not all of it."""
    start, end = (whole.line, whole.column), (whole.end_line, whole.end_column)
    inside = start <= (part.line, part.column) and (part.end_line, part.end_column) <= end
    return inside and (start, end) != ((part.line, part.column), (part.end_line, part.end_column))
