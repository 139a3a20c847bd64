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
from bwgraph.system.clock import Clocks
from bwgraph.system.wakeup import LONGEST

BACKLOG = 4096
"Samples kept for a reader that does not read: over an hour of one tor's."

MOST_ELSE = 1024
"Other news kept besides: a tor may send what is of no use as fast as it likes."


class News(NamedTuple):
    """Something that was told, of which tor and when; and how many samples were missed before."""

    instance: Instance
    where: str
    "The tor's, at that time."
    event: Event
    clock: datetime
    "What the wall clock showed when it came to be."
    missed: int


class Inbox:
    """A context in which the sources tell, and their fleet is told."""

    def __init__(self, sources: Mapping[Instance, Source], fleet: Fleet) -> None:
        self._sources = sources
        self._fleet = fleet
        self._queue: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._missed = 0
        self._clocks = Clocks()
        self._begun = ExitStack()

    def __enter__(self) -> Self:
        strays = threads.uncaught(
            lambda trouble: self._tell(self._fleet.instances[0], trouble), self._clocks.read
        )
        self._begun.enter_context(strays)
        for instance, source in self._sources.items():
            self._begun.callback(source.close)
            source.start(partial(self._tell, instance))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._begun.close()

    def next(self, seconds: float | None = None) -> News | None:
        """Wait for the next piece of news, for so long; None if there is none, or no more."""
        left = math.inf if seconds is None else max(seconds, 0.0)
        while True:
            turn = min(left, LONGEST)
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
        self._fleet.tell(instance, event)
        most = BACKLOG if isinstance(event, Sample) else BACKLOG + MOST_ELSE
        if self._queue.qsize() >= most and not isinstance(event, Refused):
            self._missed += isinstance(event, Sample)
        else:
            moment = self._clocks.read()
            clock = moment.wall(event.when) if isinstance(event, Sample) else moment.clock
            self._queue.put(News(instance, instance.where, event, clock, self._missed))
