"""Arrays of plain code's that lists, dicts and objects hold, too: a write is seen through all of them.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

INSIDE = {
    "under keys that count as false": """
    d = {0: DATA.copy()}; d[""] = d[0]
    d[0][0] = x[0]
    return d[""].sum() + d[0].prod()
""",
    "conditional keep": """
    c = True; d = {"b": DATA.copy()}; e = {"b": 5.0}; keep = [d["b"]]
    (d if c else e)["b"][0] = x[0]
    return keep[0].sum() + e["b"]
""",
    "dict items iter": """
    d = {"b": DATA.copy(), "c": DATA.copy()}; t = 0.0
    for k, v in d.items():
        d[k][0] = x[0]
        t = t + v.sum()
    return t
""",
    "exec in function": r"""
    b = DATA.copy(); keep = [b]
    import linecache
    text = "b[0] = x[0]\n"
    linecache.cache["<mine>"] = (len(text), None, [text], "<mine>")
    exec(compile(text, "<mine>", "exec"))
    return b.sum() + keep[0].sum()
""",
    "fromkeys": """
    d = dict.fromkeys("abc", DATA.copy())
    d["a"][0] = x[0]
    return d["c"].sum()
""",
    "global and local": """
    global G
    G = b = DATA.copy()
    b[0] = x[0]
    r = G.sum(); G = None
    return r
""",
    "list iter": """
    ls = [DATA.copy(), DATA.copy()]; t = 0.0
    for v in ls:
        v[0] = x[0]
    return sum(v.sum() for v in ls)
""",
    "list repeated": """
    ls = [DATA.copy()] * 3
    ls[0][0] = x[0]
    return ls[2].sum()
""",
    "local not dict": """
    d = {"b": DATA.copy()}; b = d["b"]
    b[0] = x[0]
    return d["b"] @ DATA
""",
    "locals dict hidden": """
    b = DATA.copy(); keep = [b]; d = locals()
    d["b"][0] = x[0]
    return keep[0].sum()
""",
    "locals extra": """
    b = DATA.copy(); locals()["extra"] = b; keep = [b]
    b[0] = x[0]
    return keep[0].sum()
""",
    "slot and name": """
    class S:
        __slots__ = ("b",)
    s = S(); s.b = b = DATA.copy()
    b[0] = x[0]
    return s.b.sum()
""",
    "slot descriptor alias": """
    class S:
        __slots__ = ("b", "c")
    s = S(); s.b = s.c = DATA.copy()
    b = s.b
    b[0] = x[0]
    return s.c @ DATA
""",
    "two attrs": """
    s = SimpleNamespace(); s.b = s.c = DATA.copy()
    s.b[0] = x[0]
    return s.c.sum()
""",
    "loop over a list": """
    ws = [DATA.copy(), DATA * 2]
    for w in ws: w -= 0.1 * x
    return (ws[0] * ws[1]).sum()
""",
    "loop over weights and gradients": """
    ws = [np.random.default_rng(seed).normal(size=4) for seed in range(3)]
    for w, g in zip(ws, [x, x * x, x[0]]): w -= 0.1 * g
    return (ws[0] * ws[1]).sum() + ws[2].prod()
""",
    "loop over numbered weights": """
    ws = [DATA.copy(), DATA * 2]
    for i, w in enumerate(ws): w[:] = w - x * i
    return (ws[0] * ws[1]).sum()
""",
    "loop over items": """
    p = {"W": DATA.copy(), "b": DATA * 2}
    for name, w in p.items(): w *= x
    for name, w in reversed(p.items()): w[1] = x[0]
    return (p["W"] * p["b"]).sum()
""",
    "weights of an object": """
    class Layer:
        def __init__(self):
            self.w = DATA.copy()
            self.parameters = {"w": self.w}
    layers = [Layer(), Layer()]
    for layer in layers:
        for w in layer.parameters.values(): w -= 0.1 * x
    return sum((layer.w ** 2).sum() for layer in layers)
""",
    "in two lists and a default dict": """
    b = DATA.copy()
    one, other = [b], collections.defaultdict(list, {"b": [[b]]})
    b *= x
    one[0][0] = x[1] * x[2]
    return (other["b"][0][0] * b).sum()
""",
    "default": """
    b = DATA.copy()
    def total(b=b): return b.sum()
    b[0] = x[0]
    return total()
""",
    "buffer that is a default": """
    def add(y, z=1, out=DATA.copy()):
        out[0] = y * z; out[1:] += y
        return np.multiply(out, y, out=out).sum()
    return add(x[0]) * add(x[1], 2) + add.__defaults__[1][1]
""",
    "buffer that is a default by name, of a method": """
    class Net:
        def add(self, y, *, out=DATA.copy()):
            out += y
            return out.sum()
    return Net().add(x[0]) * Net().add(x[1])
""",
    "class attribute": """
    class Net:
        buf = DATA.copy()
        def add(self, y):
            self.buf[0] = y
            Net.buf += y
            return self.buf.sum()
    return Net().add(x[0]) * Net().add(x[1])
""",
    "class attribute of a base, which an object gets": """
    class Base: buf = DATA.copy()
    class Net(Base): pass
    one, other = Net(), Net()
    one.buf[1:] *= x[1:]
    one.buf += x
    Base.buf[0] = x[1] * Base.buf[1]
    return one.buf.prod() + other.buf @ DATA + (one.buf is other.buf)
""",
    "default in a tuple that something else has": """
    def total(b=DATA.copy()):
        b[0] = x[0]
        return b.sum()
    defaults = total.__defaults__
    return total() + defaults[0].sum()
""",
    "partial": """
    b = DATA.copy(); p = functools.partial(np.dot, b)
    b[0] = x[0]
    return p(DATA)
""",
    "tuple holds": """
    t = (DATA.copy(),)
    t[0][0] = x[0]
    return t[0].sum()
""",
    "star args": """
    b = DATA.copy()
    def put(*a):
        a[0][0] = x[0]
    put(b)
    return b.sum()
""",
    "star named": """
    b = DATA.copy()
    def put(*a):
        c = a[0]
        c[0] = x[0]
        return a[0].sum()
    return put(b) + b.sum()
""",
    "the pair of a loop": """
    ws = [DATA.copy(), DATA * 2]; t = 0.0
    for pair in zip(ws, [x, x[0]]):
        w, g = pair
        w -= 0.1 * g
        t = t + pair[0].sum()
    return t
""",
    "the item of a loop": """
    p = {"W": DATA.copy()}; t = 0.0
    for item in p.items():
        name, w = item
        w *= x
        t = t + item[1].sum()
    return t
""",
    "decorated": """
    def deco(f):
        @functools.wraps(f)
        def w(*a, **k): return f(*a, **k)
        return w
    @deco
    def put(b, v):
        b[0] = v
        return b
    b = DATA.copy()
    return put(b, x[0]).sum() + b.sum()
""",
    "slot": """
    class S:
        __slots__ = ("b",)
    s = S(); s.b = DATA.copy()
    s.b[0] = x[0]
    return s.b.sum()
""",
    "in deque": """
    d = collections.deque([DATA.copy()])
    d[0][0] = x[0]
    return d[0].sum()
""",
    "in defaultdict": """
    d = collections.defaultdict(lambda: DATA.copy())
    d["a"][0] = x[0]
    return d["a"].sum()
""",
}
