"""Programs to save, and what it means that a trace comes back the same. Used by the tests of trace files."""

from __future__ import annotations

import collections
import dataclasses
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tracer import detach, load, record, trace, watch


def bits(value: Any) -> Any:
    """Describe a value so that two are equal only if their types, shapes and bits are."""
    if isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__, value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, (float, complex)):
        # Which of two NaN a sum hands on, and so its sign, may differ from one call to the next: it is the processor's.
        parts = (math.nan if math.isnan(each) else each for each in (value.real, value.imag))
        return type(value).__name__, struct.pack("<dd", *parts)
    if isinstance(value, dict):
        return "dict", [(bits(key), bits(item)) for key, item in value.items()]
    if isinstance(value, (tuple, list)):
        return type(value).__name__, [bits(item) for item in value]
    if dataclasses.is_dataclass(value):
        return type(value).__qualname__, bits(
            {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        )
    return type(value).__name__, hex(value) if isinstance(value, int) else repr(value)


def described_node(node: Any) -> Any:
    fixed = (node.kind, node.op, node.symbol, node.name, node.label, node.kink, node.row)
    uses = [edge.index for edge in node.uses], [edge.index for edge in node.in_edges]
    site = node.site and dataclasses.replace(node.site, file=Path(node.site.file).name)
    operands = [operand.index if hasattr(operand, "port") else bits(operand) for operand in node.operands]
    return fixed, uses, site, node.scope, operands, bits(node.value), bits(node.grad)


def described_edge(edge: Any) -> Any:
    fixed = (edge.src.index, edge.dst.index, edge.port, edge.step, edge.formula)
    return fixed, bits(edge.value), bits(edge.grad), bits(edge.upstream), bits(edge.local)


def answer(question: Any) -> Any:
    """Describe an answer, or the error that there is instead: a loaded trace says the same."""
    try:
        return "said", bits(question())
    except Exception as error:  # noqa: BLE001  (whatever it is)
        return "raised", type(error), str(error)


def assert_same(got: Any, expected: Any) -> None:
    """Compare everything that a trace shows, bit for bit."""
    __tracebackhide__ = True
    assert repr(got) == repr(expected)
    assert bits(got.result) == bits(expected.result)
    assert (got.function, got.error, got.of) == (expected.function, expected.error, expected.of)
    assert bits(got.seed) == bits(expected.seed)
    assert list(got.source.values()) == list(expected.source.values())
    assert [node.name for node in got.inputs] == [node.name for node in expected.inputs]
    assert [node.name for node in got.outputs] == [node.name for node in expected.outputs]
    assert answer(lambda: got.grads) == answer(lambda: expected.grads)
    assert [bits(node.value) for node in got.nodes] == [bits(node.value) for node in expected.nodes]
    if answer(lambda: expected.grads)[0] == "raised":
        return
    for mine, theirs in zip(got.nodes, expected.nodes, strict=True):
        assert described_node(mine) == described_node(theirs)
    for mine, theirs in zip(got.edges, expected.edges, strict=True):
        assert described_edge(mine) == described_edge(theirs)


def saved(trace: Any, folder: Path) -> Path:
    path = folder / "a.trace"
    trace.save(path)
    return path


def again(trace: Any, folder: Path) -> Any:
    """Save and load; on the way, the loaded trace must save to the same bytes."""
    path = saved(trace, folder)
    loaded = load(path)
    loaded.save(folder / "b.trace")
    assert path.read_bytes() == (folder / "b.trace").read_bytes()
    return loaded


Point = collections.namedtuple("Point", "x y")  # noqa: PYI024  (what users have)


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any
    name: str = "layer"


class Model:
    """No container that edgegrad looks into."""

    def __repr__(self) -> str:
        return f"<Model at {hex(id(self))}>"


MATRIX = np.arange(12.0).reshape(3, 4) / 7
COLUMN = np.linspace(-1, 1, 3)[:, None]


def shares(x: Any) -> Any:
    s = x * x
    for i in range(3):
        s = s * x + i
    return s


def mixes(x: Any, n: Any, single: Any) -> Any:
    y = x * n + single
    z = y**2 / 3 if y > 0 else -y
    return z * True + 2**70 * 1e-21


def arrays(a: Any, b: Any) -> Any:
    h = np.tanh(a @ b.T)
    parts = np.concatenate([h[:, 0], h[1:, ::2].ravel(), h[[0, 0, 1], np.array([1, 1, 2])], h[h > 0][:1]])
    wide = h[None, ..., np.newaxis] * np.float64(2.0) + COLUMN
    return (
        parts.sum()
        + np.einsum("ij,ji->", h, h.T)
        + wide.mean()
        + np.max(h, axis=(0, 1))
        + h.T.sum(axis=1)[0]
    )


def broadcasts(a: Any, s: Any) -> Any:
    return np.sum(np.broadcast_to(a[0], (50, 4)) * s + a.reshape(4, 3).T.reshape(3, 4)[0])


def containers(point: Any, layer: Any, table: Any, skip: Any = None) -> Any:
    del skip
    total = point.x * point.y + layer.weight.sum() * layer.bias
    return {"loss": total, (1, "two"): [table["a"][0] * table[2.5], None], True: "text"}


def helper(x: Any) -> Any:
    inner = x * 3
    return inner + 1


def calls(x: Any) -> Any:
    first = helper(x)
    return helper(first) + math.exp(first) + math.hypot(x, first, 3.0) + math.fsum([x, x, first])


def cuts(x: Any, a: Any) -> Any:
    return x * detach(x) + a.sum() * watch(0.5, "rate")


def fails(x: Any) -> Any:
    y = x * 2
    raise ValueError(f"no {y}")


def overflows(x: Any) -> Any:
    return x * math.inf - x * 1e308 * 10 + x * math.nan + x * -0.0


def _last_trace(traced: Any, *arguments: Any) -> Any:
    traced(*arguments)
    return traced.last_trace


def returns_all(x: Any) -> Any:
    return x, x * 2, x * x


def odd_results(x: Any) -> Any:
    return {
        "loss": x * x,
        "constants": (None, ..., True, 1 + 2j, -0.0, 10**5000, -(2**63), np.complex64(1j), np.bool_(True)),
        "text": ["ünï\ud800", b"\xff\x00", "", {"ключ": ()}],
        "ranges": (range(3, 9, 2), slice(1, None), slice(None, None, -1)),
        "arrays": [
            np.arange(3),
            np.array(["a", "bc"]),
            np.array(["2020-01-01"], "M8[D]"),
            np.array(1j),
            np.array(True),
        ],
        "empty": (np.zeros((0, 2)), [], {}, ()),
    }


PROGRAMS = {
    "scalars": lambda: record(shares, 1.25),
    "integers": lambda: record(mixes, 1.5, 3, np.float32(0.1)),
    "arrays": lambda: record(arrays, MATRIX, MATRIX[::-1] * 2),
    "fortran": lambda: record(arrays, np.asfortranarray(MATRIX), MATRIX.T.copy().T),
    "singles": lambda: record(arrays, MATRIX.astype(np.float32), MATRIX.astype(np.float32)),
    "big endian": lambda: record(arrays, MATRIX.astype(">f8"), MATRIX),
    "broadcasts": lambda: record(broadcasts, MATRIX, 3.0),
    "containers": lambda: record(
        containers, Point(1.0, 2.0), Layer(MATRIX, 0.5), {"a": [3.0], 2.5: 4.0}, skip="text"
    ).backward(of="loss"),
    "calls": lambda: record(calls, 0.3),
    "cuts": lambda: record(cuts, 2.0, MATRIX),
    "infinite": lambda: record(overflows, 2.0),
    "several outputs": lambda: record(returns_all, 2.0),
    "chosen output": lambda: record(returns_all, 2.0).backward(of="[2]", seed=0.5),
    "array output": lambda: record(lambda x, y: x * (y * 2), MATRIX, 2.0).backward(seed=MATRIX > 0.5),
    "not an output": lambda: _last_trace(trace(of="nothing")(returns_all), 2.0),
    "no gradient": lambda: record(lambda x: f"{x}", 2.0),
    "unused": lambda: record(lambda x, _: x, 2.0, 3.0),
    "odd results": lambda: record(odd_results, 2.0),
    "nothing at all": lambda: record(lambda: None),
    "empty array": lambda: record(lambda a: a.sum() * 2, np.zeros((3, 0))),
}
