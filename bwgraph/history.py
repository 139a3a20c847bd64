"""The past of one tor, in columns of a second, bounded for ever.

Owns where a sample rests: ``push`` puts it into its column, ``window`` copies the newest columns
out. Must not know who pushes, who draws, or what time it is: ``now`` is an argument.

A column is numbered by the monotonic second at which it ends. Tor sends its events a little slower
than one a second (1.0022 s in the mean), so the columns of successive events are kept successive
as long as that is at most three quarters of a second wrong. Once in some seven minutes the event
then covers two columns and is shared between them, with the time that it covers: each column's
rate is the event's own, and no second looks like a gap or is counted twice.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from bwgraph.sample import Sample

CAPACITY = 4096
"Columns kept: over an hour of seconds, and wider than any terminal."

SLACK = 0.75
"How far, in seconds, a column may lie from the clock before it is moved."

LATE = 2.0
"A newest sample older than this, in seconds, is late."


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is known of one column: bytes, and the seconds of it that they cover."""

    read: int
    written: int
    seconds: float

    @property
    def read_rate(self) -> float:
        """Bytes received per covered second."""
        return self.read / self.seconds

    @property
    def written_rate(self) -> float:
        """Bytes sent per covered second."""
        return self.written / self.seconds


@dataclass(frozen=True, slots=True)
class Window:
    """The newest columns, oldest first; ``None`` where nothing is known."""

    buckets: tuple[Bucket | None, ...]
    end: float
    "The monotonic second at which the last column ends."
    age: float | None
    "Seconds since the newest sample came in; None before the first."

    @property
    def late(self) -> bool:
        """Whether the newest sample is older than it should be."""
        return self.age is not None and self.age > LATE

    def last(self, columns: int) -> "Window":
        """The same window, cut down to its newest columns.

        >>> Window((None, Bucket(5, 0, 1.0)), end=2.0, age=0.0).last(1).buckets
        (Bucket(read=5, written=0, seconds=1.0),)
        """
        newest = self.buckets[-columns:] if columns > 0 else ()
        return Window(newest, self.end, self.age)


class History:
    """A bounded ring of one-second columns behind one lock.

    ``lock`` is whatever guards ``push`` against ``window`` when they run in different threads;
    without threads none is needed. Nothing else is ever done under it.

    >>> history = History()
    >>> history.push(Sample(when=10.0, read=700, written=70, seconds=1.0))
    >>> history.push(Sample(when=13.0, read=800, written=80, seconds=1.0))
    >>> [bucket and bucket.read for bucket in history.window(13.1, 5).buckets]
    [None, 700, None, None, 800]
    """

    def __init__(
        self, capacity: int = CAPACITY, lock: AbstractContextManager[object] | None = None
    ) -> None:
        self._lock = nullcontext() if lock is None else lock
        self._ring: list[Bucket | None] = [None] * capacity
        self._edge: int | None = None  # the number of the newest column
        self.newest: float | None = None
        "When the newest sample came in; None before the first."

    def push(self, sample: Sample) -> None:
        """Put a sample into the columns that it covers. O(1) for a sample of a second.

        Samples come in the order of their ``when``. One that covers no time is dropped: bytes
        without a span have no rate.
        """
        if sample.seconds <= 0:
            return
        with self._lock:
            edge = self._edge_before(sample.when - sample.seconds)
            last = edge + 1 if abs(sample.when - edge - 1) < SLACK else round(sample.when)
            if last > edge:
                self._spread(sample, edge, last)
            else:
                self._add_to(edge, sample)
            self.newest = sample.when

    def window(self, now: float, columns: int) -> Window:
        """Copy the newest columns out; columns that are overdue at ``now`` come as ``None``."""
        with self._lock:
            edge, newest = self._edge, self.newest
            if edge is None or newest is None:
                return Window((None,) * columns, now, None)
            overdue = max(0, int(now - newest) - 1)
            known = min(max(columns - overdue, 0), len(self._ring))
            begin = (edge - known + 1) % len(self._ring)
            buckets = self._ring[begin : begin + known]
            buckets += self._ring[: known - len(buckets)]
        ancient = columns - known - overdue
        return Window(
            (*(None,) * ancient, *buckets, *(None,) * min(overdue, columns)),
            float(edge + overdue),
            now - newest,
        )

    def _edge_before(self, start: float) -> int:
        """The newest column when a sample starts at ``start``: a gap before it is made known."""
        size = len(self._ring)
        edge = self._edge
        if edge is None:
            return round(start)
        if start <= edge + SLACK:
            return edge
        resumed = round(start)
        for column in range(max(edge, resumed - size) + 1, resumed + 1):
            self._ring[column % size] = None
        return resumed

    def _spread(self, sample: Sample, edge: int, last: int) -> None:
        """Share a sample among the columns after ``edge``: exact in bytes, even in time."""
        size = len(self._ring)
        columns = last - edge
        # Of a sample longer than the whole ring only the newest columns have a place.
        for i in range(max(0, columns - size), columns):
            self._ring[(edge + 1 + i) % size] = Bucket(
                _share(sample.read, i, columns),
                _share(sample.written, i, columns),
                sample.seconds / columns,
            )
        self._edge = last

    def _add_to(self, edge: int, sample: Sample) -> None:
        """Add a sample that ends where the newest column does to what is there."""
        slot = edge % len(self._ring)
        there = self._ring[slot] or Bucket(0, 0, 0.0)
        self._ring[slot] = Bucket(
            there.read + sample.read,
            there.written + sample.written,
            there.seconds + sample.seconds,
        )
        self._edge = edge


def _share(total: int, i: int, parts: int) -> int:
    """The ``i``-th of ``parts`` integers that differ by at most one and add up to ``total``.

    >>> [_share(11, i, 4) for i in range(4)]
    [2, 3, 3, 3]
    """
    return total * (i + 1) // parts - total * i // parts
