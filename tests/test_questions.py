"""What a program may ask of a value to decide what to do with it: a traced one answers as the plain one does."""

from __future__ import annotations

import collections.abc
import functools
import hashlib
import json
import numbers
import operator
import warnings

import numpy as np
import pytest

from tracer import record
from tracer.errors import CutWarning, UnsupportedError


def _matched(x):
    match x:
        case int():
            return "int"
        case float(real=part):
            return f"float {part}"
        case np.ndarray(shape=(2,)):
            return "two"
        case [first, *_]:
            return f"sequence {first}"
    return "other"


@functools.singledispatch
def _dispatched(_):
    return "object"


_dispatched.register(numbers.Real, lambda _: "real")
_dispatched.register(np.ndarray, lambda _: "array")

QUESTIONS = {
    "abstract classes": lambda x: [isinstance(x, getattr(collections.abc, each)) for each in ABSTRACT],
    "numbers": lambda x: [isinstance(x, getattr(numbers, each)) for each in numbers.__all__],
    "callable": callable,
    "dispatch": _dispatched,
    "match": _matched,
    "is a float": lambda x: (type(x) is float, x.__class__ is float, isinstance(x, float)),
    "delete": lambda x: operator.delitem(x, 0),
    "length": len,
    "call": lambda x: x(),
    "item": lambda x: x[0],
    "index": operator.index,
    "times": lambda x: "ab" * x,
    "hash": lambda x: hash(x) == hash(x),
    "member": lambda x: (2.0 in [x, 7.0], x in (1, 2)),
    "texts": lambda x: f"{x} {x!r} {x!s:>12}",
    "precise text": lambda x: f"{x:.3f}" + "%.2f" % x,
    "text and number": lambda x: "a" + x,
    "join": lambda x: "-".join(map(operator.pos, [x])),
    "json": lambda x: json.dumps({"a": [x]}),
    "order": lambda x: sorted([3, x, 1]),
    "missing": lambda x: x < "a",
    "getattr": lambda x: [getattr(x, each, None) is None for each in ("__len__", "__iter__", "shape", "T")],
    "digest": lambda x: hashlib.md5(x).hexdigest(),  # noqa: S324  (no secret)
}
ABSTRACT = (
    "Sized Iterable Iterator Hashable Callable Container Collection Sequence Mapping Reversible".split()
)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "value", [2.0, 2, np.float64(2), np.float32(2), np.array([1.0, 2.0]), np.ones((2, 2))], ids=repr
)
def test_a_value_answers_as_the_plain_one_does(question, value):
    ask = QUESTIONS[question]

    def outcome(call):
        with warnings.catch_warnings(action="ignore", category=CutWarning):
            try:
                return repr(call())
            except UnsupportedError:
                return None  # said clearly
            except Exception as error:  # noqa: BLE001  (whatever the plain value raises)
                return type(error)

    got = []
    plain = outcome(lambda: ask(value))
    traced = outcome(lambda: got.append(record(lambda x: [ask(x)], value).result[0]) or got[0])
    assert traced in (plain, None)
    assert traced is not None or question == "digest"
