"""A headless Chromium for the tests of the page, and one visit to it."""

import os
import shutil
from contextlib import contextmanager

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# In milliseconds: no measure, but an end for what never comes, on a slow machine too.
LONGEST = 120_000
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


@contextmanager
def launched():
    """Start the browser that there is."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        _do_without("no Chromium is installed: on Debian, apt-get install chromium")
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        _do_without("playwright is not installed: pip install 'edgegrad[test]'")
    expect.set_options(timeout=LONGEST)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS], timeout=LONGEST)
        yield browser
        browser.close()


def _do_without(reason):
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Visit:
    """The page of one trace, opened from its file."""

    def __init__(
        self, browser, trace, page_of, *, scheme="light", width=1400, height=900, motion=None, **view
    ):
        self.trace = trace
        self.path = page_of(trace, view)
        self.requests, self.errors = [], []
        size = {"width": width, "height": height}
        self.context = browser.new_context(
            viewport=size, color_scheme=scheme, reduced_motion=motion, offline=True, has_touch=True
        )
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))
        self.page.set_default_timeout(LONGEST)
        self.page.goto(self.path.as_uri())
        self.page.wait_for_selector("html.is-ready")

    def end(self):
        """Close the page: nothing went wrong in it, and it asked for nothing but itself."""
        self.context.close()
        assert self.errors == []
        assert self.requests == [self.path.as_uri()]

    def press(self, *keys):
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def text(self, selector):
        """Return the text of an element, with single spaces."""
        return " ".join(self.page.inner_text(selector).split())

    def texts(self, selector):
        """Return the texts of elements that are seen."""
        return [" ".join(text.split()) for text in self.page.locator(selector).all_inner_texts()]

    def wait_for(self, selector, text):
        """Wait until an element has a text."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_text(text)

    def run(self, script):
        """Evaluate an expression in the page."""
        return self.page.evaluate(script)

    def refs(self, state):
        """Return what is in a state in the picture: hover, chosen, now, later, found."""
        return set(
            self.run(
                f"[...document.querySelectorAll('#stage .is-{state}')].map((each) => each.dataset.ref)"
            )
        )

    def choose(self, ref):
        """Click a node, or an edge at its wire."""
        place = f"#stage .wire[data-ref={ref}], #stage [data-ref={ref}]"
        self.page.locator(place).last.dispatch_event("click")

    def first_edge(self, condition):
        """Return the number of the first edge of the view that fulfils a condition."""
        data = "JSON.parse(document.getElementById('data').textContent)"
        return self.run(f"{data}.views[0].edges.findIndex((edge) => {condition})")

    def settled(self):
        """Wait until the camera has moved."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def width(self):
        """Return how wide the picture is on the screen."""
        return self.page.locator("#stage > svg").bounding_box()["width"]

    def place(self, ref):
        """Return where the middle of a node, or of an edge's label, is on the screen."""
        box = self.page.locator(f"#stage [data-ref={ref}]").first.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def shown(self, ref):
        """Return the lines of text at a node or an edge that can be seen."""
        script = """(ref) => [...document.querySelectorAll(`#stage [data-ref="${ref}"] text`)].flatMap((text) => {
            const seen = [...text.childNodes].filter((run) =>
                !(run instanceof Element) || getComputedStyle(run).visibility === "visible");
            const line = seen.map((run) => run.textContent).join("");
            return line ? [line] : [];
        })"""
        return self.page.evaluate(script, ref)
