"""Trace files: what is saved comes back bit for bit, and is read where the program is not."""

from __future__ import annotations

import importlib
import json
import math
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from saved_programs import (
    MATRIX,
    PROGRAMS,
    Layer,
    Model,
    again,
    arrays,
    assert_same,
    bits,
    broadcasts,
    calls,
    fails,
    returns_all,
    saved,
)
from test_samples import SAMPLES, trace_of

from tracer import load, record, trace
from tracer.errors import GradientError, UnsupportedError
from tracer.trace_encode import portable_names
from tracer.trace_values import Unsaved


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_loaded_trace_shows_the_same_as_the_recorded_one(name, tmp_path):
    original = PROGRAMS[name]()
    assert_same(again(original, tmp_path), original)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_comes_back(name, tmp_path):
    original = trace_of(name)
    assert_same(again(original, tmp_path), original)


@pytest.mark.parametrize("name", ["arrays", "broadcasts", "calls", "cuts", "infinite", "chosen output"])
def test_a_loaded_trace_draws_the_same_bytes(name, tmp_path):
    original = PROGRAMS[name]()
    loaded = again(original, tmp_path)
    for suffix in ("dot", "svg", "png"):
        original.draw(tmp_path / f"original.{suffix}")
        loaded.draw(tmp_path / f"loaded.{suffix}")
        assert (tmp_path / f"original.{suffix}").read_bytes() == (
            tmp_path / f"loaded.{suffix}"
        ).read_bytes()


def test_a_run_that_raised_is_saved_as_far_as_it_came(tmp_path):
    traced = trace(fails)
    with pytest.raises(ValueError, match=r"no 4\.0"):
        traced(2.0)
    loaded = again(traced.last_trace, tmp_path)
    assert loaded.error == "ValueError: no 4.0"
    assert loaded["y"].value == 4.0
    with pytest.raises(GradientError, match="raised an exception, so it has no output to go back from"):
        _ = loaded.grads


def test_an_argument_that_can_not_be_boxed_leaves_a_trace_too(tmp_path):
    deep = [1.0]
    for _ in range(3000):
        deep = [deep]
    traced = trace(lambda x, table: (x, table))
    with pytest.raises(UnsupportedError, match="table holds objects in objects"):
        traced(2.0, {"a": 1.0, "deep": deep})
    loaded = again(traced.last_trace, tmp_path)
    assert [node.name for node in loaded.inputs] == ["x", "table['a']"]


def test_a_rule_that_fails_does_not_cost_the_recording(tmp_path, monkeypatch):
    original = record(lambda x: x * x, 3.0)
    monkeypatch.setattr("tracer.backward.backward", lambda *_, **__: 1 / 0)
    path = saved(original, tmp_path)
    monkeypatch.undo()
    assert load(path).grads == {"x": 6.0}


def test_a_loaded_trace_goes_back_from_other_outputs_as_the_recorded_one_does(tmp_path):
    original = record(returns_all, 3.0).backward(of="[0]")
    loaded = again(original, tmp_path)
    for of, seed in (("[1]", None), (2, 0.25), ("[0]", -1.0)):
        assert_same(loaded.backward(of, seed), original.backward(of, seed))
    mixed = record(arrays, np.asfortranarray(MATRIX), MATRIX[::-1])
    assert_same(again(mixed, tmp_path).backward(seed=0.3), mixed.backward(seed=0.3))


def test_gradients_are_read_and_not_computed_again(tmp_path, monkeypatch):
    path = saved(record(arrays, MATRIX, MATRIX), tmp_path)
    monkeypatch.setattr("tracer.backward.backward", lambda *_, **__: pytest.fail("went back"))
    assert bits(load(path).grads["a"])


def test_gradients_beyond_the_budget_are_recomputed_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("tracer.backward.BUDGET", 0)
    original = record(arrays, MATRIX, MATRIX)
    assert original.gradients.slots.keys() < set(range(len(original.recording.operands)))
    assert_same(again(original, tmp_path), original)


# ------------------------------------------------------------------------------------------------- values


NAN_WITH_PAYLOAD = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]


@pytest.mark.parametrize(
    "value",
    [
        NAN_WITH_PAYLOAD,
        -math.inf,
        -0.0,
        5e-324,
        2**80,
        -(2**63),
        np.float32(0.1),
        np.array([0x7FC0_BEEF], np.uint32).view(np.float32)[0],
        np.float16(1.5),
        np.int64(-1),
        np.uint8(255),
        np.array(2.5),
        np.array([[NAN_WITH_PAYLOAD, -0.0]]),
        np.zeros((0, 3), np.float32),
        np.arange(6.0).astype(">f4").reshape(2, 3),
        np.arange(24.0).reshape(2, 3, 4)[:, ::-2, 1:3],
        np.broadcast_to(np.float64(2.0), (3, 4)),
    ],
    ids=repr,
)
def test_numbers_keep_type_and_bits_as_inputs_values_constants_and_seeds(value, tmp_path):
    original = record(lambda x, w: (x * 1.0, w), value, 1.0)
    original = original.backward("[0]", seed=np.ones(np.shape(value)))
    loaded = again(original, tmp_path)
    assert_same(loaded, original)
    assert bits(loaded.inputs[0].value) == bits(value)
    constant = record(lambda x: x * value, 2.0).backward(seed=np.full(np.shape(value), 0.5))
    assert_same(again(constant, tmp_path), constant)


def test_python_and_numpy_scalars_by_the_thousand_keep_their_types(tmp_path):
    def counts(n, x):
        for k in range(40):
            n = n + 1
            x = x * np.float64(1.01) if k % 2 else x + 1
        return x * n

    original = record(counts, 3, np.float64(0.5))
    assert_same(again(original, tmp_path), original)


def test_classes_are_made_again_by_name_without_importing_any(tmp_path):
    original = PROGRAMS["containers"]()
    grads = load(saved(original, tmp_path)).grads
    assert repr(grads["point"]) == repr(original.grads["point"]) == "Point(x=2.0, y=1.0)"
    assert repr(grads["layer"]) == repr(original.grads["layer"])
    assert type(grads["layer"]) is not Layer
    assert list(grads["table"]) == ["a", 2.5]
    assert load(saved(original, tmp_path)).grads["point"] == grads["point"]


def test_an_object_that_can_not_be_kept_prints_as_it_did_without_its_address(tmp_path):
    endless: list[Any] = [1.0]
    endless.append(endless)
    loaded = again(
        record(lambda x: (x, Model(), endless, np.array([Model()], object)), 2.0).backward("[0]"), tmp_path
    )
    model, loop, objects = loaded.result[1:]
    assert isinstance(model, Unsaved)
    assert (type(model).__name__, repr(model)) == ("Model", "<Model>")
    assert loop[0] == 1.0
    assert repr(loop[1]) == "[1.0, [...]]"
    assert repr(objects) == "array([<Model>], dtype=object)"


def test_the_message_for_a_result_without_gradient_still_names_its_type(tmp_path):
    original = record(lambda _: Model(), 1.0)
    for each in (original, again(original, tmp_path)):
        with pytest.raises(GradientError, match="got Model, expected a float"):
            _ = each.grads


def test_arrays_of_a_loaded_trace_can_not_be_written_to_and_its_gradients_can(tmp_path):
    loaded = load(saved(record(broadcasts, MATRIX, 3.0), tmp_path))
    with pytest.raises(ValueError, match="read-only"):
        loaded["a"].value[0, 0] = 1.0
    loaded.grads["a"][0, 0] = 1.0


# ------------------------------------------------------------------------------------------------- the file


def test_numpy_opens_the_file_and_the_document_is_plain_json(tmp_path):
    path = saved(record(arrays, MATRIX, MATRIX), tmp_path)
    with np.load(path, allow_pickle=False) as members:
        document = json.loads(members["trace.json"])
        columns = {name: members[name] for name in members.files if name != "trace.json"}
    assert document["format"] == "edgegrad trace"
    assert document["format_version"] == 1
    assert all(column.ndim == 1 and not column.dtype.hasobject for column in columns.values())
    names = [document["operations"][number] for number in columns["ops"]]
    assert names[:4] == ["input", "input", "transpose", "matmul"]


def test_the_format_document_names_every_member_and_entry(tmp_path):
    path = saved(record(arrays, MATRIX, MATRIX), tmp_path)
    text = (Path(__file__).parent.parent / "docs" / "trace-format.md").read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist() if not name.startswith("pool_")}
        entries = set(json.loads(archive.read("trace.json")))
    missing = {name for name in names | entries if f"`{name}`" not in text}
    assert not missing


def test_views_cost_no_bytes(tmp_path):
    large = np.arange(100_000.0)

    def looks(x):
        return (
            x[1:].sum()
            + x[::2].sum()
            + x.reshape(100, 1000).T[3].sum()
            + np.broadcast_to(x[0], (1000, 1000))[0, 0]
        )

    trace_of_views = record(looks, large)
    views_only = trace_of_views.backward()
    views_only.gradients.arrays.clear()
    views_only.gradients.slots.clear()
    assert saved(views_only, tmp_path).stat().st_size < 1.1 * large.nbytes


def test_a_scalar_operation_takes_at_most_eighty_bytes(tmp_path):
    def chain(x, y):
        for _ in range(5000):
            x = x * 0.999 + y
        return x

    original = record(chain, 1.0, 2.0)
    empty = saved(record(chain, 1.0, 2.0).backward(), tmp_path).stat().st_size
    assert empty / len(original.recording) < 80


SCRIPT = """
import sys
from tracer import record
from saved_programs import PROGRAMS
for name in sys.argv[2:]:
    PROGRAMS[name]().save(f"{sys.argv[1]}/{name}.trace")
"""


def test_the_bytes_of_a_file_depend_on_the_run_alone(tmp_path):
    names = ("arrays", "containers", "broadcasts")
    for name in names:
        PROGRAMS[name]().save(tmp_path / f"{name} here.trace")
    here = Path(__file__).parent
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
        "PYTHONHASHSEED": "7",
    }
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path), *names], env=environment, check=True)  # noqa: S603
    for name in names:
        assert (tmp_path / f"{name}.trace").read_bytes() == (tmp_path / f"{name} here.trace").read_bytes()


def test_a_file_is_read_where_the_program_is_not(tmp_path):
    """Nothing that was traced is there, and nothing that runs text or bytes as code is called."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "model.py").write_text(
        "import collections\nPair = collections.namedtuple('Pair', 'a b')\n"
        "def loss(pair):\n    squared = pair.a * pair.a\n    return squared + pair.b\n"
    )
    sys.path.insert(0, str(folder))
    try:
        model = importlib.import_module("model")
        original = record(model.loss, model.Pair(2.0, 3.0))
        path = saved(original, tmp_path)
    finally:
        sys.path.remove(str(folder))
        del sys.modules["model"]
    expected = original["squared"].site
    (folder / "model.py").unlink()
    code = (
        "import pickle, sys\npickle.loads = pickle.load = None\nfrom tracer import load\n"
        f"t = load({str(path)!r})\nn = t['squared']\n"
        "print(t.grads, n.site.file, n.site.line, n.site.text)\n"
        "print(t.source['model.py'].count('\\n'), 'model' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (
        done.stdout == f"{{'pair': Pair(a=4.0, b=1.0)}} model.py {expected.line} {expected.text}\n5 False\n"
    )


def test_no_folder_of_this_machine_is_in_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = saved(record(calls, 0.3), tmp_path).read_bytes()
    assert b"saved_programs.py" in data
    assert str(Path(__file__).parent).encode() not in data


def test_files_are_named_from_here_or_by_as_little_as_tells_them_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    below, one, other = str(tmp_path / "pkg" / "a.py"), "/srv/one/b.py", "/srv/other/b.py"
    assert portable_names([below, one, other, "<stdin>", "c.py"]) == [
        "pkg/a.py",
        "b.py",
        "other/b.py",
        "<stdin>",
        "c.py",
    ]


# ------------------------------------------------------------------------------------------------- any program


NUMBERS = st.one_of(
    st.floats(-4, 4),
    st.integers(-3, 3),
    st.sampled_from([np.float64(0.5), np.float32(0.1), -0.0, 1e300, math.inf]),
)


ARRAYS = st.builds(
    lambda shape, seed, dtype, order: (
        np.random.default_rng(seed).normal(size=shape).astype(dtype, order=order)
    ),
    st.sampled_from([(), (3,), (2, 3), (1, 3), (3, 3), (2, 0)]),
    st.integers(0, 99),
    st.sampled_from([np.float64, np.float32, ">f8"]),
    st.sampled_from("CF"),
)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "subtract", "multiply", "divide", "tanh", "sum", "flip", "part", "pick", "constant"]
        ),
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    max_size=12,
)


def run_steps(values: Any, constant: Any, steps: Any) -> Any:
    """Compute whatever of the steps fits; the result is everything that was computed."""
    values = list(values)
    for name, left, right in steps:
        x, y = values[left % len(values)], values[right % len(values)]
        try:
            match name:
                case "tanh" | "sum":
                    out = getattr(np, name)(x)
                case "flip":
                    out = x[::-1].T
                case "part":
                    out = x[..., 1:, None] if right % 2 else x[[0, -1, 0]]
                case "pick":
                    out = x[right % 3]
                case "constant":
                    out = x * constant
                case _:
                    out = getattr(np, name)(x, y)
        except (ValueError, IndexError, TypeError, AttributeError):
            continue
        values.append(out)
    return {"values": values, "last": (values[-1],)}


@settings(
    deadline=None,
    derandomize=True,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(NUMBERS | ARRAYS, min_size=1, max_size=3), NUMBERS | ARRAYS, STEPS)
@pytest.mark.filterwarnings("ignore")
def test_whatever_is_recorded_comes_back(tmp_path, values, constant, steps):
    original = record(lambda values: run_steps(values, constant, steps), values)
    value = original.outputs[-1].value
    original = original.backward("['last'][0]", np.full(np.shape(value), 0.5))
    assert_same(again(original, tmp_path), original)
