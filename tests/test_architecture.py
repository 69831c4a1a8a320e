"""ARCHITECTURE.md names files and functions: each of them is there."""

import ast
import graphlib
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))


@cache
def defined(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
            if isinstance(node, ast.ClassDef):
                names |= {
                    f"{node.name}.{item.name}" for item in node.body if isinstance(item, ast.FunctionDef)
                }
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_what_the_document_names_exists(file, name):
    assert (ROOT / file).is_file(), file
    if name:
        assert name in defined(ROOT / file), f"{file} has no {name}"


def test_every_room_is_named():
    rooms = {
        path.relative_to(ROOT).as_posix()
        for package in ("tracer", "viz")
        for path in (ROOT / package).rglob("*.py")
    }
    missing = {room for room in rooms if not room.endswith("__init__.py")} - {file for file, _ in NAMED}
    assert not missing


@cache
def rooms():
    """Every room, with its package as what is imported of it: a.b for a/b.py, and a for a/__init__.py."""
    return dict(_rooms())


def _rooms():
    for package in ("tracer", "viz"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            yield name.removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def imported(statements, known):
    """The rooms that some statements import; `from tracer import values` is the room, not the package."""
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            for each in node.names:
                room = f"{node.module}.{each.name}"
                yield room if room in known else node.module


def test_rooms_know_only_those_above_them():
    trees = rooms()
    above = {name: set(imported(tree.body, trees)) & trees.keys() for name, tree in trees.items()}
    list(graphlib.TopologicalSorter(above).static_order())  # raises CycleError


def test_tracer_opens_one_door_to_viz():
    trees = rooms()
    doors = {
        name
        for name, tree in trees.items()
        if name.startswith("tracer")
        and any(each.split(".")[0] == "viz" for each in imported(ast.walk(tree), trees))
    }
    assert doors == {"tracer.trace"}
