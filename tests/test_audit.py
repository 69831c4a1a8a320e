"""Audits: every verdict, what they say and prove, and what is no claim."""

from __future__ import annotations

import numpy as np
import pytest
from audit_page import PAGE, text
from audit_programs import CHAIN, LINEAR, LINEAR_ARGUMENTS, THREE, program, trace_of
from audit_rows import ROWS

from tracer import audit, load, record
from tracer.diagnose.subsets import left_out
from tracer.diagnose.verdict import KINDS
from tracer.numbers_text import listed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_each_mistake_is_named(row):
    trace = trace_of(row)
    found = audit(trace, row.claimed(trace))
    verdict = found[row.name]
    assert verdict.kind == row.kind, str(found)
    assert row.message in verdict.message
    assert [(other, found[other].kind) for other, _ in row.others] == list(row.others)
    wrong = [each for each in found.verdicts if not each.ok]
    assert found.ok == (not wrong)
    assert [each.is_first for each in wrong] == [at == 0 for at in range(len(wrong))]
    assert found.first is (wrong[0] if wrong else None)


def test_every_kind_has_a_row_on_the_page():
    assert {row.kind for row in ROWS if row.in_page} == set(KINDS)


def test_the_page_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == text()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_a_loaded_trace_tells_the_same(row, tmp_path):
    trace = trace_of(row)
    trace.grads  # noqa: B018  (so that they are in the file)
    trace.save(tmp_path / "t.trace")
    assert str(audit(load(tmp_path / "t.trace"), row.claimed(trace))) == str(
        audit(trace, row.claimed(trace))
    )


def test_the_arithmetic_of_both_is_told():
    verdict = audit(program(THREE, "x=2.0"), {"h": 4.0})["h"]
    assert verdict.arithmetic == "3 + 4 + 5 = 12; claimed 4 = (3 + 4 + 5)/3"
    assert (verdict.claimed, verdict.expected) == (4.0, 12.0)
    assert verdict.site.line == 2


def test_as_many_digits_are_told_as_show_the_difference():
    trace = record(lambda x: x * 1.2247 + x * 1.2247, 1.0)
    told = audit(trace, {"x": 2.44941})["x"].arithmetic
    assert told == "1.2247 + 1.2247 = 2.4494; claimed 2.44941, off by 1e-05"


def test_a_product_that_is_no_float_explains_nothing():
    trace = record(lambda x: sum(x * k for k in range(1, 400)), 1.0)
    assert audit(trace, {"x": 12345.6})["x"].kind == "unknown"


@pytest.mark.parametrize(
    ("name", "claim", "kind"),
    [
        ("W", lambda grad: grad.T, "transposed"),
        ("x", lambda grad: -grad, "sign"),
        ("b", lambda grad: 2 * grad, "scale"),
    ],
)
def test_a_mistake_about_an_input_is_told_at_its_use(name, claim, kind):
    trace = program(LINEAR, LINEAR_ARGUMENTS)
    verdict = audit(trace, {name: claim(trace[name].grad)})[name]
    assert (verdict.kind, verdict.place) == (kind, "program.py:2")


def test_claims_that_nothing_explains_are_judged_without_a_look_at_each_use():
    trace = record(lambda xs, w: sum(x * w for x in xs) ** 2, [1.0, 0.5] * 2000, 0.3)
    found = audit(trace, {"w": 7.7, "xs[0]": 1.1})
    assert [verdict.kind for verdict in found.verdicts] == ["unknown", "unknown"]


def test_missing_uses_are_told_by_their_places():
    verdict = audit(program(THREE, "x=2.0"), {"h": 8.0})["h"]
    assert [site.line for site in verdict.uses] == [4]
    assert verdict.site.line == 4


def test_two_explanations_that_assume_as_little_are_both_told():
    row = next(row for row in ROWS if row.title == "two causes")
    verdict = audit(trace_of(row), {"x": 5.0})["x"]
    assert {verdict.kind, *verdict.also} == {"missing-uses", "mean-not-sum"}


def test_verdicts_are_in_backward_order():
    trace = program(CHAIN, "x=2.0")
    found = audit(trace, {"x": 288.0, "y": 24.0, "h": 72.0})
    assert [verdict.name for verdict in found.verdicts] == ["y", "h", "x"]
    assert found


@pytest.mark.parametrize(
    ("off", "options", "is_right"),
    [
        (1e-8, {}, True),
        (1e-6, {}, False),
        (1e-6, {"rtol": 1e-5}, True),
        (1e-6, {"rtol": 0.0, "atol": 1e-4}, True),
        (1e-9, {"rtol": 0.0, "atol": 0.0}, False),
    ],
)
def test_tolerances_can_be_set(off, options, is_right):
    trace = program(THREE, "x=2.0")
    assert audit(trace, {"h": 12 * (1 + off)}, **options).ok == is_right


GRADIENT = np.exp(0.5)  # 1.6487212707001282
CELL = np.array([GRADIENT, 0.034561, -123.456])


@pytest.mark.parametrize(
    ("right", "claim", "digits"),
    [
        (GRADIENT, 1.64872, "6 digits"),
        (GRADIENT, 1.6487, "5 digits"),
        (GRADIENT, "1.65", "3 digits"),
        (GRADIENT, np.float32(1.6487), ""),  # right, to single precision
        (GRADIENT, 1.6, None),
        (GRADIENT, 1.64, None),
        (GRADIENT, 1.647, None),
        (GRADIENT, 1.6488, None),
        (GRADIENT, -1.649, None),
        (7.0004, 7.0, None),  # one digit, as far as a float knows
        (CELL, [1.649, 0.03456, -123.5], "4 digits"),
        (CELL, np.round(CELL, 4), "4 decimals"),
        (CELL, np.round(CELL, 1), None),
        (CELL, [1.649, 0.0, -123.5], None),
        (CELL, [1.649, 0.03456, -123.4], None),
        (1.6487 + 0.3j, 1.649 + 0.3j, None),
    ],
)
def test_the_right_number_in_fewer_digits_is_right_and_nothing_else_is(right, claim, digits):
    claim = float(claim) if isinstance(claim, str) else claim
    trace = record(lambda x: (x * right).real.sum(), np.ones_like(right))
    verdict = audit(trace, {"x": claim})["x"]
    assert verdict.ok == (digits is not None)
    if digits:
        assert verdict.message == f"right, to the {digits} in which it is written"
        assert "; claimed " in verdict.arithmetic
        asked = audit(trace, {"x": claim}, rtol=1e-12)["x"]
        assert (asked.kind, asked.ok) == ("unknown", False)
        assert asked.message.startswith(
            f"right to the {digits} in which it is written, but not to the tolerance"
        )
        assert audit(trace, {"x": claim}, rtol=5e-3).ok


def test_a_whole_number_is_no_rounded_one():
    trace = record(lambda x: x * 123.4, 1.0)
    assert audit(trace, {"x": 123.0})["x"].kind == "unknown"
    assert audit(record(lambda x: x * 123.46, 1.0), {"x": 123.5}).ok


def test_a_mistake_that_gives_just_the_rounded_number_is_that_mistake():
    verdict = audit(record(lambda x: x * 12.5 + x * 0.0004, 1.0), {"x": 12.5})["x"]
    assert verdict.kind == "missing-uses"


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind != "match"], ids=lambda row: row.title)
@pytest.mark.parametrize("digits", [3, 5])
def test_no_mistake_is_right_because_it_is_rounded(row, digits):
    trace = trace_of(row)
    claims = row.claimed(trace)
    if all(isinstance(claim, float) for claim in claims.values()):
        short = {name: float(f"{claim:.{digits}g}") for name, claim in claims.items()}
        wrong = {each.name for each in audit(trace, claims).wrong}
        assert {each.name for each in audit(trace, short).wrong} >= wrong


def test_what_follows_from_a_rounded_number_is_right_and_from_a_wrong_one_is_not():
    row = next(row for row in ROWS if row.title == "rounded")
    trace = trace_of(row)
    right = {name: trace[name].grad for name in ("h", "x")}
    found = audit(trace, {"h": round(right["h"], 4), "x": round(right["h"], 4) * 0.7312})
    assert found["x"].message == "right, given the rounded h"
    assert "2 of 2 claims are right, 1 only to the digits given" in str(found)
    found = audit(trace, {"h": right["h"] / 2, "x": right["h"] / 2 * 0.7312})
    assert (found["h"].ok, found["x"].kind) == (False, "follows")


def test_a_sum_that_cancels_is_right_to_within_its_terms():
    trace = record(lambda x: x * 3 - x * 3.0000001 + 1e-7 * x, 1.0)
    assert abs(trace["x"].grad) < 1e-15
    assert audit(trace, {"x": 3e-16})
    assert not audit(trace, {"x": 0.1})


class Tensor:
    """Gives an array as PyTorch's tensors do: not while it is recorded."""

    def __init__(self, value, *, is_recorded=True):
        self.value, self.is_recorded = value, is_recorded

    def detach(self):
        return Tensor(self.value, is_recorded=False)

    def __array__(self, dtype=None, copy=None):
        if self.is_recorded:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return np.asarray(self.value, dtype)


def test_tensors_and_numpy_scalars_are_claims():
    trace = program(LINEAR, LINEAR_ARGUMENTS)
    assert audit(trace, {"W": Tensor(trace["W"].grad), "b": trace["b"].grad.tolist()})
    assert audit(program(THREE, "x=2.0"), {"h": np.float32(12), "x": np.array([48.0])})


def test_the_gradients_of_a_trace_are_claims():
    trace = record(
        lambda params, name: params["w"][0] * params["b"], {"w": (2.0, 3.0), "b": np.ones(2)}, "a"
    ).backward(seed=np.ones(2))
    assert trace.grads["name"] is None
    found = audit(trace, trace.grads)
    assert found
    assert len(found.verdicts) == 3


def test_many_uses_are_told_apart():
    random = np.random.default_rng(0)

    def chain(weights, xs):
        h = np.zeros(6)
        for x in xs:
            h = np.tanh(weights @ h + x)
        return h.sum()

    trace = record(chain, random.normal(size=(6, 6)), random.normal(size=(300, 6)))
    terms = [use.grad for use in trace["weights"].uses]
    sizes = np.linalg.norm(np.reshape(terms, (300, -1)), axis=1)
    chosen = sorted(np.argsort(sizes)[-12::4].tolist())
    verdict = audit(trace, {"weights": trace["weights"].grad - sum(terms[at] for at in chosen)})["weights"]
    assert verdict.kind == "missing-uses"
    assert len(verdict.uses) == len(chosen)


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        ([0.7, 0.9123456], "unknown"),  # too small, but nobody clips at that
        ([0.7, 0.9], "clipped"),
        ([0.7 * 1.339, 2.0 * 1.339], "scale"),
    ],
)
def test_what_any_number_would_be_called_is_no_mistake(claim, kind):
    trace = record(lambda x: (x * np.array([0.7, 2.0])).sum(), np.ones(2))
    assert audit(trace, {"x": claim})["x"].kind == kind


def test_a_factor_of_one_number_beside_nearly_nothing_is_any_number():
    trace = record(lambda x: (x * np.array([2.0, 1e-9])).sum(), np.ones(2))
    assert audit(trace, {"x": [2.0 * 1.339, 1.339e-9]})["x"].kind == "unknown"


def test_what_is_missing_of_very_many_numbers_is_found_and_checked():
    terms = np.random.default_rng(2).normal(size=(40, 30_000))
    missing = (3, 17, 30)

    def same(left, right):
        return bool(np.all(np.abs(left - right) < 1e-9))

    claimed = terms.sum(0) - terms[list(missing)].sum(0)
    assert left_out(terms, claimed, same) == [missing]
    claimed[np.argmin(np.abs(claimed - terms.sum(0)))] += 1e-3  # where nothing is looked at but to check
    assert not left_out(terms, claimed, same)


def test_any_numbers_of_few_are_told_apart():
    terms = np.random.default_rng(1).normal(size=(14, 1))
    missing = (1, 4, 5, 9, 12)
    kept = np.ones(14, np.bool_)
    kept[list(missing)] = False

    def same(left, right):
        return bool(np.all(np.abs(left - right) < 1e-12))

    assert missing in left_out(terms, terms[kept].sum(0), same)


@pytest.mark.parametrize(
    ("count", "told"), [(1, "a"), (2, "a and b"), (3, "a, b and 1 more"), (1200, "a, b and 1,198 more")]
)
def test_of_many_names_the_first_are_listed_and_the_others_counted(count, told):
    assert listed(["a", "b", *["c"] * 1200][:count], 2) == told


def a_net(w, b, x, y):
    h = np.tanh(x @ w + b[0])
    e = np.exp(h - h.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log((p * y).sum(axis=1)).mean() + 0.1 * (w * w).sum()


def numbers(w, b, x):
    h = np.tanh(w * x + b)
    return (h - 0.3) ** 2 + np.exp(h) * w + 0.1 * w * w


@pytest.mark.parametrize("function", [a_net, numbers])
def test_claims_that_come_of_no_mistake_get_no_name(function):
    chance = np.random.default_rng(5)
    is_net = function is a_net
    given = {
        "w": chance.normal(size=(3, 2)) if is_net else 0.7,
        "b": chance.normal(size=2) if is_net else -0.4,
        "x": chance.normal(size=(4, 3)) if is_net else 1.3,
    } | ({"y": np.eye(2)[[0, 1, 1, 0]]} if is_net else {})
    trace = record(function, **given)
    right = {name: np.asarray(trace.grads[name]) for name in "wbx"}
    made_up = {name: np.round(chance.normal(size=each.shape) * 3, 1) for name, each in right.items()}
    near = {name: each * (1 + 0.01 * chance.normal(size=each.shape)) for name, each in right.items()}
    for claims in (made_up, near):
        assert {each.kind for each in audit(trace, claims).verdicts} == {"unknown"}
