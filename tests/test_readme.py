"""README.md and the pages in .github: their size, their links and the commands that they show."""

import importlib
import re
from pathlib import Path

import manual
import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted(ROOT.glob(".github/**/*.md"))]

PACKAGES = sorted(path.parent.name for path in manual.PACKAGE.glob("*/__init__.py"))

MAX_LINES = 200
MAX_LINE_CHARS = 120


def indented_commands(text: str) -> list[str]:
    """Return the indented lines that contain a bwgraph command."""
    lines = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [line for line in lines if not line.startswith("{") and manual.bwgraph_commands(line)]


def inline_commands(text: str) -> list[str]:
    """Return the code spans that contain a bwgraph command with arguments."""
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [span for span in spans if " " in span and manual.bwgraph_commands(span)]


def relative_links(text: str) -> list[str]:
    """Return the targets of links and pictures that are paths."""
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.partition("#")[0] for target in targets if not re.match(r"\w+:|#", target)]


def named_objects(text: str) -> list[str]:
    """Return the code spans that name something in a package of bwgraph, with dots."""
    return re.findall(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`", text)


def exists(name: str) -> bool:
    """Return whether a module, or an object in one, has this name."""
    module, *attributes = name.split(".")
    found: object = importlib.import_module(f"bwgraph.{module}")
    for attribute in attributes:
        module += f".{attribute}"
        if not hasattr(found, attribute):
            try:
                found = importlib.import_module(f"bwgraph.{module}")
            except ModuleNotFoundError:
                return False
        else:
            found = getattr(found, attribute)
    return True


def test_readme_has_at_most_200_lines_of_120_columns() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MAX_LINES
    assert [line for line in lines if len(line) > MAX_LINE_CHARS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_existing_files(page: Path) -> None:
    links = relative_links(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shown_commands_are_valid_command_lines(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for line in [*indented_commands(text), *inline_commands(text)]:
        manual.check_command_line(line)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_modules_and_objects_exist(page: Path) -> None:
    names = named_objects(page.read_text(encoding="utf-8"))
    assert [name for name in names if not exists(name)] == []


def test_contributing_names_every_package() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {name.partition(".")[0] for name in named_objects(text)} == set(PACKAGES)


def test_readme_shows_commands_and_links() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(indented_commands(text)) > 10
    assert "bwgraph print man | man -l -" in inline_commands(text)
    assert {".pictures/screen.svg", ".github/CONTRIBUTING.md"} <= set(relative_links(text))


def test_commands_and_links_are_found() -> None:
    text = "Run `bwgraph --once`, `bwgraph` or `tor --hush`:\n\n    A=1 x/bwgraph --csv | head\n"
    assert indented_commands(text) == ["A=1 x/bwgraph --csv | head"]
    assert inline_commands(text) == ["bwgraph --once"]
    assert relative_links("[a](b/c.md#d) ![e](f.svg) [g](https://h) [i](#j)") == ["b/c.md", "f.svg"]


def test_missing_objects_are_found() -> None:
    assert named_objects("`model.fleet.Fleet`, `pyproject.toml`") == ["model.fleet.Fleet"]
    assert exists("model.fleet.Fleet.handle")
    assert not exists("model.fleet.Fleet.no_such_method")
    assert not exists("model.no_such_module")
