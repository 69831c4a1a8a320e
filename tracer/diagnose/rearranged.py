"""Mistakes that only move elements or sum over another axis: transposed, reshaped in its place, the bias by samples.

Used by mistakes.py, local_rules.py and odd_claims.py.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tracer.diagnose.question import Question
    from tracer.diagnose.terms import Terms

_MATRIX = 2
_MOST_AXES = 4
_TELLING = 3  # numbers that differ, below which any others may be the same
RESHAPED, TURNED = "reshaped where it should be transposed", "transposed where it should be reshaped"


def of_order(asked: Question) -> Iterator[tuple[str, float, str]]:
    """Look for the right numbers in another order."""
    claimed, total = asked.claimed, asked.total
    if not _MATRIX <= total.ndim <= _MOST_AXES:
        return
    shape = total.shape
    if claimed.shape == shape[::-1] and asked.same(np.transpose(claimed), total):
        is_told = claimed.shape != shape
        how = f": {claimed.shape}, expected" if is_told else ", which its shape does not show:"
        yield "transposed", 1, f"it is transposed{how} {shape}"
    elif is_shuffled(claimed, total, asked.same):
        for order in permutations(range(total.ndim)):
            turned = total.transpose(order)
            back = tuple(np.argsort(order).tolist())
            axes = "" if total.ndim == _MATRIX else f", by the axes {back}"
            if turned.shape == shape and asked.is_made_by(turned):
                yield (
                    "transposed",
                    1,
                    f"its axes are in the order {order}, which its shape does not show: {shape}",
                )
                return
            if asked.is_made_by(turned.reshape(shape)):
                yield "transposed", 1, f"it is {RESHAPED}{axes}: from {turned.shape} to {shape}"
                return
            if asked.is_made_by(total.reshape(turned.shape).transpose(back)):
                yield "transposed", 1, f"it is {TURNED}{axes}: from {turned.shape} to {shape}"
                return


def is_shuffled(claimed: Any, total: Any, same: Callable[[Any, Any], bool]) -> bool:
    """Tell whether these are the right numbers in another order: several that differ."""
    if claimed.shape != total.shape or len(np.unique(total)) < _TELLING:
        return False
    return same(np.sort(claimed, None), np.sort(total, None))


def of_wrong_axis(terms: Terms, claimed: Any) -> Iterator[tuple[str, Any]]:
    """Yield, for what is broadcast along one axis, the sum along the other one in the place of that."""
    copies = terms.sent_to_copies
    if copies is not None and copies.ndim == _MATRIX and np.size(claimed) == len(copies):
        yield f"summed over axis 1 of {copies.shape}, not over axis 0", copies.sum(1)
        yield f"averaged over axis 1 of {copies.shape}, not summed over axis 0", copies.mean(1)


def slips_of_order(name: str, upstream: Any, sent: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an operation on two axes sends back where a reshape and a transpose are mistaken for each other."""
    if np.ndim(sent) != _MATRIX or len(set(np.shape(sent))) == 1:
        return
    if name in ("transpose", "matmul", "dot"):
        yield f"what it sends back is {RESHAPED}", np.transpose(sent).reshape(sent.shape) - sent
    elif name == "reshape" and np.shape(upstream) == np.shape(sent)[::-1]:
        yield f"what it sends back is {TURNED}", np.transpose(upstream) - sent
