"""The command line: parse, call, print. What a command needs is imported inside it, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from viz import drawing, judging, looking
from viz.options import FAILED, WRONG_USAGE, File, Json, Of, Seed, chosen, print_json
from viz.waiting import waiting

app = typer.Typer(
    help="See the gradient on every edge of a plain Python function, and the arithmetic that made it.",
    epilog="Begin with:  edgegrad run FILE.py -o picture.svg -o run.trace",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def edgegrad(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,  # noqa: ARG001
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Print the help where no command is given; `main` has seen to --debug, which may stand anywhere."""
    if version:
        from importlib import metadata  # noqa: PLC0415

        typer.echo(f"edgegrad {metadata.version('edgegrad')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(epilog="Example:  edgegrad run residual.py x=2.0 -o residual.svg -o residual.trace")(
    drawing.run
)


@app.command(epilog="Example:  edgegrad show residual.trace")
def show(trace: File, of: Of = None, seed: Seed = None, json: Json = False) -> None:
    """Sum up a trace: inputs with their gradients, output, counts, largest splitters."""
    from viz.running import open_trace  # noqa: PLC0415
    from viz.summary import summary  # noqa: PLC0415

    with waiting(f"summing up {trace}") as reached:
        opened = open_trace(trace, of, seed)
        reached(1, 2)
        summed_up = summary(opened)
    if json:
        print_json(summed_up)
        return
    from viz import graph_text, hints, text  # noqa: PLC0415

    has_gradients = not summed_up.no_gradient
    parts = text.summary_parts(summed_up)
    if has_gradients and graph_text.is_small(opened):
        parts += ["", *graph_text.graph_lines(opened, width=text.width())]
    text.show(*parts)
    text.show_hint(hints.after_show(opened, trace, chosen(of, seed), has_gradients=has_gradients))


@app.command(epilog="Example:  edgegrad edges residual.trace --name x --sort grad --top 10")
def edges(
    trace: File,
    sort: Annotated[
        Literal["step", "grad", "value", "line"],
        typer.Option(
            "--sort", help="Order: as they fired, largest gradient or value first, or as in the source."
        ),
    ] = "step",
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Only edges that carry this input or variable."),
    ] = None,
    line: Annotated[
        int | None, typer.Option("--line", metavar="N", help="Only operations on this line.")
    ] = None,
    op: Annotated[
        str | None,
        typer.Option("--op", metavar="OP", help="Only edges into this operation: multiply, copy, …"),
    ] = None,
    least: Annotated[
        float | None, typer.Option("--min", metavar="SIZE", help="Only gradients of at least this size.")
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="At most so many.")] = 20,
    of: Of = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """List edges: value, gradient, and the product that made it."""
    from viz.edge_table import Choice, Order, edge_table  # noqa: PLC0415
    from viz.running import open_trace  # noqa: PLC0415

    with waiting(f"reading {trace}") as reached:
        opened = open_trace(trace, of, seed)
        reached(1, 2)
        table = edge_table(opened, Choice(name, line, op, least, Order(sort), top))
    if json:
        print_json(table)
        return
    from viz import hints, text  # noqa: PLC0415

    text.show(*text.edge_parts(table))
    options = chosen(of, seed)
    text.show_hint(hints.after_edges(opened, trace, name, options, has_gradients=table.has_gradients))


def _names(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of an input or variable."""
    from viz.running import open_trace  # noqa: PLC0415

    try:
        trace = open_trace(Path(context.params["trace"]))
    except (ValueError, OSError):
        return []
    names = [*trace.input_rows.values(), *(variable.name for variable in trace.sites.variables)]
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="An input or variable: x, \"params['W']\", h[3].", autocompletion=_names
    ),
]


@app.command(epilog="Example:  edgegrad explain residual.trace x")
def explain(
    trace: File,
    name: Name,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="Levels of the tree.")] = 6,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="Terms of a sum, the largest.")] = 5,
    of: Of = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Tell how one gradient came about, as a tree from its sum down to the seed."""
    from tracer.diagnose.explain import explanation  # noqa: PLC0415
    from viz.running import open_with_gradients  # noqa: PLC0415

    with waiting(f"explaining {name}") as reached:
        opened = open_with_gradients(trace, of, seed)
        reached(1, 3)
        opened.gradients  # noqa: B018  (computed where the file holds none)
        reached(2, 3)
        explained = explanation(opened, name, depth=depth, top=top)
    if json:
        print_json(explained)
        return
    from viz import hints, text  # noqa: PLC0415

    sys.stdout.write(f"{text.explanation_text(explained)}\n")
    text.show_hint(hints.after_explain(trace, chosen(of, seed)))


@app.command(epilog="Example:  edgegrad paths residual.trace x --top 3")
def paths(
    trace: File,
    name: Name,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME", help="Only paths that go through, and up to, this value."),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="So many paths, the largest.")] = 5,
    of: Of = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """List the paths of largest contribution from an input or variable to the output."""
    from tracer.diagnose.path_text import table_of  # noqa: PLC0415
    from viz.running import open_with_gradients  # noqa: PLC0415

    with waiting(f"following {name}") as reached:
        opened = open_with_gradients(trace, of, seed)
        reached(1, 2)
        table = table_of(opened.paths(name, to=to, top=top))
    if json:
        print_json(table)
        return
    from viz import hints, text  # noqa: PLC0415

    sys.stdout.write(f"{text.path_text(table)}\n")
    text.show_hint(hints.to_explain(trace, name, chosen(of, seed)))


app.command(epilog="Example:  edgegrad draw residual.trace -o residual.svg -o residual.png")(drawing.draw)
app.command(epilog="Example:  edgegrad samples splitter -o splitter.svg")(drawing.samples)
app.command(epilog="Example:  edgegrad plot rnn.trace time h -o rnn.png")(looking.plot)
app.command(epilog="Example:  edgegrad step residual.trace, or:  edgegrad step residual.trace | less")(
    looking.step
)
app.command(epilog="Example:  edgegrad check model.py:loss x=0.0 --fail-on nonfinite,dead")(judging.check)
app.command(epilog="Example:  edgegrad diff before.trace after.trace")(judging.diff)
app.command(epilog="Example:  edgegrad verify residual.trace")(judging.verify)
app.command(epilog="Example:  edgegrad audit residual.trace claimed.npz")(judging.audit)


def main() -> None:
    """Run the command line: one line on stderr and exit code 1 for an error, 2 for wrong usage."""
    from viz import signs  # noqa: PLC0415

    substitutes = signs.register()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=substitutes)
    words = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        code = app(args=words, prog_name="edgegrad", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except Exception as error:
        if len(words) < len(sys.argv) - 1:
            raise
        code = _complain(error)
    sys.exit(code if isinstance(code, int) else 0)


def _complain(error: Exception) -> int:
    """Print an error on one line and return the exit code."""
    from tracer.errors import EdgegradError, LookupNameError, UsageError  # noqa: PLC0415

    if isinstance(error, EdgegradError):
        message = " ".join(str(error).split("\n"))
        code = WRONG_USAGE if isinstance(error, (UsageError, LookupNameError)) else FAILED
    elif hasattr(error, "format_message"):  # what the parser raises
        message, code = error.format_message().rstrip(".").replace("Value error, ", ""), WRONG_USAGE
    else:
        message = f"{type(error).__name__}: {error}; a fault of edgegrad: please report it with what --debug shows"
        code = FAILED
    sys.stderr.write(f"error: {message}\n")
    return code
