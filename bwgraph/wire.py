"""The bytes to and from a control port. Owns the socket: how it is opened, and its patience.

stem reads from it and has no timeouts of its own, so the wire has them: a peer that stays silent
for ``SILENCE`` seconds, or sends a line without an end, fails the read. Once ``trusted`` it may be
silent for ``PATIENCE``. It remembers what came
first and what went wrong, for the message to the user. Must not know the protocol.
"""

import select
import socket
from contextlib import suppress
from typing import Any

from bwgraph.endpoint import ControlPort, ControlSocket, Embedded, Endpoint

SILENCE = 3.5
"Seconds without a byte after which something is wrong: a subscribed tor sends every second."

PATIENCE = 20.0
"Seconds after which a tor that was heard before is given up: one that was stopped may go on."

AT_ONCE = 0.5
"Seconds within which a tor on this machine takes a connection."

LONGEST_LINE = 1 << 20
"Bytes. Tor's longest answer that bwgraph asks for is far shorter."


MOST_UNHEEDED = 16 << 20
"Bytes that may come before something is made of them: stem keeps an answer until it ends."


class Wire(socket.socket):
    """A connected socket that loses patience."""

    first = b""
    "The first bytes that came, at most 80 of them."
    failure: OSError | None = None
    "What ended it, if it was not an orderly end."
    _line = 0
    _unheeded = 0
    _ended = False  # by the peer or by us: what fails after that is no cause

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As socket.recv_into; OSError also for a line that is too long."""
        try:
            count = self._receive(*args, **kwargs)
            self._note(bytes(memoryview(args[0])[:count]))
        except OSError as error:
            if not self._ended:
                self.failure = error
            raise
        self._ended |= count == 0
        return count

    def _receive(self, *args: Any, **kwargs: Any) -> int:
        try:
            return super().recv_into(*args, **kwargs)
        except TimeoutError:
            # After ^Z and fg the time is over and the bytes are there all the same.
            if not select.select([self], [], [], 0)[0]:
                raise
            return super().recv_into(*args, **kwargs)

    def _note(self, data: bytes) -> None:
        if len(self.first) < 80:
            self.first = (self.first + data)[:80]
        newline = data.rfind(b"\n")
        self._line = self._line + len(data) if newline < 0 else len(data) - newline - 1
        self._unheeded += len(data)
        if self._unheeded > MOST_UNHEEDED:
            raise OSError("it goes on and on, and nothing comes of it")
        if self._line > LONGEST_LINE:
            raise OSError("it sent a line without an end")

    def heed(self) -> None:
        """Something was made of what has come so far."""
        self._unheeded = 0

    def trust(self) -> None:
        """From the next read on, be as patient as with a tor that has been heard."""
        self.settimeout(PATIENCE)

    def close(self) -> None:
        """As socket.close."""
        self._ended = True
        super().close()

    def hang_up(self) -> None:
        """End the connection from any thread; whoever reads from it wakes up."""
        self._ended = True
        with suppress(OSError):  # it may be closed already
            self.shutdown(socket.SHUT_RDWR)


def patient(connected: socket.socket) -> Wire:
    """Turn a connected socket into a wire; the socket itself is used up."""
    wire = Wire(fileno=connected.detach())
    wire.settimeout(SILENCE)
    return wire


def dial(endpoint: Endpoint) -> Wire:
    """Connect; OSError (socket.gaierror for a name that is not known) if that fails."""
    match endpoint:
        case ControlPort(host, port):
            return patient(socket.create_connection((host, port), timeout=SILENCE))
        case ControlSocket(path):
            if not hasattr(socket, "AF_UNIX"):
                raise OSError("this system has no such sockets")
            plain = socket.socket(socket.AF_UNIX)
            try:
                plain.settimeout(SILENCE)
                plain.connect(path)
            except OSError:
                plain.close()
                raise
            return patient(plain)
        case Embedded(name):
            raise OSError(f"nothing embedded answers to {name}")


def answers(endpoint: Endpoint) -> bool:
    """Whether anybody takes connections there, as may be found out at once."""
    try:
        match endpoint:
            case ControlPort(host, port):
                socket.create_connection((host, port), timeout=AT_ONCE).close()
            case ControlSocket(path) if hasattr(socket, "AF_UNIX"):
                with socket.socket(socket.AF_UNIX) as plain:
                    plain.settimeout(AT_ONCE)
                    plain.connect(path)
            case _:
                return False
    except (OSError, UnicodeError):
        return False
    return True
