"""Describe a quota in one line, in several lengths.

Owns how a quota and its forecast are worded. Must not know where on the screen the line is placed.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from bwgraph.model.moment import format_day
from bwgraph.model.quota import Pace, Quota
from bwgraph.screen import units

_HIBERNATION_TEXTS = {"soft": "soft: no new connections", "hard": "hard: no traffic at all"}


def quota_lines(
    quota: Quota, pace: Pace | None, now: datetime, local: Callable[[datetime], datetime]
) -> tuple[str, ...]:
    """Return variants of the quota's line, the longest first; none if the quota is unknown.

    ``pace`` is None if it is unknown. ``local`` converts a time to the time zone to show.
    """
    if quota.hibernating in _HIBERNATION_TEXTS:
        lines = _hibernating_lines(quota, now, local)
    else:
        lines = _awake_lines(quota, pace, now, local)
    return tuple(sorted({line for line in lines if line}, key=len, reverse=True))


def _awake_lines(
    quota: Quota, pace: Pace | None, now: datetime, local: Callable[[datetime], datetime]
) -> Iterable[str]:
    if quota.left is None and quota.used is None and quota.end is None:
        return
    name, used, left = _parts(quota)
    resets = "" if quota.end is None else f"resets {_format_date(local(quota.end))}"
    long, short = _forecast(quota, pace, now)
    yield _line(name, used, left, resets, long)
    yield _line(name, left or used, resets, short)
    yield _line("quota", left or used, short or resets)
    yield _line("quota", left or used or resets)
    yield left or used or resets


def _hibernating_lines(
    quota: Quota, now: datetime, local: Callable[[datetime], datetime]
) -> Iterable[str]:
    until = ""
    if quota.wake is not None and quota.wake > now:
        until = f" until {_format_date(local(quota.wake))}"
    elif quota.end is not None:
        # Tor chooses when to wake in the next interval, and only when that begins.
        until = f" until {_format_date(local(quota.end))} or later"
    name, used, left = _parts(quota)
    kind = quota.hibernating or ""
    hibernating = f"hibernating ({_HIBERNATION_TEXTS[kind]}){until}"
    if used or left:
        yield f"{hibernating}, {_line(name, used, left)}"
    yield hibernating
    yield f"hibernating ({kind}){until}"
    yield f"hibernating{until}"
    yield f"hibernating ({kind})"
    yield "hibernating"


def _parts(quota: Quota) -> tuple[str, str, str]:
    """Return the name with its rule, the bytes used and the bytes left; empty if unknown."""
    name = "quota" if quota.rule is None else f"quota ({quota.rule})"
    used = "" if quota.used is None else f"{units.format_size(quota.used)} used"
    left = "" if quota.left is None else f"{units.format_size(quota.left)} left"
    return name, used, left


def _forecast(quota: Quota, pace: Pace | None, now: datetime) -> tuple[str, str]:
    """Return when the quota will be used up, in a long and a short form; empty if unknown."""
    if quota.left is None:
        return "", ""
    if quota.left == 0:
        return "used up", "used up"
    if pace is None:
        return "", ""
    seconds = quota.seconds_left(pace, now)
    if seconds is None:
        return ("lasts until the reset", "lasts") if quota.end is not None else ("", "")
    span = units.format_span(seconds)
    return f"used up in {span} at this pace", f"used up in {span}"


def _line(name: str, *parts: str) -> str:
    """Join the parts that are not empty, after a name."""
    return f"{name}: {', '.join(part for part in parts if part)}"


def _format_date(when: datetime) -> str:
    return f"{format_day(when)} {when:%H:%M}"
