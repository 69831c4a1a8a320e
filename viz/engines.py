"""Layout engines: Graphviz's dot, run as a process of its own under limits, and asked for geometry alone.

No user text goes in and no text comes out: ids and sizes in, numbers back. `place` chooses an engine by the
size of the task and falls back to the built-in layout with a note; used by `viz.layout` only.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from tracer.errors import DrawError
from viz import layered
from viz.frames import title_place
from viz.reading_order import crossings, in_order, inverted
from viz.routes import plain_routes, through_items
from viz.skeleton import Floats, Placement, Skeleton, ranks

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ENGINES = ("graphviz-pure", "dot", "built-in")
MOST_VIRTUAL = 5_000  # items and bends that dot lays out in a few seconds
TIMEOUT = 15.0
ITEMS_A_SECOND = 2_000  # more time where there is more to do
MEMORY = 2 << 30
MOST_PROCESSES = 8
LARGE = 20_000  # boxes of an exact picture, beyond which no engine is asked
MOST_CROSSING = 300  # segments of a row whose crossings are counted
WORTH_A_PROCESS = 400  # items
INCH = 72.0
NOT_SPACE = re.compile(r"\S").search


class _EngineError(Exception):
    """An engine gave no usable answer; the text says why."""


def place(
    skeletons: Sequence[Skeleton], engine: str | None = None
) -> tuple[list[Placement], tuple[str, ...]]:
    """Place skeletons by the engine asked for or the best one there is; the notes say what was done instead."""
    if engine is not None and engine not in ENGINES:
        raise DrawError(f"no layout engine {engine!r}", got=f"the engines are {', '.join(ENGINES)}")
    placements, notes = _place(skeletons, engine)
    return list(map(in_order, skeletons, placements)), notes


def _place(skeletons: Sequence[Skeleton], engine: str | None) -> tuple[list[Placement], tuple[str, ...]]:
    if engine == "built-in":
        return _built_in(skeletons), ()
    program = find(engine) if engine else find("graphviz-pure") or find("dot")
    if program is None:
        if engine:
            raise DrawError(
                f"the layout engine {engine!r} is not installed",
                advice="leave --engine out to draw with what there is",
            )
        return _built_in(skeletons), ()
    virtual = max(map(virtual_nodes, skeletons))
    if virtual > MOST_VIRTUAL:
        note = f"drawn by the built-in layout: {virtual:,} places to fill are too many for {program.stem}"
        return _built_in(skeletons), (note,)
    try:
        return _asked_in_order(program, skeletons), ()
    except _EngineError as error:
        return _built_in(skeletons), (f"drawn by the built-in layout: {program.stem} {error}",)


def refuse_for_large(engine: str | None, boxes: int) -> None:
    """Raise DrawError where an engine was asked for that would not end with so many boxes."""
    if engine in (None, "built-in"):
        return
    raise DrawError(
        f"the layout engine {engine!r} can't place {boxes:,} boxes",
        got=f"it is asked for at most {LARGE:,} boxes, which take it about a minute",
        advice="leave --engine out: the built-in layout places any number",
    )


def _asked_in_order(program: Path, skeletons: Sequence[Skeleton]) -> list[Placement]:
    """Ask an engine, and once more where wires of a small row cross: it goes through the items in their order.

    Once more where operands come out of order: dot turns what is inside a cluster upside down. Else the built-in
    layout, which keeps them in order, where no frame is lost by it. What is still out of order crosses before its gate,
    and enters in order.
    """
    answers = _ask(program, skeletons)
    crossing = [
        at
        for at, (skeleton, answer) in enumerate(zip(skeletons, answers, strict=True))
        if len(skeleton.tail) <= MOST_CROSSING and crossings(skeleton, answer)
    ]
    # Whose wires have their ways: these take longer than all else, so only what is compared, or drawn, gets them.
    ready = set(crossing)
    if crossing:
        others = _ask(program, [skeletons[at] for at in crossing], is_forward=True)
        for at, other in zip(crossing, others, strict=True):
            both = [_routed(skeletons[at], answer) for answer in (answers[at], other)]
            answers[at] = min(both, key=partial(_disorder, skeletons[at]))
    wrong = {
        at: inverted(skeleton, answer.y)
        for at, (skeleton, answer) in enumerate(zip(skeletons, answers, strict=True))
    }
    wrong = {at: gates for at, gates in wrong.items() if gates}
    fewest = {at: len(gates) for at, gates in wrong.items()}
    for is_forward in (False, True):
        if not wrong:
            break
        again = _ask(program, [skeletons[at] for at in wrong], list(wrong.values()), is_forward=is_forward)
        for at, answer in zip(list(wrong), again, strict=True):
            count = len(inverted(skeletons[at], answer.y))
            if count < fewest[at]:
                answers[at], fewest[at] = answer, count
                ready.discard(at)
            if not count:
                del wrong[at]
    for at in wrong:
        placed = layered.place(skeletons[at])
        if None not in placed.group_boxes:
            answers[at] = placed
            ready.add(at)
    return [answer if at in ready else _routed(skeletons[at], answer) for at, answer in enumerate(answers)]


def _routed(skeleton: Skeleton, placement: Placement) -> Placement:
    """Lead the wires of an engine's answer, around the titles of frames too."""
    titles = np.array(
        [
            (*title_place(*group[:2]), *title_place(group[0] + width, group[1] + height))
            for group, (width, height) in zip(
                placement.group_boxes, skeleton.group_title.tolist(), strict=True
            )
            if group is not None
        ]
    ).reshape(-1, 4)
    return replace(
        placement, paths=plain_routes(skeleton, placement.x, placement.y, placement.paths, titles)
    )


def _disorder(skeleton: Skeleton, placement: Placement) -> tuple[int, int, int]:
    """Say how bad a placement is: what runs through something, operands out of order, and crossings."""
    read = in_order(skeleton, placement)
    through = through_items(skeleton, read.x, read.y, read.paths)
    return through, len(inverted(skeleton, read.y)), crossings(skeleton, read)


def _built_in(skeletons: Sequence[Skeleton]) -> list[Placement]:
    return [layered.place(skeleton) for skeleton in skeletons]


def find(engine: str) -> Path | None:
    """Return where an engine's program is, or None."""
    if engine == "graphviz-pure":
        return _installed(engine)
    found = shutil.which(engine)
    return Path(found).absolute() if found else None


def _installed(distribution: str) -> Path | None:
    """Return the program that a distribution brought, wherever pip put it: it need not be on the PATH."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return None
    programs = (Path(str(file.locate())) for file in files if PurePath(file).stem == distribution)
    return next((program.resolve() for program in programs if program.is_file()), None)


def virtual_nodes(skeleton: Skeleton) -> int:
    """Count what makes dot slow: the items, and a bend for each layer that a segment passes."""
    rank = np.asarray(ranks(skeleton.size, skeleton.tail, skeleton.head), np.int64)
    return skeleton.size + int((rank[skeleton.head] - rank[skeleton.tail] - 1).sum())


def _ask(
    program: Path,
    skeletons: Sequence[Skeleton],
    turned: Sequence[Collection[int]] | None = None,
    *,
    is_forward: bool = False,
) -> list[Placement]:
    """Run an engine on all skeletons, in as many processes as there is work for, and read its answers."""
    texts = list(map(partial(dot_text, is_forward=is_forward), skeletons, turned or [()] * len(skeletons)))
    lots = _lots([skeleton.size for skeleton in skeletons])
    placements: list[Placement | None] = [None] * len(skeletons)
    with ThreadPoolExecutor(len(lots)) as executor:
        more = sum(skeleton.size for skeleton in skeletons) // ITEMS_A_SECOND
        ask = partial(run, [str(program), "-Kdot", "-Tjson0"])
        ask = partial(ask, timeout=TIMEOUT + more) if more else ask
        written = [executor.submit(ask, "\n".join(texts[at] for at in lot)) for lot in lots]
        for lot, answer in zip(lots, written, strict=True):
            try:
                for at, document in zip(lot, _documents(answer.result().decode()), strict=True):
                    placements[at] = _read(document, skeletons[at])
            except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
                raise _EngineError("gave an answer that can't be read") from error
    return [placement for placement in placements if placement is not None]


def _lots(sizes: Sequence[int]) -> list[list[int]]:
    """Share out numbers of tasks, so that the processes end together: the largest first, each to who has least."""
    count = min(len(sizes), os.cpu_count() or 1, MOST_PROCESSES, 1 + sum(sizes) // WORTH_A_PROCESS)
    lots: list[list[int]] = [[] for _ in range(count)]
    work = [0] * count
    for at in sorted(range(len(sizes)), key=lambda at: -sizes[at]):
        least = work.index(min(work))
        lots[least].append(at)
        work[least] += sizes[at] ** 2  # as dot's time grows
    return lots


def _documents(text: str) -> list[Any]:
    """Read JSON documents that stand one after the other."""
    decoder = json.JSONDecoder()
    documents = []
    start = NOT_SPACE(text, 0)
    while start:
        document, at = decoder.raw_decode(text, start.start())
        documents.append(document)
        start = NOT_SPACE(text, at)
    return documents


def run(command: list[str], text: str, timeout: float = TIMEOUT) -> bytes:
    """Run a program on a text under limits of time and memory, and return what it writes."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the program was found by `find`, and its input is our own
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise _EngineError("does not start") from error
    with process:
        try:
            _limit_memory(process.pid)
            answer, _ = process.communicate(text.encode("ascii"), timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise _EngineError(f"took more than {timeout:g} s") from error
        except OSError as error:
            raise _EngineError("closed its input") from error
        finally:
            if process.poll() is None:
                process.kill()
    if process.returncode:
        raise _EngineError(f"failed with exit code {process.returncode}")
    return answer


def _limit_memory(pid: int) -> None:
    """Cap the memory of a process, where the system can do that from outside."""
    try:
        import resource  # noqa: PLC0415 - there is none on Windows

        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, AttributeError, OSError):
        return


def dot_text(skeleton: Skeleton, turned: Collection[int] = (), *, is_forward: bool = False) -> str:
    """Write a skeleton as DOT: our own ids and numbers only; the last item first, turned gates' operands in reverse."""
    lines = [
        "digraph {",
        f"graph [rankdir=LR, nodesep=0.22, ranksep={_rank_gap(skeleton):.2f}, splines=true];",
        'node [shape=box, fixedsize=true, label="", margin=0];',
        "edge [arrowhead=none];",
    ]
    boxes = skeleton.boxes
    late, gate, ordered = skeleton.is_late.tolist(), skeleton.is_gate.tolist(), skeleton.is_ordered.tolist()
    sizes = list(enumerate(zip(skeleton.width.tolist(), skeleton.height.tolist(), strict=True)))
    for item, (width, height) in sizes if is_forward else reversed(sizes):
        shape = ", shape=ellipse" if gate[item] else ""
        shape += ", ordering=in" if ordered[item] else ""
        lines.append(f"n{item} [width={width / INCH:.5f}, height={height / INCH:.5f}{shape}];")
    segments = list(enumerate(zip(skeleton.tail.tolist(), skeleton.head.tolist(), strict=True)))
    straight = [segment for segment in segments if segment[1][1] not in turned]
    reverse = [segment for segment in reversed(segments) if segment[1][1] in turned]
    for number, (tail, head) in straight + reverse:
        port = "" if gate[head] else ", headport=w"
        weight = 4 if late[tail] or (head >= boxes and not late[head]) else 1
        lines.append(f"n{tail} -> n{head} [id=e{number}, tailport=e, weight={weight}{port}];")
    lines += _clusters(skeleton)
    lines.append("}")
    return "\n".join(lines)


def _rank_gap(skeleton: Skeleton) -> float:
    """Return the gap between ranks in inches: wider where many wires leave one item, so that they are less steep."""
    return 0.36 + min(0.035 * max(0, int(np.bincount(skeleton.tail, minlength=1).max()) - 3), 0.6)


def _clusters(skeleton: Skeleton) -> list[str]:
    """Write the groups as nested clusters, each with room for its title."""
    count = len(skeleton.group_parent)
    members: list[list[int]] = [[] for _ in range(count)]
    for item, group in enumerate(skeleton.group.tolist()):
        if group >= 0:
            members[group].append(item)
    children: list[list[int]] = [[] for _ in range(count)]
    for group, parent in enumerate(skeleton.group_parent.tolist()):
        if parent >= 0:
            children[parent].append(group)
    lines: list[str] = []
    steps = [(group, True) for group in range(count - 1, -1, -1) if skeleton.group_parent[group] < 0]
    while steps:
        group, is_opening = steps.pop()
        if not is_opening:
            lines.append("}")
            continue
        width, height = skeleton.group_title[group].tolist()
        room = f'FIXEDSIZE="TRUE" WIDTH="{width:.0f}" HEIGHT="{height:.0f}"'
        title = f'<TABLE BORDER="0" {room}><TR><TD></TD></TR></TABLE>'
        lines.append(f"subgraph cluster_{group} {{ margin=10; label=<{title}>;")
        lines.append(" ".join(f"n{item};" for item in members[group]))
        steps.append((group, False))
        steps += [(child, True) for child in reversed(children[group])]
    return lines


def _read(answer: dict[str, Any], skeleton: Skeleton) -> Placement:
    """Take the numbers out of an engine's answer; every item and every segment must be there."""
    bottom = _numbers(answer["bb"])[3]
    x, y = np.full(skeleton.size, np.nan), np.full(skeleton.size, np.nan)
    groups: list[tuple[float, float, float, float] | None] = [None] * len(skeleton.group_parent)
    for thing in answer["objects"]:
        name = str(thing["name"])
        if name.startswith("cluster_"):
            left, low, right, high = _numbers(thing["bb"])
            groups[int(name.removeprefix("cluster_"))] = (left, bottom - high, right - left, high - low)
        else:
            item = int(name.removeprefix("n"))
            x[item], across = _numbers(thing["pos"])
            y[item] = bottom - across
    paths: list[Floats | None] = [None] * len(skeleton.tail)
    for edge in answer.get("edges", []):
        points = np.array(_numbers(str(edge["pos"]).replace(" ", ","))).reshape(-1, 2)
        if len(points) % 3 != 1:
            raise ValueError(points.shape)
        points[:, 1] = bottom - points[:, 1]
        paths[int(str(edge["id"]).removeprefix("e"))] = points
    found = [path for path in paths if path is not None]
    if not (np.isfinite(x).all() and np.isfinite(y).all() and len(found) == len(paths)):
        raise ValueError("an item or a segment is missing")
    return Placement(x, y, tuple(found), tuple(groups))


def _numbers(text: str) -> list[float]:
    """Read numbers separated by commas."""
    numbers = [float(part) for part in text.split(",")]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(text)
    return numbers
