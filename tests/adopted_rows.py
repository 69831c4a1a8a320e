"""Programs that write a traced value into an array that plain code made, and are followed: the bodies of functions of an array x of four numbers.

As text, as the place and the shape of each statement is what they are about. Used by test_adopted.py.
"""

IMPORTS = """
import asyncio, collections, contextlib, copy, enum, functools, gc, linecache, pickle, queue, sys, threading, types, weakref
from types import SimpleNamespace
import numpy as np

DATA = np.array([1.0, 2.0, 3.0, 4.0])
STATE = SimpleNamespace()
G = None
"""

FOLLOWED = {
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
    "locals extra two": """
    b = DATA.copy(); d = locals(); d["extra"] = b
    b[0] = x[0]
    return d["extra"].sum()
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
    "aug simple": """
    b = DATA.copy()
    for i in range(3):
        b[i + 1] += x[i] * b[i]
    return b @ DATA
""",
    "aug attr": """
    s = SimpleNamespace(b=DATA.copy(), k=2)
    s.b[s.k] *= x[0]
    return s.b @ DATA
""",
    "aug call local": """
    b = DATA.copy(); i = 1
    b[i] += np.sin(x[0])
    return b @ DATA
""",
    "assign walrus": """
    b = DATA.copy(); i = 0
    b[i] = (i := 2) * x[0]
    return b @ DATA
""",
    "int8 negative": """
    b = DATA.repeat(75); i = np.uint8(1)
    with np.errstate(all="ignore"):
        b[-i] = x[0]
    return b @ np.arange(300.0)
""",
    "int64 arithmetic": """
    b = DATA.copy()
    for i in np.arange(3):
        b[i + 1] = x[i]
    return b @ DATA
""",
    "int subclass index": """
    class I(int):
        def __index__(self): return 3
    b = DATA.copy(); i = I(1)
    b[i] = x[0]
    return b @ DATA
""",
    "module getattr": """
    m = types.ModuleType("m"); m.k = 2
    b = DATA.copy(); b[m.k] = x[0]
    return b @ DATA
""",
    "bool index": """
    b = DATA.copy(); b[True] = x[0]
    return b @ DATA
""",
    "bool false index": """
    b = DATA.copy(); b[False] = x[0]
    b[1] = x[1]
    return b @ DATA
""",
    "fancy": """
    b = DATA.copy(); k = np.array([3, 0]); b[k] = x[:2]
    return b @ DATA
""",
    "mask negated": """
    b = DATA.copy(); m = DATA > 2; b[~m] = x[0]
    return b @ DATA
""",
    "mask compare": """
    b = DATA.copy(); b[b > 2] = x[0]
    return b @ DATA
""",
    "mask traced": """
    b = DATA.copy(); b[x > 2] = x[0]
    return b @ DATA
""",
    "ellipsis": """
    b = DATA.copy(); b[...] = x
    return b @ DATA
""",
    "ellipsis index": """
    b = np.outer(DATA, DATA); b[..., -1] = x
    return (b @ DATA).sum()
""",
    "newaxis": """
    b = DATA.copy(); b[None, :] = x
    return b @ DATA
""",
    "slice object": """
    b = DATA.copy(); s = slice(1, None, 2); b[s] = x[:2]
    return b @ DATA
""",
    "slice negative step": """
    b = DATA.copy(); b[::-1] = x
    return b @ DATA
""",
    "traced int slice": """
    b = DATA.copy(); n = len(x) // 2; b[n:] = x[:n]
    return b @ DATA
""",
    "out of range": """
    b = DATA.copy()
    try:
        b[4] = x[0]
    except IndexError as e:
        return b.sum() * x[1] * len(str(e))
    return 0.0
""",
    "wrong shape": """
    b = DATA.copy()
    try:
        b[:2] = x[:3]
    except ValueError as e:
        return b.sum() * x[1] * len(str(e))
    return 0.0
""",
    "too many indices": """
    b = DATA.copy()
    try:
        b[0, 0] = x[0]
    except IndexError as e:
        return b.sum() * x[1] * len(str(e))
    return 0.0
""",
    "read only": """
    b = DATA.copy(); b.flags.writeable = False
    try:
        b[0] = x[0]
    except ValueError as e:
        return b.sum() * x[1] * len(str(e))
    return 0.0
""",
    "sequence into number": """
    b = DATA.copy()
    try:
        b[0] = [x[0], x[1]]
    except (ValueError, TypeError) as e:
        return b.sum() * x[1]
    return 0.0
""",
    "array into number": """
    b = DATA.copy()
    try:
        b[0] = x
    except (ValueError, TypeError) as e:
        return b.sum() * x[1] * len(str(e))
    return 0.0
""",
    "complex into float": """
    b = DATA.copy() * 1j; b[0] = x[0]
    return (b * b.conj()).real.sum()
""",
    "fortran": """
    b = np.asfortranarray(np.outer(DATA, DATA)).copy("F"); b[1] = x
    return (b @ DATA) @ DATA + b.ravel("K")[1]
""",
    "view": """
    b = np.arange(8.0)[2:6]; b[0] = x[0]
    return b @ DATA
""",
    "real part": """
    b = DATA.copy(); b.real[0] = x[0]
    return b.sum()
""",
    "zero d": """
    b = np.array(3.0).copy(); b[()] = x[0]
    return b * x[1]
""",
    "zero d sum": """
    b = np.array(DATA.sum()); b[...] = x[0]
    return b * 2.0
""",
    "size one array": """
    b = DATA.copy(); b[:1] = x[:1]
    return b @ DATA
""",
    "tuple targets": """
    a, b = DATA.copy(), DATA * 2
    a[0], b[1] = x[0], x[1]
    return (a * b).sum()
""",
    "swap": """
    b = DATA.copy(); b[0] = x[0]
    b[1], b[0] = b[0], b[1]
    return b @ DATA
""",
    "swap first": """
    b = DATA.copy()
    b[0], b[1] = b[1] * x[0], b[0]
    return b @ DATA
""",
    "chained": """
    b = DATA.copy(); a = b[0] = x[0]
    return b @ DATA * a
""",
    "chained two": """
    b, c = DATA.copy(), DATA * 2; b[0] = c[1] = x[0] * x[1]
    return b @ c
""",
    "for target": """
    b = DATA.copy()
    for b[1] in x:
        pass
    return b @ DATA
""",
    "for target pairs": """
    b = DATA.copy(); t = 0.0
    for i, b[0] in enumerate(x):
        t = t + b[0] * b[i]
    return t
""",
    "with target": """
    b = DATA.copy()
    with contextlib.nullcontext(x[0]) as b[0]:
        return b @ DATA
""",
    "star target": """
    b = DATA.copy()
    b[0], *rest = x
    return b @ DATA + sum(rest)
""",
    "annotated": """
    b = DATA.copy()
    b[0]: float = x[0]
    return b @ DATA
""",
    "comprehension target": """
    b = DATA.copy()
    [0 for b[0] in x]
    return b @ DATA
""",
    "conditional value": """
    b = DATA.copy(); b[0] = x[0] if x[0] > 0 else x[1]
    return b @ DATA
""",
    "try finally": """
    b = DATA.copy()
    try:
        b[0] = x[0]
    finally:
        b[1] = x[1]
    return b @ DATA
""",
    "finally after error": """
    b = DATA.copy()
    try:
        try:
            raise ValueError
        finally:
            b[0] = x[0]
    except ValueError:
        b[1] = x[1]
    return b @ DATA
""",
    "match statement": """
    b = DATA.copy()
    match x[0] > 0:
        case _: b[0] = x[0]
    return b @ DATA
""",
    "del after": """
    b = DATA.copy(); c = b; del b
    c[0] = x[0]
    return c @ DATA
""",
    "loop variables": """
    b = DATA.copy(); t = 0.0
    for i in range(4):
        for j in range(2):
            k = i + j
            b[i] = x[i] * k
            t = t + i * 10 + j + k
            i = j
    return b @ DATA + t
""",
    "loop rebinds": """
    t = 0.0
    for i in range(3):
        b = DATA * i
        c = b
        b[i] = x[i]
        t = t + c @ DATA
    return t
""",
    "recursion": """
    def go(n):
        b = DATA * n
        if n == 0:
            return 0.0
        b[n - 1] = x[n - 1]
        below = go(n - 1)
        b[0] = b[0] * 2
        return below + b @ DATA
    return go(3)
""",
    "recursion shared": """
    def go(b, n):
        if n == 4:
            return
        b[n] = x[n]
        go(b, n + 1)
    b = DATA.copy(); go(b, 0)
    return b @ DATA
""",
    "recursion written deep": """
    def go(b, n):
        c = b
        if n == 3:
            b[n] = x[n]
        else:
            go(b, n + 1)
        return c.sum() * b[3]
    b = DATA.copy()
    return go(b, 0) * b[3]
""",
    "nonlocal rebinds": """
    b = DATA.copy()
    def new():
        nonlocal b
        b = b * 2
        b[0] = x[0]
    new()
    return b @ DATA
""",
    "nested cells": """
    b = DATA.copy(); n = 0
    def outer():
        nonlocal n
        n += 1
        def inner():
            nonlocal n
            n += 10
            b[n % 4] = x[0] * n
            n += 100
        inner()
        n += 1000
    outer()
    return b @ DATA * n
""",
    "generator writes": """
    b = DATA.copy()
    def gen():
        i = 0
        while i < 4:
            b[i] = x[i]
            i += 1
            yield i
    t = 0.0
    for i in gen():
        t = t + i * b.sum()
    return t
""",
    "generator own": """
    def gen():
        b = DATA.copy()
        for i in range(4):
            b[i] = x[i]
            s = yield b.sum()
            b[0] = s
    g = gen(); t = next(g)
    for i in range(3):
        t = t + g.send(t * i)
    return t
""",
    "generator passed": """
    def gen(b):
        for i in range(4):
            yield
            b[i] = x[i] * i
    b = DATA.copy(); g = gen(b); t = 0.0
    for _ in g:
        t = t + b @ DATA
    return t
""",
    "yield from": """
    def inner(b):
        b[0] = x[0]
        yield b.sum()
        b[1] = x[1]
        yield b.sum()
    def outer(b):
        c = b
        yield from inner(b)
        yield c.prod()
    return sum(outer(DATA.copy()))
""",
    "yielded value": """
    def gen():
        b = DATA.copy()
        b[0] = yield
        yield b.sum()
    g = gen(); next(g)
    return g.send(x[0] * x[1])
""",
    "coroutine": """
    async def put(b):
        c = b
        await asyncio.sleep(0)
        b[0] = x[0]
        return c.sum()
    async def main():
        b = DATA.copy()
        return await put(b) + b @ DATA
    return asyncio.run(main())
""",
    "multi line": """
    b = DATA.copy(); i = 1
    b[
        i
        + 1
    ] = (
        x[0]
        * x[1]
    )
    return b @ DATA
""",
    "unicode line": """
    é = DATA.copy(); é[0] = x[0]; ü = é[0] * 2; é[1] = ü
    return é @ DATA
""",
    "inner class method": """
    class Net:
        def __init__(self): self.w = DATA.copy(); self.n = 0
        def step(self):
            self.w[self.n] = x[self.n] * self.w[self.n]
            self.n += 1
            return self
    return Net().step().step().step().w @ DATA
""",
    "same result twice": """
    a = b = DATA.copy()
    b[0] = x[0]
    assert a is b
    return float(a is b) * (a + b).sum()
""",
    "settrace": """
    seen = []
    def tracer(frame, event, arg):
        seen.append(len(frame.f_locals))
        return tracer
    old = sys.gettrace(); sys.settrace(tracer)
    try:
        def put():
            b = DATA.copy(); t = 0
            for i in range(4):
                t += i
                b[i] = x[i] * t
            return b @ DATA * t
        return put()
    finally:
        sys.settrace(old)
""",
    "setprofile": """
    def prof(frame, event, arg): frame.f_locals
    old = sys.getprofile(); sys.setprofile(prof)
    try:
        def put():
            b = DATA.copy(); t = 0
            for i in range(4):
                t += i
                b[i] = x[i] * t
            return b @ DATA * t
        return put()
    finally:
        sys.setprofile(old)
""",
    "settrace rebinds": """
    def tracer(frame, event, arg):
        if event == "line" and frame.f_locals.get("t") == 3: frame.f_locals["t"] = 30
        return tracer
    def put():
        b = DATA.copy(); t = 0
        for i in range(4):
            t += i
            b[i] = x[i] * t
        return b @ DATA * t
    old = sys.gettrace(); sys.settrace(tracer)
    try:
        return put()
    finally:
        sys.settrace(old)
""",
    "finaliser in write": """
    out = []
    class D:
        def __del__(self): out.append(1)
    b = DATA.copy(); d = D(); d.me = d; del d
    gc.collect()
    b[0] = x[0]
    return b.sum() * len(out)
""",
    "del in snapshot": """
    class D:
        gone = 0
        def __del__(self): D.gone += 1
    d = D(); b = DATA.copy()
    b[0] = x[0]
    del d
    return b.sum() * (1 + D.gone)
""",
    "del rebind snapshot": """
    class D:
        gone = 0
        def __del__(self): D.gone += 1
    b = DATA.copy(); d = D()
    b[0] = x[0]
    d = None
    b[1] = x[1] * (1 + D.gone)
    return b.sum()
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
    b = pickle.loads(pickle.dumps(DATA)); b[0] = x[0]
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
    return b.sum() * locals()["z"]
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
}
