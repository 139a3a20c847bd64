"""The pasts that a store holds, given back to the tors that they are of.

Owns under which name each is kept, that of a sum too. Must not know how they are stored.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.rollups import Bucket


class SeriesKey(NamedTuple):
    """What a past is kept under."""

    name: str
    is_sum: bool = False
    "It is that of several tors together, and the name is made of theirs."


class Reader(Protocol):
    """Where pasts are kept."""

    def series(self) -> list[SeriesKey]:
        """Whose there are."""

    def read(self, whose: SeriesKey, now: float) -> list[Bucket]:
        """One of them, oldest first; empty if there is none."""

    def newest_ends(self, whose: SeriesKey, now: float) -> dict[int, int]:
        """By resolution: where the newest column of one ends."""


def series_of(fleet: Fleet) -> dict[SeriesKey, History]:
    """Each history by what it is kept under, as far as that is known by now.

    >>> list(series_of(Fleet([Instance("a"), Instance("b")])))[1:]
    [SeriesKey(name='b', is_sum=False), SeriesKey(name='["a", "b"]', is_sum=True)]
    """
    keys = [each.store_name for each in fleet.instances]
    count = Counter(keys)
    found = {}
    for instance, key in zip(fleet.instances, keys, strict=True):
        if key is not None:
            # Two may be called the same.
            name = key if count[key] == 1 else f"{key} {instance.name}"
            found[SeriesKey(name)] = instance.history
    if fleet.sum is not None and len(found) == len(keys):
        name = json.dumps(sorted(each.name for each in found), ensure_ascii=False)
        found[SeriesKey(name, is_sum=True)] = fleet.sum.history
    return found


class Restorer:
    """Gives each tor of a fleet its past back, once, as soon as it is known which one that is."""

    def __init__(self, fleet: Fleet, shelf: Reader) -> None:
        self._fleet = fleet
        self._shelf = shelf
        self._done: dict[SeriesKey, History] = {}

    def restore(self, now: float) -> dict[SeriesKey, History]:
        """Do what can be done by now; what has its past by now is returned."""
        for whose, history in series_of(self._fleet).items():
            if whose not in self._done:
                # A sum of one fewer, since two turned out to be one tor, had another's.
                if not history.restored_spans:
                    history.restore(self._shelf.read(whose, now))
                self._done[whose] = history
        return {whose: self._done[whose] for whose in series_of(self._fleet)}


def archive(shelf: Reader, name: str, now: float) -> Fleet | None:
    """A fleet of all that is kept, with nothing to come; None if there is nothing."""
    instances = [
        Instance(whose.name, archive_file=name)
        for whose in shelf.series()
        if not whose.is_sum and shelf.newest_ends(whose, now)
    ]
    if not instances:
        return None
    fleet = Fleet(instances)
    if fleet.sum is not None:
        fleet.sum.archive_file = name
    Restorer(fleet, shelf).restore(now)
    return fleet


def newest_ends(shelf: Reader, names: Iterable[SeriesKey], now: float) -> dict[int, int]:
    """Return the end of the newest stored column of any of these, by resolution."""
    return _newest(shelf.newest_ends(whose, now) for whose in names)


def restored_ends(fleet: Fleet) -> dict[int, int]:
    """Return the end of the newest restored column of any tor, by resolution."""
    return _newest(
        {resolution: end for resolution, (_, end) in each.history.restored_spans.items()}
        for each in fleet.instances
    )


def _newest(each: Iterable[Mapping[int, int]]) -> dict[int, int]:
    newest: dict[int, int] = {}
    for ends in each:
        for resolution, end in ends.items():
            newest[resolution] = max(newest.get(resolution, end), end)
    return newest
