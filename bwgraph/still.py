"""One look, without a screen: watch a tor for a while, and stop.

Owns how long that is: until the first sample is there, or for as long as was asked. Must not know
what becomes of it.
"""

import queue

from bwgraph.clock import now
from bwgraph.instance import Instance
from bwgraph.sample import Sample
from bwgraph.source import Event, Refusal, Refused, Source


def watch(source: Source, instance: Instance, seconds: float | None) -> Refusal | None:
    """Let the instance be told by the source, for so many seconds from the first sample on.

    None: until there is a first sample, and no longer. Returns why nothing will come of it if the
    source has to give up.
    """
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def tell(event: Event) -> None:
        instance.tell(event)
        events.put(event)

    source.start(tell)
    deadline: float | None = None
    try:
        while True:
            try:
                event = events.get(timeout=None if deadline is None else max(deadline - now(), 0.0))
            except queue.Empty:
                return None
            if isinstance(event, Refused):
                return event.refusal
            if isinstance(event, Sample) and deadline is None:
                deadline = now() + (seconds or 0.0)
    finally:
        source.close()
