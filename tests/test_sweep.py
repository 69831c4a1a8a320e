"""`sweep`: the same on every executor, what is told of it, and what can go wrong."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import sweep_programs
from sweep_programs import INPUTS, line_of

from tracer import sweep, trace
from tracer.diagnose import sweep as sending
from tracer.errors import ProgramError, UsageError
from viz import progress_bar


@pytest.fixture(scope="module")
def processes():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        yield executor


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(3) as executor:
        yield executor


@pytest.fixture(scope="module")
def dask():
    if not os.environ.get("CI"):  # there it has to be installed
        pytest.importorskip("distributed", reason="a Dask cluster needs: pip install 'edgegrad[dask]'")
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        yield executor


def plain(swept):
    """All that a sweep says, so that two can be compared to the bit."""
    tables = [
        (
            name,
            column.dtype.kind,
            column.shape,
            column.tobytes() if column.dtype.kind != "U" else column.tolist(),
        )
        for table in (swept.sites, swept.edges)
        for name, column in table.items()
    ]
    return str(swept), swept.count, swept.findings, swept.failed, tables, swept.edge_decades.tolist()


@pytest.mark.parametrize("kind", ["threads", "processes", "dask"])
def test_every_executor_comes_to_the_same_to_the_bit(kind, request):
    here = sweep(sweep_programs.loss, INPUTS)
    there = sweep(sweep_programs.loss, iter(INPUTS), executor=request.getfixturevalue(kind))
    assert plain(there) == plain(here)
    assert [failed.number for failed in here.failed] == [n for n, (x,) in enumerate(INPUTS) if x > 9]
    assert here.failed[1].arguments == (11.0,)
    assert here.failed[1].error == "ValueError: 11.0 is too large"
    assert here.failed[1].place == f"sweep_programs.py:{line_of('raise ValueError')}"
    (finding,) = here.findings
    assert (finding.kind, finding.severity, finding.site.text) == ("nonfinite", "error", "np.sqrt(x)")
    assert finding.inputs == (0, 12, 24, 36, 48)
    assert (finding.often, finding.worst, finding.arguments) == (5, 0, (0.0,))
    assert here.count == 60


def test_the_text_says_which_inputs_and_lists_the_inputs_gradients():
    text = str(sweep(sweep_programs.loss, INPUTS))
    assert text.startswith("loss: 60 inputs, 10 failed\n\nerror nonfinite  sweep_programs.py:")
    assert "  in 5 of 60 inputs: 0, 12, 24, 36, 48\n  input 0, (0.0): inf = 1 × inf" in text
    assert "10.0 is too large\n  in 10 of 60 inputs: 10, 11, 22, 23, 34, 35, 46, 47, …\n" in text
    assert "gradient of  count" in text
    assert str(sweep(sweep_programs.loss, [])).startswith("loss: 0 inputs, 0 failed")


def test_progress_is_told_of_every_input(threads):
    told = []
    sweep(sweep_programs.product, [(1.0,)] * 3, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    inputs = ((float(number),) for number in range(40))
    sweep(
        sweep_programs.product, inputs, executor=threads, progress=lambda done, of: told.append((done, of))
    )
    assert told == sorted(told)
    assert told[-1] == (40, 40)


def test_a_bar_shows_the_progress(monkeypatch, capsys):
    with progress_bar("sweeping") as progress:  # nobody looks
        assert progress is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress_bar("sweeping") as progress:
        sweep(sweep_programs.product, [(1.0,)], progress=progress)
    assert "sweeping" in capsys.readouterr().err


def test_a_generator_is_read_as_the_runs_go_on(threads):
    gate, read = threading.Event(), []

    def inputs():
        for number in range(10_000):
            read.append(number)
            if number == 7:  # all but the runs before would wait for each other
                gate.set()
            yield (float(number),)

    def waits(x):
        assert gate.wait(300)
        return x * x

    def stop(done, _):
        if done >= 8:
            raise _StopError

    with pytest.raises(_StopError):
        sweep(waits, inputs(), executor=threads, progress=stop)
    assert len(read) < 1_000


class _StopError(Exception):
    pass


class _Loses(Executor):
    """Runs at once, and loses every lot that holds an input that it does not like, as Dask does where workers die."""

    def __init__(self, disliked, error):
        self.disliked, self.error, self.lots = disliked, error, []

    def submit(self, function, /, sent):
        self.lots.append([arguments[0] for arguments in sent.lot.inputs])
        future = Future()
        if any(arguments[0] in self.disliked for arguments in sent.lot.inputs):
            future.set_exception(self.error)
        else:
            future.set_result(function(pickle.loads(pickle.dumps(sent))))  # noqa: S301  (our own)
        return future


def test_an_input_that_kills_its_worker_is_told_of_and_its_neighbours_are_not():
    executor = _Loses({41.0, 80.0}, RuntimeError("the worker died"))
    swept = sweep(sweep_programs.product, [(float(each),) for each in range(90)], executor=executor)
    assert swept.count == 90
    assert [(failed.number, failed.error) for failed in swept.failed] == [
        (41, "RuntimeError: the worker died"),
        (80, "RuntimeError: the worker died"),
    ]
    assert swept.failed[1].arguments == (80.0,)
    assert swept.sites["inputs"].max() == 88


def test_small_inputs_go_together(monkeypatch):
    monkeypatch.setattr(sending, "_SECONDS", 60)  # small also where the machine is busy
    executor = _Loses((), None)
    sweep(sweep_programs.product, ((float(each),) for each in range(100)), executor=executor)
    assert len(executor.lots) < 75
    assert [x for lot in executor.lots for x in lot] == list(range(100))


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_arguments_are_kept_for_what_is_told_alone():
    swept = sweep(sweep_programs.masked, [(np.array([1.0]),), (np.array([0.0, 0.0]),), (np.array([0.0]),)])
    (finding,) = swept.findings
    assert (finding.inputs, finding.worst) == ((1, 2), 1)
    np.testing.assert_equal(finding.arguments[0], np.array([0.0, 0.0]))


def test_what_has_no_gradient_or_exits_has_failed_and_the_rest_goes_on():
    swept = sweep(sweep_programs.several, [(1.0,), (2.0,)])
    assert len(swept.failed) == 2
    assert "choose one" in swept.failed[0].error
    swept = sweep(sweep_programs.says, [(1.0,)])
    assert swept.failed[0].error == "SystemExit: stopped at 1.0"
    swept = sweep(sweep_programs.product, [(1.0,), (1.0, 2.0, 3.0), {"z": 1.0}])
    assert [failed.number for failed in swept.failed] == [1, 2]
    assert "unexpected keyword argument 'z'" in swept.failed[1].error


def interrupted(_x):
    raise KeyboardInterrupt


def test_an_interrupt_ends_the_sweep():
    with pytest.raises(KeyboardInterrupt):
        sweep(interrupted, [(1.0,)])


@pytest.mark.parametrize(
    ("function", "inputs", "said"),
    [
        (3, [], "takes a function"),
        (sweep_programs.product, 3, "takes many inputs; got int"),
        (
            sweep_programs.product,
            [(1.0,), 2.0],
            "input 1 is neither a tuple of arguments nor a dict of them by name",
        ),
        (sweep_programs.product, [[1.0]], "got list; write ((x,) for x in xs)"),
        (sweep_programs.product, [{1: 2.0}], "got dict"),
    ],
)
def test_what_is_no_sweep_is_refused(function, inputs, said):
    with pytest.raises(UsageError) as raised:
        sweep(function, inputs)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "function", "arguments", "said"),
    [
        ("processes", lambda x: x, 1.0, "<lambda> can't be sent to the executor's workers; "),
        (
            "processes",
            sweep_programs.product,
            threading.Lock(),
            "input 1 can't be sent to the executor's workers; ",
        ),
        (
            "dask",
            sweep_programs.product,
            threading.Lock(),
            "input 1 can't be sent to the executor's workers; ",
        ),
    ],
)
def test_what_cannot_be_pickled_is_one_clear_error(kind, function, arguments, said, request):
    with pytest.raises(UsageError) as raised:
        sweep(function, [(1.0,), (arguments,)], executor=request.getfixturevalue(kind))
    assert said in str(raised.value)
    assert "threads (ThreadPoolExecutor) and executor=None take any" in str(raised.value)


def test_dask_takes_functions_of_the_main_program(dask, monkeypatch):
    assert sweep(lambda x: x * x, [(3.0,)], executor=dask).sites["sum"].tolist() == [6.0, 1.0]

    def here(x):
        return {"loss": x * x, "other": x}

    here.__module__, here.__qualname__ = "__main__", "here"
    decorated = trace(of="loss")(here)
    decorated(2.0)
    monkeypatch.setattr(sys.modules["__main__"], "here", decorated, raising=False)
    assert sweep(decorated, [(3.0,)], executor=dask).sites["sum"].tolist() == [6.0, 1.0]


def test_a_decorated_function_keeps_its_options(processes):
    swept = sweep(sweep_programs.chosen, [(3.0,)], executor=processes)
    assert swept.failed == ()
    assert swept.sites["sum"][0] == 6.0


def test_a_pool_that_breaks_down_says_where():
    context = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=context) as executor,
        pytest.raises(
            ProgramError, match=r"broke down before all inputs of ends were done; at inputs 3 to 5; "
        ),
    ):
        sweep(sweep_programs.ends, [(float(x),) for x in range(6)], executor=executor)


def test_a_function_that_the_workers_cannot_import_is_one_clear_error(dask, tmp_path, monkeypatch):
    Path(tmp_path, "only_here.py").write_text("def f(x):\n    return x * x\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here

    with pytest.raises(ProgramError) as raised:
        sweep(only_here.f, [(1.0,)], executor=dask)
    assert "its workers must be able to import the module of the function" in str(raised.value)
    assert sweep(only_here.f, [(1.0,)]).failed == ()


def test_an_executor_that_was_shut_down_or_is_none():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(ProgramError, match="cannot schedule new futures after shutdown"):
        sweep(sweep_programs.product, INPUTS, executor=executor)
    with pytest.raises(UsageError, match="got str, which has no submit"):
        sweep(sweep_programs.product, INPUTS, executor="threads")


def test_what_is_shown_of_arguments_is_short():
    class Rude:
        def __repr__(self):
            raise ValueError

    inputs = [(np.zeros(1000), "x" * 500, list(range(100)), Rude(), np.float64(2.0))]
    (line,) = [
        line for line in str(sweep(sweep_programs.several, inputs)).splitlines() if "  input 0" in line
    ]
    assert "array (1000,)" in line
    assert len(line) < 230


def test_numbers_of_inputs_are_listed_to_a_limit():
    swept = sweep(sweep_programs.logarithm, itertools.repeat((0.0,), 12))
    assert "in 12 of 12 inputs: 0, 1, 2, 3, 4, 5, 6, 7, …" in str(swept)
