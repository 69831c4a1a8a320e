"""Arrays in variables of loops, closures, generators and waiting calls: a traced value written into them is followed.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

IN_FRAMES = {
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
    gc.collect(1)
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
    "generator holds": """
    b = DATA.copy()
    def gen(b):
        yield b.sum()
        yield b.sum()
    g = gen(b); s = next(g)
    b[0] = x[0]
    return s + next(g)
""",
    "generator suspended local": """
    def gen(b):
        yield
        yield b @ DATA
    b = DATA.copy(); g = gen(b); next(g)
    b[0] = x[0]
    return next(g)
""",
    "gathered": """
    async def put(b, i):
        await asyncio.sleep(0)
        b[i] = x[i]
        await asyncio.sleep(0)
        return b.sum()
    async def main():
        b = DATA.copy()
        return sum(await asyncio.gather(put(b, 0), put(b, 1))) + b @ DATA
    return asyncio.run(main())
""",
    "context manager": """
    @contextlib.contextmanager
    def arr():
        b = DATA.copy()
        yield b
        b[1] = x[1]
    with arr() as c:
        c[0] = x[0]
        s = c.sum()
    return c @ DATA + s
""",
}
