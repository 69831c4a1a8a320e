"""What commands share: arguments and options, which the parser reads as it starts; exit codes; printing JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py[:FUNC]", help="The program. Without FUNC, its only function with @trace."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="Arguments: Python literals, or @FILE.npy for an array."),
]
Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "-o",
        "--output",
        metavar="OUT",
        help="Write it, by suffix: .svg .png .pdf .dot .html .mmd .graphml .json .trace; repeatable.",
    ),
]
Pictures = Annotated[
    list[Path],
    typer.Option(
        "-o",
        "--output",
        metavar="OUT",
        help="Write it, by suffix: .svg .png .pdf .dot .html .mmd .graphml .json; repeatable.",
    ),
]
Of = Annotated[
    str | None,
    typer.Option("--of", metavar="NAME", help="The output to go back from, where there are several."),
]
Seed = Annotated[
    str | None,
    typer.Option(
        "--seed",
        metavar="VALUE",
        help="The gradient of that output: a Python literal, or @FILE.npy; else 1.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail where a traced value leaves the graph.")]
Watch = Annotated[
    list[str] | None,
    typer.Option(
        "--watch",
        metavar="NAME",
        help="A global or an attribute as an input: W, model.W, model; repeatable.",
    ),
]
Engine = Annotated[
    Literal["graphviz-pure", "dot", "built-in"] | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="What lays the picture out: graphviz-pure, dot or built-in; if not given, the best that is there.",
    ),
]
PANEL = "What a picture shows"
Exact = Annotated[
    bool,
    typer.Option(
        "--exact",
        rich_help_panel=PANEL,
        help="Every operation of the run, not rolled up by the program's text.",
    ),
]
Rolled = Annotated[
    bool,
    typer.Option(
        "--rolled",
        rich_help_panel=PANEL,
        help="By the program's text, as a large graph is drawn: one box per place, ×count.",
    ),
]
Focus = Annotated[
    str | None,
    typer.Option(
        "--focus", metavar="NAME", rich_help_panel=PANEL, help="Only what is near this input or variable."
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        metavar="N",
        min=0,
        rich_help_panel=PANEL,
        help="With --focus: so many edges in both directions, else 2.",
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="FUNCTION",
        rich_help_panel=PANEL,
        help="Only the calls of a function: helper, or the 4th call of it: 'helper[3]'.",
    ),
]
MarkPath = Annotated[
    str | None,
    typer.Option(
        "--path",
        metavar="NAME",
        rich_help_panel=PANEL,
        help="Mark the largest paths from an input or variable to the output.",
    ),
]
Highlight = Annotated[
    Literal["findings"] | None,
    typer.Option(
        "--highlight", metavar="WHAT", rich_help_panel=PANEL, help="Mark what looks wrong: findings."
    ),
]
Force = Annotated[
    bool, typer.Option("--force", rich_help_panel=PANEL, help="Draw it, however large it is.")
]
File = Annotated[
    Path, typer.Argument(metavar="TRACE", help="A .trace file, as `edgegrad run -o` writes it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

FAILED, WRONG_USAGE = 1, 2  # exit codes


def chosen(of: str | None, seed: str | None) -> list[str]:
    """Return the options that chose an output, for a hint to repeat."""
    given = (("--of", of), ("--seed", seed))
    return [word for option, value in given if value is not None for word in (option, value)]


def print_json(value: object) -> None:
    """Print dataclasses of numbers and arrays as JSON."""
    from viz.as_json import as_json  # noqa: PLC0415  (not needed for --help)

    typer.echo(as_json(value))  # which writes unicode to an output that claims to have none: JSON is UTF-8
