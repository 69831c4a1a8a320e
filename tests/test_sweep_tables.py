"""The tables of a sweep: against a plain count of every edge, in sums that are exact, and as Parquet."""

from __future__ import annotations

import math
import os
import random
import sys
from fractions import Fraction

import numpy as np
import pytest
import sweep_programs
from sweep_programs import INPUTS, line_of

from tracer import record, sweep
from tracer.diagnose.distribution import Exact, exact
from tracer.errors import UsageError

COLUMNS = ("file", "line", "column", "end_line", "end_column", "op", "port", "name")


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
    assert (finding["line"], finding["code"]) == (line_of("np.sqrt(x)"), "np.sqrt(x)")
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
