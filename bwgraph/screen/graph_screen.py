"""The screen of one tor, or of the sum: its history and state as two graphs and lines of text.

Owns which lines there are and what each is made of. ``layout`` decides where they go, and
``captions`` what they say. Pure: must not know a terminal, nor read a clock.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bwgraph.model.history import Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.statistics import Rates, Traffic, rates, summarize
from bwgraph.screen import captions, pane, scale, units
from bwgraph.screen import help as help_module
from bwgraph.screen.captions import Heading
from bwgraph.screen.frame import Frame, Line, Size, Span, Style
from bwgraph.screen.layout import BETWEEN_CELLS, GUTTER_CELLS, Layout, Part, arrange
from bwgraph.screen.marks import Marks, find_marks, unverified_buckets, verified_rates
from bwgraph.screen.pane import Graph
from bwgraph.screen.scale import Scale
from bwgraph.screen.view import Arrangement, Shown, View, bucket_end, visible_cursor


class GraphScene(NamedTuple):
    """The screen of one tor before it is drawn: what it is drawn from, and what it shows."""

    instance: Instance
    view: View
    size: Size
    moment: Moment
    notice: str
    layout: Layout
    shown: Shown
    window: Window
    "The visible buckets, preceded by older ones that the scale takes into account."
    scales: tuple[Scale, Scale]
    "The scales of read and written."
    unverified: int
    "The number of leading visible buckets that are unverified."
    cursor: int | None
    "Where the bucket under the cursor ends; None if it is not on the screen."
    alert: str


class _Pane(NamedTuple):
    """One graph as lines."""

    title: Line
    rows: list[Line]
    axis: list[Line]
    "The horizontal axis; empty if there is no room for it."


def survey_graphs(
    instance: Instance,
    view: View,
    size: Size,
    moment: Moment,
    notice: str = "",
    *,
    tor_count: int = 1,
) -> GraphScene:
    """Return what the screen of one tor out of ``tor_count`` shows, or that of their sum.

    The rightmost bucket is the newest one of the history. If tor's next samples are overdue, the
    seconds since then are empty buckets.
    """
    alert = captions.alert(instance, moment)
    layout, shown, cursor = _arrange(instance, view, size, moment, lines=bool(alert) + bool(notice))
    window = instance.history.window(
        moment.now,
        shown.buckets + scale.lookback_buckets(view.resolution),
        view.resolution,
        None if view.end is None else shown.end,
    )
    unverified = unverified_buckets(instance, window)
    if unverified and Part.AXES not in layout.parts:
        # Only the axis shows which buckets are unverified.
        window.buckets.clear(0, unverified)
    scales = _scales(window, shown.buckets, view, layout.arrangement)
    return GraphScene(
        instance=instance,
        view=view,
        size=size,
        moment=moment,
        notice=notice,
        layout=layout,
        shown=shown._replace(
            ceiling=max(scales[0].ceiling, scales[1].ceiling), tor_count=tor_count
        ),
        window=window,
        scales=scales,
        unverified=max(unverified - (len(window.buckets) - shown.buckets), 0),
        cursor=cursor,
        alert=alert,
    )


def draw_graphs(scene: GraphScene) -> Frame:
    """Return a scene as a frame."""
    instance, view, size, moment = scene.instance, scene.view, scene.size, scene.moment
    if view.help:
        return Frame.fit(help_module.help_page(size), size)
    layout = scene.layout
    visible = scene.window.last(scene.shown.buckets)
    marks = find_marks(instance, visible, scene.cursor, moment, view.glyphs.buckets_per_cell)
    means = rates(visible)
    traffic = summarize(visible, means, scene.unverified)
    headings = _headings(scene, visible, traffic, marks)
    if size.rows == 1:
        return Frame.fit([captions.both_rates(*headings, size.columns)], size)
    lines: list[Line] = []
    if Part.HEADER in layout.parts:
        lines.append(captions.header(instance, view, scene.shown, size.columns, moment))
    panes = [
        _Pane(
            title=captions.title(heading, layout.graph_cells, moment, note),
            rows=list(pane.rows(graph, layout, view, instance.context.limit, marks)),
            axis=pane.axis(graph, layout, view, marks),
        )
        for heading, note, graph in zip(
            headings, _title_notes(scene), _graphs(scene, visible, means, marks), strict=True
        )
    ]
    labels = []
    if Part.LABELS in layout.parts:
        labels = [pane.label_line(marks.labels, layout.gutter, layout.width)]
    lines += _ARRANGED[layout.arrangement](layout, panes, labels)
    if Part.TOTALS in layout.parts:
        lines.append(captions.totals(instance, view, size.columns, moment))
    if Part.QUOTA in layout.parts:
        lines.append(captions.quota(instance.context, traffic, size.columns, moment))
    lines += _last_lines(scene)
    return Frame.fit(lines, size)


def _arrange(
    instance: Instance, view: View, size: Size, moment: Moment, *, lines: int
) -> tuple[Layout, Shown, int | None]:
    """Return the layout, the Shown without its ceiling, and the end of the cursor's bucket.

    ``lines`` is the number of lines for the alert and the notice.
    """
    # Bits have longer units than bytes, and a pinned scale has one more decimal.
    gutter = GUTTER_CELLS + (view.units.per_byte > 1) + (view.ceiling is not None)
    quota = instance.context.quota is not None
    layout = arrange(
        size, view.arrangement, gutter, urgent=lines + (view.cursor is not None), quota=quota
    )
    shown = _shown(instance, view, layout, moment)
    cursor = visible_cursor(view, shown)
    if view.cursor is not None and cursor is None:
        # The cursor is off the screen, so it needs no line.
        layout = arrange(size, view.arrangement, gutter, urgent=lines, quota=quota)
        shown = _shown(instance, view, layout, moment)
        cursor = visible_cursor(view, shown)
    return layout, shown, cursor


def _shown(instance: Instance, view: View, layout: Layout, moment: Moment) -> Shown:
    """Return what a layout shows, without the ceiling."""
    resolution = view.resolution
    buckets = layout.width * view.glyphs.buckets_per_cell
    oldest, newest = instance.history.extent(moment.now, resolution)
    newest_second = newest if resolution == 1 else instance.history.extent(moment.now)[1]
    end = newest
    if view.end is not None:
        end = min(bucket_end(view.end, resolution), newest)
    if end < oldest < newest:
        # The history has expired at this resolution: show the oldest part that is left.
        end = min(oldest + (buckets - 1) * resolution, newest)
    return Shown(buckets, oldest, newest, newest_second, end, layout.arrangement, ceiling=0)


def _scales(
    window: Window, visible: int, view: View, arrangement: Arrangement
) -> tuple[Scale, Scale]:
    """Return the scales of read and written."""
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
        floors = min(floors), min(floors)  # the two share an axis, which has one value
    return Scale(read, floors[0]), Scale(written, floors[1])


def _headings(
    scene: GraphScene, visible: Window, traffic: Traffic, marks: Marks
) -> tuple[Heading, Heading]:
    """Return the contents of the titles of download and upload."""
    instance, view, moment = scene.instance, scene.view, scene.moment
    is_live = view.resolution == 1 and view.end is None
    newest = scene.window if is_live else instance.history.window(moment.now, 1)
    period = captions.period(traffic.covered_seconds, visible.end, view, moment)
    columns = "" if view.resolution == 1 else f"{units.format_exact_span(view.resolution)} columns"
    download, upload = (
        Heading(
            name=name,
            arrow=arrow,
            current=current,
            summary=summary,
            period=period,
            p95_unit=columns,
            unseen_bytes=unseen,
            limit=instance.context.limit,
            units=view.units,
        )
        for name, arrow, current, summary, unseen in zip(
            ("download", "upload"),
            (view.glyphs.download, view.glyphs.upload),
            verified_rates(instance, newest),
            (traffic.read, traffic.written),
            marks.unseen_bytes,
            strict=True,
        )
    )
    return download, upload


def _title_notes(scene: GraphScene) -> tuple[str, str]:
    """Return the texts at the right of the two titles."""
    view = scene.view
    if Part.HEADER in scene.layout.parts:
        return captions.scale_note(view), ""
    # Without a header, the first title has its most important part.
    scrolled = captions.scroll_note(view, scene.shown)
    resolution = captions.resolution_note(view) if view.resolution > 1 else ""
    position = "  ".join(text for text in (scrolled, resolution) if text)
    return position or scene.instance.name, captions.scale_note(view)


def _graphs(
    scene: GraphScene, visible: Window, means: tuple[Rates, Rates], marks: Marks
) -> list[Graph]:
    """Return the graphs of download and upload."""
    layout, view, buckets = scene.layout, scene.view, visible.buckets
    # The peak of a bucket of one second is its mean.
    peaks = means if view.resolution == 1 else (buckets.read_peak, buckets.written_peak)
    is_mirrored = layout.arrangement is Arrangement.MIRRORED
    directions = (
        (Style.DOWNLOAD, marks.read, False),
        (Style.UPLOAD, marks.written, is_mirrored),
    )
    return [
        Graph(
            style=style,
            scale=scene.scales[which],
            bars=scene.scales[which].bars(
                means[which], peaks[which], view.glyphs.steps * layout.heights[which]
            ),
            notes=notes,
            height=layout.heights[which],
            hanging=hanging,
        )
        for which, (style, notes, hanging) in enumerate(directions)
    ]


def _stacked(layout: Layout, panes: Sequence[_Pane], labels: list[Line]) -> list[Line]:
    """Return one graph below the other, each with its axis."""
    above, below = ([one.title, *one.rows, *one.axis] for one in panes)
    blank: list[Line] = [()] * layout.blank_rows
    return [*above, *blank, *below, *labels]


def _side_by_side(layout: Layout, panes: Sequence[_Pane], labels: list[Line]) -> list[Line]:
    """Return one graph beside the other, each with its axis and labels."""
    left, right = ([one.title, *one.rows, *one.axis, *labels] for one in panes)
    width = layout.graph_cells + BETWEEN_CELLS
    return [
        (*one, Span(" " * (width - sum(len(span.text) for span in one))), *other)
        for one, other in zip(left, right, strict=True)
    ]


def _mirrored(_: Layout, panes: Sequence[_Pane], __: list[Line]) -> list[Line]:
    """Return download above and upload below one axis, which contains the labels."""
    above, below = panes
    return [above.title, *above.rows, *above.axis, *below.rows, below.title]


_ARRANGED = {
    Arrangement.STACKED: _stacked,
    Arrangement.SIDE_BY_SIDE: _side_by_side,
    Arrangement.MIRRORED: _mirrored,
}
"How the lines of two graphs are put together."


def _last_lines(scene: GraphScene) -> list[Line]:
    """Return the last lines: the cursor line, the notice and the alert, or else the keys."""
    view, size = scene.view, scene.size
    lines: list[Line] = []
    if scene.cursor is not None:
        lines.append(
            captions.cursor_line(scene.window, scene.cursor, view, size.columns, scene.moment)
        )
    lines += captions.message_lines(scene.notice, scene.alert)
    if not lines and view.key_line and Part.KEYS in scene.layout.parts:
        lines.append(help_module.key_line(size.columns))
    # If there is no room for all, keep the last ones: the alert is last.
    return lines[-max(size.rows - 2, 1) :]
