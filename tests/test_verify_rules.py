"""Every rule as `verify` sees it: right where it is, and named by edge and line where it is wrong by a thousandth."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rule_rows_complex import MADE_AGAIN, NEW_OPS
from test_rules import ROWS, Elements, draw, fill, generator, is_traced, names, perturbed

from tracer import record, verify
from tracer.operations import OP_NUMBERS
from tracer.rules import RULES
from tracer.standins import record_call

EVERY_ROW = (*ROWS, *NEW_OPS)
MARK = "# the line that is" + " named"
LINE = 1 + next(
    at for at, line in enumerate(Path(__file__).read_text().splitlines()) if line.endswith(MARK)
)


def operands_of(row):
    random = generator(row)
    if isinstance(row, Elements):
        return [draw(spec, (3,), random) for spec in row.operands]
    if hasattr(row, "params"):
        return [spec if isinstance(spec, np.ndarray) else fill(spec, random) for spec in row.operands]
    return list(row.operands)


def trace_of(row):
    """Record one call of one rule."""
    given = operands_of(row)
    is_input = [
        np.asarray(each).dtype.kind in "fc"
        and (not isinstance(row, Elements) or is_traced(row.operands[at]))
        for at, each in enumerate(given)
    ]
    value, params = row.forward(*given), dict(getattr(row, "params", {})) or None
    if row.op in MADE_AGAIN:
        params = params or {}
        params["results"] = tuple(MADE_AGAIN[row.op](params, *given))

    def program(*inputs):
        numbers = iter(inputs)
        operands = tuple(
            next(numbers) if is_one else each for is_one, each in zip(is_input, given, strict=True)
        )
        # A frame that held itself would have every trace look for it in the whole heap.
        return record_call(row.op, operands, value, params, sys._getframe())  # the line that is named

    trace = record(
        program, *(copy.copy(each) for each, is_one in zip(given, is_input, strict=True) if is_one)
    )
    out = trace.recording.values[len(trace.recording) - 1]
    seed = np.asarray(np.random.default_rng(2).uniform(0.5, 1.5, np.shape(out)), np.asarray(out).dtype)
    return trace.backward(seed=seed if np.ndim(out) else seed[()])


def made_wrong(rule, port):
    wrong = perturbed(rule, port)
    return replace(wrong, of_complex=perturbed(rule.of_complex, port)) if rule.of_complex else wrong


@pytest.mark.parametrize("row", EVERY_ROW, ids=names(EVERY_ROW))
def test_a_right_rule_is_right_and_one_wrong_by_a_thousandth_is_named_by_edge_and_line(row, rule_of):
    trace = trace_of(row)
    checked = verify(trace)
    assert checked.ok, str(checked)
    assert not checked.other_values, str(checked)
    assert not checked.unclear, str(checked)
    assert checked.edges == checked.right > 0
    rule, number = RULES[row.op], OP_NUMBERS[row.op]
    for edge in edges_of(trace):
        if not np.any(edge.grad) and edge.formula != "0":
            continue  # a thousandth of nothing
        rule_of[number] = made_wrong(rule, edge.port)
        wrongly = trace.backward(seed=trace.seed_value)
        checked = verify(wrongly)
        if edge.dst.kink and checked.ok:  # a convention, which nothing is right or wrong about
            assert "convention" in checked.unclear[0].message
            continue
        (wrong,) = checked.wrong
        assert wrong.edge in edges_of(wrongly)
        assert (wrong.operation, wrong.operand, wrong.site.file) == (row.op, edge.port, __file__)
        assert wrong.site.line == LINE
        assert wrong.found != wrong.expected


def edges_of(trace):
    """Return the edges into the operation, but for those that no gradient belongs to."""
    last = len(trace.recording) - 1
    into = trace.nodes[int(trace.graph.node_of_row[last])].in_edges
    return [edge for edge in into if edge.formula != ""]
