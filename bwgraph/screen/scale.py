"""How high a value stands. Owns the scale: where it ends, when it may fall, and its marks.

A scale has no memory of its own. It looks back beyond the visible columns: a value that has left
the view holds it up for a while, each step of its fall for ten seconds. So it rises at once and
falls a step at a time, and neither a resize nor a scroll makes it forget. Must not know what the
values are about, nor what they are drawn with.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bwgraph.model.statistics import Rates
from bwgraph.screen.plot import UNKNOWN_BAR, Bar
from bwgraph.screen.units import Units

HOLD_S = 10
"Seconds for which each step of a fall is held."

MAX_FALLS = 12
"So many steps of the fall are told apart; what lies longer back is forgotten."

MAX_LOG_RANGE = 1000
"A logarithmic scale goes down to one in so many, at the least."

MIN_LOG_FLOOR = 1024
"Bytes a second at which a logarithmic scale begins, where its ceiling is high enough."


class Scale(NamedTuple):
    """From a rate in bytes a second to a height."""

    ceiling: int
    floor: float = 0.0
    "What stands at the ground of a logarithmic scale; 0.0 for a linear one."

    def level(self, value: float, top: int) -> int:
        """How high a value stands where the ceiling is ``top`` high: a trace is at least 1.

        >>> [Scale(1000).level(value, 16) for value in (0, 1, 500, 999, 1000, 5000)]
        [0, 1, 8, 16, 16, 16]
        >>> [Scale(10**6, 10.0).level(value, 10) for value in (0, 1, 100, 10**4, 10**6)]
        [0, 1, 2, 6, 10]
        """
        if value <= 0:
            return 0
        if value >= self.ceiling:
            return top
        share = value / self.ceiling
        if self.floor:
            share = 1 + math.log(share) / math.log(self.ceiling / self.floor)
        return max(1, round(share * top))

    def bars(self, means: Rates, peaks: Sequence[float | None], top: int) -> list[Bar]:
        """How high each column's mean and peak stand; what the scale does not reach is one more.

        >>> Scale(1000).bars([None, 500.0, 100.0], [0.0, 800.0, 2000.0], 8)
        [(-1, -1), (4, 6), (1, 9)]
        """
        over = top + 1
        heights = self.heights(means, top)
        reached = heights if peaks is means else self.heights(peaks, top)
        return [
            UNKNOWN_BAR
            if peak is None or mean < 0
            else (mean, over if peak > self.ceiling else reach)
            for mean, reach, peak in zip(heights, reached, peaks, strict=True)
        ]

    def heights(self, values: Sequence[float | None], top: int) -> list[int]:
        """The level of each; -1 for one that nobody knows.

        >>> Scale(1000).heights([None, 0.0, 1.0, 500.0], 8)
        [-1, 0, 1, 4]
        """
        if self.floor:
            return [-1 if value is None else self.level(value, top) for value in values]
        # The same without a call for each: there is one of these for every column of every frame.
        ceiling = self.ceiling
        return [
            -1
            if value is None
            else 0
            if value <= 0
            else top
            if value >= ceiling
            else round(value / ceiling * top) or 1
            for value in values
        ]

    def marks(self, height: int, units: Units) -> dict[int, str]:
        """The round marks, by the row, counted from the ground, that a bar of that value ends in.

        Of a linear scale's four or five, all that there are or the half alone, so that they stay
        evenly apart; of a logarithmic one's each that leaves a row between, to the ground too.

        >>> from bwgraph.screen.units import BYTES
        >>> Scale(20 * 1024).marks(8, BYTES)
        {8: '20 KiB/s', 6: '15', 4: '10', 2: '5'}
        >>> Scale(50 * 1024).marks(6, BYTES), Scale(50 * 1024).marks(3, BYTES)
        ({6: '50 KiB/s', 3: '25'}, {3: '50 KiB/s'})
        >>> Scale(2 * 1024**2, 1024).marks(13, BYTES)
        {13: '2 MiB/s', 8: '100 KiB/s', 4: '10 KiB/s'}
        """
        if self.floor:
            marks = self._placed(units.decades(self.ceiling, self.floor), height)
            return {row: words for row, words in _apart(marks) if row > 1 or row == height}
        round_one = units.round_up(self.ceiling)
        top: list[tuple[int, str]] = []
        if round_one != self.ceiling:  # pinned by the user: it stands above the round ones
            round_one = units.lower(round_one, 1)
            top = [(height, units.format_round(self.ceiling))]
            if round_one > self.ceiling:  # there are none so low
                return dict(top)
        for count in (5, 4, 2):
            divisions = units.divisions(round_one, count)
            if top and divisions and height - self._placed(divisions, height)[0][0] < 2:
                # No room for the highest round one: the next has the unit in its place.
                unit = divisions.pop(0)[1].partition(" ")[2]
                divisions[0] = divisions[0][0], f"{divisions[0][1]} {unit}"
            marks = top + self._placed(divisions, height)
            if len(marks) > len(top) and len(_apart(marks)) == len(marks):
                return dict(marks)
        return dict(top or self._placed(units.divisions(round_one, 1), height))

    def _placed(self, marks: list[tuple[float, str]], height: int) -> list[tuple[int, str]]:
        return [((self.level(rate, 8 * height) + 7) // 8, words) for rate, words in marks]


def _apart(marks: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Those of the marks, from the top down, that leave a row between."""
    kept: list[tuple[int, str]] = []
    for row, words in marks:
        if not kept or kept[-1][0] - row >= 2:
            kept.append((row, words))
    return kept


def memory_buckets(resolution: int) -> int:
    """How many columns of so many seconds a scale looks back beyond the visible ones.

    >>> memory_buckets(1), memory_buckets(5), memory_buckets(60)
    (120, 24, 12)
    """
    return MAX_FALLS * _hold(resolution)


def ceiling(peaks: Sequence[float], visible: int, resolution: int, units: Units) -> int:
    """Where a scale ends, given the columns' peaks up to ``memory_buckets`` columns back.

    It is never below a visible value, and falls a step at a time.

    >>> from bwgraph.screen.units import BYTES
    >>> spike = [5000.0] + [100.0] * 25
    >>> [ceiling(spike[: 1 + age], 5, 1, BYTES) // 1024 for age in (0, 4, 5, 14, 15, 25)]
    [5, 5, 5, 5, 2, 1]
    """
    hold = _hold(resolution)
    edge = len(peaks) - visible
    step = units.round_up(max(peaks[max(edge, 0) :], default=0.0))
    for fall in range(MAX_FALLS):
        if edge <= hold * fall:
            break
        block = peaks[max(edge - hold * (fall + 1), 0) : edge - hold * fall]
        step = max(step, units.lower(units.round_up(max(block)), fall))
    return step


def p99_ceiling(means: Sequence[float | None], units: Units) -> int:
    """Where a scale ends that only one in a hundred columns may overtop.

    >>> from bwgraph.screen.units import BYTES
    >>> p99_ceiling([5000.0] + [None, 100.0] * 110, BYTES), p99_ceiling([], BYTES)
    (1024, 1024)
    """
    known = sorted(mean for mean in means if mean)
    return units.round_up(known[math.ceil(0.99 * len(known)) - 1] if known else 0.0)


def floor(ceiling: int) -> float:
    """Where a logarithmic scale with this ceiling begins.

    >>> floor(20 * 1024**2), floor(2048)
    (1024, 2.048)
    """
    return min(MIN_LOG_FLOOR, ceiling / MAX_LOG_RANGE)


def _hold(resolution: int) -> int:
    return -(-HOLD_S // resolution)
