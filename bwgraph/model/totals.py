"""The bytes that a tor has moved in total, its restarts, and what it moved unwatched.

Owns the totals. They start with tor's own counters if it answers for them, and grow with each
sample. When the tor process ends, its totals end too. Must not know how tor is asked, nor what is
shown. Samples are added under the feed's lock, and other events by the source's thread. No sample
of a connection is added before its ``Connected`` is. Each field therefore has one writer at a time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.events import Connected, CounterBase, Sample

UPTIME_ROUNDING_S = 2.0
"The error of an uptime: tor gives it in whole seconds, and answers a moment after it is asked."

COUNTER_SLACK_BYTES = 1 << 24
"""Bytes by which the first answer may be too high. Tor counts between its events, too, and moves
this much in a second at 16 MiB/s."""

MAX_REMEMBERED_EVENTS = 64
"The most restarts, and the most gaps, that are remembered: more than fit on a screen."


class Total(NamedTuple):
    """Bytes moved since some time."""

    read: int
    written: int
    since: float | None
    "None for a sum, or if tor did not give its uptime."
    since_tor_started: bool
    "Whether it is since tor started, and not only since bwgraph connected."
    of_several: bool = False
    "Whether it is a sum of several tors, each since a time of its own."


class Unseen(NamedTuple):
    """Bytes that tor moved at unknown times between two connections."""

    begin: float
    end: float
    read: int
    written: int


class _TorProcess(NamedTuple):
    """A tor process, and the base of its totals."""

    first_heard: float
    "When it first answered."
    process_id: str
    uptime: float | None
    "Its answer at that time."
    since: float | None
    since_tor_started: bool
    base_read: int
    "Bytes of the total that are not in samples; negative if samples are of an earlier process."
    base_written: int
    read_before_connection: int = 0
    "Bytes of all samples when the present connection began."
    written_before_connection: int = 0
    gap_before: bool = False
    "Whether the newest gap is the one before the present connection."


class Totals:
    """The total of one tor.

    >>> totals = Totals()
    >>> counters = CounterBase(5000, 500)
    >>> totals.connected(Connected(100.0, "9051", counters=counters, uptime=40.0), None)
    >>> totals.add(Sample(101.0, 7, 3, 1.0))
    >>> totals.total()
    Total(read=5007, written=503, since=60.0, since_tor_started=True, of_several=False)
    """

    def __init__(self) -> None:
        self.restarts: tuple[float, ...] = ()
        "When each later tor process started, calculated from its uptime if tor gave it."
        self.unseen: tuple[Unseen, ...] = ()
        "What tor moved while there was no connection."
        self._read = 0
        self._written = 0
        self._missing = (0, 0)  # bytes that samples lacked, and that were added afterwards
        self._process: _TorProcess | None = None

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self._read += sample.read
        self._written += sample.written

    def sample_bytes(self) -> tuple[int, int]:
        """Return the bytes read and written in all samples, of every tor process.

        Neither number ever falls. May be called from any thread.
        """
        return self._read + self._missing[0], self._written + self._missing[1]

    def add_missing(self, missing: Sample) -> None:
        """Count bytes that a sample lacked. May run at the same time as ``add``."""
        read, written = self._missing
        self._missing = read + missing.read, written + missing.written

    def connected(self, event: Connected, last_heard: float | None) -> None:
        """Start the totals of a connection.

        ``last_heard`` is when the last data of a lost connection arrived; None if none was lost.
        """
        before = self._process
        all_read, all_written = self.sample_bytes()
        restarted = before is not None and self._is_another_process(before, event)
        if restarted:
            started = event.at if event.uptime is None else event.at - event.uptime
            when = started if last_heard is None else max(started, last_heard)
            self.restarts = (*self.restarts, when)[-MAX_REMEMBERED_EVENTS:]
        process = before
        has_counters = event.counters is not None
        if process is None or restarted or process.since_tor_started is not has_counters:
            process = self._new_process(event)
        gap: Unseen | None = None
        if event.counters is not None:
            process = process._replace(
                base_read=event.counters.read - all_read,
                base_written=event.counters.written - all_written,
            )
            if before is not None and not restarted and last_heard is not None:
                gap = _gap_between(before, process, last_heard, event.at)
            if gap is not None:
                self.unseen = (*self.unseen, gap)[-MAX_REMEMBERED_EVENTS:]
        self._process = process._replace(
            read_before_connection=all_read,
            written_before_connection=all_written,
            gap_before=gap is not None,
        )

    def update_base(self, answer: CounterBase) -> None:
        """Use a later answer if it is lower."""
        process = self._process
        if process is None or not process.since_tor_started:
            return
        lower = process._replace(
            base_read=min(process.base_read, answer.read - process.read_before_connection),
            base_written=min(
                process.base_written, answer.written - process.written_before_connection
            ),
        )
        if process.gap_before:
            *others, last = self.unseen
            read = max(last.read - (process.base_read - lower.base_read), 0)
            written = max(last.written - (process.base_written - lower.base_written), 0)
            self.unseen = (*others, last._replace(read=read, written=written))
        self._process = lower

    def total(self) -> Total | None:
        """Return the present total; None before the first connection."""
        process = self._process
        if process is None:
            return None
        read, written = self.sample_bytes()
        return Total(
            process.base_read + read,
            process.base_written + written,
            process.since,
            process.since_tor_started,
        )

    def _new_process(self, event: Connected) -> _TorProcess:
        """Return a tor process whose total is 0, until its counters are added to it."""
        has_counters = event.counters is not None
        read, written = self.sample_bytes()
        started = None if event.uptime is None else event.at - event.uptime
        return _TorProcess(
            first_heard=event.at,
            process_id=event.process,
            uptime=event.uptime,
            since=started if has_counters else event.at,
            since_tor_started=has_counters,
            base_read=-read,
            base_written=-written,
        )

    def _is_another_process(self, before: _TorProcess, event: Connected) -> bool:
        """Return whether a connection is to another tor process than the one before.

        Two processes may have the same number if each is in a container. But neither the uptime nor
        the counters of one process ever fall.
        """
        if event.process and before.process_id and event.process != before.process_id:
            return True
        if event.uptime is not None and before.uptime is not None:
            if event.uptime < before.uptime:
                return True
            # Time during which tor was stopped, or its machine was suspended, is not in its uptime.
            # An uptime that is too low therefore proves nothing if the process is the same.
            same = event.process and event.process == before.process_id
            if not same and event.uptime + UPTIME_ROUNDING_S < event.at - before.first_heard:
                return True
        if event.counters is None or not before.since_tor_started:
            return False
        read, written = self.sample_bytes()
        return (
            event.counters.read + COUNTER_SLACK_BYTES < before.base_read + read
            or event.counters.written + COUNTER_SLACK_BYTES < before.base_written + written
        )


class SumTotals:
    """The sum of several totals. Each of them counts its own samples."""

    def __init__(self, members: Iterable[Totals]) -> None:
        self._members = tuple(members)
        self.restarts = tuple(sorted(when for member in self._members for when in member.restarts))
        "The restarts of all members when this was created, in order."
        self.unseen = tuple(gap for member in self._members for gap in member.unseen)
        "What the members moved between their connections, when this was created."

    def sample_bytes(self) -> tuple[int, int]:
        """Return the bytes read and written in all samples of all members."""
        pairs = [member.sample_bytes() for member in self._members]
        return sum(read for read, _ in pairs), sum(written for _, written in pairs)

    def total(self) -> Total | None:
        """Return the sum of the members' totals; None before the first connection of any."""
        totals = [total for member in self._members if (total := member.total()) is not None]
        if not totals:
            return None
        return Total(
            sum(total.read for total in totals),
            sum(total.written for total in totals),
            since=None,
            since_tor_started=all(total.since_tor_started for total in totals),
            of_several=True,
        )


def _gap_between(
    before: _TorProcess, after: _TorProcess, begin: float, end: float
) -> Unseen | None:
    """Return what a tor process moved between two connections; None if nothing or unknown."""
    if not before.since_tor_started:
        return None
    read = max(after.base_read - before.base_read, 0)
    written = max(after.base_written - before.base_written, 0)
    return Unseen(begin, end, read, written) if read or written else None
