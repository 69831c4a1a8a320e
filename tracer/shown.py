"""What a shell or a notebook shows of a result: text, as `print` would, and never a bare object."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from tracer.errors import EdgegradError
from tracer.numbers_text import clean, is_array, norm, number, shorten_text, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracer.views import Edge, Node

_LISTED = 10
_LIMIT = 60  # characters of a name


class Shown(str):
    """Text of several lines, which is shown as it is: a string whose `repr` is itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def node_text(node: Node) -> str:
    """Write what a node is, its value and its gradient: <Node 4 function tanh h = 0.5 · grad 2 (f.py:3)>."""
    what = " ".join(dict.fromkeys((node.kind, node.op)))
    name = shorten_text(clean(node.label), _LIMIT)
    site = node.site
    place = f" ({PurePath(site.file).name}:{site.line})" if site is not None and site.line else ""
    return (
        f"<Node {node.index} {what}{f' {name}' if name else ''} = {_sized(node.value)}{_grad(node)}{place}>"
    )


def edge_text(edge: Edge) -> str:
    """Write from where to where an edge leads, and what flows on it: <Edge 3 w → 4 multiply, port 0: 0.5 · grad 2>."""
    source = shorten_text(clean(edge.src.label), _LIMIT) or edge.src.op
    ends = f"{edge.src.index} {source} → {edge.dst.index} {edge.dst.op}"
    return f"<Edge {edge.index}: {ends}, port {edge.port}: {_sized(edge.value)}{_grad(edge)}>"


def list_text(what: str, items: Sequence[Any]) -> str:
    """Write how many there are, and the first of them."""
    lines = [f"{len(items):,} {what}", *(f"  {items[at]!r}" for at in range(min(len(items), _LISTED)))]
    if len(items) > _LISTED:
        lines.append(f"  … and {len(items) - _LISTED:,} more: index or iterate")
    return "\n".join(lines)


def _grad(view: Node | Edge) -> str:
    try:
        grad = view.grad
    except EdgegradError:  # a run that failed, an output without seed: what there is is shown
        return ""
    return "" if grad is None else f" · grad {norm(grad)}"


def _sized(value: Any) -> str:
    if is_array(value):
        return summary(value)
    try:
        return number(value)
    except (TypeError, ValueError):
        return type(value).__name__
