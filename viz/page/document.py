"""A page's data -> HTML: one file with its style, its script and nothing from outside.

The modules are plain JavaScript that runs as it stands. A file can't import what stands in itself, so in the page each
module is a function that returns what it exports. What the page may run is said by the hash of its own script.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from functools import cache
from importlib import resources
from typing import Any

from viz.vector import escape

FIRST = "main"
LARGE = 500_000  # characters of data, from which on they are packed
PLAIN, PACKED = "application/json", "application/octet-stream"
IMPORT = re.compile(r'^import (\{.*?\}) from "\./(\w+)\.js";$', re.MULTILINE | re.DOTALL)
EXPORT = re.compile(r"^export (?=(?:const|class|(?:async )?function) (\w+))", re.MULTILINE)


def as_html(data: dict[str, Any], *, embedded: bool) -> str:
    """Return the document that shows some data; embedded, the picture and the backward pass alone."""
    script, style, root = _script(), _file("picture.css") + _file("page.css"), 'data-theme="auto"'
    if embedded:
        style += _file("embedded.css")
        root = 'data-theme="light" data-embedded'
    kind, written = as_script_data(data)
    parts = {
        "root": root,
        "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:",
        "title": escape(str(data["title"])),
        "style": style,
        "kind": kind,
        "data": written,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _file("page.html"))


def as_script_data(data: Any) -> tuple[str, str]:
    """Return the type of a script that holds some data, and its text.

    JSON that ends no script and begins no comment, whatever strings are in it; where it is large, that packed.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.replace("</", "<\\/").replace("<!", "\\u003c!")
    as_bytes = text.encode("utf-8", "replace")
    if len(text) < LARGE:
        return PLAIN, as_bytes.decode()
    return PACKED, base64.b64encode(zlib.compress(as_bytes)).decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _file(name: str) -> str:
    return (resources.files("viz.page") / name).read_text("utf-8")


@cache
def _script() -> str:
    """Put the modules one after the other, each after those that it imports."""
    ordered: list[str] = []

    def visit(name: str) -> None:
        if name not in ordered:
            for _, imported in IMPORT.findall(_file(f"{name}.js")):
                visit(imported)
            ordered.append(name)

    visit(FIRST)
    return "const modules = {};\n" + "".join(map(_module, ordered))


def _module(name: str) -> str:
    text = _file(f"{name}.js")
    exported = ", ".join(EXPORT.findall(text))
    text = EXPORT.sub("", IMPORT.sub(r"const \1 = modules.\2;", text))
    begin, end = ("await (async () =>", ")();") if name == FIRST else ("(() =>", ")();")
    return f"modules.{name} = {begin} {{\n{text}\nreturn {{ {exported} }};\n}}{end}\n"
