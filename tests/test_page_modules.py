"""The page's modules, tested by node where it is there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "viz" / "page"


def test_the_modules_pass_their_own_tests():
    node = shutil.which("node")
    if node is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "node is not installed: on Debian, apt-get install nodejs"
        )
    run = subprocess.run(  # noqa: S603
        [node, "--test", "tests/page/"], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert "# fail 0" in run.stdout
    assert "# pass 0" not in run.stdout


def test_the_documentation_lists_the_keys():
    shown = re.findall(r'\], "(.+?)", "(.+?)"\],', (PAGE / "keys.js").read_text("utf-8"))
    assert len(shown) > 15
    table = (ROOT / "docs" / "page.md").read_text("utf-8").replace("\\|", "|")
    assert re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)[1:] == shown


@pytest.mark.parametrize("file", sorted(PAGE.glob("*.js")), ids=lambda file: file.name)
def test_a_module_is_short_and_takes_no_markup(file):
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert text.startswith("/*")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://",
        "https://",
    ):
        assert word not in text.replace("http://www.w3.org/2000/svg", "")
