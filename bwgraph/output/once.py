"""One-shot output (--once, --svg): fills a fleet from its sources for a while, then stops.

Owns when that is over: at the first sample, or after a duration. Must not know what is made of the
fleet afterwards.
"""

from collections.abc import Mapping

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output.event_queue import EventQueue
from bwgraph.system.clock import now

WAIT_FOR_OTHERS_S = 2.0
"How long to wait for the other tors after the first sample, in seconds."


def watch(
    sources: Mapping[Instance, Source], fleet: Fleet, seconds: float | None
) -> ExplainedError | None:
    """Run the sources until ``seconds`` after the first sample of any tor.

    If ``seconds`` is None, until each tor has sent a sample, or ``WAIT_FOR_OTHERS_S`` have passed
    since the first. Returns the error if there is no tor to wait for.
    """
    deadline: float | None = None
    sampled: set[Instance] = set()  # tors that have sent a sample
    with EventQueue(sources, fleet) as events:
        while True:
            queued = events.next(None if deadline is None else deadline - now())
            if queued is None:
                return None
            if (error := fleet.final_error) is not None:
                return error
            if isinstance(queued.event, Sample):
                sampled.add(queued.instance)
                if deadline is None:
                    deadline = now() + (WAIT_FOR_OTHERS_S if seconds is None else seconds)
            if seconds is None and sampled.issuperset(fleet.instances):
                return None
