"""What lines there are: each sample as it came or summed up by the interval, and gaps between them.

Owns where an interval begins and ends, what of a sample belongs to it, and what is called a gap.
Must not know how a line is written, nor what time it is.
"""

import math
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from bwgraph.model.binning import SLACK_S
from bwgraph.model.events import Sample
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.recording.format import Entry


@dataclass(slots=True)
class _Interval:
    """One that is being filled."""

    number: int
    "Counted from 1970; it ends at so many intervals."
    end: float = 0.0
    "Of what it covers so far, in seconds since 1970."
    read: int = 0
    written: int = 0
    seconds: float = 0.0


class Intervals:
    """Turns samples of tors, each in the order of its ``when``, into the entries of a recording.

    ``began`` is when the recording did, on the clock of the samples. ``every`` is the length of an
    interval in seconds, and these end where the wall clock shows a multiple of it; None: each
    sample is an entry.

    An interval's entry comes with the first sample after it, however long that takes: so what a
    late one has to say of the time before is never too late. An interval of which nothing is known
    is part of a gap; one of which something is tells by its seconds how much.

    >>> intervals = Intervals(started_at=99.0, every=5)
    >>> for second in (1, 2, 7):
    ...     time = datetime(2026, 1, 2, 3, 4, 3 + second, tzinfo=UTC)
    ...     for entry in intervals.add("a", "a", Sample(100.0 + second, 10, 1, 1.0), time):
    ...         print(f"{entry.time:%H:%M:%S}", entry.read, entry.seconds)
    03:04:05 20 2.0
    >>> now = datetime(2026, 1, 2, 3, 4, 14, tzinfo=UTC)
    >>> rest = intervals.close([("a", "a")], 111.0, now)
    >>> [(f"{entry.time:%H:%M:%S}", entry.read) for entry in rest]
    [('03:04:10', 10), ('03:04:14', None)]
    """

    def __init__(self, started_at: float, every: int | None = None) -> None:
        self._started_at = started_at
        self._every = every
        self._newest_at: dict[Hashable, float] = {}
        self._open: dict[Hashable, tuple[str, _Interval]] = {}

    def add(self, tor: Hashable, name: str, sample: Sample, time: datetime) -> Iterator[Entry]:
        """What is complete with this sample of a tor, which ended when the wall clock said so."""
        known = tor in self._newest_at
        gap = sample.ends_at - sample.seconds - self._newest_at.get(tor, self._started_at)
        if gap <= (SLACK_S if known else LATE_AFTER_S):
            gap = 0.0
        self._newest_at[tor] = sample.ends_at
        end = time.timestamp()
        begin = end - sample.seconds
        if self._every is None:
            if gap:
                yield Entry(_utc(begin), name, None, None, gap)
            yield Entry(time, name, sample.read, sample.written, sample.seconds)
            return
        numbers = self._numbers(tor, begin, end, self._every)
        yield from self._close_previous(tor, numbers[0], self._every)
        if gap:
            # What was the rest of an interval is told by that one's seconds.
            since = _ceil(begin - gap, self._every) if known else begin - gap
            until = (numbers[0] - 1) * self._every
            if until > since:
                yield Entry(_utc(until), name, None, None, until - since)
        yield from self._share(tor, name, sample, end, numbers)

    def close(
        self, tors: Iterable[tuple[Hashable, str]], now: float, time: datetime
    ) -> Iterator[Entry]:
        """What is not complete and will not be: as much of it as there is, and gaps up to the end.

        These are of all tors, by their names: of one that never came, too.
        """
        for name, interval in self._open.values():
            yield _entry(name, interval, interval.end)
        self._open.clear()
        for tor, name in tors:
            gap = now - self._newest_at.get(tor, self._started_at)
            if gap > LATE_AFTER_S:
                yield Entry(time, name, None, None, gap)

    def _numbers(self, tor: Hashable, begin: float, end: float, every: int) -> range:
        """The intervals that a span of time belongs to, at least one."""
        last = math.ceil(end / every)
        first = min(math.floor(begin / every) + 1, last)
        _, interval = self._open.get(tor, ("", None))
        # One that has been left is not gone back to, unless the wall clock was set back.
        if interval is not None and last >= interval.number:
            first = max(first, interval.number)
        return range(first, last + 1)

    def _close_previous(self, tor: Hashable, number: int, every: int) -> Iterator[Entry]:
        """The interval that a tor was in, if it now is in another."""
        name, interval = self._open.get(tor, ("", None))
        if interval is not None and interval.number != number:
            del self._open[tor]
            yield _entry(name, interval, interval.number * every)

    def _share(
        self, tor: Hashable, name: str, sample: Sample, end: float, numbers: range
    ) -> Iterator[Entry]:
        """Share a sample among intervals: even in time, and exact in bytes."""
        every, begin = self._every or 1, end - sample.seconds
        done, read, written = 0.0, 0, 0
        for number in numbers:
            yield from self._close_previous(tor, number, every)
            _, interval = self._open.setdefault(tor, (name, _Interval(number)))
            last = number == numbers[-1]
            part = 1.0 if last else (number * every - begin) / sample.seconds
            upto_read = sample.read if last else int(sample.read * part)
            upto_written = sample.written if last else int(sample.written * part)
            interval.read += upto_read - read
            interval.written += upto_written - written
            interval.seconds += (part - done) * sample.seconds
            interval.end = end if last else float(number * every)
            done, read, written = part, upto_read, upto_written


def _entry(name: str, interval: _Interval, end: float) -> Entry:
    return Entry(_utc(end), name, interval.read, interval.written, interval.seconds)


def _ceil(when: float, every: int) -> float:
    """When the interval ends that holds this moment."""
    return math.ceil(when / every) * every


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
