"""The arithmetic behind one gradient, from the splitter's sum down to the seed. Used by Trace.explain and the terminal.

`explanation` decides what is said, as data; tree.py makes lines of text of it. A value whose gradient two terms need
is explained once, at the place nearest to the top, and the other place says where.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.cut_inputs import NOT_REACHED, why_nothing
from tracer.diagnose.formula_text import formula_text
from tracer.diagnose.magnitude import largest_of
from tracer.diagnose.tree import LOCAL, WIDTH, Explanation, Term, render, shorten_code
from tracer.diagnose.turns import Turns
from tracer.numbers_text import (
    SHOWN_TERMS,
    addition,
    clean,
    is_array,
    norm,
    norms,
    number,
    product,
    summary,
)
from tracer.rules.kinds import Compressed, Elementwise, is_complex
from tracer.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracer.edge_gradients import EdgeGradients
    from tracer.trace import Trace
    from tracer.views import Edge, Node

OPERAND_LIMIT = 16  # a longer operand would hide the formula that it stands in


def explain(trace: Trace, name: str, *, depth: int = 6, top: int = 5, width: int = WIDTH) -> str:
    """Return the arithmetic behind the gradient of an input or variable, as a tree of text lines.

    `depth` levels are shown, and of a sum the `top` largest terms. Raises LookupNameError for an unknown name.
    """
    return Shown(render(explanation(trace, name, depth=depth, top=top), width))


def explanation(trace: Trace, name: str, *, depth: int = 6, top: int = 5) -> Explanation:
    """Return the arithmetic behind the gradient of an input or variable."""
    node = trace[name]
    uses = uses_of(node)
    label = node.label or name
    heading = _heading(node, label, uses)
    return Explanation(label, node.value, node.grad, len(uses), heading, _terms(node, depth, top))


@dataclass(slots=True)
class _Draft:
    """A term whose own terms are still to be found: those of the gradient of `node`."""

    term: Term
    node: Node | None = None
    terms: list[_Draft] = field(default_factory=list)
    same_as: _Draft | None = None  # the draft at which the node is explained instead


def _terms(root: Node, depth: int, top: int) -> tuple[Term, ...]:
    """Find the terms level by level, so that what is explained once is explained nearest to the top."""
    start = _Draft(Term("use", 0, -1, ""), root)
    turns = Turns(root.trace)
    explained_at: dict[int, _Draft] = {}
    pending = deque([start])
    while pending:
        draft = pending.popleft()
        node = draft.node
        if node is None:
            continue
        level = draft.term.level + 1
        if not _is_seeded_alone(node):
            if node.index in explained_at:
                draft.same_as = explained_at[node.index]
                continue
            if level > depth:
                draft.terms = [
                    _Draft(Term("deeper", level, -1, f"{norm(node.grad)} = grad of {called(node)}, …"))
                ]
                continue
            explained_at[node.index] = draft
        draft.terms = _uses(node, level, top, turns)
        pending.extend(draft.terms)
    return _in_order(start)


def _in_order(start: _Draft) -> tuple[Term, ...]:
    """Put the terms in the order of the text and link each to its parent."""
    found: list[Term] = []
    positions: dict[int, int] = {id(start): -1}
    references: list[tuple[int, _Draft]] = []
    pending = [(draft, -1) for draft in reversed(start.terms)]
    while pending:
        draft, parent = pending.pop()
        position = positions[id(draft)] = len(found)
        found.append(replace(draft.term, parent=parent))
        if draft.same_as is not None:
            references.append((len(found), draft))
            found.append(Term("seen", draft.term.level + 1, position, ""))
        pending += [(term, position) for term in reversed(draft.terms)]
    for position, draft in references:
        assert draft.same_as is not None
        assert draft.node is not None
        place = "above" if positions[id(draft.same_as)] < position else "below"
        text = f"{norm(draft.term.upstream)} = grad of {called(draft.node)}, explained {place}"
        found[position] = replace(found[position], arithmetic=text, grad=draft.term.upstream)
    return tuple(found)


def _is_seeded_alone(node: Node) -> bool:
    """Say whether the whole gradient of a value is the seed: as short to say again as to refer to."""
    edges = node.out_edges
    return len(edges) == 1 and edges[0].dst.kind == "output"


def uses_of(node: Node) -> list[int]:
    """Return the edges of `node.uses` by number, of which there may be a million."""
    return node.trace.graph.uses(node.index)


def _uses(node: Node, level: int, top: int, turns: Turns) -> list[_Draft]:
    """Make a term of each use of a value, or of the largest and one for the rest."""
    uses, edges = uses_of(node), node.trace.edges
    is_long = len(uses) > top
    sizes = node.trace.edge_statistics.norm
    chosen = largest_of(sizes, uses, top) if is_long else uses
    told = turns.of_uses(uses, chosen)
    if not is_long:
        return [_use(edges[use], level, told.get(use, "")) for use in chosen]
    in_order = sorted(chosen, key=lambda use: -sizes[use] if sizes[use] == sizes[use] else -np.inf)
    drafts = _first_of_each_place([_use(edges[use], level, told.get(use, "")) for use in in_order])
    column = node.trace.edge_gradients()
    total = sum_of(column, set(uses).difference(chosen), node.value)
    text = f"… {len(uses) - top:,} more, together {norm(total)}"
    return [*drafts, _Draft(Term("more", level, -1, text, grad=total))]


def _first_of_each_place(drafts: list[_Draft]) -> list[_Draft]:
    """Leave of terms from one place, as a loop makes them, the way of the first alone: the others come about alike."""
    seen: set[tuple[str, int, str, str, int]] = set()
    found = []
    for draft in drafts:
        term = draft.term
        place = (term.file, term.line, term.code, term.op, term.port)
        found.append(replace(draft, node=None) if place in seen else draft)
        seen.add(place)
    return found


def sum_of(column: EdgeGradients, edges: Iterable[int], value: Any) -> Any:
    """Add up the gradients of many edges."""
    if is_complex(value) and not is_array(value):
        return sum(column[edge] for edge in sorted(edges))
    if not is_array(value):
        return float(column.floats[sorted(edges)].sum())
    total = np.zeros_like(value)
    for edge in sorted(edges):
        gradient = column[edge]
        if isinstance(gradient, Compressed):
            gradient.add_to(total)
        else:
            total += gradient
    return total


def _use(edge: Edge, level: int, turn: str) -> _Draft:
    """Say what one use of a value sent back, by what arithmetic, and in which turn of a loop."""
    draft = _of_use(edge, level)
    return replace(draft, term=replace(draft.term, turn=turn)) if turn else draft


def _of_use(edge: Edge, level: int) -> _Draft:
    consumer = edge.dst
    if consumer.kind == "output":
        path = f"output {clean(consumer.name or '')}".rstrip()
        if edge.step is None:
            return _Draft(Term("unseeded", level, -1, f"0   {path}, which is not seeded", grad=edge.grad))
        return _Draft(Term("seed", level, -1, f"{norm(edge.grad)} = seed   {path}", grad=edge.grad))
    if consumer.op == "broadcast":
        copies = np.size(consumer.value) // max(np.size(edge.value), 1)
        text = f"{norm(edge.grad)} = Σ over {copies:,} copies"
        user = consumer.out_edges[0].dst
        term = _placed(Term("broadcast", level, -1, text, edge.grad, consumer.grad, op="broadcast"), user)
        return _Draft(replace(term, upstream=edge.grad), consumer)
    if consumer.kind == "cut":
        return _Draft(
            _placed(Term("cut", level, -1, "no gradient: the value leaves the graph", op="cut"), consumer)
        )
    known = Term(
        "use" if edge.step is not None else "unreached",
        level,
        -1,
        f"0   {_why_nothing(consumer).replace('on it', 'on this use')}" if edge.step is None else "",
        grad=edge.grad,
        op=consumer.op,
        port=edge.port,
        has_twin=sum(each.src == edge.src for each in consumer.in_edges) > 1,
    )
    if edge.step is None:
        return _Draft(_placed(known, consumer))
    formula = formula_of(edge)
    known = replace(
        known,
        arithmetic=_product(edge),
        upstream=edge.upstream,
        local=edge.local,
        formula=formula,
    )
    return _Draft(_placed(known, consumer), consumer)


def _placed(term: Term, node: Node) -> Term:
    """Add where in the source a node was made."""
    site = node.site
    if site is None:
        return replace(term, variable=node.label)
    file = PurePath(site.file).name if site.line else ""
    return replace(term, variable=node.label, code=one_line(site.text), file=file, line=site.line)


def one_line(code: str) -> str:
    """Write an expression that may go over several lines in one."""
    return clean(re.sub(r"(?<=[(\[{]) | (?=[)\]}])", "", " ".join(code.split())))


def _product(edge: Edge) -> str:
    """Write upstream × local = grad, for arrays by their norms."""
    grad, upstream, local = edge.grad, edge.upstream, edge.local
    if local is None:
        return f"{norm(grad)} from {norm(upstream)}"
    if not is_array(local):
        return _equation(grad, upstream, local)
    takes_real_part = (is_complex(upstream) or is_complex(local)) and not is_complex(grad)
    if local.size and local.min() == local.max() and not takes_real_part:
        return _equation(grad, upstream, local.flat[0])
    return f"{norm(grad)} from {norm(upstream)} × {LOCAL}"


def _equation(grad: Any, upstream: Any, local: Any) -> str:
    factors, equals = product(upstream, local, grad)
    return f"{norm(grad)} {equals} {factors}"


def formula_of(edge: Edge) -> str:
    """Write the local partial in the user's own names; empty where the number alone says as much."""
    rule = edge.dst.rule
    if not isinstance(rule, Elementwise):
        return edge.formula or ""
    text = rule.formula(edge.port)
    return "" if re.fullmatch(r"-?\d+", text) else formula_text(text, named_operands(edge.dst))


def named_operands(node: Node) -> dict[str, Any]:
    """Return, by its name in the formulas of an elementwise operation, what each operand and `out` is called.

    A constant is its number; an empty text says that there is no short name.
    """
    rule = node.rule
    assert isinstance(rule, Elementwise)
    operands = dict(zip(rule.operand_names, map(_operand, node.operands), strict=False))
    return operands | {"out": _node_text(node)}


def _operand(operand: Any) -> Any:
    """Name an operand in a few characters, or return its number; the empty string where neither can be done."""
    if hasattr(type(operand), "upstream"):
        return _node_text(operand.src)
    return operand if isinstance(operand, (int, float, complex, np.number)) else ""


def _node_text(node: Node) -> str:
    if node.label:
        return clean(node.label)
    text = node.site.text if node.site is not None else ""
    return text if text and len(text) <= OPERAND_LIMIT and text.isprintable() else ""


def called(node: Node) -> str:
    """Name a value whose gradient is spoken of: by its variable, its text, or its operation."""
    if node.label:
        return clean(node.label)
    if node.kind == "splitter":
        return node.op
    text = node.site.text if node.site is not None else ""
    return shorten_code(one_line(text), 2 * OPERAND_LIMIT) if text else node.op


def _why_nothing(node: Node) -> str:
    return why_nothing(node.trace, int(node.trace.graph.rows[node.index]))


def _heading(node: Node, label: str, uses: list[int]) -> str:
    """Write the value, its gradient, and the sum that it is."""
    value = summary(node.value) if is_array(node.value) else number(node.value)
    start = f"{clean(label)} = {value} · grad"
    if node.grad is None:
        return f"{start}: none, the value left the graph here"
    if node.kind == "output":
        return f"{start} {norm(node.grad)} ({'the seed' if node == node.trace.output else 'not seeded'})"
    if (node.trace.steps[uses] < 0).all():
        why = _why_nothing(node) if uses else f"{NOT_REACHED}: never used in arithmetic"
        return f"{start} 0 ({why})"
    if len(uses) == 1:
        return f"{start} {norm(node.grad)} (1 use)"
    count = f"({len(uses):,} uses)"
    edges = node.trace.edges
    if is_array(node.grad):
        is_long = len(uses) > SHOWN_TERMS
        shown = largest_of(node.trace.edge_statistics.norm, uses, SHOWN_TERMS) if is_long else uses
        return f"{start} {norm(node.grad)} from Σ {norms([edges[use].grad for use in shown], len(uses))} {count}"
    column = node.trace.edge_gradients()
    terms = [column[use] for use in uses] if is_complex(node.grad) else column.floats[uses]
    addends, equals = addition(terms, node.grad)
    return f"{start} {norm(node.grad)} {equals} Σ {addends} {count}"
