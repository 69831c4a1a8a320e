"""How a number is taken: seconds of calls and processes, and the peak memory of a process."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

EDGEGRAD = (sys.executable, "-c", "from viz.cli import main; main()")
"""What the console script `edgegrad` runs, in this interpreter."""


def best_seconds(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Time each call once a round, in turns, and keep its fastest; the first, untimed round warms up."""
    seconds = dict.fromkeys(calls, float("inf"))
    for turn in range(rounds + 1):
        for name, call in calls.items():
            gc.collect()
            started = time.perf_counter()
            call()
            elapsed = time.perf_counter() - started
            if turn:
                seconds[name] = min(seconds[name], elapsed)
    return seconds


def output_of(command: Sequence[str]) -> str:
    """Run a process to its end and return what it printed; its errors are shown, and end the benchmark."""
    # What is installed has been compiled to bytecode; a checkout should be so too after the first, untimed run.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603
    return finished.stdout


def process_seconds(command: Sequence[str], rounds: int) -> float:
    """Time whole processes, from start to exit, and take the median; one untimed run comes first."""
    output_of(command)
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        output_of(command)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def import_seconds(module: str, *, after: str, rounds: int) -> float:
    """Time an import in fresh processes that have imported `after`; the median, after one untimed run."""
    code = (
        f"import time, {after}; started = time.perf_counter(); import {module}; "
        "print(time.perf_counter() - started)"
    )
    seconds = [float(output_of((sys.executable, "-c", code))) for _ in range(rounds + 1)]
    return statistics.median(seconds[1:])


def peak_bytes() -> int:
    """Return the largest memory that this process has held so far.

    On Linux this is VmHWM, not getrusage's ru_maxrss, which a process inherits from the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource  # noqa: PLC0415 (not on every platform)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
