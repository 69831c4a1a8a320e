"""Gradients that are a small difference of large terms: `cancellation`.

A splitter adds what its uses send back. Where the sum is far smaller than its terms, their rounding errors are what is
left of it. That is harmless where the sum is small because the value does not matter: at an optimum, behind the shift
of a softmax, in a converged iteration; so the terms are measured against the output, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.forest import END
from tracer.diagnose.lost_digits import Short, lost_digits
from tracer.diagnose.lost_digits_words import finding as of_value
from tracer.diagnose.passes import and_more, columns_of
from tracer.diagnose.replay import is_always_zero
from tracer.diagnose.scale import Column, Rows, gradient_sizes, influence, output_size, value_sizes
from tracer.diagnose.spread import has_gradients
from tracer.diagnose.way import ways
from tracer.graph import NO_SLOT
from tracer.numbers_text import addition, clean, index, number
from tracer.rules.edited import Edited
from tracer.rules.kinds import is_complex
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from tracer.diagnose.finding import Severity
    from tracer.source import Site
    from tracer.trace import Trace

LOST_DIGITS = 4.0
"""Of about 16: a gradient that lost fewer is as good as most numbers that went into it."""
LEFT_DIGITS = 3.0
"""With fewer left, not even the direction of a step can be relied on."""
NO_OUTPUT = 100.0
"""Roundings of the largest value: an output that is smaller is zero, and everything is large against it."""
LOOKED_INTO = 1 << 22
"""Elements of the uses of one array, at most, that are compared one by one; of more the norms tell."""
LOOKED_AT = 16
"""Uses of a value that are asked whether they lead into a softmax; one of them suffices."""
STEPS = 12
"""Operations from a score to the logarithm in a softmax, at most: shift, exponential, sum, quotient, choice."""
_DIGITS_SHOWN = 2
_EXPONENTIALS = columns_of(
    "exp", "exp2", "logaddexp", "logsumexp", "softmax", "log_softmax", "expit", "log_expit"
)
_LOGARITHMS = columns_of(
    "log", "log1p", "log2", "log10", "logaddexp", "logsumexp", "log_softmax", "log_expit"
)


@dataclass(frozen=True, slots=True)
class _Loss:
    """An input that is short of digits, and the splitter whose terms cancel."""

    row: int  # of the input
    splitter: int  # its row
    digits: float
    left: float
    place: tuple[int, ...] | None = None  # of the worst element


def find(trace: Trace) -> list[Finding]:
    """Return the splitters whose terms cancel: above a note where an input's gradient is short of digits by that."""
    if not has_gradients(trace):
        return []
    with np.errstate(all="ignore"):  # inf and NaN are other detectors' business
        return _found(trace)


def _found(trace: Trace) -> list[Finding]:
    terms, sums = _terms(trace)
    found, known = _of_values(trace, terms, sums)
    return found + _of_splitters(trace, (terms, sums), known)


def _of_values(trace: Trace, terms: Column, sums: Column) -> tuple[list[Finding], set[int]]:
    """Return what is found of values that lost their digits, and the inputs that are short of digits by them."""
    lost = lost_digits(trace)
    cases = {culprit.row: (culprit, list(shorts)) for culprit, shorts in lost.cases}
    known = {short.row for _, shorts in lost.cases for short in shorts}
    output = lost.of_output
    if (lost.cases or output is not None) and is_always_zero(trace):
        return [], set()  # and so are the right gradients
    if output is not None and (output.row in cases or not _has_output(trace, output_size(trace))):
        inputs = [row for row in trace.input_rows if row not in known and terms[row] > 0]
        more = [
            short for row in inputs if (short := _short(trace, row, float(terms[row]), float(sums[row])))
        ]
        known |= {short.row for short in more}
        if more:
            cases.setdefault(output.row, (output, []))[1].extend(more)
    return [
        of_value(trace, culprit, sorted(shorts, key=lambda short: -short.relative))
        for culprit, shorts in cases.values()
    ], known


def _short(trace: Trace, row: int, terms: float, total: float) -> Short | None:
    """Tell what is left of a gradient whose terms cancel, where the output has no digits by which to excuse it."""
    precision = _precision(trace, row)
    relative = terms * precision / total if total else np.inf
    if not np.isfinite((terms, total)).all() or relative <= np.sqrt(precision):
        return None
    gradient = total if _is_wide(trace, row) else float(trace.gradients.row(row))
    return Short(row, (), gradient, terms * precision, relative, float(-np.log10(precision)))


def _of_splitters(trace: Trace, columns: tuple[Column, Column], short: set[int]) -> list[Finding]:
    terms, sums = columns
    is_cancelled = (terms > 10.0**LOST_DIGITS * sums) & np.isfinite(terms)
    inputs = np.array([row for row in trace.input_rows if row not in short], np.int64)
    arrays = [row for row in inputs.tolist() if _is_array(trace, row) and terms[row] > 0]
    if not (is_cancelled.any() or arrays):
        return []
    scale = output_size(trace)
    harmed = [loss for row in arrays if (loss := _worst_element(trace, row, scale)) is not None]
    known = {loss.row for loss in harmed}
    if is_cancelled.any():
        harmed += [loss for loss in _harmed(trace, inputs, (terms, sums), scale) if loss.row not in known]
    harmed = [loss for loss in harmed if not _is_log_of_exponentials(trace, loss.splitter)]
    found: list[Finding] = []
    told: set[int] = set()
    if harmed and _has_output(trace, scale):
        found = _findings(trace, harmed, (terms, sums))
        told = {loss.row for loss in harmed} | {loss.splitter for loss in harmed}
    quiet = [row for row in inputs[is_cancelled[inputs]].tolist() if row not in told]
    return found + _notes(trace, quiet, (terms, sums))


def _is_array(trace: Trace, row: int) -> bool:
    return type(trace.recording.values.others.get(row)) in (np.ndarray, Edited)


def _is_wide(trace: Trace, row: int) -> bool:
    """Say whether the gradients of a value are arrays or complex, and told by their norms."""
    return _is_array(trace, row) or is_complex(trace.recording.values.others.get(row, 0.0))


def _terms(trace: Trace) -> tuple[Column, Column]:
    """Return, by row, the size of what its uses send back, and that of the sum; zeros where nothing is added up.

    The size of many is the root of the sum of their squares, as their rounding errors add up.
    """
    graph, norms = trace.graph, trace.edge_statistics.norm
    copies = np.flatnonzero(graph.is_copy())
    broadcasts = np.flatnonzero(graph.node_slots != NO_SLOT)
    # Those to which more than one term comes back
    nodes = np.concatenate([copies, graph.src[graph.first_in[broadcasts]]])
    sent = norms
    if len(broadcasts):  # as many terms as copies
        into = graph.first_in[broadcasts]
        out_of = np.zeros(len(graph.kinds))
        out_of[graph.src] = norms
        sent = norms.copy()
        sent[into] = np.maximum(norms[into], out_of[broadcasts])
    largest = np.zeros(len(graph.kinds))
    np.fmax.at(largest, graph.src, sent)
    squares = np.nan_to_num((sent / largest[graph.src]) ** 2, nan=0.0)
    terms, sums = np.zeros(len(trace.recording)), np.zeros(len(trace.recording))
    rows = graph.rows[nodes]
    terms[rows] = (largest * np.sqrt(np.bincount(graph.src, squares, len(graph.kinds))))[nodes]
    sums[rows] = gradient_sizes(trace)[rows]
    return terms, sums


def _precision(trace: Trace, row: int) -> float:
    """Return the relative rounding error of a value."""
    dtype = getattr(trace.recording.values.others.get(row), "dtype", np.dtype(np.float64))
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else float(np.finfo(np.float64).eps)


def _harmed(trace: Trace, inputs: Rows, columns: tuple[Column, Column], scale: float) -> list[_Loss]:
    """Return the inputs whose gradients came by a splitter where terms cancelled, and are short of digits by that."""
    terms, sums = columns
    lost = np.log10(terms / sums)
    lost[~((terms > 0) & (sums > 0) & np.isfinite(lost))] = 0.0
    is_of_inputs = np.zeros(len(lost), np.bool_)
    is_of_inputs[inputs] = True
    worst = np.arange(len(lost)) if (lost[~is_of_inputs] < LOST_DIGITS).all() else ways(trace).largest(lost)
    splitters = worst[inputs]
    sizes = gradient_sizes(trace)[inputs]
    # The terms as they would arrive, against what the input does to the output
    excess = np.log10(scale / value_sizes(trace, inputs) / sizes)
    digits = lost[splitters] - np.maximum(np.nan_to_num(excess, nan=np.inf), 0.0)
    return [
        _Loss(row, splitter, lost_there, _left(trace, row, lost_there))
        for row, splitter, lost_there in zip(
            inputs.tolist(), splitters.tolist(), digits.tolist(), strict=True
        )
        if lost_there >= LOST_DIGITS
    ]


def _left(trace: Trace, row: int, lost: float) -> float:
    return max(float(-np.log10(_precision(trace, row))) - lost, 0.0)


def _worst_element(trace: Trace, row: int, scale: float) -> _Loss | None:
    """Compare the uses of an array input element by element; None where none is short of digits."""
    node = Node(trace, int(trace.graph.node_of_row[row]))
    uses, value = node.uses, node.value
    if len(uses) == 1 or len(uses) * value.size > LOOKED_INTO or not value.size or value.dtype.kind != "f":
        return None
    total = np.abs(node.grad)
    terms = np.sqrt(sum(np.abs(each.grad) ** 2 for each in uses))
    lost = np.asarray(np.log10(terms / np.maximum(total, scale / np.abs(value))))
    lost[~np.isfinite(terms) | (total == 0) | np.isnan(lost)] = -np.inf
    place = tuple(int(each) for each in np.unravel_index(int(np.argmax(lost)), lost.shape))
    digits = float(lost[place])
    return _Loss(row, row, digits, _left(trace, row, digits), place) if digits >= LOST_DIGITS else None


def _has_output(trace: Trace, scale: float) -> bool:
    """Say whether the output is more than what rounding left of zero."""
    largest = influence(trace, np.arange(len(trace.recording)), gradient_sizes(trace))
    most = float(np.max(largest[np.isfinite(largest)], initial=0.0))
    return scale > NO_OUTPUT * float(np.finfo(np.float64).eps) * most


def _is_log_of_exponentials(trace: Trace, row: int) -> bool:
    """Say whether the uses of a value meet as in log(Σ exp(z)) − z: of a sure answer that is nearly nothing."""
    recording, way = trace.recording, ways(trace).following
    slots = np.flatnonzero(recording.operands[int(recording.starts[row]) :] == row)[:LOOKED_AT]
    for slot in (slots + int(recording.starts[row])).tolist():
        user = int(trace.graph.slot_consumer[slot])
        ops = [int(recording.ops[row])]
        while user != END and len(ops) < STEPS:
            ops.append(int(recording.ops[user]))
            user = int(way[user])
        exponentials = [at for at, op in enumerate(ops) if _EXPONENTIALS[op]]
        if exponentials and any(_LOGARITHMS[op] for op in ops[exponentials[0] :]):
            return True
    return False


def _findings(trace: Trace, harmed: list[_Loss], columns: tuple[Column, Column]) -> list[Finding]:
    """Make one finding for each place where terms cancel, of the worst of its inputs."""
    groups: dict[object, list[_Loss]] = {}
    for loss in harmed:
        site = _opposing(trace, loss.splitter, loss.place)[2]
        groups.setdefault(site or loss.splitter, []).append(loss)
    found = []
    for losses in groups.values():
        worst = max(losses, key=lambda loss: loss.digits)
        severity: Severity = "error" if worst.left < LEFT_DIGITS else "warning"
        label = clean(trace.input_rows[worst.row]) + (index(worst.place) if worst.place else "")
        digits = number(round(worst.left, 1), _DIGITS_SHOWN)
        what = f"the gradient of {label} keeps {digits} digits of {_all_digits(trace, worst.row)}"
        more = and_more(len(losses))
        found.append(
            _finding(trace, worst.splitter, worst.place, severity, what, more, len(losses), columns)
        )
    return found


def _all_digits(trace: Trace, row: int) -> str:
    return str(round(-np.log10(_precision(trace, row))))


def _notes(trace: Trace, rows: list[int], columns: tuple[Column, Column]) -> list[Finding]:
    """Make one note for each place where terms of inputs cancel without harm."""
    groups: dict[object, list[int]] = {}
    for row in rows:
        groups.setdefault(_opposing(trace, row, None)[2] or row, []).append(row)
    found = []
    for alike in groups.values():
        first = alike[0]
        what = f"most of the gradient of {clean(trace.input_rows[first])} cancels"
        more = and_more(len(alike))
        found.append(_finding(trace, first, None, "note", what, more, len(alike), columns))
    return found


def _opposing(trace: Trace, row: int, place: tuple[int, ...] | None) -> tuple[Any, list[Edge], Site | None]:
    """Return the terms of a value's gradient, the two largest uses of opposite signs, and the place of the later one.

    Of arrays the terms are norms, but those of one element if its place is given.
    """
    graph, statistics = trace.graph, trace.edge_statistics
    node = int(graph.node_of_row[row])
    edges = graph.out_edges(node)
    user = graph.dst_of(edges[0])
    if graph.is_copy(user):
        edges = graph.out_edges(user)
    else:
        return (
            np.ravel(Node(trace, user).out_edges[0].grad),
            [Edge(trace, edges[0])],
            _site(trace, edges[0]),
        )
    if place is not None:
        terms = np.array([Edge(trace, each).grad[place] for each in edges])
    elif _is_wide(trace, row):
        terms = statistics.norm[edges] * (-1.0) ** np.arange(len(edges))  # of which any may oppose any
    else:
        terms = statistics.numbers[edges]
    first = int(np.argmax(np.abs(terms)))
    opposite = np.where(np.sign(terms) != np.sign(terms[first]), np.abs(terms), 0.0)
    largest = [edges[at] for at in sorted({first, int(np.argmax(opposite))})]
    sites = [_site(trace, each) for each in largest]
    known = [site for site in sites if site is not None]
    return terms, [Edge(trace, each) for each in largest], known[-1] if known else None


def _site(trace: Trace, use: int) -> Site | None:
    """Return where the value that an edge carries is used."""
    slot = int(trace.graph.slots[use])
    if slot < 0:
        return None
    return trace.sites.place(int(trace.graph.slot_consumer[slot])).site


def _finding(
    trace: Trace,
    row: int,
    place: tuple[int, ...] | None,
    severity: Severity,
    what: str,
    more: str,
    spoiled: int,
    columns: tuple[Column, Column],
) -> Finding:
    node = Node(trace, int(trace.graph.node_of_row[row]))
    terms, largest, site = _opposing(trace, row, place)
    is_norms = place is None and _is_wide(trace, row)
    count = len(terms) if len(largest) > 1 else len(terms) // max(np.size(node.value), 1)
    total = columns[1][row] if is_norms else node.grad if place is None else node.grad[place]
    if is_norms:
        shown = np.sort(np.abs(terms))[:-3:-1].tolist() if len(largest) > 1 else [np.linalg.norm(terms)]
        arithmetic = f"{' and '.join(f'‖{number(each)}‖' for each in shown)} leave ‖{number(total)}‖"
    else:
        up, down = float(terms[terms > 0].sum()), float(terms[terms <= 0].sum())
        left, equals = addition([up, down], total)
        arithmetic = f"{left} {equals} {number(total)}"
    uses = f"{count:,} {'copies' if len(largest) == 1 else 'uses'}"
    label = clean(node.label) if node.label else f"what {node.op} gives"
    lines = [
        f"{' '.join(used.text.split())} (line {used.line})"
        for used in dict.fromkeys(filter(None, (_site(trace, each.index) for each in largest)))
    ]
    by = f" in {' and '.join(map(clean, lines))}" if lines else ""
    message = f"{what}: the {uses} of {label}{by} cancel, {arithmetic}{more}"
    size = float(columns[0][row]) if place is None else float(np.linalg.norm(terms))
    numbers: dict[str, float | int | str] = {
        "spoiled": spoiled,
        "terms": size,
        "total": float(abs(total)),
        "uses": count,
    }
    advice = (
        "nothing, if the output does not depend on it"
        if severity == "note"
        else "take the terms together before they are differentiated: factor out what they share, or rewrite the "
        "difference"
    )
    return Finding("cancellation", severity, site, message, advice, node, tuple(largest), numbers)
