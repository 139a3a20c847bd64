"""The recorder: what it stores and when, its errors, and what a kill loses."""

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from event_recorder import wait_until
from fleets import steady, tell, watched
from scenes import NEWEST
from store_files import files_in_directory

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.store.database import Store
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import SeriesKey

KILLED_WRITERS = Path(__file__).parents[1] / "support" / "killed_writers.py"
NEVER = 3600.0
"Seconds: longer than any test, so the recorder writes only when the test calls for it."


def now() -> float:
    return NEWEST + 0.25


def recorder(
    path: Path,
    fleet: Fleet,
    resolution: int = 60,
    *,
    write_message: Callable[[str], object] | None = None,
    strict: bool = False,
    interval: float = NEVER,
) -> Recorder:
    store = Store(str(path))
    return Recorder(
        store,
        fleet,
        resolution,
        write_message=write_message,
        strict=strict,
        interval=interval,
        clock=now,
    )


def rows(path: Path, resolution: int = 86_400) -> dict[str, tuple[int, float]]:
    """Return the bytes read and the covered seconds of each series at a resolution, by name."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT name, sum(read), sum(covered_seconds) FROM history JOIN series ON id = series"
            " WHERE resolution = ? GROUP BY name",
            (resolution,),
        )
        return {name: (read, round(seconds, 3)) for name, read, seconds in found}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "past.db"


# What is stored


def test_buckets_are_stored_at_each_interval_and_at_the_end(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, interval=0.005):
        tell(fleet, 0, *steady(0, 50, 100))
        wait_until(lambda: rows(path) == {"anna": (5000, 50.0)}, "it was stored")
        tell(fleet, 0, *steady(50, 60, 100))
    assert list(files_in_directory(path)) == ["past.db"]
    assert rows(path) == {"anna": (6000, 60.0)}


def test_the_rest_is_stored_at_the_end(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 90, 100))
    assert rows(path) == {"anna": (9000, 90.0)}


@pytest.mark.parametrize(("finest", "kinds"), [(60, 6), (1, 9), (300, 5), (86_400, 1)])
def test_resolution_limits_what_is_stored(path: Path, finest: int, kinds: int) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, finest):
        tell(fleet, 0, *steady(0, 90, 100))
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT min(resolution), count(DISTINCT resolution) FROM history"
        )
        assert found.fetchone() == (finest, kinds)


def test_all_tors_and_their_sum_are_stored(path: Path) -> None:
    fleet = watched("anna", "bert")
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 90, 100))
        tell(fleet, 1, *steady(30, 90, 7))
    both = '["anna", "bert"]'
    assert rows(path) == {"anna": (9000, 90.0), "bert": (420, 60.0), both: (9420, 90.0)}
    second_fleet = watched("bert", "anna")
    with recorder(path, second_fleet):
        assert second_fleet.sum is not None
        assert fleet.sum is not None
        for resolution in (60, 3600):
            before, after = (
                each.history.window(now(), 5, resolution) for each in (fleet.sum, second_fleet.sum)
            )
            assert after.buckets == before.buckets
            assert after.partial == before.partial != frozenset()


def test_second_run_continues_the_first_after_a_gap(path: Path) -> None:
    first = watched("anna")
    with recorder(path, first):
        tell(first, 0, *steady(-900, -300, 100))
    second = watched("anna")
    with recorder(path, second):
        # Before its first sample.
        window = second.instances[0].history.window(now(), 18, 60)
        assert sum(window.buckets.read) == 60_000
        tell(second, 0, *steady(-10, 100, 100))
    buckets = second.instances[0].history.window(now(), 18, 60).buckets
    known = [round(seconds) for seconds in buckets.seconds]
    assert sum(known) == 710
    gap = known.index(0)
    assert known[gap : gap + 4] == [0, 0, 0, 0]
    assert 0 not in known[gap + 5 :]
    assert rows(path) == {"anna": (71_000, 710.0)}
    assert rows(path, 60) == rows(path)


def test_unverified_samples_are_not_stored(path: Path) -> None:
    fleet = watched("anna")
    news = Connected(NEWEST, "anna", recent=tuple(steady(-100, 0, 9)))
    with recorder(path, fleet):
        tell(fleet, 0, news, *steady(0, 10, 100))
    assert rows(path) == {"anna": (1000, 10.0)}
    assert fleet.instances[0].unverified_until is None


def test_history_is_restored_when_the_tor_is_found(path: Path) -> None:
    first = watched("127.0.0.1:9051")
    with recorder(path, first):
        tell(first, 0, *steady(0, 40, 100))
    found = Fleet([Instance("a tor on this machine", is_unlocated=True)])
    with recorder(path, found, interval=0.005):
        assert found.instances[0].history.restored_spans == {}
        tell(found, 0, Connected(NEWEST, "127.0.0.1:9051"), *steady(50, 90, 100))
        wait_until(lambda: found.instances[0].history.restored_spans, "it has its past")
    buckets = found.instances[0].history.window(now(), 3, 60).buckets
    assert (sum(buckets.read), sum(buckets.seconds)) == (8000, 80.0)
    assert rows(path) == {"127.0.0.1:9051": (8000, 80.0)}


def test_two_tors_with_one_label_are_kept_apart(path: Path) -> None:
    fleet = Fleet([Instance("9051", label="exit"), Instance("9052", label="exit")])
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 10, 100))
        tell(fleet, 1, *steady(0, 10, 1))
    names = ["exit 9051", "exit 9052"]
    assert rows(path) == {
        **dict(zip(names, [(1000, 10.0), (10, 10.0)], strict=True)),
        json.dumps(names): (1010, 10.0),
    }


# Errors


OTHER_WRITER = """
import sys
from bwgraph.store.restore import SeriesKey
from bwgraph.store.database import Store
store = Store(sys.argv[1])
assert store.write({SeriesKey("anna"): []}, float(sys.argv[2])) == {}
print(flush=True)
input()
"""


@contextmanager
def other_writer(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that writes the series of anna."""
    program = [sys.executable, "-c", OTHER_WRITER, str(path), str(now())]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"\n"
        yield running
        running.kill()


def test_second_recorder_waits_until_the_first_has_ended(path: Path) -> None:
    messages: list[str] = []
    fleet = watched("anna", "bert")
    with (
        other_writer(path) as first,
        recorder(path, fleet, write_message=messages.append) as second,
    ):
        tell(fleet, 0, *steady(0, 30, 100))
        words = f"not stored: another bwgraph (process {first.pid}) stores anna already"
        assert fleet.notice.startswith(f"{words} [since ")
        second._try_write()
        assert messages == [words]
        # No other process writes the sum.
        assert rows(path) == {'["anna", "bert"]': (3000, 30.0)}
        first.kill()
        first.wait()
        second._try_write()
        # With the samples that came before.
        assert rows(path)["anna"] == (3000, 30.0)
        assert fleet.notice == ""
        assert messages == [words, f"stored again: {path}"]


def test_message_about_a_path_with_a_bracket_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "past [old].db"
    messages: list[str] = []
    fleet = watched("anna")
    with recorder(path, fleet, write_message=messages.append) as running:
        with full_disk():
            running._try_write()
            running._try_write()
        running._try_write()
    assert messages == [
        f"not stored: disk I/O error; trying again ({path})",
        f"stored again: {path}",
    ]


def test_strict_recorder_refuses_a_second_writer(path: Path) -> None:
    with other_writer(path) as first, pytest.raises(ExplainedError) as refused:
        recorder(path, watched("anna"), strict=True).__enter__()
    words = f"another bwgraph (process {first.pid}) stores anna already"
    assert refused.value.cause == f"{path}: {words}"


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk_stops_nothing_and_loses_nothing(path: Path) -> None:
    messages: list[str] = []
    fleet = watched("anna")
    with recorder(path, fleet, write_message=messages.append) as running:
        tell(fleet, 0, *steady(0, 20, 100))
        running._try_write()
        tell(fleet, 0, *steady(20, 60, 100))
        with full_disk():
            running._try_write()
            tell(fleet, 0, *steady(60, 80, 100))
            running._try_write()
        assert rows(path) == {"anna": (2000, 20.0)}
        words = f"not stored: disk I/O error; trying again ({path})"
        assert fleet.notice.startswith(f"{words} [since ")
        assert messages == [words]
        running._try_write()
        assert rows(path) == {"anna": (8000, 80.0)}
        assert messages == [words, f"stored again: {path}"]
        assert fleet.notice == ""


def test_strict_recorder_refuses_a_full_disk(path: Path) -> None:
    with closing(Store(str(path))) as store:
        store.write({}, now())
    strict_recorder = recorder(path, watched("anna"), strict=True)
    with full_disk(), pytest.raises(ExplainedError, match="disk I/O error"):
        strict_recorder.__enter__()


def test_removed_file_is_not_created_again(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, interval=0.005):
        tell(fleet, 0, Sample(NEWEST, 100, 1, 1.0))
        wait_until(lambda: rows(path), "it was stored")
        for each in list(path.parent.iterdir()):
            each.unlink()
        wait_until(lambda: fleet.notice, "it was noticed")
    assert fleet.notice.startswith(f"not stored: the file is gone ({path}) [since ")
    assert files_in_directory(path) == {}


# Kills


def test_fifty_killed_writers_lose_no_committed_data(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(KILLED_WRITERS), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("50 killed, ")
    # The next writer can continue.
    with closing(Store(str(path))) as store:
        assert store.series() == [SeriesKey("relay")]
        assert store.write({SeriesKey("relay"): []}, 1_800_000_000.0) == {}
    assert list(files_in_directory(path)) == ["past.db"]
