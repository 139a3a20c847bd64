"""Heights into rows of glyphs. Owns the glyph sets, and what a column looks like in each.

Must not know what the heights are about, where they come from, nor where on the screen they go.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import NamedTuple


class Glyphs(NamedTuple):
    """The characters that a graph is made of."""

    name: str
    levels: str
    "A cell filled from below, from not at all to wholly; of a braille cell nothing but its ends."
    hanging: str
    "The same, from above."
    inverted: bool
    "Whether the partly filled cells of ``hanging`` are drawn with glyph and ground exchanged."
    whisker: str
    "What reaches from a column's mean to its peak: half a cell below, half a cell above, a whole."
    clipped: str
    "Stands at the tip of what is higher than the scale: upwards, downwards."
    gap: str
    "Stands at the foot of a column of which nothing is known."
    grid: str
    "A cell of a row that stands for a round value."
    limit: str
    "A cell of the row that stands for tor's limit."
    cursor: str
    restart: str
    "Stands where another tor process took over."
    vertical_axis: str
    "The vertical axis."
    vertical_tick: str
    "The vertical axis at a mark."
    corner: str
    middle: str
    "Where both axes meet, between two graphs."
    horizontal_axis: str
    "The horizontal axis."
    horizontal_tick: str
    "The horizontal axis at a mark."
    horizontal_cursor: str
    unverified: str
    "The horizontal axis below columns that bwgraph did not see itself."
    partial: str
    "The horizontal axis below a sum that lacks some of what it is of."
    download: str
    upload: str
    buckets_per_cell: int = 1
    "Columns that go into one cell."

    @property
    def steps(self) -> int:
        """How many heights a cell tells apart."""
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
    middle="├",
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
    middle="+",
    horizontal_axis="-",
    horizontal_tick="+",
    horizontal_cursor="^",
    unverified=".",
    partial="x",
    download="v",
    upload="^",
)

HALF_BLOCK = BLOCK._replace(name="halves", hanging=" ▔▔▀▀▀▀██", inverted=False)
"Blocks for a text, in which nothing can be exchanged with its ground."

GLYPH_SETS = {glyphs.name: glyphs for glyphs in (BLOCK, BRAILLE, ASCII)}
"What the user can choose among, by name."

Bar = tuple[int, int]
"""How high a column's mean stands and how high its peak; one more than the top for a peak, or for
both, that the scale does not reach."""

UNKNOWN_BAR: Bar = (-1, -1)
"A column of which nothing is known."


def draw_bars(
    bars: Sequence[Bar], height: int, glyphs: Glyphs, *, hanging: bool = False
) -> tuple[str, ...]:
    """Bars as rows of cells, the topmost first; a cell holds ``glyphs.wide`` of them.

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
        cells = "".join(map(_cached(_column, height, glyphs, hanging), bars))
    else:
        pair = _cached(_pair, height, glyphs, hanging)
        cells = "".join(map(pair, bars[::2], [*bars[1::2], (0, 0)]))
    return tuple([cells[row::height] for row in range(height)])


def draw_sparkline(heights: Sequence[int], glyphs: Glyphs) -> str:
    """A graph of one row, of bars that are as high as this; -1 for one that nobody knows.

    >>> draw_sparkline([0, 1, 8, -1, 4], BLOCK), draw_sparkline([1, 3, 4, 0], BRAILLE)
    (' ▁█·▄', '⣰⡇')
    """
    if glyphs.buckets_per_cell > 1:
        return draw_bars([(height, height) for height in heights], 1, glyphs)[0]
    cells = glyphs.levels + glyphs.gap  # which is what the last stands for
    return "".join([cells[height] for height in heights])


@lru_cache(maxsize=4)
def _cached(
    make: Callable[..., str], height: int, glyphs: Glyphs, hanging: bool
) -> Callable[..., str]:
    """What makes the cells of a bar, or of a pair, and knows those that it has made."""
    return lru_cache(maxsize=1 << 10)(partial(make, height=height, glyphs=glyphs, hanging=hanging))


def _column(bar: Bar, *, height: int, glyphs: Glyphs, hanging: bool) -> str:
    """One bar's cells from the top down."""
    mean, peak = bar
    if bar == UNKNOWN_BAR:
        return _from_top([glyphs.gap, *" " * (height - 1)], hanging=hanging)
    levels = glyphs.hanging if hanging else glyphs.levels
    full, top = glyphs.steps, glyphs.steps * height
    cells = []
    for ground in range(0, top, full):
        if mean > ground:
            cells.append(levels[min(mean - ground, full)])
        elif peak > ground:
            reach = 2 if peak - ground > full // 2 else int(hanging)
            cells.append(glyphs.whisker[reach])
        else:
            cells.append(" ")
    if peak > top:
        cells[-1] = glyphs.clipped[hanging]
    return _from_top(cells, hanging=hanging)


_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"The dots of a braille cell (Unicode 2800), left and right, from below."


def _pair(left: Bar, right: Bar, *, height: int, glyphs: Glyphs, hanging: bool) -> str:
    """Two bars' cells, side by side, from the top down."""
    if left == right == UNKNOWN_BAR:
        return _column(UNKNOWN_BAR, height=height, glyphs=glyphs, hanging=hanging)
    cells = []
    for ground in range(0, 4 * height, 4):
        dots = 0
        for (mean, peak), column in zip((left, right), _DOTS, strict=True):
            for step, dot in enumerate(reversed(column) if hanging else column, ground + 1):
                if step <= mean or step == peak:
                    dots |= dot
        cells.append(chr(0x2800 + dots) if dots else " ")
    if max(left[1], right[1]) > 4 * height:
        cells[-1] = glyphs.clipped[hanging]
    return _from_top(cells, hanging=hanging)


def _from_top(cells: list[str], *, hanging: bool) -> str:
    """Cells from the ground on as they come from the top down."""
    return "".join(cells if hanging else reversed(cells))
