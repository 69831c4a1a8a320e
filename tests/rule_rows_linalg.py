"""Rows of linear algebra for the table of test_rules.py; points where its derivatives are a convention."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(11)
INF = np.inf


def normal(*shape):
    """Return numbers of both signs, away from 0."""
    return RANDOM.uniform(0.3, 1.5, shape) * RANDOM.choice([-1, 1], shape)


def regular(*shape):
    """Make square matrices far from singular, with real eigenvalues far from each other."""
    n = shape[-1]
    return 0.4 * normal(*shape) + 3 * np.diag(np.arange(1.0, n + 1) * (-1) ** np.arange(n))


def positive(*shape):
    """Make symmetric matrices with positive eigenvalues far from each other."""
    square = 0.2 * normal(*shape)
    return square + square.swapaxes(-1, -2) + 3 * np.diag(np.arange(1.0, shape[-1] + 1))


def tall(*shape):
    return normal(*shape) + np.eye(*shape[-2:]) * np.arange(4.0, 4 * shape[-1] + 4, 4)


def wide(*shape):
    return tall(*shape[:-2], shape[-1], shape[-2]).swapaxes(-1, -2).copy()


SQUARES = (regular(3, 3), regular(2, 3, 3), np.zeros((0, 0)), np.array([[1.7]]))
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
RECTANGLES = (tall(4, 3), wide(2, 3), tall(2, 4, 2), wide(2, 2, 4), regular(3, 3))


def linalg_rows(kind):
    """Return the rows, of the kind that rule_rows.py defines."""
    rows = []

    def add(op, forward, *operands, **params):
        rows.append(kind(op, forward, operands, params))

    for family in (inverses, systems, symmetric, decompositions, norms, products):
        family(add)
    return tuple(rows)


def inverses(add):
    for a in SQUARES:
        add("inv", np.linalg.inv, a)
        add("det", np.linalg.det, a)
        add("slogdet", lambda x: np.linalg.slogdet(x)[1], a)
        for n in (-2, -1, 0, 1, 2, 5):
            add("matrix_power", lambda x, n=n: np.linalg.matrix_power(x, n), a, n=n)
    add("det", np.linalg.det, SINGULAR)
    add("det", np.linalg.det, np.stack([SINGULAR, regular(3, 3)]))
    add("det", np.linalg.det, np.zeros((2, 2)))


def systems(add):
    for a, b in (
        (regular(3, 3), normal(3)),
        (regular(3, 3), normal(3, 2)),
        (regular(2, 3, 3), normal(3)),
        (regular(2, 3, 3), normal(2, 3, 2)),
        (regular(3, 3), normal(2, 3, 2)),
        (regular(2, 1, 3, 3), normal(4, 3, 2)),
    ):
        add("solve", np.linalg.solve, a, b)
    for a in RECTANGLES:
        add("pinv", np.linalg.pinv, a)
    for a, b in (
        (tall(4, 3), normal(4)),
        (tall(4, 3), normal(4, 2)),
        (wide(2, 4), normal(2)),
        (regular(3, 3), normal(3, 2)),
    ):
        add("lstsq", lambda a, b: np.linalg.lstsq(a, b)[0], a, b)
        add("lstsq_residuals", lambda a, b: np.linalg.lstsq(a, b)[1], a, b, results=np.linalg.lstsq(a, b))
    for operands in (
        (normal(2, 3), normal(3, 4)),
        (normal(2, 3), normal(3, 4), normal(4, 2)),
        (normal(3), normal(3, 4), normal(4, 2), normal(2)),
        (normal(3), normal(3, 4)),
        (normal(2, 3), normal(3, 4), normal(4)),
    ):
        add("multi_dot", lambda *x: np.linalg.multi_dot(x), *operands)
    add("tensorinv", np.linalg.tensorinv, regular(6, 6).reshape(2, 3, 6), ind=2)
    add("tensorinv", lambda x: np.linalg.tensorinv(x, 1), regular(6, 6).reshape(6, 3, 2), ind=1)
    add("tensorsolve", np.linalg.tensorsolve, regular(6, 6).reshape(2, 3, 3, 2), normal(2, 3), axes=None)
    add(
        "tensorsolve",
        lambda a, b: np.linalg.tensorsolve(a, b, axes=(0,)),
        regular(6, 6).reshape(6, 3, 2).transpose(2, 0, 1).copy(),
        normal(6),
        axes=(0,),
    )


def symmetric(add):
    for upper in (False, True):
        for a in (
            positive(3, 3),
            positive(2, 4, 4),
            20 * np.eye(40) + positive(40, 40) / 3,
            np.array([[2.5]]),
        ):
            add("cholesky", lambda x, upper=upper: np.linalg.cholesky(x, upper=upper), a, upper=upper)
    for uplo in ("L", "U"):
        for a in (positive(3, 3), positive(2, 3, 3), np.array([[2.5]])):
            found = tuple(np.linalg.eigh(a, uplo))
            add("eigvalsh", lambda x, uplo=uplo: np.linalg.eigvalsh(x, uplo), a, UPLO=uplo)
            add("eigh_values", lambda x, uplo=uplo: np.linalg.eigh(x, uplo)[0], a, UPLO=uplo, results=found)
            if a.size > 1:
                add(
                    "eigh_vectors",
                    lambda x, uplo=uplo: np.linalg.eigh(x, uplo)[1],
                    a,
                    UPLO=uplo,
                    results=found,
                )


def decompositions(add):
    for a in (positive(3, 3) + 0.1 * normal(3, 3), positive(2, 3, 3) + 0.1 * normal(2, 3, 3)):
        found = tuple(np.linalg.eig(a))
        add("eigvals", np.linalg.eigvals, a)
        add("eig_values", lambda x: np.linalg.eig(x)[0], a, results=found)
        add("eig_vectors", lambda x: np.linalg.eig(x)[1], a, results=found)
    for a in RECTANGLES:
        svd = tuple(np.linalg.svd(a, full_matrices=False))
        add("svdvals", np.linalg.svdvals, a)
        add("svd_u", lambda x: np.linalg.svd(x, full_matrices=False)[0], a, results=svd)
        add("svd_s", lambda x: np.linalg.svd(x, full_matrices=False)[1], a, results=svd)
        add("svd_vh", lambda x: np.linalg.svd(x, full_matrices=False)[2], a, results=svd)
        qr = tuple(np.linalg.qr(a))
        add("qr_q", lambda x: np.linalg.qr(x)[0], a, results=qr)
        add("qr_r", lambda x: np.linalg.qr(x)[1], a, results=qr)
        add("qr_r", lambda x: np.linalg.qr(x, mode="r"), a)


def norms(add):
    def norm(order, axes, shape, kind, keepdims=False):
        axis = axes[0] if kind == "vector" and len(axes) == 1 else axes

        def forward(x):
            if kind == "vector" and len(axes) != 1:
                return np.linalg.vector_norm(x, axis=axes, ord=order or 2, keepdims=keepdims)
            return np.linalg.norm(x, order, axis, keepdims)

        add("norm", forward, shape, kind=kind, ord=order, axes=axes, keepdims=keepdims)

    for order in (None, 2, 1, INF, -INF, -1, 3, 2.5, -2, 0.5):
        norm(order, (0,), normal(4), "vector")
        norm(order, (-1,), normal(2, 3), "vector", keepdims=True)
        norm(order, (0, -1), normal(2, 3, 2), "vector")
    for order in (2.5, 1.0, -1.5):
        forward = lambda x, p: np.array([np.linalg.norm(row, p) for row in x])  # noqa: E731
        traced = np.array(order)
        add("norm", forward, normal(2, 3), traced, kind="vector", ord=order, axes=(1,), keepdims=False)
    for order in (None, "fro", "nuc", INF, -INF, 1, -1, 2, -2):
        norm(order, (0, 1), tall(3, 2), "matrix")
        norm(order, (-2, -1), wide(2, 2, 3), "matrix", keepdims=True)
        norm(order, (2, 0), tall(2, 4, 3).transpose(2, 0, 1).copy(), "matrix")
    for p in (None, 2, -2, "fro", "nuc", INF, -INF, 1, -1):
        add("cond", lambda x, p=p: np.linalg.cond(x, p), regular(3, 3), p=p)
        add("cond", lambda x, p=p: np.linalg.cond(x, p), regular(2, 3, 3), p=p)
    add("cond", np.linalg.cond, tall(4, 3), p=None)


def products(add):
    for shapes in (((2, 3), (4, 2)), ((3,), (2, 2)), ((2, 2), (3,)), ((), (3,)), ((2, 2, 3), (3, 2))):
        add("kron", np.kron, *shapes)
    add("cross", np.cross, (3,), (3,), axes=(-1, -1, -1))
    add("cross", np.cross, (4, 3), (3,), axes=(-1, -1, -1))
    add("cross", lambda a, b: np.cross(a, b, 0, 1, 0), (3, 4), (4, 3), axes=(0, 1, 0))
    for shapes in (((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1, 3), (4, 3)), ((2, 0), (2, 0))):
        add("vecdot", np.vecdot, *shapes)
    add("vecdot", lambda a, b: np.vecdot(a, b, axis=0), (3, 2), (3, 2), axis=0)
    for matrix, vector in (((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((1, 2, 3), (4, 3))):
        add("matvec", lambda a, v: (a @ v[..., None])[..., 0], matrix, vector)
        flipped = (*matrix[:-2], matrix[-1], matrix[-2])
        add("vecmat", lambda v, a: (v.conj()[..., None, :] @ a)[..., 0, :], vector, flipped)
    for offset in (0, 1, -2, 5):
        for shape, axis1, axis2 in (((3, 4), 0, 1), ((2, 3, 4), 0, -1), ((4, 3), 1, 0)):
            for op in ("trace", "diagonal"):
                function = getattr(np, op)
                add(
                    op,
                    lambda x, function=function, given=(offset, axis1, axis2): function(x, *given),
                    shape,
                    offset=offset,
                    axis1=axis1,
                    axis2=axis2,
                )
        add("diag", lambda x, k=offset: np.diag(x, k), (3,), k=offset)


def found(function, a):
    return {"results": tuple(function(a))}


IDENTITY = np.eye(3)
NORM = {"kind": "vector", "ord": None, "axes": (0,), "keepdims": False}
LINALG_KINKS = (
    # op, what out is, operands, params
    ("slogdet", lambda a: np.linalg.slogdet(a)[1], (np.ones((2, 2)),), {}),
    ("pinv", np.linalg.pinv, (np.ones((2, 2)),), {}),
    ("lstsq", lambda a, b: np.linalg.lstsq(a, b)[0], (np.ones((3, 2)), np.ones(3)), {}),
    ("lstsq_residuals", lambda a, b: np.linalg.lstsq(a, b)[1], (np.ones((3, 2)), np.ones(3)), {}),
    ("eigvalsh", np.linalg.eigvalsh, (IDENTITY,), {"UPLO": "L"}),
    ("eigh_values", lambda a: np.linalg.eigh(a)[0], (IDENTITY,), {"UPLO": "L", **found(np.linalg.eigh, IDENTITY)}),
    ("eigh_vectors", lambda a: np.linalg.eigh(a)[1], (IDENTITY,), {"UPLO": "L", **found(np.linalg.eigh, IDENTITY)}),
    ("eigvals", np.linalg.eigvals, (IDENTITY,), {}),
    ("eig_values", lambda a: np.linalg.eig(a)[0], (IDENTITY,), found(np.linalg.eig, IDENTITY)),
    ("eig_vectors", lambda a: np.linalg.eig(a)[1], (IDENTITY,), found(np.linalg.eig, IDENTITY)),
    *(
        (op, lambda a, at=at: np.linalg.svd(a)[at], (a,), found(np.linalg.svd, a))
        for at, op in enumerate(("svd_u", "svd_s", "svd_vh"))
        for a in (IDENTITY, np.zeros((2, 2)))
    ),
    ("svdvals", np.linalg.svdvals, (IDENTITY,), {}),
    *(
        (f"svd_hermitian_{part}", lambda a, at=at: np.linalg.svd(a, hermitian=True)[at], (a,), {})
        for at, part in enumerate(("u", "s", "vh"))
        for a in (IDENTITY, np.diag([1.0, 0.0]))
    ),
    *((op, np.triu, (np.ones((3, 2)),), {"order": [0, 1, 2]}) for op in ("lu_lower", "lu_exchanged", "lu_upper", "lu_factor")),
    ("qr_q", lambda a: np.linalg.qr(a)[0], (np.ones((3, 2)),), found(np.linalg.qr, np.ones((3, 2)))),
    ("qr_r", lambda a: np.linalg.qr(a)[1], (np.ones((3, 2)),), found(np.linalg.qr, np.ones((3, 2)))),
    ("norm", np.linalg.norm, (np.zeros(3),), NORM),
    ("norm", lambda a: np.linalg.norm(a, 1), (np.array([1.0, 0.0]),), {**NORM, "ord": 1}),
    ("norm", lambda a: np.linalg.norm(a, INF), (np.array([1.0, -1.0]),), {**NORM, "ord": INF}),
    ("norm", lambda a: np.linalg.norm(a, 0.5), (np.array([1.0, 0.0]),), {**NORM, "ord": 0.5}),
    *(
        ("norm", lambda a, order=order: np.linalg.norm(a, order), (a,), {**NORM, "kind": "matrix", "ord": order, "axes": (0, 1)})
        for order, a in ((2, IDENTITY), (-2, IDENTITY), ("nuc", np.ones((2, 2))), (1, IDENTITY), ("fro", 0 * IDENTITY))
    ),
    ("cond", np.linalg.cond, (IDENTITY,), {"p": None}),
    ("cond", lambda a: np.linalg.cond(a, 1), (IDENTITY,), {"p": 1}),
)  # fmt: skip
