"""Inputs without gradient, and why. Where their ways end: fates.py; what an operation does to them: killers.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracer.diagnose.fates import Fate, Fates, fates_of
from tracer.diagnose.finding import Finding
from tracer.diagnose.killers import ADVICE, BENT, Why, idle_places, why_balanced, why_killed
from tracer.diagnose.reading import Reading, program
from tracer.diagnose.spread import has_gradients
from tracer.numbers_text import clean

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from tracer.diagnose.finding import Severity
    from tracer.source import Site
    from tracer.trace import Trace
    from tracer.views import Node

SHOWN_NAMES = 3
_LOOKED_AT = 1_000  # operations before one that hands nothing back
_PATH = re.compile(r"""(?P<base>\w+)(?:\[['"](?P<key>[^'"]+)['"]\]|\.(?P<field>\w+))?""")
# Harmless, as long as another input has a gradient
_MINDED = frozenset(("selection", "branched", "text", "sized", "unknown"))
_OF_VALUES = frozenset("unique getitem compress trim_zeros union1d intersect1d setdiff1d setxor1d".split())
_READINGS = {
    "compared": "read by a comparison, {code}, which hands no gradient back",
    "branched": "only used to decide which way the program goes, {code}",
    "picked": "read by {code} alone, which gives a place, and a place has no slope",
    "counted": "only counted, {code}, and a count has no slope",
    "sized": "only its shape is used, {code}",
    "rounded": "made a whole number, {code}, which has no slope",
    "indexed": "used as an index, {code}, which has no slope",
    "overwritten": "overwritten by {code} before anything uses it",
    "text": "turned into text, {code}",
    "read back": "turned into text, {code}, and what is read back from it is a constant",
    "dropped": "nothing uses it",
    "read": "no operation that was recorded uses it",
}


@dataclass(slots=True)
class _Case:
    """A reason, its place, and the fates that it explains."""

    why: Why
    site: Site | None
    node: Node
    fates: list[Fate]


def find(trace: Trace) -> list[Finding]:
    """Find the inputs without gradient, and the operations that hand nothing on."""
    if not has_gradients(trace):
        return []
    fates = fates_of(trace)
    cases: dict[Hashable, _Case] = {}
    for fate in fates.dead:
        if fate.end != "cut" and not _is_bent(trace, fate):
            case = _killed(trace, fate) if fate.end != "unused" else _unused(trace, fate)
            key = _key(case)
            cases.setdefault(key, case)
            if cases[key] is not case:
                cases[key].fates.append(fate)
    found = [_finding(trace, case, fates) for case in cases.values()]
    told = {row for fate in fates.dead for row in fate.parameter.rows}
    idle = (slot for slot in idle_places(trace) if not _is_of_these_alone(trace, slot, told))
    return found + [_idle(trace, slot) for slot in idle]


def names_of(names: Iterable[str]) -> str:
    """List the first names, and how many more there are."""
    listed = [clean(name) for name in names]
    more = f" and {len(listed) - SHOWN_NAMES:,} more" if len(listed) > SHOWN_NAMES else ""
    return ", ".join(listed[:SHOWN_NAMES]) + more


def _key(case: _Case) -> Hashable:
    site = case.site
    if site is not None:
        return (site.file, site.line, site.column, site.end_column)
    found = _PATH.match(case.node.label) if case.node.kind == "input" else None
    is_part = found is not None and found.end() > found.end("base")
    return (case.why.kind, found["base"]) if found is not None and is_part else case.node.index


def _is_bent(trace: Trace, fate: Fate) -> bool:
    """Say whether a way ends only because of a convention: that is a kink."""
    node = trace.nodes[int(trace.graph.node_of_row[fate.row])]
    if fate.end != "killed" or node.op not in BENT or np.iscomplexobj(node.in_edges[0].value):
        return False
    return bool(node.kink)


def _killed(trace: Trace, fate: Fate) -> _Case:
    explain = why_balanced if fate.end == "balanced" else why_killed
    why = explain(trace, fate.row, fate.slot)
    return _Case(why, why.node.site, why.node, [fate])


def _unused(trace: Trace, fate: Fate) -> _Case:
    """Ask the program's text about a value that no operation uses."""
    node = trace.nodes[int(trace.graph.node_of_row[fate.row])]
    reading = _reading_of_input(trace, node.label) if node.kind == "input" else _reading_of(trace, node)
    kind = reading.kind if reading is not None else "read"
    if kind == "sized" and node.op in _OF_VALUES:
        kind = "counted"
    site = (reading.site if reading is not None else None) or node.site
    text = _READINGS[kind].format(code=_code(site))
    if kind in ("dropped", "read") and node.kind != "input":
        text = f"what is computed from it, {_code(node.site)}, " + (
            "is never used" if kind == "dropped" else "goes no further"
        )
    return _Case(Why("unknown" if kind == "read" else kind, text, node), site, node, [fate])


def _code(site: Site | None) -> str:
    if site is None:
        return ""
    text = clean(" ".join(site.text.split()))
    return f"`{text}` on line {site.line}" if text else f"line {site.line}"


def _reading_of(trace: Trace, node: Node) -> Reading | None:
    site = node.site
    if site is None or site.file not in trace.source:
        return None
    return program(site.file, trace.source[site.file]).of_expression(site)


def _reading_of_input(trace: Trace, path: str) -> Reading | None:
    found = _PATH.match(path)
    if found is None:
        return None
    function = trace.sites.scopes[0].name
    for file, text in trace.source.items():
        reading = program(file, text).of_name(function, found["base"], found["key"] or found["field"] or "")
        if reading is not None:
            return reading
    return None


def _finding(trace: Trace, case: _Case, fates: Fates) -> Finding:
    names = [fate.parameter.title for fate in case.fates]
    count = sum(len(fate.parameter.rows) for fate in case.fates)
    severity = _severity(trace, case, fates)
    kind = "compared" if case.why.kind == "branched" and severity != "note" else case.why.kind
    edge = (trace.edges[edge] for fate in case.fates[:4] if (edge := _edge(trace, fate)) is not None)
    verb = "get" if count > 1 else "gets"
    why = case.why.text if len(case.fates) == 1 else case.why.text.replace("uses it", "uses them")
    return Finding(
        kind="dead",
        severity=severity,
        site=case.site,
        message=f"{names_of(names)} {verb} no gradient: {why}",
        advice=ADVICE[kind],
        node=case.node,
        edges=tuple(edge),
        numbers={"inputs": count, "spoiled": max(fate.spoiled for fate in case.fates)} | case.why.numbers,
    )


def _edge(trace: Trace, fate: Fate) -> int | None:
    return trace.graph.edge_of(fate.row, fate.slot) if fate.slot >= 0 else None


def _severity(trace: Trace, case: _Case, fates: Fates) -> Severity:
    kind = case.why.kind
    if kind == "balanced":
        return "note"
    if kind == "zero weight" and not {fate.parameter.name for fate in fates.dead} & set(case.why.names):
        return "note"  # the weight itself learns, and the next step lets the gradient through
    if not fates.is_any_alive:
        return "error"
    if kind == "compared" and all(_is_mask(trace, fate) for fate in case.fates):
        return "note"
    if kind == "overwritten" and all(_is_blank(trace, fate) for fate in case.fates):
        return "note"
    return "note" if kind in _MINDED else "warning"


def _is_mask(trace: Trace, fate: Fate) -> bool:
    """Say whether a parameter is several truth values, written as floats."""
    values = [np.asarray(trace.recording.values[row]) for row in fate.parameter.rows]
    return sum(value.size for value in values) > 1 and all(
        bool(np.isin(value, (0, 1)).all()) for value in values
    )


def _is_blank(trace: Trace, fate: Fate) -> bool:
    """Say whether a parameter is an array of zeros: room that was made for what is written into it."""
    values = [trace.recording.values[row] for row in fate.parameter.rows]
    return all(np.ndim(value) and not np.any(value) for value in values)


def _is_of_these_alone(trace: Trace, slot: int, inputs: set[int]) -> bool:
    """Say whether an operand is computed from inputs that have no gradient, of which something is said already."""
    recording = trace.recording
    seen = {int(recording.operands[slot])}
    pending = [*seen]
    while pending and len(seen) < _LOOKED_AT:
        row = pending.pop()
        used = recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
        if row in trace.input_rows and row not in inputs:
            return False
        new = {each for each in used if each >= 0} - seen
        seen |= new
        pending += new
    return not pending


def _idle(trace: Trace, slot: int) -> Finding:
    """Tell of an operation that hands nothing back, and does no harm by it."""
    row = int(trace.graph.slot_consumer[slot])
    why = why_killed(trace, row, slot)
    return Finding(
        kind="dead",
        severity="note",
        site=why.node.site,
        message=f"nothing goes back through here: {why.text}; no input is left without gradient by it",
        advice="nothing has to be done about it",
        node=why.node,
        edges=(trace.edges[trace.graph.edge_of(row, slot)],),
        numbers=dict(why.numbers),
    )
