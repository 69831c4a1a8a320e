"""What Python offers no hook for: functions written in C that would read a bare number out of a stand-in.

While a trace runs, they are replaced, as `replacements.py` says: in their own modules, wherever a module has bound the
original (`from math import exp`), and wherever else the traced function can reach it (`stored.py`). They are put back
when the last trace ends.
"""

from __future__ import annotations

import functools
import os.path
import re
import sys
import threading
from collections import Counter
from contextlib import suppress
from itertools import chain
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import (
    array_methods,
    caches,
    conversions,
    importing,
    lists,
    seeds,
    stdlib_calls,
    stored,
    swallowed,
    ufunc_names,
    warned,
)
from tracer.bound import Bound, Namespace
from tracer.holders import own_attributes
from tracer.leftovers import put_in_place
from tracer.replacements import (
    LOOSE,
    METHODS,
    OF_CLASSES,
    REPLACEMENTS,
    add_imported,
    made_exact,
    of_scipy,
    original,
    replacement_of,
    searched,
)
from tracer.turns import searching

if TYPE_CHECKING:
    from collections.abc import Iterable

# Where Python and pip put what is no program of the user's
_LIBRARIES = (os.path.split(functools.__file__)[0], os.path.split(os.path.split(np.__file__)[0])[0])
_WITHOUT_FILES = {*sys.builtin_module_names} - {"builtins"}  # into which a program may put a name
# NumPy's inner modules work on plain values: what is traced does not get that far. Where a class of seeds is defined,
# pickle looks for the class itself, which every generator holds an object of. What copies knows each object by its own.
_OWN_BUSINESS = re.compile(r"tracer\.|copy$|numpy\.(\w+\.)*_|numpy\.random\.bit_generator$")
# Called as they are by `tracer` and `copy`
_OWN_FUNCTIONS = {"id": id}

LOCK = threading.RLock()
"""Held while functions are replaced or put back."""


class _Installation:
    """The replaced names of the whole process; traces in several threads share them.

    A module is searched once, and again when it has got more or fewer names: searching all of them takes
    milliseconds, and every traced call would pay for it. Of installed libraries even the size is looked at only
    when something has been imported. What every call does pay for is done in few steps.
    """

    def __init__(self) -> None:
        self._traces = 0
        self._modules: list[Any] = []
        self._newest: tuple[int, Any] = (-1, None)  # by which a module more is noticed
        self._namespaces: dict[int, Namespace] = {}
        self._changing: list[Namespace] = []  # those of the user's own modules
        self._contents: list[dict[str, Any]] = []  # of these
        self._sizes: list[int] = []
        self._bound = Bound.of([])
        self._exchanged: Bound | None = None  # what of these is replaced all together
        self._replaced: list[Namespace] = []  # one by one
        self._stored: list[stored.Slot] = []
        self._methods: set[type] = set()  # the classes of which methods are followed,
        self._had_methods = False  # and were: the program may have kept one
        self._known: list[Any] = []  # the replacements; empty where their references must be counted anew
        self._own: list[int] = []  # how many of the references to each are ours
        self._ufuncs = 0  # that something has stood for

    def install(self, function: Any, arguments: Any) -> None:
        """Replace every original that the function can reach, and count one trace more."""
        with LOCK:
            self._traces += 1
            try:
                self._replace_all(function, arguments)
            except BaseException:
                self._release()
                raise

    def make_exact(self, loose: Iterable[Any]) -> None:
        """Have replacements that are in all the function itself for some that are only called like it."""
        with LOCK:
            self._make_exact(loose)

    def _make_exact(self, loose: Iterable[Any]) -> None:
        self._known = []
        exact = made_exact(loose)
        for namespace in (*self._namespaces.values(), *self._replaced):
            for name, each in namespace.replacements.items():
                if type(each) is FunctionType and each in exact:
                    namespace.replacements[name] = exact[each]
                    if namespace.names.get(name) is each:
                        namespace.names[name] = exact[each]
        self._gather()

    def _meet_imported(self) -> None:
        """Replace what a module has that the traced function imported as the first in the program: `import json`."""
        with LOCK:
            if not self._traces or _newest_module() == self._newest:
                return
            _keep_own_functions()
            if not add_imported():
                return
            self._known = []
            known = set(map(id, self._modules))
            for module in list(sys.modules.values()):
                names = own_attributes(module) if id(module) not in known else None
                if names is not None and not _OWN_BUSINESS.match(str(names.get("__name__"))):
                    self._replace(searched(Namespace(names)))

    def remove(self) -> None:
        """Count one trace less; after the last, put every original back."""
        with LOCK:
            if self._traces:  # in a forked child all is back already
                self._release()

    def put_all_back(self) -> None:
        """Put every original back, whatever traces were running: they have ended."""
        if self._traces:
            self._traces = 1
            self._release()

    def _replace_all(self, function: Any, arguments: Any) -> None:
        if self._traces == 1:
            if _newest_module() != self._newest:
                if add_imported():  # which every module that is known has not been searched for
                    self._namespaces.clear()
                self._list_modules()
            scipy = of_scipy()
            if scipy:
                scipy.methods.install()
            if list(map(len, self._contents)) != self._sizes:
                self._search_changed()
            bound = self._bound
            if bound.exchange(bound.original_values, bound.replacements):
                self._exchanged = bound
            else:
                for namespace in bound.namespaces:
                    self._replace(namespace)
                self._gather()
            self._exchange_others(following=True)
        names = getattr(function, "__globals__", None)
        if names is not None:  # searched each time: a notebook may have bound a name anew
            self._replace(searched(Namespace(names, has_caches=True)))
        found = stored.search((function, arguments), replacement_of, LOOSE)
        if found.loose:
            self._make_exact(found.loose)
            found = stored.search((function, arguments), replacement_of, LOOSE)
        if not found.methods <= self._methods:
            self._methods |= found.methods
            array_methods.exchange(found.methods, following=True)
        if len(ufunc_names.STANDING) != self._ufuncs:
            self._ufuncs, self._known = len(ufunc_names.STANDING), []
        for place in found.slots:
            self._stored.append(place)
            with suppress(Exception):  # what can't be written keeps the original: a cut, which says so
                place.exchange()

    def _exchange_others(self, *, following: bool) -> None:
        """Have what is no function in a name follow calls, or be as it was."""
        lists.exchange(looking=following)
        seeds.exchange(reading=following)
        stdlib_calls.exchange(leaving=following)
        warned.redirect(to_user=following)
        swallowed.exchange(looking=following)
        importing.exchange(self._meet_imported if following else None)
        conversions.exchange(following=following)
        for kind, name, followed, plain_method in METHODS:
            setattr(kind, name, followed if following else plain_method)

    def leave_originals(self) -> None:
        """Put the originals in place of the replacements that the program has kept, if no trace runs any more."""
        if self._had_methods:
            with searching(), LOCK:
                if not self._traces:
                    self._had_methods = False
                    array_methods.leave_plain()
        if self._are_kept():
            with searching(), LOCK:
                if self._are_kept():
                    self._leave_originals()

    def _are_kept(self) -> bool:
        """Tell whether anything has replacements but we ourselves, and no trace that runs."""
        with LOCK:
            if self._traces:
                return False
            if not self._known:
                self._count_references()
            return list(map(sys.getrefcount, self._known)) != self._own

    def _leave_originals(self) -> None:
        counts = list(map(sys.getrefcount, self._known))  # before `each` has one of its own
        kept = [each for each, now, own in zip(self._known, counts, self._own, strict=True) if now > own]
        if kept:
            held = [namespace.replacements for namespace in self._namespaces.values()]
            others = {id(each): original(each) for each in kept}
            put_in_place(
                kept, others, self._known, REPLACEMENTS, seeds.STANDING, ufunc_names.STANDING, *held
            )
            del kept, others
        self._own = list(map(sys.getrefcount, self._known))  # also of what could not be replaced

    def _count_references(self) -> None:
        """Note how often we ourselves hold each replacement."""
        # Those that are loose are only called; to count these as well, every trace would pay.
        self._known = [each for each in REPLACEMENTS.values() if type(each) is not FunctionType]
        self._known += ufunc_names.STANDING.values()
        bound = (namespace.replacements.values() for namespace in self._namespaces.values())
        held = Counter(map(id, chain(self._bound.replacing_values, *bound)))
        # The count's own, those of its list and of the table
        self._own = [3 + held[id(each)] + OF_CLASSES.get(id(each), 0) for each in self._known]

    def _release(self) -> None:
        """Count one trace less; after the last, put back whatever has been replaced, also if not all was."""
        self._traces -= 1
        if self._traces:
            return
        caches.forget()
        scipy = of_scipy()
        if scipy:
            scipy.methods.remove()
        self._exchange_others(following=False)
        if self._methods:
            # First: of an interrupt in between the methods stay followed, and the next trace puts them back
            kinds, self._methods, self._had_methods = self._methods, set(), True
            array_methods.exchange(kinds, following=False)
        bound, self._exchanged = self._exchanged, None
        if bound is not None and not bound.exchange(bound.replacing_values, bound.originals):
            self._replaced[:0] = bound.namespaces
        for namespace in self._replaced:
            names = namespace.names
            if namespace.binds(namespace.replacements):
                names.update(namespace.originals)
                continue
            for name in namespace.replacements:  # the function has bound some of them anew
                if name in names:
                    names[name] = original(names[name])
        for place in reversed(self._stored):
            with suppress(Exception):  # or the places before it would keep what they have
                place.restore()
        self._replaced.clear()
        self._stored.clear()
        if _newest_module() != self._newest:
            known = set(map(id, self._modules))
            for module in list(sys.modules.values()):
                if id(module) not in known:
                    _restore_new_module(module)

    def _list_modules(self) -> None:
        self._known = []
        _keep_own_functions()
        self._newest = _newest_module()
        self._modules = list(sys.modules.values())
        known, self._namespaces, self._changing = self._namespaces, {}, []
        for module in self._modules:
            names = own_attributes(module)  # a lazy one is not to be loaded
            if names is None or _OWN_BUSINESS.match(str(names.get("__name__"))):
                continue
            found = known.get(id(names)) or Namespace(names)
            self._namespaces[id(names)] = searched(found) if found.size != len(names) else found
            if not _is_installed(names):
                self._changing.append(found)
        self._contents = [namespace.names for namespace in self._changing]
        self._search_changed()

    def _search_changed(self) -> None:
        self._known = []
        for namespace in self._changing:
            if len(namespace.names) != namespace.size:
                searched(namespace)
        self._sizes = [namespace.size for namespace in self._changing]
        self._gather()

    def _gather(self) -> None:
        self._bound = Bound.of(self._namespaces.values())

    def _replace(self, namespace: Namespace) -> None:
        if not namespace.binds(namespace.originals):
            self._known = []
            searched(namespace)
        if namespace.originals:
            self._replaced.append(namespace)
            namespace.names.update(namespace.replacements)


def _keep_own_functions() -> None:
    """Have edgegrad's modules, of which some are imported late, call what else would ask them how to answer."""
    for name, module in sys.modules.copy().items():
        if name.startswith("tracer.") or name == "copy":
            vars(module).update(_OWN_FUNCTIONS)


def _is_installed(names: dict[str, Any]) -> bool:
    """Tell whether a module is Python's or of an installed package; what is written in C may have no file."""
    package = str(names.get("__name__")).partition(".")[0]
    if package in _WITHOUT_FILES:
        return True
    spaces = (names, own_attributes(sys.modules.get(package)) or {})
    return any(str(space.get("__file__")).startswith(_LIBRARIES) for space in spaces)


def _newest_module() -> tuple[int, Any]:
    """Return how many modules there are, and the last that was imported: its place in `sys.modules` is the last."""
    try:
        return len(sys.modules), sys.modules[next(reversed(sys.modules))]
    except (RuntimeError, KeyError):  # another thread is importing
        return 0, None


def _restore_new_module(module: Any) -> None:
    """Put the originals into a module that was imported while a trace ran and bound the replacements."""
    namespace = own_attributes(module) or {}
    for name, value in list(namespace.items()):
        if original(value) is not value:
            namespace[name] = original(value)


_installation = _Installation()
put_all_back = _installation.put_all_back


class Installed:
    """Has the replacements in place for the time of one trace, also where the arguments keep the originals."""

    __slots__ = ("_arguments", "_function")

    def __init__(self, function: Any, arguments: Any) -> None:
        self._function, self._arguments = function, arguments

    def __enter__(self) -> None:
        _installation.install(self._function, self._arguments)

    def __exit__(self, *raised: object) -> None:
        _installation.remove()


leave_originals = _installation.leave_originals


def replacement(value: Any) -> Any:
    """Return the followed version of a function passed as an argument (`f(x, math.tanh)`); else the value."""
    other = replacement_of(value)
    if type(other) is FunctionType and other in LOOSE.originals:
        _installation.make_exact([other])
        return replacement_of(value)
    return other
