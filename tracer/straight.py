"""Rows of arrays over which the way back is straight: what their shapes and types answer is asked once, in columns.

Used by backward.py alone. A row is straight if all of it is float64, and either its rule is a product and its traced
operands have its shape, or it is a product of matrices. What goes back over it then has the shape and the type of the
operand, whatever the numbers are, and nothing is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.graph import FLOAT64
from tracer.operations import IS_ELEMENTWISE, LIMIT, RULE_OF
from tracer.rules.kinds import Elementwise, Vjp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.graph import Graph
    from tracer.rules.kinds import Pulls

    Column: TypeAlias = np.ndarray[Any, Any]

_NUMBERS = frozenset((float, int, np.float64))
_OTHER = -1  # what is neither a number nor an array of float64; an array has the number of its shape
_BY_RULE = -1
MOST = 3  # operands
_OF_MATRICES = [number for number, rule in enumerate(RULE_OF) if isinstance(rule, Vjp) and rule.pulls]


class Straight:
    """How to go back over each of some rows, all of which have operands."""

    def __init__(self, graph: Graph, rows: Column) -> None:
        recording = graph.recording
        operands, consumers = recording.operands, graph.slot_consumer
        kinds = _kinds(graph)
        is_straight = IS_ELEMENTWISE[recording.ops] & (kinds[: len(recording)] > 0)
        misfit = (kinds[operands] != kinds[consumers]) & ((operands >= 0) | (kinds[operands] == _OTHER))
        is_straight[consumers[misfit]] = False
        firsts, stops = recording.starts[rows], recording.starts[rows + 1]
        is_straight[rows[stops - firsts > MOST]] = False
        # By port; of a row with fewer operands, its last once more.
        ports = [operands[np.minimum(firsts + port, stops - 1)] for port in range(MOST)]
        ops = recording.ops[rows].astype(np.int64)
        keys = np.where(is_straight[rows], ops, _BY_RULE)
        pulls: dict[int, Pulls | None] = {_BY_RULE: None}
        for op in set(keys.tolist()) - {_BY_RULE}:
            rule = RULE_OF[op]
            assert isinstance(rule, Elementwise)
            if rule.is_real:
                pulls[op] = rule.pulls
            else:
                keys[keys == op] = _BY_RULE
        for op in _OF_MATRICES:
            places = (ops == op).nonzero()[0]
            if not len(places):
                continue
            matrix_rule = RULE_OF[op]
            assert isinstance(matrix_rule, Vjp)
            out, left, right = (kinds[each[places]] for each in (rows, *ports[:2]))
            is_array = (out > 0) & (left > 0) & (right > 0)
            axes = np.array([len(shape) for shape in graph.shapes])
            for (left_axes, right_axes), each in matrix_rule.pulls.items():
                key = LIMIT + len(pulls)
                keys[places[is_array & (axes[left] == left_axes) & (axes[right] == right_axes)]] = key
                pulls[key] = each
        self.by_rule = rows[keys == _BY_RULE]
        self._columns = rows.tolist(), [pulls[key] for key in keys.tolist()], firsts.tolist()
        self._ports = ports
        # The values of rows that are no floats, and of constants, by their number.
        self.held = dict(recording.values.others)
        numbers = operands[(operands < 0) & is_straight[consumers]]
        self.held.update(
            zip(numbers.tolist(), recording.constants.floats[-1 - numbers].tolist(), strict=True)
        )
        self.held.update((-1 - number, value) for number, value in recording.constants.others.items())

    def steps(self) -> Iterator[tuple[int, Pulls | None, int, tuple[int, ...]]]:
        """Return, for each row: the row, how to go back over it (None: by its rule), its first slot, its operands."""
        operands = zip(*(port.tolist() for port in self._ports), strict=True)
        return zip(*self._columns, operands, strict=True)


def _kinds(graph: Graph) -> Column:
    """Return what each row is, and from the end each constant: the number of an array's shape, 0 for a number."""
    recording = graph.recording
    rows, constants = len(recording), recording.constants
    kinds = np.zeros(rows + len(constants), np.int64)
    kinds[:rows] = graph.shape_of_row
    kinds[graph.other_types] = _OTHER
    for number, value in constants.others.items():
        if type(value) is np.ndarray and value.dtype is FLOAT64:
            kinds[-1 - number] = graph.number_of_shape(value.shape)
        elif type(value) not in _NUMBERS:
            kinds[-1 - number] = _OTHER
    return kinds
