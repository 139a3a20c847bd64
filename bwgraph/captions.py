"""The words on the screen: headings, totals, header, keys and alerts, each as long as it may be.

Owns what is said and what is left unsaid where there is no room; every number says over what it is.
Must not know where on the screen a line goes. Pure: the time is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bwgraph import units
from bwgraph.frame import Line, Span, Style
from bwgraph.history import Window
from bwgraph.instance import Instance
from bwgraph.source import Lost
from bwgraph.summary import Summary
from bwgraph.view import BINDINGS, View

TROUBLE_SHOWN = 60.0
"Seconds for which a trouble stays on the screen."


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
class Heading:
    """What stands above one of the two graphs."""

    name: str
    arrow: str
    summary: Summary
    covered: float
    "Seconds that the summary is of."
    unseen: int
    "Bytes that moved in gaps among the visible columns."


def title(heading: Heading, columns: int, moment: Moment, name: str) -> Line:
    """A graph's heading: as much of it as fits, the current rate to the last."""
    now = units.rate(heading.summary.current)
    start = f"{heading.arrow} {heading.name:<8} {now:>10}"
    room = columns - len(name) - 2
    if not name or room < len(start):
        name, room = "", columns
    text = _first_that_fits(
        room,
        *(f"{start}  {said}" for said in _statistics(heading, moment)),
        start,
        f"{heading.arrow} {now}",
        f"{heading.arrow}{units.terse_rate(heading.summary.current)}",
        heading.arrow,
    )
    span = Span(text, Style.BOLD)
    return (span, Span(f"{name:>{columns - len(text)}}", Style.DIM)) if name else (span,)


def _statistics(heading: Heading, moment: Moment) -> Iterable[str]:
    """A window's numbers, and of what they are, from the most words to the fewest."""
    summary = heading.summary
    if summary.peak_at is None:
        return
    average, p95, peak = summary.average, summary.p95, summary.peak
    at = f" at {moment.wall(summary.peak_at):%H:%M:%S}"
    window = f"last {units.span(round(heading.covered))}:"
    long = (
        f"{window} avg {units.rate(average):<10}  p95 {units.rate(p95):<10}"
        f"  peak {units.rate(peak)}"
    )
    short = (
        f"{window} avg {units.terse_rate(average)} p95 {units.terse_rate(p95)}"
        f" peak {units.terse_rate(peak)}"
    )
    if heading.unseen:
        # No room for the time of the peak is better than none for what is in no graph.
        more = units.quantity(heading.unseen)
        yield f"{long}{at}  and {more.number} {more.unit} unseen"
        yield f"{short}{at}, {more.terse} unseen"
        yield f"{short}, {more.terse} unseen"
    yield f"{long}{at}"
    yield f"{short}{at}"
    yield short
    yield f"{window} avg {units.terse_rate(average)}"


def totals(instance: Instance, view: View, columns: int, moment: Moment) -> Line:
    """What was moved in all, and since when."""
    total = instance.ledger.total()
    if total is None:
        return ()
    down, up = view.glyphs.download, view.glyphs.upload
    since = "since tor started" if total.of_tor else "since connected"
    long = f"{down} {units.size(total.read)}", f"{up} {units.size(total.written)}"
    short = (
        f"{down}{units.quantity(total.read).terse}",
        f"{up}{units.quantity(total.written).terse}",
    )
    variants = [f"{since}: {'   '.join(long)}", f"{since}: {' '.join(short)}"]
    if total.since is not None:
        # While tor is gone nothing is known of what it moves, so the average stands still.
        known = instance.state.since if isinstance(instance.state, Lost) else moment.now
        age = max(known - total.since, 1.0)
        ago = f"{since} {units.span(max(moment.now - total.since, 0.0))} ago:"
        means = units.rate(total.read / age), units.rate(total.written / age)
        variants[:0] = [
            f"{ago}   {long[0]}, avg {means[0]}   {long[1]}, avg {means[1]}",
            f"{ago} {long[0]}  {long[1]}",
        ]
    return (Span(_first_that_fits(columns, *variants)),)


def both_rates(download: Heading, upload: Heading, columns: int) -> Line:
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


def header(instance: Instance, columns: int, moment: Moment) -> Line:
    """What is looked at, as far as there is room, and the time."""
    clock = f"{moment.clock:%H:%M:%S}"
    known = instance.connection
    place = known.where if known else instance.name
    noted = f"{place}: {instance.note}" if instance.note else place
    details = ["bwgraph", noted if len(f"bwgraph  {noted}  {clock}") <= columns else place]
    if known:
        details.append(f"tor {known.version}" if known.version else "")
        details.append(known.nickname if known.nickname != place else "")
    details = [detail for detail in details if detail]
    while len(details) > 1 and len("  ".join([*details, clock])) > columns:
        details.pop()
    left = "  ".join(details)
    right = _first_that_fits(columns - len(left) - 2, f"1 s/column   {clock}", clock)
    return (
        Span(left[:7], Style.BOLD),
        Span(left[7:]),
        Span(" " * max(1, columns - len(left) - len(right))),
        Span(right, Style.DIM),
    )


def key_line(columns: int) -> Line:
    """The keys, from the one table of them, as many as fit whole."""
    spans: list[Span] = []
    for binding in BINDINGS:
        gap = "   " if spans else ""
        columns -= len(f"{gap}{binding.name} {binding.help}")
        if columns < 0:
            break
        spans += [Span(f"{gap}{binding.name}", Style.BOLD), Span(f" {binding.help}", Style.DIM)]
    return tuple(spans)


def alert(instance: Instance, window: Window, moment: Moment) -> str:
    """What the user must know now; empty when all is well."""
    state, trouble = instance.state, instance.trouble
    if isinstance(state, Lost):
        left = max(0, round(state.retry - moment.now))
        when = f"in {left} s" if left else "now"
        return f"no tor since {moment.wall(state.since):%H:%M:%S}, trying again {when}: {state.why}"
    if trouble is not None and moment.now - trouble.when < TROUBLE_SHOWN:
        count = f" ({instance.troubles} such)" if instance.troubles > 1 else ""
        return f"{moment.wall(trouble.when):%H:%M:%S}{count} {trouble.what}"
    if state is None:
        return f"connecting to {instance.name}"
    if window.late and window.age is not None:
        return f"late: no data from tor for {int(window.age)} s"
    return ""


def _first_that_fits(columns: int, *texts: str) -> str:
    """The first text that is no longer than that; the last if none is."""
    return next((text for text in texts if len(text) <= columns), texts[-1])
