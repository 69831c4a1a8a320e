"""Rows of test_rules.py for functions that move elements and for statistics."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from rule_rows import Arrays


def moving(op, function, *shapes):
    """Have the function move the numbers of the elements, as the reader of a call does."""
    numbers, first = [], 1
    for shape in shapes:
        size = int(np.prod(shape))
        numbers.append(np.arange(first, first + size).reshape(shape))
        first += size
    return Arrays(op, function, shapes, {"places": np.asarray(function(*numbers))})


def sorting(shape, axis):
    """Sort by the values themselves, so the places follow from them."""
    values = np.cos(np.arange(np.prod(shape)) * 2.0).reshape(shape)
    numbers = np.arange(1, values.size + 1).reshape(shape)
    places = np.take_along_axis(numbers, np.argsort(values, axis), axis)
    return Arrays("sort", lambda x: np.sort(x, axis), (values,), {"places": places})


def choosing(op):
    """Take elements in the order of their values."""
    values = np.array([0.3, -1.2, 2.4, 0.9])
    places = {"setdiff1d": [2, 1, 4], "intersect1d": [1, 4]}.get(op, [2, 1, 4, 3])
    return Arrays(op, lambda x: x[np.array(places) - 1], (values,), {"places": np.array(places)})


def spreading(op, **params):
    full = {"axis": None, "keepdims": False, "ddof": 0} | params
    return Arrays(op, lambda x: getattr(np, op)(x, **params), ((3, 4),), full)


def added(ufunc, x, y):
    total = x.copy()
    ufunc.at(total, np.array([0, 2, 2, 1]), y)
    return total


MASK = np.array([True, False, True])

MOVES = (
    moving("as_strided", lambda x: as_strided(x, (3, 2), (x.itemsize, 2 * x.itemsize)), (5,)),
    moving("sliding_window_view", lambda x: sliding_window_view(x, 3), (5,)),
    moving("broadcast_arrays", lambda x: np.broadcast_arrays(x, np.zeros((2, 3)))[0], (3,)),
    moving("meshgrid", lambda x: np.meshgrid([1, 2], x)[1], (3,)),
    moving("atleast_1d", np.atleast_1d, ()),
    moving("atleast_2d", np.atleast_2d, (3,)),
    moving("atleast_3d", np.atleast_3d, (2, 3)),
    moving("delete", lambda x: np.delete(x, 1, axis=0), (3, 2)),
    moving("diagflat", np.diagflat, (2, 2)),
    moving("fliplr", np.fliplr, (2, 3)),
    moving("flipud", np.flipud, (2, 3)),
    moving("pad", lambda x: np.pad(x, 2, "reflect"), (4,)),
    moving("pad", lambda x: np.pad(x, ((1, 0), (0, 2))), (2, 3)),
    *(
        Arrays(
            "pad_computed",
            lambda x, given=given: np.pad(x, ((1, 2), (0, 3)), **given),
            (shape,),
            {
                "widths": [[1, 2], [0, 3]],
                "lengths": None,
                "reflect_type": "even",
                "end_values": [[0, 0], [0, 0]],
            }
            | {"lengths" if key == "stat_length" else key: value for key, value in given.items()},
        )
        for shape in ((3, 4), (4, 2))
        for given in (
            *({"mode": mode} for mode in ("mean", "median", "maximum", "minimum", "linear_ramp")),
            *(
                {"mode": mode, "stat_length": [[2, 1], [3, 2]]}
                for mode in ("mean", "median", "maximum", "minimum")
            ),
            *({"mode": mode, "reflect_type": "odd"} for mode in ("reflect", "symmetric")),
        )
    ),
    moving("repeat", lambda x: np.repeat(x, [1, 0, 2], axis=0), (3, 2)),
    moving("resize", lambda x: np.resize(x, (3, 3)), (4,)),
    moving("roll", lambda x: np.roll(x, 1, axis=1), (2, 3)),
    moving("rollaxis", lambda x: np.rollaxis(x, 2), (2, 3, 4)),
    moving("rot90", np.rot90, (2, 3)),
    sorting((5,), -1),
    sorting((3, 4), 0),
    moving("take", lambda x: np.take(x, [2, 0, 2], axis=1), (2, 3)),
    moving("take", lambda x: np.take(x, 2), (4,)),
    moving("take_along_axis", lambda x: np.take_along_axis(x, np.array([[1], [0]]), 1), (2, 3)),
    moving("tile", lambda x: np.tile(x, (2, 2)), (2, 3)),
    moving("tril", np.tril, (3, 3)),
    moving("triu", lambda x: np.triu(x, 1), (3, 4)),
    moving("block", lambda x, y: np.block([[x, y], [y, x]]), (2, 2), (2, 2)),
    moving("column_stack", lambda x, y: np.column_stack([x, y]), (3,), (3, 2)),
    moving("dstack", lambda x, y: np.dstack([x, y]), (3,), (3,)),
    moving("hstack", lambda x, y: np.hstack([x, y]), (2, 2), (2, 3)),
    moving("vstack", lambda x, y: np.vstack([x, y]), (3,), (2, 3)),
    moving("array_split", lambda x: np.array_split(x, 3)[0], (5,)),
    moving("dsplit", lambda x: np.dsplit(x, 2)[1], (1, 2, 4)),
    moving("hsplit", lambda x: np.hsplit(x, [1])[1], (2, 3)),
    moving("split", lambda x: np.split(x, 2)[1], (4, 2)),
    moving("vsplit", lambda x: np.vsplit(x, 2)[0], (4, 2)),
    moving("append", lambda x, y: np.append(x, y), (2, 2), (3,)),
    moving("insert", lambda x, y: np.insert(x, [1, 2], y), (4,), (2,)),
    moving("choose", lambda x, y: np.choose([1, 0, 1], [x, y]), (3,), ()),
    moving("compress", lambda x: np.compress(MASK, x, 0), (3, 2)),
    moving("select", lambda x, y: np.select([MASK], [x], y), (3,), (3,)),
    moving("unstack", lambda x: np.moveaxis(x, 1, 0)[1], (2, 3)),
    moving("ix_", lambda x: np.ix_([1, 2], x)[1], (3,)),
    moving("concatenate_items", lambda x, y: np.r_[x, y], (3,), ()),
    moving("apply_along_axis", lambda x: np.apply_along_axis(lambda line: line[::2], 0, x), (3, 2)),
    moving("piecewise", lambda x, y: np.where(MASK, x, y), (3,), ()),
    moving("vectorize", lambda x, y: np.stack([y, x, y]), (), ()),
    moving("trim_zeros", lambda x: x[1:-2], (5,)),
    *(choosing(op) for op in ("partition", "unique", "union1d", "intersect1d", "setdiff1d", "setxor1d")),
    spreading("var"),
    spreading("var", axis=1, ddof=1),
    spreading("var", axis=(0, 1), keepdims=True),
    spreading("std"),
    spreading("std", axis=0, ddof=1, keepdims=True),
    Arrays("cumprod", np.cumprod, ((4,),), {"axis": None}),
    Arrays(
        "cumprod", lambda x: np.cumprod(x, 1), (np.array([[2.0, 0.0, 3.0], [0.5, 1.0, 4.0]]),), {"axis": 1}
    ),
    Arrays("cumprod", np.cumprod, ((2, 2),), {"axis": None}),
    Arrays("diff", np.diff, ((4,),), {"n": None, "axis": None}),
    Arrays("diff", lambda x: np.diff(x, 2, 0), ((4, 2),), {"n": 2, "axis": 0}),
    *(
        Arrays("convolve", lambda x, y, mode=mode: np.convolve(x, y, mode), pair, {"mode": mode})
        for mode in ("full", "same", "valid")
        for pair in (((5,), (3,)), ((3,), (5,)), ((4,), (4,)), ((4,), (1,)))
    ),
    Arrays("add_at", lambda x, y: added(np.add, x, y), ((3,), (4,)), {"index": np.array([0, 2, 2, 1])}),
    Arrays(
        "subtract_at",
        lambda x, y: added(np.subtract, x, y),
        ((3,), (4,)),
        {"index": np.array([0, 2, 2, 1])},
    ),
)
