"""The shell's clock: seconds that never step and that go on while the machine sleeps.

Owns the choice of clock. The core never reads it; it is handed the time.
"""

import sys
import time

if sys.platform == "linux":

    def now() -> float:
        """Seconds since boot, suspended time included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:

    def now() -> float:
        """Seconds on the system's monotonic clock."""
        return time.monotonic()
