"""Where samples come from: the shape of every source, and all that a source can tell.

Owns the ``Source`` protocol and its events. A source tells things one way, from whatever thread it
likes; nothing is ever asked of the one who listens. Knows nothing of tor, demo or playback.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from bwgraph.model.errors import ExplainedError
from bwgraph.model.quota import Context

MAX_SAMPLE_BYTES = 1 << 40
"""Bytes. No sample is believed to hold more: tor's events go up to 4 GiB, and a day of these still
adds up in 63 bits."""


class Sample(NamedTuple):
    """Bytes that tor moved in one stretch of time.

    Tor's BW event holds "the bandwidth used in the last second" (control-spec, BW), in truth
    whatever was moved since the event before it, however long ago that was. So a sample carries
    the span that it covers, and the first event after a subscription, whose span nobody knows,
    is not a sample.
    """

    ends_at: float
    "When it arrived, in seconds on a monotonic clock; the span that it covers ends here."
    read: int
    "Bytes that tor received: the download."
    written: int
    "Bytes that tor sent: the upload."
    seconds: float
    "The length of the span that it covers."


class CounterBase(NamedTuple):
    """What tor's own counters say of the time before a connection's first sample.

    Tor counts on between its events, so what it answers may be a little too much by the time that
    it answers, and is never too little: of several answers the least is the best.
    """

    read: int
    written: int


class Connected(NamedTuple):
    """A tor has let us in and sends its events; its samples follow this."""

    at: float
    endpoint: str
    version: str = ""
    nickname: str = ""
    counters: CounterBase | None = None
    "None where tor's counters may not be asked for."
    uptime: float | None = None
    "Seconds since the tor process started; None where that may not be asked for."
    process: str = ""
    "What tells this tor process from another on the same machine; empty where that is not known."
    recent: tuple[Sample, ...] = ()
    "What tor remembers of the time just before, where that is known to be recent."


class Lost(NamedTuple):
    """A tor that was there is not, and will be tried again."""

    last_heard: float
    "When it was last heard of."
    reason: str
    retry_at: float
    "When the next try is."


class Ended(NamedTuple):
    """There is no more to be told, and that is as it should be."""

    reason: str
    "What has ended."


class Refused(NamedTuple):
    """No connection, and no more tries: the program cannot go on."""

    error: ExplainedError


class Wrapped(NamedTuple):
    """Bytes that an event lacked, since tor's events count to 4 GiB and begin again.

    The sample has the span of the event that it completes, which has been told already.
    """

    missing_bytes: Sample


class Problem(NamedTuple):
    """Something went wrong where nobody was looking, such as in a thread."""

    at: float
    text: str


class Described(NamedTuple):
    """What tor has told of itself besides its traffic. Each description replaces the one before."""

    at: float
    context: Context


Event = Sample | Connected | CounterBase | Wrapped | Lost | Ended | Refused | Problem | Described
Report = Callable[[Event], None]


class Source(Protocol):
    """Something that tells of one tor, from ``start`` to ``close``."""

    def start(self, report: Report) -> None:
        """Begin to tell; return at once."""

    def retry_now(self) -> None:
        """If waiting to try again, do not wait."""

    def close(self) -> None:
        """Stop, within a second; tell nothing more."""
