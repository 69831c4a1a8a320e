"""One row for each verdict and way to get there: a program, what is claimed, and what the audit says of it."""

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


_RIGHT_SLOPE = "lambda h: 1 - h * h"
_RIGHT_STEP = "lambda W, d: W.T @ d"
ROWS = (
    Row("right", THREE, '{"h": 12.0}', "h", "match", "right", "x=2.0"),
    Row("rounded", SQUASHED, '{"h": 0.2021, "x": 0.2021 * 0.7312}', "h", "match", "right, to the 4 digits in which it is written", "x=0.5", others=(("x", "match"),)),
    Row("averaged at the splitter", THREE, '{"h": 4.0}', "h", "mean-not-sum", "claimed is their mean", "x=2.0"),
    Row("multiplied at the splitter", THREE, '{"h": 60.0}', "h", "product-not-sum", "claimed is their product", "x=2.0"),
    Row("overwritten: `=` instead of `+=`", THREE, '{"h": 3.0}', "h", "missing-uses", "only the last to arrive, multiply at program.py:3, is in it: overwritten with = instead of +=", "x=2.0"),
    Row("fired too early", THREE, '{"h": 9.0}', "h", "missing-uses", "it fired before all had arrived: only the first 2 of 3 to arrive are in it", "x=2.0"),
    Row("one use forgotten", THREE, '{"h": 8.0}', "h", "missing-uses", "the use of h by multiply at program.py:4 is missing", "x=2.0"),
    Row("added at the function nodes", THREE, '{"h": 15.0}', "h", "added-not-multiplied", "upstream × local partial is what comes back from multiply at program.py:3", "x=2.0"),
    Row("a minus sign", THREE, '{"h": -12.0}', "h", "sign", "it has the wrong sign", "x=2.0"),
    Row("twice", THREE, '{"h": 24.0}', "h", "scale", "it is 2 times what it should be", "x=2.0"),
    Row("a mean over the batch", LINEAR, '{"W": t["W"].grad / 4}', "W", "scale", "it is 1/4 times what it should be; 4 is the length of axis 0 of x: a mean where the program has a sum", LINEAR_ARGUMENTS),
    Row("a mean over the copies of a broadcast", LINEAR, '{"b": t["b"].grad / 4}', "b", "mean-not-sum", "b is broadcast to 4 copies, whose gradients are added; claimed is their mean", LINEAR_ARGUMENTS),
    Row("the last copy of a broadcast", LINEAR, '{"b": t["b"].uses[0].dst.out_edges[0].grad[-1]}', "b", "missing-uses", "b is broadcast to 4 copies, whose gradients are added; only the last is in it", LINEAR_ARGUMENTS),
    Row("transposed", LINEAR, '{"W": t["W"].grad.T}', "W", "transposed", "it is transposed: (2, 3), expected (3, 2)", LINEAR_ARGUMENTS),
    Row("1 − h in place of 1 − h²", STEPS, '{"h[2]": t["W"].value.T @ (t["h[3]"].grad * (1 - t["h[3]"].value))}', "h[2]", "wrong-rule", "1 − y in place of 1 − y² (x is the operand, y the result), at tanh at program.py:4 (step = 3)", LOOP_ARGUMENTS),
    Row("1 − h in place of 1 − h² at each step", STEPS, hand_written("W.T @ (g * (1 - h))"), "h[2]", "wrong-rule", "1 − y in place of 1 − y² (x is the operand, y the result), at tanh at program.py:4 (step = 3)", LOOP_ARGUMENTS, (("h[3]", "match"), ("h[1]", "wrong-rule")), in_page=False),
    Row("the derivative of tanh left out", STEPS, hand_written("W.T @ g"), "h[2]", "wrong-rule", "the local partial, 1 − y² (y is the result, x the operand), left out, at tanh at program.py:4 (step = 3)", LOOP_ARGUMENTS, (("h[3]", "match"), ("h[1]", "wrong-rule")), in_page=False),
    Row("W in place of W.T", STEPS, hand_written("W @ (g * (1 - h**2))"), "h[2]", "wrong-rule", "W @ g in place of W.T @ g (g is the gradient of the product, W the matrix), at matmul at program.py:4 (step = 3)", LOOP_ARGUMENTS, (("h[3]", "match"), ("h[1]", "wrong-rule")), in_page=False),
    Row("W.T on the right left out", "def f(x, W):\n    h = x * 2\n    y = h @ W\n    return (y * y).sum()\n", '{"h": 2 * t["y"].value @ t["W"].value}', "h", "wrong-rule", "g @ W in place of g @ W.T", "x=b, W=V", in_page=False),
    Row("a local rule of numbers", "def f(x):\n    h = 3 * x\n    y = np.exp(h)\n    return y * y\n", '{"h": 2 * t["y"].value * t["h"].value}', "h", "wrong-rule", "x in place of y", "x=0.4", in_page=False),
    Row("right, given an earlier mistake", CHAIN, '{"y": 12.0, "x": 144.0}', "x", "follows", "right, given what is claimed for y", "x=2.0", (("y", "missing-uses"),)),
    Row("two causes", TWICE, '{"x": 5.0}', "x", "missing-uses", "as well explained by mean-not-sum", "x=1.0"),
    Row("none that is known", THREE, '{"h": 7.7}', "h", "unknown", "no known mistake gives this", "x=2.0"),
    Row("two steps of a loop forgotten", LOOP, '{"W": t["W"].grad - t["W"].uses[1].grad - t["W"].uses[3].grad}', "W", "missing-uses", "2 uses of W are missing: matmul at program.py:4 (step = 1), matmul at program.py:4 (step = 3)", LOOP_ARGUMENTS),
    Row("the local partial forgotten", CHAIN, '{"h": 24.0}', "h", "scale", "1/3", "x=2.0", in_page=False),
    Row("no path", "def f(x, y):\n    return 2 * x\n", '{"y": 1.0}', "y", "unknown", "the output does not depend on it", "x=1.0, y=1.0", in_page=False),
    Row("two mistakes", CHAIN, '{"y": 12.0, "x": -144.0}', "x", "sign", "given what is claimed for y", "x=2.0", (("y", "missing-uses"),), in_page=False),
    Row("a mistake of its own, beside an earlier one", CHAIN, '{"y": 12.0, "x": -288.0}', "x", "sign", "it has the wrong sign", "x=2.0", (("y", "missing-uses"),), in_page=False),
    Row("right beside an earlier mistake", CHAIN, '{"y": 12.0, "x": 288.0}', "x", "match", "right", "x=2.0", (("y", "missing-uses"),), in_page=False),
    Row("any factor of an array", LINEAR, '{"b": 0.37 * t["b"].grad}', "b", "scale", "0.37 times", LINEAR_ARGUMENTS, in_page=False),
    Row("only the first step of a loop", LOOP, '{"W": t["W"].uses[0].grad}', "W", "missing-uses", "overwritten with = instead of +=; 4 uses of W are missing", LOOP_ARGUMENTS, in_page=False),
    Row("product of arrays", LOOP, '{"W": np.prod([e.grad for e in t["W"].uses], 0)}', "W", "product-not-sum", "5 uses", LOOP_ARGUMENTS, in_page=False),
    Row("added at one node of an array", LINEAR, '{"h": 2 * t["h"].grad / (2 * t["h"].value) + 2 * t["h"].value}', "h", "added-not-multiplied", "claimed is their sum", LINEAR_ARGUMENTS, in_page=False),
    Row("single precision", LINEAR, '{"W": t["W"].grad.astype(np.float32)}', "W", "match", "right", LINEAR_ARGUMENTS, in_page=False),
    Row("a transposed square", LOOP, '{"W": t["W"].grad.T}', "W", "transposed", "it is transposed, which its shape does not show: (2, 2)", LOOP_ARGUMENTS, in_page=False),
    Row("nothing added", THREE, '{"h": 0.0}', "h", "missing-uses", "none of the 3 uses of h was added", "x=2.0", in_page=False),
    Row("structures", "def f(params):\n    return params['w'] * params['b'][0] + params['b'][1]\n", '{"params": {"w": 3.0, "b": [2.0, -1.0]}}', "params['b'][1]", "sign", "wrong sign", "params={'w': 2.0, 'b': [3.0, 1.0]}", (("params['w']", "match"), ("params['b'][0]", "match")), in_page=False),
    Row("1 − h in place of 1 − h² at every step", RECURRENT, f"through_time(t, lambda h: 1 - h, {_RIGHT_STEP})", "U", "wrong-rule", "1 − y in place of 1 − y² (x is the operand, y the result), at tanh at program.py:4, in all 4 runs", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("every step right", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP})", "W", "match", "right", RECURRENT_ARGUMENTS, (("U", "match"),), in_page=False),
    Row("nothing handed to the step before", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, lambda W, d: 0 * d)", "U", "wrong-rule", "h gets nothing back, at matmul at program.py:4, in the last 3 of 4 runs", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("W in place of W.T at every step", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, lambda W, d: W @ d)", "U", "wrong-rule", "W @ g in place of W.T @ g", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("h of the next step", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP}, 1)", "W", "wrong-rule", "h of one turn later in place of h, at matmul at program.py:4, in all 4 runs", RECURRENT_ARGUMENTS, (("U", "match"),), in_page=False),
    Row("the slope left out of one gradient alone", RECURRENT, f'{{"U": through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP})["U"] + sum(at * t["h[" + str(at) + "]"].grad * t["h[" + str(at) + "]"].value ** 2 for at in range(4))}}', "U", "wrong-rule", "left out, at tanh at program.py:4, in all 4 runs, for U alone", RECURRENT_ARGUMENTS, in_page=False),
    Row("clipped", RECURRENT, '{"W": np.clip(t["W"].grad, -1.0, 1.0)}', "W", "clipped", "clipped at ±1; the others are right", RECURRENT_ARGUMENTS),
    Row("added to once what was taken several times", EMBEDDED, '{"E": (lambda d, i, g: (d.__setitem__(i, d[i] + g), d)[1])(np.zeros((3, 2)), [0, 2, 2, 1, 2], 2 * t["h"].value * (1 - t["h"].value ** 2))}', "E", "wrong-rule", "what is taken several times was added to once, as d[i] += g does; np.add.at(d, i, g) adds each, at getitem at program.py:2", "E=W", in_page=False),
    Row("layers that are right", LAYERS, "layers(t)", "W", "match", "right", LAYERS_ARGUMENTS, (("V", "match"),), in_page=False),
    Row("a small constant left out", LAYERS, "layers(t, small=0.0)", "W", "wrong-rule", "the 1e-07 that is added to the operand left out of the rule, at log at program.py:4", LAYERS_ARGUMENTS, (("V", "follows"),), in_page=False),
    Row("a weight that was updated too early", LAYERS, 'layers(t, used=t["V"].value - 0.3 * t["V"].grad)', "W", "wrong-rule", "V less 0.3 × its gradient in place of V: it was updated too early, at matmul at program.py:3", LAYERS_ARGUMENTS, (("V", "match"),), in_page=False),
    Row("the mask of relu left out", LAYERS, "layers(t, mask=1)", "W", "wrong-rule", "the local partial left out: the upstream is handed on as it is, at maximum at program.py:2", LAYERS_ARGUMENTS, (("V", "match"),), in_page=False),
    Row("twice the weight decay", LAYERS, "layers(t, decay=0.2)", "W", "scale", "what comes back from multiply at program.py:4 is in it 2 times", LAYERS_ARGUMENTS, (("V", "match"),), in_page=False),
    Row("the slope of a sigmoid at the wrong place", LAYERS, 'layers(t, slope=1 - t["y"].value)', "W", "wrong-rule", "1 − y in place of y·(1 − y) (x is the operand, y the result), at sigmoid at program.py:3", LAYERS_ARGUMENTS, in_page=False),
    Row("a factor left out of a gradient that is summed", "def f(x, b):\n    return (np.sin(x[:, :2]) * b).sum()\n", '{"b": np.full(2, 4.0)}', "b", "wrong-rule", "the local partial left out: the upstream is handed on as it is, at multiply at program.py:2", "x=x, b=b", in_page=False),
    Row("half of what comes back inside", "def f(x):\n    h = np.sin(x)\n    return (h * np.exp(h)).sum()\n", '{"x": np.cos(t["x"].value) * np.exp(t["h"].value) * (1 + t["h"].value / 2)}', "x", "wrong-rule", "h gets 1/2 times what it should, at exp at program.py:3", "x=x", in_page=False),
    Row("the factors of a product swapped", "def f(x):\n    h = np.sin(x)\n    y = h * np.cosh(x)\n    return np.exp(y).sum()\n", '{"h": np.exp(t["y"].value) * t["h"].value}', "h", "wrong-rule", "the factors swapped: its own in place of the other, at multiply at program.py:3", "x=x", in_page=False),
    Row("softmax and cross entropy that forget the label", CLASSES, "classes(t, of_scores=lambda p, y: p / 4)", "b", "wrong-rule", "y in place of y − label, the gradient of softmax and cross entropy as one, at softmax at program.py:4", CLASSES_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("softmax and cross entropy and a slope too many", CLASSES, "classes(t, of_scores=lambda p, y: (p - y) * p * (1 - p) / 4)", "b", "wrong-rule", "y·(1 − y) too many after", CLASSES_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("a mean over the batch that is forgotten at the loss", CLASSES, "classes(t, of_scores=lambda p, y: p - y)", "b", "scale", "what comes back to z (add at program.py:2) is 4 times what it should be; 4 is the length of axis 0 of x: a sum where the program has a mean; W shows it, too", CLASSES_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("the sign of the loss", CLASSES, "classes(t, of_scores=lambda p, y: (y - p) / 4)", "b", "sign", "what comes back to z (add at program.py:2) has the wrong sign; W shows it, too", CLASSES_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("weight decay forgotten", CLASSES, "classes(t, decay=0.0)", "W", "missing-uses", "or the other was forgotten; the use of W by multiply at program.py:5 is missing", CLASSES_ARGUMENTS, (("b", "match"),), in_page=False),
    Row("half of the weight decay", CLASSES, "classes(t, decay=0.1)", "W", "missing-uses", "by 2nd operand of multiply at program.py:5, one of several like it, is missing", CLASSES_ARGUMENTS, (("b", "match"),), in_page=False),
    Row("a step in place of gradients", CLASSES, "{name: -0.1 * each for name, each in classes(t).items()}", "b", "scale", "all that is claimed is −1/10 times what it should be; so is a step against the gradient with a learning rate of 0.1; W shows it, too", CLASSES_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("other arguments", CLASSES, "classes(t, of_scores=lambda p, y: (p**1.1 - y) / 4, decay=0.21)", "b", "unknown", "no claim is right: other arguments or weights, an added momentum, or two mistakes look like this", CLASSES_ARGUMENTS, (("W", "unknown"),), in_page=False),
    Row("the diagonal of a softmax alone", ATTENTION, "attention(t, lambda a, g: a * (1 - a) * g)", "K", "wrong-rule", "y·(1 − y)·g, the diagonal alone, in place of y·(g − Σ g·y)", ATTENTION_ARGUMENTS, (("Q", "follows"),), in_page=False),
    Row("a softmax over the other axis", ATTENTION, "attention(t, lambda a, g: a * (g - (a * g).sum(0)))", "K", "wrong-rule", "the sum over axis 0, not 1, in y·(g − Σ g·y)", ATTENTION_ARGUMENTS, (("Q", "follows"),), in_page=False),
    Row("a gradient that was not transposed", ATTENTION, '{"K": attention(t, lambda a, g: (a * (g - (a * g).sum(1, keepdims=True))).T)["K"]}', "K", "wrong-rule", "g.T in place of g (g is the gradient of the product), at matmul at program.py:2", ATTENTION_ARGUMENTS, in_page=False),
    Row("sigmoid and cross entropy that forget the label", LABELS, '{"w": t["x"].value.T @ t["y"].value}', "w", "wrong-rule", "y in place of y − label, the gradient of sigmoid and cross entropy as one, at sigmoid at program.py:2", "w=np.array([0.4, 0.1, -0.8]), x=x, b=b", in_page=False),
    Row("a slope that was multiplied by twice", LABELS, '{"w": t["x"].value.T @ (-((1 - t["y"].value) ** 2) * t["y"].value)}', "w", "wrong-rule", "the local partial, y·(1 − y), multiplied by twice, at sigmoid at program.py:2", "w=np.array([0.4, 0.1, -0.8]), x=x, b=b", in_page=False),
    Row("a batch norm whose mean and variance are constants", NORMALISED, "normalised(t, lambda d, n, std, mean: d / std)", "W", "wrong-rule", "nothing goes back through what is taken of all elements, as if it were constant, at mean at program.py:3 and mean at program.py:4", NORMALISED_ARGUMENTS, in_page=False),
    Row("a batch norm without its mean", NORMALISED, "normalised(t, lambda d, n, std, mean: (d - n * mean(d * n, 0)) / std)", "W", "wrong-rule", "h gets nothing back, at mean at program.py:3, or on from there up to subtract at program.py:3", NORMALISED_ARGUMENTS, in_page=False),
    Row("the result for the normalised value", NORMALISED, '{"b": (np.cos(t["x"].value[:, :2]) * (1 - t["y"].value ** 2) * t["y"].value).sum(0)}', "b", "wrong-rule", "y in place of normal, at multiply at program.py:5", NORMALISED_ARGUMENTS, in_page=False),
    Row("the slope of every sigmoid", GATED, "gated(t, lambda s: s * (1 + s))", "b", "wrong-rule", "y·(1 + y) in place of y·(1 − y) (x is the operand, y the result), at every sigmoid at program.py:4", "w=b, b=b + 0.3", (("w", "follows"),), in_page=False),
    Row("relu masked by what arrives", LAYERS, 'layers(t, mask=(-1 / (t["y"].value + 1e-7) * t["y"].value * (1 - t["y"].value)) @ t["V"].value.T > 0)', "W", "wrong-rule", "masked by the upstream, g > 0, in place of the operand, at maximum at program.py:2", "V=V - 0.5, W=W, x=x", (("V", "match"),), in_page=False),
    Row("a maximum that gives to all", POOLED, '{"x": (2 * t["h"].value * np.arange(1.0, 5.0))[:, None] * np.ones((4, 3))}', "x", "wrong-rule", "given to all elements, not to the largest alone, at max at program.py:2", "x=x, b=b", in_page=False),
    Row("weight decay that the program has not", LINEAR, '{"W": t["W"].grad + 0.01 * t["W"].value}', "W", "weight-decay", "0.01 × W is added to it, as weight decay", LINEAR_ARGUMENTS),
    Row("a decay of the sign", LINEAR, '{"W": t["W"].grad + 0.03 * np.sign(t["W"].value)}', "W", "weight-decay", "0.03 × the sign of W is added to it, as weight decay", LINEAR_ARGUMENTS, in_page=False),
    Row("the updated weight", LINEAR, '{"W": t["W"].value - 0.05 * t["W"].grad, "b": t["b"].grad}', "W", "step", "it is W less 0.05 × its gradient: the updated value in place of the gradient", LINEAR_ARGUMENTS, (("b", "match"),)),
    Row("a learning rate in a gradient", LINEAR, '{"W": 0.05 * t["W"].grad}', "W", "scale", "it is 0.05 times what it should be; so is a gradient with a learning rate of 0.05 in it", LINEAR_ARGUMENTS),
    Row("the gradient of another value", "def f(x, y):\n    return (x * np.exp(y)).sum()\n", '{"x": t["y"].grad, "y": t["x"].grad}', "x", "swapped", "it is the gradient of y", "x=b, y=b + 1", (("y", "swapped"),)),
    Row("keys and queries", ATTENTION, '{"Q": t["K"].grad, "K": t["Q"].grad}', "Q", "swapped", "it is the gradient of K", ATTENTION_ARGUMENTS, (("K", "swapped"),), in_page=False),
    Row("one triangle", "def f(x):\n    L = np.linalg.cholesky(x @ x.T + np.eye(4))\n    K = L @ L.T\n    return (np.log(np.diag(np.linalg.cholesky(K))) ** 2).sum()\n", '{"K": (t["K"].grad + t["K"].grad.T) / 2}', "K", "symmetric", "the program reads one triangle of K", "x=x"),
    Row("the last example alone", LINEAR, '{"W": np.outer(t["x"].value[-1], t["h"].grad[-1])}', "W", "missing-uses", "it is a sum over 4 examples, axis 0 of what matmul at program.py:2 takes; only the last is in it: overwritten with = instead of +=", LINEAR_ARGUMENTS),
    Row("all examples but one", LINEAR, '{"W": t["x"].value[1:].T @ t["h"].grad[1:], "b": t["h"].grad[[0, 1, 3]].sum(0)}', "W", "missing-uses", "the first is missing", LINEAR_ARGUMENTS, (("b", "missing-uses"),), in_page=False),
    Row("one example in place of the mean", CLASSES, '{"W": 4 * np.outer(t["x"].value[2], t["z"].grad[2]) + 0.2 * t["W"].value}', "W", "missing-uses", "only number 2, from 0, is in it, 4 times: its own gradient in place of the mean over all", CLASSES_ARGUMENTS, in_page=False),
    Row("the last column alone", "def f(W, x):\n    h = W @ x\n    return (h * h).sum()\n", '{"W": np.outer(t["h"].grad[:, -1], t["x"].value[:, -1])}', "W", "missing-uses", "axis 1 of what matmul at program.py:2 takes; only the last is in it", "W=V, x=x[:2]", in_page=False),
    Row("windows that overwrite each other", WINDOWS, windows("d[i:i + 3] = g"), "x", "missing-uses", "parts of x overlap, and each overwrote what others had put there, with d[i] = g in place of d[i] += g", "x=np.arange(6.0)", in_page=False),
    Row("windows that are added", WINDOWS, windows("d[i:i + 3] += g"), "x", "match", "right", "x=np.arange(6.0)", in_page=False),
    Row("the sign of one use of an array", NORMALISED, "normalised(t, lambda d, n, std, mean: (d - mean(d, 0) + n * mean(d * n, 0)) / std)", "W", "wrong-rule", "centred gets its gradient back with the wrong sign, at power at program.py:4", NORMALISED_ARGUMENTS, in_page=False),
    Row("the sign of one of several numbers", "def f(x):\n    a = 2.3 * x\n    b = 4.1 * x\n    return a + b - np.exp(x) * x\n", '{"x": 2.3 - 4.1 - np.exp(0.4) * 1.4}', "x", "scale", "what comes back from multiply at program.py:3 is in it with the wrong sign", "x=0.4", in_page=False),
    Row("the division by the deviation left out", NORMALISED, "normalised(t, lambda d, n, std, mean: d - mean(d, 0) - n * mean(d * n, 0))", "W", "wrong-rule", "the division by the deviation left out of (g − mean g − y·mean(g·y))/s", NORMALISED_ARGUMENTS, in_page=False),
    Row("sums for means in a normalisation", NORMALISED, "normalised(t, lambda d, n, std, mean: (d - d.sum(0) - n * (d * n).sum(0)) / std)", "W", "wrong-rule", "sums in place of the means", NORMALISED_ARGUMENTS, in_page=False),
    Row("the other axis of a normalisation", NORMALISED, "normalised(t, lambda d, n, std, mean: (d - mean(d, 1)[:, None] - n * mean(d * n, 1)[:, None]) / std)", "W", "wrong-rule", "means over axis 1, not 0", NORMALISED_ARGUMENTS, in_page=False),
    Row("the constant of a normalisation left out", NORMALISED, "normalised(t, lambda d, n, std, mean: (d - mean(d, 0) - n * mean(d * n, 0)) / np.sqrt(std**2 - 0.1))", "W", "wrong-rule", "the 0.1 that is added left out of s", NORMALISED_ARGUMENTS, in_page=False),
    Row("the slope of the step before", RECURRENT, f"through_time(t, lambda h: 1 - h * h, {_RIGHT_STEP}, late=1)", "U", "wrong-rule", "y of one turn earlier in 1 − y² (y is the result), at tanh at program.py:4, in all 4 runs", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("the slope left out on the way back alone", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP}, back_of=lambda d, slope: d / slope)", "U", "wrong-rule", "left out, at tanh at program.py:4, in all 4 runs, on the way back to the runs before alone, not for U", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("the loss of one step left out", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP}, lost=(1,))", "U", "wrong-rule", "h gets nothing back, at multiply at program.py:5 (step = 1), or on from there up to add at program.py:5 (step = 1)", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("the way back to one step left out", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, lambda W, d: W.T @ d, cut=2)", "U", "wrong-rule", "h gets nothing back, at matmul at program.py:4 (step = 2)", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("the loss of the last two steps left out", RECURRENT, f"through_time(t, {_RIGHT_SLOPE}, {_RIGHT_STEP}, lost=(2, 3))", "U", "wrong-rule", "nothing comes back to the 1st operand, at tanh at program.py:4 (step = 2) to (step = 3)", RECURRENT_ARGUMENTS, (("W", "follows"),), in_page=False),
    Row("either factor of a product", GATED, "gated(t, lambda s: s * (1 - s), swapped=True)", "b", "wrong-rule", "at either operand of multiply at program.py:5, in all 3 runs", "w=b, b=b + 0.3", (("w", "follows"),), in_page=False),
    Row("masked by another value", "def f(x, b):\n    n = np.sin(x[:, :2])\n    y = np.maximum(n * b + 0.1, 0)\n    return (y * np.arange(2.0)).sum() + (y * y).sum()\n", '{"b": (t["n"].value * t["y"].grad * (t["n"].value > 0)).sum(0)}', "b", "wrong-rule", "masked by n > 0 in place of the operand, at maximum at program.py:3", "x=x, b=b", in_page=False),
    Row("nothing added in the first turn, where the name is another", STEPPED, stepped("g = -k * 0.1 * g"), "x", "wrong-rule", "x gets nothing back, at add at program.py:3, in all 4 runs", "k=b, x=b + 1", in_page=False),
    Row("every step of a solver", STEPPED, stepped("g = g - k * 0.1 * g"), "x", "match", "right", "k=b, x=b + 1", in_page=False),
    Row("the slope of one layer left out of one gradient", LINEAR_TWICE, '{"W": t["x"].value.T @ (2 * t["h"].value), "b": (2 * t["h"].value * (1 - t["h"].value ** 2)).sum(0)}', "W", "wrong-rule", "left out, at tanh at program.py:2; b is right, which goes through it, too", LINEAR_ARGUMENTS, (("b", "match"),), in_page=False),
    Row("a use that is missing further on", SCALARS, "scalars(t, of_e=2 * t['e'].value)", "c", "missing-uses", "the use of e by tanh at program.py:4 is missing; b and a show it, too", SCALARS_ARGUMENTS, (("b", "follows"), ("a", "follows")), in_page=False),
    Row("a slope that is wrong further on", SCALARS, "scalars(t, slope=1 - t['f'].value)", "c", "wrong-rule", "1 − y in place of 1 − y² (x is the operand, y the result), at tanh at program.py:4; b and a show it, too", SCALARS_ARGUMENTS, (("b", "follows"),), in_page=False),
    Row("numbers that are right", SCALARS, "scalars(t)", "c", "match", "right", SCALARS_ARGUMENTS, (("b", "match"), ("a", "match")), in_page=False),
    Row("a sigmoid under a name", "def f(x, b):\n    y = 1 / (1 + np.exp(-(x @ b)))\n    return (y * y).sum() + (b * b).sum()\n", '{"b": 2 * t["b"].value - t["x"].value.T @ (2 * t["y"].value ** 2 * (1 - t["y"].value))}', "b", "scale", "what comes back from matmul at program.py:2 is in it with the wrong sign", "x=x, b=b[0] * x[0]", in_page=False),
    Row("the last step of every sample", "def f(W, x, b):\n    h = x.reshape(2, 2, 3) @ W + b\n    return (h * h).sum()\n", '{"b": t["h"].grad[:, -1].sum(0), "W": t["x"].value.reshape(2, 2, 3)[:, -1].T @ t["h"].grad[:, -1]}', "b", "missing-uses", "b is broadcast to 2 copies, axis 1 of 2, whose gradients are added; only the last is in it", LINEAR_ARGUMENTS, (("W", "missing-uses"),), in_page=False),
    Row("zeros for a weight that is zero", LINEAR, '{"b": np.zeros(2)}', "b", "missing-uses", "the one use of b, add at program.py:2, was not added", "W=W, x=x, b=0 * b", in_page=False),
    Row("a step from a weight that is zero", LINEAR, '{"b": -0.05 * t["b"].grad}', "b", "scale", "it is −0.05 times what it should be; so is a step against the gradient with a learning rate of 0.05", "W=W, x=x, b=0 * b", in_page=False),
    Row("clipped by its norm", LINEAR, '{"W": t["W"].grad * 5 / np.linalg.norm(t["W"].grad)}', "W", "scale", "times what it should be; so is a gradient whose norm is clipped to 5", LINEAR_ARGUMENTS, in_page=False),
    Row("the loss of all steps but the last left out", READ_OUT, "read_out(t, lost=(0, 1, 2))", "b", "wrong-rule", "nothing comes back to h, at matmul at program.py:5 (step = 0) to (step = 2)", READ_OUT_ARGUMENTS, (("V", "match"), ("W", "follows")), in_page=False),
    Row("a read-out that is right", READ_OUT, "read_out(t)", "b", "match", "right", READ_OUT_ARGUMENTS, (("V", "match"), ("W", "match")), in_page=False),
    Row("a slope left out at one state", STEPS, '{"h[1]": t["W"].value.T @ t["h[2]"].grad}', "h[1]", "wrong-rule", "left out, at tanh at program.py:4 (step = 2)", LOOP_ARGUMENTS, in_page=False),
    Row("not summed over the batch", LINEAR, '{"b": t["h"].grad, "W": t["W"].grad}', "b", "wrong-shape", "wrong shape: got (4, 2), expected (2,): not summed over axis 0, of 4 (axis 0 of x)", LINEAR_ARGUMENTS, (("W", "match"),)),
    Row("no numbers", LINEAR, '{"W": None, "b": t["b"].grad}', "W", "wrong-type", "no gradient: got None, expected an array (3, 2)", LINEAR_ARGUMENTS, (("b", "match"),)),
    Row("NaN", LABELS, '{"b": t["b"].grad * [1.0, np.nan], "w": t["w"].grad}', "b", "not-finite", "1 of 2 elements is nan, at [1], where the gradient is −0.4; the other elements: right", "w=np.array([0.4, 0.1, -0.8]), x=x, b=b", (("w", "match"),)),
    Row("zero, to within the rounding of what cancels", CENTRED, '{"b": np.array([3e-17, -2e-17])}', "b", "match", "right", "x=x, b=b", in_page=False),
)  # fmt: skip


def trace_of(row: Row) -> Trace:
    """Trace the program of a row."""
    return record(row.function(), **row.given)


def program(source: str, arguments: str) -> Trace:
    """Trace a program."""
    return trace_of(Row("", source, "", "", "", "", arguments))
