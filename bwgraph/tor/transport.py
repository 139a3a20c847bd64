"""The bytes to and from a control port, and the timeouts that stem does not have.

Owns the socket: how it is connected, how its lines are read, and when a read fails. A read fails if
no byte arrives for ``silence_s`` seconds, or if a line is too long. After ``allow_silence`` a read
fails at the first multiple of ``silence_s`` above ``give_up_after_s``, and calls ``on_silence`` in
between. Must not know the control protocol.
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

FIRST_BYTES = 80
"Length of ``Transport.first_bytes``."


def do_nothing() -> None:
    """Do nothing. The default of a callback."""


class Transport(socket.socket):
    """A connected socket with timeouts, which is also the file from which stem reads lines.

    Python's own socket file costs as much CPU for each line as everything else done with the line.
    """

    def __init__(self, fileno: int, timing: Timing = DEFAULT_TIMING) -> None:
        super().__init__(fileno=fileno)
        self.timing = timing
        self.first_bytes = b""
        "The first bytes received, at most 80, for the error message about a peer that is no tor."
        self.failure: OSError | None = None
        "The error that ended the connection; None if either side closed it."
        self.on_silence: Callable[[], object] = do_nothing
        "Called by the reading thread after each ``silence_s`` of an allowed silence."
        self.unused_bytes = 0
        "Bytes received since the last BW event. The reader of events sets it to 0."
        # Of silence before a read fails; 0 means the first ``silence_s``.
        self._allowed_silence_s = 0.0
        self._lines: deque[bytes] = deque()
        self._incomplete_line = b""
        self._ended = False  # by either side: later errors are not the cause of the end
        self.settimeout(timing.silence_s)

    def makefile(self, *_: Any, **__: Any) -> Any:
        """Return itself: it has the methods of a file that stem needs."""
        return self

    def readline(self) -> bytes:
        """Return the next line with its newline, or an empty one at the end of the stream.

        Raises OSError if the connection fails, if it is silent for too long, or if the line is
        too long.
        """
        while not self._lines:
            data = self._receive()
            if not data:
                last, self._incomplete_line = self._incomplete_line, b""
                return last
            if data.find(b"\n") == len(data) - 1 and not self._incomplete_line:
                return data  # the usual case: one event
            *complete, self._incomplete_line = (self._incomplete_line + data).split(b"\n")
            self._lines.extend([line + b"\n" for line in complete])
            if len(self._incomplete_line) > self.timing.max_line_bytes:
                self.fail("it sent a line without an end")
        return self._lines.popleft()

    def write(self, data: bytes) -> None:
        """Send all of the data."""
        self.sendall(data)

    def flush(self) -> None:
        """Do nothing: ``write`` has sent everything."""

    def _receive(self) -> bytes:
        """Return the next bytes, or none at the end of the stream. Raises OSError on a failure."""
        try:
            data = self._receive_or_wait()
        except OSError as error:
            raise self._store_failure(error) from None
        if not data:
            self._ended = True
        if len(self.first_bytes) < FIRST_BYTES:
            self.first_bytes = (self.first_bytes + data)[:FIRST_BYTES]
        self.unused_bytes += len(data)
        if self.unused_bytes > self.timing.max_unused_bytes:
            self.fail(f"it sent {self.timing.max_unused_bytes} bytes without a BW event")
        return data

    def _receive_or_wait(self) -> bytes:
        silent_s = 0.0
        while True:
            try:
                return self.recv(CHUNK_BYTES)
            except TimeoutError:
                # After ^Z and fg the timeout is over, but there are bytes to read.
                if not select.select([self], [], [], 0)[0]:
                    silent_s += self.timing.silence_s
                    if silent_s > self._allowed_silence_s:
                        raise
                    self.on_silence()

    def _store_failure(self, error: OSError) -> OSError:
        if not self._ended:
            self.failure = error
        return error

    def allow_silence(self) -> None:
        """Allow silences of up to ``give_up_after_s`` seconds, from the next read on."""
        self._allowed_silence_s = self.timing.give_up_after_s

    def close(self) -> None:
        """Close the socket."""
        self._ended = True
        super().close()

    def fail(self, reason: str) -> NoReturn:
        """Raise an OSError with this reason, and store it as the failure."""
        raise self._store_failure(OSError(reason))

    def hang_up(self) -> None:
        """End the connection, from any thread. A thread that is reading from it returns."""
        self._ended = True
        with suppress(OSError):  # it may be closed already
            self.shutdown(socket.SHUT_RDWR)


def wrap(connected: socket.socket, timing: Timing = DEFAULT_TIMING) -> Transport:
    """Turn a connected socket into a transport. The socket object cannot be used afterwards."""
    return Transport(connected.detach(), timing)


def connect(endpoint: Endpoint, timing: Timing = DEFAULT_TIMING) -> Transport:
    """Connect to an endpoint.

    Raises OSError if that fails (socket.gaierror for an unknown host name), and UnicodeError if
    the host name cannot be encoded.
    """
    match endpoint:
        case ControlPort(host, port):
            return wrap(_connect_tcp(host, port, timing.silence_s), timing)
        case ControlSocket(path):
            return wrap(_connect_unix(path, timing.silence_s), timing)
        case DemoEndpoint(name):
            raise OSError(f"{name} is not an address")


def _connect_tcp(host: str, port: int, timeout: float) -> socket.socket:
    # For a name of type str Python loads Unicode tables of 700 kB.
    name: Any = host.encode() if host.isascii() else host
    return socket.create_connection((name, port), timeout=timeout)


def _connect_unix(path: str, timeout: float) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("this system has no such sockets")
    unix_socket = socket.socket(socket.AF_UNIX)
    try:
        unix_socket.settimeout(timeout)
        unix_socket.connect(path)
    except BaseException:  # such as ^C: the socket is closed whatever ended the attempt
        unix_socket.close()
        raise
    return unix_socket


def is_listening(endpoint: Endpoint, timing: Timing = DEFAULT_TIMING) -> bool:
    """Return whether the endpoint accepts a connection within ``probe_timeout_s`` seconds."""
    try:
        match endpoint:
            case ControlPort(host, port):
                _connect_tcp(host, port, timing.probe_timeout_s).close()
            case ControlSocket(path):
                _connect_unix(path, timing.probe_timeout_s).close()
            case _:
                return False
    except (OSError, UnicodeError):
        return False
    return True
