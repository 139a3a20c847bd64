"""What several sources tell, one after another: with threads, and without waiting."""

import queue
import threading
from datetime import UTC, datetime
from functools import partial

import pytest

from bwgraph.model.events import Connected, Event, Lost, Problem, Report, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import event_queue
from bwgraph.output.event_queue import EventQueue, QueuedEvent


class Source:
    """Tells what the test has it tell."""

    def __init__(self) -> None:
        self.tell: Report | None = None
        self.closed = 0

    def start(self, tell: Report) -> None:
        self.tell = tell

    def retry_now(self) -> None:
        raise AssertionError("nobody asks for that here")

    def close(self) -> None:
        self.closed += 1

    def __call__(self, event: Event) -> None:
        assert self.tell is not None
        self.tell(event)


class Box:
    """Two tors, and an inbox."""

    def __init__(self) -> None:
        self.tors = Instance("a"), Instance("b")
        self.fleet = Fleet(self.tors, threading.Lock)
        self.sources = Source(), Source()
        self.inbox = EventQueue(dict(zip(self.tors, self.sources, strict=True)), self.fleet)


@pytest.fixture
def box() -> Box:
    return Box()


def sample(when: float) -> Sample:
    return Sample(when, 7, 3, 1.0)


def test_what_any_of_them_tells_comes_in_the_order_it_was_told(box: Box) -> None:
    (a, b), (tell_a, tell_b) = box.tors, box.sources
    events: list[Event] = [Connected(1.0, "here"), sample(2.0), Problem(3.0, "x"), sample(4.0)]
    with box.inbox as news:
        for number, event in enumerate(events):
            (tell_a, tell_b)[number % 2](event)
        got = [news.next(0.0) for _ in events]
        assert news.next(0.0) is None
    assert [(each.instance, each.event) for each in got if each] == [
        (a, events[0]),
        (b, events[1]),
        (a, events[2]),
        (b, events[3]),
    ]
    assert [each.name for each in got if each] == ["here", "b", "here", "b"]
    assert [source.closed for source in box.sources] == [1, 1]


def test_the_fleet_knows_before_the_reader_does(box: Box) -> None:
    with box.inbox as news:
        for event in (Connected(1.0, "here"), Lost(2.0, "gone", 3.0)):
            box.sources[0](event)
            assert box.tors[0].state is event
            got = news.next(0.0)
            assert got is not None
            assert got.event is event


def test_where_it_was_is_as_of_then(box: Box) -> None:
    with box.inbox as news:
        for where in ("here", "there"):
            box.sources[0](Connected(1.0, where))
            box.sources[0](sample(2.0))
        got = [news.next(0.0) for _ in range(4)]
    assert [each.name for each in got if each] == ["here", "here", "there", "there"]


@pytest.mark.parametrize("seconds", [0.0, -5.0, 0.01])
def test_it_waits_no_longer_than_it_is_told_to(box: Box, seconds: float) -> None:
    with box.inbox as news:
        assert news.next(seconds) is None


def test_a_word_from_another_thread_ends_the_waiting(box: Box) -> None:
    with box.inbox as news:
        threading.Timer(0.01, partial(box.sources[1], sample(1.0))).start()
        got = news.next()
    assert got is not None
    assert got.instance is box.tors[1]


def test_samples_beyond_the_backlog_are_missed_and_counted_and_nothing_else_is(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_queue, "MAX_QUEUED_SAMPLES", 4)
    with box.inbox as news:
        for number in range(6):
            box.sources[number % 2](sample(float(number)))
        box.sources[0](Problem(9.0, "x"))
        got = [news.next(0.0) for _ in range(5)]
        box.sources[0](sample(10.0))
        later = news.next(0.0)
    assert [each.missed_samples for each in got if each] == [0, 0, 0, 0, 2]
    assert later is not None
    assert later.missed_samples == 2
    # Nothing is missed in the histories.
    total = box.fleet.sum
    assert total is not None
    assert total.history.newest_at == 10.0


def test_what_ends_a_thread_is_news_and_not_written_anywhere(
    box: Box, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ValueError("\x1b[31m")

    before = threading.excepthook
    with box.inbox as news:
        thread = threading.Thread(target=fail, name="Tor listener")
        thread.start()
        thread.join()
        got = news.next()
    assert got is not None
    assert isinstance(got.event, Problem)
    assert got.event.text == "Tor listener ended: ValueError: \x1b[31m"
    assert threading.excepthook is before
    assert capsys.readouterr() == ("", "")


def test_all_are_closed_whatever_happens(box: Box) -> None:
    with pytest.raises(ZeroDivisionError), box.inbox:
        raise ZeroDivisionError
    assert [source.closed for source in box.sources] == [1, 1]


def test_many_threads_at_once_lose_nothing(box: Box) -> None:
    counts = [0, 0]

    def many(number: int) -> None:
        for second in range(500):
            box.sources[number](sample(float(second)))

    with box.inbox as news:
        threads = [threading.Thread(target=many, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while got := news.next(0.0):
            counts[box.tors.index(got.instance)] += 1
    assert counts == [500, 500]


def test_where_no_signal_ends_the_waiting_it_waits_a_little_at_a_time(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, waits = 1000.0, list[float]()
    news = QueuedEvent(box.tors[0], "here", sample(2.0), datetime.now(UTC), 0)

    class Slow:
        def get(self, timeout: float) -> QueuedEvent:
            nonlocal time
            waits.append(timeout)
            time += timeout
            if time < 1000.9:
                raise queue.Empty
            return news

    monkeypatch.setattr(event_queue, "MAX_LOCK_WAIT_S", 0.25)
    monkeypatch.setattr(box.inbox, "_queue", Slow())
    assert box.inbox.next(0.6) is None
    assert waits == pytest.approx([0.25, 0.25, 0.1])
    assert box.inbox.next() is news
    assert waits[3:] == pytest.approx([0.25, 0.25])
