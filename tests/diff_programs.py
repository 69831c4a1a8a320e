"""Programs of which two texts are compared."""

import numpy as np

BEFORE = """
def loss(x, y):
    s = x * y
    t = s * 3.0
    return t + x
"""


def program(register, text, name):
    """Make the function that a text defines, with its lines where they can be read."""
    file = register(text, name)
    scope = {"np": np}
    exec(compile(text, file, "exec"), scope)  # noqa: S102
    return next(value for value in scope.values() if getattr(value, "__name__", "") in ("loss", "cost"))


def codes(lone):
    return [(each.operation.code, each.count) for each in lone]


def changed(*edits):
    text = BEFORE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text
