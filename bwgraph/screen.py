"""The picture: a tor's history and state, composed into a frame of a given size.

Owns the layout, and what goes first as the window shrinks: key line, header, time labels, totals,
axes, one of the two graphs; and from each line what does not fit its width. The two current rates
are the last to go. Pure: must not know a terminal, nor the time except as it is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bwgraph import captions, graph, marks, units
from bwgraph.captions import Heading, Moment
from bwgraph.frame import Frame, Line, Size, Span, Style
from bwgraph.graph import Glyphs
from bwgraph.instance import Instance
from bwgraph.marks import Marks, Notes
from bwgraph.summary import Rates, rates, summarise
from bwgraph.view import View

GUTTER = 11
"Cells left of a graph: the longest mark, '500 KiB/s', a space, and the axis."

NARROWEST_WITH_AXIS = 36

# Rows each part takes, and the height of a graph below which it is given up for it; first to last.
_LOSSES = (("keys", 1, 4), ("header", 1, 3), ("labels", 1, 3), ("totals", 1, 3), ("axes", 2, 2))


@dataclass(frozen=True, slots=True)
class _Layout:
    """What there is room for."""

    kept: frozenset[str]
    "The parts of ``_LOSSES`` that stay."
    plots: tuple[int, int]
    "Rows of each graph."
    blank: int
    "Rows left over between the two."


@dataclass(frozen=True, slots=True)
class _Plot:
    """One of the two graphs."""

    style: Style
    rates: Rates
    "As many as are visible, preceded by those that the scale still remembers."
    notes: Notes


def compose(instance: Instance, view: View, size: Size, moment: Moment) -> Frame:
    """Draw one tor's screen.

    The rightmost column is the newest second of which something is known; time that has passed
    since without a word from tor is empty columns.
    """
    glyphs = view.glyphs
    newest = instance.history.window(moment.now, size.columns + graph.MEMORY)
    alert = captions.alert(instance, newest, moment)
    layout = _arrange(size, alert=bool(alert))
    axes = "axes" in layout.kept
    gutter = GUTTER if axes else 0
    visible = size.columns - gutter
    shown = newest.last(visible)
    marked = marks.mark(instance, shown, moment)
    told = marked.hearsay.stop
    traffic = summarise(shown.last(visible - told))
    read, written = rates(newest.last(visible + graph.MEMORY))
    if told and not axes:
        # Nothing would tell hearsay apart from what was seen.
        hidden = len(read) - visible + told
        read[:hidden] = written[:hidden] = [None] * hidden
    down, up = marked.unseen
    download = Heading("download", glyphs.download, traffic.read, traffic.covered, down)
    upload = Heading("upload", glyphs.upload, traffic.written, traffic.covered, up)
    if size.rows == 1:
        return Frame.fit([captions.both_rates(download, upload, size.columns)], size)
    name = "" if "header" in layout.kept else instance.name
    above, below = layout.plots
    lines: list[Line] = []
    if "header" in layout.kept:
        lines.append(captions.header(instance, size.columns, moment))
    lines.append(captions.title(download, size.columns, moment, name))
    plot = _Plot(Style.DOWNLOAD, read, marked.read)
    lines += _graph(plot, visible, above, axes=axes, glyphs=glyphs, marked=marked)
    lines += [()] * layout.blank
    lines.append(captions.title(upload, size.columns, moment, ""))
    plot = _Plot(Style.UPLOAD, written, marked.written)
    lines += _graph(plot, visible, below, axes=axes, glyphs=glyphs, marked=marked)
    if "labels" in layout.kept:
        lines.append(marks.label_line(marked.labels, gutter, visible))
    if "totals" in layout.kept:
        lines.append(captions.totals(instance, view, size.columns, moment))
    if alert:
        lines.append((Span(alert, Style.ALERT),))
    elif "keys" in layout.kept:
        lines.append(captions.key_line(size.columns))
    return Frame.fit(lines, size)


def _arrange(size: Size, *, alert: bool) -> _Layout:
    """Decide what fits. An alert takes the key line's place, and stays when that is gone."""
    kept = {name: rows for name, rows, _ in _LOSSES}
    left = size.rows - 2 - sum(kept.values())
    if alert and size.rows > 2:
        left += kept.pop("keys") - 1
    if size.columns < NARROWEST_WITH_AXIS:
        left += kept.pop("axes") + kept.pop("totals")
    for name, _, needed in _LOSSES:
        if left // 2 < needed:
            left += kept.pop(name, 0)
    left = max(left, 0)
    blank = left % 2 if left > 6 else 0
    return _Layout(frozenset(kept), ((left - blank + 1) // 2, left // 2), blank)


def _graph(
    plot: _Plot, visible: int, height: int, *, axes: bool, glyphs: Glyphs, marked: Marks
) -> Iterable[Line]:
    """One graph's rows, with its axes if there is room for them."""
    if height == 0:
        return
    ceiling = graph.ceiling(plot.rates, visible)
    bars = graph.plot(plot.rates[-visible:], ceiling, height, glyphs)
    bars = marks.write_in(bars, plot.notes, marked.breaks, glyphs)
    if not axes:
        for row in bars:
            yield (Span(row, plot.style),)
        return
    ticks = units.ticks(ceiling, height)
    for top, row in zip(range(height, 0, -1), bars, strict=True):
        tick = ticks.get(top, "")
        side = glyphs.tick if tick else glyphs.side
        yield Span(f"{tick:>{GUTTER - 2}} {side}", Style.DIM), Span(row, plot.style)
    ground = [glyphs.ground] * visible
    for column in marked.hearsay:
        ground[column] = glyphs.hearsay
    for column in marked.labels:
        ground[column] = glyphs.ground_tick
    yield (Span(f"{'0':>{GUTTER - 2}} {glyphs.corner}{''.join(ground)}", Style.DIM),)
