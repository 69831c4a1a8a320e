"""What a name means in a trace: an input, a variable, an output; and what to say where it means nothing.

Used by trace.py, and by viz/choice.py for functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tracer.errors import GradientError, LookupNameError
from tracer.untraced import HOLDING
from tracer.views import Node

if TYPE_CHECKING:
    from tracer.recording import Output
    from tracer.sites import Rows
    from tracer.trace import Trace

_LISTED = 12  # names in a message
_COUNTED = re.compile(r"(?P<name>.+)\[(?P<count>-?\d+)\]")


def node_named(trace: Trace, name: str) -> Node:
    """Return the node of an input, a variable or an output. Raises LookupNameError with the nearest names."""
    if not isinstance(name, str):
        raise LookupNameError(
            "a trace is asked by name",
            got=f"got {name!r}",
            advice='t["x"]; t.nodes[0] and t.edges[0] go by number',
        )
    is_exact = name in trace.input_rows.values() or name in trace.run.second_names  # a key may hold quotes
    wanted = name if is_exact else name.replace('"', "'")
    for row, path in trace.input_rows.items():
        if path == wanted:
            return Node(trace, int(trace.graph.node_of_row[row]))
    second = trace.run.second_names.get(wanted)
    if second is not None:
        return Node(trace, int(trace.graph.node_of_row[second]))
    rows = rows_of_variable(trace, wanted)
    if len(rows):
        return Node(trace, int(trace.graph.node_of_row[rows[-1]]))
    counted, count = counted_name(wanted)
    if counted:
        rows = rows_of_variable(trace, counted)
        if -len(rows) <= count < len(rows):
            return Node(trace, int(trace.graph.node_of_row[rows[count]]))
        if len(rows):
            raise LookupNameError(
                f"the variable {counted} has no assignment number {count}",
                got=f"it was assigned {len(rows)} times, [0] to [{len(rows) - 1}]"
                if len(rows) > 1
                else "it was assigned once",
                advice=f"{counted} alone is the argument, {counted}[-1] the last"
                if counted in trace.input_rows.values()
                else f"{counted} alone is the last",
            )
    for index, output in enumerate(trace.recording.outputs):
        if wanted and output.path == wanted:
            return Node(trace, trace.graph.first_output + index)
    _raise_if_elsewhere(trace, wanted, counted)
    raise LookupNameError(
        f"no input, variable or output is named {name!r}",
        got=_untraced(trace, wanted),
        advice=_to_trace(trace, wanted) or _nearest(trace, wanted),
    )


def rows_of_variable(trace: Trace, name: str) -> Rows:
    """Return the rows of a variable's values. Raises LookupNameError where helpers have several of that name."""
    meant = trace.sites.meant(name)
    if len(meant) > 1:
        told = [f"{spelling} ({count:,} value{'s' * (count > 1)})" for spelling, count in meant.items()]
        raise LookupNameError(
            f"several functions have a variable {name}",
            got=listed(told),
            advice=f"say which, as in {next(iter(meant))}",
        )
    return trace.sites.rows_named(name)


def _raise_if_elsewhere(trace: Trace, wanted: str, counted: str) -> None:
    """Say of a list or a plain value of the traced function which helpers have a variable of its name."""
    bare = counted or wanted
    others = [spelling for spelling in trace.sites.spellings(bare) if spelling != bare]
    if others:
        parts = [each.path for each in trace.recording.outputs if each.path and bare + each.path == wanted]
        raise LookupNameError(
            f"{bare} of {trace.function} is no traced number itself, but a container or a plain value",
            got=f"a helper's variable of that name is {' or '.join(others)}",
            advice=f"{parts[0]} is that part of the result" if parts else f"did you mean {others[0]}?",
        )


def chosen_output(trace: Trace) -> int:
    """Return the number of the output that `of` names, or of the only one that there is.

    Where that is a plain number beside others that are traced, a warning names the cut that it may have come from.
    """
    number = _chosen(trace)
    if trace.recording.outputs[number].row < 0 and any(each.row >= 0 for each in trace.recording.outputs):
        from tracer.plain_outputs import tell  # noqa: PLC0415  (few outputs are plain)

        tell(trace, trace.recording.outputs[number])
    return number


def _chosen(trace: Trace) -> int:
    outputs = trace.recording.outputs
    if trace.error is not None and not outputs:
        raise GradientError(
            f"{trace.function} raised an exception, so it has no output to go back from",
            got=trace.error,
            advice="nodes and values up to the error can be looked at",
        )
    if trace.of is not None:
        return _named_output(trace, trace.of)
    traced = [number for number, output in enumerate(outputs) if output.row >= 0]
    candidates = traced or list(range(len(outputs)))
    if not candidates:
        raise GradientError(
            f"{trace.function} returned nothing that has a gradient",
            got="; ".join(
                (
                    f"got {_kind(trace.result)}, expected a float, an array, or a container of them",
                    *(_untraced(trace, path) for path in trace.run.untraced),
                )
            ),
            advice=next((_to_trace(trace, path) for path in trace.run.untraced), "")
            or "return the value that you want the gradient of",
        )
    if len(candidates) > 1:
        raise GradientError(
            f"{trace.function} returned several values",
            got=f"got {len(candidates)} outputs{choices(trace, ': ')}",
            advice="choose one: @trace(of=…), or t.backward(of=…)",
        )
    return candidates[0]


def _kind(result: Any) -> str:
    if result is None:
        return "None"
    is_empty = isinstance(result, (list, tuple, dict))
    return type(result).__name__ + (" without a float in it" if is_empty else "")


def _named_output(trace: Trace, of: str | int) -> int:
    outputs = trace.recording.outputs
    for paths in ({of, f"[{of!r}]", f".{of}"}, ()):  # a whole path comes before the end of a longer one
        found = [
            number
            for number, output in enumerate(outputs)
            if (output.path in paths if paths else output.path.endswith((f"[{of!r}]", f".{of}")))
        ]
        if len(found) > 1:
            raise LookupNameError(
                f"{trace.function} has several outputs {of!r}",
                got=", ".join(outputs[number].path for number in found),
                advice="give the whole path",
            )
        if found:
            return found[0]
    named = [
        number
        for number, output in enumerate(outputs)
        if output.row >= 0 and of in _names(trace, output.row)
    ]
    if named:
        return named[-1]
    raise LookupNameError(f"{trace.function} has no output {of!r}", advice=_known_outputs(trace))


def _known_outputs(trace: Trace) -> str:
    outputs = trace.recording.outputs
    if len(outputs) == 1:
        found = described(trace, outputs[0])
        return f"its one output is {found}, and of= need not be given"
    return choices(trace, "choose from ") or "it returned nothing that has a gradient"


def _names(trace: Trace, row: int) -> tuple[str, ...]:
    return *(name for pair in trace.sites.names(row) for name in pair), trace.input_rows.get(row, "")


def described(trace: Trace, output: Output) -> str:
    """Name an output by its place in the result, and by the variable that it is."""
    name = trace.sites.name(output.row)[1] if output.row >= 0 else ""
    return " = ".join(part for part in (output.path, name) if part) or "the result"


def choices(trace: Trace, lead: str) -> str:
    """List the outputs after `lead`, where there are several."""
    outputs = trace.recording.outputs
    return lead + ", ".join(described(trace, output) for output in outputs) if len(outputs) > 1 else ""


def _untraced(trace: Trace, path: str) -> str:
    what = trace.run.untraced.get(path)
    return f"{path} is {what}, so it is not traced" if what else ""


def _to_trace(trace: Trace, path: str) -> str:
    what = trace.run.untraced.get(path, "")
    return (
        f"watch=({path!r},) makes its numbers inputs"
        if what.endswith(HOLDING)
        else what and "give it as floats"
    )


def _nearest(trace: Trace, wanted: str) -> str:
    names = list(dict.fromkeys([*trace.input_rows.values(), *trace.sites.spellings()]))
    inside = [path for path in trace.input_rows.values() if path.startswith((f"{wanted}[", f"{wanted}."))]
    if inside:
        return f"{wanted} holds several inputs: {listed(inside)}"
    if not meant(wanted, names) and _is_constant(trace, wanted):
        return f"the program reads it as a constant; watch=({wanted!r},) makes it an input"
    return nearest(wanted, names)


def _is_constant(trace: Trace, wanted: str) -> bool:
    """Tell whether the functions that ran read a name of what is around them, or an attribute of that or of `self`."""
    from tracer.diagnose.reading import program  # noqa: PLC0415  (for a name that is wrong)

    called, base = {scope.name for scope in trace.sites.scopes}, re.split(r"[.\[]", wanted)[0]
    return any(
        function in called
        for file, source in trace.source.items()
        for function in program(file, source).readers_of(wanted, base)
    )


def counted_name(wanted: str) -> tuple[str, int]:
    """Read `h[3]` as a name and a count; an empty name where there is none."""
    counted = _COUNTED.fullmatch(wanted)
    return (counted["name"], int(counted["count"])) if counted else ("", 0)


def nearest(wanted: str, names: list[str]) -> str:
    """Ask whether one of the names was meant, or list them."""
    return meant(wanted, names) or f"known names: {listed(names) or 'none'}"


def meant(wanted: str, names: list[str]) -> str:
    """Ask whether one of the names was meant; nothing where none is like it."""
    parts = (f"['{wanted}']", f".{wanted}")
    same = [
        name
        for name in names
        if wanted.lower() in (name.lower(), name.lower().rpartition(".")[2]) or name.endswith(parts)
    ]
    import difflib  # noqa: PLC0415  (for a name that is wrong)

    ends = [name.rpartition(".")[2] for name in names]  # of `helper.out` the end is what one writes
    near = difflib.get_close_matches(wanted, dict.fromkeys([*names, *ends]), n=3, cutoff=0.5)
    close = [name for each in near for name, end in zip(names, ends, strict=True) if each in (name, end)]
    close = list(dict.fromkeys(same or close))[:3]
    return f"did you mean {' or '.join(close)}?" if close else ""


def listed(names: list[str]) -> str:
    """Write names one after the other; of many, the first."""
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" … and {more:,} more" if more > 0 else "")
