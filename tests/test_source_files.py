"""The text that `resolve` reads: missing, edited since, with other line ends, very deep. No wrong answer comes of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import warnings
from pathlib import Path

import pytest
from source_probes import NO, Pair, Probe, body, rows, run

import tracer.source
from tracer.source import Place, Site, resolve, source_of

ROOT = Path(__file__).parent.parent


def place_without_source(line, file="<program>", targets=(), returned=False):
    """What is known without a text: the line, and what the next instruction does with the value."""
    return Place(Site(file, line, -1, line, -1, "", "f"), targets, returned)


def test_no_source():
    pairs = run(body("h = x * y"), "<nowhere>")
    assert resolve(pairs) == [place_without_source(2, "<nowhere>", ("h",))]
    assert source_of([pairs[0][0]]) == {}


def test_a_frame_that_has_not_started(register):
    text = body("h = x * y")
    [(code, _)] = run(text, register(text))
    assert resolve([(code, -1), (code, 10_000)]) == [place_without_source(1)] * 2


WRITTEN = "\n" + body("h = x * 20", "k = abs", "for i in y: h = x(i).T", "return -h")
TEXTS = ["x * 20", "y", "x(i)", "x(i).T", "-h"]
EDITS = {  # name: (old, new, the texts that are not found any more)
    "nothing": ("", "", []),
    "a comment above": ("def f", "# comment\ndef f", TEXTS),
    "a comment in the function": ("    k", "    # comment\n    k", TEXTS[1:]),
    "a shorter function": ("    k = abs\n", "", TEXTS[1:]),
    "a decorator": ("\ndef f", "@abs\ndef f", TEXTS),
    "another function's name": ("def f", "def g", TEXTS),
    "another parameter's name": ("x, y", "x, z", TEXTS),
    "one parameter more": ("x, y", "x, y, z", TEXTS),
    "another operator": ("x * 20", "x + 20", ["x * 20"]),
    "another sign": ("-h", "~h", ["-h"]),
    "another number": ("20", "30", ["x * 20"]),
    "a number of another type": ("20", "2.", ["x * 20"]),
    "another operand": ("x *", "z *", ["x * 20"]),
    "another target": ("h = x *", "z = x *", ["x * 20"]),
    "another column": ("h = x *", "h =  x *", ["x * 20"]),
    "another beginning with the same end": ("h = x(i)", "h =kx(i)", ["x(i)", "x(i).T"]),
    "another loop variable": ("for i", "for z", ["y"]),
    "another attribute": (".T", ".S", ["x(i).T"]),
    "a name in place of an operation": ("-h", "_h", ["-h"]),
    "a subscript in place of an operation": ("x * 20", "x[abs]", ["x * 20"]),
    "a class in place of the function": ("def f(x, y)", "class f(x, y)", TEXTS),
    "a syntax error": ("-h\n", "-h\n(", TEXTS),
    "a null byte": ("-h\n", "-h\n\0", TEXTS),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_gives_no_wrong_answer(register, edit):
    old, new, lost = EDITS[edit]
    pairs = run(WRITTEN, register(WRITTEN))
    before = resolve(pairs)
    assert list(dict.fromkeys(place.site.text for place in before)) == TEXTS
    register(WRITTEN.replace(old, new))
    for place, now in zip(before, resolve(pairs), strict=True):
        known = place_without_source(place.site.line, targets=place.targets, returned=place.returned)
        assert now == (known if place.site.text in lost else place)


def test_a_file_edited_on_the_disk(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(body("h = x * y"), encoding="utf-8")
    pairs = run(path.read_text(encoding="utf-8"), str(path))
    assert rows(resolve(pairs)) == [("x * y", ("h",), False, 2, 8)]
    path.write_text(body("", "h = x * y"), encoding="utf-8")
    assert resolve(pairs) == [place_without_source(2, str(path), ("h",))]
    path.unlink()
    assert resolve(pairs) == [place_without_source(2, str(path), ("h",))]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_and_form_feeds(tmp_path, newline):
    text = body("k = '\f'; h = (x *", "  y)", "\f", "h = x + y")
    path = tmp_path / "program.py"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", newline).encode())
    expected = [("x *\n      y", ("h",), False, 2, 18), ("x + y", ("h",), False, 5, 8)]
    assert rows(resolve(run(text, str(path)))) == expected


def test_a_text_that_was_registered_with_windows_line_ends(register):
    text = body("h = (x *", "  y)", "g = x + y").replace("\n", "\r\n")
    assert [place.site.text for place in resolve(run(text, register(text)))] == ["x *\n      y", "x + y"]


def test_without_columns():
    script = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import linecache
        from source_probes import body, run
        from tracer.source import resolve
        text = body("", "h = x * y")
        linecache.cache["<program>"] = (len(text), None, text.splitlines(True), "<program>")
        print(resolve(run(text)))
    """
    command = [sys.executable, "-X", "no_debug_ranges", "-c", textwrap.dedent(script)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert result.stdout.strip() == repr([place_without_source(3, targets=("h",))])


def rewritten(x, y):
    h = x * y
    assert (h + y) is h
    assert (k := h - y) is h, "a message"  # noqa: RUF018 - how pytest rewrites it is the question
    return k.sum()


def test_assertions_that_pytest_rewrote():
    assert any(name.startswith("@py_assert") for name in rewritten.__code__.co_varnames)
    noted: list[Pair] = []
    rewritten(Probe(noted), Probe(noted))
    first = rewritten.__code__.co_firstlineno
    assert [(row[0], row[1], row[2], row[3] - first) for row in rows(resolve(noted))] == [
        ("x * y", ("h",), False, 1),
        ("h + y", NO, False, 2),
        ("h - y", ("k",), False, 3),
        ("k.sum()", NO, True, 4),
    ]


def in_a_deep_thread(work):
    """Run with room for 5,000 levels on the stack, if Python goes that deep at all."""
    answers = []
    limit, size = sys.getrecursionlimit(), threading.stack_size(256 << 20)
    try:
        sys.setrecursionlimit(100_000)
        thread = threading.Thread(target=lambda: answers.append(work()))
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    return answers[0]


def test_an_expression_of_five_thousand_additions(register):
    chain = " + ".join(["x"] * 5_000)
    text = body(f"h = {chain}")
    name = register(text)

    def work() -> tuple[list[Pair], list[Place]] | None:
        try:
            pairs = run(text, name)
        except RecursionError:  # from Python 3.12 on, the compiler has a limit of its own
            return None
        return pairs, resolve(pairs)

    answer = in_a_deep_thread(work)
    if answer is None:
        pytest.skip("this Python can't compile such an expression")
    pairs, places = answer
    assert len(places) == 4_999
    assert (places[0].site.text, places[0].targets) == ("x + x", ())
    assert (places[-1].site.text, places[-1].targets) == (chain, ("h",))
    tracer.source._parse.cache_clear()
    assert resolve(pairs[:1]) in (
        [place_without_source(2)],
        places[:1],
    )  # parsed or not, with the usual limit


def test_a_file_is_parsed_once(register, monkeypatch):
    text = body("g = lambda a: a * y", "h = g(x) + y", "return g(h)")
    pairs = run(text, register(text))
    parsed = []
    parse = tracer.source.ast.parse
    monkeypatch.setattr(tracer.source.ast, "parse", lambda text: parsed.append(text) or parse(text))
    tracer.source._parse.cache_clear()
    assert resolve(pairs) == resolve(pairs)
    assert parsed == [text]


def test_the_warning_filters_stay(register):
    text = body("'\\d'; h = x * y")
    pairs = run(text, register(text))
    tracer.source._parse.cache_clear()
    before = list(warnings.filters)
    assert resolve(pairs)[0].targets == ("h",)
    assert warnings.filters == before
