"""Sources of one tor for the tests, and waits that are short enough for a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from event_recorder import EventRecorder

from bwgraph.model.events import Refused, Report
from bwgraph.tor.credentials import Credentials
from bwgraph.tor.endpoint import Endpoint
from bwgraph.tor.supervisor import TorSource
from bwgraph.tor.timing import Timing

LONG_S = 1000.0
"Seconds, longer than any test takes."

HASTY = Timing(
    reconnect_delays_s=(0.001,), first_counter_delay_s=LONG_S, first_describe_delay_s=LONG_S
)
"Reconnects at once, and never asks for counters or a description."

IMPATIENT = HASTY._replace(silence_s=0.3, grace_s=0.05, silent_watch_interval_s=0.05)
"Reports a short silence."

STRICT = IMPATIENT._replace(give_up_after_s=0.6)
"Closes a connection soon after reporting its silence."

LENIENT = IMPATIENT._replace(give_up_after_s=LONG_S)
"Reports a short silence, and keeps the silent connection."


@contextmanager
def started(
    *endpoints: Endpoint,
    report: Report,
    credentials: Credentials | None = None,
    timing: Timing = HASTY,
) -> Iterator[TorSource]:
    """Start a source, and close it at the end."""
    source = TorSource(endpoints, credentials or Credentials(), timing=timing)
    source.start(report)
    try:
        yield source
    finally:
        source.close()


def refused(
    *endpoints: Endpoint, credentials: Credentials | None = None, timing: Timing = HASTY
) -> Refused:
    """Return the ``Refused`` of a source none of whose endpoints accepts it."""
    recorder = EventRecorder()
    with started(*endpoints, report=recorder, credentials=credentials, timing=timing):
        return recorder.wait_for(Refused)
