"""What a verification has found, told edge by edge, and as lines. Used by verify.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tracer.diagnose.partials import REASONS, RIGHT, WRONG
from tracer.graph import NO_SLOT
from tracer.numbers_text import clean, number, operand
from tracer.rules.kinds import Elementwise
from tracer.shown import list_text
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from tracer.diagnose.replay import Replay
    from tracer.diagnose.sums import Unequal
    from tracer.diagnose.verification import Verification
    from tracer.source import Site
    from tracer.trace import Trace

_SHOWN = 10  # groups of each list
_PLACES = 3  # lines of the source, of each group


@dataclass(frozen=True, eq=False)
class Fault:
    """One edge, sum or value that is wrong or unclear, and the numbers."""

    kind: str
    """`partial`, `gradient`, `sum`, `broadcast` or `value`."""
    edge: Edge | None
    node: Node
    site: Site | None
    operation: str
    operand: int | None
    formula: str
    found: Any
    expected: Any
    error: float
    """How far off the differences may be."""
    reason: str
    """Why it can't be told; empty for what is wrong."""

    @property
    def place(self) -> str:
        """The file and line, empty where there is none."""
        return (
            f"{PurePath(self.site.file).name}:{self.site.line}"
            if self.site is not None and self.site.line
            else ""
        )

    @property
    def subject(self) -> str:
        """What it is about, without numbers: the same for every run of one line."""
        if self.kind in ("sum", "broadcast"):
            what = "the splitter of" if self.kind == "sum" else "the broadcast of"
            return f"{what} {clean(self.node.label) or self.node.op}"
        if self.kind == "value":
            return f"the value of {self.operation}"
        text = f", {self.formula}," if self.formula else ""
        what = "the partial" if self.kind == "partial" else "the gradient"
        return f"{what}{text} of {self.operation} by its {operand(self.operand or 0)}"

    @property
    def message(self) -> str:
        """The whole of it in one line."""
        where = f" at {self.place}" if self.place else ""
        told = "; ".join(each for each in (self.reason, self.numbers) if each)
        return f"{self.subject}{where}{'' if self.reason else ' is wrong'}{': ' if told else ''}{told}"

    @property
    def numbers(self) -> str:
        """What was found and what was expected; empty where there is nothing to compare with."""
        if self.kind == "value" or (self.reason and not np.all(np.isfinite(self.expected))):
            return ""
        digits = _telling(self.found, self.expected)
        sources = {"sum": "its edges add up to", "broadcast": "its copies add up to"}
        lead = {"sum": "it has", "broadcast": "it has", "gradient": "the rule gives"}.get(
            self.kind, "the rule gives"
        )
        source = sources.get(self.kind, "differences give")
        rough = f" ± {number(self.error, 2)}" if self.reason else ""
        return f"{lead} {number(self.found, digits)}, {source} {number(self.expected, digits)}{rough}"

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"<{self}>"


class Faults(Sequence[Fault]):
    """Faults in backward order, made when somebody looks: there may be a million."""

    def __init__(
        self,
        trace: Trace,
        slots: np.ndarray[Any, Any],
        columns: tuple[Any, ...],
        sums: Sequence[Unequal],
        values: Sequence[int] = (),
    ) -> None:
        self._trace = trace
        self._status, self._found, self._expected, self._error, self._of_gradient = columns
        graph = trace.graph
        # By number: what it is, and where; the later a node, the earlier in the backward pass.
        nodes = [
            graph.node_of_row[graph.slot_consumer[slots]],
            [each.node for each in sums],
            [graph.node_of_row[row] for row in values],
        ]
        kinds = np.repeat([0, 1, 2], [len(slots), len(sums), len(values)])
        which = np.concatenate([slots, np.arange(len(sums)), np.asarray(values, np.int64)]).astype(np.int64)
        at = np.concatenate([np.asarray(each, np.int64) for each in nodes])
        order = np.argsort(-at, kind="stable")
        self._kinds, self._which, self._sums = kinds[order], which[order], list(sums)

    def __len__(self) -> int:
        return len(self._which)

    def __repr__(self) -> str:
        return list_text("faults", self)

    @overload
    def __getitem__(self, index: int) -> Fault: ...
    @overload
    def __getitem__(self, index: slice) -> list[Fault]: ...
    def __getitem__(self, index: int | slice) -> Fault | list[Fault]:
        chosen = range(len(self))[index]
        return [self._made(each) for each in chosen] if isinstance(chosen, range) else self._made(chosen)

    def _made(self, index: int) -> Fault:
        kind, which = int(self._kinds[index]), int(self._which[index])
        trace, graph = self._trace, self._trace.graph
        if kind == 1:
            unequal = self._sums[which]
            node = Node(trace, unequal.node)
            name = "broadcast" if graph.node_slots[unequal.node] != NO_SLOT else "sum"
            return Fault(
                name,
                None,
                node,
                node.site,
                node.op,
                None,
                "",
                unequal.found,
                unequal.expected,
                unequal.error,
                "",
            )
        row = which if kind else int(graph.slot_consumer[which])
        node = Node(trace, int(graph.node_of_row[row]))
        if kind:
            return Fault("value", None, node, node.site, node.op, None, "", None, None, np.nan, REASONS[6])
        port = which - int(trace.recording.starts[row])
        rule = node.rule
        status = int(self._status[which])
        is_gradient = bool(self._of_gradient[which])
        return Fault(
            "gradient" if is_gradient else "partial",
            Edge(trace, graph.edge_of(row, which)),
            node,
            node.site,
            node.op,
            port,
            rule.formula(port) if isinstance(rule, Elementwise) else "",
            float(self._found[which]),
            float(self._expected[which]),
            float(self._error[which]),
            "" if status == WRONG else REASONS[status],
        )

    def groups(self) -> list[tuple[Fault, int, list[str]]]:
        """Return the faults by operation, operand and reason: the first of each, how many, and on which lines."""
        trace, graph = self._trace, self._trace.graph
        is_slot = self._kinds == 0
        slots = self._which[is_slot]
        rows = graph.slot_consumer[slots]
        ops = trace.recording.ops[rows].astype(np.int64)
        keys = (ops << 24) + (np.minimum(slots - trace.recording.starts[rows], 255) << 8)
        keys += (self._status[slots].astype(np.int64) << 1) + self._of_gradient[slots]
        all_keys = np.full(len(self), -1, np.int64)
        all_keys[is_slot] = keys
        values = np.flatnonzero(self._kinds == 2)
        all_keys[values] = -2 - trace.recording.ops[self._which[values]].astype(np.int64)
        single = np.flatnonzero(self._kinds == 1)
        all_keys[single] = np.iinfo(np.int64).max - np.arange(len(single))  # each sum is its own
        _, firsts, inverse = np.unique(all_keys, return_index=True, return_inverse=True)
        found = []
        for first in np.sort(firsts).tolist():
            members = np.flatnonzero(inverse == inverse[first])
            places = Counter(self._place_of(each) for each in members[:10_000].tolist())
            found.append((self[first], len(members), [place for place in places if place]))
        return found

    def _place_of(self, index: int) -> str:
        kind, which = self._kinds[index], int(self._which[index])
        trace = self._trace
        if kind == 1:
            return ""
        row = which if kind else int(trace.graph.slot_consumer[which])
        site = trace.sites.place(row).site
        return f"{PurePath(site.file).name}:{site.line}" if site.line else ""


def _telling(found: Any, expected: Any) -> int:
    """Return how many digits show that two numbers differ."""
    for digits in range(4, 17):
        if number(found, digits) != number(expected, digits):
            return digits
    return 17


def fault_lines(checked: Verification) -> list[str]:
    """Write a verification as lines."""
    lines = [f"{checked.function}: {verdict_of(checked)}", *totals(checked)]
    for name, faults in (
        ("wrong", checked.wrong),
        ("can't tell", checked.unclear),
        ("other value", checked.other_values),
    ):
        assert isinstance(faults, Faults)
        groups = faults.groups()
        for fault, count, places in groups[:_SHOWN]:
            lines.append(f"{name}: {fault.message}")
            if fault.site is not None and fault.site.text:
                lines.append(f"    {clean(' '.join(fault.site.text.split()))}")
            if count > 1:
                others = [place for place in places if place != fault.place]
                more = f", also at {', '.join(others[:_PLACES])}" if others else ""
                more += f" and {len(others) - _PLACES:,} more lines" if len(others) > _PLACES else ""
                lines.append(f"    {count:,} edges like it{more}")
        if len(groups) > _SHOWN:
            lines.append(f"{name}: {len(groups) - _SHOWN:,} more kinds")
    return lines


def verdict_of(checked: Verification) -> str:
    """Say in a few words what came out; nothing is called right where nothing was checked."""
    if checked.wrong:
        return f"{len(checked.wrong):,} wrong"
    return "nothing is wrong" if checked.edges else "there is no edge to check"


def totals(checked: Verification) -> list[str]:
    """Say how much was checked, with what result, and what was not."""
    lines = [
        f"{checked.edges:,} edges checked: {checked.right:,} right"
        + _counted(len(checked.wrong), "wrong")
        + _counted(len(checked.unclear), "can't tell")
        + f"; {checked.sums:,} sum{'' if checked.sums == 1 else 's'}",
        f"{checked.values:,} values computed again: {checked.same_bits:,} to the bit"
        + _counted(checked.values - checked.same_bits - len(checked.other_values), "to within rounding")
        + _counted(len(checked.other_values), "otherwise"),
    ]
    if checked.inputs is not None:
        lines.append(_of_inputs(checked.inputs))
    if checked.failed:
        lines.append(f"the run failed, {clean(checked.failed)}: checked is what it recorded before")
    if checked.cuts:
        cuts = f"{checked.cuts:,} cut{'' if checked.cuts == 1 else 's'}"
        lines.append(f"{cuts}: what left the graph is not checked; see findings()")
    return lines


def _of_inputs(replayed: Replay) -> str:
    """Say what a difference of the whole graph says of the gradients of the inputs."""
    several = "s" if replayed.inputs > 1 else ""
    what = f"{replayed.inputs:,} input{several}, the recorded graph replayed"
    if replayed.status == RIGHT:
        return f"{what}: right, {number(replayed.found)} along a direction"
    if replayed.status == WRONG:
        digits = _telling(replayed.found, replayed.expected)
        found, expected = (number(each, digits) for each in (replayed.found, replayed.expected))
        return f"{what}: wrong, {found} along a direction, differences give {expected}"
    return f"{what}: can't tell, {REASONS[replayed.status]}"


def _counted(count: int, what: str) -> str:
    return f", {count:,} {what}" if count else ""
