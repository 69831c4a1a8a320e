"""How a row reads a NumPy call: the rule's name, the operands, and the parameters that the rule needs.

The kinds of row that several tables share. A reader refuses every option that it does not understand: no answer
beats a wrong answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.counts import is_whole
from tracer.standins import holds_traced, is_traced, plain_deep

if TYPE_CHECKING:
    from collections.abc import Callable

Followed: TypeAlias = tuple[str, tuple[Any, ...], dict[str, Any] | None]
Reader: TypeAlias = "Callable[..., Followed | list[Followed | None] | None]"
"""Reads a call's arguments. A list is one row per result of a function that returns several; None takes steps."""

NOT_GIVEN = np._NoValue  # noqa: SLF001  (NumPy's own default for keepdims)


class OptionError(Exception):
    """An option of a followed function that is not followed itself: which, why, what is (read by `refused.refuse`)."""


def only_defaults(positional: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Refuse every option but those that change nothing."""
    for value in positional:
        if value is not None and value is not NOT_GIVEN:
            raise OptionError("a positional option")
    for name, value in options.items():
        if value is None or value is NOT_GIVEN:
            continue
        if (name, value) in (
            ("order", "C"),
            ("subok", False),
            ("casting", "same_kind"),
            ("optimize", False),
        ):
            continue
        raise OptionError(f"{name}= (without {name}= it is followed)")


def given_options(names: str, positional: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a call by name, without those that were left out; `names` is their order."""
    named = {**dict(zip(names.split(), positional, strict=False)), **options}
    return {name: value for name, value in named.items() if value is not NOT_GIVEN}


def refuse_real_part(dtype: Any, *operands: Any) -> None:
    """Refuse a real `dtype=` of complex numbers, where the steps to the result are no longer those of the rule."""
    if dtype is None or dtype is NOT_GIVEN or np.dtype(dtype).kind == "c":
        return
    if any(map(np.iscomplexobj, plain_deep(operands))):
        raise OptionError(f"dtype={np.dtype(dtype)} of complex numbers")


def reduction(name: str, order: str) -> Callable[..., Followed]:
    """Read a function of one array with `axis`, `keepdims`, `where` and `initial`; `order` names what follows axis.

    A `dtype` needs nothing: the engine gives every gradient the type of its operand.
    """

    def read(a: Any, axis: Any = None, *rest: Any, **options: Any) -> Followed:
        given = given_options(order, rest, options)
        given.pop("dtype", None)
        axis = plain_deep(axis)
        axis = tuple(axis) if isinstance(axis, list) else axis
        params: dict[str, Any] = {"axis": axis, "keepdims": bool(given.pop("keepdims", False))}
        where, initial = plain_deep(given.pop("where", True)), given.pop("initial", None)
        if where is not True:
            params["where"] = np.array(where, np.bool_)
        only_defaults((), given)
        return name, (a,) if initial is None else (a, initial), params

    return read


def spread(name: str) -> Callable[..., Followed]:
    """Read var and std, whose mean may be given."""
    order = "dtype out ddof keepdims"

    def read(a: Any, axis: Any = None, *rest: Any, **options: Any) -> Followed:
        given = given_options(order, rest, options)
        freedom = given.pop("correction", given.pop("ddof", 0))
        if holds_traced(freedom) and not (is_traced(freedom) and is_whole(freedom.value_)):
            raise OptionError(
                "a traced ddof= that is no whole number (np.sum of squares, divided by what you like, is followed)"
            )
        refuse_real_part(given.get("dtype"), a)
        mean = given.pop("mean", None)
        _, operands, params = reduction(name, order)(a, axis, **given)
        return (
            name,
            operands if mean is None else (*operands, mean),
            {**(params or {}), "ddof": plain_deep(freedom)},
        )

    return read


def accumulation(name: str) -> Callable[..., Followed]:
    """Read a running sum or product."""

    def read(a: Any, axis: Any = None, dtype: Any = None, **options: Any) -> Followed:
        del dtype
        axis = plain_deep(axis)
        axis = axis[0] if isinstance(axis, tuple) else axis  # of cumulative_sum, with one in it
        params = {"axis": axis if np.ndim(plain_deep(a)) else None}
        if options.pop("include_initial", False):
            params["include_initial"] = True
        only_defaults((), options)
        return name, (a,), params

    return read


def operands_only(name: str) -> Callable[..., Followed]:
    """Read a function all of whose arguments are operands."""

    def read(*operands: Any, **options: Any) -> Followed:
        only_defaults((), options)
        return name, operands, None

    return read


def with_params(name: str, *parameters: str) -> Callable[..., Followed]:
    """Read a function of one array whose other arguments are what its rule needs, under the same names."""

    def read(a: Any, *positional: Any, **options: Any) -> Followed:
        params = dict.fromkeys(parameters) | dict(zip(parameters, positional, strict=False)) | options
        only_defaults(
            positional[len(parameters) :], {k: v for k, v in params.items() if k not in parameters}
        )
        return name, (a,), {key: plain_deep(params[key]) for key in parameters}

    return read


def shape_only(name: str) -> Callable[..., Followed]:
    """Read a function of one array whose rule needs to know no more than the shapes."""

    def read(a: Any, *_: Any, **options: Any) -> Followed:
        only_defaults(
            (), {key: value for key, value in options.items() if key not in ("axis", "shape", "subok")}
        )
        return name, (a,), {}

    return read
