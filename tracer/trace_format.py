"""Trace <-> a JSON document and named columns: what is in a trace file, whatever it is kept in.

Used by trace_file.py alone. Everything that is there once for an operation is a column, in the smallest type of
number that holds it; what grows with the program's text is in the document. Operations are kept by name, because
their numbers are those of one process. docs/trace-format.md describes the same for readers in other languages.
"""

from __future__ import annotations

from functools import partial
from itertools import starmap
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.backward import Gradients
from tracer.boxing import fill
from tracer.recording import Output, Recording, Values
from tracer.rules import RULES
from tracer.rules.kinds import Elementwise, Part
from tracer.sites import NO_PLACE, Scope, Sites
from tracer.source import Place, Site
from tracer.tape import NO_INSTRUCTION, OP_NAMES, OP_NUMBERS
from tracer.trace import Run, Trace
from tracer.trace_arrays import AnyArray, read_arrays
from tracer.trace_values import ValueColumns, ValueWriter, plain_dtype, read_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Columns: TypeAlias = dict[str, list[AnyArray]]  # by name: one-dimensional pieces of one type, to be written in a row
Document: TypeAlias = dict[str, Any]

_INTEGERS = tuple(np.dtype(f"<{kind}{size}") for size in (1, 2, 4, 8) for kind in "ui" if (kind, size) != ("u", 8))
_INTEGERS_FROM = -(1 << 63)
_FLOAT = np.dtype("<f8")
_FLOATS = frozenset({"values", "constants", "gradients", "locals"})
_ALWAYS = (
    "ops values degrees operands constants value_rows value_objects constant_numbers constant_objects param_rows "
    "param_objects row_places row_scopes scope_names scope_parents scope_places output_rows output_objects "
    "structure_objects object_kinds object_payloads object_children array_pools array_offsets array_ranks "
    "array_shapes array_strides"
).split()
_GRADIENTS = (
    "gradients reached locals gradient_rows gradient_objects slots slot_objects narrowed_slots narrowed_objects"
).split()


class UnknownOperationError(ValueError):
    """The trace has an operation that this version has no rule for; `str(error)` is its name."""


# ------------------------------------------------------------------------------------------------------- writing


def encode(trace: Trace) -> tuple[Document, Columns]:
    """Return the document and the columns of a trace, with its gradients if it has any."""
    run, recording, values = trace.run, trace.recording, ValueWriter()
    operations = np.flatnonzero(np.bincount(recording.ops, minlength=len(OP_NAMES)))
    structures = run.structures
    columns: dict[str, Any] = {
        "ops": np.searchsorted(operations, recording.ops),
        "values": recording.values.floats,
        "degrees": np.diff(recording.starts),
        "operands": recording.operands,
        "constants": recording.constants.floats,
        "output_rows": [output.row for output in recording.outputs],
        "output_objects": values.add_all([output.value for output in recording.outputs]),
        "structure_objects": [values.add(structure) for structure in structures.values()],
    }
    _put(columns, "value_rows", "value_objects", recording.values.others, values)
    _put(columns, "constant_numbers", "constant_objects", recording.constants.others, values)
    _put(columns, "param_rows", "param_objects", recording.params, values)
    document: Document = {
        "function": run.function,
        "error": run.error,
        "keep": run.keep,
        "operations": [OP_NAMES[number] for number in operations.tolist()],
        "inputs": recording.input_names,
        "output_paths": [output.path for output in recording.outputs],
        "parameters": list(structures),
        **_encode_sites(trace.sites, columns),
        "result": values.add(run.result),
        "of": values.add(trace.of),
        "seed": values.add(trace.seed),
        "has_gradients": _encode_gradients(trace, columns, values),
    }
    table, pools = values.arrays.table()
    columns |= {f"array_{name}": column for name, column in table.items()}
    columns |= {"object_kinds": values.kinds, "object_payloads": values.payloads, "object_children": values.children}
    document |= {"strings": values.strings, "classes": values.classes, "pools": list(pools)}
    pieces = {name: [_narrowed(name, np.asarray(column))] for name, column in columns.items()}
    return document, pieces | {
        _pool_name(number): blocks or [np.zeros(0, dtype)] for number, (dtype, blocks) in enumerate(pools.items())
    }


def _encode_gradients(trace: Trace, columns: dict[str, Any], values: ValueWriter) -> bool:
    """Add the gradients to the columns; False where there are none, for whatever reason.

    The reason is found again when somebody asks the loaded trace for a gradient.
    """
    try:
        gradients = trace.gradients
    except Exception:  # noqa: BLE001  (a rule that fails must not cost the recording)
        return False
    columns |= {
        "gradients": gradients.numbers,
        "reached": gradients.reached.astype(np.uint8),
        "locals": gradients.locals[trace.recording.operands >= 0],
    }
    _put(columns, "gradient_rows", "gradient_objects", gradients.arrays, values)
    # The gradient of an indexing is a row's own gradient and the index: nothing that is not there already.
    kept = {slot: value for slot, value in gradients.slots.items() if not isinstance(value, Part)}
    _put(columns, "slots", "slot_objects", kept, values)
    _put(columns, "narrowed_slots", "narrowed_objects", gradients.narrowed, values)
    return True


def _encode_sites(sites: Sites, columns: dict[str, Any]) -> Document:
    files: dict[str, int] = {}
    for place in sites.places:
        files.setdefault(place.site.file, len(files))
    for file in sites.source:
        files.setdefault(file, len(files))
    shown = portable_names(list(files))
    names: dict[str, int] = {}
    columns |= {
        "row_places": sites.row_places,
        "row_scopes": sites.row_scopes,
        "scope_names": [names.setdefault(scope.name, len(names)) for scope in sites.scopes],
        "scope_parents": [scope.parent for scope in sites.scopes],
        "scope_places": [scope.place for scope in sites.scopes],
    }
    return {
        "files": shown,
        "source": {shown[files[file]]: text for file, text in sites.source.items()},
        "places": [_place_items(place, files) for place in sites.places],
        "scope_names": list(names),
    }


def _place_items(place: Place, files: Mapping[str, int]) -> list[Any]:
    site = place.site
    lines = [site.line, site.column, site.end_line, site.end_column]
    return [files[site.file], *lines, site.text, site.function, list(place.targets), place.returned]


def portable_names(files: Sequence[str]) -> list[str]:
    """Return the names of files without what they say about this machine, and still different from each other.

    A file below the current directory is named from there, any other by as many of its last parts as it takes.
    """
    here = Path.cwd()
    taken: set[str] = set()
    names = []
    for file in files:
        path = PurePath(file)
        name = file
        if path.is_absolute():
            parts = path.relative_to(here).parts if path.is_relative_to(here) else path.parts[-1:]
            count = len(parts)
            while (name := "/".join(path.parts[-count:])) in taken and count < len(path.parts):
                count += 1
        taken.add(name)
        names.append(name)
    return names


def _put(
    columns: dict[str, Any], keys: str, objects: str, items: Mapping[int, Any], values: ValueWriter
) -> None:
    """Add a sparse column: the rows that have something, and what."""
    columns[keys] = list(items)
    columns[objects] = values.add_all(list(items.values()))


def _narrowed(name: str, column: AnyArray) -> AnyArray:
    """Return a column in the smallest type that holds it, with the low byte first."""
    if name in _FLOATS:
        return column.astype(_FLOAT, copy=False)
    low, high = (int(column.min()), int(column.max())) if column.size else (0, 0)
    fitting = (
        dtype for dtype in _INTEGERS if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max
    )
    return column.astype(next(fitting))


def _pool_name(number: int) -> str:
    return f"pool_{number}"


# ------------------------------------------------------------------------------------------------------- reading


def members(document: Document) -> list[str]:
    """Return the names of the columns that go with a document."""
    pools = [_pool_name(number) for number in range(len(_Reader(document, {}).texts("pools")))]
    return [*_ALWAYS, *(_GRADIENTS if document.get("has_gradients") is True else ()), *pools]


def decode(document: Document, columns: Mapping[str, AnyArray]) -> Trace:
    """Return the trace of a document and its columns, with everything checked that the rest relies on.

    Raises UnknownOperationError, and ValueError or another builtin error for what does not fit together.
    """
    read = _Reader(document, columns)
    rows, starts, ops = _read_rows(read)
    values, constants = read.floats("values", rows), read.floats("constants")
    pools = _read_pools(read)
    objects = _read_objects(read, pools)
    recording = Recording(
        ops=ops,
        values=Values(values, read.sparse("value_rows", "value_objects", objects, rows, _is_number)),
        starts=starts,
        operands=_read_operands(read, starts, len(constants)),
        constants=Values(constants, read.sparse("constant_numbers", "constant_objects", objects, len(constants))),
        params=read.sparse("param_rows", "param_objects", objects, rows, _is_params),
        # What led to the sites; they are read themselves, because code can't be kept.
        instructions=np.full(rows, NO_INSTRUCTION, np.int32),
        segments=np.zeros(0, np.int64),
        segment_scopes=np.zeros(0, np.int32),
        segment_codes=[],
        calls=[],
        input_names=read.texts("inputs"),
        outputs=_read_outputs(read, objects, rows),
    )
    _require(
        len(recording.input_names) == np.count_nonzero(ops == OP_NUMBERS["input"]),
        "the number of inputs is another than that of their names",
    )
    parameters = read.texts("parameters")
    structures = read.objects("structure_objects", objects, len(parameters))
    for structure in structures:
        fill(structure, partial(_check_input_number, count=len(recording.input_names)))
    error = document["error"]
    _require(error is None or isinstance(error, str), "'error' is no text")
    run = Run(
        function=read.text("function"),
        recording=recording,
        structures=dict(zip(parameters, structures, strict=True)),
        result=read.object("result", objects),
        error=error,
        known_sites=_read_sites(read, rows),
        keep=read.text("keep"),
    )
    trace = Trace(run, read.object("of", objects), read.object("seed", objects))
    if document["has_gradients"] is True:
        trace.gradients = _read_gradients(read, recording, objects)
    return trace


class _Reader:
    """Takes checked parts out of a document and its columns."""

    def __init__(self, document: Document, columns: Mapping[str, AnyArray]) -> None:
        self.document = document
        self.columns = columns

    def text(self, key: str) -> str:
        """Return a text of the document."""
        found = self.document[key]
        _require(isinstance(found, str), f"{key!r} is no text")
        return str(found)

    def texts(self, key: str) -> list[str]:
        """Return a list of texts of the document."""
        found = self.document[key]
        _require(_are_texts(found), f"{key!r} is no list of texts")
        return list(found)

    def floats(self, name: str, count: int | None = None) -> AnyArray:
        """Return a column of floats."""
        column = self.columns[name]
        _require(column.dtype == _FLOAT, f"the column {name!r} has the type {column.dtype}, expected {_FLOAT}")
        _require(count is None or len(column) == count, _unequal(name, len(column), count))
        return column.astype(np.float64, copy=False)

    def integers(self, name: str, count: int | None = None, low: int = 0, stop: int | None = None) -> AnyArray:
        """Return a column of integers from `low` on and below `stop`."""
        column = self.columns[name]
        _require(column.dtype in _INTEGERS, f"the column {name!r} has the type {column.dtype}, expected integers")
        _require(count is None or len(column) == count, _unequal(name, len(column), count))
        if len(column):
            fits = int(column.min()) >= low and (stop is None or int(column.max()) < stop)
            _require(fits, f"the column {name!r} has a number out of its range")
        return column.astype(np.int64)

    def objects(self, name: str, objects: Sequence[Any], count: int) -> list[Any]:
        """Return the values that a column numbers."""
        return [objects[number] for number in self.integers(name, count, stop=len(objects)).tolist()]

    def object(self, key: str, objects: Sequence[Any]) -> Any:
        """Return the value that an entry of the document numbers."""
        number = self.document[key]
        _require(type(number) is int and 0 <= number < len(objects), f"{key!r} is no value")
        return objects[number]

    def sparse(
        self, keys: str, values: str, objects: Sequence[Any], stop: int, is_right: Callable[[Any], bool] | None = None
    ) -> dict[int, Any]:
        """Return a sparse column by row."""
        rows = self.integers(keys, stop=stop).tolist()
        found = dict(zip(rows, self.objects(values, objects, len(rows)), strict=True))
        _require(len(found) == len(rows), f"the column {keys!r} names a row twice")
        _require(is_right is None or all(map(is_right, found.values())), f"the column {values!r} has a wrong type")
        return found


def _read_rows(read: _Reader) -> tuple[int, AnyArray, AnyArray]:
    """Return how many rows there are, where the operands of each begin, and its operation."""
    names = read.texts("operations")
    for name in names:
        if name not in OP_NUMBERS:
            raise UnknownOperationError(name)
    numbers = np.array([OP_NUMBERS[name] for name in names], np.int16)
    ops = numbers[read.integers("ops", stop=len(names))]
    degrees = read.integers("degrees", len(ops))
    expected = _DEGREES[ops]
    _require(bool(((degrees == expected) | (expected < 0)).all()), "an operation has too many or too few operands")
    starts = np.zeros(len(ops) + 1, np.int64)
    np.cumsum(degrees, out=starts[1:])
    return len(ops), starts, ops


def _read_operands(read: _Reader, starts: AnyArray, constants: int) -> AnyArray:
    operands = read.integers("operands", int(starts[-1]), low=-constants)
    consumers = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    _require(bool((operands < consumers).all()), "an operand is no earlier row")
    return operands


def _read_pools(read: _Reader) -> list[AnyArray]:
    pools = []
    for number, name in enumerate(read.texts("pools")):
        pool = read.columns[_pool_name(number)]
        _require(pool.dtype == plain_dtype(name), f"pool {number} has the type {pool.dtype}, expected {name}")
        if pool.dtype == np.bool_:  # NumPy relies on the bytes of a bool being 0 or 1
            pool = pool.view(np.uint8) != 0
            pool.flags.writeable = False
        pools.append(pool)
    return pools


def _read_objects(read: _Reader, pools: Sequence[AnyArray]) -> list[Any]:
    table = {
        name: read.integers(f"array_{name}", low=_INTEGERS_FROM).tolist()
        for name in ("pools", "offsets", "ranks", "shapes", "strides")
    }
    classes = read.document["classes"]
    _require(isinstance(classes, list), "'classes' is no list")
    for each in classes:
        _require(
            isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) and _are_texts(each[1]),
            "a class is not a name and fields",
        )
    return read_values(
        ValueColumns(
            kinds=read.integers("object_kinds"),
            payloads=read.integers("object_payloads", low=_INTEGERS_FROM),
            children=read.integers("object_children"),
            strings=read.texts("strings"),
            classes=[(name, tuple(fields)) for name, fields in classes],
            arrays=read_arrays(table, pools),
            pools=pools,
        )
    )


def _read_outputs(read: _Reader, objects: Sequence[Any], rows: int) -> list[Output]:
    paths = read.texts("output_paths")
    values = read.objects("output_objects", objects, len(paths))
    numbers = read.integers("output_rows", len(paths), low=-1, stop=rows).tolist()
    _require(all(map(_is_number, values)), "an output is no number")
    return list(starmap(Output, zip(paths, numbers, values, strict=True)))


def _read_sites(read: _Reader, rows: int) -> Sites:
    files, names = read.texts("files"), read.texts("scope_names")
    found = read.document["places"]
    _require(isinstance(found, list) and all(map(_is_place, found)), "a place in the source is not one")
    places = []
    for file, line, column, end_line, end_column, text, function, targets, returned in found:
        _require(0 <= file < len(files), "a place is in a file that is not there")
        site = Site(files[file], line, column, end_line, end_column, text, function)
        places.append(Place(site, tuple(targets), returned))
    parents = read.integers("scope_parents", low=-1)
    count = len(parents)
    _require(bool((parents < np.arange(count)).all()), "a call is made by a later one")
    scopes: list[Scope] = []
    for index, (name, parent, place) in enumerate(
        zip(
            read.integers("scope_names", count, stop=len(names)).tolist(),
            parents.tolist(),
            read.integers("scope_places", count, low=NO_PLACE, stop=len(places)).tolist(),
            strict=True,
        )
    ):
        depth = scopes[parent].depth + 1 if parent >= 0 else 0
        scopes.append(Scope(index, names[name], parent, depth, place))
    source = read.document["source"]
    _require(isinstance(source, dict) and _are_texts(list(source.values())), "'source' is no text by file")
    return Sites(
        places=places,
        row_places=read.integers("row_places", rows, low=NO_PLACE, stop=len(places)).astype(np.int32),
        row_scopes=read.integers("row_scopes", rows, stop=count).astype(np.int32),
        scopes=scopes,
        source=source,
    )


def _read_gradients(read: _Reader, recording: Recording, objects: Sequence[Any]) -> Gradients:
    rows, is_traced = len(recording), recording.operands >= 0
    partials = np.full(len(is_traced), np.nan)
    partials[is_traced] = read.floats("locals", int(np.count_nonzero(is_traced)))
    arrays = read.sparse("gradient_rows", "gradient_objects", objects, rows, _is_number)
    for row, gradient in arrays.items():
        _require(
            np.shape(gradient) == np.shape(recording.values[row]), "a gradient has another shape than its value"
        )
    return Gradients(
        numbers=read.floats("gradients", rows),
        arrays=arrays,
        reached=read.integers("reached", rows, stop=2).astype(np.bool_),
        locals=partials,
        slots=read.sparse("slots", "slot_objects", objects, len(is_traced), _is_number),
        narrowed=read.sparse("narrowed_slots", "narrowed_objects", objects, len(is_traced), _is_number),
    )


def _require(claim: bool, otherwise: str) -> None:
    if not claim:
        raise ValueError(otherwise)


def _unequal(name: str, length: int, expected: int | None) -> str:
    return f"the column {name!r} has {length} items, expected {expected}"


def _are_texts(found: Any) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_, np.ndarray))


def _is_params(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_place(items: Any) -> bool:
    return (
        isinstance(items, list)
        and [type(item) for item in items] == [int, int, int, int, int, str, str, list, bool]
        and _are_texts(items[7])
    )


def _check_input_number(number: int, count: int) -> int:
    _require(0 <= number < count, "an argument has an input that is not there")
    return number


def _degree(name: str) -> int:
    rule = RULES.get(name)
    if rule is None:
        return 0 if name == "input" else 1
    return len(rule.partials) if isinstance(rule, Elementwise) else -1


_DEGREES = np.array([_degree(name) for name in OP_NAMES], np.int64)
