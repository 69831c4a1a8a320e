"""Write docs/findings.md from the planted faults and what `edgegrad check` prints of them: python tests/findings_page.py."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

from rich.text import Text
from test_faults import ALL, trace_of

from tracer.diagnose import gain, tiny_factors
from tracer.diagnose.finding import KINDS
from tracer.numbers_text import power_of_ten
from viz.check import finding_parts

PAGE = Path(__file__).parent.parent / "docs" / "findings.md"
_HEAD = """# Findings

What `t.findings()` and `edgegrad check` say: what is wrong with a gradient, where it begins, and by what arithmetic.
Worst first; one finding for one cause, however much it spoils.

```
edgegrad check run.trace                             # a trace that was saved
edgegrad check model.py:loss x=0.0                   # or a program, at once
edgegrad check run.trace --fail-on nonfinite,dead    # exits with 1 where one of these does harm
edgegrad check run.trace --format github             # annotations for a workflow; --json for other tools
```

A finding is an `error` or a `warning` where it does harm: where the gradient of an input is lost, not finite, or hangs on
a convention, or where that can't be ruled out. What is harmless is a `note`: a NaN that reaches nothing, a `-inf` mask, a
unit that is off, a value that is printed. Only where there are no others does the last line say that nothing was found
wrong; where nothing is known of a cut but that the run has warned of it, the line says that nothing is wrong among the
recorded operations, and where the gradients may lack something. In Python a finding has `kind`, `severity`, `site`,
`message`, `advice`, `node`, `edges` and `numbers`.

Each example is a program of `tests/faults/`, which has many more. Written by `python tests/findings_page.py`; the suite
fails where this page is stale.
"""
_ABOUT = {
    "failed": "Where a run ended that raised an exception; what was recorded before it can be looked at.",
    "nonfinite": "Where NaN or an infinity is born, told as the factors that made it. Forward it is the operation whose "
    "operands were finite, backward the edge whose upstream was; where the operation met a value that was born before, "
    "that one is named. An infinity that is written down, as in a mask, is no cause.",
    "vanishing": "Where the gradient gets lost on its way back: what operations that it passes again and again "
    f"({gain.PASSES} times or more) leave of it is less than {power_of_ten(-gain.LOST)} (an error below "
    f"{power_of_ten(tiny_factors.ROUNDING)}, where rounding takes the rest), what they give back counted against it, "
    "and what cancels within a product of matrices left out. The numbers told are those of the run, |gradient sent| over "
    "|gradient that came|; with the rest, what all else on the way made, they multiply to the change in all. "
    "What units do, once, does not count. Of an array or list that is not lost as a whole, items can be. A single pass "
    f"counts where it saturates and doubling the input would change the output by less than "
    f"{power_of_ten(tiny_factors.UNNOTICED)} of it. A recurrence that forgets by design is a note: its first state, "
    "where other inputs replace it turn by turn (the `h` of a recurrent net, the `m` of a momentum); early items in a "
    "running average (`p * old + (1 - p) * new`, the gate of a GRU), or at a factor of 0.9 or more a turn; the start of "
    "an iteration that has converged. Early items of a recurrent net are no note, nor are its weights.",
    "exploding": "Where the gradient grows beyond scale on its way back: what operations that it passes "
    f"{gain.PASSES} times or more make of it is more than {power_of_ten(gain.BLOWN)}; an error beyond "
    f"{power_of_ten(gain.OVERFLOW)}, whose square is no float any more.",
    "cancellation": "Digits that are lost: by uses of a value whose gradients cancel, or by a value that is a small "
    "difference of large ones, whose rounding errors an input's gradient hangs on. The gradients are computed again with "
    "such values as they would be without those errors: what changes is not known. A warning where a gradient keeps fewer "
    "than half of its digits (8 of 16, 3.5 of 7), an error where it keeps none. It is not the operation's fault where the "
    "last digit of an input changes the value by as much: a residual at a fit, the shift of a softmax, a converged step, "
    "the difference of two inputs; nor does it matter where the error is less than 100 roundings of the output, or where "
    "the output is zero at other inputs, too, as sin² + cos² − 1. Traces with more than four million numbers in arrays are not looked into for values.",
    "dead": "An input without gradient, and why: it is not used, rounded, compared, overwritten, clamped, saturated, or "
    "multiplied by 0. The elements of a list count as one input.",
    "cut": "Where a value left the graph, what lost its gradient by it, and where the number came back as a constant: told "
    "by the very number, or by the program's text, which leads to an operation of the run that took a constant there. "
    "Where neither leads on, nobody knows what was computed from the number: the gradients lack that. So a cut is a "
    "warning wherever the run has warned of it, and `--fail-on cut` fails; a warning of the run that belongs to no "
    "cut (a number that an earlier trace has left, an input that is read by another way) is one here, too. A cut is a "
    "note where nothing is missing: its number is only printed, compared, counted with, or put into a list, or "
    "`detach(x)` says that it is meant.",
    "kink": "A derivative that is a convention, and what another choice would have given.",
}


_EXAMPLES = {
    "nonfinite": ("masked_reciprocal",),
    "dead": ("dead_relu",),
    "cancellation": ("nearly_equal_multiples", "one_less_cosine"),
    "cut": ("float_of_a_loss", "part_of_a_sum"),
}


def _code(function):
    text = re.sub(r"\s*# cause.*$", "", inspect.getsource(function), flags=re.MULTILINE)
    return f"```python\n{text.rstrip()}\n```\n"


def _printed(function):
    """Return what the command prints, with lines counted from the function's first."""
    trace = trace_of(function)
    parts = finding_parts(trace, [trace.findings()[0]], columns=100)
    first = inspect.getsourcelines(function)[1] - 1
    text = "\n".join(part.plain if isinstance(part, Text) else str(part) for part in parts[:-2])
    text = re.sub(r"(?<=line )\d+", lambda found: str(int(found[0]) - first), text)
    text = re.sub(r"(?<=\.py:)\d+", lambda found: str(int(found[0]) - first), text)
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if found := re.match(r"  (\d+)(?= │)", line):
            number = str(int(found[1]) - first)
            shorter = len(found[1]) - len(number)
            lines[at] = f"  {number}{line[found.end() :]}"
            lines[at + 1] = lines[at + 1][shorter:]
    text = "\n".join(lines)
    return "```\n" + re.sub(r"\s+# cause.*$", "", text, flags=re.MULTILINE) + "\n```\n"


def text():
    """Return the page."""
    sections = [_HEAD]
    for kind in (kind for kind in KINDS if kind in ALL):
        sections += [f"## {kind}\n", textwrap.fill(_ABOUT[kind], 120) + "\n"]
        for name in _EXAMPLES.get(kind, tuple(ALL[kind])[:1]):
            sections += [_code(ALL[kind][name]), _printed(ALL[kind][name])]
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
