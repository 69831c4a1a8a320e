"""Arrays that plain code made and only variables, attributes and items hold: a traced value written into them is followed.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

IMPORTS = """
import asyncio, collections, contextlib, copy, enum, functools, gc, linecache, pickle, queue, sys, threading, types, weakref
from types import SimpleNamespace
import numpy as np

DATA = np.array([1.0, 2.0, 3.0, 4.0])
STATE = SimpleNamespace()
G = None
"""

HELD = {
    "generator closure": """
    b = DATA.copy()
    def gen():
        yield b.sum()
        yield b.sum()
    g = gen(); s = next(g)
    b[0] = x[0]
    return s + next(g)
""",
    "dict view": """
    d = {"b": DATA.copy()}; v = d.values()
    d["b"][0] = x[0]
    return sum(each.sum() for each in v)
""",
    "attr and local": """
    s = SimpleNamespace(); s.b = b = DATA.copy()
    s.b[0] = x[0]
    return b.sum() * s.b[0]
""",
    "setattr watch": """
    class S:
        n = 0
        def __setattr__(self, k, v):
            S.n += 1; object.__setattr__(self, k, v)
    s = S(); s.b = DATA.copy()
    s.b[0] = x[0]
    return s.b.sum() * S.n
""",
    "dict int keys": """
    d = {1: DATA.copy()}
    d[True][0] = x[0]
    return d[1.0].sum()
""",
    "conditional container": """
    c = True; d = {"b": DATA.copy()}; e = {"b": [7.0]}
    (d if c else e)["b"][0] = x[0]
    return d["b"].sum() + e["b"][0]
""",
    "locals dict": """
    b = DATA.copy(); d = locals()
    d["b"][0] = x[0]
    return b.sum()
""",
    "global plain": """
    global G
    G = DATA.copy()
    G[0] = x[0]
    r = G.sum() * G[0]; G = None
    return r
""",
    "local hides global": """
    STATE = DATA.copy()
    STATE[0] = x[0]
    return STATE.sum()
""",
    "frame kept": """
    b = DATA.copy(); f = sys._getframe(); fl = f.f_locals
    b[0] = x[0]
    return fl["b"].sum() + f.f_locals["b"].sum()
""",
    "kwargs named": """
    b = DATA.copy()
    def put(**k):
        k["c"][0] = x[0]
        return k["c"].sum()
    return put(c=b) + b.sum()
""",
    "param rebound": """
    def put(c):
        c = c.copy()
        c[0] = x[0]
        return c.sum()
    return put(DATA)
""",
    "temporary": """
    def put(c):
        c[0] = x[0]
        return c.sum()
    return put(DATA.copy())
""",
    "copy module": """
    b = copy.deepcopy(DATA); b[0] = x[0]
    c = copy.copy(b); c[1] = x[1]
    return b.sum() * c.prod()
""",
    "property cycle": """
    s = SimpleNamespace(b=DATA.copy()); s.me = s
    s.me.me.b[0] = x[0]
    return s.b.sum()
""",
    "class body": """
    class C:
        b = DATA.copy()
        b[0] = x[0]
    return C.b.sum()
""",
    "class body prepared": """
    class M(type):
        @classmethod
        def __prepare__(cls, *a): return collections.OrderedDict()
    class C(metaclass=M):
        b = DATA.copy()
        c = b
        b[0] = x[0]
    return C.c.sum()
""",
    "weakref local": """
    class D: pass
    d = D(); r = weakref.ref(d); b = DATA.copy()
    b[0] = x[0]
    d = 0
    return b.sum() * (2 if r() is None else 1)
""",
    "stays in state": """
    STATE.b = DATA.copy()
    STATE.b[0] = x[0]
    return STATE.b
""",
    "returned same": """
    b = DATA.copy(); b[0] = x[0]
    STATE.b = b
    return b
""",
    "pickled": """
    b = pickle.loads(pickle.dumps(DATA, 4)); b[0] = x[0]
    return b @ DATA
""",
    "resized": """
    b = DATA.copy(); b[0] = x[0]
    return np.concatenate([b, b]) @ np.arange(8.0)
""",
    "shape set": """
    b = DATA.copy(); b.shape = (2, 2); b[0, 1] = x[0]
    return (b @ b).sum()
""",
    "sorted after": """
    b = DATA[::-1].copy(); b[0] = x[0]; b.sort()
    return b @ DATA
""",
    "value of view": """
    b = DATA.copy(); b[1:] = x[:3]; b[:3] = b[1:]
    return b @ DATA
""",
    "memory then write": """
    b = DATA.copy(); b[0] = x[0]; m = b[1:]; m[0] = x[1]; b += 1
    return b @ DATA
""",
    "int8 wraps": """
    b = DATA.repeat(75); i = np.int8(100)
    j = np.int8(90)
    with np.errstate(all="ignore"):
        b[i + j] = x[0]
    return b @ np.arange(300.0)
""",
    "aug closure ufunc": """
    b = DATA.copy(); n = 2
    def put(i):
        b[i + n - 2] += np.sin(x[i]) * x.sum()
    put(0); put(1)
    return b @ DATA
""",
    "aug user call local": """
    b = DATA.copy()
    def g(v): return v * v
    for i in range(4):
        b[i] += g(x[i])
    return b @ DATA
""",
    "exec in function alone": r"""
    b = DATA.copy()
    import linecache
    text = "b[0] = x[0]\n"
    linecache.cache["<mine>"] = (len(text), None, [text], "<mine>")
    exec(compile(text, "<mine>", "exec"))
    return b.sum()
""",
    "nonlocal two levels": """
    b = DATA.copy()
    def one():
        c = b
        def two():
            nonlocal b
            b[0] = x[0]
            return c.sum()
        return two() + b.sum()
    return one() + b.sum()
""",
    "same name cells": """
    def make(b):
        def total(): return b.sum()
        def put(i, v): b[i] = v
        return total, put
    t1, p1 = make(DATA.copy()); t2, p2 = make(DATA * 2)
    p1(0, x[0]); p2(1, x[1])
    return t1() * t2()
""",
    "local and cell same name": """
    def outer(b):
        def inner(): b[0] = x[0]; return b.sum()
        return inner
    b = DATA.copy(); f = outer(b); keep = [b]; del b
    keep.pop()
    return f()
""",
    "mixed dict local": """
    d = {"b": DATA.copy()}; b = d["b"]
    d["b"][0] = x[0]
    return b @ DATA + d["b"].prod()
""",
    "dict key changes": """
    d = {"a": DATA.copy(), "b": DATA * 2}; k = "a"
    d[k][0] = x[0]; k = "b"; d[k][1] = x[1]
    return d["a"] @ d["b"]
""",
    "list pop value": """
    ls = [DATA.copy(), DATA * 2]
    ls[0][0] = ls.pop()[1] * x[0]
    return ls[0] @ DATA
""",
    "long double": """
    b = DATA.astype(np.longdouble); b[0] = x[0]
    return (b * b).sum() * 1
""",
    "write twice then view": """
    b = DATA.copy(); b[0] = x[0]; v = b[:2]; b[1] = v[0] * x[1]; v[0] = x[2]
    return b @ DATA + v.sum()
""",
    "locals value seen": """
    b = DATA.copy(); b[0] = x[0]; n = 1; d = locals(); n = 2; b[1] = x[1]
    return b.sum() * d["n"]
""",
    "locals extra persists": """
    b = DATA.copy(); locals()["q"] = 5
    b[0] = x[0]
    return b.sum() * locals().get("q", 1)
""",
    "exec sets local": """
    exec("z = 3"); b = DATA.copy()
    b[0] = x[0]
    return b.sum() * locals().get("z", 0.5)
""",
    "float trap": """
    b = DATA.copy(); m = DATA > 2
    b[m == False] = x[0]
    return b @ DATA
""",
    "matrix pair": """
    b = np.outer(DATA, DATA); i, j = 1, 2
    b[i, j] = x[0]; b[j][i] = x[1]
    return (b @ DATA) @ DATA
""",
    "profile on": """
    import cProfile
    p = cProfile.Profile()
    def put():
        b = DATA.copy(); t = 0
        for i in range(4):
            t += i; b[i] = x[i] * t
        return b @ DATA * t
    return p.runcall(put)
""",
    "trace callback writes": """
    got = []
    def put():
        b = DATA.copy(); t = 0
        for i in range(3):
            t += i
        b[0] = x[0]
        return b.sum() * t
    def tracer(frame, event, arg):
        if event == "line" and frame.f_code is put.__code__ and len(got) < 2:
            c = DATA.copy(); c[1] = x[1]; d = np.zeros(2); d[0] = x[0]
            got.append(c.sum() + d.sum())
        return tracer
    old = sys.gettrace(); sys.settrace(tracer)
    try:
        return put() + sum(got)
    finally:
        sys.settrace(old)
""",
    "locals extra two": """
    b = DATA.copy(); d = locals(); d["extra"] = b
    b[0] = x[0]
    return d["extra"].sum()
""",
}
