"""Rows of arrays over which the way back is straight: what their shapes and types answer is asked once, in columns.

Used by backward.py alone. A row is straight if all of it is float64, and either its rule is a product and its traced
operands have its shape, or it is a product of matrices. What goes back over it then has the shape and the type of the
operand, whatever the numbers are, and nothing is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.operations import IS_ELEMENTWISE, LIMIT, RULE_OF
from tracer.rules.kinds import Elementwise, Vjp

if TYPE_CHECKING:
    from tracer.graph import Graph
    from tracer.rules.kinds import Pulls

    Column: TypeAlias = np.ndarray[Any, Any]

_FLOAT64 = np.dtype(np.float64)
_NUMBERS = frozenset((float, int, np.float64))
_OTHER = -1  # what is neither a number nor an array of float64; an array has the number of its shape
_NONE = -1
_MATRIX_RULES = {number: rule for number, rule in enumerate(RULE_OF) if isinstance(rule, Vjp) and rule.pulls}


def straight_pulls(graph: Graph, rows: Column) -> tuple[list[Pulls | None], dict[int, Any]]:
    """Return, for each of some rows, how to go back over it, None where that is not straight; and the values it takes.

    The values are by number: of a row, or of a constant below zero.
    """
    recording = graph.recording
    operands, consumers = recording.operands, graph.slot_consumer
    kinds = _kinds(graph)
    out, found = kinds[consumers], kinds[operands]
    is_straight = IS_ELEMENTWISE[recording.ops] & (kinds[: len(recording)] > 0)
    is_straight[consumers[(found != out) & ((operands >= 0) | (found == _OTHER))]] = False
    keys = np.where(is_straight, recording.ops, _NONE)[rows].astype(np.int64)
    pulls: dict[int, Pulls | None] = {_NONE: None}
    for op in set(keys.tolist()) - {_NONE}:
        rule = RULE_OF[op]
        assert isinstance(rule, Elementwise)
        pulls[op] = rule.pulls
    axes = np.array([len(shape) for shape in graph.shapes])
    for op, matrix_rule in _MATRIX_RULES.items():
        places = (recording.ops[rows] == op).nonzero()[0]
        first = recording.starts[rows[places]]
        three = kinds[rows[places]], kinds[operands[first]], kinds[operands[first + 1]]
        is_array = np.logical_and.reduce([kind > 0 for kind in three])
        for (left, right), each in matrix_rule.pulls.items():
            key = LIMIT + len(pulls)
            keys[places[is_array & (axes[three[1]] == left) & (axes[three[2]] == right)]] = key
            pulls[key] = each
    held = dict(recording.values.others)
    numbers = operands[(operands < 0) & is_straight[consumers]]
    held.update(zip(numbers.tolist(), recording.constants.floats[-1 - numbers].tolist(), strict=True))
    held.update((-1 - number, value) for number, value in recording.constants.others.items())
    return [pulls[key] for key in keys.tolist()], held


def _kinds(graph: Graph) -> Column:
    """Return what each row is, and from the end each constant: the number of an array's shape, 0 for a number."""
    recording = graph.recording
    rows, constants = len(recording), recording.constants
    kinds = np.zeros(rows + len(constants), np.int64)
    kinds[:rows] = graph.shape_of_row
    for row, value in recording.values.others.items():
        if type(value) is not np.ndarray or value.dtype is not _FLOAT64:
            kinds[row] = _OTHER
    for number, value in constants.others.items():
        if type(value) is np.ndarray and value.dtype is _FLOAT64:
            kinds[-1 - number] = graph.number_of_shape(value.shape)
        elif type(value) not in _NUMBERS:
            kinds[-1 - number] = _OTHER
    return kinds
