"""Files that are no trace, cut off, damaged, newer or hostile: each gets one clear error, in bounded memory."""

from __future__ import annotations

import collections
import io
import json
import os
import random
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from saved_programs import MATRIX, PROGRAMS, arrays, bits, saved

from tracer import load, record
from tracer.errors import TraceFileError


def small_trace() -> Any:
    return record(lambda x, y: x * y + x, 2.0, 3.0)


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(path) as members:
        columns = {name: members[name] for name in members.files if name != "trace.json"}
        return json.loads(members["trace.json"]), columns


def write_parts(
    path: Path, document: Any, columns: dict[str, Any], compression: int = zipfile.ZIP_STORED
) -> Path:
    """Write a whole file with right checksums and whatever contents."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("trace.json", json.dumps(document))
        for name, column in columns.items():
            data = io.BytesIO()
            np.save(data, column)
            archive.writestr(f"{name}.npy", data.getvalue())
    return path


def message(path: Path) -> str:
    with pytest.raises(TraceFileError) as raised:
        load(path)
    text = str(raised.value)
    assert text.startswith((f"{path} ", f"can't read {path};"))
    return text.removeprefix(f"{path} ")


AGAIN = "copy it again from where it came from, or trace again"
WRITES = "t.save(path) writes one, and so does `edgegrad run … -o x.trace`"


def test_what_is_no_trace_file_is_said_so(tmp_path):
    path = tmp_path / "x.trace"
    path.write_bytes(b"")
    assert message(path) == f"is no trace file; it is empty; {WRITES}"
    path.write_text("def f(x): return x\n")
    assert message(path) == f"is no trace file; it begins with b'def ', expected b'PK\\x03\\x04'; {WRITES}"
    np.savez(tmp_path / "x.npz", a=MATRIX)
    assert message(tmp_path / "x.npz") == f"is no trace file; it is a zip file without trace.json; {WRITES}"
    write_parts(path, {"format": "other"}, {})
    assert message(path) == f"is no trace file; its trace.json does not say 'edgegrad trace'; {WRITES}"


def test_what_can_not_be_read_is_said_so(tmp_path):
    assert message(tmp_path / "x.trace").endswith("; no such file or directory")
    assert message(tmp_path).endswith("; it is a directory; give the name of a file")
    assert message(Path(os.devnull)).endswith("; it is no regular file; give the name of a file")


def test_a_file_that_is_cut_off_is_said_so(tmp_path):
    path = saved(small_trace(), tmp_path)
    data = path.read_bytes()
    for length in (len(data) - 30, len(data) // 2, 100):
        path.write_bytes(data[:length])
        assert message(path) == (
            f"is cut off; the table of contents at its end is missing, after {length} bytes; {AGAIN}"
        )


def test_a_damaged_file_is_said_so_with_the_place(tmp_path):
    path = saved(small_trace(), tmp_path)
    data = path.read_bytes()
    at = data.index(np.array([2.0, 3.0, 6.0]).tobytes())
    path.write_bytes(data[:at] + b"\x01" + data[at + 1 :])
    assert message(path) == f"is damaged; BadZipFile: Bad CRC-32 for file 'values.npy'; {AGAIN}"


def test_a_newer_file_says_who_wrote_it(tmp_path):
    document, columns = parts(saved(small_trace(), tmp_path))
    document |= {"format_version": 7, "written_by": "edgegrad 9.9"}
    text = message(write_parts(tmp_path / "x.trace", document, columns | {"more": MATRIX}))
    assert text.startswith("was written by a newer edgegrad; got format 7, written by edgegrad 9.9; ")
    assert text.endswith(" reads formats up to 1; pip install --upgrade edgegrad")


def test_an_unknown_operation_is_named(tmp_path):
    document, columns = parts(saved(small_trace(), tmp_path))
    document["operations"][-1] = "my_gelu"
    assert message(write_parts(tmp_path / "x.trace", document, columns)) == (
        "has an operation that is not known here; got 'my_gelu'; a newer edgegrad wrote it, or it was traced with "
        "a rule of your own: upgrade edgegrad, or define the rule before loading"
    )


def with_column(name: str, column: Any) -> Any:
    return lambda _, columns: columns.__setitem__(name, column)


def with_entry(name: str, value: Any) -> Any:
    return lambda document, _: document.__setitem__(name, value)


OBJECTS = np.array([object()])
NESTED = 500
HOSTILE = {
    "an operand that comes later": (
        with_column("operands", np.array([0, 5, 2, 0])),
        "an operand is no earlier row",
    ),
    "no such constant": (
        with_column("operands", np.array([0, -9, 2, 0])),
        "the column 'operands' has a number out",
    ),
    "too few operands": (
        with_column("degrees", np.array([0, 0, 1, 3])),
        "an operation has too many or too few",
    ),
    "huge degrees": (
        with_column("degrees", np.array([0, 0, 2, 2**62])),
        "an operation has too many or too few",
    ),
    "floats for integers": (
        with_column("ops", np.zeros(4)),
        "the column 'ops' has the type float64, expected int",
    ),
    "integers for floats": (
        with_column("values", np.zeros(4, int)),
        "the column 'values' has the type int64",
    ),
    "too short": (with_column("values", np.zeros(3)), "the column 'values' has 3 items, expected 4"),
    "two dimensions": (with_column("values", np.zeros((2, 2))), "the member values.npy is no plain column"),
    "pickled objects": (with_column("values", OBJECTS), "is not the type of a number"),
    "a missing column": (
        lambda _, columns: columns.pop("values"),
        "members are missing or too many: values.npy",
    ),
    "a column more": (with_column("more", np.zeros(1)), "members are missing or too many: more.npy"),
    "no such place": (
        with_column("row_places", np.full(4, 99)),
        "the column 'row_places' has a number out of its",
    ),
    "no such call": (
        with_column("row_scopes", np.full(4, 99)),
        "the column 'row_scopes' has a number out of its",
    ),
    "a call by itself": (with_column("scope_parents", np.array([0])), "a call is made by a later one"),
    "a call by nobody": (with_column("scope_places", np.array([0])), "a call is made by nobody"),
    "no such output": (
        with_column("output_rows", np.array([9])),
        "the column 'output_rows' has a number out of its",
    ),
    "no such value": (
        with_column("output_objects", np.array([99])),
        "the column 'output_objects' has a number out",
    ),
    "half reached": (
        with_column("reached", np.full(4, 2)),
        "the column 'reached' has a number out of its range",
    ),
    "no list": (with_entry("inputs", 7), "'inputs' is no list of texts"),
    "no text": (with_entry("function", 7), "'function' is no text"),
    "a name too few": (
        with_entry("inputs", ["x"]),
        "the number of inputs is another than that of their names",
    ),
    "no place": (with_entry("places", [[1, 2]]), "a place in the source is not one"),
    "reads no operand": (
        with_entry("places", [[0, 1, 0, 1, 1, "", "", [], False, [], [[-1, "x"]]]]),
        "a place in the source is not one",
    ),
    "goes nowhere": (
        with_entry("copied_inputs", [[0, [[["0"], ["h"], [], False]]]]),
        "a value goes to a place that is not one",
    ),
    "copied from nowhere": (
        with_entry("copied_inputs", [[99, []]]),
        "an argument that is copied is not there",
    ),
    "an old version": (with_entry("format_version", 0), "its format version is 0"),
    "a missing entry": (lambda document, _: document.pop("files"), "KeyError: 'files'"),
    "another choice": (with_entry("of", 10**6), "'of' is no value"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_with_right_checksums_and_wrong_contents_is_refused(name, tmp_path):
    change, expected = HOSTILE[name]
    document, columns = parts(saved(small_trace(), tmp_path))
    change(document, columns)
    text = message(write_parts(tmp_path / "x.trace", document, columns))
    assert text.startswith("is damaged; ")
    assert expected in text


def hostile_objects(
    tmp_path: Path, kinds: list[int], payloads: list[int], children: list[int], **entries: Any
) -> str:
    document, columns = parts(saved(small_trace(), tmp_path))
    old = len(columns["object_kinds"])
    columns["object_kinds"] = np.append(columns["object_kinds"], kinds).astype(np.int64)
    columns["object_payloads"] = np.append(columns["object_payloads"], payloads).astype(np.int64)
    columns["object_children"] = np.append(
        columns["object_children"], [old + each for each in children]
    ).astype(np.int64)
    return message(write_parts(tmp_path / "x.trace", document | entries, columns))


def test_containers_that_contain_themselves_or_explode_are_refused(tmp_path):
    tuple_kind, number = 17, 4
    assert "children that are not there" in hostile_objects(tmp_path, [tuple_kind], [1], [0])
    assert "children that are not there" in hostile_objects(tmp_path, [tuple_kind], [10**12], [])
    assert "children that are not there" in hostile_objects(tmp_path, [tuple_kind], [-1], [])
    assert "has two parents" in hostile_objects(tmp_path, [tuple_kind] * 2, [0, 2], [0, 0])
    assert "children without a parent" in hostile_objects(tmp_path, [number], [1], [0])
    deep = hostile_objects(
        tmp_path, [tuple_kind] * NESTED, [0] + [1] * (NESTED - 1), list(range(NESTED - 1))
    )
    assert "nested too deep" in deep
    assert "unhashable" in hostile_objects(tmp_path, [18, 18, 19], [0, 0, 2], [0, 1])
    assert "not a valid" in hostile_objects(tmp_path, [15], [0], [])
    assert "refers to one that is not there" in hostile_objects(tmp_path, [7], [10**9], [])
    assert "is in no pool" in hostile_objects(tmp_path, [32], [-1], [], pools=[])


def test_a_class_in_a_file_runs_no_code(tmp_path):
    evil = "x: __import__('os').abort()\n    y"
    text = hostile_objects(tmp_path, [4, 24], [1, 0], [0], classes=[["A", [evil]]])
    assert "Field names must be valid identifiers" in text


def test_arrays_that_reach_out_of_their_pool_are_refused(tmp_path):
    for name, change, expected in (
        ("array_offsets", 10**6, "is incompatible with shape"),
        ("array_shapes", 10**6, "is incompatible with shape"),
        ("array_strides", -(10**6), "is incompatible with shape"),
        ("array_strides", 2**61, "Maximum allowed dimension exceeded"),
        ("array_shapes", 2**62, "larger than its pool"),
        ("array_pools", 9, "'array_pools' has a number out of its range"),
        ("array_ranks", 9, "columns of unequal length"),
    ):
        document, columns = parts(saved(record(arrays, MATRIX, MATRIX), tmp_path))
        columns[name] = columns[name].astype(np.int64)
        columns[name][1] = change
        assert expected in message(write_parts(tmp_path / "x.trace", document, columns)), (name, change)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    document, columns = parts(saved(small_trace(), tmp_path))
    columns["values"] = np.zeros(4_000_000)
    path = write_parts(tmp_path / "x.trace", document, columns, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    text = message(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "is compressed or encrypted" in text
    assert peak < 4_000_000


def test_members_that_share_their_bytes_are_refused(tmp_path):
    path = saved(small_trace(), tmp_path)
    large = io.BytesIO()
    np.save(large, np.zeros(100_000))
    document, columns = parts(path)
    columns = {name: column for name, column in columns.items() if name not in ("values", "locals")}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("values.npy", large.getvalue())
        archive.writestr("trace.json", json.dumps(document))
        for name, column in columns.items():
            data = io.BytesIO()
            np.save(data, column)
            archive.writestr(f"{name}.npy", data.getvalue())
        for twin in ("locals.npy",):
            copy = archive.getinfo("values.npy")
            info = zipfile.ZipInfo(twin)
            for field in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(info, field, getattr(copy, field))
            archive.filelist.append(info)
            archive.NameToInfo[twin] = info
    assert "its members claim to be larger than the file" in message(path)


def test_deeply_nested_json_is_refused(tmp_path):
    path = tmp_path / "x.trace"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("trace.json", "[" * 1_000_000)
    assert message(path).startswith("is damaged; RecursionError")


def shown(loaded: Any) -> Any:
    return (
        bits(loaded.grads),
        bits(loaded.result),
        bits([node.value for node in loaded.nodes]),
        list(loaded.source.values()),
    )


def test_no_flipped_cut_or_moved_byte_gives_anything_but_an_error_or_the_same_trace(tmp_path):
    path = saved(PROGRAMS["containers"](), tmp_path)
    data, expected = path.read_bytes(), shown(load(path))
    source = random.Random(20240229)  # noqa: S311  (no secret)
    tail = len(data) - data.index(b"PK\x01\x02")
    outcomes = collections.Counter()
    for turn in range(600):
        at = source.randrange(len(data)) if turn % 2 else len(data) - 1 - source.randrange(tail)
        length = source.choice((1, 1, 1, 4, 60))
        fresh = {
            "flip": bytes([data[at] ^ (1 << source.randrange(8))]) + data[at + 1 : at + length],
            "random": source.randbytes(length),
            "cut out": b"",
            "doubled": data[at : at + length] * 2,
            "ends": None,
        }
        kind = source.choice(list(fresh))
        changed = data[:at] if fresh[kind] is None else data[:at] + fresh[kind] + data[at + length :]
        path.write_bytes(changed)
        try:
            loaded = load(path)
        except TraceFileError:
            outcomes["refused"] += 1
        else:
            assert shown(loaded) == expected, (turn, kind, at)
            outcomes["the same"] += 1
    assert outcomes["refused"] > 300
