"""The pasts that a store holds, given back to the tors that they are of.

Owns under which name each is kept, that of a sum too, and what of them a graph opens with. Must not
know how they are stored.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.rollups import Entry
from bwgraph.screen.view import View

AT_HAND = 60
"Columns from the present: what is within them is seen on any screen."


class Kept(NamedTuple):
    """What a past is kept under."""

    name: str
    sum: bool = False
    "It is that of several tors together, and the name is made of theirs."


class Shelf(Protocol):
    """Where pasts are kept."""

    def names(self) -> list[Kept]:
        """Whose there are."""

    def read(self, whose: Kept, now: float) -> list[Entry]:
        """One of them, oldest first; empty if there is none."""

    def ends(self, whose: Kept, now: float) -> dict[int, int]:
        """By resolution: where the newest column of one ends."""


def known(fleet: Fleet) -> dict[Kept, History]:
    """Each history by what it is kept under, as far as that is known by now.

    >>> list(known(Fleet([Instance("a"), Instance("b")])))[1:]
    [Kept(name='b', sum=False), Kept(name='["a", "b"]', sum=True)]
    """
    keys = [each.key for each in fleet.instances]
    count = Counter(keys)
    found = {}
    for instance, key in zip(fleet.instances, keys, strict=True):
        if key is not None:
            # Two may be called the same.
            name = key if count[key] == 1 else f"{key} {instance.name}"
            found[Kept(name)] = instance.history
    if fleet.sum is not None and len(found) == len(keys):
        name = json.dumps(sorted(each.name for each in found), ensure_ascii=False)
        found[Kept(name, sum=True)] = fleet.sum.history
    return found


class Recall:
    """Gives each tor of a fleet its past back, once, as soon as it is known which one that is."""

    def __init__(self, fleet: Fleet, shelf: Shelf) -> None:
        self._fleet = fleet
        self._shelf = shelf
        self._done: dict[Kept, History] = {}

    def recall(self, now: float) -> dict[Kept, History]:
        """Do what can be done by now; what has its past by now is returned."""
        for whose, history in known(self._fleet).items():
            if whose not in self._done:
                # A sum of one fewer, since two turned out to be one tor, had another's.
                if not history.restored:
                    history.restore(self._shelf.read(whose, now))
                self._done[whose] = history
        return {whose: self._done[whose] for whose in known(self._fleet)}


def archive(shelf: Shelf, name: str, now: float) -> Fleet | None:
    """A fleet of all that is kept, with nothing to come; None if there is nothing."""
    instances = [
        Instance(whose.name, archive=name)
        for whose in shelf.names()
        if not whose.sum and shelf.ends(whose, now)
    ]
    if not instances:
        return None
    fleet = Fleet(instances)
    if fleet.sum is not None:
        fleet.sum.archive = name
    Recall(fleet, shelf).recall(now)
    return fleet


def opening(view: View, shelf: Shelf, names: Iterable[Kept], now: float) -> View:
    """The view in which the past of any of these is to be seen, when there is more to come.

    It is at the finest resolution at which the newest of it is near the present.
    """
    ends = _newest(shelf.ends(whose, now) for whose in names)
    near = [each for each in sorted(ends) if ends[each] > now - AT_HAND * each]
    return view._replace(resolution=near[0] if near else max(ends, default=view.resolution))


def ending(view: View, fleet: Fleet, *, coarser: bool) -> View:
    """The view of the newest of what was restored, when nothing is to come.

    It is at the finest resolution at which there is any, unless it may not be made ``coarser``.
    """
    ends = _newest(
        {resolution: end for resolution, (_, end) in each.history.restored.items()}
        for each in fleet.instances
    )
    resolution = min(ends, default=view.resolution) if coarser else view.resolution
    end = ends.get(resolution, max(ends.values(), default=None))
    return view._replace(resolution=resolution, end=end)


def _newest(each: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """By resolution: the newest end of all."""
    found: dict[int, int] = {}
    for ends in each:
        for resolution, end in ends.items():
            found[resolution] = max(found.get(resolution, end), end)
    return found
