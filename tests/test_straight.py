"""The straight way back over arrays, which small graphs do not take, beside the one by rules: the same bits."""

from __future__ import annotations

import pytest
from checks import assert_both_ways_back_agree
from coverage_table import FOLLOWED
from test_coverage import calls_of, recorded


@pytest.mark.parametrize("call", calls_of(FOLLOWED))
def test_of_a_call(call, monkeypatch):
    assert_both_ways_back_agree(recorded(call), monkeypatch)
