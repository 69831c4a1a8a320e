"""One call under a trace: box the arguments, run, unbox the result, restore everything, also on error."""

from __future__ import annotations

import sys
import threading
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from tracer.arguments import box_arguments
from tracer.boxing import Boxes
from tracer.errors import refusals
from tracer.forks import stay_plain
from tracer.frames import raised_at
from tracer.freezing import freeze
from tracer.leftovers import leave_plain, meet_left
from tracer.memory import is_lent, laid_out_copy
from tracer.other_threads import told_elsewhere
from tracer.patches import Installed, leave_originals, replacement
from tracer.recording import Output, Recording
from tracer.standins import is_traced, plain
from tracer.structures import Structure, leaves
from tracer.tape import WIDTH, Tape
from tracer.trace import Run, Trace
from tracer.turns import BusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import CodeType, FrameType

    from tracer.first_writes import FirstWrites
    from tracer.held_before import Held
    from tracer.watching import Watcher


class Options(NamedTuple):
    """What @trace was told."""

    of: str | int | None = None
    watch: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    strict: bool = False
    keep: Literal["auto", "all"] = "auto"


class _Running:
    """The trace that is running in this thread."""

    __slots__ = ("_given", "_names", "_watcher", "_writes", "boxes", "function", "structures", "watched")

    def __init__(self, function: Any, boxes: Boxes, names: tuple[str, ...], given: tuple[Any, Any]) -> None:
        self.boxes = boxes
        self._given = given  # the tuple and the dict of arguments, of the caller's
        self.structures: dict[str, Structure] = {}
        # By name: the value, its stand-in, and where
        self.watched: dict[str, tuple[Any, Any, CodeType, int]] = {}
        self.function, self._names = function, names
        self._watcher: Watcher | None = None
        self._writes: FirstWrites | None = None
        if names:
            self.watcher()  # which is not to be imported while functions are replaced

    def watcher(self) -> Watcher:
        """Return what watches for this trace; few have one, and importing does not wait for it."""
        if self._watcher is None:
            from tracer.watching import Watcher  # noqa: PLC0415  (as above)

            self._watcher = Watcher(self.function, self.boxes)
        return self._watcher

    def begin(self, arguments: dict[str, Any]) -> None:
        """Put stand-ins where what is to be watched is bound; warn of what holds floats and is not traced."""
        if self._names:
            self.watcher().watch_names(self._names, arguments, self.structures)
        tell_lost(self.boxes, arguments)

    def lender_of(self, argument: Any, frame: FrameType) -> tuple[Any, np.ndarray[Any, Any]] | None:
        """See Tape."""
        if self._writes is None:
            from tracer.first_writes import FirstWrites  # noqa: PLC0415  (few programs write into their arguments)

            self._writes = FirstWrites(self.boxes, self._given, self.watcher())
        return self._writes.lender_of(argument, frame)

    def held(self) -> Held:
        """See Tape."""
        from tracer.held_before import Held  # noqa: PLC0415  (many programs have no cut)

        own = {id(array) for _, array, _ in self.boxes.entries}
        return Held(self.boxes.tape, self.function, self._given, own)

    def give_up(self) -> None:
        """See Tape."""
        self.boxes.give_up()

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
        try:
            self._call()
        except KeyboardInterrupt:  # which the user sees when all is as it was
            self._call()
            raise


class _ThreadState(threading.local):
    running: _Running | None = None


state = _ThreadState()
stay_plain(lambda: setattr(state, "running", None))


def is_decorated(function: Any) -> bool:
    """Tell whether a function is one that @trace returned."""
    return getattr(function, "edgegrad", (None,))[0] is function


def run(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
) -> tuple[Trace, BaseException | None]:
    """Run a function under a trace of its own; return the Trace, and the exception that ended it, not raised."""
    function, given = replacement(_undecorated(function)), (args, kwargs)
    tape = Tape(strict=options.strict)
    boxes = Boxes(tape)
    running = tape.running = _Running(function, boxes, options.watch, given)
    outer, state.running = state.running, running
    outputs: list[Output] = []
    result: Any = None
    named: dict[str, Any] = {}
    error: BaseException | None = None
    busy: BusyError | None = None
    outer_refusal, refusals.first = refusals.first, None
    try:
        with _AtEnd(running.end), _AtEnd(boxes.write_back), _AtEnd(tape.close):
            args, kwargs, named = box_arguments(
                function, args, kwargs, options.static, boxes, running.structures
            )
            with Installed(function, (args, *kwargs.values())), _AtEnd(running.restore):
                running.begin(named)
                tape.start(sys._getframe(), _code_of(function))  # noqa: SLF001  (the root of the scopes)
                result = function(*args, **kwargs)
                outputs = _outputs(result, boxes)
                boxes.refuse_second_ways(_code_of(function))
        result = boxes.unbox(result)
    except BusyError as raised:
        busy = raised.with_traceback(None)  # whose frames hold values of the other trace
    except BaseException as raised:  # noqa: BLE001  (handed on unchanged by whoever called)
        from tracer.misunderstood import as_told  # noqa: PLC0415  (few programs fail)

        error = as_told(raised, boxes)
        tape.close()
    finally:
        state.running = outer
        # What the function or NumPy caught itself: it went on as the plain program would not, so neither its result
        # nor the error that came of it is to be had.
        if error is None or isinstance(error, Exception):
            error = tape.refused or refusals.first or error
        refusals.first, tape.refused = outer_refusal, None
    if busy is not None:  # the function has not been called yet
        with busy.turn():
            return run(function, *given, options)
    error = error or meet_left(tape) or told_elsewhere(tape) or boxes.told_second_ways(function)
    recording, error = _recording_of(tape, outputs, (function, *given), error, running)
    ended = f"{type(error).__name__}: {error}".removesuffix(": ") if error is not None else None
    made = Run(
        getattr(function, "__name__", type(function).__name__),
        recording,
        running.structures,
        result,
        ended,
        keep=options.keep,
        untraced=boxes.untraced,
        warned=tuple(tape.given),
        failed=raised_at(error),
    )
    arrays, only_read, plain_arrays = boxes.arrays, boxes.only_read(), boxes.plain_arrays
    # What they hold is no leftover of the program's.
    del boxes, running, args, kwargs, named, given, function, result
    leave_plain(tape, arrays, only_read, plain_arrays, error)
    if error is None:  # whose frames would keep some, so that every failed run would be searched for
        leave_originals()
    try:
        return Trace(made, options.of), error
    finally:
        del error  # or its traceback and this frame would keep each other alive


def _code_of(function: Any) -> CodeType:
    """Return the code of a function or of a method; of what has none, that of the caller."""
    beneath = function if hasattr(function, "__code__") else getattr(function, "__func__", None)
    code: CodeType = getattr(beneath, "__code__", run.__code__)
    return code


def _undecorated(function: Any) -> Any:
    """Return the function beneath our own decorator; of a bound method, the method beneath it."""
    if type(function) is MethodType:
        return MethodType(_undecorated(function.__func__), function.__self__)
    while is_decorated(function):
        function = function.__wrapped__
    return function


def tell_lost(boxes: Boxes, parameters: Collection[str]) -> None:
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
    known = None if tape.held is None else tape.held.known()
    recording = freeze(tape)
    recording.outputs = [_at_row(output) for output in outputs]
    if error is None and running.watched:
        from tracer.untraced import tell_unused  # noqa: PLC0415  (few traces watch anything so)

        error = tell_unused(running.watched, running.structures, recording, tape)
    if error is None and tape.left:
        from tracer import came_back  # noqa: PLC0415  (many programs have no cut)

        error = came_back.told(tape, recording, known or set())
    tape.held = None  # which knows the tape
    if tape.untold:
        from tracer import came_back  # noqa: PLC0415  (as above)

        came_back.mark(recording, tape.untold)
    followed = [position // WIDTH for position in tape.followed]
    if tape.texts:
        from tracer import texts_back  # noqa: PLC0415  (most programs write nothing)

        recording, followed, read_back = texts_back.with_cuts(tape, recording, followed, given)
        error = error or texts_back.told(tape, read_back)
    if followed:
        from tracer.unread import without_unread  # noqa: PLC0415  (few programs write into arrays)

        recording = without_unread(recording, followed)
    return recording, error


def _outputs(result: Any, boxes: Boxes) -> list[Output]:
    found, tape = list(leaves(result)), boxes.tape
    return [
        Output(path, item.id_ if is_traced(item) and item.tape_ is tape else -1, _as_it_is(plain(item)))
        for path, item in found
    ]


def _as_it_is(value: Any) -> Any:
    """Return a value, copied where the program will write into its memory: a trace tells what was."""
    return laid_out_copy(value) if type(value) is np.ndarray and is_lent(value) else value


def _at_row(output: Output) -> Output:
    """Return the output with its record numbered by row instead of by its position on the tape."""
    return Output(output.path, output.row // WIDTH if output.row >= 0 else -1, output.value)
