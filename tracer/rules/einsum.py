"""The vjp of einsum: another einsum. Read through rules.RULES.

Params: `subscripts`, in any form that np.einsum takes as text; `optimize` as the forward call had it.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from tracer.rules.kinds import Array, Operands, Params, Vjp, typed

Labels: TypeAlias = tuple[int, ...]


@lru_cache(maxsize=1024)
def _parse(subscripts: str, ndims: Labels) -> tuple[tuple[Labels, ...], Labels]:
    """Return the labels of every operand's axes and of out's, as numbers that sort as einsum sorts letters.

    The axes under an ellipsis get labels of their own, aligned at the right.
    """
    text, arrow, result = subscripts.replace(" ", "").partition("->")
    texts = text.split(",")
    hidden = [
        ndim - len(each.replace("...", "")) if "..." in each else 0
        for each, ndim in zip(texts, ndims, strict=True)
    ]
    widest = max(hidden)
    if not arrow:
        counts = Counter(text.replace("...", "").replace(",", ""))
        result = ("..." if "..." in text else "") + "".join(
            sorted(each for each in counts if counts[each] == 1)
        )
    letters = sorted(set(text + result) - set("., "))
    numbers = {letter: widest + at for at, letter in enumerate(letters)}

    def labels(each: str, count: int) -> Labels:
        left, ellipsis, right = each.partition("...")
        under = range(widest - count, widest) if ellipsis else ()
        return (*(numbers[c] for c in left), *under, *(numbers[c] for c in right))

    return tuple(labels(each, count) for each, count in zip(texts, hidden, strict=True)), labels(
        result, widest
    )


def _einsum(port: int, g: Any, out: Any, operands: Operands, params: Params) -> Array:
    del out
    operand = operands[port]
    all_labels, out_labels = _parse(params["subscripts"], tuple(each.ndim for each in operands))
    ours = all_labels[port]
    terms: list[Any] = [np.asarray(g), list(out_labels)]
    reachable = set(out_labels)
    for at, (other, labels) in enumerate(zip(operands, all_labels, strict=True)):
        if at != port:
            terms += [other, list(labels)]
            reachable.update(labels)
    lengths = dict(zip(ours, operand.shape, strict=True))
    distinct = list(lengths)
    # An axis of length 1 may meet longer ones under its label: it was copied, so its gradient is summed.
    kept = [label for label in distinct if label in reachable and lengths[label] != 1]
    product = np.einsum(*terms, kept, optimize=params.get("optimize", False))
    # An axis that only this operand has was summed: each of its elements gets the same gradient.
    found = dict(zip(kept, np.shape(product), strict=True))
    spread = np.reshape(product, [found.get(label, 1) for label in distinct])
    if len(distinct) == len(ours):
        return typed(
            spread if spread.shape == operand.shape else np.broadcast_to(spread, operand.shape), operand
        )
    # A label that is there twice reads a diagonal: its gradient goes onto that diagonal, zero beside it.
    total = np.zeros(operand.shape, operand.dtype)
    diagonal = np.einsum(total, list(ours), distinct)
    diagonal[...] = typed(spread, operand)
    return total


EINSUM = {"einsum": Vjp(_einsum)}
