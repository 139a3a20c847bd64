"""Why a connection to an endpoint fails, in words for the user, with a remedy.

Owns these words. Looks only at the error, the first bytes received and the cookie file. Must not
know stem: ``handshake`` explains the errors of stem.
"""

import stat
import sys
from pathlib import Path

from bwgraph.model.errors import ExplainedError
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.tor.transport import Transport

COOKIE_BYTES = 32
"Length of an authentication cookie (control-spec, AUTHENTICATE)."

ROOT_GID = 0
"The group of root, which a user is never advised to join."

TORRC_REMEDY = "put ControlPort 9051 and CookieAuthentication 1 into torrc, then reload tor"


def connect_error(endpoint: Endpoint, error: OSError, timeout: float) -> ExplainedError:
    """Return an explanation of an error while connecting with this timeout."""
    path = endpoint.path if isinstance(endpoint, ControlSocket) else None
    match error:
        case PermissionError() if path is not None:
            return ExplainedError("permission denied", permission_advice(path))
        case FileNotFoundError() if path is not None:
            remedy = f"is tor running, with ControlSocket {path} in torrc?"
            return ExplainedError("no such socket", remedy, not_running=True)
        case ConnectionRefusedError() if path is not None:
            return ExplainedError(
                "the socket exists, but no process listens on it",
                "is tor running?",
                not_running=True,
            )
        case ConnectionRefusedError() if isinstance(endpoint, ControlPort):
            remedy = f"is tor running, with ControlPort {endpoint.port} in torrc?"
            return ExplainedError("connection refused", remedy, not_running=True)
        case TimeoutError():
            return ExplainedError(f"no answer within {timeout:.0f} s")
    return ExplainedError(error.strerror or str(error))


def cookie_error(path: str | None) -> ExplainedError | None:
    """Return why a cookie file cannot be used, or None if it can.

    The file is examined for each connection, since every start of tor writes a new cookie.
    """
    if path is None:
        return ExplainedError(
            "it does not say where its cookie is", "set TOR_CONTROL_COOKIE_AUTH_FILE"
        )
    try:
        # The path comes from the other side: it may be a pipe, or a device without an end.
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return ExplainedError(f"cookie {path}: not a regular file", "is this a tor at all?")
        with Path(path).open("rb"):
            length = status.st_size
    except PermissionError:
        return ExplainedError(f"cookie {path}: permission denied", permission_advice(path))
    except OSError as error:
        return ExplainedError(
            f"cookie {path}: {error.strerror}",
            "if this tor's files are elsewhere, set TOR_CONTROL_COOKIE_AUTH_FILE to the cookie",
        )
    if length != COOKIE_BYTES:
        return ExplainedError(
            f"cookie {path}: {length} bytes long, but a cookie has {COOKIE_BYTES}",
            "check that the path is right, then restart tor: it writes a new cookie",
        )
    return None


def not_tor_error(transport: Transport) -> ExplainedError | None:
    """Return what answered if its first bytes are not tor's control protocol, or else None."""
    first = transport.first_bytes
    if b"Tor is not an HTTP Proxy" in first or b"501 Tor" in first:
        return ExplainedError("this is tor's SocksPort", "name its ControlPort instead")
    greeting = first.startswith(b"220")  # of a mail or FTP server; tor has no such reply
    if first and (greeting or not (first[:3].isdigit() and first[3:4] in b"-+ ")):
        line = first.split(b"\n")[0].strip()[:40].decode("ascii", "replace")
        return ExplainedError(f"this is not a tor control port: it says {line!r}", TORRC_REMEDY)
    return None


def silence_reason(seconds: float) -> str:
    """Return why a connection on which nothing has arrived for this time is lost."""
    return f"it has been silent for {seconds:.0f} s"


def closed_error(transport: Transport) -> ExplainedError:
    """Return why a connection ended before it was established."""
    if isinstance(transport.failure, TimeoutError):
        return ExplainedError(
            f"it accepted the connection, and was silent for {transport.timing.silence_s:.0f} s",
            "is this tor's ControlPort? is tor stopped?",
        )
    if transport.failure is not None:
        return ExplainedError(transport.failure.strerror or str(transport.failure))
    return ExplainedError("it closed the connection", "is this tor's ControlPort?")


def permission_advice(path: str) -> str:
    """Return what a user who may not open ``path`` can do: join its group, or become its owner.

    If the path itself cannot be examined, the advice is about the innermost directory that can be.
    Returns an empty string if there is none, and on Windows, which has no such owners and groups.
    """
    if sys.platform == "win32":
        return ""
    visible = Path(path)
    while True:
        try:
            status = visible.stat()
        except OSError:
            if visible == visible.parent:
                return ""
            visible = visible.parent
        else:
            break
    owner, group = _names(status.st_uid, status.st_gid)
    group_bit = stat.S_IRGRP
    if stat.S_ISDIR(status.st_mode):
        group_bit = stat.S_IXGRP
    elif stat.S_ISSOCK(status.st_mode):
        group_bit = stat.S_IWGRP
    if status.st_mode & group_bit and status.st_gid != ROOT_GID:
        return f"add yourself to its group: sudo usermod -aG {group} $USER, then log in again"
    return (
        f"{visible} is for {owner} alone: run bwgraph as {owner} (sudo -u {owner} bwgraph), "
        "or let tor's group in: put CookieAuthFileGroupReadable 1 and, for a socket, "
        "ControlSocketsGroupWritable 1 into torrc, restart tor, and join the group"
    )


def _names(uid: int, gid: int) -> tuple[str, str]:
    """Return the names of a user and a group, or their numbers if they have no names."""
    if sys.platform == "win32":
        return str(uid), str(gid)
    import grp  # noqa: PLC0415 - on POSIX only
    import pwd  # noqa: PLC0415 - on POSIX only

    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = f"'#{uid}'"  # quoted for the shell command that contains it
    try:
        group = grp.getgrgid(gid).gr_name
    except KeyError:
        group = str(gid)
    return owner, group
