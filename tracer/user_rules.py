"""@rule: a user's own operation, in Python or C, with the derivative that the user writes for it.

The function runs on plain numbers and is one node of the graph, whatever it does inside.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar

import numpy as np

from tracer.cuts import cut
from tracer.errors import RuleError, UnsupportedError, UsageError, noted
from tracer.frames import place
from tracer.memory import same_bytes
from tracer.numpy_calls import any_open, arrays_of
from tracer.operations import OP_NUMBERS, add_operation
from tracer.rules.formula import VOCABULARY, fault_of, is_operand_name
from tracer.rules.kinds import Elementwise, Vjp
from tracer.signatures import signature_of
from tracer.standins import Traced, holds_traced, plain_deep, record_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

Parameters = ParamSpec("Parameters")
Result_co = TypeVar("Result_co", covariant=True)
FUNCTIONS: dict[int, Callable[..., Any]] = {}
"""By number of an operation: the user's function, which the rooms that check call again."""
_LEAST = 3  # parameters of a partial: g, out and an operand
Partial: TypeAlias = "str | Callable[..., Any] | None"


class Ruled(Protocol[Parameters, Result_co]):
    """A function with a rule."""

    __wrapped__: Callable[..., Any]

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result_co:
        """Call the function; in a traced function the call is one node of the graph."""
        ...

    def check(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        """Compare the rule with differences of the function at these arguments. Raises RuleError where it is wrong."""
        ...


def rule(
    *partials: Partial, symbol: str = ""
) -> Callable[[Callable[Parameters, Result_co]], Ruled[Parameters, Result_co]]:
    """Give a function its derivative: one partial for each of its first parameters, in their order.

    A text is the local partial of an elementwise function, as a calculus book writes it, in the names of the
    parameters and `out`: `@rule("cos(x)")`. It is what pictures show beside the edge. A function
    `partial(g, out, *operands, **options)` returns the gradient of its operand, in the shape of that operand, where `g`
    is the gradient of the result `out`, and `options` are the parameters that have no partial. None: no gradient
    belongs to that parameter; a traced value that is passed there, or as an option, is cut.

    The function must be pure. `symbol` is what its node shows; else that is its name. Raises UsageError for partials
    that can't be read or do not fit the function.
    """
    code = getattr(partials[0], "__code__", None) if len(partials) == 1 else None
    if code is not None and code.co_argcount < _LEAST and not code.co_flags & inspect.CO_VARARGS:
        raise UsageError(
            f"@rule before {code.co_name} says no derivative",
            got="got no parentheses, or a partial without the parameters (g, out, operand)",
            advice='write @rule("…"), with one partial for each operand',
        )

    def decorate(function: Callable[Parameters, Result_co]) -> Ruled[Parameters, Result_co]:
        if not callable(function):  # `@rule` has taken the function itself for a partial
            raise UsageError(
                "@rule is called before a function, with its partials",
                got=f"got {function!r} where the function is expected",
                advice='write @rule("…"), with one partial for each operand',
            )
        ruled: Ruled[Parameters, Result_co] = _ruled(function, _Operation.of(function, partials, symbol))
        return ruled

    return decorate


@dataclass(frozen=True)
class Pull:
    """The partials of a user's rule as the vjp that the engine asks for."""

    name: str
    operands: tuple[str, ...]
    partials: tuple[Callable[..., Any] | None, ...]

    def __call__(
        self, port: int, g: Any, out: Any, operands: tuple[Any, ...], params: dict[str, Any]
    ) -> Any:
        """Return the gradient of one operand. Raises RuleError where it has not the operand's shape."""
        partial, operand = self.partials[port], operands[port]
        assert partial is not None  # what has no partial is cut before it gets here
        # Where the function was given numbers, the engine made arrays without axes of them.
        given = (each if np.ndim(each) else each[()] for each in (g, out, *operands))
        answer = partial(*given, **params.get("options", {}))
        if np.shape(answer) != np.shape(operand):
            raise RuleError(
                f"the rule of {self.name} answered with the wrong shape for {self.operands[port]}",
                got=f"got {np.shape(answer)}, expected {np.shape(operand)}",
                advice="a partial returns the gradient of its operand, in the shape of that operand",
            )
        return np.asarray(answer, operand.dtype)


class _Operation(NamedTuple):
    """A user's operation as it is known to the tape, and how a call of its function is read."""

    key: str
    rule: Elementwise | Vjp
    signature: inspect.Signature | None
    operands: tuple[str, ...]
    has_partial: tuple[bool, ...]

    @classmethod
    def of(cls, function: Callable[..., Any], partials: tuple[Partial, ...], symbol: str) -> _Operation:
        name = getattr(function, "__name__", type(function).__name__)
        given = [each for each in partials if each]
        if not given or not (all(isinstance(each, str) for each in given) or all(map(callable, given))):
            raise UsageError(
                f"the rule of {name} has no partials that can be read",
                got=f"got {', '.join(map(repr, partials)) or 'none'}, expected texts or functions",
                advice='one for each operand: @rule("y", "x") or @rule(by_a, by_b)',
            )
        signature, names = _parameters(function, len(partials))
        if len(names) < len(partials):
            raise UsageError(
                f"the rule of {name} has more partials than {name} has parameters",
                got=f"got {len(partials)} partials for {name}({', '.join(names)})",
            )
        if callable(given[0]):
            operands = tuple(names[: len(partials)])
            functions = tuple(each if callable(each) else None for each in partials)
            made: Elementwise | Vjp = Vjp(Pull(name, operands, functions), symbol, real_only=True)
        else:
            texts = tuple(each if isinstance(each, str) else "" for each in partials)
            operands, made = _written(function, name, texts, names, symbol)
        has_partial = tuple(bool(each) for each in partials) + (False,) * (len(operands) - len(partials))
        key = add_operation(name, made)
        FUNCTIONS[OP_NUMBERS[key]] = function
        return cls(key, made, signature, operands, has_partial)

    def read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the operands and the options of a call. Raises TypeError where the arguments do not fit."""
        if self.signature is None:
            return list(args), kwargs
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        return [given[name] for name in self.operands], {
            name: value for name, value in given.items() if name not in self.operands
        }


def _parameters(function: Callable[..., Any], count: int) -> tuple[inspect.Signature | None, list[str]]:
    """Return a function's signature and the names of its parameters; x, y, z for what is written in C and says none.

    That of a ufunc, which NumPy says from 2.4 on, is no more than `out` and other options beside them.
    """
    try:
        signature = None if isinstance(function, np.ufunc) else signature_of(function)
    except ValueError:
        signature = None
    if signature is None:
        return None, ["x", "y", "z"][:count]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return signature, [name for name, each in signature.parameters.items() if each.kind not in kinds]


def _written(
    function: Any, name: str, partials: tuple[str, ...], names: list[str], symbol: str
) -> tuple[tuple[str, ...], Elementwise]:
    """Return the operands and the rule of partials that are texts: what stands in a text is an operand, too."""
    used = {word for text in partials for word in re.findall(r"\w+", text)}
    operands = tuple(each for at, each in enumerate(names) if at < len(partials) or each in used)
    texts = (*partials, *("",) * (len(operands) - len(partials)))
    for each in operands:
        if not is_operand_name(each):
            is_taken = each in {*VOCABULARY, "out"}
            raise UsageError(
                f"the rule of {name} has an operand that a formula can't name",
                got=f"got {each!r}, which {'means something else there' if is_taken else 'is no plain name'}",
                advice="give the parameter another name"
                if hasattr(function, "__code__")
                else f"a lambda has parameters of your own: rule(…)(lambda x: {name}(x))",
            )
    for text in filter(None, texts):
        fault = fault_of(text, operands)
        if fault:
            raise UsageError(
                f"the rule of {name} has a partial that can't be read",
                got=f"in {text!r}, {fault}",
                advice="write anything that is no formula as a function: @rule(lambda g, out, x: …)",
            )
    return operands, Elementwise(texts, symbol or name, names=operands, in_floats=True, real_only=True)


def _ruled(function: Callable[..., Any], operation: _Operation) -> Any:
    @functools.wraps(function)
    def ruled(*args: Any, **kwargs: Any) -> Any:
        frame = sys._getframe(1)  # noqa: SLF001  (the caller's place)
        if not any_open((*args, *kwargs.values()), frame):
            return function(*plain_deep(args), **plain_deep(kwargs))
        value = _computed(function, args, kwargs, frame)
        operands, options = operation.read(args, kwargs)
        for at, operand in enumerate(operands):
            if not operation.has_partial[at]:
                operands[at] = _left_out(operand, f"{operation.operands[at]} of {ruled.__name__}", frame)
        options = {
            name: _left_out(each, f"{name} of {ruled.__name__}", frame) for name, each in options.items()
        }
        traced = arrays_of(tuple(operands), frame)
        if isinstance(operation.rule, Elementwise):
            _check_elementwise(ruled.__name__, traced, value, frame)
            return record_call(operation.key, traced, value, None, frame)
        return record_call(operation.key, traced, value, {"options": options} if options else None, frame)

    def check(*args: Any, **kwargs: Any) -> None:
        from tracer.diagnose.rule_check import check_rule  # noqa: PLC0415  (not needed to trace)

        operands, options = operation.read(plain_deep(args), plain_deep(kwargs))
        check_rule(function, operation.rule, (operation.operands, operands, operation.has_partial), options)

    ruled.check = check  # type: ignore[attr-defined]
    return ruled


def _computed(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
) -> Any:
    """Call the function on copies: what the tape holds must not change, and what would change is an error."""
    plain_args, plain_kwargs = plain_deep(args), plain_deep(kwargs)
    originals = [each for each in (*plain_args, *plain_kwargs.values()) if isinstance(each, np.ndarray)]
    copies = {id(each): each.copy(order="K") for each in originals}

    def copied(value: Any) -> Any:
        return copies.get(id(value), value)

    value = function(
        *map(copied, plain_args), **{name: copied(each) for name, each in plain_kwargs.items()}
    )
    if any(not same_bytes(each, copied(each)) for each in originals):
        raise UnsupportedError(
            f"{function.__name__} has a rule, and writes into its argument",
            where=place(frame),
            advice="a function with a rule must be pure: return a new array",
        )
    if holds_traced(value) or issubclass(type(value), Traced):
        raise UnsupportedError(
            f"{function.__name__} has a rule, and uses a traced value that is none of its arguments",
            where=place(frame),
            advice="pass the value in as an argument",
        )
    return value


def _left_out(value: Any, what: str, frame: FrameType) -> Any:
    """Return the plain value of an argument without a partial; where it was traced, that is a cut."""
    if type(value) in (list, tuple):
        return type(value)(_left_out(each, what, frame) for each in value)
    return cut(value, what, frame) if issubclass(type(value), Traced) else value


def _check_elementwise(name: str, operands: tuple[Any, ...], value: Any, frame: FrameType) -> None:
    """Raise UsageError where a result has not the shape of its operands: its rule can't be a product."""
    shapes = [np.shape(plain_deep(each)) for each in operands]
    with suppress(ValueError):  # shapes that don't go together
        if np.shape(value) == np.broadcast_shapes(*shapes):
            return
    raise noted(
        UsageError(
            f"{name} is not elementwise, and its rule is a text",
            where=place(frame),
            got=f"got shape {np.shape(value)} from {', '.join(map(str, shapes))}",
            advice="give a function for each partial: @rule(lambda g, out, x: …)",
        )
    )
