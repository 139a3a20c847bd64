"""The shell's clocks: seconds that never step, with and without the time that the machine slept.

Owns the choice of clock. The core never reads it; it is handed the time.
"""

import sys
import time

if sys.platform == "linux":

    def now() -> float:
        """Seconds since boot, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def awake() -> float:
        """The same, without the time for which the machine was suspended."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:

    def now() -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()

    awake = now
