"""What wakes the main loop up besides a key: other threads, and signals.

Owns a pipe and the signal handlers. A thread's poke is a zero byte in the pipe and a signal is its
number, written there by the interpreter at once; the handlers themselves do nothing. So the loop
waits in one place for everything, and every signal is dealt with there and nowhere else.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGCONT,
)


class Wakeup:
    """A context in which ``SIGNALS`` arrive in ``drain`` instead of doing what they do."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._before: dict[int, Any] = {}
        self._fd_before = -1

    def __enter__(self) -> Self:
        self._fd_before = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        self.catch(SIGNALS)
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
        os.close(self._reader)
        # The writer stays open: a thread that is late with its poke must not hit another file.

    def catch(self, numbers: Iterable[int]) -> None:
        """Take these signals, whoever else has taken them meanwhile. One set to be ignored is."""
        for number in numbers:
            if self._before.get(number) is not signal.SIG_IGN:
                signal.signal(number, _leave_it_to_the_pipe)

    def fileno(self) -> int:
        """Readable when there is something to ``drain``."""
        return self._reader

    def poke(self) -> None:
        """Wake the loop up, from any thread; never blocks, never raises."""
        # When the pipe is full the loop wakes up anyway; and there may be no loop any more.
        with suppress(OSError):
            os.write(self._writer, b"\0")

    def drain(self) -> list[int]:
        """Take what is there: the numbers of signals, each once, in the order they came."""
        try:
            data = os.read(self._reader, 65536)
        except BlockingIOError:
            return []
        return list(dict.fromkeys(byte for byte in data if byte))


def _leave_it_to_the_pipe(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number is in the pipe."""
