"""Ends by signals, and stops.

Owns which signals end the program, and what they do where no main loop takes them. Must not know
what is ended, and must not load anything that takes long: the splash has to be ready for them.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType


def available(*names: str) -> tuple[signal.Signals, ...]:
    """Those of the signals that this system has."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


FATAL_SIGNALS = available("SIGTERM", "SIGHUP", "SIGBREAK")
"What ends the program. SIGBREAK is what Windows makes of a console that is closed."

END_SIGNALS = (signal.SIGINT, *FATAL_SIGNALS)

Handler = Callable[[int, FrameType | None], None]

STOP_TIMEOUT_S = 2.0
"Seconds that there are for what is still to be done."


def end_by_signal(number: int) -> None:
    """End as a program does that leaves a signal to the system."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def end_by_broken_pipe() -> None:
    """End as ``cat`` does when its reader has seen enough; return where there is no such end."""
    if sys.platform != "win32":
        end_by_signal(signal.SIGPIPE)


def suspend() -> None:
    """Stop as a program does that leaves ^Z to the system; return when it goes on."""
    if sys.platform != "win32":  # where nothing can ask for it
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)


@contextmanager
def handled(handlers: Mapping[int, Handler]) -> Iterator[None]:
    """Have signals handled so, and as before when it is over."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def unless_ignored(handler: Handler, numbers: Iterable[int]) -> dict[int, Handler]:
    """This handler for each of these signals that is not set to be ignored."""
    return {number: handler for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}


@contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[list[int]]:
    """Have signals call ``suspend`` instead of ending the program. One set to be ignored is.

    Gives the signals that came. Whoever is stopped has some seconds to come to its end. It may
    hang, in writing to a reader that does not read: then the program dies of the signal after all.
    """
    came: list[int] = []

    def stop_it(number: int, _: FrameType | None) -> None:
        came.append(number)
        _set_alarm(STOP_TIMEOUT_S)
        stop()

    def give_up(number: int, _: FrameType | None) -> None:
        end_by_signal(came[0] if came else number)

    handlers = unless_ignored(stop_it, END_SIGNALS)
    if sys.platform != "win32":
        handlers[signal.SIGALRM] = give_up
    with handled(handlers):
        try:
            yield came
        finally:
            _set_alarm(0.0)


def _set_alarm(seconds: float) -> None:
    """Have SIGALRM come then, and never for 0; Windows has none."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
