"""Gradients that somebody claims: read from a file or given as they are, and put beside the nodes they are for."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import LookupNameError, UsageError
from tracer.numbers_text import number
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tracer.trace import Trace
    from tracer.views import Node

_NESTED = (dict, list, tuple)
_AN_EXAMPLE = (
    'a file of claims holds names and gradients: {"x": 5.0, "h[3]": [0.1, 0.2]}, or np.savez(path, x=…)'
)


@dataclass(frozen=True, eq=False)
class Claim:
    """A gradient that is claimed for a node, in the shape in which it was given."""

    name: str
    node: Node
    value: np.ndarray[Any, Any]
    is_single: bool
    """Whether it was computed in less than double precision."""


def read_claims(path: Path) -> dict[str, Any]:
    """Read a file of claims: .npz, or .json. Nothing in it is run. Raises UsageError for what is neither."""
    if not path.is_file():
        raise UsageError(f"can't read {path}", got="there is no such file", advice=_AN_EXAMPLE)
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _from_json(path)
    if suffix == ".npz":
        return _from_npz(path)
    raise UsageError(
        f"can't read {path}",
        got=f"its suffix is {path.suffix!r}" if path.suffix else "it has no suffix, which says the format",
        advice="claims are read from .npz and .json",
    )


def _from_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON", got=str(error), advice=_AN_EXAMPLE) from None
    if not isinstance(found, dict):
        raise UsageError(
            f"{path} holds no claims",
            got=f"got a {type(found).__name__}, expected an object",
            advice=_AN_EXAMPLE,
        )
    return found


def _from_npz(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            for name in archive.files:
                try:
                    found[name] = archive[name]
                except ValueError:
                    raise UsageError(
                        f"the claim for {name} in {path} can't be read",
                        got="it is an array of objects, and those are pickles, which can run code",
                        advice=f"save numbers: np.savez(path, **{{{name!r}: np.asarray(gradient, float)}})",
                    ) from None
    except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError) as error:
        if isinstance(error, UsageError):
            raise
        what = "it is a pickle, which can run code" if _is_pickle(path) else str(error)
        raise UsageError(f"{path} is no .npz", got=what, advice=_AN_EXAMPLE) from None
    return found


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"\x80"


def claims_of(trace: Trace, claims: Mapping[str, Any]) -> list[Claim]:
    """Put claims beside their nodes, in backward order: the last made value first.

    A claim for a parameter that holds several inputs is one for each of them, in the structure of `t.grads`.
    Raises LookupNameError for a name that the trace does not have, and UsageError for what is no gradient of its shape.
    """
    if not hasattr(claims, "items"):
        raise UsageError(
            "the claims are no table of names and gradients",
            got=f"got {type(claims).__name__}",
            advice='audit(t, {"x": 5.0, "h[3]": dh})',
        )
    if not claims:
        raise UsageError("there are no claims to audit", got="got an empty table", advice=_AN_EXAMPLE)
    found = [_claim(trace, name, value) for name, value in _leaves(trace, claims)]
    if not found:
        raise UsageError("there are no claims to audit", got="got None for every name", advice=_AN_EXAMPLE)
    return sorted(found, key=lambda claim: -claim.node.index)


def _leaves(trace: Trace, claims: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the claims for single nodes; None, of what is not traced, is left out."""
    paths = set(trace.input_rows.values())
    pending: list[tuple[str, Any]] = [*claims.items()][::-1]
    while pending:
        name, value = pending.pop()
        if not isinstance(name, str):
            raise UsageError(
                "a claim is asked by name", got=f"got {name!r}", advice='"x", "params[\'W\']", "h[3]"'
            )
        if value is None:
            continue
        inside = any(path.startswith((f"{name}[", f"{name}.")) for path in paths)
        if name not in paths and inside and _is_nested(value):
            pending += [*_children(name, value, paths)][::-1]
        else:
            yield name, value


def _is_nested(value: Any) -> bool:
    is_container = isinstance(value, _NESTED) or (
        dataclasses.is_dataclass(value) and not isinstance(value, type)
    )
    return is_container or bool(np.ndim(value))


def _children(name: str, value: Any, paths: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield what a container holds under the names that inputs have."""
    if isinstance(value, dict):
        items = list(value.items())
    elif dataclasses.is_dataclass(value):
        items = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    else:
        items = list(zip(getattr(value, "_fields", range(len(value))), value, strict=True))
    for key, item in items:
        attribute, index = f"{name}.{key}", f"{name}[{key!r}]"
        is_attribute = any(
            path == attribute or path.startswith((f"{attribute}[", f"{attribute}.")) for path in paths
        )
        yield attribute if is_attribute else index, item


def _claim(trace: Trace, name: str, value: Any) -> Claim:
    node = trace[name]
    expected = node.grad
    if expected is None:
        raise LookupNameError(
            f"{name} has no gradient to compare with",
            got="the value left the graph there",
            advice="claim an input of it",
        )
    if hasattr(value, "detach"):  # a tensor of PyTorch, which gives no array while it is recorded
        value = value.detach()
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(
            f"the claim for {name} is no array",
            got=str(error),
            advice="give numbers, as a number, a list or an array",
        ) from None
    if array.dtype.kind not in "iufc":
        got = (
            "an array of objects" if array.dtype.kind == "O" else f"{type(value).__name__} of {array.dtype}"
        )
        raise UsageError(
            f"the claim for {name} is no number and no array of them",
            got=f"got {got}{f', {value!r}' if array.ndim == 0 else ''}"[:200],
            advice="give the gradient as numbers",
        )
    _check_shape(name, array, np.shape(expected))
    if not np.isfinite(array).all() and np.isfinite(expected).all():
        wrong = np.argwhere(~np.isfinite(array))
        place = f" at {list(map(int, wrong[0]))}" if array.ndim else ""
        raise UsageError(
            f"the claim for {name} is not finite",
            got=f"got {number(array[tuple(wrong[0])])}{place}, {len(wrong):,} of {array.size:,} elements, "
            "and the gradient of the trace is finite",
            advice="look for where it is born in the pass that made the claim",
        )
    if is_complex(array) and not is_complex(expected):
        if np.any(array.imag):
            raise UsageError(
                f"the claim for {name} is complex",
                got=f"got {array.dtype}, and the value is real",
                advice="the gradient of a real value is real",
            )
        array = array.real
    is_single = array.dtype.kind in "fc" and np.finfo(array.dtype).eps > np.finfo(np.float64).eps
    return Claim(name, node, array, bool(is_single))


def _check_shape(name: str, array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    """Raise UsageError where a claim can't be for this value; a transposed one can be."""
    if array.shape in (shape, shape[::-1]) or array.size == 1 == int(np.prod(shape)):
        return
    advice = "a gradient has the shape of its value"
    if array.ndim >= len(shape) and _stretches(shape, array.shape):
        advice += ": sum the claim over the axes along which the value was broadcast"
    raise UsageError(
        f"the claim for {name} has another shape than {name}",
        got=f"got {array.shape}, expected {shape}",
        advice=advice,
    )


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False
