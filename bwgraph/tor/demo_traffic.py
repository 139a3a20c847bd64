"""The traffic of a plausible relay, second by second through its day. Owns an invention.

Pure and repeatable: the same second always moves the same bytes. Must not know who shows it.
"""

import math
import random

DAY_S = 86_400

MEAN_RATE = 6 * 1024**2
"Bytes a second, over the day."

BUSIEST_SECOND = 20 * 3600
"The second of the day at which most is moved: the evening of those who use it."


def traffic(second: int) -> tuple[int, int]:
    """Bytes read and written in this second; seconds go on past midnight, and its tide with them.

    >>> traffic(0) == traffic(0), all(n > 0 for n in traffic(5))
    (True, True)
    """
    tide = 1 + 0.45 * math.cos(2 * math.pi * (second - BUSIEST_SECOND) / DAY_S)
    swell = 1 + 0.30 * _smooth(second, 90, "swell") + 0.25 * _smooth(second, 11, "wave")
    # Now and then somebody fetches something large, for half a minute or so.
    bulk = max(0.0, _smooth(second, 37, "bulk") - 0.55) * 3
    read = MEAN_RATE * max(0.02, tide * swell + bulk) * (1 + 0.12 * _noise(second, "read"))
    # A relay sends on what it gets, and answers a few directory requests besides.
    written = read * (1.02 + 0.05 * _noise(second, "written"))
    return int(read), int(written)


def _smooth(second: int, period: int, name: str) -> float:
    """A value from -1 to 1 that wanders, and turns about once in a period."""
    before, into = divmod(second, period)
    weight = (1 - math.cos(math.pi * into / period)) / 2
    return _noise(before, name) * (1 - weight) + _noise(before + 1, name) * weight


def _noise(number: int, name: str) -> float:
    """A value from -1 to 1 that looks random and is always the same."""
    return random.Random(f"{name} {number}").uniform(-1, 1)  # noqa: S311 - nothing secret
