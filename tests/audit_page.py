"""Write docs/audit.md from the rows of audits: python tests/audit_page.py."""

from __future__ import annotations

from pathlib import Path

from audit_rows import ROWS

from tracer import audit, record
from tracer.diagnose.audit import TOLERANCES
from tracer.diagnose.verdict import KINDS

PAGE = Path(__file__).parent.parent / "docs" / "audit.md"
_MEANING = {
    "match": "The claim is right.",
    "mean-not-sum": "What came back from the uses, or from the copies of a broadcast, was averaged.",
    "product-not-sum": "What came back from the uses was multiplied.",
    "missing-uses": "Some uses were not added, or of a product or a broadcast that sums over examples one alone; the message says "
    "which, and how that happens.",
    "added-not-multiplied": "At a function node, upstream and local partial were added.",
    "sign": "Everything is right but the sign: of the gradient, of what one use sends back, or of what one operation does.",
    "scale": "A constant factor. A number is a multiple of every other, so of numbers only likely factors count: small "
    "whole numbers, the number of uses, the length of an axis, and one divided by these. A factor or a sign that several "
    "claims have in common is told once, with the place up to which it may come in; the others follow from it.",
    "transposed": "An array with its axes in reverse order; reshaped where it should be transposed, or the other way round.",
    "wrong-axis": "What is broadcast along one axis, as a bias to samples, gets the sum or the mean along the other one.",
    "clipped": "Right up to a size, beyond which it was cut off, as against gradients that explode; of a single element only at "
    "a size of two digits, as any number that is too small would be explained by one.",
    "weight-decay": "A multiple of the value itself, or of its sign, is added; the message says which multiple.",
    "step": "The value after a step along its gradient, or the value itself, in place of the gradient.",
    "swapped": "The gradient of another input or variable.",
    "symmetric": "Half of a gradient for each of two elements that mirror each other, where the program reads one triangle of a "
    "matrix, as a Cholesky decomposition does, and all of it goes to one of them.",
    "wrong-rule": "A single operation on the way back from the value has a wrong local rule; the message says which, and "
    "what was done in its place: a slip in a derivative, nothing or too little sent back, a matrix not transposed, another "
    "value of the program in the place of one, a mask by what arrives, a label that softmax and cross entropy forget, a mean "
    "taken as a constant, a weight that was updated too early, a normalisation without its deviation, a slope of the step before. In a loop it is looked for at all runs of the line, and at each.",
    "follows": "Right, given what is claimed for a later value, or the wrong rule that it shows: mend that one first.",
    "wrong-shape": "An array of another shape, of which nothing is compared but what may have been done: a sum over the batch too "
    "few or too many, a mean, one element, the gradient of another value. Where the shape shows how it is mended, it says what "
    "the mended claim would be.",
    "wrong-type": "None, a text, truth values, objects, parts of unequal lengths, complex numbers for a real value. None is right "
    "where the gradient is zero.",
    "not-finite": "NaN or infinity where the gradient is none, or in other elements. The message says where, which factor is not "
    "finite at just these, how the gradient itself came to be not finite, and what the other elements are.",
    "unknown": "Wrong, and none of these gives the number.",
}
_HEAD = """# Audit: what went wrong in a backward pass of your own

`audit(t, claims)` and `edgegrad audit TRACE CLAIMED.npz` (or `.json`) compare gradients that you claim with those of
a trace: for inputs, and for any variable by its name (`"h[3]"` is the fourth value of `h`). Each gets one verdict; the
first wrong one in backward order is marked, and what only follows from it is told apart. `edgegrad audit` exits with 1
where a claim is wrong.

A claim is right that differs by at most `atol + rtol × |gradient|`. By default `rtol` is {double:g}, or {single:g} where the claim
or the gradient is in single precision and {half:g} in half; `atol` is `rtol` of the largest term of the sum that the gradient
is. Where no tolerance is given, a number that was rounded is right, too, and the verdict says to how many digits: 0.1966
for 0.19661193, three digits or more and no whole number, unless a mistake gives just that; of an array all elements in as many digits,
or in as many decimals. What is claimed for earlier values may follow from it. Where two mistakes give the same number,
the one that assumes less is told; where they assume as little, both are. Where the first mistake explains one claim and leaves
others unknown, the verdict says so.

Written by `python tests/audit_page.py` from code that the suite runs.
"""


def told(row):
    """Return what the audit says of a row."""
    trace = record(row.function(), **row.given)
    return str(audit(trace, row.claimed(trace)))


def text():
    """Return the page."""
    parts = [_HEAD.format(double=TOLERANCES[8], single=TOLERANCES[4], half=TOLERANCES[2])]
    parts.append(
        "| verdict | what it says |\n| --- | --- |\n"
        + "\n".join(f"| [`{kind}`](#{kind}) | {_MEANING[kind]} |" for kind in KINDS)
        + "\n"
    )
    for kind in KINDS:
        parts.append(f"## {kind}\n\n{_MEANING[kind]}\n")
        for row in (row for row in ROWS if row.kind == kind and row.in_page):
            called = f"t = record(f, {row.arguments})\naudit(t, {row.claims})"
            said = told(row).split("\n", 1)[1]
            parts.append(
                f"{row.title.capitalize()}:\n\n```python\n{row.program.rstrip()}\n\n\n{row.setup}{called}\n```\n\n```text\n{said}\n```\n"
            )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
