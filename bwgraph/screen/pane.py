"""One graph as styled lines: bars, and the marks that are written in between and below them.

Owns how a mark is written in. A bar is never written over, but for its last cell where a sum lacks
something and there is no axis to say so. Must not know where a mark belongs, nor where on the
screen the lines go.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from bwgraph.model.quota import Limit
from bwgraph.screen import plot
from bwgraph.screen.frame import Line, Span, Style
from bwgraph.screen.layout import Layout
from bwgraph.screen.marks import Marks, Notes
from bwgraph.screen.plot import Glyphs
from bwgraph.screen.scale import Scale
from bwgraph.screen.view import Arrangement, View


class Graph(NamedTuple):
    """One of the two graphs."""

    style: Style
    scale: Scale
    bars: Sequence[plot.Bar]
    notes: Notes
    height: int
    hanging: bool


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
    if not rules and not notes and not marks.restarts and marks.cursor is None:
        return bars
    ruled = [row.replace(" ", rules[y]) if y in rules else row for y, row in enumerate(bars)]
    if not notes and not marks.restarts and marks.cursor is None:
        return tuple(ruled)
    rows = [list(row) for row in ruled]
    empty = {" ", glyphs.gap, *rules.values()}
    upright = [(column, glyphs.restart) for column in marks.restarts]
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


def write_partial(
    bars: tuple[str, ...], marks: Marks, glyphs: Glyphs, *, hanging: bool = False
) -> tuple[str, ...]:
    """Cross a graph that has no axis where something is missing, farthest from the ground.

    >>> from bwgraph.screen.plot import BLOCK
    >>> marks = Marks({}, (), range(0), (), (1, 2), None, {}, {}, (0, 0))
    >>> write_partial(("▅  ", "███"), marks, BLOCK)
    ('▅××', '███')
    """
    end = list(bars[-1 if hanging else 0])
    for cell in marks.partial:
        end[cell] = glyphs.partial
    crossed = "".join(end)
    return (*bars[:-1], crossed) if hanging else (crossed, *bars[1:])


def write_label(row: str, label: str, rule: str) -> str:
    """Write a label into a rule at its left, or else at its right, where no bar is in its way.

    >>> [write_label(row, " 5 ", "╍") for row in ("╍╍╍╍╍█", "█╍╍╍╍╍", "█╍╍█")]
    ['╍ 5 ╍█', '█╍ 5 ╍', '█╍╍█']
    """
    room = rule * (len(label) + 2)
    if row.startswith(room):
        return f"{rule}{label}{row[len(label) + 1 :]}"
    if row.endswith(room):
        return f"{row[: -len(label) - 1]}{label}{rule}"
    return row


def axis_row(marks: Marks, cells: int, glyphs: Glyphs) -> str:
    """The horizontal axis: broken where nothing is known, crossed where something is missing.

    >>> from bwgraph.screen.plot import BLOCK
    >>> marks = Marks({4: "12:00"}, (), range(2), (1, 6), (3,), 7, {}, {}, (0, 0))
    >>> axis_row(marks, 9, BLOCK)
    '╌ ─×┬─ ┴─'
    """
    row = [glyphs.horizontal_axis] * cells
    for cell in marks.unverified:
        row[cell] = glyphs.unverified
    for cell in marks.unknown:
        row[cell] = " "
    for cell in marks.labels:
        row[cell] = glyphs.horizontal_tick
    for cell in marks.partial:
        row[cell] = glyphs.partial
    if marks.cursor is not None:
        row[marks.cursor] = glyphs.horizontal_cursor
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


def rows(
    plotted: Graph, plan: Layout, view: View, limit: Limit | None, marked: Marks
) -> Iterable[Line]:
    """One graph's drawn, with the axis at their left if there is room for it."""
    height, glyphs, hanging = plotted.height, view.glyphs, plotted.hanging
    if height == 0:
        return
    drawn = plot.draw_bars(plotted.bars, height, glyphs, hanging=hanging)
    ticks: dict[int, str] = {}
    rules: dict[int, str] = {}
    limited = None
    if plan.gutter:
        # From the top down, where the scale counts from the ground up.
        marks_up = plotted.scale.marks(height, view.units)
        ticks = {row - 1 if hanging else height - row: words for row, words in marks_up.items()}
        rules = dict.fromkeys(ticks, glyphs.grid)
        if limit is not None and limit.rate <= plotted.scale.ceiling:
            up = (plotted.scale.level(limit.rate, 8 * height) + 7) // 8
            limited = up - 1 if hanging else height - up
            rules[limited] = glyphs.limit
    crossed = bool(marked.partial) and not plan.gutter
    if crossed:
        drawn = write_partial(drawn, marked, glyphs, hanging=hanging)
    drawn = write_in(drawn, plotted.notes, marked, rules, glyphs, hanging=hanging)
    if limit is not None and limited is not None:
        label = f" limit {view.units.format_round(limit.rate)} "
        line = write_label(drawn[limited], label, glyphs.limit)
        drawn = (*drawn[:limited], line, *drawn[limited + 1 :])
    inverted = hanging and glyphs.inverted
    marked_up = crossed or bool(plotted.notes or marked.restarts) or marked.cursor is not None
    for y, row in enumerate(drawn):
        spans: Line
        if marked_up or inverted or y == limited:
            light = Style.LIMIT if y == limited else Style.DIM
            spans = _styled(row, plotted.style, light, glyphs, inverted=inverted)
        else:
            spans = (Span(row, plotted.style),)
        if plan.gutter:
            tick = ticks.get(y, "")
            side = glyphs.vertical_tick if tick else glyphs.vertical_axis
            spans = (Span(f"{tick:>{plan.gutter - 2}} {side}", Style.DIM), *spans)
        yield spans


def _styled(row: str, style: Style, light: Style, glyphs: Glyphs, *, inverted: bool) -> Line:
    """Tell a row's bars apart from what is written between them."""
    spans = []
    # What is between two bars is every other piece.
    for at, piece in enumerate(_between(glyphs).split(row)):
        if at % 2:
            spans.append(Span(piece, light))
        elif piece and inverted:
            # Whole blocks look alike either way; parts of one hang from above.
            parts = enumerate(_parts(glyphs).split(piece))
            spans += [Span(part, style, reverse=bool(odd % 2)) for odd, part in parts if part]
        elif piece:
            spans.append(Span(piece, style))
    return tuple(spans)


@lru_cache
def _between(glyphs: Glyphs) -> re.Pattern[str]:
    # The grid is in the bars' own style: a change of style within a row costs more than a bar.
    bars = f"{glyphs.levels[1:].strip()}{glyphs.whisker}{glyphs.clipped}{glyphs.gap}{glyphs.grid}"
    return re.compile(f"([^{re.escape(bars)}{'⠀-⣿' if glyphs.buckets_per_cell > 1 else ''}]+)")


@lru_cache
def _parts(glyphs: Glyphs) -> re.Pattern[str]:
    return re.compile(f"([{re.escape(glyphs.levels[1:-1].strip())}]+)")


def axis(plotted: Graph, plan: Layout, view: View, marked: Marks) -> list[Line]:
    """The horizontal axis of a graph, if there is room for it."""
    if not plan.gutter:
        return []
    zero = view.units.format_round(plotted.scale.floor) if plotted.scale.floor else "0"
    row = axis_row(marked, plan.width, view.glyphs)
    corner = view.glyphs.corner
    if plan.arrangement is Arrangement.MIRRORED:
        corner = view.glyphs.middle
        if "labels" in plan.parts:
            row = label_row(marked.labels, row)
            if marked.cursor is not None:
                at = marked.cursor
                row = f"{row[:at]}{view.glyphs.horizontal_cursor}{row[at + 1 :]}"
    return [(Span(f"{zero:>{plan.gutter - 2}} {corner}{row}", Style.DIM),)]
