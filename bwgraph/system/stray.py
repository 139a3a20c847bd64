"""Exceptions that end a thread, ours or one of stem's, and have nowhere to go.

Owns the hook that brings them before the user. Must not know how that is done.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bwgraph.model.events import Trouble
from bwgraph.model.moment import Moment


@contextmanager
def told(tell: Callable[[Trouble], object], moment: Callable[[], Moment]) -> Iterator[None]:
    """Have each of them told as trouble, in place of what Python writes to standard error."""
    before = threading.excepthook

    def catch(failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread else "a thread"
        what = f"{name} ended: {failure.exc_type.__name__}: {failure.exc_value}"
        tell(Trouble(moment().now, what))

    threading.excepthook = catch
    try:
        yield
    finally:
        threading.excepthook = before
