"""The queue of all sources' events, for a program without a screen.

Owns the queue between the sources' threads and the main thread, which reads it. Must not know what
the reader does with an event.
"""

import math
import queue
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from bwgraph.model.events import Event, Refused, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.fleet_feed import FleetFeed
from bwgraph.model.instance import Instance
from bwgraph.system import threads
from bwgraph.system.clock import SystemClock, now
from bwgraph.system.wakeup import MAX_LOCK_WAIT_S

MAX_QUEUED_SAMPLES = 4096
"The maximum number of samples for a reader that is blocked: over an hour of one tor."

MAX_QUEUED_OTHER_EVENTS = 1024
"The maximum number of other events in addition. A tor may send any number of errors."


class QueuedEvent(NamedTuple):
    """An event of a tor, and when it happened."""

    instance: Instance
    name: str
    "The tor's location at the time of the event."
    event: Event
    wall_clock: datetime
    "The wall clock's time of the event; for a sample, of its end."
    dropped_samples: int
    "The number of samples, since the start, that were dropped before this event."


class EventQueue:
    """A context in which the sources run. Their events go to the fleet and into the queue.

    If the reader is blocked, the queue drops samples, and then other events, when it is full. A
    Refused event is never dropped. The fleet gets every event.
    """

    def __init__(self, sources: Mapping[Instance, Source], fleet: Fleet) -> None:
        self._sources = sources
        self._fleet = fleet
        self._feed = FleetFeed(fleet, threading.Lock())
        self._queue: queue.SimpleQueue[QueuedEvent | None] = queue.SimpleQueue()
        self._missed_samples = 0
        self._clock = SystemClock()
        self._exit_stack = ExitStack()

    def __enter__(self) -> Self:
        self._exit_stack.enter_context(
            threads.report_uncaught(
                lambda problem: self.handle(self._fleet.instances[0], problem), self._clock.read
            )
        )
        self._flush()
        # Runs after the sources are closed: the recorder must get their last samples.
        self._exit_stack.callback(self._flush)
        for instance, source in self._sources.items():
            self._exit_stack.callback(source.close)
            source.start(partial(self.handle, instance))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit_stack.close()

    def next(self, seconds: float | None = None) -> QueuedEvent | None:
        """Wait for the next event, and have the fleet handle it before it is returned.

        Returns None if there is no event within ``seconds``, or when ``stop`` was called.
        """
        event = self._get(seconds)
        self._flush()
        return event

    def stop(self) -> None:
        """End the queue after the events that are in it. A signal handler may call this."""
        self._queue.put(None)

    def handle(self, instance: Instance, event: Event) -> None:
        """Take an event from a source. May be called from any thread."""
        self._feed.handle(instance, event)
        limit = MAX_QUEUED_SAMPLES
        if not isinstance(event, Sample):
            limit += MAX_QUEUED_OTHER_EVENTS
        if self._queue.qsize() >= limit and not isinstance(event, Refused):
            self._missed_samples += isinstance(event, Sample)
            return
        moment = self._clock.read()
        wall_clock = (
            moment.wall_time(event.ends_at) if isinstance(event, Sample) else moment.wall_clock
        )
        self._queue.put(
            QueuedEvent(instance, instance.location, event, wall_clock, self._missed_samples)
        )

    def _get(self, seconds: float | None) -> QueuedEvent | None:
        left = math.inf if seconds is None else max(seconds, 0.0)
        while True:
            timeout = min(left, MAX_LOCK_WAIT_S)
            try:
                return self._queue.get(timeout=timeout)
            except queue.Empty:
                left -= timeout
                if left <= 0.0:
                    return None

    def _flush(self) -> None:
        self._feed.flush(now())
