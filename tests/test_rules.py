"""Every derivative rule against differences of its plain function, and proof that this check can fail."""

from __future__ import annotations

import math
import zlib
from dataclasses import replace

import numpy as np
import pytest
from rule_rows import (
    ALTERNATING,
    ARRAYS,
    ELEMENTS,
    KINKS,
    SCALARS,
    THREES,
    TIES,
    ZEROS,
    Elements,
    Scalars,
)
from rule_rows_complex import NEW_OPS
from rule_rows_linalg import LINALG_KINKS
from rule_rows_moves import MOVES
from rule_rows_splines import SPLINE_KINKS
from rule_rows_statistics import STATISTICS, STATISTICS_KINKS

from tracer.pull import pull
from tracer.rules import RULES, Compressed, Elementwise, Many
from tracer.rules.densities import WRITTEN
from tracer.rules.distributions import SCIPY_STATS
from tracer.straight import MOST

EVERY_ARRAYS = (*ARRAYS, *MOVES, *STATISTICS)
ARRAY_KINKS = (*LINALG_KINKS, *STATISTICS_KINKS, *SPLINE_KINKS)
ROWS = (*ELEMENTS, *SCALARS, *EVERY_ARRAYS)
TOLERANCE = 2e-9  # of the size of what is compared


def slope(f, step=1e-2):
    """Differentiate `f` at 0: central differences, extrapolated to an error of step**6 (Richardson)."""
    first, second, third = ((f(h) - f(-h)) / (2 * h) for h in (step, step / 2, step / 4))
    return (64 * third - 20 * second + first) / 45


def names(rows):
    """Number the rows of an op, for readable test ids."""
    seen = {}
    for row in rows:
        seen[row.op] = seen.get(row.op, -1) + 1
        yield f"{row.op}-{seen[row.op]}"


def generator(row):
    return np.random.default_rng(zlib.crc32(row.op.encode()))


def assert_close(got, expected):
    __tracebackhide__ = True
    scale = max(1.0, np.max(np.abs(expected), initial=0))
    assert np.all(np.abs(got - expected) <= TOLERANCE * scale), f"rule: {got}, differences: {expected}"


# the straight way back, over arrays of float64 of one shape

# Some take whole numbers alone; for the parameters of another that are inf, SciPy does not come to an end.
NOT_ANYWHERE = {"expn", "eval_hermite", "eval_hermitenorm", "hyp1f1"}
PRODUCTS = [
    name
    for name, rule in RULES.items()
    if isinstance(rule, Elementwise)
    and rule.is_real
    and len(rule.partials) <= MOST
    and name not in NOT_ANYWHERE
]
PLACES = np.array([0.0, -0.0, 1.0, -1.0, 0.25, -3.5, np.inf, -np.inf, np.nan, 1e-310])


@pytest.mark.parametrize("name", PRODUCTS)
def test_the_straight_way_back_gives_the_bits_of_the_rule(name):
    rule = RULES[name]
    grid = np.stack(np.meshgrid(PLACES, PLACES)).reshape(2, -1)
    arrays = (grid[0], grid[1], np.roll(grid[0], 3))[: len(rule.partials)]
    out, g = np.roll(grid[1], 7), np.linspace(-1.0, 2.0, grid.shape[1])
    # beside a number at each of the other operands, too, where there are others
    for other in [None, 0.0, 2, -1.5] if len(arrays) > 1 else [None]:
        for port, straight in rule.pulls:
            operands = tuple(x if at == port or other is None else other for at, x in enumerate(arrays))
            missing = (None,) * (MOST - len(operands))
            with np.errstate(all="ignore"):
                expected = pull(rule, port, g, out, operands, {}, None)
                for room in (None, lambda: np.empty(g.shape)):
                    got = g if straight is None else straight(g, *operands, *missing, out, room)
                    assert (got.dtype, got.shape) == (expected.dtype, expected.shape), (port, other)
                    assert got.tobytes() == expected.tobytes(), (port, other)


# elementwise


def draw(spec, shape, random, unit=1.0):
    if spec == ALTERNATING:
        return np.arange(math.prod(shape)).reshape(shape) % 2 == 0
    if spec == THREES:
        return np.full(shape, 3)
    if spec == ZEROS:
        return np.zeros(shape)
    if isinstance(spec, float):
        return np.full(shape, spec)
    return np.asarray(random.uniform(*spec, shape) * unit)


def is_traced(spec):
    return spec not in {ALTERNATING, THREES, ZEROS} and not isinstance(spec, float)


def check_elements(row, rule, shape=(7,), unit=1.0):
    random = generator(row)
    operands = [draw(spec, shape, random, unit) for spec in row.operands]
    out = row.forward(*operands)
    for port, spec in enumerate(row.operands):
        if is_traced(spec):

            def moved(h, port=port):
                return row.forward(*(x + h if at == port else x for at, x in enumerate(operands)))

            got = rule.local(port)(*operands, out)
            assert np.shape(got) in ((), np.shape(out))
            assert_close(got, slope(moved))


def check_scalars(row, rule):
    out = row.forward(*row.operands)
    partials = rule.partials(row.operands, out)
    assert len(partials) == len(row.operands)
    for port in range(len(row.operands)):

        def moved(h, port=port):
            return row.forward(*(x + h if at == port else x for at, x in enumerate(row.operands)))

        assert rule.partial(port, row.operands, out) == partials[port]
        assert_close(partials[port], slope(moved))


# arrays


def fill(spec, random, dtype=np.float64):
    """Return distinct numbers at distances far above the step of the differences, in random order."""
    if isinstance(spec, np.ndarray):
        return spec.astype(dtype)
    count = math.prod(spec)
    numbers = (random.permutation(count) - count // 2) * 0.5 + random.uniform(0, 0.2, count)
    return numbers.reshape(spec).astype(dtype)


def dense(gradient):
    return gradient.dense() if isinstance(gradient, Compressed) else gradient


def check_arrays(row, rule):
    random = generator(row)
    operands = tuple(fill(spec, random) for spec in row.operands)
    out = row.forward(*operands)
    g = random.normal(size=np.shape(out))
    for port, operand in enumerate(operands):
        direction = random.normal(size=operand.shape)

        def moved(h, port=port, direction=direction):
            after = row.forward(*(x + h * direction if at == port else x for at, x in enumerate(operands)))
            return np.sum(g * after)

        params = rule.shared(operands, row.params) if rule.shared else row.params
        gradient = dense(rule.pull(port, g, out, operands, params))
        assert gradient.shape == operand.shape
        assert gradient.dtype == operand.dtype
        assert_close(np.sum(gradient * direction), slope(moved))


def check(row, rule):
    if isinstance(row, Elements):
        check_elements(row, rule)
    elif isinstance(row, Scalars):
        check_scalars(row, rule)
    else:
        check_arrays(row, rule)


def perturbed(rule, port):
    """Make the rule wrong at one port, by 0.1 %, and by 0.001 where it says zero."""
    if isinstance(rule, Elementwise):
        texts = list(rule.partials)
        texts[port] = "0.001" if texts[port] == "0" else f"1.001*({texts[port]})"
        return replace(rule, partials=tuple(texts))
    if isinstance(rule, Many):

        def partials(operands, out):
            right = list(rule.partials(operands, out))
            right[port] *= 1.001
            return right

        return replace(rule, partials=partials)

    def pull(at, g, out, operands, params):
        right = dense(rule.pull(at, g, out, operands, params))
        return right * 1.001 if at == port else right

    def straight(right):
        return lambda g, *rest: 1.001 * dense(g if right is None else right(g, *rest))

    pulls = {
        axes: tuple((at, straight(right) if at == port else right) for at, right in ways)
        for axes, ways in rule.pulls.items()
    }
    return replace(rule, pull=pull, pulls=pulls)


def is_caught(row, rule):
    try:
        check(row, rule)
    except AssertionError:
        return True
    return False


def test_every_rule_has_a_row_and_every_row_a_rule():
    assert {row.op for row in (*ROWS, *NEW_OPS)} == set(RULES)


@pytest.mark.parametrize("row", ROWS, ids=names(ROWS))
def test_rule_agrees_with_differences(row):
    check(row, RULES[row.op])


def traced_ports(row):
    return [
        port for port, spec in enumerate(row.operands) if not isinstance(row, Elements) or is_traced(spec)
    ]


PORTS = sorted({(row.op, port) for row in ROWS for port in traced_ports(row)})


@pytest.mark.parametrize(("op", "port"), PORTS)
def test_rule_that_is_wrong_by_a_thousandth_is_caught(op, port):
    wrong = perturbed(RULES[op], port)
    assert any(is_caught(row, wrong) for row in ROWS if row.op == op and port < len(row.operands))


def test_every_port_of_an_elementwise_rule_has_a_row_or_no_gradient():
    texts = {op: rule.partials for op, rule in RULES.items() if isinstance(rule, Elementwise)}
    complex_ports = [(row.op, port) for row in NEW_OPS for port in range(len(row.operands))]
    assert {(op, port) for op, partials in texts.items() for port, text in enumerate(partials) if text} == {
        (op, port) for op, port in (*PORTS, *complex_ports) if op in texts
    }


@pytest.mark.parametrize("row", ELEMENTS, ids=names(ELEMENTS))
def test_elementwise_rule_takes_arrays_of_any_shape(row):
    for shape in ((), (0,), (2, 3)):
        check_elements(row, RULES[row.op], shape)


@pytest.mark.parametrize("row", [row for row in ELEMENTS if row.holomorphic], ids=lambda row: row.op)
def test_elementwise_rule_is_the_complex_derivative_too(row):
    for unit in (np.exp(0.3j), np.exp(-0.4j)):
        check_elements(row, RULES[row.op], unit=unit)


def in_single_precision(operand):
    narrow = {"f": np.float32, "c": np.complex64}
    return operand.astype(narrow.get(operand.dtype.kind, operand.dtype))


@pytest.mark.parametrize(
    ("row", "unit"),
    [(row, unit) for row in ELEMENTS for unit in (1.0, np.exp(0.3j)) if row.holomorphic or unit == 1.0],
    ids=lambda value: getattr(value, "op", "complex" if isinstance(value, complex) else "real"),
)
def test_elementwise_rule_keeps_single_precision(row, unit):
    random = generator(row)
    wide = [draw(spec, (5,), random, unit) for spec in row.operands]
    narrow = [in_single_precision(operand) for operand in wide]
    wide_out = row.forward(*wide)
    narrow_out = in_single_precision(wide_out)
    for port in traced_ports(row):
        local = RULES[row.op].local(port)
        got = local(*narrow, narrow_out)
        # a plain number takes on whatever type it meets
        assert isinstance(got, int | float) or got.dtype == narrow_out.dtype
        assert np.allclose(got, local(*wide, wide_out), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("row", EVERY_ARRAYS, ids=names(EVERY_ARRAYS))
def test_vjp_keeps_single_precision(row):
    random = generator(row)
    wide = tuple(fill(spec, random) for spec in row.operands)
    narrow = tuple(operand.astype(np.float32) for operand in wide)
    rule = RULES[row.op]
    params = rule.shared(wide, row.params) if rule.shared else row.params
    pull = rule.pull
    out = row.forward(*wide)
    narrow_out = in_single_precision(np.asarray(out))[()]
    g = random.normal(size=np.shape(out))
    for port, operand in enumerate(narrow):
        got = dense(pull(port, np.float32(g), narrow_out, narrow, params))
        assert (got.shape, got.dtype) == (operand.shape, np.float32)
        assert np.allclose(got, dense(pull(port, g, out, wide, params)), rtol=1e-3, atol=1e-3)
        mixed = (*wide[:port], operand, *wide[port + 1 :])
        mixed_out = row.forward(*mixed)
        mixed_g = np.asarray(g, np.result_type(mixed_out))
        assert dense(pull(port, mixed_g, mixed_out, mixed, params)).dtype == np.float32


@pytest.mark.parametrize(
    "row", [row for row in EVERY_ARRAYS if row.op in {"sum", "matmul", "max"}], ids=lambda row: row.op
)
def test_vjp_takes_a_plain_float_as_gradient(row):
    operands = tuple(fill(spec, generator(row)) for spec in row.operands)
    out = row.forward(*operands)
    if np.shape(out) == ():
        for port, operand in enumerate(operands):
            gradient = RULES[row.op].pull(port, 2.0, float(out), operands, row.params)
            assert gradient.shape == operand.shape


# kinks


def partials_at(kink):
    rule = RULES[kink.op]
    with np.errstate(all="ignore"):
        if isinstance(rule, Many):
            return rule.partials(kink.operands, kink.out), rule.at_kink(kink.operands, kink.out)
        columns = [np.array([x]) for x in (*kink.operands, kink.out)]
        ports = range(len(kink.operands))
        return [float(np.ravel(rule.local(port)(*columns)).real[0]) for port in ports], (
            bool(rule.at_kink(*columns)[0]) if rule.at_kink else False
        )


@pytest.mark.parametrize("kink", KINKS, ids=names(KINKS))
def test_partials_at_a_kink_are_what_is_written_beside_the_rule(kink):
    partials, is_kink = partials_at(kink)
    assert np.array_equal(partials, kink.partials, equal_nan=True), partials
    assert is_kink == kink.is_kink


def test_every_rule_with_a_kink_has_a_row_for_it():
    with_row = {kink.op for kink in KINKS if kink.is_kink} | {
        op for op, *_ in (*TIES, *SCALES, *ARRAY_KINKS)
    }
    assert with_row == {op for op, rule in RULES.items() if rule.kink}


@pytest.mark.parametrize("op", [op for op, rule in RULES.items() if rule.kink])
def test_a_kink_comes_with_its_choice_and_its_test(op):
    assert RULES[op].choice
    assert RULES[op].at_kink is not None


@pytest.mark.parametrize("row", [row for row in ELEMENTS if row.op != "heaviside"], ids=lambda row: row.op)
def test_a_smooth_point_is_no_kink(row):
    rule = RULES[row.op]
    operands = [draw(spec, (7,), generator(row)) for spec in row.operands]
    assert rule.at_kink is None or not np.any(rule.at_kink(*operands, row.forward(*operands)))


@pytest.mark.parametrize(("op", "operand", "params", "g", "expected"), TIES)
def test_ties_share_equally(op, operand, params, g, expected):
    x = np.array(operand)
    out = getattr(np, op)(x, **params)
    gradient = RULES[op].pull(0, np.array(g), out, (x,), params)
    assert np.array_equal(gradient, expected)
    assert RULES[op].at_kink(out, (x,), params)


SCALES = [
    ("std", np.full((2, 3), 2.0), {"axis": 1, "keepdims": False, "ddof": 0}, lambda x: x.std(1)),
]


@pytest.mark.parametrize(("op", "x", "params", "forward"), SCALES)
def test_a_scale_of_zero_sends_nothing_back(op, x, params, forward):
    out = np.asarray(forward(x))
    assert np.array_equal(RULES[op].pull(0, np.ones_like(out), out, (x,), params), np.zeros_like(x))
    assert RULES[op].at_kink(out, (x,), params)
    assert not RULES[op].at_kink(out + 1, (x,), params)


@pytest.mark.parametrize(("op", "forward", "operands", "params"), ARRAY_KINKS)
def test_a_degenerate_array_is_a_kink(op, forward, operands, params):
    assert RULES[op].at_kink(forward(*operands), operands, params)


@pytest.mark.parametrize(
    "row", [row for row in EVERY_ARRAYS if row.op in {kink[0] for kink in ARRAY_KINKS}]
)
def test_a_regular_array_is_no_kink(row):
    operands = tuple(fill(spec, generator(row)) for spec in row.operands)
    if all(operand.size for operand in operands):
        assert not RULES[row.op].at_kink(row.forward(*operands), operands, row.params)


def test_distinct_numbers_are_no_tie():
    x = np.array([[1.0, 2.0], [2.0, 1.0]])
    assert not RULES["max"].at_kink(x.max(axis=1), (x,), {"axis": 1})


def test_flat_rules_are_zero_everywhere_and_say_so():
    flat = {op for op, rule in RULES.items() if isinstance(rule, Elementwise) and rule.flat}
    assert flat == {
        op for op, rule in RULES.items() if isinstance(rule, Elementwise) and set(rule.partials) == {"0"}
    }
    assert all(RULES[op].choice for op in flat)


def test_each_rule_of_a_distribution_has_texts_of_its_own_and_is_then_like_any_other():
    assert SCIPY_STATS.keys() == WRITTEN.keys()
    for name, written in WRITTEN.items():
        rule = SCIPY_STATS[name]
        assert (rule.names, rule.zero_where, rule.partials) == (
            written.names,
            written.zero_where,
            written.partials,
        )
        assert rule == written
        assert len(rule.names) == len(rule.partials)
