"""What limits a tor: its rate, and with accounting on its quota, read off its own answers.

Owns which limits really apply, how ``AccountingRule`` counts, the forecast, and the quota's words.
Must not know how tor was asked. Pure: the time and the time zone are told. Whatever an answer
holds, what makes no sense of it is as good as not told.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple

from bwgraph.model.moment import day
from bwgraph.screen import units
from bwgraph.tor.counters import number

UNLIMITED = 1 << 30
"Bytes a second. Tor's default for BandwidthRate, which stands for no limit at all."

Rule = Literal["max", "sum", "in", "out"]
Hibernation = Literal["awake", "soft", "hard"]
Pair = tuple[int, int]
Pace = tuple[float, float]
"Bytes a second, read and written."

_RULES: Mapping[str, Rule] = {"max": "max", "sum": "sum", "in": "in", "out": "out"}
_HIBERNATIONS: Mapping[str, Hibernation] = {"awake": "awake", "soft": "soft", "hard": "hard"}

_MEANING = {"soft": "soft: no new connections", "hard": "hard: no traffic at all"}


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
    moved: Pair | None = None
    "Bytes read and written so far."
    remaining: Pair | None = None
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

    def used_up_in(self, pace: Pace, now: datetime) -> float | None:
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


def context(told: Mapping[str, str]) -> Context:
    """Make something of tor's answers, each under the key that it was asked for.

    >>> context({"BandwidthRate": "5242880", "accounting/enabled": "0"})
    Context(fingerprint='', limit=Limit(rate=5242880, name='BandwidthRate'), quota=None)
    """
    fingerprint = told.get("fingerprint", "")
    if len(fingerprint) != 40 or not set(fingerprint) <= set("0123456789ABCDEF"):
        fingerprint = ""
    quota = _quota(told) if told.get("accounting/enabled") == "1" else None
    return Context(fingerprint, _limit(told, relay=bool(fingerprint)), quota)


def words(
    quota: Quota, pace: Pace | None, now: datetime, local: Callable[[datetime], datetime]
) -> tuple[str, ...]:
    """The quota's line, from the most words to the fewest; none if nothing is known of it.

    ``pace`` is None where nobody knows it, ``local`` turns a time into what a clock on the wall
    shows then.
    """
    lines = _asleep(quota, now, local) if _sleeps(quota) else _awake(quota, pace, now, local)
    return tuple(sorted({line for line in lines if line}, key=len, reverse=True))


def _awake(
    quota: Quota, pace: Pace | None, now: datetime, local: Callable[[datetime], datetime]
) -> Iterable[str]:
    if quota.left is None and quota.used is None and quota.end is None:
        return
    used = "" if quota.used is None else f"{units.size(quota.used)} used"
    left = "" if quota.left is None else f"{units.size(quota.left)} left"
    resets = "" if quota.end is None else f"resets {_date(local(quota.end))}"
    long, short = _forecast(quota, pace, now)
    name = "quota" if quota.rule is None else f"quota ({quota.rule})"
    yield _line(name, used, left, resets, long)
    yield _line(name, left or used, resets, short)
    yield _line("quota", left or used, short or resets)
    yield _line("quota", left or used or resets)
    yield left or used or resets


def _asleep(quota: Quota, now: datetime, local: Callable[[datetime], datetime]) -> Iterable[str]:
    wakes = ""
    if quota.wake is not None and quota.wake > now:
        wakes = f" until {_date(local(quota.wake))}"
    elif quota.end is not None:
        # When in the next interval it will work is tor's own choice, and made only then.
        wakes = f" until {_date(local(quota.end))} or later"
    used = "" if quota.used is None else f"{units.size(quota.used)} used"
    left = "" if quota.left is None else f"{units.size(quota.left)} left"
    name = "quota" if quota.rule is None else f"quota ({quota.rule})"
    kind = quota.hibernating or ""
    asleep = f"hibernating ({_MEANING[kind]}){wakes}"
    if used or left:
        yield f"{asleep}, {_line(name, used, left)}"
    yield asleep
    yield f"hibernating ({kind}){wakes}"
    yield f"hibernating{wakes}"
    yield f"hibernating ({kind})"
    yield "hibernating"


def _sleeps(quota: Quota) -> bool:
    return quota.hibernating in {"soft", "hard"}


def _forecast(quota: Quota, pace: Pace | None, now: datetime) -> tuple[str, str]:
    """When it will be used up, at length and in short; empty if nobody can tell."""
    if quota.left is None:
        return "", ""
    if quota.left == 0:
        return "used up", "used up"
    if pace is None:
        return "", ""
    seconds = quota.used_up_in(pace, now)
    if seconds is None:
        return ("lasts till then", "lasts") if quota.end is not None else ("", "")
    span = units.span(seconds)
    return f"used up in {span} at this pace", f"used up in {span}"


def _line(name: str, *parts: str) -> str:
    """What is there of these, after a name."""
    return f"{name}: {', '.join(part for part in parts if part)}"


def _date(when: datetime) -> str:
    return f"{day(when)} {when:%H:%M}"


def _limit(told: Mapping[str, str], *, relay: bool) -> Limit | None:
    """The lowest rate that really applies.

    BandwidthRate holds for all that tor moves, RelayBandwidthRate for what a relay passes on, and
    MaxAdvertisedBandwidth for nothing.
    """
    names = ("BandwidthRate", "RelayBandwidthRate") if relay else ("BandwidthRate",)
    rates = [(number(told.get(name, "")) or UNLIMITED, name) for name in names]
    rate, name = min(rates, key=lambda known: known[0])
    return Limit(rate, name) if rate < UNLIMITED else None


def _quota(told: Mapping[str, str]) -> Quota:
    def told_of(key: str) -> str:
        return told.get(f"accounting/{key}", "")

    return Quota(
        rule=_RULES.get(told.get("AccountingRule", "").lower()),
        moved=_pair(told_of("bytes")),
        remaining=_pair(told_of("bytes-left")),
        start=_time(told_of("interval-start")),
        end=_time(told_of("interval-end")),
        wake=_time(told_of("interval-wake")),
        hibernating=_HIBERNATIONS.get(told_of("hibernating").lower()),
    )


def _pair(text: str) -> Pair | None:
    """Two numbers of tor's.

    >>> _pair("379 0"), _pair("379"), _pair("a b")
    ((379, 0), None, None)
    """
    first, _, second = text.partition(" ")
    pair = number(first), number(second)
    return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])


def _time(text: str) -> datetime | None:
    """A time of tor's, which is in UTC; None also for the epoch, with which it says 'never'.

    >>> str(_time("2026-11-25 00:00:00")), _time("1970-01-01 00:00:00"), _time("soon")
    ('2026-11-25 00:00:00+00:00', None, None)
    """
    try:
        when = datetime.strptime(f"{text} +0000", "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    return when if 1970 < when.year < 3000 else None  # in any time zone that there is
