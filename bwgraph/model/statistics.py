"""Average, percentile and peak of a window of history.

Owns the definition of each number. Must not know how it is formatted or shown.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from bwgraph.model.history import Window

if TYPE_CHECKING:
    from array import array

Rates = list[float | None]
"The mean rate of each bucket in bytes a second, oldest first; None in a gap."


class Summary(NamedTuple):
    """One direction in one window: rates in bytes a second, None if all of it is a gap."""

    average: float | None
    "Bytes divided by covered seconds."
    p95: float | None
    "The 95th percentile of the mean rates (nearest rank)."
    peak: float | None
    "The highest rate of a one-second bucket."
    peak_at: float | None
    "The second, on the clock of the samples, at which the bucket with the peak ends."


class Traffic(NamedTuple):
    """Both directions in one window."""

    read: Summary
    written: Summary
    covered_seconds: float
    "Seconds of the window that samples cover."


NO_SUMMARY = Summary(None, None, None, None)


def rates(window: Window) -> tuple[Rates, Rates]:
    """Return the mean rates of each bucket, read and written."""
    buckets = window.buckets
    return _rates(buckets.read, buckets.seconds), _rates(buckets.written, buckets.seconds)


def current_rates(window: Window) -> tuple[float | None, float | None]:
    """Return the rates of the newest bucket, read and written.

    Both are None if the newest sample is late or the newest bucket is a gap.
    """
    if window.late or not len(window.buckets):
        return None, None
    buckets = window.buckets
    span = buckets.seconds[-1]
    return (buckets.read[-1] / span, buckets.written[-1] / span) if span else (None, None)


def summarize(window: Window, means: tuple[Rates, Rates], skipped: int = 0) -> Traffic:
    """Summarize a window without its first ``skipped`` buckets.

    ``means`` are the window's ``rates``, which the caller has already.

    >>> from bwgraph.model.history import History
    >>> from bwgraph.model.events import Sample
    >>> history = History()
    >>> history.push(Sample(ends_at=10.0, read=100, written=10, seconds=1.0))
    >>> history.push(Sample(ends_at=12.0, read=300, written=30, seconds=1.0))
    >>> window = history.window(12.1, 5)
    >>> traffic = summarize(window, rates(window))
    >>> traffic.read.average, traffic.read.peak, traffic.read.peak_at, traffic.covered_seconds
    (200.0, 300.0, 12.0, 2.0)
    """
    buckets = window.buckets
    covered = sum(buckets.seconds[skipped:])
    if not covered:
        return Traffic(NO_SUMMARY, NO_SUMMARY, 0.0)
    directions = zip(
        (buckets.read, buckets.written),
        means,
        (buckets.read_peak, buckets.written_peak),
        strict=True,
    )
    read, written = (
        _summary(
            window, sum(amounts[skipped:]) / covered, direction_means[skipped:], peaks[skipped:]
        )
        for amounts, direction_means, peaks in directions
    )
    return Traffic(read, written, covered)


def _rates(amounts: "array[int]", seconds: "array[float]") -> Rates:
    return [amount / span if span else None for amount, span in zip(amounts, seconds, strict=True)]


def _summary(window: Window, average: float, means: Rates, peaks: "array[float]") -> Summary:
    ordered = sorted(rate for rate in means if rate is not None)
    peak = max(peaks)
    # Where all peaks are 0, a gap has the same peak as a bucket with data.
    index = next(i for i, rate in enumerate(means) if rate is not None and peaks[i] == peak)
    buckets_after = len(peaks) - 1 - index
    return Summary(
        average,
        ordered[math.ceil(0.95 * len(ordered)) - 1],
        peak,
        window.end - buckets_after * window.resolution,
    )
