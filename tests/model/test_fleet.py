"""A fleet: which tors are watched, the state of their sum, and when to give up."""

import threading
from contextlib import AbstractContextManager

import pytest
from fleets import mixed, news, steady, tell, watched
from hypothesis import given
from hypothesis import strategies as st
from properties import PROPERTY
from scenes import CONNECTED, NEWEST, second

from bwgraph.model.bucket_series import BucketSeries
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import (
    Connected,
    CounterBase,
    Described,
    Event,
    Lost,
    Problem,
    Refused,
    Sample,
    Wrapped,
)
from bwgraph.model.fleet import SAME_START_S, Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.quota import Context
from bwgraph.model.rollups import RESOLUTIONS

LOST = Lost(NEWEST, "it closed the connection", NEWEST + 8.0)


def total(fleet: Fleet) -> Instance:
    """The sum of a fleet that has one."""
    assert fleet.sum is not None
    return fleet.sum


def refused(place: str, password: bool = False) -> Refused:
    """The refusal of a tor that is not running, or that needs a password."""
    remedy = f"a password for {place}" if password else "start tor"
    return Refused(
        ExplainedError(f"{place} says no", remedy, needs_password_at=place if password else "")
    )


# Tors, and the state of the sum.


def test_single_tor_has_no_sum_and_keeps_its_history() -> None:
    instance = Instance("9051")
    history = instance.history
    fleet = Fleet([instance])
    assert fleet.sum is None
    assert fleet.newest_at is None
    tell(fleet, 0, CONNECTED, *steady(0, 5, 700))
    assert instance.history is history
    assert history.window(second(4).ends_at, 5).buckets.read.tolist() == [700] * 5
    assert fleet.newest_at == second(4).ends_at


def test_sum_has_the_number_of_tors_and_the_missing_ones() -> None:
    fleet = watched("anna", "bert", "carl")
    assert (total(fleet).title, total(fleet).location) == ("sum of 3 tors",) * 2
    assert total(fleet).missing_members == ("anna", "bert", "carl")
    assert total(fleet).state is None
    tell(fleet, 0, news("anna"))
    assert total(fleet).missing_members == ("bert", "carl")
    assert isinstance(total(fleet).state, Connected)
    tell(fleet, 1, news("bert"))
    tell(fleet, 2, news("carl"))
    assert total(fleet).missing_members == ()
    tell(fleet, 0, LOST)
    assert total(fleet).missing_members == ("anna",)
    assert isinstance(total(fleet).state, Connected)


def test_sum_is_lost_when_all_tors_are_lost() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), LOST)
    assert total(fleet).state == LOST
    tell(fleet, 1, news("bert"))
    assert isinstance(total(fleet).state, Connected)
    tell(fleet, 1, LOST)
    assert total(fleet).state == LOST


def test_silent_tor_is_no_longer_missing_after_its_next_sample() -> None:
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 5, 700))
    tell(fleet, 0, LOST)
    assert total(fleet).missing_members == ("anna",)
    tell(fleet, 0, second(10))
    assert total(fleet).missing_members == ()


def test_missing_tor_is_named_by_its_label() -> None:
    fleet = Fleet([Instance("9051", label="exit"), Instance("9052")])
    assert total(fleet).missing_members == ("exit", "9052")


def test_problems_of_each_tor_are_problems_of_the_sum() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, Problem(1.0, "one"))
    tell(fleet, 1, Problem(2.0, "two"), Described(3.0, Context()))
    assert (total(fleet).problem, total(fleet).problem_count) == (Problem(2.0, "two"), 2)


def test_event_of_an_unknown_instance_is_ignored() -> None:
    fleet = watched("anna", "bert")
    fleet.handle(Instance("carl"), second(1))
    assert fleet.newest_at is None


@pytest.mark.parametrize(("tors", "histories"), [(1, 1), (2, 3), (64, 65)])
def test_fleet_makes_one_history_for_each_tor_and_one_for_the_sum(
    tors: int, histories: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[BucketSeries] = []
    make = BucketSeries.__init__

    def count(series: BucketSeries) -> None:
        made.append(series)
        make(series)

    monkeypatch.setattr(BucketSeries, "__init__", count)
    fleet = watched(*(f"{9051 + which}" for which in range(tors)))
    own = [each.history for each in fleet.instances]
    for which in range(tors):
        tell(fleet, which, news(f"{which}"), *steady(0, 5, 700))
    assert len(made) == histories
    assert [each.history for each in fleet.instances] == own
    if fleet.sum is not None:
        window = fleet.sum.history.window(second(4).ends_at, 5)
        assert window.buckets.read.tolist() == [700 * tors] * 5


def test_sum_takes_no_samples_of_its_own() -> None:
    fleet = watched("anna", "bert")
    for event in (second(1), Wrapped(second(1)), CONNECTED):
        with pytest.raises(TypeError, match="from its members"):
            total(fleet).handle(event)


# Totals, restarts, gaps, and tor's event cache.


def test_total_of_the_sum_is_that_of_all_tors() -> None:
    fleet = watched("anna", "bert")
    assert total(fleet).totals.total() is None
    tell(fleet, 0, news("anna"), *steady(0, 10, 700, 70))
    moved = total(fleet).totals.total()
    assert moved is not None
    assert (moved.read, moved.written) == ((1 << 30) + 7000, (2 << 30) + 700)
    tell(fleet, 1, news("bert")._replace(counters=None), *steady(0, 10, 5, 3))
    moved = total(fleet).totals.total()
    assert moved is not None
    assert (moved.read, moved.written) == ((1 << 30) + 7050, (2 << 30) + 730)
    assert (moved.since, moved.since_tor_started, moved.of_several) == (None, False, True)
    assert total(fleet).totals.sample_bytes() == (7050, 730)


def test_restarts_and_gaps_of_each_tor_are_those_of_the_sum() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), *steady(0, 10, 700))
    tell(fleet, 1, news("bert"), *steady(0, 10, 700))
    tell(fleet, 0, LOST._replace(last_heard=second(9).ends_at))
    tell(fleet, 0, news("anna", second(20).ends_at, "other", uptime=3.0)._replace(counters=None))
    assert total(fleet).totals.restarts == (second(17).ends_at,)
    tell(fleet, 1, LOST._replace(last_heard=second(9).ends_at))
    counters = CounterBase((1 << 30) + 7000 + 5000, (2 << 30) + 400)
    tell(fleet, 1, news("bert", second(20).ends_at, uptime=7220.0)._replace(counters=counters))
    [gap] = total(fleet).totals.unseen
    assert (gap.read, gap.written) == (5000, 400)
    # A lower answer makes the gap smaller, in the sum too.
    tell(fleet, 1, CounterBase(counters.read - 1000, counters.written))
    [gap] = total(fleet).totals.unseen
    assert (gap.read, gap.written) == (4000, 400)


def test_missing_bytes_of_an_event_are_added_to_the_sum() -> None:
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 5, 700))
    tell(fleet, 0, Wrapped(Sample(second(4).ends_at, 1 << 32, 0, 1.0)))
    buckets = total(fleet).history.window(second(4).ends_at, 5).buckets
    assert buckets.read.tolist() == [1400] * 4 + [1400 + (1 << 32)]


def test_sum_is_unverified_only_until_the_first_tor_is_watched() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna")._replace(recent=tuple(steady(0, 10, 70))))
    assert total(fleet).unverified_until == second(9).ends_at
    tell(fleet, 0, *steady(10, 60, 70))
    tell(fleet, 1, news("bert")._replace(recent=tuple(steady(20, 60, 5))))
    assert total(fleet).unverified_until == second(9).ends_at
    window = total(fleet).history.window(second(59).ends_at, 60)
    assert window.buckets.read.tolist() == [70] * 20 + [75] * 40
    assert window.partial == frozenset(range(20))


def test_sum_marks_buckets_that_lack_data_of_a_tor() -> None:
    fleet = mixed()
    window = total(fleet).history.window(NEWEST, 100)
    assert total(fleet).missing_members == ("bert", "9054")
    assert window.partial == frozenset(range(100))  # "9054" never connected
    assert window.end == NEWEST


# Two endpoints of the same tor.


def fleet_of_three(uptime: float = 7200.0, *, process: str = "7", found: bool = True) -> Fleet:
    """Return three endpoints. The first and the third may be the same tor."""
    fleet = watched("9051", "9052", "9053", found=found)
    tell(fleet, 0, news("anna", process="7"), *steady(0, 10, 100))
    tell(fleet, 1, news("bert", process="8"), *steady(0, 10, 10))
    tell(fleet, 2, news("anna", 1003.0, process, uptime + 3.0), *steady(0, 10, 100))
    return fleet


def test_tor_with_two_endpoints_is_counted_once() -> None:
    fleet = watched("9051", "9052", "9053", found=True)
    third = fleet.instances[2]
    tell(fleet, 0, news("anna", process="7"), *steady(0, 10, 100))
    tell(fleet, 1, news("bert", process="8"), *steady(0, 10, 10))
    connected = news("anna", 1003.0, "7", 7203.0)._replace(
        recent=tuple(steady(-20, 0, 9)), counters=CounterBase(1, 1)
    )
    samples = steady(0, 10, 100)
    events: list[Event] = [connected, *samples, CounterBase(5, 5), LOST, connected]
    for event in events:
        fleet.handle(third, event)
    assert [each.title for each in fleet.instances] == ["anna", "bert"]
    assert total(fleet).title == "sum of 2 tors"
    assert total(fleet).missing_members == ()
    window = total(fleet).history.window(second(9).ends_at, 30)
    assert window.buckets.read.tolist() == [0] * 20 + [110] * 10
    assert window.partial == frozenset()
    moved = total(fleet).totals.total()
    assert moved is not None
    assert moved.read == (2 << 30) + 1100


@pytest.mark.parametrize(
    "fleet",
    [
        fleet_of_three(process="9"),
        fleet_of_three(process=""),
        fleet_of_three(uptime=7200.0 + 2 * SAME_START_S),
        fleet_of_three(found=False),
    ],
    ids=["another process", "process unknown", "in another container", "the user named both"],
)
def test_tors_that_may_differ_are_all_watched(fleet: Fleet) -> None:
    assert len(fleet.instances) == 3
    assert total(fleet).history.window(second(9).ends_at, 1).buckets.read.tolist() == [210]


def test_no_sum_if_one_tor_remains() -> None:
    fleet = watched("9051", "9052", found=True)
    tell(fleet, 0, news("anna", process="7"))
    tell(fleet, 1, news("anna", process="7"))
    assert [each.title for each in fleet.instances] == ["anna"]
    assert fleet.sum is None
    tell(fleet, 0, *steady(0, 5, 9), LOST)
    assert fleet.newest_at == second(4).ends_at


def test_reconnected_tor_is_not_removed() -> None:
    for names in (("9051",), ("9051", "9052")):
        fleet = watched(*names, found=True)
        tell(fleet, 0, news("anna"), *steady(0, 5, 9), LOST)
        tell(fleet, 0, news("anna", second(20).ends_at, uptime=7220.0))
        assert len(fleet.instances) == len(names)
        assert isinstance(fleet.instances[0].state, Connected)


# When to give up.


def test_no_final_error_while_a_tor_may_connect() -> None:
    fleet = watched("9051", "9052")
    assert fleet.final_error is None
    tell(fleet, 0, refused("9051"))
    assert fleet.final_error is None


def test_final_error_has_the_cause_of_each_tor() -> None:
    fleet = watched("9051", "9052", "9053")
    for which, place in enumerate(("9051", "9052", "9053")):
        tell(fleet, which, refused(place))
    error = fleet.final_error
    assert error is not None
    for place in ("9051", "9052", "9053"):
        assert error.cause.count(f"{place} says no") == 1
    assert error.remedy == "start tor"  # once, not three times


def test_final_error_of_a_single_tor_is_its_own() -> None:
    fleet = watched("9051")
    event = refused("9051")
    tell(fleet, 0, event)
    assert fleet.final_error is event.error


def test_no_final_error_when_waiting_forever() -> None:
    for names in (("9051",), ("9051", "9052")):
        fleet = watched(*names, patient=True)
        for which, name in enumerate(names):
            tell(fleet, which, refused(name))
        assert fleet.final_error is None


def test_no_final_error_once_a_tor_was_connected() -> None:
    fleet = watched("9051", "9052")
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, refused("9052"))
    assert fleet.final_error is None
    tell(fleet, 0, LOST, refused("9051"))
    assert fleet.final_error is None


@pytest.mark.parametrize("wait_forever", [False, True])
def test_needed_password_is_the_final_error_before_all_others(wait_forever: bool) -> None:
    fleet = watched("9051", "9052", "9053", patient=wait_forever)
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, refused("9052"))
    needed = refused("9053", password=True)
    tell(fleet, 2, needed)
    assert fleet.final_error is needed.error
    tell(fleet, 2, news("carl"))
    assert fleet.final_error is None


def test_password_that_cannot_be_asked_for_is_an_error_like_others() -> None:
    fleet = Fleet([Instance("9051"), Instance("9052")], can_ask_password=lambda _: False)
    tell(fleet, 0, refused("9051", password=True))
    early = fleet.final_error
    assert early is None
    tell(fleet, 1, refused("9052"))
    assert fleet.final_error is not None
    assert "9051 says no" in fleet.final_error.cause


# Several threads.


def test_sum_is_exact_with_events_from_many_threads() -> None:
    def lock() -> AbstractContextManager[object]:
        return threading.Lock()

    count, seconds = 8, 400
    instances = [Instance(f"{which}", history=History(lock())) for which in range(count)]
    fleet = Fleet(instances, lock)
    barrier = threading.Barrier(count)

    def source(instance: Instance) -> None:
        barrier.wait()
        fleet.handle(instance, news(instance.name, process=instance.name))
        for sample in steady(0, seconds, 7 + int(instance.name), 3):
            fleet.handle(instance, sample)
            if sample.ends_at % 50 == 0:
                fleet.handle(instance, LOST._replace(last_heard=sample.ends_at))

    threads = [threading.Thread(target=source, args=(each,)) for each in fleet.instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = second(seconds - 1).ends_at
    each_second = sum(7 + which for which in range(count))
    window = total(fleet).history.window(now, seconds)
    assert window.buckets.read.tolist() == [each_second] * seconds
    assert window.buckets.written.tolist() == [3 * count] * seconds
    assert window.partial == frozenset()
    for resolution in RESOLUTIONS:
        assert sum(total(fleet).history.window(now, 500, resolution).buckets.read) == (
            seconds * each_second
        )
    moved = total(fleet).totals.total()
    assert moved is not None
    assert moved.read == count * (1 << 30) + seconds * each_second
    assert total(fleet).missing_members == tuple(
        each.title for each in fleet.instances if not isinstance(each.state, Connected)
    )


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["sample", "connected", "other", "lost", "refused", "problem", "counters"]),
        st.integers(0, 5),
    ),
    max_size=60,
)


@PROPERTY
@given(EVENTS, st.integers(1, 4), st.booleans(), st.booleans())
def test_sum_agrees_with_its_members_after_any_events(
    events: list[tuple[int, str, int]], count: int, found: bool, patient: bool
) -> None:
    fleet = watched(*(f"{9051 + which}" for which in range(count)), found=found, patient=patient)
    everyone, at = fleet.instances, 1000.0
    for which, kind, after in events:
        instance, at = everyone[which % count], at + after
        uptime = 7200.0 + at - 1000.0
        match kind:
            case "sample":
                fleet.handle(instance, Sample(at, 7, 3, 1.0))
            case "connected":
                fleet.handle(instance, news(instance.name, at, f"{which % 3}", uptime))
            case "other":
                fleet.handle(instance, news(instance.name, at, f"new {which} {at}", 1.0))
            case "lost":
                fleet.handle(instance, LOST._replace(last_heard=at))
            case "refused":
                fleet.handle(instance, refused(instance.name, password=after == 5))
            case "problem":
                fleet.handle(instance, Problem(at, "hm"))
            case "counters":
                fleet.handle(instance, CounterBase(5, 5))
        assert fleet.instances
        assert (fleet.sum is None) is (len(fleet.instances) == 1)
        if patient and fleet.final_error is not None:
            assert fleet.final_error.needs_password_at
        if fleet.sum is None:
            continue
        assert fleet.sum.name == f"sum of {len(fleet.instances)} tors"
        connected = [each.title for each in fleet.instances if isinstance(each.state, Connected)]
        titles = [each.title for each in fleet.instances]
        assert sorted([*fleet.sum.missing_members, *connected]) == sorted(titles)
        assert isinstance(fleet.sum.state, Connected) is bool(connected)
        moved = fleet.sum.totals.total()
        totals = [each.totals.total() for each in fleet.instances]
        assert (moved.read if moved else 0) == sum(each.read for each in totals if each)
