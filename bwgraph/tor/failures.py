"""Why a place does not let us in, in plain words: what came back, and what to do about it.

Owns these words, and looks at nothing but the error, the first bytes and the cookie. Must not know
stem: what stem raises is told apart in the room that knows it.
"""

import stat
from pathlib import Path

from bwgraph.model.events import Refusal
from bwgraph.tor import permissions
from bwgraph.tor.endpoint import ControlPort, ControlSocket, Endpoint
from bwgraph.tor.transport import SILENCE, Wire

COOKIE_LENGTH = 32
"Bytes (control-spec, AUTHENTICATE)."

TORRC = "put ControlPort 9051 and CookieAuthentication 1 into torrc, then reload tor"


def not_reached(endpoint: Endpoint, error: OSError) -> Refusal:
    """Why ``dial`` failed."""
    path = endpoint.path if isinstance(endpoint, ControlSocket) else None
    match error:
        case PermissionError() if path is not None:
            return Refusal("permission denied", permissions.advice(path))
        case FileNotFoundError():
            cure = f"is tor running, with ControlSocket {path} in torrc?"
            return Refusal("no such socket", cure, absent=True)
        case ConnectionRefusedError() if path is not None:
            return Refusal("nobody listens there any more", "is tor running?", absent=True)
        case ConnectionRefusedError() if isinstance(endpoint, ControlPort):
            cure = f"is tor running, with ControlPort {endpoint.port} in torrc?"
            return Refusal("connection refused", cure, absent=True)
        case TimeoutError():
            return Refusal(f"no answer within {SILENCE:.0f} s")
    return Refusal(error.strerror or str(error))


def cookie_trouble(path: str | None) -> Refusal | None:
    """Why the cookie is of no use; None if it is. Read anew each time: each tor has its own."""
    if path is None:
        return Refusal("it does not say where its cookie is", "set TOR_CONTROL_COOKIE_AUTH_FILE")
    try:
        # The path is the word of whoever answers: it may be a pipe, or a device without an end.
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            return Refusal(f"cookie {path}: it is no file", "is this a tor at all?")
        with Path(path).open("rb"):
            length = status.st_size
    except PermissionError:
        return Refusal(f"cookie {path}: permission denied", permissions.advice(path))
    except OSError as error:
        return Refusal(
            f"cookie {path}: {error.strerror}",
            "if this tor's files lie elsewhere, say where in TOR_CONTROL_COOKIE_AUTH_FILE",
        )
    if length != COOKIE_LENGTH:
        return Refusal(
            f"cookie {path}: {length} bytes long, where a cookie has {COOKIE_LENGTH}",
            "see that the path is right, then restart tor: it writes a new one",
        )
    return None


def not_tor(wire: Wire) -> Refusal | None:
    """What it is, if what it said first is not tor's control protocol."""
    first = wire.first
    if b"Tor is not an HTTP Proxy" in first or b"501 Tor" in first:
        return Refusal("this is tor's SocksPort", "name its ControlPort instead")
    greets = first.startswith(b"220")  # as mail and FTP servers do: no reply of tor's
    if first and (greets or not (first[:3].isdigit() and first[3:4] in b"-+ ")):
        said = first.split(b"\n")[0].strip()[:40].decode("ascii", "replace")
        return Refusal(f"this is no tor control port: it says {said!r}", TORRC)
    return None


def cut_short(wire: Wire) -> Refusal:
    """Why no more came."""
    if isinstance(wire.failure, TimeoutError):
        return Refusal(
            f"it takes connections and stays silent for {SILENCE:.0f} s",
            "is this tor's ControlPort? is tor stopped?",
        )
    if wire.failure is not None:
        return Refusal(wire.failure.strerror or str(wire.failure))
    return Refusal("it closed the connection", "is this tor's ControlPort?")
