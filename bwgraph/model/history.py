"""The past of one tor, at several resolutions, bounded for ever.

Owns the ladder of rings and the one lock: ``push`` puts a sample in, ``window`` copies columns of
one resolution out, ``take`` what has changed in all of them. Must not know who pushes, who draws,
or what time it is: ``now`` is an argument.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from bwgraph.model.binning import Placement, spread
from bwgraph.model.events import Sample
from bwgraph.model.ring import Columns, Portion
from bwgraph.model.rollups import Entry, Ladder, kept

LATE = 2.0
"A newest sample that is so many seconds old is late."


class Window(NamedTuple):
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
        self._began: int | None = None  # the first column that anything was known of
        self._changed: int | None = None  # the oldest that was added to since the last `take`
        self.restored: dict[int, tuple[int, int]] = {}
        "By resolution: the first and the last second of what was restored."

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
            if self._began is None:
                self._began = min(round(sample.when - sample.seconds) + 1, round(sample.when))
            if portions and (self._changed is None or portions[0].column < self._changed):
                self._changed = portions[0].column
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
            self._touch(portions)
            if self._onward is not None:
                self._onward(portions)

    def take(
        self, resolutions: Sequence[int], again: int | None = None
    ) -> tuple[int | None, list[Entry]]:
        """What has changed since this was last asked, or from the column ``again`` on.

        Also says from which column on that is; None if nothing has. What is held back, since a
        late event may have to be shared with the next, comes when it is settled.
        """
        with self._lock:
            changed = [first for first in (self._changed, again) if first is not None]
            self._changed = None
            newest = self._ladder.newest
            if not changed or newest is None:
                return None, []
            first = min(changed)
            copied = [self._copied(each, first, newest) for each in resolutions]
        return first, [entry for entries in copied for entry in _entries(*entries)]

    def restore(self, entries: Sequence[Entry]) -> None:
        """Put back what was kept of the time before, oldest first; no sample need have come yet."""
        with self._lock:
            self._restore(entries)
            for resolution, portion, *_ in entries:
                last = portion.column * resolution
                first, _ = self.restored.get(resolution, (last - resolution + 1, last))
                self.restored[resolution] = first, last

    def extent(self, now: float, resolution: int = 1) -> tuple[int, int]:
        """Where the oldest column of which anything is kept ends, and the newest."""
        with self._lock:
            last = self._last(now, self.newest, resolution)
            began = [first for each, (first, _) in self.restored.items() if each <= resolution]
            if self._began is not None:
                began.append(self._began)
            if not began:
                return last * resolution, last * resolution
            first = max(-(-min(began) // resolution), last - kept(resolution) + 1)
        return min(first, last) * resolution, last * resolution

    def window(
        self, now: float, columns: int, resolution: int = 1, end: int | None = None
    ) -> Window:
        """Copy columns out: up to the one that ends at ``end``, or else the newest.

        What is overdue at ``now`` comes as a gap.
        """
        with self._lock:
            last = self._last(now, self.newest, resolution)
            if end is not None:
                last = -(-end // resolution)
            age = None if self.newest is None else now - self.newest
            return self._window(last - columns + 1, last, resolution, age)

    def _window(self, first: int, last: int, resolution: int, age: float | None) -> Window:
        pending = self._placement.pending()
        columns = self._ladder.copy(resolution, first, last, pending)
        return Window(columns, resolution, float(last * resolution), age)

    def _copied(
        self, resolution: int, first: int, newest: int
    ) -> tuple[int, int, Columns, Columns | None]:
        """The columns of a resolution that these seconds are in, and of a sum: who is in them."""
        last = -(-newest // resolution)
        begin = max(-(-first // resolution), last - kept(resolution) + 1)
        return resolution, begin, self._ladder.copy(resolution, begin, last), None

    def _restore(self, entries: Iterable[Entry]) -> None:
        self._ladder.restore(entries)

    def _touch(self, portions: Iterable[Portion]) -> None:
        """Remember that these were added to."""
        columns = [portion.column for portion in portions]
        if self._changed is not None:
            columns.append(self._changed)
        self._changed = min(columns, default=None)

    def _last(self, now: float, newest: float | None, resolution: int) -> int:
        """The column, at this resolution, that the present belongs to as far as is known."""
        if newest is None:
            return -(-int(now) // resolution)
        overdue = max(0, int(now - newest) - 1)
        return -(-(self._reach() + overdue) // resolution)

    def _reach(self) -> int:
        """The newest column of which something is known."""
        pending = self._placement.pending()
        return pending[-1].column if pending else self._placement.edge or 0


def _entries(
    resolution: int, begin: int, columns: Columns, told: Columns | None
) -> Iterable[Entry]:
    """These columns, the first of which is ``begin``; a gap is none."""
    for index, seconds in enumerate(columns.seconds):
        if seconds:
            portion = columns.at(index, begin + index)
            of_sum = (told.read[index], told.seconds[index]) if told else ()
            yield Entry(resolution, portion, *of_sum)


def _added(portion: Portion, there: Portion) -> Portion:
    """A portion for a column that holds something: with the rate that both make together."""
    seconds = there.seconds or portion.seconds
    return portion._replace(
        seconds=seconds - there.seconds,
        read_peak=(there.read + portion.read) / seconds,
        written_peak=(there.written + portion.written) / seconds,
    )
