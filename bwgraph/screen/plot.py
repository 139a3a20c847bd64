"""Draw bars as rows of characters.

Owns the glyph sets, and how a bar looks in each. Must not know what the bars measure, nor where on
the screen they are placed.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple


class Glyphs(NamedTuple):
    """A set of characters to draw a graph with."""

    name: str
    "The name by which the user chooses this set."
    levels: str
    """A cell filled from below, from empty to full, one character for each step. For braille only
    the first and the last are used."""
    hanging: str
    "A cell filled from above, from empty to full."
    inverted: bool
    "Whether partly filled cells of ``hanging`` are drawn in reverse video."
    whisker: str
    "The line from a bar's mean to its peak: lower half of a cell, upper half, whole cell."
    clipped: str
    "The tip of a bar that exceeds the scale: of an upright bar, of a hanging bar."
    gap: str
    "The foot of a bucket without data."
    grid: str
    "A grid line, in the row of a round value."
    limit: str
    "The line in the row of tor's rate limit."
    cursor: str
    "The vertical line at the bucket under the cursor."
    restart: str
    "The vertical line at a bucket in which tor was restarted."
    vertical_axis: str
    vertical_tick: str
    "The vertical axis, in a row with a label."
    corner: str
    "The foot of the vertical axis."
    junction: str
    "The point where both axes meet in the mirrored arrangement."
    horizontal_axis: str
    horizontal_tick: str
    "The horizontal axis, above a label."
    horizontal_cursor: str
    "The horizontal axis, at the bucket under the cursor."
    unverified: str
    "The horizontal axis, below unverified buckets."
    partial: str
    "The horizontal axis, below buckets of a sum in which data of some tors is missing."
    download: str
    "The arrow before the word."
    upload: str
    "The arrow before the word."
    buckets_per_cell: int = 1

    @property
    def steps(self) -> int:
        """The number of bar heights, above zero, that one cell can show."""
        return len(self.levels) - 1


BLOCK = Glyphs(
    name="block",
    levels=" ▁▂▃▄▅▆▇█",
    hanging=" ▇▆▅▄▃▂▁█",
    inverted=True,
    whisker="╷╵│",
    clipped="↑↓",
    gap="·",
    grid="┈",
    limit="╍",
    cursor="┊",
    restart="╎",
    vertical_axis="│",
    vertical_tick="┤",
    corner="└",
    junction="├",
    horizontal_axis="─",
    horizontal_tick="┬",
    horizontal_cursor="┴",
    unverified="╌",
    partial="×",
    download="▼",
    upload="▲",
)

BRAILLE = BLOCK._replace(
    name="braille", levels="    ⣿", hanging="    ⣿", inverted=False, buckets_per_cell=2
)

ASCII = Glyphs(
    name="ascii",
    levels=" ..::oo##",
    hanging=" ''::oo##",
    inverted=False,
    whisker="iiI",
    clipped="^v",
    gap="-",
    grid="`",
    limit="~",
    cursor=";",
    restart="!",
    vertical_axis="|",
    vertical_tick="+",
    corner="+",
    junction="+",
    horizontal_axis="-",
    horizontal_tick="+",
    horizontal_cursor="^",
    unverified=".",
    partial="x",
    download="v",
    upload="^",
)

HALF_BLOCK = BLOCK._replace(name="halves", hanging=" ▔▔▀▀▀▀██", inverted=False)
"Block characters for plain text, which has no reverse video."

GLYPH_SETS = {glyphs.name: glyphs for glyphs in (BLOCK, BRAILLE, ASCII)}
"The sets that the user can choose from, by name."

Bar = tuple[int, int]
"""The heights of a bucket's mean and peak, in steps. A height that exceeds the scale is one step
more than the graph's height."""

UNKNOWN_BAR: Bar = (-1, -1)
"The bar of a bucket without data."


def draw_bars(
    bars: Sequence[Bar], height: int, glyphs: Glyphs, *, hanging: bool = False
) -> tuple[str, ...]:
    """Return the rows of a graph ``height`` cells high, from top to bottom.

    Each cell shows ``glyphs.buckets_per_cell`` bars. If ``hanging``, the bars grow downwards.

    >>> for row in draw_bars([(0, 0), (4, 4), (8, 15), UNKNOWN_BAR, (17, 17), (1, 1)], 2, BLOCK):
    ...     print(repr(row))
    '  │ ↑ '
    ' ▄█·█▁'
    >>> draw_bars([(1, 1), (3, 3), (8, 8), (0, 0)], 2, BRAILLE)
    (' ⡇', '⣰⡇')
    """
    if height < 1:
        return ()
    if glyphs.buckets_per_cell == 1:
        cells = "".join(map(_cached(_draw_bar, height, glyphs, hanging), bars))
    else:
        draw_pair = _cached(_draw_braille_pair, height, glyphs, hanging)
        cells = "".join(map(draw_pair, bars[::2], [*bars[1::2], (0, 0)]))
    return tuple([cells[row::height] for row in range(height)])


def draw_sparkline(heights: Sequence[int], glyphs: Glyphs) -> str:
    """Return a graph of one row. The heights are in steps, -1 for a bucket without data.

    >>> draw_sparkline([0, 1, 8, -1, 4], BLOCK), draw_sparkline([1, 3, 4, 0], BRAILLE)
    (' ▁█·▄', '⣰⡇')
    """
    if glyphs.buckets_per_cell > 1:
        return draw_bars([(height, height) for height in heights], 1, glyphs)[0]
    cells = glyphs.levels + glyphs.gap  # so that index -1 is the gap
    return "".join([cells[height] for height in heights])


@lru_cache(maxsize=4)
def _cached(
    draw: Callable[..., str], height: int, glyphs: Glyphs, hanging: bool
) -> Callable[..., str]:
    """Return ``draw`` with these arguments bound and its results cached."""
    return lru_cache(maxsize=1 << 10)(partial(draw, height=height, glyphs=glyphs, hanging=hanging))


def _draw_bar(bar: Bar, *, height: int, glyphs: Glyphs, hanging: bool) -> str:
    """Return one bar's cells from top to bottom."""
    mean, peak = bar
    if bar == UNKNOWN_BAR:
        return _top_first([glyphs.gap, *" " * (height - 1)], hanging=hanging)
    levels = glyphs.hanging if hanging else glyphs.levels
    full, top = glyphs.steps, glyphs.steps * height
    cells = []
    for base in range(0, top, full):
        if mean > base:
            cells.append(levels[min(mean - base, full)])
        elif peak > base:
            whisker = 2 if peak - base > full // 2 else int(hanging)
            cells.append(glyphs.whisker[whisker])
        else:
            cells.append(" ")
    if peak > top:
        cells[-1] = glyphs.clipped[hanging]
    return _top_first(cells, hanging=hanging)


_BRAILLE_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"The bits of a braille cell's dots, added to U+2800: left and right half, each from bottom to top."


def _draw_braille_pair(left: Bar, right: Bar, *, height: int, glyphs: Glyphs, hanging: bool) -> str:
    """Return the cells of two bars side by side, from top to bottom."""
    if left == right == UNKNOWN_BAR:
        return _draw_bar(UNKNOWN_BAR, height=height, glyphs=glyphs, hanging=hanging)
    cells = []
    for base in range(0, 4 * height, 4):
        bits = 0
        for (mean, peak), half in zip((left, right), _BRAILLE_DOTS, strict=True):
            for step, bit in enumerate(reversed(half) if hanging else half, base + 1):
                if step <= mean or step == peak:
                    bits |= bit
        cells.append(chr(0x2800 + bits) if bits else " ")
    if max(left[1], right[1]) > 4 * height:
        cells[-1] = glyphs.clipped[hanging]
    return _top_first(cells, hanging=hanging)


def _top_first(cells: list[str], *, hanging: bool) -> str:
    """Join cells that are ordered from the bar's base to its tip, the topmost first."""
    return "".join(cells if hanging else reversed(cells))
