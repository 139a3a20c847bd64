"""One tor as bwgraph knows it: what becomes of each thing that its source tells."""

import pytest

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
from bwgraph.model.instance import Instance
from bwgraph.model.quota import Context, Limit
from bwgraph.model.totals import Total, Unseen

CONNECTED = Connected(at=10.0, endpoint="127.0.0.1:9051", version="0.4.9.11", nickname="relay")
LOST = Lost(last_heard=5.0, reason="it closed the connection", retry_at=6.0)
SAMPLE = Sample(ends_at=11.0, read=700, written=70, seconds=1.0)
COUNTED = CounterBase(read=5000, written=500)
REFUSAL = ExplainedError("tor did not accept the password")
TROUBLE = Problem(3.0, "a thread ended")
ANSWERS = Described(11.0, Context(limit=Limit(1000, "BandwidthRate")))

RECENT = tuple(Sample(7.0 + i, 100 * i, 10 * i, 1.0) for i in range(1, 4))
"What a tor remembers of the three seconds before ``CONNECTED``."


def connected(*events: Event, news: Connected = CONNECTED) -> Instance:
    """A tor that has connected, and has told this since."""
    instance = Instance("tor")
    for event in (news, *events):
        instance.handle(event)
    return instance


def read_by_column(instance: Instance, now: float, columns: int) -> list[int | None]:
    """Bytes read in each of the newest seconds, None in a gap."""
    window = instance.history.window(now, columns).buckets
    return [
        read if seconds else None for read, seconds in zip(window.read, window.seconds, strict=True)
    ]


def moved(instance: Instance) -> tuple[int, int]:
    """The bytes in its total."""
    total = instance.totals.total()
    assert total is not None
    return total.read, total.written


def test_at_first_nothing_is_known() -> None:
    fresh = Instance("demo")
    assert (fresh.state, fresh.connection, fresh.unverified_until) == (None, None, None)
    assert (fresh.error, fresh.problem, fresh.problem_count) == (None, None, 0)
    assert (fresh.history.newest_at, fresh.totals.total(), fresh.note) == (None, None, "")


def test_two_instances_share_nothing() -> None:
    other = Instance("other")
    connected(SAMPLE)
    assert other.history.newest_at is None
    assert other.totals.total() is None


def test_a_sample_goes_into_the_history_and_into_the_totals() -> None:
    instance = connected(SAMPLE)
    window = instance.history.window(11.1, 1).buckets
    assert (window.read.tolist(), window.written.tolist()) == ([700], [70])
    assert window.seconds.tolist() == [1.0]
    assert instance.totals.total() == Total(700, 70, since=10.0, since_tor_started=False)


def test_what_tor_counted_before_is_in_the_totals_and_not_in_the_history() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(counters=COUNTED, uptime=4.0))
    assert instance.totals.total() == Total(5700, 570, since=6.0, since_tor_started=True)
    assert read_by_column(instance, 11.1, 20) == [*[None] * 19, 700]


def test_a_later_count_corrects_the_totals_alone() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(counters=COUNTED))
    instance.handle(CounterBase(4990, 600))
    assert moved(instance) == (5690, 570)
    assert read_by_column(instance, 11.1, 1) == [700]


def test_the_state_is_the_latest_word_of_the_connection() -> None:
    instance = Instance("tor")
    for event in (CONNECTED, LOST, CONNECTED._replace(at=20.0)):
        instance.handle(event)
        assert instance.state is event


def test_the_connection_outlives_its_loss_and_gives_way_to_the_next() -> None:
    instance = connected(LOST)
    assert instance.connection is CONNECTED
    again = CONNECTED._replace(at=20.0, nickname="other")
    instance.handle(again)
    assert instance.connection is again


def test_a_tor_that_was_only_silent_is_live_again_with_its_next_sample() -> None:
    instance = connected(
        SAMPLE, Lost(last_heard=11.0, reason="it has been silent for 4 s", retry_at=31.0)
    )
    instance.handle(Sample(ends_at=19.0, read=8000, written=800, seconds=8.0))
    assert instance.state is CONNECTED
    assert instance.connection is CONNECTED
    # No gap, no restart, nothing unseen: the sample covers the time of the silence.
    instance.handle(Sample(ends_at=20.0, read=1000, written=100, seconds=1.0))
    assert read_by_column(instance, 20.1, 10) == [700, *[1000] * 9]
    assert moved(instance) == (9700, 970)
    assert (list(instance.totals.restarts), list(instance.totals.unseen)) == ([], [])


def test_a_sample_of_a_live_tor_leaves_the_state_alone() -> None:
    assert connected(SAMPLE).state is CONNECTED


def test_a_loss_keeps_the_history_and_the_totals() -> None:
    instance = connected(SAMPLE, LOST)
    assert instance.state is LOST
    assert instance.history.newest_at == SAMPLE.ends_at
    assert moved(instance) == (700, 70)


def test_what_moved_while_the_connection_was_lost_lies_between_loss_and_return() -> None:
    first = CONNECTED._replace(counters=COUNTED, uptime=4.0)
    instance = connected(SAMPLE, Lost(last_heard=11.5, reason="gone", retry_at=12.0), news=first)
    # Told again after a try in vain: since when it is lost stays the same.
    instance.handle(Lost(last_heard=11.5, reason="connection refused", retry_at=14.0))
    instance.handle(first._replace(at=30.0, counters=CounterBase(15_700, 1570), uptime=24.0))
    assert list(instance.totals.unseen) == [Unseen(11.5, 30.0, 10_000, 1000)]
    assert moved(instance) == (15_700, 1570)
    assert read_by_column(instance, 11.1, 2) == [None, 700]


def test_another_tor_after_a_loss_is_a_restart_and_starts_new_totals() -> None:
    first = CONNECTED._replace(counters=COUNTED, process="7")
    instance = connected(SAMPLE, Lost(last_heard=11.5, reason="gone", retry_at=12.0), news=first)
    instance.handle(first._replace(at=30.0, counters=CounterBase(90, 9), uptime=3.0, process="8"))
    assert list(instance.totals.restarts) == [27.0]
    assert moved(instance) == (90, 9)
    assert instance.history.newest_at == SAMPLE.ends_at


# What tor remembers.


def test_what_tor_remembers_is_in_the_history_and_not_in_the_totals() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(recent=RECENT))
    assert read_by_column(instance, 11.1, 5) == [None, 100, 200, 300, 700]
    assert moved(instance) == (700, 70)


def test_what_tor_counted_holds_what_it_remembers_already() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(recent=RECENT, counters=COUNTED))
    assert moved(instance) == (5700, 570)


def test_what_tor_remembers_is_told_apart_to_the_column_and_no_further() -> None:
    # However much later it is that the answer is there.
    instance = connected(news=CONNECTED._replace(at=10.9, recent=RECENT))
    assert instance.history.newest_at == RECENT[-1].ends_at
    assert instance.unverified_until == 10
    instance.handle(SAMPLE)
    assert instance.unverified_until == 10


def test_where_tor_remembers_nothing_there_is_nothing_to_tell_apart() -> None:
    assert connected(SAMPLE).unverified_until is None


@pytest.mark.parametrize("first", [(), RECENT], ids=["nothing", "something"])
def test_what_tor_remembers_is_taken_from_the_first_connection_alone(
    first: tuple[Sample, ...],
) -> None:
    # Later there is data of our own, which lies in part where tor's memory does.
    instance = connected(SAMPLE, LOST, news=CONNECTED._replace(recent=first))
    before, told = read_by_column(instance, 11.1, 40), instance.unverified_until
    again = tuple(Sample(5.0 + i, 9999, 999, 1.0) for i in range(1, 16))
    instance.handle(CONNECTED._replace(at=20.0, recent=again))
    assert read_by_column(instance, 11.1, 40) == before
    assert instance.unverified_until == told
    assert moved(instance) == (700, 70)


# What an event lacked.


def test_what_an_event_lacked_is_added_to_its_columns_and_to_the_totals() -> None:
    late = Sample(ends_at=15.0, read=400, written=40, seconds=4.0)
    instance = connected(SAMPLE, late, Sample(ends_at=16.0, read=100, written=10, seconds=1.0))
    before = moved(instance)
    lacking = Sample(late.ends_at, 1 << 32, 2 << 32, late.seconds)
    instance.handle(Wrapped(lacking))
    assert moved(instance) == (before[0] + (1 << 32), before[1] + (2 << 32))
    # The event and the one after it were spread alike; what was lacking lies in its span alone.
    assert read_by_column(instance, 16.1, 6) == [700, *[100 + (1 << 30)] * 4, 100]
    window = instance.history.window(16.1, 6).buckets
    assert window.seconds.tolist() == [1.0] * 6
    assert max(window.written_peak) == pytest.approx(10 + (1 << 31))


# What it tells of itself.


def test_its_context_is_the_latest_and_outlives_a_loss() -> None:
    instance = connected(ANSWERS)
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.handle(LOST)
    instance.handle(CONNECTED._replace(at=20.0, process="other"))
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.handle(Described(21.0, Context()))
    assert instance.context == Context()


# What else there is to tell.


def test_a_refusal_is_kept_for_the_end_of_the_program() -> None:
    instance = Instance("tor")
    instance.handle(Refused(REFUSAL))
    assert instance.error is REFUSAL


def test_of_troubles_the_latest_is_kept_and_all_are_counted() -> None:
    instance = Instance("tor")
    for n in range(1000):
        instance.handle(Problem(float(n), f"number {n}"))
    assert instance.problem == Problem(999.0, "number 999")
    assert instance.problem_count == 1000


@pytest.mark.parametrize(
    ("event", "parts"),
    [
        (CONNECTED, {"state", "connection", "total"}),
        (LOST, {"state"}),
        (SAMPLE, {"history"}),
        (COUNTED, set()),
        (Wrapped(SAMPLE), set()),
        (Refused(REFUSAL), {"refusal"}),
        (TROUBLE, {"trouble"}),
        (ANSWERS, {"context"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_event_changes_its_own_part_and_no_other(event: Event, parts: set[str]) -> None:
    instance = Instance("tor")
    instance.handle(event)
    changed = {
        "state": instance.state is not None,
        "connection": instance.connection is not None,
        "history": instance.history.newest_at is not None,
        "total": instance.totals.total() is not None,
        "refusal": instance.error is not None,
        "trouble": instance.problem is not None or instance.problem_count != 0,
        "context": instance.context != Context(),
    }
    assert {part for part, there in changed.items() if there} == parts


def test_what_is_no_event_is_an_error() -> None:
    with pytest.raises(AssertionError):
        Instance("tor").handle("hello")  # type: ignore[arg-type]


def test_a_refusal_is_its_cause_in_words() -> None:
    refusal = ExplainedError("connection refused", "is tor running?", not_running=True)
    assert str(refusal) == refusal.cause == "connection refused"
    assert (refusal.remedy, refusal.not_running, refusal.needs_password_at) == (
        "is tor running?",
        True,
        "",
    )
