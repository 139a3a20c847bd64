"""Numbers that stand for a window of history. Owns ``Summary``; draws and formats nothing."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bwgraph.history import Window

if TYPE_CHECKING:
    from array import array

Rates = list[float | None]
"A rate in bytes a second for each column, oldest first; None where nothing is known."


@dataclass(frozen=True, slots=True)
class Summary:
    """One direction over one window: rates in bytes a second, None where nothing is known."""

    current: float | None
    "The newest column's; None also when that is late."
    average: float | None
    "Bytes over covered time."
    p95: float | None
    "What 95 in 100 of the columns do not exceed (nearest rank)."
    peak: float | None
    "The highest rate of a finest column."
    peak_at: float | None
    "The second at which the column with the peak ends, on the clock of the samples."


@dataclass(frozen=True, slots=True)
class Traffic:
    """Both directions over one window."""

    read: Summary
    written: Summary
    covered: float
    "Seconds of the window of which something is known."


def rates(window: Window) -> tuple[Rates, Rates]:
    """Each column's mean rates, read and written."""
    columns = window.columns
    return _rates(columns.read, columns.seconds), _rates(columns.written, columns.seconds)


def summarise(window: Window) -> Traffic:
    """Work a window's numbers out.

    >>> from bwgraph.history import History
    >>> from bwgraph.sample import Sample
    >>> history = History()
    >>> history.push(Sample(when=10.0, read=100, written=10, seconds=1.0))
    >>> history.push(Sample(when=12.0, read=300, written=30, seconds=1.0))
    >>> traffic = summarise(history.window(12.1, 5))
    >>> traffic.read.current, traffic.read.average, traffic.read.peak, traffic.read.peak_at
    (300.0, 200.0, 300.0, 12.0)
    >>> traffic.covered
    2.0
    """
    columns = window.columns
    covered = sum(columns.seconds)
    return Traffic(
        _summary(window, columns.read, columns.read_peak, covered),
        _summary(window, columns.written, columns.written_peak, covered),
        covered,
    )


def _rates(amounts: "array[int]", seconds: "array[float]") -> Rates:
    return [amount / span if span else None for amount, span in zip(amounts, seconds, strict=True)]


def _summary(
    window: Window, amounts: "array[int]", peaks: "array[float]", covered: float
) -> Summary:
    if not covered:
        return Summary(None, None, None, None, None)
    each = _rates(amounts, window.columns.seconds)
    known = sorted(rate for rate in each if rate is not None)
    peak = max(peaks)
    at = next(i for i, rate in enumerate(each) if rate is not None and peaks[i] == peak)
    ago = len(peaks) - 1 - at
    return Summary(
        None if window.late else each[-1],
        sum(amounts) / covered,
        known[math.ceil(0.95 * len(known)) - 1],
        peak,
        window.end - ago * window.resolution,
    )
