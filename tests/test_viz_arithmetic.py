"""Whatever a picture writes down as arithmetic is true as it stands there, or says that it is not."""

import re
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from rolled_programs import ROLLED, rolled_trace
from test_samples import trace_of as sample
from viz_programs import PROGRAMS, trace_of

from tracer import record
from tracer.numbers_text import ROUNDED
from viz import labels
from viz.diagram import diagram
from viz.rolled_diagram import rolled_diagram
from viz.rollup import roll_up
from viz.samples import samples


def cancelling(x, z):
    near = 100.1034 * x - 99.98 * x + 0.0 * x + 0.0 * x + 0.0 * x
    return near + (z * (1 + 1.00000001j) * (1 + 1j)).real + x * 1e300 - x * 1e300


def vanishing(x, y):
    return x * 1e-200 * y * 1e-200 + (x * 1e-162) * (y * 1e-162)


def overflowing(x):
    return x * 1e200 * 1e200 + np.array([1.0, 3.0]).sum() * x


HARD = {
    "cancelling": (cancelling, (2.0, 1.0 + 1.0j)),
    "vanishing": (vanishing, (2.0, 3.0)),
    "overflowing": (overflowing, (2.0,)),
}
SAMPLES = [each.name for each in samples()]
NUMBER = r"−?(?:\d+\.?\d*(?:e[-+]\d+)?|inf|nan)"
ANY = rf"(?:(?:{NUMBER}[+−])?{NUMBER}j|{NUMBER})"
FACTOR = rf"(?:\({ANY}\)|{NUMBER})"
PLACE = r"(?:\[[\d, ]+\]  )?"
PRODUCT = re.compile(rf"{PLACE}(Re\()?({FACTOR}) × ({FACTOR})\)? ([=≈]) (?:⚠ )?({ANY})")
SUM = re.compile(rf"(?:Σ |{PLACE})((?:{ANY})(?: [+−] {ANY})+) ([=≈]) (?:⚠ )?({ANY})")
LARGEST = re.compile(rf"(?:Σ |{PLACE})[\d,]+ terms: {ANY} [+−] {ANY} \+ … = (?:⚠ )?{ANY}")
OTHER = (  # no arithmetic of numbers that all stand there
    rf"Σ over [\d,]+(?: uses| runs)? = (?:⚠ )?‖?{ANY}‖?",
    r"(?:.* )?→ .*",  # what a rule that is no product makes of what arrives
    r"Σ of .* uses.*|Σ over copies.*|Σ .*‖ → .*",
    rf".*: (?:{ANY}|[\d.<>]+ %)(?: .*)?",  # terms or shares by name
    r"×.* for each turn back.*",
)


@cache
def traced(name):
    if name in HARD:
        program, arguments = HARD[name]
        with np.errstate(all="ignore"):
            return record(program, *arguments)
    return trace_of(name) if name in PROGRAMS else rolled_trace(name) if name in ROLLED else sample(name)


def read(text):
    """The real and the imaginary part of a number, exactly; None where it is not finite."""
    parts = re.fullmatch(rf"({NUMBER})(?:([+−])({NUMBER})j)?", text.strip("()"))
    if "inf" in text or "nan" in text:
        return None
    real, sign, imaginary = parts[1], parts[2] or "+", parts[3] or "0"
    return Fraction(real.replace("−", "-")), Fraction((sign + imaginary).replace("−", "-"))


def multiplied(first, second, *, takes_real_part):
    (a, b), (c, d) = first, second
    return a * c - b * d, 0 if takes_real_part else a * d + b * c


def added(signs, terms):
    every = [(sign * real, sign * imaginary) for sign, (real, imaginary) in zip(signs, terms, strict=True)]
    return tuple(map(sum, zip(*every, strict=True)))


def is_near(given, shown):
    """Whether what stands at the left of a sign makes what stands at its right, but for what is rounded off."""
    apart = max(abs(each - other) for each, other in zip(given, shown, strict=True))
    return apart <= max(map(abs, shown)) * 2 * Fraction(ROUNDED)


def assert_true(line):
    """A line is true, or says that it is not."""
    if found := PRODUCT.fullmatch(line):
        real_part, first, second, sign, result = found.groups()
        operands, shown = [read(first), read(second)], read(result)
        if None in operands:
            assert shown is None
        elif shown is not None:
            assert is_near(multiplied(*operands, takes_real_part=real_part), shown) == (sign == "="), line
    elif found := SUM.fullmatch(line):
        terms, sign, result = found.groups()
        signs = [-1 if each == "−" else 1 for each in re.findall(r" ([+−]) ", f" + {terms}")]
        operands, shown = [read(each) for each in re.split(r" [+−] ", terms)], read(result)
        if None in operands:
            assert shown is None
        elif shown is not None:
            assert is_near(added(signs, operands), shown) == (sign == "="), line
    elif not LARGEST.fullmatch(line):
        assert any(re.fullmatch(pattern, line) for pattern in OTHER), line


def drawn(name, *, is_rolled):
    return rolled_diagram(roll_up(traced(name))) if is_rolled else diagram(traced(name))


def worked(picture):
    """The lines below the wires of a picture that work something out."""
    lines = [line for box in picture.boxes for line in box.lead.below]
    lines += (line for arrow in picture.arrows for line in arrow.label.below)
    texts = ("".join(span.text for span in line) for line in lines)
    return [text for text in texts if re.search("[=≈×]", text)]


@pytest.mark.parametrize("is_rolled", [False, True], ids=["exact", "rolled"])
@pytest.mark.parametrize("name", [*PROGRAMS, *SAMPLES, *HARD])
def test_the_arithmetic_of_a_picture_is_true_as_it_stands_there(name, is_rolled):
    for line in worked(drawn(name, is_rolled=is_rolled)):
        assert_true(line)


def shown(value):
    """How a value is written: a number; an array by its shape and norm, and by its worst element."""
    if not labels.is_array(value):
        return [labels.number(value)]
    return [labels.summary(value), *([labels.worst(value)] if value.size else [])]


def said(lines, *roles):
    """What stands in lines in some roles, without the sign of what is not finite."""
    return [span.text.removeprefix("⚠ ") for line in lines for span in line if span.role in roles]


@pytest.mark.parametrize("name", [*PROGRAMS, *SAMPLES, *HARD])
def test_every_wire_says_the_value_and_the_gradient_of_its_edge(name):
    trace, picture = traced(name), drawn(name, is_rolled=False)
    for arrow in picture.arrows:
        edge, label = trace.edges[arrow.edge], arrow.label
        if edge.dst.kind == "splitter":  # says so itself
            assert label.is_empty
            continue
        above = said(label.above, "value", "alarm", "quiet")
        assert above in (shown(edge.value), shown(edge.value)[:1]) or edge.step is None
        if edge.dst.kind == "cut":
            assert said(label.below, "gradient", "quiet") == ["0", "  cut off"]
        elif edge.step is None:
            assert said(label.below, "gradient", "quiet")[0] in ("0", "0  not reached")
        elif edge.dst.kind == "output":
            assert said(label.below, "gradient", "alarm") == shown(edge.grad)
        else:
            assert said(label.below, "gradient", "alarm") == [labels.norm(edge.grad)]
            working = said(label.below, "working")[0].removeprefix("Re(")
            assert working.lstrip("(").startswith(labels.norm(edge.upstream))


@pytest.mark.parametrize("name", [*PROGRAMS, *SAMPLES, *HARD])
def test_every_box_says_the_value_and_the_gradient_of_its_node(name):
    trace, picture = traced(name), drawn(name, is_rolled=False)
    for box in picture.boxes:
        node = trace.nodes[box.node]
        if node.kind == "splitter":
            assert box.state == "unreached" or said(box.lead.below, "gradient", "alarm") == [
                labels.norm(node.grad)
            ]
            counts = re.findall(r"([\d,]+) terms:", " ".join(said(box.lead.below, "working", "quiet")))
            assert {each.replace(",", "") for each in counts} <= {str(len(node.out_edges))}
        elif node.kind in ("input", "output"):
            numbers = said(box.lines, "value", "gradient", "alarm")
            is_told = node.kind == "input" or node == trace.output
            assert numbers == [*shown(node.value), *(shown(node.grad) if is_told else [])]


@pytest.mark.parametrize("name", ROLLED)
def test_the_arithmetic_of_a_rolled_picture_is_true_as_it_stands_there(name):
    for line in worked(drawn(name, is_rolled=True)):
        assert_true(line)
