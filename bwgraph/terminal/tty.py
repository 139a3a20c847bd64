"""The terminal before the first graph: checks, and entering and leaving curses' screen.

Owns whether the terminal can show a graph, and where keys are read from. Must not know what a frame
shows.
"""

import curses
import os
import sys
from collections.abc import Mapping
from contextlib import suppress


class TerminalError(Exception):
    """The terminal cannot show a graph; the message says why."""


def check(environ: Mapping[str, str]) -> None:
    """Raise TerminalError if the terminal cannot show a graph. Writes nothing to it."""
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
        # A stream is None if its file descriptor was closed before the program started.
        if stream is None or not stream.isatty():
            raise TerminalError(f"standard {name} is not a terminal")
    if sys.platform == "win32":
        return  # TERM means nothing to its console
    term = environ.get("TERM", "")
    if not term:
        raise TerminalError("TERM is not set, so the capabilities of this terminal are unknown")
    try:
        curses.setupterm(term, sys.stdout.fileno())
    except curses.error:
        raise TerminalError(
            f"TERM is {term!r}, which is not in this system's terminfo database"
        ) from None
    if not curses.tigetstr("cup"):
        raise TerminalError(f"TERM is {term!r}, a terminal that cannot position its cursor")


def read_keys_from_terminal() -> None:
    """Replace standard input by the terminal, after a recording was read from it.

    curses reads keys from standard input only. Raises TerminalError if there is no terminal.
    """
    try:
        keys = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        reason = error.strerror or error
        raise TerminalError(f"there is no terminal to take keys from: /dev/tty: {reason}") from None
    os.dup2(keys, sys.stdin.fileno())
    os.close(keys)


def enter() -> "curses.window":
    """Start curses without echo, line buffering or cursor; return the window of the whole screen.

    May be called again: curses has only one such window.
    """
    window = curses.initscr()
    curses.noecho()
    curses.cbreak()
    with suppress(curses.error):  # not every terminal can hide its cursor
        curses.curs_set(0)
    return window


def leave() -> None:
    """Restore the terminal if curses has changed it. Does nothing if it was hung up."""
    with suppress(curses.error):
        if not curses.isendwin():
            curses.endwin()
