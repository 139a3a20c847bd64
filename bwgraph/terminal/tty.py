"""The terminal while there is nothing to draw yet.

Owns whether a graph can be drawn on it, where keys come from, taking it and giving it back, and a
title. Must not load anything that takes long: this is what is loaded first.
"""

import curses
import os
import sys
from collections.abc import Mapping
from contextlib import suppress


class TerminalError(Exception):
    """There is no terminal here that a graph can be drawn on; the text says why."""


def check(environ: Mapping[str, str]) -> None:
    """See that a graph can be drawn here, without writing a byte; TerminalError if not."""
    for stream, name in ((sys.stdin, "input"), (sys.stdout, "output")):
        # A stream is None when its file descriptor was closed before the program began.
        if stream is None or not stream.isatty():
            raise TerminalError(f"standard {name} is not a terminal")
    if sys.platform == "win32":
        return  # its console is no terminal that TERM could name
    term = environ.get("TERM", "")
    if not term:
        raise TerminalError("TERM is not set, so there is no knowing what this terminal can do")
    try:
        curses.setupterm(term, sys.stdout.fileno())
    except curses.error:
        raise TerminalError(
            f"TERM is {term!r}, a terminal that this system knows nothing of"
        ) from None
    if not curses.tigetstr("cup"):
        raise TerminalError(f"TERM is {term!r}, a terminal that cannot place its cursor")


def take_keys_from_terminal() -> None:
    """Read keys from the terminal where standard input was a file; TerminalError if there is none.

    curses reads keys from standard input and from nowhere else.
    """
    try:
        keys = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        why = error.strerror or error
        raise TerminalError(f"there is no terminal to take keys from: /dev/tty: {why}") from None
    os.dup2(keys, sys.stdin.fileno())
    os.close(keys)


def enter() -> "curses.window":
    """Have keys come at once and unseen; the whole screen. It may be ours already."""
    window = curses.initscr()
    curses.noecho()
    curses.cbreak()
    with suppress(curses.error):  # not every terminal can hide its cursor
        curses.curs_set(0)
    return window


def show(title: str) -> None:
    """Take the terminal and show this, as far as there is room. A ``Terminal`` may draw over it."""
    window = enter()
    _, columns = window.getmaxyx()
    with suppress(curses.error):  # the cursor may have nowhere to go after this
        window.addstr(0, 0, title[:columns], curses.A_BOLD)
    window.refresh()


def leave() -> bool:
    """Give the terminal back; False if it is not ours."""
    with suppress(curses.error):  # it never was, or is gone: then nothing is to be restored
        if not curses.isendwin():
            curses.endwin()
            return True
    return False
