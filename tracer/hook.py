"""@trace, record and watch: box the arguments, run, unbox the result, restore everything, also on error."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from tracer.arguments import box_arguments
from tracer.boxing import Boxes
from tracer.errors import LookupNameError, UnsupportedError, UsageError, refusals
from tracer.forks import stay_plain
from tracer.frames import raised_at
from tracer.freezing import freeze
from tracer.leftovers import leave_plain, meet_left
from tracer.patches import Installed, leave_originals, replacement
from tracer.recording import Output, Recording
from tracer.signatures import any_signature_of
from tracer.standins import is_traced, plain
from tracer.structures import Structure, leaves
from tracer.tape import WIDTH, Tape
from tracer.trace import Run, Trace
from tracer.turns import BusyError
from tracer.unread import without_unread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import CodeType

    from tracer.watching import Watcher

Parameters = ParamSpec("Parameters")
Result_co = TypeVar("Result_co", covariant=True)
_SUSPENDING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Options(NamedTuple):
    """What @trace was told."""

    of: str | int | None = None
    watch: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    strict: bool = False
    keep: Literal["auto", "all"] = "auto"


_DEFAULTS = Options()


class _Running:
    """The trace that is running in this thread."""

    __slots__ = ("_function", "_names", "_watcher", "boxes", "structures", "watched")

    def __init__(self, function: Any, boxes: Boxes, names: tuple[str, ...]) -> None:
        self.boxes = boxes
        self.structures: dict[str, Structure] = {}
        # By name: the value, its stand-in, and where
        self.watched: dict[str, tuple[Any, Any, CodeType, int]] = {}
        self._function, self._names = function, names
        self._watcher: Watcher | None = None
        if names:
            self.watcher()  # which is not to be imported while functions are replaced

    def watcher(self) -> Watcher:
        """Return what watches for this trace; few have one, and importing does not wait for it."""
        if self._watcher is None:
            from tracer.watching import Watcher  # noqa: PLC0415  (as above)

            self._watcher = Watcher(self._function, self.boxes)
        return self._watcher

    def watch_names(self, arguments: dict[str, Any]) -> None:
        """Put stand-ins where what the trace was told to watch is bound."""
        if self._names:
            self.watcher().watch_names(self._names, arguments, self.structures)

    def restore(self) -> None:
        """Put plain values back where they are watched."""
        if self._watcher is not None:
            self._watcher.restore()

    def end(self) -> None:
        """Let other traces look there."""
        if self._watcher is not None:
            self._watcher.end()


class _AtEnd:
    """What is called at the end of a block, however that ends; contextlib.ExitStack takes three times as long."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *raised: object) -> None:
        self._call()


class _ThreadState(threading.local):
    running: _Running | None = None


_state = _ThreadState()
stay_plain(lambda: setattr(_state, "running", None))


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
    """Record every call of a function; `function.last_trace` is the Trace of its last call.

    `of` chooses among several outputs, `watch` names globals, closure variables and attributes (`"model.W"`) that are
    inputs too, `static` names parameters that are not traced, `strict=True` makes a cut an error, `keep="all"` keeps
    every array gradient in memory where `"auto"` recomputes those beyond a budget. What the call returns and raises
    is what it returns and raises without the decorator; what it stored is plain, but in a suspended generator or
    iterator, a context variable, a traceback or an array of objects, where values of the trace stay. Raises TypeError
    for a generator or async function, whose body has not run when the call returns.
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
    _refuse_unfinished(function)

    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        if _state.running is not None:  # called by a traced function: one scope of that trace
            return function(*args, **kwargs)
        finished, error = run(function, args, kwargs, options)
        traced.last_trace = finished  # type: ignore[attr-defined]
        try:
            return _finish(finished, error).result
        finally:
            del error  # as in run

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


def _refuse_unfinished(function: Any) -> None:
    """Refuse generators and async functions, also methods, and objects that are called as such."""
    if (
        type(function) is FunctionType
        and not function.__code__.co_flags & _SUSPENDING
        and not function.__dict__
    ):
        return  # nearly every function; inspect asks six times
    called = getattr(type(function), "__call__", None)  # noqa: B004  (what is written, not whether)
    for each in (function, called):
        if any(
            is_unfinished(each)
            for is_unfinished in (
                inspect.isgeneratorfunction,
                inspect.iscoroutinefunction,
                inspect.isasyncgenfunction,
            )
        ):
            raise UnsupportedError(
                f"{getattr(function, '__qualname__', function)} is a generator or async function",
                got="its body has not run when the call returns, so there is no result to go back from",
                advice="put @trace on the function that consumes it",
            )


def _checked(options: Options) -> Options:
    """Refuse what would otherwise be taken for something else without a word."""
    for name in ("watch", "static"):
        names = getattr(options, name)
        if isinstance(names, str) or not all(isinstance(each, str) for each in names):
            raise UsageError(
                f"@trace({name}=…) takes several names",
                got=f"got {names!r}",
                advice=f"write {name}=({names!r},)",
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


def is_decorated(function: Any) -> bool:
    """Tell whether a function is one that @trace returned."""
    return getattr(function, "edgegrad", (None,))[0] is function


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
    _refuse_unfinished(function)
    return run(function, args, kwargs, options_of(function))


def watch(value: Any, name: str) -> Any:
    """Make a value that is no argument an input of the running trace, called `name`.

    In `t.grads` it comes after the parameters. Watched again under the same name, the same object is the same input.
    Outside a traced function, and for a value that is traced already, it returns the value as it is. Raises
    UsageError for a name that is taken.
    """
    running = _state.running
    if running is None or (is_traced(value) and value.tape_.thread == threading.get_ident()):
        return value
    if name in running.watched and running.watched[name][0] is value:
        return running.watched[name][1]
    if name in running.structures:
        raise UsageError(
            f"the name {name!r} is taken, by a parameter or by another watched value",
            got=f"got another value: {value!r}",
            advice="give every watched value a name of its own",
        )
    boxed, running.structures[name] = running.watcher().watch_value(value, name)
    _tell_lost(running.boxes, ())
    caller = sys._getframe(1)  # noqa: SLF001  (for a message)
    running.watched[name] = value, boxed, caller.f_code, caller.f_lineno
    return boxed


def run(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
) -> tuple[Trace, BaseException | None]:
    """Run a function under a trace of its own; return the Trace, and the exception that ended it, not raised."""
    function, given = replacement(_undecorated(function)), (args, kwargs)
    tape = Tape(strict=options.strict)
    boxes = Boxes(tape)
    running = _Running(function, boxes, options.watch)
    outer, _state.running = _state.running, running
    outputs: list[Output] = []
    result: Any = None
    named: dict[str, Any] = {}
    error: BaseException | None = None
    busy: BusyError | None = None
    outer_refusal, refusals.first = refusals.first, None
    try:
        args, kwargs, named = box_arguments(
            function, args, kwargs, options.static, boxes, running.structures
        )
        with (
            _AtEnd(running.end),
            _AtEnd(boxes.write_back),
            _AtEnd(tape.close),
            Installed(function, (args, *kwargs.values())),
            _AtEnd(running.restore),
        ):
            running.watch_names(named)
            _tell_lost(boxes, named)
            code = getattr(function, "__code__", None) or getattr(
                getattr(function, "__func__", None), "__code__", None
            )
            tape.start(sys._getframe(), code or run.__code__)  # noqa: SLF001  (the root of the scopes)
            result = function(*args, **kwargs)
            outputs = _outputs(result, boxes)
        result = boxes.unbox(result)
    except BusyError as raised:
        busy = raised.with_traceback(None)  # whose frames hold values of the other trace
    except BaseException as raised:  # noqa: BLE001  (handed on unchanged by whoever called)
        from tracer.misunderstood import as_told  # noqa: PLC0415  (few programs fail)

        error = as_told(raised, boxes)
        tape.close()
    finally:
        _state.running = outer
        # What the function or NumPy caught itself: it went on as the plain program would not, so neither its result
        # nor the error that came of it is to be had.
        if error is None or isinstance(error, Exception):
            error = refusals.first or tape.refused or error
        refusals.first, tape.refused = outer_refusal, None
    if busy is not None:  # the function has not been called yet
        with busy.turn():
            return run(function, *given, options)
    error = error or meet_left(tape) or tape.told_elsewhere()
    recording, error = _recording_of(tape, outputs, given, error, running)
    ended = f"{type(error).__name__}: {error}".removesuffix(": ") if error is not None else None
    made = Run(
        getattr(function, "__name__", type(function).__name__),
        recording,
        running.structures,
        result,
        ended,
        keep=options.keep,
        untraced=boxes.untraced,
        failed=raised_at(error),
    )
    arrays = boxes.arrays
    # What they hold is no leftover of the program's.
    del boxes, running, args, kwargs, named, given, function
    # After a failure the traceback holds stand-ins: every failed run would be searched for.
    if error is None or tape.has_adopted:
        leave_plain(tape, arrays)
        leave_originals()
    try:
        return Trace(made, options.of), error
    finally:
        del error  # or its traceback and this frame would keep each other alive


def _undecorated(function: Any) -> Any:
    """Return the function beneath our own decorator; of a bound method, the method beneath it."""
    if type(function) is MethodType:
        return MethodType(_undecorated(function.__func__), function.__self__)
    while is_decorated(function):
        function = function.__wrapped__
    return function


def _tell_lost(boxes: Boxes, parameters: Collection[str]) -> None:
    """Warn of what the call was given, or watches, that holds floats and is not traced."""
    if boxes.lost:
        from tracer.untraced import tell  # noqa: PLC0415  (few calls are given any)

        tell(boxes.lost, parameters, boxes.tape)


def _recording_of(
    tape: Tape, outputs: list[Output], given: Any, error: BaseException | None, running: _Running
) -> tuple[Recording, BaseException | None]:
    """Return what a closed tape holds, frozen; and what ended the run, which may be text that was read back.

    Says what a run that is finished has watched, and not used.
    """
    recording = freeze(tape)
    recording.outputs = [_at_row(output) for output in outputs]
    if error is None and running.watched:
        from tracer.untraced import tell_unused  # noqa: PLC0415  (few traces watch anything so)

        error = tell_unused(running.watched, running.structures, recording, tape)
    followed = [position // WIDTH for position in tape.followed]
    if tape.texts:
        from tracer import texts_back  # noqa: PLC0415  (most programs write nothing)

        recording, followed, read_back = texts_back.with_cuts(tape, recording, followed, given)
        error = error or texts_back.told(tape, read_back)
    return without_unread(recording, followed), error


def _outputs(result: Any, boxes: Boxes) -> list[Output]:
    found, tape = list(leaves(result)), boxes.tape
    boxes.note_outputs(found)
    return [
        Output(path, item.id_ if is_traced(item) and item.tape_ is tape else -1, plain(item))
        for path, item in found
    ]


def _at_row(output: Output) -> Output:
    """Return the output with its record numbered by row instead of by its position on the tape."""
    return Output(output.path, output.row // WIDTH if output.row >= 0 else -1, output.value)
