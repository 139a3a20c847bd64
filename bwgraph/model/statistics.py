"""Numbers that stand for a window of history. Owns ``Summary``; draws and formats nothing."""

import math
from typing import TYPE_CHECKING, NamedTuple

from bwgraph.model.history import Window

if TYPE_CHECKING:
    from array import array

Rates = list[float | None]
"A rate in bytes a second for each column, oldest first; None where nothing is known."


class Summary(NamedTuple):
    """One direction over one window: rates in bytes a second, None where nothing is known."""

    average: float | None
    "Bytes over covered time."
    p95: float | None
    "What 95 in 100 of the columns do not exceed (nearest rank)."
    peak: float | None
    "The highest rate of a finest column."
    peak_at: float | None
    "The second at which the column with the peak ends, on the clock of the samples."


class Traffic(NamedTuple):
    """Both directions over one window."""

    read: Summary
    written: Summary
    covered: float
    "Seconds of the window of which something is known."


NO_SUMMARY = Summary(None, None, None, None)


def rates(window: Window) -> tuple[Rates, Rates]:
    """Each column's mean rates, read and written."""
    columns = window.buckets
    return _rates(columns.read, columns.seconds), _rates(columns.written, columns.seconds)


def current_rates(window: Window) -> tuple[float | None, float | None]:
    """The newest column's rates, read and written; None when they are late."""
    if window.late or not len(window.buckets):
        return None, None
    columns = window.buckets
    span = columns.seconds[-1]
    return (columns.read[-1] / span, columns.written[-1] / span) if span else (None, None)


def summarize(window: Window, means: tuple[Rates, Rates], skipped: int = 0) -> Traffic:
    """Work out the numbers of a window whose rates these are, but for its first columns.

    >>> from bwgraph.model.history import History
    >>> from bwgraph.model.events import Sample
    >>> history = History()
    >>> history.push(Sample(ends_at=10.0, read=100, written=10, seconds=1.0))
    >>> history.push(Sample(ends_at=12.0, read=300, written=30, seconds=1.0))
    >>> window = history.window(12.1, 5)
    >>> traffic = summarize(window, rates(window))
    >>> traffic.read.average, traffic.read.peak, traffic.read.peak_at, traffic.covered
    (200.0, 300.0, 12.0, 2.0)
    """
    columns = window.buckets
    covered = sum(columns.seconds[skipped:])
    if not covered:
        return Traffic(NO_SUMMARY, NO_SUMMARY, 0.0)
    directions = zip(
        (columns.read, columns.written),
        means,
        (columns.read_peak, columns.written_peak),
        strict=True,
    )
    read, written = (
        _summary(window, sum(amounts[skipped:]) / covered, rates[skipped:], peaks[skipped:])
        for amounts, rates, peaks in directions
    )
    return Traffic(read, written, covered)


def _rates(amounts: "array[int]", seconds: "array[float]") -> Rates:
    return [amount / span if span else None for amount, span in zip(amounts, seconds, strict=True)]


def _summary(window: Window, average: float, means: Rates, peaks: "array[float]") -> Summary:
    known = sorted(rate for rate in means if rate is not None)
    peak = max(peaks)
    at = next(i for i, rate in enumerate(means) if rate is not None and peaks[i] == peak)
    ago = len(peaks) - 1 - at
    return Summary(
        average,
        known[math.ceil(0.95 * len(known)) - 1],
        peak,
        window.end - ago * window.resolution,
    )
