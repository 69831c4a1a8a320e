"""Arrays of plain code's that have views, and views of them that are written: a write is seen through all of them.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

_WRITES = {
    "row": "v = b[0]; v[1] = x[0]",
    "row and all of it": "v = b[1]; v[:] = v * x",
    "row changed": "v = b.ravel(); v -= 0.1 * x[0]; v[2:5] *= x[1:]",
    "two that overlap": "v = b[0]; u = b[:, 1]; v -= x; u *= x[0]; v[0] = u[1]",
    "made by the line": "b.T[0] = x[:2]; b.reshape(-1)[i + 1] = x[0]; np.transpose(b)[2] += x[2:]; b[1][1:].T[0] = x[3]",
    "changed where it is made": "b.T[0] += x[:2]; b[0][1:] -= x[0]; b.ravel()[3:].reshape(-1)[i] *= x[1]",
    "calls of rows": "np.copyto(b[0], x); np.add(b[1], x, out=b[0]); np.add.at(b[1], [0, 0], x[1]); b[0].fill(x[2])",
    "rows of a loop": "for r in b: r -= x",
    "rows beside others": "for r, n in zip(b, [1.0, 2.0]): r[:] = n * x",
    "rows by name": "u, v = b; u -= x; v *= u",
    "halves": "u, v = np.split(b, 2); v -= x; u[0, 1] = v[0, 1]",
    "flat": "v = b[1:]; v.flat[2] = x[0]",
    "diagonal": "v = b[:, ::2]; d = np.einsum('ii->i', v); d *= x[:2]",
}
_HELD = {
    "a variable": ("b = np.outer([1.0, -2.0], DATA)", "0"),
    "an attribute, and views in it": (
        "STATE.b = np.outer([1.0, -2.0], DATA); b = STATE.b; STATE.v = b[:, 1:]; k = [b[0], (b.T,)]",
        "STATE.v.prod() + k[0].sum() * k[1][0][2, 1]",
    ),
    "a view alone": ("b = np.outer(DATA, [1.0, -2.0]).T", "0"),
}
VIEWS = {
    f"{held}, {written}": f"""
    i = 1; {before}
    {text}
    return (b * b @ DATA).sum() + {after}
"""
    for held, (before, after) in _HELD.items()
    for written, text in _WRITES.items()
} | {
    "view of kept": """
    c = np.outer(DATA, DATA); b = c[1]
    b[0] = x[0]
    return c.sum() * b.sum()
""",
    "transposed": """
    b = np.outer(DATA, DATA).T; b[0] = x
    return (b @ DATA).sum()
""",
    "base written while view": """
    b = np.outer(DATA, DATA); v = b.T
    b[0, 1] = x[0]
    return (v @ DATA) @ DATA
""",
    "matrix chain": """
    b = np.outer(DATA, DATA); b[1][2] = x[0]
    return (b @ DATA) @ DATA
""",
    "wrapped iter": """
    b = DATA.copy(); it = iter(b); next(it)
    b[1] = x[0]
    return next(it) + b @ DATA
""",
    "c iterator": """
    b = np.outer(DATA, DATA)
    t = 0.0
    for r in b:
        b[3, 3] = x[0]
        t = t + r.sum()
    return t + b.sum()
""",
    "c iterator 1d": """
    b = DATA.copy()
    t = 0.0
    for v in b:
        b[3] = x[0]
        t = t + v
    return t + b.sum()
""",
    "enumerated": """
    b = DATA.copy()
    t = 0.0
    for i, v in enumerate(b):
        b[(i + 1) % 4] = x[i]
        t = t + v * b[i]
    return t
""",
    "zipped": """
    b = DATA.copy(); t = 0.0
    for v, w in zip(b, x):
        b[:] = w
        t = t + v
    return t
""",
    "views of views": """
    b = np.outer(DATA, DATA); h = b.ravel(); q = b.reshape(2, 8); s = h[::3]
    s += x[0]; q[1, :4] *= x; h[-4:] = x; b[0] -= s[:4]; s[:] = h[::3] * q[0, 1]
    return (b * b @ DATA).sum() + s.sum() + np.broadcast_to(h[:2], (3, 2)).prod()
""",
    "an iterator, and its copy": """
    b = np.outer(DATA, DATA); it = iter(b); other = copy.copy(it); next(it)
    b[2] = x
    return sum(map(np.sum, other)) + next(it) @ DATA + (b * b).sum()
""",
    "parameters in one memory": """
    s = SimpleNamespace(p=np.arange(1.0, 9.0)); s.W, s.b = s.p[:4], s.p[4:].reshape(2, 2)
    for _ in range(2):
        s.W -= x * s.b.sum(); s.b *= x[0]; s.p[2:6] += x
    return s.p @ s.p
""",
}
_KEPT = {
    "weakly": "w = b[0]; k = weakref.ref(w)|k().sum()",
    "as another type": "k = b.view(np.int64)|k.view(float).sum()",
    "as another class": "k = b.view(np.matrix)|k.sum()",
    "by strides": "k = np.lib.stride_tricks.sliding_window_view(b, 2, axis=1)|k.sum()",
    "a view of it, in an array of objects": "k = np.empty(1, object); k[0] = b[0]|k[0].sum()",
    "a method of a view": "k = b[0].sum|k()",
    "elements of a view": "k = b[0].flat|sum(k)",
    "a view of it, as memory": "k = memoryview(b[0])|k[0]",
    "a view of it, in another function": "k = (lambda c: lambda: c.sum())(b[0])|k()",
    "by an iterator of NumPy's": "k = np.nditer(b)|sum(float(each) for each in k)",
    "a view of it, in an error": "k = ValueError(b[0])|k.args[0].sum()",
    "a view of it, in a frame that has ended": "k = (lambda c: sys._getframe())(b[0])|k.f_locals['c'].sum()",
    "a view of it, in a cache": "f = functools.lru_cache(lambda: b[0]); f()|f().sum()",
}
VIEWS_HELD_ELSEWHERE = {
    f"{kept}, {text}": f"""
    b = np.outer([1.0, -2.0], DATA); {held.split("|")[0]}
    {text}
    return (b * b @ DATA).sum() + {held.split("|")[1]}
"""
    for kept, held in _KEPT.items()
    for text in ("v = b[0]; v[1] = x[0]", "b.T[1] -= x[:2]", "b *= x")
} | {
    "a view that a call gives": """
    b = np.outer([1.0, -2.0], DATA); k = [b[0]]
    def f(): return k[0]
    f()[1:] -= x[0]
    return (b * b @ DATA).sum() + k[0].prod()
""",
    "a view that waits in the line": """
    b = np.outer(DATA, DATA)
    def put():
        b[0] = x
        return b
    return (b.T @ put()).sum()
""",
    "a view that waits to be returned": """
    b = np.outer(DATA, DATA)
    def put():
        try: return b[0]
        finally: b[0] = x
    return put().sum()
""",
}
