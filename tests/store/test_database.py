"""The file of the past: what is in it and what is not, whose it is, what is never done to it."""

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
    another_database,
    beside,
    minute,
    newer,
    older,
    scribbled_on,
    text,
    write,
)

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Sample
from bwgraph.model.history import History
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import COARSE_BUCKETS, FINEST_BUCKETS, RESOLUTIONS, Bucket, kept_buckets
from bwgraph.model.sum_history import SumHistory
from bwgraph.store import database, owner
from bwgraph.store.database import Store, StoreError, StoreGoneError
from bwgraph.store.owner import Process
from bwgraph.store.restore import SeriesKey

STORED = RESOLUTIONS[3:]


def read(path: Path, whose: SeriesKey = RELAY, now: float = NOW) -> list[Bucket]:
    with closing(Store(str(path), read_only=True)) as opened:
        return opened.read(whose, now)


def rows(path: Path) -> list[tuple[int, int]]:
    """What is in it by resolution and column, read by SQLite alone."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT resolution, ends_at FROM history ORDER BY 1, 2")
        return [(resolution, ends_at // resolution) for resolution, ends_at in found]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "past.db"


# What goes in comes out


def test_what_was_written_is_read(path: Path) -> None:
    entries = [minute(5), minute(4, 0), minute(1, 7, 12.5, told=3)]
    write(path, *entries)
    assert read(path) == entries
    with closing(Store(str(path), read_only=True)) as opened:
        assert opened.newest_ends(RELAY, NOW) == {60: 60 * (MINUTE - 1)}
        assert opened.newest_ends(SeriesKey("another"), NOW) == {}
    assert read(path, SeriesKey("another")) == read(path, SeriesKey("relay", is_sum=True)) == []


def test_a_column_that_grows_is_replaced_and_one_less_known_is_not(path: Path) -> None:
    write(path, minute(0, 100, 10.0))
    write(path, minute(0, 300, 30.0))
    write(path, minute(0, 200, 20.0))
    assert read(path) == [minute(0, 300, 30.0)]
    write(path, minute(0, 333, 30.0))  # it had lacked some
    assert read(path) == [minute(0, 333, 30.0)]


def test_a_sum_that_is_stored_before_all_are_in_it_has_all_in_the_end(path: Path) -> None:
    # One of them has a part of a second there, so that what the bytes stand for becomes less.
    total, whose = SumHistory(["a", "b"]), SeriesKey("both", is_sum=True)
    with closing(Store(str(path))) as opened:
        for name, read_bytes, seconds in (("a", 1000, 1.0), ("b", 700, 0.65)):
            portion = Portion(round(NOW), read_bytes, 0, seconds, read_bytes / seconds, 0.0)
            total.add(name, [portion], NOW)
            opened.write({whose: total.changes(RESOLUTIONS)[1]}, NOW)
        assert {entry.portion.read for entry in opened.read(whose, NOW)} == {1700}


def test_names_are_told_apart_however_strange(path: Path) -> None:
    names = [
        SeriesKey("a"),
        SeriesKey("a", is_sum=True),
        SeriesKey("É 'x'; --"),
        SeriesKey('["a", "b"]', is_sum=True),
    ]
    for count, whose in enumerate(names):
        write(path, minute(count), whose=whose)
    with closing(Store(str(path), read_only=True)) as opened:
        assert sorted(opened.series()) == sorted(names)
    assert [read(path, whose) for whose in names] == [[minute(count)] for count in range(4)]


@st.composite
def portions(draw: st.DrawFn) -> list[Sample]:
    """Seconds of which some are known, the last not after the present."""
    known = draw(st.lists(st.integers(0, 5000), max_size=60, unique=True))
    return [
        Sample(NOW - ago, draw(st.integers(0, 1 << 40)), draw(st.integers(0, 9)), 1.0)
        for ago in sorted(known, reverse=True)
    ]


@settings(max_examples=40)
@given(portions(), st.integers(0, 60))
def test_a_history_comes_back_as_it_was_and_goes_on(samples: list[Sample], cut: int) -> None:
    # The one that nobody ever stopped, and the one that was stored now and then.
    whole, first, again = History(), History(), History()
    before, after = samples[:cut], samples[cut:]
    with TemporaryDirectory() as directory:
        path = Path(directory) / "past.db"
        with closing(Store(str(path))) as opened:
            for index, sample in enumerate(before):
                whole.push(sample)
                first.push(sample)
                if index % 7 == 0:
                    opened.write({RELAY: first.changes(STORED)[1]}, NOW)
            opened.write({RELAY: first.changes(STORED)[1]}, NOW)
        again.restore(read(path))
    for sample in after:
        whole.push(sample)
        again.push(sample)
    for resolution in STORED:
        one, other = (each.window(NOW, 200, resolution).buckets for each in (whole, again))
        assert one == other


@pytest.mark.parametrize("name", ["a b", "50%41?mode=ro#x", "é'\"", ":memory:", "-wal"])
def test_its_name_may_be_anything(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, minute(1))
    assert read(tmp_path / name) == [minute(1)]
    assert list(beside(tmp_path / name)) == [name]


# Bounds


def test_what_is_too_old_goes_at_every_resolution_and_whosever_it_is(path: Path) -> None:
    for whose in (RELAY, SeriesKey("gone long ago")):
        columns = [
            Bucket(each, Portion(-(-int(NOW) // each) - ago, 1, 1, 1.0, 1.0, 1.0))
            for each in RESOLUTIONS
            for ago in (0, kept_buckets(each) - 2, kept_buckets(each) - 1)
        ]
        write(path, *columns, whose=whose)
    assert len(rows(path)) == 2 * 3 * len(RESOLUTIONS)
    day = 86_400.0
    # A day later the finer ones have turned once around.
    write(path, now=NOW + day)
    left = {resolution for resolution, _ in rows(path)}
    assert left == {each for each in RESOLUTIONS if each * kept_buckets(each) > day}
    write(path, now=NOW + 2000 * day)
    assert rows(path) == []


def test_it_is_never_larger_than_the_rings(path: Path) -> None:
    history = History()
    with closing(Store(str(path))) as opened:
        for when in range(0, 5 * FINEST_BUCKETS, 5):
            history.push(Sample(NOW + when, 5, 5, 5.0))
            if when % 500 == 0:
                opened.write({RELAY: history.changes(RESOLUTIONS)[1]}, NOW + when)
                most = max(map([each for each, _ in rows(path)].count, RESOLUTIONS))
                assert most <= FINEST_BUCKETS
    counts = [[each for each, _ in rows(path)].count(each) for each in RESOLUTIONS]
    # The last five seconds are held back: they may be shared with the next.
    assert counts[:3] == [FINEST_BUCKETS - 5, COARSE_BUCKETS - 1, COARSE_BUCKETS]
    assert path.stat().st_size < 1 << 20


def test_a_clock_that_was_wrong_neither_hides_what_is_right_nor_fills_the_file(path: Path) -> None:
    write(path, minute(3))
    wrong = [minute(-10_000_000 - far) for far in range(3 * COARSE_BUCKETS)]
    write(path, *wrong)
    assert read(path) == [minute(3)]
    write(path, minute(2))
    assert read(path) == [minute(3), minute(2)]
    assert len(rows(path)) == 2 * COARSE_BUCKETS + 1


def test_rows_that_bwgraph_never_wrote_are_passed_over(path: Path) -> None:
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


# Whose file it is


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_it_is_its_owners_alone_whatever_the_umask(path: Path, umask: int) -> None:
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


def test_an_empty_file_becomes_one_and_a_link_stays_a_link(path: Path) -> None:
    path.touch(0o644)
    link = path.with_name("link")
    link.symlink_to(path)
    write(link, minute(1))
    assert link.is_symlink()
    assert read(path) == [minute(1)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_looking_leaves_no_trace_and_makes_nothing(path: Path) -> None:
    with pytest.raises(ExplainedError, match="No such file"):
        Store(str(path), read_only=True)
    assert list(path.parent.iterdir()) == []
    write(path, minute(1))
    before = beside(path)
    assert read(path) == [minute(1)]
    Store(str(path)).close()
    assert beside(path) == before


def test_it_is_read_while_somebody_writes(path: Path) -> None:
    with closing(Store(str(path))) as writer:
        writer.write({RELAY: [minute(2)]}, NOW)
        assert read(path) == [minute(2)]
        writer.write({RELAY: [minute(1)]}, NOW)
        with closing(Store(str(path), read_only=True)) as one, closing(Store(str(path))) as other:
            assert one.read(RELAY, NOW) == other.read(RELAY, NOW) == [minute(2), minute(1)]


def test_an_open_store_sees_what_another_process_has_written_since(path: Path) -> None:
    write(path, minute(3))
    with closing(Store(str(path), read_only=True)) as reader:
        assert reader.read(RELAY, NOW) == [minute(3)]
        write(path, minute(2))  # and has closed it
        assert reader.read(RELAY, NOW) == [minute(3), minute(2)]
        with closing(Store(str(path))) as writer:
            writer.write({RELAY: [minute(1)]}, NOW)
            assert reader.read(RELAY, NOW) == [minute(3), minute(2), minute(1)]
        assert list(beside(path)) == ["past.db"]
        assert reader.read(RELAY, NOW) == [minute(3), minute(2), minute(1)]


def test_a_store_is_created_by_the_first_write_and_not_by_reading(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        assert opened.series() == []
        assert opened.read(RELAY, NOW) == []
        assert opened.newest_ends(RELAY, NOW) == {}
        assert beside(path) == {}
        opened.write({}, NOW)
        assert path.exists()


def in_wal_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE history (precious)")


def cut_short(path: Path) -> None:
    write(path, *map(minute, range(500)))
    os.truncate(path, path.stat().st_size // 2)


def cut_shorter(path: Path) -> None:
    write(path, minute(1))
    os.truncate(path, 90)


def without_tables(path: Path) -> None:
    write(path, minute(1))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE history")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (text, "not a bwgraph store (not an SQLite database); it is left untouched"),
        (another_database, "not a bwgraph store (the database of another program)"),
        (in_wal_mode, "not a bwgraph store (the database of another program)"),
        (newer, "a bwgraph store of version 3, and this bwgraph needs version 2; it is left"),
        (older, "a bwgraph store of version 1, and this bwgraph needs version 2; it is left"),
        (cut_short, "damaged ("),
        (cut_shorter, "not a bwgraph store (not an SQLite database)"),
        (scribbled_on, "damaged ("),
        (without_tables, "damaged (no such table: history)"),
    ],
)
def test_what_is_no_sound_store_is_named_and_left_to_the_byte(
    make: Callable[[Path], None], words: str, path: Path
) -> None:
    make(path)
    before = beside(path)
    for read_only in (False, True):
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is checked
            Store(str(path), read_only=read_only)
        assert str(caught.value).startswith(f"{path}: {words}")
        assert "it is left untouched" in str(caught.value)
    assert beside(path) == before


def test_what_is_no_file_at_all_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a file"):
        Store(str(tmp_path))
    with pytest.raises(ValueError, match="not a file"):
        Store(os.devnull)
    with pytest.raises(ExplainedError, match="No such file or directory"):
        Store(str(tmp_path / "nowhere" / "past.db"))
    (tmp_path / "file").touch()
    with pytest.raises(ExplainedError, match="Not a directory"):
        Store(str(tmp_path / "file" / "past.db"))


# Who writes


def someone(path: Path, **about: Any) -> None:
    """Have another process hold the claim on the relay, of this kind."""
    write(path, minute(9))
    other = owner.this_process()._replace(**about)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO writer SELECT id, ?, ?, ?, ?, ? FROM series",
            (other.pid, other.started, other.boot_id, other.pid_namespace, time.time()),
        )
        connection.commit()


@pytest.fixture
def neighbour() -> Iterator[Process]:
    """A process that lives."""
    program = [sys.executable, "-c", "input()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as running:
        yield owner.this_process()._replace(
            pid=running.pid,
            started=owner._start_time(running.pid),
        )
        running.kill()


def test_another_that_lives_is_respected(path: Path, neighbour: Process) -> None:
    someone(path, pid=neighbour.pid, started=neighbour.started)
    other = SeriesKey("other")
    with closing(Store(str(path))) as opened:
        refused = opened.write({RELAY: [minute(1)], other: [minute(1)]}, NOW)
    assert refused == {RELAY: neighbour.pid}
    assert read(path) == [minute(9)]
    assert read(path, other) == [minute(1)]


@pytest.mark.parametrize(
    "about",
    [
        {"pid": 1 << 22},  # larger than any
        {"started": "1"},  # its number is another's by now
        {"boot_id": "of yesterday"},
        {"pid": "nonsense"},
    ],
)
def test_the_claim_of_one_that_died_is_taken_over_at_once(
    path: Path, neighbour: Process, about: dict[str, Any]
) -> None:
    someone(path, **{"pid": neighbour.pid, "started": neighbour.started, **about})
    write(path, minute(1))
    assert read(path) == [minute(9), minute(1)]


def test_one_in_another_container_is_believed_as_long_as_it_is_heard(
    path: Path, neighbour: Process
) -> None:
    someone(path, pid=neighbour.pid, pid_namespace="pid:[1]")
    with closing(Store(str(path))) as opened:
        assert opened.write({RELAY: []}, NOW) == {RELAY: neighbour.pid}
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "UPDATE writer SET heard_at = heard_at - ?", (owner.STALE_AFTER_S + 1,)
            )
            connection.commit()
        assert opened.write({RELAY: []}, NOW) == {}


def test_a_claim_ends_with_whoever_has_it(path: Path) -> None:
    write(path, minute(1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM writer").fetchall() == []


# What can go wrong


def test_a_full_disk_costs_nothing_that_was_written_and_is_recovered_from(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        opened.write({RELAY: [minute(1)]}, NOW)
        assert opened._connection is not None
        opened._connection.execute("PRAGMA max_page_count = 1")
        many = [minute(ago) for ago in range(1000)]
        with pytest.raises(StoreError, match="database or disk is full"):
            opened.write({RELAY: many}, NOW)
        assert read(path) == [minute(1)]
        opened.write({RELAY: many}, NOW)  # another connection, which knows of no limit
        assert len(read(path)) == 1000


def test_somebody_elses_lock_is_waited_for_no_longer_than_that(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_S", 0.01)
    write(path, minute(2))
    with closing(Store(str(path))) as opened:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="database is locked"):
                opened.write({RELAY: [minute(1)]}, NOW)
        opened.write({RELAY: [minute(1)]}, NOW)
    assert read(path) == [minute(2), minute(1)]


def test_a_file_that_was_taken_away_is_missed(path: Path) -> None:
    with closing(Store(str(path))) as opened:
        opened.write({RELAY: [minute(1)]}, NOW)
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(StoreGoneError, match="the file is gone"):
            opened.write({RELAY: [minute(1)]}, NOW)
        text(path)
        with pytest.raises(StoreGoneError, match="another file is in its place"):
            opened.write({RELAY: [minute(1)]}, NOW)
    assert path.read_text() == "Dear diary\n"


def test_where_there_are_no_links_it_is_made_all_the_same(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path, __: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    write(path, minute(1))
    assert read(path) == [minute(1)]
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_that_begin_at_once_make_one_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Path.hardlink_to

    def late(made: Path, to: Path) -> None:
        monkeypatch.setattr(Path, "hardlink_to", link)
        write(path, minute(1))
        link(made, to)

    monkeypatch.setattr(Path, "hardlink_to", late)
    write(path, minute(2))
    assert read(path) == [minute(2), minute(1)]
    assert list(path.parent.iterdir()) == [path]
