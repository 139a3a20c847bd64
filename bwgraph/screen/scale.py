"""Convert rates into bar heights.

Owns the scale's ceiling, when it rises and falls, and its labels. Must not know what the rates
measure, nor which characters they are drawn with.

A ceiling rises at once and falls one step at a time, each step held for ten seconds. It has no
state: it is computed from the visible buckets and those shortly before them, so a resize or a
scroll does not change how it falls.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bwgraph.model.statistics import Rates
from bwgraph.screen.plot import UNKNOWN_BAR, Bar
from bwgraph.screen.units import Units

HOLD_S = 10
"Seconds that a falling ceiling stays at each step."

MAX_FALLS = 12
"The number of falls after which a peak that has left the window no longer affects the ceiling."

MIN_LOG_RANGE = 1000
"The least ratio of a logarithmic scale's ceiling to its floor."

MAX_LOG_FLOOR_BYTES = 1024
"The highest floor of a logarithmic scale, in bytes a second."


class Scale(NamedTuple):
    """A linear or logarithmic scale from rates to heights.

    Heights are in steps; ``top`` is the height of the ceiling.
    """

    ceiling: int
    "The rate at the top, in bytes a second."
    floor: float = 0.0
    "The rate at the bottom of a logarithmic scale, in bytes a second; 0.0 for a linear scale."

    def level(self, value: float, top: int) -> int:
        """Return the height of a rate: at least 1 if it is above zero, at most ``top``.

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

    def row(self, value: float, height: int) -> int:
        """Return the row in which a bar of this rate ends, counted from 1 at the bars' base.

        ``height`` is that of the graph in cells. Returns 0 if the rate is not above zero.

        >>> [Scale(1000).row(value, 2) for value in (0, 1, 500, 501, 5000)]
        [0, 1, 1, 1, 2]
        """
        return (self.level(value, 8 * height) + 7) // 8

    def bars(self, means: Rates, peaks: Sequence[float | None], top: int) -> list[Bar]:
        """Return the bar of each bucket. A peak above the ceiling has the height ``top + 1``.

        >>> Scale(1000).bars([None, 500.0, 100.0], [0.0, 800.0, 2000.0], 8)
        [(-1, -1), (4, 6), (1, 9)]
        """
        clipped = top + 1
        mean_heights = self.heights(means, top)
        peak_heights = mean_heights if peaks is means else self.heights(peaks, top)
        return [
            UNKNOWN_BAR
            if peak is None or mean_height < 0
            else (mean_height, clipped if peak > self.ceiling else peak_height)
            for mean_height, peak_height, peak in zip(
                mean_heights, peak_heights, peaks, strict=True
            )
        ]

    def heights(self, values: Sequence[float | None], top: int) -> list[int]:
        """Return the height of each rate; -1 for None.

        >>> Scale(1000).heights([None, 0.0, 1.0, 500.0], 8)
        [-1, 0, 1, 4]
        """
        if self.floor:
            return [-1 if value is None else self.level(value, top) for value in values]
        # level() inlined: this runs for each bucket of each frame.
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

    def labels(self, height: int, units: Units) -> dict[int, str]:
        """Return the labels of a graph ``height`` cells high, by row, counted from 1 at the bottom.

        A label is in the row in which a bar of its rate ends. Labels are never in adjacent rows. A
        linear scale has five, four, two or one of them, evenly spaced; a logarithmic scale has as
        many decades as fit, none of them next to the axis.

        >>> from bwgraph.screen.units import BYTES
        >>> Scale(20 * 1024).labels(8, BYTES)
        {8: '20 KiB/s', 6: '15', 4: '10', 2: '5'}
        >>> Scale(50 * 1024).labels(6, BYTES), Scale(50 * 1024).labels(3, BYTES)
        ({6: '50 KiB/s', 3: '25'}, {3: '50 KiB/s'})
        >>> Scale(2 * 1024**2, 1024).labels(13, BYTES)
        {13: '2 MiB/s', 8: '100 KiB/s', 4: '10 KiB/s'}
        """
        if self.floor:
            marks = self._in_rows(units.decades(self.ceiling, self.floor), height)
            return {row: text for row, text in _spaced(marks) if row > 1 or row == height}
        step = units.round_up(self.ceiling)
        top: list[tuple[int, str]] = []
        if step != self.ceiling:  # set by the user: label it above the highest round rate
            step = units.lower(step, 1)
            top = [(height, units.format_round(self.ceiling))]
            if step > self.ceiling:  # the ceiling is below the lowest step
                return dict(top)
        for count in (5, 4, 2):
            divisions = units.divisions(step, count)
            if top and divisions and height - self._in_rows(divisions, height)[0][0] < 2:
                # The highest division is too close to the ceiling: give its unit to the next one.
                unit = divisions.pop(0)[1].partition(" ")[2]
                divisions[0] = divisions[0][0], f"{divisions[0][1]} {unit}"
            marks = top + self._in_rows(divisions, height)
            if len(marks) > len(top) and len(_spaced(marks)) == len(marks):
                return dict(marks)
        return dict(top or self._in_rows(units.divisions(step, 1), height))

    def _in_rows(self, marks: list[tuple[float, str]], height: int) -> list[tuple[int, str]]:
        """Replace each label's rate by its row."""
        return [(self.row(rate, height), text) for rate, text in marks]


def _spaced(marks: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Select labels from top to bottom so that no two are in adjacent rows."""
    selected: list[tuple[int, str]] = []
    for row, text in marks:
        if not selected or selected[-1][0] - row >= 2:
            selected.append((row, text))
    return selected


def lookback_buckets(resolution: int) -> int:
    """Return how many buckets before the visible ones affect the ceiling.

    >>> lookback_buckets(1), lookback_buckets(5), lookback_buckets(60)
    (120, 24, 12)
    """
    return MAX_FALLS * _hold_buckets(resolution)


def ceiling(peaks: Sequence[float], visible: int, resolution: int, units: Units) -> int:
    """Return the ceiling for the ``visible`` last of these buckets, in bytes a second.

    ``peaks`` should include ``lookback_buckets`` buckets before the visible ones. The ceiling is
    never below a visible peak.

    >>> from bwgraph.screen.units import BYTES
    >>> spike = [5000.0] + [100.0] * 25
    >>> [ceiling(spike[: 1 + age], 5, 1, BYTES) // 1024 for age in (0, 4, 5, 14, 15, 25)]
    [5, 5, 5, 5, 2, 1]
    """
    hold = _hold_buckets(resolution)
    edge = len(peaks) - visible  # the index of the first visible bucket
    step = units.round_up(max(peaks[max(edge, 0) :], default=0.0))
    for fall in range(MAX_FALLS):
        if edge <= hold * fall:
            break
        block = peaks[max(edge - hold * (fall + 1), 0) : edge - hold * fall]
        step = max(step, units.lower(units.round_up(max(block)), fall))
    return step


def p99_ceiling(means: Sequence[float | None], units: Units) -> int:
    """Return a ceiling that at most one in a hundred buckets with traffic exceeds.

    >>> from bwgraph.screen.units import BYTES
    >>> p99_ceiling([5000.0] + [None, 100.0] * 110, BYTES), p99_ceiling([], BYTES)
    (1024, 1024)
    """
    nonzero_means = sorted(mean for mean in means if mean)
    if not nonzero_means:
        return units.round_up(0.0)
    return units.round_up(nonzero_means[math.ceil(0.99 * len(nonzero_means)) - 1])


def floor(ceiling: int) -> float:
    """Return the floor of a logarithmic scale with this ceiling, in bytes a second.

    >>> floor(20 * 1024**2), floor(2048)
    (1024, 2.048)
    """
    return min(MAX_LOG_FLOOR_BYTES, ceiling / MIN_LOG_RANGE)


def _hold_buckets(resolution: int) -> int:
    return -(-HOLD_S // resolution)
