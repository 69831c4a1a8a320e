"""The kinds of derivative rule, and the gradient of an indexing. Used by every room that differentiates.

Rules check nothing and know nothing of broadcasting: the engine hands them operands that fit, and checks
their answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.rules.edited import Edited, Part
from tracer.rules.formula import compile_condition, compile_formula

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Array: TypeAlias = np.ndarray[Any, Any]
Operands: TypeAlias = tuple[Any, ...]
Params: TypeAlias = dict[str, Any]
Pull: TypeAlias = "Callable[[Array, Any, Any, Any, Array, Callable[[], Array] | None], Any]"
"""`(g, *operands, out, room)`, as `compile_pull` has them, to what goes back to one operand."""
Pulls: TypeAlias = "tuple[tuple[int, Pull | None], ...]"
"""Of every operand, the last first: its port, and what goes back to it; None: the gradient as it is."""


_IMAGINARY = re.compile(r"\dj\b|\bhankel")  # a number, or a function whose values are complex


# Not frozen, though nobody changes them: there are hundreds, and freezing would be a twentieth of the import.
@dataclass(repr=False)
class Elementwise:
    """One partial derivative per operand, as text in the operands' names and `out`.

    The text is what a calculus book prints, and it is the code. It is evaluated over columns of scalars and
    over arrays; operands have out's shape and type, or are constants that broadcast. An empty text says
    that no gradient belongs to that operand (a condition, an integer exponent).
    """

    partials: tuple[str, ...]
    symbol: str = ""
    kink: str = ""
    """The condition, as text, under which the derivative is a convention."""
    choice: str = ""
    """That convention, in words."""
    flat: bool = False
    """The derivative is zero everywhere: no gradient gets past this operation."""
    zero_where: tuple[str, ...] = ()
    """By operand, the condition under which the partial is 0, and its text gives 0 * inf or 0 / 0."""
    names: tuple[str, ...] = ()
    """What the text calls the operands, where x, y, z won't do."""
    in_floats: bool = False
    """Whole numbers are taken as floats. The text is a user's, and n**n**n of whole numbers need not end."""
    of_complex: Elementwise | Vjp | None = None
    """The rule that holds instead where an operand or the result is complex."""
    real_only: bool = False
    """Complex operands are refused."""

    selects: bool = False
    """The partials are truth values: an element that is not chosen gets 0, also of a gradient that is NaN."""

    def formula(self, port: int) -> str:
        """Return the text of the partial by operand `port`."""
        return self.partials[port]

    def product(self, upstream: Any, local: Any) -> Any:
        """Return upstream × local."""
        return np.where(local, upstream, 0.0) if self.selects else upstream * local

    def local(self, port: int) -> Callable[..., Any]:
        """Return the partial by operand `port` as a function `(*operands, out)`, compiled once."""
        return self.locals[port]

    @cached_property
    def passes(self) -> tuple[bool, ...]:
        """By operand: whether the gradient passes as it is."""
        return tuple(text == "1" for text in self.partials)

    @cached_property
    def is_real(self) -> bool:
        """Whether the texts give real numbers of real ones: they name no imaginary unit."""
        return not any(_IMAGINARY.search(text) for text in self.partials)

    @cached_property
    def pulls(self) -> Pulls:
        """What goes back where out, and every operand that is traced, are arrays of float64 of one shape."""
        ports = range(len(self.partials) - 1, -1, -1)
        return tuple((port, None if self.passes[port] else self._pull(port)) for port in ports)

    def _pull(self, port: int) -> Pull:
        if self.partials[port] and not self.zero_where and not self.in_floats and not self.selects:
            from tracer.rules.pulls import compile_pull  # noqa: PLC0415  (not needed to trace)

            return compile_pull(self.partials[port], self.operand_names)
        local, count = self.local(port), len(self.partials)

        def pull(g: Array, x: Any, y: Any, z: Any, out: Array, room: Any) -> Any:
            del room
            return self.product(g, local(*(x, y, z)[:count], out))

        return pull

    @cached_property
    def at_kink(self) -> Callable[..., Any] | None:
        """The condition `kink` as a function `(*operands, out)` with a boolean answer; None without one."""
        return compile_condition(self.kink, self.operand_names) if self.kink else None

    @property
    def operand_names(self) -> tuple[str, ...]:
        """What the text calls the operands."""
        return self.names or ("x", "y", "z")[: len(self.partials)]

    @cached_property
    def locals(self) -> tuple[Callable[..., Any], ...]:
        """The partials by all operands, as functions `(*operands, out)`."""
        conditions = self.zero_where or ("",) * len(self.partials)
        return tuple(
            compile_formula(text or "0", self.operand_names, condition, in_floats=self.in_floats)
            for text, condition in zip(self.partials, conditions, strict=True)
        )


@dataclass(repr=False)
class Many:
    """A scalar function of any number of scalars: `partials(operands, out)` gives them all in one pass."""

    partials: Callable[[Sequence[Any], Any], Sequence[Any]]
    text: str
    symbol: str = ""
    kink: str = ""
    """The condition, in words of `out`, under which the derivative is a convention."""
    choice: str = ""
    at_kink: Callable[[Sequence[Any], Any], bool] | None = None
    of_complex: None = None
    real_only: bool = False
    routes: bool = False
    """It hands one operand on: the others get no gradient, whatever comes back."""

    def partial(self, port: int, operands: Sequence[Any], out: Any) -> Any:
        """Return the partial by one operand; costs as much as all of them."""
        return self.partials(operands, out)[port]


@dataclass(repr=False)
class Vjp:
    """`pull(port, g, out, operands, params)` is the gradient of one operand, in its shape and type.

    `g` is the gradient of `out`. Pure functions of plain arrays; an answer may share memory with `g`.
    """

    pull: Callable[[int, Any, Any, Operands, Params], Any]
    symbol: str = ""
    kink: str = ""
    """What makes the derivative a convention, in words."""
    choice: str = ""
    at_kink: Callable[[Any, Operands, Params], bool] | None = None
    """Whether it is one, from `(out, operands, params)`."""
    shared: Callable[[Operands, Params], Params] | None = None
    """What is worked out once for all operands of a row, from `(operands, params)`; `pull` is given it as params."""
    pulls: dict[tuple[int, int], Pulls] = field(default_factory=dict)
    """By the axes of its two operands, where all are arrays of float64: what `pull` does, with nothing left to ask."""
    shapes_only: bool = False
    """It looks at shapes and types alone, and takes arrays and gradients that are kept as differences (`Edited`)."""
    takes_parts: bool = False
    """It takes gradients that are zero but for a part (`Part`)."""
    of_complex: Elementwise | Vjp | None = None
    """The rule that holds instead where an operand or the result is complex."""
    real_only: bool = False
    """Complex operands are refused."""


def typed(gradient: Any, operand: Array) -> Array:
    """Give a gradient the operand's type: narrow a wider one, keep the real part for a real operand."""
    if gradient.dtype.kind == "c" and operand.dtype.kind != "c":
        gradient = gradient.real
    narrowed: Array = gradient.astype(operand.dtype, copy=False)
    return narrowed


def is_complex(value: Any) -> bool:
    """Tell whether a value is a complex number or an array of them."""
    if isinstance(value, (np.ndarray, Edited)):
        return bool(value.dtype.kind == "c")
    return isinstance(value, (complex, np.complexfloating))


def rule_for(rule: Rule, operands: Operands, out: Any) -> Rule:
    """Return the rule that holds for these operands: where one of them or the result is complex, that for complex."""
    if rule.of_complex is None or not any(map(is_complex, (*operands, out))):
        return rule
    return rule.of_complex


Rule: TypeAlias = Elementwise | Many | Vjp


# Not frozen: one is made for every use of a matrix, and freezing triples what that costs.
@dataclass(slots=True, eq=False, repr=False)
class Outer:
    """The gradient of a matrix that was multiplied by a vector: a column times a row, with no matrix."""

    column: Array
    row: Array
    dtype: Any
    is_turned: bool = False  # the row is the gradient that arrived, the column the vector

    @property
    def upstream(self) -> Array:
        """The factor that is a gradient; the other is a value of the recording."""
        return self.row if self.is_turned else self.column

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the matrix."""
        return (len(self.column), len(self.row))

    def dense(self) -> Array:
        """Return the gradient as a full array."""
        # For small matrices dot takes a third of the time of np.outer.
        return typed(self.column[:, None].dot(self.row[None]), np.empty(0, self.dtype))

    def add_to(self, total: Array) -> None:
        """Add the gradient to `total` in place."""
        total += self.dense()

    @property
    def numbers(self) -> Array:
        """The full array."""
        return self.dense()


Compressed: TypeAlias = Part | Outer | Edited
"""The gradient of an array, kept as what it is made of; `numbers` has its elements that are not zero."""
