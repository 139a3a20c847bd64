"""An instance: the effect of each event on its state, history and totals."""

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
COUNTERS = CounterBase(read=5000, written=500)
ERROR = ExplainedError("tor did not accept the password")
PROBLEM = Problem(3.0, "a thread ended")
DESCRIBED = Described(11.0, Context(limit=Limit(1000, "BandwidthRate")))

RECENT = tuple(Sample(7.0 + i, 100 * i, 10 * i, 1.0) for i in range(1, 4))
"The event cache of a tor: the three seconds before ``CONNECTED``."


def connected(*events: Event, first: Connected = CONNECTED) -> Instance:
    """A tor that has connected and then sent these events."""
    instance = Instance("tor")
    for event in (first, *events):
        instance.handle(event)
    return instance


def read_by_second(instance: Instance, now: float, count: int) -> list[int | None]:
    """Bytes read in each of the newest seconds, None in a gap."""
    window = instance.history.window(now, count).buckets
    return [
        read if seconds else None for read, seconds in zip(window.read, window.seconds, strict=True)
    ]


def total_bytes(instance: Instance) -> tuple[int, int]:
    """The bytes read and written of its total."""
    total = instance.totals.total()
    assert total is not None
    return total.read, total.written


def test_new_instance_has_no_data() -> None:
    new = Instance("demo")
    assert (new.state, new.connection, new.unverified_until) == (None, None, None)
    assert (new.error, new.problem, new.problem_count) == (None, None, 0)
    assert (new.history.newest_at, new.totals.total(), new.note) == (None, None, "")


def test_two_instances_share_nothing() -> None:
    other = Instance("other")
    connected(SAMPLE)
    assert other.history.newest_at is None
    assert other.totals.total() is None


def test_sample_is_added_to_the_history_and_the_totals() -> None:
    instance = connected(SAMPLE)
    window = instance.history.window(11.1, 1).buckets
    assert (window.read.tolist(), window.written.tolist()) == ([700], [70])
    assert window.seconds.tolist() == [1.0]
    assert instance.totals.total() == Total(700, 70, since=10.0, since_tor_started=False)


def test_tors_counters_are_in_the_totals_and_not_in_the_history() -> None:
    instance = connected(SAMPLE, first=CONNECTED._replace(counters=COUNTERS, uptime=4.0))
    assert instance.totals.total() == Total(5700, 570, since=6.0, since_tor_started=True)
    assert read_by_second(instance, 11.1, 20) == [*[None] * 19, 700]


def test_later_counters_correct_the_totals_only() -> None:
    instance = connected(SAMPLE, first=CONNECTED._replace(counters=COUNTERS))
    instance.handle(CounterBase(4990, 600))
    assert total_bytes(instance) == (5690, 570)
    assert read_by_second(instance, 11.1, 1) == [700]


def test_state_is_the_latest_event_of_the_connection() -> None:
    instance = Instance("tor")
    for event in (CONNECTED, LOST, CONNECTED._replace(at=20.0)):
        instance.handle(event)
        assert instance.state is event


def test_connection_remains_after_a_loss_until_the_next_one() -> None:
    instance = connected(LOST)
    assert instance.connection is CONNECTED
    again = CONNECTED._replace(at=20.0, nickname="other")
    instance.handle(again)
    assert instance.connection is again


def test_silent_tor_is_connected_again_with_its_next_sample() -> None:
    instance = connected(
        SAMPLE, Lost(last_heard=11.0, reason="it has been silent for 4 s", retry_at=31.0)
    )
    instance.handle(Sample(ends_at=19.0, read=8000, written=800, seconds=8.0))
    assert instance.state is CONNECTED
    assert instance.connection is CONNECTED
    # No gap, no restart and no unseen bytes: the sample covers the silence.
    instance.handle(Sample(ends_at=20.0, read=1000, written=100, seconds=1.0))
    assert read_by_second(instance, 20.1, 10) == [700, *[1000] * 9]
    assert total_bytes(instance) == (9700, 970)
    assert (list(instance.totals.restarts), list(instance.totals.unseen)) == ([], [])


def test_sample_of_a_connected_tor_does_not_change_its_state() -> None:
    assert connected(SAMPLE).state is CONNECTED


def test_history_and_totals_remain_after_a_loss() -> None:
    instance = connected(SAMPLE, LOST)
    assert instance.state is LOST
    assert instance.history.newest_at == SAMPLE.ends_at
    assert total_bytes(instance) == (700, 70)


def test_unseen_bytes_lie_between_loss_and_reconnection() -> None:
    first = CONNECTED._replace(counters=COUNTERS, uptime=4.0)
    instance = connected(SAMPLE, Lost(last_heard=11.5, reason="gone", retry_at=12.0), first=first)
    # The same loss again, after an attempt that failed.
    instance.handle(Lost(last_heard=11.5, reason="connection refused", retry_at=14.0))
    instance.handle(first._replace(at=30.0, counters=CounterBase(15_700, 1570), uptime=24.0))
    assert list(instance.totals.unseen) == [Unseen(11.5, 30.0, 10_000, 1000)]
    assert total_bytes(instance) == (15_700, 1570)
    assert read_by_second(instance, 11.1, 2) == [None, 700]


def test_another_process_after_a_loss_is_a_restart_with_new_totals() -> None:
    first = CONNECTED._replace(counters=COUNTERS, process="7")
    instance = connected(SAMPLE, Lost(last_heard=11.5, reason="gone", retry_at=12.0), first=first)
    instance.handle(first._replace(at=30.0, counters=CounterBase(90, 9), uptime=3.0, process="8"))
    assert list(instance.totals.restarts) == [27.0]
    assert total_bytes(instance) == (90, 9)
    assert instance.history.newest_at == SAMPLE.ends_at


# Tor's event cache.


def test_event_cache_is_in_the_history_and_not_in_the_totals() -> None:
    instance = connected(SAMPLE, first=CONNECTED._replace(recent=RECENT))
    assert read_by_second(instance, 11.1, 5) == [None, 100, 200, 300, 700]
    assert total_bytes(instance) == (700, 70)


def test_tors_counters_already_include_its_event_cache() -> None:
    instance = connected(SAMPLE, first=CONNECTED._replace(recent=RECENT, counters=COUNTERS))
    assert total_bytes(instance) == (5700, 570)


def test_unverified_seconds_end_with_the_event_cache() -> None:
    # However much later the answer arrives.
    instance = connected(first=CONNECTED._replace(at=10.9, recent=RECENT))
    assert instance.history.newest_at == RECENT[-1].ends_at
    assert instance.unverified_until == 10
    instance.handle(SAMPLE)
    assert instance.unverified_until == 10


def test_no_second_is_unverified_without_an_event_cache() -> None:
    assert connected(SAMPLE).unverified_until is None


@pytest.mark.parametrize("first", [(), RECENT], ids=["nothing", "something"])
def test_event_cache_is_used_on_the_first_connection_only(
    first: tuple[Sample, ...],
) -> None:
    # Later, our own samples overlap with tor's event cache.
    instance = connected(SAMPLE, LOST, first=CONNECTED._replace(recent=first))
    before, unverified = read_by_second(instance, 11.1, 40), instance.unverified_until
    again = tuple(Sample(5.0 + i, 9999, 999, 1.0) for i in range(1, 16))
    instance.handle(CONNECTED._replace(at=20.0, recent=again))
    assert read_by_second(instance, 11.1, 40) == before
    assert instance.unverified_until == unverified
    assert total_bytes(instance) == (700, 70)


# Bytes that an event lacked.


def test_missing_bytes_are_added_to_their_buckets_and_to_the_totals() -> None:
    late = Sample(ends_at=15.0, read=400, written=40, seconds=4.0)
    instance = connected(SAMPLE, late, Sample(ends_at=16.0, read=100, written=10, seconds=1.0))
    before = total_bytes(instance)
    missing = Sample(late.ends_at, 1 << 32, 2 << 32, late.seconds)
    instance.handle(Wrapped(missing))
    assert total_bytes(instance) == (before[0] + (1 << 32), before[1] + (2 << 32))
    # The late event was spread together with the next; the missing bytes are in its span only.
    assert read_by_second(instance, 16.1, 6) == [700, *[100 + (1 << 30)] * 4, 100]
    window = instance.history.window(16.1, 6).buckets
    assert window.seconds.tolist() == [1.0] * 6
    assert max(window.written_peak) == pytest.approx(10 + (1 << 31))


# Descriptions.


def test_context_is_the_latest_and_remains_after_a_loss() -> None:
    instance = connected(DESCRIBED)
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.handle(LOST)
    instance.handle(CONNECTED._replace(at=20.0, process="other"))
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.handle(Described(21.0, Context()))
    assert instance.context == Context()


# Errors and problems.


def test_error_of_a_refusal_is_remembered() -> None:
    instance = Instance("tor")
    instance.handle(Refused(ERROR))
    assert instance.error is ERROR


def test_latest_problem_is_remembered_and_all_are_counted() -> None:
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
        (COUNTERS, set()),
        (Wrapped(SAMPLE), set()),
        (Refused(ERROR), {"error"}),
        (PROBLEM, {"problem"}),
        (DESCRIBED, {"context"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_event_changes_its_own_part_only(event: Event, parts: set[str]) -> None:
    instance = Instance("tor")
    instance.handle(event)
    changed = {
        "state": instance.state is not None,
        "connection": instance.connection is not None,
        "history": instance.history.newest_at is not None,
        "total": instance.totals.total() is not None,
        "error": instance.error is not None,
        "problem": instance.problem is not None or instance.problem_count != 0,
        "context": instance.context != Context(),
    }
    assert {part for part, has_changed in changed.items() if has_changed} == parts


def test_object_that_is_no_event_is_an_error() -> None:
    with pytest.raises(AssertionError):
        Instance("tor").handle("hello")  # type: ignore[arg-type]


def test_text_of_an_explained_error_is_its_cause() -> None:
    error = ExplainedError("connection refused", "is tor running?", not_running=True)
    assert str(error) == error.cause == "connection refused"
    assert (error.remedy, error.not_running, error.needs_password_at) == (
        "is tor running?",
        True,
        "",
    )
