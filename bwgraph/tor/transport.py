"""The bytes to and from a control port. Owns the socket: how it is opened, its lines, its patience.

stem reads from it and has no timeouts of its own, so the wire has them: a peer that stays silent
for ``SILENCE`` seconds, or sends a line without an end, fails the read. Once ``trusted`` it may be
silent for ``PATIENCE``, and whoever minds is told. It remembers what came first and what went
wrong, for the message to the user. Must not know the protocol.
"""

import select
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from bwgraph.tor.endpoint import ControlPort, ControlSocket, Embedded, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

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

CHUNK = 1 << 10
"Bytes read at once."


class Wire(socket.socket):
    """A connected socket that loses patience, and the file in which stem reads its lines.

    Python's own file of a socket costs as much for each line as all else that is done with it.
    """

    def __init__(self, fileno: int) -> None:
        super().__init__(fileno=fileno)
        self.first = b""
        "The first bytes that came, at most 80 of them."
        self.failure: OSError | None = None
        "What ended it, if it was not an orderly end."
        self.silent: Callable[[], object] = bool
        "Is called, by whoever reads, for each ``SILENCE`` of one that is trusted."
        self._patience = 0.0  # beyond the first silence
        self._lines: deque[bytes] = deque()
        self._rest = b""  # of a line that has no end yet
        self.unheeded = 0
        "Bytes since something was made of what had come; set by whoever makes it."
        self._ended = False  # by the peer or by us: what fails after that is no cause
        self.settimeout(SILENCE)

    def makefile(self, *_: Any, **__: Any) -> Any:
        """Itself: all of a file that is needed."""
        return self

    def readline(self) -> bytes:
        """The next line with its end; nothing at the end of all. OSError also if it is too long."""
        while not self._lines:
            data = self._receive()
            if not data:
                last, self._rest = self._rest, b""
                return last
            if data.find(b"\n") == len(data) - 1 and not self._rest:
                return data  # nearly always: one event
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._lines.extend([line + b"\n" for line in whole])
            if len(self._rest) > LONGEST_LINE:
                self.give_up("it sent a line without an end")
        return self._lines.popleft()

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self.sendall(data)

    def flush(self) -> None:
        """Nothing: it has been sent."""

    def _receive(self) -> bytes:
        """The next bytes, however long that takes within its patience; none at the end."""
        try:
            data = self._patiently()
        except OSError as error:
            raise self._failed(error) from None
        if not data:
            self._ended = True
        if len(self.first) < 80:
            self.first = (self.first + data)[:80]
        self.unheeded += len(data)
        if self.unheeded > MOST_UNHEEDED:
            self.give_up("it goes on and on, and nothing comes of it")
        return data

    def _patiently(self) -> bytes:
        waited = 0.0
        while True:
            try:
                return self.recv(CHUNK)
            except TimeoutError:
                # After ^Z and fg the time is over and the bytes are there all the same.
                if not select.select([self], [], [], 0)[0]:
                    waited += SILENCE
                    if waited > self._patience:
                        raise
                    self.silent()

    def _failed(self, error: OSError) -> OSError:
        if not self._ended:
            self.failure = error
        return error

    def trust(self) -> None:
        """From the next read on, be as patient as with a tor that has been heard."""
        self._patience = PATIENCE

    def close(self) -> None:
        """As socket.close."""
        self._ended = True
        super().close()

    def give_up(self, why: str) -> NoReturn:
        """Fail for a reason of ours: an OSError, and what is said of the end."""
        raise self._failed(OSError(why))

    def hang_up(self) -> None:
        """End the connection from any thread; whoever reads from it wakes up."""
        self._ended = True
        with suppress(OSError):  # it may be closed already
            self.shutdown(socket.SHUT_RDWR)


def patient(connected: socket.socket) -> Wire:
    """Turn a connected socket into a wire; the socket itself is used up."""
    return Wire(connected.detach())


def dial(endpoint: Endpoint) -> Wire:
    """Connect; OSError (socket.gaierror for a name that is not known) if that fails."""
    match endpoint:
        case ControlPort(host, port):
            return patient(_connected(host, port, SILENCE))
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


def _connected(host: str, port: int, seconds: float) -> socket.socket:
    # For a name that is text Python loads tables of all letters that there are, 700 kB of them.
    name: Any = host.encode() if host.isascii() else host
    return socket.create_connection((name, port), timeout=seconds)


def answers(endpoint: Endpoint) -> bool:
    """Whether anybody takes connections there, as may be found out at once."""
    try:
        match endpoint:
            case ControlPort(host, port):
                _connected(host, port, AT_ONCE).close()
            case ControlSocket(path) if hasattr(socket, "AF_UNIX"):
                with socket.socket(socket.AF_UNIX) as plain:
                    plain.settimeout(AT_ONCE)
                    plain.connect(path)
            case _:
                return False
    except (OSError, UnicodeError):
        return False
    return True
