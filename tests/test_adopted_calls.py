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
import collections, functools, operator, threading, weakref
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
# By how they come into edgegrad; what then asks who holds the array is the same for all.
KINDS = {
    "an augmented assignment": ["a part", "a part, by an array", "all", "steps"],
    "at": ["where it is named twice", "product at"],
    "out": ["out", "out by position", "out, and where", "out of a function"],
    "a function": ["copyto", "copyto, and where", "put", "place", "putmask"],
    "a method": ["fill", "fill with a number"],
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
    "a list": """
    b = DATA.copy(); k = [b]
    {}
    return k[0].sum() + (b * MORE).sum()
""",
    "a dict": """
    b = DATA.copy(); k = dict(b=b)
    {}
    return k['b'].sum() + (b * MORE).sum()
""",
    "an attribute": """
    b = DATA.copy(); k = SimpleNamespace(b=b)
    {}
    return k.b.sum() + (b * MORE).sum()
""",
    "a tuple, and a generator that waits": """
    b = DATA.copy(); k = (b, 1)
    def g(c):
        yield 0
        yield c.sum()
    h = g(b); next(h)
    {}
    return next(h) + k[0].sum() * (b * MORE).sum()
""",
    "a loop": """
    c = DATA.copy()
    for b, k in [(c, 2.0), (DATA * 2, 3.0), (c, 4.0)]:
        {}
    return (c * MORE).sum() * k
""",
    "a view": """
    b = DATA.copy(); k = b[1:]
    {}
    return k.sum() + (b * MORE).sum()
""",
    "a view of a view": """
    b = DATA.copy(); k = b[::-1][1:].T
    {}
    return (k * k).sum() + (b * MORE).sum()
""",
    "an iterator": """
    b = DATA.copy(); k = iter(b)
    {}
    return next(k) + (b * MORE).sum() + sum(k)
""",
    "another's memory": """
    k = DATA.copy(); b = k[:]
    {}
    return k.prod() + (b * MORE).sum()
""",
    "another's memory, in another shape": """
    k = SimpleNamespace(k=DATA.copy().reshape(2, 2)); b = k.k.reshape(-1)
    {}
    return k.k[1].prod() + (b * MORE).sum()
""",
    "an object's slot": """
    b = DATA.copy()
    class S: __slots__ = ('b',)
    k = S(); k.b = b
    {}
    return k.b.sum() + (b * MORE).sum()
""",
}
# Whole programs
OTHERS = {
    "a variable of what a dict holds": """
    p = {'b': DATA.copy()}; k = p['b']; p['b'] += x
    return k.sum() + p['b'].prod()
""",
    "a row of a row": """
    b = np.outer(DATA, DATA); d = {'b': b}
    b[1][1:] += x[0]; b.T[2] *= x; d['b'][1:][0].reshape(2, 2)[1] -= x[:2]
    return (b @ DATA) @ DATA
""",
    "what a mapping has": """
    d = {'b': DATA.copy()}; d.get('b')[:] *= x; d.setdefault('b', None)[1:] += x[0]
    return d['b'] @ DATA
""",
    "another dict": """
    p = {'b': DATA.copy()}
    k = dict(p)
    p['b'] += x
    return k['b'].sum() + p['b'].prod()
""",
    "a loop": """
    p = [DATA.copy(), DATA * 2]
    for k in p: k += x
    return sum(k.prod() for k in p)
""",
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
    "items by any key": """
    params = {f"W{i}": DATA * (i + 1) for i in range(3)}
    for i in range(3):
        params["W" + str(i)] -= 0.1 * x
    for name in params:
        params[name] *= x[0]
    params["W0"] += params["W1"] * x
    return sum((each * MORE).sum() * each[0] for each in params.values())
""",
    "items of items": """
    params, many = {"a": {"w": DATA.copy()}}, [DATA.copy(), DATA * 2]
    params["a"]["w"] **= x
    for i in range(2):
        many[i] /= x[i]
        many[i - 1] += params["a"]["w"]
    return sum((each * MORE).sum() for each in many)
""",
    "dicts of other classes": """
    ordered, default = collections.OrderedDict(w=DATA.copy()), collections.defaultdict(float)
    default["w"] = DATA * 2
    ordered["w"] += x
    default["w"] *= x
    default["v"] += x[0]
    return (ordered["w"] * default["w"]).sum() * default["v"]
""",
    "attributes": """
    class Slots: __slots__ = ("b", "params")
    class Layer:
        def __init__(self): self.params, self.b = {"w": DATA.copy()}, DATA * 2
        def step(self, by):
            self.b -= by
            self.params["w"] += by * self.b
    layers = [Layer(), Layer()]
    for layer in layers:
        layer.step(x)
    s = Slots(); s.b = DATA.copy(); s.b *= x
    return sum((each.b * each.params["w"]).sum() for each in layers) + (s.b * MORE).sum()
""",
    "a property": """
    class Kept:
        def __init__(self): self.kept = DATA.copy()
        def get(self): return self.kept
        def put(self, value): self.twice = value * 2
        b = property(get, put)
    s = Kept(); s.b += x
    return (s.b * s.twice).sum()
""",
    "two variables, a closure": """
    b = c = DATA.copy()
    def change():
        nonlocal b
        b += x
    change()
    b -= x * c
    return (c * MORE).sum() * b[0]
""",
    "a matrix": """
    b, params = np.diag(DATA), {"w": np.diag(MORE)}
    b @= np.outer(x, x)
    params["w"] @= b
    return (params["w"] @ DATA) @ x
""",
    "two items": """
    many = [DATA.copy()] * 2
    many[0] += x
    return (many[1] * many[0]).sum()
""",
    "the key is changed by the right side": """
    params = {"a": DATA.copy(), "b": DATA * 2}; k = "a"
    def other():
        nonlocal k
        k = "b"; return x * 1
    params[k] += other()
    return (params["a"] * MORE).sum() + (params["b"] * DATA).sum()
""",
    "the array is kept elsewhere by the right side": """
    p, k = [DATA.copy()], []
    def other():
        k.append(p[0]); p[0] = DATA * 3; return x * 1
    p[0] += other()
    return p[0].sum() + k[0].prod()
""",
    "the items are moved by the right side": """
    many = [DATA.copy(), DATA * 2]
    def other():
        many.reverse(); return x * 1
    many[0] += other()
    return (many[0] * MORE).sum() + (many[1] * DATA).sum()
""",
    "a class, and an object of it": """
    class K: b = DATA.copy()
    k = K(); k.b += x
    np.multiply(K.b, x, out=K.b)
    return K.b.sum() + (k.b * k.b).sum()
""",
    "errors": """
    b = DATA.copy()
    params = {"b": DATA.copy()}
    try:
        params["b"] += x[:2]
    except ValueError:
        pass
    params["b"] += x
    b += params.pop("b")
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
    "memory": "b = DATA.copy(); k = memoryview(b)|k[0]",
    "a method": "b = DATA.copy(); k = b.sum|k()",
    "a weak reference": "b = DATA.copy(); k = weakref.ref(b)|k().sum()",
    "a buffer": "k = bytearray(DATA.tobytes()); b = np.frombuffer(k)|np.frombuffer(k).sum()",
    "another cell": "b = DATA.copy()\n    def keep(c): return lambda: c.sum()\n    k = keep(b)|k()",
    "an exception": "b = DATA.copy(); k = ValueError(b)|k.args[0].sum()",
    "a thread's": "b = DATA.copy(); k = threading.local(); k.b = b|k.b.sum()",
    "an iterator of nditer": "b = DATA.copy(); k = np.nditer(b)|float(next(k))",
    "a tuple that is written out": "b = DATA.copy(); np.add(b, x, out=(b,))|b[0]",
    "an argument by its name": "b = DATA.copy(); np.copyto(dst=b, src=x)|b[0]",
    "arguments in a tuple": "b = DATA.copy(); k = (b, x); np.copyto(*k)|k[0].sum()",
    "a method of an operator": "b = DATA.copy(); k = operator.methodcaller('fill', x[0]); k(b)|b[0]",
    "a method that is kept": "b = DATA.copy(); k = b.fill; k(x[0])|b[0]",
}
# What else holds an array that `+=` gives back to one place
REFUSED_WHOLE = {
    "what the right side keeps": "p = [DATA.copy()]; k = np.empty(1, object)\n    def f():\n        k[0] = p[0]; p[0] = DATA * 3; return x * 1\n    p[0] += f()|p[0].sum() + k[0].prod()",
    "what the right side keeps of a variable": "b = DATA.copy(); k = np.empty(1, object)\n    def f():\n        nonlocal b\n        k[0] = b; b = DATA * 3; return x * 1\n    b += f()|b.sum() + k[0].prod()",
    "a view that is kept": "class O: pass\n    o = O(); o.b = np.outer(DATA, DATA); o.v = o.b[1]; o.row = lambda: o.v\n    o.row()[1:] += x[0]|o.v.sum()",
    "a view that is named": "class O: pass\n    o = O(); o.b = np.outer(DATA, DATA); (v := o.b[1])[1:] += x[0]|v.sum()",
    "a method": "p = [DATA.copy()]; k = p[0].sum; p[0] += x|k() + p[0].sum()",
    "a list of values": "b = DATA.copy(); np.put(b, [0, 1], [x[0], x[1]])|b[0]",
    "a list of values, copied": "b = DATA.copy(); np.copyto(b, [x[0]] * 4)|b[0]",
    "a list of values, placed": "b = DATA.copy(); np.place(b, b > 1, [x[0]])|b[0]",
    "a list of values, masked": "b = DATA.copy(); np.putmask(b, b > 1, (x[0], x[1]))|b[0]",
    "a list of values, along an axis": "b = DATA.reshape(2, 2) * 1; np.put_along_axis(b, np.array([[1], [0]]), [[x[0]], [x[1]]], 1)|b[0, 1]",
    "a list of values, into out": "b = DATA.copy(); np.cumsum([x[0]] * 4, out=b)|b[0]",
    "a list of values, by name": "b = DATA.copy(); np.clip(b, a_min=[x[0]] * 4, a_max=9.0, out=b)|b[0]",
    "lists of values, chosen": "b = DATA.copy(); np.choose([0, 1, 0, 1], [[x[0]] * 4, [x[1]] * 4], out=b)|b[0]",
    "lists of values, averaged": "b = DATA.copy(); np.mean([[x[0]] * 4, [x[1]] * 4], axis=0, out=b)|b[0]",
}


def program(name, before, text, after):
    return f"""
def program_{name}(x):
    {before}
    {text}
    return {after} + (b * MORE).sum()
"""


def with_every_kind(holders):
    """Each holder with a write of each kind; over all holders, each write."""
    return [
        (each, writes[at % len(writes)]) for at, each in enumerate(holders) for writes in KINDS.values()
    ]


def test_every_write_is_of_a_kind_and_with_every_table_of_holders():
    assert sorted(write for writes in KINDS.values() for write in writes) == sorted(WRITES)
    for holders in (FOLLOWED, REFUSED):
        assert {write for _, write in with_every_kind(holders)} == set(WRITES)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The functions of all rows, by name, from one file: what holds the array, and how it is written."""
    text = IMPORTS + "\ndef float_of(x): return x[0] * x[3]\n"
    names = {}
    for holder, write in with_every_kind(FOLLOWED):
        names[holder, write] = f"program_{len(names)}"
        text += f"\ndef {names[holder, write]}(x):{FOLLOWED[holder].format(WRITES[write])}"
    for holder, body in OTHERS.items():
        names[holder] = f"program_{len(names)}"
        text += f"\ndef {names[holder]}(x):{body}"
    for holder, write in with_every_kind(REFUSED):
        names[holder, write] = f"program_{len(names)}"
        before, after = REFUSED[holder].split("|")
        text += program(len(names) - 1, before, WRITES[write], after)
    for holder, body in REFUSED_WHOLE.items():
        names["whole", holder] = f"program_{len(names)}"
        before, after = body.split("|")
        result, _, more = after.partition("\n")
        text += f"\ndef {names['whole', holder]}(x):\n    {before}\n{more}\n    return {result}\n"
    path = tmp_path_factory.mktemp("rows") / "adopted_call_programs.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {key: getattr(module, name) for key, name in names.items()}


@pytest.mark.parametrize(("holder", "write"), with_every_kind(FOLLOWED))
def test_what_only_variables_hold_is_followed(holder, write, programs):
    assert_untouched(programs[holder, write], X)
    assert_differentiates(programs[holder, write], X)


@pytest.mark.parametrize("name", OTHERS)
def test_whole_programs_are_followed(name, programs):
    assert_untouched(programs[name], X)
    assert_differentiates(programs[name], X)


@pytest.mark.parametrize(("holder", "write"), with_every_kind(REFUSED))
def test_what_something_else_holds_is_an_error(holder, write, programs):
    function = programs[holder, write]
    try:
        plain = function(X.copy())
    except (TypeError, ValueError, BufferError):  # read-only, or no array
        return
    with pytest.raises((UnsupportedError, CutWarning, ValueError)):
        record(function, X.copy())
    np.testing.assert_array_equal(function(X.copy()), plain)


@pytest.mark.parametrize("holder", REFUSED_WHOLE)
def test_what_is_not_written_back_everywhere_is_an_error(holder, programs):
    function = programs["whole", holder]
    plain = function(X.copy())
    with pytest.raises((UnsupportedError, CutWarning)):
        record(function, X.copy())
    np.testing.assert_array_equal(function(X.copy()), plain)


def test_without_text_what_is_written_back_to_a_variable_is_followed():
    space = {"DATA": X * 2.0}
    exec(  # noqa: S102  (a program without a file)
        """
def followed(x):
    b = DATA * 1
    b *= x
    b[b > 4] -= x[0]
    return (b * b).sum()

def kept(x):
    b, k = DATA * 1, []
    def f():
        nonlocal b
        k.append(b); b = DATA * 3
        return x * 1
    b *= f()
    return (b * b).sum() + k[0].sum()
""",
        space,
    )
    assert_differentiates(space["followed"], X)
    with pytest.raises(UnsupportedError):
        record(space["kept"], X)
