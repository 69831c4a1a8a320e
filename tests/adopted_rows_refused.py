"""Writes of a traced value of which nobody can tell where they go: they are errors.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

NOT_TOLD = {
    "aug call moves index": """
    b = DATA.copy(); k = [0]
    def g():
        k[0] += 1
        return x[0]
    b[k[0]] += g()
    return b @ DATA
""",
    "aug method moves index": """
    class R:
        k = 0
        def next(self):
            self.k += 1
            return x[self.k]
    r = R(); b = DATA.copy()
    for _ in range(3):
        b[r.k] += r.next()
    return (b * b) @ DATA
""",
    "aug nonlocal index": """
    b = DATA.copy(); i = 0
    def g():
        nonlocal i
        i += 1
        return x[i]
    b[i] += g()
    return b @ DATA
""",
    "aug walrus index": """
    b = DATA.copy(); i = 0
    b[i] += (i := 2) * x[0]
    return b @ DATA
""",
    "aug walrus array": """
    b = c = DATA.copy(); d = DATA * 3
    b[0] += (b := d)[1] * x[0]
    return b @ DATA + c.prod()
""",
    "aug rebinds array": """
    b = c = DATA.copy()
    def g():
        nonlocal b
        b = DATA * 7
        return x[0]
    b[0] += g()
    return b @ DATA + c.prod()
""",
    "aug index array changes": """
    b = DATA.copy(); k = np.array([0])
    def g():
        k[0] = 2
        return x[:1]
    b[k] += g()
    return b @ DATA
""",
    "assign walrus in index": """
    b = DATA.copy()
    b[(i := 2)] = x[0]
    return b @ DATA * i
""",
    "index call": """
    b = DATA.copy(); it = iter(range(4))
    b[next(it)] = x[0]
    return b @ DATA
""",
    "int8 arithmetic": """
    b = DATA.repeat(75); i = np.int8(100)
    with np.errstate(all="ignore"):
        b[i + np.int8(100)] = x[0]
    return b @ np.arange(300.0)
""",
    "int enum": """
    class E(enum.IntEnum):
        A = 1
    b = DATA.copy(); b[E.A + 1] = x[0]
    return b @ DATA
""",
    "int subclass": """
    class I(int):
        def __add__(self, o): return 0
    b = DATA.copy(); i = I(1)
    b[i + 1] = x[0]
    return b @ DATA
""",
    "getattribute": """
    class I:
        k = 1
        def __getattribute__(self, n): return 3 if n == "k" else object.__getattribute__(self, n)
    b = DATA.copy(); i = I()
    b[i.k] = x[0]
    return b @ DATA
""",
    "getattribute instance": """
    class I:
        def __init__(self): self.k = 1
        def __getattribute__(self, n): return 3 if n == "k" else object.__getattribute__(self, n)
    b = DATA.copy(); i = I()
    b[i.k] = x[0]
    return b @ DATA
""",
    "getattribute array": """
    class I:
        def __init__(self): self.b = DATA.copy(); self.c = DATA * 2
        def __getattribute__(self, n): return object.__getattribute__(self, "c" if n == "b" else n)
    i = I()
    i.b[0] = x[0]
    return i.b @ DATA + vars(i)["b"].prod()
""",
    "getattr static meta": """
    class M(type):
        def __getattribute__(self, n): return 3 if n == "k" else type.__getattribute__(self, n)
    class I(metaclass=M):
        k = 1
    b = DATA.copy()
    b[I.k] = x[0]
    return b @ DATA
""",
    "np bool index": """
    b = DATA.copy(); b[np.True_] = x[0]
    return b @ DATA
""",
    "np s": """
    b = DATA.copy(); b[np.s_[1:3]] = x[:2]
    return b @ DATA
""",
    "list into part": """
    b = DATA.copy(); b[:2] = [x[0], x[1]]
    return b @ DATA
""",
    "list mixed": """
    b = DATA.copy(); b[:2] = [5.0, x[1]]
    return b @ DATA
""",
    "tuple named into part": """
    b = DATA.copy(); t = (x[0] * x[1], 3.0); b[:2] = t
    return b @ DATA
""",
    "method list": """
    b = DATA.copy(); b[:] = x.tolist()
    return b @ DATA
""",
    "ints": """
    b = np.arange(4); b[0] = x[0]
    return b.sum() * x[1]
""",
    "matrix class": """
    class A(np.ndarray): pass
    b = DATA.copy().view(A); b[0] = x[0]
    return b.sum()
""",
    "masked array": """
    b = np.ma.masked_array(DATA.copy()); b[0] = x[0]
    return b.sum()
""",
    "several on a line": """
    b = DATA.copy(); c = DATA * 3; b[0] = x[0]; c[b.argmax()] = x[1]; c[0] = x[2]; b[1] = c[2] * x[3]
    return b @ c
""",
    "lambda default": """
    f = lambda b=DATA.copy(): b
    f()[0] = x[0]
    return f().sum()
""",
    "recursion cells": """
    def go(b, n):
        def total(): return b.sum()
        if n == 2:
            b[n] = x[n]
            return total()
        return go(b, n + 1) + total()
    return go(DATA.copy(), 0)
""",
    "private name": """
    class C:
        def __init__(self): self.__b = DATA.copy()
        def go(self):
            self.__b[0] = x[0]
            return self.__b.sum()
    return C().go()
""",
    "exec no source": r"""
    ns = {"b": DATA.copy(), "x": x}
    exec("b[0] = x[0]\nr = b.sum()", ns)
    return ns["r"]
""",
    "aug numeric key runs": """
    class R:
        k = 0
        def next(self):
            self.k += 1
            return self.k
    r = R(); b = DATA.copy()
    b[r.k] += x[r.next()]
    return b @ DATA
""",
    "same name cells shared": """
    def make(b):
        def total(): return b.sum()
        def put(i, v): b[i] = v
        return total, put
    c = DATA.copy()
    t1, p1 = make(c); t2, p2 = make(c); del c
    p1(0, x[0])
    return t2()
""",
    "cell and cell in chain": """
    def f(b, n):
        g = lambda: b.sum()
        if n: return f(b, n - 1) + g()
        b[0] = x[0]
        return g()
    b = DATA.copy()
    return f(b, 1)
""",
    "cell hidden by chain": """
    def make(b):
        return lambda: b.sum()
    b = DATA.copy(); k = make(b)
    def put():
        b[0] = x[0]
    put()
    return k() * b.sum()
""",
    "star import dict": """
    ns = SimpleNamespace(**{"b": DATA.copy()}); vars(ns)["b"][0] = x[0]
    return ns.b @ DATA
""",
    "dict aug key": """
    d = {"a": DATA.copy(), "b": DATA * 2}; k = "a"
    def g():
        nonlocal k
        k = "b"; return x[0]
    d[k][0] += g()
    return d["a"] @ DATA + d["b"].prod()
""",
    "list insert aug": """
    ls = [DATA.copy(), DATA * 2]
    def g():
        ls.insert(0, DATA * 5); return x[0]
    ls[0][0] += g()
    return sum(i * l @ DATA for i, l in enumerate(ls))
""",
}
