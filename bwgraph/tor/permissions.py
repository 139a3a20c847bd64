"""Why a file may not be opened, and what would change that. Owns the advice on permissions."""

import stat
import sys
from pathlib import Path

ROOT = 0


def advice(path: str) -> str:
    """What a user can do who was denied ``path``: its group to join, or its owner to become.

    A path that cannot even be looked at is judged by the innermost directory that can be. Windows
    has neither owners nor groups of this kind: no advice.
    """
    if sys.platform == "win32":
        return ""
    place = Path(path)
    while True:
        try:
            status = place.stat()
        except OSError:
            if place == place.parent:
                return ""
            place = place.parent
        else:
            break
    owner, group = _names(status.st_uid, status.st_gid)
    wanted = stat.S_IRGRP
    if stat.S_ISDIR(status.st_mode):
        wanted = stat.S_IXGRP
    elif stat.S_ISSOCK(status.st_mode):
        wanted = stat.S_IWGRP
    if status.st_mode & wanted and status.st_gid != ROOT:
        return f"add yourself to its group: sudo usermod -aG {group} $USER, then log in again"
    return (
        f"{place} is for {owner} alone: run bwgraph as {owner} (sudo -u {owner} bwgraph), "
        "or let tor's group in: put CookieAuthFileGroupReadable 1 and, for a socket, "
        "ControlSocketsGroupWritable 1 into torrc, restart tor, and join the group"
    )


def _names(uid: int, gid: int) -> tuple[str, str]:
    """Names of a user and a group; their numbers where they have none."""
    if sys.platform == "win32":
        return str(uid), str(gid)
    import grp  # noqa: PLC0415 - these two exist on POSIX only
    import pwd  # noqa: PLC0415

    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = f"'#{uid}'"  # quoted, for what it is about to stand in is a shell command
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return owner, group
