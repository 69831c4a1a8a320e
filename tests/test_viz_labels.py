import numpy as np
import pytest

from viz import labels, wording

NUMBERS = [
    (7, "7"),
    (7.0, "7"),
    (0.25, "0.25"),
    (-0.5, "−0.5"),
    (1 / 3, "0.3333"),
    (0.00001234, "1.234e-05"),
    (-0.00001234, "−1.234e-05"),
    (123456.0, "123456"),
    (123456.7, "1.235e+05"),
    (1e300, "1e+300"),
    (float("nan"), "nan"),
    (float("inf"), "inf"),
    (float("-inf"), "−inf"),
    (-0.0, "0"),
    (True, "True"),
    (10**5000, "1e+5000"),
    (-123456789, "−1.235e+08"),
    (np.float32(0.1), "0.1"),
    (np.int64(-3), "−3"),
    (np.array(2.5), "2.5"),
    (1 - 2j, "1−2j"),
    (np.complex128(0.5j), "0.5j"),
]


@pytest.mark.parametrize(("value", "text"), NUMBERS, ids=[text for _, text in NUMBERS])
def test_a_number_has_four_significant_digits(value, text):
    assert labels.number(value) == text


ROUNDED = [
    (110.00000000000001, 2, "110"),
    (134.7, 4, "134.7"),
    (89_120.5, 2, "89000"),
    (1.26e9, 2, "1.3e+09"),
]


@pytest.mark.parametrize(("value", "digits", "text"), ROUNDED)
def test_a_rounded_number_is_shown_in_full_where_it_is_whole_then(value, digits, text):
    assert labels.rounded(value, digits) == text


def test_an_array_is_its_shape_and_norm():
    assert labels.summary(np.array([[3.0, 0.0], [0.0, -4.0]])) == "(2, 2)  ‖5‖"
    assert labels.summary(np.full(4, 1e200)) == "(4,)  ‖2e+200‖"
    assert labels.summary(np.zeros((0, 3))) == "(0, 3)  ‖0‖"


WORST = [
    (np.array([[1.0, -5.0], [2.0, 3.0]]), "−5 at [0, 1]"),
    (np.array([1.0, np.nan, 7.0]), "nan at [1]"),
    (np.array([np.inf, np.nan, 7.0]), "inf at [0], 2 not finite"),
    (np.array([3, -4]), "−4 at [1]"),
    (np.zeros((2, 0)), "empty"),
]


@pytest.mark.parametrize(("value", "text"), WORST)
def test_the_worst_element_is_named_with_its_place(value, text):
    assert labels.worst(value) == text


def test_a_sum_is_written_with_its_signs():
    assert labels.addends([3.0, 7.0]) == "3 + 7"
    assert labels.addends([3.0, -7.0]) == "3 − 7"
    assert labels.addends([-3.0, 7.0]) == "−3 + 7"
    assert labels.addends([float("nan"), float("-inf")]) == "nan − inf"


def test_a_long_sum_is_its_count_and_its_largest_terms():
    assert labels.addends([0.25, -9.5, 1.5, 2.5, 7.5]) == "5 terms: −9.5 + 7.5 + …"
    assert labels.addends([0.5, 1.5, float("nan"), 1.0, 1.0]) == "5 terms: nan + 1.5 + …"
    assert labels.addends([1.0, 4.0, 12.0, 32.0, 80.0]) == "1 + 4 + 12 + 32 + 80"
    assert labels.norms([np.full(4, float(k)) for k in range(5)]) == "5 terms: ‖8‖, ‖6‖, …"


def test_norms_and_elements_of_a_long_sum_are_of_the_same_terms_in_the_same_order():
    terms = [np.array([float(k), 0.0]) for k in range(4)] + [np.array([1.0, -8.0]), np.array([6.0, 0.0])]
    norms, element = wording.sum_lines(terms, sum(terms))
    assert norms[0].text == "Σ 6 terms: ‖8.062‖, ‖6‖, … → "
    assert element[0].text == "[0]  6 terms: 1 + 6 + … = 13"


def test_a_long_text_is_cut_after_a_word():
    assert labels.shorten_text("it reaches the result", 21) == "it reaches the result"
    assert labels.shorten_text("it reaches 7.3e-07, the rest", 22) == "it reaches 7.3e-07 …"
    assert labels.shorten_text("unbreakable", 6) == "unbr …"


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ([3.0, 7.0], "3 + 7 = 10"),
        ([0.0, 3.0], "0 + 3 = 3"),
        ([1 / 3, 1 / 3], "0.3333 + 0.3333 = 0.6667"),
        ([100.1034, -99.98], "100.1034 − 99.98 = 0.1234"),
        ([-0.5, 0.500000000001128], "−0.5 + 0.5 ≈ 1.128e-12"),
        ([1e300, 1e300], "1e+300 + 1e+300 = 2e+300"),
        ([float("inf"), 1.0], "inf + 1 = inf"),
        ([float("nan"), 1.0], "nan + 1 = nan"),
        ([1 + 2j, 2 - 2j], "1+2j + 2−2j = 3+0j"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], "1 + 2 + 3 + 4 + 5 = 15"),
        ([1000.1034, -999.98, 0.0, 0.0, 0.0], "1000.1034 − 999.98 + 0 + 0 + 0 = 0.1234"),
        ([0.5, -0.5, 0.0, 0.0, 1e-12], "5 terms: 0.5 − 0.5 + … = 1e-12"),
        ([2.5, -2.4999999999999, 0.0, 0.0, 0.0], "2.5 − 2.5 + 0 + 0 + 0 ≈ 9.992e-14"),
    ],
)
def test_a_sum_that_is_shown_is_true_or_says_that_it_is_rounded(terms, text):
    total = sum(terms)
    assert " ".join((*labels.addition(terms, total), labels.number(total))) == text


@pytest.mark.parametrize(
    ("upstream", "local", "grad", "text"),
    [
        (7.0, 3.0, 21.0, "7 × 3 = 21"),
        (1 / 3, 3.0, 1.0, "0.3333 × 3 = 1"),
        (2.0, True, 2.0, "2 × 1 = 2"),
        (1.0004, 1.0004, 1.0004**2, "1 × 1 = 1.001"),
        (0.0, 5.0, 0.0, "0 × 5 = 0"),
        (1e-200, 2e-200, 0.0, "1e-200 × 2e-200 ≈ 0"),
        (3e-162, 1e-162, 5e-324, "3e-162 × 1e-162 ≈ 4.941e-324"),
        (float("nan"), 2.0, float("nan"), "nan × 2 = nan"),
        (0.0, float("inf"), float("nan"), "0 × inf = nan"),
        (1e200, 1e200, float("inf"), "1e+200 × 1e+200 = inf"),
        (1 + 2j, 3.0, 3 + 6j, "(1+2j) × 3 = 3+6j"),
        (1 + 2j, 3 + 1j, 1.0, "Re((1+2j) × (3+1j)) = 1"),
        (1 + 1j, 1 + 1.000000001j, -1e-9, "Re((1+1j) × (1+1j)) ≈ −1e-09"),
    ],
)
def test_a_product_that_is_shown_is_true_or_says_that_it_is_not(upstream, local, grad, text):
    assert " ".join((*labels.product(upstream, local, grad), labels.number(grad))) == text


CONSTANTS = [
    (3, "3"),
    (np.zeros((64, 10)), "(64, 10)"),
    (np.array([0.5, -1.0, 2.0]), "[0.5, −1, 2]"),
    (np.array([[1, 0], [0, -1]]), "[[1, 0], [0, −1]]"),
    (np.array([1 / 3, 2 / 3, 4 / 3]), "(3,)"),
    (np.ones(3), "(3,)"),
    (np.array([True, False]), "(2,)"),
    (slice(1, None, 2), "1::2"),
    ((slice(None), 0), ":, 0"),
    (None, "None"),
    ("mean", "'mean'"),
    (..., "…"),
    (object(), "object"),
    ("a\nb" * 20, "'a\\nba\\nba\\n…a\\nb'"),
]


@pytest.mark.parametrize(("value", "text"), CONSTANTS)
def test_a_constant_is_named_in_a_few_characters(value, text):
    assert labels.constant(value) == text
    assert len(text) <= labels.CONSTANT_LIMIT


def test_a_whole_exponent_is_written_above_the_line():
    assert [labels.superscript(value) for value in (2, -1.0, np.int64(10))] == ["²", "⁻¹", "¹⁰"]
    assert [labels.superscript(value) for value in (0.5, np.zeros(2), "2", float("nan"))] == [""] * 4


SUBSCRIPTS = [
    (np.s_[2:], "[2:]"),
    (np.s_[:-2], "[:−2]"),
    (np.s_[:, 0], "[:, 0]"),
    (np.s_[..., None, ::2], "[..., None, ::2]"),
    (np.int64(3), "[3]"),
    (np.array(3), "[3]"),
    (np.array([True, False]), "[mask 1 of 2]"),
    (np.array([1, 0]), "[[1, 0]]"),
    (np.s_[np.array([1, 0]), 1], "[[1, 0], 1]"),
    (np.s_[np.arange(5), np.arange(5)], "[[0, 1, …], [0, 1, …]]"),
    (np.s_[1000:2000, 3000:4000, 5000:6000, 7000:8000], "[1000:2000, 3000:4000, …, 7000:8000]"),
]


@pytest.mark.parametrize(("position", "shown"), SUBSCRIPTS)
def test_an_index_is_written_as_in_the_source(position, shown):
    assert labels.subscript(position) == shown


HOSTILE = [
    ('plain <b> & "q" \'é日本', 'plain <b> & "q" \'é日本'),
    ("a\nb\tc", "a\\nb\\tc"),
    ("bell\x07", "bell\\x07"),
    ("\u202eright to left", "\\u202eright to left"),
    ("\ud800", "\\ud800"),
    ("\U000e0001", "\\U000e0001"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_cannot_be_seen_is_shown_as_its_escape(text, shown):
    assert labels.clean(text) == shown


def test_a_long_name_is_cut_in_its_middle():
    assert labels.name("first_" + "x" * 100 + "_last") == "first_xxxxxxxxxxxxxxx…xxxxx_last"
    assert len(labels.name("y" * 1000)) == labels.NAME_LIMIT
