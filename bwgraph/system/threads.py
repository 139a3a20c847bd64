"""Timeouts for blocking calls, and uncaught exceptions of threads.

Owns how a timeout is extended when the program itself was suspended: that time says nothing about
how long a peer takes to answer.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from bwgraph.model.events import Problem
from bwgraph.model.moment import Moment
from bwgraph.system.clock import now

SUSPENDED_AFTER_S = 0.25
"""Seconds. If a wait took this much longer than its timeout, the program was suspended: by ^Z, or
because the machine was."""

GRACE_S = 1.2
"""Seconds by which a timeout is extended after a suspension: to read what has already arrived and,
if the machine was suspended, what the peer sends next."""

Result = TypeVar("Result")


def run_with_timeout(seconds: float, task: Callable[[], Result], name: str) -> Result:
    """Run ``task`` in a daemon thread of this name; return its result or raise its exception.

    Raises TimeoutError if it takes longer. The thread then continues, so ``task`` must have
    another way to learn that nobody waits for it.
    """
    outcome: queue.SimpleQueue[tuple[Result] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((task(),))
        except Exception as error:  # noqa: BLE001 - the caller gets it
            outcome.put(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    for timeout in timeouts(seconds):
        try:
            result = outcome.get(timeout=timeout)
        except queue.Empty:
            continue
        if isinstance(result, Exception):
            raise result
        return result[0]
    raise TimeoutError


def timeouts(seconds: float) -> Iterator[float]:
    """Yield the timeout, then ``GRACE_S`` if the program was suspended during the wait.

    >>> list(timeouts(0.5))
    [0.5]
    """
    end = now() + seconds
    yield max(seconds, 0.0)
    if seconds > 0 and now() > end + SUSPENDED_AFTER_S:
        yield GRACE_S


@contextmanager
def report_uncaught(
    report: Callable[[Problem], object], moment: Callable[[], Moment]
) -> Iterator[None]:
    """Report each uncaught exception of a thread, instead of printing it to standard error."""
    before = threading.excepthook

    def report_exception(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "a thread"
        text = f"{name} ended: {failure.exc_type.__name__}: {failure.exc_value}"
        report(Problem(moment().now, text))

    threading.excepthook = report_exception
    try:
        yield
    finally:
        threading.excepthook = before
