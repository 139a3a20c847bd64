"""Restoring histories from a store.

Owns the keys of histories in a store. Must not know how a store keeps them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from bwgraph.model.fleet import Fleet
from bwgraph.model.history import AnyHistory
from bwgraph.model.instance import Instance
from bwgraph.model.rollups import StoredBucket


class SeriesKey(NamedTuple):
    """The key of one history in a store."""

    name: str
    "The name of a tor; for a sum, a JSON list of the members' names, sorted."
    is_sum: bool = False
    "Whether it is the history of a sum."


class Reader(Protocol):
    """A store that histories are read from."""

    def series(self) -> list[SeriesKey]:
        """Return the keys of all series."""

    def read(self, key: SeriesKey, now: float) -> list[StoredBucket]:
        """Return the buckets of a series, oldest first; none if there is no such series."""

    def newest_ends(self, key: SeriesKey, now: float) -> dict[int, int]:
        """Return the end of the newest bucket of a series by resolution."""


def series_of(fleet: Fleet) -> dict[SeriesKey, AnyHistory]:
    """Return a fleet's histories by key; without those of tors that have not been found yet.

    >>> list(series_of(Fleet([Instance("a"), Instance("b")])))[1:]
    [SeriesKey(name='b', is_sum=False), SeriesKey(name='["a", "b"]', is_sum=True)]
    """
    # Another thread may remove a tor meanwhile. Read the sum last: it is None once a single tor is
    # left.
    instances = fleet.instances
    fleet_sum = fleet.sum
    names = [each.store_name for each in instances]
    count = Counter(names)
    found = {}
    for instance, name in zip(instances, names, strict=True):
        if name is not None:
            # Two tors may have the same label.
            unique = name if count[name] == 1 else f"{name} {instance.name}"
            found[SeriesKey(unique)] = instance.history
    if fleet_sum is not None and len(found) == len(names):
        members = json.dumps(sorted(each.name for each in found), ensure_ascii=False)
        found[SeriesKey(members, is_sum=True)] = fleet_sum.history
    return found


class Restorer:
    """Restores each history of a fleet once, as soon as its tor has been found."""

    def __init__(self, fleet: Fleet, store: Reader) -> None:
        self._fleet = fleet
        self._store = store
        self._restored: dict[SeriesKey, AnyHistory] = {}

    def restore(self, now: float) -> dict[SeriesKey, AnyHistory]:
        """Restore the histories that can be restored. Returns all that are restored by now."""
        histories = series_of(self._fleet)
        for key, history in histories.items():
            if key not in self._restored:
                # When two members prove to be the same tor, the sum gets another key. The sum's
                # history must not be restored twice.
                if not history.restored_spans:
                    history.restore(self._store.read(key, now))
                self._restored[key] = history
        return {key: self._restored[key] for key in histories}


def stored_fleet(store: Reader, name: str, now: float) -> Fleet | None:
    """Return a fleet of all tors in a store, which gets no samples; None if there are none.

    ``name`` is what the store is called on the screen.
    """
    instances = [
        Instance(key.name, stored_in=name)
        for key in store.series()
        if not key.is_sum and store.newest_ends(key, now)
    ]
    if not instances:
        return None
    fleet = Fleet(instances)
    if fleet.sum is not None:
        fleet.sum.stored_in = name
    Restorer(fleet, store).restore(now)
    return fleet


def newest_ends(store: Reader, keys: Iterable[SeriesKey], now: float) -> dict[int, int]:
    """Return the end of the newest stored bucket of any of these series, by resolution."""
    return _newest(store.newest_ends(key, now) for key in keys)


def restored_ends(fleet: Fleet) -> dict[int, int]:
    """Return the end of the newest restored bucket of any tor, by resolution."""
    return _newest(
        {resolution: end for resolution, (_, end) in each.history.restored_spans.items()}
        for each in fleet.instances
    )


def _newest(mappings: Iterable[Mapping[int, int]]) -> dict[int, int]:
    newest: dict[int, int] = {}
    for ends in mappings:
        for resolution, end in ends.items():
            newest[resolution] = max(newest.get(resolution, end), end)
    return newest
