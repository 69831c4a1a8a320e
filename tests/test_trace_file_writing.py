"""Writing a trace file: whole or not at all, whatever fails or interrupts, and one line that says why it can't be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from saved_programs import (
    saved,
    shares,
)

from tracer import load, record
from tracer.errors import TraceFileError

# ------------------------------------------------------------------------------------------------- writing


def small_trace() -> Any:
    return record(lambda x, y: x * y + x, 2.0, 3.0)


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = saved(small_trace(), tmp_path)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TraceFileError) as raised:
        record(shares, 2.0).save(path)
    assert str(raised.value) == f"can't write {path}; no space left on device"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_while_writing_removes_what_was_begun(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        small_trace().save(tmp_path / "a.trace")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    order = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr("os.fsync", lambda file: (order.append("sync"), sync(file))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (order.append("rename"), replace(path, to))[1])
    small_trace().save(tmp_path / "a.trace")
    assert order == ["sync", "rename", "sync"]


def test_where_a_file_can_not_be_written_one_line_says_why(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    reasons = {
        "folder": "it is a directory; give the name of a file",
        "pipe": "it is no regular file; give the name of a file",
        "missing/x.trace": "no such file or directory",
        "x" * 300: "file name too long",
    }
    for name, reason in reasons.items():
        path = tmp_path / name
        with pytest.raises(TraceFileError) as raised:
            small_trace().save(path)
        assert str(raised.value) == f"can't write {path}; {reason}"


def test_a_link_stays_a_link(tmp_path):
    small_trace().save(tmp_path / "real.trace")
    (tmp_path / "link.trace").symlink_to("real.trace")
    record(shares, 2.0).save(tmp_path / "link.trace")
    assert (tmp_path / "link.trace").is_symlink()
    assert load(tmp_path / "real.trace").function == "shares"
