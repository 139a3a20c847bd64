"""What is marked in and below a graph, by its cells: times, restarts, gaps, hearsay, the cursor.

Owns where in a window such a mark belongs and how it is written in. A bar is never written over,
but for its last cell where a sum lacks something and there is no axis to say so.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bwgraph.model.history import Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.statistics import current
from bwgraph.model.totals import Unseen
from bwgraph.screen import time_axis, units
from bwgraph.screen.frame import Line, Span, Style
from bwgraph.screen.plot import Glyphs

Notes = dict[int, tuple[str, ...]]
"What to write beside a cell: in so many words, or else in fewer."


class Marks(NamedTuple):
    """The marks of one window, in cells from its left."""

    labels: dict[int, str]
    "The time labels."
    breaks: tuple[int, ...]
    "Where another tor process took over."
    hearsay: range
    "What tor told of; all that bwgraph saw itself is after these."
    unknown: tuple[int, ...]
    "Where something is not known."
    partial: tuple[int, ...]
    "Where a sum lacks some of what it is of."
    cursor: int | None
    read: Notes
    written: Notes
    unseen: tuple[int, int]
    "Bytes read and written in the gaps that are visible."


def mark(
    instance: Instance, window: Window, cursor: int | None, moment: Moment, wide: int
) -> Marks:
    """Find the marks of a window of which ``wide`` columns go into a cell."""
    count = len(window.columns)
    restarts = (_column(window, when) for when in instance.ledger.restarts)
    breaks = tuple(column // wide for column in restarts if 0 <= column < count)
    read: Notes = dict.fromkeys(breaks, ("tor restarted", "restart"))
    written = read.copy()
    gaps = list(_gaps(instance, window))
    for notes, amounts in (
        (read, [(before, after, gap.read) for before, after, gap in gaps]),
        (written, [(before, after, gap.written) for before, after, gap in gaps]),
    ):
        # Of a sum several may have gone away at once.
        for cell, amount in _by_cell(amounts, wide).items():
            notes[cell] = f"{units.size(amount)} unseen", f"+{units.quantity(amount).terse}"
    seconds = window.columns.seconds
    told = told_columns(instance, window)
    begin = next((i for i in range(told) if seconds[i]), told)
    cells = count // wide
    return Marks(
        labels=time_axis.labels(moment.wall(window.end), window.resolution * wide, cells),
        breaks=breaks,
        hearsay=range(begin // wide, -(-told // wide)),
        unknown=tuple({i // wide: None for i, covered in enumerate(seconds) if not covered}),
        partial=tuple(dict.fromkeys(i // wide for i in sorted(window.partial))),
        cursor=None if cursor is None else _column(window, cursor) // wide,
        read=read,
        written=written,
        unseen=(sum(gap.read for *_, gap in gaps), sum(gap.written for *_, gap in gaps)),
    )


def told_columns(instance: Instance, window: Window) -> int:
    """How many of a window's columns lie before all that bwgraph saw itself."""
    if instance.told_until is None:
        return 0
    return min(max(_column(window, instance.told_until) + 1, 0), len(window.columns))


def seen_now(instance: Instance, newest: Window) -> tuple[float | None, float | None]:
    """What moves in the newest second; that is not what tor remembers of it."""
    hearsay = told_columns(instance, newest) == len(newest.columns)
    return (None, None) if hearsay else current(newest)


def _column(window: Window, when: float) -> int:
    """The column that a moment lies in, to the nearest second."""
    ago = math.floor((window.end - when + 0.5) / window.resolution)
    return len(window.columns) - 1 - ago


def _gaps(instance: Instance, window: Window) -> Iterator[tuple[int, int, Unseen]]:
    """The gaps with a sum that are visible, with the columns before and after each."""
    count = len(window.columns)
    for gap in instance.ledger.unseen:
        before, after = max(_column(window, gap.begin), -1), _column(window, gap.end)
        if after >= 0 and before < count - 1:
            yield before, after, gap


def _by_cell(amounts: list[tuple[int, int, int]], wide: int) -> dict[int, int]:
    """What was not seen, by the cell before it, where there is a column to write it into."""
    found: dict[int, int] = {}
    for before, after, amount in amounts:
        if before < after and amount:
            found[before // wide] = found.get(before // wide, 0) + amount
    return found


def write_in(
    bars: tuple[str, ...],
    notes: Notes,
    marks: Marks,
    rules: Mapping[int, str],
    glyphs: Glyphs,
    *,
    hanging: bool = False,
) -> tuple[str, ...]:
    """Write rules, the cursor, breaks and notes into the empty cells of a graph's rows.

    ``rules`` is, by row from the top, the glyph of a line across.
    """
    if not rules and not notes and not marks.breaks and marks.cursor is None:
        return bars
    ruled = [row.replace(" ", rules[y]) if y in rules else row for y, row in enumerate(bars)]
    if not notes and not marks.breaks and marks.cursor is None:
        return tuple(ruled)
    rows = [list(row) for row in ruled]
    empty = {" ", glyphs.gap, *rules.values()}
    upright = [(column, glyphs.break_) for column in marks.breaks]
    if marks.cursor is not None:
        upright.append((marks.cursor, glyphs.cursor))
    for column, glyph in upright:
        for row in rows:
            if row[column] in empty:
                row[column] = glyph
    for column, words in notes.items():
        # The row with room that is farthest from the ground, to the right of the column or else to
        # its left.
        places = (
            (row, at, note)
            for note in words
            for at in (column + 1, column - len(note))
            for row in (reversed(rows) if hanging else rows)
        )
        for row, at, note in places:
            cells = row[max(at, 0) : at + len(note)]
            if at >= 0 and len(cells) == len(note) and empty.issuperset(cells):
                row[at : at + len(note)] = note
                break
    return tuple(map("".join, rows))


def cross(
    bars: tuple[str, ...], marks: Marks, glyphs: Glyphs, *, hanging: bool = False
) -> tuple[str, ...]:
    """Cross a graph that has no axis where something is missing, farthest from the ground.

    >>> from bwgraph.screen.plot import BLOCK
    >>> marks = Marks({}, (), range(0), (), (1, 2), None, {}, {}, (0, 0))
    >>> cross(("▅  ", "███"), marks, BLOCK)
    ('▅××', '███')
    """
    end = list(bars[-1 if hanging else 0])
    for cell in marks.partial:
        end[cell] = glyphs.partial
    crossed = "".join(end)
    return (*bars[:-1], crossed) if hanging else (crossed, *bars[1:])


def labelled(row: str, label: str, rule: str) -> str:
    """Write a label into a rule at its left, or else at its right, where no bar is in its way.

    >>> labelled("╍╍╍╍╍█", " 5 ", "╍"), labelled("█╍╍╍╍╍", " 5 ", "╍"), labelled("█╍╍█", " 5 ", "╍")
    ('╍ 5 ╍█', '█╍ 5 ╍', '█╍╍█')
    """
    room = rule * (len(label) + 2)
    if row.startswith(room):
        return f"{rule}{label}{row[len(label) + 1 :]}"
    if row.endswith(room):
        return f"{row[: -len(label) - 1]}{label}{rule}"
    return row


def ground(marks: Marks, cells: int, glyphs: Glyphs) -> str:
    """The horizontal axis: broken where nothing is known, crossed where something is missing.

    >>> from bwgraph.screen.plot import BLOCK
    >>> marks = Marks({4: "12:00"}, (), range(2), (1, 6), (3,), 7, {}, {}, (0, 0))
    >>> ground(marks, 9, BLOCK)
    '╌ ─×┬─ ┴─'
    """
    row = [glyphs.ground] * cells
    for cell in marks.hearsay:
        row[cell] = glyphs.hearsay
    for cell in marks.unknown:
        row[cell] = " "
    for cell in marks.labels:
        row[cell] = glyphs.ground_tick
    for cell in marks.partial:
        row[cell] = glyphs.partial
    if marks.cursor is not None:
        row[marks.cursor] = glyphs.ground_cursor
    return "".join(row)


def label_row(labels: Mapping[int, str], row: str) -> str:
    """Write the labels into a row, each centred on its cell where it fits whole.

    >>> label_row({1: "14:00", 6: "14:05"}, " " * 9)
    '    14:05'
    """
    cells = list(row)
    for cell, label in labels.items():
        begin = cell - len(label) // 2
        if begin >= 0 and begin + len(label) <= len(cells):
            cells[begin : begin + len(label)] = label
    return "".join(cells)


def label_line(labels: Mapping[int, str], gutter: int, cells: int) -> Line:
    """The time labels below a graph."""
    return (Span(" " * gutter + label_row(labels, " " * cells), Style.DIM),)
