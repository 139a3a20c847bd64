"""The words on the screen: headings, totals, header, readout and alerts, each as long as it may be.

Owns what is said and what is left unsaid where there is no room; every number says over what it is.
Must not know where on the screen a line goes. Pure: the time is told.
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

PROBLEM_SHOWN_S = 60.0
"Seconds for which a trouble stays on the screen."


class Heading(NamedTuple):
    """What stands above one of the two graphs."""

    name: str
    arrow: str
    current: float | None
    "The newest second's rate; None when that is late."
    summary: Summary
    period: str
    "What the summary is of."
    p95_unit: str
    "What its p95 is of, where that is not seconds."
    unseen_bytes: int
    "Bytes that moved in gaps among the visible columns."
    limit: Limit | None
    units: Units


def title(heading: Heading, columns: int, moment: Moment, aside: str) -> Line:
    """A graph's heading: as much of it as fits, the current rate to the last."""
    now = heading.units.format_rate(heading.current)
    start = f"{heading.arrow} {heading.name:<8} {now:>10}"
    room = columns - len(aside) - 2
    if not aside or room < len(start):
        aside, room = "", columns
    text = first_that_fits(
        room,
        *(f"{start}  {said}" for said in _statistics(heading, moment)),
        start,
        f"{heading.arrow} {now}",
        f"{heading.arrow}{heading.units.format_terse(heading.current)}",
        *_rate_alone(heading.current, heading.units),
        heading.arrow,
    )
    span = Span(text, Style.BOLD)
    return (span, Span(f"{aside:>{columns - len(text)}}", Style.DIM)) if aside else (span,)


def _statistics(heading: Heading, moment: Moment) -> Iterable[str]:
    """A window's numbers, and of what they are, from the most words to the fewest."""
    summary, rate, terse = heading.summary, heading.units.format_rate, heading.units.format_terse
    if summary.peak_at is None:
        return
    # Of nothing but zeros any is the highest.
    at = f" at {moment.format(moment.wall_time(summary.peak_at))}" if summary.peak else ""
    p95 = f"p95 of {heading.p95_unit}" if heading.p95_unit else "p95"
    saturation = ""
    if heading.limit and heading.current is not None:
        share = heading.limit.percent(heading.current)
        saturation = f"  {share} % of {heading.limit.name} {rate(heading.limit.rate)}"
    long = (
        f"{heading.period}: avg {rate(summary.average):<10}  {p95} {rate(summary.p95):<10}"
        f"  peak {rate(summary.peak)}"
    )
    short = (
        f"{heading.period}: avg {terse(summary.average)} {p95} {terse(summary.p95)}"
        f" peak {terse(summary.peak)}"
    )
    if heading.unseen_bytes:
        # No room for the time of the peak is better than none for what is in no graph.
        more = units.format_bytes(heading.unseen_bytes)
        yield f"{long}{at}  and {more} unseen"
        yield f"{short}{at}, {more.terse} unseen"
        yield f"{short}, {more.terse} unseen"
    if saturation:
        yield f"{long}{at}{saturation}"
        yield f"{long}{saturation}"
        yield f"{short}{saturation}"
    yield f"{long}{at}"
    yield f"{short}{at}"
    yield short
    mean = f"{heading.period}: avg {terse(summary.average)}"
    yield f"{mean} peak {terse(summary.peak)}"
    yield mean


def both_rates(download: Heading, upload: Heading, columns: int) -> Line:
    """The two current rates in one line: the last thing to go."""
    down, up = download.current, upload.current
    rate, terse = download.units.format_rate, download.units.format_terse
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
    """What the numbers of the visible window are of."""
    length = units.format_span(round(covered))
    if view.end is None:
        return f"last {length}"
    return f"{length} to {moment.format(moment.wall_time(end))}"


def quota(context: Context, traffic: Traffic, columns: int, moment: Moment) -> Line:
    """What is left of tor's quota, and how long that will do at the pace of this traffic."""
    if context.quota is None:
        return ()
    read, written = traffic.read.average, traffic.written.average
    pace = None if read is None or written is None else (read, written)
    words = quota_text.quota_lines(context.quota, pace, moment.wall_clock, moment.local)
    asleep = context.quota.hibernating in {"soft", "hard"}
    style = Style.ALERT if asleep else Style.PLAIN
    return (Span(first_that_fits(columns, *words), style),) if words else ()


def totals(instance: Instance, view: View, columns: int, moment: Moment) -> Line:
    """What was moved in all, and since when."""
    total = instance.totals.total()
    if total is None:
        return ()
    down, up = view.glyphs.download, view.glyphs.upload
    since = "since tor started" if total.since_tor_started else "since connected"
    if total.of_several and total.since_tor_started:
        since = "since each started"
    long = f"{down} {units.format_size(total.read)}", f"{up} {units.format_size(total.written)}"
    short = (
        f"{down}{units.format_bytes(total.read).terse}",
        f"{up}{units.format_bytes(total.written).terse}",
    )
    variants = [f"{since}: {'   '.join(long)}", f"{since}: {' '.join(short)}"]
    if total.since is not None:
        # While tor is gone nothing is known of what it moves, so the average stands still.
        known = instance.state.last_heard if isinstance(instance.state, Lost) else moment.now
        age = max(known - total.since, 1.0)
        ago = f"{since} {units.format_span(max(moment.now - total.since, 0.0))} ago:"
        means = (
            view.units.format_rate(total.read / age),
            view.units.format_rate(total.written / age),
        )
        variants[:0] = [
            f"{ago}   {long[0]}, avg {means[0]}   {long[1]}, avg {means[1]}",
            f"{ago} {long[0]}  {long[1]}",
        ]
    return (Span(first_that_fits(columns, *variants)),)


def header(instance: Instance, view: View, shown: Shown, columns: int, moment: Moment) -> Line:
    """What is looked at, as far as there is room, and the time."""
    time = format_time(moment.wall_clock)
    known = instance.connection
    place = instance.location
    noted = f"{place}: {instance.note}" if instance.note else place
    details = ["bwgraph", noted if len(f"bwgraph  {noted}  {time}") <= columns else place]
    if known and instance.label and known.endpoint != instance.label:
        details.append(known.endpoint)
    if known:
        fingerprint = instance.context.fingerprint
        relay = known.nickname or (f"${fingerprint[:8]}" if fingerprint else "")
        details.append(relay if relay != place else "")
        details.append(f"tor {known.version}" if known.version else "")
        total = instance.totals.total()
        if total is not None and total.since_tor_started and total.since is not None:
            details.append(f"up {units.format_span(max(moment.now - total.since, 0.0))}")
    details = [detail for detail in details if detail]
    where = scroll_note(view, shown)
    # The version and the uptime go before what a column stands for; so do the name and the place,
    # where that is not the second that anybody would suppose.
    for right, least in (
        (f"{resolution_note(view)}   {time}", 3 if view.resolution == 1 else 1),
        (time, 1),
    ):
        ending = f"  {right}" if where else right
        room = columns - len(where) - len(ending) - 2
        kept = details.copy()
        while len(kept) > least and len("  ".join(kept)) > room:
            kept.pop()
        left = "  ".join(kept)
        if len(left) <= room:
            break
    return (
        Span(left[:7], Style.BOLD),
        Span(left[7:]),
        Span(" " * max(1, columns - len(left) - len(where) - len(ending))),
        Span(where, Style.ALERT),
        Span(ending, Style.DIM),
    )


def resolution_note(view: View) -> str:
    """What a column stands for.

    >>> resolution_note(View(resolution=300))
    '5 min/column'
    """
    return f"{units.format_exact_span(view.resolution)}/column"


def scroll_note(view: View, shown: Shown) -> str:
    """How far back the view is; empty when it is of the present."""
    if view.end is None:
        return ""
    back = shown.newest - shown.end
    return f"{units.format_span(back)} back" if back else "paused"


def scale_note(view: View) -> str:
    """What is unusual about the scale."""
    words = ["log"] if view.logarithmic else []
    if view.ceiling is not None:
        words.append("pinned")
    elif view.cut_at_p99:
        words.append("cut at p99")
    return " ".join(words + (["shared"] if view.shared_scale else []))


def cursor_line(window: Window, cursor: int, view: View, columns: int, moment: Moment) -> Line:
    """The column under the cursor: its time, and what is known of it."""
    at = len(window.buckets) - 1 - int((window.end - cursor) // window.resolution)
    data, each = window.buckets, window.resolution
    end = moment.wall_time(cursor)
    time = moment.format(end)
    if each > 1:
        time = f"{moment.format(moment.wall_time(cursor - each))} to {format_time(end)}"
    covered = data.seconds[at]
    if not covered:
        return (Span(f"{time}  nothing is known", Style.BOLD),)
    part = "" if covered > 0.9 * each else f"  ({units.format_span(round(covered))} of it known)"
    if at in window.partial:  # of these seconds, too, not all is known
        part = "  (partly covered)"
    rate, terse = view.units.format_rate, view.units.format_terse
    long, short, least = [], [], []
    for arrow, amount, top in (
        (view.glyphs.download, data.read[at], data.read_peak[at]),
        (view.glyphs.upload, data.written[at], data.written_peak[at]),
    ):
        mean = amount / covered
        peak = f", peak {rate(top)}" if each > 1 else ""
        long.append(f"{arrow} {units.format_size(amount)}, mean {rate(mean)}{peak}")
        peak = f" peak {terse(top)}" if each > 1 else ""
        short.append(f"{arrow}{units.format_bytes(amount).terse} mean {terse(mean)}{peak}")
        least.append(f"{arrow}{terse(mean)}")
    text = first_that_fits(
        columns,
        f"{time}{part}   {'   '.join(long)}",
        f"{time}{part} {' '.join(short)}",
        f"{time}{part} {' '.join(least)}",
        f"{time} {' '.join(short)}",
        f"{time} {' '.join(least)}",
        f"{format_time(end)} {' '.join(least)}",
        " ".join(least),
        least[0],
    )
    return (Span(text, Style.BOLD),)


def alert(instance: Instance, moment: Moment) -> str:
    """What the user must know now; empty when all is well."""
    state, trouble, newest = instance.state, instance.problem, instance.history.newest_at
    if instance.missing_members and state is not None:
        return _missing_alert(instance.missing_members)
    if isinstance(state, Lost | Ended):
        return _state_alert(state, moment)
    if trouble is not None and moment.now - trouble.at < PROBLEM_SHOWN_S:
        count = f" ({instance.problem_count} such)" if instance.problem_count > 1 else ""
        return f"{format_time(moment.wall_time(trouble.at))}{count} {trouble.text}"
    if state is None:
        past = f"no tor: this is the past that is in {instance.archive_file}"
        return past if instance.archive_file else f"connecting to {instance.name}"
    if newest is not None and moment.now - newest >= LATE_AFTER_S:
        return f"late: no data from tor for {int(moment.now - newest)} s"
    return ""


def _state_alert(state: Lost | Ended, moment: Moment) -> str:
    """Why nothing comes, for now or for good."""
    if isinstance(state, Ended):
        return state.reason
    left = max(0, round(state.retry_at - moment.now))
    when = f"in {left} s" if left else "now"
    since = format_time(moment.wall_time(state.last_heard))
    return f"no tor since {since}, trying again {when}: {state.reason}"


def table_header(tors: int, view: View, columns: int, moment: Moment) -> Line:
    """What stands above the table of all tors."""
    left = f"bwgraph  all {tors} tors, by {'traffic' if view.by_traffic else 'name'}"
    each, time = (
        f"{units.format_exact_span(view.resolution)}/column",
        format_time(moment.wall_clock),
    )
    where = "paused   " if view.end is not None else ""
    right = first_that_fits(
        columns - len(left) - 2, f"{where}{each}   {time}", f"{where}{time}", time
    )
    return (
        Span(left[:7], Style.BOLD),
        Span(left[7:]),
        Span(" " * max(1, columns - len(left) - len(right))),
        Span(right, Style.DIM),
    )


def fleet_alert(instances: Iterable[Instance], moment: Moment) -> str:
    """What the user must know of any of several tors; empty when all is well."""
    instances = list(instances)
    if all(instance.archive_file for instance in instances):
        return alert(instances[0], moment)
    said = [(instance.title, alert(instance, moment)) for instance in instances]
    if len(said) > 1 and said[0][1] and len({words for _, words in said}) == 1:
        return said[0][1]  # of all of them at once
    urgent = [f"{title}: {words}" for title, words in said if words]
    more = f" (and {len(urgent) - 1} more)" if len(urgent) > 1 else ""
    return f"{urgent[0]}{more}" if urgent else ""


def _missing_alert(names: tuple[str, ...]) -> str:
    """Which tors are missing from a sum."""
    return f"not connected: {', '.join(names)}"


def _rate_alone(rate: float | None, units: Units) -> tuple[str, ...]:
    """A rate where there is no room for its arrow; an arrow says more than that it is unknown."""
    return () if rate is None else (units.format_terse(rate),)


def first_that_fits(columns: int, *texts: str) -> str:
    """The first text that is no longer than that; the last if none is."""
    return next((text for text in texts if len(text) <= columns), texts[-1])
