"""What a reader of a page waits for, in a headless Chromium: until it can be used, and from frame to frame of a pan."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SIZE = {"width": 1400, "height": 900}
MOVES = 120  # of the mouse, which drags the picture
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"
FRAMES = """() => {
    window.frameTimes = [];
    const note = (now) => { window.frameTimes.push(now); requestAnimationFrame(note); };
    requestAnimationFrame(note);
}"""


class Visit(NamedTuple):
    """One visit to a page."""

    opened: float  # milliseconds from the request for it until it can be used and the next frame is drawn
    a_second: float  # frames, while it is panned


def visit(page_file: Path, rounds: int) -> Visit | None:
    """Open a page and drag its picture about; the best of some visits, None without a Chromium and playwright."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  (an extra)
    except ImportError:
        return None
    if program is None:
        return None
    opened, frames = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS])
        for _ in range(rounds):
            page = browser.new_page(viewport=SIZE)
            page.goto(page_file.as_uri())
            page.wait_for_selector("html.is-ready")
            opened.append(page.evaluate(DRAWN))
            page.keyboard.press("0")  # the whole picture: each frame has to draw all of it
            page.evaluate(FRAMES)
            page.mouse.move(SIZE["width"] / 2, SIZE["height"] / 2)
            page.mouse.down()
            for move in range(MOVES):
                page.mouse.move(SIZE["width"] / 2 + 3 * (move % 60), SIZE["height"] / 2 + 2 * (move % 60))
            page.mouse.up()
            times = page.evaluate("window.frameTimes")
            frames.append(1000 * (len(times) - 1) / (times[-1] - times[0]))
            page.close()
        browser.close()
    return Visit(min(opened), max(frames))
