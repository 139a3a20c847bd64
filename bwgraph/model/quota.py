"""A tor's limits: its rate, and its quota where accounting is on.

Owns how each ``AccountingRule`` counts, and the forecast. Must not know how tor was asked, nor how
a quota is worded. Pure: the time is an argument.
"""

import math
from datetime import datetime
from typing import Literal, NamedTuple

UNLIMITED_RATE = 1 << 30
"Bytes a second. Tor's default for BandwidthRate, which stands for no limit at all."

Rule = Literal["max", "sum", "in", "out"]
Hibernation = Literal["awake", "soft", "hard"]
BytePair = tuple[int, int]
Pace = tuple[float, float]
"Bytes a second, read and written."


class Limit(NamedTuple):
    """A rate that tor keeps to, each way."""

    rate: int
    "Bytes a second; never 0."
    name: str
    "The option in torrc that sets it."

    def percent(self, rate: float) -> int:
        """How much of it a rate takes.

        >>> Limit(20_000, "BandwidthRate").percent(12_400)
        62
        """
        return round(100 * rate / self.rate)


class Quota(NamedTuple):
    """What tor tells of one interval of its accounting; None for what it does not tell.

    Of ``AccountingMax`` each rule counts something else: ``max`` each direction for itself, ``sum``
    both together, ``in`` and ``out`` one of them alone.

    >>> Quota("sum", moved=(30, 20), remaining=(50, 50)).left  # the one remainder, told twice
    50
    >>> Quota("in", moved=(30, 900), remaining=(70, 100)).left  # the other is told to be all of it
    70
    >>> Quota("max", moved=(30, 20), remaining=(70, 80)).left  # whichever ends first ends both
    70
    """

    rule: Rule | None = None
    moved: BytePair | None = None
    "Bytes read and written so far."
    remaining: BytePair | None = None
    "Bytes left for reading and writing, as tor tells them; see ``left``."
    start: datetime | None = None
    end: datetime | None = None
    wake: datetime | None = None
    "When tor begins to work, which may be some time after the start."
    hibernating: Hibernation | None = None

    @property
    def used(self) -> int | None:
        """Bytes that count so far."""
        if self.moved is None:
            return None
        read, written = self.moved
        match self.rule:
            case "max":
                return max(read, written)
            case "sum":
                return read + written
            case "in":
                return read
            case "out":
                return written
        return None

    @property
    def left(self) -> int | None:
        """Bytes that may still be moved, as the rule counts them."""
        return min((left for left, _ in self._budgets((0.0, 0.0))), default=None)

    def seconds_left(self, pace: Pace, now: datetime) -> float | None:
        """Seconds until it is used up at this pace; None if that is not in this interval.

        Nor if nobody knows what is left. ``now`` is aware of its time zone.
        """
        if self.left == 0:
            return 0.0
        budgets = self._budgets(pace)
        seconds = min((left / rate for left, rate in budgets if rate > 0), default=math.inf)
        interval = math.inf if self.end is None else (self.end - now).total_seconds()
        return seconds if seconds < interval else None

    def _budgets(self, pace: Pace) -> tuple[tuple[int, float], ...]:
        """Bytes left and how fast they go, for each budget that the rule keeps."""
        if self.remaining is None:
            return ()
        (read, written), (reading, writing) = self.remaining, pace
        match self.rule:
            case "max":
                return (read, reading), (written, writing)
            case "sum":
                return ((min(read, written), reading + writing),)
            case "in":
                return ((read, reading),)
            case "out":
                return ((written, writing),)
        return ()


class Context(NamedTuple):
    """What a tor tells of itself besides its traffic."""

    fingerprint: str = ""
    "A relay's; empty for a client, and where it may not be asked for."
    limit: Limit | None = None
    quota: Quota | None = None
    "None where accounting is off, and where nobody knows whether it is on."
