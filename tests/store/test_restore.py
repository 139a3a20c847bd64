"""Restoring histories: their names in a store, and where a graph of them opens."""

import json

import pytest
from fleets import news, steady, tell, watched
from scenes import MOMENT, NEWEST

from bwgraph.cli import initial_view
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import StoredBucket
from bwgraph.screen.captions import alert, fleet_alert
from bwgraph.screen.view import View
from bwgraph.store import restore
from bwgraph.store.restore import Restorer, SeriesKey, series_of

NOW = 1_000_000.0


class FakeStore:
    """Series in memory, in place of a store."""

    def __init__(self, **series_buckets: list[StoredBucket]) -> None:
        self.series_buckets = {SeriesKey(name): buckets for name, buckets in series_buckets.items()}
        self.read_keys: list[SeriesKey] = []

    def series(self) -> list[SeriesKey]:
        return sorted(self.series_buckets)

    def read(self, key: SeriesKey, now: float) -> list[StoredBucket]:
        assert now == NOW
        self.read_keys.append(key)
        return self.series_buckets.get(key, [])

    def newest_ends(self, key: SeriesKey, now: float) -> dict[int, int]:
        assert now == NOW
        buckets = self.series_buckets.get(key, [])
        return {each.resolution: each.portion.bucket * each.resolution for each in buckets}


def bucket(resolution: int, ago: int, read: int = 100) -> StoredBucket:
    """Return the bucket that is ``ago`` buckets before the present one."""
    number = -(-int(NOW) // resolution) - ago
    return StoredBucket(resolution, Portion(number, read, 1, 1.0, 1.0, 1.0))


def test_series_is_named_by_label_or_endpoint() -> None:
    assert list(series_of(Fleet([Instance("9051")]))) == [SeriesKey("9051")]
    assert list(series_of(Fleet([Instance("9051", label="exit")]))) == [SeriesKey("exit")]


def test_tor_that_was_not_found_yet_has_no_series() -> None:
    fleet = Fleet([Instance("a tor on this machine", is_unlocated=True)])
    assert series_of(fleet) == {}
    tell(fleet, 0, news("127.0.0.1:9051"))
    assert series_of(fleet) == {SeriesKey("127.0.0.1:9051"): fleet.instances[0].history}


def test_series_of_a_sum_is_named_by_its_sorted_members() -> None:
    one, other = watched("b", "a, c"), watched("a, c", "b")
    name = json.dumps(["a, c", "b"])
    for fleet in (one, other):
        assert fleet.sum is not None
        assert series_of(fleet)[SeriesKey(name, is_sum=True)] is fleet.sum.history


def test_each_history_is_restored_once() -> None:
    fleet, store = watched("a", "b"), FakeStore(a=[bucket(60, 9)], c=[bucket(60, 9)])
    restorer = Restorer(fleet, store)
    restorer.restore(NOW)
    restorer.restore(NOW)
    assert len(store.read_keys) == 3
    reads = [sum(each.history.window(NOW, 20, 60).buckets.read) for each in fleet.instances]
    assert reads == [100, 0]


def test_sum_that_loses_a_member_is_not_restored_twice() -> None:
    fleet, store = watched("a", "b", "twin", found=True), FakeStore()
    three = SeriesKey(json.dumps(["a", "b", "twin"]), is_sum=True)
    two = SeriesKey(json.dumps(["a", "b"]), is_sum=True)
    store.series_buckets = {three: [bucket(60, 9)], two: [bucket(60, 8)]}
    restorer = Restorer(fleet, store)
    assert three in restorer.restore(NOW)
    tell(fleet, 0, news("a", process="1"))
    tell(fleet, 2, news("twin", process="1"))
    assert set(restorer.restore(NOW)) == {SeriesKey("a"), SeriesKey("b"), two}
    assert fleet.sum is not None
    assert sum(fleet.sum.history.window(NOW, 20, 60).buckets.read) == 100


class InterruptedInstance(Instance):
    """An instance that connects to a tor as soon as its name in a store is needed."""

    fleet: Fleet | None = None

    @property
    def store_name(self) -> str | None:
        fleet, self.fleet = self.fleet, None
        if fleet is not None:
            fleet.handle(self, news("twin", process="1"))
        return super().store_name


def test_series_are_those_before_a_tor_is_removed_meanwhile() -> None:
    twin = InterruptedInstance("twin")
    fleet = Fleet([Instance("a"), twin], found=True)
    tell(fleet, 0, news("a", process="1"))
    total = fleet.sum
    assert total is not None
    histories = [each.history for each in (*fleet.instances, total)]
    twin.fleet = fleet
    assert list(series_of(fleet).values()) == histories
    assert (len(fleet.instances), fleet.sum) == (1, None)
    assert list(series_of(fleet)) == [SeriesKey("a")]


def test_tor_that_is_found_during_a_restore_is_restored_by_the_next() -> None:
    fleet = Fleet([Instance("a"), Instance("a tor on this machine", is_unlocated=True)])

    class SlowStore(FakeStore):
        def read(self, key: SeriesKey, now: float) -> list[StoredBucket]:
            tell(fleet, 1, news("b"))
            return super().read(key, now)

    restorer = Restorer(fleet, SlowStore())
    assert list(restorer.restore(NOW)) == [SeriesKey("a")]
    both = SeriesKey(json.dumps(["a", "b"]), is_sum=True)
    assert list(restorer.restore(NOW)) == [SeriesKey("a"), SeriesKey("b"), both]


# Where a graph opens


@pytest.mark.parametrize(
    ("buckets", "resolution"),
    [
        ([bucket(60, 0), bucket(300, 0)], 60),
        ([bucket(60, 59), bucket(300, 11)], 60),
        ([bucket(60, 70), bucket(300, 14)], 300),
        ([bucket(1, 200), bucket(5, 40), bucket(60, 3)], 5),
        ([bucket(60, 900), bucket(300, 180), bucket(3600, 15)], 3600),
        ([bucket(86_400, 100)], 86_400),
    ],
)
def test_graph_opens_at_the_resolution_whose_newest_bucket_is_near(
    buckets: list[StoredBucket], resolution: int
) -> None:
    store = FakeStore(a=buckets, b=[bucket(1, 0)])
    names = [SeriesKey("a"), SeriesKey("another")]
    assert initial_view.open_at_newest(View(), restore.newest_ends(store, names, NOW), NOW) == View(
        resolution=resolution
    )


def test_graph_without_stored_buckets_opens_at_the_default() -> None:
    store = FakeStore(b=[bucket(60, 0)])
    assert (
        initial_view.open_at_newest(View(), restore.newest_ends(store, [SeriesKey("a")], NOW), NOW)
        == View()
    )
    assert initial_view.open_at_newest(View(), restore.newest_ends(store, [], NOW), NOW) == View()


def test_archive_opens_at_its_end() -> None:
    store = FakeStore(a=[bucket(60, 500), bucket(300, 100)], b=[bucket(60, 400)], c=[])
    archive = restore.stored_fleet(store, "store.db", NOW)
    assert archive is not None
    assert [each.title for each in archive.instances] == ["a", "b"]
    end = -(-int(NOW) // 60) * 60 - 400 * 60
    ends = restore.restored_ends(archive)
    assert initial_view.end_at_newest(View(), ends, keep_resolution=False) == View(
        resolution=60, end=end
    )
    hours = View(resolution=3600)
    assert initial_view.end_at_newest(hours, ends, keep_resolution=True) == hours._replace(end=end)


def test_archive_of_nothing_is_none() -> None:
    assert restore.stored_fleet(FakeStore(a=[]), "store.db", NOW) is None


def test_archive_names_its_file() -> None:
    archive = restore.stored_fleet(FakeStore(a=[bucket(60, 5)], b=[bucket(60, 4)]), "store.db", NOW)
    assert archive is not None
    assert archive.sum is not None
    words = "no tor found: history stored in store.db"
    assert alert(archive.instances[0], MOMENT) == alert(archive.sum, MOMENT) == words
    assert fleet_alert(archive.instances, MOMENT) == words


def test_restored_tor_without_connection_is_connecting() -> None:
    fleet = watched("a")
    fleet.instances[0].history.restore([bucket(60, 5)])
    tell(fleet, 0, *steady(0, 1, 5))
    assert alert(fleet.instances[0], MOMENT) == "connecting to a"
    assert fleet.instances[0].history.newest_at == NEWEST - 99
