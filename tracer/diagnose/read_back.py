"""Values that are turned into text and read back: `x + float(str(x))`. No record tells of them, but the program's text.

An input that is used in no other way has no gradient at all, and dead.py tells of it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.flow import follow
from tracer.diagnose.program_text import called_name, loads_in, parameters_in_order
from tracer.diagnose.reading import program
from tracer.diagnose.spread import has_gradients
from tracer.numbers_text import clean
from tracer.operations import OP_NUMBERS
from tracer.texts import VIA
from tracer.views import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.diagnose.program_text import Text
    from tracer.trace import Trace

_DEEPEST = 4  # calls from a parameter back to what it was given
_MEANT = frozenset("detach round floor ceil trunc rint int len".split())  # of which no gradient comes back
_BASE = re.compile(r"\w+")


def find(trace: Trace) -> list[Finding]:
    """Find the texts from which operations that the output hangs on took a constant."""
    if not has_gradients(trace):
        return []
    found, told = [], _told(trace)
    for file, source in trace.source.items():
        text = program(file, source)
        for written, number in text.read_back:
            if any((file, line) in told for line in range(written.lineno, (written.end_lineno or 0) + 1)):
                continue
            name = next(
                (
                    load.id
                    for load in _undetached(text, written)
                    if _is_traced(trace, text, load, load.id, 0)
                ),
                "",
            )
            site = text.site_of(number)
            rows = follow(trace, site, number, [], -1).rows if name and site is not None else []
            if not rows:
                continue
            node = Node(trace, int(trace.graph.node_of_row[rows[0]]))
            line = f" on line {node.site.line}" if node.site is not None and node.site.line else ""
            found.append(
                Finding(
                    kind="cut",
                    severity="warning",
                    site=site,
                    message=f"{clean(name)} is turned into text here and read back; it comes back as a constant{line}, "
                    f"where its part of the gradient is missing: the gradient of {clean(name)} may be short by it",
                    advice="keep it a traced value: compute with it, and not with what was written of it",
                    node=node,
                    edges=tuple(node.in_edges),
                    numbers={"spoiled": len(rows)},
                )
            )
    return found


def _undetached(text: Text, written: ast.expr) -> Iterator[ast.Name]:
    """Yield the variables that a text is made of, but those that are detached or rounded in it."""
    for load in loads_in(written):
        above = text.parents.get(load)
        if not (isinstance(above, ast.Call) and called_name(above) in _MEANT):
            yield load


def _told(trace: Trace) -> set[tuple[str, int]]:
    """Return the lines of texts that are cuts already: the run has shown that they were read back."""
    return {
        (site.file, site.line)
        for row in np.flatnonzero(trace.recording.ops == OP_NUMBERS["cut"]).tolist()
        if trace.recording.params.get(row, {}).get("via") == VIA
        and (site := trace.sites.place(row).site) is not None
    }


def _is_traced(trace: Trace, text: Text, at: ast.AST, name: str, depth: int) -> bool:
    """Say whether a variable holds a traced value that has a gradient, there or where the function was called."""
    function = text.enclosing(at)
    if function is None:
        return False
    own = text.qualified(function)
    if own == trace.sites.scopes[0].name and _is_input_with_gradient(trace, name):
        return True
    if any(each.name == name and each.function == own for each in trace.sites.variables):
        return True
    parameters = parameters_in_order(function)
    if name not in parameters or depth >= _DEEPEST:
        return False
    position = parameters.index(name)
    return any(
        _is_traced(trace, text, load, load.id, depth + 1)
        for call in text.calls_of(getattr(function, "name", ""))
        if called_name(call) and position < len(call.args)
        for load in loads_in(call.args[position])
    )


def _is_input_with_gradient(trace: Trace, name: str) -> bool:
    for row, path in trace.input_rows.items():
        found = _BASE.match(path)
        if found is not None and found[0] == name and trace.gradients.reached[row]:
            return bool(np.any(trace.gradients.row(row)))
    return False
