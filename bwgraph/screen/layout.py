"""Where things go on a screen of a given size, and what goes first as it shrinks.

Owns the arithmetic of rows and columns. First the key line goes, then the header, the time labels,
the totals, the quota, the axes, and one of the two graphs; the two current rates are the last.
Must not know what any of these says.
"""

from functools import lru_cache
from typing import NamedTuple

from bwgraph.screen.frame import Size
from bwgraph.screen.view import Arrangement

GUTTER_CELLS = 11
"Cells left of a graph: the longest round mark, '500 KiB/s', a space, and the axis."

MIN_CELLS_WITH_AXIS = 36
"Cells that a graph needs to be worth an axis."

LOW_GRAPH_ROWS = 4
"A graph of fewer rows than this had better lie beside the other."

BETWEEN_CELLS = 2
"Cells between two graphs that lie side by side."

_LOSS_ORDER = (
    ("keys", 4),
    ("header", 3),
    ("labels", 3),
    ("totals", 3),
    ("quota", 3),
    ("axes", 2),
)
"The parts in the order in which they go, each when a graph would have fewer rows than this."


class Layout(NamedTuple):
    """What there is room for, and where."""

    arrangement: Arrangement
    parts: frozenset[str]
    "The parts of ``_LOSS_ORDER`` that stay."
    heights: tuple[int, int]
    "Rows of each graph's bars."
    blank_rows: int
    "Rows left over between the two."
    gutter: int
    "Cells left of a graph's bars."
    graph_cells: int
    "Cells that a graph has, with its gutter."

    @property
    def width(self) -> int:
        """Cells of a graph's bars."""
        return self.graph_cells - self.gutter

    def cell(self, x: int) -> int | None:
        """Which cell of the bars, from their left, is in this column of the screen."""
        if self.arrangement is Arrangement.SIDE_BY_SIDE and x >= self.graph_cells + BETWEEN_CELLS:
            x -= self.graph_cells + BETWEEN_CELLS
        cell = x - self.gutter
        return cell if 0 <= cell < self.width else None


@lru_cache(maxsize=64)
def arrange(
    size: Size, wish: Arrangement | None, gutter: int, *, urgent: int, quota: bool
) -> Layout:
    """Decide what fits; ``urgent`` rows are for what must be said, in place of the key line.

    >>> layout = arrange(Size(120, 35), None, GUTTER_CELLS, urgent=0, quota=False)
    >>> layout.arrangement.value, layout.heights, sorted(layout.parts)
    ('stacked', (13, 13), ['axes', 'header', 'keys', 'labels', 'totals'])
    >>> arrange(Size(100, 12), None, GUTTER_CELLS, urgent=0, quota=False).arrangement.value
    'side-by-side'
    """
    wish = wish or _fitting(size, gutter, quota=quota)
    if wish is Arrangement.SIDE_BY_SIDE and size.columns < 2 * GUTTER_CELLS:
        wish = Arrangement.STACKED
    return _arrange(size, wish, gutter, urgent=urgent, quota=quota)


def _fitting(size: Size, gutter: int, *, quota: bool) -> Arrangement:
    """Which arrangement shows most; what is urgent has no say, for it comes and goes."""
    stacked = _arrange(size, Arrangement.STACKED, gutter, urgent=0, quota=quota)
    if (
        min(stacked.heights) < LOW_GRAPH_ROWS
        and size.columns >= 2 * MIN_CELLS_WITH_AXIS + BETWEEN_CELLS
    ):
        return Arrangement.SIDE_BY_SIDE
    if "axes" in stacked.parts and "labels" not in stacked.parts:
        # Ticks that no time stands at tell nobody when: a single axis has the times within.
        mirrored = _arrange(size, Arrangement.MIRRORED, gutter, urgent=0, quota=quota)
        if "labels" in mirrored.parts:
            return Arrangement.MIRRORED
    return Arrangement.STACKED


def _arrange(
    size: Size, arrangement: Arrangement, gutter: int, *, urgent: int, quota: bool
) -> Layout:
    beside = arrangement is Arrangement.SIDE_BY_SIDE
    graphs = 1 if beside else 2  # one below another
    mirrored = arrangement is Arrangement.MIRRORED
    across = (size.columns - BETWEEN_CELLS) // 2 if beside else size.columns
    kept = {name: 1 for name, _ in _LOSS_ORDER if name != "quota" or quota}
    kept["axes"] = 1 if mirrored else graphs
    if mirrored:
        kept["labels"] = 0  # they are written into the axis
    urgent = min(urgent, max(size.rows - 2, 0))
    if urgent:
        del kept["keys"]
    if across < MIN_CELLS_WITH_AXIS:
        for name in ("axes", "totals", "labels") if mirrored else ("axes", "totals"):
            del kept[name]
    left = size.rows - graphs - urgent - sum(kept.values())
    for name, needed in _LOSS_ORDER:
        if left // graphs < needed:
            left += kept.pop(name, 0)
    left = max(left, 0)
    blank = left % 2 if left > 6 and arrangement is Arrangement.STACKED else 0
    heights = (left, left) if beside else ((left - blank + 1) // 2, left // 2)
    return Layout(
        arrangement, frozenset(kept), heights, blank, gutter if "axes" in kept else 0, across
    )
