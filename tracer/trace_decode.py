"""Document and columns -> trace, checked: what is read here may have been written by anybody. Used by trace_file.py.

Everything is checked that the other rooms rely on without looking: lengths, ranges, the order of operands, types.
What a file that was tampered with can still hold are wrong numbers, also as an index or an axis: NumPy refuses those
when a gradient is computed again.
"""

from __future__ import annotations

from functools import partial
from itertools import starmap
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.cut_warnings import Warned
from tracer.gradients import Gradients, Measured
from tracer.operations import OP_NAMES, OP_NUMBERS
from tracer.recording import INDEX, Output, Recording, Values
from tracer.rules.edited import Edited, current, view_of
from tracer.scopes import NO_INSTRUCTION
from tracer.sites import NO_PLACE, Scope, Sites
from tracer.source import Going, Place, Site
from tracer.statistics import FIELDS
from tracer.structures import fill
from tracer.trace import Run, Trace
from tracer.trace_arrays import AnyArray, read_arrays
from tracer.trace_columns import Reader, are_texts, require
from tracer.trace_encode import NO_FILE, Document, pool_name
from tracer.trace_objects import ValueColumns, plain_dtype, read_values
from tracer.trace_rules import operand_count, read_operations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.graph import Graph

_LOWEST = -(1 << 63)
_MOST = 1 << 31  # rows and operands, as `INDEX` numbers them
_ALWAYS = (
    "ops values degrees operands constants value_rows value_objects constant_numbers constant_objects param_rows "
    "param_objects row_places row_scopes scope_names scope_parents scope_places output_rows output_objects "
    "structure_objects object_kinds object_payloads object_children array_pools array_offsets array_ranks "
    "array_shapes array_strides"
).split()
_GRADIENTS = (
    "gradients reached locals gradient_rows gradient_objects slots slot_objects narrowed_slots narrowed_objects "
    "measured_edges measured"
).split()

_VIEWS = ("view_rows", "view_shapes")


def members(document: Document) -> list[str]:
    """Return the names of the columns that go with a document."""
    pools = [pool_name(number) for number in range(len(Reader(document, {}).texts("pools")))]
    return [
        *_ALWAYS,
        *(_VIEWS if document.get("has_views") is True else ()),
        *(_GRADIENTS if document.get("has_gradients") is True else ()),
        *pools,
    ]


def decode(document: Document, columns: Mapping[str, AnyArray]) -> Trace:
    """Return the trace of a document and its columns, with everything checked that the rest relies on.

    Raises UnknownOperationError, and ValueError or another builtin error for what does not fit together.
    """
    read = Reader(document, columns)
    rows, starts, ops = _read_rows(read)
    values, constants = read.floats("values", rows), read.floats("constants")
    pools = _read_pools(read)
    objects = _read_objects(read, pools)
    recording = Recording(
        ops=ops,
        values=Values(values, read.sparse("value_rows", "value_objects", objects, rows, _is_number)),
        starts=starts,
        operands=_read_operands(read, starts, len(constants)),
        constants=Values(
            constants, read.sparse("constant_numbers", "constant_objects", objects, len(constants))
        ),
        params=read.sparse("param_rows", "param_objects", objects, rows, _is_params),
        # What led to the sites; they are read themselves, because code can't be kept.
        instructions=np.full(rows, NO_INSTRUCTION, INDEX),
        segments=np.zeros(0, np.int64),
        segment_scopes=np.zeros(0, np.int32),
        segment_codes=[],
        calls=[],
        input_names=read.texts("inputs"),
        outputs=_read_outputs(read, objects, rows),
    )
    has_views = document.get("has_views") is True
    views = read.sparse("view_rows", "view_shapes", objects, rows, _is_shape) if has_views else {}
    _remake_differences(recording, views)
    require(
        len(recording.input_names) == np.count_nonzero(ops == OP_NUMBERS["input"]),
        "the number of inputs is another than that of their names",
    )
    parameters = read.texts("parameters")
    structures = read.objects("structure_objects", objects, len(parameters))
    for structure in structures:
        fill(structure, partial(_check_input_number, count=len(recording.input_names)))
    error = document["error"]
    require(error is None or isinstance(error, str), "'error' is no text")
    untraced = document.get("untraced", {})
    require(
        isinstance(untraced, dict) and all(isinstance(each, str) for each in untraced.values()),
        "'untraced' is no table of texts",
    )
    run = Run(
        function=read.text("function"),
        recording=recording,
        structures=dict(zip(parameters, structures, strict=True)),
        result=read.object("result", objects),
        error=error,
        known_sites=_read_sites(read, recording),
        keep=read.text("keep"),
        untraced=untraced,
        warned=_read_warned(read),
    )
    trace = Trace(run, read.object("of", objects), read.object("seed", objects))
    if document["has_gradients"] is True:
        trace.gradients = _read_gradients(read, run.graph, objects)
    return trace


def _read_rows(read: Reader) -> tuple[int, AnyArray, AnyArray]:
    """Return how many rows there are, where the operands of each begin, and its operation."""
    names = read.texts("operations")
    numbers = read_operations(names, read.document.get("rules", {}))
    kinds = read.integers("ops", stop=len(names), dtype=INDEX)
    ops = np.array(numbers, np.int16)[kinds]
    degrees = read.integers("degrees", len(ops))
    expected = np.array([operand_count(number) for number in numbers], INDEX)[kinds]
    require(
        bool(((degrees == expected) | (expected < 0)).all()),
        "an operation has too many or too few operands",
    )
    require(degrees.sum(dtype=np.float64) < _MOST, "there are too many operands")
    starts = np.zeros(len(ops) + 1, INDEX)
    np.cumsum(degrees, dtype=INDEX, out=starts[1:])
    return len(ops), starts, ops


def _read_operands(read: Reader, starts: AnyArray, constants: int) -> AnyArray:
    rows = len(starts) - 1
    operands = read.integers("operands", int(starts[-1]), low=-constants, stop=_MOST, dtype=INDEX)
    consumers = np.arange(rows, dtype=INDEX).repeat(np.diff(starts))
    require(bool((operands < consumers).all()), "an operand is no earlier row")
    return operands


def _read_pools(read: Reader) -> list[AnyArray]:
    pools = []
    for number, name in enumerate(read.texts("pools")):
        pool = read.columns[pool_name(number)]
        require(
            pool.dtype == plain_dtype(name), f"pool {number} has the type {pool.dtype}, expected {name}"
        )
        if pool.dtype == np.bool_:  # NumPy relies on the bytes of a bool being 0 or 1
            pool = pool.view(np.uint8) != 0
            pool.flags.writeable = False
        pools.append(pool)
    return pools


def _read_objects(read: Reader, pools: Sequence[AnyArray]) -> list[Any]:
    table = {name: read.integers(f"array_{name}").tolist() for name in ("offsets", "ranks", "shapes")}
    table["pools"] = read.integers("array_pools", stop=len(pools)).tolist()
    table["strides"] = read.integers("array_strides", low=_LOWEST).tolist()
    classes = read.document["classes"]
    require(isinstance(classes, list), "'classes' is no list")
    for each in classes:
        require(
            isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) and are_texts(each[1]),
            "a class is not a name and fields",
        )
    return read_values(
        ValueColumns(
            kinds=read.integers("object_kinds"),
            payloads=read.integers("object_payloads", low=_LOWEST),
            children=read.integers("object_children"),
            strings=read.texts("strings"),
            classes=[(name, tuple(fields)) for name, fields in classes],
            arrays=read_arrays(table, pools),
            pools=pools,
        )
    )


def _remake_differences(recording: Recording, views: dict[int, tuple[int, ...]]) -> None:
    """Give the rows that have no value of their own their value again: writes into arrays, and `views`, by shape."""
    others, starts = recording.values.others, recording.starts
    writes = np.flatnonzero(recording.ops == OP_NUMBERS["setitem"]).tolist()
    rows = [row for row in sorted({*writes, *views}) if row not in others]
    for row in rows:
        operands = [
            recording.values.kept(producer) if producer >= 0 else recording.constants.kept(-1 - producer)
            for producer in recording.operands[starts[row] : starts[row + 1]].tolist()
        ]
        require(
            len(operands) == (1 if row in views else 2), "what is changed or looked at has no such operands"
        )
        before = operands[0]
        require(isinstance(before, (np.ndarray, Edited)), "what is changed or looked at is no array")
        params = recording.params.get(row, {})
        if row in views:
            made = view_of(before, _view(OP_NAMES[recording.ops[row]], params, views[row]), views[row])
        else:
            made = Edited(before, params["index"], operands[1])
        others[row] = made
        array = current(made)  # fails here, if at all
        is_right = isinstance(array, np.ndarray) and array.shape == views.get(row, array.shape)
        require(is_right, "a view has another shape than it should have")
    if rows:
        recording.values.others = dict(sorted(others.items()))


def _view(name: str, params: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Return what makes a view: an index, or a method."""
    if name == "getitem":
        return params["index"]
    require(name in ("reshape", "transpose"), f"{name} gives no view")
    return methodcaller(name, shape if name == "reshape" else params.get("axes"))


def _read_outputs(read: Reader, objects: Sequence[Any], rows: int) -> list[Output]:
    paths = read.texts("output_paths")
    values = read.objects("output_objects", objects, len(paths))
    numbers = read.integers("output_rows", len(paths), low=-1, stop=rows).tolist()
    require(all(map(_is_number, values)), "an output is no number")
    return list(starmap(Output, zip(paths, numbers, values, strict=True)))


def _read_sites(read: Reader, recording: Recording) -> Sites:
    rows = len(recording)
    files = read.texts("files")
    found = read.document["places"]
    require(isinstance(found, list) and all(map(_is_place, found)), "a place in the source is not one")
    places = []
    for (
        file,
        line,
        column,
        end_line,
        end_column,
        text,
        function,
        targets,
        returned,
        further,
        reads,
    ) in found:
        require(0 <= file < len(files), "a place is in a file that is not there")
        site = Site(files[file], line, column, end_line, end_column, text, function)
        places.append(
            Place(site, tuple(targets), returned, _read_goings(further), tuple(map(tuple, reads)))
        )
    scopes = _read_scopes(read, len(places))
    source = read.document["source"]
    require(isinstance(source, dict) and are_texts(list(source.values())), "'source' is no text by file")
    failed_at = read.document.get("failed_at", NO_PLACE)
    is_place = type(failed_at) is int and NO_PLACE <= failed_at < len(places)
    require(is_place, "the run failed at a place that is not there")
    return Sites(
        places=places,
        row_places=read.integers("row_places", rows, low=NO_PLACE, stop=len(places), dtype=INDEX),
        row_scopes=read.integers("row_scopes", rows, stop=len(scopes), dtype=INDEX),
        scopes=scopes,
        source=source,
        copied_inputs=_read_copied_inputs(read, rows),
        inputs=recording.input_names,
        starts=recording.starts,
        operands=recording.operands,
        is_write=recording.ops == OP_NUMBERS["setitem"],
        failed_at=failed_at,
    )


def _read_warned(read: Reader) -> tuple[Warned, ...]:
    found, files = read.document.get("warned", []), read.texts("files")
    require(isinstance(found, list), "'warned' is no list")
    warned = []
    for what, advice, file, line in found:
        require(
            are_texts([what, advice])
            and type(file) is type(line) is int
            and NO_FILE <= file < len(files)
            and line >= 0,
            "a warning is not one",
        )
        warned.append(Warned(what, advice, "" if file == NO_FILE else files[file], line))
    return tuple(warned)


def _read_copied_inputs(read: Reader, rows: int) -> list[tuple[int, tuple[Going, ...]]]:
    found = read.document["copied_inputs"]
    require(isinstance(found, list), "'copied_inputs' is no list")
    copied = []
    for row, goings in found:
        require(type(row) is int and 0 <= row < rows, "an argument that is copied is not there")
        copied.append((row, _read_goings(goings)))
    return copied


def _read_goings(found: Any) -> tuple[Going, ...]:
    require(isinstance(found, list), "a place in the source is not one")
    goings = []
    for path, targets, returned, is_last in found:
        require(
            _is_path(path)
            and are_texts(targets)
            and isinstance(returned, list)
            and all(map(_is_path, returned))
            and type(is_last) is bool,
            "a value goes to a place that is not one",
        )
        goings.append(Going(tuple(path), tuple(targets), tuple(map(tuple, returned)), is_last))
    return tuple(goings)


def _is_path(found: Any) -> bool:
    return isinstance(found, list) and all(type(each) is int for each in found)


def _read_scopes(read: Reader, places: int) -> list[Scope]:
    names = read.texts("scope_names")
    parents = read.integers("scope_parents", low=-1)
    count = len(parents)
    require(bool((parents < np.arange(count)).all()), "a call is made by a later one")
    calls = read.integers("scope_places", count, low=NO_PLACE, stop=places)
    require(bool((calls[parents < 0] == NO_PLACE).all()), "a call is made by nobody")
    scopes: list[Scope] = []
    numbers = read.integers("scope_names", count, stop=len(names))
    rows = zip(numbers.tolist(), parents.tolist(), calls.tolist(), strict=True)
    for index, (name, parent, place) in enumerate(rows):
        depth = scopes[parent].depth + 1 if parent >= 0 else 0
        scopes.append(Scope(index, names[name], parent, depth, place))
    return scopes


def _read_gradients(read: Reader, graph: Graph, objects: Sequence[Any]) -> Gradients:
    recording = graph.recording
    rows, is_traced = len(recording), recording.operands >= 0
    partials = np.full(len(is_traced), np.nan)
    partials[is_traced] = read.floats("locals", int(np.count_nonzero(is_traced)))
    arrays = read.sparse("gradient_rows", "gradient_objects", objects, rows, _is_number)
    for row, gradient in arrays.items():
        require(
            np.shape(gradient) == np.shape(recording.values[row]),
            "a gradient has another shape than its value",
        )
    edges = read.integers("measured_edges", stop=len(graph.src))
    require(bool((np.diff(edges) > 0).all()), "the edges that were measured are in no order")
    measured = read.floats("measured", len(edges) * FIELDS).reshape(-1, FIELDS)
    return Gradients(
        graph=graph,
        numbers=read.floats("gradients", rows),
        arrays=arrays,
        reached=read.integers("reached", rows, stop=2, dtype=np.int8).astype(np.bool_),
        locals=partials,
        slots=read.sparse("slots", "slot_objects", objects, len(is_traced), _is_number),
        narrowed=read.sparse("narrowed_slots", "narrowed_objects", objects, len(is_traced), _is_number),
        measured=Measured(edges, measured),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_, np.ndarray))


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(type(length) is int for length in value)


def _is_params(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_place(items: Any) -> bool:
    return (
        isinstance(items, list)
        and [type(item) for item in items] == [int, int, int, int, int, str, str, list, bool, list, list]
        and are_texts(items[7])
        and all(
            isinstance(each, list) and [*map(type, each)] == [int, str] and each[0] >= 0
            for each in items[10]
        )
    )


def _check_input_number(number: int, count: int) -> int:
    require(0 <= number < count, "an argument has an input that is not there")
    return number
