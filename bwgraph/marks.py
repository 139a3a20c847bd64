"""What is marked in and below a graph, by column: times, restarts, gaps with a sum, hearsay.

Owns where in a window such a mark belongs and how it is written in. A bar is never written over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bwgraph import units
from bwgraph.captions import Moment
from bwgraph.frame import Line, Span, Style
from bwgraph.graph import Glyphs
from bwgraph.history import Window
from bwgraph.instance import Instance
from bwgraph.ledger import Unseen

LABEL_SPACING = (15, 30, 60, 120, 300, 600)
"Seconds between time labels: round ones, the first that leaves them room."

Notes = dict[int, tuple[str, ...]]
"What to write beside a column: in so many words, or else in fewer."


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one window."""

    labels: dict[int, str]
    "The time labels, by column."
    breaks: tuple[int, ...]
    "The columns in which another tor process took over."
    hearsay: range
    "The columns that tor told of; all that bwgraph saw itself is after these."
    read: Notes
    written: Notes
    unseen: tuple[int, int]
    "Bytes read and written in the gaps that are visible."


def mark(instance: Instance, window: Window, moment: Moment) -> Marks:
    """Find the marks of a window of one-second columns."""
    count = len(window.columns)
    restarts = (count - 1 - round(window.end - when) for when in instance.ledger.restarts)
    breaks = tuple(column for column in restarts if 0 <= column < count)
    read: Notes = dict.fromkeys(breaks, ("tor restarted", "restart"))
    written = read.copy()
    gaps = list(_gaps(instance, window))
    for column, gap in gaps:
        for notes, amount in ((read, gap.read), (written, gap.written)):
            if amount:
                notes[column] = (f"{units.size(amount)} unseen", f"+{units.quantity(amount).terse}")
    told = _told_columns(instance, window)
    begin = next((i for i in range(told) if window.columns.seconds[i]), told)
    return Marks(
        labels=_time_labels(window, moment),
        breaks=breaks,
        hearsay=range(begin, told),
        read=read,
        written=written,
        unseen=(sum(gap.read for _, gap in gaps), sum(gap.written for _, gap in gaps)),
    )


def _told_columns(instance: Instance, window: Window) -> int:
    """How many of a window's columns lie before all that bwgraph saw itself."""
    if instance.told_until is None:
        return 0
    count = len(window.columns)
    return min(max(count - (round(window.end) - instance.told_until), 0), count)


def write_in(
    bars: tuple[str, ...], notes: Notes, breaks: tuple[int, ...], glyphs: Glyphs
) -> tuple[str, ...]:
    """Write breaks and notes into the empty cells of a graph's rows.

    >>> from bwgraph.graph import BLOCK
    >>> write_in(("     █", " █·· █"), {2: ("a long note", "+5")}, (2,), BLOCK)
    ('  ╎+5█', ' █╎· █')
    """
    if not notes and not breaks:
        return bars
    empty = {" ", glyphs.gap}
    rows = [list(row) for row in bars]
    for column in breaks:
        for row in rows:
            if row[column] in empty:
                row[column] = glyphs.break_
    for column, words in notes.items():
        # The topmost row with room, to the right of the column or else to its left.
        places = (
            (row, at, note)
            for note in words
            for at in (column + 1, column - len(note))
            for row in rows
        )
        for row, at, note in places:
            cells = row[max(at, 0) : at + len(note)]
            if at >= 0 and len(cells) == len(note) and empty.issuperset(cells):
                row[at : at + len(note)] = note
                break
    return tuple(map("".join, rows))


def label_line(labels: dict[int, str], gutter: int, visible: int) -> Line:
    """The time labels, each centred under its column where it fits whole."""
    row = [" "] * (gutter + visible)
    for column, label in labels.items():
        begin = gutter + column - len(label) // 2
        if begin >= 0 and begin + len(label) <= len(row):
            row[begin : begin + len(label)] = label
    return (Span("".join(row).rstrip(), Style.DIM),)


def _gaps(instance: Instance, window: Window) -> Iterator[tuple[int, Unseen]]:
    """The gaps with a sum that are visible, by the column before each; -1 before the first."""
    count = len(window.columns)
    for gap in instance.ledger.unseen:
        before = max(count - 1 - round(window.end - gap.begin), -1)
        if before < count - 1 - round(window.end - gap.end):
            yield before, gap


def _time_labels(window: Window, moment: Moment) -> dict[int, str]:
    """The round times among a window's columns: column to label."""
    count = len(window.columns)
    spacing = next((s for s in LABEL_SPACING if s * 10 >= count), LABEL_SPACING[-1])
    newest = moment.wall(window.end)
    second = newest.hour * 3600 + newest.minute * 60 + newest.second
    form = "%H:%M:%S" if spacing % 60 else "%H:%M"
    return {
        column: f"{newest - timedelta(seconds=count - 1 - column):{form}}"
        for column in range(count - 1 - second % spacing, -1, -spacing)
    }
