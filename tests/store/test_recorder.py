"""The recorder: what is stored of whom and when, what hinders it, and what a kill costs."""

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from ear import eventually
from fleets import steady, tell, watched
from scenes import NEWEST
from store_files import beside

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.store.database import Store
from bwgraph.store.recorder import Recorder
from bwgraph.store.restore import SeriesKey

VICTIMS = Path(__file__).parents[1] / "support" / "killed_writers.py"
NEVER = 3600.0
"Seconds: no test takes so long, so what is stored is stored when the test says so."


def now() -> float:
    return NEWEST + 0.25


def recorder(
    path: Path,
    fleet: Fleet,
    resolution: int = 60,
    *,
    remark: Callable[[str], object] | None = None,
    strict: bool = False,
    every: float = NEVER,
) -> Recorder:
    store = Store(str(path))
    return Recorder(
        store, fleet, resolution, write_message=remark, strict=strict, interval=every, clock=now
    )


def rows(path: Path, resolution: int = 86_400) -> dict[str, tuple[int, float]]:
    """Bytes read and seconds covered in all of a resolution, by name."""
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


def test_it_is_stored_every_few_moments_and_once_more_at_the_end(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, every=0.005):
        tell(fleet, 0, *steady(0, 50, 100))
        eventually(lambda: rows(path) == {"anna": (5000, 50.0)}, "it was stored")
        tell(fleet, 0, *steady(50, 60, 100))
    assert list(beside(path)) == ["past.db"]
    assert rows(path) == {"anna": (6000, 60.0)}


def test_at_the_end_the_rest_is_stored(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 90, 100))
    assert rows(path) == {"anna": (9000, 90.0)}


@pytest.mark.parametrize(("finest", "kinds"), [(60, 6), (1, 9), (300, 5), (86_400, 1)])
def test_seconds_are_stored_for_those_who_ask(path: Path, finest: int, kinds: int) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, finest):
        tell(fleet, 0, *steady(0, 90, 100))
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "SELECT min(resolution), count(DISTINCT resolution) FROM history"
        )
        assert found.fetchone() == (finest, kinds)


def test_each_of_several_is_stored_and_their_sum(path: Path) -> None:
    fleet = watched("anna", "bert")
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 90, 100))
        tell(fleet, 1, *steady(30, 90, 7))
    both = '["anna", "bert"]'
    assert rows(path) == {"anna": (9000, 90.0), "bert": (420, 60.0), both: (9420, 90.0)}
    again = watched("bert", "anna")
    with recorder(path, again):
        assert again.sum is not None
        assert fleet.sum is not None
        for resolution in (60, 3600):
            before, after = (
                each.history.window(now(), 5, resolution) for each in (fleet.sum, again.sum)
            )
            assert after.buckets == before.buckets
            assert after.partial == before.partial != frozenset()


def test_a_second_run_goes_on_from_the_first_and_between_them_is_a_gap(path: Path) -> None:
    first = watched("anna")
    with recorder(path, first):
        tell(first, 0, *steady(-900, -300, 100))
    second = watched("anna")
    with recorder(path, second):
        # Before anything is told of it.
        window = second.instances[0].history.window(now(), 18, 60)
        assert sum(window.buckets.read) == 60_000
        tell(second, 0, *steady(-10, 100, 100))
    columns = second.instances[0].history.window(now(), 18, 60).buckets
    known = [round(seconds) for seconds in columns.seconds]
    assert sum(known) == 710
    gap = known.index(0)
    assert known[gap : gap + 4] == [0, 0, 0, 0]
    assert 0 not in known[gap + 5 :]
    assert rows(path) == {"anna": (71_000, 710.0)}
    assert rows(path, 60) == rows(path)


def test_what_tor_remembers_is_not_taken_for_what_was_seen(path: Path) -> None:
    fleet = watched("anna")
    news = Connected(NEWEST, "anna", recent=tuple(steady(-100, 0, 9)))
    with recorder(path, fleet):
        tell(fleet, 0, news, *steady(0, 10, 100))
    assert rows(path) == {"anna": (1000, 10.0)}
    assert fleet.instances[0].unverified_until is None


def test_one_that_is_found_is_given_its_past_when_it_is_known_which_it_is(path: Path) -> None:
    first = watched("127.0.0.1:9051")
    with recorder(path, first):
        tell(first, 0, *steady(0, 40, 100))
    found = Fleet([Instance("a tor on this machine", is_unlocated=True)])
    with recorder(path, found, every=0.005):
        assert found.instances[0].history.restored_spans == {}
        tell(found, 0, Connected(NEWEST, "127.0.0.1:9051"), *steady(50, 90, 100))
        eventually(lambda: found.instances[0].history.restored_spans, "it has its past")
    columns = found.instances[0].history.window(now(), 3, 60).buckets
    assert (sum(columns.read), sum(columns.seconds)) == (8000, 80.0)
    assert rows(path) == {"127.0.0.1:9051": (8000, 80.0)}


def test_two_of_one_name_are_kept_apart(path: Path) -> None:
    fleet = Fleet([Instance("9051", label="exit"), Instance("9052", label="exit")])
    with recorder(path, fleet):
        tell(fleet, 0, *steady(0, 10, 100))
        tell(fleet, 1, *steady(0, 10, 1))
    names = ["exit 9051", "exit 9052"]
    assert rows(path) == {
        **dict(zip(names, [(1000, 10.0), (10, 10.0)], strict=True)),
        json.dumps(names): (1010, 10.0),
    }


# What hinders it


ANOTHER = """
import sys
from bwgraph.store.restore import SeriesKey
from bwgraph.store.database import Store
store = Store(sys.argv[1])
assert store.write({SeriesKey("anna"): []}, float(sys.argv[2])) == {}
print(flush=True)
input()
"""


@contextmanager
def another(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that stores anna's past already."""
    program = [sys.executable, "-c", ANOTHER, str(path), str(now())]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"\n"
        yield running
        running.kill()


def test_a_second_one_is_told_so_and_goes_on_when_the_first_is_killed(path: Path) -> None:
    said: list[str] = []
    fleet = watched("anna", "bert")
    with another(path) as first, recorder(path, fleet, remark=said.append) as second:
        tell(fleet, 0, *steady(0, 30, 100))
        words = f"not stored: another bwgraph (process {first.pid}) stores anna already"
        assert fleet.notice.startswith(f"{words} [since ")
        second._try_write()
        assert said == [words]
        # Nobody else stores the sum.
        assert rows(path) == {'["anna", "bert"]': (3000, 30.0)}
        first.kill()
        first.wait()
        second._try_write()
        # With what came in before that.
        assert rows(path)["anna"] == (3000, 30.0)
        assert fleet.notice == ""
        assert said == [words, f"stored again: {path}"]


def test_one_that_is_strict_refuses_to_begin(path: Path) -> None:
    with another(path) as first, pytest.raises(ExplainedError) as refused:
        recorder(path, watched("anna"), strict=True).__enter__()
    who = f"another bwgraph (process {first.pid}) stores anna already"
    assert refused.value.cause == f"{path}: {who}"


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow, as far as this process is concerned."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_on_the_disk_all_else_goes_on_and_nothing_is_lost(path: Path) -> None:
    said: list[str] = []
    fleet = watched("anna")
    with recorder(path, fleet, remark=said.append) as running:
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
        assert said == [words]
        running._try_write()
        assert rows(path) == {"anna": (8000, 80.0)}
        assert said == [words, f"stored again: {path}"]
        assert fleet.notice == ""


def test_one_that_is_strict_does_not_begin_without_room(path: Path) -> None:
    with closing(Store(str(path))) as store:
        store.write({}, now())
    begun = recorder(path, watched("anna"), strict=True)
    with full_disk(), pytest.raises(ExplainedError, match="disk I/O error"):
        begun.__enter__()


def test_a_file_that_is_taken_away_is_not_made_again(path: Path) -> None:
    fleet = watched("anna")
    with recorder(path, fleet, every=0.005):
        tell(fleet, 0, Sample(NEWEST, 100, 1, 1.0))
        eventually(lambda: rows(path), "it was stored")
        for each in list(path.parent.iterdir()):
            each.unlink()
        eventually(lambda: fleet.notice, "it was noticed")
    assert fleet.notice.startswith(f"not stored: the file is gone ({path}) [since ")
    assert beside(path) == {}


# What a kill costs


def test_fifty_writers_killed_while_they_write_lose_nothing_that_was_committed(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(VICTIMS), str(path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.startswith("50 killed, ")
    # And whoever comes after them can go on.
    with closing(Store(str(path))) as store:
        assert store.series() == [SeriesKey("relay")]
        assert store.write({SeriesKey("relay"): []}, 1_800_000_000.0) == {}
    assert list(beside(path)) == ["past.db"]
