"""The rules of users in a trace file: written as texts, read with suspicion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from tracer.errors import GradientError
from tracer.operations import OP_NAMES, OP_NUMBERS, RULE_OF, add_operation, is_own, keys_of
from tracer.rules.formula import fault_of, is_operand_name
from tracer.rules.kinds import Elementwise, Vjp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tracer.gradients import Gradients
    from tracer.trace import Trace

_MOST_RULES = 100  # that are not known here, of one file: numbers of operations are for good
_LONGEST = 1000


class UnknownOperationError(ValueError):
    """The trace has an operation that this version has no rule for; `str(error)` is its name."""


@dataclass(frozen=True)
class NotInFile:
    """Stands for the partials of a rule that was code of the traced program."""

    name: str
    operands: tuple[str, ...]

    def __call__(self, *_: Any) -> NoReturn:
        """Raise GradientError: there is nothing to compute it with."""
        raise GradientError(
            f"the rule of {self.name} is code of the traced program, and a trace file holds no code",
            got="the gradients of the seed that it was saved with are in the file, this one is not",
            advice=f"load the trace where @rule defines {self.name}",
        )


def encode_rules(operations: Iterable[int]) -> dict[str, Any]:
    """Return what a document says of those operations that are a user's own, by their place among all."""
    found = {}
    for place, number in enumerate(operations):
        rule = RULE_OF[number]
        if is_own(number) or rule is None:
            continue
        entry: dict[str, Any] = {"symbol": rule.symbol}
        if isinstance(rule, Elementwise):
            entry |= {"operands": list(rule.names), "partials": list(rule.partials)}
        elif isinstance(rule, Vjp):
            entry["operands"] = list(getattr(rule.pull, "operands"))  # noqa: B009  (a Pull, or NotInFile)
        found[str(place)] = entry
    return found


def sent_back_by_code(trace: Trace, gradients: Gradients) -> dict[int, Any]:
    """Return by slot what rules in the user's own code sent back and is not kept: the file can't hold the code."""
    recording, graph = trace.recording, trace.graph
    in_code = [
        number
        for number in np.unique(recording.ops).tolist()
        if not is_own(number) and isinstance(RULE_OF[number], Vjp)
    ]
    if not in_code:
        return {}
    rows = np.isin(recording.ops, in_code) & gradients.reached
    slots = np.flatnonzero(rows[graph.slot_consumer] & (recording.operands >= 0)).tolist()
    return {slot: gradients.slot(slot) for slot in slots if slot not in gradients.slots}


def read_operations(names: list[str], rules: Mapping[str, Any]) -> list[int]:
    """Return the numbers of a document's operations; a user's rule that is not known here becomes known.

    Raises UnknownOperationError, and ValueError for a rule that is none.
    """
    if not isinstance(rules, dict) or len(rules) > _MOST_RULES:
        raise ValueError("'rules' is no table of rules")
    return [
        _number(name, rules[str(place)]) if str(place) in rules else _own_number(name)
        for place, name in enumerate(names)
    ]


def operand_count(number: int) -> int:
    """Return how many operands an operation has; -1 where that differs."""
    rule = RULE_OF[number]
    if rule is None:
        return 0 if OP_NAMES[number] == "input" else 1
    if isinstance(rule, Elementwise):
        return len(rule.partials)
    operands = getattr(rule.pull, "operands", None) if isinstance(rule, Vjp) else None
    return -1 if operands is None else len(operands)


def _own_number(name: str) -> int:
    number = OP_NUMBERS.get(name)
    if number is None or not is_own(number):
        raise UnknownOperationError(name)
    return number


def _number(name: str, entry: Any) -> int:
    symbol, operands = entry["symbol"], tuple(entry["operands"])
    texts = [name, symbol, *operands, *entry.get("partials", ())]
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise ValueError("a rule is no text")
    if "partials" not in entry:
        for key in reversed(keys_of(name)):  # the last one that was defined here
            number = OP_NUMBERS[key]
            if isinstance(RULE_OF[number], Vjp) and operand_count(number) == len(operands):
                return number
        return OP_NUMBERS[add_operation(name, Vjp(NotInFile(name, operands), symbol, real_only=True))]
    partials = tuple(entry["partials"])
    if len(partials) != len(operands) or not all(map(is_operand_name, operands)):
        raise ValueError("the partials of a rule do not fit its operands")
    for text in filter(None, partials):
        fault = fault_of(text, operands)
        if fault:
            raise ValueError(f"a partial of a rule is no formula: {fault}")
    return OP_NUMBERS[
        add_operation(name, Elementwise(partials, symbol, names=operands, in_floats=True, real_only=True))
    ]
