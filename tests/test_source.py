"""Each row is a program: its probes note where they are used, and `resolve` finds those places again."""

from __future__ import annotations

import sys
import textwrap

import pytest
from source_probes import NO, body, rows, run

from tracer.source import Place, Site, resolve, source_of

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
