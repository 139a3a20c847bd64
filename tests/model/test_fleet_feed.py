"""The buffer between the sources' threads and a fleet: order, bounds, and a blocked main thread."""

import threading

import pytest

from bwgraph.model import fleet_feed
from bwgraph.model.events import Connected, Event, Lost, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.fleet_feed import BLOCKED_AFTER_S, MAX_WAITING_SAMPLES, FleetFeed
from bwgraph.model.instance import Instance

START = 1000.0


class RecordingFleet(Fleet):
    """A fleet that lists the events that it is given."""

    def __init__(self, *instances: Instance) -> None:
        super().__init__(instances, threading.Lock)
        self.handled: list[tuple[Instance, Event]] = []

    def handle(self, instance: Instance, event: Event) -> None:
        self.handled.append((instance, event))
        super().handle(instance, event)


def sample(ends_at: float, read: int = 1) -> Sample:
    return Sample(ends_at, read, 0, 1.0)


@pytest.fixture
def fleet() -> RecordingFleet:
    return RecordingFleet(Instance("a"), Instance("b"))


@pytest.fixture
def feed(fleet: RecordingFleet) -> FleetFeed:
    feed = FleetFeed(fleet, threading.Lock())
    feed.flush(START)
    return feed


def test_samples_wait_for_flush_and_keep_their_order(
    fleet: RecordingFleet, feed: FleetFeed
) -> None:
    a, b = fleet.instances
    events = [(a, sample(START)), (b, sample(START + 0.1)), (a, sample(START + 1.0))]
    for instance, event in events:
        feed.handle(instance, event)
    assert fleet.handled == []
    feed.flush(START + 1.0)
    assert fleet.handled == events
    feed.flush(START + 1.1)
    assert fleet.handled == events


def test_other_events_are_handed_over_at_once_after_the_waiting_samples(
    fleet: RecordingFleet, feed: FleetFeed
) -> None:
    a, b = fleet.instances
    events: list[tuple[Instance, Event]] = [
        (a, Connected(START, "a")),
        (a, sample(START + 0.1)),
        (b, sample(START + 0.2)),
        (a, Lost(START + 0.3, "gone", START + 1.0)),
    ]
    feed.handle(*events[0])
    assert fleet.handled == events[:1]
    feed.handle(*events[1])
    feed.handle(*events[2])
    assert fleet.handled == events[:1]
    feed.handle(*events[3])
    assert fleet.handled == events


def test_samples_do_not_wait_for_a_blocked_main_thread(
    fleet: RecordingFleet, feed: FleetFeed
) -> None:
    a, _ = fleet.instances
    for seconds in (1.0, BLOCKED_AFTER_S):
        feed.handle(a, sample(START + seconds))
    assert fleet.handled == []
    for count, seconds in enumerate((BLOCKED_AFTER_S + 0.1, BLOCKED_AFTER_S + 1.1), start=3):
        feed.handle(a, sample(START + seconds))
        assert len(fleet.handled) == count
    # Once it runs again, samples wait again.
    feed.flush(START + 10.0)
    feed.handle(a, sample(START + 10.5))
    assert len(fleet.handled) == 4


def test_lateness_is_measured_on_the_clock_of_flush(fleet: RecordingFleet) -> None:
    # As for a recording of last year that is played at 60 times its speed.
    feed = FleetFeed(fleet, threading.Lock(), lambda when: START + (when - 50.0) / 60)
    feed.flush(START)
    a, _ = fleet.instances
    feed.handle(a, sample(50.0 + 60 * BLOCKED_AFTER_S))
    assert fleet.handled == []
    feed.handle(a, sample(51.0 + 60 * BLOCKED_AFTER_S))
    assert len(fleet.handled) == 2


def test_number_of_waiting_samples_is_bounded(fleet: RecordingFleet, feed: FleetFeed) -> None:
    # A tor may send events as fast as the connection allows.
    for number in range(1, 3 * MAX_WAITING_SAMPLES):
        feed.handle(fleet.instances[number % 2], sample(START))
        assert 0 <= number - len(fleet.handled) <= MAX_WAITING_SAMPLES
    assert len(fleet.handled) == 2 * (MAX_WAITING_SAMPLES + 1)


def test_flush_ends_though_samples_arrive_meanwhile(
    fleet: RecordingFleet, feed: FleetFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = RecordingFleet.handle

    def handle_and_add_another(fleet: RecordingFleet, instance: Instance, event: Event) -> None:
        handle(fleet, instance, event)
        feed.handle(instance, sample(START))

    monkeypatch.setattr(RecordingFleet, "handle", handle_and_add_another)
    feed.handle(fleet.instances[0], sample(START))
    for count in range(1, 5):
        feed.flush(START)
        assert len(fleet.handled) == count


def test_no_sample_is_lost_or_reordered_between_threads(
    fleet: RecordingFleet, feed: FleetFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_feed, "MAX_WAITING_SAMPLES", 7)
    count = 2000

    def report(instance: Instance) -> None:
        for number in range(count):
            feed.handle(instance, sample(START + number / count, number))
            if number % 50 == 0:
                feed.handle(instance, Connected(START, instance.name))

    threads = [threading.Thread(target=report, args=(tor,)) for tor in fleet.instances]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        feed.flush(START)
    for thread in threads:
        thread.join()
    feed.flush(START)
    for tor in fleet.instances:
        expected: list[int | None] = []
        for number in range(count):
            expected += [number, None] if number % 50 == 0 else [number]
        handled = [event for instance, event in fleet.handled if instance is tor]
        assert [each.read if isinstance(each, Sample) else None for each in handled] == expected
