"""The picture: a tor's history and state, composed into a frame of a given size.

Owns which lines there are and what each is made of; where they go is the layout's to say, and what
they say is the captions'. Pure: must not know a terminal, nor the time except as it is told.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bwgraph.model.history import Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.statistics import rates, summarize
from bwgraph.screen import captions, layout, marks, pane, scale, units
from bwgraph.screen import help as help_module
from bwgraph.screen.captions import Heading
from bwgraph.screen.frame import Frame, Line, Size, Span, Style
from bwgraph.screen.layout import BETWEEN_CELLS, GUTTER_CELLS, Layout
from bwgraph.screen.pane import Graph
from bwgraph.screen.scale import Scale
from bwgraph.screen.view import Arrangement, Shown, View, visible_cursor


class _Scene(NamedTuple):
    """What is on the screen before anything of it is drawn."""

    layout: Layout
    shown: Shown
    window: Window
    "The visible columns, preceded by those that the scale still remembers."
    scales: tuple[Scale, Scale]
    "Of read and of written."
    told: int
    "How many of the visible columns are hearsay."
    cursor: int | None
    alert: str


class _Pane(NamedTuple):
    """One graph as lines."""

    title: Line
    rows: list[Line]
    ground: list[Line]
    "The horizontal axis; empty where there is no room for it."


def survey(instance: Instance, view: View, size: Size, moment: Moment) -> tuple[Shown, Layout]:
    """What ``compose`` shows: where a key moves the view from, and what a click hits."""
    scene = _survey(instance, view, size, moment, notice="")
    return scene.shown, scene.layout


def compose(instance: Instance, view: View, size: Size, moment: Moment, notice: str = "") -> Frame:
    """Draw one tor's screen, with a notice if there is something to be told.

    The rightmost column is the newest of which something is known; time that has passed since
    without a word from tor is empty columns.
    """
    if view.help:
        return Frame.fit(help_module.help_page(size), size)
    scene = _survey(instance, view, size, moment, notice)
    plan, window, shown = scene.layout, scene.window, scene.shown
    visible = window.last(shown.buckets)
    marked = marks.find_marks(instance, visible, scene.cursor, moment, view.glyphs.buckets_per_cell)
    means = rates(visible)
    traffic = summarize(visible, means, scene.told)
    now = marks.verified_rates(
        instance,
        window if view.resolution == 1 and view.end is None else _newest(instance, moment),
    )
    period = captions.period(traffic.covered, visible.end, view, moment)
    sample = "" if view.resolution == 1 else f"{units.format_exact_span(view.resolution)} columns"
    limit = instance.context.limit
    headings = [
        Heading(name, arrow, rate, summary, period, sample, unseen, limit, view.units)
        for name, arrow, rate, summary, unseen in (
            ("download", view.glyphs.download, now[0], traffic.read, marked.unseen_bytes[0]),
            ("upload", view.glyphs.upload, now[1], traffic.written, marked.unseen_bytes[1]),
        )
    ]
    if size.rows == 1:
        return Frame.fit([captions.both_rates(headings[0], headings[1], size.columns)], size)
    peaks = visible.buckets.read_peak, visible.buckets.written_peak
    graphs = [
        Graph(
            style=style,
            scale=scene.scales[which],
            bars=scene.scales[which].bars(
                means[which],
                means[which] if view.resolution == 1 else peaks[which],
                view.glyphs.steps * plan.heights[which],
            ),
            notes=(marked.read, marked.written)[which],
            height=plan.heights[which],
            hanging=bool(which) and plan.arrangement is Arrangement.MIRRORED,
        )
        for which, style in enumerate((Style.DOWNLOAD, Style.UPLOAD))
    ]
    lines: list[Line] = []
    if "header" in plan.parts:
        lines.append(captions.header(instance, view, shown, size.columns, moment))
        asides = captions.scale_note(view), ""
    else:
        # Where there is no header: what is unusual about the time, as about the scale.
        coarse = captions.resolution_note(view) if view.resolution > 1 else ""
        place = captions.scroll_note(view, shown)
        when = "  ".join(words for words in (place, coarse) if words)
        asides = when or instance.name, captions.scale_note(view)
    panes = [
        _Pane(
            title=captions.title(heading, plan.graph_cells, moment, aside),
            rows=list(pane.rows(plotted, plan, view, limit, marked)),
            ground=pane.axis(plotted, plan, view, marked),
        )
        for heading, aside, plotted in zip(headings, asides, graphs, strict=True)
    ]
    labels = []
    if "labels" in plan.parts:
        labels = [pane.label_line(marked.labels, plan.gutter, plan.width)]
    lines += _ARRANGED[plan.arrangement](plan, panes, labels)
    if "totals" in plan.parts:
        lines.append(captions.totals(instance, view, size.columns, moment))
    if "quota" in plan.parts:
        lines.append(captions.quota(instance.context, traffic, size.columns, moment))
    lines += _last_lines(scene, view, size, moment, notice)
    return Frame.fit(lines, size)


def _survey(instance: Instance, view: View, size: Size, moment: Moment, notice: str) -> _Scene:
    resolution = view.resolution
    first, newest = instance.history.extent(moment.now, resolution)
    second = newest if resolution == 1 else instance.history.extent(moment.now)[1]
    alert = captions.alert(instance, moment)
    # Bits have longer names, and where the user has pinned the scale it has a decimal more.
    gutter = GUTTER_CELLS + (view.units.per_byte > 1) + (view.ceiling is not None)
    for read in (view.cursor is not None, False):
        plan = layout.arrange(
            size,
            view.arrangement,
            gutter,
            urgent=bool(alert) + bool(notice) + read,
            quota=instance.context.quota is not None,
        )
        columns = plan.width * view.glyphs.buckets_per_cell
        end = newest
        if view.end is not None:
            end = min(-(-view.end // resolution) * resolution, newest)
        if (
            end < first < newest
        ):  # it was kept at a coarser resolution, or once, and is not any more
            end = min(first + (columns - 1) * resolution, newest)
        shown = Shown(columns, first, newest, second, end, plan.arrangement, 0)
        at = visible_cursor(view, shown)
        if at is not None or not read:
            break
    window = instance.history.window(
        moment.now,
        columns + scale.memory_buckets(resolution),
        resolution,
        None if view.end is None else end,
    )
    told = marks.unverified_buckets(instance, window)
    if told and "axes" not in plan.parts:
        # Nothing would tell hearsay apart from what was seen.
        window.buckets.clear(0, told)
    scales = _scales(window, columns, view, plan.arrangement)
    return _Scene(
        layout=plan,
        shown=shown._replace(ceiling=max(each.ceiling for each in scales)),
        window=window,
        scales=scales,
        told=max(told - (len(window.buckets) - columns), 0),
        cursor=at,
        alert=alert,
    )


def _newest(instance: Instance, moment: Moment) -> Window:
    """The newest second alone."""
    return instance.history.window(moment.now, 1)


def _scales(
    window: Window, visible: int, view: View, arrangement: Arrangement
) -> tuple[Scale, Scale]:
    """The scales of read and of written, each as the user wants it."""
    if view.ceiling is not None:
        read = written = view.ceiling
    elif view.cut_at_p99:
        read, written = (scale.p99_ceiling(means, view.units) for means in rates(window))
    else:
        read, written = (
            scale.ceiling(peaks, visible, view.resolution, view.units)
            for peaks in (window.buckets.read_peak, window.buckets.written_peak)
        )
    if view.shared_scale:
        read = written = max(read, written)
    floors = (scale.floor(read), scale.floor(written)) if view.logarithmic else (0.0, 0.0)
    if arrangement is Arrangement.MIRRORED:
        floors = min(floors), min(floors)  # one axis, so one word for what stands at it
    return Scale(read, floors[0]), Scale(written, floors[1])


def _stacked(plan: Layout, panes: Sequence[_Pane], labels: list[Line]) -> list[Line]:
    """One graph below the other, each with its axis."""
    above, below = ([one.title, *one.rows, *one.ground] for one in panes)
    blank: list[Line] = [()] * plan.blank_rows
    return [*above, *blank, *below, *labels]


def _side_by_side(plan: Layout, panes: Sequence[_Pane], labels: list[Line]) -> list[Line]:
    """The two next to each other."""
    left, right = ([one.title, *one.rows, *one.ground, *labels] for one in panes)
    return [
        (
            *one,
            Span(" " * (plan.graph_cells + BETWEEN_CELLS - sum(len(span.text) for span in one))),
            *other,
        )
        for one, other in zip(left, right, strict=True)
    ]


def _mirrored(_: Layout, panes: Sequence[_Pane], __: list[Line]) -> list[Line]:
    """Download up and upload down from one axis, into which the times are written."""
    above, below = panes
    return [above.title, *above.rows, *above.ground, *below.rows, below.title]


_ARRANGED = {
    Arrangement.STACKED: _stacked,
    Arrangement.SIDE_BY_SIDE: _side_by_side,
    Arrangement.MIRRORED: _mirrored,
}


def _last_lines(scene: _Scene, view: View, size: Size, moment: Moment, notice: str) -> list[Line]:
    """What must be said, or else the keys."""
    lines: list[Line] = []
    if scene.cursor is not None:
        lines.append(captions.cursor_line(scene.window, scene.cursor, view, size.columns, moment))
    if notice:
        lines.append((Span(notice, Style.BOLD),))
    if scene.alert:
        lines.append((Span(scene.alert, Style.ALERT),))
    if not lines and view.key_line and "keys" in scene.layout.parts:
        lines.append(help_module.key_line(size.columns))
    # Where there is no room for all of them the alert, which is the last, is the one to stay.
    return lines[-max(size.rows - 2, 1) :]
