"""The parts of a document and its columns, taken out one by one and checked: types, lengths, ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.trace_encode import FLOAT, INTEGERS, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tracer.trace_arrays import AnyArray


class Reader:
    """Takes checked parts out of a document and its columns."""

    def __init__(self, document: Document, columns: Mapping[str, AnyArray]) -> None:
        self.document = document
        self.columns = columns

    def text(self, key: str) -> str:
        """Return a text of the document."""
        found = self.document[key]
        require(isinstance(found, str), f"{key!r} is no text")
        return str(found)

    def texts(self, key: str) -> list[str]:
        """Return a list of texts of the document."""
        found = self.document[key]
        require(are_texts(found), f"{key!r} is no list of texts")
        return list(found)

    def floats(self, name: str, count: int | None = None) -> AnyArray:
        """Return a column of floats."""
        column = self.columns[name]
        require(column.dtype == FLOAT, f"the column {name!r} has the type {column.dtype}, expected {FLOAT}")
        require(count is None or len(column) == count, _unequal(name, len(column), count))
        return column.astype(np.float64, copy=False)

    def integers(
        self,
        name: str,
        count: int | None = None,
        low: int = 0,
        stop: int | None = None,
        dtype: type[np.signedinteger[Any]] = np.int64,
    ) -> AnyArray:
        """Return a column of integers from `low` on and below `stop`, which are to fit the type."""
        column = self.columns[name]
        require(
            column.dtype in INTEGERS, f"the column {name!r} has the type {column.dtype}, expected integers"
        )
        require(count is None or len(column) == count, _unequal(name, len(column), count))
        if len(column):
            fits = int(column.min()) >= low and (stop is None or int(column.max()) < stop)
            require(fits, f"the column {name!r} has a number out of its range")
        return column.astype(dtype)

    def objects(self, name: str, objects: Sequence[Any], count: int) -> list[Any]:
        """Return the values that a column numbers."""
        return [objects[number] for number in self.integers(name, count, stop=len(objects)).tolist()]

    def object(self, key: str, objects: Sequence[Any]) -> Any:
        """Return the value that an entry of the document numbers."""
        number = self.document[key]
        require(type(number) is int and 0 <= number < len(objects), f"{key!r} is no value")
        return objects[number]

    def sparse(
        self,
        keys: str,
        values: str,
        objects: Sequence[Any],
        stop: int,
        is_right: Callable[[Any], bool] | None = None,
    ) -> dict[int, Any]:
        """Return a sparse column by row."""
        rows = self.integers(keys, stop=stop).tolist()
        found = dict(zip(rows, self.objects(values, objects, len(rows)), strict=True))
        require(len(found) == len(rows), f"the column {keys!r} names a row twice")
        require(
            is_right is None or all(map(is_right, found.values())),
            f"the column {values!r} has a wrong type",
        )
        return found


def _unequal(name: str, length: int, expected: int | None) -> str:
    return f"the column {name!r} has {length} items, expected {expected}"


def require(claim: bool, otherwise: str) -> None:
    """Raise ValueError unless a claim about the file is true."""
    if not claim:
        raise ValueError(otherwise)


def are_texts(found: Any) -> bool:
    """Tell whether what was found is a list of texts."""
    return isinstance(found, list) and all(isinstance(each, str) for each in found)
