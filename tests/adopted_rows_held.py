"""Arrays of plain code's that something else holds: a traced value written into them is an error.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

HELD_ELSEWHERE = {
    "cell of other": """
    b = DATA.copy()
    def keep(c=None):
        c = b
        return lambda: c.sum()
    k = keep()
    b[0] = x[0]*x[1]
    return k() + b.sum()
""",
    "pickled in place": """
    b = pickle.loads(pickle.dumps(DATA, 5)); b[0] = x[0]
    return b @ DATA
""",
    "held, and a choice added": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b; b[0] += x[0] if x[1] > 0 else x[2]
    return k[0] @ DATA
""",
    "held, and chained": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b; a = b[0] = x[0]
    return k[0] @ DATA * a
""",
    "held, in finally": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b
    try:
        try:
            raise ValueError
        finally:
            b[0] = x[0]
    except ValueError:
        return k[0] @ DATA
""",
    "held, of two by what is known": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b
    (1 and b)[0] = x[0]
    return k[0] @ DATA
""",
    "held, of two by a choice that is known": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b
    (b if True else None)[0] = x[0]
    return k[0] @ DATA
""",
    "held, on a line with others": """
    b = DATA.copy(); k = np.empty(1, object); k[0] = b; b[0] += (b[1] if x[1] > 0 else b[2]) * x[0]; b[3] = x[2] if x[1] > 0 else b[0]; b[2] = x[1]
    return k[0] @ DATA
""",
    "view of memory": """
    b = DATA.copy(); m = memoryview(b)
    b[0] = x[0]
    return m[0] + b.sum()
""",
    "pointer": """
    b = DATA.copy(); p = np.ctypeslib.as_ctypes(b)
    b[0] = x[0]
    return p[0] + b.sum()
""",
    "nditer": """
    b = DATA.copy(); it = np.nditer(b)
    b[0] = x[0]
    return float(next(it)) + b.sum()
""",
    "nditer write": """
    b = DATA.copy()
    for v in np.nditer(b, op_flags=["readwrite"]):
        v[...] = x[0]
    return b.sum()
""",
    "bound method": """
    b = DATA.copy(); total = b.sum
    b[0] = x[0]
    return total() + b[1]
""",
    "cached": """
    @functools.lru_cache
    def make(): return DATA.copy()
    make()[0]
    b = make()
    b[0] = x[0]
    return make().sum()
""",
    "cached direct": """
    @functools.lru_cache
    def make(): return DATA.copy()
    make()[0] = x[0]
    return make().sum()
""",
    "prop": """
    class S:
        def __init__(self): self._b = DATA.copy()
        @property
        def b(self): return self._b
    s = S()
    s.b[0] = x[0]
    return s.b.sum()
""",
    "other thread": """
    b = DATA.copy(); q = queue.Queue(); go = threading.Event(); out = []
    def work(c):
        go.wait(); out.append(float(c[1]) + float(c.sum()*0))
    t = threading.Thread(target=work, args=(b,)); t.start()
    try:
        b[0] = x[0]
    finally:
        go.set(); t.join()
    return b.sum() + out[0]
""",
    "weak": """
    b = DATA.copy(); r = weakref.ref(b)
    b[0] = x[0]
    return r().sum()
""",
    "weak value": """
    b = DATA.copy(); d = weakref.WeakValueDictionary({"b": b})
    b[0] = x[0]
    return d["b"].sum()
""",
    "in object array": """
    b = DATA.copy(); o = np.empty(1, object); o[0] = b
    b[0] = x[0]
    return o[0].sum()
""",
    "list negative": """
    ls = [DATA.copy(), DATA * 2]
    ls[-1][0] = x[0]
    return ls[1].sum() * ls[0].sum()
""",
    "conditional same": """
    c = True; d = {"b": DATA.copy()}
    (d if c else d)["b"][0] = x[0]
    return d["b"].sum()
""",
    "conditional array": """
    b, c = DATA.copy(), DATA * 2
    (b if x[0] > 0 else c)[0] = x[0]
    return b.sum() + c.sum()
""",
    "globals two": """
    global G
    G = DATA.copy()
    globals()["G"][0] = x[0]
    r = G.sum(); G = None
    return r
""",
    "traceback kept": """
    b = DATA.copy()
    def boom(c):
        raise ValueError
    try:
        boom(b)
    except ValueError as e:
        keep = e
    b[0] = x[0]
    return keep.__traceback__.tb_next.tb_frame.f_locals["c"].sum()
""",
    "in stack": """
    def add(a, s): return a.sum() + s
    b = DATA.copy()
    def put():
        b[0] = x[0]
        return 1.0
    return add(b, put())
""",
    "in display": """
    b = DATA.copy()
    def put():
        b[0] = x[0]
        return b
    c, d = [b, put()]
    return c.sum() + d.sum()
""",
    "in expression": """
    b = DATA.copy()
    def put():
        b[0] = x[0]
        return 2.0
    return (b * put()).sum()
""",
    "through map": """
    b = DATA.copy()
    def put(c, i):
        c[i] = x[i]
        return c.sum()
    return sum(map(put, [b, b], [0, 1])) + b.sum()
""",
}
