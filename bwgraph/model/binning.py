"""Where in time a sample belongs. Owns the way from an event's arrival to the seconds it covers.

Must not know how columns are stored, nor what time it is. Three things make this more than a
division:

- Tor sends its events a little slower than one a second (1.0022 s in the mean). The columns of
  successive events are kept successive as long as that is at most ``SLACK_S`` wrong. Once in some
  seven minutes an event then covers two columns and is shared between them, with the time that it
  covers: each column's rate is the event's own, no second looks like a gap, none is counted twice.
- A late event holds all that was moved since the one before it, and is spread over that time. A tor
  that was stopped sends a small event when it goes on, and what had piled up a second later: so the
  event that follows a late one is spread together with it.
- Events that arrive in a burst were late on the way and not in tor (we were stopped by ^Z, or the
  link is slow). Each was a second's, and goes into its own.

So a late event is held until the next has come, and ``pending`` tells where it would go by now.
"""

from bwgraph.model.events import Sample
from bwgraph.model.ring import Portion

SLACK_S = 0.75
"How far, in seconds, a column may lie from the clock before it is moved."

LATE_SPAN_S = 1.25
"Seconds. An event that covers more than this is late."

EARLY_SPAN_S = 0.5
"Seconds. Tor never sends two events this close: one that covers less came in a burst."

MAX_BURST_EVENTS = 3600
"Events held at the most: an hour of ^Z."


class Binning:
    """Turns samples, in the order of their arrival, into portions of one-second columns."""

    def __init__(self) -> None:
        self.newest: int | None = None
        "The newest column that something was placed in."
        self._held: list[Sample] = []

    def place(self, sample: Sample) -> list[Portion]:
        """What is settled now that this sample has come."""
        held = self._held
        if held:
            goes_on = sample.ends_at - sample.seconds <= held[-1].ends_at + SLACK_S
            if goes_on and len(held) < MAX_BURST_EVENTS:
                held.append(sample)
                return [] if sample.seconds < EARLY_SPAN_S else self.settle()
            return [*self.settle(), *self.place(sample)]
        if sample.seconds >= LATE_SPAN_S:
            held.append(sample)
            return []
        edge, when, seconds = self.newest, sample.ends_at, sample.seconds
        if edge is not None and when - seconds <= edge + SLACK_S > when - 1 > edge - SLACK_S:
            # Nearly always: the next second's event, for the next column.
            self.newest = edge = edge + 1
            read, written = sample.read, sample.written
            return [Portion(edge, read, written, seconds, read / seconds, written / seconds)]
        first, last = self._span(when - seconds, when)
        self.newest = last
        return spread(sample.read, sample.written, sample.seconds, first, last)

    def settle(self) -> list[Portion]:
        """Place what is held, whatever may come."""
        if not self._held:
            return []
        portions, self.newest = self._layout()
        self._held = []
        return portions

    def pending(self) -> list[Portion]:
        """Where what is held would go if nothing else came."""
        return self._layout()[0] if self._held else []

    def _layout(self) -> tuple[list[Portion], int]:
        """The portions of what is held, and the column at which they end."""
        held = self._held
        start, end = held[0].ends_at - held[0].seconds, held[-1].ends_at
        first, last = self._span(start, end)
        if all(sample.seconds >= EARLY_SPAN_S for sample in held[1:]):
            read, written = sum(s.read for s in held), sum(s.written for s in held)
            return spread(read, written, sum(s.seconds for s in held), first, last), last
        # A burst: the events share the time evenly, in their order.
        portions: list[Portion] = []
        count, columns = len(held), last - first
        seconds = sum(sample.seconds for sample in held) / count
        for i, sample in enumerate(held):
            begin = first + i * columns // count
            portions += spread(
                sample.read, sample.written, seconds, begin, first + (i + 1) * columns // count
            )
        return portions, last

    def _span(self, start: float, end: float) -> tuple[int, int]:
        """The column before a span of time and the column that it ends in."""
        edge = self.newest
        if edge is None or start > edge + SLACK_S:
            edge = round(start)
        one_on = edge + 1
        return edge, one_on if abs(end - one_on) < SLACK_S else max(round(end), edge)


def spread(read: int, written: int, seconds: float, first: int, last: int) -> list[Portion]:
    """Share an amount among the columns after ``first``: exact in bytes, even in time.

    >>> [(p.bucket, p.read, p.seconds) for p in spread(11, 0, 4.0, 100, 104)]
    [(101, 2, 1.0), (102, 3, 1.0), (103, 3, 1.0), (104, 3, 1.0)]
    """
    count = last - first
    rates = read / seconds, written / seconds
    if count <= 1:
        return [Portion(last, read, written, seconds, *rates)]
    return [
        Portion(
            first + i + 1,
            read * (i + 1) // count - read * i // count,
            written * (i + 1) // count - written * i // count,
            seconds / count,
            *rates,
        )
        for i in range(count)
    ]
