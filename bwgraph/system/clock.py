"""The shell's clocks: seconds that never step, with and without the time that the machine slept.

Owns the choice of clock. The core never reads it; it is handed the time. What never steps is set by
the wall clock once, when the program starts: so a column that stands for an hour is an hour of UTC,
and one that was stored by an earlier run is where it belongs.
"""

import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from bwgraph.model.moment import Moment

CLOCK_STEP_S = 0.05
"Seconds. The wall clock was set, or has drifted, when it is off by more than this."

if sys.platform == "linux":

    def _monotonic() -> float:
        """Seconds since boot, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def awake() -> float:
        """Seconds since boot, without the time for which the machine was suspended."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:
    _monotonic = awake = time.monotonic

_EPOCH_OFFSET = time.time() - _monotonic()


def now() -> float:
    """Seconds since 1970 (UTC), as the wall clock had it when the program started.

    When that is set later this goes on as it was.
    """
    return _monotonic() + _EPOCH_OFFSET


class Clock(Protocol):
    """What the screen goes by: the present's clocks, or those of a recording as it is played."""

    @property
    def redraw_interval(self) -> float:
        """Seconds of ours that are to be between two drawings, where there is much to be drawn."""

    def read(self) -> Moment:
        """What both clocks show."""

    def due_at(self, when: float) -> float:
        """When, by ``now``, the clock that never steps shows this, or would if it went on."""


class SystemClock:
    """Both clocks at once. The wall's is taken to run as the other does until it is found not to.

    Read apart, the two would differ by some microseconds from time to time, and a column's second
    would now and then be taken for the one before.
    """

    redraw_interval = 1.0

    def __init__(self) -> None:
        self._offset: float | None = None

    def read(self) -> Moment:
        """The present."""
        moment = now()
        apart = time.time() - moment
        if self._offset is None or abs(apart - self._offset) > CLOCK_STEP_S:
            self._offset = apart
        return Moment(moment, datetime.fromtimestamp(moment + self._offset, LOCAL_ZONE))

    def due_at(self, when: float) -> float:
        """As the clock's: it is ``now`` itself."""
        return when


class _LocalZone(tzinfo):
    """The system's own time zone, summer time and all, which the standard library only lends."""

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
        again = (when + offset).replace(fold=0)
        # The second time that an hour passes its offset is another than the first time's.
        return again if self.utcoffset(again) == offset else again.replace(fold=1)

    @staticmethod
    def _epoch(when: datetime) -> float:
        return when.replace(tzinfo=None).timestamp()  # which knows fold


LOCAL_ZONE = _LocalZone()
