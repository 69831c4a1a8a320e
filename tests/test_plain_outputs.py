"""Going back from a plain number beside traced outputs: the cut that it may have come from is named."""

from __future__ import annotations

import warnings

import pytest

from tracer import detach, trace
from tracer.errors import CutWarning


def logged(x):
    loss = x * x
    return {"loss": loss, "log": float(loss) * 3}


def read_back(x):
    loss = x * x
    return {"loss": loss, "log": float(f"{loss:.3f}") * 3}


def meant(x):
    return {"loss": x * x, "log": detach(x) * 3, "rate": 0.1}


@pytest.mark.parametrize(
    ("function", "via", "line"),
    [(logged, r"float\(\)", 2), (read_back, "text that is read back", 2)],
)
def test_a_plain_output_names_the_cut_that_it_may_have_come_from(function, via, line):
    chosen = trace(of="log")(function)
    chosen(2.123)
    place = f"test_plain_outputs.py:{function.__code__.co_firstlineno + line}"
    with pytest.warns(
        CutWarning, match=rf"output \['log'\] .* plain number.* through {via}; at {place}"
    ) as caught:
        assert chosen.last_trace.grads == {"x": 0.0}
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chosen.last_trace.backward(of="loss").grads == {"x": 2 * 2.123}


@pytest.mark.filterwarnings("ignore::tracer.errors.CutWarning")
def test_the_finding_at_the_cut_is_a_warning_then():
    chosen = trace(of="log")(logged)
    chosen(2.123)
    (found,) = chosen.last_trace.findings()
    assert (found.severity, found.site.text) == ("warning", "float(loss)")
    assert "the output, ['log'], is a plain number" in found.message


@pytest.mark.parametrize("of", ["log", "rate"])
def test_a_plain_output_that_is_meant_is_nothing_to_warn_of(of):
    chosen = trace(of=of)(meant)
    chosen(2.123)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chosen.last_trace.grads == {"x": 0.0}
