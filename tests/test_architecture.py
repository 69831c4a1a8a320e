"""ARCHITECTURE.md names files and functions: each of them is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.findall(r"`([\w/]+\.py)(?::([\w.]+))?`", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))


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


def test_rooms_know_only_those_above_them():
    for path in (ROOT / "tracer").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
        assert not {name for name in imported if name.split(".")[0] == "viz"}, path
