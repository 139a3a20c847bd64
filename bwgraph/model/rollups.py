"""The past at several resolutions: rings, each of which passes what is over on to a coarser one.

Owns which resolutions there are and how long each is kept. Must not know where a sample belongs,
nor what time it is.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.ring import Buckets, Portion, Ring

RESOLUTIONS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"Seconds a column. Each is a multiple of the one before, so that its columns add up to the next's."

COARSE_BUCKETS = 1020
"Columns kept at each resolution: wider than any terminal, and a multiple of every step between."

FINEST_BUCKETS = 4200
"Columns kept at the finest: over an hour of seconds."


def kept_buckets(resolution: int) -> int:
    """How many columns of a resolution are kept."""
    return FINEST_BUCKETS if resolution == RESOLUTIONS[0] else COARSE_BUCKETS


class Bucket(NamedTuple):
    """A column of one resolution, to be kept when the program has ended."""

    resolution: int
    portion: Portion
    member_seconds: int = 0
    "Of a sum: how many seconds of its members are in it."
    known_seconds: float = 0.0
    "Of a sum: of how many seconds anything is known."


class Rollups:
    """A ring for each resolution.

    >>> ladder = Rollups()
    >>> ladder.add([Portion(11, 700, 70, 1.0, 700.0, 70.0), Portion(12, 5, 5, 1.0, 5.0, 5.0)])
    >>> ladder.copy(1, 10, 12).read.tolist(), ladder.copy(5, 3, 3).read.tolist()
    ([0, 700, 5], [705])
    """

    def __init__(self) -> None:
        self._rings: list[Ring] = []
        coarser = None
        for seconds in reversed(RESOLUTIONS):
            coarser = Ring(seconds, kept_buckets(seconds), coarser)
            self._rings.insert(0, coarser)

    def add(self, portions: Iterable[Portion]) -> None:
        """Put portions of the finest columns in."""
        add = self._rings[0].add
        for portion in portions:
            add(portion)

    def restore(self, entries: Iterable[Bucket]) -> None:
        """Put back what was kept of the past at some of the resolutions, oldest first.

        Each says what its column holds, whatever those of other resolutions say. What has been put
        in since, by ``add``, is added to it.

        >>> ladder = Rollups()
        >>> ladder.add([Portion(301, 7, 3, 1.0, 7.0, 3.0)])
        >>> ladder.restore([Bucket(60, Portion(5, 50, 5, 60.0, 2.0, 1.0))])
        >>> ladder.copy(60, 5, 6).read.tolist(), ladder.copy(300, 1, 2).read.tolist()
        ([50, 7], [0, 7])
        """
        for ring in self._rings:
            ring.roll_up_all()
        rings = dict(zip(RESOLUTIONS, self._rings, strict=True))
        for entry in entries:
            rings[entry.resolution].restore(entry.portion)

    @property
    def newest(self) -> int | None:
        """The newest of the finest columns."""
        return self._rings[0].newest

    def portion(self, column: int) -> Portion:
        """What one of the finest columns holds."""
        return self._rings[0].portion(column)

    def uncovered_seconds(self, column: int) -> float:
        """How much of one of the finest columns' time is not covered, as far as is remembered.

        Where that column is kept no more it is what is left of the coarser one that it is in.
        """
        for ring in self._rings:
            at = -(-column // ring.seconds)
            if ring.keeps(at):
                left = ring.seconds - self.copy(ring.seconds, at, at).seconds[0]
                return min(max(left, 0.0), 1.0)
        return 0.0

    def copy(
        self, resolution: int, first: int, last: int, pending: Iterable[Portion] = ()
    ) -> Buckets:
        """Copy the columns from ``first`` to ``last`` out, gaps where there are none.

        With what is pending, as if it had been put in.
        """
        level = RESOLUTIONS.index(resolution)
        shown = self._rings[level].copy(first, last)
        # What this level's ring has not been told of yet.
        extras = [(portion, 1) for portion in pending]
        for finer, coarser in zip(self._rings[:level], self._rings[1:], strict=False):
            if (over := finer.unrolled()) is not None:
                extras.append((over, coarser.seconds))
        for portion, seconds in extras:
            index = -(-portion.bucket * seconds // resolution) - first
            if 0 <= index < len(shown):
                shown.add(index, portion)
        return shown
