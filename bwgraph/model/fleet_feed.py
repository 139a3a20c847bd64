"""A buffer for samples between the sources' threads and a fleet.

Owns which thread hands a sample to the fleet, and how many samples may wait. Must not know what
the main thread does with the fleet, nor read a clock: the time is an argument.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager

from bwgraph.model.events import Event, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance

BLOCKED_AFTER_S = 2.0
"""Seconds since the last ``flush`` after which a sample is handed over at once. The main thread
may be blocked for hours, by a terminal or a pipe that is not read, but the recorder and the
exporter must still get the samples."""

MAX_WAITING_SAMPLES = 1024
"The maximum number of samples that wait for ``flush``."


class FleetFeed:
    """A buffer between the threads of the sources and a fleet.

    A sample waits until the main thread calls ``flush``. To handle the samples of many tors in one
    go takes a quarter of the CPU time of handling each when it arrives. Any other event is handed
    to the fleet at once, after the samples that wait. So the events of each tor stay in order.

    ``due_at`` converts the time of a sample to the clock of ``flush``, if that is another one.
    """

    def __init__(
        self,
        fleet: Fleet,
        lock: AbstractContextManager[object],
        due_at: Callable[[float], float] = lambda when: when,
    ) -> None:
        self._fleet = fleet
        self._lock = lock
        self._due_at = due_at
        self._waiting: deque[tuple[Instance, Sample]] = deque()
        self._flushed_at = 0.0

    def handle(self, instance: Instance, event: Event) -> None:
        """Take an event from a source. May be called from any thread."""
        if not isinstance(event, Sample):
            self._hand_over()
            self._fleet.handle(instance, event)
            return
        self._waiting.append((instance, event))
        blocked = self._due_at(event.ends_at) - self._flushed_at > BLOCKED_AFTER_S
        if blocked or len(self._waiting) > MAX_WAITING_SAMPLES:
            self._hand_over()

    def flush(self, now: float) -> None:
        """Hand the waiting samples to the fleet. The main thread calls this whenever it runs."""
        self._flushed_at = now
        self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            # Not "while self._waiting": if samples never stop arriving, that would never end.
            for _ in range(len(self._waiting)):
                self._fleet.handle(*self._waiting.popleft())
