"""The parameters of a function, asked for without its annotations.

From Python 3.14 on, these are code that runs when somebody reads them, and may name what only type checkers know.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_HOW: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    from annotationlib import Format

    _HOW["annotation_format"] = Format.FORWARDREF


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature. Raises ValueError for what is written in C and does not say."""
    return inspect.signature(function, **_HOW)


def any_signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return a function's signature; of one in C that does not say, one that takes anything."""
    try:
        return signature_of(function)
    except ValueError:
        kinds = inspect.Parameter
        return inspect.Signature([kinds("args", kinds.VAR_POSITIONAL), kinds("kwargs", kinds.VAR_KEYWORD)])
