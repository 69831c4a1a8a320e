"""Searches that only compare, as bisection: what they find moves with its inputs, and no branch hands a gradient back.

A comparison leaves no record. Looked for are values that nothing uses, that an `if` of a loop compares by the program's
text, and that come, from both sides, ever nearer to what they are compared with.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.reading import program
from tracer.diagnose.spread import has_gradients
from tracer.numbers_text import clean, listed
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.reading import Program
    from tracer.source import Site
    from tracer.trace import Trace

_LEAST = 8  # comparisons
_SIDES = 2  # of them, on either side
_NEARER = 4  # times, in each third of the comparisons: what only goes to and fro comes no nearer
_SHOWN = 3
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_LEAVING = (ast.Break, ast.Return, ast.Raise, ast.Continue)


def find(trace: Trace) -> list[Finding]:
    """Find the branches of a search whose result the output is."""
    if not has_gradients(trace) or not trace.source:
        return []
    found = []
    for rows in _unread(trace):
        node = Node(trace, int(trace.graph.node_of_row[rows[-1]]))
        compared = _compared(trace, node)
        if compared is None:
            continue
        text, comparison, site = compared
        other = _other_side(trace, text, comparison)
        if other is not None and _comes_near(trace, rows, other[0]):
            names = dict.fromkeys([*_inputs(trace, rows[-1]), *other[1]])
            if names:
                found.append(_finding(node, site, len(rows), list(names)))
    return found


def _unread(trace: Trace) -> Iterator[list[int]]:
    """Yield the numbers that no operation uses, by their place, where there are many."""
    recording, places = trace.recording, trace.sites.row_places
    is_read = np.zeros(len(recording), np.bool_)
    is_read[recording.operands[recording.operands >= 0]] = True
    is_read[[output.row for output in recording.outputs if output.row >= 0]] = True
    rows = np.flatnonzero(~is_read & (places >= 0))
    rows = rows[np.argsort(places[rows], kind="stable")]
    for group in np.split(rows, np.flatnonzero(np.diff(places[rows])) + 1):
        if len(group) >= _LEAST:
            yield group.tolist()


def _compared(trace: Trace, node: Node) -> tuple[Program, ast.Compare, Site] | None:
    """Return the comparison that a value is for, if it chooses between ways to go on in a loop."""
    site = node.site
    if site is None or site.file not in trace.source:
        return None
    text = program(site.file, trace.source[site.file])
    reading = text.of_expression(site)
    if reading is None or reading.kind != "branched" or reading.site is None:
        return None
    comparison = text.expression(reading.site)
    if not isinstance(comparison, ast.Compare) or not isinstance(comparison.ops[0], _ORDERS):
        return None
    branch = text.parents.get(comparison)
    is_choice = isinstance(branch, ast.IfExp) or (
        isinstance(branch, ast.If) and not isinstance(branch.body[-1], _LEAVING)
    )
    loop = text.loop_around(branch) if branch is not None else None
    if branch is None or not is_choice or loop is None or not _is_fed_back(text, branch, comparison, loop):
        return None
    return text, comparison, reading.site


def _is_fed_back(text: Program, branch: ast.AST, comparison: ast.Compare, loop: ast.AST) -> bool:
    """Tell whether what a branch sets is what the next turns compare: `lo = mid`, and not a count or a label."""
    while not isinstance(branch, ast.stmt):
        branch = text.parents[branch]
    chosen, needed = _names(branch, ast.Store), _names(comparison, ast.Load)
    steps = [
        (_names(each, ast.Store), _names(each, ast.Load))
        for each in ast.walk(loop)
        if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For)
    ]
    known = 0
    while len(needed) > known:
        known = len(needed)
        needed |= {name for stored, loaded in steps if stored & needed for name in loaded}
    return bool(chosen & needed)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    """Return the variables that are read or set there; to set an element or an attribute sets its variable."""
    found = set()
    for each in ast.walk(node):
        if isinstance(getattr(each, "ctx", None), context):
            whole: ast.AST = each
            while isinstance(whole, ast.Attribute | ast.Subscript):
                whole = whole.value
            found |= {whole.id} if isinstance(whole, ast.Name) else set()
    return found


def _other_side(
    trace: Trace, text: Program, comparison: ast.Compare
) -> tuple[float, tuple[str, ...]] | None:
    """Return what is compared with, and the input that it is; None where the text does not say how large it is."""
    rows = {name: row for row, name in trace.input_rows.items()}
    for side in (comparison.comparators[-1], comparison.left):
        if isinstance(side, ast.Constant) and isinstance(side.value, (int, float)):
            return float(side.value), ()
        if isinstance(side, ast.Name) and side.id in rows and text.enclosing(comparison) is not None:
            value = trace.recording.values[rows[side.id]]
            if isinstance(value, (int, float)):
                return float(value), (side.id,)
    return None


def _comes_near(trace: Trace, rows: list[int], other: float) -> bool:
    """Tell whether numbers come near to another, from both sides."""
    numbers: list[Any] = [trace.recording.values[row] for row in rows]
    if not all(isinstance(each, (float, np.floating)) for each in numbers):
        return False
    distances = np.array(numbers, np.float64) - other
    sizes = np.abs(distances)
    sides = min(np.count_nonzero(distances > 0), np.count_nonzero(distances < 0))
    far, nearer, nearest = (third.max() for third in np.array_split(sizes, 3))
    *_, late, last = (quarter.max() for quarter in np.array_split(sizes, 4))
    is_near = far >= _NEARER * nearer >= _NEARER**2 * nearest and late >= _SIDES * last
    return bool(sides >= _SIDES and np.isfinite(sizes).all() and is_near)


def _inputs(trace: Trace, row: int) -> Iterator[str]:
    """Yield the names of the inputs that a value is computed from."""
    recording = trace.recording
    pending, seen = [row], {row}
    while pending:
        at = pending.pop()
        used = recording.operands[recording.starts[at] : recording.starts[at + 1]].tolist()
        new = {each for each in used if each >= 0} - seen
        seen |= new
        pending += new
    yield from (name for at, name in trace.input_rows.items() if at in seen)


def _finding(node: Node, site: Site, count: int, names: list[str]) -> Finding:
    code = clean(" ".join(site.text.split()))
    verb = "decide" if len(names) > 1 else "decides"
    message = (
        f"{listed([clean(each) for each in names], _SHOWN)} {verb} `{code}` on line {site.line} {count:,} times, ever "
        "nearer to equality: what such a search finds moves with what it compares, and no gradient says how"
    )
    return Finding(
        kind="dead",
        severity="warning",
        site=site,
        message=message,
        advice="end the search with one Newton step, m - f(m)/slope with a detached slope: it has the right gradient",
        node=node,
        numbers={"runs": count},
    )
