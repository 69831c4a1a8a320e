"""Text for numbers, arrays, constants and user-supplied strings: the only place that formats a number.

Used by `tracer.diagnose` and, through `viz.labels`, by whatever else shows a number to a person. Everything here is
a pure function, and the same value gives the same text on every machine.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Terms: TypeAlias = Sequence[Any] | np.ndarray[Any, Any]

DIGITS = 4
EXACT_BELOW = 1_000_000  # whole numbers below it are shown in full: 12345, not 1.234e+04
SHOWN_TERMS = 4  # a sum with more terms is shown by its count and its largest terms
LARGEST_TERMS = 2
MOST_DIGITS = 8  # of terms that cancel
ROUNDED = 10.0 ** (1 - DIGITS)  # by what part of itself a total may differ from the sum of rounded terms
CONSTANT_LIMIT = 18
_FEW = 8  # numbers of an array that may be written out
_MOST_OF_FACTOR = 12  # digits; more would show rounding
_LARGEST_POWER = 300  # of ten, which is a float in either direction
_LEAST_OF_PRODUCT = 1e-319  # below, a float has not four digits

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def number(value: Any, digits: int = DIGITS) -> str:
    """Format one number with four significant digits, or more: 7, 0.25, 1.234e-05, nan, inf, −0.5."""
    if isinstance(value, np.ndarray):
        value = value.item()
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (complex, np.complexfloating)):
        sign = "−" if value.imag < 0 or (value.imag == 0 and math.copysign(1, value.imag) < 0) else "+"
        first = "" if value.real == 0 and value.imag != 0 else number(value.real, digits)
        return f"{first}{sign}{number(abs(value.imag), digits)}j".removeprefix("+")
    if isinstance(value, (int, np.integer)):
        return _minus(_whole(int(value)))
    real = float(value)
    if math.isfinite(real) and real.is_integer() and abs(real) < EXACT_BELOW:
        return _minus(str(int(real)))
    return _minus(f"{real:.{digits}g}")


def _minus(text: str) -> str:
    """Put a real minus sign in front; the exponent keeps its hyphen, as in Python."""
    return "−" + text[1:] if text.startswith("-") else text


def _whole(value: int) -> str:
    """Format an int of any size; Python itself refuses to print one of 5,000 digits."""
    if abs(value) < EXACT_BELOW:
        return str(value)
    exponent = int(math.log10(abs(value)))
    shift = exponent - 300
    small = value // 10**shift if shift > 0 else value
    mantissa, _, power = f"{float(small):.{DIGITS}g}".partition("e")
    return f"{mantissa}e+{int(power or 0) + max(shift, 0):02d}"


def rounded(value: float, digits: int) -> str:
    """Format a number rounded to a few digits, in full where it is whole then: 140, not 1.4e+02."""
    return number(float(f"{value:.{digits}g}"), digits)


def power_of_ten(exponent: float, digits: int = 2) -> str:
    """Format 10 to a power with a few digits, also where no float holds it: 1.2e-07, 0.25, 140, 1e-512."""
    if abs(exponent) < _LARGEST_POWER:
        return rounded(10.0**exponent, digits)
    return f"1e{exponent:+.0f}"


def factor_of(exponent: float, digits: int = 2) -> str:
    """Format 10 to a power as a factor: with a few digits, or so many as tell it from 1."""
    apart = abs(math.expm1(exponent * math.log(10.0))) if abs(exponent) < 1 else 1.0
    enough = math.ceil(-math.log10(apart)) + 1 if apart else digits
    return power_of_ten(exponent, max(digits, min(enough, _MOST_OF_FACTOR)))


def short_count(count: float) -> str:
    """Format a count in a few characters: 500, 60k, 1.5M."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:g}M"
    return f"{count / 1_000:g}k" if count >= 10_000 else f"{count:g}"


def memory(count: int) -> str:
    """Format a number of bytes: 640 bytes, 1.5 KiB, 512 MiB."""
    size, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.3g} {unit}" if size < 1000 else f"{size:.0f} {unit}"


def is_array(value: Any) -> bool:
    """Say whether a value is shown by shape and norm rather than as one number."""
    return isinstance(value, np.ndarray) and value.ndim > 0


def is_finite(value: Any) -> bool:
    """Say whether a number, or every number of an array, is finite."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind not in "fc" or bool(np.isfinite(value).all())
    return not isinstance(value, (float, complex, np.inexact)) or bool(np.isfinite(value))


def shape(value: np.ndarray) -> str:
    """Format an array's shape as Python does: (64,), (128, 64)."""
    return str(tuple(value.shape))


def norm(value: Any) -> str:
    """Format a number as itself, an array by its Euclidean norm: ‖4.123‖."""
    return f"‖{number(norm_of(value))}‖" if is_array(value) else number(value)


def norm_of(value: np.ndarray) -> float:
    """Return the Euclidean norm, without overflow on the way."""
    sizes = np.abs(_numeric(value))
    largest = float(sizes.max(initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm((sizes / largest).ravel()))


def _numeric(value: np.ndarray) -> np.ndarray:
    """Return the array as float or complex, whatever numbers it holds."""
    return value if value.dtype.kind in "fc" else value.astype(np.float64)


def worst_index(value: np.ndarray) -> tuple[int, ...]:
    """Return the index of the first element that is not finite, else of the largest by size."""
    sizes = np.abs(_numeric(value)).ravel()
    finite = np.isfinite(sizes)
    flat = int(np.argmax(sizes) if finite.all() else np.argmin(finite))
    return tuple(int(axis) for axis in np.unravel_index(flat, value.shape))


def index(position: Sequence[int]) -> str:
    """Format the place of an element: [3, 5]."""
    return "[" + ", ".join(map(str, position)) + "]"


def worst(value: np.ndarray) -> str:
    """Name an array's worst element and its place: −2.3 at [0, 1]."""
    if value.size == 0:
        return "empty"
    place = worst_index(value)
    bad = int((~np.isfinite(_numeric(value))).sum())
    count = f", {bad} not finite" if bad > 1 else ""
    return f"{number(value[place])} at {index(place)}{count}"


def summary(value: np.ndarray) -> str:
    """Format an array by shape and norm: (128, 64)  ‖4.123‖."""
    return f"{shape(value)}  {norm(value)}"


def factors(upstream: Any, local: Any, grad: Any) -> str:
    """Write the left side of a product: 7 × 3; of complex numbers for a real operand Re((1+2j) × 3)."""
    product = " × ".join(
        f"({norm(each)})" if _is_complex(each) else norm(each) for each in map(_unmasked, (upstream, local))
    )
    takes_real_part = (_is_complex(upstream) or _is_complex(local)) and not np.iscomplexobj(grad)
    return f"Re({product})" if takes_real_part else product


def product(upstream: Any, local: Any, grad: Any) -> tuple[str, str]:
    """Write the left side of a product as `factors` does, and the sign before its result, as in `addition`.

    1e-200 × 1e-200 ≈ 0, which no float holds; and of complex numbers that cancel.
    """
    return factors(upstream, local, grad), "=" if _is_given(upstream, local, grad) else "≈"


def _is_given(upstream: Any, local: Any, grad: Any) -> bool:
    """Say whether two numbers, as they are shown, multiply to a third; of arrays their norms do.

    Real ones do, whatever is rounded off them, but where the result is too small for a float.
    """
    if is_array(upstream):
        return True
    if not (_is_complex(upstream) or _is_complex(local)):
        return not abs(grad) <= _LEAST_OF_PRODUCT or not (upstream and local)  # also where it is nan
    if not all(map(is_finite, (upstream, local, grad))):
        return True
    given = _read(number(_unmasked(upstream))) * _read(number(_unmasked(local)))
    apart = given - grad if np.iscomplexobj(grad) else given.real - grad
    return _size(apart) <= _size(grad) * ROUNDED


def _read(text: str) -> complex:
    """Read a number that `number` wrote."""
    return complex(text.replace("−", "-"))


def _unmasked(value: Any) -> Any:
    """Read a truth value, which a product with a mask has for a partial, as the number that it is."""
    return int(value) if isinstance(value, (bool, np.bool_)) else value


def _is_complex(value: Any) -> bool:
    return type(value) is not float and np.iscomplexobj(value) and not is_array(value)


def addends(
    terms: Terms,
    count: int | None = None,
    limit: int = SHOWN_TERMS,
    digits: int = DIGITS,
    first: Sequence[int] | None = None,
) -> str:
    """Write the left side of a sum: 3 + 7, 3 − 7, or 25 terms: 4.1 + 2.2 + ….

    `count` says how many there are where only the largest are given, `limit` how many are shown in full; a few more are
    where that is no longer than their count and the largest: 1 + 4 + 12 + 32 + 80. `first` are the positions of those
    that stand for all, if not the largest.
    """
    count = len(terms) if count is None else count
    if count <= limit:
        return _plus([number(term, digits) for term in terms])
    positions = largest(terms, LARGEST_TERMS) if first is None else first
    short = f"{count:,} terms: {_plus([number(terms[i], digits) for i in positions])} + …"
    if count == len(terms) <= 2 * limit and first is None:
        full = _plus([number(term, digits) for term in terms])
        return min(full, short, key=len)
    return short


def addition(
    terms: Terms,
    total: Any,
    count: int | None = None,
    limit: int = SHOWN_TERMS,
    first: Sequence[int] | None = None,
) -> tuple[str, str]:
    """Write the left side of a sum as `addends` does, and the sign before its total: =, or ≈ where that is not true.

    Numbers that cancel are shown with more digits: 100.103 − 99.98 = 0.1234. Where even those don't give the total
    that is shown, the sign says so: −0.5 + 0.5 ≈ 1.128e-12.
    """
    if is_finite(total):
        for digits in range(DIGITS, MOST_DIGITS + 1):
            left = addends(terms, count, limit, digits, first)
            if left.endswith("…"):
                return left, "="
            given = sum(_read(number(term, digits)) for term in terms)
            if _size(given - total) <= _size(total) * ROUNDED:
                return left, "="
        return addends(terms, count, limit, first=first), "≈"
    return addends(terms, count, limit, first=first), "="


def largest(terms: Terms, count: int) -> list[int]:
    """Return the positions of the largest terms by magnitude, what is not finite first; also of a million terms."""
    if isinstance(terms, np.ndarray):
        sizes = np.abs(terms)
    else:
        sizes = np.array([_size(norm_of(term) if is_array(term) else term) for term in terms])
    sizes[~np.isfinite(sizes)] = np.inf
    if len(sizes) > 2 * count:
        bound = np.partition(sizes, len(sizes) - count)[len(sizes) - count]
        candidates = np.flatnonzero(sizes >= bound)
    else:
        candidates = np.arange(len(sizes))
    order = np.argsort(-sizes[candidates], kind="stable")[:count]
    positions: list[int] = candidates[order].tolist()
    return positions


def _size(value: Any) -> float:
    """Return the modulus; infinite where abs() of a complex number raises."""
    return math.hypot(value.real, value.imag)


def _plus(terms: Sequence[str]) -> str:
    """Join terms by + and −."""
    text = " ".join(f"− {term[1:]}" if term.startswith("−") else f"+ {term}" for term in terms)
    return text.removeprefix("+ ") if text.startswith("+") else "−" + text.removeprefix("− ")


def norms(values: Sequence[Any], count: int | None = None) -> str:
    """List the norms of arrays: ‖3‖, ‖7‖, or 25 terms: ‖4.1‖, ‖2.2‖, …; `count` as in `addends`."""
    count = len(values) if count is None else count
    if count <= SHOWN_TERMS:
        return ", ".join(norm(value) for value in values)
    shown = ", ".join(norm(values[i]) for i in largest(values, LARGEST_TERMS))
    return f"{count:,} terms: {shown}, …"


def constant(value: Any) -> str:
    """Name an operand that carries no gradient, in a few characters: 3, [0.5, −1, 2], (64, 10), 'mean', 1:3."""
    return shorten(clean(_constant(value)), CONSTANT_LIMIT)


def _constant(value: Any) -> str:
    if isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        return number(value)
    if isinstance(value, np.ndarray):
        return (_elements(value) or shape(value)) if value.ndim else constant(value[()])
    if isinstance(value, slice):
        ends = ["" if end is None else constant(end) for end in (value.start, value.stop)]
        return ":".join(ends) + ("" if value.step is None else f":{constant(value.step)}")
    if isinstance(value, (tuple, list)):
        return ", ".join(constant(item) for item in value)
    if value is None or isinstance(value, (str, bytes, range)):
        return repr(value)
    return "…" if value is Ellipsis else type(value).__name__


def _elements(value: np.ndarray) -> str:
    """Write an array of a few numbers; empty for another one, and for what is the same everywhere, as zeros are."""
    if not 0 < value.size <= _FEW or value.dtype.kind not in "fiuc":
        return ""
    if value.size > 1 and (value == value.flat[0]).all():
        return ""
    text = nested(value.tolist())
    return text if len(text) <= CONSTANT_LIMIT else ""


def nested(value: Any) -> str:
    """Write numbers in lists in lists."""
    return f"[{', '.join(map(nested, value))}]" if isinstance(value, list) else number(value)


def clean(text: str) -> str:
    """Make a string one line in which every character can be seen; what can't is shown as its escape."""
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def operand(port: int) -> str:
    """Name an operand by its place: 1st operand, 2nd operand."""
    count = port + 1
    is_teen = count % 100 in (11, 12, 13)
    ending = "th" if is_teen else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{ending} operand"


def listed(names: Sequence[str], most: int) -> str:
    """List the first names, and how many more there are: `q, r and 1 more`."""
    *before, last = [
        *map(clean, names[:most]),
        *([f"{len(names) - most:,} more"] if len(names) > most else []),
    ]
    return f"{', '.join(before)} and {last}" if before else last


def _visible(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if unicodedata.category(character) not in _INVISIBLE:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(text: str, limit: int) -> str:
    """Cut a long string in its middle, where names differ least."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return text[: limit - 1 - tail] + "…" + text[len(text) - tail :]


def shorten_text(text: str, limit: int) -> str:
    """Cut a long text at its end, after a whole word."""
    if len(text) <= limit:
        return text
    kept, _, _ = text[:limit].rpartition(" ")
    return f"{kept.rstrip(' ,;:') or text[: limit - 2]} …"
