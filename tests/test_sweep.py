"""`sweep`: the same on every executor, tables against a plain count of every edge, and what can go wrong."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import pickle
import random
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sweep_programs
from sweep_programs import INPUTS

from tracer import record, sweep, trace
from tracer.diagnose.distribution import Exact, exact
from tracer.errors import ProgramError, UsageError
from viz import progress_bar

COLUMNS = ("file", "line", "column", "end_line", "end_column", "op", "port", "name")


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
    assert here.failed[1].place == f"sweep_programs.py:{_line('raise ValueError')}"
    (finding,) = here.findings
    assert (finding.kind, finding.severity, finding.site.text) == ("nonfinite", "error", "np.sqrt(x)")
    assert finding.inputs == (0, 12, 24, 36, 48)
    assert (finding.often, finding.worst, finding.arguments) == (5, 0, (0.0,))
    assert here.count == 60


def _line(code):
    lines = Path(sweep_programs.__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if code in line)


def elements(gradient):
    values = np.asarray(gradient).ravel()
    return (np.abs(values) if values.dtype.kind == "c" else values).tolist()


def key_of(site, op, port, name):
    if site is None:
        return "", 0, -1, 0, -1, op, port, name
    return site.file, site.line, site.column, site.end_line, site.end_column, op, port, name


def counted(traces):
    """By key, the gradients of all values and of all uses, one by one from the views."""
    sites, edges = {}, {}
    for run in traces:
        for node in run.nodes:
            if node.kind in ("input", "function"):
                name = node.name if node.kind == "input" else None
                key = key_of(node.site, node.op, -1, name)
                sites.setdefault(key[:-1] if name is None else key, []).extend(elements(node.grad))
        for edge in run.edges:
            node = edge.dst
            if node.kind == "function":
                edges.setdefault(key_of(node.site, node.op, edge.port, None)[:-1], []).extend(
                    elements(edge.grad)
                )
    return sites, edges


PROGRAMS = [
    ("product", [(2.0, 3.0), (-1e200, 1e-200), (0.0, 0.0), (math.inf, 2.0)]),
    ("product", [{"x": 3.0}, {"x": 4.0, "y": 1e300}]),
    ("sums", [(np.arange(6.0).reshape(2, 3), np.array([1.0, -2.0, 1e-7])), (np.ones((2, 3)), 5.0)]),
    ("listed", [([1.0, 2.0], 3.0), ([1.0, 2.0, 4.0], 3.0)]),
    ("idle", [(np.arange(5.0),), (np.arange(2.0),)]),
    ("size", [(3 + 4j,), (0.5j,)]),
    ("loop", [(1.0, 2), (2.0, 5), (2.0, 0)]),
    ("masked", [(np.array([2.0, 0.0, 5.0]),), (np.array([1.0]),)]),
    ("chosen", [(2.0,), (3.0,)]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("together", [1, 1 << 16])
@pytest.mark.parametrize(("name", "inputs"), PROGRAMS)
def test_the_tables_count_every_gradient(name, inputs, together, monkeypatch):
    monkeypatch.setattr("tracer.diagnose.distribution._TOGETHER", together)
    function = getattr(sweep_programs, name)
    swept = sweep(function, inputs)
    assert swept.failed == ()
    traces = [
        record(function, **each) if isinstance(each, dict) else record(function, *each) for each in inputs
    ]
    sites, edges = counted(traces)
    for table, expected, decades in (
        (swept.sites, sites, swept.site_decades),
        (swept.edges, edges, swept.edge_decades),
    ):
        lines = [line for line, op in enumerate(table["op"]) if op != "broadcast"]
        assert len(lines) == len(expected)
        for line in lines:
            key = tuple(table[column][line] for column in COLUMNS)
            values = expected.get(key) or expected[key[:-1]]
            finite = [value for value in values if math.isfinite(value)]
            assert table["count"][line] == len(values)
            assert table["zeros"][line] == values.count(0.0)
            assert table["not_finite"][line] == len(values) - len(finite)
            bounds = (min(finite), max(finite)) if finite else (math.nan, math.nan)
            np.testing.assert_equal((table["min"][line], table["max"][line]), bounds)
            exact_sum = float(sum(map(Fraction, finite)))
            assert table["sum"][line] == pytest.approx(exact_sum, rel=1e-12, abs=1e-12 * len(values))
            if finite:
                root = math.hypot(*finite) / math.sqrt(len(finite))
                assert table["rms"][line] == pytest.approx(root, rel=1e-12)
            for decade, count in zip(decades, table["histogram"][line], strict=True):
                low, high = float(f"1e{decade}"), float(f"1e{decade + 1}") if decade < 308 else math.inf
                assert count == sum(low <= abs(value) < high for value in finite if value)


def test_a_use_is_named_by_its_variable_and_a_broadcast_is_a_use():
    swept = sweep(sweep_programs.sums, [(np.ones((2, 3)), np.ones(3))])
    (line,) = np.flatnonzero(swept.edges["op"] == "broadcast")
    assert (swept.edges["name"][line], swept.edges["port"][line]) == ("scale", 1)
    assert (swept.edges["count"][line], swept.edges["sum"][line]) == (3, 6.0)
    swept = sweep(sweep_programs.listed, [([1.0, 2.0], 3.0)])
    of_product = swept.edges["op"] == "multiply"
    assert swept.edges["name"][of_product].tolist() == ["xs[…]", "w"]
    assert swept.edges["edges"][of_product].tolist() == [2, 2]


def test_sums_are_exact_and_rounded_once():
    numbers = [1e308, 1e308, 1.0, 1e-320, -1e308, -1e308, 3.0**-7]
    draw = random.Random(1)  # noqa: S311  (no secret)
    for _ in range(20):
        draw.shuffle(numbers)
        cut = draw.randrange(len(numbers))
        parts = [Exact(), Exact()]
        for at, number in enumerate(numbers):
            parts[at > cut] = parts[at > cut].plus(exact(number, 0))
        total = parts[0].plus(parts[1])
        assert total.over(1) == float(sum(map(Fraction, numbers)))
        assert total.over(3) == float(sum(map(Fraction, numbers)) / 3)
    assert exact(1e308, 5).over(1) == math.inf
    assert exact(-1e308, 5).over(1) == -math.inf
    assert exact(1e200, 664).root_over(1) == pytest.approx(1e100 * 2.0**332)
    assert exact(9e-300, -666).root_over(4) == pytest.approx(1.5e-150 * 2.0**-333)
    assert Exact().root_over(7) == 0.0


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
        assert gate.wait(30)
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


def test_small_inputs_go_together():
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


def test_parquet_has_the_same_columns(tmp_path):
    if not os.environ.get("CI"):
        pytest.importorskip("pyarrow", reason="Parquet needs: pip install 'edgegrad[parquet]'")
    from pyarrow import parquet

    swept = sweep(sweep_programs.loss, INPUTS)
    swept.to_parquet(tmp_path / "new" / "sweep")
    tables = {path.stem: parquet.read_table(path) for path in (tmp_path / "new" / "sweep").iterdir()}
    assert set(tables) == {"sites", "edges", "findings", "failed"}
    for name, columns, decades in (
        ("sites", swept.sites, swept.site_decades),
        ("edges", swept.edges, swept.edge_decades),
    ):
        read = tables[name].to_pydict()
        for column in set(columns) - {"histogram"}:
            np.testing.assert_equal(np.array(read[column]), columns[column])
        for line, (powers, counts) in enumerate(zip(read["decades"], read["counts"], strict=True)):
            dense = dict(zip(powers, counts, strict=True))
            assert [dense.get(power, 0) for power in decades.tolist()] == columns["histogram"][
                line
            ].tolist()
    (finding,) = tables["findings"].to_pylist()
    assert finding["inputs"] == [0, 12, 24, 36, 48]
    assert (finding["kind"], finding["often"], finding["arguments"]) == ("nonfinite", 5, "(0.0)")
    assert (finding["line"], finding["code"]) == (_line("np.sqrt(x)"), "np.sqrt(x)")
    failed = tables["failed"].to_pylist()
    assert (failed[0]["number"], failed[0]["error"]) == (10, "ValueError: 10.0 is too large")


def test_parquet_holds_any_text_and_is_written_anew(tmp_path):
    if not os.environ.get("CI"):
        pytest.importorskip("pyarrow", reason="Parquet needs: pip install 'edgegrad[parquet]'")
    from pyarrow import parquet

    sweep(sweep_programs.loss, INPUTS).to_parquet(tmp_path)
    sweep(sweep_programs.half, [(1.0,)]).to_parquet(tmp_path)
    assert parquet.read_table(tmp_path / "failed.parquet")["error"].to_pylist() == [
        r"ValueError: half a character of 1.0: \udc80"
    ]
    assert parquet.read_table(tmp_path / "findings.parquet").num_rows == 0
    assert {path.suffix for path in tmp_path.iterdir()} == {".parquet"}


def test_parquet_of_nothing_and_into_the_wrong_place(tmp_path, monkeypatch):
    swept = sweep(sweep_programs.product, [])
    with pytest.raises(UsageError, match="a sweep is written into a folder"):
        swept.to_parquet(tmp_path / "s.parquet")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="a sweep is written into a folder"):
        swept.to_parquet(tmp_path / "file")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'edgegrad\[parquet\]'"):
        swept.to_parquet(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


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
