"""Vjp of the product with a sparse matrix of `scipy.sparse`. Needs no SciPy. Read through rules.RULES.

Operands: the stored numbers of the matrix, one for each of the `rows` and `columns`, and a vector or a matrix. Params
beside those: `is_right`, whether the sparse matrix is the right one of the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed


def _pull(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    numbers, x = operands
    rows, columns = params["rows"], params["columns"]
    if params["is_right"]:  # x @ S is the transpose of S.T @ x.T
        rows, columns, g, x = columns, rows, g.T, x.T
    upstream = g[rows]
    if port == 0:
        share = upstream * x[columns]
        return typed(share.reshape(len(share), -1).sum(1), numbers)
    back = np.zeros(x.shape, np.result_type(numbers, g))
    np.add.at(back, columns, (numbers if x.ndim == 1 else numbers[:, None]) * upstream)
    return typed(back.T if params["is_right"] else back, operands[1])


SPARSE: dict[str, Vjp] = {"sparse_matmul": Vjp(_pull, "@", real_only=True)}
