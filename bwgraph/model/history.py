"""The bandwidth history of one tor, at several resolutions and in a fixed amount of memory.

Owns the lock that guards the buckets: ``push`` adds a sample, ``window`` copies buckets of one
resolution, ``changes`` copies the buckets that have changed. Must not know who adds, who reads, or
the current time: ``now`` is an argument.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

from bwgraph.model.binning import Binning, spread
from bwgraph.model.bucket_series import BucketSeries
from bwgraph.model.events import Sample
from bwgraph.model.ring import Buckets, Portion
from bwgraph.model.rollups import StoredBucket

LATE_AFTER_S = 2.0
"The newest sample is late when it is this many seconds old."


class Window(NamedTuple):
    """Consecutive buckets of one resolution."""

    buckets: Buckets
    resolution: int
    "Seconds per bucket."
    end: float
    "The second, on the clock of the samples, at which the last bucket ends."
    age: float | None
    "Seconds since the newest sample arrived; None before the first."
    partial: frozenset[int] = frozenset()
    "Only of a sum: the indexes of the buckets that lack data of at least one member."

    @property
    def late(self) -> bool:
        """Whether the newest sample is late."""
        return self.age is not None and self.age >= LATE_AFTER_S

    def last(self, count: int) -> "Window":
        """Return the same window with its newest ``count`` buckets only."""
        buckets = self.buckets.last(count)
        cut = len(self.buckets) - len(buckets)
        partial = frozenset(index - cut for index in self.partial if index >= cut)
        return Window(buckets, self.resolution, self.end, self.age, partial)


class AnyHistory(Protocol):
    """The interface that a tor's history and a sum's history have in common."""

    @property
    def newest_at(self) -> float | None:
        """When the newest sample arrived; None before the first."""

    @property
    def restored_spans(self) -> dict[int, tuple[int, int]]:
        """By resolution: the first and the last second of the restored buckets."""

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Return the seconds at which the oldest bucket with data and the newest one end."""

    def window(self, now: float, count: int, resolution: int = 1, end: int | None = None) -> Window:
        """Return a copy of ``count`` buckets.

        The last one contains the second ``end``, or is the newest if ``end`` is None. Time without
        samples up to ``now`` is a gap.
        """

    def changes(
        self, resolutions: Sequence[int], since: int | None = None
    ) -> tuple[int | None, list[StoredBucket]]:
        """Return the first second that has changed since the last call, and all buckets from it.

        ``since`` is a second from which on everything counts as changed. Returns None and no
        buckets if nothing has changed. A late sample that is held back does not count as a change
        until its buckets are decided.
        """

    def restore(self, entries: Sequence[StoredBucket]) -> None:
        """Add stored buckets, oldest first. Samples may have been added before."""


PortionListener = Callable[[list[Portion]], object]
"Takes portions that were added to a history."


class History:
    """The buckets of one tor, behind one lock.

    ``lock`` guards ``push`` against ``window`` where they run in different threads; a program
    without threads needs none. ``on_portions`` is called under it, and takes the lock of the sum.

    >>> history = History()
    >>> history.push(Sample(ends_at=10.0, read=700, written=70, seconds=1.0))
    >>> history.push(Sample(ends_at=13.0, read=800, written=80, seconds=1.0))
    >>> buckets = history.window(13.1, 5).buckets
    >>> buckets.read.tolist(), buckets.seconds.tolist()
    ([0, 700, 0, 0, 800], [0.0, 1.0, 0.0, 0.0, 1.0])
    >>> history.window(13.1, 1, resolution=5).buckets.read.tolist()
    [800]
    """

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        self.newest_at: float | None = None
        "When the newest sample arrived; None before the first."
        self.on_portions: PortionListener | None = None
        """Called with the portions that were added, under the lock and therefore in order. Must be
        set before the first sample."""
        self._lock = nullcontext() if lock is None else lock
        self._binning = Binning()
        self._series = BucketSeries()

    @property
    def newest_bucket(self) -> int | None:
        """The newest one-second bucket that a sample was assigned to; None before the first."""
        return self._binning.newest

    @property
    def restored_spans(self) -> dict[int, tuple[int, int]]:
        """By resolution: the first and the last second of the restored buckets."""
        return self._series.restored_spans

    def push(self, sample: Sample) -> None:
        """Add a sample to the buckets that it covers. O(1) for a sample of one second.

        Samples must arrive in the order of ``ends_at``. A sample of no length is ignored: bytes
        without a span have no rate.
        """
        if sample.seconds <= 0:
            return
        with self._lock:
            portions = self._binning.place(sample)
            self._series.add(portions)
            if self.newest_at is None:
                start, end = sample.ends_at - sample.seconds, sample.ends_at
                self._series.begin_at(min(round(start) + 1, round(end)))
            self.newest_at = sample.ends_at
            if self.on_portions is not None:
                self.on_portions(portions)

    def add_missing(self, missing: Sample) -> None:
        """Add bytes that an earlier sample of the same span lacked."""
        last = round(missing.ends_at)
        first = last - max(1, round(missing.seconds))
        with self._lock:
            portions = self._binning.settle()
            self._series.add(portions)
            for portion in spread(missing.read, missing.written, missing.seconds, first, last):
                present = self._series.rollups.portion(portion.bucket)
                added = _with_common_rate(portion, present)
                self._series.add([added])
                portions.append(added)
            if self.on_portions is not None:
                self.on_portions(portions)

    def changes(
        self, resolutions: Sequence[int], since: int | None = None
    ) -> tuple[int | None, list[StoredBucket]]:
        """Return what has changed since the last call; see ``AnyHistory``."""
        with self._lock:
            first, changed = self._series.take_changes(resolutions, since)
        return first, [entry for each in changed for entry in each.entries()]

    def restore(self, entries: Sequence[StoredBucket]) -> None:
        """Add stored buckets, oldest first. Samples may have been added before."""
        with self._lock:
            self._series.restore(entries)

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Return the seconds at which the oldest bucket with data and the newest one end."""
        with self._lock:
            return self._series.extent(self._newest_second(now), resolution)

    def window(self, now: float, count: int, resolution: int = 1, end: int | None = None) -> Window:
        """Return a copy of ``count`` buckets; see ``AnyHistory``."""
        with self._lock:
            last = -(-(self._newest_second(now) if end is None else end) // resolution)
            age = None if self.newest_at is None else now - self.newest_at
            pending = self._binning.pending()
            buckets = self._series.rollups.copy(resolution, last - count + 1, last, pending)
        return Window(buckets, resolution, float(last * resolution), age)

    def _newest_second(self, now: float) -> int:
        """Return the newest second to show: the newest sample's plus the overdue ones."""
        if self.newest_at is None:
            return int(now)
        pending = self._binning.pending()
        newest = pending[-1].bucket if pending else self._binning.newest or 0
        return newest + overdue_seconds(now, self.newest_at)


def overdue_seconds(now: float, newest_at: float) -> int:
    """Return how many whole seconds have passed without the sample that was expected.

    >>> overdue_seconds(101.9, 100.0), overdue_seconds(102.1, 100.0)
    (0, 1)
    """
    return max(0, int(now - newest_at) - 1)


def _with_common_rate(portion: Portion, present: Portion) -> Portion:
    """Return the portion with the seconds and peaks that give its bucket one rate."""
    seconds = present.seconds or portion.seconds
    return portion._replace(
        seconds=seconds - present.seconds,
        read_peak=(present.read + portion.read) / seconds,
        written_peak=(present.written + portion.written) / seconds,
    )
