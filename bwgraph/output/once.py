"""One look, without a screen: watch a tor for a while, and stop.

Owns how long that is: until the first sample is there, or for as long as was asked. Must not know
what becomes of it.
"""

from collections.abc import Mapping

from bwgraph.model.errors import Refusal
from bwgraph.model.events import Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output.event_queue import Inbox
from bwgraph.system.clock import now

OTHERS = 2.0
"Seconds that the others are waited for when the first of several tors has told a sample."


def watch(
    sources: Mapping[Instance, Source], fleet: Fleet, seconds: float | None
) -> Refusal | None:
    """Let the fleet be told by the sources, for so many seconds from the first sample on.

    None: until there is a first sample of each, or the others have been waited for. Returns why
    nothing will come of it if there is nothing to wait for.
    """
    deadline: float | None = None
    seen: set[Instance] = set()  # and not only told of by what a tor remembers
    with Inbox(sources, fleet) as inbox:
        while True:
            news = inbox.next(None if deadline is None else deadline - now())
            if news is None:
                return None
            if (refusal := fleet.refusal) is not None:
                return refusal
            if isinstance(news.event, Sample):
                seen.add(news.instance)
                if deadline is None:
                    deadline = now() + (OTHERS if seconds is None else seconds)
            if seconds is None and seen.issuperset(fleet.instances):
                return None
