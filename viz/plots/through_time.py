"""Gradients through time: of each value of a variable, turn by turn, or of each use of one value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.diagnose.explain import uses_of
from tracer.diagnose.scale import gradient_sizes
from tracer.errors import UsageError
from tracer.lookup import rows_of_variable
from viz.plots.series import Numbers, Series, series_of
from viz.plots.style import (
    AXIS,
    LINES,
    MARKED,
    POINTS,
    SIDE,
    TALL,
    TOP,
    WIDTH,
    Plot,
    by_norm,
    count_along,
    headline,
    inches,
    log_scale,
    mark_what_has_no_size,
    settle,
    shown,
    spread,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tracer.sites import Variable
    from tracer.trace import Trace

LOOP = 3  # values that make a variable one to look at through time
MOST_SERIES = len(LINES)
MARKS = 8  # on a line of many points
NEAR = 2  # times: series of no more values than that share an axis
SHORT = 1.4  # inches that an axis takes where there are several
_NAME_LIMIT = 16
_SIGNS = "●■▲◆"  # those of LINES


@dataclass(frozen=True, slots=True, eq=False)
class Time:
    """The gradient of each value that a variable was given, or that a line made; or of each use of one value."""

    series: tuple[Series, ...]
    along: str  # what is counted


def through_time(trace: Trace, names: Sequence[str] = ()) -> Time:
    """Collect the gradient through time of some variables, or of those that the loops of the function assign."""
    looked_at = {name: _rows_of(trace, name) for name in names} or looped(trace)
    if not looked_at:
        raise UsageError(
            f"no variable of {trace.function} is assigned {LOOP} times or more: there is no time to go through",
            advice="name a value that is used in several places, or plot the flow",
        )
    of_uses = [name for name, rows in looked_at.items() if rows is None]
    if of_uses and len(of_uses) < len(looked_at):
        other = next(name for name, rows in looked_at.items() if rows is not None)
        raise UsageError(
            f"{of_uses[0]} is one value with many uses and {other} many values: they have no turns in common",
            advice="make two plots",
        )
    sizes = trace.edge_statistics.norm if of_uses else gradient_sizes(trace)
    places = {name: _uses(trace, name) if rows is None else rows for name, rows in looked_at.items()}
    series = [
        series_of(name, np.arange(len(at), dtype=np.float64), sizes[at]) for name, at in places.items()
    ]
    if of_uses:
        return Time(tuple(series), "use, in the order of the run")
    is_by_turn = all(_is_once_a_turn(trace, rows) for rows in places.values())
    return Time(tuple(series), "turn" if is_by_turn else "value, in the order of the run")


def _is_once_a_turn(trace: Trace, rows: Numbers) -> bool:
    """Say whether one place alone gives a variable its values again and again."""
    _, counts = np.unique(trace.sites.row_places[rows], return_counts=True)
    return bool(np.count_nonzero(counts > 1) <= 1)


def looped(trace: Trace) -> Mapping[str, Numbers | None]:
    """Return the rows of the variables to look at through time: of the traced function, carried from turn to turn.

    Where there are none of those, of other variables of loops, or of helpers; those with most values.
    """
    sites, reached = trace.sites, trace.gradients.reached
    found: dict[bytes, tuple[tuple[bool, bool], int, int, Variable]] = {}
    for order, (variable, rows) in enumerate(sites.variables.items()):
        if len(rows) >= LOOP and np.count_nonzero(reached[rows]) >= LOOP:
            rank = (variable.function != sites.scopes[0].name, not _is_carried(trace, rows))
            # `h = x` is one line, not two.
            found.setdefault(rows.tobytes(), (rank, -len(rows), order, variable))
    ranked = sorted(found.values())
    chosen = [variable for rank, *_, variable in ranked if rank == ranked[0][0]][:MOST_SERIES]
    names = Counter(variable.name for variable in chosen)
    return {
        variable.name if names[variable.name] == 1 else ".".join(variable): sites.variables[variable]
        for variable in chosen
    }


def _is_carried(trace: Trace, rows: Numbers) -> bool:
    """Say whether a value of a variable is made of the one before it, in one step or through one operation."""
    recording = trace.recording
    last, before = int(np.sort(rows)[-1]), int(np.sort(rows)[-2])
    near = [last]
    for _ in range(4):  # h = tanh(w * h + b): a few operations back
        near = [
            each
            for row in near
            for each in recording.operands[recording.starts[row] : recording.starts[row + 1]].tolist()
            if each >= before
        ]
        if before in near:
            return True
    return False


def _rows_of(trace: Trace, name: str) -> Numbers | None:
    """Return the rows of a variable's values, or of a line's; None for a single value, whose uses are to be shown."""
    file, colon, line = name.rpartition(":")
    if colon and line.isdecimal():
        return _rows_at(trace, file, int(line))
    rows = rows_of_variable(trace, name.replace('"', "'"))
    if len(rows) > 1:
        return rows
    trace[name]  # raises for what is none
    return None


def _rows_at(trace: Trace, file: str, line: int) -> Numbers:
    """Return the rows of what a line makes last, one for each turn."""
    sites = trace.sites
    known = [place.site for place in sites.places]
    fits = [site.line == line and file in ("", site.file, PurePath(site.file).name) for site in known]
    rows = np.flatnonzero(np.array([*fits, False], np.bool_)[sites.row_places])  # the last for NO_PLACE
    if not len(rows):
        raise UsageError(
            f"nothing was recorded at line {line}{f' of {file}' if file else ''}",
            advice=f"lines with operations: {_lines(trace)}",
        )
    found: Numbers = np.flatnonzero(sites.row_places == sites.row_places[rows[-1]])
    return found


def _lines(trace: Trace) -> str:
    lines = sorted({place.site.line for place in trace.sites.places if place.site.line})
    shown = ", ".join(map(str, lines[:12]))
    return f"{shown}, …" if len(lines) > 12 else shown


def _uses(trace: Trace, name: str) -> Numbers:
    """Return the edges by which one value was used, in the order of the run."""
    edges = np.array(uses_of(trace[name]), np.int64)
    if len(edges) < 2:
        others = list(looped(trace))
        raise UsageError(
            f"{name} is one value with {len(edges)} use{'' if len(edges) == 1 else 's'}: no time to go through",
            advice=f"did you mean {' or '.join(others[:3])}?" if others else "plot the flow",
        )
    return edges


def draw_time(trace: Trace, names: Sequence[str]) -> Plot:
    """Draw the gradient of each value of some variables, turn by turn."""
    found = through_time(trace, names)
    looked = list(zip(found.series, LINES, _SIGNS, strict=False))
    clocks = _clocks([each.count for each in found.series])
    tall = TALL if len(clocks) == 1 else SHORT
    figure = Plot(figsize=(WIDTH, TOP + (tall + AXIS) * len(clocks)))
    widest = max(inches(_named(each, "■", len(looked)), bold=True) for each in found.series)
    for number, clock in enumerate(clocks):
        axes: Any = figure.add_subplot(len(clocks), 1, number + 1)
        _draw_clock(axes, [looked[at] for at in clock], tall, is_one=len(looked) == 1)
        axes.set_xlabel(found.along)
        settle(axes, TOP + number * (tall + AXIS), tall, widest + 2 * SIDE)
    headline(figure, f"{shown(trace.function)}: gradient through time", f"|gradient|{by_norm(trace)}")
    return figure


def _clocks(counts: Sequence[int]) -> list[list[int]]:
    """Gather series of about as many values: the turns of an inner loop are no turns of the outer one."""
    clocks: list[list[int]] = []
    for at, count in enumerate(counts):
        for clock in clocks:
            least, most = sorted((count, counts[clock[0]]))
            if most <= NEAR * least:
                clock.append(at)
                break
        else:
            clocks.append([at])
    return clocks


def _draw_clock(
    axes: Any, looked: Sequence[tuple[Series, dict[str, Any], str]], tall: float, *, is_one: bool
) -> None:
    """Draw the series of one clock, each named at its end."""
    series = [each for each, _, _ in looked]
    colours = [str(look["color"]) for _, look, _ in looked]
    for each, look, _ in looked:
        _draw_series(axes, each, look)
    log_scale(axes, series)
    mark_what_has_no_size(axes, series, colours)
    signs = [sign for _, _, sign in looked]
    _name_lines(axes, series, ["" if is_one else sign for sign in signs], colours, tall)
    count_along(axes.xaxis)


def _draw_series(axes: Any, series: Series, look: dict[str, Any]) -> None:
    apart = 1 if series.count <= MARKED else len(series.at) // MARKS
    axes.plot(series.at, series.sizes, linewidth=1.6, markersize=4.5, markevery=apart, **look)
    if series.is_binned:
        axes.fill_between(series.at, series.least, series.most, color=look["color"], alpha=0.2, linewidth=0)


def _name_lines(
    axes: Any, series: Sequence[Series], signs: Sequence[str], colours: Sequence[str], tall: float
) -> None:
    """Write each name at the right end of its line, as far from the others as text is tall."""
    ends = []
    scaled = np.log10 if axes.get_yscale() == "log" else np.asarray
    low, high = scaled(axes.get_ylim())
    for each in series:
        known = each.sizes[np.isfinite(each.sizes)]
        heights = (scaled(known) - low) / (high - low)
        # Lines that meet at the end are named in the order in which they lie before it.
        ends.append(float(heights[-1] + 1e-3 * heights.mean()) if len(known) else 0.0)
    places = spread(ends, 1.25 * POINTS / (72 * tall), 0.03, 0.97)
    for each, place, colour, sign in zip(series, places, colours, signs, strict=True):
        look = {"color": colour, "fontweight": "bold"}
        name = _named(each, sign, 2 if sign else 1)
        write(axes, 1.03, place, name, transform=axes.transAxes, **look)


def _named(series: Series, sign: str, count: int) -> str:
    """Name a line, with its mark where there are several."""
    name = shown(series.name, _NAME_LIMIT)
    return f"{sign} {name}" if count > 1 else name
