"""One resolution of the past: columns of so many seconds, the newest so many of them.

Owns the storage. A column is numbered by when it ends: column ``c`` of a ring of ``s`` seconds is
the time from ``(c - 1) * s`` to ``c * s``. Must not know where a sample belongs, nor the time.

The memory is taken when a ring is made and never grows. Rings form a ladder: when a coarser column
is over, the finer ones that it is made of are added up and passed on. So an addition touches one
ring, seldom two, and the sums agree at every resolution to the byte.
"""

from array import array
from typing import NamedTuple

FULL = (1 << 63) - 1
"Bytes. A column that is told of more holds this. No tor moves so much, but any may say so."


class Portion(NamedTuple):
    """What falls into one column. A tuple, since one is made for every sample."""

    column: int
    read: int
    written: int
    seconds: float
    "How much of the column's time it covers."
    read_peak: float
    "The highest rate among the finest columns that it is made of, in bytes a second."
    written_peak: float


class Columns:
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
    def empty(cls, count: int) -> "Columns":
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
        if not isinstance(other, Columns):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # what is in it changes

    def put(self, index: int, portion: Portion) -> None:
        """Make the column at this index hold that and nothing else."""
        self.read[index] = min(portion.read, FULL)
        self.written[index] = min(portion.written, FULL)
        self.seconds[index] = portion.seconds
        self.read_peak[index] = portion.read_peak
        self.written_peak[index] = portion.written_peak

    def at(self, index: int, column: int) -> Portion:
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
        self.read[index] = min(self.read[index] + portion.read, FULL)
        self.written[index] = min(self.written[index] + portion.written, FULL)
        self.seconds[index] += portion.seconds
        self.read_peak[index] = max(self.read_peak[index], portion.read_peak)
        self.written_peak[index] = max(self.written_peak[index], portion.written_peak)

    def clear(self, begin: int, end: int) -> None:
        """Make gaps from index ``begin`` up to ``end``."""
        nothing = Columns.empty(end - begin)
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

    def last(self, count: int) -> "Columns":
        """A copy of the newest so many."""
        begin = max(len(self) - max(count, 0), 0)
        return self.turned(begin, len(self)) if begin < len(self) else Columns.empty(0)

    def turned(self, begin: int, end: int) -> "Columns":
        """A copy from index ``begin`` up to ``end``, around the end of the arrays if need be."""
        if begin < end:
            return Columns(
                self.read[begin:end],
                self.written[begin:end],
                self.seconds[begin:end],
                self.read_peak[begin:end],
                self.written_peak[begin:end],
            )
        return Columns(
            self.read[begin:] + self.read[:end],
            self.written[begin:] + self.written[:end],
            self.seconds[begin:] + self.seconds[:end],
            self.read_peak[begin:] + self.read_peak[:end],
            self.written_peak[begin:] + self.written_peak[:end],
        )

    def padded(self, before: int, after: int) -> "Columns":
        """A copy with so many gaps on either side."""
        left, right = Columns.empty(before), Columns.empty(after)
        return Columns(
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
        self._passed = 0  # the last column that the coarser ring knows of
        self._until = self._factor  # the last that goes into the same one there as the next
        self._columns = Columns.empty(capacity)

    def add(self, portion: Portion) -> None:
        """Add to a column: the newest, a newer one, or one that is still remembered.

        What is older than this ring remembers still counts in the coarser ones.
        """
        column = portion.column
        newest = self.newest
        if newest is None or column > newest:
            if column > self._until:
                self._pass_on(column)
            self._begin(portion)
            return
        if self.remembers(column):
            self._columns.add((column - 1) % self.capacity, portion)
        if column <= self._passed and self._coarser is not None:
            self._coarser.add(portion._replace(column=-(-column // self._factor)))

    def at(self, column: int) -> Portion:
        """What a column holds: nothing if it is beyond the ends."""
        if self.newest is None or column > self.newest or not self.remembers(column):
            return Portion(column, 0, 0, 0.0, 0.0, 0.0)
        return self._columns.at((column - 1) % self.capacity, column)

    def flush(self) -> None:
        """Pass on what is over and what is not: the coarser ring then knows of all that is here."""
        over = self.unpassed()
        if over is not None and self._coarser is not None and self.newest is not None:
            self._coarser.add(over)
            self._passed = self.newest

    def restore(self, portion: Portion) -> None:
        """Add to a column what the coarser rings are told of in their own columns.

        All that is here must have been passed on.
        """
        if self.newest is None or portion.column > self.newest:
            self._begin(portion)
            self._passed = portion.column
            self._until = -(-portion.column // self._factor) * self._factor
        elif self.remembers(portion.column):
            self._columns.add((portion.column - 1) % self.capacity, portion)

    def remembers(self, column: int) -> bool:
        """Whether this column is not too old to be kept here."""
        return self.newest is None or column > self.newest - self.capacity

    def unpassed(self) -> Portion | None:
        """What the coarser ring does not know of yet, as a portion of its column there."""
        if self.newest is None or self._coarser is None or self.newest <= self._passed:
            return None
        begin, column = self._passed % self.capacity, self._passed // self._factor + 1
        return self._columns.total(begin, begin + self.newest - self._passed, column)

    def copy(self, first: int, last: int) -> Columns:
        """Copy the columns from ``first`` to ``last`` out, those beyond the ends as gaps."""
        count = max(last - first + 1, 0)
        if self.newest is None:
            return Columns.empty(count)
        begin = max(first, self.newest - self.capacity + 1)
        end = min(last, self.newest)
        if begin > end:
            return Columns.empty(count)
        held = self._columns.turned((begin - 1) % self.capacity, (end - 1) % self.capacity + 1)
        return held if len(held) == count else held.padded(begin - first, last - end)

    def _begin(self, portion: Portion) -> None:
        """Begin a newer column with this, after a gap if there is one."""
        column, newest = portion.column, self.newest
        if newest is not None and column > newest + 1:
            self._skip(column - newest - 1, column)
        self.newest = column
        self._columns.put((column - 1) % self.capacity, portion)

    def _skip(self, count: int, column: int) -> None:
        """Make a gap of the columns before this one."""
        capacity = self.capacity
        if count >= capacity:
            self._columns = Columns.empty(capacity)
            return
        begin, end = (column - count - 1) % capacity, (column - 1) % capacity
        if begin < end:
            self._columns.clear(begin, end)
        else:
            self._columns.clear(begin, capacity)
            self._columns.clear(0, end)

    def _pass_on(self, column: int) -> None:
        """Hand over what is over when this column begins."""
        over = self.unpassed()
        if over is not None and self._coarser is not None:
            self._coarser.add(over)
        self._passed = (column - 1) // self._factor * self._factor
        self._until = self._passed + self._factor
