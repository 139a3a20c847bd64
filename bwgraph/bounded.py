"""What may never end, for so long and no longer, and so many and no more. Owns these bounds."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

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


class Shelf(queue.Queue[Any]):
    """A queue that never holds more than so many: of what comes when it is full, ``spilt`` is told.

    So whoever fills it neither waits nor takes all memory.

    >>> shelf = Shelf(1, print)
    >>> shelf.put("first")
    >>> shelf.put("second")
    second
    >>> shelf.get()
    'first'
    """

    def __init__(self, most: int, spilt: Callable[[Any], object]) -> None:
        super().__init__(most)
        self._spilt = spilt

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: ARG002 - as the original has it
        """Put it there if there is room."""
        try:
            super().put(item, block=False)
        except queue.Full:
            self._spilt(item)
