"""A tor's description: its fingerprint, maximum rate and accounting quota.

Owns how each ``AccountingRule`` counts, and when a quota will be used up. Must not know how tor is
asked, how a quota is worded, or the current time: ``now`` is an argument.
"""

import math
from datetime import datetime
from typing import Literal, NamedTuple

UNLIMITED_RATE = 1 << 30
"Bytes a second. Tor's default for BandwidthRate, which means that there is no limit."

Rule = Literal["max", "sum", "in", "out"]
Hibernation = Literal["awake", "soft", "hard"]
BytePair = tuple[int, int]
"Bytes read and written."
Pace = tuple[float, float]
"Bytes a second, read and written."


class Limit(NamedTuple):
    """A maximum rate, which applies to each direction by itself."""

    rate: int
    "Bytes a second; never 0."
    name: str
    "The torrc option that sets it."

    def percent(self, rate: float) -> int:
        """Return a rate as a percentage of the limit.

        >>> Limit(20_000, "BandwidthRate").percent(12_400)
        62
        """
        return round(100 * rate / self.rate)


class Quota(NamedTuple):
    """One interval of tor's accounting. A field is None if tor did not answer.

    Each rule counts different bytes towards ``AccountingMax``: ``max`` each direction by itself,
    ``sum`` both together, ``in`` and ``out`` only bytes read or only bytes written.

    >>> Quota("sum", moved=(30, 20), remaining=(50, 50)).left  # tor repeats the one remainder
    50
    >>> Quota("in", moved=(30, 900), remaining=(70, 100)).left  # written bytes do not count
    70
    >>> Quota("max", moved=(30, 20), remaining=(70, 80)).left  # the direction that ends first
    70
    """

    rule: Rule | None = None
    moved: BytePair | None = None
    "Bytes read and written so far."
    remaining: BytePair | None = None
    "Bytes left for reading and for writing, as tor reports them; see ``left``."
    start: datetime | None = None
    end: datetime | None = None
    wake: datetime | None = None
    "When tor stops hibernating, which may be some time after the start of the interval."
    hibernating: Hibernation | None = None

    @property
    def used(self) -> int | None:
        """Bytes moved so far that the rule counts; None if unknown."""
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
        """Bytes that the rule still allows; None if unknown."""
        return min((left for left, _ in self._budgets((0.0, 0.0))), default=None)

    def seconds_left(self, pace: Pace, now: datetime) -> float | None:
        """Return the seconds until the quota is used up at this pace.

        Returns None if it lasts until the end of the interval, or if it is unknown how much is
        left. ``now`` must have a time zone.
        """
        if self.left == 0:
            return 0.0
        budgets = self._budgets(pace)
        seconds = min((left / rate for left, rate in budgets if rate > 0), default=math.inf)
        interval = math.inf if self.end is None else (self.end - now).total_seconds()
        return seconds if seconds < interval else None

    def _budgets(self, pace: Pace) -> tuple[tuple[int, float], ...]:
        """Return bytes left and the rate at which they are used, for each budget of the rule."""
        if self.remaining is None:
            return ()
        (read, written), (read_rate, written_rate) = self.remaining, pace
        match self.rule:
            case "max":
                return (read, read_rate), (written, written_rate)
            case "sum":
                return ((min(read, written), read_rate + written_rate),)
            case "in":
                return ((read, read_rate),)
            case "out":
                return ((written, written_rate),)
        return ()


class Context(NamedTuple):
    """A tor's answers about itself, other than its traffic."""

    fingerprint: str = ""
    "The fingerprint of a relay; empty if this is a client, or if tor did not answer."
    limit: Limit | None = None
    "The lowest maximum rate; None if there is none, or if tor did not answer."
    quota: Quota | None = None
    "None if accounting is disabled, or if tor did not answer."
