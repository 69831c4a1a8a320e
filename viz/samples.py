"""The samples that come with edgegrad, as the command line lists them; nothing is imported to list them."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from tracer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample: what it shows, and what to look for."""

    name: str
    title: str
    look_for: str
    file: str


def samples() -> list[Sample]:
    """Return the samples, in the order in which their package tells of them."""
    spec = importlib.util.find_spec("sample_graphs")
    if spec is None or spec.origin is None:
        raise UsageError(
            "the samples are not installed", advice="they are the folder sample_graphs of the source"
        )
    package = Path(spec.origin)
    order = _docstring(package)
    files = [file for file in sorted(package.parent.glob("*.py")) if not file.stem.startswith("_")]
    found = [_sample(file) for file in files]
    return sorted(found, key=lambda sample: order.find(f"\n    {sample.name} ") % (len(order) + 1))


def sample_file(name: str) -> Path:
    """Return the file of a sample. Raises UsageError for an unknown name."""
    known = {sample.name: sample for sample in samples()}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        advice = f"did you mean {close[0]}?" if close else f"the samples are {', '.join(known)}"
        raise UsageError(f"there is no sample {name}", advice=advice)
    return Path(known[name].file)


def attempts(name: str) -> dict[str, dict[str, float]]:
    """Return the gradients that a sample claims, by what was done to get them; most claim none."""
    claims: dict[str, dict[str, float]] = getattr(
        importlib.import_module(f"sample_graphs.{name}"), "ATTEMPTS", {}
    )
    return claims


def _sample(file: Path) -> Sample:
    title, _, rest = _docstring(file).partition("\n")
    return Sample(file.stem, title.strip(), " ".join(rest.split()).removeprefix("Look for: "), str(file))


def _docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_bytes())) or ""
