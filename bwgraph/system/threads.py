"""What may never end, for so long and no longer, and so many and no more.

Owns these bounds, and how long a while is for a program that may be stopped meanwhile: time in
which it was away itself says nothing of how long another takes.
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
"Seconds. Who has waited for so much longer than was asked for was away: by ^Z, or asleep."

GRACE_S = 1.2
"""Seconds to wait on after that: for what is there already to be read, and where the whole machine
slept for what comes next."""

Result = TypeVar("Result")


def run_with_timeout(seconds: float, task: Callable[[], Result], name: str) -> Result:
    """Run ``task`` in a daemon thread of this name and hand its result or exception over.

    Raises TimeoutError when it takes longer. The thread is then left to itself, so a task that
    may be given up needs a way to be told, and to mind what it does afterwards.
    """
    outcome: queue.SimpleQueue[tuple[Result] | Exception] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((task(),))
        except Exception as error:  # noqa: BLE001 - not handled but carried to the caller, whole
            outcome.put(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    for left in timeouts(seconds):
        try:
            result = outcome.get(timeout=left)
        except queue.Empty:
            continue
        if isinstance(result, Exception):
            raise result
        return result[0]
    raise TimeoutError


def timeouts(seconds: float) -> Iterator[float]:
    """How long to wait for something: so long, and once more if we were away meanwhile.

    >>> [left for left in timeouts(0.5)]
    [0.5]
    """
    end = now() + seconds
    yield max(seconds, 0.0)
    if seconds > 0 and now() > end + SUSPENDED_AFTER_S:
        yield GRACE_S


@contextmanager
def report_uncaught(
    tell: Callable[[Problem], object], moment: Callable[[], Moment]
) -> Iterator[None]:
    """Have each of them told as trouble, in place of what Python writes to standard error."""
    before = threading.excepthook

    def catch(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "a thread"
        what = f"{name} ended: {failure.exc_type.__name__}: {failure.exc_value}"
        tell(Problem(moment().now, what))

    threading.excepthook = catch
    try:
        yield
    finally:
        threading.excepthook = before
