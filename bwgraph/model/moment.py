"""The present on two clocks: the monotonic one of the samples, and the wall clock.

Owns the conversion of a sample's time to wall-clock time, and the formats of times and days. Must
not read a clock.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"English abbreviations; those of strftime depend on the user's locale."


class Moment(NamedTuple):
    """One moment on both clocks."""

    now: float
    "Seconds on the monotonic clock."
    wall_clock: datetime
    "The time on the wall clock, with its time zone."

    def wall_time(self, when: float) -> datetime:
        """Return the wall-clock time of a time on the monotonic clock.

        Assumes that the wall clock was not set in between.

        >>> moment = Moment(500.0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        >>> format_time(moment.wall_time(440.0))
        '03:03:05'
        """
        # Calculate in UTC: when daylight saving time ends, local times occur twice.
        utc = self.wall_clock.astimezone(UTC) - timedelta(seconds=self.now - when)
        return utc.astimezone(self.wall_clock.tzinfo)

    def local(self, when: datetime) -> datetime:
        """Return the same time in the wall clock's time zone."""
        return when.astimezone(self.wall_clock.tzinfo)

    def format(self, when: datetime) -> str:
        """Return the time of day, with the day in front of it if that is not today.

        >>> moment = Moment(0.0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        >>> moment.format(moment.wall_time(-60.0)), moment.format(moment.wall_time(-86_400.0))
        ('03:03:05', '1 Jan 03:04')
        """
        if when.date() == self.wall_clock.date():
            return format_time(when)
        year = "" if when.year == self.wall_clock.year else f" {when.year}"
        return f"{format_day(when)}{year} {when:%H:%M}"


def format_time(when: datetime) -> str:
    """Return hours, minutes and seconds. Faster than strftime, which asks for the time zone.

    >>> format_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '03:04:05'
    """
    return f"{when.hour:02}:{when.minute:02}:{when.second:02}"


def format_utc(when: datetime) -> str:
    """Return a time in ISO 8601, in UTC and with milliseconds.

    >>> format_utc(datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=UTC))
    '2026-01-02T03:04:05.006Z'
    """
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_day(when: datetime) -> str:
    """Return the day of the month and the month.

    >>> format_day(datetime(2026, 11, 5, tzinfo=UTC))
    '5 Nov'
    """
    return f"{when.day} {MONTH_NAMES[when.month - 1]}"
