"""All the tors at once: a line for each, and one for their sum.

Owns the table's columns, and what goes first as it gets narrower: totals, averages, sparklines,
states; names and the current rates are the last. Must not know where on the screen it goes.
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
"Columns that an average is of."

NAME, STATE, RATE, AVERAGE, AMOUNT = (8, 24), 11, 6, 12, 6
"Cells of a name at the least and at the most, of a state, and of numbers."

SPARKLINE_CELLS = (6, 40)
"Cells of a sparkline at the least and at the most."


class _Columns(NamedTuple):
    """Cells that each kind of column takes; 0 where there is no room for it."""

    name: int
    state: int
    spark: int
    average: int
    total: int


class _Direction(NamedTuple):
    """What one line has to say of download, or of upload."""

    current: float | None
    average: float | None
    means: list[float | None]
    total: int | None


def sorted_tors(fleet: Fleet, view: View, now: float) -> tuple[int, ...]:
    """The tors by their places in the fleet, in the order of the table's lines."""
    places = range(len(fleet.instances))
    if not view.by_traffic:
        return tuple(sorted(places, key=lambda place: fleet.instances[place].title.casefold()))

    def moved(place: int) -> float:
        window = fleet.instances[place].history.window(now, AVERAGED_BUCKETS, view.resolution)
        # By what went on for a while: by the last second alone the lines would never rest.
        return sum(window.buckets.read) + sum(window.buckets.written)

    return tuple(sorted(places, key=moved, reverse=True))


def table_lines(
    fleet: Fleet, view: View, listed: Sequence[int], size: Size, moment: Moment
) -> list[Line]:
    """The table in a space of that size: its heading, tors as ``listed``, and their sum.

    Where there are more tors than lines, those around the chosen one are shown.
    """
    names = max((len(each.title) for each in fleet.instances), default=0)
    columns = _columns(size.columns, max(names, len("sum of 99 tors")))
    heading = [_heading(view, columns)] if size.rows > 4 else []
    room = max(size.rows - len(heading) - 1, 0)
    chosen = listed[0] if view.selected is None else view.selected
    at = listed.index(chosen) if chosen in listed else len(listed) - 1
    first = min(max(at - room // 2, 0), max(len(listed) - room, 0))
    found = heading + [
        _line(fleet.instances[place], place == chosen, view, columns, moment)
        for place in listed[first : first + room]
    ]
    if fleet.sum is not None:
        found.append(_line(fleet.sum, chosen == SUM, view, columns, moment))
    return found[: size.rows]


def _columns(width: int, name: int) -> _Columns:
    """What fits: a mark and a name, then two by two a sparkline and rates, then totals."""
    name = min(max(name, NAME[0]), NAME[1])
    left = width - 2 - name - 2 * (2 + RATE)
    if left < 0:
        return _Columns(max(width - 2 - 2 * (2 + RATE), 1), 0, 0, 0, 0)
    state = STATE + 1 if left >= STATE + 1 else 0
    left -= state
    spark = min(left // 2 - 1, SPARKLINE_CELLS[1])
    average = total = 0
    if spark >= SPARKLINE_CELLS[0] + AVERAGE:
        average = AVERAGE
        spark = min((left - 2 * average) // 2 - 1, SPARKLINE_CELLS[1])
    if spark >= SPARKLINE_CELLS[0] + AMOUNT + 1:
        total = AMOUNT + 1
        spark = min((left - 2 * average - 2 * total) // 2 - 1, SPARKLINE_CELLS[1])
    return _Columns(name, state, spark if spark >= SPARKLINE_CELLS[0] else 0, average, total)


def _heading(view: View, columns: _Columns) -> Line:
    """What the columns are."""
    average = f"avg {units.format_span(AVERAGED_BUCKETS * view.resolution)}"
    text = f"  {'tor'[: columns.name]:<{columns.name}}"
    if columns.state:
        text += f" {'state':<{STATE}}"
    before = columns.spark + 1 + RATE - len("now")
    names = ("download", "upload") if before > len("  download") else ("down", "up")
    for arrow, name in zip((view.glyphs.download, view.glyphs.upload), names, strict=True):
        if columns.spark:
            text += f"  {f'{arrow} {name}':<{before}}now"
        else:
            text += f" {arrow}{'now':>{RATE}}"
        if columns.average:
            text += f"{average[: columns.average - 1]:>{columns.average}}"
        if columns.total:
            text += f"{'total':>{columns.total}}"
    return (Span(text, Style.DIM),)


def _line(instance: Instance, chosen: bool, view: View, columns: _Columns, moment: Moment) -> Line:
    """One tor, or the sum."""
    name = instance.title[: columns.name]
    spans = [
        Span(">" if chosen else " ", Style.BOLD),
        Span(f" {name:<{columns.name}}", Style.BOLD if chosen else Style.PLAIN),
    ]
    if columns.state:
        words, style = _state(instance, moment)
        spans.append(Span(f" {words:<{STATE}}", style))
    directions = _directions(instance, view, columns.spark, moment)
    for style, each in zip((Style.DOWNLOAD, Style.UPLOAD), directions, strict=True):
        spans.append(Span("  "))
        if columns.spark:
            spans += [Span(_spark(each.means, view), style), Span(" ")]
        terse = view.units.format_terse
        spans.append(Span(f"{terse(each.current):>{RATE}}", Style.BOLD))
        if columns.average:
            spans.append(Span(f"{terse(each.average):>{columns.average}}"))
        if columns.total:
            total = UNKNOWN_TEXT if each.total is None else units.format_bytes(each.total).terse
            spans.append(Span(f"{total:>{columns.total}}"))
    return tuple(spans)


def _directions(
    instance: Instance, view: View, cells: int, moment: Moment
) -> tuple[_Direction, _Direction]:
    drawn = cells * view.glyphs.buckets_per_cell
    window = instance.history.window(
        moment.now, max(drawn, AVERAGED_BUCKETS), view.resolution, view.end
    )
    live = view.end is None and view.resolution == 1
    now = current_rates(window if live else instance.history.window(moment.now, 1))
    means = rates(window)
    columns = window.buckets
    covered = sum(columns.seconds[-AVERAGED_BUCKETS:])
    moved = sum(columns.read[-AVERAGED_BUCKETS:]), sum(columns.written[-AVERAGED_BUCKETS:])
    total = instance.totals.total()
    totals = (None, None) if total is None else (total.read, total.written)
    down, up = (
        _Direction(now[i], moved[i] / covered if covered else None, means[i][-drawn:], totals[i])
        for i in (0, 1)
    )
    return down, up


def _spark(means: list[float | None], view: View) -> str:
    """A graph of one row, as high as its highest."""
    highest = max((mean for mean in means if mean is not None), default=0.0)
    heights = Scale(max(1, math.ceil(highest))).heights(means, view.glyphs.steps)
    return plot.draw_sparkline(heights, view.glyphs)


def _state(instance: Instance, moment: Moment) -> tuple[str, Style]:
    """How it is, in a word or two."""
    newest = instance.history.newest_at
    if instance.missing_members and isinstance(instance.state, Connected):
        return f"{len(instance.missing_members)} down", Style.ALERT
    match instance.state:
        case None:
            return "the past" if instance.archive_file else "connecting", Style.DIM
        case Lost(last_heard=since):
            return f"down {_short(moment.now - since)}", Style.ALERT
        case Ended():
            return "ended", Style.DIM
    if newest is not None and moment.now - newest >= LATE_AFTER_S:
        return "late", Style.ALERT
    total = instance.totals.total()
    words = "up"
    if total is not None and total.since is not None and total.since_tor_started:
        words += f" {_short(moment.now - total.since)}"
    return words, Style.DIM


def _short(seconds: float) -> str:
    """A span of time in its largest unit."""
    return " ".join(units.format_span(max(seconds, 0.0)).split()[:2])
