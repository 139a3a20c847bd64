"""Fixed-size storage for the newest buckets of one resolution.

Owns the arrays that hold the buckets. A bucket is numbered by its end: bucket ``b`` of a ring of
``s`` seconds is the time from ``(b - 1) * s`` to ``b * s``. Must not know which bucket a sample
belongs to, nor the current time.

A ring allocates its memory when it is created and never grows. Rings are chained from fine to
coarse: when a coarse bucket is complete, the fine ring adds up the buckets within it and passes the
result to the coarse ring. Adding to a bucket therefore writes to one ring, seldom to two, and the
sums of bytes are equal at every resolution.
"""

from array import array
from typing import NamedTuple

MAX_BUCKET_BYTES = (1 << 63) - 1
"The most bytes that a bucket can hold. No tor moves this much, but a faulty one may report it."


class Portion(NamedTuple):
    """The part of a sample, or of several, that belongs to one bucket.

    A tuple, because one is created for every sample.
    """

    bucket: int
    read: int
    written: int
    seconds: float
    "Seconds of the bucket that the bytes cover."
    read_peak: float
    "The highest rate of any one-second bucket within this one, in bytes a second."
    written_peak: float


class Buckets:
    """Consecutive buckets, oldest first, with one array per field; ``seconds`` is 0.0 in a gap."""

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
        """Return ``count`` gaps."""
        zeros = bytes(8 * count)
        return cls(
            array("q", zeros),
            array("q", zeros),
            array("d", zeros),
            array("d", zeros),
            array("d", zeros),
        )

    def __len__(self) -> int:
        return len(self.read)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Buckets):
            return NotImplemented
        return all(getattr(self, field) == getattr(other, field) for field in self.__slots__)

    __hash__ = None  # type: ignore[assignment] # the arrays are mutable

    def put(self, index: int, portion: Portion) -> None:
        """Replace the bucket at an index by a portion."""
        self.read[index] = min(portion.read, MAX_BUCKET_BYTES)
        self.written[index] = min(portion.written, MAX_BUCKET_BYTES)
        self.seconds[index] = portion.seconds
        self.read_peak[index] = portion.read_peak
        self.written_peak[index] = portion.written_peak

    def portion(self, index: int, bucket: int) -> Portion:
        """Return the contents at an index as a portion of the given bucket."""
        return Portion(
            bucket,
            self.read[index],
            self.written[index],
            self.seconds[index],
            self.read_peak[index],
            self.written_peak[index],
        )

    def add(self, index: int, portion: Portion) -> None:
        """Add a portion to the bucket at an index. Of two peaks the higher remains."""
        self.read[index] = min(self.read[index] + portion.read, MAX_BUCKET_BYTES)
        self.written[index] = min(self.written[index] + portion.written, MAX_BUCKET_BYTES)
        self.seconds[index] += portion.seconds
        self.read_peak[index] = max(self.read_peak[index], portion.read_peak)
        self.written_peak[index] = max(self.written_peak[index], portion.written_peak)

    def clear(self, begin: int, end: int) -> None:
        """Replace the buckets from index ``begin`` up to, not including, ``end`` by gaps."""
        gaps = Buckets.empty(end - begin)
        self.read[begin:end] = gaps.read
        self.written[begin:end] = gaps.written
        self.seconds[begin:end] = gaps.seconds
        self.read_peak[begin:end] = gaps.read_peak
        self.written_peak[begin:end] = gaps.written_peak

    def added_up(self, begin: int, end: int, bucket: int) -> Portion:
        """Return the buckets from index ``begin`` up to, not including, ``end`` as one portion.

        ``bucket`` is the number of the portion's bucket.
        """
        return Portion(
            bucket,
            sum(self.read[begin:end]),
            sum(self.written[begin:end]),
            sum(self.seconds[begin:end]),
            max(self.read_peak[begin:end], default=0.0),
            max(self.written_peak[begin:end], default=0.0),
        )

    def last(self, count: int) -> "Buckets":
        """Return a copy of the newest ``count`` buckets, or of all if there are fewer."""
        begin = max(len(self) - max(count, 0), 0)
        return self.slice(begin, len(self)) if begin < len(self) else Buckets.empty(0)

    def slice(self, begin: int, end: int) -> "Buckets":
        """Return a copy from index ``begin`` up to, not including, ``end``.

        Wraps around the end of the arrays unless ``begin`` is less than ``end``.
        """
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
        """Return a copy with ``before`` gaps in front of it and ``after`` gaps behind it."""
        left, right = Buckets.empty(before), Buckets.empty(after)
        return Buckets(
            left.read + self.read + right.read,
            left.written + self.written + right.written,
            left.seconds + self.seconds + right.seconds,
            left.read_peak + self.read_peak + right.read_peak,
            left.written_peak + self.written_peak + right.written_peak,
        )


class Ring:
    """The newest buckets of one resolution.

    ``capacity`` is a multiple of the number of buckets that make one bucket of the coarser ring, so
    that these are never split by the end of the arrays.
    """

    def __init__(self, seconds: int, capacity: int, coarser: "Ring | None" = None) -> None:
        self.seconds = seconds
        "The length of a bucket."
        self.capacity = capacity
        "The number of buckets."
        self.newest: int | None = None
        "The newest bucket, which may still be incomplete; None if the ring is empty."
        self._coarser = coarser
        # Without a coarser ring, the value has no effect.
        self._factor = coarser.seconds // seconds if coarser else capacity
        self._rolled_up_to = 0  # the last bucket that the coarser ring contains
        self._coarse_end = self._factor  # the last bucket of the next coarse bucket
        self._buckets = Buckets.empty(capacity)

    def add(self, portion: Portion) -> None:
        """Add a portion to its bucket, which may be a new or an old one.

        If the ring no longer holds the bucket, only the coarser rings get the portion.
        """
        bucket = portion.bucket
        newest = self.newest
        if newest is None or bucket > newest:
            if bucket > self._coarse_end:
                self._roll_up(bucket)
            self._append(portion)
            return
        if self.holds(bucket):
            self._buckets.add((bucket - 1) % self.capacity, portion)
        if bucket <= self._rolled_up_to and self._coarser is not None:
            self._coarser.add(portion._replace(bucket=-(-bucket // self._factor)))

    def portion(self, bucket: int) -> Portion:
        """Return the contents of a bucket: zeros if the ring does not hold it."""
        if self.newest is None or bucket > self.newest or not self.holds(bucket):
            return Portion(bucket, 0, 0, 0.0, 0.0, 0.0)
        return self._buckets.portion((bucket - 1) % self.capacity, bucket)

    def roll_up_all(self) -> None:
        """Add all buckets to the coarser ring, including those of an incomplete coarse bucket."""
        unrolled = self.unrolled()
        if unrolled is not None and self._coarser is not None and self.newest is not None:
            self._coarser.add(unrolled)
            self._rolled_up_to = self.newest

    def restore(self, portion: Portion) -> None:
        """Add a portion to its bucket here and not to the coarser rings.

        Call ``roll_up_all`` first: the coarser rings must already contain all of this ring.
        """
        if self.newest is None or portion.bucket > self.newest:
            self._append(portion)
            self._rolled_up_to = portion.bucket
            self._coarse_end = -(-portion.bucket // self._factor) * self._factor
        elif self.holds(portion.bucket):
            self._buckets.add((portion.bucket - 1) % self.capacity, portion)

    def holds(self, bucket: int) -> bool:
        """Return whether a bucket is recent enough for this ring to hold it."""
        return self.newest is None or bucket > self.newest - self.capacity

    def unrolled(self) -> Portion | None:
        """Return what the coarser ring does not contain yet, as a portion of its bucket there."""
        if self.newest is None or self._coarser is None or self.newest <= self._rolled_up_to:
            return None
        begin, bucket = self._rolled_up_to % self.capacity, self._rolled_up_to // self._factor + 1
        return self._buckets.added_up(begin, begin + self.newest - self._rolled_up_to, bucket)

    def copy(self, first: int, last: int) -> Buckets:
        """Return a copy of buckets ``first`` to ``last``, with gaps for those not held."""
        count = max(last - first + 1, 0)
        if self.newest is None:
            return Buckets.empty(count)
        begin = max(first, self.newest - self.capacity + 1)
        end = min(last, self.newest)
        if begin > end:
            return Buckets.empty(count)
        held = self._buckets.slice((begin - 1) % self.capacity, (end - 1) % self.capacity + 1)
        return held if len(held) == count else held.padded(begin - first, last - end)

    def _append(self, portion: Portion) -> None:
        """Make a portion's bucket the newest, with gaps between it and the newest so far."""
        bucket, newest = portion.bucket, self.newest
        if newest is not None and bucket > newest + 1:
            self._clear_before(bucket, bucket - newest - 1)
        self.newest = bucket
        self._buckets.put((bucket - 1) % self.capacity, portion)

    def _clear_before(self, bucket: int, count: int) -> None:
        """Turn the ``count`` buckets before this one into gaps."""
        capacity = self.capacity
        if count >= capacity:
            self._buckets = Buckets.empty(capacity)
            return
        begin, end = (bucket - count - 1) % capacity, (bucket - 1) % capacity
        if begin < end:
            self._buckets.clear(begin, end)
        else:
            self._buckets.clear(begin, capacity)
            self._buckets.clear(0, end)

    def _roll_up(self, bucket: int) -> None:
        """Pass the coarse bucket that is complete before this bucket on to the coarser ring."""
        complete = self.unrolled()
        if complete is not None and self._coarser is not None:
            self._coarser.add(complete)
        self._rolled_up_to = (bucket - 1) // self._factor * self._factor
        self._coarse_end = self._rolled_up_to + self._factor
