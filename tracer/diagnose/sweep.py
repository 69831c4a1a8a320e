"""Run a function over many inputs, here or on any executor, and gather what their gradients show.

Inputs go in lots: one at first, then as many as take about `_SECONDS`, so that a small function isn't drowned in
messages. How many lots wait at the executor goes by how long they wait, so its size need not be known.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterable, Sized
from concurrent.futures import BrokenExecutor, CancelledError, Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

from tracer.diagnose.swept import Arguments, FindingKey, Gathered, Sweep
from tracer.errors import ProgramError, UsageError
from tracer.hook import options_of
from tracer.run import Options, is_decorated, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

_SECONDS = 0.05  # of work in a lot
_LARGEST = 512  # inputs in a lot
_UNDELIVERED = (
    BrokenExecutor, CancelledError, pickle.PicklingError, TypeError, AttributeError, ImportError,
)  # fmt: skip
"""What says that nothing reaches the workers, or comes back: no error of the function itself gets here."""
_FIRST_LOTS, _MOST_LOTS = 8, 1024  # at the executor at a time


def sweep(
    function: Callable[..., Any],
    inputs: Iterable[Arguments],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Sweep:
    """Run a function over many inputs; return how their gradients are distributed, and which inputs show findings.

    Each input is a tuple of arguments or a dict of them by name; a generator is read as the runs go on. A decorated
    function keeps its options. Without an executor the inputs are run one after another, here; the executor is any of
    `concurrent.futures`, or another one with its `submit`: `client.get_executor()` of Dask. The result is the same to
    the bit; only a function of the main program, of which Dask sends the code without its file, has its places told
    apart by the line alone. An input that fails is told of in `.failed`. `progress(done, all)` is called as inputs are
    done; `all` counts those read so far where `inputs` has no length. Raises UsageError for what is no input, or can't
    be sent to the executor's workers, and ProgramError where these end.
    """
    if not callable(function):
        raise UsageError("sweep(f, inputs) takes a function", got=f"got {function!r}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise UsageError(
            "sweep(executor=…) takes an executor of concurrent.futures",
            got=f"got {type(executor).__name__}, which has no submit",
            advice="give ProcessPoolExecutor(), ThreadPoolExecutor(), or client.get_executor() of a Dask client",
        )
    work = _Work(function)
    gathering = _Gathering(len(inputs) if isinstance(inputs, Sized) else None, progress)
    checked = _checked(inputs)
    if executor is None:
        for number, arguments in enumerate(checked):
            lot = _Lot(number, [arguments])
            gathering.take(lot, work.gather(lot))
    else:
        _Sending(executor, work, gathering).send(checked)
    return gathering.done(work.name)


class _Lot(NamedTuple):
    """Inputs that go together; the first has a number."""

    first: int
    inputs: list[Arguments]

    @property
    def last(self) -> int:
        """The number of the last."""
        return self.first + len(self.inputs) - 1


class _Work:
    """What is done with a lot. No tuple or list: executors such as Dask's look into those."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.options: Options = options_of(function)
        self.name = getattr(function, "__name__", type(function).__name__)
        # A decorated function that is not found by its name would be sent with its last trace.
        self.function: Callable[..., Any] | bytes = function
        if is_decorated(function) and not _is_found_by_name(function):
            self.function = function.__wrapped__  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Any]:
        """Send a function of a module as bytes, so that a worker that can't import it says so: Dask's would hang.

        One of the main program goes as it is: Dask sends its code by cloudpickle. Of a decorated one that would be our
        code, with what can't be sent: its own goes by cloudpickle, if Dask or somebody else has imported that.
        """
        function = self.function
        is_of_main = getattr(function, "__module__", "__main__") == "__main__"
        cloudpickle = sys.modules.get("cloudpickle")
        if not is_of_main and _is_found_by_name(function):
            function = pickle.dumps(function)
        elif is_decorated(function) and cloudpickle is not None:
            function = cloudpickle.dumps(function.__wrapped__)  # type: ignore[union-attr]
        return {**self.__dict__, "function": function}

    def gather(self, lot: _Lot) -> Gathered:
        """Run the function over the inputs of a lot."""
        gathered = Gathered()
        function = self.function
        if isinstance(function, bytes):
            function = pickle.loads(function)  # noqa: S301  (of __getstate__)
        for number, arguments in enumerate(lot.inputs, lot.first):
            args, kwargs = ((), arguments) if isinstance(arguments, dict) else (arguments, {})
            trace, error = run(function, args, kwargs, self.options)
            if error is not None and not isinstance(error, Exception | SystemExit):
                raise error  # KeyboardInterrupt: not the function's own
            gathered.add(number, trace)
        return gathered


class _Sent:
    """Work and a lot, on their way."""

    def __init__(self, work: _Work, lot: _Lot) -> None:
        self.work, self.lot = work, lot


def _gather(sent: _Sent) -> tuple[Gathered, float]:
    """Do the work at the other end; return what came out, and the seconds that it took."""
    start = time.perf_counter()
    gathered = sent.work.gather(sent.lot)
    return gathered, time.perf_counter() - start


class _Gathering:
    """What has come back so far, and the arguments of the inputs that it tells of."""

    def __init__(self, count: int | None, progress: Callable[[int, int], None] | None) -> None:
        self.gathered = Gathered()
        self._of_failed: dict[int, Arguments] = {}
        self._of_worst: dict[FindingKey, Arguments] = {}
        self._count, self._progress = count, progress

    def take(self, lot: _Lot, gathered: Gathered, read: int = 0) -> None:
        """Take in what came of a lot; `read` counts the inputs that were read so far."""
        self.gathered.merge(gathered)
        for number, _, _ in gathered.failed:
            self._of_failed[number] = lot.inputs[number - lot.first]
        for key in gathered.findings:
            at = self.gathered.findings[key].worst - lot.first
            if 0 <= at < len(lot.inputs):
                self._of_worst[key] = lot.inputs[at]
        if self._progress is not None:
            done = self.gathered.count
            self._progress(done, max(read, done) if self._count is None else self._count)

    def done(self, name: str) -> Sweep:
        """Return what came out."""
        return self.gathered.as_sweep(name, self._of_failed, self._of_worst)


class _Sending:
    """Sends lots to an executor, and takes in what comes back, in whatever order."""

    def __init__(self, executor: Executor, work: _Work, gathering: _Gathering) -> None:
        self._executor, self._work, self._gathering = executor, work, gathering
        self._done: SimpleQueue[Future[tuple[Gathered, float]]] = SimpleQueue()
        self._waiting: dict[Future[tuple[Gathered, float]], tuple[_Lot, float]] = {}
        self._seconds, self._inputs, self._read = 0.0, 0, 0

    def send(self, inputs: Iterator[Arguments]) -> None:
        """Send all inputs."""
        most = float(_FIRST_LOTS)
        try:
            while True:
                while len(self._waiting) < most and (lot := self._next(inputs)) is not None:
                    self._submit(lot)
                if not self._waiting:
                    return
                was_idle = self._receive()
                most = min(most + was_idle, _MOST_LOTS)
        finally:
            for future in self._waiting:
                future.cancel()

    def _next(self, inputs: Iterator[Arguments]) -> _Lot | None:
        """Read the inputs of a lot; None where there are no more."""
        fit = _SECONDS * self._inputs / self._seconds if self._seconds > 0 else 1
        lot = _Lot(self._read, [])
        for arguments in inputs:
            lot.inputs.append(arguments)
            if len(lot.inputs) >= min(fit, _LARGEST):
                break
        self._read += len(lot.inputs)
        return lot if lot.inputs else None

    def _submit(self, lot: _Lot) -> None:
        try:
            future = self._executor.submit(_gather, _Sent(self._work, lot))
        except Exception as error:
            raise self._undelivered(lot, error) from error
        self._waiting[future] = lot, time.perf_counter()
        future.add_done_callback(self._done.put)

    def _receive(self) -> bool:
        """Wait for a lot, and take it in; say whether it had not to wait long for its turn."""
        future = self._done.get()
        lot, start = self._waiting.pop(future)
        waited = time.perf_counter() - start
        try:
            gathered, seconds = future.result()
        except Exception as error:
            if any(isinstance(each, _UNDELIVERED) for each in (error, error.__cause__)):
                raise self._undelivered(lot, error) from error
            self._again(lot, error)
            return False
        self._seconds += seconds
        self._inputs += len(lot.inputs)
        self._gathering.take(lot, gathered, self._read)
        return waited < 2 * seconds

    def _again(self, lot: _Lot, error: BaseException) -> None:
        """Send the inputs of a lot that was lost one by one; one that is lost by itself has failed."""
        if len(lot.inputs) > 1:
            for number, arguments in enumerate(lot.inputs, lot.first):
                self._submit(_Lot(number, [arguments]))
            return
        lost = Gathered(count=1, failed=[(lot.first, f"{type(error).__name__}: {error}", None)])
        self._gathering.take(lot, lost, self._read)

    def _undelivered(self, lot: _Lot, error: BaseException) -> UsageError | ProgramError:
        """Say why a lot did not reach a worker, or why nothing came back."""
        name = self._work.name
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        if isinstance(error, BrokenExecutor | CancelledError):
            underway = [lot, *(each for each, _ in self._waiting.values())]
            return ProgramError(
                f"the executor broke down before all inputs of {name} were done",
                where=_numbered(min(each.first for each in underway), max(each.last for each in underway)),
                got=said,
                advice="a worker ends where an input takes all memory or crashes code in C (run these inputs with "
                "executor=None), and where it can't import the function: define it in a file, not at a prompt",
            )
        reason = _not_sendable(self._work.function)
        if reason:
            return UsageError(
                f"{name} can't be sent to the executor's workers",
                got=reason,
                advice="define it with `def` at the top level of a module; threads (ThreadPoolExecutor) and "
                "executor=None take any function",
            )
        for number, arguments in enumerate(lot.inputs, lot.first):
            if reason := _not_sendable(arguments):
                return UsageError(
                    f"input {number} can't be sent to the executor's workers",
                    got=reason,
                    advice="give numbers, arrays and what else pickle takes; threads (ThreadPoolExecutor) and "
                    "executor=None take anything",
                )
        return ProgramError(
            f"the executor does not run {name}",
            where=_numbered(lot.first, lot.last),
            got=said,
            advice="its workers must be able to import the module of the function, and edgegrad; is it still running?",
        )


def _numbered(first: int, last: int) -> str:
    return f"input {first}" if first == last else f"inputs {first} to {last}"


def _not_sendable(thing: Any) -> str:
    """Return why something can't be pickled; empty where it can."""
    try:
        pickle.dumps(thing)
    except Exception as error:  # noqa: BLE001  (pickle raises of any type, and so does the user's __reduce__)
        return f"{type(error).__name__}: {error}"
    return ""


def _is_found_by_name(function: Any) -> bool:
    try:
        return pickle.loads(pickle.dumps(function)) is function  # noqa: S301  (our own bytes)
    except Exception:  # noqa: BLE001  (as above)
        return False


def _checked(inputs: Iterable[Any]) -> Iterator[Arguments]:
    """Yield the inputs. Raises UsageError for one that is neither tuple nor dict of arguments."""
    if not isinstance(inputs, Iterable):
        raise UsageError(
            "sweep(f, inputs) takes many inputs",
            got=f"got {type(inputs).__name__}",
            advice="give a list or a generator of tuples of arguments",
        )
    for number, arguments in enumerate(inputs):
        is_named = isinstance(arguments, dict) and all(isinstance(name, str) for name in arguments)
        if not is_named and not isinstance(arguments, tuple):
            raise UsageError(
                f"input {number} is neither a tuple of arguments nor a dict of them by name",
                got=f"got {type(arguments).__name__}",
                advice="write ((x,) for x in xs), or ({'x': x} for x in xs)",
            )
        yield arguments
