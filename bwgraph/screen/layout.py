"""Where things go on a screen of a given size, and what is dropped as the screen shrinks.

Owns the arithmetic of rows and columns. Parts are dropped in the order of ``MIN_GRAPH_ROWS``, then
one of the two graphs; the two current rates are dropped last. Must not know what a part says.
"""

from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from bwgraph.screen.frame import Size
from bwgraph.screen.view import Arrangement

GUTTER_CELLS = 11
"Cells left of a graph: the longest label of the scale, '500 KiB/s', a space, and the axis."

MIN_CELLS_WITH_AXIS = 36
"The narrowest graph that has axes, in cells."

LOW_GRAPH_ROWS = 4
"Stacked graphs with fewer rows than this are placed side by side instead."

BETWEEN_CELLS = 2
"Cells between two graphs that are side by side."


class Part(Enum):
    """A part of the screen that is dropped where there is no room for it."""

    KEYS = "keys"
    HEADER = "header"
    LABELS = "labels"
    TOTALS = "totals"
    QUOTA = "quota"
    AXES = "axes"


MIN_GRAPH_ROWS = {
    Part.KEYS: 4,
    Part.HEADER: 3,
    Part.LABELS: 3,
    Part.TOTALS: 3,
    Part.QUOTA: 3,
    Part.AXES: 2,
}
"""Each part is dropped if a graph would have fewer rows than this. The order is that in which the
parts are dropped."""


class Layout(NamedTuple):
    """What fits on the screen, and where it goes."""

    arrangement: Arrangement
    parts: frozenset[Part]
    "The parts that are shown."
    heights: tuple[int, int]
    "Rows of each graph's bars."
    blank_rows: int
    "Unused rows between the two graphs."
    gutter: int
    "Cells left of a graph's bars; 0 if there are no axes."
    graph_cells: int
    "The width of a graph in cells, including its gutter."

    @property
    def width(self) -> int:
        """The width of a graph's bars in cells."""
        return self.graph_cells - self.gutter

    def cell(self, x: int) -> int | None:
        """Return which cell of the bars is in a column of the screen, counted from their left."""
        if self.arrangement is Arrangement.SIDE_BY_SIDE and x >= self.graph_cells + BETWEEN_CELLS:
            x -= self.graph_cells + BETWEEN_CELLS
        cell = x - self.gutter
        return cell if 0 <= cell < self.width else None


@lru_cache(maxsize=64)
def arrange(
    size: Size, chosen: Arrangement | None, gutter: int, *, urgent: int, quota: bool
) -> Layout:
    """Return the layout that fits a screen.

    ``chosen`` is the user's arrangement, if any. ``urgent``: rows for the cursor line, the notice
    and the alert, which replace the key line. ``quota`` says whether tor has a quota.

    >>> layout = arrange(Size(120, 35), None, GUTTER_CELLS, urgent=0, quota=False)
    >>> layout.arrangement.value, layout.heights, sorted(part.value for part in layout.parts)
    ('stacked', (13, 13), ['axes', 'header', 'keys', 'labels', 'totals'])
    >>> arrange(Size(100, 12), None, GUTTER_CELLS, urgent=0, quota=False).arrangement.value
    'side-by-side'
    """
    chosen = chosen or _best_arrangement(size, gutter, quota=quota)
    # Not ``gutter``: it depends on the units, which must not change the arrangement.
    if chosen is Arrangement.SIDE_BY_SIDE and size.columns < 2 * GUTTER_CELLS:
        chosen = Arrangement.STACKED
    return _fit(size, chosen, gutter, urgent=urgent, quota=quota)


def _best_arrangement(size: Size, gutter: int, *, quota: bool) -> Arrangement:
    """Return the arrangement that shows most."""
    # Urgent rows do not count: they come and go, and the graphs must not move each time.
    stacked = _fit(size, Arrangement.STACKED, gutter, urgent=0, quota=quota)
    if (
        min(stacked.heights) < LOW_GRAPH_ROWS
        and size.columns >= 2 * MIN_CELLS_WITH_AXIS + BETWEEN_CELLS
    ):
        return Arrangement.SIDE_BY_SIDE
    if Part.AXES in stacked.parts and Part.LABELS not in stacked.parts:
        # An axis without times says little. Mirrored graphs have the times in their one axis.
        mirrored = _fit(size, Arrangement.MIRRORED, gutter, urgent=0, quota=quota)
        if Part.LABELS in mirrored.parts:
            return Arrangement.MIRRORED
    return Arrangement.STACKED


def _fit(size: Size, arrangement: Arrangement, gutter: int, *, urgent: int, quota: bool) -> Layout:
    """Return the layout of an arrangement: drop parts until the graphs have enough rows."""
    side_by_side = arrangement is Arrangement.SIDE_BY_SIDE
    graphs = 1 if side_by_side else 2  # one below another
    graph_cells = (size.columns - BETWEEN_CELLS) // 2 if side_by_side else size.columns
    urgent = min(urgent, max(size.rows - 2, 0))
    rows = _part_rows(arrangement, graph_cells, urgent=bool(urgent), quota=quota)
    left = size.rows - graphs - urgent - sum(rows.values())  # each graph has a row for its title
    for part, needed in MIN_GRAPH_ROWS.items():
        if left // graphs < needed:
            left += rows.pop(part, 0)
    left = max(left, 0)
    # An odd row is left blank, unless the graphs are so low that one of them needs it.
    blank = left % 2 if left > 6 and arrangement is Arrangement.STACKED else 0
    heights = (left, left) if side_by_side else ((left - blank + 1) // 2, left // 2)
    return Layout(
        arrangement,
        frozenset(rows),
        heights,
        blank,
        gutter if Part.AXES in rows else 0,
        graph_cells,
    )


def _part_rows(
    arrangement: Arrangement, graph_cells: int, *, urgent: bool, quota: bool
) -> dict[Part, int]:
    """Return the rows that each part takes, for the parts that graphs of this width have."""
    mirrored = arrangement is Arrangement.MIRRORED
    rows = dict.fromkeys(Part, 1)
    if arrangement is Arrangement.STACKED:
        rows[Part.AXES] = 2
    if mirrored:
        rows[Part.LABELS] = 0  # they are within the axis
    if urgent:
        del rows[Part.KEYS]
    if not quota:
        del rows[Part.QUOTA]
    if graph_cells < MIN_CELLS_WITH_AXIS:
        del rows[Part.AXES], rows[Part.TOTALS]
        if mirrored:
            del rows[Part.LABELS]
    return rows
