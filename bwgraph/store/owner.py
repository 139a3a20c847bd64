"""The identity of a process, and whether it is still alive.

Owns what identifies a process besides its pid, which may be in use again: its start time, the boot
of the machine, and the pid namespace (each container has its own). Must not know what a process
writes.
"""

import os
from pathlib import Path
from typing import NamedTuple

STALE_AFTER_S = 30.0
"Seconds after its last sign of life for which a process that cannot be examined counts as alive."


class Process(NamedTuple):
    """A process on this or another machine. Fields that the system does not provide are empty."""

    pid: int
    started: str
    "The start time, in clock ticks since the boot."
    boot_id: str
    "The id of the machine's boot."
    pid_namespace: str
    "The pid namespace that the pid belongs to."


def this_process() -> Process:
    """Return the identity of the calling process."""
    return Process(
        os.getpid(),
        _start_time(os.getpid()),
        _read_text("/proc/sys/kernel/random/boot_id"),
        _namespace(),
    )


def is_alive(other: Process, heard_ago: float) -> bool:
    """Return whether a process is alive, as far as this process can find out.

    ``heard_ago`` is the number of seconds since its last sign of life.

    >>> is_alive(this_process(), 0.0)
    True
    """
    this = this_process()
    if other.boot_id != this.boot_id or other.pid <= 0:
        return False  # the machine was restarted, or it is another machine
    if other.pid_namespace != this.pid_namespace:
        return abs(heard_ago) < STALE_AFTER_S
    try:
        os.kill(other.pid, 0)
    except PermissionError:
        pass  # alive, and of another user
    except (ProcessLookupError, OverflowError):
        return False
    started = _start_time(other.pid)
    if started and other.started:
        return started == other.started
    return abs(heard_ago) < STALE_AFTER_S


def _start_time(pid: int) -> str:
    """Return field 22 of /proc/PID/stat; the name before it may contain blanks and brackets."""
    fields = _read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _read_text(path: str) -> str:
    """Return the text of a file in /proc; empty if there is none."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
