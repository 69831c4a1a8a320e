"""The table of what operations on arrays compute: `(operands, params, out) -> value`. Read through forward.py."""

from __future__ import annotations

from typing import Any

import numpy  # noqa: ICN001  (np is what has no types here)

from tracer.diagnose.forward_mathematics import MATHEMATICS, given
from tracer.rules.arrange import ARRANGE
from tracer.rules.ufunc_forms import BINARY

# Operands are of any type that NumPy takes: what its annotations say of hundreds of calls says nothing here.
np: Any = numpy


# ------------------------------------------------------------------------------------------------ shapes and elements


def _arrange(operands: Any, params: Any, out: Any) -> Any:
    """Put the elements where the numbers say; what comes from none stays as it was."""
    places = np.asarray(params["places"])
    elements = np.concatenate([np.ravel(each) for each in operands])
    return np.where(places > 0, elements[np.maximum(places, 1) - 1], out)


def _pad_computed(operands: Any, params: Any, _: Any) -> Any:
    mode = params["mode"]
    options = {"reflect_type": params["reflect_type"]}
    if mode == "linear_ramp":
        options = {"end_values": params["end_values"]}
    elif mode not in ("reflect", "symmetric"):
        options = {"stat_length": params["lengths"]}
    return np.pad(operands[0], params["widths"], mode, **options)


def _item(operands: Any, params: Any, _: Any) -> Any:
    index = params.get("index", ())
    return np.asarray(operands[0]).item(*(index if isinstance(index, tuple) else (index,)))


def _setitem(operands: Any, params: Any, _: Any) -> Any:
    array, value = np.array(operands[0]), np.asarray(operands[1])
    if value.dtype.kind == "c" and array.dtype.kind != "c":
        array = array.astype(value.dtype)
    array[params["index"]] = value
    return array


def _at(ufunc: Any) -> Any:
    def compute(operands: Any, params: Any, _: Any) -> Any:
        array = np.array(operands[0])
        ufunc.at(array, params["index"], operands[1])
        return array

    return compute


def _with_part(part: str) -> Any:
    def compute(operands: Any, _: Any, __: Any) -> Any:
        changed = np.array(operands[0])
        setattr(changed, part, np.real(operands[1]))
        return changed[()]

    return compute


def _concatenated(operands: Any, params: Any, _: Any) -> Any:
    return np.concatenate([np.asarray(each) for each in operands], params.get("axis", 0))


_SHAPES = {
    "reshape": lambda x, p, out: np.reshape(x[0], np.shape(out), order=p.get("order", "C")),
    "ravel": lambda x, p, _: np.ravel(x[0], p.get("order", "C")),
    "squeeze": lambda x, _, out: np.reshape(x[0], np.shape(out)),
    "expand_dims": lambda x, _, out: np.reshape(x[0], np.shape(out)),
    "transpose": lambda x, p, _: np.transpose(x[0], p.get("axes")),
    "swapaxes": lambda x, p, _: np.swapaxes(x[0], p["axis1"], p["axis2"]),
    "moveaxis": lambda x, p, _: np.moveaxis(x[0], p["source"], p["destination"]),
    "flip": lambda x, p, _: np.flip(x[0], p.get("axis")),
    "concatenate": _concatenated,
    "stack": lambda x, p, _: np.stack(x, p.get("axis", 0)),
    "getitem": lambda x, p, _: np.asarray(x[0])[p["index"]],
    "item": _item,
    "pad_computed": _pad_computed,
    "setitem": _setitem,
    "add_at": _at(np.add),
    "subtract_at": _at(np.subtract),
    "with_real": _with_part("real"),
    "with_imag": _with_part("imag"),
    **dict.fromkeys(ARRANGE, _arrange),
}

# ---------------------------------------------------------------------------------------------------------- reductions


def _reduced(name: str, *options: str, second: str = "initial") -> Any:
    function = getattr(np, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        further = {second: operands[1]} if len(operands) > 1 else {}
        return function(operands[0], **given(params, "axis", "keepdims", "where", *options), **further)

    return compute


def _accumulated(name: str) -> Any:
    function = getattr(np, name)
    first = 1.0 if name.endswith("prod") else 0.0

    def compute(operands: Any, params: Any, _: Any) -> Any:
        axis = params.get("axis")
        found = function(operands[0], axis)
        if not params.get("include_initial"):
            return found
        return np.insert(found, 0, first, axis=axis or 0)

    return compute


def _quantile(name: str) -> Any:
    function = getattr(np, name)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        if name.endswith("median"):
            return function(operands[0], **given(params, "axis", "keepdims"))
        q = operands[1] if len(operands) > 1 else params["q"]
        return function(operands[0], q, **given(params, "axis", "keepdims", "method", "weights"))

    return compute


def _form(name: str, form: str) -> Any:
    ufunc = BINARY[name]

    def compute(operands: Any, params: Any, _: Any) -> Any:
        if form == "accumulate":
            return ufunc.accumulate(operands[0], params["axis"])
        if form == "reduceat":
            return ufunc.reduceat(operands[0], params["indices"], params["axis"])
        initial = {"initial": operands[1]} if len(operands) > 1 else {}
        options = given(params, "keepdims", "where")
        return ufunc.reduce(operands[0], axis=params.get("axis"), **options, **initial)

    return compute


def _average_weights(operands: Any, params: Any, _: Any) -> Any:
    (weights,), axis, shape = operands, params["axis"], params["shape"]
    ones = np.ones(shape)
    return np.average(ones, axis, weights, returned=True, keepdims=bool(params["keepdims"]))[1]


def _moments(name: str) -> Any:
    function = getattr(np, name)
    names = ("rowvar", "bias", "ddof", "fweights", "aweights") if name == "cov" else ("rowvar",)

    def compute(operands: Any, params: Any, _: Any) -> Any:
        options, at = {each: params[each] for each in names}, params.get("of_weights")
        if at is not None:
            options["aweights"] = np.real(operands[at])
        return function(*operands[:at], **options)

    return compute


def _histogram(operands: Any, params: Any, out: Any) -> Any:
    """Add up the weights in each bin; `bins` has the size of the result where a weight is in none."""
    bins, weights = (np.ravel(each) for each in (params["bins"], operands[0]))
    counts = np.bincount(bins, weights, minlength=np.size(out) + 1)
    return counts[: np.size(out)].reshape(np.shape(out))


def _histogram_density(operands: Any, params: Any, out: Any) -> Any:
    counts = _histogram(operands, params, out)
    return counts / params["widths"] / counts.sum()


def _histogram_edges(operands: Any, params: Any, out: Any) -> Any:
    (numbers,), column = operands, params.get("column")
    return np.histogram_bin_edges(numbers if column is None else numbers[:, column], len(out) - 1)


_REDUCTIONS = {
    **{
        name: _reduced(name)
        for name in ("sum mean prod max min ptp nansum nanmean nanprod nanmax nanmin".split())
    },
    **{name: _reduced(name, "ddof", second="mean") for name in ("var", "std", "nanvar", "nanstd")},
    **{name: _accumulated(name) for name in ("cumsum", "cumprod", "nancumsum", "nancumprod")},
    **{
        name: _quantile(name)
        for name in ("median", "quantile", "percentile", "nanmedian", "nanquantile", "nanpercentile")
    },
    **{
        f"{name}.{form}": _form(name, form)
        for name in BINARY
        for form in ("reduce", "accumulate", "reduceat")
    },
    "average": lambda x, p, _: np.average(x[0], p["axis"], x[1], keepdims=bool(p["keepdims"])),
    "average_weights": _average_weights,
    "cov": _moments("cov"),
    "corrcoef": _moments("corrcoef"),
    "bincount": lambda x, p, out: np.bincount(p["bins"], x[0], minlength=len(out)),
    "histogram": _histogram,
    "histogram_density": _histogram_density,
    "histogram_edges": _histogram_edges,
}

ARRAY_FUNCTIONS: dict[str, Any] = {**_SHAPES, **_REDUCTIONS, **MATHEMATICS}
