"""Loops over arrays whose gradients are large together, and what must be the same of them whatever is kept."""

# ruff: noqa: N803 -- matrices have capital letters, and loops are what is tested

from __future__ import annotations

import numpy as np
from saved_programs import bits

GENERATOR = np.random.default_rng(7)


VECTOR, MATRIX = GENERATOR.normal(size=40), GENERATOR.normal(size=(40, 40)) / 6


def recurrent(W, U, h):
    for step in range(12):
        h = np.tanh(W @ h + U @ (VECTOR + step))
    return (h**2).sum()


def recurrent_rows(W, U, h):
    for step in range(12):
        h = np.tanh(h @ W + np.dot(VECTOR + step, U) + np.dot(W, h))
    return (h**2).sum()


def batches(W, b, x):
    for _ in range(6):
        x = np.maximum(x @ W + b, 0.1 * x)
    return np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1)).mean()


def fills(x):
    out = np.zeros(400)
    out[0] = x[0]
    for i in range(1, 60):
        out[i] = np.sin(out[i - 1]) + x[i % 40]
    out[100:140] = x * out[30]
    return (out * out).sum() + out[120]


def views(W, x):
    total = 0.0
    for i in range(40):
        total = total + W[:, i] * x[max(i - 3, 0) : i + 1].sum() * W[i]
    return total.sum() + (W.T[3:9].reshape(-1) ** 2).sum()


def skips(x):
    h, memory = x, []
    for i in range(8):
        memory.append(h * (i + 1))
        h = np.tanh(h + memory[i // 2]) + memory[0]
    return sum(each.sum() for each in memory) + np.concatenate([h, *memory]).mean()


def gathers(x):
    picked = x[np.array([0, 3, 3, 5])]
    return (picked * picked).sum() + x[x > 0].sum() + x[[1, 2]].prod() + np.take(x, [4, 4]).sum()


def reshapes(W):
    h = W
    for _ in range(5):
        h = (h.T.reshape(20, 80).reshape(40, 40) + W)[::-1] * 0.5
    return h.sum()


CASES = {
    "recurrent": (recurrent, MATRIX, MATRIX.T * 0.5, VECTOR.copy()),
    "recurrent rows": (recurrent_rows, MATRIX, MATRIX.T * 0.5, VECTOR.copy()),
    "batches": (batches, MATRIX, VECTOR, GENERATOR.normal(size=(7, 40))),
    "single precision": (batches, *(each.astype(np.float32) for each in (MATRIX, VECTOR, MATRIX[:5]))),
    "fills": (fills, VECTOR),
    "views": (views, MATRIX, VECTOR),
    "skips": (skips, VECTOR),
    "gathers": (gathers, VECTOR),
    "reshapes": (reshapes, MATRIX),
}


def assert_alike(full, lean):
    """Compare every gradient bit for bit, and the statistics with those of what is asked for."""
    assert bits(full.grads) == bits(lean.grads)
    for edge, other in zip(full.edges, lean.edges, strict=True):
        assert bits(edge.grad) == bits(other.grad), edge
        assert bits(edge.upstream) == bits(other.upstream), edge
        assert edge.step == other.step
    for node, other in zip(full.nodes, lean.nodes, strict=True):
        assert bits(node.grad) == bits(other.grad), node
    for finished in (full, lean):
        for edge in finished.edges:
            assert_statistics(edge.stats, edge.grad)


def assert_statistics(got, gradient):
    flat = np.asarray(gradient).ravel()
    flat = (np.abs(flat) if np.iscomplexobj(flat) else flat).astype(np.float64)
    size = np.abs(flat).max(initial=0)
    size = size if 0 < size < np.inf else 1.0
    tolerance = {"rtol": 1e-6 if np.asarray(gradient).dtype == np.float32 else 1e-12, "atol": 1e-14 * size}
    if flat.size:
        expected = (size * np.linalg.norm(flat / size), flat.min(), flat.max(), flat.mean())
        np.testing.assert_allclose(got[:4], expected, **tolerance)
    assert got.not_finite == (~np.isfinite(flat)).sum()
