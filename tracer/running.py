"""What the running line does, for rooms that trace. Few programs make them ask: what reads text is imported then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast
    from types import CodeType

    from tracer.source import Written


def written_at(code: CodeType, offset: int) -> Written | None:
    """Return what an instruction writes to; None rather than a guess."""
    from tracer import source  # noqa: PLC0415  (as above)

    return source.written_at(code, offset)


def path_at(code: CodeType, offset: int) -> tuple[ast.AST, ...]:
    """Return the statement in which an instruction does something, and what is in it, up to that; none for a guess."""
    from tracer import source  # noqa: PLC0415  (as above)

    return source.path_at(code, offset)


def running_at(code: CodeType, offset: int) -> ast.AST | None:
    """Return the expression or statement that an instruction does; None rather than a guess."""
    from tracer import source  # noqa: PLC0415  (as above)

    return source.running_at(code, offset)
