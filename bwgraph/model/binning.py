"""Assignment of samples to one-second buckets.

Owns the rules that turn the time at which an event arrives into the seconds that it covers. Must
not know how buckets are stored, nor the current time. Three things make this more than a division:

- Tor sends its events slightly more slowly than one a second (1.0022 s on average). Consecutive
  events get consecutive buckets as long as these are off by at most ``SLACK_S``. About every
  7.5 minutes, an event therefore covers two buckets. Its bytes and its time are shared between
  them, so that both have the event's rate, no second is a gap, and no byte is counted twice.
- A late event contains everything moved since the event before it, and is spread over that time. A
  tor that was stopped and continues sends a small event first, and the backlog one second later. A
  late event is therefore spread together with the event after it.
- Events that arrive in a burst were delayed on their way and not in tor: bwgraph was stopped by ^Z,
  or the network is slow. Each of them covers one second and gets a bucket of its own.

A late event is therefore held until the next one arrives. ``pending`` returns the portions that it
would have by now.
"""

from bwgraph.model.events import Sample
from bwgraph.model.ring import Portion

SLACK_S = 0.75
"""Seconds by which a bucket's end may differ from the arrival time before another bucket is
used."""

LATE_SPAN_S = 1.25
"Seconds. An event that covers at least this span is late."

EARLY_SPAN_S = 0.5
"Seconds. An event that covers less is part of a burst: tor never sends two within this time."

MAX_BURST_EVENTS = 3600
"The maximum number of held events: those of one hour."


class Binning:
    """Turns samples, in the order of their arrival, into portions of one-second buckets."""

    def __init__(self) -> None:
        self.newest: int | None = None
        "The newest bucket that a sample was assigned to; None before the first."
        self._held: list[Sample] = []

    def place(self, sample: Sample) -> list[Portion]:
        """Take the next sample. Returns the portions that are now decided."""
        held = self._held
        if held:
            follows = sample.ends_at - sample.seconds <= held[-1].ends_at + SLACK_S
            if follows and len(held) < MAX_BURST_EVENTS:
                held.append(sample)
                return [] if sample.seconds < EARLY_SPAN_S else self.settle()
            return [*self.settle(), *self.place(sample)]
        if sample.seconds >= LATE_SPAN_S:
            held.append(sample)
            return []
        newest, when, seconds = self.newest, sample.ends_at, sample.seconds
        if newest is not None:
            follows = when - seconds <= newest + SLACK_S
            in_step = newest - SLACK_S < when - 1 < newest + SLACK_S
            if follows and in_step:  # the usual case: the event of the next second
                self.newest = bucket = newest + 1
                read, written = sample.read, sample.written
                return [Portion(bucket, read, written, seconds, read / seconds, written / seconds)]
        before, last = self._span(when - seconds, when)
        self.newest = last
        return spread(sample.read, sample.written, sample.seconds, before, last)

    def settle(self) -> list[Portion]:
        """Return the portions of the held samples, without waiting for the next one."""
        if not self._held:
            return []
        portions, self.newest = self._layout()
        self._held = []
        return portions

    def pending(self) -> list[Portion]:
        """Return the portions that the held samples would have if no other arrived."""
        return self._layout()[0] if self._held else []

    def _layout(self) -> tuple[list[Portion], int]:
        """Return the portions of the held samples, and the bucket in which the last one ends."""
        held = self._held
        start, end = held[0].ends_at - held[0].seconds, held[-1].ends_at
        before, last = self._span(start, end)
        if all(sample.seconds >= EARLY_SPAN_S for sample in held[1:]):
            read, written = sum(s.read for s in held), sum(s.written for s in held)
            return spread(read, written, sum(s.seconds for s in held), before, last), last
        # A burst: each event covers the same share of the time, in order.
        portions: list[Portion] = []
        events, buckets = len(held), last - before
        seconds = sum(sample.seconds for sample in held) / events
        for i, sample in enumerate(held):
            begin = before + i * buckets // events
            end_bucket = before + (i + 1) * buckets // events
            portions += spread(sample.read, sample.written, seconds, begin, end_bucket)
        return portions, last

    def _span(self, start: float, end: float) -> tuple[int, int]:
        """Return the last bucket before a span of time, and the bucket that the span ends in."""
        before = self.newest
        if before is None or start > before + SLACK_S:
            before = round(start)
        following = before + 1
        return before, following if abs(end - following) < SLACK_S else max(round(end), before)


def spread(read: int, written: int, seconds: float, before: int, last: int) -> list[Portion]:
    """Share bytes and time evenly among the buckets after ``before`` up to ``last``.

    The portions add up to exactly the bytes given.

    >>> [(p.bucket, p.read, p.seconds) for p in spread(11, 0, 4.0, 100, 104)]
    [(101, 2, 1.0), (102, 3, 1.0), (103, 3, 1.0), (104, 3, 1.0)]
    """
    count = last - before
    rates = read / seconds, written / seconds
    if count <= 1:
        return [Portion(last, read, written, seconds, *rates)]
    return [
        Portion(
            before + i + 1,
            read * (i + 1) // count - read * i // count,
            written * (i + 1) // count - written * i // count,
            seconds / count,
            *rates,
        )
        for i in range(count)
    ]
