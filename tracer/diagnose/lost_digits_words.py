"""What is said of a value that lost its digits: its arithmetic, the gradients it spoils, and the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.finding import Finding
from tracer.diagnose.lost_digits import NO_DIGIT
from tracer.diagnose.passes import and_more
from tracer.numbers_text import clean, index, number
from tracer.operations import OP_NAMES
from tracer.recording import operand_of
from tracer.views import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tracer.diagnose.finding import Severity
    from tracer.diagnose.lost_digits import Culprit, Short
    from tracer.recording import Recording
    from tracer.trace import Trace

_TWO = 2
_MOST_DIGITS = 17
_TERMS = 64  # of a sum that are looked at
_SIGNS = {"add": "+", "subtract": "−"}


def finding(trace: Trace, culprit: Culprit, shorts: Sequence[Short]) -> Finding:
    """Make the finding of one place where digits are lost."""
    worst = shorts[0]
    severity: Severity = "error" if worst.relative >= NO_DIGIT else "warning"
    node = Node(trace, int(trace.graph.node_of_row[culprit.row]))
    label = clean(trace.input_rows[worst.row]) + (index(worst.element) if worst.element else "")
    left = _left(worst.relative)
    off = f"{number(worst.gradient)} may be off by {number(worst.error, _TWO)}"
    value = trace.recording.values[culprit.row]
    value = value[culprit.element] if culprit.element else value
    right = _left(culprit.error / abs(float(value)) if value else np.inf)
    message = (
        f"the gradient of {label} keeps {_digits(left)} of {round(worst.digits)}, {off}: "
        f"{_arithmetic(trace.recording, culprit, value)} has {_digits(right, 'right ')}"
        f"{and_more(len(shorts))}"
    )
    return Finding(
        kind="cancellation",
        severity=severity,
        site=node.site,
        message=message,
        advice=cure(trace.recording, culprit.row),
        node=node,
        edges=tuple(Edge(trace, edge.index) for edge in node.in_edges),
        numbers={
            "spoiled": len(shorts),
            "digits": round(left, 1),
            "gradient": worst.gradient,
            "error": worst.error,
            "value": float(value),
            "value_error": culprit.error,
        },
    )


def _left(relative: float) -> float:
    """Return how many digits a relative error leaves."""
    return float(max(-np.log10(relative), 0.0)) if relative > 0 else np.inf


def _digits(count: float, right: str = "") -> str:
    whole = int(count)
    return f"no {right}digit" if whole < 1 else f"{whole} {right}digit{'s' if whole > 1 else ''}"


def _arithmetic(recording: Recording, culprit: Culprit, value: Any) -> str:
    """Write what was computed with its operands, in as many digits as tell them from one another."""
    row = culprit.row
    name = OP_NAMES[recording.ops[row]]
    operands = [_element(each, culprit, recording.values[row]) for each in _operands(recording, row)]
    shown = number(value)
    if name in _SIGNS and len(operands) == _TWO:
        x, y = operands
        if (name == "add" and y < 0) or (name == "subtract" and y < 0):
            return f"{_told(x, y)} {_SIGNS['add' if name == 'subtract' else 'subtract']} {_told(-y, x)} = {shown}"
        return f"{_told(x, y)} {_SIGNS[name]} {_told(y, x)} = {shown}"
    if len(operands) == 1 and np.ndim(operands[0]) == 0:
        return f"{name}({_told(operands[0], 1.0)}) = {shown}"
    largest = max((float(np.max(np.abs(each), initial=0.0)) for each in operands), default=0.0)
    what = name.removesuffix("_scalars")
    return f"what {what} makes of numbers up to {number(largest)}, {shown},"


def _operands(recording: Recording, row: int) -> list[Any]:
    first, stop = recording.starts[row : row + 2]
    return [operand_of(recording, each) for each in recording.operands[first:stop].tolist()]


def _element(operand: Any, culprit: Culprit, out: Any) -> Any:
    """Return what an element was made of, where the operation is elementwise."""
    if not culprit.element or not np.ndim(operand):
        return operand
    try:
        return np.broadcast_to(operand, np.shape(out))[culprit.element]
    except ValueError:
        return operand


def _told(value: Any, other: Any) -> str:
    """Write a number in the digits, four at least, by which its distance from another can be seen."""
    distance = abs(abs(float(value)) - abs(float(other)))
    digits = int(np.log10(abs(float(value)) / distance)) + _TWO if distance and value else 0
    return number(value, min(max(digits + 1, 4), _MOST_DIGITS))


# ---------------------------------------------------------------------------------------------------------------- cures

_GENERAL = (
    "rewrite the difference so that what both have in common drops out before it is rounded: factor it, use a series, "
    "or a function made for it"
)


def cure(recording: Recording, row: int) -> str:
    """Return the first cure of the table that fits, or what to do in general."""
    shape = _Shape(recording, row)
    return next((advice for fits, advice in _CURES if fits(shape)), _GENERAL)


class _Shape:
    """An operation and what its operands are: names of operations, seen through signs and constant factors."""

    def __init__(self, recording: Recording, row: int) -> None:
        self.recording = recording
        self.name = self.of(row)
        self.is_difference = self.name in _SIGNS
        self.operands = [self.bare(each) for each in self.under(row)]
        self.names = [self.of(each) for each in self.operands]

    def of(self, producer: int) -> str:
        """Return the name of an operation; of a constant its number."""
        if producer < 0:
            constant = self.recording.constants[-1 - producer]
            return number(abs(constant)) if np.ndim(constant) == 0 else "array"
        return str(OP_NAMES[self.recording.ops[producer]])

    def under(self, row: int) -> list[int]:
        """Return the operands of a row."""
        first, stop = self.recording.starts[row : row + 2]
        found: list[int] = self.recording.operands[first:stop].tolist()
        return found

    def bare(self, producer: int) -> int:
        """Go down from a producer through signs and constant factors."""
        while producer >= 0:
            operands, name = self.under(producer), self.of(producer)
            traced = [each for each in operands if each >= 0]
            is_scaled = name in ("multiply", "divide") and len(traced) == 1 and operands[0] in (*traced, -1)
            is_scaled = is_scaled or (name == "multiply" and len(traced) == 1)
            if name not in ("negative", "positive", "getitem", "item") and not is_scaled:
                break
            producer = traced[0]
        return producer

    def is_of(self, first: str, second: str) -> bool:
        """Say whether it is a difference of these two, in either order."""
        return self.is_difference and sorted(self.names) == sorted((first, second))

    def root_of_square(self, producer: int) -> int | None:
        """Return what a producer is the square of; None where it is none."""
        if producer < 0:
            return None
        name, operands = self.of(producer), self.under(producer)
        is_power = name == "power" and self.of(operands[1]) == "2"
        if name == "square" or is_power or (name == "multiply" and operands[0] == operands[1]):
            return operands[0]
        return None

    def squares(self) -> list[int | None]:
        """Return what the operands are squares of."""
        return [self.root_of_square(each) for each in self.operands]

    def is_quadratic(self) -> bool:
        """Say whether it is −b + sqrt(b*b − …)."""
        if not self.is_difference or "sqrt" not in self.names:
            return False
        at = self.names.index("sqrt")
        under = self.bare(self.under(self.operands[at])[0])
        if under < 0 or self.of(under) not in _SIGNS:
            return False
        roots = [self.root_of_square(self.bare(each)) for each in self.under(under)]
        squared = [self.bare(each) for each in roots if each is not None]
        return squared == [self.operands[1 - at]]

    def is_variance(self) -> bool:
        """Say whether it is a mean of squares or products less the square or product of means."""
        if not self.is_difference:
            return False
        for operand, other in zip(self.operands, reversed(self.names), strict=True):
            root = self.root_of_square(operand)
            is_product = operand >= 0 and self.of(operand) == "multiply"
            factors = self.under(operand) if is_product else [root] if root is not None else []
            if factors and other in _MEANS and all(self.of(self.bare(each)) in _MEANS for each in factors):
                return True
        return False

    def is_expanded(self) -> bool:
        """Say whether powers above the second are among what is added up."""
        pending = list(self.operands) if self.is_difference else []
        for _ in range(_TERMS):
            if not pending:
                break
            producer = pending.pop()
            if producer < 0:
                continue
            under = self.under(producer)
            if self.of(producer) == "power":
                exponent = operand_of(self.recording, under[1])
                if np.ndim(exponent) == 0 and float(exponent) > _TWO:
                    return True
            elif self.of(producer) in _SIGNS:
                pending += [self.bare(each) for each in under]
        return False

    def is_growth(self) -> bool:
        """Say whether it is (1 + r)**n − 1."""
        if sorted(self.names) != ["1", "power"]:
            return False
        base = self.under(self.operands[self.names.index("power")])[0]
        return base >= 0 and self.of(base) in _SIGNS

    def is_of_sigmoid(self) -> bool:
        """Say whether it is 1 − 1/(1 + exp(−x))."""
        if "1" not in self.names or not {"divide", "expit", "reciprocal"} & set(self.names):
            return False
        divided = self.operands[1 - self.names.index("1")]
        if self.of(divided) == "expit":
            return True
        below = self.bare(self.under(divided)[-1])
        return (
            below >= 0
            and self.of(below) == "add"
            and "exp" in [self.of(self.bare(each)) for each in self.under(below)]
        )


_MEANS = frozenset(
    ("mean", "sum", "divide", "add", "average", "sum_scalars", "fsum", "dot", "matmul", "vdot", "inner")
)
_SAME = frozenset("sin cos tan exp log sqrt tanh arctan sinh cosh power square cbrt".split())
_LOGARITHMS = frozenset(("log", "log2", "log10"))
_CURES: tuple[tuple[Callable[[_Shape], bool], str], ...] = (
    (lambda s: s.is_of("exp", "1"), "write expm1(x) for exp(x) − 1: it has all its digits also near 0"),
    (
        lambda s: s.is_of("cos", "1"),
        "write 2*sin(x/2)**2 for 1 − cos(x): it has all its digits also near 0",
    ),
    (
        lambda s: s.name in _LOGARITHMS and s.names[0] in _SIGNS,
        "write log1p(x) for log(1 + x): it has all its digits also near 0",
    ),
    (_Shape.is_growth, "write expm1(n*log1p(r)) for (1 + r)**n − 1: it has all its digits also near 0"),
    (lambda s: s.is_of("cosh", "sinh"), "write exp(-x) for cosh(x) − sinh(x)"),
    (
        _Shape.is_quadratic,
        "take the root that does not cancel first: q = -(b + copysign(sqrt(b*b - 4*a*c), b))/2; they are q/a and c/q",
    ),
    (
        _Shape.is_variance,
        "subtract the means before multiplying: np.mean((x - np.mean(x))**2), or np.var(x); np.cov(x, y)",
    ),
    (
        _Shape.is_of_sigmoid,
        "write 1/(1 + exp(x)) for 1 − 1/(1 + exp(-x)), and log1p(exp(x)) for its logarithm",
    ),
    (
        lambda s: "1" in s.names and any(root is not None and s.of(root) == "tanh" for root in s.squares()),
        "write 1/cosh(x)**2 for 1 − tanh(x)**2",
    ),
    (
        lambda s: s.is_difference and all(root is not None for root in s.squares()),
        "write (a - b)*(a + b) for a**2 − b**2",
    ),
    (
        lambda s: s.is_difference and "sqrt" in s.names,
        "multiply by the sum: sqrt(a) − b is (a − b*b)/(sqrt(a) + b), in which a − b*b can be simplified",
    ),
    (
        lambda s: s.is_difference and len(set(s.names)) == 1 and s.names[0] in _SAME,
        "two close values of one function: use its derivative, a larger step, or an identity for the difference",
    ),
    (
        _Shape.is_expanded,
        "an expanded polynomial: write it factored, or in powers of the distance from the point",
    ),
)
"""By what is subtracted: what has all the digits. The first that fits."""
