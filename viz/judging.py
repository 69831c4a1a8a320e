"""The commands that judge a trace, and exit with 1 where something is wrong. Registered by cli.py."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  (the parser reads the annotations as it starts)
from typing import Annotated, Literal

import typer

from viz.options import FAILED, File, Json, Of, Seed, Settings, Watch, chosen, print_json
from viz.waiting import waiting


def check(
    target: Annotated[
        str, typer.Argument(metavar="TRACE|FILE.py[:FUNC]", help="A .trace file, or a program to run.")
    ],
    settings: Settings = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            metavar="KINDS",
            help="Exit with 1 where findings of these kinds do harm: nonfinite,dead,…",
        ),
    ] = None,
    shape: Annotated[
        Literal["text", "github"],
        typer.Option("--format", metavar="FORMAT", help="text, or github: the annotations of a workflow."),
    ] = "text",
    of: Of = None,
    seed: Seed = None,
    watch: Watch = None,
    json: Json = False,
) -> None:
    """Say what is wrong with the gradients, where, and why: worst first."""
    from tracer.diagnose.findings import find  # noqa: PLC0415
    from viz.check import checked, finding_parts, github, has_failed, kinds_in  # noqa: PLC0415
    from viz.running import traced  # noqa: PLC0415

    if json and shape != "text":
        from tracer.errors import UsageError  # noqa: PLC0415

        raise UsageError(
            "check prints JSON or annotations, not both",
            got=f"got --json --format {shape}",
            advice="leave one of them out",
        )
    kinds = kinds_in(fail_on) if fail_on is not None else frozenset()
    trace, failure = traced(target, settings or [], of, seed, watch=watch or ())
    with waiting("looking for what is wrong") as reached:
        findings = find(trace, reached)
    if json:
        print_json(checked(trace, findings))
    elif shape == "github":
        sys.stdout.write("".join(f"{line}\n" for line in github(findings).splitlines()))
    else:
        from viz import hints, text  # noqa: PLC0415

        text.show(*finding_parts(trace, findings))
        text.show_hint(hints.after_check(target, findings))
    if failure is not None:
        raise failure
    if has_failed(findings, kinds):
        raise typer.Exit(FAILED)


def diff(
    first: Annotated[Path, typer.Argument(metavar="BEFORE", help="A .trace file.")],
    second: Annotated[
        Path, typer.Argument(metavar="AFTER", help="Another, of the same program or a version of it.")
    ],
    rtol: Annotated[
        float | None,
        typer.Option(
            "--rtol", metavar="R", help="Relative difference that is none; else by type: 1e-9 for float64."
        ),
    ] = None,
    atol: Annotated[
        float, typer.Option("--atol", metavar="A", help="Absolute difference that is none.")
    ] = 0.0,
    of: Of = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Tell what differs between two traces, and where it begins; exit with 1 if anything does."""
    from tracer.diagnose.diff import diff as compare  # noqa: PLC0415
    from viz.running import open_trace  # noqa: PLC0415

    with waiting(f"comparing {first} and {second}") as reached:
        before = open_trace(first, of, seed)
        reached(1, 3)
        after = open_trace(second, of, seed)
        reached(2, 3)
        found = compare(before, after, rtol=rtol, atol=atol)
    if json:
        print_json(found)
    else:
        from viz import hints, text  # noqa: PLC0415

        sys.stdout.write(f"{text.diff_text(found)}\n")
        changed = next((each.name for each in found.inputs if each.gradient), None)
        if changed is not None:
            text.show_hint(hints.to_explain(second, changed, chosen(of, seed)))
    if not found.same:
        raise typer.Exit(FAILED)


def verify(trace: File, of: Of = None, seed: Seed = None, json: Json = False) -> None:
    """Check every edge by itself: rules against differences, splitters by their sums. Exits 1 if one is wrong."""
    from tracer.diagnose.verify import verify as verified  # noqa: PLC0415
    from viz.running import open_trace  # noqa: PLC0415
    from viz.verdicts import progress_bar, verification_data, verification_parts  # noqa: PLC0415

    opened = open_trace(trace, of, seed)
    with progress_bar("checking") as progress:
        checked = verified(opened, progress=progress)
    if json:
        print_json(verification_data(checked))
    else:
        from viz import text  # noqa: PLC0415

        text.show(*verification_parts(checked))
    _exit(failed=not checked.ok)


def audit(
    trace: File,
    claims: Annotated[
        Path,
        typer.Argument(metavar="CLAIMED", help="Gradients by name, to be compared: an .npz or a .json."),
    ],
    of: Of = None,
    seed: Seed = None,
    rtol: Annotated[
        float | None,
        typer.Option("--rtol", metavar="SHARE", help="How far a gradient may be off, as a share of it."),
    ] = None,
    atol: Annotated[
        float | None, typer.Option("--atol", metavar="SIZE", help="How far it may be off besides.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare gradients of your own with the trace's, and name the mistake behind a wrong one. Exits 1 for one."""
    from tracer.diagnose.audit import audit as audited  # noqa: PLC0415
    from tracer.diagnose.claims import read_claims  # noqa: PLC0415
    from viz import hints  # noqa: PLC0415
    from viz.running import open_with_gradients  # noqa: PLC0415
    from viz.verdicts import audit_data, audit_parts  # noqa: PLC0415

    given = read_claims(claims)
    with waiting(f"auditing {claims}") as reached:
        opened = open_with_gradients(trace, of, seed)
        reached(1, 2)
        found = audited(opened, given, rtol=rtol, atol=atol)
    if json:
        print_json(audit_data(found))
    else:
        from viz import text  # noqa: PLC0415

        text.show(*audit_parts(found))
        if found.first is not None:
            text.show_hint(hints.to_explain(trace, found.first.name, chosen(of, seed)))
    _exit(failed=not found.ok)


def _exit(*, failed: bool) -> None:
    """End with the exit code of a check."""
    if failed:
        raise typer.Exit(FAILED)
