"""Which calls read the file that another call writes, by the program's text: `np.save(path, h)` and `np.load(path)`.

Used by flow.py, which follows what is read, and by cuts.py for the words.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tracer.diagnose.program_text import called_name

if TYPE_CHECKING:
    from tracer.diagnose.program_text import Text

_WRITING = {"save": 0, "savez": 0, "savez_compressed": 0, "savetxt": 0, "tofile": 0, "dump": -1}
"""Calls that write into a file, and which of their arguments it is: of `pickle.dump(x, file)` the last."""
_READING = ("load", "loadtxt", "genfromtxt", "fromfile", "memmap")
_SUFFIXES = (".npy", ".npz")  # which NumPy adds to a name without one


def is_writing(call: ast.AST) -> bool:
    """Tell whether a call writes numbers into a file."""
    return isinstance(call, ast.Call) and called_name(call) in _WRITING


def readings_of(text: Text, call: ast.expr) -> list[ast.Call]:
    """Return the calls that read the file that a call writes: what is written for it is the same."""
    if not isinstance(call, ast.Call) or not is_writing(call):
        return []
    file = _file(call, _WRITING[called_name(call)])
    return [
        each
        for name in _READING
        for each in text.calls_of(name)
        if file is not None and _file(each) == file and not _is_before(text, each, call)
    ]


def _is_before(text: Text, reading: ast.Call, writing: ast.Call) -> bool:
    """Tell whether a file has been read, once and for all, when it is written."""
    is_same = text.enclosing(reading) is text.enclosing(writing)
    return is_same and reading.lineno < writing.lineno and text.loop_around(reading) is None


def _file(call: ast.Call, at: int = 0) -> str | None:
    if not call.args:
        return None
    match call.args[at]:
        case ast.Constant(str(name)):
            return repr(name.removesuffix(_SUFFIXES[0]).removesuffix(_SUFFIXES[1]))
        case other:
            return ast.unparse(other)
