import io
import sys
import time

import pytest

from tracer import record
from tracer.diagnose.findings import DETECTORS, find
from viz import export, waiting


class Screen(io.StringIO):
    """A terminal that remembers what was written."""

    encoding = "utf-8"

    def isatty(self):
        return True


def put_on_screen(monkeypatch):
    """Make a terminal of stderr; in the test itself, as pytest puts its own there before each."""
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("TERM", "xterm")
    return sys.stderr


def test_work_that_takes_long_is_told_of_while_it_goes_on(monkeypatch):
    screen = put_on_screen(monkeypatch)
    monkeypatch.setattr(waiting, "AFTER", 0)
    with waiting.waiting("drawing x.svg") as reached:
        end = time.monotonic() + 600
        while "drawing x.svg …" not in screen.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
        assert "%" not in screen.getvalue().replace("0%", "")
        reached(1, 4)
        while " 25%" not in screen.getvalue():
            assert time.monotonic() < end
            time.sleep(0.01)
    assert "\x1b[2K" in screen.getvalue()  # the line is cleared again


def test_of_quick_work_and_where_nobody_looks_nothing_is_shown(monkeypatch):
    screen = put_on_screen(monkeypatch)
    monkeypatch.setattr(waiting, "AFTER", 1000)
    with waiting.waiting("drawing"):
        pass
    assert screen.getvalue() == ""
    monkeypatch.setattr(waiting, "AFTER", 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with waiting.waiting("drawing"):
        pass
    assert sys.stderr.getvalue() == ""


def test_pictures_and_findings_say_how_far_they_are(tmp_path):
    trace = record(lambda x: x * x, 2.0)
    told = []
    export.draw(trace, tmp_path / "x.svg", reached=lambda *each: told.append(each))
    assert told == [(1, 4), (2, 4), (3, 4)]
    told.clear()
    find(trace, lambda *each: told.append(each))
    assert told == [(done, len(DETECTORS)) for done in range(1, len(DETECTORS) + 1)]


def test_an_error_ends_it_and_passes(monkeypatch):
    screen = put_on_screen(monkeypatch)
    monkeypatch.setattr(waiting, "AFTER", 1000)
    with pytest.raises(ValueError, match="no"), waiting.waiting("drawing"):
        raise ValueError("no")
    assert screen.getvalue() == ""
