"""A traced function that draws with Matplotlib: a look, as a print is."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tracer import record
from tracer.errors import CutWarning

W = np.array([1.0, 2.0, 3.0])
LOOKS = {
    "plot": lambda axes, losses, w: axes.plot(losses),
    "plot of items": lambda axes, losses, w: axes.semilogy([each.item() for each in losses], "o-"),
    "bar": lambda axes, losses, w: axes.bar([0], losses[0]),
    "hist": lambda axes, losses, w: axes.hist(w),
    "image": lambda axes, losses, w: axes.imshow(np.outer(w, w)),
    "filled": lambda axes, losses, w: axes.fill_between(w, w * 2.0),
    "errors": lambda axes, losses, w: axes.errorbar([0, 1], losses, yerr=losses),
}


def drawn(look, w):
    losses, figure = [], Figure((1, 1))
    for _ in range(2):
        losses.append((w * w).sum())
        w = w - 0.1 * w
    look(figure.subplots(), losses, w)
    figure.canvas.draw()
    return (w * w).sum()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_is_drawn_is_no_cut(look):
    finished = record(lambda w: drawn(look, w), W)
    assert finished.result == drawn(look, W)
    np.testing.assert_allclose(finished.grads["w"], 2.0 * 0.9**4 * W)


def test_what_a_picture_gives_back_is_told():
    with pytest.warns(CutWarning, match="carries no gradient back"):
        record(lambda w: (w * Figure((1, 1)).subplots().hist(w * 1.7, bins=3)[1][1]).sum(), W)
