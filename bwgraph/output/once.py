"""One look, without a screen: watch a tor for a while, and stop.

Owns how long that is: until the first sample is there, or for as long as was asked. Must not know
what becomes of it.
"""

from collections.abc import Mapping

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output.event_queue import EventQueue
from bwgraph.system.clock import now

WAIT_FOR_OTHERS_S = 2.0
"Seconds that the others are waited for when the first of several tors has told a sample."


def watch(
    sources: Mapping[Instance, Source], fleet: Fleet, seconds: float | None
) -> ExplainedError | None:
    """Let the fleet be told by the sources, for so many seconds from the first sample on.

    None: until there is a first sample of each, or the others have been waited for. Returns why
    nothing will come of it if there is nothing to wait for.
    """
    deadline: float | None = None
    seen: set[Instance] = set()  # and not only told of by what a tor remembers
    with EventQueue(sources, fleet) as inbox:
        while True:
            news = inbox.next(None if deadline is None else deadline - now())
            if news is None:
                return None
            if (refusal := fleet.final_error) is not None:
                return refusal
            if isinstance(news.event, Sample):
                seen.add(news.instance)
                if deadline is None:
                    deadline = now() + (WAIT_FOR_OTHERS_S if seconds is None else seconds)
            if seconds is None and seen.issuperset(fleet.instances):
                return None
