"""Now, on both clocks. Owns the way from a sample's time to what a clock on the wall showed."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"Not strftime's, which speaks the language of whoever looks."


class Moment(NamedTuple):
    """Now, on both clocks: samples are placed by the one and labelled by the other."""

    now: float
    "Seconds on the clock that never steps."
    wall_clock: datetime
    "What a clock on the wall shows, with its time zone."

    def wall_time(self, when: float) -> datetime:
        """What the wall clock would have shown then, had it never been set since.

        >>> moment = Moment(500.0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        >>> format_time(moment.wall_time(440.0))
        '03:03:05'
        """
        # By way of UTC: on the night in which summer time ends an hour passes twice.
        then = self.wall_clock.astimezone(UTC) - timedelta(seconds=self.now - when)
        return then.astimezone(self.wall_clock.tzinfo)

    def local(self, when: datetime) -> datetime:
        """The same time in the wall clock's zone."""
        return when.astimezone(self.wall_clock.tzinfo)

    def format(self, when: datetime) -> str:
        """A time of day, or the day if that is another than today.

        >>> moment = Moment(0.0, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        >>> moment.format(moment.wall_time(-60.0)), moment.format(moment.wall_time(-86_400.0))
        ('03:03:05', '1 Jan 03:04')
        """
        if when.date() == self.wall_clock.date():
            return format_time(when)
        year = "" if when.year == self.wall_clock.year else f" {when.year}"
        return f"{format_day(when)}{year} {when:%H:%M}"


def format_time(when: datetime) -> str:
    """Hours, minutes and seconds; strftime would ask for the zone, which takes longer.

    >>> format_time(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '03:04:05'
    """
    return f"{when.hour:02}:{when.minute:02}:{when.second:02}"


def format_utc(when: datetime) -> str:
    """A time as other programs read it, to the millisecond.

    >>> format_utc(datetime(2026, 1, 2, 3, 4, 5, 6789, tzinfo=UTC))
    '2026-01-02T03:04:05.006Z'
    """
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_day(when: datetime) -> str:
    """A day of the year.

    >>> format_day(datetime(2026, 11, 5, tzinfo=UTC))
    '5 Nov'
    """
    return f"{when.day} {MONTH_NAMES[when.month - 1]}"
