"""Run 50 recorders on one file, one after another, and kill each with SIGKILL while it writes.

Usage: ``killed_writers.py FILE``. Each recorder reports through a pipe what it has committed, and
the file is checked after each kill. It is a program of its own, so that a small process is forked.
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
from bwgraph.model.rollups import RESOLUTIONS, StoredBucket
from bwgraph.store.database import Store
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import SeriesKey

WRITERS = 50
SECONDS_PER_WRITER = 1000
"Seconds of the histories' time for each recorder; all of them are in one day."
START = 1_800_000_000 // 86_400 * 86_400
DAY = RESOLUTIONS[-1]


class ReportingStore(Store):
    """A store that reports the bytes of the day's bucket after each commit."""

    def __init__(self, path: str, pipe: int) -> None:
        super().__init__(path)
        self._pipe = pipe

    def write(
        self, buckets: Mapping[SeriesKey, Sequence[StoredBucket]], now: float
    ) -> dict[SeriesKey, int]:
        refused = super().write(buckets, now)
        assert not refused
        days = [
            e.portion.read for entries in buckets.values() for e in entries if e.resolution == DAY
        ]
        if days:
            os.write(self._pipe, f"{days[-1]}\n".encode())
        return refused


def record(path: str, pipe: int, start: int) -> None:
    """Record from this second on, until this process is killed."""
    second = start
    relay = Instance("relay", history=History(lock=threading.Lock()))
    store = ReportingStore(path, pipe)
    with Recorder(
        store, Fleet([relay]), 60, strict=True, interval=0.001, clock=lambda: second + 0.5
    ):
        for second in range(start + 1, start + SECONDS_PER_WRITER - 50):
            relay.handle(Sample(float(second), 1000 + second % 7, second % 5, 1.0))
            if second % 20 == 0:
                time.sleep(0.001)
        time.sleep(60)


def inspect(path: str) -> tuple[str, dict[int, int]]:
    """Return the result of SQLite's check, and the bytes in the file by resolution."""
    # Read only, so that the files that were left beside it are there for the next writer.
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        integrity = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
        sums = "SELECT resolution, sum(read) FROM history GROUP BY resolution"
        return integrity, dict(connection.execute(sums).fetchall())


def main(path: str) -> None:
    numbers = random.Random(6)
    committed = kills = 0
    for number in range(WRITERS):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            record(path, writing, START + number * SECONDS_PER_WRITER)
            os._exit(1)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            first = pipe.readline()  # wait until something was written
            time.sleep(numbers.uniform(0.0, 0.03))
            os.kill(child, signal.SIGKILL)
            reports = [first, *pipe.read().splitlines(keepends=True)]
        kills += os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        committed_bytes = [int(line) for line in reports if line.endswith(b"\n")]
        assert committed_bytes == sorted(committed_bytes), committed_bytes
        assert committed_bytes[0] > committed, "it did not continue"
        committed = committed_bytes[-1]
        integrity, sums = inspect(path)
        assert integrity == "ok", integrity
        assert sums.keys() == set(RESOLUTIONS[3:])
        assert len(set(sums.values())) == 1, sums
        assert sums[DAY] >= committed, (sums, committed)
        committed = sums[DAY]
    left = sorted(each.name for each in Path(path).parent.iterdir())
    print(kills, "killed,", committed, "bytes,", *left)


if __name__ == "__main__":
    main(sys.argv[1])
