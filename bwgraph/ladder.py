"""The past at several resolutions: rings, each of which passes what is over on to a coarser one.

Owns which resolutions there are and how long each is kept. Must not know where a sample belongs,
nor what time it is.
"""

from collections.abc import Iterable

from bwgraph.ring import Columns, Portion, Ring

RESOLUTIONS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"Seconds a column. Each is a multiple of the one before, so that its columns add up to the next's."

WIDEST = 1020
"Columns kept at each resolution: wider than any terminal, and a multiple of every step between."

FINEST = 4200
"Columns kept at the finest: over an hour of seconds."


class Ladder:
    """A ring for each resolution.

    >>> ladder = Ladder()
    >>> ladder.add([Portion(11, 700, 70, 1.0, 700.0, 70.0), Portion(12, 5, 5, 1.0, 5.0, 5.0)])
    >>> ladder.copy(1, 10, 12).read.tolist(), ladder.copy(5, 3, 3).read.tolist()
    ([0, 700, 5], [705])
    """

    def __init__(self) -> None:
        self._rings: list[Ring] = []
        coarser = None
        for seconds in reversed(RESOLUTIONS):
            capacity = FINEST if seconds == RESOLUTIONS[0] else WIDEST
            coarser = Ring(seconds, capacity, coarser)
            self._rings.insert(0, coarser)

    def add(self, portions: Iterable[Portion]) -> None:
        """Put portions of the finest columns in."""
        add = self._rings[0].add
        for portion in portions:
            add(portion)

    def at(self, column: int) -> Portion:
        """What one of the finest columns holds."""
        return self._rings[0].at(column)

    def room(self, column: int) -> float:
        """How much of one of the finest columns' time is not covered, as far as is remembered.

        Where that column is kept no more it is what is left of the coarser one that it is in.
        """
        for ring in self._rings:
            at = -(-column // ring.seconds)
            if ring.remembers(at):
                left = ring.seconds - self.copy(ring.seconds, at, at).seconds[0]
                return min(max(left, 0.0), 1.0)
        return 0.0

    def capacity(self, resolution: int) -> int:
        """How many columns are kept."""
        return self._rings[RESOLUTIONS.index(resolution)].capacity

    def copy(
        self, resolution: int, first: int, last: int, pending: Iterable[Portion] = ()
    ) -> Columns:
        """Copy the columns from ``first`` to ``last`` out, gaps where there are none.

        With what is pending, as if it had been put in.
        """
        level = RESOLUTIONS.index(resolution)
        shown = self._rings[level].copy(first, last)
        # What this level's ring has not been told of yet.
        extras = [(portion, 1) for portion in pending]
        for finer, coarser in zip(self._rings[:level], self._rings[1:], strict=False):
            if (over := finer.unpassed()) is not None:
                extras.append((over, coarser.seconds))
        for portion, seconds in extras:
            index = -(-portion.column * seconds // resolution) - first
            if 0 <= index < len(shown):
                shown.add(index, portion)
        return shown
