"""What a sweep found out, as Parquet tables. Read through `Sweep.to_parquet`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.sweep_text import code_of, shown
from tracer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tracer.diagnose.distribution import Columns
    from tracer.diagnose.swept import FailedInput, Sweep, SweptFinding
    from tracer.source import Site


def write_tables(sweep: Sweep, folder: Path) -> None:
    """Write the tables of a sweep, each to a file of its own that is whole or not there."""
    if folder.suffix == ".parquet" or (folder.exists() and not folder.is_dir()):
        raise UsageError(
            "a sweep is written into a folder: it is four tables",
            got=f"got {folder}",
            advice=f"give {folder.with_suffix('')}, and read {folder.with_suffix('') / 'edges.parquet'}",
        )
    tables = {
        "sites": _with_lists(sweep.sites, sweep.site_decades),
        "edges": _with_lists(sweep.edges, sweep.edge_decades),
        "findings": _finding_columns(sweep.findings),
        "failed": _failed_columns(sweep.failed),
    }
    _write(tables, folder)


def _with_lists(table: Columns, decades: np.ndarray[Any, Any]) -> dict[str, list[Any]]:
    """Return a table whose histogram is lists without zeros."""
    columns: dict[str, list[Any]] = {
        name: column.tolist() for name, column in table.items() if name != "histogram"
    }
    filled = [np.flatnonzero(line) for line in table["histogram"]]
    columns["decades"] = [decades[each].tolist() for each in filled]
    columns["counts"] = [line[each].tolist() for line, each in zip(table["histogram"], filled, strict=True)]
    return columns


_SITE = ("file", "line", "column", "end_line", "end_column", "function")


def _finding_columns(findings: tuple[SweptFinding, ...]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        name: [getattr(finding, name) for finding in findings]
        for name in ("kind", "severity", "name", "message", "advice", "often", "worst")
    }
    columns["inputs"] = [list(finding.inputs) for finding in findings]
    columns["arguments"] = [shown(finding.arguments) for finding in findings]
    return columns | _site_columns([finding.site for finding in findings])


def _failed_columns(failed: tuple[FailedInput, ...]) -> dict[str, list[Any]]:
    return {
        "number": [each.number for each in failed],
        "error": [each.error for each in failed],
        "arguments": [shown(each.arguments) for each in failed],
        **_site_columns([each.site for each in failed]),
    }


def _site_columns(sites: list[Site | None]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [getattr(site, name, None) for site in sites] for name in _SITE}
    return columns | {"code": [code_of(site) for site in sites]}


_WHOLE = frozenset(
    "line column end_line end_column port inputs edges count zeros not_finite often worst number".split()
)
_REAL = frozenset(("min", "max", "sum", "sum_squares", "mean", "rms"))
_LISTS = frozenset(("decades", "counts"))


def _write(tables: Mapping[str, Mapping[str, list[Any]]], folder: Path) -> None:
    """Write tables, each to a file of its own that is whole or not there."""
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
        from pyarrow import parquet  # noqa: PLC0415  (as above)
    except ImportError:
        raise UsageError(
            "Parquet files are written by pyarrow, which is not installed",
            advice="pip install 'edgegrad[parquet]', or read the columns of .sites and .edges, which are NumPy arrays",
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    for table, columns in tables.items():
        types = {}
        for name in columns:
            is_list = name in _LISTS or (table == "findings" and name == "inputs")
            kind = pa.int64() if name in _WHOLE | _LISTS else pa.float64() if name in _REAL else pa.string()
            types[name] = pa.list_(kind) if is_list else kind
        made = pa.table(
            {name: pa.array(_encodable(column), types[name]) for name, column in columns.items()}
        )
        target = folder / f"{table}.parquet"
        part = target.with_suffix(".part")
        try:
            parquet.write_table(made, part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _encodable(column: list[Any]) -> list[Any]:
    """Write what is no character, such as half of one in an error's text, as its escape."""
    return [
        each.encode("utf-8", "backslashreplace").decode() if isinstance(each, str) else each
        for each in column
    ]
