"""Which process this is, and whether another lives yet.

Owns what a process is told by when its number alone could be another's by now: when it began, since
which start of the machine, and among which processes (a container has its own).
"""

import os
from pathlib import Path
from typing import NamedTuple

STALE_AFTER_S = 30.0
"Seconds without a word after which a process that cannot be looked at is taken for dead."


class Process(NamedTuple):
    """A process of some machine. What the system does not tell is empty."""

    pid: int
    started: str
    "When it began, as the system counts."
    boot_id: str
    "Which start of the machine that was."
    pid_namespace: str
    "The namespace that its number is of."


def this_process() -> Process:
    """The one that asks."""
    return Process(
        os.getpid(),
        _start_time(os.getpid()),
        _read_text("/proc/sys/kernel/random/boot_id"),
        _namespace(),
    )


def is_alive(other: Process, heard: float) -> bool:
    """Whether it does, as far as can be told from here; ``heard`` is seconds since its last word.

    >>> is_alive(this_process(), 0.0)
    True
    """
    here = this_process()
    if other.boot_id != here.boot_id or other.pid <= 0:
        return False  # a machine that has been started again has none of its processes
    if other.pid_namespace != here.pid_namespace:
        return abs(heard) < STALE_AFTER_S
    try:
        os.kill(other.pid, 0)
    except PermissionError:
        pass  # somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    began = _start_time(other.pid)
    if began and other.started:
        return began == other.started
    return abs(heard) < STALE_AFTER_S


def _start_time(pid: int) -> str:
    """Field 22 of proc(5)'s stat; the name before it may have blanks and brackets of its own."""
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _read_text(path: str) -> str:
    """What a file of the system says; empty where there is none."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
