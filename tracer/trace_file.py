"""Save and load: a trace as one file, a zip of .npy columns and a JSON document. Used by Trace.save and tracer.load.

What the columns mean is said in trace_encode.py and in docs/trace-format.md. This room knows files: how one is
written whole or not at all, and how one is read that may be cut off, damaged, hostile, or newer than this version.

Nothing in a trace file is run, imported or unpickled. The members are not compressed, so no part of a file can be
larger in memory than in the file. Files of the traced program are named without the folders that lead to them on
this machine.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import stat
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracer.errors import TraceFileError
from tracer.trace_decode import decode, members
from tracer.trace_encode import encode
from tracer.trace_objects import plain_dtype
from tracer.trace_rules import UnknownOperationError

if TYPE_CHECKING:
    from typing import BinaryIO

    from tracer.trace import Trace
    from tracer.trace_arrays import AnyArray
    from tracer.trace_encode import Columns, Document

FORMAT_VERSION = 1
_FORMAT = "edgegrad trace"
_DOCUMENT = "trace.json"
_ZIP_START = b"PK\x03\x04"
_OLDEST_DATE = (1980, 1, 1, 0, 0, 0)  # of a zip: the bytes of a file depend on the trace alone


# ------------------------------------------------------------------------------------------------------- saving


def save(trace: Trace, path: Path) -> None:
    """Write a trace to a file, with its gradients: they are computed if nobody has asked for them yet.

    A crash leaves the old file or the new one, never half of one. Raises TraceFileError where it can't be written.
    """
    document, columns = encode(trace)
    lead = {"format": _FORMAT, "format_version": FORMAT_VERSION, "written_by": _own_version()}
    target = Path(os.path.realpath(path))  # a link stays a link
    try:
        if target.exists():
            _refuse_special_file(target, path, "write")
        _write_whole(target, lead | document, columns)
    except OSError as error:
        raise TraceFileError(f"can't write {path}", got=_reason(error)) from error


def _write_whole(target: Path, document: Document, columns: Columns) -> None:
    """Write beside the target and rename, so that the name is always that of a whole file."""
    temporary = target.with_name(f".edgegrad-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            _write_zip(file, document, columns)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a crash, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_zip(file: BinaryIO, document: Document, columns: Columns) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        _write_member(archive, _DOCUMENT, [text])
        for name in sorted(columns):
            pieces = columns[name]
            header = io.BytesIO()
            count = sum(len(piece) for piece in pieces)
            descr = np.lib.format.dtype_to_descr(pieces[0].dtype)
            np.lib.format.write_array_header_1_0(
                header, {"descr": descr, "fortran_order": False, "shape": (count,)}
            )
            # As bytes, because NumPy hands out no buffer of dates.
            data = [np.ascontiguousarray(piece).view(np.uint8).data for piece in pieces]
            _write_member(archive, f"{name}.npy", [header.getvalue(), *data])


def _write_member(archive: zipfile.ZipFile, name: str, pieces: list[bytes | memoryview]) -> None:
    info = zipfile.ZipInfo(name, _OLDEST_DATE)
    info.create_system = 3  # what Unix writes, everywhere
    info.external_attr = 0o644 << 16
    info.file_size = sum(len(piece) for piece in pieces)
    with archive.open(info, "w") as member:
        for piece in pieces:
            member.write(piece)


# ------------------------------------------------------------------------------------------------------- loading


def load_trace(path: Path) -> Trace:
    """Read a trace that `save` wrote; arrays in it can't be written to.

    Raises TraceFileError for anything that is not such a file, whole and of a version that is known here.
    """
    try:
        _refuse_special_file(path, path, "read")
        with path.open("rb") as file:
            return _load(file, path)
    except TraceFileError:
        raise
    except OSError as error:
        raise TraceFileError(f"can't read {path}", got=_reason(error)) from error
    except UnknownOperationError as error:
        raise TraceFileError(
            f"{path} has an operation that is not known here",
            got=f"got {str(error)!r}",
            advice="a newer edgegrad wrote it, or it was traced with a rule of your own: upgrade edgegrad, "
            "or define the rule before loading",
        ) from error
    except Exception as error:  # whatever a damaged file makes a parser raise, the answer is the same
        reason = f"{error}" if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise TraceFileError(
            f"{path} is damaged", got=reason, advice="copy it again from where it came from, or trace again"
        ) from error


def _load(file: BinaryIO, path: Path) -> Trace:
    start = file.read(len(_ZIP_START))
    if start != _ZIP_START:
        raise _no_trace(
            path, f"it begins with {start!r}, expected {_ZIP_START!r}" if start else "it is empty"
        )
    if not zipfile.is_zipfile(file):
        raise TraceFileError(
            f"{path} is cut off",
            got=f"the table of contents at its end is missing, after {_size(file)} bytes",
            advice="copy it again from where it came from, or trace again",
        )
    with zipfile.ZipFile(file) as archive:
        document = _read_document(archive, path)
        _check_directory(archive, document, _size(file))
        columns = {name: _read_column(archive, f"{name}.npy") for name in members(document)}
    return decode(document, columns)


def _read_document(archive: zipfile.ZipFile, path: Path) -> Document:
    """Return the document, from which newer versions are known before anything else is looked at."""
    if _DOCUMENT not in archive.namelist():
        raise _no_trace(path, f"it is a zip file without {_DOCUMENT}")
    info = archive.getinfo(_DOCUMENT)
    _require_stored(info)
    document = json.loads(archive.read(info))
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise _no_trace(path, f"its {_DOCUMENT} does not say {_FORMAT!r}")
    version = document.get("format_version")
    if type(version) is int and version > FORMAT_VERSION:
        raise TraceFileError(
            f"{path} was written by a newer edgegrad",
            got=f"got format {version}, written by {str(document.get('written_by'))[:80]}; "
            f"{_own_version()} reads formats up to {FORMAT_VERSION}",
            advice="pip install --upgrade edgegrad",
        )
    if version != FORMAT_VERSION:
        raise ValueError(f"its format version is {version!r}")
    return document


def _check_directory(archive: zipfile.ZipFile, document: Document, size: int) -> None:
    """Check before anything is read that the members are those of the document, and no larger than the file."""
    infos = archive.infolist()
    expected = {_DOCUMENT, *(f"{name}.npy" for name in members(document))}
    names = {info.filename for info in infos}
    if names != expected or len(infos) != len(names):
        wrong = sorted(names ^ expected) or ["two members of one name"]
        raise ValueError(f"members are missing or too many: {', '.join(wrong[:3])}")
    for info in infos:
        _require_stored(info)
    if sum(info.file_size for info in infos) > size:
        raise ValueError("its members claim to be larger than the file")


def _require_stored(info: zipfile.ZipInfo) -> None:
    if (
        info.compress_type != zipfile.ZIP_STORED
        or info.file_size != info.compress_size
        or info.flag_bits & 1
    ):
        raise ValueError(f"the member {info.filename} is compressed or encrypted")


def _read_column(archive: zipfile.ZipFile, name: str) -> AnyArray:
    """Return the one-dimensional array of a member, a view of its bytes."""
    data = archive.read(name)
    header = io.BytesIO(data)
    if np.lib.format.read_magic(header) != (1, 0):
        raise ValueError(f"the member {name} has another version of .npy than 1.0")
    shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(header)
    start = header.tell()
    if len(shape) != 1 or is_fortran or plain_dtype(dtype.str) != dtype:
        raise ValueError(f"the member {name} is no plain column")
    if shape[0] * dtype.itemsize != len(data) - start:
        raise ValueError(
            f"the member {name} has {len(data) - start} bytes, expected {shape[0]} × {dtype.itemsize}"
        )
    return np.frombuffer(data, dtype, shape[0], start)


# ------------------------------------------------------------------------------------------------------- both


def _refuse_special_file(target: Path, path: Path, verb: str) -> None:
    """Raise for what is there and no regular file: a pipe or a device has no end, and must not be replaced."""
    mode = target.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = "it is a directory" if stat.S_ISDIR(mode) else "it is no regular file"
        raise TraceFileError(f"can't {verb} {path}", got=kind, advice="give the name of a file")


def _no_trace(path: Path, reason: str) -> TraceFileError:
    return TraceFileError(
        f"{path} is no trace file",
        got=reason,
        advice="t.save(path) writes one, and so does `edgegrad run … -o x.trace`",
    )


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _own_version() -> str:
    from importlib import metadata  # noqa: PLC0415  (slow, and only files and errors need it)

    try:
        return f"edgegrad {metadata.version('edgegrad')}"
    except metadata.PackageNotFoundError:  # run from a folder that is not installed
        return "this edgegrad"
