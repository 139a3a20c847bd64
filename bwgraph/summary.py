"""Numbers that stand for a window of history. Owns ``Summary``; draws and formats nothing."""

from dataclasses import dataclass

from bwgraph.history import Bucket, Window

Rates = list[float | None]
"A rate in bytes a second for each column, oldest first; None where nothing is known."


@dataclass(frozen=True, slots=True)
class Summary:
    """One direction over one window: rates in bytes a second, None where nothing is known."""

    current: float | None
    "The newest column's; None also when that is late."
    average: float | None
    "Bytes over covered time."
    peak: float | None
    "The highest column's."


@dataclass(frozen=True, slots=True)
class Traffic:
    """Both directions over one window."""

    read: Summary
    written: Summary
    covered: float
    "Seconds of the window of which something is known."


def rates(window: Window) -> tuple[Rates, Rates]:
    """Each column's rates, read and written.

    >>> rates(Window((None, Bucket(30, 3, 1.5)), end=2.0, age=0.0))
    ([None, 20.0], [None, 2.0])
    """
    return (
        [None if bucket is None else bucket.read_rate for bucket in window.buckets],
        [None if bucket is None else bucket.written_rate for bucket in window.buckets],
    )


def summarise(window: Window) -> Traffic:
    """Work a window's numbers out.

    >>> buckets = (Bucket(0, 0, 1.0), None, Bucket(300, 30, 1.0))
    >>> traffic = summarise(Window(buckets, end=3.0, age=0.2))
    >>> traffic.read.current, traffic.read.average, traffic.read.peak, traffic.covered
    (300.0, 150.0, 300.0, 2.0)
    """
    known = [bucket for bucket in window.buckets if bucket is not None]
    covered = sum(bucket.seconds for bucket in known)
    newest: Bucket | None = None
    if window.buckets and not window.late:
        newest = window.buckets[-1]
    if not known:
        nothing = Summary(None, None, None)
        return Traffic(nothing, nothing, 0.0)
    return Traffic(
        Summary(
            None if newest is None else newest.read_rate,
            sum(bucket.read for bucket in known) / covered,
            max(bucket.read_rate for bucket in known),
        ),
        Summary(
            None if newest is None else newest.written_rate,
            sum(bucket.written for bucket in known) / covered,
            max(bucket.written_rate for bucket in known),
        ),
        covered,
    )
