"""Statements and indices by which a traced value that is written into an array of plain code's is followed.

The bodies of functions of an array x of four numbers. As text, as the place and the shape of each statement is what they
are about. Used by test_adopted.py.
"""

WRITTEN = {
    "chained arrays": """
    b, c = DATA.copy(), DATA * 2; b[:] = c[:] = x
    return b @ c
""",
    "conditional part": """
    b = DATA.copy(); b[:2] = x[:2] if x[0] > 0 else [x[1], x[0]]
    return b @ DATA
""",
    "what a function makes": """
    b = np.random.default_rng(0).random((3, 4)); b[0] = np.sort(x); b[1:] = np.outer([1.0, 2.0], np.clip(x, 0, 2))
    return (b * b).sum()
""",
    "exchanged": """
    b, c = DATA.copy(), DATA * 2; b[:], c[:] = c * x, b * x
    return b @ c * b[0]
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
    "choice added": """
    b = DATA.copy(); b[0] += x[0] if x[1] > 0 else x[2]
    return b @ DATA
""",
    "finally twice": """
    b = DATA.copy(); t = 0.0
    for i in range(2):
        try:
            if i:
                raise ValueError
        except ValueError:
            t = t + b[0]
        finally:
            b[0] = x[i]
    return b @ DATA * t
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
    "flat": """
    b = np.outer(DATA, DATA); b.flat[1] = x[0]; b.flat[2:5] = x[:3] * x[0]
    for i in range(3): b.flat[i] -= x[i] * x.flat[0]
    return (b @ DATA) @ DATA
""",
    "index that is a tuple": """
    b = np.outer(DATA, DATA)
    for i in np.ndindex(b.shape): b[i] -= x[i[0]] * x[i[1]]
    return (b @ DATA) @ DATA
""",
    "index of lists": """
    b = np.outer(DATA, DATA); b[[0, 1], [1, 2]] -= x[:2]; b[[3, 0]] = x * x
    return (b @ DATA) @ DATA
""",
    "getattr": """
    s = SimpleNamespace(b=DATA.copy()); k = "b"
    getattr(s, k)[:] = getattr(s, k) - x
    return s.b @ s.b
""",
    "variable of a loop that is over": """
    d = {"a": DATA.copy(), "b": DATA * 2}
    for k, v in d.items(): pass
    for k in d: d[k] -= x
    return d["a"] @ d["b"]
""",
    "fancy duplicates": """
    b = DATA.copy(); b[[0, 0, 1]] = x[:3]
    return b @ DATA
""",
}
