"""What commands share: arguments and options, which the parser reads as it starts; exit codes; printing JSON."""

from __future__ import annotations

import inspect
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

Target = Annotated[
    str,
    typer.Argument(
        metavar="FILE.py[:FUNC]", help="The program. Without FUNC, its only function with @trace."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=VALUE",
        help="Arguments: Python literals; for an array, 'np.array([1.0, 2.0])' or @FILE.npy.",
    ),
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
_PANEL = "What a picture shows"


def _shows(kind: Any, *names: str, **told: Any) -> Any:
    return Annotated[kind, typer.Option(*names, rich_help_panel=_PANEL, **told)]


VIEW = {  # by field of `viz.choice.View`
    "exact": _shows(
        bool, "--exact", help="Every operation of the run, not rolled up by the program's text."
    ),
    "rolled": _shows(
        bool,
        "--rolled",
        help="By the program's text, as a large graph is drawn: one box per place, ×count.",
    ),
    "focus": _shows(
        str | None, "--focus", metavar="NAME", help="Only what is near this input or variable."
    ),
    "depth": _shows(
        int | None,
        "--depth",
        metavar="N",
        min=0,
        help="With --focus: so many edges in both directions, else 2.",
    ),
    "only": _shows(
        str | None,
        "--only",
        metavar="FUNCTION",
        help="Only the calls of a function: helper, or the 4th call of it: 'helper[3]'.",
    ),
    "path": _shows(
        str | None,
        "--path",
        metavar="NAME",
        help="Mark the largest paths from an input or variable to the output.",
    ),
    "highlight": _shows(
        Literal["findings"] | None,
        "--highlight",
        metavar="WHAT",
        help="Mark what looks wrong: findings.",
    ),
    "force": _shows(bool, "--force", help="Draw it, however large it is."),
}
File = Annotated[
    Path, typer.Argument(metavar="TRACE", help="A .trace file, as `edgegrad run -o` writes it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

FAILED, WRONG_USAGE = 1, 2  # exit codes


def with_view(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a View in place of its last parameter, `view`, and call it with one."""
    own = inspect.signature(command, eval_str=True, locals={"View": Any})
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if get_args(option)[0] is bool else None,
            annotation=option,
        )
        for name, option in VIEW.items()
    ]

    @wraps(command)
    def called(**given: Any) -> None:
        from viz.choice import View  # noqa: PLC0415  (not needed for --help)

        view = View(**{name: given.pop(name) for name in VIEW})
        command(**given, view=view)

    *others, _ = own.parameters.values()
    vars(called)["__signature__"] = own.replace(parameters=[*others, *options])
    called.__annotations__ = {}  # which the parser would read after all
    return called


def chosen(of: str | None, seed: str | None) -> list[str]:
    """Return the options that chose an output, for a hint to repeat."""
    given = (("--of", of), ("--seed", seed))
    return [word for option, value in given if value is not None for word in (option, value)]


def print_json(value: object) -> None:
    """Print dataclasses of numbers and arrays as JSON."""
    from viz.as_json import as_json  # noqa: PLC0415  (not needed for --help)

    typer.echo(as_json(value))  # which writes unicode to an output that claims to have none: JSON is UTF-8
