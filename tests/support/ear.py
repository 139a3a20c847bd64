"""Someone for a source to tell things to, and waiting for what other threads do."""

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from bwgraph.model.events import Event, Problem, Sample

PATIENCE = 10.0
"Seconds after which what a test waits for is not going to come."

Kind = TypeVar("Kind")


class Ear:
    """A ``Report`` that keeps what it hears, and can be waited on."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self._unseen: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        self.heard.append(event)
        self._unseen.put(event)

    def wait_for(self, kind: type[Kind]) -> Kind:
        """The next of this kind; what comes before it is passed over."""
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self._unseen.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(event, kind):
                return event
        message = f"no {kind.__name__} came; heard: {self.heard}"
        raise AssertionError(message)

    @property
    def samples(self) -> list[Sample]:
        return [event for event in self.heard if isinstance(event, Sample)]

    @property
    def troubles(self) -> list[str]:
        return [event.text for event in self.heard if isinstance(event, Problem)]


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until it is so; for what another thread does without telling."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it never came to be that {what}"
        time.sleep(0.002)


def threads_at_work() -> list[threading.Thread]:
    """The threads of stem and of bwgraph that are alive."""
    names = ("Tor listener", "Event notifier", "bwgraph ")
    return [thread for thread in threading.enumerate() if thread.name.startswith(names)]
