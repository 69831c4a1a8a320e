"""The programs that are audited, and backward passes through them as people write them, with mistakes of one's own."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from tracer.trace import Trace


@dataclass(frozen=True)
class Row:
    """A program, its arguments, and claims that are made from the right gradients."""

    title: str
    program: str
    claims: str
    name: str
    kind: str
    message: str
    """What the verdict on `name` says, or part of it."""
    arguments: str = ""
    others: tuple[tuple[str, str], ...] = ()
    """What is said of the other claims."""
    in_page: bool = True

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of the program."""
        space = {"np": np} | {name: eval(text, {"np": np}) for name, text in NAMED.items()}  # noqa: S307  (as below)
        return dict(eval(f"dict({self.arguments})", space))  # noqa: S307  (the table's own text)

    @property
    def setup(self) -> str:
        """The lines that make what the arguments name."""
        return "".join(f"{name} = {text}\n" for name, text in NAMED.items() if f"={name}" in self.arguments)

    def function(self) -> Callable[..., Any]:
        """Compile the program."""
        space: dict[str, Any] = {"np": np}
        lines = self.program.splitlines(keepends=True)
        linecache.cache["program.py"] = (len(self.program), None, lines, "program.py")  # as of a file
        exec(compile(self.program, "program.py", "exec"), space)  # noqa: S102  (as above)
        return space["f"]

    def claimed(self, trace: Any) -> Any:
        """Make the claims; `t` is the trace."""
        given = {"t": trace, "np": np, "stepwise": stepwise, "through_time": through_time, "layers": layers}
        given |= {
            each.__name__: each
            for each in (classes, attention, normalised, gated, overlapping, solved, scalars, read_out)
        }
        return eval(self.claims, given)  # noqa: S307  (as above)


THREE = """\
def f(x):
    h = x * x
    a = 3 * h
    b = 4 * h
    c = 5 * h
    return a + b + c
"""
CHAIN = """\
def f(x):
    h = x * x
    y = 3 * h
    return y * y
"""
LINEAR = """\
def f(W, x, b):
    h = x @ W + b
    return (h * h).sum()
"""
SQUASHED = """\
def f(x):
    h = 0.7312 * x
    y = 1 / (1 + np.exp(-h))
    return y * 0.8359
"""
LINEAR_ARGUMENTS = "W=W, x=x, b=b"
LOOP = """\
def f(W):
    h = np.array([0.3, -0.2])
    for step in range(5):
        h = np.tanh(W @ h + step / 10)
    return (h * h).sum()
"""
LOOP_ARGUMENTS = "W=V"
NAMED = {
    "W": "np.arange(6.0).reshape(3, 2) - 2",
    "x": "np.linspace(-1, 1, 12).reshape(4, 3)",
    "b": "np.array([0.5, -0.2])",
    "V": "np.array([[0.7, -0.4], [0.2, 0.5]])",
}
"""What arguments may name."""
SINES = """\
def f(x):
    h = 1.0 * x
    s = np.sin(h)
    return s * s + 0.4 * h
"""
SQUARED = """\
def f(W, x):
    return (x @ W).sum() + (W * W).sum()
"""
TWICE = """\
def f(x):
    a = 5 * x
    b = 5 * x
    return a + b
"""

STEPS = """\
def f(W):
    h = np.array([0.3, -0.2])
    for step in range(4):
        h = np.tanh(W @ h + step / 10)
    return (h * h).sum()
"""

RECURRENT = """\
def f(W, U):
    h, loss = np.array([0.3, -0.2]), 0.0
    for step in range(4):
        h = np.tanh(W @ h + U * step)
        loss += (h * h).sum()
    return loss
"""
RECURRENT_ARGUMENTS = "W=V, U=b"
EMBEDDED = """\
def f(E):
    h = np.tanh(E[[0, 2, 2, 1, 2]])
    return (h * h).sum()
"""
LAYERS = """\
def f(V, W, x):
    h = np.maximum(0, x @ W)
    y = 1 / (1 + np.exp(-(h @ V)))
    return -np.log(y + 1e-7).sum() + 0.05 * (W * W).sum()
"""
LAYERS_ARGUMENTS = "V=V, W=W, x=x"
CLASSES = """\
def f(W, b, x):
    z = x @ W + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(4), [0, 1, 1, 0]]).mean() + 0.1 * (W * W).sum()
"""
CLASSES_ARGUMENTS = "W=W, b=b, x=x"
ATTENTION = """\
def f(Q, K, V):
    s = Q @ K.T / 1.7
    e = np.exp(s)
    a = e / e.sum(axis=1, keepdims=True)
    return ((a @ V) ** 2).sum()
"""
ATTENTION_ARGUMENTS = "Q=x @ W, K=np.sin(3 * x) @ W, V=x"
LABELS = """\
def f(w, x, b):
    y = 1 / (1 + np.exp(-(x @ w)))
    return -np.log(y).sum() + (b * b).sum()
"""
NORMALISED = """\
def f(x, W, b):
    h = x @ W
    centred = h - h.mean(axis=0)
    normal = centred / np.sqrt((centred**2).mean(axis=0) + 0.1)
    y = np.tanh(b * normal)
    return (y * np.cos(x[:, :2])).sum()
"""
NORMALISED_ARGUMENTS = "x=x, W=np.sin(W * W + W), b=b"
GATED = """\
def f(w, b):
    h = np.array([0.3, -0.2])
    for step in range(3):
        update, reset = 1 / (1 + np.exp(-(w * h))), 1 / (1 + np.exp(-(w + b)))
        h = update * h + reset
    return (h * h).sum()
"""
POOLED = """\
def f(x, b):
    h = (x * np.arange(1.0, 5.0)[:, None] + b[0]).max(axis=1)
    return (h * h).sum()
"""
CENTRED = """\
def f(x, b):
    h = x @ np.ones((3, 2)) + b
    return ((h - h.mean(0)) * np.arange(4.0)[:, None]).sum()
"""
WINDOWS = """\
def f(x):
    loss = 0.0
    for i in range(4):
        w = np.sin(x[i:i + 3])
        loss = loss + (w * w).sum()
    return loss
"""


def windows(put: str) -> str:
    """Return claims for WINDOWS, where what comes back from each is put into `d` by a statement of one's own."""
    return f"overlapping(t, {put!r})"


def overlapping(trace: Any, put: str) -> dict[str, Any]:
    """Go back through WINDOWS."""
    x = trace["x"].value
    space = {"d": np.zeros(6)}
    for i in range(4):
        exec(put, {"i": i, "g": np.sin(2 * x[i : i + 3])}, space)  # noqa: S102  (the table's own text)
    return {"x": space["d"]}


READ_OUT = """\
def f(V, W, b):
    h, loss = np.zeros(2), 0.0
    for step in range(4):
        h = np.tanh(W @ h + b + step / 10)
        loss += (np.sin(V @ h) ** 2).sum()
    return loss
"""
READ_OUT_ARGUMENTS = "V=W, W=V, b=b"
SCALARS = """\
def f(a, b, c):
    d = a * b
    e = d + c
    f = np.tanh(e)
    return f * d + e * e
"""
SCALARS_ARGUMENTS = "a=1.3, b=-0.7, c=0.4"
STEPPED = """\
def f(k, x):
    for step in range(4):
        x = x + 0.1 * (-k * x)
    return (x**2).sum()
"""
LINEAR_TWICE = """\
def f(W, x, b):
    h = np.tanh(x @ W + b)
    return (h * h).sum()
"""


def read_out(trace: Any, lost: tuple[int, ...] = ()) -> dict[str, Any]:
    """Go back through READ_OUT, without what comes from the loss of some steps to the state."""
    V, W = trace["V"].value, trace["W"].value  # noqa: N806  (as in the program)
    states = [np.zeros(2), *(trace[f"h[{at}]"].value for at in range(4))]
    dV, dW, db, g = np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(2), np.zeros(2)  # noqa: N806
    for step in (3, 2, 1, 0):
        h = states[step + 1]
        of_read = np.sin(2 * (V @ h))
        dV += np.outer(of_read, h)  # noqa: N806
        d = (g + (0 if step in lost else V.T @ of_read)) * (1 - h * h)
        dW += np.outer(d, states[step])  # noqa: N806
        db += d
        g = W.T @ d
    return {"V": dV, "W": dW, "b": db}


def scalars(trace: Any, slope: Any = None, of_e: Any = None) -> dict[str, Any]:
    """Go back through SCALARS, with a slope of tanh or a gradient of e of one's own."""
    a, b, d, e, f = (trace[name].value for name in "abdef")
    at_e = d * (1 - f * f if slope is None else slope) + 2 * e if of_e is None else of_e
    return {"a": (f + at_e) * b, "b": (f + at_e) * a, "c": at_e}


def stepped(step: str) -> str:
    """Return a claim for the first x of STEPPED, by a step back of one's own from g, at h."""
    return f"solved(t, {step!r})"


def solved(trace: Any, step: str) -> dict[str, Any]:
    """Go back through STEPPED."""
    k, h = trace["k"].value, trace["x[-1]"].value
    space = {"k": k, "h": h, "g": 2 * h}
    for _ in range(4):
        exec(step, space)  # noqa: S102  (the table's own text)
    return {"x": space["g"]}


def hand_written(step: str) -> str:
    """Return claims for the states of STEPS: the last is right, and each before it is made by a step of one's own."""
    return f"stepwise(t, lambda W, h, g: {step})"


def stepwise(trace: Any, step: Any) -> dict[str, Any]:
    """Go back through STEPS by a step from one state's gradient to that of the one before."""
    W, g = trace["W"].value, trace["h[3]"].grad  # noqa: N806  (as in the program)
    found = {"h[3]": g}
    for at in (3, 2):
        g = step(W, trace[f"h[{at}]"].value, g)
        found[f"h[{at - 1}]"] = g
    return found


def through_time(trace: Any, slope: Any, back: Any, shift: int = 0, **slips: Any) -> dict[str, Any]:
    """Go back through RECURRENT as people write it down, with a slope of tanh and a step back of one's own."""
    W = trace["W"].value  # noqa: N806  (as in the program)
    states = [np.array([0.3, -0.2]), *(trace[f"h[{at}]"].value for at in range(4))]
    dW, dU, g = np.zeros((2, 2)), np.zeros(2), np.zeros(2)  # noqa: N806
    for at in (4, 3, 2, 1):
        own = 0.0 if at - 1 in slips.get("lost", ()) else 2 * states[at]
        here = slope(states[at - slips.get("late", 0)])
        d = (g + own) * here
        dW += np.outer(d, states[at - 1 + shift])  # noqa: N806
        dU += d * (at - 1)  # noqa: N806
        g = back(W, slips["back_of"](d, here) if "back_of" in slips else d)
        g = 0 * g if slips.get("cut") == at - 1 else g
    return {"U": dU, "W": dW}


def classes(trace: Any, **changes: Any) -> dict[str, Any]:
    """Go back through CLASSES as people write it down, with parts of one's own."""
    W, x, p = (trace[name].value for name in ("W", "x", "p"))  # noqa: N806
    d = changes["of_scores"](p, np.eye(2)[[0, 1, 1, 0]]) if "of_scores" in changes else 0.0
    d = d if "of_scores" in changes else (p - np.eye(2)[[0, 1, 1, 0]]) / 4
    return {"b": d.sum(0), "W": x.T @ d + changes.get("decay", 0.2) * W}


def attention(trace: Any, of_scores: Any) -> dict[str, Any]:
    """Go back through ATTENTION as people write it down, with a softmax of one's own; a its result, g what arrives."""
    Q, K, V, a = (trace[name].value for name in ("Q", "K", "V", "a"))  # noqa: N806
    g = of_scores(a, 2 * (a @ V) @ V.T) / 1.7
    return {"Q": g @ K, "K": g.T @ Q}


def normalised(trace: Any, of_normal: Any) -> dict[str, Any]:
    """Go back through NORMALISED as people write it down, with a rule of one's own for the normalisation."""
    x, b, n, y, c = (trace[name].value for name in ("x", "b", "normal", "y", "centred"))
    d = of_normal(np.cos(x[:, :2]) * (1 - y**2) * b, n, np.sqrt((c**2).mean(0) + 0.1), np.mean)
    return {"W": x.T @ d}


def gated(trace: Any, slope: Any, *, swapped: bool = False) -> dict[str, Any]:
    """Go back through GATED as people write it down, with a slope of the sigmoid of one's own."""
    w, b = trace["w"].value, trace["b"].value
    states = [np.array([0.3, -0.2]), *(trace[f"h[{at}]"].value for at in range(3))]
    dw, db, g = np.zeros(2), np.zeros(2), 2 * states[3]
    for h in states[2::-1]:
        update, reset = 1 / (1 + np.exp(-(w * h))), 1 / (1 + np.exp(-(w + b)))
        at_update, at_reset = g * (update if swapped else h) * slope(update), g * slope(reset)
        dw, db = dw + at_update * h + at_reset, db + at_reset
        g = g * (h if swapped else update) + at_update * w
    return {"w": dw, "b": db}


def layers(trace: Any, **changes: Any) -> dict[str, Any]:
    """Go back through LAYERS as people write it down, with parts of one's own."""
    V, W, x, h, y = (trace[name].value for name in ("V", "W", "x", "h", "y"))  # noqa: N806
    small, used, mask, decay, slope = (
        changes.get(name, right)
        for name, right in (
            ("small", 1e-7),
            ("used", V),
            ("mask", h > 0),
            ("decay", 0.1),
            ("slope", y * (1 - y)),
        )
    )
    d = -1 / (y + small) * slope
    dh = (d @ used.T) * mask
    return {"V": h.T @ d, "W": x.T @ dh + decay * W}


def trace_of(row: Row) -> Trace:
    """Trace the program of a row."""
    return record(row.function(), **row.given)


def program(source: str, arguments: str) -> Trace:
    """Trace a program."""
    return trace_of(Row("", source, "", "", "", "", arguments))
