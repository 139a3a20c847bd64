"""The object that ``--once --json`` prints: state and statistics over the whole history.

Owns its keys and their values. Must not know how it is written, nor what time it is.
"""

from bwgraph.model.events import Connected, Ended, Lost
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import AnyHistory, Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment, format_utc
from bwgraph.model.rollups import RESOLUTIONS, bucket_capacity
from bwgraph.model.statistics import Summary, rates, summarize
from bwgraph.screen import marks

Object = dict[str, object]


def document(fleet: Fleet, moment: Moment) -> Object:
    """Return the state and the statistics of each tor, and of their sum if there are several.

    Rates are in bytes per second, amounts in bytes. A value that is not available is None.
    """
    result: Object = {
        "time": _time(moment, moment.now),
        "tors": [_instance(instance, moment) for instance in fleet.instances],
    }
    if fleet.sum is not None:
        result["sum"] = _instance(fleet.sum, moment)
    return result


def _instance(instance: Instance, moment: Moment) -> Object:
    window = _longest_window(instance.history, moment)
    unverified = marks.unverified_buckets(instance, window)
    statistics = summarize(window, rates(window), unverified)
    current = marks.verified_rates(instance, instance.history.window(moment.now, 1))
    total = instance.totals.total()
    connection = instance.connection
    return {
        "name": instance.title,
        "where": instance.location,
        "version": connection.version or None if connection else None,
        "state": _state(instance),
        "seconds": round(statistics.covered_seconds, 3),
        "resolution": window.resolution,
        "read": _direction(statistics.read, current[0], total.read if total else None, moment),
        "written": _direction(
            statistics.written, current[1], total.written if total else None, moment
        ),
        "total_of": None if total is None else "tor" if total.since_tor_started else "connection",
        "total_since": None if total is None or total.since is None else _time(moment, total.since),
    }


def _longest_window(history: AnyHistory, moment: Moment) -> Window:
    """Return a window of the whole history, at the finest resolution that still has all of it."""
    for resolution in RESOLUTIONS:
        first, last = history.extent(moment.now, resolution)
        count = (last - first) // resolution + 1
        if count < bucket_capacity(resolution):
            break
    return history.window(moment.now, count, resolution)


def _state(instance: Instance) -> str:
    match instance.state:
        case Connected():
            return "connected"
        case Lost():
            return "lost"
        case Ended():
            return "ended"
    return "connecting"


def _direction(
    summary: Summary, current: float | None, total: int | None, moment: Moment
) -> Object:
    return {
        "current": _rate(current),
        "average": _rate(summary.average),
        "p95": _rate(summary.p95),
        "peak": _rate(summary.peak),
        "peak_time": None if summary.peak_at is None else _time(moment, summary.peak_at),
        "total": total,
    }


def _rate(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


def _time(moment: Moment, time: float) -> str:
    return format_utc(moment.wall_time(time))
