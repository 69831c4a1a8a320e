"""Lists of traced numbers handed straight to NumPy: `np.mean(losses)`, `np.dot([x, y], [1.0, 2.0])`.

NumPy offers a call to those of its arguments that want it (`__array_function__`), and does not look into lists. Which
arguments it asks, a function's dispatcher tells: a small Python function inside of NumPy. While a trace runs, the
dispatchers have another code, which also names a traced value that it finds in a list, or somebody who answers for an
object that NumPy would make an array of (`array_likes.py`). So a NumPy function is followed by whatever name the
program reaches it, no name is replaced, and a call without lists pays a tenth of a microsecond. Where a dispatcher is
not found, a list is a cut, which says so. Ufuncs are followed by `array_methods.py` and `ufunc_names.py`.
"""

from __future__ import annotations

import functools
import gc
import re
import sys
from collections import deque
from itertools import chain, repeat
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer.array_likes import USUAL, may_hold_traced
from tracer.standins import traced_in
from tracer.tape import innermost

if TYPE_CHECKING:
    from collections.abc import Iterator

# NumPy's habit; of functions written in C it keeps them in no name
_NAME = re.compile(r"_\w+_dispatch(er)?\w*")
_IN_C = "numpy._core.multiarray"  # the module of those
_VARIABLE, _GENERATOR = 0x0C, 0x20  # inspect.CO_VARARGS | CO_VARKEYWORDS, CO_GENERATOR
_TEXT = """
def dispatcher({parameters}):
    _type = "type"; _list = "list"; _usual = "usual"; _own = "own"
    relevant = {call}
    for item in relevant:
        if _type(item) not in _usual:
            _look = "look"
            relevant = _look(relevant)
            break
    {ask_first}
    {answer} relevant
"""
# What a reduction starts from, which NumPy does not ask: np.sum(X, initial=x)
_ASK_FIRST = "if {first} is not None: relevant = (*relevant, {first})"


def exchange(*, looking: bool) -> None:
    """Have NumPy look for traced values in lists, or no more."""
    found = _dispatchers()
    codes = found.looking if looking else found.originals
    # At the speed of C: every trace pays for it
    deque(map(setattr, found.functions, repeat("__code__"), codes), maxlen=0)


class _Dispatchers(NamedTuple):
    """NumPy's dispatchers, the code of each, and the one that looks into lists."""

    functions: list[FunctionType]
    originals: list[CodeType]
    looking: list[CodeType]


@functools.cache
def _dispatchers() -> _Dispatchers:
    found = [each for each in _found() if not each.__closure__]
    return _Dispatchers(found, [each.__code__ for each in found], list(map(_looking, found)))


def _found() -> Iterator[FunctionType]:
    public = chain.from_iterable(vars(package).values() for package in (np, np.linalg, np.fft))
    implementations = [getattr(value, "_implementation", None) for value in public]
    modules = {
        id(names): names for each in implementations if (names := getattr(each, "__globals__", None))
    }
    for names in modules.values():
        for name, value in names.items():
            if type(value) is FunctionType and value.__globals__ is names and _NAME.fullmatch(name):
                yield value
    in_c = vars(sys.modules[_IN_C]) if _IN_C in sys.modules else {}
    functions = {getattr(each, "__name__", "") for each in implementations}
    for value in gc.get_referrers(in_c):
        if type(value) is FunctionType and value.__name__ in functions:
            yield value


def _looking(dispatcher: FunctionType) -> CodeType:
    """Return a code for the dispatcher that asks for the same arguments, and for a traced value in their lists."""
    code = dispatcher.__code__
    own = FunctionType(code, dispatcher.__globals__, dispatcher.__name__, dispatcher.__defaults__)
    own.__kwdefaults__ = dispatcher.__kwdefaults__
    places, keywords = code.co_argcount, code.co_kwonlyargcount
    if code.co_flags & _VARIABLE:
        places = keywords = -1
    else:
        # Keywords are passed on by place: a plain call is the cheapest.
        own.__code__ = code.replace(co_argcount=places + keywords, co_kwonlyargcount=0)
        own.__defaults__ = own.__kwdefaults__ = None
    names = code.co_varnames[: max(places + keywords, 0)]
    first = names.index("initial") if "initial" in names else None
    template = _template(places, keywords, first, is_generator=bool(code.co_flags & _GENERATOR))
    # A function keeps its globals, which are NumPy's: what the code needs, it holds as its constants.
    constants = {
        "own": own,
        "look": _with_traced,
        "type": type,
        "list": list,
        "usual": frozenset(USUAL),
    }
    return template.replace(
        co_consts=tuple(constants.get(each, each) for each in template.co_consts),
        co_varnames=names + template.co_varnames[len(names) :],
        co_posonlyargcount=code.co_posonlyargcount,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
    )


@functools.cache
def _template(places: int, keywords: int, first: int | None, *, is_generator: bool) -> CodeType:
    """Compile the code for so many parameters, one what a reduction starts from; below zero, for any."""
    names = [f"parameter{number}" for number in range(places + keywords)]
    parameters = [*names[:places], *(["*"] if keywords else []), *names[places:]]
    passed = names
    if places < 0:
        parameters = passed = ["*args", "**options"]
    call = f"_own({', '.join(passed)})"
    answer = "return"
    if is_generator:  # a function can't be given code of another kind
        answer, call = "yield from", f"_list({call})"
    ask_first = "" if first is None else _ASK_FIRST.format(first=names[first])
    text = _TEXT.format(parameters=", ".join(parameters), call=call, answer=answer, ask_first=ask_first)
    space: dict[str, Any] = {}
    exec(compile(text, __file__, "exec"), space)  # noqa: S102  (our own text, as dataclasses does)
    code: CodeType = space["dispatcher"].__code__
    return code


def _with_traced(relevant: Any) -> Any:
    """Return the arguments that NumPy asks, and one more for which we answer if a traced value is in any of them."""
    lists = [item for item in relevant if type(item) is list or type(item) is tuple]
    found = next(chain.from_iterable(map(traced_in, lists)), None)
    if found is not None:
        return (*relevant, found)
    others = [item for item in relevant if type(item) not in USUAL]
    return (
        (*relevant, _ASKING) if any(map(may_hold_traced, others)) and innermost() is not None else relevant
    )


class _Asking:
    """Answers a call of objects that NumPy would make arrays of."""

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        from tracer.mutation import call_any  # noqa: PLC0415  (which is made of rooms that import this one)

        frame, name = sys._getframe(1), function.__name__  # noqa: SLF001  (the user's)
        # NumPy leaves it to the class of such an argument
        if any(type(each) not in USUAL and hasattr(type(each), name) for each in args):
            return function._implementation(*args, **options)  # noqa: SLF001
        return call_any(function, args, options, frame)


_ASKING = _Asking()
