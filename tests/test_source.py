"""Each row is a program: its probes note where they are used, and `resolve` finds those places again."""

from __future__ import annotations

import linecache
import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path
from types import CodeType

import pytest

import tracer.source
from tracer.source import Place, Site, resolve, source_of

ROOT = Path(__file__).parent.parent

Pair = tuple[CodeType, int]
Row = tuple[str, tuple[str, ...], bool, int, int]  # text, targets, returned, line, column


class Probe:
    """Answers every operation with itself, and notes the instruction that asked for it."""

    def __init__(self, noted: list[Pair]) -> None:
        self.noted = noted

    def _note(self, *_, **__):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self

    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _note
    __lshift__ = __rshift__ = __and__ = __or__ = __xor__ = __radd__ = __rmul__ = _note
    __neg__ = __pos__ = __invert__ = __lt__ = __getitem__ = __setitem__ = __call__ = sum = exp = _note
    T = property(_note)

    def __bool__(self):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return True

    def __iter__(self):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self._elements()

    def _elements(self):
        for _ in range(2):
            frame = sys._getframe(1)
            self.noted.append((frame.f_code, frame.f_lasti))
            yield self

    __hash__ = object.__hash__

    def __eq__(self, other):
        frame = sys._getframe(1)
        self.noted.append((frame.f_code, frame.f_lasti))
        return self is other


@pytest.fixture
def register():
    """Put a text where linecache finds it, as a notebook does."""
    names = []

    def put(text: str, name: str = "<program>") -> str:
        names.append(name)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        return name

    yield put
    for name in names:
        linecache.cache.pop(name, None)


def run(text: str, name: str = "<program>") -> list[Pair]:
    """Execute a text and call its `f` with two probes."""
    noted: list[Pair] = []
    scope = {"__name__": "program"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of `'\\d'`, which one of the programs has
        code = compile(text, name, "exec", dont_inherit=True)
    exec(code, scope)  # noqa: S102 - the programs are ours
    scope["f"](Probe(noted), Probe(noted))
    return noted


def rows(places: list[Place]) -> list[Row]:
    found = [(p.site.text, p.targets, p.returned, p.site.line, p.site.column) for p in places]
    return list(dict.fromkeys(found))


def body(*lines: str) -> str:
    return "\n".join(("def f(x, y):", *(f"    {line}" for line in lines), ""))


NO: tuple[str, ...] = ()

STATEMENTS = [
    ("assignment", ["h = x * y"], [("x * y", ("h",), False, 2, 8)]),
    ("two targets", ["a = b = x * y"], [("x * y", ("a", "b"), False, 2, 12)]),
    ("same target twice", ["hs = [0, 0]", "hs[0] = hs[1] = x * y"], [("x * y", ("hs",), False, 3, 20)]),
    ("annotated", ["h: float = x * y"], [("x * y", ("h",), False, 2, 15)]),
    ("annotated without a value", ["h: float", "x * y"], [("x * y", NO, False, 3, 4)]),
    ("attribute", ["class C: pass", "c = C()", "c.h = x * y"], [("x * y", ("c.h",), False, 4, 10)]),
    (
        "attribute of an attribute",
        ["class C: pass", "c = C()", "c.d = c", "c.d.h = x * y"],
        [("x * y", ("c.d.h",), False, 5, 12)],
    ),
    (
        "attribute of an element",
        ["class C: pass", "cs = {'k.j': C()}", "cs['k.j'].h = x * y"],
        [("x * y", ("cs['k.j'].h",), False, 4, 18)],
    ),
    ("element", ["hs = [0]", "hs[0] = x * y"], [("x * y", ("hs",), False, 3, 12)]),
    ("element of an element", ["hs = [[0]]", "hs[0][0] = x * y"], [("x * y", ("hs",), False, 3, 15)]),
    ("element of a call", ["dict()[0] = x * y"], [("x * y", NO, False, 2, 16)]),
    (
        "tuples, element by element",
        ["a, b = x * y, x + y"],
        [("x * y", ("a",), False, 2, 11), ("x + y", ("b",), False, 2, 18)],
    ),
    (
        "nested tuples",
        ["a, [b, c] = x * y, (x + y, x - y)"],
        [("x * y", ("a",), False, 2, 16), ("x + y", ("b",), False, 2, 24), ("x - y", ("c",), False, 2, 31)],
    ),
    (
        "a tuple kept whole and taken apart",
        ["t = a, b = x * y, x + y"],
        [("x * y", ("a",), False, 2, 15), ("x + y", ("b",), False, 2, 22)],
    ),
    ("starred target", ["a, *b = x * y, 1"], [("x * y", NO, False, 2, 12)]),
    ("starred value", ["a, b = x * y, *[1]"], [("x * y", NO, False, 2, 11)]),
    ("tuple in a variable", ["t = x * y, 1"], [("x * y", NO, False, 2, 8)]),
    ("in place, one variable", ["h = x", "h += y"], [("h += y", ("h",), False, 3, 4)]),
    (
        "in place, one element",
        ["hs = [x]", "hs[0] += x * y"],
        [("x * y", NO, False, 3, 13), ("hs[0] += x * y", ("hs",), False, 3, 4)],
    ),
    (
        "in place, one element of a probe",
        ["x[0] += y"],
        [("x[0]", NO, False, 2, 4), ("x[0] += y", ("x",), False, 2, 4), ("x[0]", ("x",), False, 2, 4)],
    ),
    ("set an element", ["x[0] = 3"], [("x[0]", ("x",), False, 2, 4)]),
    ("set a slice", ["x[0:2] = 3"], [("x[0:2]", ("x",), False, 2, 4)]),
    ("walrus", ["len([h := x * y])"], [("x * y", ("h",), False, 2, 14)]),
    ("walrus within an assignment", ["a = (h := x * y)"], [("x * y", ("h", "a"), False, 2, 14)]),
    (
        "part of an expression",
        ["h = x * y + 1"],
        [("x * y", NO, False, 2, 8), ("x * y + 1", ("h",), False, 2, 8)],
    ),
    ("parentheses", ["h = ((x * y))"], [("x * y", ("h",), False, 2, 10)]),
    (
        "parentheses inside",
        ["h = (x * y) + 1"],
        [("x * y", NO, False, 2, 9), ("(x * y) + 1", ("h",), False, 2, 8)],
    ),
    ("conditional", ["h = x * y if y else 0"], [("y", NO, False, 2, 17), ("x * y", ("h",), False, 2, 8)]),
    ("conditional, the test", ["h = 1 if x < y else 0"], [("x < y", NO, False, 2, 13)]),
    ("or", ["h = None or x * y"], [("x * y", ("h",), False, 2, 16)]),
    ("return", ["return x * y"], [("x * y", NO, True, 2, 11)]),
    ("return from a conditional", ["return 0 if x is None else x * y"], [("x * y", NO, True, 2, 31)]),
    ("return from an or", ["return None or x * y"], [("x * y", NO, True, 2, 19)]),
    ("return of a walrus", ["return (h := x * y)"], [("x * y", ("h",), True, 2, 17)]),
    ("return of several", ["return x * y, 0"], [("x * y", NO, False, 2, 11)]),
    ("return of an argument", ["return abs(len([x * y]))"], [("x * y", NO, False, 2, 20)]),
    ("lambda", ["g = lambda a: a * y", "h = g(x)"], [("a * y", NO, True, 2, 18)]),
    (
        "two lambdas on a line",
        ["g, k = lambda a: a * a, lambda a: a * a", "k(x)", "g(x)"],
        [("a * a", NO, True, 2, 38), ("a * a", NO, True, 2, 21)],
    ),
    ("lambda's default", ["g = lambda a=x * y: a"], [("x * y", NO, False, 2, 17)]),
    ("lambda's walrus", ["g = lambda a: (b := a * y)", "g(x)"], [("a * y", ("b",), True, 2, 24)]),
    ("for", ["for h in x: pass"], [("x", ("h",), False, 2, 13)]),
    (
        "for over an operation",
        ["for h in x * y: pass"],
        [("x * y", NO, False, 2, 13), ("x * y", ("h",), False, 2, 13)],
    ),
    (
        "for over a call",
        ["for h in x(y): pass"],
        [("x(y)", NO, False, 2, 13), ("x(y)", ("h",), False, 2, 13)],
    ),
    ("for an element", ["hs = [0]", "for hs[0] in x: pass"], [("x", ("hs",), False, 3, 17)]),
    ("for pairs", ["for i, h in enumerate(x): pass"], [("enumerate(x)", NO, False, 2, 16)]),
    ("for, the body", ["for i in 1, 2:", "    h = x * i"], [("x * i", ("h",), False, 3, 12)]),
    (
        "nested for",
        ["for a in x:", "    for b in y: pass"],
        [("x", ("a",), False, 2, 13), ("y", ("b",), False, 3, 17)],
    ),
    (
        "list comprehension",
        ["hs = [a * y for a in x]"],
        [("x", NO, False, 2, 25), ("x", ("a",), False, 2, 25), ("a * y", NO, False, 2, 10)],
    ),
    (
        "nested loops of a comprehension",
        ["hs = [b for a in x for b in y]"],
        [
            ("x", NO, False, 2, 21),
            ("x", ("a",), False, 2, 21),
            ("y", NO, False, 2, 32),
            ("y", ("b",), False, 2, 32),
        ],
    ),
    (
        "a loop before the loops of a comprehension",
        ["for a in x: pass", "hs = [c for b in (1, 2) for c in y]"],
        [("x", ("a",), False, 2, 13), ("y", NO, False, 3, 37), ("y", ("c",), False, 3, 37)],
    ),
    (
        "comprehension over a comprehension",
        ["hs = [b for b in [a * 2 for a in x]]"],
        [("x", NO, False, 2, 37), ("x", ("a",), False, 2, 37), ("a * 2", NO, False, 2, 22)],
    ),
    (
        "walrus in a comprehension",
        ["hs = [(h := a * x) for a in (1, 2)]"],
        [("a * x", ("h",), False, 2, 16)],
    ),
    ("dict comprehension", ["hs = {i: i * x for i in (1, 2)}"], [("i * x", NO, False, 2, 13)]),
    ("set comprehension", ["hs = {i * x for i in (1, 2)}"], [("i * x", NO, False, 2, 10)]),
    ("first iterator of a comprehension", ["hs = [0 for a in [x * y]]"], [("x * y", NO, False, 2, 22)]),
    (
        "generator expression",
        ["h = list(a * y for a in x)"],
        [("x", NO, False, 2, 28), ("x", ("a",), False, 2, 28), ("a * y", NO, False, 2, 13)],
    ),
    ("lambda in a comprehension", ["[(lambda b: a * b)(y) for a in [x]]"], [("a * b", NO, True, 2, 16)]),
    ("unpacking", ["a, b = x"], [("a, b", NO, False, 2, 4)]),
    ("unpacking a list of one", ["a, = [x * y]"], [("x * y", ("a",), False, 2, 10)]),
    ("unpacking one", ["try: a, = x", "except ValueError: pass"], [("a,", ("a",), False, 2, 9)]),
    ("nothing", ["x * y"], [("x * y", NO, False, 2, 4)]),
    ("if", ["if x:", "    pass", "elif y:", "    pass"], [("x", NO, False, 2, 7)]),
    ("while", ["while x:", "    break"], [("x", NO, False, 2, 10)]),
    ("assert", ["assert x"], [("x", NO, False, 2, 11)]),
    (
        "comparisons in a chain",
        ["h = (x < y) < y < x"],
        [("x < y", NO, False, 2, 9), ("(x < y) < y < x", NO, False, 2, 8)],
    ),
    ("comparison", ["h = x < y"], [("x < y", ("h",), False, 2, 8)]),
    ("negation", ["h = -x"], [("-x", ("h",), False, 2, 8)]),
    ("plus", ["h = +x"], [("+x", ("h",), False, 2, 8)]),
    ("inversion", ["h = ~x"], [("~x", ("h",), False, 2, 8)]),
    ("element read", ["h = x[0]"], [("x[0]", ("h",), False, 2, 8)]),
    ("slice read", ["h = x[0:2]"], [("x[0:2]", ("h",), False, 2, 8)]),
    ("attribute read", ["h = x.T"], [("x.T", ("h",), False, 2, 8)]),
    ("method", ["h = x.sum(y)"], [("x.sum(y)", ("h",), False, 2, 8)]),
    ("call", ["h = x(y)"], [("x(y)", ("h",), False, 2, 8)]),
    ("call with keywords", ["h = x(y, axis=0)"], [("x(y, axis=0)", ("h",), False, 2, 8)]),
    ("call with stars", ["h = x(*[1], **{'a': 2})"], [("x(*[1], **{'a': 2})", ("h",), False, 2, 8)]),
    ("builtin sum", ["h = sum([x, y])"], [("sum([x, y])", ("h",), False, 2, 8)]),
    ("reflected", ["h = 3 * x"], [("3 * x", ("h",), False, 2, 8)]),
    ("f-string", ["f'é {x * y!r:.0}'"], [("x * y", NO, False, 2, 9)]),
    ("match of a literal", ["match x:", "    case 1: pass"], [("1", NO, False, 3, 13)]),
    ("match", ["match x * y:", "    case _: pass"], [("x * y", NO, False, 2, 10)]),
    (
        "two statements on a line",
        ["a = x * y; b = x * y"],
        [("x * y", ("a",), False, 2, 8), ("x * y", ("b",), False, 2, 19)],
    ),
    ("unicode before the column", ["π = 'é😀'; h = x * y"], [("x * y", ("h",), False, 2, 18)]),
    ("unicode in the name", ["größe = x * y"], [("x * y", ("größe",), False, 2, 12)]),
    (
        "unicode in the text",
        ["h = x('é😀') + y"],
        [("x('é😀')", NO, False, 2, 8), ("x('é😀') + y", ("h",), False, 2, 8)],
    ),
    ("several lines", ["h = (x *", "  y)"], [("x *\n      y", ("h",), False, 2, 9)]),
    ("unicode on both lines", ["h = ('é', x(", "  'é'))"], [("x(\n      'é')", NO, False, 2, 14)]),
    ("backslash", ["h = x * \\", "  y"], [("x * \\\n      y", ("h",), False, 2, 8)]),
    (
        "methods over several lines",
        ["h = (x", "  .sum()", "  .T", "  .exp(", "    y))"],
        [
            ("x\n      .sum()", NO, False, 2, 9),
            ("x\n      .sum()\n      .T", NO, False, 2, 9),
            ("x\n      .sum()\n      .T\n      .exp(\n        y)", ("h",), False, 2, 9),
        ],
    ),
    ("warning in the text", ["h = x * y; '\\d'"], [("x * y", ("h",), False, 2, 8)]),
    ("global", ["global g", "g = x * y"], [("x * y", ("g",), False, 3, 8)]),
    ("try and finally", ["try: pass", "finally: h = x * y"], [("x * y", ("h",), False, 3, 17)]),
    ("default of a function", ["def g(a=x * y): pass"], [("x * y", NO, False, 2, 12)]),
    (
        "decorator's argument",
        ["@(lambda a: lambda b: b)(x * y)", "def g(): pass"],
        [("x * y", NO, False, 2, 29)],
    ),
    ("class body", ["class C:", "    h = x * y"], [("x * y", ("h",), False, 3, 12)]),
    (
        "private name",
        ["class C:", "    def g(self, __a):", "        self.__h = __a * y", "C().g(x)"],
        [("__a * y", ("self.__h",), False, 4, 23)],
    ),
    ("yield", ["def g(): h = yield x * y", "next(g())"], [("x * y", NO, False, 2, 23)]),
    (
        "generator",
        ["def g():", "    h = x * y", "    yield h", "next(g())"],
        [("x * y", ("h",), False, 3, 12)],
    ),
]


@pytest.mark.parametrize(
    ("lines", "expected"), [row[1:] for row in STATEMENTS], ids=[row[0] for row in STATEMENTS]
)
def test_statement(register, lines, expected):
    text = body(*lines)
    pairs = run(text, register(text))
    assert rows(resolve(pairs)) == expected


OPERATORS = ["+", "-", "*", "/", "//", "%", "**", "@", "<<", ">>", "&", "|", "^"]


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator_fits_its_instruction_and_no_other(register, operator):
    text = body(f"h = x {operator} y", f"h {operator}= x")
    pairs = run(text, register(text))
    assert rows(resolve(pairs)) == [
        (f"x {operator} y", ("h",), False, 2, 8),
        (f"h {operator}= x", ("h",), False, 3, 4),
    ]
    for other in (each for each in OPERATORS if len(each) == len(operator) and each != operator):
        register(body(f"h = x {other} y", f"h {other}= x"))
        assert [place.site.text for place in resolve(pairs)] == ["", ""]


PROGRAMS = {
    "decorated, nested, asynchronous": (
        """
        def same(g):
            return g

        @same
        @same
        def f(x, y, *rest, key=None, **more):
            @same
            def inner(a, /, b):
                return a * b
            async def later(a):
                h = a + y
            try:
                later(x).send(None)
            except StopIteration:
                pass
            return inner(x, y)
        """,
        [("a + y", ("h",), False, 12, 12), ("a * b", NO, True, 10, 15)],
        ["f.<locals>.later", "f.<locals>.inner"],
    ),
    "classes": (
        """
        class Layer:
            def __init__(self, w):
                self.w = w * 2

            def __call__(self, x):
                self.h = x @ self.w
                return self.h

            @staticmethod
            def step(h):
                return h + 1.5

        def f(x, y):
            layer = Layer(y)
            return layer.step(layer(x))
        """,
        [
            ("w * 2", ("self.w",), False, 4, 17),
            ("x @ self.w", ("self.h",), True, 7, 17),
            ("h + 1.5", NO, True, 12, 15),
        ],
        ["Layer.__init__", "Layer.__call__", "Layer.step"],
    ),
    "functions of one name": (
        """
        def f(x, y):
            return x * y

        g = f

        def f(x, y):
            return g(y, x)
        """,
        [("x * y", NO, True, 3, 11)],
        ["f"],
    ),
    "recursion": (
        """
        def f(x, y, n=2):
            h = x * n
            return f(h, y, n - 1) if n else h + y
        """,
        [("x * n", ("h",), False, 3, 8), ("h + y", NO, True, 4, 36)],
        ["f", "f"],
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(register, name):
    text, expected, functions = PROGRAMS[name]
    text = textwrap.dedent(text)
    places = resolve(run(text, register(text)))
    assert rows(places) == expected
    assert [place.site.function for place in dict.fromkeys(places)] == functions


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the syntax is that of Python 3.12")
def test_type_parameters(register):
    text = "def f[T](x: T, y: T) -> T:\n    h = x * y\n    return h\n"
    assert rows(resolve(run(text, register(text)))) == [("x * y", ("h",), True, 2, 8)]


def test_every_field_of_a_place(register):
    text = body("é = 'é'; h = x(", "  'é')")
    assert resolve(run(text, register(text))) == [
        Place(Site("<program>", 2, 17, 3, 10, "x(\n      'é')", "f"), ("h",), returned=False)
    ]


def test_answers_in_the_order_of_the_questions(register):
    text = body("a = x * y", "b = x + y")
    first, second = run(text, register(text))
    assert [place.targets for place in resolve([second, first, second])] == [("b",), ("a",), ("b",)]
    assert resolve([]) == []


def test_two_files(register):
    first, second = body("a = x * y"), body("b = x + y")
    pairs = run(first, register(first, "<first>")) + run(second, register(second, "<second>"))
    assert [(p.site.file, *p.targets) for p in resolve(pairs)] == [("<first>", "a"), ("<second>", "b")]
    assert source_of([pairs[0][0], pairs[1][0], pairs[0][0]]) == {"<first>": first, "<second>": second}


def place_without_source(line, file="<program>", targets=(), returned=False):
    """What is known without a text: the line, and what the next instruction does with the value."""
    return Place(Site(file, line, -1, line, -1, "", "f"), targets, returned)


def test_no_source():
    pairs = run(body("h = x * y"), "<nowhere>")
    assert resolve(pairs) == [place_without_source(2, "<nowhere>", ("h",))]
    assert source_of([pairs[0][0]]) == {}


def test_a_frame_that_has_not_started(register):
    text = body("h = x * y")
    [(code, _)] = run(text, register(text))
    assert resolve([(code, -1), (code, 10_000)]) == [place_without_source(1)] * 2


WRITTEN = "\n" + body("h = x * 20", "k = abs", "for i in y: h = x(i).T", "return -h")
TEXTS = ["x * 20", "y", "x(i)", "x(i).T", "-h"]
EDITS = {  # name: (old, new, the texts that are not found any more)
    "nothing": ("", "", []),
    "a comment above": ("def f", "# comment\ndef f", TEXTS),
    "a comment in the function": ("    k", "    # comment\n    k", TEXTS[1:]),
    "a shorter function": ("    k = abs\n", "", TEXTS[1:]),
    "a decorator": ("\ndef f", "@abs\ndef f", TEXTS),
    "another function's name": ("def f", "def g", TEXTS),
    "another parameter's name": ("x, y", "x, z", TEXTS),
    "one parameter more": ("x, y", "x, y, z", TEXTS),
    "another operator": ("x * 20", "x + 20", ["x * 20"]),
    "another sign": ("-h", "~h", ["-h"]),
    "another number": ("20", "30", ["x * 20"]),
    "a number of another type": ("20", "2.", ["x * 20"]),
    "another operand": ("x *", "z *", ["x * 20"]),
    "another target": ("h = x *", "z = x *", ["x * 20"]),
    "another column": ("h = x *", "h =  x *", ["x * 20"]),
    "another beginning with the same end": ("h = x(i)", "h =kx(i)", ["x(i)", "x(i).T"]),
    "another loop variable": ("for i", "for z", ["y"]),
    "another attribute": (".T", ".S", ["x(i).T"]),
    "a name in place of an operation": ("-h", "_h", ["-h"]),
    "a subscript in place of an operation": ("x * 20", "x[abs]", ["x * 20"]),
    "a class in place of the function": ("def f(x, y)", "class f(x, y)", TEXTS),
    "a syntax error": ("-h\n", "-h\n(", TEXTS),
    "a null byte": ("-h\n", "-h\n\0", TEXTS),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_gives_no_wrong_answer(register, edit):
    old, new, lost = EDITS[edit]
    pairs = run(WRITTEN, register(WRITTEN))
    before = resolve(pairs)
    assert list(dict.fromkeys(place.site.text for place in before)) == TEXTS
    register(WRITTEN.replace(old, new))
    for place, now in zip(before, resolve(pairs), strict=True):
        known = place_without_source(place.site.line, targets=place.targets, returned=place.returned)
        assert now == (known if place.site.text in lost else place)


def test_a_file_edited_on_the_disk(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(body("h = x * y"), encoding="utf-8")
    pairs = run(path.read_text(encoding="utf-8"), str(path))
    assert rows(resolve(pairs)) == [("x * y", ("h",), False, 2, 8)]
    path.write_text(body("", "h = x * y"), encoding="utf-8")
    assert resolve(pairs) == [place_without_source(2, str(path), ("h",))]
    path.unlink()
    assert resolve(pairs) == [place_without_source(2, str(path), ("h",))]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_form_feeds(tmp_path, newline):
    text = body("k = '\f'; h = (x *", "  y)", "\f", "h = x + y")
    path = tmp_path / "program.py"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", newline).encode())
    expected = [("x *\n      y", ("h",), False, 2, 18), ("x + y", ("h",), False, 5, 8)]
    assert rows(resolve(run(text, str(path)))) == expected


def test_a_text_that_was_registered_with_windows_line_ends(register):
    text = body("h = (x *", "  y)", "g = x + y").replace("\n", "\r\n")
    assert [place.site.text for place in resolve(run(text, register(text)))] == ["x *\n      y", "x + y"]


def test_without_columns():
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_source import body, linecache, resolve, run
        text = body("", "h = x * y")
        linecache.cache["<program>"] = (len(text), None, text.splitlines(True), "<program>")
        print(resolve(run(text)))
    """
    command = [sys.executable, "-X", "no_debug_ranges", "-c", textwrap.dedent(script)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert result.stdout.strip() == repr([place_without_source(3, targets=("h",))])


def rewritten(x, y):
    h = x * y
    assert (h + y) is h
    assert (k := h - y) is h, "a message"  # noqa: RUF018 - how pytest rewrites it is the question
    return k.sum()


def test_assertions_that_pytest_rewrote():
    assert any(name.startswith("@py_assert") for name in rewritten.__code__.co_varnames)
    noted: list[Pair] = []
    rewritten(Probe(noted), Probe(noted))
    first = rewritten.__code__.co_firstlineno
    assert [(row[0], row[1], row[2], row[3] - first) for row in rows(resolve(noted))] == [
        ("x * y", ("h",), False, 1),
        ("h + y", NO, False, 2),
        ("h - y", ("k",), False, 3),
        ("k.sum()", NO, True, 4),
    ]


def in_a_deep_thread(work):
    """Run with room for 5,000 levels on the stack, if Python goes that deep at all."""
    answers = []
    limit, size = sys.getrecursionlimit(), threading.stack_size(256 << 20)
    try:
        sys.setrecursionlimit(100_000)
        thread = threading.Thread(target=lambda: answers.append(work()))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    return answers[0]


def test_an_expression_of_five_thousand_additions(register):
    chain = " + ".join(["x"] * 5_000)
    text = body(f"h = {chain}")
    name = register(text)

    def work() -> tuple[list[Pair], list[Place]] | None:
        try:
            pairs = run(text, name)
        except RecursionError:  # from Python 3.12 on, the compiler has a limit of its own
            return None
        return pairs, resolve(pairs)

    answer = in_a_deep_thread(work)
    if answer is None:
        pytest.skip("this Python can't compile such an expression")
    pairs, places = answer
    assert len(places) == 4_999
    assert (places[0].site.text, places[0].targets) == ("x + x", ())
    assert (places[-1].site.text, places[-1].targets) == (chain, ("h",))
    tracer.source._parse.cache_clear()
    assert resolve(pairs[:1]) in (
        [place_without_source(2)],
        places[:1],
    )  # parsed or not, with the usual limit


def test_a_file_is_parsed_once(register, monkeypatch):
    text = body("g = lambda a: a * y", "h = g(x) + y", "return g(h)")
    pairs = run(text, register(text))
    parsed = []
    parse = tracer.source.ast.parse
    monkeypatch.setattr(tracer.source.ast, "parse", lambda text: parsed.append(text) or parse(text))
    tracer.source._parse.cache_clear()
    assert resolve(pairs) == resolve(pairs)
    assert parsed == [text]


def test_the_warning_filters_stay(register):
    text = body("'\\d'; h = x * y")
    pairs = run(text, register(text))
    tracer.source._parse.cache_clear()
    before = list(warnings.filters)
    assert resolve(pairs)[0].targets == ("h",)
    assert warnings.filters == before
