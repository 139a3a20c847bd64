"""Opening a store, recording into it and restoring from it, for the command line.

Owns which module of this package does what. It is imported only if a store is asked for, since
SQLite takes time and memory.

Open a store once, with ``open_store``, and pass it to the other functions. Whoever opens it closes
it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bwgraph.model.fleet import Fleet
from bwgraph.store import database, restore
from bwgraph.store.database import Store, StoreError
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import Restorer, SeriesKey
from bwgraph.system.clock import now


def open_store(path: str, *, read_only: bool) -> Store:
    """Open the store in a file and check it. ``record`` creates a missing file.

    Raises ValueError if the file is not a store or is damaged, and ExplainedError if it cannot be
    read, or if it does not exist and ``read_only`` is true.
    """
    return Store(path, read_only=read_only)


def record(
    store: Store, fleet: Fleet, resolution: int, write_message: Callable[[str], object] | None
) -> Recorder:
    """Return a context that restores a fleet's histories and records into the store.

    ``resolution`` is the finest that is stored, in seconds. ``write_message`` is for a program
    without a screen: it is called with each message, and entering the context raises ExplainedError
    if nothing can be recorded. Raises ExplainedError if the file cannot be created.
    """
    return Recorder(
        store.writer(),
        fleet,
        resolution,
        write_message=write_message,
        strict=write_message is not None,
    )


@contextmanager
def restore_only(store: Store, fleet: Fleet) -> Iterator[None]:
    """Restore a fleet's histories without recording. At the end, restore those of tors found since.

    Raises ExplainedError if the store cannot be read.
    """
    for instance in fleet.instances:
        instance.is_stored = True
    restorer = Restorer(fleet, store)
    try:
        restorer.restore(now())
        yield
        restorer.restore(now())
    except StoreError as error:
        raise database.explained(store.path, error) from None


def newest_ends(store: Store, fleet: Fleet, endpoints: Iterable[str]) -> dict[int, int]:
    """Return the end of a fleet's newest stored bucket by resolution; empty if nothing is stored.

    The series of these ``endpoints`` are used if no tor of the fleet has been found yet.
    """
    keys = [*restore.series_of(fleet)] or [SeriesKey(endpoint) for endpoint in endpoints]
    try:
        return restore.newest_ends(store, keys, now())
    except StoreError:
        return {}  # the recorder reports it


def stored_fleet(store: Store) -> Fleet | None:
    """Return a fleet of all that is stored, which gets no samples; None if nothing is stored.

    Raises ExplainedError if the store cannot be read.
    """
    try:
        return restore.stored_fleet(store, store.path, now())
    except StoreError as error:
        raise database.explained(store.path, error) from None
