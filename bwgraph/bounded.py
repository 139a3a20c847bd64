"""Doing something that may never end, for so long and no longer. Owns ``within``."""

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, task: Callable[[], Result], name: str) -> Result:
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
    try:
        result = outcome.get(timeout=max(seconds, 0.0))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise result
    return result[0]
