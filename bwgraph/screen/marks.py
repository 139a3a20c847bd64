"""The marks of a graph, by cell: time labels, restarts, gaps, unverified buckets, the cursor.

Owns where in a window each mark belongs. Must not know how a mark is drawn.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from bwgraph.model.history import Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.statistics import current_rates
from bwgraph.model.totals import Unseen
from bwgraph.screen import time_axis, units

Notes = dict[int, tuple[str, ...]]
"The text beside a cell, in versions from long to short."


class Marks(NamedTuple):
    """The marks of one window. A cell is given by its distance from the left."""

    labels: dict[int, str]
    "The time labels."
    restarts: tuple[int, ...]
    "Cells in which another tor process started."
    unverified: range
    "Cells whose bytes tor counted before bwgraph connected."
    unknown: tuple[int, ...]
    "Cells with a bucket that no sample covers."
    partial: tuple[int, ...]
    "Cells with a bucket of a sum in which some of its tors are missing."
    cursor: int | None
    read: Notes
    written: Notes
    unseen_bytes: tuple[int, int]
    "Bytes read and written in the visible gaps."


def find_marks(
    instance: Instance, window: Window, cursor: int | None, moment: Moment, per_cell: int
) -> Marks:
    """Return the marks of a window that is drawn with ``per_cell`` buckets in a cell."""
    count = len(window.buckets)
    restarts = tuple(
        bucket // per_cell
        for bucket in (_bucket(window, when) for when in instance.totals.restarts)
        if 0 <= bucket < count
    )
    gaps = list(_visible_gaps(instance, window))
    read = [(before, after, gap.read) for before, after, gap in gaps]
    written = [(before, after, gap.written) for before, after, gap in gaps]
    restarted: Notes = dict.fromkeys(restarts, ("tor restarted", "restart"))
    seconds = window.buckets.seconds
    return Marks(
        labels=time_axis.labels(
            moment.wall_time(window.end), window.resolution * per_cell, count // per_cell
        ),
        restarts=restarts,
        unverified=_unverified_cells(instance, window, per_cell),
        unknown=tuple({i // per_cell: None for i, covered in enumerate(seconds) if not covered}),
        partial=tuple(dict.fromkeys(i // per_cell for i in sorted(window.partial))),
        cursor=None if cursor is None else _bucket(window, cursor) // per_cell,
        read=restarted | _unseen_notes(read, per_cell),
        written=restarted | _unseen_notes(written, per_cell),
        unseen_bytes=(sum(amount for *_, amount in read), sum(amount for *_, amount in written)),
    )


def unverified_buckets(instance: Instance, window: Window) -> int:
    """Return how many of a window's first buckets tor counted before bwgraph connected."""
    if instance.unverified_until is None:
        return 0
    return min(max(_bucket(window, instance.unverified_until) + 1, 0), len(window.buckets))


def verified_rates(instance: Instance, newest: Window) -> tuple[float | None, float | None]:
    """Return the current rates, or None for each if the newest bucket is unverified."""
    unverified = unverified_buckets(instance, newest) == len(newest.buckets)
    return (None, None) if unverified else current_rates(newest)


def _unverified_cells(instance: Instance, window: Window, per_cell: int) -> range:
    """Return the cells from the first unverified bucket with data to the last."""
    end = unverified_buckets(instance, window)
    begin = next((i for i in range(end) if window.buckets.seconds[i]), end)
    return range(begin // per_cell, -(-end // per_cell))


def _bucket(window: Window, when: float) -> int:
    """Return the index of the bucket that contains a time, rounded to a second."""
    ago = math.floor((window.end - when + 0.5) / window.resolution)
    return len(window.buckets) - 1 - ago


def _visible_gaps(instance: Instance, window: Window) -> Iterator[tuple[int, int, Unseen]]:
    """Yield each gap whose bytes tor counted, with the buckets before and after it."""
    count = len(window.buckets)
    for gap in instance.totals.unseen:
        before, after = max(_bucket(window, gap.begin), -1), _bucket(window, gap.end)
        if after >= 0 and before < count - 1:
            yield before, after, gap


def _unseen_notes(gaps: list[tuple[int, int, int]], per_cell: int) -> Notes:
    """Return the notes of gaps, which are given as (bucket before, bucket after, bytes)."""
    amounts: dict[int, int] = {}
    for before, after, amount in gaps:
        # A gap within one bucket has no room for a note.
        if before < after and amount:
            # Several tors of a sum may have been lost at once.
            amounts[before // per_cell] = amounts.get(before // per_cell, 0) + amount
    return {
        cell: (f"{units.format_size(amount)} unseen", f"+{units.format_bytes(amount).short}")
        for cell, amount in amounts.items()
    }
