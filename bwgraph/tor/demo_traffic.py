"""The traffic of an invented relay, second by second through its day.

Owns the formula. Pure and repeatable: a second always has the same bytes. Must not know who shows
them.
"""

import math
import random

DAY_S = 86_400
"Seconds of a day."

MEAN_RATE = 6 * 1024**2
"Mean rate over a day, in bytes a second."

BUSIEST_SECOND = 20 * 3600
"Second of the day with the most traffic: the evening of the relay's users."


def traffic(second: int) -> tuple[int, int]:
    """Return the bytes read and written in a second, counted from midnight of any day.

    >>> traffic(0) == traffic(0), all(n > 0 for n in traffic(5))
    (True, True)
    """
    daily = 1 + 0.45 * math.cos(2 * math.pi * (second - BUSIEST_SECOND) / DAY_S)
    waves = 1 + 0.30 * _smooth_noise(second, 90, "swell") + 0.25 * _smooth_noise(second, 11, "wave")
    # A large download of about half a minute, now and then.
    bulk = max(0.0, _smooth_noise(second, 37, "bulk") - 0.55) * 3
    read = MEAN_RATE * max(0.02, daily * waves + bulk) * (1 + 0.12 * _noise(second, "read"))
    # A relay forwards what it receives, and also answers a few directory requests.
    written = read * (1.02 + 0.05 * _noise(second, "written"))
    return int(read), int(written)


def _smooth_noise(second: int, period: int, name: str) -> float:
    """Return a value from -1 to 1 that changes smoothly between multiples of the period."""
    number, offset = divmod(second, period)
    weight = (1 - math.cos(math.pi * offset / period)) / 2
    return _noise(number, name) * (1 - weight) + _noise(number + 1, name) * weight


def _noise(number: int, name: str) -> float:
    """Return a value from -1 to 1 that looks random and depends on the arguments only."""
    return random.Random(f"{name} {number}").uniform(-1, 1)  # noqa: S311 - not for secrets
