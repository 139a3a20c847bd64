"""The past of one tor, at several resolutions, bounded for ever.

Owns the rings and the one lock: ``push`` puts a sample in, ``window`` copies the newest columns of
one resolution out. Must not know who pushes, who draws, or what time it is: ``now`` is an argument.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bwgraph.placement import Placement, spread
from bwgraph.ring import Columns, Portion, Ring
from bwgraph.sample import Sample

RESOLUTIONS = (1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400)
"Seconds a column. Each is a multiple of the one before, so that its columns add up to the next's."

WIDEST = 1020
"Columns kept at each resolution: wider than any terminal, and a multiple of every step between."

FINEST = 4200
"Columns kept at the finest: over an hour of seconds."

LATE = 2.0
"A newest sample that is so many seconds old is late."


@dataclass(frozen=True, slots=True)
class Window:
    """The newest columns of one resolution."""

    columns: Columns
    resolution: int
    "Seconds a column."
    end: float
    "The second, on the clock of the samples, at which the last column ends."
    age: float | None
    "Seconds since the newest sample came in; None before the first."

    @property
    def late(self) -> bool:
        """Whether the newest sample is older than it should be."""
        return self.age is not None and self.age >= LATE

    def last(self, count: int) -> "Window":
        """The same window, cut down to its newest columns."""
        return Window(self.columns.last(count), self.resolution, self.end, self.age)


class History:
    """A ladder of bounded rings behind one lock.

    ``lock`` is whatever guards ``push`` against ``window`` when they run in different threads;
    without threads none is needed. Nothing else is ever done under it.

    >>> history = History()
    >>> history.push(Sample(when=10.0, read=700, written=70, seconds=1.0))
    >>> history.push(Sample(when=13.0, read=800, written=80, seconds=1.0))
    >>> columns = history.window(13.1, 5).columns
    >>> columns.read.tolist(), columns.seconds.tolist()
    ([0, 700, 0, 0, 800], [0.0, 1.0, 0.0, 0.0, 1.0])
    >>> history.window(13.1, 1, resolution=5).columns.read.tolist()
    [800]
    """

    def __init__(self, lock: AbstractContextManager[object] | None = None) -> None:
        self.newest: float | None = None
        "When the newest sample came in; None before the first."
        self._lock = nullcontext() if lock is None else lock
        self._placement = Placement()
        self._began = 0  # the first column that anything was known of
        self._rings: list[Ring] = []
        coarser = None
        for seconds in reversed(RESOLUTIONS):
            capacity = FINEST if seconds == RESOLUTIONS[0] else WIDEST
            coarser = Ring(seconds, capacity, coarser)
            self._rings.insert(0, coarser)

    @property
    def edge(self) -> int | None:
        """The newest column, at the finest resolution, that is settled; None before the first."""
        return self._placement.edge

    def push(self, sample: Sample) -> None:
        """Put a sample into the columns that it covers. O(1) for a sample of a second.

        Samples come in the order of their ``when``. One that covers no time is dropped: bytes
        without a span have no rate.
        """
        if sample.seconds <= 0:
            return
        with self._lock:
            add = self._rings[0].add
            for portion in self._placement.place(sample):
                add(portion)
            if self.newest is None:
                self._began = round(sample.when)
            self.newest = sample.when

    def amend(self, missing: Sample) -> None:
        """Add bytes to columns that were filled before: what a sample of that span had lacked."""
        ring = self._rings[0]
        last = round(missing.when)
        first = last - max(1, round(missing.seconds))
        with self._lock:
            for portion in self._placement.settle():
                ring.add(portion)
            for portion in spread(missing.read, missing.written, missing.seconds, first, last):
                column = portion.column
                there = ring.copy(column, column).total(0, 1, column)
                seconds = there.seconds or portion.seconds
                ring.add(
                    Portion(
                        column,
                        portion.read,
                        portion.written,
                        seconds - there.seconds,
                        (there.read + portion.read) / seconds,
                        (there.written + portion.written) / seconds,
                    )
                )

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Where the oldest column of which anything is kept ends, and the newest."""
        newest = self.newest
        if newest is None:
            last = -(-int(now) // resolution) * resolution
            return last, last
        with self._lock:
            last = self._last(now, newest, resolution)
            capacity = self._rings[RESOLUTIONS.index(resolution)].capacity
            first = max(-(-self._began // resolution), last - capacity + 1)
        return min(first, last) * resolution, last * resolution

    def window(
        self, now: float, columns: int, resolution: int = 1, end: int | None = None
    ) -> Window:
        """Copy columns out: up to the one that ends at ``end``, or else the newest.

        What is overdue at ``now`` comes as a gap.
        """
        level = RESOLUTIONS.index(resolution)
        with self._lock:
            newest = self.newest
            if newest is None:
                last = -(-int(now if end is None else end) // resolution)
                return Window(Columns.empty(columns), resolution, float(last * resolution), None)
            pending = self._placement.pending()
            last = self._last(now, newest, resolution) if end is None else -(-end // resolution)
            first = last - columns + 1
            shown = self._rings[level].copy(first, last)
            finer = [
                (ring.unpassed(), coarser.seconds)
                for ring, coarser in zip(self._rings[:level], self._rings[1:], strict=False)
            ]
        # What this level's ring does not know of yet.
        for portion, seconds in (*finer, *((held, 1) for held in pending)):
            if portion is not None:
                index = -(-portion.column * seconds // resolution) - first
                if 0 <= index < columns:
                    shown.add(index, portion)
        return Window(shown, resolution, float(last * resolution), now - newest)

    def _last(self, now: float, newest: float, resolution: int) -> int:
        """The column, at this resolution, that the present belongs to as far as is known."""
        pending = self._placement.pending()
        edge = pending[-1].column if pending else self._placement.edge or 0
        overdue = max(0, int(now - newest) - 1)
        return -(-(edge + overdue) // resolution)
