"""Fifty recorders on one file, one after another, each killed with -9 while it writes.

``killed_writers.py FILE``. Each child says through a pipe what it has committed, and after each
death the file is looked at. It is a program of its own, so that only what is small is forked.
"""

import os
import random
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from bwgraph.model.events import Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.rollups import RESOLUTIONS, Bucket
from bwgraph.store.database import Store
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import SeriesKey

WRITERS = 50
LIFE = 1000
"Seconds of the histories' time from one writer to the next, and all in one day."
START = 1_800_000_000 // 86_400 * 86_400
DAY = RESOLUTIONS[-1]


class Telling(Store):
    """A store that says how much is in the day when that has been committed."""

    def __init__(self, path: str, pipe: int) -> None:
        super().__init__(path)
        self._pipe = pipe

    def write(self, news: Mapping[SeriesKey, Sequence[Bucket]], now: float) -> dict[SeriesKey, int]:
        refused = super().write(news, now)
        assert not refused
        days = [e.portion.read for entries in news.values() for e in entries if e.resolution == DAY]
        if days:
            os.write(self._pipe, f"{days[-1]}\n".encode())
        return refused


def live(path: str, pipe: int, begin: int) -> None:
    """Record until the end comes, or the next one's time."""
    when = begin
    relay = Instance("relay", history=History(lock=threading.Lock()))
    store = Telling(path, pipe)
    with Recorder(store, Fleet([relay]), 60, strict=True, interval=0.001, clock=lambda: when + 0.5):
        for when in range(begin + 1, begin + LIFE - 50):
            relay.handle(Sample(float(when), 1000 + when % 7, when % 5, 1.0))
            if when % 20 == 0:
                time.sleep(0.001)
        time.sleep(60)


def seen(path: str) -> tuple[str, dict[int, int]]:
    """What SQLite thinks of the file, and the bytes that are in it at each resolution."""
    # For reading only, so that what the dead have left beside it is for the next writer to find.
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        sound = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        sums = "SELECT resolution, sum(read) FROM history GROUP BY resolution"
        return sound, dict(connection.execute(sums).fetchall())


def main(path: str) -> None:
    numbers = random.Random(6)
    committed = deaths = 0
    for which in range(WRITERS):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            live(path, writing, START + which * LIFE)
            os._exit(1)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            first = pipe.readline()  # so that each has written something
            time.sleep(numbers.uniform(0.0, 0.03))
            os.kill(child, signal.SIGKILL)
            said = [first, *pipe.read().splitlines(keepends=True)]
        deaths += os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        whole = [int(line) for line in said if line.endswith(b"\n")]
        assert whole == sorted(whole), whole
        assert whole[0] > committed, "it goes on from what is there"
        committed = whole[-1]
        sound, sums = seen(path)
        assert sound == "ok", sound
        assert sums.keys() == set(RESOLUTIONS[3:])
        assert len(set(sums.values())) == 1, sums
        assert sums[DAY] >= committed, (sums, committed)
        committed = sums[DAY]
    left = sorted(each.name for each in Path(path).parent.iterdir())
    print(deaths, "killed,", committed, "bytes,", *left)


if __name__ == "__main__":
    main(sys.argv[1])
