"""Arrays that plain code made in the traced function, and that a call or `+=` writes a traced value into.

Each write, with each thing that may hold the array: it is followed, with the right gradient and the plain result, or it
is an error; never a wrong number.
"""

import importlib.util

import numpy as np
import pytest
from checks import assert_differentiates, assert_untouched

from tracer import record
from tracer.errors import CutWarning, UnsupportedError

X = np.array([1.3, 0.7, 2.1, 1.9])
IMPORTS = """
import functools, operator, threading, weakref
from types import SimpleNamespace
import numpy as np

DATA = np.array([1.0, 2.0, 3.0, 4.0])
MORE = np.array([3.0, -1.0, 2.0, 0.5])
"""
WRITES = {
    "a part": "b[1:] += x[0]",
    "a part, by an array": "b[:2] *= x[1:3] * 2",
    "all": "b[...] -= x",
    "steps": "b[::-2] /= x[:2]",
    "where it is named twice": "np.add.at(b, [0, 0], x[0])",
    "product at": "np.multiply.at(b, slice(1, 3), x[2])",
    "copyto": "np.copyto(b, x)",
    "copyto, and where": "np.copyto(b, x[1], where=b > 2)",
    "out": "np.add(b, x, out=b)",
    "out by position": "np.subtract(b, x, b)",
    "out, and where": "np.exp(x, out=b, where=b > 1)",
    "out of a function": "np.cumsum(x, out=b)",
    "fill": "b.fill(x[0] * x[1])",
    "fill with a number": "b.fill(float_of(x))",
    "put": "np.put(b, [1, 2], x[2:])",
    "place": "np.place(b, b > 1, x)",
    "putmask": "np.putmask(b, b > 1, x)",
}
FOLLOWED = {
    "a variable": """
    b = DATA.copy()
    {}
    return (b * MORE).sum() * b[1]
""",
    "two variables": """
    c = b = DATA * 1.5
    {}
    return (c * MORE).sum() * b[1]
""",
    "a closure": """
    b = DATA.copy()
    def total(): return (b * MORE).sum()
    {}
    return total() * b[2]
""",
    "a parameter": """
    def change(b):
        {}
        return (b * MORE).sum()
    return change(DATA.copy())
""",
    "a parameter, and what was given": """
    def change(b):
        {}
    a = DATA.copy()
    change(a)
    return (a * MORE).sum() * a[3]
""",
    "used before": """
    b = DATA.copy()
    y = (b * x).sum()
    {}
    return (b * MORE).sum() * y
""",
    "written before": """
    b = DATA.copy()
    b[0] = x[3]
    {}
    return (b * MORE).sum() * b[0]
""",
    "again and again": """
    b = DATA.copy()
    for _ in range(3):
        {}
        b = b * 0.5
    return (b * MORE).sum()
""",
}
# Whole programs
OTHERS = {
    "of its own parts": """
    b = DATA.copy()
    b[1:] += b[:-1] * x[:3]
    b[::2] *= b[1::2]
    b[1:] = b[:-1] * x[1]
    return (b * MORE).sum()
""",
    "items of a list": """
    many = [DATA.copy(), DATA * 2]
    many[0][1:] += x[0]
    np.copyto(many[1], x)
    return sum((each * MORE).sum() * each[0] for each in many)
""",
    "an attribute": """
    s = SimpleNamespace(b=DATA.copy())
    s.b[1:] += x[0]
    np.add(s.b, x, out=s.b)
    return (s.b * MORE).sum()
""",
    "what the call gives": """
    b = DATA.copy()
    c = np.add(np.add(b, x, out=b), b * x, out=b)
    assert c is b
    c[0] = 0
    return (b * MORE).sum()
""",
    "errors": """
    b = DATA.copy()
    try:
        np.copyto(b, np.ones(3) * x[0])
    except ValueError:
        pass
    try:
        b[1:] += x
    except ValueError:
        pass
    return (b * x).sum()
""",
}
REFUSED = {
    "a variable that is given another": "b = DATA.copy()\n    def f():\n        nonlocal b\n        b = DATA * 3\n        return x[0]\n    k = b; b[1:] += f()|k.sum()",
    "a variable that is given another in the call": "b = DATA.copy(); np.copyto(b, (b := DATA * 2) * x)|b[0]",
    "a choice": "b = DATA.copy(); c = DATA.copy(); np.copyto(b if x[0] > 0 else c, x)|c.sum()",
    "a row of a row": "b = np.outer(DATA, DATA); b[1][1:] += x[0]; b = b[1]|b[0]",
    "a list": "b = DATA.copy(); k = [b]|k[0].sum()",
    "a dict": "b = DATA.copy(); k = dict(b=b)|k['b'].sum()",
    "an attribute": "b = DATA.copy(); k = SimpleNamespace(b=b)|k.b.sum()",
    "a view": "b = DATA.copy(); k = b[1:]|k.sum()",
    "a view of a view": "b = DATA.copy(); k = b[::-1][1:].T|k.sum()",
    "memory": "b = DATA.copy(); k = memoryview(b)|k[0]",
    "a method": "b = DATA.copy(); k = b.sum|k()",
    "a default": "b = DATA.copy()\n    def k(b=b): return b.sum()\n    pass|k()",
    "a partial": "b = DATA.copy(); k = functools.partial(np.dot, b)|k(DATA)",
    "a generator": "b = DATA.copy()\n    def g(b):\n        yield 0\n        yield b.sum()\n    k = g(b); next(k)|next(k)",
    "an iterator": "b = DATA.copy(); k = iter(b)|next(k)",
    "a weak reference": "b = DATA.copy(); k = weakref.ref(b)|k().sum()",
    "another's memory": "k = DATA.copy(); b = k[:]|k.sum()",
    "another's memory, in another shape": "k = DATA.copy().reshape(2, 2); b = k.reshape(-1)|k.sum()",
    "a buffer": "k = bytearray(DATA.tobytes()); b = np.frombuffer(k)|np.frombuffer(k).sum()",
    "another cell": "b = DATA.copy()\n    def keep(c): return lambda: c.sum()\n    k = keep(b)|k()",
    "an object's slot": "b = DATA.copy()\n    class S: __slots__ = ('b',)\n    k = S(); k.b = b|k.b.sum()",
    "an exception": "b = DATA.copy(); k = ValueError(b)|k.args[0].sum()",
    "a thread's": "b = DATA.copy(); k = threading.local(); k.b = b|k.b.sum()",
    "an iterator of nditer": "b = DATA.copy(); k = np.nditer(b)|float(next(k))",
    "a tuple that is written out": "b = DATA.copy(); np.add(b, x, out=(b,))|b[0]",
    "an argument by its name": "b = DATA.copy(); np.copyto(dst=b, src=x)|b[0]",
    "arguments in a tuple": "b = DATA.copy(); k = (b, x); np.copyto(*k)|k[0].sum()",
    "a method of an operator": "b = DATA.copy(); k = operator.methodcaller('fill', x[0]); k(b)|b[0]",
    "a method that is kept": "b = DATA.copy(); k = b.fill; k(x[0])|b[0]",
}


def program(name, before, text, after):
    return f"""
def program_{name}(x):
    {before}
    {text}
    return {after} + (b * MORE).sum()
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The functions of all rows, by name, from one file: what holds the array, and how it is written."""
    text = IMPORTS + "\ndef float_of(x): return x[0] * x[3]\n"
    names = {}
    for holder, body in FOLLOWED.items():
        for write, line in WRITES.items():
            names[holder, write] = f"program_{len(names)}"
            text += f"\ndef {names[holder, write]}(x):{body.format(line)}"
    for holder, body in OTHERS.items():
        names[holder] = f"program_{len(names)}"
        text += f"\ndef {names[holder]}(x):{body}"
    for holder, body in REFUSED.items():
        for write, line in WRITES.items():
            names[holder, write] = f"program_{len(names)}"
            before, after = body.split("|")
            text += program(len(names) - 1, before, line, after)
    path = tmp_path_factory.mktemp("rows") / "adopted_call_programs.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {key: getattr(module, name) for key, name in names.items()}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("holder", FOLLOWED)
def test_what_only_variables_hold_is_followed(holder, write, programs):
    assert_untouched(programs[holder, write], X)
    assert_differentiates(programs[holder, write], X)


@pytest.mark.parametrize("name", OTHERS)
def test_whole_programs_are_followed(name, programs):
    assert_untouched(programs[name], X)
    assert_differentiates(programs[name], X)


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("holder", REFUSED)
def test_what_something_else_holds_is_an_error(holder, write, programs):
    function = programs[holder, write]
    try:
        plain = function(X.copy())
    except (TypeError, ValueError, BufferError):  # read-only, or no array
        return
    with pytest.raises((UnsupportedError, CutWarning, ValueError)):
        record(function, X.copy())
    np.testing.assert_array_equal(function(X.copy()), plain)
