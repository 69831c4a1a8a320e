"""Seeds of random numbers: code in C that asks for the exact type of an int is given the plain one.

A seed is a plain read, as a count is. `patches.py` replaces the names; the method of `random.Random` is replaced here.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tracer.standins import Traced, plain_deep, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FUNCTIONS = (("random", "seed"), ("numpy.random", "default_rng"), ("numpy.random", "seed"))
_CLASSES = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "RandomState", "SFC64", "SeedSequence")


class Reading(type):
    """Makes the stand-in for a class: called, it makes one of the class; for `isinstance` it is the class."""

    __called__: Callable[..., Any]

    def __call__(cls, *args: Any, **options: Any) -> Any:
        """Make one of the class beneath; a program's own class, which has this as its base, makes its own."""
        if "__called__" in vars(cls):  # with a way of its own to read its arguments
            return cls.__called__(*args, **options)
        beneath = vars(cls).get("__wrapped__")
        make = beneath or functools.partial(type.__call__, cls)
        return make(*plain_deep(args), **plain_deep(options))

    def __instancecheck__(cls, instance: Any) -> bool:
        return issubclass(type(instance), cls)

    def __subclasscheck__(cls, kind: type) -> bool:
        beneath = vars(cls).get("__wrapped__")
        return issubclass(kind, beneath) if beneath else super().__subclasscheck__(kind)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is original_of(cls)

    def __hash__(cls) -> int:
        beneath = vars(cls).get("__wrapped__")
        return hash(beneath) if beneath else super().__hash__()

    def __repr__(cls) -> str:
        beneath = vars(cls).get("__wrapped__")
        return repr(beneath) if beneath else super().__repr__()


STANDING: dict[type, Reading] = {}
"""What stands for a class while a trace runs: what `type` answers then."""


def stand_in_for(kind: type, meta: type[Reading] = Reading) -> Reading:
    """Make the stand-in for a class, which can be pickled by its name as the class itself can."""
    names = {"__wrapped__": kind, "__module__": kind.__module__, "__doc__": kind.__doc__}
    STANDING[kind] = made = meta(kind.__name__, (kind,), names)
    return made


def original_of(kind: Any) -> Any:
    """Return the class that a stand-in stands for; a program's own class as it is."""
    return vars(kind).get("__wrapped__", kind)


def replacements() -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Yield (original, replacement); what a program reaches by `np.random` alone is imported for it only here."""
    for module, name in _FUNCTIONS:
        original = getattr(importlib.import_module(module), name)
        if not hasattr(original, "__wrapped__"):  # as it is while a trace runs
            yield original, reading(original)
    for name in _CLASSES:
        kind = getattr(importlib.import_module("numpy.random"), name)
        if type(kind) is not Reading:
            yield kind, STANDING.get(kind) or stand_in_for(kind)


@functools.cache
def _seeding() -> tuple[type[Any], Any, Any]:
    """Return the class of random numbers, its method and what follows that: `random` comes with the first trace."""
    from random import Random  # noqa: PLC0415  (as above)

    return Random, Random.seed, reading(Random.seed)


class _Shuffled(type):
    """Makes what NumPy's `shuffle` takes for the class of sequences: it warns of anything else but a real array."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Sequence) or issubclass(type(instance), Traced)


_SEQUENCE = _Shuffled("Sequence", (), {})
_SHUFFLING = ("numpy.random._generator", "numpy.random.mtrand")


def exchange(*, reading: bool) -> None:
    """Have `random.Random(n)` and `.seed(n)` read a stand-in, and `shuffle` know one, or be as they were."""
    for module in filter(None, map(sys.modules.get, _SHUFFLING)):
        vars(module)["Sequence"] = _SEQUENCE if reading else Sequence
    kind, method, followed = _seeding()
    kind.seed = followed if reading else method
