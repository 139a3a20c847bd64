"""The quota's line in words, from the longest to the shortest.

Owns how a quota and its forecast are worded. Must not know where on the screen the line goes. Pure:
the time and the time zone are told.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from bwgraph.model.moment import format_day
from bwgraph.model.quota import Pace, Quota
from bwgraph.screen import units

_MEANING = {"soft": "soft: no new connections", "hard": "hard: no traffic at all"}


def quota_lines(
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
    used = "" if quota.used is None else f"{units.format_size(quota.used)} used"
    left = "" if quota.left is None else f"{units.format_size(quota.left)} left"
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
    used = "" if quota.used is None else f"{units.format_size(quota.used)} used"
    left = "" if quota.left is None else f"{units.format_size(quota.left)} left"
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
    seconds = quota.seconds_left(pace, now)
    if seconds is None:
        return ("lasts till then", "lasts") if quota.end is not None else ("", "")
    span = units.format_span(seconds)
    return f"used up in {span} at this pace", f"used up in {span}"


def _line(name: str, *parts: str) -> str:
    """What is there of these, after a name."""
    return f"{name}: {', '.join(part for part in parts if part)}"


def _date(when: datetime) -> str:
    return f"{format_day(when)} {when:%H:%M}"
