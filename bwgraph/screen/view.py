"""What the user looks at: the view, what is on the screen, and clicks.

Owns ``View`` and ``Shown``. Must not know keys, nor how a view is drawn.

A position in time is the second at which a bucket ends, on the clock of the samples. So a view that
was scrolled stays where it is while samples arrive, and a cursor stays on its bucket.
"""

from enum import Enum
from typing import NamedTuple

from bwgraph.screen.plot import BLOCK, Glyphs
from bwgraph.screen.units import BYTES, Units

ALL_TORS, SUM = -2, -1
"Values of ``View.subject`` besides a tor's index: the table of all tors, and their sum."


class Arrangement(Enum):
    """How the two graphs are placed relative to each other."""

    STACKED = "stacked"
    SIDE_BY_SIDE = "side-by-side"
    MIRRORED = "mirrored"


class View(NamedTuple):
    """The user's choices, from which the screen is drawn."""

    glyphs: Glyphs = BLOCK
    key_line: bool = True
    "Whether the bottom line lists the keys."
    ascii_only: bool = False
    "Whether the terminal can show only the ASCII glyphs."
    units: Units = BYTES
    arrangement: Arrangement | None = None
    "None: the one that fits best."
    resolution: int = 1
    "Seconds per bucket."
    end: int | None = None
    "Where the rightmost visible bucket ends; None: at the newest bucket."
    cursor: int | None = None
    "Where the bucket under the cursor ends; None: no cursor."
    logarithmic: bool = False
    shared_scale: bool = False
    "Whether both graphs have the same scale."
    cut_at_p99: bool = False
    "Whether one bucket in a hundred may exceed the scale."
    ceiling: int | None = None
    "The top of the scale that the user has pinned, in bytes per second."
    help: bool = False
    subject: int = 0
    "The tor that is shown, by its index in the fleet; or ``ALL_TORS``, or ``SUM``."
    selected: int | None = None
    "The selected line of the table: a tor's index, or ``SUM``; None: the first line."
    by_traffic: bool = False
    "Whether the table is sorted by recent traffic, the busiest tor first; otherwise by name."


class Shown(NamedTuple):
    """What is on the screen: the state from which a key moves the view."""

    buckets: int
    "The number of buckets in each of the two graphs."
    oldest: int
    "Where the oldest bucket of the history ends."
    newest: int
    "Where the newest bucket ends, which may be in the future."
    newest_second: int
    "Where the newest second of the history ends."
    end: int
    "Where the rightmost visible bucket ends."
    arrangement: Arrangement
    ceiling: int
    "The top of the scale, in bytes per second; of two scales, the higher."
    tor_count: int = 1
    tor_order: tuple[int, ...] = ()
    "The tors' indices in the order of the table's lines; empty if a graph is shown."

    def begin(self, resolution: int) -> int:
        """Return where the leftmost visible bucket ends."""
        return self.end - (self.buckets - 1) * resolution


class Click(NamedTuple):
    """A click of the left button, by the column of the screen."""

    x: int


def bucket_end(second: int, resolution: int) -> int:
    """Return where the bucket that contains this second ends.

    >>> bucket_end(1000, 300), bucket_end(900, 300)
    (1200, 900)
    """
    return -(-second // resolution) * resolution


def move_cursor_to(view: View, index: int, shown: Shown) -> View:
    """Return the view with the cursor on the visible bucket of this index."""
    at = shown.begin(view.resolution) + index * view.resolution
    return view._replace(cursor=min(max(at, shown.oldest), shown.newest))


def visible_cursor(view: View, shown: Shown) -> int | None:
    """Return where the cursor's bucket ends, or None if it is not on the screen."""
    if view.cursor is not None and shown.begin(view.resolution) <= view.cursor <= shown.end:
        return view.cursor
    return None
