"""Values into rows of glyphs. Owns what a bar looks like and how high the scale is.

Must not know what the values are about, nor where on the screen they go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bwgraph import units

HOLD = 10
"For so many columns a scale keeps each step of its fall, after the value that asked for it."

FALLS = 12
"So many steps of the fall are told apart; what lies longer back is forgotten."

MEMORY = HOLD * FALLS
"How far beyond the visible columns a scale looks back."


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a graph is made of."""

    levels: str
    "A cell filled by none to eight eighths."
    gap: str
    "Stands at the foot of a column of which nothing is known."
    side: str
    "The vertical axis."
    tick: str
    "The vertical axis at a mark."
    corner: str
    ground: str
    "The horizontal axis."
    ground_tick: str
    "The horizontal axis at a mark."
    hearsay: str
    "The horizontal axis below columns that bwgraph did not see itself."
    break_: str
    "Stands where another tor process took over."
    download: str
    upload: str


BLOCK = Glyphs(" ▁▂▃▄▅▆▇█", "·", "│", "┤", "└", "─", "┬", "╌", "╎", "▼", "▲")
ASCII = Glyphs(" ..::||##", "-", "|", "+", "+", "-", "+", ".", "!", "v", "^")


def level(value: float, ceiling: float, height: int) -> int:
    """How many eighths of a cell a bar is high: nothing is none, and a trace is at least one.

    >>> [level(value, 1000, 2) for value in (0, 1, 500, 999, 1000)]
    [0, 1, 8, 16, 16]
    """
    return max(1, round(min(value / ceiling, 1.0) * 8 * height)) if value > 0 else 0


def plot(
    values: Sequence[float | None], ceiling: float, height: int, glyphs: Glyphs
) -> tuple[str, ...]:
    """Bars as rows, the topmost first; every row is as long as there are values.

    >>> for row in plot((0, 250, 500, None, 1000, 3), 1000, 2, BLOCK):
    ...     print(repr(row))
    '    █ '
    ' ▄█·█▁'
    """
    if not values or height < 1:
        return ("",) * height
    bars = _bars(height, glyphs)
    unknown = " " * (height - 1) + glyphs.gap
    columns = [
        unknown if value is None else bars[level(value, ceiling, height)] for value in values
    ]
    return tuple(map("".join, zip(*columns, strict=True)))


@lru_cache(maxsize=8)
def _bars(height: int, glyphs: Glyphs) -> tuple[str, ...]:
    """A bar's cells from the top down, for each of its possible levels."""
    empty, full = glyphs.levels[0], glyphs.levels[8]
    bars = []
    for eighths in range(8 * height + 1):
        whole, part = divmod(eighths, 8)
        tip = glyphs.levels[part] if part else ""
        bars.append(empty * (height - whole - len(tip)) + tip + full * whole)
    return tuple(bars)


def ceiling(values: Sequence[float | None], visible: int) -> int:
    """The round number that the scale ends at, given the values up to ``MEMORY`` columns back.

    It is never below a visible value, so it rises at once; and it falls a step at a time, each
    held for ``HOLD`` columns after the value that asked for more has left the view. So it needs no
    memory of its own: the history is its memory, and a resize does not make it jump.

    >>> spike = [5000.0] + [100.0] * 25
    >>> [ceiling(spike[: 1 + age], visible=5) // 1024 for age in (0, 4, 5, 14, 15, 25)]
    [5, 5, 5, 5, 2, 1]
    """
    edge = len(values) - visible
    step = units.round_up(_peak(values[max(edge, 0) :]))
    for fall in range(FALLS):
        block = values[max(edge - HOLD * (fall + 1), 0) : max(edge - HOLD * fall, 0)]
        step = max(step, units.lower(units.round_up(_peak(block)), fall))
    return step


def _peak(values: Sequence[float | None]) -> float:
    return max((value for value in values if value is not None), default=0.0)
