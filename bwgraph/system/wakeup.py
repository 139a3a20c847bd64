"""What wakes the main loop besides a key: other threads, and signals.

Owns a pipe, the signal handlers and the waiting. A thread writes a zero byte to the pipe; for a
signal the interpreter writes its number, and the signal handlers themselves do nothing. So the loop
waits for everything in one place and handles every signal there. Also owns the differences on
Windows: it has fewer signals, its ``select`` accepts neither a pipe nor a console, and no signal
interrupts the wait for a lock.
"""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Protocol, Self, TypeVar

from bwgraph.system import signals

CAUGHT_SIGNALS = (*signals.END_SIGNALS, *signals.available("SIGWINCH", "SIGTSTP", "SIGCONT"))
"The signals that ``Wakeup`` catches."

KEY_POLL_S = 0.05
"Seconds between two checks for a key, where it is not possible to wait for one."

MAX_LOCK_WAIT_S = KEY_POLL_S if sys.platform == "win32" else threading.TIMEOUT_MAX
"The longest wait for a lock before Python can handle ^C, in seconds."


class Readable(Protocol):
    """An object that ``select`` can wait for."""

    def fileno(self) -> int:
        """Return the file descriptor."""


_Terminal = TypeVar("_Terminal", bound=Readable)


class Wakeup:
    """A context that catches ``CAUGHT_SIGNALS``; ``drain`` returns those that arrived."""

    def __init__(self) -> None:
        self._channel = Sockets() if sys.platform == "win32" else Pipe()
        self._handlers_before: dict[int, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        self._fd_before = signal.set_wakeup_fd(self._channel.writer, warn_on_full_buffer=False)
        self._handlers_before = {number: signal.getsignal(number) for number in CAUGHT_SIGNALS}
        self.catch(CAUGHT_SIGNALS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers_before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._fd_before)
        self._channel.close()

    def catch(self, numbers: Iterable[int]) -> None:
        """Catch these signals, even if something else has set a handler since ``__enter__``.

        Signals that were ignored before are left ignored.
        """
        for number in numbers:
            if self._handlers_before.get(number) is not signal.SIG_IGN:
                signal.signal(number, _no_op_handler)

    def fileno(self) -> int:
        """Return a file descriptor that is readable when ``drain`` has something to read."""
        return self._channel.reader

    def wait(self, terminal: _Terminal, seconds: float) -> list["_Terminal | Wakeup"]:
        """Wait for a key, a poke or a signal. Returns which of terminal and wakeup are readable.

        Windows cannot wait for a console: there the terminal is always in the result, after at
        most ``KEY_POLL_S``, whether or not there is a key.
        """
        both: list[_Terminal | Wakeup] = [terminal, self]
        if sys.platform == "win32":
            return [terminal, *select.select([self], [], [], min(seconds, KEY_POLL_S))[0]]
        return select.select(both, [], [], seconds)[0]

    def poke(self) -> None:
        """Wake the loop from any thread. Never blocks and never raises."""
        # If the pipe is full the loop wakes anyway; and the loop may have ended already.
        with suppress(OSError):
            self._channel.write(b"\0")

    def drain(self) -> list[int]:
        """Empty the pipe; return the signals that arrived, each once, in their order."""
        try:
            data = self._channel.read(65536)
        except BlockingIOError:
            return []
        return list(dict.fromkeys(byte for byte in data if byte))


class Pipe:
    """A pipe whose ends do not block."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        if sys.platform != "win32":  # for mypy
            os.set_blocking(self.reader, False)
            os.set_blocking(self.writer, False)

    def read(self, max_bytes: int) -> bytes:
        """Return what is in the pipe. Raises BlockingIOError if it is empty."""
        return os.read(self.reader, max_bytes)

    def write(self, data: bytes) -> None:
        """Write to the pipe. Raises OSError if it is full or its reader is closed."""
        os.write(self.writer, data)

    def close(self) -> None:
        """Close the reader."""
        os.close(self.reader)
        # The writer stays open. A thread that pokes too late must not write to another file that
        # was opened meanwhile under the same number.


class Sockets:
    """A pair of sockets that is used as a pipe on Windows."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.reader, self.writer = self._near.fileno(), self._far.fileno()

    def read(self, max_bytes: int) -> bytes:
        """Return what was written. Raises BlockingIOError if there is nothing."""
        return self._near.recv(max_bytes)

    def write(self, data: bytes) -> None:
        """Write to the other socket. Raises OSError if it is full or closed."""
        self._far.send(data)

    def close(self) -> None:
        """Close both. Unlike a pipe's writer, a closed socket cannot write to another file."""
        self._near.close()
        self._far.close()


def _no_op_handler(number: int, frame: FrameType | None) -> None:
    """Do nothing: the interpreter has written the number to the pipe."""
