"""The bandwidth history of the sum of several tors.

Owns how the seconds of the tors add up, and which seconds lack the data of a tor. Must not
know what the tors are, nor the current time.

A second's rate is the sum of the bytes that each tor moved in it, and its peak is the peak of that
sum. The sum is therefore made second by second, from the portions that are added to each tor's
history, and has buckets of its own. A second without the data of one tor shows the sum of the
others, and is marked as partial.

Now and then a tor's event is shared between two seconds, half of it to each (see ``binning``). Such
a half has the rate of the whole event, and must not make a notch in the sum. A bucket that contains
halves therefore covers less than a second.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from bwgraph.model.bucket_series import BucketSeries, ChangedBuckets
from bwgraph.model.history import LATE_AFTER_S, Window, overdue_seconds
from bwgraph.model.ring import Buckets, Portion
from bwgraph.model.rollups import Rollups, StoredBucket

HALF_SECOND_SPAN_S = (0.4, 0.75)
"Seconds. A portion that covers a span between these is half an event; others count as a second."

MAX_MEMBER_LAG_S = 2
"Seconds. The sum waits for a member that is behind the others by at most this."


class SumHistory:
    """The buckets of a sum. It takes the portions that are added to its members' histories.

    ``lock`` guards ``add`` against ``window`` and against the ``add`` of other members, where they
    run in different threads.

    >>> both = SumHistory(["a", "b"])
    >>> both.add("a", [Portion(11, 700, 70, 1.0, 700.0, 70.0)], 11.0)
    >>> both.add("b", [Portion(11, 5, 5, 1.0, 5.0, 5.0)], 11.2)
    >>> both.add("a", [Portion(12, 300, 30, 1.0, 300.0, 30.0)], 12.0)
    >>> both.expect_no_more("b")
    >>> window = both.window(12.1, 2)
    >>> window.buckets.read.tolist(), sorted(window.partial)
    ([705, 300], [1])
    """

    def __init__(
        self, members: Iterable[Hashable], lock: AbstractContextManager[object] | None = None
    ) -> None:
        self.newest_at: float | None = None
        "When the newest sample of any member arrived; None before the first."
        self._lock = nullcontext() if lock is None else lock
        self._series = BucketSeries()
        # The field ``read`` holds the number of members with data, ``seconds`` the time that any
        # member covers.
        self._coverage = Rollups()
        self._members = set(members)
        self._newest_by_member: dict[Hashable, int] = {}  # the newest second of each
        self._expected: set[Hashable] = set()  # the members that will send more
        self._shown = 0  # the newest second that may have been returned; never decreases

    @property
    def restored_spans(self) -> dict[int, tuple[int, int]]:
        """By resolution: the first and the last second of the restored buckets."""
        return self._series.restored_spans

    def add(self, member: Hashable, portions: Iterable[Portion], when: float) -> None:
        """Add portions that were added to a member's history at this time."""
        with self._lock:
            if self.newest_at is not None and when - self.newest_at >= LATE_AFTER_S:
                # Until now the overdue seconds were shown as gaps.
                self._shown = self._newest_second(when)
            for portion in portions:
                self._add(member, portion)
            self._expected.add(member)
            if self._newest_by_member:
                self.newest_at = when if self.newest_at is None else max(when, self.newest_at)

    def expect_no_more(self, member: Hashable) -> None:
        """Stop waiting for a member until its next portion."""
        with self._lock:
            self._expected.discard(member)

    def remove(self, member: Hashable) -> None:
        """Remove a member that has added nothing: no second lacks its data."""
        with self._lock:
            self._members.discard(member)
            self._expected.discard(member)
            self._newest_by_member.pop(member, None)

    def changes(
        self, resolutions: Sequence[int], since: int | None = None
    ) -> tuple[int | None, list[StoredBucket]]:
        """Return what has changed since the last call; see ``AnyHistory``."""
        with self._lock:
            first, changed = self._series.take_changes(resolutions, since)
            coverage = [
                self._coverage.copy(each.resolution, each.first, each.first + len(each.buckets) - 1)
                for each in changed
            ]
        pairs = zip(changed, coverage, strict=True)
        return first, [entry for pair in pairs for entry in _entries(*pair)]

    def restore(self, entries: Sequence[StoredBucket]) -> None:
        """Add stored buckets, oldest first. Portions may have been added before."""
        with self._lock:
            self._series.restore(entries)
            self._coverage.restore(map(_coverage_entry, entries))

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Return the seconds at which the oldest bucket with data and the newest one end."""
        with self._lock:
            return self._series.extent(self._newest_second(now), resolution)

    def window(self, now: float, count: int, resolution: int = 1, end: int | None = None) -> Window:
        """Return a copy of ``count`` buckets; see ``AnyHistory``."""
        with self._lock:
            # Also when ``end`` is given: the newest second is shown from here on.
            newest = self._newest_second(now)
            last = -(-(newest if end is None else end) // resolution)
            age = None if self.newest_at is None else now - self.newest_at
            first = last - count + 1
            buckets = self._series.rollups.copy(resolution, first, last)
            partial = self._partial(resolution, first, last)
        return Window(buckets, resolution, float(last * resolution), age, partial)

    def _add(self, member: Hashable, portion: Portion) -> None:
        """Add a portion of one second."""
        second = portion.bucket
        present = self._series.rollups.portion(second)
        newest = self._newest_by_member.get(member, second - 1)
        # A portion before the member's newest second adds missing bytes. It has a length only if
        # the member had no data in its second.
        is_members_first = second > newest or (second < newest and portion.seconds > 0)
        if is_members_first:
            self._newest_by_member[member] = max(second, newest)
        uncovered = 0.0 if present.seconds else self._coverage.uncovered_seconds(second)
        if is_members_first or uncovered:
            coverage = Portion(second, int(is_members_first), 0, uncovered, 0.0, 0.0)
            self._coverage.add([coverage])
        span = portion.seconds if is_members_first and _is_half(portion) else 1.0
        if not present.seconds:
            seconds = min(uncovered, span)
        elif is_members_first:
            seconds = _common_seconds(present, portion, span)
        else:
            seconds = present.seconds
        added = Portion(
            second,
            portion.read,
            portion.written,
            seconds - present.seconds,
            (present.read + portion.read) / (seconds or 1.0),
            (present.written + portion.written) / (seconds or 1.0),
        )
        self._series.add([added])
        self._series.begin_at(second)

    def _partial(self, resolution: int, first: int, last: int) -> frozenset[int]:
        """Return the indexes of the buckets, counted from ``first``, that lack a member's data."""
        coverage = self._coverage.copy(resolution, first, last)
        members = len(self._members)
        missing = [
            round(seconds) * members - count
            for seconds, count in zip(coverage.seconds, coverage.read, strict=True)
        ]
        # Nothing is missing from the seconds that still wait for a member.
        for second in range(self._shown + 1, self._newest() + 1):
            index = -(-second // resolution) - first
            if 0 <= index < len(missing):
                covered = self._coverage.portion(second)
                missing[index] -= round(covered.seconds) * members - covered.read
        return frozenset(index for index, count in enumerate(missing) if count > 0)

    def _newest_second(self, now: float) -> int:
        """Return the newest second to show, with the overdue ones."""
        if self.newest_at is None:
            return int(now)
        return self._show_newest() + overdue_seconds(now, self.newest_at)

    def _show_newest(self) -> int:
        """Return the newest second that has the data of all members which are not far behind.

        Never returns less than before: what was shown stays.
        """
        newest = self._newest()
        seconds = (self._newest_by_member.get(member, newest) for member in self._expected)
        common = min(
            (each for each in seconds if each >= newest - MAX_MEMBER_LAG_S), default=newest
        )
        self._shown = max(self._shown, common)
        return self._shown

    def _newest(self) -> int:
        """Return the newest second that has data of any member; 0 if there is none."""
        return max(self._newest_by_member.values(), default=0)


def _entries(changed: ChangedBuckets, coverage: Buckets) -> Iterator[StoredBucket]:
    """Yield changed buckets with their coverage, which begins at the same bucket."""
    for entry in changed.entries():
        index = entry.portion.bucket - changed.first
        yield entry._replace(
            member_seconds=coverage.read[index], known_seconds=coverage.seconds[index]
        )


def _coverage_entry(entry: StoredBucket) -> StoredBucket:
    """Return a stored bucket's coverage as a bucket of the coverage's rollups."""
    portion = Portion(entry.portion.bucket, entry.member_seconds, 0, entry.known_seconds, 0, 0)
    return StoredBucket(entry.resolution, portion)


def _is_half(portion: Portion) -> bool:
    """Return whether a portion is half of an event that is shared between two seconds."""
    shortest, longest = HALF_SECOND_SPAN_S
    return shortest < portion.seconds < longest


def _common_seconds(present: Portion, portion: Portion, span: float) -> float:
    """Return the time in which the bytes of both have the sum of both rates.

    >>> present = Portion(11, 700, 70, 1.0, 700.0, 70.0)
    >>> _common_seconds(present, Portion(11, 350, 35, 0.5, 0, 0), 0.5)
    0.75
    """
    before, added = present.read + present.written, portion.read + portion.written
    rate = before / present.seconds + added / span
    return (before + added) / rate if rate else max(present.seconds, span)
