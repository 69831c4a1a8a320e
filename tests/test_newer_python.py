"""Programs with what later Pythons than the oldest one brought: texts, as an older one can't read them.

Each has its gradients by central differences, and the plain result.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import textwrap

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import verify
from tracer.callee import named
from tracer.errors import UnsupportedError

PROGRAMS = {  # name: (from Python 3.x on, text)
    "type parameters": (12, """
        type Number = float
        type Deep = float | list[Deep]
        class Stack[T]:
            def __init__(self): self.items: list[T] = []
            def push(self, v: T) -> None: self.items.append(v)
            def scaled[U: (int, float)](self, by: U) -> T: return self.items.pop() * by
        def flat(deep: Deep):
            match deep:
                case list():
                    for each in deep: yield from flat(each)
                case _: yield deep
        def f[T: float](x: T, y: Number, w) -> T:
            type Local = T
            s = Stack[float]()
            s.push(x * y)
            return s.scaled(x) + sum(v * v for v in flat([x, [y, [x * y]]])) * w[0]
    """),
    "f-strings in f-strings": (12, """
        def f(x, y, w):
            h = x * y
            text = f"{f"{h:{".3"}f}"} {'a' + "b"} {(g := h * w[1]):>{10}.{2}f} {
                x + y  # which nothing reads
                !r} {h=:.4f}"
            return g * text.count(".") + h
    """),
    "comprehensions without a frame": (12, """
        def f(x, y, w):
            xs = [x * i for i in range(4)]
            table = {k: [a * b for a in xs] for k, b in enumerate([v * v + y for v in xs if v > 0])}
            x = [x for x in xs][-1]
            each = [lambda z, i=i: z * xs[i] for i in range(3)]
            class C:
                both = [v * 2 for v in (1.0, 2.0)]
            rows = [[(p := u * v) for u in xs] for v in xs]
            try:
                [1 / 0 for _ in xs]
            except ZeroDivisionError:
                q = [w[i] * w[j] for i in range(3) for j in range(i, 3) if (k := i + j) != 2]
            return sum(map(sum, table.values())) + sum(map(sum, rows)) * p + sum(g(y) for g in each) + C.both[1] * x + sum(q) * k
    """),
    "events of a coverage tool": (12, """
        import sys
        import numpy as np
        tools, events = sys.monitoring, sys.monitoring.events
        def body(x, y, w):
            h = x * y
            z = np.zeros(3)
            z[1:] = h * w[:2]
            for i in range(3):
                z[i] += w[i] ** 2
                h = h + z[i]
            np.multiply(z, w, out=z)
            w *= 2
            return h + np.sum(z) + max([v * v for v in w])
        def f(x, y, w):
            seen, number = [], next(each for each in range(6) if tools.get_tool(each) is None)
            tools.use_tool_id(number, "a test")
            for event in (events.LINE, events.INSTRUCTION, events.CALL, events.JUMP, events.PY_START):
                tools.register_callback(number, event, lambda code, *where: seen.append(code.co_name))
            tools.set_local_events(number, body.__code__, events.LINE | events.INSTRUCTION | events.CALL | events.JUMP)
            tools.set_events(number, events.PY_START)
            try:
                result = body(x, y, w)
            finally:
                tools.set_local_events(number, body.__code__, 0)
                tools.set_events(number, 0)
                tools.free_tool_id(number)
            assert seen.count("body") > 50
            return result
    """),
    "groups of exceptions": (11, """
        def f(x, y, w):
            out = x * w[0]
            try:
                raise ExceptionGroup("g", [ValueError(x * y), KeyError(y), ExceptionGroup("h", [ArithmeticError(x + y)])])
            except* ValueError as group:
                out *= group.exceptions[0].args[0]
            except* (KeyError, OSError) as group:
                out += y * len(group.exceptions)
            except* ArithmeticError as group:
                out *= group.exceptions[0].exceptions[0].args[0]
            return out
    """),
    "a debugger that writes": (11, """
        import io, pdb
        def body(x, y):
            h = x * y
            g = h + 1.0
            return g * h
        def f(x, y, w):
            typed = io.StringIO("n\\nn\\n!h = h * x * 2\\n!k = [v * x for v in (h, y)]\\np locals()\\nn\\nc\\n")
            debugger = pdb.Pdb(stdin=typed, stdout=io.StringIO(), nosigint=True, readrc=False)
            debugger.use_rawinput = False
            return debugger.runcall(body, x, y) * w[2]
    """),
    "local variables written through": (13, """
        import copy, sys
        from types import SimpleNamespace
        def double(n):
            names = sys._getframe(1).f_locals
            names["h"] = names["h"] * n
        def f(x, y, w):
            h = x * y
            double(w[1])
            other = copy.replace(SimpleNamespace(a=h, b=y), a=x)
            exec("r = h * y", None, found := locals())
            return h + other.a * other.b + found["r"]
    """),
    "templates": (14, """
        from string.templatelib import Interpolation
        def product(template):
            p = 1.0
            for item in template:
                match item:
                    case str(): p = p * len(item)
                    case Interpolation(value, _, _, form): p = p * value ** (2 if form == "sq" else 1)
            return p
        def f(x, y, w):
            t = t"ab{x:sq}cd{x * y}" + t"{t"{w[2]}".values[0]}"
            a, b, _ = t.values
            return product(t) + a * b
    """),
    "annotations that nobody reads": (14, """
        from dataclasses import dataclass
        class Node:
            v: Missing
            after: Node | None = None
        @dataclass
        class Pair:
            a: Later
            b: Pair | None = None
        def f(x: Unknown, y: Unknown.attribute = 2.0, w: Later[int] = None) -> Nope:
            h: NotThere = x * y
            n, p = Node(), Pair(x, Pair(w[0]))
            n.v = h
            return n.v * p.a * p.b.a
    """),
    "except without parentheses": (14, """
        import math
        def f(x, y, w):
            for i in range(4):
                try:
                    if i == 1: continue
                    x = x * (i + y)
                    if i == 3: math.sqrt(-x)
                except ValueError, TypeError:
                    x = x * w[0]
                finally:
                    x = x + i
            return x
    """),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_of_a_newer_python(name, tmp_path, monkeypatch):
    minor, text = PROGRAMS[name]
    if sys.version_info < (3, minor):
        pytest.skip(f"Python 3.{minor} is the first that has it")
    path = tmp_path / "newer.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("newer", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "newer", module)
    spec.loader.exec_module(module)
    arguments = (1.3, 0.7, np.array([0.3, 1.1, -0.4]))
    assert_untouched(module.f, *arguments)
    assert verify(assert_differentiates(lambda x, y, w: module.f(x, y, w.copy()), *arguments))


def stores(a, b, c):
    a[b] = c


def after_another(a, b, c):
    return c * a.missing(b)


def after_a_store(a, b, c):
    d = c
    a[b] = d


def beside_others(a, b, c):
    return divmod(a, c, b(a))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (stores, {1.0, 2.0}),
        (after_another, {1.0}),
        (after_a_store, {1.0, 2.0}),
        (beside_others, {1.0, 2.0}),
    ],
)
def test_the_names_in_an_expression_that_failed(
    function, expected
):  # Python 3.13 loads two by one instruction
    with pytest.raises((TypeError, AttributeError)) as raised:
        function(1.0, 2.0, 3.0)
    last = raised.tb.tb_next
    assert set(named(last.tb_frame, last.tb_lasti)) == expected


DATA = np.array([1.0, 2.0])


def written_in_a_comprehension(array, number):
    kept = [array]
    [written(kept, number) for array in [1]]
    return array * 2


def written(kept, number):
    kept[0][0] = number


def lends(x):
    b = DATA.copy()
    return (written_in_a_comprehension(b, x) * b).sum()


def test_a_parameter_whose_name_a_comprehension_has_is_written_or_refused():
    with contextlib.suppress(UnsupportedError):  # from 3.12 on, where nobody can look meanwhile
        assert_differentiates(lends, 1.3)
