"""Files that are stores, or look like one, for the tests of the store."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bwgraph.model.ring import Portion
from bwgraph.model.rollups import Bucket
from bwgraph.store import schema
from bwgraph.store.database import Store
from bwgraph.store.restore import SeriesKey

NOW = 1_800_000_030.0
"Half a minute after a full one, which begins an hour."


MINUTE = 30_000_001
"The column of a minute that it is in."


RELAY = SeriesKey("relay")


def minute(ago: int, read: int = 600, seconds: float = 60.0, told: int = 0) -> Bucket:
    """A minute so many before the present one."""
    portion = Portion(MINUTE - ago, read, read // 2, seconds, read / 30, read / 60)
    return Bucket(60, portion, told, 12.0 if told else 0.0)


def write(path: Path, *entries: Bucket, whose: SeriesKey = RELAY, now: float = NOW) -> None:
    with closing(Store(str(path))) as opened:
        assert opened.write({whose: entries}, now) == {}


def beside(path: Path) -> Mapping[str, bytes]:
    """All that is in the directory of a file, by name."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE history (precious)")


def newer(path: Path) -> None:
    write(path, minute(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")


VERSION_1_TABLES = """
CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sum INTEGER NOT NULL,
    UNIQUE (name, sum)
);
CREATE TABLE history (
    instance INTEGER NOT NULL,
    resolution INTEGER NOT NULL,
    until INTEGER NOT NULL,
    read INTEGER NOT NULL,
    written INTEGER NOT NULL,
    seconds REAL NOT NULL,
    read_peak REAL NOT NULL,
    written_peak REAL NOT NULL,
    told INTEGER NOT NULL,
    whole REAL NOT NULL,
    PRIMARY KEY (instance, resolution, until)
) WITHOUT ROWID;
CREATE TABLE writer (
    instance INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    began TEXT NOT NULL,
    boot TEXT NOT NULL,
    space TEXT NOT NULL,
    heard REAL NOT NULL
);
INSERT INTO instance VALUES (1, 'relay', 0);
INSERT INTO history VALUES (1, 60, 1800000000, 600, 300, 60.0, 20.0, 10.0, 0, 0.0);
"""
"The schema of version 1, as bwgraph wrote it before its first release, and one bucket."


def older(path: Path) -> None:
    """Make a store of version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1_TABLES)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")


def scribbled_on(path: Path) -> None:
    write(path, *map(minute, range(500)))
    with path.open("r+b") as file:
        for at in range(4096, path.stat().st_size, 4096):
            file.seek(at)
            file.write(b"\xa5" * 64)


def text(path: Path) -> None:
    path.write_text("Dear diary\n")
