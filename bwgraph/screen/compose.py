"""The whole screen: one tor, the sum of all, or the table of all.

Owns which screen a view's subject selects. ``survey`` works out what is on the screen, as keys and
clicks need it; ``draw_scene`` makes a frame of it. Must not know how a graph or a table is drawn.
"""

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen import captions, table_screen
from bwgraph.screen import help as help_module
from bwgraph.screen.frame import Frame, Line, Size
from bwgraph.screen.graph_screen import GraphScene, draw_graphs, survey_graphs
from bwgraph.screen.view import ALL_TORS, SUM, Arrangement, Shown, View


class TableScene(NamedTuple):
    """The screen of all tors before it is drawn: what it is drawn from, and what it shows."""

    fleet: Fleet
    view: View
    size: Size
    moment: Moment
    notice: str
    shown: Shown

    @property
    def layout(self) -> None:
        """None: a table has no graphs that can be clicked on."""


Scene = GraphScene | TableScene
"A screen before it is drawn."


def compose(fleet: Fleet, view: View, size: Size, moment: Moment, notice: str = "") -> Frame:
    """Return the screen of a view as a frame."""
    return draw_scene(survey(fleet, view, size, moment, notice))


def survey(fleet: Fleet, view: View, size: Size, moment: Moment, notice: str = "") -> Scene:
    """Return what the screen of a view shows."""
    fleet = copy(fleet)  # another thread may remove a tor meanwhile
    notice = notice or fleet.notice
    subject = _subject(fleet, view)
    if subject is not None:
        tors = len(fleet.instances)
        return survey_graphs(subject, view, size, moment, notice, tor_count=tors)
    return TableScene(fleet, view, size, moment, notice, _shown_in_table(fleet, view, moment))


def draw_scene(scene: Scene) -> Frame:
    """Return a scene as a frame."""
    if isinstance(scene, GraphScene):
        return draw_graphs(scene)
    if scene.view.help:
        return Frame.fit(help_module.help_page(scene.size), scene.size)
    return Frame.fit(_table(scene), scene.size)


def follow_subject(view: View, before: Sequence[Instance], after: Sequence[Instance]) -> View:
    """Return the view with the same tors shown and selected after one has left the fleet.

    If the tor that was shown has left, the table of all tors is shown.
    """

    def index_after(index: int) -> int | None:
        instance = before[index] if 0 <= index < len(before) else None
        return after.index(instance) if instance in after else None

    subject, selected = view.subject, view.selected
    if subject >= 0:
        index = index_after(subject)
        subject = ALL_TORS if index is None else index
    if selected is not None and selected != SUM:
        selected = index_after(selected)
    return view._replace(subject=subject, selected=selected)


def _subject(fleet: Fleet, view: View) -> Instance | None:
    """Return the instance that is shown; None for the table of all tors."""
    if fleet.sum is None:
        return fleet.instances[0]
    if view.subject == ALL_TORS:
        return None
    if view.subject == SUM or view.subject >= len(fleet.instances):
        return fleet.sum
    return fleet.instances[view.subject]


def _shown_in_table(fleet: Fleet, view: View, moment: Moment) -> Shown:
    """Return what the table of all tors shows."""
    history = (fleet.sum or fleet.instances[0]).history
    oldest, newest = history.extent(moment.now, view.resolution)
    _, newest_second = history.extent(moment.now)
    order = table_screen.sorted_tors(fleet, view, moment.now)
    return Shown(
        buckets=table_screen.SPARKLINE_CELLS[1] * view.glyphs.buckets_per_cell,
        oldest=oldest,
        newest=newest,
        newest_second=newest_second,
        end=newest if view.end is None else min(view.end, newest),
        arrangement=Arrangement.STACKED,
        ceiling=view.units.steps[0],
        tor_count=len(order),
        tor_order=order,
    )


def _table(scene: TableScene) -> list[Line]:
    """Return the table with its header above it, and notices, alerts or keys below it."""
    view, size, moment, order = scene.view, scene.size, scene.moment, scene.shown.tor_order
    above: list[Line] = []
    if size.rows >= 4:
        above.append(captions.table_header(len(order), view, size.columns, moment))
    alert = captions.fleet_alert(scene.fleet.instances, moment)
    below = captions.message_lines(scene.notice, alert)
    if not below and view.key_line and size.rows >= 6:
        below.append(help_module.key_line(size.columns))
    # If there is no room for all, keep the last ones: the alert is last.
    below = below[max(0, len(below) - max(size.rows - 2, 0)) :]
    height = size.rows - len(above) - len(below)
    lines = table_screen.table_lines(scene.fleet, view, order, Size(size.columns, height), moment)
    blank: list[Line] = [()] * (height - len(lines))
    return [*above, *lines, *blank, *below]
