"""Trace -> a JSON document and named columns: what is in a trace file, whatever it is kept in. Used by trace_file.py.

Everything that is there once for an operation is a column, in the smallest type of number that holds it; what grows
with the program's text is in the document. Operations are kept by name, because their numbers are those of one
process. `trace_decode.py` reads it again, and docs/trace-format.md describes it for readers in other languages.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tracer.minus import in_full
from tracer.operations import OP_NAMES
from tracer.rules.edited import Edited, Part, is_view
from tracer.rules.kinds import Compressed
from tracer.trace_arrays import AnyArray
from tracer.trace_rules import encode_rules, sent_back_by_code
from tracer.trace_values import ValueWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.cut_warnings import Warned
    from tracer.sites import Sites
    from tracer.source import Going, Place
    from tracer.trace import Trace

# By name: one-dimensional pieces of one type, which are written one after the other.
Columns: TypeAlias = dict[str, list[AnyArray]]
Document: TypeAlias = dict[str, Any]

INTEGERS = tuple(
    np.dtype(f"<{kind}{size}") for size in (1, 2, 4, 8) for kind in "ui" if (kind, size) != ("u", 8)
)
FLOAT = np.dtype("<f8")
NO_FILE = -1
_FLOATS = frozenset({"values", "constants", "gradients", "locals", "measured"})


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
    # What a write by index made of an array, and what a view showed of that, is made again from the operands.
    written = {row: each for row, each in recording.values.others.items() if type(each) is not Edited}
    views = {row: each.shape for row, each in recording.values.others.items() if is_view(each)}
    _put(columns, "value_rows", "value_objects", written, values)
    _put(columns, "constant_numbers", "constant_objects", recording.constants.others, values)
    _put(columns, "param_rows", "param_objects", recording.params, values)
    if views:
        _put(columns, "view_rows", "view_shapes", views, values)
    document: Document = {
        "function": run.function,
        "error": run.error,
        **({"untraced": run.untraced} if run.untraced else {}),
        **({"has_views": True} if views else {}),
        "keep": run.keep,
        "operations": [OP_NAMES[number] for number in operations.tolist()],
        "rules": encode_rules(operations.tolist()),
        "inputs": recording.input_names,
        "output_paths": [output.path for output in recording.outputs],
        "parameters": list(structures),
        **_encode_sites(trace.sites, run.warned, columns),
        "result": values.add(run.result),
        "of": values.add(trace.of),
        "seed": values.add(trace.seed),
        "has_gradients": _encode_gradients(trace, columns, values),
    }
    table, pools = values.arrays.table()
    columns |= {f"array_{name}": column for name, column in table.items()}
    columns |= {
        "object_kinds": values.kinds,
        "object_payloads": values.payloads,
        "object_children": values.children,
    }
    document |= {"strings": values.strings, "classes": values.classes, "pools": list(pools)}
    pieces = {name: [_narrowed(name, np.asarray(column))] for name, column in columns.items()}
    return document, pieces | {
        pool_name(number): blocks or [np.zeros(0, dtype)]
        for number, (dtype, blocks) in enumerate(pools.items())
    }


def _encode_gradients(trace: Trace, columns: dict[str, Any], values: ValueWriter) -> bool:
    """Add the gradients to the columns; False where there are none, for whatever reason.

    The reason is found again when somebody asks the loaded trace for a gradient.
    """
    try:
        gradients = trace.gradients
    except Exception:  # noqa: BLE001  (a rule that fails must not cost the recording)
        return False
    if Edited in set(map(type, gradients.arrays.values())):
        return False  # as long as the program ran, and as large: going back again takes less
    # A part is what an indexing sent back, and what it was sent is there.
    arrays = {row: in_full(value) for row, value in gradients.arrays.items() if type(value) is not Part}
    columns |= {
        "gradients": gradients.numbers,
        "reached": gradients.reached.astype(np.uint8),
        "locals": gradients.locals[trace.recording.operands >= 0],
    }
    _put(columns, "gradient_rows", "gradient_objects", arrays, values)
    # The gradient of an indexing is a row's own gradient and the index: nothing that is not there already.
    kept = {
        slot: in_full(value) for slot, value in gradients.slots.items() if not isinstance(value, Compressed)
    }
    kept |= sent_back_by_code(trace, gradients)
    _put(columns, "slots", "slot_objects", kept, values)
    _put(columns, "narrowed_slots", "narrowed_objects", gradients.narrowed, values)
    columns["measured_edges"] = gradients.measured.edges
    columns["measured"] = gradients.measured.table.ravel()
    return True


def _encode_sites(sites: Sites, warned: Sequence[Warned], columns: dict[str, Any]) -> Document:
    files: dict[str, int] = {}
    named = (place.site.file for place in sites.places)
    for file in chain(named, sites.source, (each.file for each in warned if each.file)):
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
        "failed_at": sites.failed_at,
        **({"warned": [_warned_items(each, files) for each in warned]} if warned else {}),
        "places": [_place_items(place, files) for place in sites.places],
        "scope_names": list(names),
        "copied_inputs": [[row, _going_items(goings)] for row, goings in sites.copied_inputs],
    }


def _warned_items(warned: Warned, files: Mapping[str, int]) -> list[Any]:
    return [warned.what, warned.advice, files.get(warned.file, NO_FILE), warned.line]


def _place_items(place: Place, files: Mapping[str, int]) -> list[Any]:
    site = place.site
    lines = [site.line, site.column, site.end_line, site.end_column]
    goes = [list(place.targets), place.returned, _going_items(place.further), list(map(list, place.reads))]
    return [files[site.file], *lines, site.text, site.function, *goes]


def _going_items(goings: Sequence[Going]) -> list[list[Any]]:
    return [
        [list(each.path), list(each.targets), [list(path) for path in each.returned], each.is_last]
        for each in goings
    ]


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
        return column.astype(FLOAT, copy=False)
    low, high = (int(column.min()), int(column.max())) if column.size else (0, 0)
    fitting = (dtype for dtype in INTEGERS if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max)
    return column.astype(next(fitting))


def pool_name(number: int) -> str:
    """Return the name of the column that a pool is kept in."""
    return f"pool_{number}"
