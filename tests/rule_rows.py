"""The table of test_rules.py: for every rule its plain forward function and operands where it is smooth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rule_rows_filters import filter_rows
from rule_rows_linalg import linalg_rows
from rule_rows_scipy import (
    scipy_distance_rows,
    scipy_fft_rows,
    scipy_linalg_rows,
    scipy_rows,
)
from rule_rows_splines import scipy_kernel_rows, scipy_spline_rows
from scipy import special

ALTERNATING = "alternating"  # an operand without gradient: booleans True, False, True, …
THREES = "threes"  # an operand without gradient: the integer 3 everywhere
ZEROS = "zeros"  # an operand without gradient: 0.0 everywhere; so is any other number


@dataclass(frozen=True)
class Elements:
    """An elementwise operation; a range (low, high) per operand, kept away from kinks by 0.05."""

    op: str
    forward: Any
    operands: tuple[Any, ...]
    holomorphic: bool = False


@dataclass(frozen=True)
class Scalars:
    """A function of several scalars, at one point."""

    op: str
    forward: Any
    operands: tuple[float, ...]


@dataclass(frozen=True)
class Arrays:
    """A function of arrays; an operand is a shape, filled with distinct numbers, or the array itself."""

    op: str
    forward: Any
    operands: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)


def each(function):
    return np.vectorize(function, otypes=[float])


UNIT, POSITIVE, NEGATIVE, ANY = (-0.9, 0.9), (0.5, 3.0), (-3.0, -0.5), (-2.0, 2.0)
LOW, HIGH = (0.0, 1.0), (2.0, 3.0)

ELEMENTS = (
    Elements("add", np.add, (ANY, ANY), holomorphic=True),
    Elements("subtract", np.subtract, (ANY, ANY), holomorphic=True),
    Elements("multiply", np.multiply, (ANY, ANY), holomorphic=True),
    Elements("divide", np.divide, (ANY, POSITIVE), holomorphic=True),
    Elements("divide", np.divide, (ANY, NEGATIVE)),
    Elements("negative", np.negative, (ANY,), holomorphic=True),
    Elements("positive", np.positive, (ANY,), holomorphic=True),
    Elements("reciprocal", np.reciprocal, (POSITIVE,), holomorphic=True),
    Elements("square", np.square, (ANY,), holomorphic=True),
    Elements("power", np.power, (POSITIVE, ANY), holomorphic=True),
    Elements("power", np.power, (NEGATIVE, THREES)),
    Elements("float_power", np.float_power, (POSITIVE, ANY)),
    Elements("fma", lambda x, y, z: x * y + z, (ANY, ANY, ANY), holomorphic=True),
    Elements("remainder", np.remainder, ((5.1, 5.9), (2.0, 2.2))),
    Elements("remainder", np.remainder, ((-5.9, -5.1), (2.0, 2.2))),
    Elements("remainder", np.remainder, ((5.1, 5.9), (-2.2, -2.0))),
    Elements("fmod", np.fmod, ((5.1, 5.9), (2.0, 2.2))),
    Elements("fmod", np.fmod, ((-5.9, -5.1), (2.0, 2.2))),
    Elements("ieee_remainder", each(math.remainder), ((5.6, 5.9), (2.0, 2.1))),
    Elements("ieee_remainder", each(math.remainder), ((-5.9, -5.6), (2.0, 2.1))),
    Elements("astype", lambda x: x.astype(x.dtype), (ANY,), holomorphic=True),
    Elements("copy", np.copy, (ANY,), holomorphic=True),
    Elements("broadcast_to", np.copy, (ANY,), holomorphic=True),
    Elements("sqrt", np.sqrt, (POSITIVE,), holomorphic=True),
    Elements("cbrt", np.cbrt, (POSITIVE,)),
    Elements("cbrt", np.cbrt, (NEGATIVE,)),
    Elements("hypot", np.hypot, (POSITIVE, ANY)),
    Elements("exp", np.exp, (ANY,), holomorphic=True),
    Elements("exp2", np.exp2, (ANY,), holomorphic=True),
    Elements("expm1", np.expm1, (ANY,), holomorphic=True),
    Elements("log", np.log, (POSITIVE,), holomorphic=True),
    Elements("log2", np.log2, (POSITIVE,), holomorphic=True),
    Elements("log10", np.log10, (POSITIVE,), holomorphic=True),
    Elements("log1p", np.log1p, ((-0.5, 3.0),), holomorphic=True),
    Elements("log_base", lambda x, base: np.log(x) / np.log(base), (POSITIVE, HIGH), holomorphic=True),
    Elements("logaddexp", np.logaddexp, (ANY, ANY)),
    Elements("logaddexp2", np.logaddexp2, (ANY, ANY)),
    Elements("ldexp", np.ldexp, (ANY, THREES)),
    Elements("frexp_mantissa", lambda x: np.frexp(x)[0], ((2.1, 3.9),)),
    Elements("frexp_mantissa", lambda x: np.frexp(x)[0], ((-3.9, -2.1),)),
    Elements("sin", np.sin, (ANY,), holomorphic=True),
    Elements("cos", np.cos, (ANY,), holomorphic=True),
    Elements("tan", np.tan, (UNIT,), holomorphic=True),
    Elements("arcsin", np.arcsin, (UNIT,), holomorphic=True),
    Elements("arccos", np.arccos, (UNIT,), holomorphic=True),
    Elements("arctan", np.arctan, (UNIT,), holomorphic=True),
    Elements("arctan2", np.arctan2, (ANY, POSITIVE)),
    Elements("arctan2", np.arctan2, (POSITIVE, ANY)),
    Elements("degrees", np.degrees, (ANY,)),
    Elements("radians", np.radians, (ANY,)),
    Elements("sinh", np.sinh, (ANY,), holomorphic=True),
    Elements("cosh", np.cosh, (ANY,), holomorphic=True),
    Elements("tanh", np.tanh, (UNIT,), holomorphic=True),
    Elements("arcsinh", np.arcsinh, (UNIT,), holomorphic=True),
    Elements("arccosh", np.arccosh, ((1.5, 3.0),), holomorphic=True),
    Elements("arctanh", np.arctanh, (UNIT,), holomorphic=True),
    Elements("erf", each(math.erf), (ANY,)),
    Elements("erfc", each(math.erfc), (ANY,)),
    Elements("gamma", each(math.gamma), (POSITIVE,)),
    Elements("gamma", each(math.gamma), ((-1.7, -1.3),)),
    Elements("lgamma", each(math.lgamma), (POSITIVE,)),
    Elements("lgamma", each(math.lgamma), ((-1.7, -1.3),)),
    Elements("i0", np.i0, ((-9.0, 9.0),)),
    Elements("sinc", np.sinc, (ANY,)),
    Elements("sinc", np.sinc, ((-0.004, 0.004),)),
    Elements("unwrap", each(lambda x, period: x + 3 * period), (LOW, HIGH)),
    Elements("nan_to_num", np.nan_to_num, (ANY,)),
    Elements("nan_to_given", lambda x, *ends: np.nan_to_num(x, True, *ends), (ANY, 1.0, 2.0, -2.0)),
    *(
        Elements("nan_to_given", lambda x, *ends: np.nan_to_num(x, True, *ends), (x, ANY, HIGH, NEGATIVE))
        for x in (math.nan, math.inf, -math.inf)
    ),
    Elements("maximum", np.maximum, (LOW, HIGH)),
    Elements("maximum", np.maximum, (HIGH, LOW)),
    Elements("minimum", np.minimum, (LOW, HIGH)),
    Elements("minimum", np.minimum, (HIGH, LOW)),
    Elements("fmax", np.fmax, (LOW, HIGH)),
    Elements("fmax", np.fmax, (HIGH, LOW)),
    Elements("fmin", np.fmin, (LOW, HIGH)),
    Elements("fmin", np.fmin, (HIGH, LOW)),
    Elements("where", np.where, (ALTERNATING, ANY, ANY), holomorphic=True),
    Elements("clip", np.clip, (LOW, (-3.0, -2.0), HIGH)),
    Elements("clip", np.clip, ((-5.0, -4.0), (-3.0, -2.0), HIGH)),
    Elements("clip", np.clip, ((4.0, 5.0), (-3.0, -2.0), HIGH)),
    Elements("clip", np.clip, ((0.0, 1.0), (4.0, 5.0), HIGH)),
    Elements("absolute", np.absolute, (POSITIVE,)),
    Elements("absolute", np.absolute, (NEGATIVE,)),
    Elements("fabs", np.fabs, (NEGATIVE,)),
    Elements("copysign", np.copysign, (POSITIVE, NEGATIVE)),
    Elements("copysign", np.copysign, (NEGATIVE, NEGATIVE)),
    Elements("nextafter", np.nextafter, (LOW, HIGH)),
    Elements("floor", np.floor, ((1.1, 1.9),)),
    Elements("ceil", np.ceil, ((1.1, 1.9),)),
    Elements("trunc", np.trunc, ((-1.9, -1.1),)),
    Elements("fix", np.fix, ((-1.9, -1.1),)),
    Elements("rint", np.rint, ((0.6, 1.4),)),
    Elements("round", np.round, ((0.6, 1.4),)),
    Elements("sign", np.sign, (NEGATIVE,)),
    Elements("ulp", np.spacing, ((1.1, 1.9),)),
    Elements("floor_divide", np.floor_divide, ((5.1, 5.9), (2.0, 2.2))),
    Elements("modf_integral", lambda x: np.modf(x)[1], ((1.1, 1.9),)),
    Elements("modf_fractional", lambda x: np.modf(x)[0], ((-1.9, -1.1),)),
    Elements("heaviside", np.heaviside, (POSITIVE, ANY)),
    Elements("heaviside", np.heaviside, (NEGATIVE, ANY)),
    Elements("heaviside", np.heaviside, (ZEROS, ANY)),
    *scipy_rows(Elements),
)

SCALARS = (
    Scalars("fsum", lambda *x: math.fsum(x), (1.5, -2.0, 0.25)),
    Scalars("fsum", lambda *x: math.fsum(x), (1.5,)),
    Scalars("sum_scalars", lambda *x: sum(x), (1.5, -2.0, 0.25, 4.0)),
    Scalars("prod_scalars", lambda *x: math.prod(x), (1.5, -2.0, 0.25, 3.0)),
    Scalars("prod_scalars", lambda *x: math.prod(x), (1.5, 0.0, 0.25)),
    Scalars("prod_scalars", lambda *x: math.prod(x), (0.0, 2.0, 0.0)),
    Scalars("prod_scalars", lambda *x: math.prod(x), (0.75,)),
    Scalars("hypot_scalars", math.hypot, (1.5, -2.0, 0.5)),
    Scalars("hypot_scalars", math.hypot, (-1.5,)),
    *(
        Scalars("max_scalars", max, numbers)
        for numbers in ((3.0, 1.5, -0.5), (1.5, 3.0, -0.5), (-0.5, 1.5, 3.0))
    ),
    *(
        Scalars("min_scalars", min, numbers)
        for numbers in ((-1.0, 1.5, 0.5), (1.5, -1.0, 0.5), (0.5, 1.5, -1.0))
    ),
    Scalars("dist", lambda *x: math.dist(x[:3], x[3:]), (1.0, 2.0, 3.0, -1.0, 0.5, 4.0)),
    Scalars(
        "sumprod",
        lambda *x: sum(p * q for p, q in zip(x[:3], x[3:], strict=True)),
        (1.0, 2.0, 3.0, -1.0, 0.5, 4.0),
    ),
)

MASK = np.array([[True, False, True, False], [False, True, True, False], [False, False, False, True]])
ROWS, COLUMNS = np.array([0, 2, 0]), np.array([1, 3, 1])


def reducing(op):
    """Give one row per way to name the axes of a reduction."""
    function = getattr(np, op)
    ways = (
        ((3, 4), {}),
        ((3, 4), {"axis": None}),
        ((3, 4), {"axis": 0}),
        ((3, 4), {"axis": -1, "keepdims": True}),
        ((2, 3, 2), {"axis": (0, -1)}),
        ((2, 3, 2), {"axis": (2, 0), "keepdims": True}),
        ((2, 3), {"keepdims": True}),
        ((4,), {"axis": 0}),
        ((1,), {}),
        ((), {}),
        ((0, 3), {"axis": 1}),
    )
    return tuple(
        Arrays(op, lambda x, params=params: function(x, **params), (shape,), params)
        for shape, params in ways
    )


def indexing(shape, *indices):
    return tuple(
        Arrays("getitem", lambda x, index=index: x[index], (shape,), {"index": index}) for index in indices
    )


def put(x, value, index):
    y = x.copy()
    y[index] = value
    return y


def writing(shape, *indices):
    return tuple(
        Arrays(
            "setitem",
            lambda x, value, index=index: put(x, value, index),
            (shape, np.zeros(shape)[index].shape),
            {"index": index},
        )
        for index in indices
    )


def multiplying(op, *shapes):
    return tuple(Arrays(op, getattr(np, op), pair) for pair in shapes)


def contracting(subscripts, *shapes):
    return Arrays("einsum", lambda *x: np.einsum(subscripts, *x), shapes, {"subscripts": subscripts})


ARRAYS = (
    *reducing("sum"),
    *reducing("mean"),
    *reducing("prod"),
    *reducing("max"),
    *reducing("min"),
    Arrays("sum", np.sum, ((0,),)),
    Arrays("sum", np.sum, ((100, 90),)),
    Arrays("sum", lambda x: x.sum(1), ((100, 90),), {"axis": 1}),
    Arrays("prod", np.prod, (np.array([[2.0, 0.0, 3.0], [0.5, 1.0, 4.0]]),)),
    Arrays("prod", lambda x: x.prod(1), (np.array([[2.0, 0.0, 3.0], [0.0, 1.0, 0.0]]),), {"axis": 1}),
    Arrays("prod", np.prod, ((0,),)),
    Arrays("cumsum", np.cumsum, ((4,),)),
    Arrays("cumsum", np.cumsum, ((2, 3),), {"axis": None}),
    Arrays("cumsum", lambda x: np.cumsum(x, -1), ((2, 3),), {"axis": -1}),
    Arrays("cumsum", lambda x: np.cumsum(x, 0), ((2, 3),), {"axis": 0}),
    Arrays("cumsum", np.cumsum, ((),)),
    Arrays("reshape", lambda x: x.reshape(3, 2), ((2, 3),)),
    Arrays("reshape", lambda x: x.reshape(3, 2, order="F"), ((2, 3),), {"order": "F"}),
    Arrays("reshape", lambda x: x.reshape(()), ((1, 1),)),
    Arrays("reshape", lambda x: x.reshape(1, 1), ((),)),
    Arrays("reshape", lambda x: x.reshape(3, 0), ((0, 2),)),
    Arrays("ravel", np.ravel, ((2, 3),)),
    Arrays("ravel", lambda x: x.ravel("F"), ((2, 3),), {"order": "F"}),
    Arrays("squeeze", np.squeeze, ((1, 3, 1),)),
    Arrays("expand_dims", lambda x: x[:, None], ((3,),)),
    Arrays("transpose", np.transpose, ((2, 3),)),
    Arrays("transpose", np.transpose, ((2, 3, 4),), {"axes": None}),
    Arrays("transpose", lambda x: x.transpose(1, -1, 0), ((2, 3, 4),), {"axes": (1, -1, 0)}),
    Arrays("transpose", np.transpose, ((),)),
    Arrays("swapaxes", lambda x: x.swapaxes(0, -1), ((2, 3, 4),), {"axis1": 0, "axis2": -1}),
    Arrays("moveaxis", lambda x: np.moveaxis(x, 0, -1), ((2, 3, 4),), {"source": 0, "destination": -1}),
    Arrays(
        "moveaxis",
        lambda x: np.moveaxis(x, (0, 1), (2, 0)),
        ((2, 3, 4),),
        {"source": (0, 1), "destination": (2, 0)},
    ),
    Arrays("flip", np.flip, ((2, 3),)),
    Arrays("flip", lambda x: np.flip(x, -1), ((2, 3),), {"axis": -1}),
    Arrays("concatenate", lambda *x: np.concatenate(x), ((2,), (3,), (0,))),
    Arrays("concatenate", lambda *x: np.concatenate(x, -1), ((2, 1), (2, 3)), {"axis": -1}),
    Arrays("concatenate", lambda *x: np.concatenate(x, None), ((2, 1), (3,), ()), {"axis": None}),
    Arrays("stack", lambda *x: np.stack(x), ((2, 3), (2, 3))),
    Arrays("stack", lambda *x: np.stack(x, -1), ((2, 3), (2, 3)), {"axis": -1}),
    Arrays("stack", lambda *x: np.stack(x, 1), ((2, 3), (2, 3)), {"axis": 1}),
    Arrays("stack", lambda *x: np.stack(x), ((), (), ())),
    *indexing((5,), 2, -1, np.int64(3), slice(1, 4), slice(None, None, -2), slice(3, 3), Ellipsis, None),
    *indexing((5,), [0, 0, 3], np.array([1, 1, -4]), np.array([], int), (np.array([[0, 0], [1, 4]]),)),
    *indexing((3, 4), 1, (1, 2), (slice(None), 2), (Ellipsis, None, 0), (1, slice(None, 2)), (), MASK),
    *indexing((3, 4), (ROWS, COLUMNS), ((0, 0), (1, 1)), (ROWS, slice(1, 3)), (MASK[:, 0], 1), True),
    *indexing((3, 4), (ROWS, None, Ellipsis), (slice(None), [1, 1]), (1, ROWS), np.ix_(ROWS, COLUMNS)),
    *indexing((), (), Ellipsis, None),
    Arrays("item", lambda x: x.item(), ((1, 1),)),
    Arrays("item", lambda x: x.item(), ((),)),
    Arrays("item", lambda x: x.item(-2), ((2, 3),), {"index": (-2,)}),
    Arrays("item", lambda x: x.item(4), ((2, 3),), {"index": 4}),
    Arrays("item", lambda x: x.item(1, 2), ((2, 3),), {"index": (1, 2)}),
    *writing((5,), 2, slice(1, 4), [0, 0, 3], np.array([1, 1, -4]), Ellipsis),
    *writing((3, 4), 1, (1, 2), MASK, (ROWS, COLUMNS), (ROWS, slice(1, 3)), (slice(None), [1, 1])),
    *multiplying("matmul", ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4))),
    *multiplying("matmul", ((2, 2, 3), (2, 3, 4)), ((2, 5, 2, 3), (2, 5, 3, 1)), ((5, 2, 3), (3, 4))),
    *multiplying(
        "matmul", ((2, 2, 3), (3,)), ((3,), (2, 3, 4)), ((2, 5, 4, 3), (3,)), ((3,), (2, 5, 3, 4))
    ),
    *multiplying(
        "matmul", ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((0,), (0,)), ((2, 0), (0,)), ((0, 2), (2,))
    ),
    *multiplying("matmul", ((0,), (0, 3)), ((2, 3, 0), (0, 4)), ((0, 3, 2), (2, 4)), ((0, 3, 2), (2,))),
    *multiplying(
        "dot", ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((), ()), ((), (2, 3))
    ),
    *multiplying(
        "dot", ((2, 3), ()), ((2, 5, 3), (4, 3, 2)), ((2, 5, 3), (3,)), ((3,), (4, 3, 2)), ((0,), (0,))
    ),
    *multiplying("outer", ((2,), (3,)), ((2, 2), (3,)), ((), (3,)), ((0,), (3,))),
    *multiplying("inner", ((3,), (3,)), ((2, 3), (4, 3)), ((2, 5, 3), (3,)), ((), (2, 3)), ((2,), ())),
    *multiplying("vdot", ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (6,))),
    *multiplying("tensordot", ((2, 3, 4), (3, 4, 5))),
    Arrays("tensordot", lambda a, b: np.tensordot(a, b, 1), ((2, 3), (3, 4)), {"axes": 1}),
    Arrays("tensordot", lambda a, b: np.tensordot(a, b, 0), ((2, 3), (4,)), {"axes": 0}),
    Arrays(
        "tensordot",
        lambda a, b: np.tensordot(a, b, ((2, 0), (1, -1))),
        ((2, 3, 4), (5, 4, 2)),
        {"axes": ((2, 0), (1, -1))},
    ),
    Arrays("tensordot", lambda a, b: np.tensordot(a, b, (-1, 0)), ((2, 3), (3, 4)), {"axes": (-1, 0)}),
    contracting("ij,jk->ik", (2, 3), (3, 4)),
    contracting("ij,jk", (2, 3), (3, 4)),
    contracting("ba,cb", (2, 3), (4, 2)),
    contracting("bij,bjk->bik", (2, 2, 3), (2, 3, 4)),
    contracting("bij , bjk -> kb", (2, 2, 3), (2, 3, 4)),
    contracting("...ij,...jk->...ik", (2, 5, 2, 3), (2, 5, 3, 4)),
    contracting("...ij,jk->...ik", (2, 5, 2, 3), (3, 4)),
    contracting("...ij,...jk", (2, 2, 3), (5, 2, 3, 4)),
    contracting("i...,i...->...", (3, 2), (3, 4, 2)),
    contracting("i...->i...", (3, 2)),
    contracting("...->", ()),
    contracting("i,i->", (3,), (3,)),
    contracting("i,j->ij", (2,), (3,)),
    contracting("ij->", (2, 3)),
    contracting("ij->j", (2, 3)),
    contracting("ij->ji", (2, 3)),
    contracting("ba", (2, 3)),
    contracting("ii->i", (3, 3)),
    contracting("ii", (3, 3)),
    contracting("ii->", (3, 3)),
    contracting("iij->ij", (3, 3, 2)),
    contracting("ii,ij->j", (3, 3), (3, 2)),
    contracting("iji,j->", (2, 3, 2), (3,)),
    contracting("ij,k->k", (2, 3), (4,)),
    contracting("ij,k->", (2, 3), (4,)),
    contracting("i,i,i->i", (3,), (3,), (3,)),
    contracting("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    contracting("bhqd,bhkd->bhqk", (2, 2, 3, 4), (2, 2, 5, 4)),
    contracting("ij,ij->ij", (1, 3), (2, 3)),
    contracting("ij,ij->i", (2, 1), (2, 3)),
    contracting("i,i->", (1,), (3,)),
    contracting("ij,jk->ik", (2, 0), (0, 4)),
    contracting(",ij->ij", (), (2, 3)),
    Arrays("logsumexp", special.logsumexp, ((5,),), {"axis": None, "keepdims": False}),
    Arrays("logsumexp", lambda a: special.logsumexp(a, 1), ((2, 3),), {"axis": 1, "keepdims": False}),
    Arrays(
        "logsumexp", lambda a: special.logsumexp(a, (0, 2), keepdims=True), ((2, 3, 2),), {"axis": (0, 2)}
    ),
    Arrays(
        "logsumexp",
        lambda a, b: special.logsumexp(a, -1, b),
        ((2, 3), np.array([1.0, 2.0, 0.5])),
        {"axis": -1},
    ),
    Arrays("softmax", special.softmax, ((2, 3),), {"axis": None}),
    Arrays("softmax", lambda x: special.softmax(x, 0), ((2, 3),), {"axis": 0}),
    Arrays("log_softmax", special.log_softmax, ((4,),), {"axis": None}),
    Arrays("log_softmax", lambda x: special.log_softmax(x, -1), ((2, 3),), {"axis": -1}),
    *linalg_rows(Arrays),
    *scipy_linalg_rows(Arrays),
    *scipy_fft_rows(Arrays),
    *scipy_distance_rows(Arrays),
    *scipy_spline_rows(Arrays),
    *scipy_kernel_rows(Arrays),
    *filter_rows(Arrays),
)


@dataclass(frozen=True)
class Kink:
    """A point where the derivative is a convention, or looks like one: every partial there, exactly."""

    op: str
    operands: tuple[float, ...]
    out: float
    partials: tuple[float | None, ...]
    is_kink: bool = True


INF, NAN = math.inf, math.nan

KINKS = (
    Kink("power", (0.0, 0.0), 1.0, (0.0, 0.0)),
    Kink("power", (0.0, 1.0), 0.0, (1.0, 0.0), is_kink=False),
    Kink("power", (0.0, 2.0), 0.0, (0.0, 0.0), is_kink=False),
    Kink("power", (0.0, 3.0), 0.0, (0.0, 0.0), is_kink=False),
    Kink("power", (INF, 0.0), 1.0, (0.0, INF), is_kink=False),
    Kink("power", (0.0, 0.5), 0.0, (INF, 0.0)),
    Kink("power", (0.0, -1.0), INF, (-INF, -INF), is_kink=False),
    Kink("power", (-2.0, 3.0), -8.0, (12.0, NAN), is_kink=False),
    Kink("float_power", (0.0, 0.5), 0.0, (INF, 0.0)),
    Kink("divide", (1.0, 0.0), INF, (INF, -INF), is_kink=False),
    Kink("remainder", (4.0, 2.0), 0.0, (1.0, -2.0)),
    Kink("remainder", (1.0, 0.1), 1.0 % 0.1, (1.0, -9.0), is_kink=False),
    Kink("remainder", (-1.0, INF), INF, (1.0, 1.0), is_kink=False),
    Kink("fmod", (-4.0, 2.0), -0.0, (1.0, 2.0)),
    Kink("fmod", (1.0, 0.1), math.fmod(1.0, 0.1), (1.0, -9.0), is_kink=False),
    Kink("fmod", (1.0, INF), 1.0, (1.0, 0.0), is_kink=False),
    Kink("ieee_remainder", (5.0, 2.0), 1.0, (1.0, -2.0)),
    Kink("sqrt", (0.0,), 0.0, (INF,)),
    Kink("cbrt", (0.0,), 0.0, (INF,)),
    Kink("hypot", (0.0, 0.0), 0.0, (0.0, 0.0)),
    Kink("logaddexp", (-INF, -INF), -INF, (0.0, 0.0), is_kink=False),
    Kink("logaddexp2", (-INF, -INF), -INF, (0.0, 0.0), is_kink=False),
    Kink("frexp_mantissa", (0.0,), 0.0, (1.0,)),
    Kink("arcsin", (1.0,), math.pi / 2, (INF,)),
    Kink("arccos", (-1.0,), math.pi, (-INF,)),
    Kink("arctan2", (0.0, 0.0), 0.0, (0.0, 0.0)),
    Kink("arccosh", (1.0,), 0.0, (INF,)),
    Kink("maximum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Kink("maximum", (INF, INF), INF, (0.5, 0.5)),
    Kink("minimum", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Kink("fmax", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Kink("fmax", (NAN, 2.0), 2.0, (0.0, 1.0), is_kink=False),
    Kink("fmin", (2.0, 2.0), 2.0, (0.5, 0.5)),
    Kink("fmin", (2.0, NAN), 2.0, (1.0, 0.0), is_kink=False),
    Kink("clip", (1.0, 1.0, 2.0), 1.0, (1.0, 0.0, 0.0)),
    Kink("clip", (2.0, 1.0, 2.0), 2.0, (1.0, 0.0, 0.0)),
    Kink("clip", (5.0, -INF, INF), 5.0, (1.0, 0.0, 0.0), is_kink=False),
    Kink("clip", (1.5, 2.0, 1.0), 1.0, (0.0, 0.0, 1.0), is_kink=False),
    Kink("absolute", (0.0,), 0.0, (0.0,)),
    Kink("fabs", (0.0,), 0.0, (0.0,)),
    Kink("angle", (0.0,), 0.0, (0.0,)),
    Kink("angle_degrees", (0.0,), 0.0, (0.0,)),
    Kink("copysign", (0.0, -1.0), -0.0, (0.0, 0.0)),
    Kink("copysign", (2.0, -0.0), -2.0, (-1.0, 0.0)),
    Kink("heaviside", (0.0, 0.25), 0.25, (0.0, 1.0)),
    Kink("modf_fractional", (2.0,), 0.0, (1.0,)),
    Kink("hypot_scalars", (0.0, 0.0, 0.0), 0.0, (0.0, 0.0, 0.0)),
    Kink("max_scalars", (1.0, 2.0, 2.0), 2.0, (0.0, 1.0, 0.0)),
    Kink("min_scalars", (1.0, 1.0, 2.0), 1.0, (1.0, 0.0, 0.0)),
    Kink("dist", (1.0, 2.0, 1.0, 2.0), 0.0, (0.0, 0.0, 0.0, 0.0)),
)

TIES = (
    # op, operand, params, gradient of out, gradient of the operand
    ("max", [2.0, 5.0, 5.0, 1.0], {}, 3.0, [0.0, 1.5, 1.5, 0.0]),
    ("min", [[1.0, 1.0], [3.0, 2.0]], {"axis": 1}, [4.0, 6.0], [[2.0, 2.0], [0.0, 6.0]]),
    ("max", [[7.0, 1.0], [7.0, 7.0]], {"keepdims": True}, [[6.0]], [[2.0, 0.0], [2.0, 2.0]]),
    ("max", [NAN, 1.0, NAN], {}, 2.0, [1.0, 0.0, 1.0]),
    ("max", [INF, INF, 0.0], {}, 1.0, [0.5, 0.5, 0.0]),
)

# Computed with 40 digits by mpmath.
DIGAMMA = (
    (1e-05, -100000.57719921567),
    (0.1, -10.423754940411076),
    (0.5, -1.9635100260214235),
    (1.0, -0.5772156649015329),
    (1.5, 0.03648997397857652),
    (2.0, 0.42278433509846713),
    (3.25, 1.016990911068179),
    (9.999, 2.2516474172057355),
    (10.0, 2.251752589066721),
    (12.5, 2.4851956512749123),
    (100.0, 4.600161852738087),
    (1000000.0, 13.815510057964191),
    (-0.5, 0.03648997397857652),
    (-1.5, 0.7031566406452432),
    (-2.25, 4.158583564657972),
    (-0.001, 999.4211381978913),
    (-7.999, -997.856186170324),
    (-20.5, 3.044616882512525),
    (-100.3, 6.895643124860435),
)
