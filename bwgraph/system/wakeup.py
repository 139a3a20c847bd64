"""What wakes the main loop up besides a key: other threads, and signals.

Owns a pipe, the signal handlers and the waiting. A thread's poke is a zero byte in the pipe and a
signal is its number, written there by the interpreter at once; the handlers themselves do nothing.
So the loop waits in one place for everything, and every signal is dealt with there and nowhere
else. Owns as well how all this goes on Windows, which has fewer signals, whose ``select`` takes
neither a pipe nor a console, and where no signal ends the waiting for a lock.
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

KEY_POLL_S = 0.05
"Seconds from one look at the keyboard to the next, where it cannot be waited for."

MAX_LOCK_WAIT_S = KEY_POLL_S if sys.platform == "win32" else threading.TIMEOUT_MAX
"Seconds for which the main thread may wait for a lock at once, so that ^C is heard."


class Readable(Protocol):
    """What may be waited for."""

    def fileno(self) -> int:
        """The system's number for it."""


_Terminal = TypeVar("_Terminal", bound=Readable)


class Wakeup:
    """A context in which ``CAUGHT_SIGNALS`` arrive in ``drain`` instead of doing what they do."""

    def __init__(self) -> None:
        self._channel = Sockets() if sys.platform == "win32" else Pipe()
        self._before: dict[int, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        self._fd_before = signal.set_wakeup_fd(self._channel.writer, warn_on_full_buffer=False)
        self._before = {number: signal.getsignal(number) for number in CAUGHT_SIGNALS}
        self.catch(CAUGHT_SIGNALS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._fd_before)
        self._channel.close()

    def catch(self, numbers: Iterable[int]) -> None:
        """Take these signals, whoever else has taken them meanwhile. One set to be ignored is."""
        for number in numbers:
            if self._before.get(number) is not signal.SIG_IGN:
                signal.signal(number, _no_op_handler)

    def fileno(self) -> int:
        """Readable when there is something to ``drain``."""
        return self._channel.reader

    def wait(self, terminal: _Terminal, seconds: float) -> list["_Terminal | Wakeup"]:
        """Sleep for so long, or until there is a key or something to ``drain``; which of the two.

        Where a terminal cannot be waited for, the answer is soon that there may be a key.
        """
        both: list[_Terminal | Wakeup] = [terminal, self]
        if sys.platform == "win32":
            return [terminal, *select.select([self], [], [], min(seconds, KEY_POLL_S))[0]]
        return select.select(both, [], [], seconds)[0]

    def poke(self) -> None:
        """Wake the loop up, from any thread; never blocks, never raises."""
        # When the pipe is full the loop wakes up anyway; and there may be no loop any more.
        with suppress(OSError):
            self._channel.write(b"\0")

    def drain(self) -> list[int]:
        """Take what is there: the numbers of signals, each once, in the order they came."""
        try:
            data = self._channel.read(65536)
        except BlockingIOError:
            return []
        return list(dict.fromkeys(byte for byte in data if byte))


class Pipe:
    """A pipe of the system's; neither end blocks."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        if sys.platform != "win32":
            os.set_blocking(self.reader, False)
            os.set_blocking(self.writer, False)

    def read(self, most: int) -> bytes:
        """What is there; BlockingIOError if nothing is."""
        return os.read(self.reader, most)

    def write(self, data: bytes) -> None:
        """Put this in; an OSError if it does not fit or is too late."""
        os.write(self.writer, data)

    def close(self) -> None:
        """Read no more."""
        os.close(self.reader)
        # The writer stays open: a thread that is late with its poke must not hit another file.


class Sockets:
    """The same of two sockets, for Windows."""

    def __init__(self) -> None:
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self.reader, self.writer = self._near.fileno(), self._far.fileno()

    def read(self, most: int) -> bytes:
        """What is there; BlockingIOError if nothing is."""
        return self._near.recv(most)

    def write(self, data: bytes) -> None:
        """Put this in; an OSError if it does not fit or is too late."""
        self._far.send(data)

    def close(self) -> None:
        """Take no more; a socket that is closed knows it, unlike a number."""
        self._near.close()
        self._far.close()


def _no_op_handler(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number is in the pipe."""
