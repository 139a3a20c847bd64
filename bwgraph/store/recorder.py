"""The recorder: a thread that writes new buckets of the histories to a store every few seconds.

Owns when that happens, and the messages to the user when it fails. It copies out of the
histories, and restores each of them once. An error of the store becomes a message, and stops
nothing else. Must not know SQLite.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.model.rollups import RESOLUTIONS, StoredBucket
from bwgraph.store.database import Store, StoreError, StoreGoneError
from bwgraph.store.restore import Restorer, SeriesKey
from bwgraph.system.clock import now

WRITE_INTERVAL_S = 5.0
"""Seconds between two writes. After kill -9, at most this much is lost, plus the samples not yet in
a bucket."""

UNKNOWN_TOR_INTERVAL_S = 0.5
"Seconds between two writes as long as some tor has not been found yet."

LAST_WRITE_TIMEOUT_S = 2.0
"Seconds to wait for the last write when the program ends."


class Recorder:
    """A context that restores a fleet's histories and records them, and closes the store.

    If ``strict``, entering it raises ExplainedError if nothing can be written, or if another
    process writes one of the series. Otherwise it shows the error and tries again.

    A message is in ``fleet.notice`` as long as it applies. ``write_message`` is called with it
    once, and once more when it no longer applies.
    """

    def __init__(
        self,
        store: Store,
        fleet: Fleet,
        resolution: int,
        *,
        write_message: Callable[[str], object] | None = None,
        strict: bool = False,
        interval: float = WRITE_INTERVAL_S,
        clock: Callable[[], float] = now,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._resolutions = tuple(each for each in RESOLUTIONS if each >= resolution)
        self._write_message = write_message
        self._strict = strict
        self._interval = interval
        self._clock = clock
        self._restorer = Restorer(fleet, store)
        # By series: the first second whose buckets are not stored yet.
        self._unwritten_from: dict[SeriesKey, int] = {}
        self._shown = ""  # the message in ``fleet.notice``, without its time
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bwgraph recorder", daemon=True)

    def __enter__(self) -> Self:
        for instance in self._fleet.instances:
            instance.is_stored = True
        if self._strict:
            try:
                message = _other_writers(self._write())
            except StoreError as error:
                message = str(error)
            if message:
                self._store.close()
                raise ExplainedError(f"{self._store.path}: {message}")
        else:
            self._try_write()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(LAST_WRITE_TIMEOUT_S)

    def _run(self) -> None:
        is_gone = False
        while not is_gone and not self._stop.wait(self._pause()):
            is_gone = self._try_write()
        if not is_gone:
            self._try_write()
        self._store.close()

    def _pause(self) -> float:
        """Return the seconds until the next write."""
        unknown = any(instance.store_name is None for instance in self._fleet.instances)
        return min(UNKNOWN_TOR_INTERVAL_S, self._interval) if unknown else self._interval

    def _try_write(self) -> bool:
        """Write new buckets, and show a message if that fails. Return whether the file is gone."""
        try:
            message = _other_writers(self._write())
        except StoreError as error:
            is_gone = isinstance(error, StoreGoneError)
            retry = "" if is_gone else "; trying again"
            self._show(f"not stored: {error}{retry} ({self._store.path})")
            return is_gone
        self._show(f"not stored: {message}" if message else "")
        return False

    def _write(self) -> dict[SeriesKey, int]:
        """Restore histories of tors found since, and write new buckets.

        Returns the pid of each other process that writes a series.
        """
        moment = self._clock()
        histories = self._restorer.restore(moment)
        buckets: dict[SeriesKey, Sequence[StoredBucket]] = {}
        for key, history in histories.items():
            first, buckets[key] = history.changes(self._resolutions, self._unwritten_from.get(key))
            if first is not None:
                self._unwritten_from[key] = first
        refused = self._store.write(buckets, moment)
        # What was refused is written when the other process has ended.
        self._unwritten_from = {
            key: self._unwritten_from[key] for key in refused if key in self._unwritten_from
        }
        return refused

    def _show(self, message: str) -> None:
        """Show a message, with the time since when it applies, unless it is shown already."""
        if message == self._shown:
            return
        self._shown = message
        since = datetime.now().astimezone()
        self._fleet.notice = f"{message} [since {since:%H:%M:%S}]" if message else ""
        if self._write_message is not None:
            self._write_message(message or f"stored again: {self._store.path}")


def _other_writers(refused: dict[SeriesKey, int]) -> str:
    """Return a message about the processes that write these series; empty if there are none."""
    if not refused:
        return ""
    names = ", ".join(key.name for key in refused if not key.is_sum) or "their sum"
    pid = next(iter(refused.values()))
    return f"another bwgraph (process {pid}) stores {names} already"
