"""One resolution of the past: columns of so many seconds, the newest so many of them.

Owns the storage. A column is numbered by when it ends: column ``c`` of a ring of ``s`` seconds is
the time from ``(c - 1) * s`` to ``c * s``. Must not know where a sample belongs, nor the time.

The memory is taken when a ring is made and never grows. Rings form a ladder: when a coarser column
is over, the finer ones that it is made of are added up and passed on. So an addition touches one
ring, seldom two, and the sums agree at every resolution to the byte.
"""

from array import array
from typing import NamedTuple

MAX_BUCKET_BYTES = (1 << 63) - 1
"Bytes. A column that is told of more holds this. No tor moves so much, but any may say so."


class Portion(NamedTuple):
    """What falls into one column. A tuple, since one is made for every sample."""

    bucket: int
    read: int
    written: int
    seconds: float
    "How much of the column's time it covers."
    read_peak: float
    "The highest rate among the finest columns that it is made of, in bytes a second."
    written_peak: float


class Buckets:
    """Successive columns, oldest first, as one array a field; ``seconds`` is 0.0 in a gap."""

    __slots__ = ("read", "read_peak", "seconds", "written", "written_peak")

    def __init__(
        self,
        read: "array[int]",
        written: "array[int]",
        seconds: "array[float]",
        read_peak: "array[float]",
        written_peak: "array[float]",
    ) -> None:
        self.read = read
        self.written = written
        self.seconds = seconds
        self.read_peak = read_peak
        self.written_peak = written_peak

    @classmethod
    def empty(cls, count: int) -> "Buckets":
        """So many columns of which nothing is known."""
        nothing = bytes(8 * count)
        return cls(
            array("q", nothing),
            array("q", nothing),
            array("d", nothing),
            array("d", nothing),
            array("d", nothing),
        )

    def __len__(self) -> int:
        return len(self.read)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Buckets):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # what is in it changes

    def put(self, index: int, portion: Portion) -> None:
        """Make the column at this index hold that and nothing else."""
        self.read[index] = min(portion.read, MAX_BUCKET_BYTES)
        self.written[index] = min(portion.written, MAX_BUCKET_BYTES)
        self.seconds[index] = portion.seconds
        self.read_peak[index] = portion.read_peak
        self.written_peak[index] = portion.written_peak

    def portion(self, index: int, column: int) -> Portion:
        """What the column at this index holds, as a portion of that column."""
        return Portion(
            column,
            self.read[index],
            self.written[index],
            self.seconds[index],
            self.read_peak[index],
            self.written_peak[index],
        )

    def add(self, index: int, portion: Portion) -> None:
        """Add to the column at this index; its peaks are the higher of both."""
        self.read[index] = min(self.read[index] + portion.read, MAX_BUCKET_BYTES)
        self.written[index] = min(self.written[index] + portion.written, MAX_BUCKET_BYTES)
        self.seconds[index] += portion.seconds
        self.read_peak[index] = max(self.read_peak[index], portion.read_peak)
        self.written_peak[index] = max(self.written_peak[index], portion.written_peak)

    def clear(self, begin: int, end: int) -> None:
        """Make gaps from index ``begin`` up to ``end``."""
        nothing = Buckets.empty(end - begin)
        self.read[begin:end] = nothing.read
        self.written[begin:end] = nothing.written
        self.seconds[begin:end] = nothing.seconds
        self.read_peak[begin:end] = nothing.read_peak
        self.written_peak[begin:end] = nothing.written_peak

    def total(self, begin: int, end: int, column: int) -> Portion:
        """Those from index ``begin`` up to ``end`` in one, as a portion of that column."""
        return Portion(
            column,
            sum(self.read[begin:end]),
            sum(self.written[begin:end]),
            sum(self.seconds[begin:end]),
            max(self.read_peak[begin:end], default=0.0),
            max(self.written_peak[begin:end], default=0.0),
        )

    def last(self, count: int) -> "Buckets":
        """A copy of the newest so many."""
        begin = max(len(self) - max(count, 0), 0)
        return self.slice(begin, len(self)) if begin < len(self) else Buckets.empty(0)

    def slice(self, begin: int, end: int) -> "Buckets":
        """A copy from index ``begin`` up to ``end``, around the end of the arrays if need be."""
        if begin < end:
            return Buckets(
                self.read[begin:end],
                self.written[begin:end],
                self.seconds[begin:end],
                self.read_peak[begin:end],
                self.written_peak[begin:end],
            )
        return Buckets(
            self.read[begin:] + self.read[:end],
            self.written[begin:] + self.written[:end],
            self.seconds[begin:] + self.seconds[:end],
            self.read_peak[begin:] + self.read_peak[:end],
            self.written_peak[begin:] + self.written_peak[:end],
        )

    def padded(self, before: int, after: int) -> "Buckets":
        """A copy with so many gaps on either side."""
        left, right = Buckets.empty(before), Buckets.empty(after)
        return Buckets(
            left.read + self.read + right.read,
            left.written + self.written + right.written,
            left.seconds + self.seconds + right.seconds,
            left.read_peak + self.read_peak + right.read_peak,
            left.written_peak + self.written_peak + right.written_peak,
        )


class Ring:
    """The newest columns of one resolution, and what passes them on.

    ``capacity`` is a multiple of the columns that go into one of the coarser ring, so that those
    lie side by side.
    """

    def __init__(self, seconds: int, capacity: int, coarser: "Ring | None" = None) -> None:
        self.seconds = seconds
        self.capacity = capacity
        self.newest: int | None = None
        "The column that is being filled."
        self._coarser = coarser
        self._factor = coarser.seconds // seconds if coarser else capacity
        self._rolled_up_to = 0  # the last column that the coarser ring knows of
        self._coarse_end = self._factor  # the last that goes into the same one there as the next
        self._buckets = Buckets.empty(capacity)

    def add(self, portion: Portion) -> None:
        """Add to a column: the newest, a newer one, or one that is still remembered.

        What is older than this ring remembers still counts in the coarser ones.
        """
        column = portion.bucket
        newest = self.newest
        if newest is None or column > newest:
            if column > self._coarse_end:
                self._roll_up(column)
            self._open(portion)
            return
        if self.keeps(column):
            self._buckets.add((column - 1) % self.capacity, portion)
        if column <= self._rolled_up_to and self._coarser is not None:
            self._coarser.add(portion._replace(bucket=-(-column // self._factor)))

    def portion(self, column: int) -> Portion:
        """What a column holds: nothing if it is beyond the ends."""
        if self.newest is None or column > self.newest or not self.keeps(column):
            return Portion(column, 0, 0, 0.0, 0.0, 0.0)
        return self._buckets.portion((column - 1) % self.capacity, column)

    def roll_up_all(self) -> None:
        """Pass on what is over and what is not: the coarser ring then knows of all that is here."""
        over = self.unrolled()
        if over is not None and self._coarser is not None and self.newest is not None:
            self._coarser.add(over)
            self._rolled_up_to = self.newest

    def restore(self, portion: Portion) -> None:
        """Add to a column what the coarser rings are told of in their own columns.

        All that is here must have been passed on.
        """
        if self.newest is None or portion.bucket > self.newest:
            self._open(portion)
            self._rolled_up_to = portion.bucket
            self._coarse_end = -(-portion.bucket // self._factor) * self._factor
        elif self.keeps(portion.bucket):
            self._buckets.add((portion.bucket - 1) % self.capacity, portion)

    def keeps(self, column: int) -> bool:
        """Whether this column is not too old to be kept here."""
        return self.newest is None or column > self.newest - self.capacity

    def unrolled(self) -> Portion | None:
        """What the coarser ring does not know of yet, as a portion of its column there."""
        if self.newest is None or self._coarser is None or self.newest <= self._rolled_up_to:
            return None
        begin, column = self._rolled_up_to % self.capacity, self._rolled_up_to // self._factor + 1
        return self._buckets.total(begin, begin + self.newest - self._rolled_up_to, column)

    def copy(self, first: int, last: int) -> Buckets:
        """Copy the columns from ``first`` to ``last`` out, those beyond the ends as gaps."""
        count = max(last - first + 1, 0)
        if self.newest is None:
            return Buckets.empty(count)
        begin = max(first, self.newest - self.capacity + 1)
        end = min(last, self.newest)
        if begin > end:
            return Buckets.empty(count)
        held = self._buckets.slice((begin - 1) % self.capacity, (end - 1) % self.capacity + 1)
        return held if len(held) == count else held.padded(begin - first, last - end)

    def _open(self, portion: Portion) -> None:
        """Begin a newer column with this, after a gap if there is one."""
        column, newest = portion.bucket, self.newest
        if newest is not None and column > newest + 1:
            self._add_gap(column - newest - 1, column)
        self.newest = column
        self._buckets.put((column - 1) % self.capacity, portion)

    def _add_gap(self, count: int, column: int) -> None:
        """Make a gap of the columns before this one."""
        capacity = self.capacity
        if count >= capacity:
            self._buckets = Buckets.empty(capacity)
            return
        begin, end = (column - count - 1) % capacity, (column - 1) % capacity
        if begin < end:
            self._buckets.clear(begin, end)
        else:
            self._buckets.clear(begin, capacity)
            self._buckets.clear(0, end)

    def _roll_up(self, column: int) -> None:
        """Hand over what is over when this column begins."""
        over = self.unrolled()
        if over is not None and self._coarser is not None:
            self._coarser.add(over)
        self._rolled_up_to = (column - 1) // self._factor * self._factor
        self._coarse_end = self._rolled_up_to + self._factor
