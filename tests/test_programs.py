"""Programs that know nothing of edgegrad: recorded as they are, they do the same, and their gradients are right."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from checks import assert_both_ways_back_agree, same
from invariants import assert_invariants
from program_rows import ROWS, Row
from rolled_invariants import assert_rolled

import sample_graphs.programs
from tracer import load, trace
from tracer.errors import CutWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tracer.trace import Trace

FILES = sorted(path.stem for path in Path(sample_graphs.programs.__file__).parent.glob("[a-z]*.py"))
DRAWN = ("char_rnn.lossFun", "kalman.track", "neural_net.hinge_loss", "thermostat.night")


@dataclass(frozen=True)
class Run:
    """A program, run as it is and traced."""

    row: Row
    arguments: dict[str, Any]
    """And what is watched, by name."""
    result: Any
    trace: Trace


@contextlib.contextmanager
def globals_of(row: Row, values: dict[str, Any]) -> Iterator[None]:
    """Set the watched globals for a while."""
    before = {name: getattr(row.module, name) for name in row.watch}
    for name in row.watch:
        setattr(row.module, name, values[name])
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(row.module, name, value)


def call(function: Any, row: Row, arguments: dict[str, Any]) -> tuple[Any, str, dict[str, Any]]:
    """Return the result, what was printed, and the arguments afterwards."""
    arguments = copy.deepcopy(arguments)
    given = {name: value for name, value in arguments.items() if name not in row.watch}
    bound = inspect.BoundArguments(inspect.signature(row.called), given)
    printed = io.StringIO()
    with globals_of(row, arguments), contextlib.redirect_stdout(printed):
        result = function(*bound.args, **bound.kwargs)
    return result, printed.getvalue(), arguments


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row.function)
def run(request: pytest.FixtureRequest) -> Run:
    """Run one program; that it does the same when it is traced holds before anything else."""
    row = request.param
    bound = inspect.signature(row.called).bind(*row.arguments_given, **row.named_given)
    bound.apply_defaults()
    arguments = dict(bound.arguments) | {name: getattr(row.module, name) for name in row.watch}
    plain = call(row.called, row, arguments)
    traced = trace(watch=row.watch)(row.called)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = call(traced, row, arguments)
    assert [each.category for each in caught] == [CutWarning] * row.cuts, [
        str(each.message) for each in caught
    ]
    for part, expected in zip(got, plain, strict=True):
        assert same(part, expected)
    return Run(row, arguments, plain[0], traced.last_trace)


def parts(structure: Any) -> list[Any] | None:
    """Return what a container holds; None for anything else."""
    if isinstance(structure, dict):
        return list(structure.values())
    if isinstance(structure, list | tuple):
        return list(structure)
    if dataclasses.is_dataclass(structure):
        return [getattr(structure, field.name) for field in dataclasses.fields(structure)]
    return None


def rebuilt(structure: Any, items: list[Any]) -> Any:
    if isinstance(structure, dict):
        return dict(zip(structure, items, strict=True))
    if dataclasses.is_dataclass(structure):
        names = [field.name for field in dataclasses.fields(structure)]
        return dataclasses.replace(structure, **dict(zip(names, items, strict=True)))
    return structure._make(items) if hasattr(structure, "_make") else type(structure)(items)


def is_real(value: Any) -> bool:
    return isinstance(value, float | np.floating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "f"
    )


def reals(structure: Any) -> list[Any]:
    """List the floats and float arrays of a structure, in order."""
    items = parts(structure)
    if items is None:
        return [structure] if is_real(structure) else []
    return [real for item in items for real in reals(item)]


def with_reals(structure: Any, values: Iterator[Any]) -> Any:
    """Return the same structure with other floats and float arrays."""
    items = parts(structure)
    if items is None:
        return next(values) if is_real(structure) else structure
    return rebuilt(structure, [with_reals(item, values) for item in items])


def gradients_of(structure: Any, gradients: Any) -> list[Any]:
    """List the gradients by the floats and float arrays of a structure, in the order of `reals`."""
    items = parts(structure)
    if items is None:
        return [gradients] if is_real(structure) else []
    if gradients is None:  # nothing in it is traced
        assert not reals(structure)
        return []
    return [
        each
        for item, part in zip(items, parts(gradients), strict=True)
        for each in gradients_of(item, part)
    ]


def directions(value: Any, random: np.random.Generator) -> list[Any]:
    """Return ways to move a number or an array: two, in all elements at once, for an array."""
    if not isinstance(value, np.ndarray):
        return [1.0]
    return [np.where(np.isfinite(value), random.normal(size=value.shape), 0.0) for _ in range(2)]


def derivatives(run: Run, at: int, direction: Any) -> list[Any]:
    """Measure how each output changes with one input in one direction, by differences of five points."""
    values = reals(run.arguments)
    size = max(float(np.nanmax(np.abs(values[at]))), 1e-3)
    step = run.row.step * size

    def moved(by: float) -> list[Any]:
        changed = [*values[:at], values[at] + by * step * direction, *values[at + 1 :]]
        result, _, _ = call(run.row.called, run.row, with_reals(run.arguments, iter(changed)))
        return reals(result)

    points = zip(moved(1), moved(-1), moved(2), moved(-2), strict=True)
    return [(8 * (a - b) - (c - d)) / (12 * step) for a, b, c, d in points]


def test_every_program_has_a_row_and_is_a_short_file_that_does_not_know_us():
    assert {row.function.partition(".")[0] for row in ROWS} == set(FILES)
    for row in ROWS:
        source = inspect.getsource(row.module)
        assert inspect.getdoc(row.module).partition("\n")[0].endswith((".", ","))
        assert not any(word in source for word in ("tracer", "edgegrad", "noqa"))
        assert len(source.splitlines()) <= 75


def test_gradients_match_differences_of_the_plain_run(run):
    random = np.random.default_rng(1)
    names = [name for name, value in run.arguments.items() for _ in reals(value)]
    values = reals(run.arguments)
    moves = [
        (at, direction, derivatives(run, at, direction))
        for at, value in enumerate(values)
        if names[at] not in run.row.fixed
        for direction in directions(value, random)
    ]
    assert moves
    for number, result in enumerate(reals(run.result)):
        seed = random.normal(size=np.shape(result))
        output = run.trace.recording.outputs[number]
        backward = run.trace.backward(of=output.path or None, seed=seed)
        gradients = gradients_of(run.arguments, backward.grads)
        scale = max(np.max(np.abs(gradient), initial=0.0) for gradient in gradients)
        for at, direction, measured in moves:
            got, expected = np.sum(gradients[at] * direction), np.sum(seed * measured[number])
            assert abs(got - expected) <= run.row.tolerance * scale, (output.path, names[at], got, expected)


def test_the_graph_keeps_its_invariants(run):
    (finished, *_) = seeded(run)
    assert_invariants(finished)


def test_what_is_rolled_up_has_the_numbers_of_the_exact_graph(run):
    (finished, *_) = seeded(run)
    assert_rolled(finished)


def test_both_ways_back_agree(run, monkeypatch):
    for finished in seeded(run):
        assert_both_ways_back_agree(finished, monkeypatch)


def test_a_saved_trace_gives_the_same_gradients(run, tmp_path):
    (finished, *_) = seeded(run)
    finished.save(tmp_path / "program.trace")
    loaded = load(tmp_path / "program.trace")
    assert [node.name for node in loaded.inputs] == [node.name for node in finished.inputs]
    for again, node in zip(loaded.inputs, finished.inputs, strict=True):
        assert same(again.grad, node.grad)


@pytest.mark.parametrize(
    "run", [row for row in ROWS if row.function in DRAWN], ids=lambda row: row.function, indirect=True
)
def test_a_picture_can_be_drawn(run, tmp_path):
    (finished, *_) = seeded(run)
    finished.draw(tmp_path / "program.svg")
    drawn = ET.parse(tmp_path / "program.svg")  # noqa: S314  (our own file)
    assert run.trace.function in "".join(drawn.getroot().itertext())


def seeded(run: Run) -> list[Trace]:
    """Return a trace for each output, with a seed of ones."""
    return [
        run.trace.backward(of=output.path or None, seed=np.ones(np.shape(output.value)))
        for output in run.trace.recording.outputs
        if output.row >= 0
    ]


def test_the_gradients_that_the_old_rnn_works_out_by_hand_are_those_on_the_tape():
    (row,) = (row for row in ROWS if row.function == "char_rnn.lossFun")
    traced = trace(watch=row.watch)(row.called)
    _, *by_hand, _ = traced(*row.arguments_given)
    gradients = traced.last_trace.backward(of="[0]").grads
    for name, expected in zip(row.watch, by_hand, strict=True):
        np.testing.assert_allclose(gradients[name], expected, rtol=1e-10, atol=1e-13)
