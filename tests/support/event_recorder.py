"""Record the events of a source, and wait for what other threads do."""

import queue
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from bwgraph.model.events import Event, Problem, Sample

PATIENCE = 10.0
"The longest time that a test waits for something, in seconds."

Kind = TypeVar("Kind")


class EventRecorder:
    """A ``Report`` callback that records events and lets a test wait for them."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        "All events so far."
        self._unread: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._unread.put(event)

    def wait_for(self, kind: type[Kind]) -> Kind:
        """Wait for the next event of this class and return it; skip the others."""
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            try:
                event = self._unread.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(event, kind):
                return event
        message = f"no {kind.__name__}; recorded: {self.events}"
        raise AssertionError(message)

    @property
    def samples(self) -> list[Sample]:
        return [event for event in self.events if isinstance(event, Sample)]

    @property
    def problem_texts(self) -> list[str]:
        """The texts of the recorded problems."""
        return [event.text for event in self.events if isinstance(event, Problem)]


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds that another thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.002)


def running_threads() -> list[threading.Thread]:
    """Return the running threads of stem and of bwgraph."""
    names = ("Tor listener", "Event notifier", "bwgraph ")
    return [thread for thread in threading.enumerate() if thread.name.startswith(names)]
