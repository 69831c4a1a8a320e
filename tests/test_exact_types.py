"""Code in C that asks for the exact type of a number: right, a cut that says so, or one clear error with the line."""

import array
import collections
import contextlib
import copy
import copyreg
import datetime as dt
import decimal
import fractions
import io
import itertools
import json
import pickle
import queue
import random
import select
import sqlite3
import struct
import threading
import time

import numpy as np
import pytest
from checks import assert_untouched

from tracer import record
from tracer.errors import CutWarning, UnsupportedError

OLD = np.random.RandomState(0)

# Where a whole number counts, and where seconds are waited for or split into fields: a plain read, without a word.
READ = {
    "permutation": lambda x, n: np.random.default_rng(0).permutation(n) * x,
    "permutation, of a name": lambda x, n: (OLD.seed(0), OLD.permutation(n) * x)[1],
    "a pickled generator": lambda x, n: pickle.loads(pickle.dumps(np.random.default_rng(n))).random(n) * x,  # noqa: S301
    "RandomState.seed": lambda x, n: (OLD.seed(n), OLD.rand(n, n) * x)[1],
    "integers": lambda x, n: np.random.default_rng(0).integers(n, size=n) * x,
    "integers, between": lambda x, n: np.random.default_rng(n).integers(1, n, (n, 2)) * x,
    "choice": lambda x, n: np.random.default_rng(0).choice(n, n, replace=False) * x,
    "randint": lambda x, n: np.random.RandomState(n).randint(0, n, n) * x,
    "normal": lambda x, n: np.random.default_rng(0).normal(size=(n, n)) * x,
    "multivariate_normal": lambda x, n: np.random.default_rng(0).multivariate_normal([0, 0], np.eye(2), n) * x,
    "binomial": lambda x, n: np.random.default_rng(0).binomial(n, 0.5, n) * x,
    "multinomial": lambda x, n: np.random.default_rng(0).multinomial(n, [0.5, 0.5]) * x,
    "hypergeometric": lambda x, n: np.random.default_rng(0).hypergeometric(n, n, n) * x,
    "bytes of a generator": lambda x, n: len(np.random.default_rng(0).bytes(n)) * x,
    "spawn": lambda x, n: len(np.random.default_rng(0).spawn(n)) * x,
    "kaiser": lambda x, n: np.kaiser(n, 2.0) * x,
    "random": lambda x, n: (random.seed(n), random.randrange(n) * x, random.sample(range(9), n))[1:],  # noqa: S311
    "choices": lambda x, n: (random.seed(0), random.choices([x, 2 * x], k=n))[1],  # noqa: S311
    "islice": lambda x, n: list(itertools.islice(itertools.repeat(x, n), 0, n, n - 2)),
    "product": lambda x, n: [a * b * c for a, b, c in itertools.product([x, 2.0], repeat=n)],
    "bytes": lambda x, n: (x, bytes(n), bytearray(n), bytes([n])),
    "text": lambda x, n: (x, "a".ljust(n) + "b".center(n) + "c".zfill(n), "a b c d".split(" ", n)),
    "widths": lambda x, n: (x, f"{x:{n + 5}.{n}f}", "{:{}}".format("a", n)),
    "array * n": lambda x, n: (array.array("i", [n]) * n, x),
    "deque * n": lambda x, n: list(n * collections.deque([x]) + collections.deque([x]) * n),
    "queue": lambda x, n: (queue.Queue(n).maxsize, x),
    "sleep": lambda x, n: (time.sleep(x * 1e-6), x)[1],
    "gmtime": lambda x, n: time.gmtime(x).tm_sec * x,
    "select": lambda x, n: (select.select([], [], [], x * 1e-6), x)[1],
    "Fraction, compared": lambda x, n: (fractions.Fraction(3, 2) < n, n == fractions.Fraction(3), x),
    "struct, of a count": lambda x, n: (struct.pack("i", n), x),
}  # fmt: skip
# Where the plain value of a number leaves.
CUT = {
    "struct": lambda x, n: struct.unpack("d", struct.pack("d", x))[0] * x,
    "array": lambda x, n: array.array("d", [x])[0] * x,
    "Fraction": lambda x, n: float(fractions.Fraction(x)) * x,
    "Fraction of whole numbers": lambda x, n: fractions.Fraction(n, 2) * x,
    "Fraction with a whole number": lambda x, n: (fractions.Fraction(3, 2) + n) * x,
    "Fraction by a whole number": lambda x, n: (fractions.Fraction(3, 2) / n) * x,
    "Decimal": lambda x, n: (decimal.Decimal(2) * n, x),
    "timedelta": lambda x, n: (dt.timedelta(seconds=3) * x, x),
    "normal": lambda x, n: np.random.default_rng(0).normal(x, 1.0) * x,
    "Decimal, or else": lambda x, n: or_else(decimal.Decimal)(x),
    "timedelta, or else": lambda x, n: or_else(lambda t: dt.timedelta(seconds=t))(x),
    "sqlite3": lambda x, n: stored_in_a_table(x)[0] * x,
    "sqlite3, of an array": lambda x, n: (stored_in_a_table(np.ones(2) * x)[0], x),
    "save and load": lambda x, n: loaded(x) * x,
    "savez, by name": lambda x, n: (np.savez(io.BytesIO(), n=np.ones(2), x=x), x)[1],
    "savetxt, of a list": lambda x, n: (np.savetxt(io.StringIO(), [x, 2.0]), x)[1],
}
# Where only the exact type is taken: what is said.
REFUSED = {
    "deque": (lambda x, n: collections.deque([x, x], maxlen=n), "an integer is required"),
    "width": (lambda x, n: "%*d" % (n, 5), r"\* wants int"),
    "permutations": (lambda x, n: list(itertools.permutations([x], n)), "Expected int as r"),
    "wait": (lambda x, n: threading.Event().wait(x * 1e-6), "as an integer"),
    "acquire": (lambda x, n: threading.Lock().acquire(timeout=x * 1e-6), "as an integer"),
    "join": (lambda x, n: [each.join(x) for each in (started(),)], "as an integer"),
    "get": (lambda x, n: queue.SimpleQueue().get(timeout=x * 1e-6), "as an integer"),
    "fromtimestamp": (lambda x, n: dt.datetime.fromtimestamp(x, dt.UTC), "(as an integer|int or float)"),
    "Decimal ==": (lambda x, n: decimal.Decimal(2) == n, "must be an integer"),
    "JSONEncoder": (lambda x, n: json.JSONEncoder().encode({"a": x}), "not JSON serializable"),
    "from_float": (lambda x, n: decimal.Decimal.from_float(x), "int or float"),  # noqa: FURB164
    "datetime64": (lambda x, n: np.datetime64(n, "D"), "Could not convert"),
}  # fmt: skip
# The plain program's own errors.
PLAIN = [
    lambda x: range(x),
    lambda x: collections.deque([x], maxlen="3"),
    lambda x: collections.deque([x], maxlen=2.5),
    lambda x: list(itertools.permutations("ab", "1")),
    lambda x: "%*d" % ("3", 5),  # noqa: PLE1307
    lambda x: decimal.Decimal.from_float("1"),  # noqa: FURB164
    lambda x: np.datetime64("no date"),
    lambda x: threading.Lock().acquire(timeout="1"),
    lambda x: "a".ljust(x),
    lambda x: bytes(x),
    lambda x: [1, 2][x],
    lambda x: PLAIN[x],
    lambda x: (1, 2)[x],
    lambda x: "ab"[x],
    lambda x: [1, 2][x:],
    lambda x: sorted([x, "a"]),
    lambda x: max([x, "a"]),
    lambda x: x > None,
    lambda x: x <= "a",
    lambda x: [x.__doc__, (x * np.ones(1)).__doc__, x.__doc__.upper][0],
]


def loaded(x):
    file = io.BytesIO()
    np.save(file, x)
    file.seek(0)
    return np.load(file)


def or_else(make):
    def function(x):
        try:
            make(x)
        except TypeError:
            return 3 * x
        return 2 * x

    return function


def of_decimals(x, n):
    """Ask whatever a program may ask of objects whose class has a stand-in while a trace runs."""
    values = decimal.Decimal("1.5"), dt.timedelta(3)
    asked = [
        (
            type(value) is kind,
            isinstance(value, kind),
            issubclass(type(value), kind),
            value.__class__ == kind,
            {kind: n}[type(value)],
            {type(value): n}[kind],
            pickle.dumps(value),
            pickle.dumps(kind),
            copy.copy(value),
            copy.deepcopy(value),
            repr(kind),
            kind.__name__,
        )
        for value, kind in zip(values, (decimal.Decimal, dt.timedelta), strict=True)
    ]
    match values[0]:
        case decimal.Decimal():
            return asked, float(values[0]) * x
    return asked, x


def test_a_class_that_lets_values_leave_is_itself_in_all_that_is_asked():
    for _ in range(2):  # after a trace, too, which puts originals where stand-ins were kept
        assert_untouched(of_decimals, 1.5, 3)
    assert type(decimal.Decimal) is type(dt.timedelta) is type
    assert not {decimal.Decimal, dt.timedelta} & copyreg.dispatch_table.keys()


def stored_in_a_table(*values):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        try:
            return connection.execute("select ?, 2", values).fetchone()
        except sqlite3.Error:
            return 3.0, 3


def started():
    thread = threading.Thread(target=int)
    thread.start()
    return thread


@pytest.mark.parametrize("name", READ)
def test_a_count_is_read(name):
    assert_untouched(READ[name], 1.5, 3)
    assert record(READ[name], 1.5, 3).nodes


@pytest.mark.parametrize("name", CUT)
def test_a_value_leaves_with_one_warning(name):
    with pytest.warns(CutWarning, match="left the graph") as warned:
        assert_untouched(CUT[name], 1.5, 3)
    assert len(warned) == 1


@pytest.mark.parametrize("name", REFUSED)
def test_what_takes_nothing_but_the_exact_type_is_one_clear_error(name):
    function, said = REFUSED[name]
    with pytest.raises(UnsupportedError, match=rf"(?s)test_exact_types\.py:\d+.*{said}.*detach"):
        record(function, 1.5, 3)


IN_PLACE = ["x >>= 2", "x @= 2", "x |= n", "x **= [1]", "x -= 'a'", "n >>= 'a'", "n &= x", "n @= x"]
IN_PLACE += [
    f"v = (np.ones(2) * x).{part}; v {sign}= {by}"
    for part in ("flat", "imag")
    for sign in "+*"
    for by in "xn"
]


@pytest.mark.parametrize("line", IN_PLACE)
def test_an_error_names_the_operator_as_it_is_written(line):
    space = {"np": np}
    exec(f"def function(x, n):\n    {line}\n    return x, n", space)  # noqa: S102
    assert_untouched(space["function"], 1.5, 3)


@pytest.mark.parametrize("function", PLAIN)
def test_the_errors_of_the_program_are_its_own(function):
    assert_untouched(function, 1.5)
