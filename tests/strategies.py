"""Random programs for hypothesis, as source text: scalars with control flow and fan-out, and arrays.

Every operation is smooth and bounded where it is used, so that central differences are close; kinks are left to
tests of their own. A new feature of the tracer goes into a list here.
"""

from __future__ import annotations

import linecache
import math
import zlib
from dataclasses import dataclass

import numpy as np
from coverage_table import FOLLOWED, OPERANDS, ROWS, SPACE, found, names_in
from hypothesis import strategies as st

NUMBERS = st.sampled_from([0.37, -0.83, 1.21, 0.59, -1.47, 0.11])
UNARY = [
    "math.sin({a})", "math.cos({a})", "math.tanh({a})", "math.atan({a})", "math.exp(-{a} * {a})", "-{a}", "+{a}",
    "math.sqrt(1.5 + {a} * {a})", "math.log(1.5 + {a} ** 2)", "math.erf({a})", "{a} ** 2", "{a} ** 3", "1.3 ** {a}",
    "2 - {a}", "0.7 * {a}", "{a} / 3", "3.1 / (2 + {a} * {a})", "abs({a}) * {a}", "pow({a}, 2)", "helper({a})",
    "sum([{a}] * 3)", "(lambda t: t * t)({a})", "(w := {a} * 2) * w", "{a}.real", "divmod({a}, 5.03)[1]",
    "{a} % 7.01", "round(9.2) * {a}", "recursive(3, {a})", "next(iterate({a}))", "math.prod([{a}, 1.1, {a}])",
    "((1 + 1j * {a}) ** 2).imag", "cmath.exp(1j * {a}).real", "abs((1.5 + 1j * {a}) * (2 - 1j))",
    "abs(sum([1j * {a}, 2, {a}]))",
]  # fmt: skip
BINARY = [
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2 + {b} * {b})", "math.hypot({a}, 1.2, {b})",
    "math.atan2({a}, 3 + {b} * {b})", "max({a}, {b})", "min({a}, {b}, 0.4321)", "(1.5 + {a} * {a}) ** {b}",
    "math.fsum([{a}, {b}, {a}])", "sorted([{a}, {b}, 0.1234])[1]", "math.dist(({a}, {b}), (3.1, 4.2))",
    "sum(t * {b} for t in [{a}, 2.0])", "{{'k': {a}}}['k'] * {b}", "({a} if {a} > {b} else {b} * 2)",
    "math.pow(1.5 + {a} * {a}, {b})", "helper({a}) * helper({b})", "Pair({a}, {b}).product()",
    "(({a} + 1j * {b}).conjugate() * (1 - 2j)).real", "cmath.phase(2 + {a} * {a} + 1j * {b})",
]  # fmt: skip
BLOCKS = [
    "for _ in range(3):\n    {v} = {v} * 0.6 + {a}",
    "if {a} > 0.1357:\n    {v} = {v} * {a}\nelse:\n    {v} = {v} - {a}",
    "k = 0\nwhile k < 2:\n    k += 1\n    {v} = {v} + {a} * k",
    "{v} += {a}\n{v} *= 0.5",
    "try:\n    {v} = {v} * {a}\n    raise KeyError\nexcept KeyError:\n    {v} -= 0.2",
    "{v}, other = {a} * 0.9, {v}\n{v} = {v} * other",
    "for {v} in [{a}, {v} * {a}]:\n    pass",
]
PRELUDE = """
import cmath
import io
import math
import os
import numpy as np
from coverage_table import parts, put

def floats(result):
    return list(parts(result))

def helper(t):
    local = t * t
    return local - t

def recursive(n, t):
    return t if n == 0 else 0.8 * recursive(n - 1, t) + t

def iterate(t):
    while True:
        t = t * 0.7
        yield t

class Pair:
    def __init__(self, left, right):
        self.left, self.right = left, right

    def product(self):
        return self.left * self.right

"""


@dataclass(frozen=True)
class Program:
    """A function `f` in source text, and arguments for it."""

    text: str
    arguments: tuple

    def function(self):
        """Compile the program."""
        space = {}
        text = PRELUDE + self.text
        file = f"<random program {zlib.crc32(text.encode())}>"
        linecache.cache[file] = (
            len(text),
            None,
            text.splitlines(keepends=True),
            file,
        )  # np.zeros is told by its line
        exec(compile(text, file, "exec"), space)  # noqa: S102
        return space["f"]

    def __repr__(self):
        return f"{self.text}\nf{self.arguments}"


@st.composite
def scalar_programs(draw):
    """Draw a function of one to three floats with up to eight steps."""
    inputs = ["x", "y", "z"][: draw(st.integers(1, 3))]
    names, lines = list(inputs), []
    for number in range(draw(st.integers(1, 8))):
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        name = f"v{number}"
        lines.append(f"{name} = " + draw(st.sampled_from([*UNARY, *BINARY])).format(a=a, b=b))
        names.append(name)
        if draw(st.booleans()):
            a = draw(st.sampled_from(names))
            lines += draw(st.sampled_from(BLOCKS)).format(v=name, a=a).split("\n")
        lines.append(f"{name} = math.tanh({name}) + 0.3 * {name}" if number % 3 == 2 else "pass")
    used = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    body = "\n    ".join([*lines, f"return math.sin({' + '.join(used)})"])
    # All different: equal ones tie, and a tie has no derivative.
    numbers = draw(st.lists(NUMBERS, min_size=len(inputs), max_size=len(inputs), unique=True))
    return Program(f"def f({', '.join(inputs)}):\n    {body}\n", tuple(numbers))


SHAPES = [(), (1,), (3,), (2, 1), (2, 3), (1, 3)]
ARRAY_UNARY = [
    "np.sin({a})", "np.tanh({a})", "np.exp(-{a} * {a})", "-{a}", "{a} ** 2", "np.sqrt(1.5 + {a} * {a})", "2 - {a}",
    "{a} / 3", "3 / (2 + {a} ** 2)", "0.5 * {a}", "np.log(1.5 + np.square({a}))", "np.sum({a})", "{a}.mean()",
    "{a}.sum(axis=-1, keepdims=True) if {a}.ndim else {a}", "np.mean({a}, axis=0) if {a}.ndim else {a}",
    "{a}.T", "{a}.reshape(-1)", "np.expand_dims({a}, 0)[0]", "{a}.ravel()[::-1]", "{a}[..., None] * np.ones(2)",
    "np.concatenate([{a}.ravel(), {a}.ravel()])[1:]", "np.stack([{a}, {a} * 2]).sum(0)", "{a}.astype(float)",
    "np.where({a} > 0.1357, {a}, 2 * {a})", "np.clip({a}, -0.9876, 0.9876)", "{a}.ravel() @ {a}.ravel()",
    "np.outer({a}, {a}).sum(0)", "np.einsum('i,i->', {a}.ravel(), {a}.ravel())", "np.squeeze({a}) * 1.1",
    "np.array([t * 2 for t in {a}.ravel()])", "sum({a}.ravel())", "np.broadcast_to({a}, (2, *{a}.shape)).sum(0)",
    "{a}.ravel()[[0, 0, -1]]", "{a} * math.sin({a}.sum())", "np.prod({a}, axis=None)", "np.transpose({a})",
    "{a}.dot(2.0)", "np.max({a}) * {a}", "{a}.flatten()[np.argsort({a}.ravel())]", "{a} - np.min({a}.ravel())",
    "np.abs(np.exp(1j * {a}) + 2)", "np.fft.fft({a}.ravel()).imag", "np.angle(2 + 1j * {a})",
    "np.fft.irfft(np.fft.rfft({a}.ravel(), 4) * 1j, 4)", "({a} * (1 + 2j)).T.imag[..., None].squeeze(-1)",
]  # fmt: skip
ARRAY_BINARY = [
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (2 + {b} * {b})", "np.maximum({a}, {b})", "np.hypot({a}, 1 + {b} ** 2)",
    "np.where({a} > {b}, {a}, {b})", "np.arctan2({a}, 2 + {b} * {b})", "np.logaddexp({a}, {b})", "{a} * {b}.sum()",
    "(1.5 + {a} * {a}) ** {b}", "np.outer({a}, {b}).mean(1)", "np.add({a}, {b}) * np.float64(0.5)",
    "np.multiply({a}, {b}).clip(-2, 2)", "np.tanh({a}[..., None] @ {b}.ravel()[None, :1])",
    "np.real(np.conj({a} + 1j * {b}) * (1 + 2j))", "({a} * np.exp(1j * {b})).imag",
    "np.vdot({a}.ravel()[:1] * 1j, np.exp(1j * {b}.ravel()[:1])).imag",
]  # fmt: skip


@st.composite
def array_programs(draw):
    """Draw a function of one to three arrays whose shapes meet under broadcasting where they can."""
    inputs = ["x", "y", "z"][: draw(st.integers(1, 3))]
    seed = draw(st.integers(0, 10_000))
    generator = np.random.default_rng(seed)
    arguments = tuple(
        np.asarray(generator.uniform(-1.5, 1.5, size=draw(st.sampled_from(SHAPES)))) for _ in inputs
    )
    space = {"np": np, "math": math, **dict(zip(inputs, arguments, strict=True))}
    names, lines = list(inputs), []
    for number in range(draw(st.integers(1, 7))):
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        text = draw(st.sampled_from([*ARRAY_UNARY, *ARRAY_BINARY])).format(a=a, b=b)
        text = f"np.asarray({text})"
        try:
            value = eval(text, space)  # noqa: S307
        except (ValueError, IndexError):
            continue  # shapes that don't meet
        if value.size > 200 or not np.isfinite(value).all():
            continue
        space[f"v{number}"] = value
        names.append(f"v{number}")
        lines.append(f"v{number} = {text}")
    used = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    returned = " + ".join(f"np.sum(np.sin({name}))" for name in used)
    body = "\n    ".join([*lines, f"return {returned}"])
    return Program(f"def f({', '.join(inputs)}):\n    {body}\n", arguments)


# Calls of the coverage table that a random program can be made of: of smooth enough functions of whole operands.
_LEFT_OUT = (
    "float32",
    "nextafter",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "fix",
    "round",
    "around",
    "1e-6",
    "edge_order=2",
)
TABLE_CALLS = sorted(
    call
    for row in ROWS
    if row.kind == FOLLOWED and found(row.name) is not None
    for call in row.calls
    if not any(word in call for word in _LEFT_OUT) and not {"h", "e"} & names_in(call)
)
# How an operand takes up the result of a call, and stays where the calls of the table need it.
_TAKEN_UP = {
    "p": "0.2 + abs(p + 0.3 * {})",
    "u": "0.8 * np.tanh(u + 0.3 * {})",
    "y": "0.2 + 0.7 * np.tanh(y + 0.3 * {}) ** 2",
}


@st.composite
def table_programs(draw):
    """Draw a function of the table's operands that goes through one to four of the table's calls."""
    space = {**SPACE, **{name: np.copy(each) if np.ndim(each) else each for name, each in OPERANDS.items()}}
    exec(PRELUDE, space)  # noqa: S102
    lines, used = [], set()
    for number in range(draw(st.integers(1, 4))):
        call = draw(st.sampled_from(TABLE_CALLS))
        with np.errstate(all="ignore"):
            try:
                part = eval(f"floats({call})[0]", space)  # noqa: S307
            except (ValueError, IndexError, np.linalg.LinAlgError):
                continue  # it gives no floats here, or wants others
        if not np.size(part) or not np.isfinite(part).all() or np.max(np.abs(part), initial=0) > 1e3:
            continue
        used |= names_in(call) & OPERANDS.keys()
        fitting = [name for name in sorted(used) if np.shape(space[name]) == np.shape(part)]
        name = draw(st.sampled_from(fitting)) if fitting else "x"
        part_text = f"np.tanh(t{number})" + ("" if fitting else ".mean()")
        used.add(name)
        taken = _TAKEN_UP.get(name, f"0.7 * {name} + 0.5 * {{}}").format(part_text)
        for line in (f"t{number} = floats({call})[0]", f"{name} = {taken}"):
            exec(line, space)  # noqa: S102
            lines.append(line)
    names = [name for name in OPERANDS if name in used] or ["x"]
    body = "\n    ".join([*lines, "return " + " + ".join(f"np.sum(np.sin({name}))" for name in names)])
    return Program(f"def f({', '.join(names)}):\n    {body}\n", tuple(OPERANDS[name] for name in names))


VIEWS = [
    "{a}[::-1]", "{a}[1:]", "{a}[..., ::2]", "{a}[0]", "{a}.T", "{a}.reshape(-1)", "{a}.ravel()", "{a}.real", "{a}.imag",
    "np.asarray({a})", "{a}[...]", "np.expand_dims({a}, 0)", "np.squeeze({a})", "np.split({a}, [1])[1]", "list({a})[-1]",
    "np.moveaxis({a}, 0, -1)", "np.flip({a})", "np.atleast_2d({a})", "np.array({a}, copy=None, ndmin=3)", "np.require({a})",
    "{a}.diagonal()", "np.broadcast_to({a}, (2, *{a}.shape))", "{a}[None]",
]  # fmt: skip
NEW_ARRAYS = [
    "{a} * 2", "{a} + {b}", "np.zeros({a}.shape)", "np.ones({a}.shape, complex)", "np.zeros((2, 3))", "{a} * 1j", "np.sin({a})",
    "np.full_like({a}, 0.5)", "np.outer({a}, {b})", "np.stack([{a}, {a}])", "{a}.copy()", "np.array([{a}, {b}])",
]  # fmt: skip
WRITES = [
    "{a}[{i}] = {b}", "{a}[{i}] += {b}", "{a}[{i}] *= {b}", "{a}[{i}] = 0.5", "{a} += {b}", "{a} *= 0.7", "{a}[{i}] = {a}[{j}]",
    "{a}[{i}] += {b}[{j}]", "np.sin({a}, out={a})", "np.multiply({b}, {b}, out={a})", "np.add.at({a}, [0, 0], {b}[0])",
    "np.copyto({a}, {b}, where={a}.real > 0.1003)", "{a}.fill({b}.sum())", "{a}.imag = {b}.real", "{a}.real[{i}] *= 2",
    "np.put({a}, [0, -1], {b}.ravel()[:1])", "{a}[0], {a}[-1] = {a}[-1], {a}[0]", "{a}.flat[1:] = {b}", "{a}.T[...] = {b}",
    "{a}[{i}] = list({b})", "np.outer({b}, {b}, out={a})", "np.sum({b}, axis=0, out={a}[0])", "{a}.shape = {a}.shape[::-1]",
    "np.add({a}, 0.5, out={a}, where={a}.real > 0.1003)", "for row in {a}:\n        row *= 0.9", "np.place({a}, {a}.real < 0, {b}[:1])",
]  # fmt: skip
PLACES = [
    "0", "-1", "::-1", "1:", "..., 0", "[0, 0]", "[1, 0]", "{a}.real > 0.1003", "...", "None", "-2::-1", ":, [1, 1]", "0, -1",
    "np.ix_([1, 0], [0, 1])",
]  # fmt: skip
_TOTAL = "np.sum(np.tanh({a}.real + {a}.imag * 0.3) * np.cos(np.arange({a}.size)).reshape({a}.shape))"


@st.composite
def writing_programs(draw):
    """Draw a function of two arrays that writes into them, into others and through views, and reads all at the end."""
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    shapes = st.sampled_from([(3,), (2, 2), (2, 3), (1, 3), (1,)])
    arguments = tuple(generator.uniform(-1, 1, draw(shapes)) for _ in "xy")
    arrays = {"x": arguments[0].copy(), "y": arguments[1].copy()}
    lines = []
    for number in range(draw(st.integers(3, 12))):
        a, b = draw(st.sampled_from(list(arrays))), draw(st.sampled_from(list(arrays)))
        kind = draw(st.sampled_from([VIEWS, NEW_ARRAYS, WRITES, WRITES]))
        i, j = (draw(st.sampled_from(PLACES)).format(a=a) for _ in "ij")
        line = draw(st.sampled_from(kind)).format(a=a, b=b, i=i, j=j)
        if kind is not WRITES:
            line = f"v{number} = {line}"
        space = {"np": np}
        try:
            replayed([*lines, line], space, arguments)
        except (ValueError, IndexError, TypeError, np.exceptions.ComplexWarning):
            continue
        found = {name: each for name, each in space.items() if isinstance(each, np.ndarray)}
        if all(np.isfinite(each).all() and np.max(np.abs(each), initial=0) < 20 for each in found.values()):
            lines.append(line)
            arrays = {name: each for name, each in found.items() if name in "xy" or name.startswith("v")}
    returned = " + ".join(_TOTAL.format(a=name) for name in arrays)
    return Program("def f(x, y):\n    " + "\n    ".join([*lines, f"return {returned}"]) + "\n", arguments)


def replayed(lines, space, arguments):
    """Run lines from fresh arguments, for what they leave behind."""
    space["x"], space["y"] = (each.copy() for each in arguments)
    for line in lines:
        exec(line.replace("\n    ", "\n"), space)  # noqa: S102
