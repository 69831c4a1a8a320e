"""@trace, record and watch: what a program says. `run.py` does the rest."""

from __future__ import annotations

import functools
import inspect
import os.path
import sys
import threading
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, Protocol, TypeVar, overload

from tracer.errors import LookupNameError, UnsupportedError, UsageError, noted
from tracer.frames import place, users
from tracer.run import Options, is_decorated, run, state, tell_lost
from tracer.signatures import any_signature_of
from tracer.standins import is_traced

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.trace import Trace

Parameters = ParamSpec("Parameters")
Result_co = TypeVar("Result_co", covariant=True)
_SUSPENDING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_DEFAULTS = Options()
_NAMES = {
    "watch": 'name it: watch=("W", "model.b")',
    "static": 'name the parameter: static=("n",)',
}


class _WithinAnother:
    """The last trace of a function whose last call was part of another trace: an earlier one would be taken for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, asked: str) -> Any:
        """Raise UnsupportedError for what a Trace has."""
        if asked.startswith("_"):
            raise AttributeError(asked)
        raise UnsupportedError(
            f"{self._name} was last called by another traced function, and is part of that trace",
            where=place(users(sys._getframe(1))),  # noqa: SLF001  (the user's)
            got=f"asked for .{asked} of {self._name}.last_trace",
            advice="in the other trace, it is a scope; for a trace of its own, call it outside of traced functions",
        )

    def __repr__(self) -> str:
        return f"<{self._name} was last called within another trace>"


class Traced(Protocol[Parameters, Result_co]):
    """A decorated function."""

    last_trace: Trace | None
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result_co:
        """Call the function and record the call."""
        ...


@overload
def trace(function: Callable[Parameters, Result_co], /) -> Traced[Parameters, Result_co]: ...
@overload
def trace(
    *,
    of: str | int | None = None,
    watch: tuple[str, ...] = (),
    static: tuple[str, ...] = (),
    strict: bool = False,
    keep: Literal["auto", "all"] = "auto",
) -> Callable[[Callable[Parameters, Result_co]], Traced[Parameters, Result_co]]: ...
def trace(
    function: Any = None,
    /,
    *,
    of: str | int | None = None,
    watch: tuple[str, ...] = (),
    static: tuple[str, ...] = (),
    strict: bool = False,
    keep: Literal["auto", "all"] = "auto",
) -> Any:
    """Record every call of a function; `function.last_trace` is the Trace of its last call, None before the first.

    A call by another traced function is part of that trace: an earlier `last_trace` raises then, asked for anything.

    `of` chooses among several outputs, `watch` names globals, closure variables and attributes (`"model.W"`) that are
    inputs too, `static` names parameters that are not traced, `strict=True` makes a cut an error, `keep="all"` keeps
    every array gradient in memory where `"auto"` recomputes those beyond a budget. What the call returns and raises
    is what it returns and raises without the decorator; what it stored is plain, also if it raised, but where code in C
    alone has it and in the frames of a traceback: values of the trace stay there. Raises TypeError for a generator or
    async function, whose body has not run when the call returns.
    """
    options = _checked(Options(of, watch, static, strict, keep))
    return (
        functools.partial(_decorate, options=options) if function is None else _decorate(function, options)
    )


def _decorate(function: Any, options: Options) -> Any:
    if type(function) in (staticmethod, classmethod):
        return type(function)(_decorate(function.__func__, options))
    if not callable(function):
        raise UsageError(
            "@trace stands before a function",
            got=f"got {function!r}",
            advice="write trace(f)(x), or record(f, x)",
        )
    refuse_unfinished(function)

    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        if state.running is not None:  # called by a traced function: one scope of that trace
            if traced.last_trace is not None:  # type: ignore[attr-defined]
                traced.last_trace = within  # type: ignore[attr-defined]
            return function(*args, **kwargs)
        finished, error = run(function, args, kwargs, options)
        traced.last_trace = finished  # type: ignore[attr-defined]
        try:
            return _finish(finished, error).result
        finally:
            del error  # as in run

    within = _WithinAnother(traced.__name__)
    traced.last_trace = None  # type: ignore[attr-defined]
    # With the wrapper itself, because functools.wraps copies attributes to what is wrapped around it.
    traced.edgegrad = (traced, options)  # type: ignore[attr-defined]
    for name in options.static:
        if name not in any_signature_of(function).parameters:
            raise LookupNameError(
                f"{function.__name__} has no parameter {name!r} to be static",
                got=f"it is {function.__name__}({', '.join(any_signature_of(function).parameters)})",
            )
    return traced


def refuse_unfinished(function: Any) -> None:
    """Refuse generators and async functions, also methods, and objects that are called as such."""
    if (
        type(function) is FunctionType
        and not function.__code__.co_flags & _SUSPENDING
        and not function.__dict__
    ):
        return  # nearly every function; inspect asks six times
    called = getattr(type(function), "__call__", None)  # noqa: B004  (what is written, not whether)
    for each in (function, called):
        if inspect.iscoroutinefunction(each):
            raise _unfinished(function, each, is_generator=False)
        if inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each):
            raise _unfinished(function, each, is_generator=True)


def _unfinished(function: Any, called: Any, *, is_generator: bool) -> UnsupportedError:
    name = getattr(function, "__qualname__", function)
    code = getattr(inspect.unwrap(called), "__code__", None)
    return UnsupportedError(
        f"{name} is {'a generator' if is_generator else 'an async'} function",
        where=f"{os.path.split(code.co_filename)[1]}:{code.co_firstlineno}" if code else "",
        got="its body has not run when the call returns, so there is no result to go back from",
        advice="trace the function that goes through what it yields"
        if is_generator
        else f"trace a function that runs it to its end: record(lambda x: asyncio.run({name}(x)), x)",
    )


def _checked(options: Options) -> Options:
    """Refuse what would otherwise be taken for something else without a word."""
    for name in ("watch", "static"):
        names = getattr(options, name)
        several = names if isinstance(names, (tuple, list, set, frozenset)) else (None,)
        if not all(isinstance(each, str) for each in several):
            raise UsageError(
                f"@trace({name}=…) takes several names",
                got=f"got {names!r}" if isinstance(names, str) else "got what is no text",
                advice=f"write {name}=({names!r},)" if isinstance(names, str) else _NAMES[name],
            )
    if options.keep not in ("auto", "all"):
        raise UsageError("@trace(keep=…) takes 'auto' or 'all'", got=f"got {options.keep!r}")
    return options


def _finish(finished: Trace, error: BaseException | None) -> Trace:
    """Return a finished trace, or raise what ended it."""
    if error is None:
        return finished
    try:
        raise error
    finally:
        del error  # as in run


def options_of(function: Any) -> Options:
    """Return what @trace was told about a function or method; the defaults where it is not decorated."""
    beneath = function.__func__ if type(function) is MethodType else function
    options: Options = getattr(beneath, "edgegrad")[1] if is_decorated(beneath) else _DEFAULTS  # noqa: B009
    return options


def record(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Trace:
    """Call a function and return the Trace of the call; a decorated function keeps its options.

    What the function raises passes through. Raises TypeError for a generator or async function, UsageError for what
    is no function.
    """
    return _finish(*started(function, args, kwargs))


def started(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Trace, BaseException | None]:
    """Do what `record` does; return the Trace, and the exception that ended the call, not raised."""
    if not callable(function):
        raise UsageError(
            "record takes a function and its arguments",
            got=f"got {type(function).__name__}",
            advice="write record(f, x)",
        )
    refuse_unfinished(function)
    return run(function, args, kwargs, options_of(function))


def watch(value: Any, name: str) -> Any:
    """Make a value that is no argument an input of the running trace, called `name`.

    In `t.grads` it comes after the parameters. Watched again under the same name, the same object is the same input.
    Outside a traced function, and for a value that is traced already, it returns the value as it is. Raises
    UsageError for a name that is taken.
    """
    running = state.running
    if running is None or (is_traced(value) and value.tape_.thread == threading.get_ident()):
        return value
    if name in running.watched and running.watched[name][0] is value:
        return running.watched[name][1]
    if name in running.structures:
        raise noted(
            UsageError(
                f"the name {name!r} is taken, by a parameter or by another watched value",
                got=f"got another value: {value!r}",
                advice="give every watched value a name of its own",
            )
        )
    caller = sys._getframe(1)  # noqa: SLF001  (for messages, and records)
    boxed, running.structures[name] = running.watcher().watch_value(value, name, caller)
    tell_lost(running.boxes, ())
    running.watched[name] = value, boxed, caller.f_code, caller.f_lineno
    return boxed
