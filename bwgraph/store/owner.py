"""Which process this is, and whether another lives yet.

Owns what a process is told by when its number alone could be another's by now: when it began, since
which start of the machine, and among which processes (a container has its own).
"""

import os
from pathlib import Path
from typing import NamedTuple

STALE = 30.0
"Seconds without a word after which a process that cannot be looked at is taken for dead."


class Process(NamedTuple):
    """A process of some machine. What the system does not tell is empty."""

    pid: int
    began: str
    "When it began, as the system counts."
    boot: str
    "Which start of the machine that was."
    space: str
    "The namespace that its number is of."


def this() -> Process:
    """The one that asks."""
    return Process(
        os.getpid(),
        _began(os.getpid()),
        _said("/proc/sys/kernel/random/boot_id"),
        _namespace(),
    )


def lives(other: Process, heard: float) -> bool:
    """Whether it does, as far as can be told from here; ``heard`` is seconds since its last word.

    >>> lives(this(), 0.0)
    True
    """
    here = this()
    if other.boot != here.boot or other.pid <= 0:
        return False  # a machine that has been started again has none of its processes
    if other.space != here.space:
        return abs(heard) < STALE
    try:
        os.kill(other.pid, 0)
    except PermissionError:
        pass  # somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    began = _began(other.pid)
    if began and other.began:
        return began == other.began
    return abs(heard) < STALE


def _began(pid: int) -> str:
    """Field 22 of proc(5)'s stat; the name before it may have blanks and brackets of its own."""
    fields = _said(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _said(path: str) -> str:
    """What a file of the system says; empty where there is none."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
