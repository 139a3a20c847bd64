"""Several tors and their sum: who is there, what becomes of the sum, and when to give up."""

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

GONE = Lost(NEWEST, "it closed the connection", NEWEST + 8.0)


def total(fleet: Fleet) -> Instance:
    """The sum of a fleet that has one."""
    assert fleet.sum is not None
    return fleet.sum


def refused(place: str, password: bool = False) -> Refused:
    """A tor that is not there, or wants a password."""
    cure = f"a password for {place}" if password else "start tor"
    return Refused(
        ExplainedError(f"{place} says no", cure, needs_password_at=place if password else "")
    )


# Who is watched.


def test_one_tor_has_no_sum_and_keeps_its_own_history() -> None:
    instance = Instance("9051")
    history = instance.history
    fleet = Fleet([instance])
    assert fleet.sum is None
    assert fleet.newest_at is None
    tell(fleet, 0, CONNECTED, *steady(0, 5, 700))
    assert instance.history is history
    assert history.window(second(4).ends_at, 5).buckets.read.tolist() == [700] * 5
    assert fleet.newest_at == second(4).ends_at


def test_the_sum_says_of_how_many_it_is_and_who_is_absent() -> None:
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
    tell(fleet, 0, GONE)
    assert total(fleet).missing_members == ("anna",)
    assert isinstance(total(fleet).state, Connected)


def test_the_sum_is_lost_when_all_are() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), GONE)
    assert total(fleet).state == GONE
    tell(fleet, 1, news("bert"))
    assert isinstance(total(fleet).state, Connected)
    tell(fleet, 1, GONE)
    assert total(fleet).state == GONE


def test_one_that_was_only_silent_is_there_again_with_its_next_sample() -> None:
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 5, 700))
    tell(fleet, 0, GONE)
    assert total(fleet).missing_members == ("anna",)
    tell(fleet, 0, second(10))
    assert total(fleet).missing_members == ()


def test_a_name_that_the_user_gave_is_the_one_that_is_missed() -> None:
    fleet = Fleet([Instance("9051", label="exit"), Instance("9052")])
    assert total(fleet).missing_members == ("exit", "9052")


def test_troubles_of_each_are_troubles_of_the_sum() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, Problem(1.0, "one"))
    tell(fleet, 1, Problem(2.0, "two"), Described(3.0, Context()))
    assert (total(fleet).problem, total(fleet).problem_count) == (Problem(2.0, "two"), 2)


def test_what_a_stranger_tells_is_nobodys() -> None:
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


# Totals, restarts, gaps, and what tor remembers.


def test_the_sums_total_is_that_of_all_each_since_it_started() -> None:
    fleet = watched("anna", "bert")
    assert total(fleet).totals.total() is None
    tell(fleet, 0, news("anna"), *steady(0, 10, 700, 70))
    known = total(fleet).totals.total()
    assert known is not None
    assert (known.read, known.written) == ((1 << 30) + 7000, (2 << 30) + 700)
    tell(fleet, 1, news("bert")._replace(counters=None), *steady(0, 10, 5, 3))
    known = total(fleet).totals.total()
    assert known is not None
    assert (known.read, known.written) == ((1 << 30) + 7050, (2 << 30) + 730)
    assert (known.since, known.since_tor_started, known.of_several) == (None, False, True)


def test_restarts_and_gaps_of_each_are_the_sums() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna"), *steady(0, 10, 700))
    tell(fleet, 1, news("bert"), *steady(0, 10, 700))
    tell(fleet, 0, GONE._replace(last_heard=second(9).ends_at))
    tell(fleet, 0, news("anna", second(20).ends_at, "other", uptime=3.0)._replace(counters=None))
    assert total(fleet).totals.restarts == (second(17).ends_at,)
    tell(fleet, 1, GONE._replace(last_heard=second(9).ends_at))
    moved = CounterBase((1 << 30) + 7000 + 5000, (2 << 30) + 400)
    tell(fleet, 1, news("bert", second(20).ends_at, uptime=7220.0)._replace(counters=moved))
    [gap] = total(fleet).totals.unseen
    assert (gap.read, gap.written) == (5000, 400)
    # A better answer makes it smaller, in the sum too.
    tell(fleet, 1, CounterBase(moved.read - 1000, moved.written))
    [gap] = total(fleet).totals.unseen
    assert (gap.read, gap.written) == (4000, 400)


def test_what_an_event_lacked_is_in_the_sum() -> None:
    fleet = watched("anna", "bert")
    for which, name in enumerate(("anna", "bert")):
        tell(fleet, which, news(name), *steady(0, 5, 700))
    tell(fleet, 0, Wrapped(Sample(second(4).ends_at, 1 << 32, 0, 1.0)))
    columns = total(fleet).history.window(second(4).ends_at, 5).buckets
    assert columns.read.tolist() == [1400] * 4 + [1400 + (1 << 32)]


def test_what_the_first_remember_is_hearsay_and_what_one_remembers_later_makes_none() -> None:
    fleet = watched("anna", "bert")
    tell(fleet, 0, news("anna")._replace(recent=tuple(steady(0, 10, 70))))
    assert total(fleet).unverified_until == second(9).ends_at
    tell(fleet, 0, *steady(10, 60, 70))
    tell(fleet, 1, news("bert")._replace(recent=tuple(steady(20, 60, 5))))
    assert total(fleet).unverified_until == second(9).ends_at
    window = total(fleet).history.window(second(59).ends_at, 60)
    assert window.buckets.read.tolist() == [70] * 20 + [75] * 40
    assert window.partial == frozenset(range(20))


def test_of_a_mixed_fleet_the_sum_is_marked_where_somebody_is_missing() -> None:
    fleet = mixed()
    window = total(fleet).history.window(NEWEST, 100)
    assert total(fleet).missing_members == ("bert", "9054")
    assert window.partial == frozenset(range(100))  # one never came
    assert window.end == NEWEST


# Twins.


def twins(uptime: float = 7200.0, *, process: str = "7", found: bool = True) -> Fleet:
    """Three doors; what is behind the third is perhaps what is behind the first."""
    fleet = watched("9051", "9052", "9053", found=found)
    tell(fleet, 0, news("anna", process="7"), *steady(0, 10, 100))
    tell(fleet, 1, news("bert", process="8"), *steady(0, 10, 10))
    tell(fleet, 2, news("anna", 1003.0, process, uptime + 3.0), *steady(0, 10, 100))
    return fleet


def test_one_tor_with_two_doors_is_counted_once() -> None:
    fleet = watched("9051", "9052", "9053", found=True)
    third = fleet.instances[2]
    tell(fleet, 0, news("anna", process="7"), *steady(0, 10, 100))
    tell(fleet, 1, news("bert", process="8"), *steady(0, 10, 10))
    remembering = news("anna", 1003.0, "7", 7203.0)._replace(
        recent=tuple(steady(-20, 0, 9)), counters=CounterBase(1, 1)
    )
    told: list[Event] = [remembering, *steady(0, 10, 100), CounterBase(5, 5), GONE, remembering]
    for event in told:
        fleet.handle(third, event)
    assert [each.title for each in fleet.instances] == ["anna", "bert"]
    assert total(fleet).title == "sum of 2 tors"
    assert total(fleet).missing_members == ()
    window = total(fleet).history.window(second(9).ends_at, 30)
    assert window.buckets.read.tolist() == [0] * 20 + [110] * 10
    assert window.partial == frozenset()
    known = total(fleet).totals.total()
    assert known is not None
    assert known.read == (2 << 30) + 1100


@pytest.mark.parametrize(
    "fleet",
    [
        twins(process="9"),
        twins(process=""),
        twins(uptime=7200.0 + 2 * SAME_START_S),
        twins(found=False),
    ],
    ids=["another process", "nobody knows", "in another container", "the user named both"],
)
def test_tors_that_are_not_known_to_be_one_are_several(fleet: Fleet) -> None:
    assert len(fleet.instances) == 3
    assert total(fleet).history.window(second(9).ends_at, 1).buckets.read.tolist() == [210]


def test_where_one_is_left_there_is_no_sum() -> None:
    fleet = watched("9051", "9052", found=True)
    tell(fleet, 0, news("anna", process="7"))
    tell(fleet, 1, news("anna", process="7"))
    assert [each.title for each in fleet.instances] == ["anna"]
    assert fleet.sum is None
    tell(fleet, 0, *steady(0, 5, 9), GONE)
    assert fleet.newest_at == second(4).ends_at


def test_one_that_comes_back_is_not_its_own_twin() -> None:
    for names in (("9051",), ("9051", "9052")):
        fleet = watched(*names, found=True)
        tell(fleet, 0, news("anna"), *steady(0, 5, 9), GONE)
        tell(fleet, 0, news("anna", second(20).ends_at, uptime=7220.0))
        assert len(fleet.instances) == len(names)
        assert isinstance(fleet.instances[0].state, Connected)


# When to give up.


def test_there_is_no_giving_up_while_somebody_may_yet_come() -> None:
    fleet = watched("9051", "9052")
    assert fleet.final_error is None
    tell(fleet, 0, refused("9051"))
    assert fleet.final_error is None


def test_where_none_came_each_says_why() -> None:
    fleet = watched("9051", "9052", "9053")
    for which, place in enumerate(("9051", "9052", "9053")):
        tell(fleet, which, refused(place))
    refusal = fleet.final_error
    assert refusal is not None
    for place in ("9051", "9052", "9053"):
        assert refusal.cause.count(f"{place} says no") == 1
    assert refusal.remedy == "start tor"  # said once


def test_of_one_alone_the_refusal_is_its_own() -> None:
    fleet = watched("9051")
    said = refused("9051")
    tell(fleet, 0, said)
    assert fleet.final_error is said.error


def test_the_patient_wait_for_ever() -> None:
    for names in (("9051",), ("9051", "9052")):
        fleet = watched(*names, patient=True)
        for which, name in enumerate(names):
            tell(fleet, which, refused(name))
        assert fleet.final_error is None


def test_where_one_came_up_the_others_are_waited_for() -> None:
    fleet = watched("9051", "9052")
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, refused("9052"))
    assert fleet.final_error is None
    tell(fleet, 0, GONE, refused("9051"))
    assert fleet.final_error is None


@pytest.mark.parametrize("patient", [False, True])
def test_a_password_is_asked_for_before_all_else(patient: bool) -> None:
    fleet = watched("9051", "9052", "9053", patient=patient)
    tell(fleet, 0, news("anna"))
    tell(fleet, 1, refused("9052"))
    wanted = refused("9053", password=True)
    tell(fleet, 2, wanted)
    assert fleet.final_error is wanted.error
    tell(fleet, 2, news("carl"))
    assert fleet.final_error is None


def test_a_password_that_may_not_be_asked_for_is_a_refusal_like_others() -> None:
    fleet = Fleet([Instance("9051"), Instance("9052")], can_ask_password=lambda _: False)
    tell(fleet, 0, refused("9051", password=True))
    early = fleet.final_error
    assert early is None
    tell(fleet, 1, refused("9052"))
    assert fleet.final_error is not None
    assert "9051 says no" in fleet.final_error.cause


# Told from several threads.


def test_told_from_many_threads_at_once_the_sum_is_exact() -> None:
    def lock() -> AbstractContextManager[object]:
        return threading.Lock()

    count, length = 8, 400
    instances = [Instance(f"{which}", history=History(lock())) for which in range(count)]
    fleet = Fleet(instances, lock)
    begin = threading.Barrier(count)

    def source(instance: Instance) -> None:
        begin.wait()
        fleet.handle(instance, news(instance.name, process=instance.name))
        for sample in steady(0, length, 7 + int(instance.name), 3):
            fleet.handle(instance, sample)
            if sample.ends_at % 50 == 0:
                fleet.handle(instance, GONE._replace(last_heard=sample.ends_at))

    threads = [threading.Thread(target=source, args=(each,)) for each in fleet.instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = second(length - 1).ends_at
    each_second = sum(7 + which for which in range(count))
    window = total(fleet).history.window(now, length)
    assert window.buckets.read.tolist() == [each_second] * length
    assert window.buckets.written.tolist() == [3 * count] * length
    assert window.partial == frozenset()
    for resolution in RESOLUTIONS:
        assert sum(total(fleet).history.window(now, 500, resolution).buckets.read) == (
            length * each_second
        )
    known = total(fleet).totals.total()
    assert known is not None
    assert known.read == count * (1 << 30) + length * each_second
    assert total(fleet).missing_members == tuple(
        each.title for each in fleet.instances if not isinstance(each.state, Connected)
    )


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["sample", "connected", "other", "lost", "refused", "trouble", "counted"]),
        st.integers(0, 5),
    ),
    max_size=60,
)


@PROPERTY
@given(EVENTS, st.integers(1, 4), st.booleans(), st.booleans())
def test_whatever_they_tell_the_sum_agrees_with_them(
    told: list[tuple[int, str, int]], count: int, found: bool, patient: bool
) -> None:
    fleet = watched(*(f"{9051 + which}" for which in range(count)), found=found, patient=patient)
    everyone, at = fleet.instances, 1000.0
    for which, what, ago in told:
        instance, at = everyone[which % count], at + ago
        uptime = 7200.0 + at - 1000.0
        match what:
            case "sample":
                fleet.handle(instance, Sample(at, 7, 3, 1.0))
            case "connected":
                fleet.handle(instance, news(instance.name, at, f"{which % 3}", uptime))
            case "other":
                fleet.handle(instance, news(instance.name, at, f"new {which} {at}", 1.0))
            case "lost":
                fleet.handle(instance, GONE._replace(last_heard=at))
            case "refused":
                fleet.handle(instance, refused(instance.name, password=ago == 5))
            case "trouble":
                fleet.handle(instance, Problem(at, "hm"))
            case "counted":
                fleet.handle(instance, CounterBase(5, 5))
        assert fleet.instances
        assert (fleet.sum is None) is (len(fleet.instances) == 1)
        if patient and fleet.final_error is not None:
            assert fleet.final_error.needs_password_at
        if fleet.sum is None:
            continue
        assert fleet.sum.name == f"sum of {len(fleet.instances)} tors"
        there = [each.title for each in fleet.instances if isinstance(each.state, Connected)]
        titles = [each.title for each in fleet.instances]
        assert sorted([*fleet.sum.missing_members, *there]) == sorted(titles)
        assert isinstance(fleet.sum.state, Connected) is bool(there)
        known = fleet.sum.totals.total()
        totals = [each.totals.total() for each in fleet.instances]
        assert (known.read if known else 0) == sum(each.read for each in totals if each)
