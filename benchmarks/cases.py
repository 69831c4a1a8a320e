"""The table's cases: each measures one thing that issue "How fast" promises, and returns its rows."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import programs
from measure import EDGEGRAD, best_seconds, import_seconds, output_of, process_seconds

from tracer import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Unit = Literal["µs", "ms", "s", "×", "bytes"]


@dataclass(frozen=True)
class Limit:
    """What edgegrad promises: at most `bound`, or at least."""

    word: Literal["at most", "at least"]
    bound: float

    def is_met_by(self, number: float) -> bool:
        """Tell whether a measured number keeps the promise."""
        return number <= self.bound if self.word == "at most" else number >= self.bound


@dataclass(frozen=True)
class Row:
    """One line of the table: a number for edgegrad, and for those of its peers that are there."""

    what: str
    unit: Unit
    edgegrad: float
    peers: Mapping[str, float] = field(default_factory=dict)
    limit: Limit | None = None


@dataclass(frozen=True)
class Sizes:
    """How much work the cases do."""

    small_loop: int = 40_000
    large_loop: int = 1_000_000
    saved_loop: int = 500_000
    scalar_rounds: int = 5
    large_rounds: int = 3
    array_rounds: int = 50
    process_rounds: int = 9


QUICK = Sizes(
    small_loop=2_000,
    large_loop=20_000,
    saved_loop=10_000,
    scalar_rounds=1,
    large_rounds=1,
    array_rounds=3,
    process_rounds=3,
)


def scalar_loop(sizes: Sizes) -> list[Row]:
    """Compare a loop of scalars with everyone."""
    operations = 2 * sizes.small_loop
    seconds = best_seconds(programs.scalar_loop(sizes.small_loop), sizes.scalar_rounds)
    micros = {name: 1e6 * taken / operations for name, taken in seconds.items()}
    ours = micros.pop("edgegrad")
    rows = [Row(f"scalar loop, {operations:,} operations: each", "µs", ours, micros)]
    for peer, bound in (("PyTorch", 7), ("micrograd", 10), ("autograd", 30)):
        if peer in micros:
            limit = Limit("at least", bound)
            rows.append(Row(f"… times faster than {peer}", "×", micros[peer] / ours, limit=limit))
    return rows


def large_scalar_loop(sizes: Sizes) -> list[Row]:
    """Check that the time of an operation does not grow with the graph, and what it takes of memory."""
    operations = 2 * sizes.large_loop
    calls = {
        "small": programs.scalar_loop(sizes.small_loop)["edgegrad"],
        "large": programs.scalar_loop(sizes.large_loop)["edgegrad"],
    }
    seconds = best_seconds(calls, sizes.large_rounds)
    each = seconds["large"] / operations
    growth = each / (seconds["small"] / (2 * sizes.small_loop))
    script = str(Path(__file__).with_name("peak.py"))
    peak, baseline = (
        int(output_of((sys.executable, script, str(count)))) for count in (sizes.large_loop, 1)
    )
    return [
        Row(f"scalar loop, {operations:,} operations: each", "µs", 1e6 * each),
        Row("… over that of the short loop", "×", growth, limit=Limit("at most", 1.3)),
        Row("… peak memory of each", "bytes", (peak - baseline) / operations, limit=Limit("at most", 200)),
    ]


def rnn(sizes: Sizes) -> list[Row]:
    """Compare a recurrent network, many small arrays, with its plain forward pass."""
    seconds = best_seconds(programs.rnn(), sizes.array_rounds)
    what = (
        f"RNN, {programs.RNN_STEPS} steps, {programs.RNN_SIZE}×{programs.RNN_SIZE}: over the plain forward"
    )
    return [_over_plain(what, seconds, Limit("at most", 10))]


def mlp(sizes: Sizes) -> list[Row]:
    """Compare a classifier, few large arrays, with its plain forward pass."""
    seconds = best_seconds(programs.mlp(), sizes.array_rounds)
    layers = "-".join(map(str, programs.MLP_SIZES))
    what = f"MLP {layers}, batch {programs.MLP_BATCH}: over the plain forward"
    return [_over_plain(what, seconds, Limit("at most", 3.5))]


def trace_file(sizes: Sizes) -> list[Row]:
    """Save a long trace, and look at it from the command line."""
    operations = 2 * sizes.saved_loop
    trace = programs.annotate(record(programs.multiply_adds(sizes.saved_loop), *programs.SCALARS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "loop.trace"
        seconds = best_seconds({"save": lambda: trace.save(path)}, sizes.large_rounds)
        size = path.stat().st_size
        shown = process_seconds((*EDGEGRAD, "show", str(path)), sizes.large_rounds)
    return [
        Row(
            f"save a trace of {operations:,} operations", "s", seconds["save"], limit=Limit("at most", 1.5)
        ),
        Row("… on disk, each operation", "bytes", size / operations, limit=Limit("at most", 80)),
        Row("… edgegrad show, whole process", "s", shown, limit=Limit("at most", 1.5)),
    ]


def startup(sizes: Sizes) -> list[Row]:
    """Time what a user waits for before anything happens."""
    imported = import_seconds("tracer", after="numpy", rounds=sizes.process_rounds)
    helped = process_seconds((*EDGEGRAD, "--help"), sizes.process_rounds)
    return [
        Row("import tracer, after numpy", "ms", 1e3 * imported, limit=Limit("at most", 40)),
        Row("edgegrad --help, whole process", "s", helped, limit=Limit("at most", 0.35)),
    ]


def _over_plain(what: str, seconds: dict[str, float], limit: Limit) -> Row:
    plain = seconds["plain"]
    ratios = {name: taken / plain for name, taken in seconds.items()}
    return Row(what, "×", ratios.pop("edgegrad"), ratios, limit)


CASES: dict[str, Callable[[Sizes], list[Row]]] = {
    "scalar-loop": scalar_loop,
    "large-scalar-loop": large_scalar_loop,
    "rnn": rnn,
    "mlp": mlp,
    "trace-file": trace_file,
    "startup": startup,
}
