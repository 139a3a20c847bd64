"""The terminal before the first graph: whether it can show one."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fake_curses import Hardware, Stream, installed

import bwgraph
from bwgraph.terminal import tty
from bwgraph.terminal.tty import TerminalError, check

ROOT = Path(bwgraph.__file__).parents[1]


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "TERM is not set"),
        ({"TERM": ""}, "TERM is not set"),
        ({"TERM": "dumb"}, "TERM is 'dumb', a terminal that cannot position its cursor"),
        (
            {"TERM": "xterm-9000"},
            "TERM is 'xterm-9000', which is not in this system's terminfo database",
        ),
    ],
)
def test_unusable_term_is_refused_with_a_message(environ: dict[str, str], message: str) -> None:
    with installed(Hardware()), pytest.raises(TerminalError, match=message):
        check(environ)


@pytest.mark.parametrize("name", ["stdin", "stdout"])
@pytest.mark.parametrize("stream", [Stream(5, tty=False), None], ids=["a file", "closed"])
def test_standard_stream_that_is_no_terminal_is_refused(name: str, stream: Stream | None) -> None:
    streams = {"stdin": Stream(0), "stdout": Stream(1), name: stream}
    with installed(Hardware()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(tty, "sys", SimpleNamespace(**streams))
        message = f"standard {name.removeprefix('std')}put is not a terminal"
        with pytest.raises(TerminalError, match=message):
            check({"TERM": "xterm"})


def test_check_does_not_change_a_usable_terminal() -> None:
    with installed(Hardware()) as curses:
        check({"TERM": "xterm"})
        assert curses.calls == []
        assert curses.window is None


@pytest.mark.parametrize(
    ("term", "answer"),
    [
        ("xterm", "fine"),
        ("dumb", "TERM is 'dumb'"),
        ("no-such-terminal", "TERM is 'no-such-terminal'"),
        ("", "TERM is not set"),
    ],
)
def test_real_curses_decides_alike_and_writes_nothing(term: str, answer: str) -> None:
    program = """
import os, sys
from bwgraph.terminal.tty import TerminalError, check
try:
    check(os.environ)
except TerminalError as error:
    print(error, file=sys.stderr)
else:
    print("fine", file=sys.stderr)
"""
    near, far = os.openpty()
    try:
        environ = {**os.environ, "TERM": term, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdin=far,
            stdout=far,
            stderr=subprocess.PIPE,
            env=environ,
            text=True,
            check=True,
        )
        os.set_blocking(near, False)
        with pytest.raises(BlockingIOError):
            os.read(near, 1)
    finally:
        os.close(near)
        os.close(far)
    assert done.stderr.startswith(answer)


def test_windows_console_needs_no_term() -> None:
    # Undone before the fake curses is, which has replaced ``sys`` itself.
    with installed(Hardware()), pytest.MonkeyPatch.context() as patch:
        windows = SimpleNamespace(platform="win32", stdin=Stream(0), stdout=Stream(1))
        patch.setattr(tty, "sys", windows)
        check({})


def test_a_terminal_that_cannot_hide_its_cursor_is_taken_too() -> None:
    with installed(Hardware(hides_cursor=False)) as curses:
        tty.enter()
        assert {"noecho", "cbreak"} <= curses.modes


def test_a_terminal_is_given_back_once() -> None:
    with installed(Hardware()) as curses:
        tty.leave()
        tty.enter()
        tty.leave()
        tty.leave()
        assert curses.calls == ["initscr", "endwin"]


def test_a_terminal_that_has_gone_is_left_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(Hardware()) as curses:
        tty.enter()

        def gone() -> None:
            raise curses.error

        monkeypatch.setattr(curses, "endwin", gone)
        tty.leave()
        assert "endwin" not in curses.calls
