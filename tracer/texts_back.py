"""Text of a traced value that the program read back: a cut, which is told at the end of the run. Used by run.py.

Nothing can be asked of `float("12.34")`. But the number that comes of it is a constant of the graph, made after the
text, with the very digits of it; and that a number which has nothing to do with the text has its digits by chance is
the less likely the more digits there are, the fewer texts were made in between, and the fewer such numbers there are.
Of too few digits nobody can tell: those are read from the program's text (`diagnose/read_back.py`).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from linecache import getlines
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tracer import cut_later
from tracer.cut_later import Cut
from tracer.holders import own_attributes
from tracer.instructions import line_of, with_inner
from tracer.operations import OP_NUMBERS
from tracer.takers import rows_of_cuts, takers
from tracer.tape import WIDTH
from tracer.texts import MAY_BE_BACK, VIA
from tracer.texts_parsed import parsed
from tracer.variables import enclosed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tracer.errors import CutError, CutWarning
    from tracer.recording import Recording
    from tracer.takers import Place
    from tracer.tape import Tape
    from tracer.texts import Text

_CUT, _INPUT = OP_NUMBERS["cut"], OP_NUMBERS["input"]
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SEPARATED = re.compile(r"(?<=\d)[,_](?=\d{3})")
_LEAST_DIGITS = 3
_LIKELY = 2e-3  # more than this is chance
_ROUND = (1024, 20)  # multiples of a 1,024th and a 20th have their digits because they are round numbers
_FEW = 3
_HUGE = 1e300
DEEPEST = 2  # containers in containers
_MOST = 100_000  # elements of constant arrays that are compared, and numbers whose digits are counted
_FORMS = [f".{digits}{form}" for digits in range(17) for form in "ef"]
_BELOW, _ABOVE = 0.994, 1.006  # what is written with three digits is not further off
_REMEMBERED = 1 << 14  # numbers whose digits are known again
_WELL_KNOWN = {
    each * factor
    for each in (math.pi, math.e, math.sqrt(2.0), math.log(2.0), 180 / math.pi, np.euler_gamma)
    for factor in (0.25, 0.5, 1.0, 2.0, 4.0)
} | {math.pi / 180, math.sqrt(2 * math.pi), 0.5 * math.log(2 * math.pi), math.log(2 * math.pi)}
_WHAT = "a traced value was written as text and read back as a number"
_ADVICE = (
    "what is computed from it carries no gradient back; compute with the value, and not with what was written of it, "
    "or write detach(x) of it: that says that this is meant"
)


class _Back(NamedTuple):
    """A number that was read back: the text that it was in, and how it came back."""

    text: int
    number: float
    rank: int  # how many numbers were written from there on
    constant: Any  # itself, or the array that it is an element of


def with_cuts(
    tape: Tape, recording: Recording, followed: list[int], given: Any
) -> tuple[Recording, list[int], list[tuple[Text, str]]]:
    """Return the recording with a cut where each text was made that was read back, and those texts, with what is so.

    `followed` are rows, whose numbers change with it; `given` are the function and its arguments: what it has anyway.
    """
    texts = list(tape.texts or ())
    tape.texts = None  # stand-ins that the program keeps outlive it
    untold = tape.untold
    backs: dict[int, Any] = {}
    for back in _found(recording, texts, given, untold) if texts else ():
        if type(back.constant) is not float:
            backs[back.text] = back.constant
        else:
            backs.setdefault(back.text, back.constant)
    backs = {**dict(_changed(recording, texts)), **backs}
    made = [texts[each] for each in sorted(backs)]
    cuts = [
        Cut(
            text.record // WIDTH,
            text.before // WIDTH,
            text.scope,
            text.code,
            text.instruction,
            VIA,
            backs[each],
        )
        for each, text in zip(sorted(backs), made, strict=True)
    ]
    if cuts:
        recording, followed = cut_later.with_cuts(recording, cuts, followed)
    elif texts and not _is_json_told(recording):
        text = parsed(recording, texts, given, lambda: _known(recording, texts, given, untold))
        return recording, followed, [(text, MAY_BE_BACK)] if text is not None else []
    return recording, followed, [(each, _WHAT) for each in made]


def _is_json_told(recording: Recording) -> bool:
    rows = (recording.ops == _CUT).nonzero()[0].tolist()
    return any(recording.params[row]["via"] == "json.loads" for row in rows)


def _changed(recording: Recording, texts: list[Text]) -> Iterator[tuple[int, Any]]:
    """Yield the texts that came back changed, by what the program's text makes of them, and the constants."""
    alike: dict[Any, list[int]] = defaultdict(list)
    for number, text in enumerate(texts):
        alike[tuple((id(code), instruction) for code, instruction in text.places)].append(number)
    for numbers in alike.values():
        made = [texts[each].before // WIDTH for each in numbers]
        for row, constant in takers(recording, texts[numbers[0]].places, made[0] - 1):
            yield numbers[bisect_right(made, row) - 1], constant


def told(tape: Tape, texts: list[tuple[Text, str]]) -> CutError | CutWarning | None:
    """Warn of each place once; return the error where the tape is strict, or where warnings are errors."""
    for text, what in texts:
        if (text.code, text.instruction) in tape.warned:
            continue
        tape.warned.add((text.code, text.instruction))
        line = line_of(text.code, text.instruction)
        error = tape.told(what, _ADVICE, text.code, line, is_cut=what == _WHAT)
        if error is not None:
            return error
    return None


def _found(recording: Recording, texts: list[Text], given: Any, untold: list[Place]) -> list[_Back]:
    """Return which texts were read back, by the constants of a recording."""
    constants = _constants(recording)
    sizes = np.abs(constants.values)
    known = np.unique(sizes).tolist()
    written = [_numbers_in(text, known) for text in texts]
    numbers = np.array([*chain.from_iterable(written)], np.float64)
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32).astype(np.float64)
    is_like = np.isin(numbers, known) | np.isin(single, known)
    if not is_like.any():
        return []
    counts = np.array([max(len(each), 1) for each in written])
    owners = np.repeat(np.arange(len(texts)), [len(each) for each in written])
    by_number: dict[float, list[int]] = defaultdict(list)
    by_size: dict[float, float] = {}
    for at in is_like.nonzero()[0].tolist():
        number = numbers[at].item()
        if not is_round(number):
            by_number[number].append(int(owners[at]))
            by_size |= {single[at].item(): number, number: number}
    meant = _plain_numbers(recording, texts, given, untold)
    made = np.searchsorted([text.before // WIDTH for text in texts], constants.rows, "right")
    so_far = np.append(0, np.cumsum(counts)).tolist()
    backs: dict[tuple[float, int], _Back] = {}
    unseen: dict[float, bool] = {}  # by number: whether its first use is after the first text with it
    like: list[int] = []  # where constants stand that agree with a text
    for at in np.isin(sizes, [*by_size]).nonzero()[0].tolist():
        number = by_size[sizes[at].item()]
        if number not in unseen:
            unseen[number] = made[at] > by_number[number][0] and sizes[at] not in meant
        if unseen[number]:
            like.append(at)
    for at in _of_arrays_from_texts(like, constants, meant):
        number = by_size[sizes[at].item()]
        texts_before = int(made[at])
        source = by_number[number][bisect_left(by_number[number], texts_before) - 1]
        if (number, source) not in backs:
            rank = so_far[texts_before] - so_far[source]
            backs[number, source] = _Back(source, number, rank, constants.whole(at))
    return list(_beyond_chance(list(backs.values()), set(sizes[made > 0].tolist()) - meant))


def _of_arrays_from_texts(like: list[int], constants: _Constants, meant: set[float]) -> Iterator[int]:
    """Leave out of some constants the elements of arrays that came from elsewhere: most of those are in no text."""
    by_array: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at in like:
        by_array[constants.part(at)].append(at)
    for (start, end), found in by_array.items():
        known = {*found}
        others = (
            at
            for at in range(start, end)
            if at not in known
            and (size := abs(constants.values[at].item())) not in meant
            and not is_round(size)
        )
        if len([*islice(others, len(found) + 1)]) <= len(found):
            yield from found


def _numbers_in(text: Text, known: list[float]) -> list[float]:
    """Return the numbers that a text gives when it is read: their signs may be written apart.

    Where only the value is known, those that it may have been written as, if a known number is near.
    """
    if text.text:
        found = _NUMBER.findall(text.text)
        if "," in text.text or "_" in text.text:
            found += _NUMBER.findall(_SEPARATED.sub("", text.text))
        return [*map(float, found)]
    parts = (abs(part) for part in (text.value.real, text.value.imag) if math.isfinite(part))
    near = (
        part for part in parts if bisect_left(known, part * _BELOW) < bisect_right(known, part * _ABOVE)
    )
    return [*{float(format(part, form)) for part in near for form in _FORMS}]


def is_round(number: float) -> bool:
    """Tell of a number whether others have its digits by chance: it has few, or is a multiple of a short step."""
    if not math.isfinite(number) or _kind_of(number).digits < _LEAST_DIGITS:
        return True
    return number < max(_ROUND) and any(round(number * each) / each == number for each in _ROUND)


class _Kind(NamedTuple):
    """What numbers have in common of which one may be taken for the other: how many digits they have, and where."""

    digits: int
    exponent: int


@lru_cache(maxsize=_REMEMBERED)
def _kind_of(number: float) -> _Kind:
    digits, _, exponent = f"{Decimal(repr(number)).normalize():e}".partition("e")
    return _Kind(len(digits.replace(".", "")), int(exponent))


class _Constants(NamedTuple):
    """The constants of a recording, number by number and element by element, and the rows that took them."""

    values: np.ndarray[Any, Any]
    rows: np.ndarray[Any, Any]
    arrays: list[tuple[int, Any]]  # those whose elements stand from there on

    def part(self, at: int) -> tuple[int, int]:
        """Return from where to where the array has its elements that one is of; of a number, its own place."""
        found = bisect_right(self.arrays, at, key=lambda each: each[0]) - 1
        if found < 0 or self.arrays[found][1] is None:
            return at, at + 1
        return self.arrays[found][0], self.arrays[found][0] + 2 * np.size(self.arrays[found][1])

    def whole(self, at: int) -> Any:
        """Return the number itself, or the array that it is an element of."""
        found = bisect_right(self.arrays, at, key=lambda each: each[0]) - 1
        array = self.arrays[found][1] if found >= 0 else None
        return self.values[at].item() if array is None else array


def _constants(recording: Recording) -> _Constants:
    slots = (recording.operands < 0).nonzero()[0]
    users = np.searchsorted(recording.starts, slots, "right") - 1
    by_place = np.zeros(len(recording.constants), np.int64)
    by_place[-1 - recording.operands[slots]] = users
    values, rows = [recording.constants.floats], [by_place]
    arrays: list[tuple[int, Any]] = []
    count = first = len(by_place)
    for place in recording.constants.wide_rows.tolist():
        array = np.asarray(recording.constants[place])
        if array.dtype.kind in "fc" and count - first + array.size < _MOST:
            arrays.append((count, recording.constants[place]))
            values += [part.ravel().astype(np.float64) for part in (array.real, array.imag)]
            rows.append(np.full(2 * array.size, by_place[place]))
            count += 2 * array.size
    if all(output.row < 0 for output in recording.outputs):  # or they are shown, beside what is computed
        results = [*flat(output.value for output in recording.outputs)]
        arrays += [(count, None)] if arrays else []
        values.append(np.array(results))
        rows.append(np.full(len(results), len(recording)))
    return _Constants(np.concatenate(values), np.concatenate(rows), arrays)


def _plain_numbers(recording: Recording, texts: list[Text], given: Any, untold: list[Place]) -> set[float]:
    """Return the numbers that the program has otherwise: written in it, kept in modules, given, or cut and so told.

    `untold` are the places of cuts that are only looked at.
    """
    ran = {
        *recording.segment_codes,
        *(text.code for text in texts),
        *(call.code for call in recording.calls),
    }
    files = {text.code.co_filename for text in texts}
    # What `eval` and `exec` run may have been made of the texts
    codes = with_inner([each for each in ran if each.co_filename in files or getlines(each.co_filename)])
    inputs = np.abs(recording.values.floats[recording.ops == _INPUT]).tolist()
    function, *arguments = given
    untraced = Counter(flat(arguments, -1))
    untraced.subtract(inputs)
    globals_ = [*{id(text.names): text.names for text in texts}.values()]
    held = [*chain.from_iterable(each.co_consts for each in codes), *_WELL_KNOWN, *(+untraced)]
    held += set(flat(chain.from_iterable(each.values() for each in globals_))).difference(inputs)
    is_told = recording.ops == _CUT
    is_told[rows_of_cuts(recording, untold)] = False
    held += recording.values.floats[is_told].tolist()
    # An input that is printed is often an element of the data, too: that was used, then, and not what was printed.
    names = {*chain.from_iterable(each.co_names for each in codes)}
    named = [each[name] for each in globals_ for name in names & each.keys()]
    named += enclosed(function)
    own = Counter(input_values(recording))
    owner = function.__self__ if isinstance(function, MethodType) else function
    beside = Counter(flat([owner, *arguments], -1, deeply=True))
    beside.subtract(own)
    held += own.keys() & {*(+beside), *flat(named, deeply=True)}
    return {*flat(held)}


def _known(recording: Recording, texts: list[Text], given: Any, untold: list[Place]) -> set[float]:
    """Return the numbers that the program has anyway, those in its arrays and objects, too."""
    function, *arguments = given
    names = {id(text.names): text.names for text in texts}.values()
    held = [each for some in names for name, each in some.items() if not name.startswith("__")]
    held += [getattr(function, "__self__", None), *enclosed(function), *arguments]
    return _plain_numbers(recording, texts, given, untold) | {*flat(held, -2, deeply=True)}


def input_values(recording: Recording) -> Iterator[float]:
    """Yield the sizes of the numbers in the inputs."""
    for row in (recording.ops == _INPUT).nonzero()[0].tolist():
        yield from flat([recording.values[row]], deeply=True)


def flat(held: Iterable[Any], depth: int = 0, *, deeply: bool = False) -> Iterator[float]:
    """Yield the sizes of the numbers in containers; `deeply`, of those in arrays and in attributes, too."""
    for each in held:
        kind = type(each)  # stand-ins say that they are numbers
        if issubclass(kind, np.floating):  # of which the short ones know no number that is so large
            each = float(each)  # noqa: PLW2901
        if issubclass(kind, (float, int, np.floating, np.integer)):
            if -_HUGE < each < _HUGE:
                yield abs(float(each))
        elif depth < DEEPEST and kind in (tuple, list, dict) and len(each) < _MOST:
            yield from flat(parts_of(each), depth + 1, deeply=deeply)
        elif deeply and issubclass(kind, (np.ndarray, np.complexfloating)):
            if each.dtype.kind in "fc" and each.size < _MOST:
                yield from np.abs([each.real, each.imag]).ravel().tolist()
        elif deeply and depth < DEEPEST and not issubclass(kind, (type, ModuleType, FunctionType)):
            yield from flat(parts_of(each), depth + 1, deeply=True)


def parts_of(item: Any) -> list[Any]:
    """Return a copy of what is in a list, a tuple or a dict; of another object, what its attributes are."""
    if type(item) in (tuple, list, dict):
        return [*item.values()] if type(item) is dict else [*item]
    return [*(own_attributes(item) or {}).values()]


def _beyond_chance(backs: list[_Back], constants: set[float]) -> Iterator[_Back]:
    """Yield the numbers that were read back: those of which there would not be so many, so close to their texts."""
    others: dict[_Kind, list[float]] = defaultdict(list)
    for each in constants:
        if not is_round(each):
            others[_kind_of(each)].append(each)
    by_kind: dict[_Kind, dict[float, int]] = defaultdict(dict)
    for back in backs:
        ranks = by_kind[_kind_of(back.number)]
        ranks[back.number] = min(back.rank, ranks.get(back.number, back.rank))
    furthest: dict[_Kind, int] = {}
    for kind, ranks in by_kind.items():
        possible, like = 9 * 10.0 ** (kind.digits - 1), others[kind]
        many = max(len(like), len(ranks))
        if len(like) >= _FEW:  # which may lie closely
            step = 10.0 ** (kind.exponent - kind.digits + 1)
            possible = min(possible, (max(like) - min(like)) / step + 1)
        # How likely is it that so many of so many numbers agree by chance? One that has nothing to do with the texts
        # agrees with one of the last `rank` numbers in them in `rank` of `possible` cases. So `by_chance` of the `many`
        # do, on average, and that `count` do is less likely than by_chance**count, if that average is below one. As
        # this is asked for each of the `many`, each may be wrong only so many times less often.
        for count, rank in enumerate(sorted(ranks.values()), 1):
            by_chance = many * rank / possible
            if by_chance < 1 and by_chance**count < _LIKELY / many:
                furthest[kind] = rank
    for back in backs:
        if back.rank <= furthest.get(_kind_of(back.number), 0):
            yield back
