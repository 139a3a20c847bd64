"""Pasts given back: under which name, to whom, and what of them is to be seen first."""

import json

import pytest
from fleets import news, steady, tell, watched
from scenes import MOMENT, NEWEST

from bwgraph.cli import initial_view
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.model.ring import Portion
from bwgraph.model.rollups import Bucket
from bwgraph.screen.captions import alert, fleet_alert
from bwgraph.screen.view import View
from bwgraph.store import restore
from bwgraph.store.restore import Restorer, SeriesKey, series_of

NOW = 1_000_000.0


class Shelf:
    """Pasts in memory."""

    def __init__(self, **pasts: list[Bucket]) -> None:
        self.pasts = {SeriesKey(name): entries for name, entries in pasts.items()}
        self.asked: list[SeriesKey] = []

    def series(self) -> list[SeriesKey]:
        return sorted(self.pasts)

    def read(self, whose: SeriesKey, now: float) -> list[Bucket]:
        assert now == NOW
        self.asked.append(whose)
        return self.pasts.get(whose, [])

    def newest_ends(self, whose: SeriesKey, now: float) -> dict[int, int]:
        assert now == NOW
        past = self.pasts.get(whose, [])
        return {each.resolution: each.portion.bucket * each.resolution for each in past}


def entry(resolution: int, ago: int, read: int = 100) -> Bucket:
    """A column so many before the present one."""
    column = -(-int(NOW) // resolution) - ago
    return Bucket(resolution, Portion(column, read, 1, 1.0, 1.0, 1.0))


def test_one_is_known_by_its_label_or_by_where_it_is() -> None:
    assert list(series_of(Fleet([Instance("9051")]))) == [SeriesKey("9051")]
    assert list(series_of(Fleet([Instance("9051", label="exit")]))) == [SeriesKey("exit")]


def test_one_that_is_any_is_known_when_it_is_there() -> None:
    fleet = Fleet([Instance("a tor on this machine", is_unlocated=True)])
    assert series_of(fleet) == {}
    tell(fleet, 0, news("127.0.0.1:9051"))
    assert series_of(fleet) == {SeriesKey("127.0.0.1:9051"): fleet.instances[0].history}


def test_a_sum_is_known_by_its_members_in_whatever_order() -> None:
    one, other = watched("b", "a, c"), watched("a, c", "b")
    name = json.dumps(["a, c", "b"])
    for fleet in (one, other):
        assert fleet.sum is not None
        assert series_of(fleet)[SeriesKey(name, is_sum=True)] is fleet.sum.history


def test_each_is_given_its_past_once() -> None:
    fleet, shelf = watched("a", "b"), Shelf(a=[entry(60, 9)], c=[entry(60, 9)])
    memory = Restorer(fleet, shelf)
    memory.restore(NOW)
    memory.restore(NOW)
    assert len(shelf.asked) == 3
    reads = [sum(each.history.window(NOW, 20, 60).buckets.read) for each in fleet.instances]
    assert reads == [100, 0]


def test_a_sum_of_one_fewer_is_not_given_two_pasts() -> None:
    fleet, shelf = watched("a", "b", "twin", found=True), Shelf()
    three = SeriesKey(json.dumps(["a", "b", "twin"]), is_sum=True)
    two = SeriesKey(json.dumps(["a", "b"]), is_sum=True)
    shelf.pasts = {three: [entry(60, 9)], two: [entry(60, 8)]}
    memory = Restorer(fleet, shelf)
    assert three in memory.restore(NOW)
    tell(fleet, 0, news("a", process="1"))
    tell(fleet, 2, news("twin", process="1"))
    assert set(memory.restore(NOW)) == {SeriesKey("a"), SeriesKey("b"), two}
    assert fleet.sum is not None
    assert sum(fleet.sum.history.window(NOW, 20, 60).buckets.read) == 100


# Where to look first.


@pytest.mark.parametrize(
    ("past", "resolution"),
    [
        ([entry(60, 0), entry(300, 0)], 60),
        ([entry(60, 59), entry(300, 11)], 60),
        ([entry(60, 70), entry(300, 14)], 300),
        ([entry(1, 200), entry(5, 40), entry(60, 3)], 5),
        ([entry(60, 900), entry(300, 180), entry(3600, 15)], 3600),
        ([entry(86_400, 100)], 86_400),
    ],
)
def test_a_graph_opens_where_its_past_is_near(past: list[Bucket], resolution: int) -> None:
    shelf = Shelf(a=past, b=[entry(1, 0)])
    names = [SeriesKey("a"), SeriesKey("another")]
    assert initial_view.opening(View(), restore.newest_ends(shelf, names, NOW), NOW) == View(
        resolution=resolution
    )


def test_without_a_past_it_opens_as_ever() -> None:
    shelf = Shelf(b=[entry(60, 0)])
    assert (
        initial_view.opening(View(), restore.newest_ends(shelf, [SeriesKey("a")], NOW), NOW)
        == View()
    )
    assert initial_view.opening(View(), restore.newest_ends(shelf, [], NOW), NOW) == View()


def test_an_archive_opens_at_its_end() -> None:
    shelf = Shelf(a=[entry(60, 500), entry(300, 100)], b=[entry(60, 400)], c=[])
    archive = restore.archive(shelf, "past.db", NOW)
    assert archive is not None
    assert [each.title for each in archive.instances] == ["a", "b"]
    end = -(-int(NOW) // 60) * 60 - 400 * 60
    ends = restore.restored_ends(archive)
    assert initial_view.ending(View(), ends, coarser=True) == View(resolution=60, end=end)
    hours = View(resolution=3600)
    assert initial_view.ending(hours, ends, coarser=False) == hours._replace(end=end)


def test_an_archive_of_nothing_is_none() -> None:
    assert restore.archive(Shelf(a=[]), "past.db", NOW) is None


def test_an_archive_says_plainly_what_it_is() -> None:
    archive = restore.archive(Shelf(a=[entry(60, 5)], b=[entry(60, 4)]), "past.db", NOW)
    assert archive is not None
    assert archive.sum is not None
    words = "no tor: this is the past that is in past.db"
    assert alert(archive.instances[0], MOMENT) == alert(archive.sum, MOMENT) == words
    assert fleet_alert(archive.instances, MOMENT) == words


def test_a_tor_that_is_not_there_yet_is_connected_to() -> None:
    fleet = watched("a")
    fleet.instances[0].history.restore([entry(60, 5)])
    tell(fleet, 0, *steady(0, 1, 5))
    assert alert(fleet.instances[0], MOMENT) == "connecting to a"
    assert fleet.instances[0].history.newest_at == NEWEST - 99
