"""A step of the backward pass as text: a screen for a person who walks through it, a line for everybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tracer.diagnose.explain import formula_of
from viz import labels, text, wording
from viz.graph_text import graph_lines, is_small, neighbourhood, origin, value_name
from viz.steps import Step, Steps, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tracer.views import Edge

KEYS = (
    ("→ n space", "next step"),
    ("← b", "step back"),
    ("↓ ]", "on to the next sum of a splitter"),
    ("↑ [", "back to the sum before"),
    ("g", "go to a step, or to where the gradient of a name is complete"),
    ("/ N", "search code, lines and names; N searches on"),
    ("r", "run; any key stops"),
    ("Home End", "first and last step"),
    ("q Esc", "quit"),
)
HELP = "→ next  ← back  ↓↑ sums  g go to  / search  r run  ? help  q quit"
_SHOWN_USES = 6
_CONTEXT = 1  # lines of source around that of the step
_BAR = 24
_EDGE, _ARITHMETIC = 26, 34  # columns of the lines for everybody else


def screen(
    steps: Steps, now: int, width: int, height: int, message: str = "", *, has_help: bool = False
) -> list[Text]:
    """Lay out one step: where the pass is, the line, the product, the splitter, the graph around it."""
    if has_help:
        body = [Text(f"  {keys:<12}{what}") for keys, what in KEYS]
    else:
        step, edge = steps[now], steps.edge(now)
        body = [
            *_source(steps, edge),
            Text(""),
            *_arithmetic(step, edge),
            Text(""),
            *_splitter(steps, step, edge, now),
        ]
        nodes = None if is_small(steps.trace) else neighbourhood(edge)
        body += graph_lines(steps.trace, nodes, now=now, width=width)
    lines = [_heading(steps, now), Text(""), *body][: height - 2]
    lines += [Text("")] * (height - 1 - len(lines))
    lines.append(Text(message, style=text.ALARM) if message else Text(HELP, style=text.QUIET))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _heading(steps: Steps, now: int) -> Text:
    done = round(_BAR * (now + 1) / len(steps))
    heading = Text(f"step {now:,} of {len(steps) - 1:,} ", style=text.NAME)
    heading.append("━" * done, style=text.GRADIENT).append("─" * (_BAR - done), style=text.QUIET)
    return heading.append(f"  back through {labels.name(steps.trace.function)}", style="not bold")


def _source(steps: Steps, edge: Edge) -> list[Text]:
    """Quote the line of the operation that fires, with those around it."""
    user = edge.dst
    if user.kind == "splitter" and user.op == "broadcast":
        user = user.out_edges[0].dst
    site = user.site
    lines = steps.trace.source.get(site.file, "").split("\n") if site is not None else []
    if site is None or not 0 < site.line <= len(lines):
        told = (
            "the seed"
            if user.kind == "output"
            else "an input"
            if origin(user).kind == "input"
            else "no source"
        )
        return [Text(""), Text(f"  {told}", style=text.QUIET), Text("")]
    first, last = max(site.line - _CONTEXT, 1), min(site.line + _CONTEXT, len(lines))
    quoted = []
    for number in range(first, last + 1):
        is_here = number == site.line
        line = Text(f"{'▶' if is_here else ' '} {number:>4} │ ", style=text.QUIET)
        quoted.append(
            line.append(labels.clean(lines[number - 1]), style=text.NAME if is_here else "not bold")
        )
    return quoted


def _arithmetic(step: Step, edge: Edge) -> list[Text]:
    """Write what flows back over the edge, of an array also at its largest element, and from where to where."""
    line = step.edge
    told = Text("  ").append_text(text.product(line))
    formula = formula_of(edge)
    if formula and line.local is not None:
        told.append(f"   local {labels.clean(formula)}", style=text.QUIET)
    if line.op == "copy":
        where = f"the sum of all uses of {line.source}"
    elif line.op == "broadcast":
        where = f"the sum over the copies of {line.source}"
    elif line.op == "output":
        where = f"where it begins: {line.source}"
    else:
        where = f"from {line.target} back to {line.source}, {wording.operand(line.port)} of {line.op}"
    at_largest = ["".join(span.text for span in each) for each in wording.product_lines(edge)[1:]]
    if line.op in ("copy", "broadcast", "output"):
        at_largest = []
    return [told, *(Text(f"  {each}", style=text.QUIET) for each in (*at_largest, where))]


def _splitter(steps: Steps, step: Step, edge: Edge, now: int) -> list[Text]:
    """Show the sum of a splitter as it builds up."""
    waiting = step.splitter
    if waiting is None:
        return []
    uses = steps.uses(edge)
    lines = [Text(f"  ◆ {written(step)}", style=text.NAME)]
    first = max(0, min(waiting.arrived - _SHOWN_USES // 2, len(uses) - _SHOWN_USES))
    shown = uses[first : first + _SHOWN_USES]
    if first:
        lines.append(Text(f"    … {first:,} before", style=text.QUIET))
    for each in shown.tolist():
        use = steps.trace.edges[each]
        lines.append(_use(use, has_fired=use.step is not None and use.step <= now))
    left = len(uses) - first - len(shown)
    if left:
        lines.append(Text(f"    … {left:,} more", style=text.QUIET))
    return [*lines, Text("")]


def _use(use: Edge, *, has_fired: bool) -> Text:
    user = use.dst
    if user.kind == "splitter":
        user = user.out_edges[0].dst
    name, site = value_name(user), user.site
    place = f"line {site.line}: {name}" if site is not None and site.line else name
    line = Text("    ● " if has_fired else "    ○ ", style="not bold")
    if has_fired:
        line.append_text(text.norm_text(use.grad, text.GRADIENT))
    else:
        line.append("waiting", style=text.QUIET)
    line.pad_right(max(1, 20 - len(line)))
    return line.append(place, style=text.QUIET)


def lines_of(steps: Steps, numbers: range) -> Iterator[str]:
    """Write steps as lines, one by one: a reader that stops early costs no more."""
    width = len(f"{len(steps) - 1:,}")
    for number in numbers:
        step = steps[number]
        line = step.edge
        edge = f"{line.source} → {line.target}"
        place = f"{line.file}:{line.line}" if line.file else ""
        cells: Sequence[str] = (
            f"{number:>{width},}",
            labels.shorten(labels.clean(edge), _EDGE).ljust(_EDGE),
            text.product(line).plain.ljust(_ARITHMETIC),
            place,
            line.code if line.op != "broadcast" else "",
            f"◆ {written(step)}" if step.splitter is not None else "",
        )
        yield "  ".join(cell for cell in cells if cell).rstrip()
