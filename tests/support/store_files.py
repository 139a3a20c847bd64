"""Stores, and files that are no usable stores, for the tests."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from bwgraph.model.ring import Portion
from bwgraph.model.rollups import StoredBucket
from bwgraph.store import schema
from bwgraph.store.database import Store
from bwgraph.store.restore import SeriesKey

NOW = 1_800_000_030.0
"The present: half a minute into an hour."

MINUTE = 30_000_001
"The bucket of a minute that contains the present."

RELAY = SeriesKey("relay")


def minute(
    ago: int, read: int = 600, seconds: float = 60.0, member_seconds: int = 0
) -> StoredBucket:
    """Return the bucket of the minute that was ``ago`` minutes ago."""
    portion = Portion(MINUTE - ago, read, read // 2, seconds, read / 30, read / 60)
    return StoredBucket(60, portion, member_seconds, 12.0 if member_seconds else 0.0)


def write(path: Path, *entries: StoredBucket, key: SeriesKey = RELAY, now: float = NOW) -> None:
    """Write buckets to a store, which is created if need be."""
    with closing(Store(str(path))) as opened:
        assert opened.write({key: entries}, now) == {}


def files_in_directory(path: Path) -> Mapping[str, bytes]:
    """Return the content of each file in the directory of ``path``, by name."""
    return {each.name: each.read_bytes() for each in path.parent.iterdir() if each.is_file()}


def other_database(path: Path) -> None:
    """Create the database of another program."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE history (precious)")


def newer_store(path: Path) -> None:
    """Create a store of the next version."""
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


def version_1_store(path: Path) -> None:
    """Create a store of version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(VERSION_1_TABLES)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")


def damaged_store(path: Path) -> None:
    """Create a store and overwrite parts of its pages."""
    write(path, *map(minute, range(500)))
    with path.open("r+b") as file:
        for at in range(4096, path.stat().st_size, 4096):
            file.seek(at)
            file.write(b"\xa5" * 64)


def text_file(path: Path) -> None:
    """Create a file of text."""
    path.write_text("Dear diary\n")
