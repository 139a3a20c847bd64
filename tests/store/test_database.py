"""The file of a store: writing and reading, limits, modes, writers, and errors."""

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_files import (
    MINUTE,
    NOW,
    RELAY,
    damaged_store,
    files_in_directory,
    minute,
    newer_store,
    other_database,
    text_file,
    version_1_store,
    write,
)

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import (
    COARSE_BUCKETS,
    FINEST_BUCKETS,
    RESOLUTIONS,
    StoredBucket,
    bucket_capacity,
)
from bwgraph.model.sum_history import SumHistory
from bwgraph.store import database, owner
from bwgraph.store.database import Store, StoreError, StoreGoneError
from bwgraph.store.owner import Process
from bwgraph.store.restore import SeriesKey

COARSE = RESOLUTIONS[3:]


def read(path: Path, key: SeriesKey = RELAY, now: float = NOW) -> list[StoredBucket]:
    with closing(Store(str(path), read_only=True)) as opened:
        return opened.read(key, now)


def rows(path: Path) -> list[tuple[int, int]]:
    """Return the resolution and the bucket of each row, read with plain SQL."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT resolution, ends_at FROM history ORDER BY 1, 2")
        return [(resolution, ends_at // resolution) for resolution, ends_at in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "past.db"


# Writing and reading


def test_written_buckets_are_read(path: Path) -> None:
    entries = [minute(5), minute(4, 0), minute(1, 7, 12.5, member_seconds=3)]
    write(path, *entries)
    assert read(path) == entries
    with closing(Store(str(path), read_only=True)) as opened:
        assert opened.newest_ends(RELAY, NOW) == {60: 60 * (MINUTE - 1)}
        assert opened.newest_ends(SeriesKey("another"), NOW) == {}
    assert read(path, SeriesKey("another")) == read(path, SeriesKey("relay", is_sum=True)) == []


def test_bucket_is_replaced_unless_the_new_one_covers_less(path: Path) -> None:
    write(path, minute(0, 100, 10.0))
    write(path, minute(0, 300, 30.0))
    write(path, minute(0, 200, 20.0))
    assert read(path) == [minute(0, 300, 30.0)]
    write(path, minute(0, 333, 30.0))  # missing bytes were added
    assert read(path) == [minute(0, 333, 30.0)]


def test_bucket_of_a_sum_is_replaced_when_a_member_is_added(path: Path) -> None:
    # One member covers part of the second, so the covered seconds of the sum become less.
    total, key = SumHistory(["a", "b"]), SeriesKey("both", is_sum=True)
    with closing(Store(str(path))) as opened:
        for name, read_bytes, seconds in (("a", 1000, 1.0), ("b", 700, 0.65)):
            portion = Portion(round(NOW), read_bytes, 0, seconds, read_bytes / seconds, 0.0)
            total.add(name, [portion], NOW)
            opened.write({key: total.changes(RESOLUTIONS)[1]}, NOW)
        assert {entry.portion.read for entry in opened.read(key, NOW)} == {1700}


def test_series_of_unusual_names_are_kept_apart(path: Path) -> None:
    names = [
        SeriesKey("a"),
        SeriesKey("a", is_sum=True),
        SeriesKey("É 'x'; --"),
        SeriesKey('["a", "b"]', is_sum=True),
    ]
    for count, key in enumerate(names):
        write(path, minute(count), key=key)
    with closing(Store(str(path), read_only=True)) as opened:
        assert sorted(opened.series()) == sorted(names)
    assert [read(path, key) for key in names] == [[minute(count)] for count in range(4)]


@st.composite
def sample_lists(draw: st.DrawFn) -> list[Sample]:
    """Samples of some of the last seconds, oldest first."""
    seconds_ago = draw(st.lists(st.integers(0, 5000), max_size=60, unique=True))
    return [
        Sample(NOW - ago, draw(st.integers(0, 1 << 40)), draw(st.integers(0, 9)), 1.0)
        for ago in sorted(seconds_ago, reverse=True)
    ]


@settings(max_examples=40)
@given(sample_lists(), st.integers(0, 60))
def test_restored_history_continues_like_one_that_never_stopped(
    samples: list[Sample], cut: int
) -> None:
    # One history that runs all the time, and one that is stored and then restored.
    uninterrupted, first, restored = History(), History(), History()
    before, after = samples[:cut], samples[cut:]
    with TemporaryDirectory() as directory:
        path = Path(directory) / "past.db"
        with closing(Store(str(path))) as opened:
            for index, sample in enumerate(before):
                uninterrupted.push(sample)
                first.push(sample)
                if index % 7 == 0:
                    opened.write({RELAY: first.changes(COARSE)[1]}, NOW)
            opened.write({RELAY: first.changes(COARSE)[1]}, NOW)
        restored.restore(read(path))
    for sample in after:
        uninterrupted.push(sample)
        restored.push(sample)
    for resolution in COARSE:
        one, other = (
            each.window(NOW, 200, resolution).buckets for each in (uninterrupted, restored)
        )
        assert one == other


@pytest.mark.parametrize("name", ["a b", "50%41?mode=ro#x", "é'\"", ":memory:", "-wal"])
def test_file_may_have_any_name(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, minute(1))
    assert read(tmp_path / name) == [minute(1)]
    assert list(files_in_directory(tmp_path / name)) == [name]


# Limits


def test_expired_buckets_of_all_series_are_deleted(path: Path) -> None:
    for key in (RELAY, SeriesKey("removed")):
        buckets = [
            StoredBucket(each, Portion(-(-int(NOW) // each) - ago, 1, 1, 1.0, 1.0, 1.0))
            for each in RESOLUTIONS
            for ago in (0, bucket_capacity(each) - 2, bucket_capacity(each) - 1)
        ]
        write(path, *buckets, key=key)
    assert len(rows(path)) == 2 * 3 * len(RESOLUTIONS)
    day = 86_400.0
    # A day later all buckets of the finer resolutions have expired.
    write(path, now=NOW + day)
    left = {resolution for resolution, _ in rows(path)}
    assert left == {each for each in RESOLUTIONS if each * bucket_capacity(each) > day}
    write(path, now=NOW + 2000 * day)
    assert rows(path) == []


def test_a_series_never_has_more_buckets_than_its_history(path: Path) -> None:
    history = History()
    with closing(Store(str(path))) as opened:
        for when in range(0, 5 * FINEST_BUCKETS, 5):
            history.push(Sample(NOW + when, 5, 5, 5.0))
            if when % 500 == 0:
                opened.write({RELAY: history.changes(RESOLUTIONS)[1]}, NOW + when)
                most = max(map([each for each, _ in rows(path)].count, RESOLUTIONS))
                assert most <= FINEST_BUCKETS
    counts = [[each for each, _ in rows(path)].count(each) for each in RESOLUTIONS]
    # The last five seconds are held back, since they may be shared with the next sample.
    assert counts[:3] == [FINEST_BUCKETS - 5, COARSE_BUCKETS - 1, COARSE_BUCKETS]
    assert path.stat().st_size < 1 << 20


def test_buckets_of_a_wrong_clock_are_ignored_and_limited(path: Path) -> None:
    write(path, minute(3))
    wrong = [minute(-10_000_000 - far) for far in range(3 * COARSE_BUCKETS)]
    write(path, *wrong)
    assert read(path) == [minute(3)]
    write(path, minute(2))
    assert read(path) == [minute(3), minute(2)]
    assert len(rows(path)) == 2 * COARSE_BUCKETS + 1


def test_invalid_rows_are_ignored(path: Path) -> None:
    write(path, minute(3))
    with closing(sqlite3.connect(path)) as connection:
        template = list(connection.execute("SELECT * FROM history").fetchone())
        for index, value in (
            *((1, 61), (2, 60 * (MINUTE - 2) + 1), (3, -1), (3, "many"), (4, 1 << 62)),
            *((5, float("inf")), (5, -1.0), (6, "x"), (7, -0.5), (8, b"1"), (9, "x")),
        ):
            row = [template[0], 60, 60 * (MINUTE - 9 - index), *template[3:]]
            row[index] = value
            connection.execute("INSERT OR REPLACE INTO history VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        connection.commit()
    assert read(path) == [minute(3)]


# Files, modes, and what is not a store


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_files_are_private_whatever_the_umask(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        opened = Store(str(path))
        opened.write({RELAY: [minute(1)]}, NOW)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
        opened.close()
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("past.db", "past.db-wal", "past.db-shm"), 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_empty_file_behind_a_link_becomes_a_store(path: Path) -> None:
    path.touch(0o644)
    link = path.with_name("link")
    link.symlink_to(path)
    write(link, minute(1))
    assert link.is_symlink()
    assert read(path) == [minute(1)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_reading_changes_and_creates_no_file(path: Path) -> None:
    with pytest.raises(ExplainedError, match="No such file"):
        Store(str(path), read_only=True)
    assert list(path.parent.iterdir()) == []
    write(path, minute(1))
    before = files_in_directory(path)
    assert read(path) == [minute(1)]
    Store(str(path)).close()
    assert files_in_directory(path) == before


def test_store_is_read_while_another_process_writes(path: Path) -> None:
    with closing(Store(str(path))) as writer:
        writer.write({RELAY: [minute(2)]}, NOW)
        assert read(path) == [minute(2)]
        writer.write({RELAY: [minute(1)]}, NOW)
        with closing(Store(str(path), read_only=True)) as one, closing(Store(str(path))) as other:
            assert one.read(RELAY, NOW) == other.read(RELAY, NOW) == [minute(2), minute(1)]


def test_open_store_reads_what_was_written_since(path: Path) -> None:
    write(path, minute(3))
    with closing(Store(str(path), read_only=True)) as reader:
        assert reader.read(RELAY, NOW) == [minute(3)]
        write(path, minute(2))  # and has closed it
        assert reader.read(RELAY, NOW) == [minute(3), minute(2)]
        with closing(Store(str(path))) as writer:
            writer.write({RELAY: [minute(1)]}, NOW)
            assert reader.read(RELAY, NOW) == [minute(3), minute(2), minute(1)]
        assert list(files_in_directory(path)) == ["past.db"]
        assert reader.read(RELAY, NOW) == [minute(3), minute(2), minute(1)]


def test_first_write_creates_the_file(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        assert opened.series() == []
        assert opened.read(RELAY, NOW) == []
        assert opened.newest_ends(RELAY, NOW) == {}
        assert files_in_directory(path) == {}
        opened.write({}, NOW)
        assert path.exists()


def other_database_in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE history (precious)")


def truncated_store(path: Path) -> None:
    write(path, *map(minute, range(500)))
    os.truncate(path, path.stat().st_size // 2)


def truncated_header(path: Path) -> None:
    write(path, minute(1))
    os.truncate(path, 90)


def store_without_history(path: Path) -> None:
    write(path, minute(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE history")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text_file, "not a bwgraph store (not an SQLite database); it is left untouched"),
        (other_database, "not a bwgraph store (the database of another program)"),
        (other_database_in_wal_mode, "not a bwgraph store (the database of another program)"),
        (newer_store, "a bwgraph store of version 3, and this bwgraph needs version 2; it is left"),
        (
            version_1_store,
            "a bwgraph store of version 1, and this bwgraph needs version 2; it is left",
        ),
        (truncated_store, "damaged ("),
        (truncated_header, "not a bwgraph store (not an SQLite database)"),
        (damaged_store, "damaged ("),
        (store_without_history, "damaged (no such table: history)"),
    ],
)
def test_unusable_file_is_refused_and_left_untouched(
    make: Callable[[Path], None], words: str, path: Path
) -> None:
    make(path)
    before = files_in_directory(path)
    for read_only in (False, True):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is checked
            Store(str(path), read_only=read_only)
        assert str(caught.value).startswith(f"{path}: {words}")
        assert "it is left untouched" in str(caught.value)
    assert files_in_directory(path) == before


def test_path_that_cannot_be_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a file"):
        Store(str(tmp_path))
    with pytest.raises(ValueError, match="not a file"):
        Store(os.devnull)
    with pytest.raises(ExplainedError, match="No such file or directory"):
        Store(str(tmp_path / "nowhere" / "past.db"))
    (tmp_path / "file").touch()
    with pytest.raises(ExplainedError, match="Not a directory"):
        Store(str(tmp_path / "file" / "past.db"))


# Writers


def add_writer(path: Path, **about: Any) -> None:
    """Make this process the relay's writer, with some of its fields changed."""
    write(path, minute(9))
    other = owner.this_process()._replace(**about)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO writer SELECT id, ?, ?, ?, ?, ? FROM series",
            (other.pid, other.started, other.boot_id, other.pid_namespace, time.time()),
        )
        connection.commit()


@pytest.fixture
def living_process() -> Iterator[Process]:
    """A process that is alive, and ends after the test."""
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as running:
        yield owner.this_process()._replace(
            pid=running.pid,
            started=owner._start_time(running.pid),
        )
        running.kill()


def test_series_of_another_living_process_is_refused(path: Path, living_process: Process) -> None:
    add_writer(path, pid=living_process.pid, started=living_process.started)
    other = SeriesKey("other")
    with closing(Store(str(path))) as opened:
        refused = opened.write({RELAY: [minute(1)], other: [minute(1)]}, NOW)
    assert refused == {RELAY: living_process.pid}
    assert read(path) == [minute(9)]
    assert read(path, other) == [minute(1)]


@pytest.mark.parametrize(
    "about",
    [
        {"pid": 1 << 22},  # larger than any pid
        {"started": "1"},  # another process has this pid by now
        {"boot_id": "earlier"},
        {"pid": "invalid"},
    ],
)
def test_series_of_a_dead_process_is_taken_over(
    path: Path, living_process: Process, about: dict[str, Any]
) -> None:
    add_writer(path, **{"pid": living_process.pid, "started": living_process.started, **about})
    write(path, minute(1))
    assert read(path) == [minute(9), minute(1)]


def test_writer_in_another_container_is_alive_as_long_as_it_writes(
    path: Path, living_process: Process
) -> None:
    add_writer(path, pid=living_process.pid, pid_namespace="pid:[1]")
    with closing(Store(str(path))) as opened:
        assert opened.write({RELAY: []}, NOW) == {RELAY: living_process.pid}
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "UPDATE writer SET heard_at = heard_at - ?", (owner.STALE_AFTER_S + 1,)
            )
            connection.commit()
        assert opened.write({RELAY: []}, NOW) == {}


def test_close_releases_the_series(path: Path) -> None:
    write(path, minute(1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM writer").fetchall() == []


# Errors


def test_full_disk_loses_no_written_data(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        opened.write({RELAY: [minute(1)]}, NOW)
        assert opened._connection is not None
        opened._connection.execute("PRAGMA max_page_count = 1")
        many = [minute(ago) for ago in range(1000)]
        with pytest.raises(StoreError, match="database or disk is full"):
            opened.write({RELAY: many}, NOW)
        assert read(path) == [minute(1)]
        opened.write({RELAY: many}, NOW)  # over a new connection, without the limit
        assert len(read(path)) == 1000


def test_number_that_sqlite_cannot_store_is_a_store_error(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        with pytest.raises(StoreError, match="too large"):
            opened.write({RELAY: [minute(2), minute(1, 1 << 63)]}, NOW)
        assert opened.read(RELAY, NOW) == []
        opened.write({RELAY: [minute(1)]}, NOW)
    assert read(path) == [minute(1)]


def test_any_exception_rolls_a_transaction_back(path: Path) -> None:
    def failing() -> Iterator[StoredBucket]:
        yield minute(2)
        raise RuntimeError("failed")

    with closing(Store(str(path))) as opened:
        with pytest.raises(RuntimeError):
            opened.write({RELAY: failing()}, NOW)  # type: ignore[dict-item]
        assert opened.read(RELAY, NOW) == []
        opened.write({RELAY: [minute(1)]}, NOW)
    assert read(path) == [minute(1)]


def test_locked_store_is_a_store_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 0.01)
    write(path, minute(2))
    with closing(Store(str(path))) as opened:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="database is locked"):
                opened.write({RELAY: [minute(1)]}, NOW)
        opened.write({RELAY: [minute(1)]}, NOW)
    assert read(path) == [minute(2), minute(1)]


def test_removed_or_replaced_file_is_noticed(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        opened.write({RELAY: [minute(1)]}, NOW)
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(StoreGoneError, match="the file is gone"):
            opened.write({RELAY: [minute(1)]}, NOW)
        text_file(path)
        with pytest.raises(StoreGoneError, match="another file is in its place"):
            opened.write({RELAY: [minute(1)]}, NOW)
    assert path.read_text() == "Dear diary\n"


def test_store_is_created_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, __: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write(path, minute(1))
    assert read(path) == [minute(1)]
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_processes_that_create_a_store_share_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = Path.hardlink_to

    def write_first(made: Path, to: Path) -> None:
        monkeypatch.setattr(Path, "hardlink_to", link)
        write(path, minute(1))
        link(made, to)

    monkeypatch.setattr(Path, "hardlink_to", write_first)
    write(path, minute(2))
    assert read(path) == [minute(2), minute(1)]
    assert list(path.parent.iterdir()) == [path]
