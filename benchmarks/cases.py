"""The table's cases: each measures one thing that issue "How fast" promises, and returns its rows."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import programs
from browser import visit
from measure import EDGEGRAD, best_seconds, import_seconds, output_of, process_seconds

from tracer import audit, diff, load, record, verify
from tracer.diagnose import cancellation, gain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Unit = Literal["µs", "ms", "s", "×", "bytes", "MB", "a second"]


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
    edgegrad: float | None  # None where what measures it is missing
    peers: Mapping[str, float] = field(default_factory=dict)
    limit: Limit | None = None


@dataclass(frozen=True)
class Sizes:
    """How much work the cases do."""

    small_loop: int = 40_000
    large_loop: int = 1_000_000
    saved_loop: int = 500_000
    drawn_nodes: int = 2_000
    scalar_rounds: int = 5
    large_rounds: int = 3
    array_rounds: int = 50
    process_rounds: int = 9


QUICK = Sizes(
    small_loop=2_000,
    large_loop=20_000,
    saved_loop=10_000,
    drawn_nodes=1_200,
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


def attention(sizes: Sizes) -> list[Row]:
    """Compare a layer of attention with autograd."""
    heads, tokens, width = programs.ATTENTION
    what = f"attention, {heads} heads, {tokens} tokens, {width} wide"
    return _over_autograd(what, programs.attention(), sizes, Limit("at most", 1.2))


def cholesky(sizes: Sizes) -> list[Row]:
    """Compare the log-likelihood of a Gaussian process with autograd."""
    size = programs.GAUSSIAN_SIZE
    what = f"log-likelihood by Cholesky, {size}×{size}"
    return _over_autograd(what, programs.cholesky(), sizes, Limit("at most", 1.2))


def vector_loop(sizes: Sizes) -> list[Row]:
    """Compare a loop of elementwise steps over one vector with autograd."""
    what = f"elementwise loop, {programs.VECTOR_STEPS} steps, vector of {programs.VECTOR_SIZE:,}"
    return _over_autograd(what, programs.vector_loop(), sizes, Limit("at most", 1 / 3))


def convolution(sizes: Sizes) -> list[Row]:
    """Compare a layer of convolution with autograd."""
    batch, before, after, size, kernel = programs.CONVOLUTION
    what = f"convolution, {batch} images {size}×{size}, {before} to {after} channels, {kernel}×{kernel}"
    return _over_autograd(what, programs.convolution(), sizes, Limit("at most", 1.2))


def neurons(sizes: Sizes) -> list[Row]:
    """Compare a network of objects that hold floats, many small calls, with micrograd."""
    layers = "-".join(map(str, programs.NEURONS))
    seconds = best_seconds(programs.neurons(), sizes.scalar_rounds)
    peers = {name: 1e3 * taken for name, taken in seconds.items()}
    return [
        Row(
            f"neurons as objects, {layers}, {programs.EXAMPLES} examples",
            "ms",
            peers.pop("edgegrad"),
            peers,
        )
    ]


def fixed_cost(sizes: Sizes) -> list[Row]:
    """Time what every call of a traced function pays, however short it is."""
    calls = programs.shortest()
    seconds = best_seconds(calls, sizes.array_rounds)
    names = {
        "record": "record a function of one operation",
        "annotate": "… with the gradient of every edge",
    }
    return [Row(names[name], "ms", 1e3 * seconds[name]) for name in calls]


def findings(sizes: Sizes) -> list[Row]:
    """Look for all that may be wrong in a long trace: in one that is well, and in three that are spoiled throughout."""
    loop = programs.multiply_adds(sizes.saved_loop)
    s, a, b = programs.SCALARS
    traces = {
        "that is well": record(loop, s, a, b),
        "… that is NaN throughout": record(loop, float("nan"), a, b),
        "… that no gradient comes back through": record(lambda *given: round(loop(*given)), s, a, b),
        "… whose gradients have no right digit": record(programs.lost_digits(sizes.saved_loop), s, 1e-4, b),
    }
    rows = []
    for what, trace in traces.items():
        programs.annotate(trace)
        seconds = best_seconds({"find": trace.findings}, sizes.large_rounds)
        name = f"findings of {2 * sizes.saved_loop:,} operations, {what}" if not rows else what
        rows.append(Row(name, "s", seconds["find"], limit=Limit("at most", 3)))
    return rows


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


def rolled_up(sizes: Sizes) -> list[Row]:
    """Draw long loops, which are pictures of a dozen boxes: from the command line, in whole processes."""
    rows = []
    beyond_loading = []
    with tempfile.TemporaryDirectory() as folder:
        for turns in (sizes.saved_loop // 10, sizes.saved_loop):
            path = Path(folder) / f"{turns}.trace"
            programs.annotate(record(programs.multiply_adds(turns), *programs.SCALARS)).save(path)
            picture = str(path.with_suffix(".svg"))
            drawn = process_seconds((*EDGEGRAD, "draw", str(path), "-o", picture), sizes.large_rounds)
            loaded = best_seconds({"load": lambda path=path: load(path)}, sizes.large_rounds)["load"]
            beyond_loading.append(drawn - loaded)
            what = f"rolled-up SVG of {2 * turns:,} operations, whole process"
            rows.append(Row(what, "s", drawn, limit=Limit("at most", 3)))
        page = path.with_suffix(".html")
        written = process_seconds((*EDGEGRAD, "draw", str(path), "-o", str(page)), sizes.large_rounds)
        size = page.stat().st_size / 1e6
    growth = beyond_loading[1] / beyond_loading[0]
    return [
        *rows,
        Row("… beyond loading, over that of a tenth", "×", growth, limit=Limit("at most", 1.5)),
        Row(f"page of {2 * turns:,} operations, whole process", "s", written, limit=Limit("at most", 4)),
        Row("… its size", "MB", size, limit=Limit("at most", 3)),
    ]


def exact_picture(sizes: Sizes) -> list[Row]:
    """Draw a graph node by node, with a label at every edge: from the command line, in a whole process."""
    trace = programs.annotate(record(programs.sines(sizes.drawn_nodes // 2), *programs.SCALARS[:2]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sines.trace"
        trace.save(path)
        picture = str(path.with_suffix(".svg"))
        command = (*EDGEGRAD, "draw", str(path), "-o", picture, "--exact")
        drawn = process_seconds(command, sizes.large_rounds)
    what = f"exact SVG of {sizes.drawn_nodes:,} nodes, whole process"
    return [Row(what, "s", drawn, limit=Limit("at most", 3))]


def in_browser(sizes: Sizes) -> list[Row]:
    """Open the page of a graph that is drawn node by node, and pan it."""
    trace = record(programs.sines(sizes.drawn_nodes // 2), *programs.SCALARS[:2])
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "sines.html"
        trace.draw(page, exact=True)
        seen = visit(page, sizes.large_rounds)
    what = f"exact page of {sizes.drawn_nodes:,} nodes in Chromium: until it can be used"
    return [
        Row(what, "s", seen and seen.opened / 1000, limit=Limit("at most", 1)),
        Row("… frames while it is panned", "a second", seen and seen.a_second, limit=Limit("at least", 30)),
    ]


def gains(sizes: Sizes) -> list[Row]:
    """Look for gradients that vanish, explode or cancel in a long trace whose gradients are there."""
    trace = record(programs.multiply_adds(sizes.saved_loop), *programs.SCALARS)
    annotated = [programs.annotate(trace.backward()) for _ in range(sizes.large_rounds + 1)]
    sizes_of_all = [each.edge_statistics for each in annotated]
    waiting = iter(annotated)

    def find() -> int:
        each = next(waiting)
        return len(gain.find(each)) + len(cancellation.find(each))

    seconds = best_seconds({"find": find}, sizes.large_rounds)
    what = f"vanishing, exploding, cancelling in {len(sizes_of_all[0]):,} edges"
    return [Row(what, "s", seconds["find"], limit=Limit("at most", 1.3))]


def compared(sizes: Sizes) -> list[Row]:
    """Compare two long traces of which every value and gradient differs."""
    operations = 2 * sizes.saved_loop
    loop = programs.multiply_adds(sizes.saved_loop)
    start, *others = programs.SCALARS
    traces = [programs.annotate(record(loop, each, *others)) for each in (start, start + 0.5)]
    seconds = best_seconds({"diff": lambda: diff(*traces)}, sizes.large_rounds)
    what = f"diff of two traces of {operations:,} operations"
    return [Row(what, "s", seconds["diff"], limit=Limit("at most", 2))]


def questions(sizes: Sizes) -> list[Row]:
    """Ask a long trace for an explanation, for paths, and whether claimed gradients and its own are right."""
    trace = programs.annotate(record(programs.multiply_adds(sizes.saved_loop), *programs.SCALARS))
    claims = {name: 2 * gradient if name == "b" else gradient for name, gradient in trace.grads.items()}
    asked: dict[str, Callable[[], object]] = {
        "explain": lambda: trace.explain("b"),
        "the ten largest paths": lambda: str(trace.paths("b", top=10)),
        "audit of three claims, one wrong": lambda: audit(trace, claims),
        "verify": lambda: verify(trace),
    }
    seconds = best_seconds(asked, sizes.large_rounds)
    limits = {"explain": 2, "the ten largest paths": 10, "audit of three claims, one wrong": 2}
    rows = [Row(name, "s", seconds[name], limit=Limit("at most", limit)) for name, limit in limits.items()]
    an_edge = seconds["verify"] / len(trace.edges)
    return [*rows, Row("verify: each edge", "µs", 1e6 * an_edge, limit=Limit("at most", 5))]


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


def _over_autograd(what: str, calls: programs.Calls, sizes: Sizes, limit: Limit) -> list[Row]:
    seconds = best_seconds(calls, sizes.array_rounds)
    plain = seconds["plain"]
    ratios = {name: taken / plain for name, taken in seconds.items()}
    rows = [Row(f"{what}: over the plain forward", "×", ratios.pop("edgegrad"), ratios)]
    if "autograd" in seconds:
        rows.append(Row("… over autograd", "×", seconds["edgegrad"] / seconds["autograd"], limit=limit))
    return rows


CASES: dict[str, Callable[[Sizes], list[Row]]] = {
    "scalar-loop": scalar_loop,
    "large-scalar-loop": large_scalar_loop,
    "rnn": rnn,
    "mlp": mlp,
    "attention": attention,
    "cholesky": cholesky,
    "vector-loop": vector_loop,
    "convolution": convolution,
    "neurons": neurons,
    "findings": findings,
    "fixed-cost": fixed_cost,
    "trace-file": trace_file,
    "rolled-up": rolled_up,
    "exact": exact_picture,
    "browser": in_browser,
    "gains": gains,
    "diff": compared,
    "questions": questions,
    "startup": startup,
}
