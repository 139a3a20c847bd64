"""Buckets at several resolutions: a chain of rings from one second to one day.

Owns which resolutions there are and how many buckets of each are held. Must not know which bucket
a sample belongs to, nor the current time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.ring import Buckets, Portion, Ring

RESOLUTIONS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"Seconds per bucket. Each is a multiple of the one before, so that fine buckets make a coarse one."

COARSE_BUCKETS = 1020
"""Buckets held at each resolution but the finest: more than any terminal is wide, and a multiple of
every ratio of two successive resolutions."""

FINEST_BUCKETS = 4200
"Buckets held at the finest resolution: 70 minutes of seconds."


def bucket_capacity(resolution: int) -> int:
    """Return how many buckets of a resolution are held."""
    return FINEST_BUCKETS if resolution == RESOLUTIONS[0] else COARSE_BUCKETS


class StoredBucket(NamedTuple):
    """One bucket of one resolution, as it is stored in a file."""

    resolution: int
    portion: Portion
    member_seconds: int = 0
    "Only of a sum: the seconds that each member covers, added up over all members."
    known_seconds: float = 0.0
    "Only of a sum: the seconds that at least one member covers."


class Rollups:
    """A ring for each resolution.

    >>> rollups = Rollups()
    >>> rollups.add([Portion(11, 700, 70, 1.0, 700.0, 70.0), Portion(12, 5, 5, 1.0, 5.0, 5.0)])
    >>> rollups.copy(1, 10, 12).read.tolist(), rollups.copy(5, 3, 3).read.tolist()
    ([0, 700, 5], [705])
    """

    def __init__(self) -> None:
        self._rings: list[Ring] = []
        coarser = None
        for seconds in reversed(RESOLUTIONS):
            coarser = Ring(seconds, bucket_capacity(seconds), coarser)
            self._rings.insert(0, coarser)
        self.add_portion = self._rings[0].add
        "Adds a portion to its one-second bucket. Bound once, because each sample calls it."

    def add(self, portions: Iterable[Portion]) -> None:
        """Add portions to their one-second buckets."""
        for portion in portions:
            self.add_portion(portion)

    def restore(self, entries: Iterable[StoredBucket]) -> None:
        """Add stored buckets, oldest first, each to the ring of its resolution alone.

        Portions that were added before are added up with the restored ones.

        >>> rollups = Rollups()
        >>> rollups.add([Portion(301, 7, 3, 1.0, 7.0, 3.0)])
        >>> rollups.restore([StoredBucket(60, Portion(5, 50, 5, 60.0, 2.0, 1.0))])
        >>> rollups.copy(60, 5, 6).read.tolist(), rollups.copy(300, 1, 2).read.tolist()
        ([50, 7], [0, 7])
        """
        for ring in self._rings:
            ring.roll_up_all()
        rings = dict(zip(RESOLUTIONS, self._rings, strict=True))
        for entry in entries:
            rings[entry.resolution].restore(entry.portion)

    @property
    def newest(self) -> int | None:
        """The newest one-second bucket; None if there is none."""
        return self._rings[0].newest

    def portion(self, bucket: int) -> Portion:
        """Return the contents of a one-second bucket: zeros if it is not held."""
        return self._rings[0].portion(bucket)

    def uncovered_seconds(self, bucket: int) -> float:
        """Return how much of a one-second bucket is not covered, from 0.0 to 1.0.

        If the bucket has expired, use the finest coarser bucket that contains it and is held.
        """
        for ring in self._rings:
            containing = -(-bucket // ring.seconds)
            if ring.holds(containing):
                covered = self.copy(ring.seconds, containing, containing).seconds[0]
                return min(max(ring.seconds - covered, 0.0), 1.0)
        return 0.0

    def copy(
        self, resolution: int, first: int, last: int, pending: Iterable[Portion] = ()
    ) -> Buckets:
        """Return a copy of buckets ``first`` to ``last``, with gaps for those not held.

        ``pending`` portions of one-second buckets are included as if they had been added.
        """
        level = RESOLUTIONS.index(resolution)
        copied = self._rings[level].copy(first, last)
        # Finer rings hold portions that they have not passed on to this level's ring yet.
        extras = [(portion, 1) for portion in pending]
        for finer, coarser in zip(self._rings[:level], self._rings[1:], strict=False):
            if (portion := finer.unrolled()) is not None:
                extras.append((portion, coarser.seconds))
        for portion, seconds in extras:
            index = -(-portion.bucket * seconds // resolution) - first
            if 0 <= index < len(copied):
                copied.add(index, portion)
        return copied
