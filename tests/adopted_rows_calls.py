"""Arrays of plain code's that functions write into which a call from C code gets as arguments, or one by `*params`.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

_UPDATES = """
    W, b = DATA.copy(), DATA * 2
    ps, gs = [W, b], [x * x[0], x[1]]
    def less(p, g): p -= 0.1 * g
    def first(p, g): p[0] = p[0] * g if np.ndim(g) == 0 else g[0]
    def out(p, g):
        np.multiply(p, g, out=p)
        return p
    class Optimiser:
        def __init__(self, rate, p=None): self.rate, self.p = rate, p
        def step(self, p, g): p -= self.rate * g
        def both(self, W, b):
            W *= x
            b[1] += x[0]
        def __call__(self, p, g): p -= self.rate * g
    sgd = Optimiser(0.1)
"""
_LOSS = """
    return (ps[0] * b).sum() + (W * ps[1]) @ DATA
"""
_CALLS = {
    "list of map": "list(map(less, ps, gs)); list(map(first, ps, gs)); list(map(out, ps, gs))",
    "map in a loop": "for _ in map(less, ps, gs): pass",
    "map of a method": "list(map(sgd.step, ps, gs))",
    "map of an object": "list(map(sgd, ps, gs))",
    "map of a list without a name": "tuple(map(first, [W, b], gs))",
    "map of a lambda": "any(map(lambda p, g: less(p, g), ps, gs))",
    "map of a part": "def of(rate, p, g): p -= rate * g\n    collections.deque(map(functools.partial(of, 0.1), ps, gs), maxlen=0)",
    "map that is numbered": "for i, p in enumerate(map(out, ps, gs)): p[i] = x[0] * x[1]",
    "map of pairs": "def pair(p, g): return p, g\n    for p, g in map(pair, ps, gs): p -= g",
    "reduced": "def step(w, g):\n        w -= g\n        return w\n    functools.reduce(step, gs, W)",
    "arguments of a list": "def update(W, b):\n        W *= x; b[1] += x[0]\n    update(*ps)",
    "arguments of a list and others": "def update(rate, *given):\n        for p in given: p -= rate * x\n    update(0.1, *ps)",
    "arguments of a dict": "def update(W, b):\n        W *= x; b[1] += x[0]\n    update(**dict(W=W, b=b))",
    "arguments of a method": "sgd.both(*ps)",
    "starmap": "import itertools; pairs = [(W, x), (b, x)]; list(itertools.starmap(less, pairs))\n    for _ in itertools.starmap(first, pairs): pass",
    "called object": "sgd(W, gs[0]); sgd(*[b, gs[1]])",
    "list without a name": "[W, b][1][0] = x[0] * x[1]; [W, b][-1][1] += x[1]; (W, b)[0][:] -= x",
    "method of an operator": "W.__imul__(x); b.__isub__(x[0])",
    "operator as a function": "import operator; operator.iadd(ps[0], x); b = operator.itruediv(b, x)",
}
# Python 3.13 does not tell of all of these calls what they have
_SET_UP = {
    "an object that is set up": "class Layer:\n        def __init__(self, W, by):\n            self.W = W\n            W -= by; self.W[0] = by[1]\n    l = Layer(W, x); Layer(W=b, by=x); l.W[1] = x[0]",
    "an object of an inner class": "class Layer:\n        def __init__(self, W): W *= x\n    class Dense(Layer):\n        def __init__(self, *given): super().__init__(*given); given[0][1] = x[2]\n    Dense(W); Dense(b)",
}
CALLED = {name: f"{_UPDATES}    {text}{_LOSS}" for name, text in _CALLS.items()}
SET_UP = {name: f"{_UPDATES}    {text}{_LOSS}" for name, text in _SET_UP.items()}
_KEPT = "    k = np.empty(1, object); k[0] = W\n"
_HELD = {
    "an object that is set up": "class Layer:\n        def __init__(self, W): W -= x\n    Layer(W)",
    "starmap": "import itertools; list(itertools.starmap(less, zip(ps, gs)))",
    "map": _CALLS["list of map"],
    "map of an object": _CALLS["map of an object"],
    "reduced": _CALLS["reduced"],
    "arguments of a list": _CALLS["arguments of a list"],
    "arguments of a dict": _CALLS["arguments of a dict"],
    "called object": _CALLS["called object"],
    "list without a name": "[W, b][0][0] = x[0]",
    "method of an operator": "W.__imul__(x)",
}
# What goes on with the array itself, and would not have what is written
_GOING_ON = {
    "reduced, and given twice": "k = np.empty(1, object); k[0] = W\n    functools.reduce(lambda p, g: p if less(p, x) else p, [W], W); W = k[0]",
    "reduced, and named anew": "k = np.empty(1, object); k[0] = b\n    def other(p, g):\n        nonlocal W\n        W = g\n        g -= x\n        return p\n    functools.reduce(other, [b], W); b = k[0]",
    "filtered": "W = list(filter(lambda p: less(p, x) is None, [W]))[0]",
    "sorted by a key": "W = sorted(ps, key=lambda p: (less(p, x), p[0] * 0 + p.ndim)[1])[0]",
    "accumulated": "import itertools; W = list(itertools.accumulate(gs, lambda p, g: (less(p, g), p)[1], initial=W))[0]",
    "waiting in another map": "def wait(p, _): return p\n    W = list(map(wait, iter([W]), map(less, [W], [x])))[0]",
    "another array by then": "def other(p, g):\n        p = k[0]\n        p[0] = g[0]\n    k = np.empty(1, object); k[0] = W; W = DATA * 1; list(map(other, [b], gs)); W = k[0]",
    "its other names in a recursion": "def put(p, n):\n        q = p\n        if n: put(p, n - 1 if n > 1 else 0)\n        else: q[0] = x[0]\n    k = np.empty(1, object); k[0] = W; put(W, 2); W = k[0]",
    "weakly referred to": "V = DATA * 1; r = weakref.ref(V); V *= x; W = r()",
    "weakly referred to, and lent": "V = DATA * 1; r = weakref.ref(V); less(V, x); W = V",
    "a default": "k = np.empty(1, object); k[0] = W\n    def of(g, p=W): p -= g\n    list(map(of, gs)); W = k[0]",
}
HELD_WHILE_CALLED = {
    **{
        f"held, {name}": f"{_UPDATES}{_KEPT}    {text}\n    W = k[0]{_LOSS}" for name, text in _HELD.items()
    },
    **{name: f"{_UPDATES}    {text}{_LOSS}" for name, text in _GOING_ON.items()},
}
