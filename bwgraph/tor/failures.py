"""Why a place does not let us in, in plain words: what came back, and what to do about it.

Owns these words, and looks at nothing but the error, the first bytes and the cookie. Must not know
stem: what stem raises is told apart in the room that knows it.
"""

import stat
import sys
from pathlib import Path

from bwgraph.model.errors import ExplainedError
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.tor.transport import Transport

COOKIE_BYTES = 32
"Bytes (control-spec, AUTHENTICATE)."

TORRC_REMEDY = "put ControlPort 9051 and CookieAuthentication 1 into torrc, then reload tor"


def connect_error(endpoint: Endpoint, error: OSError, timeout: float) -> ExplainedError:
    """Why ``dial`` failed."""
    path = endpoint.path if isinstance(endpoint, ControlSocket) else None
    match error:
        case PermissionError() if path is not None:
            return ExplainedError("permission denied", permission_advice(path))
        case FileNotFoundError():
            cure = f"is tor running, with ControlSocket {path} in torrc?"
            return ExplainedError("no such socket", cure, not_running=True)
        case ConnectionRefusedError() if path is not None:
            return ExplainedError(
                "nobody listens there any more", "is tor running?", not_running=True
            )
        case ConnectionRefusedError() if isinstance(endpoint, ControlPort):
            cure = f"is tor running, with ControlPort {endpoint.port} in torrc?"
            return ExplainedError("connection refused", cure, not_running=True)
        case TimeoutError():
            return ExplainedError(f"no answer within {timeout:.0f} s")
    return ExplainedError(error.strerror or str(error))


def cookie_error(path: str | None) -> ExplainedError | None:
    """Why the cookie is of no use; None if it is. Read anew each time: each tor has its own."""
    if path is None:
        return ExplainedError(
            "it does not say where its cookie is", "set TOR_CONTROL_COOKIE_AUTH_FILE"
        )
    try:
        # The path is the word of whoever answers: it may be a pipe, or a device without an end.
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return ExplainedError(f"cookie {path}: it is no file", "is this a tor at all?")
        with Path(path).open("rb"):
            length = status.st_size
    except PermissionError:
        return ExplainedError(f"cookie {path}: permission denied", permission_advice(path))
    except OSError as error:
        return ExplainedError(
            f"cookie {path}: {error.strerror}",
            "if this tor's files lie elsewhere, say where in TOR_CONTROL_COOKIE_AUTH_FILE",
        )
    if length != COOKIE_BYTES:
        return ExplainedError(
            f"cookie {path}: {length} bytes long, where a cookie has {COOKIE_BYTES}",
            "see that the path is right, then restart tor: it writes a new one",
        )
    return None


def not_tor_error(wire: Transport) -> ExplainedError | None:
    """What it is, if what it said first is not tor's control protocol."""
    first = wire.first_bytes
    if b"Tor is not an HTTP Proxy" in first or b"501 Tor" in first:
        return ExplainedError("this is tor's SocksPort", "name its ControlPort instead")
    greets = first.startswith(b"220")  # as mail and FTP servers do: no reply of tor's
    if first and (greets or not (first[:3].isdigit() and first[3:4] in b"-+ ")):
        said = first.split(b"\n")[0].strip()[:40].decode("ascii", "replace")
        return ExplainedError(f"this is no tor control port: it says {said!r}", TORRC_REMEDY)
    return None


def closed_error(wire: Transport) -> ExplainedError:
    """Why no more came."""
    if isinstance(wire.failure, TimeoutError):
        return ExplainedError(
            f"it takes connections and stays silent for {wire.timing.silence_s:.0f} s",
            "is this tor's ControlPort? is tor stopped?",
        )
    if wire.failure is not None:
        return ExplainedError(wire.failure.strerror or str(wire.failure))
    return ExplainedError("it closed the connection", "is this tor's ControlPort?")


ROOT_GID = 0


def permission_advice(path: str) -> str:
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
    if status.st_mode & wanted and status.st_gid != ROOT_GID:
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
