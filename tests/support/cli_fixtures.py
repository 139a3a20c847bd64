"""Fixtures of the tests of the command line, as a pytest plugin."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cli_world import VARIABLES, FakeScreen, Lines, OneShot, Runs

from bwgraph.output import lines as lines_module
from bwgraph.output import once
from bwgraph.terminal import curses_terminal, loop, tty
from bwgraph.tor import targets, transport
from bwgraph.tor.supervisor import TorSource


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variables that bwgraph reads, no configuration file, and no tor on this machine."""
    for name in (*VARIABLES, "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(transport, "is_listening", lambda _: False)
    monkeypatch.setattr(targets, "Path", partial(Path, tmp_path))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of the configuration file, whose directory exists."""
    path = tmp_path / "config" / "bwgraph" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Stand-ins for the terminal and the main loop."""
    runs = Runs()
    monkeypatch.setattr(tty, "check", lambda _: None)
    monkeypatch.setattr(curses_terminal, "Terminal", FakeScreen)
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: True)
    monkeypatch.setattr(loop, "run", runs)
    yield runs
    assert runs.endings == []


@pytest.fixture
def one_shot(monkeypatch: pytest.MonkeyPatch) -> OneShot:
    """A stand-in for the sources of one-shot output, in a UTF-8 locale."""
    one_shot = OneShot()
    monkeypatch.setattr(once, "watch", one_shot)
    monkeypatch.setattr(curses_terminal, "locale_is_utf8", lambda _: True)
    return one_shot


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """A stand-in for the sources of lines."""
    lines = Lines()
    monkeypatch.setattr(lines_module, "write_lines", lines)
    monkeypatch.setattr(TorSource, "start", lambda *_: None)
    return lines
