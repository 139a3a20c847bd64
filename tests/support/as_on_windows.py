"""Runs bwgraph with what it would not find on Windows taken away.

    as_on_windows.py [ARGUMENT]...

It is no Windows: it holds that whatever a POSIX system alone has is not touched there, that nothing
is waited for that cannot be, and that the ways around do what they are for. What is taken away is
what the documentation of Python's modules says is for Unix alone, and what windows-curses lacks.
"""

import curses
import getpass
import importlib.resources
import json
import locale
import os
import queue
import select
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
from typing import Any

import stem.control

LOADED = (getpass, importlib.resources, json, queue, shutil, sqlite3, subprocess, tempfile, tomllib)
"By now, since they are of this system, and not to find out that they are on another."

GONE: dict[Any, tuple[str, ...]] = {
    curses: ("set_escdelay", "get_escdelay", "resizeterm", "tigetstr", "tigetnum"),
    locale: ("nl_langinfo", "CODESET"),
    os: (
        *("fchmod", "fchown", "chown", "set_blocking", "openpty", "fork", "killpg", "setsid"),
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "O_NOFOLLOW", "O_NONBLOCK"),
        *("tcgetpgrp", "ttyname", "uname", "mkfifo", "statvfs"),
    ),
    select: ("poll", "epoll"),
    signal: (
        *("SIGHUP", "SIGWINCH", "SIGTSTP", "SIGCONT", "SIGSTOP", "SIGKILL", "SIGPIPE"),
        *("pthread_kill", "pthread_sigmask", "sigwait", "setitimer", "alarm"),
    ),
    socket: ("AF_UNIX",),
    time: ("clock_gettime", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC", "tzset"),
}

NO_MODULES = ("termios", "tty", "fcntl", "grp", "pwd", "resource", "pty", "syslog")


def need_socket(number: int) -> None:
    """Refuse what is a file, a pipe or a console."""
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        raise OSError(10038, "an operation was attempted on something that is not a socket")


def be_windows() -> None:
    """Take it all away, and put there what Windows has instead."""
    real_select, real_pair, unix = select.select, socket.socketpair, socket.AF_UNIX
    set_wakeup_fd, initscr, term = signal.set_wakeup_fd, curses.initscr, os.environ.pop("TERM", "")

    def selects(readers: Any, writers: Any, others: Any, timeout: float | None = None) -> Any:
        for each in (*readers, *writers, *others):
            need_socket(each if isinstance(each, int) else each.fileno())
        return real_select(readers, writers, others, timeout)

    def sets_wakeup_fd(number: int, **how: bool) -> int:
        if number != -1:
            need_socket(number)
            assert not os.get_blocking(number)
        return set_wakeup_fd(number, **how)

    def begins() -> Any:
        os.environ["TERM"] = term  # this curses needs to know
        return initscr()

    # A console that is closed, which is SIGBREAK there.
    signal.SIGBREAK = signal.SIGHUP  # type: ignore[attr-defined]
    for module, names in GONE.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in NO_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    socket.socketpair = lambda: real_pair(unix)  # type: ignore[assignment,misc]
    select.select = selects
    signal.set_wakeup_fd = sets_wakeup_fd
    curses.initscr = begins
    sys.platform = "win32"


if __name__ == "__main__":
    assert stem.control
    assert not any(name.startswith("bwgraph") for name in sys.modules)
    be_windows()
    from bwgraph.__main__ import main

    sys.exit(main())
