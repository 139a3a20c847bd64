"""What tor's own counters and its cache say besides its events.

Owns the reckoning: what tor moved before a connection's first sample, which events have wrapped,
and which entries of the cache can be believed. Pure: must not know how tor is asked.
"""

from itertools import takewhile

from bwgraph.model.events import MAX_SAMPLE_BYTES, CounterBase, Sample, Wrapped
from bwgraph.tor.description import parse_number

EVENT_WRAP_BYTES = 1 << 32
"Tor's events count to here and begin again; its counters (GETINFO traffic/read) do not."

EVENT_INTERVAL_S = 1.0022
"Seconds between two of tor's events, in the mean."

CACHE_ENTRIES = 300
"Entries that tor's cache holds when it is full (GETINFO bw-event-cache)."

SPIKE_FACTOR = 4
"""An entry of tor's cache so many times larger than nine in ten of the others may be the first of
somebody's subscription, which holds more than a second."""

SPIKE_FLOOR_BYTES = 1 << 14
"Bytes that nine in ten are taken to be at least."


class CounterCheck:
    """One connection's samples, held against tor's counters.

    The samples come from one thread and the answers from one other. So ``sample_bytes`` is
    replaced as a
    whole, and is to be read before tor is asked: what it holds tor has counted by then.

    >>> tally = CounterCheck()
    >>> tally.compare(tally.sample_bytes, "500", "50")
    CounterBase(read=500, written=50)
    >>> tally.add(Sample(1.0, 7, 3, 1.0))
    >>> tally.compare(tally.sample_bytes, "508", "53")
    CounterBase(read=501, written=50)
    """

    def __init__(self) -> None:
        self.sample_bytes = (0, 0)
        "Bytes read and written in the samples so far."
        self._longest: Sample | None = None  # of those since the last answer
        self._wraps = (0, 0)
        self._before: CounterBase | None = None  # the least that has been answered

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.sample_bytes = (
            self.sample_bytes[0] + sample.read,
            self.sample_bytes[1] + sample.written,
        )
        if self._longest is None or sample.seconds > self._longest.seconds:
            self._longest = sample

    def compare(
        self, seen: tuple[int, int], read: str, written: str
    ) -> CounterBase | Wrapped | None:
        """Make something of tor's answers; None if they are no numbers.

        What they hold beyond the samples was moved before these, give or take what tor has moved
        since its last event. When that has grown by multiples of 4 GiB an event has wrapped:
        the longest since the last answer is the likeliest, and gets them back.
        """
        all_read, all_written = parse_number(read), parse_number(written)
        if all_read is None or all_written is None:
            return None
        answer = CounterBase(
            max(all_read - seen[0] - self._wraps[0], 0),
            max(all_written - seen[1] - self._wraps[1], 0),
        )
        before, longest = self._before, self._longest
        self._longest = None
        if before is None:
            self._before = answer
            return answer
        lacking = _wraps(answer.read - before.read), _wraps(answer.written - before.written)
        if longest is not None and any(lacking):
            self._wraps = (self._wraps[0] + lacking[0], self._wraps[1] + lacking[1])
            return Wrapped(Sample(longest.ends_at, *lacking, longest.seconds))
        self._before = CounterBase(
            min(answer.read, before.read), min(answer.written, before.written)
        )
        return answer


def recent_samples(cache: str, last: float) -> tuple[Sample, ...]:
    """What tor's cache holds of the seconds up to ``last``, when its newest entry was sent.

    Only for a cache that another's subscription has kept up to now. What is older than that
    subscription is from nobody knows when: so nothing is taken from its first entry on backwards,
    which holds more than a second. That is the oldest of all, or any that stands out so far that
    it may be one.

    >>> [sample.read for sample in recent_samples("9,0 424182,0 13,0 20,0", 100.0)]
    [13, 20]
    """
    entries = [pair for entry in cache.split() if (pair := _pair(entry))]
    if len(entries) < CACHE_ENTRIES:
        entries = entries[1:]
    ordered = sorted(map(max, entries))
    usual = ordered[len(ordered) * 9 // 10] if len(ordered) > 9 else 0
    spike = SPIKE_FACTOR * max(usual, SPIKE_FLOOR_BYTES)
    believed = list(takewhile(lambda entry: max(entry) <= spike, reversed(entries)))
    return tuple(
        Sample(last - ago * EVENT_INTERVAL_S, *believed[ago], EVENT_INTERVAL_S)
        for ago in range(len(believed) - 1, -1, -1)
    )


def _pair(text: str) -> tuple[int, int] | None:
    read, _, written = text.partition(",")
    pair = parse_number(read), parse_number(written)
    if pair[0] is None or pair[1] is None or max(pair[0], pair[1]) > MAX_SAMPLE_BYTES:
        return None
    return pair[0], pair[1]


def _wraps(excess: int) -> int:
    """The multiple of 4 GiB that an excess is nearest to, if it is one that can be believed."""
    multiple = (excess + EVENT_WRAP_BYTES // 2) // EVENT_WRAP_BYTES * EVENT_WRAP_BYTES
    return multiple if 0 < multiple <= MAX_SAMPLE_BYTES else 0
