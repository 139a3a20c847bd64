"""Which of the tors is on the screen, and as what.

Owns the way from a view's subject to what is drawn: one tor, the sum, or the table of all. Must not
know how any of them is drawn.
"""

from collections.abc import Sequence
from copy import copy

from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import captions, graph_screen, table_screen
from bwgraph.screen import help as help_module
from bwgraph.screen.frame import Frame, Line, Size, Span, Style
from bwgraph.screen.layout import Layout
from bwgraph.screen.view import ALL_TORS, SUM, Arrangement, Shown, View


def compose(fleet: Fleet, view: View, size: Size, moment: Moment, notice: str = "") -> Frame:
    """Draw what the view is of, with a notice if there is something to be told."""
    fleet = copy(fleet)  # one may leave while it is drawn
    notice = notice or fleet.notice
    subject = _subject(fleet, view)
    if subject is not None or view.help:
        return graph_screen.compose(subject or fleet.instances[0], view, size, moment, notice)
    return Frame.fit(_table(fleet, view, size, moment, notice), size)


def survey(fleet: Fleet, view: View, size: Size, moment: Moment) -> tuple[Shown, Layout | None]:
    """What is drawn: where a key moves the view from, and, of a graph, what a click hits."""
    fleet = copy(fleet)
    order = table_screen.sorted_tors(fleet, view, moment.now)
    subject = _subject(fleet, view)
    if subject is not None:
        shown, layout = graph_screen.survey(subject, view, size, moment)
        return shown._replace(tor_order=order), layout
    history = (fleet.sum or fleet.instances[0]).history
    first, newest = history.extent(moment.now, view.resolution)
    _, second = history.extent(moment.now)
    end = newest if view.end is None else min(view.end, newest)
    cells = table_screen.SPARKLINE_CELLS[1] * view.glyphs.buckets_per_cell
    ceiling = view.units.steps[0]
    return Shown(cells, first, newest, second, end, Arrangement.STACKED, ceiling, order), None


def follow_subject(view: View, before: Sequence[Instance], after: Sequence[Instance]) -> View:
    """Look at the same tors when one has left, and with it its place among them.

    Where it was the one that was looked at, that is all of them.
    """

    def place(old: int) -> int | None:
        found = before[old] if 0 <= old < len(before) else None
        return after.index(found) if found in after else None

    subject, chosen = view.subject, view.selected
    if subject >= 0:
        at = place(subject)
        subject = ALL_TORS if at is None else at
    if chosen is not None and chosen != SUM:
        chosen = place(chosen)
    return view._replace(subject=subject, selected=chosen)


def _subject(fleet: Fleet, view: View) -> Instance | None:
    """The instance that is looked at; None for the table of all."""
    if fleet.sum is None:
        return fleet.instances[0]
    if view.subject == ALL_TORS:
        return None
    if view.subject == SUM or view.subject >= len(fleet.instances):
        return fleet.sum
    return fleet.instances[view.subject]


def _table(fleet: Fleet, view: View, size: Size, moment: Moment, notice: str) -> list[Line]:
    listed = table_screen.sorted_tors(fleet, view, moment.now)
    above: list[Line] = []
    below: list[Line] = []
    if size.rows >= 4:
        above.append(captions.table_header(len(listed), view, size.columns, moment))
    alert = captions.fleet_alert(fleet.instances, moment)
    if notice:
        below.append((Span(notice, Style.BOLD),))
    if alert:
        below.append((Span(alert, Style.ALERT),))
    if not below and view.key_line and size.rows >= 6:
        below.append(help_module.key_line(size.columns))
    below = below[max(0, len(below) - max(size.rows - 2, 0)) :]
    height = size.rows - len(above) - len(below)
    lines = table_screen.table_lines(fleet, view, listed, Size(size.columns, height), moment)
    blank: list[Line] = [()] * (height - len(lines))
    return [*above, *lines, *blank, *below]
