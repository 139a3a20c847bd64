"""The texts on the screen: header, titles, totals, quota, cursor line and alerts.

Owns what each text says and what it omits in a narrow window. Averages, peaks and totals are
shown with their span or start. Must not know where on the screen a line goes.
"""

from collections.abc import Iterable
from typing import NamedTuple

from bwgraph.model.events import Ended, Lost
from bwgraph.model.history import LATE_AFTER_S, Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment, format_time
from bwgraph.model.quota import Context, Limit
from bwgraph.model.statistics import Summary, Traffic
from bwgraph.screen import quota_text, units
from bwgraph.screen.frame import Line, Span, Style
from bwgraph.screen.units import Units
from bwgraph.screen.view import Shown, View

PROGRAM_NAME = "bwgraph"
"The first word of every header."

PROBLEM_SHOWN_S = 60.0
"Seconds for which a problem stays on the screen."


class Heading(NamedTuple):
    """The content of the title of one of the two graphs."""

    name: str
    arrow: str
    current: float | None
    "The rate of the newest second, in bytes per second; None if it is late or unverified."
    summary: Summary
    period: str
    "The span of the summary, as a text."
    p95_unit: str
    "The unit of the p95, as a text; empty for seconds."
    unseen_bytes: int
    "Bytes in the visible gaps."
    limit: Limit | None
    units: Units


def title(heading: Heading, columns: int, moment: Moment, aside: str) -> Line:
    """Return a graph's title: as much of the heading as fits, and ``aside`` at the right.

    The current rate is the last to be omitted, and the statistics are the first.
    """
    now = heading.units.format_rate(heading.current)
    start = f"{heading.arrow} {heading.name:<8} {now:>10}"
    room = columns - len(aside) - 2
    if not aside or room < len(start):
        aside, room = "", columns
    text = first_that_fits(
        room,
        *(f"{start}  {statistics}" for statistics in _statistics(heading, moment)),
        start,
        f"{heading.arrow} {now}",
        f"{heading.arrow}{heading.units.format_short_rate(heading.current)}",
        *_rate_alone(heading.current, heading.units),
        heading.arrow,
    )
    span = Span(text, Style.BOLD)
    return (span, Span(f"{aside:>{columns - len(text)}}", Style.DIM)) if aside else (span,)


def _statistics(heading: Heading, moment: Moment) -> Iterable[str]:
    """Yield texts for a window's statistics in order of preference."""
    summary, rate, terse = (
        heading.summary,
        heading.units.format_rate,
        heading.units.format_short_rate,
    )
    if summary.peak_at is None:
        return
    # A peak of zero has no time: all columns have it.
    at = f" at {moment.format(moment.wall_time(summary.peak_at))}" if summary.peak else ""
    p95 = f"p95 of {heading.p95_unit}" if heading.p95_unit else "p95"
    long = (
        f"{heading.period}: avg {rate(summary.average):<10}  {p95} {rate(summary.p95):<10}"
        f"  peak {rate(summary.peak)}"
    )
    short = (
        f"{heading.period}: avg {terse(summary.average)} {p95} {terse(summary.p95)}"
        f" peak {terse(summary.peak)}"
    )
    if heading.unseen_bytes:
        # These bytes are in no bar, so they are more important than the time of the peak.
        unseen = units.format_bytes(heading.unseen_bytes)
        yield f"{long}{at}  and {unseen} unseen"
        yield f"{short}{at}, {unseen.short} unseen"
        yield f"{short}, {unseen.short} unseen"
    if heading.limit and heading.current is not None:
        percent = heading.limit.percent(heading.current)
        saturation = f"  {percent} % of {heading.limit.name} {rate(heading.limit.rate)}"
        yield f"{long}{at}{saturation}"
        yield f"{long}{saturation}"
        yield f"{short}{saturation}"
    yield f"{long}{at}"
    yield f"{short}{at}"
    yield short
    average = f"{heading.period}: avg {terse(summary.average)}"
    yield f"{average} peak {terse(summary.peak)}"
    yield average


def both_rates(download: Heading, upload: Heading, columns: int) -> Line:
    """Return both current rates in one line, for a screen of one row."""
    down, up = download.current, upload.current
    rate, terse = download.units.format_rate, download.units.format_short_rate
    text = first_that_fits(
        columns,
        f"{download.arrow} {rate(down)}  {upload.arrow} {rate(up)}",
        f"{download.arrow}{terse(down)} {upload.arrow}{terse(up)}",
        f"{terse(down)} {terse(up)}",
        f"{download.arrow}{terse(down)}",
        *_rate_alone(down, download.units),
        download.arrow,
    )
    return (Span(text, Style.BOLD),)


def period(covered: float, end: float, view: View, moment: Moment) -> str:
    """Return the span of the visible window's statistics as a text."""
    length = units.format_span(round(covered))
    if view.end is None:
        return f"last {length}"
    return f"{length} to {moment.format(moment.wall_time(end))}"


def quota(context: Context, traffic: Traffic, columns: int, moment: Moment) -> Line:
    """Return the line of tor's quota, and how long it lasts at the average rates of ``traffic``."""
    if context.quota is None:
        return ()
    read, written = traffic.read.average, traffic.written.average
    pace = None if read is None or written is None else (read, written)
    texts = quota_text.quota_lines(context.quota, pace, moment.wall_clock, moment.local)
    hibernating = context.quota.hibernating in {"soft", "hard"}
    style = Style.ALERT if hibernating else Style.PLAIN
    return (Span(first_that_fits(columns, *texts), style),) if texts else ()


def totals(instance: Instance, view: View, columns: int, moment: Moment) -> Line:
    """Return the line of the totals, with the start that they count from."""
    total = instance.totals.total()
    if total is None:
        return ()
    down, up = view.glyphs.download, view.glyphs.upload
    since = "since tor started" if total.since_tor_started else "since connected"
    if total.of_several and total.since_tor_started:
        since = "since each started"
    long = f"{down} {units.format_size(total.read)}", f"{up} {units.format_size(total.written)}"
    short = (
        f"{down}{units.format_bytes(total.read).short}",
        f"{up}{units.format_bytes(total.written).short}",
    )
    texts = [f"{since}: {'   '.join(long)}", f"{since}: {' '.join(short)}"]
    if total.since is not None:
        # While tor is lost its total is not counted, so its average does not fall either.
        counted_until = (
            instance.state.last_heard if isinstance(instance.state, Lost) else moment.now
        )
        seconds = max(counted_until - total.since, 1.0)
        ago = f"{since} {units.format_span(max(moment.now - total.since, 0.0))} ago:"
        averages = (
            view.units.format_rate(total.read / seconds),
            view.units.format_rate(total.written / seconds),
        )
        texts[:0] = [
            f"{ago}   {long[0]}, avg {averages[0]}   {long[1]}, avg {averages[1]}",
            f"{ago} {long[0]}  {long[1]}",
        ]
    return (Span(first_that_fits(columns, *texts)),)


def header(instance: Instance, view: View, shown: Shown, columns: int, moment: Moment) -> Line:
    """Return the top line: as many details of the tor as fit, the scroll position and the time."""
    time = format_time(moment.wall_clock)
    details = [text for text in _details(instance, columns - len(f"  {time}"), moment) if text]
    scrolled = scroll_note(view, shown)
    # The details are more important than a resolution of 1 s, which is the default. Any other
    # resolution is more important than all of them but the program's name.
    for right, needed in (
        (f"{resolution_note(view)}   {time}", 3 if view.resolution == 1 else 1),
        (time, 1),
    ):
        ending = f"  {right}" if scrolled else right
        room = columns - len(scrolled) - len(ending) - 2
        left = _join_details(details, room, needed)
        if len(left) <= room:
            break
    return (
        *_with_bold_name(left),
        Span(" " * max(1, columns - len(left) - len(scrolled) - len(ending))),
        Span(scrolled, Style.ALERT),
        Span(ending, Style.DIM),
    )


def _details(instance: Instance, columns: int, moment: Moment) -> Iterable[str]:
    """Yield the texts of the header's left part, the most important first; some may be empty."""
    yield PROGRAM_NAME
    place, connection = instance.location, instance.connection
    noted = f"{place}: {instance.note}" if instance.note else place
    yield noted if len(f"bwgraph  {noted}") <= columns else place
    if connection is None:
        return
    if instance.label and connection.endpoint != instance.label:
        yield connection.endpoint
    fingerprint = instance.context.fingerprint
    relay = connection.nickname or (f"${fingerprint[:8]}" if fingerprint else "")
    if relay != place:
        yield relay
    if connection.version:
        yield f"tor {connection.version}"
    total = instance.totals.total()
    if total is not None and total.since_tor_started and total.since is not None:
        yield f"up {units.format_span(max(moment.now - total.since, 0.0))}"


def _join_details(details: list[str], room: int, needed: int) -> str:
    """Join as many details as fit, but at least ``needed`` of them."""
    count = len(details)
    while count > needed and len("  ".join(details[:count])) > room:
        count -= 1
    return "  ".join(details[:count])


def resolution_note(view: View) -> str:
    """Return the resolution as a text.

    >>> resolution_note(View(resolution=300))
    '5 min/column'
    """
    return f"{units.format_exact_span(view.resolution)}/column"


def scroll_note(view: View, shown: Shown) -> str:
    """Return how far back the view is scrolled; empty if it follows the newest bucket."""
    if view.end is None:
        return ""
    back = shown.newest - shown.end
    return f"{units.format_span(back)} back" if back else "paused"


def scale_note(view: View) -> str:
    """Return how the scale differs from the default; empty if it does not."""
    words = ["log"] if view.logarithmic else []
    if view.ceiling is not None:
        words.append("pinned")
    elif view.cut_at_p99:
        words.append("cut at p99")
    return " ".join(words + (["shared"] if view.shared_scale else []))


def cursor_line(window: Window, cursor: int, view: View, columns: int, moment: Moment) -> Line:
    """Return the time and the values of the bucket under the cursor."""
    buckets, seconds = window.buckets, window.resolution
    at = len(buckets) - 1 - int((window.end - cursor) // seconds)
    end = moment.wall_time(cursor)
    time = moment.format(end)
    if seconds > 1:
        time = f"{moment.format(moment.wall_time(cursor - seconds))} to {format_time(end)}"
    covered = buckets.seconds[at]
    if not covered:
        return (Span(f"{time}  no data", Style.BOLD),)
    part = ""
    if at in window.partial:  # some tors of a sum are missing
        part = "  (partly covered)"
    elif covered <= 0.9 * seconds:
        part = f"  ({units.format_span(round(covered))} covered)"
    rate, terse = view.units.format_rate, view.units.format_short_rate
    long, short, shortest = [], [], []
    for arrow, amount, top in (
        (view.glyphs.download, buckets.read[at], buckets.read_peak[at]),
        (view.glyphs.upload, buckets.written[at], buckets.written_peak[at]),
    ):
        mean = amount / covered
        peak = f", peak {rate(top)}" if seconds > 1 else ""
        long.append(f"{arrow} {units.format_size(amount)}, mean {rate(mean)}{peak}")
        peak = f" peak {terse(top)}" if seconds > 1 else ""
        short.append(f"{arrow}{units.format_bytes(amount).short} mean {terse(mean)}{peak}")
        shortest.append(f"{arrow}{terse(mean)}")
    text = first_that_fits(
        columns,
        f"{time}{part}   {'   '.join(long)}",
        f"{time}{part} {' '.join(short)}",
        f"{time}{part} {' '.join(shortest)}",
        f"{time} {' '.join(short)}",
        f"{time} {' '.join(shortest)}",
        f"{format_time(end)} {' '.join(shortest)}",
        " ".join(shortest),
        shortest[0],
    )
    return (Span(text, Style.BOLD),)


def alert(instance: Instance, moment: Moment) -> str:
    """Return the most urgent message about a tor; empty if there is none."""
    state, problem, newest = instance.state, instance.problem, instance.history.newest_at
    if instance.missing_members and state is not None:
        return f"not connected: {', '.join(instance.missing_members)}"
    if isinstance(state, Lost | Ended):
        return _state_alert(state, moment)
    if problem is not None and moment.now - problem.at < PROBLEM_SHOWN_S:
        count = f" ({instance.problem_count} problems)" if instance.problem_count > 1 else ""
        return f"{format_time(moment.wall_time(problem.at))}{count} {problem.text}"
    if state is None:
        store = instance.stored_in
        no_tor = f"no tor found: history stored in {store}"
        return no_tor if store else f"connecting to {instance.name}"
    if newest is not None and moment.now - newest >= LATE_AFTER_S:
        return f"late: no data from tor for {int(moment.now - newest)} s"
    return ""


def _state_alert(state: Lost | Ended, moment: Moment) -> str:
    """Return the text of a lost or ended tor."""
    if isinstance(state, Ended):
        return state.reason
    left = max(0, round(state.retry_at - moment.now))
    when = f"in {left} s" if left else "now"
    since = format_time(moment.wall_time(state.last_heard))
    return f"no tor since {since}, trying again {when}: {state.reason}"


def message_lines(notice: str, alert: str) -> list[Line]:
    """Return a line for the notice and one for the alert, without those that are empty."""
    texts = ((notice, Style.BOLD), (alert, Style.ALERT))
    return [(Span(text, style),) for text, style in texts if text]


def table_header(tors: int, view: View, columns: int, moment: Moment) -> Line:
    """Return the top line of the table of all tors."""
    left = f"{PROGRAM_NAME}  all {tors} tors, by {'traffic' if view.by_traffic else 'name'}"
    time = format_time(moment.wall_clock)
    paused = "paused   " if view.end is not None else ""
    right = first_that_fits(
        columns - len(left) - 2,
        f"{paused}{resolution_note(view)}   {time}",
        f"{paused}{time}",
        time,
    )
    return (
        *_with_bold_name(left),
        Span(" " * max(1, columns - len(left) - len(right))),
        Span(right, Style.DIM),
    )


def fleet_alert(instances: Iterable[Instance], moment: Moment) -> str:
    """Return the first tor's alert and the number of others; empty if there is none."""
    instances = list(instances)
    if all(instance.stored_in for instance in instances):
        return alert(instances[0], moment)
    alerts = [(instance.title, alert(instance, moment)) for instance in instances]
    if len(alerts) > 1 and alerts[0][1] and len({text for _, text in alerts}) == 1:
        return alerts[0][1]  # the same for all tors
    urgent = [f"{title}: {text}" for title, text in alerts if text]
    more = f" (and {len(urgent) - 1} more)" if len(urgent) > 1 else ""
    return f"{urgent[0]}{more}" if urgent else ""


def _with_bold_name(text: str) -> Line:
    """Return the left part of a header, with the name of the program in bold."""
    return Span(PROGRAM_NAME, Style.BOLD), Span(text.removeprefix(PROGRAM_NAME))


def _rate_alone(rate: float | None, units: Units) -> tuple[str, ...]:
    """Return a rate without its arrow; nothing if it is unknown, as the arrow alone says more."""
    return () if rate is None else (units.format_short_rate(rate),)


def first_that_fits(columns: int, *texts: str) -> str:
    """Return the first text that fits into this many columns, or the last if none does."""
    return next((text for text in texts if len(text) <= columns), texts[-1])
