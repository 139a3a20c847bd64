"""One tor as bwgraph knows it: what becomes of each thing that its source tells."""

import pytest

from bwgraph.instance import Instance
from bwgraph.sample import Sample
from bwgraph.source import Connected, Event, Lost, Refusal, Refused, Trouble

CONNECTED = Connected(when=1.0, where="127.0.0.1:9051", version="0.4.9.11", nickname="relay")
LOST = Lost(since=5.0, why="it closed the connection", retry=6.0)
SAMPLE = Sample(when=11.0, read=700, written=70, seconds=1.0)
REFUSAL = Refusal("tor did not accept the password")
EVENTS: list[Event] = [CONNECTED, LOST, SAMPLE, Refused(REFUSAL), Trouble(3.0, "a thread ended")]


def test_at_first_nothing_is_known() -> None:
    fresh = Instance("demo")
    assert (fresh.state, fresh.refusal, fresh.trouble, fresh.troubles) == (None, None, None, 0)
    assert fresh.history.newest is None


def test_two_instances_share_nothing() -> None:
    one, other = Instance("one"), Instance("other")
    one.tell(SAMPLE)
    assert other.history.newest is None


def test_a_sample_goes_into_the_history() -> None:
    instance = Instance("tor")
    instance.tell(SAMPLE)
    [bucket] = instance.history.window(11.1, 1).buckets
    assert bucket is not None
    assert (bucket.read, bucket.written) == (700, 70)


def test_the_state_is_the_latest_word_of_the_connection() -> None:
    instance = Instance("tor")
    for event in (CONNECTED, LOST, CONNECTED):
        instance.tell(event)
        assert instance.state is event


def test_a_sample_does_not_change_the_state() -> None:
    # A sample may arrive just after the loss: that is no connection.
    instance = Instance("tor")
    instance.tell(LOST)
    instance.tell(SAMPLE)
    assert instance.state is LOST


def test_a_loss_keeps_the_history() -> None:
    instance = Instance("tor")
    instance.tell(SAMPLE)
    instance.tell(LOST)
    assert instance.history.newest == SAMPLE.when


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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_changes_its_own_part_and_no_other(event: Event) -> None:
    instance = Instance("tor")
    instance.tell(event)
    changed = {
        "state": instance.state is not None,
        "history": instance.history.newest is not None,
        "refusal": instance.refusal is not None,
        "trouble": instance.trouble is not None or instance.troubles != 0,
    }
    assert sum(changed.values()) == 1


def test_what_is_no_event_is_an_error() -> None:
    with pytest.raises(AssertionError):
        Instance("tor").tell("hello")  # type: ignore[arg-type]


def test_a_refusal_is_its_cause_in_words() -> None:
    refusal = Refusal("connection refused", "is tor running?", absent=True)
    assert str(refusal) == refusal.cause == "connection refused"
    assert (refusal.cure, refusal.absent, refusal.password_for) == ("is tor running?", True, "")
