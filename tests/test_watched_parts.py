"""What findings say of the parts of a watched object: that nothing uses, are overwritten, or have several names."""

import re

import numpy as np
import pytest

from tracer import load, record, trace
from tracer.errors import CutWarning


class Weights:
    scale = 1.5

    def __init__(self):
        self.W = np.array([0.5, -1.0])


def test_tied_weights_are_told_by_both_names(tmp_path):
    tied = Weights()
    tied.embedding = tied.head = np.array([1.4, 2.6])

    @trace(watch=("tied",))
    def rounded(x):
        return np.sum(np.round(tied.embedding) * np.round(tied.head)) + x

    rounded(1.0)
    rounded.last_trace.save(tmp_path / "t.trace")
    for seen in (rounded.last_trace, load(tmp_path / "t.trace")):
        assert seen["tied.head"] == seen["tied.embedding"]
        assert seen.findings()[0].message.startswith("tied.embedding (also tied.head) gets no gradient")


class Cell:
    """A layer as people write it: with settings that a method reads, and room for what it computes."""

    def __init__(self):
        self.weight, self.rate, self.decay = 1.5, 0.1, 0.01
        self.states = np.zeros(3)

    def forward(self, x):
        for at in range(3):
            self.states[at] = np.tanh(self.weight * x) if x > self.rate else x
        return self.states.sum()


def test_parts_of_an_object_that_only_its_methods_read_are_told_once_and_not_as_unused():
    cell = Cell()

    @trace(watch=("cell",))
    def forward(x):
        return cell.forward(x)

    forward(0.4)
    found = {each.message: each.severity for each in forward.last_trace.findings() if each.kind == "dead"}
    assert (
        found["cell.rate, cell.decay get no gradient: no operation that was recorded uses them"] == "note"
    )
    assert set(found.values()) == {"note"}
    assert any("cell.states gets no gradient: overwritten" in message for message in found)


def test_what_was_used_before_it_was_overwritten_is_not_told_as_unused():
    def step(mean, x):
        share = np.exp(np.array([float(each * x) for each in mean]))
        mean[:] = share * x
        return np.sum(mean)

    with pytest.warns(CutWarning):
        found = record(step, np.array([0.3, 0.4]), 1.5).findings()
    assert [(each.kind, each.severity) for each in found] == [("cut", "warning")]
    assert "mean gets no gradient" in found[0].message


def test_of_many_names_of_one_array_the_first_are_told():
    tied = Weights()
    tied.a = tied.b = tied.c = tied.d = np.array([1.4, 2.6])

    @trace(watch=("tied",))
    def rounded(x):
        return np.sum(np.round(tied.a)) + x

    rounded(1.0)
    told = rounded.last_trace.findings()[0].message
    assert re.match(r"tied\.\w \(also tied\.\w, tied\.\w and 1 more\) gets no gradient", told)
