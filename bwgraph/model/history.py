"""The past of one tor, at several resolutions, bounded for ever.

Owns the ladder of rings and the one lock: ``push`` puts a sample in, ``window`` copies columns of
one resolution out, ``changes`` what has changed in all of them. Must not know who pushes, who
draws,
or what time it is: ``now`` is an argument.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from bwgraph.model.binning import Binning, spread
from bwgraph.model.events import Sample
from bwgraph.model.ring import Buckets, Portion
from bwgraph.model.rollups import Bucket, Rollups, kept_buckets

LATE_AFTER_S = 2.0
"A newest sample that is so many seconds old is late."


class Window(NamedTuple):
    """The newest columns of one resolution."""

    buckets: Buckets
    resolution: int
    "Seconds a column."
    end: float
    "The second, on the clock of the samples, at which the last column ends."
    age: float | None
    "Seconds since the newest sample came in; None before the first."
    partial: frozenset[int] = frozenset()
    "The columns, by index, that lack some of what they are a sum of."

    @property
    def late(self) -> bool:
        """Whether the newest sample is older than it should be."""
        return self.age is not None and self.age >= LATE_AFTER_S

    def last(self, count: int) -> "Window":
        """The same window, cut down to its newest columns."""
        cut = len(self.buckets) - len(columns := self.buckets.last(count))
        partial = frozenset(index - cut for index in self.partial if index >= cut)
        return Window(columns, self.resolution, self.end, self.age, partial)


PortionListener = Callable[[list[Portion]], object]
"Takes what has been put into a history on to where it counts, too."


class History:
    """A ladder of bounded rings behind one lock.

    ``lock`` is whatever guards ``push`` against ``window`` when they run in different threads;
    without threads none is needed. What has been put into the rings is handed to ``onward`` under
    it too, so that it comes there in its order; nothing else is ever done under it.

    >>> history = History()
    >>> history.push(Sample(ends_at=10.0, read=700, written=70, seconds=1.0))
    >>> history.push(Sample(ends_at=13.0, read=800, written=80, seconds=1.0))
    >>> buckets = history.window(13.1, 5).buckets
    >>> buckets.read.tolist(), buckets.seconds.tolist()
    ([0, 700, 0, 0, 800], [0.0, 1.0, 0.0, 0.0, 1.0])
    >>> history.window(13.1, 1, resolution=5).buckets.read.tolist()
    [800]
    """

    def __init__(
        self,
        lock: AbstractContextManager[object] | None = None,
        on_portions: PortionListener | None = None,
    ) -> None:
        self.newest_at: float | None = None
        "When the newest sample came in; None before the first."
        self._lock = nullcontext() if lock is None else lock
        self._on_portions = on_portions
        self._binning = Binning()
        self._rollups = Rollups()
        self._first: int | None = None  # the first column that anything was known of
        self._changed_from: int | None = None  # the oldest that was added to since the last `take`
        self.restored_spans: dict[int, tuple[int, int]] = {}
        "By resolution: the first and the last second of what was restored."

    @property
    def newest_bucket(self) -> int | None:
        """The newest column, at the finest resolution, that is settled; None before the first."""
        return self._binning.newest

    def push(self, sample: Sample) -> None:
        """Put a sample into the columns that it covers. O(1) for a sample of a second.

        Samples come in the order of their ``when``. One that covers no time is dropped: bytes
        without a span have no rate.
        """
        if sample.seconds <= 0:
            return
        with self._lock:
            portions = self._binning.place(sample)
            self._rollups.add(portions)
            if self._first is None:
                self._first = min(round(sample.ends_at - sample.seconds) + 1, round(sample.ends_at))
            if portions and (self._changed_from is None or portions[0].bucket < self._changed_from):
                self._changed_from = portions[0].bucket
            self.newest_at = sample.ends_at
            if self._on_portions is not None:
                self._on_portions(portions)

    def add_missing(self, missing: Sample) -> None:
        """Add bytes to columns that were filled before: what a sample of that span had lacked."""
        last = round(missing.ends_at)
        first = last - max(1, round(missing.seconds))
        with self._lock:
            portions = self._binning.settle()
            self._rollups.add(portions)
            for portion in spread(missing.read, missing.written, missing.seconds, first, last):
                more = _with_common_rate(portion, self._rollups.portion(portion.bucket))
                self._rollups.add([more])
                portions.append(more)
            self._mark_changed(portions)
            if self._on_portions is not None:
                self._on_portions(portions)

    def changes(
        self, resolutions: Sequence[int], again: int | None = None
    ) -> tuple[int | None, list[Bucket]]:
        """What has changed since this was last asked, or from the column ``again`` on.

        Also says from which column on that is; None if nothing has. What is held back, since a
        late event may have to be shared with the next, comes when it is settled.
        """
        with self._lock:
            changed = [first for first in (self._changed_from, again) if first is not None]
            self._changed_from = None
            newest = self._rollups.newest
            if not changed or newest is None:
                return None, []
            first = min(changed)
            copied = [self._changed_buckets(each, first, newest) for each in resolutions]
        return first, [entry for entries in copied for entry in _buckets(*entries)]

    def restore(self, entries: Sequence[Bucket]) -> None:
        """Put back what was kept of the time before, oldest first; no sample need have come yet."""
        with self._lock:
            self._restore(entries)
            for resolution, portion, *_ in entries:
                last = portion.bucket * resolution
                first, _ = self.restored_spans.get(resolution, (last - resolution + 1, last))
                self.restored_spans[resolution] = first, last

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Where the oldest column of which anything is kept ends, and the newest."""
        with self._lock:
            last = self._present_bucket(now, self.newest_at, resolution)
            began = [
                first for each, (first, _) in self.restored_spans.items() if each <= resolution
            ]
            if self._first is not None:
                began.append(self._first)
            if not began:
                return last * resolution, last * resolution
            first = max(-(-min(began) // resolution), last - kept_buckets(resolution) + 1)
        return min(first, last) * resolution, last * resolution

    def window(
        self, now: float, columns: int, resolution: int = 1, end: int | None = None
    ) -> Window:
        """Copy columns out: up to the one that ends at ``end``, or else the newest.

        What is overdue at ``now`` comes as a gap.
        """
        with self._lock:
            last = self._present_bucket(now, self.newest_at, resolution)
            if end is not None:
                last = -(-end // resolution)
            age = None if self.newest_at is None else now - self.newest_at
            return self._window(last - columns + 1, last, resolution, age)

    def _window(self, first: int, last: int, resolution: int, age: float | None) -> Window:
        pending = self._binning.pending()
        columns = self._rollups.copy(resolution, first, last, pending)
        return Window(columns, resolution, float(last * resolution), age)

    def _changed_buckets(
        self, resolution: int, first: int, newest: int
    ) -> tuple[int, int, Buckets, Buckets | None]:
        """The columns of a resolution that these seconds are in, and of a sum: who is in them."""
        last = -(-newest // resolution)
        begin = max(-(-first // resolution), last - kept_buckets(resolution) + 1)
        return resolution, begin, self._rollups.copy(resolution, begin, last), None

    def _restore(self, entries: Iterable[Bucket]) -> None:
        self._rollups.restore(entries)

    def _mark_changed(self, portions: Iterable[Portion]) -> None:
        """Remember that these were added to."""
        columns = [portion.bucket for portion in portions]
        if self._changed_from is not None:
            columns.append(self._changed_from)
        self._changed_from = min(columns, default=None)

    def _present_bucket(self, now: float, newest: float | None, resolution: int) -> int:
        """The column, at this resolution, that the present belongs to as far as is known."""
        if newest is None:
            return -(-int(now) // resolution)
        overdue = max(0, int(now - newest) - 1)
        return -(-(self._newest_known() + overdue) // resolution)

    def _newest_known(self) -> int:
        """The newest column of which something is known."""
        pending = self._binning.pending()
        return pending[-1].bucket if pending else self._binning.newest or 0


def _buckets(
    resolution: int, begin: int, columns: Buckets, told: Buckets | None
) -> Iterable[Bucket]:
    """These columns, the first of which is ``begin``; a gap is none."""
    for index, seconds in enumerate(columns.seconds):
        if seconds:
            portion = columns.portion(index, begin + index)
            of_sum = (told.read[index], told.seconds[index]) if told else ()
            yield Bucket(resolution, portion, *of_sum)


def _with_common_rate(portion: Portion, there: Portion) -> Portion:
    """A portion for a column that holds something: with the rate that both make together."""
    seconds = there.seconds or portion.seconds
    return portion._replace(
        seconds=seconds - there.seconds,
        read_peak=(there.read + portion.read) / seconds,
        written_peak=(there.written + portion.written) / seconds,
    )
