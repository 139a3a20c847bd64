"""What the user looks at. Owns ``View`` and ``Shown``; must not know keys, nor how it is drawn.

Places in time are columns' ends, in seconds on the clock of the samples: so a view that was
scrolled stays where it is while samples come in, and a cursor stays with its column.
"""

from enum import Enum
from typing import NamedTuple

from bwgraph.screen.plot import BLOCK, Glyphs
from bwgraph.screen.units import BYTES, Units

ALL_TORS, SUM = -2, -1
"What to look at besides one tor: all of them as a table, and their sum as a graph."


class Arrangement(Enum):
    """How the two graphs lie to one another."""

    STACKED = "stacked"
    SIDE_BY_SIDE = "side-by-side"
    MIRRORED = "mirrored"


class View(NamedTuple):
    """The choices that the screen is drawn by."""

    glyphs: Glyphs = BLOCK
    key_line: bool = True
    "A line tells of the keys."
    ascii_only: bool = False
    "The terminal can show no others."
    units: Units = BYTES
    arrangement: Arrangement | None = None
    "None: whichever fits."
    resolution: int = 1
    "Seconds a column."
    end: int | None = None
    "Where the newest visible column ends; None: it is the newest that there is."
    cursor: int | None = None
    "Where the column under the cursor ends; None: there is no cursor."
    logarithmic: bool = False
    shared_scale: bool = False
    "One scale for both graphs."
    cut_at_p99: bool = False
    "The scale may be overtopped by one in a hundred."
    ceiling: int | None = None
    "Where the user has pinned the scale, in bytes a second."
    help: bool = False
    subject: int = 0
    "The tor that is looked at, by its place among them; or ``ALL_TORS``, or ``SUM``."
    selected: int | None = None
    "Which line of the table is chosen: a tor, or ``SUM``; None: the first."
    by_traffic: bool = False
    "The table is sorted by what is moved now, the busiest first; else by name."


class Shown(NamedTuple):
    """What is on the screen: what a key that moves the view moves it from."""

    buckets: int
    "How many each of the two graphs shows."
    oldest: int
    "Where the oldest one ends of which anything is kept."
    newest: int
    "Where the newest one ends, which may be still to come."
    newest_second: int
    "The newest second of which anything is known."
    end: int
    "Where the rightmost visible one ends."
    arrangement: Arrangement
    ceiling: int
    "The scale's, or the higher of two."
    tor_order: tuple[int, ...] = (0,)
    "The tors by their places among them, as a table lists them."

    def begin(self, resolution: int) -> int:
        """Where the leftmost visible column ends."""
        return self.end - (self.buckets - 1) * resolution


class Click(NamedTuple):
    """A mouse button pressed on this cell of the screen."""

    x: int
    y: int


def move_cursor_to(view: View, column: int, shown: Shown) -> View:
    """Put the cursor onto the visible column of this index."""
    at = shown.begin(view.resolution) + column * view.resolution
    return view._replace(cursor=min(max(at, shown.oldest), shown.newest))


def visible_cursor(view: View, shown: Shown) -> int | None:
    """Where the cursor's column ends if it is on the screen; None if it is not."""
    if view.cursor is not None and shown.begin(view.resolution) <= view.cursor <= shown.end:
        return view.cursor
    return None
