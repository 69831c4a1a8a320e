"""Updates in place of arrays that are neither arguments nor watched, by lists, tuples and iterators without a name.

Each program is called twice: it returns what the plain one does, leaves the arrays that there were with the same numbers,
and has the gradient of the second call, by its own argument.
"""

import itertools
import operator

import numpy as np
import pytest
from checks import central_differences, same
from test_adopted import module_of

from tracer import trace
from tracer.errors import UnsupportedError

X = np.array([0.8, -0.6])
STATE = """
import functools
import itertools
import threading
import numpy as np
W, b = np.array([[0.5, -0.3], [0.2, 0.9]]), np.array([0.1, -0.2])
moments = {}

class Layer:
    def __init__(self, k): self.W, self.b = W * k, b * k
    def params(self): return [self.W, self.b]
    def pair(self): return self.W, self.b
    def each(self):
        for name, p in vars(self).items():
            yield p

class Net:
    def __init__(self): self.layers, self.W, self.b = [Layer(1.0), Layer(2.0)], W, b
    def params(self): return [self.W, self.b]
    def each(self):
        yield self.W
        yield self.b
    def all(self):
        for layer in self.layers: yield from layer.params()

class Twice:
    __slots__ = ("p", "q")
    def __init__(self, p): self.p = self.q = p

net = Net()
table, both, pairs = {"W": W, "b": b}, (W, b), [(W, "W"), (b, "b")]

def grads(x): return [np.outer(x, x), x * x]

def update(params, grads):
    for p, g in zip(params, grads): p -= 0.1 * g

def loss(x):
    y = x
    for layer in net.layers: y = np.tanh(layer.W @ y + layer.b)
    return ((W @ x + b) ** 2).sum() + (y * y).sum()
"""
FOLLOWED = {
    "list": "for p in [W, b]: p -= 0.1 * x",
    "tuple": "for p in (W, b): p *= x",
    "several lists": """
    for p, g, m in zip([W, b], grads(x), [net.layers[0].W, net.layers[0].b]):
        m += g * g
        p += -0.1 * g / np.sqrt(m + 1e8)""",
    "numbered": "for i, (p, g) in enumerate(zip([W, b], grads(x))): p -= g * i",
    "numbered inside": "for (i, p), g in zip(enumerate((W, b)), grads(x)): p -= g * i",
    "items": 'for k, p in {"W": W, "b": b}.items(): p[...] = p - x * table[k].sum()',
    "keys": "params = dict(W=net.W, b=b)\n    for k in params: params[k] -= 0.1 * x",
    "backwards": "for p in reversed([W, b]): np.subtract(p, x * b[0], out=p)",
    "map and filter": "for p in map(abs, [x, x]): p\n    for p in filter(lambda p: True, map(lambda p: p, [W, b])): p -= x",
    "generator expression": "for p in (q for q in (W, b)): p -= x",
    "comprehension": "[np.multiply(p, g, out=p) for p, g in zip([W, b], grads(x))]",
    "fresh list": "for p, g in zip(net.params(), grads(x)): p -= 0.1 * g",
    "generator": "for p, g in zip(net.each(), grads(x)): p -= 0.1 * g",
    "generators in each other": "for p in net.all(): p -= 0.1 * x",
    "layers": """
    for layer in net.layers:
        for p, g in zip(layer.params(), grads(x)): p -= 0.1 * g
        for p in layer.pair(): p[0] = p[1] * x[0]
        for p in layer.each(): p *= 0.9""",
    "chain": "for p in itertools.chain.from_iterable(layer.params() for layer in net.layers): p -= 0.1 * x",
    "pairs": "for p, g in [(W, np.outer(x, x)), (b, x * x)]: p -= 0.1 * g",
    "pairs that have a name": "for p, k in pairs:\n        p -= table[k].sum() * x\n        both[0][0] = x",
    "one after the other": "it = iter((W, b)); p = next(it); p -= x; p = next(it); p -= W[0] * x",
    "loops in each other": "for q in (W, b):\n        for p in [b, W, W]: p -= 0.1 * q.sum() * x",
    "objects": "for s in [Twice(W), Twice(b), Twice(W)]:\n        s.p -= 0.1 * x; s.q[:] *= x",
    "item of a list that has no name": "[W, b][0] -= 0.1 * x",
    "function": "update([W, b], grads(x)); update(both, grads(x))",
    "state by identity": """
    for p, g in zip([W, b], grads(x)):
        m = moments.setdefault(id(p), np.zeros_like(p)); m *= 0.9; m += g
        p -= 0.1 * moments[id(p)]""",
    "list that is kept": "net.kept = net.params()\n    for p in net.kept: p -= 0.1 * x",
    "an error of the program's": """
    try:
        for p in [W, b, None]: p -= x
    except TypeError:
        net.b += W[0]""",
}
# Something has the array that nobody can write into, beside what is followed above
HELD = {
    "an array of objects": "kept = np.array([W, None], object)|kept[0].sum()",
    "a cell of another function": "kept = (lambda c: lambda: c.sum())(W)|kept()",
    "a method": "kept = W.sum|kept()",
    "an iterator of arrays": "kept = itertools.repeat(W)|next(kept).sum()",
    "a cache": "kept = functools.lru_cache(lambda: W); kept()|kept().sum()",
    "what a generator computes with": "kept = adding(W); next(kept)|kept.send(0.0).sum()",
    "an operand that waits for another": "c = W; kept = c + written(c, x)|kept.sum()",
    "an item that waits for another": "c = W; kept = c, written(W, x)|kept[0].sum()",
    "a method, while a parameter is written": "kept, c = W.sum, W; written(c, x)|kept()",
    "another thread": "kept = Waiting(W)|kept.answer()",
}
LOOPS = (
    "for p in [W, b]: p -= x",
    "for p in (W, b): p[0] = x[0]",
    "for p, g in zip([W, b], grads(x)): np.subtract(p, g, out=p)",
    "for p in net.each(): p[:1] -= x[0]",
    "for k, p in {'W': W}.items(): np.copyto(p, p * x)",
)
MORE = """
def adding(c):
    c = c + (yield 0.0)
    yield c

def written(c, x):
    c[0] = x[0]
    return 0.0

class Waiting:
    def __init__(self, c):
        self.go, self.found = threading.Event(), []
        self.thread = threading.Thread(target=self.wait, args=(c,)); self.thread.start()
    def wait(self, c):
        self.go.wait(); self.found.append(float(c[0, 0]))
    def answer(self):
        self.go.set(); self.thread.join()
        return self.found[0]
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """One module whose functions are called plainly, and one that is traced."""
    text = STATE + MORE
    for at, body in enumerate(FOLLOWED.values()):
        text += f"\ndef program_{at}(x):\n    {body}\n    return loss(x)\n"
    for at, (held, loop) in enumerate(zip(HELD.values(), itertools.cycle(LOOPS), strict=False)):
        before, after = held.split("|")
        text += f"\ndef held_{at}(x):\n    {before}\n    try:\n        {loop}\n    finally:\n        kept = {after}\n    return loss(x) + kept\n"
    path = tmp_path_factory.mktemp("loops")
    return [module_of(path / name, text) for name in ("plain.py", "traced.py")]


def arrays_of(module):
    return [module.W, module.b, *(each for layer in module.net.layers for each in (layer.W, layer.b))]


def numbers_of(module):
    return [each.copy() for each in arrays_of(module)]


def restore(module, numbers):
    module.moments.clear()
    for array, each in zip(arrays_of(module), numbers, strict=True):
        array[...] = each


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_a_loop_has_in_passing_is_written_into(name, modules):
    plain, traced = (getattr(each, f"program_{[*FOLLOWED].index(name)}") for each in modules)
    before = numbers_of(modules[0])
    arrays = arrays_of(modules[1])
    strict = trace(strict=True)(traced)
    for _ in range(2):
        now, moments = numbers_of(modules[0]), [each.copy() for each in modules[0].moments.values()]
        assert same(strict(X.copy()), plain(X.copy()))
        assert same(numbers_of(modules[1]), numbers_of(modules[0]))
        assert all(map(operator.is_, arrays_of(modules[1]), arrays))
    assert modules[1].table["W"] is modules[1].both[0] is modules[1].pairs[0][0] is modules[1].W

    def again(x):
        restore(modules[0], now)
        modules[0].moments.update(zip(map(id, arrays_of(modules[0])), map(np.copy, moments), strict=False))
        return plain(x)

    (expected,) = central_differences(again, X)
    np.testing.assert_allclose(strict.last_trace.grads["x"], expected, rtol=1e-6, atol=1e-8)
    for module in modules:
        restore(module, before)


@pytest.mark.parametrize("name", HELD)
def test_what_something_else_has_too_is_an_error(name, modules):
    function, before = getattr(modules[1], f"held_{[*HELD].index(name)}"), numbers_of(modules[1])
    arrays = arrays_of(modules[1])
    with pytest.raises(UnsupportedError, match="made outside of the trace"):
        trace(function)(X.copy())
    assert all(map(operator.is_, arrays_of(modules[1]), arrays))
    restore(modules[1], before)
