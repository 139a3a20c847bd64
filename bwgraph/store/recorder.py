"""The recorder: a thread that puts what the histories are told into a store, every few seconds.

Owns when that is done, and what the user is told when it cannot be. It only copies out of the
histories; what hinders it hinders nobody else. Must not know SQLite.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from bwgraph.model.errors import Refusal
from bwgraph.model.fleet import Fleet
from bwgraph.model.rollups import RESOLUTIONS, Entry
from bwgraph.store.database import Gone, Store, Unwritten
from bwgraph.store.restore import Kept, Recall
from bwgraph.system.clock import now

EVERY = 5.0
"Seconds between two times. What a kill -9 may cost is this, and what a second of tor's takes."

SOON = 0.5
"Seconds to the next look as long as it is not known which tor it is."

ENDING = 2.0
"Seconds that the last time may take when the program ends."


class Recorder:
    """A context in which a fleet has its past, and what it is told is stored.

    What another process stores already is a Refusal at the start if the recorder is ``strict``;
    else it is remarked on, and stored as soon as that process has ended. A remark is on the screen
    as long as it holds, and is told to ``remark`` once, and once more when it holds no longer.
    """

    def __init__(
        self,
        store: Store,
        fleet: Fleet,
        resolution: int,
        *,
        remark: Callable[[str], object] | None = None,
        strict: bool = False,
        every: float = EVERY,
        clock: Callable[[], float] = now,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._resolutions = tuple(each for each in RESOLUTIONS if each >= resolution)
        self._remark = remark
        self._strict = strict
        self._every = every
        self._clock = clock
        self._recall = Recall(fleet, store)
        self._again: dict[Kept, int] = {}  # from which second on it is not stored yet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bwgraph recorder", daemon=True)

    def __enter__(self) -> Self:
        for instance in self._fleet.instances:
            instance.stored = True
        if self._strict:
            try:
                why = _others(self._record())
            except Unwritten as error:
                why = str(error)
            if why:
                self._store.close()
                raise Refusal(f"{self._store.path}: {why}")
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
        self._thread.join(ENDING)

    def _run(self) -> None:
        gone = False
        while not gone and not self._stop.wait(self._pause()):
            gone = self._try()
        if not gone:
            self._try()
        self._store.close()

    def _pause(self) -> float:
        unknown = any(instance.key is None for instance in self._fleet.instances)
        return min(SOON, self._every) if unknown else self._every

    def _try(self) -> bool:
        """Store what there is, and say so if that fails; whether there is no hope for more."""
        try:
            why = _others(self._record())
        except Unwritten as error:
            gone = isinstance(error, Gone)
            hope = "" if gone else "; trying again"
            self._say(f"not stored: {error}{hope} ({self._store.path})")
            return gone
        self._say(f"not stored: {why}" if why else "")
        return False

    def _record(self) -> dict[Kept, int]:
        """Store what has come since; whose past another process stores, with its number."""
        moment = self._clock()
        histories = self._recall.recall(moment)
        news: dict[Kept, Sequence[Entry]] = {}
        for whose, history in histories.items():
            first, news[whose] = history.take(self._resolutions, self._again.get(whose))
            if first is not None:
                self._again[whose] = first
        refused = self._store.write(news, moment)
        # What is refused is kept in mind, and stored when the other process has ended.
        self._again = {whose: self._again[whose] for whose in refused if whose in self._again}
        return refused

    def _say(self, words: str) -> None:
        """Let it be known, once, and with the time since when."""
        before = self._fleet.remark
        if before.partition(" [")[0] == words:
            return
        since = datetime.now().astimezone()
        self._fleet.remark = f"{words} [since {since:%H:%M:%S}]" if words else ""
        if self._remark is not None:
            self._remark(words or f"stored again: {self._store.path}")


def _others(refused: dict[Kept, int]) -> str:
    """Who else stores what; empty if nobody does."""
    if not refused:
        return ""
    names = ", ".join(whose.name for whose in refused if not whose.sum) or "their sum"
    process = next(iter(refused.values()))
    return f"another bwgraph (process {process}) stores {names} already"
