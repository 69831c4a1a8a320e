"""Where values left the graph, and what hangs on it.

A cut is no harm where nothing is missing: it is meant (`detach`), or its number is only looked at. It is harm where an
input has no gradient by it, where its number is seen to come back, and where nobody can tell: wherever the run has
warned of it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.counts import makes_whole, takes_steps
from tracer.cuts import CONVERSION, MEANT
from tracer.diagnose.cut_inputs import inputs_cut
from tracer.diagnose.dead import names_of
from tracer.diagnose.fates import Fate, fates_of
from tracer.diagnose.files import is_writing
from tracer.diagnose.finding import Finding
from tracer.diagnose.flow import Followed, follow, is_swallowing
from tracer.diagnose.reading import program
from tracer.diagnose.spread import has_gradients
from tracer.lookup import described
from tracer.numbers_text import clean, is_array, number, summary
from tracer.operations import OP_NUMBERS
from tracer.plain_outputs import cuts_behind
from tracer.recording import LOOKED_AT, operand_of
from tracer.texts import VIA
from tracer.ways_around import way_around

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tracer.diagnose.finding import Severity
    from tracer.diagnose.program_text import Text
    from tracer.recording import Output, Recording
    from tracer.trace import Trace
    from tracer.views import Node

_OF_STEPS = (
    "a step has no slope: leave the rounding out of what is differentiated, or round detached values"
)
UNTOLD = "untold"
"""Among the numbers of a finding: how many constants were taken of which nobody knows what was computed from them."""
_COMMON = (0.0, 0.5, 1.0, 2.0)  # which come up by chance
_FEW = 64  # values of one place that are told apart
_CONSTANTS = 20_000  # that are looked at for one that no operation made
_MOST = 1000  # arrays that are looked for among the constants


def find(trace: Trace) -> list[Finding]:
    """Find the places where values left the graph: what lost its gradient there, and where the number came back."""
    rows = np.flatnonzero(trace.recording.ops == OP_NUMBERS["cut"])
    if not len(rows):
        return []
    lost: dict[int, list[Fate]] = defaultdict(list)
    is_any_alive = True
    plain = _plain_output(trace) if has_gradients(trace) else None
    if has_gradients(trace):
        fates = fates_of(trace)
        is_any_alive = fates.is_any_alive
        for fate in fates.dead:
            if fate.end == "cut":
                lost[int(trace.sites.row_places[fate.row])].append(fate)
    returns = _returns(trace, rows)
    by_place: dict[int, list[int]] = defaultdict(list)
    for row in rows.tolist():
        by_place[int(trace.sites.row_places[row])].append(row)
    unseen: dict[int, str] = {}
    for cuts in by_place.values():
        is_swallowed = _swallowing(trace, cuts[0]) is not None
        if is_swallowed or not any(row in returns for row in cuts):
            taken, is_lost, is_returned = _followed(trace, cuts)
            if taken:
                for row in cuts[1:]:
                    returns.pop(row, None)
                returns[cuts[0]] = taken[0]
            elif (is_lost and (said := _of_no_operation(trace, cuts[0]))) or (
                is_returned and (said := _plain_result(trace))
            ):
                unseen[cuts[0]] = said
    if plain is not None and (behind := cuts_behind(trace, plain)):
        said = f"the output, {clean(described(trace, plain))}, is a plain number, which may be made of it"
        unseen |= {cuts[0]: said for cuts in by_place.values() if cuts[0] in behind}
    return [
        _finding(
            trace,
            cuts,
            lost[place],
            [row for row in cuts if row in returns],
            returns,
            unseen.get(cuts[0], ""),
            is_any_alive=is_any_alive,
        )
        for place, cuts in by_place.items()
    ]


def _start(trace: Trace, row: int) -> tuple[Text, ast.expr] | None:
    """Return the expression that a value left the graph by, and the text that it stands in."""
    site = trace.sites.place(row).site
    if site is None or site.file not in trace.source:
        return None
    text = program(site.file, trace.source[site.file])
    start = text.expression(site)
    return None if start is None else (text, start)


def _via(trace: Trace, row: int) -> str:
    return str(trace.recording.params.get(row, {}).get("via", ""))


def _are_looked_at(trace: Trace, cuts: list[int]) -> bool:
    """Tell whether the numbers that left at one place are only looked at: the run has not warned of it."""
    return all(trace.recording.params.get(row, {}).get(LOOKED_AT) for row in cuts)


def _is_written(trace: Trace, row: int) -> bool:
    """Tell whether a value left the graph into a file, which may be read anywhere."""
    found = _start(trace, row)
    return found is not None and is_writing(found[1])


def _swallowing(trace: Trace, row: int) -> str | None:
    """Name the function that can't be looked into and that a value left to; None where the program cut it itself."""
    found = _start(trace, row)
    if found is None or not isinstance(found[1], ast.Call) or not is_swallowing(*found):
        return None
    return found[0].imported_name(found[1].func)


def _followed(trace: Trace, cuts: list[int]) -> Followed:
    """Return where the program's text leads the numbers that left the graph at one place."""
    found = _start(trace, cuts[0])
    if not has_gradients(trace) or found is None:
        return Followed([])
    via = _via(trace, cuts[0])
    if via == MEANT or makes_whole(via):
        return Followed([])
    values = [trace.recording.values[row] for row in cuts[:_FEW]]
    return follow(trace, trace.sites.place(cuts[0]).site, found[1], values, cuts[0])


def _of_no_operation(trace: Trace, cut: int) -> str:
    """Tell of the first operation after a cut with a float that is not written and was not there before; or nothing."""
    recording, site = trace.recording, trace.sites.place(cut).site
    slots = np.flatnonzero(recording.operands < 0)
    users = trace.graph.slot_consumer[slots]
    written = program(site.file, trace.source[site.file]).literals
    known = {_content(recording, slot) for slot in slots[users < cut][:_CONSTANTS].tolist()}
    is_later = (users > cut) & trace.gradients.reached[users]
    for slot, user in zip(slots[is_later][:_CONSTANTS].tolist(), users[is_later].tolist(), strict=False):
        value = operand_of(recording, int(recording.operands[slot]))
        used = trace.sites.place(user).site
        if used is None or used.file != site.file or np.asarray(value).dtype.kind not in "fc":
            continue
        is_written = np.ndim(value) == 0 and (abs(value) in written or abs(value) in _COMMON)
        if not is_written and _content(recording, slot) not in known:
            names = names_of(inputs_cut(trace, [cut]))
            return (
                "what the call makes of it is not followed further, and a number on line "
                f"{used.line} that no operation made may have it: the gradient of {names} may be short by it"
            )
    if np.count_nonzero(is_later) > _CONSTANTS:
        return "what the call makes of it is not followed further, in a run that is too long to look for it"
    return ""


def _content(recording: Recording, slot: int) -> Hashable:
    value = np.asarray(operand_of(recording, int(recording.operands[slot])))
    return value.shape, value.flat[:_MOST].tobytes()


def _plain_output(trace: Trace) -> Output | None:
    """Return the output that is gone back from, where that is a plain number beside traced ones."""
    outputs = trace.recording.outputs
    output = outputs[trace.output.index - trace.graph.first_output]
    return output if output.row < 0 and any(each.row >= 0 for each in outputs) else None


def _plain_result(trace: Trace) -> str:
    """Tell of the first number of the result that no operation made; or nothing."""
    for output in trace.recording.outputs:
        if output.row < 0 and np.asarray(output.value).dtype.kind in "fc":
            where = f", {clean(output.path)}," if output.path else ""
            return f"what the call makes of it{where} is in the result as a constant, which has no gradient"
    return ""


def _returns(trace: Trace, rows: np.ndarray[Any, Any]) -> dict[int, int]:
    """Return, by cut, the first later operation that has the very number for a constant: by which it came back."""
    recording = trace.recording
    constants, consumers = recording.constants, trace.graph.slot_consumer
    slots = np.flatnonzero(recording.operands < 0)
    numbers = constants.floats[-1 - recording.operands[slots]]
    users = consumers[slots]
    if has_gradients(trace):  # what the output does not hang on has none that could be missing
        is_reached = trace.gradients.reached[users]
        slots, numbers, users = slots[is_reached], numbers[is_reached], users[is_reached]
    cut_values = recording.values.floats[rows]
    written = [number for file, text in trace.source.items() for number in program(file, text).literals]
    is_rare = ~np.isin(np.abs(cut_values), [*written, *_COMMON]) & np.isfinite(cut_values)
    is_back = np.isin(numbers, cut_values[is_rare])
    first: dict[float, list[int]] = defaultdict(list)
    for value, user in zip(numbers[is_back].tolist(), users[is_back].tolist(), strict=True):
        first[value].append(user)
    found: dict[int, int] = {}
    arrays = (
        [
            (int(user), value)
            for slot, user in zip(slots.tolist(), users.tolist(), strict=True)
            if isinstance(value := constants.others.get(-1 - int(recording.operands[slot])), np.ndarray)
            and value.ndim
        ][:_MOST]
        if len(constants.array_rows)
        else []
    )
    for row in rows[:_MOST].tolist():
        value = recording.values[row]
        if is_array(value):
            later = [
                user
                for user, each in arrays
                if user > row and np.array_equal(each, value) and np.any(value)
            ]
        else:
            later = [user for user in first.get(float(np.real(value)), ()) if user > row]
        if later:
            found[row] = later[0]
    return found


def _finding(
    trace: Trace,
    cuts: list[int],
    lost: list[Fate],
    back: list[int],
    returns: dict[int, int],
    unseen: str,
    *,
    is_any_alive: bool,
) -> Finding:
    graph = trace.graph
    row = next((fate.row for fate in lost), back[0] if back else cuts[0])
    node = trace.nodes[int(graph.node_of_row[row])]
    via, value = _via(trace, row), node.value
    is_step = takes_steps(via, value)
    shown = summary(value) if is_array(value) else number(value)
    times = f" ({len(cuts):,} times)" if len(cuts) > 1 else ""
    is_meant, is_looked_at = via == MEANT, _are_looked_at(trace, cuts)
    message = f"{shown} leaves the graph by {via or 'a plain number'}{times}"
    if lost and not is_meant:
        names = names_of(fate.parameter.name for fate in lost)
        count = sum(len(fate.parameter.rows) for fate in lost)
        steps = " it takes steps, so its derivative is 0:" if is_step else " so"
        message += f";{steps} {names} {'get' if count > 1 else 'gets'} no gradient"
        gone = {trace.input_rows[each] for fate in lost for each in fate.parameter.rows}
        short = [] if is_looked_at else [each for each in inputs_cut(trace, cuts) if each not in gone]
        if short:
            message += f", and that of {names_of(short)} may be short"
    if back:
        user = trace.nodes[int(graph.node_of_row[returns[back[0]]])]
        line = _line(user, node)
        message += f"; it comes back as a constant{line}, where its part of the gradient is missing"
        if not lost and (names := names_of(inputs_cut(trace, [row]))):
            message += f": the gradient of {names} may be short by it"
    if unseen and not lost:
        message += f"; {unseen}"
    is_untold = not (lost or back or unseen or is_meant or is_looked_at) and has_gradients(trace)
    if is_untold and is_step:
        message += "; it takes steps, so its derivative is 0: no gradient comes back from what was computed from it"
    elif is_untold:
        names = names_of(inputs_cut(trace, cuts))
        later = "read back from there" if _is_written(trace, row) else "computed from it"
        message += (
            f"; where the number went can't be told: the gradient of {names} lacks whatever was {later}"
        )
    is_harmless_loss = bool(lost) and is_looked_at and is_any_alive and not (back or unseen)
    is_harmful = bool(lost or back or unseen or is_untold) and not (is_meant or is_harmless_loss)
    severity: Severity = "note" if not is_harmful else "error" if lost and not is_any_alive else "warning"
    if not is_harmful:
        message += ", on purpose" if is_meant else f"; {_harmless(trace)}"
    return Finding(
        kind="cut",
        severity=severity,
        site=node.site,
        message=message,
        advice=(_OF_STEPS if is_step else _advice(trace, row))
        if is_harmful
        else "nothing has to be done about it",
        node=node,
        edges=tuple(node.in_edges),
        numbers={
            "spoiled": 0 if is_untold else max([len(cuts), *(fate.spoiled for fate in lost)]),
            "inputs": sum(len(fate.parameter.rows) for fate in lost),
            **({UNTOLD: len(cuts)} if is_untold and not is_step else {}),
        },
    )


def _harmless(trace: Trace) -> str:
    if not has_gradients(trace):
        return "there are no gradients that could lack it"
    return "it is only looked at: nothing is computed from the number"


def _line(user: Node, node: Node) -> str:
    if user.site is None or not user.site.line:
        return ""
    is_other = node.site is not None and node.site.file != user.site.file
    return f" on line {user.site.line}" + (f" of {Path(user.site.file).name}" if is_other else "")


def _advice(trace: Trace, row: int) -> str:
    if _via(trace, row) == VIA:
        return "compute with the value, and not with what was written of it, or say detach(x) where it is meant"
    if _is_written(trace, row):
        return "compute with the value, and not with what is read back, or say detach(x) where it is meant"
    called = _swallowing(trace, row)
    if called is None:
        return "keep it a traced value: leave the conversion out, or say detach(x) where it is meant"
    around = way_around(called)
    if not around and _via(trace, row) == CONVERSION and not is_array(trace.recording.values[row]):
        around = "put np.array(…) around the list that it is in"
    around = around or "write it with supported operations"
    return f"{around}; @rule gives a call its derivative (docs/adding-a-rule.md); detach(x) says that it is meant"
