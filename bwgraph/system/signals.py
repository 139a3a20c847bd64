"""Signals that end or suspend the program.

Owns which signals end the program, and what they do while no main loop handles them. Must not know
what the program does.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType


def available(*names: str) -> tuple[signal.Signals, ...]:
    """Return the signals of these names that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


FATAL_SIGNALS = available("SIGTERM", "SIGHUP", "SIGBREAK")
"The signals that end the program. Windows sends SIGBREAK when the console is closed."

END_SIGNALS = (signal.SIGINT, *FATAL_SIGNALS)
"FATAL_SIGNALS and SIGINT."

Handler = Callable[[int, FrameType | None], None]

STOP_TIMEOUT_S = 2.0
"Seconds after a signal until the program is killed, if it has not ended."


def end_by_signal(number: int) -> None:
    """End the program by a signal, so that its exit status says so."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def end_by_broken_pipe() -> None:
    """End the program by SIGPIPE, as ``cat`` does when its reader has gone.

    Returns on Windows, which has no SIGPIPE.
    """
    if sys.platform != "win32":
        end_by_signal(signal.SIGPIPE)


def suspend() -> None:
    """Stop the program as ^Z does by default; return when it is continued."""
    if sys.platform != "win32":  # Windows has no ^Z
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)


@contextmanager
def installed_handlers(handlers: Mapping[int, Handler]) -> Iterator[None]:
    """Install signal handlers, and restore the previous ones on exit."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def unless_ignored(handler: Handler, numbers: Iterable[int]) -> dict[int, Handler]:
    """Return the handler by signal, without the signals that are set to be ignored."""
    return {number: handler for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}


@contextmanager
def stop_on_signals(stop: Callable[[], object]) -> Iterator[list[int]]:
    """Have signals call ``stop`` instead of ending the program, unless they are ignored.

    Yields a list to which each signal that arrives is added. If the block does not end within
    ``STOP_TIMEOUT_S``, for example because a write blocks, the signal kills the program (but not on
    Windows).
    """
    arrived: list[int] = []

    def call_stop(number: int, _: FrameType | None) -> None:
        arrived.append(number)
        _set_alarm(STOP_TIMEOUT_S)
        stop()

    def give_up(number: int, _: FrameType | None) -> None:
        end_by_signal(arrived[0] if arrived else number)

    handlers = unless_ignored(call_stop, END_SIGNALS)
    if sys.platform != "win32":
        handlers[signal.SIGALRM] = give_up
    with installed_handlers(handlers):
        try:
            yield arrived
        finally:
            _set_alarm(0.0)


def _set_alarm(seconds: float) -> None:
    """Schedule SIGALRM, or cancel it if ``seconds`` is 0. Windows has no SIGALRM."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
