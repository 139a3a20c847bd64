"""The past of one tor, at several resolutions, bounded for ever.

Owns the ladder of rings and the one lock: ``push`` puts a sample in, ``window`` copies columns of
one resolution out. Must not know who pushes, who draws, or what time it is: ``now`` is an argument.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bwgraph.ladder import Ladder
from bwgraph.placement import Placement, spread
from bwgraph.ring import Columns, Portion
from bwgraph.sample import Sample

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
    partial: frozenset[int] = frozenset()
    "The columns, by index, that lack some of what they are a sum of."

    @property
    def late(self) -> bool:
        """Whether the newest sample is older than it should be."""
        return self.age is not None and self.age >= LATE

    def last(self, count: int) -> "Window":
        """The same window, cut down to its newest columns."""
        cut = len(self.columns) - len(columns := self.columns.last(count))
        partial = frozenset(index - cut for index in self.partial if index >= cut)
        return Window(columns, self.resolution, self.end, self.age, partial)


Onward = Callable[[list[Portion]], object]
"Takes what has been put into a history on to where it counts, too."


class History:
    """A ladder of bounded rings behind one lock.

    ``lock`` is whatever guards ``push`` against ``window`` when they run in different threads;
    without threads none is needed. What has been put into the rings is handed to ``onward`` under
    it too, so that it comes there in its order; nothing else is ever done under it.

    >>> history = History()
    >>> history.push(Sample(when=10.0, read=700, written=70, seconds=1.0))
    >>> history.push(Sample(when=13.0, read=800, written=80, seconds=1.0))
    >>> columns = history.window(13.1, 5).columns
    >>> columns.read.tolist(), columns.seconds.tolist()
    ([0, 700, 0, 0, 800], [0.0, 1.0, 0.0, 0.0, 1.0])
    >>> history.window(13.1, 1, resolution=5).columns.read.tolist()
    [800]
    """

    def __init__(
        self, lock: AbstractContextManager[object] | None = None, onward: Onward | None = None
    ) -> None:
        self.newest: float | None = None
        "When the newest sample came in; None before the first."
        self._lock = nullcontext() if lock is None else lock
        self._onward = onward
        self._placement = Placement()
        self._ladder = Ladder()
        self._began = 0  # the first column that anything was known of

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
            portions = self._placement.place(sample)
            self._ladder.add(portions)
            if self.newest is None:
                self._began = round(sample.when)
            self.newest = sample.when
            if self._onward is not None:
                self._onward(portions)

    def amend(self, missing: Sample) -> None:
        """Add bytes to columns that were filled before: what a sample of that span had lacked."""
        last = round(missing.when)
        first = last - max(1, round(missing.seconds))
        with self._lock:
            portions = self._placement.settle()
            self._ladder.add(portions)
            for portion in spread(missing.read, missing.written, missing.seconds, first, last):
                more = _added(portion, self._ladder.at(portion.column))
                self._ladder.add([more])
                portions.append(more)
            if self._onward is not None:
                self._onward(portions)

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Where the oldest column of which anything is kept ends, and the newest."""
        with self._lock:
            if self.newest is None:
                last = -(-int(now) // resolution) * resolution
                return last, last
            last = self._last(now, self.newest, resolution)
            kept = last - self._ladder.capacity(resolution) + 1
            first = max(-(-self._began // resolution), kept)
        return min(first, last) * resolution, last * resolution

    def window(
        self, now: float, columns: int, resolution: int = 1, end: int | None = None
    ) -> Window:
        """Copy columns out: up to the one that ends at ``end``, or else the newest.

        What is overdue at ``now`` comes as a gap.
        """
        with self._lock:
            if self.newest is None:
                last = -(-int(now if end is None else end) // resolution)
                return Window(Columns.empty(columns), resolution, float(last * resolution), None)
            last = self._last(now, self.newest, resolution)
            if end is not None:
                last = -(-end // resolution)
            return self._window(last - columns + 1, last, resolution, now - self.newest)

    def _window(self, first: int, last: int, resolution: int, age: float) -> Window:
        pending = self._placement.pending()
        columns = self._ladder.copy(resolution, first, last, pending)
        return Window(columns, resolution, float(last * resolution), age)

    def _last(self, now: float, newest: float, resolution: int) -> int:
        """The column, at this resolution, that the present belongs to as far as is known."""
        overdue = max(0, int(now - newest) - 1)
        return -(-(self._reach() + overdue) // resolution)

    def _reach(self) -> int:
        """The newest column of which something is known."""
        pending = self._placement.pending()
        return pending[-1].column if pending else self._placement.edge or 0


def _added(portion: Portion, there: Portion) -> Portion:
    """A portion for a column that holds something: with the rate that both make together."""
    seconds = there.seconds or portion.seconds
    return portion._replace(
        seconds=seconds - there.seconds,
        read_peak=(there.read + portion.read) / seconds,
        written_peak=(there.written + portion.written) / seconds,
    )
