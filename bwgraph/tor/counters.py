"""What tor's counters and its event cache say in addition to its events.

Owns the computation of the bytes before a connection's first sample, the detection of events that
wrapped, and the choice of cache entries that are recent. Pure. Must not know how tor is asked.
"""

from itertools import takewhile

from bwgraph.model.events import MAX_SAMPLE_BYTES, CounterBase, Sample, Wrapped
from bwgraph.tor.description import parse_number, parse_pair

EVENT_WRAP_BYTES = 1 << 32
"The value at which the numbers in tor's events wrap. Its counters (GETINFO traffic/read) do not."

EVENT_INTERVAL_S = 1.0022
"Mean number of seconds between two events."

CACHE_ENTRIES = 300
"Entries of tor's event cache (control-spec, GETINFO bw-event-cache) when it is full."

SPIKE_FACTOR = 4
"""A cache entry that exceeds the 90th percentile by this factor may be the first event of a
subscription, which contains the bytes of more than a second."""

SPIKE_FLOOR_BYTES = 1 << 14
"Lower limit of that percentile, in bytes."


class CounterCheck:
    """Compares one connection's samples with tor's counters.

    One thread adds samples, another one compares. Read ``sample_bytes`` before asking tor: tor has
    counted at least these bytes by then. The pair is replaced as a whole, never changed.

    >>> check = CounterCheck()
    >>> check.compare(check.sample_bytes, "500", "50")
    CounterBase(read=500, written=50)
    >>> check.add(Sample(1.0, 7, 3, 1.0))
    >>> check.compare(check.sample_bytes, "508", "53")
    CounterBase(read=501, written=50)
    """

    def __init__(self) -> None:
        self.sample_bytes = (0, 0)
        "Bytes read and written in all samples so far."
        self._longest: Sample | None = None  # since the last comparison
        self._wrapped = (0, 0)  # bytes that were added for wrapped events
        self._lowest_base: CounterBase | None = None

    def add(self, sample: Sample) -> None:
        """Add a sample."""
        self.sample_bytes = (
            self.sample_bytes[0] + sample.read,
            self.sample_bytes[1] + sample.written,
        )
        if self._longest is None or sample.seconds > self._longest.seconds:
            self._longest = sample

    def compare(
        self, seen: tuple[int, int], read: str, written: str
    ) -> CounterBase | Wrapped | None:
        """Compare tor's answers with ``sample_bytes`` as it was before the request.

        The difference was moved before the first sample, except for a few bytes since tor's last
        event. If it has grown by multiples of 4 GiB, an event has wrapped. It is assumed to be the
        longest since the last comparison. Returns None if an answer is not a number.
        """
        read_counter, written_counter = parse_number(read), parse_number(written)
        if read_counter is None or written_counter is None:
            return None
        base = CounterBase(
            max(read_counter - seen[0] - self._wrapped[0], 0),
            max(written_counter - seen[1] - self._wrapped[1], 0),
        )
        lowest, longest = self._lowest_base, self._longest
        self._longest = None
        if lowest is None:
            self._lowest_base = base
            return base
        missing = (
            _round_to_wraps(base.read - lowest.read),
            _round_to_wraps(base.written - lowest.written),
        )
        if longest is not None and any(missing):
            self._wrapped = (self._wrapped[0] + missing[0], self._wrapped[1] + missing[1])
            return Wrapped(Sample(longest.ends_at, *missing, longest.seconds))
        self._lowest_base = CounterBase(
            min(base.read, lowest.read), min(base.written, lowest.written)
        )
        return base


def recent_samples(cache: str, last_at: float) -> tuple[Sample, ...]:
    """Return tor's event cache as samples; its newest entry was sent at ``last_at``.

    This is only valid if another controller has been subscribed until now. Entries from before that
    subscription may be of any age, so the samples begin after its first event, which contains the
    bytes of more than a second. That event is the oldest entry of a cache that is not full, or an
    entry much larger than the others.

    >>> [sample.read for sample in recent_samples("9,0 424182,0 13,0 20,0", 100.0)]
    [13, 20]
    """
    entries = [pair for entry in cache.split() if (pair := _parse_entry(entry))]
    if len(entries) < CACHE_ENTRIES:
        entries = entries[1:]
    ordered = sorted(map(max, entries))
    percentile = ordered[len(ordered) * 9 // 10] if len(ordered) > 9 else 0
    limit = SPIKE_FACTOR * max(percentile, SPIKE_FLOOR_BYTES)
    newest_first = list(takewhile(lambda entry: max(entry) <= limit, reversed(entries)))
    return tuple(
        Sample(last_at - age * EVENT_INTERVAL_S, *newest_first[age], EVENT_INTERVAL_S)
        for age in range(len(newest_first) - 1, -1, -1)
    )


def _parse_entry(text: str) -> tuple[int, int] | None:
    pair = parse_pair(text, ",")
    return pair if pair is not None and max(pair) <= MAX_SAMPLE_BYTES else None


def _round_to_wraps(excess: int) -> int:
    """Return the nearest multiple of 4 GiB; 0 if that is negative, or more than a sample can be."""
    multiple = (excess + EVENT_WRAP_BYTES // 2) // EVENT_WRAP_BYTES * EVENT_WRAP_BYTES
    return multiple if 0 < multiple <= MAX_SAMPLE_BYTES else 0
