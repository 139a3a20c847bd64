"""The queue of all sources' events: its order, its bounds, and what the fleet gets."""

import queue
import threading
from datetime import UTC, datetime
from functools import partial

import pytest

from bwgraph.model.events import Connected, Event, Lost, Problem, Report, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.fleet_feed import BLOCKED_AFTER_S, MAX_WAITING_SAMPLES
from bwgraph.model.instance import Instance
from bwgraph.output import event_queue
from bwgraph.output.event_queue import EventQueue, QueuedEvent
from bwgraph.system.clock import now


class Source:
    """A source that reports the events that a test calls it with."""

    def __init__(self) -> None:
        self._report: Report | None = None
        self.closed = 0
        self.last_events: list[Event] = []
        "Events that it reports while it is closed."

    def start(self, report: Report) -> None:
        self._report = report

    def retry_now(self) -> None:
        raise AssertionError("nothing asks for a retry here")

    def close(self) -> None:
        self.closed += 1
        for event in self.last_events:
            self(event)

    def __call__(self, event: Event) -> None:
        assert self._report is not None
        self._report(event)


class Box:
    """A queue for two tors."""

    def __init__(self) -> None:
        self.tors = Instance("a"), Instance("b")
        self.fleet = Fleet(self.tors, threading.Lock)
        self.sources = Source(), Source()
        self.queue = EventQueue(dict(zip(self.tors, self.sources, strict=True)), self.fleet)


@pytest.fixture
def box() -> Box:
    return Box()


def sample(ends_at: float) -> Sample:
    return Sample(ends_at, 7, 3, 1.0)


# The order of events


def test_events_of_all_sources_are_read_in_the_order_of_their_reports(box: Box) -> None:
    (a, b), (report_a, report_b) = box.tors, box.sources
    events: list[Event] = [Connected(1.0, "here"), sample(2.0), Problem(3.0, "x"), sample(4.0)]
    with box.queue as events_queue:
        for number, event in enumerate(events):
            (report_a, report_b)[number % 2](event)
        got = [events_queue.next(0.0) for _ in events]
        assert events_queue.next(0.0) is None
    assert [(each.instance, each.event) for each in got if each] == [
        (a, events[0]),
        (b, events[1]),
        (a, events[2]),
        (b, events[3]),
    ]
    assert [each.name for each in got if each] == ["here", "b", "here", "b"]
    assert [source.closed for source in box.sources] == [1, 1]


def test_name_is_the_location_at_the_time_of_the_event(box: Box) -> None:
    with box.queue as events:
        for where in ("here", "there"):
            box.sources[0](Connected(1.0, where))
            box.sources[0](sample(2.0))
        got = [events.next(0.0) for _ in range(4)]
    assert [each.name for each in got if each] == ["here", "here", "there", "there"]


def test_many_threads_lose_no_event(box: Box) -> None:
    counts = [0, 0]

    def report_many(number: int) -> None:
        for second in range(500):
            box.sources[number](sample(float(second)))

    with box.queue as events:
        threads = [threading.Thread(target=report_many, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while got := events.next(0.0):
            counts[box.tors.index(got.instance)] += 1
    assert counts == [500, 500]


# What the fleet gets, and when


def test_fleet_handles_an_event_before_it_is_read(box: Box) -> None:
    with box.queue as events:
        for event in (Connected(1.0, "here"), Lost(2.0, "gone", 3.0)):
            box.sources[0](event)
            assert box.tors[0].state is event
            got = events.next(0.0)
            assert got is not None
            assert got.event is event


def test_samples_wait_for_the_reader_as_they_do_for_the_screen(box: Box) -> None:
    history = box.tors[0].history
    with box.queue as events:
        start = now()
        box.sources[0](sample(start))
        box.sources[0](sample(start + 1.0))
        assert history.newest_at is None
        got = events.next(0.0)
        assert got is not None
        assert got.event == sample(start)
        assert history.newest_at == start + 1.0


@pytest.mark.parametrize("count", [1, 4])
def test_fleet_gets_samples_though_the_reader_is_blocked(box: Box, count: int) -> None:
    # As by a pipe that is not read, while the recorder and the exporter read the fleet.
    history = box.tors[0].history
    with box.queue:
        start = now()
        box.sources[0](sample(start))
        assert history.newest_at is None
        for number in range(1, count + 1):
            box.sources[0](sample(start + BLOCKED_AFTER_S + number))
            assert history.newest_at == start + BLOCKED_AFTER_S + number


def test_samples_that_wait_for_a_blocked_reader_are_bounded(box: Box) -> None:
    history = box.tors[0].history
    with box.queue:
        start = now()
        for number in range(MAX_WAITING_SAMPLES):
            box.sources[0](sample(start + number / MAX_WAITING_SAMPLES))
        assert history.newest_at is None
        box.sources[0](sample(start + 1.0))
        assert history.newest_at == start + 1.0


def test_fleet_has_the_last_samples_at_the_end(box: Box) -> None:
    start = now()
    box.sources[1].last_events = [sample(start + 1.5)]
    with box.queue:
        box.sources[0](sample(start + 1.0))
    assert box.tors[0].history.newest_at == start + 1.0
    assert box.tors[1].history.newest_at == start + 1.5


# Waiting


@pytest.mark.parametrize("seconds", [0.0, -5.0, 0.01])
def test_next_returns_none_at_the_timeout(box: Box, seconds: float) -> None:
    with box.queue as events:
        assert events.next(seconds) is None


def test_event_of_another_thread_ends_the_waiting(box: Box) -> None:
    with box.queue as events:
        threading.Timer(0.01, partial(box.sources[1], sample(1.0))).start()
        got = events.next()
    assert got is not None
    assert got.instance is box.tors[1]


def test_next_waits_in_short_turns_where_no_signal_ends_a_wait(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, waits = 1000.0, list[float]()
    event = QueuedEvent(box.tors[0], "here", sample(2.0), datetime.now(UTC), 0)

    class SlowQueue:
        def get(self, timeout: float) -> QueuedEvent:
            nonlocal time
            waits.append(timeout)
            time += timeout
            if time < 1000.9:
                raise queue.Empty
            return event

    monkeypatch.setattr(event_queue, "MAX_LOCK_WAIT_S", 0.25)
    monkeypatch.setattr(box.queue, "_queue", SlowQueue())
    assert box.queue.next(0.6) is None
    assert waits == pytest.approx([0.25, 0.25, 0.1])
    assert box.queue.next() is event
    assert waits[3:] == pytest.approx([0.25, 0.25])


# A full queue, exceptions, and the end


def test_samples_beyond_the_limit_are_dropped_and_counted_and_other_events_are_not(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "MAX_QUEUED_SAMPLES", 4)
    with box.queue as events:
        for number in range(6):
            box.sources[number % 2](sample(float(number)))
        box.sources[0](Problem(9.0, "x"))
        got = [events.next(0.0) for _ in range(5)]
        box.sources[0](sample(10.0))
        later = events.next(0.0)
    assert [each.dropped_samples for each in got if each] == [0, 0, 0, 0, 2]
    assert later is not None
    assert later.dropped_samples == 2
    # The histories have all of them.
    assert box.fleet.sum is not None
    assert box.fleet.sum.history.newest_at == 10.0
    counts = [sum(tor.history.window(11.0, 20).buckets.read) for tor in box.tors]
    assert counts == [4 * 7, 3 * 7]


def test_uncaught_exception_of_a_thread_is_an_event_and_not_printed(
    box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("\x1b[31m")

    before = threading.excepthook
    with box.queue as events:
        thread = threading.Thread(target=fail, name="Tor listener")
        thread.start()
        thread.join()
        got = events.next()
    assert got is not None
    assert isinstance(got.event, Problem)
    assert got.event.text == "Tor listener ended: ValueError: \x1b[31m"
    assert threading.excepthook is before
    assert capsys.readouterr() == ("", "")


def test_exception_closes_all_sources(box: Box) -> None:
    with pytest.raises(ZeroDivisionError), box.queue:
        raise ZeroDivisionError
    assert [source.closed for source in box.sources] == [1, 1]
