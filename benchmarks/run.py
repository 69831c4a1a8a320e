"""Compare edgegrad with its peers and with what it promises: `python benchmarks/run.py`.

The peers come with `pip install -e '.[bench]'`; one that is missing is shown as —.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from typing import TYPE_CHECKING

# One thread for everyone's arithmetic: with more, a ratio is that of the machine's other work. NumPy and PyTorch read
# this when they are imported, and so do the processes that are started from here.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from cases import CASES, QUICK, Row, Sizes, Unit  # noqa: E402 (after the number of threads is set)

if TYPE_CHECKING:
    from collections.abc import Sequence

PEERS = ("PyTorch", "autograd", "micrograd", "plain")
HEADINGS = ("recording and backward", "edgegrad", *PEERS, "promised", "")
NOTES = (
    "edgegrad leaves the gradient of every edge, its peers those of the inputs.",
    "Each case has a process of its own. Calls are timed in turns, in one thread, and the fastest counts; of processes",
    "the median. An operation is one multiplication or one addition. Peak memory: of a process that traces the loop,",
    "less that of one that traces a single step.",
)
DISTRIBUTIONS = {"NumPy": "numpy", "PyTorch": "torch", "autograd": "autograd", "micrograd": "micrograd"}


def show_number(number: float | None, unit: Unit) -> str:
    """Write a number with two digits after the point below ten, with one below a hundred, with none above."""
    if number is None:
        return "—"
    digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return f"{number:.{digits}f}{unit}" if unit == "×" else f"{number:.{digits}f} {unit}"


def cells(row: Row) -> list[str]:
    """Write one row of the table."""
    limit = row.limit
    promised = f"{limit.word} {limit.bound:g}{'' if row.unit == '×' else ' '}{row.unit}" if limit else ""
    verdict = ""
    if row.edgegrad is None:
        verdict = "no Chromium"
    elif limit:
        verdict = "met" if limit.is_met_by(row.edgegrad) else "MISSED"
    peers = [show_number(row.peers.get(peer), row.unit) for peer in PEERS]
    return [row.what, show_number(row.edgegrad, row.unit), *peers, promised, verdict]


def table(rows: Sequence[Row], *, markdown: bool) -> str:
    """Align all rows under their headings, for a terminal or for a page in Markdown."""
    lines = [list(HEADINGS), *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [
        [
            cell.ljust(width) if column in (0, len(widths) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in aligned)
    rule = [
        "-" * width if column in (0, len(widths) - 1) else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (aligned[0], rule, *aligned[1:]))


def machine() -> str:
    """Say what the numbers were taken with."""
    found = []
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found.append(f"{name} {version(distribution)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{python}, {', '.join(found)}; {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs"


def main() -> None:
    """Run the cases and print their table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"all, or some of: {', '.join(CASES)}")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: shows that it runs, promises nothing"
    )
    parser.add_argument("--markdown", action="store_true", help="write a table for docs/performance.md")
    chosen = parser.parse_args()
    if unknown := set(chosen.cases) - set(CASES):
        parser.error(f"no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    rows: list[Row] = []
    # What a case leaves in memory, and in the processor's caches, must not slow down the next
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as process:
        for name in chosen.cases or CASES:
            print(f"{name} …", file=sys.stderr)
            rows += process.submit(CASES[name], QUICK if chosen.quick else Sizes()).result()
    print(machine(), end="\n\n")
    print(table(rows, markdown=chosen.markdown), end="\n\n")
    print("\n".join(NOTES))


if __name__ == "__main__":
    main()
