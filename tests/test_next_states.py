"""What traced functions leave behind: the next state of a number, and what a cache keeps, of which a later trace warns."""

import importlib.util

import numpy as np
import pytest
from checks import central_differences, same

from tracer import record, trace
from tracer.errors import CutWarning

X = np.array([0.8, -0.6])
STATE = """
import numpy as np
from types import SimpleNamespace

def sgd(w, g, rate=0.1): return w - rate * g
def both(w, b, x): return w - 0.1 * np.outer(x, x), b - x
def cell(x, h):
    return np.tanh(W @ h + x)
def changed(weights, x): return {k: w - 0.1 * x for k, w in weights.items()}
def known(c, x): return x * 2 if c is None else c

class Layer:
    def __init__(self): self.w, self.kept, self.table = np.ones(2), None, {0: np.ones(2)}
    def moved(self, w, x): return w - 0.1 * x

W, b, h, rate, total, counter = np.eye(2), np.ones(2), np.ones(2), 0.5, 0.0, 1
layer, table, many = Layer(), {"w": np.ones(2), "b": np.ones(2)}, [np.ones(2), np.ones(2)]

def loss(x):
    y = np.tanh(W @ x + b) * layer.w * table["w"] * many[1] + h * rate
    return (y * y).sum() + total * x[0]
"""
NEXT = {
    "global": "global W; y = loss(x); W = W - 0.1 * np.outer(x, x) * y; return y",
    "several at once": "global W, b; W, b = W - 0.1 * np.outer(x, x), b - x * W[0]; return loss(x)",
    "numbers": "global rate, total; rate -= x[0] * 0.1; total = 0.9 * total + float_of(x); return loss(x)",
    "attribute": "layer.w = np.clip(layer.w - 0.1 * x, -1.0, 1.0); return loss(x)",
    "items": "for k in table: table[k] = table[k] - 0.1 * x\n    many[1] = many[1] * x; return loss(x)",
    "choice": "global b; b = b - x if x[0] > 0 else b; return loss(x)",
    "by another variable": "global b; new = b - 0.1 * x; b = new; return loss(x)",
    "function": "global b, W; b = sgd(b, rate=0.2, g=x); W, _ = both(W, b, x); return loss(x)",
    "method": "layer.w = layer.moved(layer.w, x); return loss(x)",
    "recurrence": "global h; h = cell(x, h=h); return loss(x)",
    "list made anew": "global many; many = [w - 0.1 * x for w in many]; return loss(x)",
    "dict made by a function": "global table; table = changed(table, x); return loss(x)",
    "attribute by its name": "for k in ('w',): setattr(layer, k, getattr(layer, k) - 0.1 * x)\n    return loss(x)",
    "attribute by its name, as written": "setattr(layer, 'w', layer.w - 0.1 * x); return loss(x)",
    "attributes at once": "vars(layer).update({k: getattr(layer, k) - 0.1 * x for k in ('w',)}); return loss(x)",
    "attributes, by names": "layer.__dict__.update(w=getattr(layer, 'w') - 0.1 * x); return loss(x)",
    "items at once": "table.update({k: w - 0.1 * x for k, w in table.items()}); return loss(x)",
    "items, pair by pair": "table.update((k, w - 0.1 * x) for k, w in list(table.items())); return loss(x)",
    "one item": "table.update({'w': table['w'] - 0.1 * x}, b=table['b'] * x); return loss(x)",
}
KEPT = {
    "attribute by its name": "if layer.kept is None: setattr(layer, 'kept', getattr(layer, 'w') * x)\n    return (layer.kept * x).sum()",
    "attributes at once": "if layer.kept is None: vars(layer).update(kept=getattr(layer, 'w') * x)\n    return (layer.kept * x).sum()",
    "item of the item before, at once": "if 1 not in layer.table: layer.table.update({1: layer.table[0] * x})\n    return (layer.table[1] * x).sum()",
    "attribute": "if layer.kept is None: layer.kept = x * 2\n    return (layer.kept * x).sum()",
    "choice": "layer.kept = x * 2 if layer.kept is None else layer.kept; return (layer.kept * x).sum()",
    "function": "layer.kept = known(layer.kept, x); return (layer.kept * x).sum()",
    "item of the item before": """for k in (1, 2):
        if k not in layer.table: layer.table[k] = layer.table[k - 1] * x
    return (layer.table[2] * x).sum()""",
    "item, by a list of the function's own": """if 1 not in layer.table:
        s = [b]
        s[0] = s[0] * x
        layer.table[1] = s[0]
    return (layer.table[1] * x).sum()""",
    "item, by an object of the function's own": """if 1 not in layer.table:
        s = SimpleNamespace(v=b)
        s.v = s.v * x
        layer.table[1] = s.v
    return (layer.table[1] * x).sum()""",
}


@pytest.fixture
def load(tmp_path):
    """Return what makes a module with a function."""

    def loaded(name, body):
        (tmp_path / f"{name}.py").write_text(
            f"{STATE}\ndef float_of(x): return x[1] * x[0]\ndef step(x):\n    {body}\n"
        )
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return loaded


def state_of(module):
    return [
        module.W, module.b, module.h, module.rate, module.total, vars(module.layer), module.table, module.many
    ]  # fmt: skip


@pytest.mark.parametrize("name", NEXT)
def test_the_next_state_of_a_number_is_no_cut_in_the_next_trace(name, load):
    plain, traced = load("plain", NEXT[name]), load("traced", NEXT[name])
    step = trace(strict=True)(traced.step)
    for _ in range(3):
        assert same(step(X.copy()), plain.step(X.copy()))
        assert same(state_of(traced), state_of(plain))

    def after_two_steps(x):
        module = load("again", NEXT[name])
        module.step(X.copy())
        module.step(X.copy())
        return module.step(x)

    (expected,) = central_differences(after_two_steps, X)
    np.testing.assert_allclose(step.last_trace.grads["x"], expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", KEPT)
def test_of_what_a_cache_keeps_the_next_trace_warns(name, load):
    module = load("kept", KEPT[name])
    record(module.step, X.copy())
    with pytest.warns(CutWarning, match="kept from an earlier trace is a constant"):
        record(module.step, X.copy())
