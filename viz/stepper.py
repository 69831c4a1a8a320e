"""The walk through the backward pass in a terminal: a key in, a screen out. The terminal itself is `viz.keys`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live

from tracer.errors import EdgegradError
from viz.keys import BACKSPACE, ENTER, ESCAPE, keyboard
from viz.step_text import screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from viz.steps import Steps

PACE = 0.2  # seconds that a step is shown while it runs
_SPARE = 8  # columns
_QUIT = ("q", "Q", ESCAPE)


class Stepper:
    """Where a walk is: the step, what is being typed, whether it runs. Keys change it; `screen` shows it."""

    def __init__(self, steps: Steps, now: int = 0) -> None:
        self.steps = steps
        self.now = now
        self.runs = False
        self.has_ended = False
        self._has_help = False
        self._asked = ""  # what is being typed: "g" or "/", and the text so far
        self._searched = ""
        self._message = ""
        last = len(steps) - 1
        moves: dict[str, Callable[[], int]] = {
            "next": lambda: min(self.now + 1, last),
            "back": lambda: max(self.now - 1, 0),
            "sum": lambda: steps.sum_after(self.now),
            "sum before": lambda: steps.sum_before(self.now),
            "first": lambda: 0,
            "last": lambda: last,
        }
        keys = {
            "next": ("right", "n", " ", ENTER, "l"),
            "back": ("left", "b", "h"),
            "sum": ("down", "]", "j"),
            "sum before": ("up", "[", "k"),
            "first": ("home", "0"),
            "last": ("end", "$"),
        }
        self._moves = {key: moves[move] for move, its_keys in keys.items() for key in its_keys}

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        was_running, self.runs, self._message = self.runs, False, ""
        if self._asked:
            self._type(key)
        elif self._has_help:
            self._has_help = False
        elif key in _QUIT:
            self.has_ended = not was_running
        elif key in self._moves:
            self.now = self._moves[key]()
        elif key == "r":
            self.runs = not was_running and self.now < len(self.steps) - 1
        elif key in ("g", "/"):
            self._asked = key
        elif key == "N":
            self._search()
        elif key == "?":
            self._has_help = True

    def _type(self, key: str) -> None:
        if key == ESCAPE:
            self._asked = ""
        elif key == BACKSPACE:
            self._asked = self._asked[:-1]
        elif key == ENTER:
            asked, self._asked = self._asked, ""
            self._go(asked[0], asked[1:].strip())
        elif len(key) == 1 and key.isprintable():
            self._asked += key

    def _go(self, how: str, text: str) -> None:
        if not text:
            return
        if how == "/":
            self._searched = text
            self._search()
            return
        try:
            self.now = self.steps.named(text)
        except EdgegradError as error:
            self._message = str(error)

    def _search(self) -> None:
        found = self.steps.found(self._searched, self.now) if self._searched else None
        if found is None:
            self._message = (
                f"nothing has {self._searched!r} in it" if self._searched else "search with / first"
            )
        else:
            self.now = found

    def tick(self) -> None:
        """Go on by a step while it runs."""
        if self.runs:
            self.now = min(self.now + 1, len(self.steps) - 1)
            self.runs = self.now < len(self.steps) - 1

    def screen(self, width: int, height: int) -> list[Text]:
        """Lay out what is to be seen now."""
        asked = {"g": "go to step or name: ", "/": "search: "}
        message = f"{asked[self._asked[0]]}{self._asked[1:]}▏" if self._asked else self._message
        if self.runs:
            message = "runs: any key stops"
        return screen(self.steps, self.now, width, height, message, has_help=self._has_help)


def walk(steps: Steps, now: int = 0) -> None:
    """Walk through the backward pass until the reader has seen enough; the terminal is left as it was."""
    console = Console(highlight=False)
    stepper = Stepper(steps, now)

    def shown() -> Group:
        # What stands for a sign may be longer than it: … is three points.
        spare = 0 if console.encoding.startswith("utf") else _SPARE
        return Group(*stepper.screen(console.width - spare, console.height))

    with (
        keyboard() as read,
        Live(shown(), console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live,
    ):
        while not stepper.has_ended:
            key = read(PACE if stepper.runs else None)
            if key:
                stepper.press(key)
            else:
                stepper.tick()
            live.update(shown(), refresh=True)
