"""The door to the store for whoever runs something: to begin with its past, and to keep on with it.

Owns which of its rooms are needed for what. Imported only if a store is asked for, since SQLite
takes time and memory.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.store import database, restore
from bwgraph.store.database import Store, StoreError
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import Restorer, SeriesKey
from bwgraph.system.clock import now

check = database.check


def record(
    path: str, fleet: Fleet, resolution: int, remark: Callable[[str], object] | None
) -> Recorder:
    """A context in which a fleet has its past, and what it is told is stored.

    ``remark`` is told what goes wrong where there is no screen to show it; what cannot be done at
    all is a ExplainedError then.
    """
    return Recorder(Store(path), fleet, resolution, write_message=remark, strict=remark is not None)


@contextmanager
def restore_only(path: str, fleet: Fleet) -> Iterator[None]:
    """Restore a fleet's past, at the end at the latest, and store nothing.

    Raises ExplainedError if the store cannot be read.
    """
    for instance in fleet.instances:
        instance.is_stored = True
    with closing(Store(path, read_only=True)) as shelf:
        memory = Restorer(fleet, shelf)
        try:
            memory.restore(now())
            yield
            memory.restore(now())
        except StoreError as error:
            raise database.explained(path, error) from None


def newest_ends(path: str, fleet: Fleet, places: Iterable[str]) -> dict[int, int]:
    """Return the end of the newest stored column of this fleet, by resolution; empty without one.

    If the tor is still to be found, these places are looked up. Call it before the fleet is
    attached: a file must not be opened twice.
    """
    names = [*restore.series_of(fleet)] or [SeriesKey(place) for place in places]
    try:
        with closing(Store(path, read_only=True)) as shelf:
            return restore.newest_ends(shelf, names, now())
    except (ExplainedError, StoreError):
        return {}  # a missing file is fine, and the recorder reports all else


def archive(path: str) -> Fleet | None:
    """All that is in a store, with nothing to come; None if there is nothing."""
    with closing(Store(path, read_only=True)) as shelf:
        try:
            return restore.archive(shelf, path, now())
        except StoreError as error:
            raise database.explained(path, error) from None
