"""Ways to an array besides the argument that it is, and writes into that: rows of test_second_ways.py.

A way is the lines that make it of the array `A`, and what then reads it. A row of `PARTS` says by `ARGUMENT` which part
is the argument.
"""

from types import SimpleNamespace

WRITES = {
    "augmented": "a -= 0.1 * x",
    "element": "a[0] = 3 * x[1]",
    "slice": "a[1:] = 2 * x[:-1]",
    "mask": "a[a > 1.5] *= x[0]",
    "out": "np.multiply(a, x, out=a)",
    "add.at": "np.add.at(a, [0, 0, 1], x)",
    "sort": "a[0] = 9.0 * x[0]; a.sort()",
    "fill": "a.fill(x[1])",
    "copyto": "np.copyto(a, x * x)",
    "put": "np.put(a, [1], x[1])",
    "by a view": "v = a[1:]; v *= x[1:]",
    "again and again": "a += x; a *= 2.0; a[0] = 1.0; a /= x",
    "shape": "a.shape = (3, 1); a.shape = (3,); a += x",
}
FEW = ("augmented", "element", "by a view")

READ = "(W ** 2).sum()"
OF_A_CLASS = "class Model:\n    def loss(self):\n        return (self.W ** 2).sum()\nmodel = Model()\n"
WAYS = {
    "global": ("W = A", READ),
    "nobody reads it": ("W = A", "(a * 2.0).sum()"),
    "attribute": ("model = SimpleNamespace(W=A)", "(model.W ** 2).sum()"),
    "attribute of an object": (OF_A_CLASS + "model.W = A", "model.loss()"),
    "slot": (OF_A_CLASS.replace("def", "__slots__ = ('W',)\n    def", 1) + "model.W = A", "model.loss()"),
    "attribute of a class": (OF_A_CLASS + "Model.W = A", "model.loss()"),
    "behind a property": (
        "class Model:\n    @property\n    def W(self):\n        return self.kept\nmodel = Model(); model.kept = A",
        "(model.W ** 2).sum()",
    ),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass P:\n    W: object\np = P(A)",
        "(p.W ** 2).sum()",
    ),
    "closure": ("def outer(W):\n    return lambda: (W ** 2).sum()\nloss = outer(A)", "loss()"),
    "default": ("def loss(W=A):\n    return (W ** 2).sum()", "loss()"),
    "default by name": ("def loss(*, W=A):\n    return (W ** 2).sum()", "loss()"),
    "list": ("kept = [A, 1]", "(kept[0] ** 2).sum()"),
    "list in a list": ("kept = [[A], 1]", "(kept[0][0] ** 2).sum()"),
    "dict": ("kept = {'W': A}", "(kept['W'] ** 2).sum()"),
    "tuple": ("kept = (A, 1)", "(kept[0] ** 2).sum()"),
    "tuple in a list": ("kept = [('W', A)]", "(kept[0][1] ** 2).sum()"),
    "named tuple": ("from collections import namedtuple\np = namedtuple('P', 'W')(A)", "(p.W ** 2).sum()"),
    "deque": ("from collections import deque\nkept = deque([A])", "(kept[0] ** 2).sum()"),
    "partial": ("from functools import partial\nloss = partial(lambda W: (W ** 2).sum(), A)", "loss()"),
    "bound method": (OF_A_CLASS + "model.W = A; loss = model.loss", "loss()"),
    "weak reference": ("import weakref\nW = A; w = weakref.ref(W)", "(w() ** 2).sum()"),
    "variable": ("G = A", READ, "W = G"),
    "view in a variable": ("G = A", READ, "W = G[1:]"),
    "part": ("W = A[1:]", READ),
    "other shape": ("W = A.reshape(3, 1)", READ),
    "other order": ("W = A[::-1]", "(W * [1.0, 2.0, 3.0]).sum()"),
    "part in an attribute": ("model = SimpleNamespace(W=A[:2])", "(model.W ** 2).sum()"),
    "part in a tuple": ("kept = (A[:2],)", "(kept[0] ** 2).sum()"),
    "written into, too": ("W = A", "(W.__setitem__(0, 4.0), W.sum() ** 2)[1]"),
    "in a tuple and written into": ("kept = (A,)", "(kept[0].__setitem__(0, x[2]), kept[0].sum() ** 2)[1]"),
    "a part that is written into": ("W = A[1:]", "(W.__setitem__(0, x[2]), W.sum() * a.sum())[1]"),
}
PARTS = {
    "a row": ("M = np.array([A, [4.0, 5.0, 6.0]]); ARGUMENT = M[0]", "(M ** 2).sum()"),
    "an end": ("M = np.array([*A, 4.0, 5.0]); ARGUMENT = M[:3]", "(M ** 2).sum()"),
    "what overlaps it": ("M = np.array([*A, 4.0, 5.0]); ARGUMENT = M[:3]; W = M[1:]; del M", READ),
    "a column": ("M = np.ones((3, 400)); M[:, 2] = A; ARGUMENT = M[:, 2]", "(M ** 2).sum()"),
    "a view of a column": (
        "M = np.ones((3, 400)); M[:, 2] = A; ARGUMENT = M[:, 2]",
        "(M ** 2).sum() * b.sum()",
        "b = a[::2]",
    ),
    "rows and columns": (
        "M = np.array([A, [4.0, 5.0, 6.0]]); ARGUMENT = M[0]; kept = [M[0], M[1], M[:, 0]]",
        "(M ** 2).sum() * kept[2].sum() + kept[1].sum() * kept[0][1]",
    ),
    "written elsewhere": (
        "M = np.array([A, [4.0, 5.0, 6.0]]); ARGUMENT = M[0]; W = M[1]",
        "(M.__setitem__((1, 0), x[0]), M.__setitem__((0, 1), x[2]), W.sum() * M.sum() + a.sum())[2]",
    ),
}
# And what a warning calls them
WARNED = {
    "iterator": ("kept = iter([A])", "(next(kept) ** 2).sum()", "kept (list_iterator) holds a"),
    "generator": (
        "def turns(W):\n    yield 0\n    yield (W ** 2).sum()\nkept = turns(A); next(kept)",
        "next(kept)",
        "kept (generator) holds a",
    ),
    "array of objects": (
        "kept = np.empty(1, object); kept[0] = A",
        "(kept[0] ** 2).sum()",
        "kept (ndarray) holds a",
    ),
    "method of the array": ("total = A.sum", "total()", "total (builtin_function_or_method) holds a"),
    "flat": ("kept = A.flat", "sum(kept)", "kept (flatiter) holds a"),
    "buffer": ("kept = memoryview(A)", "kept[0] + kept[1]", "kept (memoryview) holds a"),
    "pointer": (
        "import ctypes\nkept = A.ctypes.data_as(ctypes.POINTER(ctypes.c_double))",
        "kept[0] + kept[1]",
        "kept (LP_c_double) holds a",
    ),
    "other type": ("W = A.view(np.int64)", "float(W.view(np.float64).sum())", "W shares its memory with a"),
    "other class": (
        "class Marked(np.ndarray): pass\nW = A.view(Marked)",
        "float((W ** 2).sum())",
        "W shares its memory with a",
    ),
    "one buffer": (
        "held = bytearray(A.tobytes()); ARGUMENT = np.frombuffer(held); W = np.frombuffer(held)[1:]",
        "(W ** 2).sum()",
        "W shares its memory with a",
    ),
    "weak proxy": (
        "import weakref\nW = A; w = weakref.proxy(W)",
        "float(np.sum(w))",
        "a weak proxy stands for a",
    ),
}


def made(way, write, array, np):
    """Return the function, and what is its argument, of a way to an array and a write into it."""
    setup, read, *before = way
    names = {"np": np, "SimpleNamespace": SimpleNamespace, "A": array, "__name__": __name__}
    lines = [
        setup,
        "ARGUMENT = globals().pop('ARGUMENT', A)",
        "del A",
        "def f(a, x):",
        *before,
        write,
        f"return {read}",
    ]
    text = "\n".join(lines[:4]) + "".join(f"\n    {line}" for line in lines[4:])
    exec(compile(text, "<second way>", "exec"), names)  # noqa: S102  (text of this room)
    return names["f"], names.pop("ARGUMENT"), names
