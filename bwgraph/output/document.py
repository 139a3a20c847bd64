"""The numbers of the screen as an object, for other programs to read.

Owns what it is made of and what each part is called. Must not know how it is written. Pure: the
time is told.
"""

from bwgraph.model.events import Connected, Ended, Lost
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History, Window
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment, format_utc
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS
from bwgraph.model.statistics import Summary, rates, summarize
from bwgraph.screen import marks

Object = dict[str, object]


def document(fleet: Fleet, moment: Moment) -> Object:
    """All that is known of each tor, and of their sum: rates in bytes a second, amounts in bytes.

    What is not known is None.
    """
    found: Object = {
        "time": _time(moment, moment.now),
        "tors": [_instance(instance, moment) for instance in fleet.instances],
    }
    if fleet.sum is not None:
        found["sum"] = _instance(fleet.sum, moment)
    return found


def _instance(instance: Instance, moment: Moment) -> Object:
    window = _whole(instance.history, moment)
    told = marks.unverified_buckets(instance, window)
    traffic = summarize(window, rates(window), told)
    now = marks.verified_rates(instance, instance.history.window(moment.now, 1))
    total = instance.totals.total()
    known = instance.connection
    return {
        "name": instance.title,
        "where": instance.location,
        "version": known.version or None if known else None,
        "state": _state(instance),
        "seconds": round(traffic.covered, 3),
        "resolution": window.resolution,
        "read": _direction(traffic.read, now[0], total.read if total else None, moment),
        "written": _direction(traffic.written, now[1], total.written if total else None, moment),
        "total_of": None if total is None else "tor" if total.since_tor_started else "connection",
        "total_since": None if total is None or total.since is None else _time(moment, total.since),
    }


def _whole(history: History, moment: Moment) -> Window:
    """All of the past, in the shortest columns in which all of it is kept."""
    for resolution in RESOLUTIONS:
        first, last = history.extent(moment.now, resolution)
        columns = (last - first) // resolution + 1
        if columns < (FINEST_BUCKETS if resolution == RESOLUTIONS[0] else COARSE_BUCKETS):
            break
    return history.window(moment.now, columns, resolution)


def _state(instance: Instance) -> str:
    match instance.state:
        case Connected():
            return "connected"
        case Lost():
            return "lost"
        case Ended():
            return "ended"
    return "connecting"


def _direction(summary: Summary, now: float | None, total: int | None, moment: Moment) -> Object:
    return {
        "current": _rate(now),
        "average": _rate(summary.average),
        "p95": _rate(summary.p95),
        "peak": _rate(summary.peak),
        "peak_time": None if summary.peak_at is None else _time(moment, summary.peak_at),
        "total": total,
    }


def _rate(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


def _time(moment: Moment, when: float) -> str:
    return format_utc(moment.wall_time(when))
