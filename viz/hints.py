"""The command that most want to give next, said to a person at a terminal at the end of what a command prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from viz.loading import TRACE_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.diagnose.finding import Finding
    from tracer.trace import Trace
    from viz.choice import View

LONG_PICTURE = 3_000  # nodes that take more than a few seconds to draw


def after_run(trace: Trace, target: str, traces: Sequence[Path]) -> str:
    """Hint at saving the trace, or at looking into the one that was saved."""
    if not traces:
        stem = Path(target.partition(".py")[0]).name
        return f"next: the same with -o {stem}{TRACE_SUFFIX}, to look into it"
    return _next("explain", traces[0], _first_input(trace) or "NAME")


def after_show(trace: Trace, path: Path, chosen: Sequence[str], *, has_gradients: bool) -> str:
    """Hint at an explanation; where there are no gradients, at an output to go back from, or at the edges.

    `chosen` are the options --of and --seed as they were given.
    """
    name = _first_input(trace)
    if has_gradients and name:
        return _next("explain", path, name, *chosen)
    output = "" if has_gradients else output_to_choose(trace)
    return _next("show", path, "--of", output) if output else _next("edges", path, *chosen)


def after_edges(
    trace: Trace, path: Path, name: str | None, chosen: Sequence[str], *, has_gradients: bool
) -> str:
    """Hint at the explanation of the value whose edges were asked for."""
    name = name or _first_input(trace)
    if has_gradients and name:
        return _next("explain", path, name, *chosen)
    output = "" if has_gradients else output_to_choose(trace)
    return _next("edges", path, "--of", output) if output else after_explain(path, chosen)


def after_explain(path: Path, chosen: Sequence[str]) -> str:
    """Hint at a picture."""
    return _next("draw", path, *chosen, "-o", str(path.with_suffix(".svg")))


def to_explain(path: Path, name: str, chosen: Sequence[str]) -> str:
    """Hint at the arithmetic of a gradient: of the one asked about, or the first that is wrong or differs."""
    return _next("explain", path, name, *chosen)


def after_check(target: str, findings: Sequence[Finding]) -> str:
    """Hint at the explanation of what is wrong, in a trace; of a program, at saving one."""
    if not findings or not target.endswith(TRACE_SUFFIX):
        return (
            ""
            if not findings
            else f"next: edgegrad run {quoted(target)} -o x{TRACE_SUFFIX}, to look into it"
        )
    node = findings[0].node
    label = node.label if node is not None and node.kind != "cut" else ""
    return _next("explain", Path(target), label) if label else _next("edges", Path(target))


def before_drawing(trace: Trace, view: View) -> str:
    """Say of an exact picture that takes long and is long what answers at once; empty for others."""
    from viz.diagram import NODE_LIMIT  # noqa: PLC0415  (needed only where a picture is drawn)

    count = len(trace.nodes)
    is_whole = view.exact and view.focus is None and view.only is None
    if (
        not is_whole or count <= LONG_PICTURE or (count > NODE_LIMIT and not view.force)
    ):  # the error says the same
        return ""
    return (
        f"drawing {count:,} nodes takes a while and makes a very long picture; without --exact it is rolled up, "
        "and --focus NAME shows a part as it ran"
    )


def _first_input(trace: Trace) -> str:
    return next(iter(trace.input_rows.values()), "")


def output_to_choose(trace: Trace) -> str:
    """Name an output as --of takes it, where there are several and none is chosen; else the empty string."""
    outputs = trace.recording.outputs
    if len(outputs) < 2 or trace.of is not None:
        return ""
    path = next((output for output in outputs if output.row >= 0), outputs[0]).path
    key = re.fullmatch(r"\['(\w*[^\W\d]\w*)'\]|\[(\d+)\]|\.(\w+)", path)
    return next(filter(None, key.groups())) if key else path


def _next(command: str, path: Path, *words: str) -> str:
    return f"next: edgegrad {' '.join(map(quoted, (command, str(path), *words)))}"


def quoted(word: str) -> str:
    """Quote a word for a shell: params['W'] in double quotes, which read better than what shlex makes of it."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
