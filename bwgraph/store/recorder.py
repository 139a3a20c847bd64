"""The recorder: a thread that puts what the histories are told into a store, every few seconds.

Owns when that is done, and what the user is told when it cannot be. It only copies out of the
histories; what hinders it hinders nobody else. Must not know SQLite.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.model.rollups import RESOLUTIONS, Bucket
from bwgraph.store.database import Store, StoreError, StoreGoneError
from bwgraph.store.restore import Restorer, SeriesKey
from bwgraph.system.clock import now

WRITE_INTERVAL_S = 5.0
"Seconds between two times. What a kill -9 may cost is this, and what a second of tor's takes."

UNKNOWN_TOR_INTERVAL_S = 0.5
"Seconds to the next look as long as it is not known which tor it is."

LAST_WRITE_TIMEOUT_S = 2.0
"Seconds that the last time may take when the program ends."


class Recorder:
    """A context in which a fleet has its past, and what it is told is stored.

    What another process stores already is a ExplainedError at the start if the recorder is
    ``strict``;
    else it is remarked on, and stored as soon as that process has ended. A remark is on the screen
    as long as it holds, and is told to ``remark`` once, and once more when it holds no longer.
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
        self._recall = Restorer(fleet, store)
        self._unwritten_from: dict[SeriesKey, int] = {}  # from which second on it is not stored yet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bwgraph recorder", daemon=True)

    def __enter__(self) -> Self:
        for instance in self._fleet.instances:
            instance.is_stored = True
        if self._strict:
            try:
                why = _other_writers(self._record())
            except StoreError as error:
                why = str(error)
            if why:
                self._store.close()
                raise ExplainedError(f"{self._store.path}: {why}")
        else:
            self._try()
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
        gone = False
        while not gone and not self._stop.wait(self._pause()):
            gone = self._try()
        if not gone:
            self._try()
        self._store.close()

    def _pause(self) -> float:
        unknown = any(instance.store_name is None for instance in self._fleet.instances)
        return min(UNKNOWN_TOR_INTERVAL_S, self._interval) if unknown else self._interval

    def _try(self) -> bool:
        """Store what there is, and say so if that fails; whether there is no hope for more."""
        try:
            why = _other_writers(self._record())
        except StoreError as error:
            gone = isinstance(error, StoreGoneError)
            hope = "" if gone else "; trying again"
            self._show(f"not stored: {error}{hope} ({self._store.path})")
            return gone
        self._show(f"not stored: {why}" if why else "")
        return False

    def _record(self) -> dict[SeriesKey, int]:
        """Store what has come since; whose past another process stores, with its number."""
        moment = self._clock()
        histories = self._recall.restore(moment)
        news: dict[SeriesKey, Sequence[Bucket]] = {}
        for whose, history in histories.items():
            first, news[whose] = history.changes(self._resolutions, self._unwritten_from.get(whose))
            if first is not None:
                self._unwritten_from[whose] = first
        refused = self._store.write(news, moment)
        # What is refused is kept in mind, and stored when the other process has ended.
        self._unwritten_from = {
            whose: self._unwritten_from[whose] for whose in refused if whose in self._unwritten_from
        }
        return refused

    def _show(self, words: str) -> None:
        """Let it be known, once, and with the time since when."""
        before = self._fleet.notice
        if before.partition(" [")[0] == words:
            return
        since = datetime.now().astimezone()
        self._fleet.notice = f"{words} [since {since:%H:%M:%S}]" if words else ""
        if self._write_message is not None:
            self._write_message(words or f"stored again: {self._store.path}")


def _other_writers(refused: dict[SeriesKey, int]) -> str:
    """Who else stores what; empty if nobody does."""
    if not refused:
        return ""
    names = ", ".join(whose.name for whose in refused if not whose.is_sum) or "their sum"
    process = next(iter(refused.values()))
    return f"another bwgraph (process {process}) stores {names} already"
