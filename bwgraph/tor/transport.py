"""The bytes to and from a control port. Owns the socket: how it is opened, its lines, its patience.

stem reads from it and has no timeouts of its own, so the transport has them. A read fails if no
byte arrives for ``silence_s`` seconds, or if a line is too long. After ``allow_silence`` a read
fails after ``give_up_after_s``, and calls ``on_silence`` in between. The first bytes and the
failure are stored for the error message. Must not know the protocol.
"""

import select
import socket
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from bwgraph.tor.endpoint import ControlPort, ControlSocket, DemoEndpoint, Endpoint
from bwgraph.tor.timing import DEFAULT_TIMING, Timing

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNK_BYTES = 1 << 10
"Bytes read at once."


class Transport(socket.socket):
    """A connected socket that loses patience, and the file in which stem reads its lines.

    Python's own file of a socket costs as much for each line as all else that is done with it.
    """

    def __init__(self, fileno: int, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(fileno=fileno)
        self.timing = timing
        self.first_bytes = b""
        "The first bytes that came, at most 80 of them."
        self.failure: OSError | None = None
        "What ended it, if it was not an orderly end."
        self.on_silence: Callable[[], object] = bool
        "Is called, by whoever reads, for each ``silence_s`` of one that is trusted."
        self._max_silence = 0.0  # beyond the first silence
        self._lines: deque[bytes] = deque()
        self._rest = b""  # of a line that has no end yet
        self.unused_bytes = 0
        "Bytes since something was made of what had come; set by whoever makes it."
        self._ended = False  # by the peer or by us: what fails after that is no cause
        self.settimeout(timing.silence_s)

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
            if len(self._rest) > self.timing.max_line_bytes:
                self.fail("it sent a line without an end")
        return self._lines.popleft()

    def write(self, data: bytes) -> None:
        """Send all of it."""
        self.sendall(data)

    def flush(self) -> None:
        """Nothing: it has been sent."""

    def _receive(self) -> bytes:
        """The next bytes, however long that takes within its patience; none at the end."""
        try:
            data = self._receive_or_wait()
        except OSError as error:
            raise self._failed(error) from None
        if not data:
            self._ended = True
        if len(self.first_bytes) < 80:
            self.first_bytes = (self.first_bytes + data)[:80]
        self.unused_bytes += len(data)
        if self.unused_bytes > self.timing.max_unused_bytes:
            self.fail("it goes on and on, and nothing comes of it")
        return data

    def _receive_or_wait(self) -> bytes:
        waited = 0.0
        while True:
            try:
                return self.recv(CHUNK_BYTES)
            except TimeoutError:
                # After ^Z and fg the time is over and the bytes are there all the same.
                if not select.select([self], [], [], 0)[0]:
                    waited += self.timing.silence_s
                    if waited > self._max_silence:
                        raise
                    self.on_silence()

    def _failed(self, error: OSError) -> OSError:
        if not self._ended:
            self.failure = error
        return error

    def allow_silence(self) -> None:
        """From the next read on, be as patient as with a tor that has been heard."""
        self._max_silence = self.timing.give_up_after_s

    def close(self) -> None:
        """As socket.close."""
        self._ended = True
        super().close()

    def fail(self, why: str) -> NoReturn:
        """Fail for a reason of ours: an OSError, and what is said of the end."""
        raise self._failed(OSError(why))

    def hang_up(self) -> None:
        """End the connection from any thread; whoever reads from it wakes up."""
        self._ended = True
        with suppress(OSError):  # it may be closed already
            self.shutdown(socket.SHUT_RDWR)


def wrap(connected: socket.socket, timing: Timing = DEFAULT_TIMING) -> Transport:
    """Turn a connected socket into a wire; the socket itself is used up."""
    return Transport(connected.detach(), timing)


def connect(endpoint: Endpoint, timing: Timing = DEFAULT_TIMING) -> Transport:
    """Connect; OSError (socket.gaierror for a name that is not known) if that fails."""
    match endpoint:
        case ControlPort(host, port):
            return wrap(_connect_tcp(host, port, timing.silence_s), timing)
        case ControlSocket(path):
            if not hasattr(socket, "AF_UNIX"):
                raise OSError("this system has no such sockets")
            plain = socket.socket(socket.AF_UNIX)
            try:
                plain.settimeout(timing.silence_s)
                plain.connect(path)
            except OSError:
                plain.close()
                raise
            return wrap(plain, timing)
        case DemoEndpoint(name):
            raise OSError(f"nothing embedded answers to {name}")


def _connect_tcp(host: str, port: int, seconds: float) -> socket.socket:
    # For a name that is text Python loads tables of all letters that there are, 700 kB of them.
    name: Any = host.encode() if host.isascii() else host
    return socket.create_connection((name, port), timeout=seconds)


def is_listening(endpoint: Endpoint, timing: Timing = DEFAULT_TIMING) -> bool:
    """Whether anybody takes connections there, as may be found out at once."""
    try:
        match endpoint:
            case ControlPort(host, port):
                _connect_tcp(host, port, timing.probe_timeout_s).close()
            case ControlSocket(path) if hasattr(socket, "AF_UNIX"):
                with socket.socket(socket.AF_UNIX) as plain:
                    plain.settimeout(timing.probe_timeout_s)
                    plain.connect(path)
            case _:
                return False
    except (OSError, UnicodeError):
        return False
    return True
