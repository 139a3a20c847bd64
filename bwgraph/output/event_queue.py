"""What several sources tell, one after another, for a program without a screen.

Owns the queue between their threads and the one that reads. Must not know what is made of it.
"""

import math
import queue
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import NamedTuple, Self

from bwgraph.model.events import Event, Refused, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.system import threads
from bwgraph.system.clock import SystemClock
from bwgraph.system.wakeup import MAX_LOCK_WAIT_S

MAX_QUEUED_SAMPLES = 4096
"Samples kept for a reader that does not read: over an hour of one tor's."

MAX_QUEUED_OTHERS = 1024
"Other news kept besides: a tor may send what is of no use as fast as it likes."


class QueuedEvent(NamedTuple):
    """Something that was told, of which tor and when; and how many samples were missed before."""

    instance: Instance
    name: str
    "The tor's, at that time."
    event: Event
    wall_clock: datetime
    "What the wall clock showed when it came to be."
    missed_samples: int


class EventQueue:
    """A context in which the sources tell, and their fleet is told."""

    def __init__(self, sources: Mapping[Instance, Source], fleet: Fleet) -> None:
        self._sources = sources
        self._fleet = fleet
        self._queue: queue.SimpleQueue[QueuedEvent | None] = queue.SimpleQueue()
        self._missed = 0
        self._clocks = SystemClock()
        self._exit_stack = ExitStack()

    def __enter__(self) -> Self:
        strays = threads.report_uncaught(
            lambda trouble: self._tell(self._fleet.instances[0], trouble), self._clocks.read
        )
        self._exit_stack.enter_context(strays)
        for instance, source in self._sources.items():
            self._exit_stack.callback(source.close)
            source.start(partial(self._tell, instance))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._exit_stack.close()

    def next(self, seconds: float | None = None) -> QueuedEvent | None:
        """Wait for the next piece of news, for so long; None if there is none, or no more."""
        left = math.inf if seconds is None else max(seconds, 0.0)
        while True:
            turn = min(left, MAX_LOCK_WAIT_S)
            try:
                return self._queue.get(timeout=turn)
            except queue.Empty:
                left -= turn
                if left <= 0.0:
                    return None

    def stop(self) -> None:
        """Have no more news after those that are there. A signal's handler may call it."""
        self._queue.put(None)

    def _tell(self, instance: Instance, event: Event) -> None:
        self._fleet.handle(instance, event)
        most = (
            MAX_QUEUED_SAMPLES
            if isinstance(event, Sample)
            else MAX_QUEUED_SAMPLES + MAX_QUEUED_OTHERS
        )
        if self._queue.qsize() >= most and not isinstance(event, Refused):
            self._missed += isinstance(event, Sample)
        else:
            moment = self._clocks.read()
            clock = (
                moment.wall_time(event.ends_at) if isinstance(event, Sample) else moment.wall_clock
            )
            self._queue.put(QueuedEvent(instance, instance.location, event, clock, self._missed))
