"""Every call of the coverage table as `verify` sees it: nothing that is followed is called wrong, in either precision."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_table import FOLLOWED
from test_coverage import NARROW, calls_of, recorded

from tracer import verify

# Computed with options that no record keeps; at points where differences can't tell.
UNTOLD = (
    "[0.0, 1e-6",
    "[np.inf, -np.inf, np.nan",
    "mean=m.mean(axis=1, keepdims=True), keepdims=True",
)


IN_SINGLE_PRECISION = {call for parameter in NARROW for call in parameter.values}


@pytest.mark.parametrize("call", calls_of(FOLLOWED))
def test_every_edge_of_a_call_is_right(call):
    checked = verify(recorded(call))
    assert checked.ok, str(checked)
    if not any(text in call for text in UNTOLD):
        assert not checked.unclear, str(checked)
        assert not checked.other_values, str(checked)
    if call in IN_SINGLE_PRECISION:
        checked = verify(recorded(call, np.float32))
        assert checked.ok, str(checked)
