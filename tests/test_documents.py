"""README and docs: their Python runs, the commands and options that they name are there, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
import typer

from viz import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
README = DOCUMENTS[0].read_text("utf-8")
WORDS = 1_200  # of a README that is read to its end
COMMANDS = typer.main.get_command(cli.app).commands


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_python_of_the_readme_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = Path("readme.py")  # what is traced has a source
    file.write_text("".join(blocks(README, "python")), encoding="utf-8")
    names = {"__name__": "readme"}
    exec(compile(file.read_text("utf-8"), file, "exec"), names)  # noqa: S102  (our own file)
    trace = names["t"]
    assert f"t.grads  # {trace.grads}," in README
    assert f"residual()  # {trace.result}," in README
    assert {path.name for path in Path().iterdir()} == {
        "readme.py", "residual.svg", "residual.png", "near_y.svg", "residual.trace",
    }  # fmt: skip


def test_a_readme_is_short():
    assert len(README.split()) < WORDS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_is_said_of_the_command_line_is_there(document):
    text = document.read_text("utf-8")
    shown = "\n".join(
        re.findall(r"`edgegrad [^`]+`", text) + re.findall(r"^\$? ?(edgegrad .*)", text, re.MULTILINE)
    )
    for command, rest in re.findall(r"edgegrad ([a-z]+)(.*)", shown):
        assert command in COMMANDS, command
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts} | {"--help"}
        assert set(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest.partition("  ")[0])) <= known, (command, rest)


def test_the_page_of_commands_names_them_all():
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert set(re.findall(r"^edgegrad ([a-z]+)", text, re.MULTILINE)) == set(COMMANDS)
    options = {
        option for each in COMMANDS["draw"].params for option in each.opts if option.startswith("--")
    }
    views = options - {"--output", "--of", "--seed", "--engine"}
    assert {option for option in views if option not in text} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8")):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_the_readme_leads_to_every_document():
    linked = set(re.findall(r"\]\(docs/([^)#]+\.md)", README))
    assert linked == {path.name for path in (ROOT / "docs").glob("*.md")}
