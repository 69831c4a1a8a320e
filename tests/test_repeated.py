"""Loops of a program on the way back: the code for one turn gives what the steps give, to the bit, or stands aside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tracer import backward_pass as go_back
from tracer import freezing, load, outlines, record, recording, verify
from tracer import straight as steps
from tracer.minus import Minus

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tracer.trace import Trace

_RANDOM = np.random.default_rng(3)
_X, _Y = _RANDOM.uniform(0.2, 0.9, size=(2, 140))
_W = _RANDOM.normal(size=(6, 6)) / 3.0


def _forget() -> None:
    outlines.forget()
    recording.forget()
    freezing.forget()


def _one_vector(x: Any, y: Any) -> Any:
    for _ in range(60):
        x = x + 0.1 * (y * x * (1.0 - x) - np.tanh(x))
    return x.sum()


def _two_loops(x: Any, y: Any) -> Any:
    z = x
    for turn in range(60):
        z = np.sin(x) * y - x / 3.0
        x, y = x + 0.1 * z, y * 0.99 + x * 0.01
        if turn == 30:
            kept = x * 2.0
    for _ in range(60):
        y = y + np.sqrt(np.abs(x)) * kept / 7.0
    return (y * z).sum()


def _inner_loop(x: Any, y: Any) -> Any:
    for _ in range(30):
        for _ in range(3):
            x = x * 0.9 + np.tanh(y) * 0.1
        y = (y - x * 0.2) / (1.0 + x * x)
    return (x + y).sum()


def _last_is_not_used(x: Any, y: Any) -> Any:
    for _ in range(60):
        x = x * x * 0.5 + y
        y = y * np.cos(x)
    return x.sum()


def _not_used(x: Any, y: Any) -> Any:
    for _ in range(60):
        x = np.cos(x) * 1.1 + y
        np.tanh(x * y)
    return x.sum()


def _some_are_used(x: Any, y: Any) -> Any:
    found = []
    for _ in range(60):
        x = np.cos(x) * 1.1 + y
        found.append(x * y)
    return found[20].sum() + found[40].sum()


def _all_are_used(x: Any, y: Any) -> Any:
    found = []
    for _ in range(60):
        x = np.cos(x) * 1.1 + y
        found.append(x * y)
    return np.sum(np.stack(found) ** 2)


def _recurrent(matrix: Any, x: Any) -> Any:
    h = x * 0.0
    for _ in range(80):
        h = np.tanh(matrix @ x + matrix @ h + x)
    return (h**2).sum()


def _matrix_of_the_loop(matrix: Any, x: Any) -> Any:
    for _ in range(80):
        matrix = matrix * 0.99 + 0.001 * np.tanh(matrix)
        x = np.tanh(matrix @ x)
    return (x * x).sum()


def _parts(x: Any, y: Any) -> Any:
    for turn in range(80):
        x = x * 0.9 + y[turn % 5] * 0.1
        x = np.tanh(x) - 0.1 * x
    return x.sum()


def _numbers_between(x: Any, s: Any) -> Any:
    for _ in range(60):
        s = s * 0.9 + 0.1
        x = x * s + np.maximum(x, 0.2) - x**2 * 0.1
    return x.sum()


def _constant_of_each_turn(x: Any, y: Any) -> Any:
    for turn in range(80):
        x = x * (1.0 / (turn + 2)) + y / float(turn % 3)
    return x.sum()


def _minus_carried(x: Any, y: Any) -> Any:
    for _ in range(100):
        x = y - np.tanh(x)
    return x.sum()


def _minus_first(x: Any, y: Any) -> Any:
    for _ in range(60):
        x = np.sin(x) * y - x
        x = -x * 0.5 - x * y - x / 3.0
    return x.sum()


def _minus_alone(x: Any, y: Any) -> Any:
    for _ in range(60):
        z = x - y
        x = -np.cos(-z) - np.abs(z * -1.0 - x * 0.1)
    return (x - y).sum()


def _minus_that_cancels(x: Any, y: Any) -> Any:
    for _ in range(60):
        z, w = np.tanh(x), np.sin(y)
        x = x + (z - z) * 0.5 - w
        y = y - (y - w) - (w - y)
    return (x * y).sum()


def _minus_in_a_network(matrix: Any, x: Any) -> Any:
    h = x * 0.0
    for _ in range(80):
        h = np.tanh(x - matrix @ (x - h) - matrix @ h)
    return (h**2).sum()


# Program, arguments, and how many loops are gone back over as code of their own.
_PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], int]] = {
    "one vector": (_one_vector, (_X, _Y), 1),
    "small arrays": (_one_vector, (_X[:6].reshape(2, 3), _Y[:6].reshape(2, 3)), 1),
    "NaN and infinity": (_one_vector, (np.append(_X, [np.nan, np.inf]), np.append(_Y, [1.0, 2.0])), 1),
    "two loops": (_two_loops, (_X, _Y), 3),
    "a loop in a loop": (_inner_loop, (_X, _Y), 1),
    "the last turn is not used": (_last_is_not_used, (_X, _Y), 1),
    "a value is never used": (_not_used, (_X, _Y), 1),
    "a value is used of some turns": (_some_are_used, (_X, _Y), 0),
    "a value is used of all turns": (_all_are_used, (_X, _Y), 1),
    "a recurrent network": (_recurrent, (_W, _X[:6]), 1),
    "a matrix that the loop computes": (_matrix_of_the_loop, (_W, _X[:6]), 0),
    "elements": (_parts, (_X, _RANDOM.uniform(size=(5, 140))), 0),
    "numbers between the arrays": (_numbers_between, (_X, 0.7), 0),
    "a constant of each turn": (_constant_of_each_turn, (_X, _Y), 1),
    "minus from turn to turn": (_minus_carried, (_X, _Y), 1),
    "minus before others": (_minus_first, (_X, _Y), 1),
    "minus before others, NaN and infinity": (
        _minus_first,
        (np.append(_X, [np.nan, np.inf]), np.append(_Y, [1.0, np.nan])),
        1,
    ),
    "minus that cancels": (_minus_that_cancels, (_X, _Y), 1),
    "minus alone": (_minus_alone, (_X, _Y), 1),
    "minus alone, small arrays": (_minus_alone, (_X[:6].reshape(2, 3), _Y[:6].reshape(2, 3)), 1),
    "minus through matrices": (_minus_in_a_network, (_W, _X[:6]), 1),
}


def _everything(trace: Trace) -> list[bytes]:
    gradients = trace.edge_gradients()
    arrays = [gradients.others[edge] for edge in gradients.others]
    dense = [each if isinstance(each, np.ndarray) else each.dense() for each in arrays]
    return [
        gradients.floats.tobytes(),
        repr(list(trace.gradients.slots)).encode(),
        # Which of two NaN is handed on by a sum, and so its sign, is the processor's.
        *(np.where(np.isnan(each), np.nan, each).tobytes() for each in dense),
    ]


@pytest.mark.parametrize("name", _PROGRAMS)
def test_the_code_of_a_loop_gives_what_its_steps_give(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program, arguments, expected = _PROGRAMS[name]
    ways = []

    def noting(*given: Any) -> Any:
        way = write(*given)
        ways.extend([way] * (way is not None))
        return way

    write = go_back.way_back
    monkeypatch.setattr(go_back, "way_back", noting)
    with np.errstate(all="ignore"):
        trace = record(program, *arguments)
        found = _everything(trace), _everything(trace.backward(seed=-2.0))
        assert len(ways) == 2 * expected
        monkeypatch.setattr(steps, "loops", lambda *_: iter(()))
        _forget()
        trace = record(program, *arguments)
        assert found == (_everything(trace.backward()), _everything(trace.backward(seed=-2.0)))
        assert len(ways) == 2 * expected


@pytest.mark.parametrize(
    "name", [each for each in _PROGRAMS if each.startswith("minus") and "matrices" not in each]
)
def test_minus_a_gradient_is_seen_in_full(name: str, tmp_path: Path) -> None:
    program, arguments, _ = _PROGRAMS[name]
    with np.errstate(all="ignore"):
        trace = record(program, *arguments)
        kept = [*trace.gradients.arrays.values(), *trace.gradients.slots.values()]
        assert Minus in set(map(type, kept))
        arrays = dict(trace.edge_gradients().others)
        sizes = trace.edge_statistics.norm.tolist()
        assert [np.linalg.norm(arrays[edge]) for edge in arrays] == pytest.approx(
            [sizes[edge] for edge in arrays], nan_ok=True
        )
        path = tmp_path / "trace"
        trace.save(path)
        assert _everything(load(path)) == _everything(trace)
        if np.isfinite(arguments[0]).all():
            assert verify(trace).ok


@pytest.mark.parametrize("name", _PROGRAMS)
def test_what_is_known_of_a_program_gives_what_is_worked_out_anew(name: str) -> None:
    program, arguments, _ = _PROGRAMS[name]
    others = tuple(each * 0.9 + 0.01 for each in arguments)

    def found(given: tuple[Any, ...]) -> list[bytes]:
        return _everything(record(program, *given))

    with np.errstate(all="ignore"):
        found(arguments)
        again = found(others), found(arguments)
        for given, known in zip((others, arguments), again, strict=True):
            _forget()
            assert found(given) == known


def _alike(x: Any, y: Any) -> Any:
    for turn in range(60):
        x = x * (0.5 + 0.01 * turn) + np.maximum(x, 0.3) * y
    return x.sum(), np.sum(y)


def test_what_is_known_of_a_program_is_that_of_its_shapes_types_constants_and_outputs() -> None:
    matrix, row = _X.reshape(4, 35), _Y[:35]
    calls: list[tuple[Callable[..., Any], tuple[Any, ...], int]] = [
        (_alike, (_X, _Y), 0),
        (_alike, (_X, _Y), 1),
        (_alike, (_X, _Y[0]), 0),
        (_alike, (matrix, row), 0),
        (_alike, (_X.astype(np.float32), _Y), 0),
        (_alike, (_X, _Y.astype(np.float32)), 0),
        (lambda x, _: _alike(x, 0.7), (_X, _Y), 0),
        (lambda x, _: _alike(x, 0.6), (_X, _Y), 0),
        (lambda x, _: _alike(x, _Y), (_X, _Y.copy()), 0),
        (lambda x, _: _alike(x, _Y.astype(np.float32)), (_X, _Y.copy()), 0),
    ]

    def found(program: Callable[..., Any], given: tuple[Any, ...], output: int) -> list[bytes]:
        trace = record(program, *given)
        names = [each.name for each in trace.outputs]
        return _everything(trace.backward(of=names[output]))

    _forget()
    known = [found(*call) for _ in range(2) for call in calls]
    for call, *gradients in zip(calls, known[: len(calls)], known[len(calls) :], strict=True):
        _forget()
        assert gradients == [found(*call)] * 2


def test_what_is_known_of_the_records_of_a_program_gives_what_is_worked_out_anew() -> None:
    def program(x: Any, y: Any, *, factor: Any) -> Any:
        parts = [np.where(x > 0.5, x, y) * factor, np.maximum(x, y), np.clip(x, 0.2, factor), x**2 - y]
        for _ in range(20):
            parts.append(parts[-1] * 0.5 + np.sin(parts[-2]) / factor)
        return np.sum(np.stack(parts)), np.max(np.hypot(factor, parts[-1]))

    def columns(seed: int, factor: Any) -> Any:
        values = np.random.default_rng(seed).uniform(size=(2, 5))
        found = record(program, *values, factor=factor).recording
        constants = [found.constants[number] for number in range(len(found.constants))]
        arrays = (found.ops, found.starts, found.operands, found.instructions, found.values.array_rows)
        numbers = [np.asarray(found.values[row]).tobytes() for row in range(len(found))]
        return [each.tolist() for each in arrays], repr(constants), numbers, repr(found.params)

    calls = [(1, 0.9), (2, 0.9), (1, np.full(5, 0.8)), (1, np.float64(0.7)), (2, 0.9)]
    _forget()
    known = [columns(*call) for call in calls]
    for call, found in zip(calls, known, strict=True):
        _forget()
        assert columns(*call) == found


def test_the_end_of_a_long_recording_is_frozen_as_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    def program(x: float) -> float:
        for _ in range(60):
            x = math.sin(x * 0.5) + max(x, 2.0, 0.25)
        return x

    def columns() -> list[Any]:
        found = record(program, 1.0).recording
        operands = [each if each >= 0 else found.constants[-1 - each] for each in found.operands.tolist()]
        return [*operands, *found.starts.tolist(), *found.values.floats.tolist()]

    whole = columns()
    monkeypatch.setattr(freezing, "_CHUNK", 50)
    for each in (freezing, recording):
        monkeypatch.setattr(each, "SHORT", 49)
    assert columns() == whole
