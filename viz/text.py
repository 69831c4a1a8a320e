"""Terminal views: summaries, tables of edges, the list of samples. As wide as the terminal, and plain when piped."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tracer.diagnose.cut_inputs import NOT_REACHED
from tracer.diagnose.dead import names_of
from viz import labels
from viz.summary import SHOWN_TERMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tracer.diagnose.diff import Diff
    from tracer.diagnose.path_text import PathTable
    from tracer.diagnose.tree import Explanation
    from viz.edge_table import EdgeLine, EdgeTable
    from viz.samples import Sample
    from viz.summary import CutLine, InputLine, ResultLine, SplitterLine, Summary

VALUE, GRADIENT, NAME, QUIET, ALARM = "green", "red", "bold", "dim", "bold red"
_UNLIMITED = 1000  # wide enough for any line, where no terminal sets a limit
_LEAST_EXPLANATION = 40
_LEAST_CODE = 12
_LEAST_EDGE = 14
_LEAST_NAME = 12


def width() -> int:
    """Return how many columns there are: the terminal's, or COLUMNS; piped text is not cut."""
    is_bounded = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit()
    return Console().width if is_bounded else _UNLIMITED


def show(*parts: Any) -> None:
    """Print what can be rendered, without trailing spaces."""
    console = Console(file=StringIO(), width=width(), force_terminal=sys.stdout.isatty(), highlight=False)
    for part in parts:
        console.print(part)
    written = console.file
    assert isinstance(written, StringIO)
    sys.stdout.write("\n".join(line.rstrip() for line in written.getvalue().split("\n")))


def summary_parts(summary: Summary) -> list[Any]:
    """Lay out what there is to say about a trace as a whole."""
    parts: list[Any] = [_title(summary), Text(_counts(summary), style=QUIET)]
    if summary.inputs or summary.untraced:
        parts += ["", _inputs(summary)]
    parts += _more(summary.input_count - len(summary.inputs), "input")
    if summary.splitters:
        parts += ["", _splitters(summary.splitters)]
    parts += _more(summary.counts["copy"] - len(summary.splitters), "splitter")
    notes = _notes(summary)
    return [*parts, "", *notes] if notes else parts


def _title(summary: Summary) -> Text:
    title = Text(labels.clean(summary.function), style=NAME)
    if summary.error:
        return title.append(f" raised {labels.clean(summary.error)}", style=ALARM)
    if not summary.outputs:
        return title.append(" → nothing", style="not bold")
    for number, output in enumerate(summary.outputs):
        title.append(" → " if number == 0 else ", ", style="not bold")
        if output.path:
            title.append(f"{labels.clean(output.path)} ", style="not bold")
        title.append_text(norm_text(output.value, VALUE))
        if output.is_seeded and summary.output_count > 1:
            title.append(" (seeded)", style="not bold")
    if summary.output_count > len(summary.outputs):
        title.append(", …")
    return title


def _counts(summary: Summary) -> str:
    """Count the nodes by kind, and the edges."""
    counted = [
        (summary.counts["input"], "input"),
        (summary.counts["function"], "operation"),
        (summary.counts["copy"], "splitter"),
        (summary.counts["broadcast"], "broadcast"),
        (summary.counts["cut"], "cut"),
        (summary.counts["output"], "output"),
        (summary.edges, "edge"),
    ]
    return " · ".join(_plural(count, what) for count, what in counted if count)


def _plural(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _more(count: int, what: str) -> list[Text]:
    return [Text(f"… {_plural(count, f'more {what}')}", style=QUIET)] if count > 0 else []


def _inputs(summary: Summary) -> Table:
    """Lay out the inputs; where the terminal is narrow, long names give way, never numbers."""
    has_gradient = not summary.no_gradient
    table = _table("input", ">value", *([">gradient"] if has_gradient else []))
    rows = [_input(line, line.why_nothing) for line in summary.inputs]
    longest = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    if sum(longest) + 4 > width():
        rows = [_input(line, _short(line.why_nothing)) for line in summary.inputs]
    rows += [_passed_through(name) for name in summary.untraced]
    table.columns[0].no_wrap = False
    table.columns[0].min_width = min(_LEAST_NAME, longest[0])
    for row in rows:
        row[0].no_wrap, row[0].overflow = True, "ellipsis"
        table.add_row(*row[: len(table.columns)])
    return table


def _short(why: str) -> str:
    return "not reached" if why == NOT_REACHED else why


def _input(line: InputLine, why: str) -> list[Text]:
    grad = Text(f"0 ({why})", style=QUIET) if why else value_text(line.grad, GRADIENT)
    return [_name(line.name), value_text(line.value, VALUE), grad]


def _passed_through(name: str) -> list[Text]:
    """Say of an argument without traced numbers that it went in as it was."""
    return [_name(name), Text("passed through", style=QUIET), Text("not traced", style=QUIET)]


def _splitters(splitters: Sequence[SplitterLine]) -> Table:
    table = _table("splitter", ">uses", "what came back")
    table.columns[-1].no_wrap = False
    for line in splitters:
        table.add_row(_name(line.name), f"{line.uses:,}", sum_text(line))
    return table


def sum_text(line: SplitterLine) -> Text:
    """Write what a splitter summed: 3 + 7 = 10."""
    if line.total is None:
        return Text("")
    if labels.is_array(line.total):
        return Text(f"{labels.norms(line.terms, line.uses)} → ").append_text(
            norm_text(line.total, GRADIENT)
        )
    addends, equals = labels.addition(line.terms, line.total, line.uses, SHOWN_TERMS)
    return Text(f"{addends} {equals} ").append_text(norm_text(line.total, GRADIENT))


def _notes(summary: Summary) -> list[Text]:
    notes = [_stopped(summary.last)] if summary.error else []
    if not summary.inputs and not summary.error:
        notes.append(
            Text(
                "nothing is traced: no argument is a float, an int or a float array; --watch NAME makes a global "
                "or an object's numbers inputs",
                style=ALARM,
            )
        )
    if summary.inputs and summary.holders:
        what = f"{names_of(summary.holders)} {'hold' if len(summary.holders) > 1 else 'holds'} floats"
        notes.append(
            Text(
                f"{what}, which are constants: --watch {summary.holders[0]} makes them inputs", style=QUIET
            )
        )
    if not summary.error:
        notes += _no_gradients(summary.no_gradient)
    notes += _kept(summary)
    if summary.bad_edges:
        parts = [
            _plural(count, what)
            for count, what in ((summary.bad_values, "value"), (summary.bad_gradients, "gradient"))
            if count
        ]
        text = f"⚠ NaN or infinity on {_plural(summary.bad_edges, 'edge')}: {' and '.join(parts)}"
        notes.append(Text(text, style=ALARM))
        if summary.bad_origin is not None:
            notes.append(
                _origin(summary.bad_origin, is_value=not labels.is_finite(summary.bad_origin.value))
            )
    notes += [Text(_cut(cut)) for cut in summary.cuts]
    return notes


def _no_gradients(reason: str) -> list[Text]:
    return [Text(f"no gradients: {labels.clean(reason)}", style=ALARM)] if reason else []


def _kept(summary: Summary) -> list[Text]:
    """Say how many of the gradients that are arrays are kept, and that none is out of reach."""
    arrays, kept = summary.gradient_arrays, summary.kept_arrays
    if not arrays:
        return []
    memory = labels.memory(summary.kept_bytes)
    if kept == arrays:
        which = f"all {arrays:,} arrays" if arrays > 1 else "1 array"
        text = f"gradients: {which} kept ({memory})"
    else:
        text = (
            f"gradients: {kept:,} of {arrays:,} arrays kept ({memory}), the rest recomputed when asked for; "
            "statistics of all"
        )
    return [Text(text, style=QUIET)]


def _stopped(last: ResultLine | None) -> Text:
    """Say how far a run got that failed."""
    if last is None:
        return Text("nothing was recorded before it")
    return _gave(Text("the last that was recorded: "), last)


def _origin(line: ResultLine, *, is_value: bool) -> Text:
    """Say where the first NaN or infinity came from."""
    if is_value:
        return _gave(Text("it begins with "), line)
    return _gave(Text("it begins on the way back through "), line)


def _gave(text: Text, line: ResultLine) -> Text:
    has_name = line.name and line.name != line.code
    code = f"{labels.clean(line.name)} = {line.code}" if has_name else line.code
    place = f" at {line.file}:{line.line}" if line.file else ""
    gave = f"{place}, which gave " if line.file else ", which is "
    return (
        text.append(code, style=NAME)
        .append(gave, style="not bold")
        .append_text(value_text(line.value, VALUE))
    )


def _cut(cut: CutLine) -> str:
    place = f" at {cut.file}:{cut.line}" if cut.file else ""
    how = f" by {labels.clean(cut.via)}" if cut.via else ""
    times = f", {cut.count:,} times" if cut.count > 1 else ""
    inputs = f" to {names_of(cut.inputs)}" if cut.inputs else ""
    return f"cut{place}{how}{times}: no gradient comes back through {cut.code or 'it'}{inputs}"


def edge_parts(table: EdgeTable) -> list[Any]:
    """Lay out a table of edges."""
    notes = _no_gradients(table.no_gradient)
    if not table.lines:
        return [Text(f"no edge of {table.edges:,} fits"), *notes]
    headings = [">step", "edge", ">value", *(["gradient"] if table.has_gradients else []), "line", "code"]
    shown = _table(*headings)
    rows = [_edge_row(line, has_gradients=table.has_gradients) for line in table.lines]
    taken = sum(max(len(row[column]) for row in rows) + 2 for column in range(len(headings) - 1))
    if width() - taken < _LEAST_CODE:
        shown.columns.pop()
    for column in shown.columns:
        column.no_wrap = column.header not in ("edge", "code")  # those give way: they are cut short
    shown.columns[1].min_width = _LEAST_EDGE
    for row in rows:
        shown.add_row(*row[: len(shown.columns)])
    left = table.chosen - len(table.lines)
    more = [Text(f"… {_plural(left, 'more edge')}: --top {table.chosen}", style=QUIET)] if left > 0 else []
    return [shown, *more, *notes]


def _edge_row(line: EdgeLine, *, has_gradients: bool) -> list[Text]:
    step = Text("" if line.step is None else f"{line.step:,}", style=QUIET)
    place = Text(f"{line.file}:{line.line}" if line.file else "", style=QUIET)
    gradient = [product(line)] if has_gradients else []
    row = [step, _ends(line), value_text(line.value, VALUE), *gradient, place, Text(line.code)]
    for cell in row:
        cell.no_wrap, cell.overflow = True, "ellipsis"
    return row


def _ends(line: EdgeLine) -> Text:
    source, target = labels.name(line.source), labels.name(line.target)
    return Text(source, style=NAME).append(" → ", style="not bold").append(target, style="not bold")


def product(line: EdgeLine) -> Text:
    """Write the product that made a gradient: 1 × 3 = 3."""
    if line.op == "cut":
        return Text("none", style=QUIET)
    if line.step is None:
        return Text("0 (not reached)", style=QUIET)
    result = value_text(line.grad, GRADIENT)
    if line.op in ("copy", "broadcast", "output"):
        return Text("seed " if line.op == "output" else "Σ = ").append_text(result)
    if line.local is None or labels.is_array(line.local):
        return Text(f"{labels.norm(line.upstream)} → ").append_text(norm_text(line.grad, GRADIENT))
    factors, equals = labels.product(line.upstream, line.local, line.grad)
    return Text(f"{factors} {equals} ").append_text(result)


def explanation_text(explained: Explanation) -> str:
    """Write an explanation as wide as the terminal."""
    from tracer.diagnose.tree import render  # noqa: PLC0415  (for this command alone)

    return render(explained, _text_width())


def path_text(table: PathTable) -> str:
    """Write a table of paths as wide as the terminal."""
    from tracer.diagnose.path_text import render  # noqa: PLC0415  (for this command alone)

    return render(table, _text_width())


def diff_text(diff: Diff) -> str:
    """Write a diff as wide as the terminal."""
    from tracer.diagnose.diff_text import render  # noqa: PLC0415  (for this command alone)

    return render(diff, _text_width())


def _text_width() -> int:
    from tracer.diagnose.tree import WIDTH  # noqa: PLC0415  (as above)

    columns = width()
    return WIDTH if columns == _UNLIMITED else max(columns, _LEAST_EXPLANATION)


def sample_parts(samples: Sequence[Sample]) -> list[Any]:
    """Lay out the list of samples."""
    table = _table("sample", "what it shows")
    table.columns[-1].no_wrap = False
    for sample in samples:
        table.add_row(_name(sample.name), sample.title)
    return [table]


def _table(*headings: str) -> Table:
    """Make a table without lines; a heading that begins with > stands over numbers, on the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    for heading in headings:
        table.add_column(
            heading.removeprefix(">"), justify="right" if heading.startswith(">") else "left", no_wrap=True
        )
    return table


def _name(text: str) -> Text:
    return Text(labels.clean(text), style=NAME)


def value_text(value: Any, style: str) -> Text:
    """Write a number, or an array by shape and norm."""
    text = labels.summary(value) if labels.is_array(value) else labels.number(value)
    return _flagged(text, value, style)


def norm_text(value: Any, style: str) -> Text:
    """Write a number, or an array by its norm."""
    return _flagged(labels.norm(value), value, style)


def _flagged(text: str, value: Any, style: str) -> Text:
    """Mark what is not finite by a sign, as colour is not seen by everybody."""
    return Text(text, style=style) if labels.is_finite(value) else Text(f"⚠ {text}", style=ALARM)


def wrote(path: Path) -> Text:
    """Say where something was written."""
    return Text("wrote ").append(labels.clean(str(path)), style=NAME)


def saved_nonetheless(path: Path) -> Text:
    """Say where a run that failed, or has no gradient, was saved."""
    return wrote(path).append(
        f": what was recorded; look at it with  edgegrad show {labels.clean(str(path))}", style="not bold"
    )


def note(text: str) -> Text:
    """Write a remark about what was just written."""
    return Text(f"note: {labels.clean(text)}", style=QUIET)


def hint(command: str) -> Text:
    """Write a hint at the next command."""
    return Text(command, style=QUIET)


def show_hint(command: str) -> None:
    """Print a hint, after an empty line, to a person at a terminal: what is piped is for a program."""
    if sys.stdout.isatty():
        show("", hint(command))
