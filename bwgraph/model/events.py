"""The interface of every source of samples, and the events that a source sends.

Owns the ``Source`` protocol and its events. A source calls one function with its events, from any
thread, and never asks the receiver for anything. Must not know which sources there are.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from bwgraph.model.errors import ExplainedError
from bwgraph.model.quota import Context

MAX_SAMPLE_BYTES = 1 << 40
"""The most bytes that a sample from tor can hold. Tor's events hold at most 4 GiB, and a day of
samples of this size still adds up to less than 63 bits. A recorded sample can hold more
(``recording.format.MAX_RATE``)."""


class Sample(NamedTuple):
    """The bytes that tor moved in one span of time.

    Tor's BW event has "the bandwidth used in the last second" (control-spec, BW). In fact it has
    what was moved since the event before it, however long ago that was. A sample therefore has the
    span that it covers. The first event after a subscription covers an unknown span, and is not a
    sample.
    """

    ends_at: float
    "When it arrived, in seconds on a monotonic clock, which is the end of the span."
    read: int
    "Bytes that tor received: the download."
    written: int
    "Bytes that tor sent: the upload."
    seconds: float
    "The length of the span."


class CounterBase(NamedTuple):
    """The bytes that tor's own counters (GETINFO traffic/*) had before the first sample.

    Tor counts between its events, too. Its answer may therefore include a part of the first sample,
    but never lacks bytes: of several answers, the lowest is the most accurate.
    """

    read: int
    written: int


class Connected(NamedTuple):
    """A connection to a tor was authenticated and subscribed. Its samples follow."""

    at: float
    "When it happened."
    endpoint: str
    version: str = ""
    nickname: str = ""
    counters: CounterBase | None = None
    "None if tor did not answer."
    uptime: float | None = None
    "Seconds since the tor process started; None if tor did not answer."
    process: str = ""
    "An identifier of the tor process among those of one machine; empty if it is unknown."
    recent: tuple[Sample, ...] = ()
    "Samples of the time just before, from tor's event cache (GETINFO bw-event-cache)."


class Lost(NamedTuple):
    """There is no connection, or it is silent. The source will try again."""

    last_heard: float
    "When the last data arrived; when the source started if none did."
    reason: str
    retry_at: float
    "When the next attempt starts."


class Ended(NamedTuple):
    """The source has sent all its samples."""

    reason: str
    "What has ended."


class Refused(NamedTuple):
    """The first attempt to connect failed. A source that waits forever tries again."""

    error: ExplainedError


class Wrapped(NamedTuple):
    """Bytes that an earlier event lacked, because tor's events count modulo 4 GiB."""

    missing_bytes: Sample
    "A sample with the same span as the event that it completes, which was sent before."


class Problem(NamedTuple):
    """An error to show to the user. It does not change the state of the tor."""

    at: float
    text: str


class Described(NamedTuple):
    """A new description of a tor, which replaces the one before."""

    at: float
    context: Context


Event = Sample | Connected | CounterBase | Wrapped | Lost | Ended | Refused | Problem | Described
Report = Callable[[Event], None]


class Source(Protocol):
    """A sender of the events of one tor."""

    def start(self, report: Report) -> None:
        """Start to send events to ``report``. Returns at once."""

    def retry_now(self) -> None:
        """Start the next attempt now, if the source is waiting for it."""

    def close(self) -> None:
        """Stop within a second. No event is sent after this returns."""
