"""Compute the time labels below a graph.

Owns which times are labelled, in which cells, and how they are written. Must not know what the
graph shows.

Which times have a label depends only on the time that a cell covers. So labels move with the graph
and never overlap, but for the hour that is repeated when summer time ends.
"""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from bwgraph.model.moment import MONTH_NAMES, format_day

MINUTE, HOUR, DAY, WEEK, MONTH = 60, 3600, 86_400, 604_800, 2_678_400
"Lengths in seconds; a month has 31 days here."

SPACINGS_S = (
    *(10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE),
    *(HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, WEEK),
)
"The intervals between labels, in seconds. Longer ones are calendar months."

LABEL_GAP_CELLS = 4
"The least number of cells between two labels, unless summer time begins or ends between them."

MAX_CLOCK_CHANGE = timedelta(hours=2)
"The most by which summer time changes the clock in any zone."

MIN_TIME_BETWEEN_CLOCK_CHANGES = timedelta(days=60)
"The least time between two changes of the clock in any zone."

_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - local time without a zone
"The Monday that days and weeks are counted from."


def labels(end: datetime, seconds: int, cells: int) -> dict[int, str]:
    """Return the labels of ``cells`` cells of ``seconds`` each that end at ``end``, by cell.

    >>> end = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    >>> labels(end, 1, 40), labels(end, 86_400, 40)
    ({34: '03:04:00', 19: '03:03:45', 4: '03:03:30'}, {38: '2026', 7: 'Dec'})
    >>> labels(end, 900, 40)
    {39: '03:00', 27: '2 Jan', 15: '21:00', 3: '18:00'}
    """
    spacing = next(
        (s for s in SPACINGS_S if s >= seconds * (_max_width(s) + LABEL_GAP_CELLS)), MONTH
    )
    newest = end.timestamp()
    # Round the end up, so that the cached labels are used until the next round time.
    step = min(spacing, DAY)
    round_end = math.ceil(newest / step) * step
    by_cell: dict[int, str] = {}
    for time, text in _labelled_times(round_end, end.tzinfo, seconds * cells + step, spacing):
        cell = cells - 1 - int((newest - time) // seconds)
        if 0 <= cell < cells:
            by_cell[cell] = text
    return by_cell


@lru_cache(maxsize=16)
def _labelled_times(
    last_second: int, zone: tzinfo | None, span: int, spacing: int
) -> tuple[tuple[float, str], ...]:
    """Return the labels of the ``span`` seconds before ``last_second``, with their timestamps."""
    # In UTC, so that a difference is elapsed time even if summer time begins or ends.
    newest = datetime.fromtimestamp(last_second, UTC)
    end = newest.astimezone(zone)
    oldest = newest - timedelta(seconds=span)
    if newest - oldest < MIN_TIME_BETWEEN_CLOCK_CHANGES:
        end = _with_fixed_offset(oldest, end)
    # If the clock changed near either end, include local times just outside the span.
    last = end.replace(tzinfo=None) + _clock_change(newest - MAX_CLOCK_CHANGE, newest, end.tzinfo)
    first = oldest.astimezone(end.tzinfo).replace(tzinfo=None)
    first -= _clock_change(oldest, oldest + MAX_CLOCK_CHANGE, end.tzinfo)
    found: list[tuple[float, str]] = []
    for local in _months(last) if spacing == MONTH else _round_times(last, spacing):
        if local < first:
            break
        found += [
            (time.timestamp(), _format(local, spacing))
            for time in _occurrences(local, end.tzinfo, spacing)
        ]
    return tuple(found)


def _with_fixed_offset(begin: datetime, end: datetime) -> datetime:
    """Return ``end`` with a fixed offset from UTC, if the clock does not change since ``begin``.

    Calculations with a fixed offset are much faster.
    """
    offset = end.utcoffset()
    around = (begin - MAX_CLOCK_CHANGE, begin + MAX_CLOCK_CHANGE, end - MAX_CLOCK_CHANGE)
    if offset is None or any(time.astimezone(end.tzinfo).utcoffset() != offset for time in around):
        return end
    return end.replace(tzinfo=timezone(offset))


def _clock_change(begin: datetime, end: datetime, zone: tzinfo | None) -> timedelta:
    """Return an upper bound of how far the clock was changed between two times."""
    same = begin.astimezone(zone).utcoffset() == end.astimezone(zone).utcoffset()
    return timedelta(0) if same else MAX_CLOCK_CHANGE


def _occurrences(local: datetime, zone: tzinfo | None, spacing: int) -> Iterator[datetime]:
    """Yield the times, in UTC, at which local clocks show ``local``.

    It is shown twice or never where summer time ends or begins. A midnight that is never shown
    counts all the same, so that each day has its label. The second occurrence is an hour after the
    first, so it is left out where labels are more than an hour apart.
    """
    for fold in (0, 1) if spacing <= HOUR else (0,):
        time = local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        exists = time.astimezone(zone).replace(tzinfo=None) == local
        if exists or (not fold and _is_midnight(local)):
            yield time


def _round_times(last: datetime, spacing: int) -> Iterator[datetime]:
    """Yield the round local times up to ``last``, newest first."""
    steps = int((last - _MONDAY).total_seconds()) // spacing
    while True:
        yield _MONDAY + timedelta(seconds=steps * spacing)
        steps -= 1


def _months(last: datetime) -> Iterator[datetime]:
    """Yield the first days of the months up to ``last``, newest first."""
    month = last.year * 12 + last.month - 1
    while True:
        yield datetime(month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - as _MONDAY
        month -= 1


def _max_width(spacing: int) -> int:
    """Return the cells of the longest label."""
    return 8 if spacing % MINUTE else 6


def _format(time: datetime, spacing: int) -> str:
    if spacing == MONTH:
        return MONTH_NAMES[time.month - 1] if time.month > 1 else f"{time.year}"
    if spacing % MINUTE:
        return f"{time:%H:%M:%S}"
    return format_day(time) if _is_midnight(time) else f"{time:%H:%M}"


def _is_midnight(time: datetime) -> bool:
    return time.hour == time.minute == time.second == 0
