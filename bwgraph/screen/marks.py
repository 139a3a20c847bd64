"""What is marked in and below a graph, by its cells: times, restarts, gaps, hearsay, the cursor.

Owns where in a window such a mark belongs. Must not know how it is written in.
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
"What to write beside a cell: in so many words, or else in fewer."


class Marks(NamedTuple):
    """The marks of one window, in cells from its left."""

    labels: dict[int, str]
    "The time labels."
    restarts: tuple[int, ...]
    "Where another tor process took over."
    unverified: range
    "What tor told of; all that bwgraph saw itself is after these."
    unknown: tuple[int, ...]
    "Where something is not known."
    partial: tuple[int, ...]
    "Where a sum lacks some of what it is of."
    cursor: int | None
    read: Notes
    written: Notes
    unseen_bytes: tuple[int, int]
    "Bytes read and written in the gaps that are visible."


def find_marks(
    instance: Instance, window: Window, cursor: int | None, moment: Moment, wide: int
) -> Marks:
    """Find the marks of a window of which ``wide`` columns go into a cell."""
    count = len(window.buckets)
    restarts = (_column(window, when) for when in instance.totals.restarts)
    breaks = tuple(column // wide for column in restarts if 0 <= column < count)
    read: Notes = dict.fromkeys(breaks, ("tor restarted", "restart"))
    written = read.copy()
    gaps = list(_gaps(instance, window))
    for notes, amounts in (
        (read, [(before, after, gap.read) for before, after, gap in gaps]),
        (written, [(before, after, gap.written) for before, after, gap in gaps]),
    ):
        # Of a sum several may have gone away at once.
        for cell, amount in _by_cell(amounts, wide).items():
            notes[cell] = (
                f"{units.format_size(amount)} unseen",
                f"+{units.format_bytes(amount).terse}",
            )
    seconds = window.buckets.seconds
    told = unverified_buckets(instance, window)
    begin = next((i for i in range(told) if seconds[i]), told)
    cells = count // wide
    return Marks(
        labels=time_axis.labels(moment.wall_time(window.end), window.resolution * wide, cells),
        restarts=breaks,
        unverified=range(begin // wide, -(-told // wide)),
        unknown=tuple({i // wide: None for i, covered in enumerate(seconds) if not covered}),
        partial=tuple(dict.fromkeys(i // wide for i in sorted(window.partial))),
        cursor=None if cursor is None else _column(window, cursor) // wide,
        read=read,
        written=written,
        unseen_bytes=(sum(gap.read for *_, gap in gaps), sum(gap.written for *_, gap in gaps)),
    )


def unverified_buckets(instance: Instance, window: Window) -> int:
    """How many of a window's columns lie before all that bwgraph saw itself."""
    if instance.unverified_until is None:
        return 0
    return min(max(_column(window, instance.unverified_until) + 1, 0), len(window.buckets))


def verified_rates(instance: Instance, newest: Window) -> tuple[float | None, float | None]:
    """What moves in the newest second; that is not what tor remembers of it."""
    hearsay = unverified_buckets(instance, newest) == len(newest.buckets)
    return (None, None) if hearsay else current_rates(newest)


def _column(window: Window, when: float) -> int:
    """The column that a moment lies in, to the nearest second."""
    ago = math.floor((window.end - when + 0.5) / window.resolution)
    return len(window.buckets) - 1 - ago


def _gaps(instance: Instance, window: Window) -> Iterator[tuple[int, int, Unseen]]:
    """The gaps with a sum that are visible, with the columns before and after each."""
    count = len(window.buckets)
    for gap in instance.totals.unseen:
        before, after = max(_column(window, gap.begin), -1), _column(window, gap.end)
        if after >= 0 and before < count - 1:
            yield before, after, gap


def _by_cell(amounts: list[tuple[int, int, int]], wide: int) -> dict[int, int]:
    """What was not seen, by the cell before it, where there is a column to write it into."""
    found: dict[int, int] = {}
    for before, after, amount in amounts:
        if before < after and amount:
            found[before // wide] = found.get(before // wide, 0) + amount
    return found
