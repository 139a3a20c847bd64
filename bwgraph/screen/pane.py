"""One graph as styled lines: its bars, and the marks between and below them.

Owns how a mark is drawn. A mark never overwrites a bar, with one exception: without an axis, a
partly covered bucket of a sum is marked in the row farthest from the bars' base. Must not know
where a mark belongs, nor where on the screen the lines go.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from bwgraph.model.quota import Limit
from bwgraph.screen import plot
from bwgraph.screen.frame import Line, Span, Style
from bwgraph.screen.layout import Layout, Part
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
    "Rows of the bars."
    hanging: bool
    "Whether the bars hang from the top."


class _Rules(NamedTuple):
    """The horizontal lines behind a graph's bars. A row is counted from the top."""

    glyphs: dict[int, str]
    "The glyph of each row that has a line."
    ticks: dict[int, str]
    "The values of the scale's rows."
    limit_row: int | None
    "The row of tor's limit; None if it is not on the scale."


_NO_RULES = _Rules({}, {}, None)


def write_in(
    bars: tuple[str, ...],
    notes: Notes,
    marks: Marks,
    rules: Mapping[int, str],
    glyphs: Glyphs,
    *,
    hanging: bool = False,
) -> tuple[str, ...]:
    """Return a graph's rows with lines, the cursor, restarts and notes in their empty cells.

    ``rules`` has the glyph of each row, counted from the top, that has a line across.
    """
    if rules:
        bars = tuple(
            row.replace(" ", rules[y]) if y in rules else row for y, row in enumerate(bars)
        )
    if not notes and not marks.restarts and marks.cursor is None:
        return bars
    rows = [list(row) for row in bars]
    empty = {" ", glyphs.gap, *rules.values()}
    _draw_verticals(rows, marks, glyphs, empty)
    for column, texts in notes.items():
        # The row with room that is farthest from the bars' base.
        _write_note(rows[::-1] if hanging else rows, column, texts, empty)
    return tuple(map("".join, rows))


def _draw_verticals(rows: list[list[str]], marks: Marks, glyphs: Glyphs, empty: set[str]) -> None:
    """Draw restarts and the cursor from top to bottom, through the empty cells."""
    verticals = [(column, glyphs.restart) for column in marks.restarts]
    if marks.cursor is not None:
        verticals.append((marks.cursor, glyphs.cursor))
    for column, glyph in verticals:
        for row in rows:
            if row[column] in empty:
                row[column] = glyph


def _write_note(
    rows: list[list[str]], column: int, texts: tuple[str, ...], empty: set[str]
) -> None:
    """Write the first text that fits, to the right of a column or else to its left."""
    places = (
        (row, at, text) for text in texts for at in (column + 1, column - len(text)) for row in rows
    )
    for row, at, text in places:
        cells = row[max(at, 0) : at + len(text)]
        if at >= 0 and len(cells) == len(text) and empty.issuperset(cells):
            row[at : at + len(text)] = text
            return


def write_partial(
    bars: tuple[str, ...], marks: Marks, glyphs: Glyphs, *, hanging: bool = False
) -> tuple[str, ...]:
    """Return the rows of a graph without an axis with its partly covered cells marked.

    The marks are in the row farthest from the bars' base.

    >>> from bwgraph.screen.plot import BLOCK
    >>> marks = Marks({}, (), range(0), (), (1, 2), None, {}, {}, (0, 0))
    >>> write_partial(("▅  ", "███"), marks, BLOCK)
    ('▅××', '███')
    """
    end = list(bars[-1 if hanging else 0])
    for cell in marks.partial:
        end[cell] = glyphs.partial
    row = "".join(end)
    return (*bars[:-1], row) if hanging else (row, *bars[1:])


def write_label(row: str, label: str, rule: str) -> str:
    """Return a line with a label at its left or else at its right, unless bars are in the way.

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
    """Return the horizontal axis: blank below unknown cells, crossed below partly covered ones.

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
    """Return a row with each label centred on its cell. Labels that do not fit are left out.

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
    """Return the line of time labels below a graph."""
    return (Span(" " * gutter + label_row(labels, " " * cells), Style.DIM),)


def rows(
    graph: Graph, layout: Layout, view: View, limit: Limit | None, marks: Marks
) -> Iterable[Line]:
    """Yield the lines of a graph, with the vertical axis at their left if there is room for it."""
    if graph.height == 0:
        return
    glyphs, hanging = view.glyphs, graph.hanging
    rules = _NO_RULES
    vertical_axis: list[Span] = []
    if layout.gutter:
        rules = _rules(graph, view, limit)
        vertical_axis = _vertical_axis(rules.ticks, graph.height, layout.gutter, glyphs)
    drawn = plot.draw_bars(graph.bars, graph.height, glyphs, hanging=hanging)
    has_partial_marks = bool(marks.partial) and not layout.gutter
    if has_partial_marks:
        drawn = write_partial(drawn, marks, glyphs, hanging=hanging)
    drawn = write_in(drawn, graph.notes, marks, rules.glyphs, glyphs, hanging=hanging)
    inverted = hanging and glyphs.inverted
    has_marks = (
        has_partial_marks
        or bool(graph.notes or marks.restarts)
        or marks.cursor is not None
        or inverted
    )
    for y, row in enumerate(drawn):
        spans: Line
        if limit is not None and y == rules.limit_row:
            label = f" limit {view.units.format_round(limit.rate)} "
            named = write_label(row, label, glyphs.limit)
            spans = _styled(named, graph.style, Style.LIMIT, glyphs, inverted=inverted)
        elif has_marks:
            spans = _styled(row, graph.style, Style.DIM, glyphs, inverted=inverted)
        else:
            spans = (Span(row, graph.style),)
        yield (vertical_axis[y], *spans) if layout.gutter else spans


def _rules(graph: Graph, view: View, limit: Limit | None) -> _Rules:
    """Return the lines of a graph: one for each round value of its scale, and one for the limit."""
    height, glyphs = graph.height, view.glyphs

    def from_top(row: int) -> int:
        """Return a row counted from the top, given one counted from 1 at the bars' base."""
        return row - 1 if graph.hanging else height - row

    values = graph.scale.labels(height, view.units)
    ticks = {from_top(row): text for row, text in values.items()}
    lines = dict.fromkeys(ticks, glyphs.grid)
    if limit is None or limit.rate > graph.scale.ceiling:
        return _Rules(lines, ticks, None)
    limit_row = from_top(graph.scale.row(limit.rate, height))
    lines[limit_row] = glyphs.limit
    return _Rules(lines, ticks, limit_row)


def _vertical_axis(
    ticks: Mapping[int, str], height: int, gutter: int, glyphs: Glyphs
) -> list[Span]:
    """Return the vertical axis from the top row down."""
    spans = [Span(f"{' ' * (gutter - 1)}{glyphs.vertical_axis}", Style.DIM)] * height
    for row, value in ticks.items():
        spans[row] = Span(f"{value:>{gutter - 2}} {glyphs.vertical_tick}", Style.DIM)
    return spans


def _styled(row: str, style: Style, mark_style: Style, glyphs: Glyphs, *, inverted: bool) -> Line:
    """Return a row as spans: bars in one style, the marks between them in another."""
    spans = []
    # re.split returns the captured marks at odd indexes.
    for at, piece in enumerate(_between(glyphs).split(row)):
        if at % 2:
            spans.append(Span(piece, mark_style))
        elif piece and inverted:
            # A whole block looks the same from above. A part of a block is drawn in reverse.
            parts = enumerate(_parts(glyphs).split(piece))
            spans += [Span(part, style, reverse=bool(odd % 2)) for odd, part in parts if part]
        elif piece:
            spans.append(Span(piece, style))
    return tuple(spans)


@lru_cache
def _between(glyphs: Glyphs) -> re.Pattern[str]:
    """Return a pattern of what is between two bars."""
    # The grid shares the bars' style, because each change of style costs CPU time.
    bars = f"{glyphs.levels[1:].strip()}{glyphs.whisker}{glyphs.clipped}{glyphs.gap}{glyphs.grid}"
    return re.compile(f"([^{re.escape(bars)}{'⠀-⣿' if glyphs.buckets_per_cell > 1 else ''}]+)")


@lru_cache
def _parts(glyphs: Glyphs) -> re.Pattern[str]:
    """Return a pattern of partly filled cells."""
    return re.compile(f"([{re.escape(glyphs.levels[1:-1].strip())}]+)")


def axis(graph: Graph, layout: Layout, view: View, marks: Marks) -> list[Line]:
    """Return the horizontal axis of a graph: one line, or none if there is no room for it."""
    if not layout.gutter:
        return []
    zero = view.units.format_round(graph.scale.floor) if graph.scale.floor else "0"
    row = axis_row(marks, layout.width, view.glyphs)
    corner = view.glyphs.corner
    if layout.arrangement is Arrangement.MIRRORED:
        corner = view.glyphs.junction
        if Part.LABELS in layout.parts:
            row = label_row(marks.labels, row)
            if marks.cursor is not None:
                at = marks.cursor
                row = f"{row[:at]}{view.glyphs.horizontal_cursor}{row[at + 1 :]}"
    return [(Span(f"{zero:>{layout.gutter - 2}} {corner}{row}", Style.DIM),)]
