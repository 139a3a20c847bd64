"""The object of ``--once --json``: its content, and that it has the numbers on the screen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY

from bwgraph.model.events import Connected, CounterBase, Ended, Lost, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.model.rollups import FINEST_BUCKETS
from bwgraph.output.document import document
from bwgraph.screen.compose import compose
from bwgraph.screen.frame import Size
from bwgraph.screen.view import View

NOW = 10_000.0
MOMENT = Moment(NOW, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def parsed(fleet: Fleet) -> dict[str, Any]:
    """Return the document as a program that parses it gets it."""
    found = json.loads(json.dumps(document(fleet, MOMENT)))
    assert isinstance(found, dict)
    return found


def filled(instance: Instance, *reads: int) -> Instance:
    """Add a sample for each of the last seconds: bytes read, and half as many written."""
    for number, read in enumerate(reads):
        when = NOW - len(reads) + 1 + number
        instance.handle(Sample(when, read, read // 2, 1.0))
    return instance


def test_a_tor_has_the_numbers_on_the_screen() -> None:
    fleet = Fleet([instance := Instance("127.0.0.1:9051", label="exit")])
    counted = CounterBase(50_000, 9000)
    instance.handle(Connected(NOW - 3, "127.0.0.1:9051", "0.4.9.11", "relay", counters=counted))
    filled(instance, 1000, 5000, 3000)
    assert parsed(fleet) == {
        "time": "2026-01-02T03:04:05.000Z",
        "tors": [
            {
                "name": "exit",
                "where": "exit",
                "version": "0.4.9.11",
                "state": "connected",
                "seconds": 3.0,
                "resolution": 1,
                "read": {
                    "current": 3000.0,
                    "average": 3000.0,
                    "p95": 5000.0,
                    "peak": 5000.0,
                    "peak_time": "2026-01-02T03:04:04.000Z",
                    "total": 59_000,
                },
                "written": {
                    "current": 1500.0,
                    "average": 1500.0,
                    "p95": 2500.0,
                    "peak": 2500.0,
                    "peak_time": "2026-01-02T03:04:04.000Z",
                    "total": 13_500,
                },
                "total_of": "tor",
                "total_since": None,
            }
        ],
    }
    text = "\n".join(compose(fleet, View(), Size(120, 30), MOMENT).text())
    for word in ("2.9 KiB/s", "4.9", "57.6 KiB"):
        assert word in text


def test_tor_without_samples_has_no_numbers() -> None:
    (one,) = parsed(Fleet([Instance("a")]))["tors"]
    assert (one["state"], one["version"], one["seconds"]) == ("connecting", None, 0)
    assert set(one["read"].values()) == {None}
    assert (one["total_of"], one["total_since"]) == (None, None)


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (Connected(NOW, "here"), "connected"),
        (Lost(NOW, "gone", NOW + 1), "lost"),
        (Ended("the recording ends here"), "ended"),
    ],
)
def test_state_is_a_word(event: Connected | Lost | Ended, state: str) -> None:
    fleet = Fleet([Instance("a")])
    fleet.handle(fleet.instances[0], event)
    (one,) = parsed(fleet)["tors"]
    assert one["state"] == state


def test_several_tors_have_a_sum() -> None:
    fleet = Fleet([Instance("a"), Instance("b")])
    for instance in fleet.instances:
        fleet.handle(instance, Connected(NOW - 3, instance.name))
    for second in range(-2, 1):
        for instance in fleet.instances:
            fleet.handle(instance, Sample(NOW + second, 1000, 500, 1.0))
    found = parsed(fleet)
    assert [each["name"] for each in found["tors"]] == ["a", "b"]
    total = found["sum"]
    assert isinstance(total, dict)
    assert (total["name"], total["state"]) == ("sum of 2 tors", "connected")
    assert total["read"]["average"] == 2000.0
    assert total["written"]["current"] == 1000.0


def test_statistics_are_of_the_whole_history_at_the_finest_resolution() -> None:
    instance = filled(Instance("a"), *([1000] * (FINEST_BUCKETS + 500)))
    (one,) = parsed(Fleet([instance]))["tors"]
    assert one["resolution"] == 5
    assert one["seconds"] == pytest.approx(FINEST_BUCKETS + 500, abs=5)
    assert one["read"]["average"] == 1000.0


def test_current_rate_is_null_in_a_gap() -> None:
    instance = Instance("a", history=History())
    instance.handle(Sample(NOW - 60, 1000, 500, 1.0))
    (one,) = parsed(Fleet([instance]))["tors"]
    assert one["read"]["current"] is None
    assert one["read"]["average"] == 1000.0


@PROPERTY
@given(st.lists(st.integers(0, 1 << 34), min_size=1, max_size=100))
def test_numbers_agree_with_one_another(reads: list[int]) -> None:
    (one,) = parsed(Fleet([filled(Instance("a"), *reads)]))["tors"]
    read = one["read"]
    assert read["current"] == reads[-1]
    assert read["peak"] == max(reads)
    assert min(reads) <= read["p95"] <= read["peak"]
    assert read["average"] == pytest.approx(sum(reads) / len(reads), abs=0.1)
    assert one["seconds"] == len(reads)
