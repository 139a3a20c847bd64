"""The buckets of one history, with what has changed in them and how far they reach back.

Owns the rollups that a tor's history and a sum's history have in common. Must not know where the
portions come from, nor the current time. It has no lock: the history that it belongs to has one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bwgraph.model.ring import Buckets, Portion
from bwgraph.model.rollups import Rollups, StoredBucket, bucket_capacity


class ChangedBuckets(NamedTuple):
    """The buckets of one resolution from the first changed second on."""

    resolution: int
    first: int
    "The number of the first of these buckets."
    buckets: Buckets

    def entries(self) -> Iterator[StoredBucket]:
        """Yield each bucket that is not a gap, oldest first."""
        for index, seconds in enumerate(self.buckets.seconds):
            if seconds:
                portion = self.buckets.portion(index, self.first + index)
                yield StoredBucket(self.resolution, portion)


class BucketSeries:
    """Rollups that remember which buckets have changed, and which were restored.

    >>> series = BucketSeries()
    >>> series.add([Portion(61, 700, 70, 1.0, 700.0, 70.0)])
    >>> first, (changed,) = series.take_changes([60])
    >>> first, changed.first, changed.buckets.read.tolist()
    (61, 2, [700])
    >>> series.take_changes([60])
    (None, [])
    """

    def __init__(self) -> None:
        self.rollups = Rollups()
        self.restored_spans: dict[int, tuple[int, int]] = {}
        "By resolution: the first and the last second of the restored buckets."
        self._first: int | None = None  # the first second that a sample covers
        self._changed_from: int | None = None  # the oldest second added to since take_changes

    def add(self, portions: Iterable[Portion]) -> None:
        """Add portions to their one-second buckets, and mark these as changed."""
        add, changed = self.rollups.add_portion, self._changed_from
        for portion in portions:
            add(portion)
            if changed is None or portion.bucket < changed:
                changed = portion.bucket
        self._changed_from = changed

    def begin_at(self, second: int) -> None:
        """Let the extent begin at this second, unless it begins earlier."""
        self._first = second if self._first is None else min(self._first, second)

    def take_changes(
        self, resolutions: Sequence[int], since: int | None = None
    ) -> tuple[int | None, list[ChangedBuckets]]:
        """Return the first second that has changed since the last call, and all buckets from it.

        ``since`` is a second from which on everything counts as changed. Returns None and no
        buckets if nothing has changed.
        """
        changed = [second for second in (self._changed_from, since) if second is not None]
        self._changed_from = None
        newest = self.rollups.newest
        if not changed or newest is None:
            return None, []
        first = min(changed)
        return first, [self._copy_between(each, first, newest) for each in resolutions]

    def restore(self, entries: Iterable[StoredBucket]) -> None:
        """Add stored buckets, oldest first; they do not count as changed."""
        entries = list(entries)
        self.rollups.restore(entries)
        for resolution, portion, *_ in entries:
            last = portion.bucket * resolution
            first, _ = self.restored_spans.get(resolution, (last - resolution + 1, last))
            self.restored_spans[resolution] = first, last

    def extent(self, newest: int, resolution: int) -> tuple[int, int]:
        """Return the seconds at which the oldest bucket with data and the newest one end.

        ``newest`` is the newest second, with or without data.
        """
        last = -(-newest // resolution)
        firsts = [first for each, (first, _) in self.restored_spans.items() if each <= resolution]
        if self._first is not None:
            firsts.append(self._first)
        if not firsts:
            return last * resolution, last * resolution
        first = max(-(-min(firsts) // resolution), last - bucket_capacity(resolution) + 1)
        return min(first, last) * resolution, last * resolution

    def _copy_between(self, resolution: int, first: int, newest: int) -> ChangedBuckets:
        """Copy the held buckets of a resolution that contain these seconds."""
        last = -(-newest // resolution)
        begin = max(-(-first // resolution), last - bucket_capacity(resolution) + 1)
        return ChangedBuckets(resolution, begin, self.rollups.copy(resolution, begin, last))
