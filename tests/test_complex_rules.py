"""Every derivative rule with complex operands: right in the real and in the imaginary direction, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rule_rows import Arrays, Elements
from rule_rows_complex import BRANCHES, EVERY_ROW, MADE_AGAIN, NEW_OPS
from test_rules import draw, fill, generator, names, perturbed, slope

from tracer import record
from tracer.errors import UnsupportedError
from tracer.pull import as_number, pull
from tracer.rules import RULES, Compressed, Elementwise, Many, Vjp
from tracer.rules.kinds import is_complex

TOLERANCE = 1e-8  # of the size of what is compared


def operands_of(row):
    """Return the real operands of a row."""
    random = generator(row)
    if isinstance(row, Elements):
        return [draw(spec, (7,), random) for spec in row.operands]
    if isinstance(row, Arrays):
        return [
            spec if isinstance(spec, np.ndarray) and spec.dtype.kind == "c" else fill(spec, random)
            for spec in row.operands
        ]
    return list(row.operands)


def made_complex(row, operands, ports):
    """Give the operands at some ports an imaginary part."""
    random = np.random.default_rng(3)
    changed = list(operands)
    for port in ports:
        if isinstance(row, Elements) and isinstance(row.operands[port], (str, float)):  # without gradient
            continue
        if not is_complex(operands[port]):
            imaginary = random.uniform(0.1, 0.4, np.shape(operands[port]))
            changed[port] = operands[port] + 1j * (
                imaginary if np.shape(operands[port]) else float(imaginary)
            )
    return changed


def gradient_of(rule, port, g, out, operands, params):
    if isinstance(rule, Many):
        return as_number(g * rule.partial(port, operands, out), operands[port])
    gradient = pull(rule, port, g, out, tuple(operands), params, None)
    return gradient.dense() if isinstance(gradient, Compressed) else gradient


def check(row, rule, operands):
    random = np.random.default_rng(5)
    out = row.forward(*operands)
    params = dict(getattr(row, "params", {}))
    if row.op in MADE_AGAIN:
        params["results"] = tuple(MADE_AGAIN[row.op](params, *operands))
    g = random.normal(size=np.shape(out))
    if is_complex(out):
        g = g + 1j * random.normal(size=np.shape(out))
    if not isinstance(row, (Elements, Arrays)):
        g = as_number(g, out)
    for port, operand in enumerate(operands):
        is_parameter = isinstance(rule, Elementwise) and not rule.partials[port]
        if np.asarray(operand).dtype.kind not in "fc" or is_parameter:
            continue
        gradient = gradient_of(rule, port, g, out, operands, params)
        assert np.shape(gradient) == np.shape(operand)
        assert np.result_type(gradient) == np.result_type(operand)
        for unit in (1, 1j) if is_complex(operand) else (1,):
            direction = random.normal(size=np.shape(operand)) * unit
            if not isinstance(operand, np.ndarray):
                direction = direction.item()

            def moved(h, port=port, direction=direction):
                changed = [x + h * direction if at == port else x for at, x in enumerate(operands)]
                return np.sum((g * row.forward(*changed)).real)

            got, expected = np.sum((gradient * direction).real), slope(moved, 4e-3)
            scale = max(1.0, abs(expected))
            assert abs(got - expected) <= TOLERANCE * scale, f"port {port}, {unit}: {got}, not {expected}"


def takes_complex(row, operands):
    try:
        row.forward(*operands)
    except TypeError:  # NumPy and Python refuse them themselves
        return False
    return True


# Writing a complex number into a real array keeps its real part; NumPy says so, and so does a traced program.
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("row", EVERY_ROW, ids=names(EVERY_ROW))
def test_rule_is_right_for_complex_operands_or_refuses_them(row):
    rule, real = RULES[row.op], operands_of(row)
    ways = {tuple(range(len(real))), (0,), (len(real) - 1,)}
    for ports in sorted(ways):
        operands = made_complex(row, real, ports)
        if not any(map(is_complex, operands)) or rule.real_only or not takes_complex(row, operands):
            continue
        check(row, rule, operands)


@pytest.mark.parametrize("row", NEW_OPS, ids=names(NEW_OPS))
def test_rule_of_complex_numbers_agrees_with_differences(row):
    check(row, RULES[row.op], operands_of(row))


@pytest.mark.parametrize("row", BRANCHES, ids=names(BRANCHES))
def test_rule_is_right_beside_and_on_branch_cuts(row):
    check(row, RULES[row.op], list(row.operands))


def is_caught(row, rule):
    operands = operands_of(row)
    if all(row is not new for new in NEW_OPS):
        operands = made_complex(row, operands, range(len(operands)))
    try:
        check(row, rule, operands)
    except AssertionError:
        return True
    return False


WRONG = sorted(
    {(row.op, port) for row in NEW_OPS for port in range(len(row.operands))}
    | {
        (op, int(op == "ive")) for op, rule in RULES.items() if rule.of_complex and op != "nan_to_given"
    }  # no slope by the order
    | {(op, port) for op in ("vdot", "vecdot", "solve", "power", "matmul") for port in (0, 1)}
    | {(op, 0) for op in ("norm", "var", "eigh_values", "eig_vectors", "qr_q", "cholesky", "convolve")}
)


@pytest.mark.parametrize(("op", "port"), WRONG)
def test_rule_of_complex_that_is_wrong_by_a_thousandth_is_caught(op, port):
    rule = RULES[op]
    changed = perturbed(rule.of_complex or rule, port)
    wrong = replace(rule, of_complex=changed) if rule.of_complex else changed
    assert any(is_caught(row, wrong) for row in (*NEW_OPS, *EVERY_ROW) if row.op == op)


@pytest.mark.parametrize("op", ["absolute", "sign", "angle"])
def test_at_zero_nothing_comes_back_from_a_complex_number(op):
    for zero in (0j, np.zeros(2, np.complex64)):
        rule = RULES[op].of_complex or RULES[op]
        with np.errstate(all="ignore"):
            out = np.asarray({"absolute": np.abs, "sign": np.sign, "angle": np.angle}[op](zero))[()]
            gradient = pull(rule, 0, out * 0 + 1, out, (zero,), {}, None)
        assert not np.any(gradient)
        assert np.result_type(gradient) == np.result_type(zero)
        assert np.all(rule.at_kink(out, (zero,), {}) if isinstance(rule, Vjp) else rule.at_kink(zero, out))


def test_a_rule_of_real_numbers_refuses_complex_ones():
    special = pytest.importorskip("scipy.special")
    assert RULES["psi"].real_only
    with pytest.raises(
        UnsupportedError, match="psi of complex numbers is not followed; at test_complex_rules"
    ):
        record(lambda x: abs(special.psi(x * 1j)), 0.5)
