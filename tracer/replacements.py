"""What is followed while a trace runs, and what it is replaced by: functions, classes, and methods of NumPy's objects.

The rooms that follow them have the functions in tables of their own (`python_calls.py`, `creation.py`,
`stdlib_calls.py`, `scipy_calls.py`, `seeds.py`, `iterators.py`). Used by patches.py, which puts them in place.
"""

from __future__ import annotations

import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import caches, callables, creation, iterators, poly1d_calls, python_calls, seeds, stdlib_calls
from tracer.exact import Exact, Loose, original_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tracer.bound import Namespace

REPLACEMENTS: dict[Any, Callable[..., Any]] = dict(python_calls.replacements())
LOOSE = Loose({replacement: original for original, replacement in REPLACEMENTS.items()})
REPLACEMENTS.update(
    (original, Exact(original, each))
    for original, each in (*creation.replacements(), *poly1d_calls.replacements())
)
# By identity: references to a replacement that is a class when nobody has got it yet
OF_CLASSES: dict[int, int] = {}
# Of functions: written in C, in Python, in Cython, NumPy's own, a bound method; and of classes.
_KINDS = set(map(type, REPLACEMENTS))
_KINDS_WITH_CACHES = _KINDS | {caches.CACHED}
# Objects of NumPy's that are called or indexed without asking their arguments: class, method, what follows it, itself.
METHODS = tuple(
    (kind, name, following(vars(kind)[name]), vars(kind)[name])
    for kind, name, following in (
        (np.vectorize, "__call__", callables.vectorized),
        (type(np.r_).__mro__[1], "__getitem__", callables.indexed),
    )
)


def of_scipy() -> Any:
    """Return the room that follows SciPy; None where the program has not imported that."""
    if "scipy" not in sys.modules:
        return None
    from tracer import scipy_calls  # noqa: PLC0415  (which imports it)

    return scipy_calls


def add_imported() -> bool:
    """Take in functions of what the program has imported by now; tell whether there are new ones."""
    scipy = of_scipy()
    new = {
        original: each if isinstance(each, type) else Exact(original, each)
        for original, each in (
            *(scipy.replacements() if scipy else ()),
            *stdlib_calls.replacements(),
            *seeds.replacements(),
            *iterators.replacements(),
        )
        if original not in REPLACEMENTS
    }
    REPLACEMENTS.update(new)
    kinds = [each for each in new.values() if isinstance(each, type)]
    # Without the count's own, those of its list and of the two tables
    OF_CLASSES.update(zip(map(id, kinds), (now - 4 for now in map(sys.getrefcount, kinds)), strict=True))
    _KINDS.update(map(type, new))
    _KINDS_WITH_CACHES.update(_KINDS)
    return bool(new)


def searched(namespace: Namespace) -> Namespace:
    """Find the names that are bound to an original."""
    items = list(namespace.names.items())
    namespace.size = len(items)
    kinds = _KINDS_WITH_CACHES if namespace.has_caches else _KINDS
    namespace.originals = {
        name: value
        for name, value in items
        if type(value) in kinds and (type(value) is caches.CACHED or value in REPLACEMENTS)
    }
    namespace.replacements = {name: replacement_of(value) for name, value in namespace.originals.items()}
    return namespace


def made_exact(loose: Iterable[Any]) -> dict[Any, Exact]:
    """Return by loose replacement, which is only called like its function, one that takes its place: exact in all."""
    exact = {each: LOOSE.make_exact(each) for each in loose if each in LOOSE.originals}
    REPLACEMENTS.update((original_of(each), each) for each in exact.values())
    return exact


def original(value: Any) -> Any:
    """Return what a value replaces; any other value as it is."""
    kind = type(value)
    if kind is Exact:
        return original_of(value)
    if issubclass(kind, seeds.Reading):
        return seeds.original_of(value)
    return LOOSE.originals.get(value, value) if kind is FunctionType else value


def replacement_of(value: Any) -> Any:
    """Return what a value is replaced by, which may be loose; any other value as it is."""
    if type(value) is caches.CACHED:
        return caches.followed(value)
    return REPLACEMENTS.get(value, value) if type(value) in _KINDS else value
