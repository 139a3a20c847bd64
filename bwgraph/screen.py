"""The picture: a tor's history and state, composed into a frame of a given size.

Owns the layout, and what goes first as the window shrinks: key line, header, time labels,
statistics, axes, one of the two graphs. The two current rates are the last to go. Pure: must not
know a terminal, nor the time except as it is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bwgraph import graph, units
from bwgraph.frame import Frame, Line, Size, Span, Style
from bwgraph.graph import Glyphs
from bwgraph.history import Window
from bwgraph.instance import Instance
from bwgraph.source import Connected, Lost
from bwgraph.summary import Rates, Summary, rates, summarise
from bwgraph.view import BINDINGS, View

GUTTER = 11
"Cells left of a graph: the longest mark, '500 KiB/s', a space, and the axis."

NARROWEST_WITH_AXIS = 36

TROUBLE_SHOWN = 60.0
"Seconds for which a trouble stays on the screen."

LABEL_SPACING = (5, 10, 15, 30, 60, 120, 300, 600)
"Seconds between time labels: round ones, the first that leaves them room."


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on both clocks: samples are placed by the one and labelled by the other."""

    now: float
    "Seconds on the clock that never steps."
    clock: datetime
    "What a clock on the wall shows."

    def wall(self, when: float) -> datetime:
        """What the wall clock would have shown then, had it never been set since."""
        return self.clock - timedelta(seconds=self.now - when)


@dataclass(frozen=True, slots=True)
class _Direction:
    """One of the two graphs."""

    name: str
    arrow: str
    style: Style
    summary: Summary
    rates: Rates
    "As many as are visible, preceded by those that the scale still remembers."


@dataclass(frozen=True, slots=True)
class _Layout:
    """What there is room for."""

    header: bool
    keys: bool
    labels: bool
    axes: bool
    plots: tuple[int, int]
    "Rows of each graph."
    blank: int
    "Rows left over between the two."


# Rows each part takes, and the height of a graph below which it is given up for it; first to last.
_LOSSES = (("keys", 1, 4), ("header", 1, 3), ("labels", 1, 3), ("axes", 2, 2))


def _arrange(size: Size, *, alert: bool) -> _Layout:
    """Decide what fits. An alert takes the key line's place, and stays when that is gone."""
    kept = {name: rows for name, rows, _ in _LOSSES}
    left = size.rows - 2 - sum(kept.values())
    if alert and size.rows > 2:
        left += kept.pop("keys") - 1
    if size.columns < NARROWEST_WITH_AXIS:
        left += kept.pop("axes")
    for name, _, needed in _LOSSES:
        if left // 2 < needed:
            left += kept.pop(name, 0)
    left = max(left, 0)
    blank = left % 2 if left > 6 else 0
    return _Layout(
        header="header" in kept,
        keys="keys" in kept,
        labels="labels" in kept,
        axes="axes" in kept,
        plots=((left - blank + 1) // 2, left // 2),
        blank=blank,
    )


def compose(instance: Instance, view: View, size: Size, moment: Moment) -> Frame:
    """Draw one tor's screen.

    The rightmost column is the newest second of which something is known; time that has passed
    since without a word from tor is empty columns.
    """
    glyphs = view.glyphs
    newest = instance.history.window(moment.now, size.columns + graph.MEMORY)
    alert = _alert(instance, newest, moment)
    layout = _arrange(size, alert=bool(alert))
    gutter = GUTTER if layout.axes else 0
    visible = size.columns - gutter
    shown = newest.last(visible)
    traffic = summarise(shown)
    read_rates, written_rates = rates(newest.last(visible + graph.MEMORY))
    download = _Direction("download", glyphs.download, Style.DOWNLOAD, traffic.read, read_rates)
    upload = _Direction("upload", glyphs.upload, Style.UPLOAD, traffic.written, written_rates)
    if size.rows == 1:
        return Frame.fit([_both_rates(download, upload, size.columns)], size)
    stretch = units.span(round(traffic.covered))
    name = "" if layout.header else instance.name
    marks = _time_marks(shown, moment)
    lines: list[Line] = []
    if layout.header:
        lines.append(_header(instance, size.columns, moment))
    lines.append(_title(download, stretch, size.columns, name))
    above, below = layout.plots
    lines += _graph(download, visible, above, layout=layout, glyphs=glyphs, marks=marks)
    lines += [()] * layout.blank
    lines.append(_title(upload, stretch, size.columns, ""))
    lines += _graph(upload, visible, below, layout=layout, glyphs=glyphs, marks=marks)
    if layout.labels:
        lines.append(_time_labels(marks, gutter, visible))
    if alert:
        lines.append((Span(alert, Style.ALERT),))
    elif layout.keys:
        lines.append(_key_line())
    return Frame.fit(lines, size)


def _graph(
    direction: _Direction,
    visible: int,
    height: int,
    *,
    layout: _Layout,
    glyphs: Glyphs,
    marks: dict[int, str],
) -> Iterable[Line]:
    """One graph's rows, with its axes if there is room for them."""
    if height == 0:
        return
    ceiling = graph.ceiling(direction.rates, visible)
    bars = graph.plot(direction.rates[-visible:], ceiling, height, glyphs)
    if not layout.axes:
        for row in bars:
            yield (Span(row, direction.style),)
        return
    ticks = units.ticks(ceiling, height)
    for top, row in zip(range(height, 0, -1), bars, strict=True):
        mark = ticks.get(top, "")
        side = glyphs.tick if mark else glyphs.side
        yield Span(f"{mark:>{GUTTER - 2}} {side}", Style.DIM), Span(row, direction.style)
    ground = [glyphs.ground_tick if i in marks else glyphs.ground for i in range(visible)]
    yield (Span(f"{'0':>{GUTTER - 2}} {glyphs.corner}{''.join(ground)}", Style.DIM),)


def _title(direction: _Direction, stretch: str, columns: int, name: str) -> Line:
    """A graph's heading: as much of it as fits, the current rate to the last."""
    now = units.rate(direction.summary.current)
    average = units.rate(direction.summary.average)
    peak = units.rate(direction.summary.peak)
    heading = f"{direction.arrow} {direction.name:<8}"
    statistics = f"   avg {average:<10}   peak {peak:<10}"
    text = _first_that_fits(
        columns,
        f"{heading}  {now:>10}{statistics}   (last {stretch})",
        f"{heading}  {now:>10}{statistics}".rstrip(),
        f"{heading}  {now:>10}",
        f"{direction.arrow} {now}",
        f"{direction.arrow}{units.terse_rate(direction.summary.current)}",
        direction.arrow,
    )
    room = columns - len(text) - len(name)
    if name and room > 1:
        return Span(text, Style.BOLD), Span(" " * room), Span(name, Style.DIM)
    return (Span(text, Style.BOLD),)


def _both_rates(download: _Direction, upload: _Direction, columns: int) -> Line:
    """The two current rates in one line: the last thing to go."""
    down, up = download.summary.current, upload.summary.current
    text = _first_that_fits(
        columns,
        f"{download.arrow} {units.rate(down)}  {upload.arrow} {units.rate(up)}",
        f"{download.arrow}{units.terse_rate(down)} {upload.arrow}{units.terse_rate(up)}",
        f"{units.terse_rate(down)} {units.terse_rate(up)}",
        f"{download.arrow}{units.terse_rate(down)}",
        download.arrow,
    )
    return (Span(text, Style.BOLD),)


def _header(instance: Instance, columns: int, moment: Moment) -> Line:
    """What is looked at, as far as there is room, and the time."""
    clock = f"{moment.clock:%H:%M:%S}"
    details = ["bwgraph", instance.name]
    state = instance.state
    if isinstance(state, Connected):
        if state.where != instance.name:
            details.append(state.where)
        details.append(f"tor {state.version}" if state.version else "")
        details.append(state.nickname if state.nickname != instance.name else "")
    details = [detail for detail in details if detail]
    right = [clock, f"1 s/column   {clock}"]
    while len(details) > 1 and len("  ".join([*details, clock])) > columns:
        details.pop()
    left = "  ".join(details)
    text = right[len(left) + 2 + len(right[1]) <= columns]
    return (
        Span(left[:7], Style.BOLD),
        Span(left[7:]),
        Span(" " * max(1, columns - len(left) - len(text))),
        Span(text, Style.DIM),
    )


def _key_line() -> Line:
    """The keys, from the one table of them."""
    spans: list[Span] = []
    for binding in BINDINGS:
        gap = "   " if spans else ""
        spans += [Span(f"{gap}{binding.name}", Style.BOLD), Span(f" {binding.help}", Style.DIM)]
    return tuple(spans)


def _alert(instance: Instance, window: Window, moment: Moment) -> str:
    """What the user must know now; empty when all is well."""
    state, trouble = instance.state, instance.trouble
    if isinstance(state, Lost):
        left = max(0, round(state.retry - moment.now))
        when = f"in {left} s" if left else "now"
        return f"no tor since {moment.wall(state.since):%H:%M:%S}: {state.why}; trying again {when}"
    if trouble is not None and moment.now - trouble.when < TROUBLE_SHOWN:
        count = f" ({instance.troubles} such)" if instance.troubles > 1 else ""
        return f"{moment.wall(trouble.when):%H:%M:%S}{count} {trouble.what}"
    if state is None:
        return f"connecting to {instance.name}"
    if window.late and window.age is not None:
        return f"late: no data from tor for {int(window.age)} s"
    return ""


def _time_marks(window: Window, moment: Moment) -> dict[int, str]:
    """The round times among a window's columns: column to label."""
    count = len(window.buckets)
    spacing = next((s for s in LABEL_SPACING if s >= 12 and s * 5 >= count / 2), LABEL_SPACING[-1])
    newest = moment.wall(window.end)
    second = newest.hour * 3600 + newest.minute * 60 + newest.second
    form = "%H:%M:%S" if spacing % 60 else "%H:%M"
    marks = {}
    for column in range(count - 1 - second % spacing, -1, -spacing):
        marks[column] = f"{newest - timedelta(seconds=count - 1 - column):{form}}"
    return marks


def _time_labels(marks: dict[int, str], gutter: int, visible: int) -> Line:
    """The labels, each centred under its mark where it fits whole."""
    row = [" "] * (gutter + visible)
    for column, label in marks.items():
        begin = gutter + column - len(label) // 2
        if begin >= 0 and begin + len(label) <= len(row):
            row[begin : begin + len(label)] = label
    return (Span("".join(row).rstrip(), Style.DIM),)


def _first_that_fits(columns: int, *texts: str) -> str:
    """The first text that is no longer than that; the last if none is."""
    return next((text for text in texts if len(text) <= columns), texts[-1])
