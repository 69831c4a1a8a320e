"""Gradients that somebody claims: read from a file or given as they are, and put beside the nodes they are for."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import LookupNameError, UsageError
from tracer.numbers_text import shorten
from tracer.rules.kinds import is_complex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tracer.trace import Trace
    from tracer.views import Node

_NESTED = (dict, list, tuple)
_SHOWN = 40  # characters of what is no number
_AN_EXAMPLE = (
    'a file of claims holds names and gradients: {"x": 5.0, "h[3]": [0.1, 0.2]}, or np.savez(path, x=…)'
)


@dataclass(frozen=True, eq=False)
class Claim:
    """A gradient that is claimed for a node, in the shape in which it was given."""

    name: str
    node: Node
    value: np.ndarray[Any, Any]
    given: Any = None
    """What is claimed as it was given, where it is no gradient by its type."""
    fault: str = ""
    """Why it is none."""


@dataclass(frozen=True)
class Unread:
    """What stands in a file for a name and was not read."""

    what: str

    def __str__(self) -> str:
        return self.what


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
                    found[name] = Unread(
                        "an array of objects, not read: those are pickles, which can run code"
                    )
    except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError) as error:
        what = "it is a pickle, which can run code" if _is_pickle(path) else str(error)
        raise UsageError(f"{path} is no .npz", got=what, advice=_AN_EXAMPLE) from None
    return found


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"\x80"


def claims_of(trace: Trace, claims: Mapping[str, Any]) -> list[Claim]:
    """Put claims beside their nodes, in backward order: the last made value first.

    A claim for a parameter that holds several inputs is one for each of them, in the structure of `t.grads`.
    What is no gradient by its type has a fault. Raises LookupNameError for a name that the trace does not have.
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
        raise UsageError(
            "there are no claims to audit", got="got None for what is not traced", advice=_AN_EXAMPLE
        )
    return sorted(found, key=lambda claim: -claim.node.index)


def _leaves(trace: Trace, claims: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the claims for single nodes; None for what is not traced, as in `t.grads`, is left out."""
    left_out = {name for name, grad in trace.grads.items() if grad is None}
    paths = set(trace.input_rows.values())
    pending: list[tuple[str, Any]] = [*claims.items()][::-1]
    while pending:
        name, value = pending.pop()
        if not isinstance(name, str):
            raise UsageError(
                "a claim is asked by name", got=f"got {name!r}", advice='"x", "params[\'W\']", "h[3]"'
            )
        inside = [path for path in paths if path.startswith((f"{name}[", f"{name}."))]
        if name in paths or not (inside or (value is None and name in left_out)):
            yield name, value
        elif value is None:
            pending += [(path, None) for path in sorted(inside)]
        elif _is_nested(value):
            children = [*_children(name, value, paths)][::-1]
            left_out.update(path for path, child in children if child is None)
            pending += children
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
    except (ValueError, TypeError, RuntimeError):
        return _no_gradient(
            name, node, value, f"a {type(value).__name__} that is no array: its parts differ in length"
        )
    if array.dtype.kind not in "iufc":
        return _no_gradient(name, node, value, _called(value, array))
    if is_complex(array) and not is_complex(expected):
        if np.any(array.imag):
            return replace(
                _no_gradient(name, node, value, f"{array.dtype} for a real value"),
                value=array.real,
            )
        array = array.real
    return Claim(name, node, array)


def _no_gradient(name: str, node: Node, given: Any, fault: str) -> Claim:
    return Claim(name, node, np.zeros(0), given, fault)


def _called(value: Any, array: np.ndarray[Any, Any]) -> str:
    """Say what something is that is no number and no array of them."""
    if value is None or isinstance(value, Unread):
        return str(value)
    if array.ndim == 0:
        shown = repr(value)
        return f"a {type(value).__name__}" + (
            f", {shorten(shown, _SHOWN)}" if " at 0x" not in shown else ""
        )
    kind = "objects" if array.dtype.kind == "O" else str(array.dtype)
    return f"{'an array' if isinstance(value, np.ndarray) else f'a {type(value).__name__}'} of {kind}"
