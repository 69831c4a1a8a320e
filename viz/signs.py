"""What stands for a sign that an output can't show: a terminal without unicode must not read −0.5 as ?0.5."""

from __future__ import annotations

import codecs

HANDLER = "signs"
_SIGNS = {
    "−": "-",
    "×": "x",
    "‖": "|",
    "→": ">",
    "·": ";",
    "…": "...",
    "Σ": "sum",
    "≈": "~",
    "⚠": "!",
    "—": "-",
    "├": "|",
    "│": "|",
    "└": "`",
    "─": "-",
    "━": "=",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "▶": ">",
    "◆": "*",
    "●": "*",
    "○": "o",
    "▏": "_",
}


def register() -> str:
    """Make the substitutes known as an error handler of encodings, and return its name."""
    codecs.register_error(HANDLER, _substitute)
    return HANDLER


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_SIGNS.get(sign, "?") for sign in missing), error.end
