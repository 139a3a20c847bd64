"""Run bwgraph without the functions that Python lacks on Windows.

    as_on_windows.py [ARGUMENT]...

This is no Windows. It checks that bwgraph, when it believes to be on Windows, uses no functions of
POSIX systems, calls select() on sockets only, and works with the replacements. It removes the
functions whose documentation says "Unix", and those that windows-curses lacks.
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
"Modules imported before the removal, so that they work as on this system."

REMOVED: dict[Any, tuple[str, ...]] = {
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

REMOVED_MODULES = ("termios", "tty", "fcntl", "grp", "pwd", "resource", "pty", "syslog")


def require_socket(fd: int) -> None:
    """Raise the OSError of Windows if a descriptor is a file, a pipe or a console."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise OSError(10038, "an operation was attempted on something that is not a socket")


def imitate_windows() -> None:
    """Remove these functions and modules, and replace those that differ on Windows."""
    real_select, real_pair, unix = select.select, socket.socketpair, socket.AF_UNIX
    real_set_wakeup_fd, real_initscr = signal.set_wakeup_fd, curses.initscr
    term = os.environ.pop("TERM", "")

    def socket_select(readers: Any, writers: Any, others: Any, timeout: float | None = None) -> Any:
        for each in (*readers, *writers, *others):
            require_socket(each if isinstance(each, int) else each.fileno())
        return real_select(readers, writers, others, timeout)

    def set_wakeup_fd(fd: int, **options: bool) -> int:
        if fd != -1:
            require_socket(fd)
            assert not os.get_blocking(fd)
        return real_set_wakeup_fd(fd, **options)

    def initscr() -> Any:
        os.environ["TERM"] = term  # the curses of this system needs it
        return real_initscr()

    # On Windows a closed console sends SIGBREAK.
    signal.SIGBREAK = signal.SIGHUP  # type: ignore[attr-defined]
    for module, names in REMOVED.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in REMOVED_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    socket.socketpair = lambda: real_pair(unix)  # type: ignore[assignment,misc]
    select.select = socket_select
    signal.set_wakeup_fd = set_wakeup_fd
    curses.initscr = initscr
    sys.platform = "win32"


if __name__ == "__main__":
    assert stem.control
    assert not any(name.startswith("bwgraph") for name in sys.modules)
    imitate_windows()
    from bwgraph.__main__ import main

    sys.exit(main())
