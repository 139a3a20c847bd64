"""Clocks that never step, and the wall clock.

Owns the choice of the system's clocks. The pure modules never read a clock: the time is an
argument. The clock that never steps is set by the wall clock once, when the program starts. So a
bucket of an hour is an hour of UTC, and buckets that an earlier run stored fit in.
"""

import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from bwgraph.model.moment import Moment

CLOCK_STEP_S = 0.05
"The smallest change of the wall clock that counts as a step, in seconds."

if sys.platform == "linux":

    def _monotonic() -> float:
        """Return the seconds since boot, including the time that the machine was suspended."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def awake_seconds() -> float:
        """Return the seconds since boot, without the time that the machine was suspended."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:
    _monotonic = awake_seconds = time.monotonic

_EPOCH_OFFSET = time.time() - _monotonic()


def now() -> float:
    """Return Unix time that never steps: the wall clock at the start plus the elapsed time."""
    return _monotonic() + _EPOCH_OFFSET


class Clock(Protocol):
    """The time that the screen shows: the present, or that of a recording as it is played."""

    @property
    def redraw_interval(self) -> float:
        """Seconds, by ``now``, between two drawings while there are new samples."""

    def read(self) -> Moment:
        """Return the time on both clocks."""

    def due_at(self, when: float) -> float:
        """Return the time, by ``now``, at which the clock that never steps shows ``when``.

        If the clock has stopped, return when it would have shown it.
        """


class SystemClock:
    """The present on both clocks.

    Between two steps the wall clock is computed from the other: if each was read on its own, they
    would differ by some microseconds, and a bucket's label would now and then be a second off.
    """

    redraw_interval = 1.0

    def __init__(self) -> None:
        self._wall_offset: float | None = None  # seconds from ``now`` to the wall clock

    def read(self) -> Moment:
        """Return the present on both clocks."""
        time_now = now()
        offset = time.time() - time_now
        if self._wall_offset is None or abs(offset - self._wall_offset) > CLOCK_STEP_S:
            self._wall_offset = offset
        return Moment(time_now, datetime.fromtimestamp(time_now + self._wall_offset, LOCAL_ZONE))

    def due_at(self, when: float) -> float:
        """Return ``when``: this clock is ``now``."""
        return when


class _LocalZone(tzinfo):
    """The system's time zone, with summer time.

    The standard library has no such object, only fixed offsets (``datetime.astimezone``).
    """

    def utcoffset(self, when: datetime | None) -> timedelta:
        local = time.localtime() if when is None else time.localtime(self._epoch(when))
        return timedelta(seconds=local.tm_gmtoff)

    def dst(self, when: datetime | None) -> timedelta:
        local = time.localtime() if when is None else time.localtime(self._epoch(when))
        return timedelta(hours=local.tm_isdst > 0)

    def tzname(self, when: datetime | None) -> str:
        return (time.localtime() if when is None else time.localtime(self._epoch(when))).tm_zone

    def fromutc(self, when: datetime) -> datetime:
        seconds = when.replace(tzinfo=UTC).timestamp()
        offset = timedelta(seconds=time.localtime(seconds).tm_gmtoff)
        first = (when + offset).replace(fold=0)
        # At the end of summer time an hour repeats. Its second pass has another offset.
        return first if self.utcoffset(first) == offset else first.replace(fold=1)

    @staticmethod
    def _epoch(when: datetime) -> float:
        return when.replace(tzinfo=None).timestamp()  # respects fold


LOCAL_ZONE = _LocalZone()
