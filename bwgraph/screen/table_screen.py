"""The table of all tors: a line for each, and one for their sum.

Owns the table's columns and the order in which a narrow table loses them: totals, averages,
sparklines, states. Names and current rates always stay. Must not know where on the screen the
table goes.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from bwgraph.model.events import Connected, Ended, Lost
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.statistics import current_rates, rates
from bwgraph.screen import plot, units
from bwgraph.screen.frame import Line, Size, Span, Style
from bwgraph.screen.scale import Scale
from bwgraph.screen.units import UNKNOWN_TEXT
from bwgraph.screen.view import SUM, View

AVERAGED_BUCKETS = 60
"Buckets that an average covers."

NAME_CELLS = (8, 24)
"The least and the most cells of a name."

STATE_CELLS, RATE_CELLS, AVERAGE_CELLS, AMOUNT_CELLS = 11, 6, 12, 6
"Cells of a state, a rate, an average rate and a total."

SPARKLINE_CELLS = (6, 40)
"The least and the most cells of a sparkline."


class _Columns(NamedTuple):
    """The width of each kind of column in cells; 0 if there is no room for it."""

    name: int
    state: int
    spark: int
    average: int
    total: int


class _Direction(NamedTuple):
    """The values of download or upload in one line; None where unknown."""

    current: float | None
    average: float | None
    means: list[float | None]
    total: int | None


def sorted_tors(fleet: Fleet, view: View, now: float) -> tuple[int, ...]:
    """Return the tors' indices in the fleet, in the order of the table's lines."""
    indices = range(len(fleet.instances))
    if not view.by_traffic:
        return tuple(sorted(indices, key=lambda index: fleet.instances[index].title.casefold()))

    def traffic(index: int) -> int:
        # Over many buckets: sorted by the newest one alone, the lines would move all the time.
        window = fleet.instances[index].history.window(now, AVERAGED_BUCKETS, view.resolution)
        return sum(window.buckets.read) + sum(window.buckets.written)

    return tuple(sorted(indices, key=traffic, reverse=True))


def table_lines(
    fleet: Fleet, view: View, order: Sequence[int], size: Size, moment: Moment
) -> list[Line]:
    """Return the table that fits a space: its heading, the tors in their order, and their sum.

    If there are more tors than lines, those around the selected one are shown.
    """
    name_cells = max((len(each.title) for each in fleet.instances), default=0)
    columns = _columns(size.columns, max(name_cells, len("sum of 99 tors")))
    lines = [_heading(view, columns)] if size.rows > 4 else []
    room = max(size.rows - len(lines) - 1, 0)
    selected = order[0] if view.selected is None else view.selected
    at = order.index(selected) if selected in order else len(order) - 1
    first = min(max(at - room // 2, 0), max(len(order) - room, 0))
    lines += [
        _line(fleet.instances[index], index == selected, view, columns, moment)
        for index in order[first : first + room]
    ]
    if fleet.sum is not None:
        lines.append(_line(fleet.sum, selected == SUM, view, columns, moment))
    return lines[: size.rows]


def _columns(width: int, name: int) -> _Columns:
    """Return the widths of the columns that fit: first names and rates, then the others in turn."""
    name = min(max(name, NAME_CELLS[0]), NAME_CELLS[1])
    left = width - 2 - name - 2 * (2 + RATE_CELLS)
    if left < 0:
        return _Columns(max(width - 2 - 2 * (2 + RATE_CELLS), 1), 0, 0, 0, 0)
    state = STATE_CELLS + 1 if left >= STATE_CELLS + 1 else 0
    left -= state
    spark = min(left // 2 - 1, SPARKLINE_CELLS[1])
    average = total = 0
    if spark >= SPARKLINE_CELLS[0] + AVERAGE_CELLS:
        average = AVERAGE_CELLS
        spark = min((left - 2 * average) // 2 - 1, SPARKLINE_CELLS[1])
    if spark >= SPARKLINE_CELLS[0] + AMOUNT_CELLS + 1:
        total = AMOUNT_CELLS + 1
        spark = min((left - 2 * average - 2 * total) // 2 - 1, SPARKLINE_CELLS[1])
    return _Columns(name, state, spark if spark >= SPARKLINE_CELLS[0] else 0, average, total)


def _heading(view: View, columns: _Columns) -> Line:
    """Return the line that names the columns."""
    average = f"avg {units.format_span(AVERAGED_BUCKETS * view.resolution)}"
    text = f"  {'tor'[: columns.name]:<{columns.name}}"
    if columns.state:
        text += f" {'state':<{STATE_CELLS}}"
    before = columns.spark + 1 + RATE_CELLS - len("now")
    names = ("download", "upload") if before > len("  download") else ("down", "up")
    for arrow, name in zip((view.glyphs.download, view.glyphs.upload), names, strict=True):
        if columns.spark:
            text += f"  {f'{arrow} {name}':<{before}}now"
        else:
            text += f" {arrow}{'now':>{RATE_CELLS}}"
        if columns.average:
            text += f"{average[: columns.average - 1]:>{columns.average}}"
        if columns.total:
            text += f"{'total':>{columns.total}}"
    return (Span(text, Style.DIM),)


def _line(
    instance: Instance, selected: bool, view: View, columns: _Columns, moment: Moment
) -> Line:
    """Return the line of one tor, or of the sum."""
    name = instance.title[: columns.name]
    spans = [
        Span(">" if selected else " ", Style.BOLD),
        Span(f" {name:<{columns.name}}", Style.BOLD if selected else Style.PLAIN),
    ]
    if columns.state:
        state, style = _state(instance, moment)
        spans.append(Span(f" {state:<{STATE_CELLS}}", style))
    directions = _directions(instance, view, columns.spark, moment)
    for style, each in zip((Style.DOWNLOAD, Style.UPLOAD), directions, strict=True):
        spans.append(Span("  "))
        if columns.spark:
            spans += [Span(_spark(each.means, view), style), Span(" ")]
        terse = view.units.format_short_rate
        spans.append(Span(f"{terse(each.current):>{RATE_CELLS}}", Style.BOLD))
        if columns.average:
            spans.append(Span(f"{terse(each.average):>{columns.average}}"))
        if columns.total:
            total = UNKNOWN_TEXT if each.total is None else units.format_bytes(each.total).short
            spans.append(Span(f"{total:>{columns.total}}"))
    return tuple(spans)


def _directions(
    instance: Instance, view: View, cells: int, moment: Moment
) -> tuple[_Direction, _Direction]:
    """Return the values of download and upload, with means for a sparkline of this many cells."""
    drawn = cells * view.glyphs.buckets_per_cell
    window = instance.history.window(
        moment.now, max(drawn, AVERAGED_BUCKETS), view.resolution, view.end
    )
    is_live = view.end is None and view.resolution == 1
    current = current_rates(window if is_live else instance.history.window(moment.now, 1))
    means = rates(window)
    buckets = window.buckets
    covered = sum(buckets.seconds[-AVERAGED_BUCKETS:])
    amounts = sum(buckets.read[-AVERAGED_BUCKETS:]), sum(buckets.written[-AVERAGED_BUCKETS:])
    total = instance.totals.total()
    totals = (None, None) if total is None else (total.read, total.written)
    read, written = (
        _Direction(
            current[i], amounts[i] / covered if covered else None, means[i][-drawn:], totals[i]
        )
        for i in (0, 1)
    )
    return read, written


def _spark(means: list[float | None], view: View) -> str:
    """Return a graph of one row, scaled to its highest value."""
    highest = max((mean for mean in means if mean is not None), default=0.0)
    heights = Scale(max(1, math.ceil(highest))).heights(means, view.glyphs.steps)
    return plot.draw_sparkline(heights, view.glyphs)


def _state(instance: Instance, moment: Moment) -> tuple[str, Style]:
    """Return a tor's state in a word or two, and the style for it."""
    newest = instance.history.newest_at
    if instance.missing_members and isinstance(instance.state, Connected):
        return f"{len(instance.missing_members)} down", Style.ALERT
    match instance.state:
        case None:
            return "stored" if instance.stored_in else "connecting", Style.DIM
        case Lost(last_heard=since):
            return f"down {_short(moment.now - since)}", Style.ALERT
        case Ended():
            return "ended", Style.DIM
    if newest is not None and moment.now - newest >= LATE_AFTER_S:
        return "late", Style.ALERT
    total = instance.totals.total()
    text = "up"
    if total is not None and total.since is not None and total.since_tor_started:
        text += f" {_short(moment.now - total.since)}"
    return text, Style.DIM


def _short(seconds: float) -> str:
    """Return a span of time in its largest unit."""
    return " ".join(units.format_span(max(seconds, 0.0)).split()[:2])
