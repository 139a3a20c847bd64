"""Conversion of samples to entries: one per sample or one per interval, and gaps.

Owns where an interval begins and ends, which part of a sample belongs to it, and what counts as a
gap. Must not know how a line is written, nor what time it is.
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
    """An interval that is being filled."""

    number: int
    "Intervals from 1970 to its end."
    covered_until: float = 0.0
    "The end of the time that it covers so far, in seconds since 1970."
    read: int = 0
    written: int = 0
    seconds: float = 0.0


class Intervals:
    """Turns the samples of tors into the entries of a recording.

    The samples of a tor must be added in the order of their ends. ``started_at`` is when the
    recording began, on the clock of the samples. ``every`` is the length of an interval in seconds;
    intervals end at multiples of it on the wall clock. If ``every`` is None, each sample is an
    entry.

    The entry of an interval is returned with the first sample after it, so that a late sample can
    still be part of it. Its ``seconds`` are those that are covered. Intervals without samples are
    part of a gap.

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
        """Add a sample of a tor, which ended at this wall time; yield the entries it completes."""
        has_samples = tor in self._newest_at
        gap = sample.ends_at - sample.seconds - self._newest_at.get(tor, self._started_at)
        if gap <= (SLACK_S if has_samples else LATE_AFTER_S):
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
            # The end of a partly covered interval is no part of the gap.
            gap_begin = _ceil(begin - gap, self._every) if has_samples else begin - gap
            gap_end = (numbers[0] - 1) * self._every
            if gap_end > gap_begin:
                yield Entry(_utc(gap_end), name, None, None, gap_end - gap_begin)
        yield from self._share(tor, name, sample, end, numbers, every=self._every)

    def close(
        self, tors: Iterable[tuple[Hashable, str]], now: float, time: datetime
    ) -> Iterator[Entry]:
        """End the recording: yield the unfinished intervals, and the gaps up to the end.

        ``tors`` are all tors with their names, including those without samples.
        """
        for name, interval in self._open.values():
            yield _entry(name, interval, interval.covered_until)
        self._open.clear()
        for tor, name in tors:
            gap = now - self._newest_at.get(tor, self._started_at)
            if gap > LATE_AFTER_S:
                yield Entry(time, name, None, None, gap)

    def _numbers(self, tor: Hashable, begin: float, end: float, every: int) -> range:
        """Return the numbers of the intervals that a span of time belongs to, at least one."""
        last = math.ceil(end / every)
        first = min(math.floor(begin / every) + 1, last)
        _, interval = self._open.get(tor, ("", None))
        # A closed interval is not opened again, unless the wall clock was set back.
        if interval is not None and last >= interval.number:
            first = max(first, interval.number)
        return range(first, last + 1)

    def _close_previous(self, tor: Hashable, number: int, every: int) -> Iterator[Entry]:
        """Yield the entry of a tor's open interval if it is not interval ``number``."""
        name, interval = self._open.get(tor, ("", None))
        if interval is not None and interval.number != number:
            del self._open[tor]
            yield _entry(name, interval, interval.number * every)

    def _share(
        self, tor: Hashable, name: str, sample: Sample, end: float, numbers: range, *, every: int
    ) -> Iterator[Entry]:
        """Share a sample among intervals, evenly in time and without losing a byte."""
        begin = end - sample.seconds
        shared, read, written = 0.0, 0, 0
        for number in numbers:
            yield from self._close_previous(tor, number, every)
            _, interval = self._open.setdefault(tor, (name, _Interval(number)))
            is_last = number == numbers[-1]
            fraction = 1.0 if is_last else (number * every - begin) / sample.seconds
            read_until = sample.read if is_last else int(sample.read * fraction)
            written_until = sample.written if is_last else int(sample.written * fraction)
            interval.read += read_until - read
            interval.written += written_until - written
            interval.seconds += (fraction - shared) * sample.seconds
            interval.covered_until = end if is_last else float(number * every)
            shared, read, written = fraction, read_until, written_until


def _entry(name: str, interval: _Interval, end: float) -> Entry:
    return Entry(_utc(end), name, interval.read, interval.written, interval.seconds)


def _ceil(time: float, every: int) -> float:
    """Return the end of the interval that contains this time."""
    return math.ceil(time / every) * every


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
