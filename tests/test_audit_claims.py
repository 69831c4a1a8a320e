"""What is claimed: what is no claim, claims of another shape or type or that are not finite, and files of claims."""

from __future__ import annotations

import json

import numpy as np
import pytest
from audit_programs import LINEAR, LINEAR_ARGUMENTS, LOOP, LOOP_ARGUMENTS, THREE, Row, program

from tracer import audit, record
from tracer.diagnose.claims import read_claims
from tracer.errors import LookupNameError, UsageError

BAD = (
    ({"w": 1.0}, LookupNameError, "did you mean W"),
    ({}, UsageError, "no claims"),
    ({"zz": None}, LookupNameError, "known names: W, x, b, h"),
    ({3: 1.0}, UsageError, "asked by name"),
    ([1.0], UsageError, "no table"),
)


@pytest.mark.parametrize(("claims", "error", "message"), BAD)
def test_what_is_no_claim_is_an_error(claims, error, message):
    with pytest.raises(error, match=message):
        audit(program(LINEAR, LINEAR_ARGUMENTS), claims)


GRAD_W, GRAD_B, GRAD_H = (program(LINEAR, LINEAR_ARGUMENTS)[name].grad for name in ("W", "b", "h"))
ODD = (
    ({"W": np.ones(5)}, "wrong-shape", "wrong shape: got (5,), expected (3, 2)"),
    ({"W": -GRAD_W.T}, "wrong-shape", "expected (3, 2); transposed, it would be sign: it has the wrong sign"),
    ({"W": np.ones((2, 3))}, "wrong-shape", "expected (3, 2); transposed, it would be wrong, too"),
    ({"W": GRAD_W.sum(1)}, "wrong-shape", "got (3,), expected (3, 2): summed over axis 1, along which W has elements of its own"),
    ({"W": GRAD_W.mean(0)}, "wrong-shape", "averaged over axis 0, along which W has elements of its own; or element 1 along axis 0 alone"),
    ({"W": GRAD_W[2]}, "wrong-shape", "expected (3, 2): element 2 along axis 0 alone"),
    ({"W": GRAD_W[:2]}, "wrong-shape", "only the first 2 of 3 along axis 0 are in it, and they are right"),
    ({"W": np.vstack([GRAD_W, GRAD_B])}, "wrong-shape", "its first 3 along axis 0 are right, and there is 1 more"),
    ({"b": GRAD_H}, "wrong-shape", "got (4, 2), expected (2,): not summed over axis 0, of 4 (axis 0 of x)"),
    ({"b": 3 * GRAD_H}, "wrong-shape", "summed over axis 0, of 4 (axis 0 of x), it would be scale: it is 3 times"),
    ({"b": np.tile(GRAD_B, (4, 1))}, "wrong-shape", "the whole gradient is repeated along axis 0"),
    ({"b": GRAD_B[None]}, "wrong-shape", "the right numbers in another shape"),
    ({"b": GRAD_B[None] / 4}, "wrong-shape", "in the shape (2,), it would be mean-not-sum"),
    ({"b": GRAD_W}, "wrong-shape", "it is the gradient of W"),
    ({"b": None}, "wrong-type", "got None, expected an array (2,); nothing was handed back to it"),
    ({"b": np.zeros(0)}, "wrong-shape", "got (0,), expected (2,)"),
    ({"b": len}, "wrong-type", "got a builtin_function_or_method, <built-in function len>"),
    ({"b": "0.5"}, "wrong-type", "got a str, '0.5'"),
    ({"b": [True, False]}, "wrong-type", "got a list of bool"),
    ({"b": np.array([1.0, None])}, "wrong-type", "got an array of objects"),
    ({"b": [[1.0], [2.0, 3.0]]}, "wrong-type", "its parts differ in length"),
    ({"b": GRAD_B + 1j}, "wrong-type", "got complex128 for a real value, expected an array (2,); its real part: right"),
    ({"b": [1.0, float("nan")]}, "not-finite", "1 of 2 elements is nan, at [1], where the gradient is"),
    ({"b": -GRAD_B * [1, np.inf]}, "not-finite", "the other elements: "),
)  # fmt: skip


@pytest.mark.parametrize(("claims", "kind", "message"), ODD)
def test_an_odd_claim_has_a_verdict_and_the_others_are_judged(claims, kind, message):
    trace = program(LINEAR, LINEAR_ARGUMENTS)
    found = audit(trace, claims | {"x": -trace["x"].grad, "h": trace["h"].grad})
    (name,) = claims
    assert (found[name].kind, found["x"].kind, found["h"].kind) == (kind, "sign", "match")
    assert message in found[name].message


def guarded(W, x, b):  # noqa: N803  (as in the table)
    h = x @ W + b
    y = np.maximum(h, 0)
    return np.log(y * y + 1e-6).sum()


def test_what_is_not_finite_is_led_back_to_the_factor_and_to_the_claim_before():
    trace = record(guarded, **Row("", LINEAR, "", "", "", "", LINEAR_ARGUMENTS).given)
    dh = np.where(trace["y"].value == 0, np.nan, trace["h"].grad)
    found = audit(trace, {"h": dh, "b": dh.sum(0), "W": trace["x"].value.T @ dh})
    assert (
        "just there 1/x is inf where the 1e-06 that is added to x is left out, at log at"
        in found["h"].message
    )
    assert "; the other elements: right" in found["h"].message
    assert [(found[name].kind, found[name].follows) for name in "bW"] == [("follows", ("h",))] * 2


def test_a_gradient_that_is_not_finite_itself_is_said_to_be():
    with np.errstate(all="ignore"):
        trace = record(lambda x: np.sqrt(x).sum(), np.array([0.0, 4.0]))
        right, finite = audit(trace, {"x": [np.inf, 0.25]}), audit(trace, {"x": [0.0, 0.25]})["x"]
    assert right
    assert finite.kind == "not-finite"
    assert (
        "where the gradient is inf; the gradient itself is not finite: inf = 1 × inf (1/(2"
        in finite.message
    )


def test_what_has_no_elements_has_a_shape():
    trace = record(lambda x: x.sum(), np.zeros((0, 3)))
    assert audit(trace, {"x": np.zeros((0, 3))})
    assert [audit(trace, {"x": claim})["x"].kind for claim in (1.0, np.zeros((3, 0)))] == [
        "wrong-shape"
    ] * 2


def test_none_is_right_for_zero_and_left_out_for_what_is_not_traced():
    trace = record(lambda p, x, y, name: p["w"] * x, {"w": 2.0, "v": 1.0, "n": "a"}, 3.0, 4.0, "a")
    found = audit(trace, {"p": {"w": None, "v": None, "n": None}, "x": 2.0, "y": None, "name": None})
    kinds = {verdict.name: verdict.kind for verdict in found.verdicts}
    assert kinds == {"p['w']": "wrong-type", "p['v']": "match", "x": "match", "y": "match"}
    assert {verdict.kind for verdict in audit(trace, {"p": None}).verdicts} == {"wrong-type", "match"}


@pytest.mark.parametrize("options", [{"rtol": -1.0}, {"atol": float("nan")}, {"atol": "a"}, {"rtol": True}])
def test_a_tolerance_is_a_number(options):
    with pytest.raises(UsageError, match="is no tolerance"):
        audit(program(THREE, "x=2.0"), {"h": 12.0}, **options)


def written(path, content):
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.json", b"{", "is no JSON"),
        ("c.json", b"[1, 2]", "holds no claims; got a list"),
        ("c.txt", b"x=1", r"its suffix is '\.txt'"),
        ("c", b"x=1", "it has no suffix"),
        ("c.npz", b"", "is no .npz"),
        ("c.npz", b"PK\x03\x04 cut off", "is no .npz"),
        ("c.npz", b"\x80\x04N.", "a pickle, which can run code"),
    ],
)
def test_a_file_that_holds_no_claims_is_an_error(tmp_path, name, content, message):
    with pytest.raises(UsageError, match=message):
        read_claims(written(tmp_path / name, content))


def test_objects_in_a_file_are_not_read_and_the_others_are(tmp_path):
    trace = program(LINEAR, LINEAR_ARGUMENTS)
    path = written(tmp_path / "c.npz", {"W": np.array([{}], object), "b": trace["b"].grad})
    found = audit(trace, read_claims(path))
    assert [(found[name].kind, found[name].ok) for name in "Wb"] == [("wrong-type", False), ("match", True)]
    assert "those are pickles, which can run code" in found["W"].message


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_claims(tmp_path / "c.npz")


def test_claims_are_read_from_files(tmp_path):
    trace = program(LOOP, LOOP_ARGUMENTS)
    grad = trace["W"].grad
    assert audit(trace, read_claims(written(tmp_path / "c.npz", {"W": grad})))
    (tmp_path / "c.json").write_text(json.dumps({"W": grad.tolist(), "h[4]": trace["h[4]"].grad.tolist()}))
    assert audit(trace, read_claims(tmp_path / "c.json"))
