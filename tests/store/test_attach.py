"""A store that is opened once for a run: its checks, its connections, and when it is created."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fleets import steady, tell, watched
from store_files import MINUTE, RELAY, damaged_store, files_in_directory, minute, write

from bwgraph.model.errors import ExplainedError
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.store import attach, recorder
from bwgraph.store.restore import SeriesKey

NOW = 60.0 * MINUTE - 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "past.db"


@pytest.fixture(autouse=True)
def _fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (attach, recorder):
        monkeypatch.setattr(module, "now", lambda: NOW)
    defaults = recorder.Recorder.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: NOW)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The mode of each connection that is made, and each check, in this order."""
    found: list[str] = []
    connect = sqlite3.connect

    class Counted(sqlite3.Connection):
        def execute(self, sql: str, parameters: object = ()) -> sqlite3.Cursor:
            if "quick_check" in sql:
                found.append("check")
            return super().execute(sql, parameters)  # type: ignore[arg-type]

    def count(name: object, **options: object) -> object:
        found.append(str(name).partition("?")[2] or "create")
        return connect(name, **options, factory=Counted)  # type: ignore[call-overload]

    monkeypatch.setattr(sqlite3, "connect", count)
    yield found
    monkeypatch.undo()


def test_an_existing_store_is_checked_once_and_connected_to_twice(
    path: Path, calls: list[str]
) -> None:
    write(path, minute(2))
    del calls[:]
    fleet = Fleet([Instance("relay")])
    with closing(attach.open_store(str(path), read_only=False)) as store:
        assert attach.newest_ends(store, fleet, []) == {60: 60 * (MINUTE - 2)}
        with attach.record(store, fleet, 60, None):
            assert fleet.instances[0].history.restored_spans.keys() == {60}
            assert calls == ["mode=ro&immutable=1", "check", "mode=rw"]
        assert calls == ["mode=ro&immutable=1", "check", "mode=rw"]


def test_a_single_look_checks_once_and_connects_once(path: Path, calls: list[str]) -> None:
    write(path, minute(2))
    write(path, minute(2), key=SeriesKey("exit"))
    before = files_in_directory(path)
    del calls[:]
    fleet = watched("relay", "exit")
    with closing(attach.open_store(str(path), read_only=True)) as store:
        attach.newest_ends(store, fleet, [])
        with attach.restore_only(store, fleet):
            tell(fleet, 0, *steady(0, 10, 100))
        archive = attach.stored_fleet(store)
    assert archive is not None
    assert [each.name for each in archive.instances] == ["exit", "relay"]
    assert calls == ["mode=ro&immutable=1", "check"]
    assert files_in_directory(path) == before


def test_a_new_store_is_not_checked(path: Path, calls: list[str]) -> None:
    fleet = watched("relay")
    with closing(attach.open_store(str(path), read_only=False)) as store:
        assert attach.newest_ends(store, fleet, ["relay"]) == {}
        with attach.record(store, fleet, 60, None):
            pass
        assert calls == ["create", "mode=rw"]
        assert attach.stored_fleet(store) is None
    assert "check" not in calls


def test_opening_creates_no_file(path: Path) -> None:
    with closing(attach.open_store(str(path), read_only=False)) as store:
        assert attach.stored_fleet(store) is None
    assert files_in_directory(path) == {}


def test_each_run_of_a_recorder_has_a_connection_of_its_own(path: Path) -> None:
    fleet = watched("relay")
    with closing(attach.open_store(str(path), read_only=False)) as store:
        for bytes_before in (0, 1000):
            with attach.record(store, fleet, 60, None):
                tell(fleet, 0, *steady(bytes_before // 100, bytes_before // 100 + 10, 100))
        assert sorted(files_in_directory(path)) == ["past.db"]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM writer").fetchone() == (0,)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_damaged_store_is_a_value_error(path: Path, read_only: bool) -> None:
    damaged_store(path)
    with pytest.raises(ValueError, match="damaged"):
        attach.open_store(str(path), read_only=read_only)


def test_a_missing_store_cannot_be_read(path: Path) -> None:
    with pytest.raises(ExplainedError, match="No such file"):
        attach.open_store(str(path), read_only=True)


def become_text(path: Path) -> None:
    path.unlink()
    path.write_text("Dear diary\n")


@pytest.mark.parametrize(
    ("change", "words"), [(Path.unlink, "the file is gone"), (become_text, "another file is in")]
)
def test_a_store_that_is_removed_or_replaced_after_the_check_is_not_read(
    path: Path, change: Callable[[Path], None], words: str
) -> None:
    write(path, minute(2))
    fleet = Fleet([Instance(RELAY.name)])
    with closing(attach.open_store(str(path), read_only=True)) as store:
        change(path)
        assert attach.newest_ends(store, fleet, []) == {}
        with pytest.raises(ExplainedError, match=words):
            attach.stored_fleet(store)
        with (
            pytest.raises(ExplainedError, match=words),
            attach.restore_only(store, fleet),
        ):
            pass


def test_a_file_that_appears_after_opening_is_checked_before_it_is_used(path: Path) -> None:
    with closing(attach.open_store(str(path), read_only=False)) as store:
        path.write_text("Dear diary\n")
        with pytest.raises(ExplainedError, match="another file is in its place"):
            attach.record(store, watched("relay"), 60, None)
    assert path.read_text() == "Dear diary\n"
