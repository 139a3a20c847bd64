"""The round times below a graph. Owns which times are written, where, and how.

A label belongs to its time and travels with the columns; which times have one depends only on how
much time a cell holds. So labels never overlap and never jump about. Must not know what the
columns hold.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from bwgraph.model.moment import MONTH_NAMES, format_day

MINUTE, HOUR, DAY, WEEK, MONTH = 60, 3600, 86_400, 604_800, 2_678_400

SPACINGS_S = (
    *(10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, WEEK),
)
"Seconds between two labels: round ones. Beyond them come months, of whatever length."

LABEL_GAP_CELLS = 4
"Cells between two labels at the least, but for those that a change to summer time is between."

MAX_CLOCK_CHANGE = timedelta(hours=2)
"As much as any zone's summer time sets the clock by."

MIN_TIME_BETWEEN_CLOCK_CHANGES = timedelta(days=60)
"The clock is not set twice within so long."

_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - the wall's own reckoning has no zone


def labels(end: datetime, seconds: int, cells: int) -> dict[int, str]:
    """The labels of so many cells of ``seconds`` each, the last ending at ``end``, by cell.

    >>> end = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> labels(end, 1, 40), labels(end, 86_400, 40)
    ({34: '03:04:00', 19: '03:03:45', 4: '03:03:30'}, {38: '2026', 7: 'Dec'})
    >>> labels(end, 900, 40)
    {39: '03:00', 27: '2 Jan', 15: '21:00', 3: '18:00'}
    """
    spacing = next((s for s in SPACINGS_S if s >= seconds * (_width(s) + LABEL_GAP_CELLS)), MONTH)
    newest = end.timestamp()
    # Between two round times the labels are the same, and only move.
    step = min(spacing, DAY)
    round_end = math.ceil(newest / step) * step
    found: dict[int, str] = {}
    for time, words in _labels(round_end, end.tzinfo, seconds * cells + step, spacing):
        cell = cells - 1 - int((newest - time) // seconds)
        if 0 <= cell < cells:
            found[cell] = words
    return found


@lru_cache(maxsize=16)
def _labels(
    last_second: int, zone: tzinfo | None, span: int, spacing: int
) -> tuple[tuple[float, str], ...]:
    """The times of so many seconds before the last, as timestamps, with what is written there."""
    # As UTC, so that a difference is the time that passed, summer time or not.
    newest = datetime.fromtimestamp(last_second, UTC)
    end = newest.astimezone(zone)
    oldest = newest - timedelta(seconds=span)
    end = _plain(oldest, end) if newest - oldest < MIN_TIME_BETWEEN_CLOCK_CHANGES else end
    # Where the clock was set, the wall has shown later times before, and earlier ones after.
    last = end.replace(tzinfo=None) + _set_between(newest - MAX_CLOCK_CHANGE, newest, end.tzinfo)
    first = oldest.astimezone(end.tzinfo).replace(tzinfo=None)
    first -= _set_between(oldest, oldest + MAX_CLOCK_CHANGE, end.tzinfo)
    found: list[tuple[float, str]] = []
    for local in _months(last) if spacing == MONTH else _steps(last, spacing):
        if local < first:
            break
        found += [
            (time.timestamp(), _words(local, spacing))
            for time in _passes(local, end.tzinfo, spacing)
        ]
    return tuple(found)


def _plain(begin: datetime, end: datetime) -> datetime:
    """The end in a zone that knows nothing of summer time, if none begins or ends until then.

    Such a zone is reckoned with much faster.
    """
    offset = end.utcoffset()
    around = (begin - MAX_CLOCK_CHANGE, begin + MAX_CLOCK_CHANGE, end - MAX_CLOCK_CHANGE)
    if offset is None or any(time.astimezone(end.tzinfo).utcoffset() != offset for time in around):
        return end
    return end.replace(tzinfo=timezone(offset))


def _set_between(begin: datetime, end: datetime, zone: tzinfo | None) -> timedelta:
    """By how much the clock may have been set between these: nearly always by nothing."""
    same = begin.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset()
    return timedelta(0) if same else MAX_CLOCK_CHANGE


def _passes(local: datetime, zone: tzinfo | None, spacing: int) -> Iterator[datetime]:
    """When the wall shows this: once, and not at all or twice where summer time begins or ends.

    A day that has no midnight begins at what would have been it. What is written twice is an hour
    apart, and so only where labels are.
    """
    for fold in (0, 1) if spacing <= HOUR else (0,):
        time = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        shown = time.astimezone(zone).replace(tzinfo=None) == local
        if shown or (not fold and _is_midnight(local)):
            yield time


def _steps(last: datetime, spacing: int) -> Iterator[datetime]:
    """The round times to ``last``, newest first. Days and weeks begin at midnight, on Mondays."""
    steps = int((last - _MONDAY).total_seconds()) // spacing
    while True:
        yield _MONDAY + timedelta(seconds=steps * spacing)
        steps -= 1


def _months(last: datetime) -> Iterator[datetime]:
    month = last.year * 12 + last.month - 1
    while True:
        yield datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - as _MONDAY
        month -= 1


def _width(spacing: int) -> int:
    """Cells that a label takes at the most."""
    return 8 if spacing % MINUTE else 6


def _words(time: datetime, spacing: int) -> str:
    if spacing == MONTH:
        return MONTH_NAMES[time.month - 1] if time.month > 1 else f"{time.year}"
    if spacing % MINUTE:
        return f"{time:%H:%M:%S}"
    return format_day(time) if _is_midnight(time) else f"{time:%H:%M}"


def _is_midnight(time: datetime) -> bool:
    return time.hour == time.minute == time.second == 0
