"""One tor as bwgraph knows it: what becomes of each thing that its source tells."""

import pytest

from bwgraph.model.errors import Refusal
from bwgraph.model.events import (
    Connected,
    Counted,
    Described,
    Event,
    Lost,
    Refused,
    Sample,
    Trouble,
    Wrapped,
)
from bwgraph.model.instance import Instance
from bwgraph.model.quota import Context, Limit
from bwgraph.model.totals import Total, Unseen
from bwgraph.tor.description import parse_context

CONNECTED = Connected(when=10.0, where="127.0.0.1:9051", version="0.4.9.11", nickname="relay")
LOST = Lost(since=5.0, why="it closed the connection", retry=6.0)
SAMPLE = Sample(when=11.0, read=700, written=70, seconds=1.0)
COUNTED = Counted(read=5000, written=500)
REFUSAL = Refusal("tor did not accept the password")
TROUBLE = Trouble(3.0, "a thread ended")
ANSWERS = Described(11.0, parse_context({"BandwidthRate": "1000"}))

RECENT = tuple(Sample(7.0 + i, 100 * i, 10 * i, 1.0) for i in range(1, 4))
"What a tor remembers of the three seconds before ``CONNECTED``."


def connected(*events: Event, news: Connected = CONNECTED) -> Instance:
    """A tor that has connected, and has told this since."""
    instance = Instance("tor")
    for event in (news, *events):
        instance.tell(event)
    return instance


def read_by_column(instance: Instance, now: float, columns: int) -> list[int | None]:
    """Bytes read in each of the newest seconds, None in a gap."""
    window = instance.history.window(now, columns).columns
    return [
        read if seconds else None for read, seconds in zip(window.read, window.seconds, strict=True)
    ]


def moved(instance: Instance) -> tuple[int, int]:
    """The bytes in its total."""
    total = instance.ledger.total()
    assert total is not None
    return total.read, total.written


def test_at_first_nothing_is_known() -> None:
    fresh = Instance("demo")
    assert (fresh.state, fresh.connection, fresh.told_until) == (None, None, None)
    assert (fresh.refusal, fresh.trouble, fresh.troubles) == (None, None, 0)
    assert (fresh.history.newest, fresh.ledger.total(), fresh.note) == (None, None, "")


def test_two_instances_share_nothing() -> None:
    other = Instance("other")
    connected(SAMPLE)
    assert other.history.newest is None
    assert other.ledger.total() is None


def test_a_sample_goes_into_the_history_and_into_the_totals() -> None:
    instance = connected(SAMPLE)
    window = instance.history.window(11.1, 1).columns
    assert (window.read.tolist(), window.written.tolist()) == ([700], [70])
    assert window.seconds.tolist() == [1.0]
    assert instance.ledger.total() == Total(700, 70, since=10.0, of_tor=False)


def test_what_tor_counted_before_is_in_the_totals_and_not_in_the_history() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(counted=COUNTED, uptime=4.0))
    assert instance.ledger.total() == Total(5700, 570, since=6.0, of_tor=True)
    assert read_by_column(instance, 11.1, 20) == [*[None] * 19, 700]


def test_a_later_count_corrects_the_totals_alone() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(counted=COUNTED))
    instance.tell(Counted(4990, 600))
    assert moved(instance) == (5690, 570)
    assert read_by_column(instance, 11.1, 1) == [700]


def test_the_state_is_the_latest_word_of_the_connection() -> None:
    instance = Instance("tor")
    for event in (CONNECTED, LOST, CONNECTED._replace(when=20.0)):
        instance.tell(event)
        assert instance.state is event


def test_the_connection_outlives_its_loss_and_gives_way_to_the_next() -> None:
    instance = connected(LOST)
    assert instance.connection is CONNECTED
    again = CONNECTED._replace(when=20.0, nickname="other")
    instance.tell(again)
    assert instance.connection is again


def test_a_tor_that_was_only_silent_is_live_again_with_its_next_sample() -> None:
    instance = connected(SAMPLE, Lost(since=11.0, why="it has been silent for 4 s", retry=31.0))
    instance.tell(Sample(when=19.0, read=8000, written=800, seconds=8.0))
    assert instance.state is CONNECTED
    assert instance.connection is CONNECTED
    # No gap, no restart, nothing unseen: the sample covers the time of the silence.
    instance.tell(Sample(when=20.0, read=1000, written=100, seconds=1.0))
    assert read_by_column(instance, 20.1, 10) == [700, *[1000] * 9]
    assert moved(instance) == (9700, 970)
    assert (list(instance.ledger.restarts), list(instance.ledger.unseen)) == ([], [])


def test_a_sample_of_a_live_tor_leaves_the_state_alone() -> None:
    assert connected(SAMPLE).state is CONNECTED


def test_a_loss_keeps_the_history_and_the_totals() -> None:
    instance = connected(SAMPLE, LOST)
    assert instance.state is LOST
    assert instance.history.newest == SAMPLE.when
    assert moved(instance) == (700, 70)


def test_what_moved_while_the_connection_was_lost_lies_between_loss_and_return() -> None:
    first = CONNECTED._replace(counted=COUNTED, uptime=4.0)
    instance = connected(SAMPLE, Lost(since=11.5, why="gone", retry=12.0), news=first)
    # Told again after a try in vain: since when it is lost stays the same.
    instance.tell(Lost(since=11.5, why="connection refused", retry=14.0))
    instance.tell(first._replace(when=30.0, counted=Counted(15_700, 1570), uptime=24.0))
    assert list(instance.ledger.unseen) == [Unseen(11.5, 30.0, 10_000, 1000)]
    assert moved(instance) == (15_700, 1570)
    assert read_by_column(instance, 11.1, 2) == [None, 700]


def test_another_tor_after_a_loss_is_a_restart_and_starts_new_totals() -> None:
    first = CONNECTED._replace(counted=COUNTED, process="7")
    instance = connected(SAMPLE, Lost(since=11.5, why="gone", retry=12.0), news=first)
    instance.tell(first._replace(when=30.0, counted=Counted(90, 9), uptime=3.0, process="8"))
    assert list(instance.ledger.restarts) == [27.0]
    assert moved(instance) == (90, 9)
    assert instance.history.newest == SAMPLE.when


# What tor remembers.


def test_what_tor_remembers_is_in_the_history_and_not_in_the_totals() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(recent=RECENT))
    assert read_by_column(instance, 11.1, 5) == [None, 100, 200, 300, 700]
    assert moved(instance) == (700, 70)


def test_what_tor_counted_holds_what_it_remembers_already() -> None:
    instance = connected(SAMPLE, news=CONNECTED._replace(recent=RECENT, counted=COUNTED))
    assert moved(instance) == (5700, 570)


def test_what_tor_remembers_is_told_apart_to_the_column_and_no_further() -> None:
    # However much later it is that the answer is there.
    instance = connected(news=CONNECTED._replace(when=10.9, recent=RECENT))
    assert instance.history.newest == RECENT[-1].when
    assert instance.told_until == 10
    instance.tell(SAMPLE)
    assert instance.told_until == 10


def test_where_tor_remembers_nothing_there_is_nothing_to_tell_apart() -> None:
    assert connected(SAMPLE).told_until is None


@pytest.mark.parametrize("first", [(), RECENT], ids=["nothing", "something"])
def test_what_tor_remembers_is_taken_from_the_first_connection_alone(
    first: tuple[Sample, ...],
) -> None:
    # Later there is data of our own, which lies in part where tor's memory does.
    instance = connected(SAMPLE, LOST, news=CONNECTED._replace(recent=first))
    before, told = read_by_column(instance, 11.1, 40), instance.told_until
    again = tuple(Sample(5.0 + i, 9999, 999, 1.0) for i in range(1, 16))
    instance.tell(CONNECTED._replace(when=20.0, recent=again))
    assert read_by_column(instance, 11.1, 40) == before
    assert instance.told_until == told
    assert moved(instance) == (700, 70)


# What an event lacked.


def test_what_an_event_lacked_is_added_to_its_columns_and_to_the_totals() -> None:
    late = Sample(when=15.0, read=400, written=40, seconds=4.0)
    instance = connected(SAMPLE, late, Sample(when=16.0, read=100, written=10, seconds=1.0))
    before = moved(instance)
    lacking = Sample(late.when, 1 << 32, 2 << 32, late.seconds)
    instance.tell(Wrapped(lacking))
    assert moved(instance) == (before[0] + (1 << 32), before[1] + (2 << 32))
    # The event and the one after it were spread alike; what was lacking lies in its span alone.
    assert read_by_column(instance, 16.1, 6) == [700, *[100 + (1 << 30)] * 4, 100]
    window = instance.history.window(16.1, 6).columns
    assert window.seconds.tolist() == [1.0] * 6
    assert max(window.written_peak) == pytest.approx(10 + (1 << 31))


# What it tells of itself.


def test_its_context_is_the_latest_and_outlives_a_loss() -> None:
    instance = connected(ANSWERS)
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.tell(LOST)
    instance.tell(CONNECTED._replace(when=20.0, process="other"))
    assert instance.context == Context(limit=Limit(1000, "BandwidthRate"))
    instance.tell(Described(21.0, parse_context({})))
    assert instance.context == Context()


# What else there is to tell.


def test_a_refusal_is_kept_for_the_end_of_the_program() -> None:
    instance = Instance("tor")
    instance.tell(Refused(REFUSAL))
    assert instance.refusal is REFUSAL


def test_of_troubles_the_latest_is_kept_and_all_are_counted() -> None:
    instance = Instance("tor")
    for n in range(1000):
        instance.tell(Trouble(float(n), f"number {n}"))
    assert instance.trouble == Trouble(999.0, "number 999")
    assert instance.troubles == 1000


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
    instance.tell(event)
    changed = {
        "state": instance.state is not None,
        "connection": instance.connection is not None,
        "history": instance.history.newest is not None,
        "total": instance.ledger.total() is not None,
        "refusal": instance.refusal is not None,
        "trouble": instance.trouble is not None or instance.troubles != 0,
        "context": instance.context != Context(),
    }
    assert {part for part, there in changed.items() if there} == parts


def test_what_is_no_event_is_an_error() -> None:
    with pytest.raises(AssertionError):
        Instance("tor").tell("hello")  # type: ignore[arg-type]


def test_a_refusal_is_its_cause_in_words() -> None:
    refusal = Refusal("connection refused", "is tor running?", absent=True)
    assert str(refusal) == refusal.cause == "connection refused"
    assert (refusal.cure, refusal.absent, refusal.password_for) == ("is tor running?", True, "")
