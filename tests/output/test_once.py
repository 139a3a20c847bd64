"""One look, with a source that tells what the test says and a clock that the test moves."""

import queue
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Problem, Refused, Report, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import event_queue, once
from bwgraph.output.event_queue import QueuedEvent

START = 1000.0

CONNECTED = Connected(START, "127.0.0.1:9051", "0.4.9.11", "fake")

LOST = Lost(START, "it closed the connection", START + 5)


Act = Callable[[], None]


class World:
    """A clock, a queue that waits on it, and a source with a script."""

    def __init__(self) -> None:
        self.time = START
        self.instance = Instance("a tor")
        self.instances = [self.instance]
        self.script: list[tuple[float, Event | Act]] = []
        "What happens, so many seconds after the start."
        self.closed = 0
        self.known_before: list[object] = []
        "The instance's state when each event was taken from the queue."
        self._tells: list[Report] = []

    # As a source.

    def start(self, tell: Report) -> None:
        assert len(self._tells) < len(self.instances)
        self._tells.append(tell)

    def retry_now(self) -> None:
        raise AssertionError("nobody is there to ask for it")

    def close(self) -> None:
        self.closed += 1

    # As the queue.

    def put(self, news: QueuedEvent) -> None:
        self._news.append(news)

    def qsize(self) -> int:
        return len(self._news)

    def get(self, timeout: float | None) -> QueuedEvent:
        """Let time pass until there is an event or the timeout is over."""
        assert timeout is None or timeout >= 0
        until = None if timeout is None else self.time + timeout
        while not self._news:
            if self.script and (until is None or START + self.script[0][0] <= until):
                when, what = self.script.pop(0)
                self.time = max(self.time, START + when)
                if callable(what):
                    what()
                else:
                    self._tells[0](what)
            else:
                assert until is not None, "it waits for ever"
                self.time = until
                raise queue.Empty
        self.known_before.append(self.instance.state)
        return self._news.pop(0)

    def watch(self, seconds: float | None) -> ExplainedError | None:
        self._news: list[QueuedEvent] = []
        fleet = Fleet(self.instances)
        return once.watch(dict.fromkeys(self.instances, self), fleet, seconds)

    @property
    def passed(self) -> float:
        return round(self.time - START, 3)

    def samples(self, *moments: float) -> None:
        self.script += [(when, Sample(START + when, 7, 3, 1.0)) for when in moments]
        self.script.sort(key=lambda happening: happening[0])

    def among(self, count: int) -> None:
        """Have so many tors; what the script does not tell otherwise is told of the first."""
        self.instances = [self.instance, *(Instance(f"tor {i}") for i in range(1, count))]

    def of(self, number: int, when: float, event: Event) -> None:
        """Have one of them told of."""
        self.script.append((when, lambda: self._tells[number](event)))
        self.script.sort(key=lambda happening: happening[0])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(once, "now", lambda: world.time)
    waiting = SimpleNamespace(SimpleQueue=lambda: world, Empty=queue.Empty)
    monkeypatch.setattr(event_queue, "queue", waiting)
    return world


def seen(world: World) -> int:
    return int(sum(world.instance.history.window(world.time, 1000).buckets.seconds))


@pytest.mark.parametrize("seconds", [None, 0, 0.0])
def test_it_ends_with_the_first_sample(world: World, seconds: float | None) -> None:
    world.script = [(0.5, CONNECTED)]
    world.samples(1.5, 2.5)
    assert world.watch(seconds) is None
    assert world.passed == 1.5
    assert world.instance.state is CONNECTED
    assert world.instance.history.newest_at == START + 1.5
    assert world.closed == 1


def test_however_long_the_first_sample_takes_it_is_waited_for(world: World) -> None:
    world.script = [(1.0, LOST), (3600.0, CONNECTED)]
    world.samples(3601.0)
    assert world.watch(None) is None
    assert world.passed == 3601.0


def test_it_watches_for_so_long_from_the_first_sample_on(world: World) -> None:
    world.script = [(4.0, CONNECTED)]
    world.samples(*(5.0 + number for number in range(100)))
    assert world.watch(60) is None
    assert world.passed == 65.0
    assert seen(world) == 61
    assert world.closed == 1


def test_it_stops_in_time_though_nothing_comes(world: World) -> None:
    world.script = [(1.0, CONNECTED), (3.0, LOST), (500.0, CONNECTED)]
    world.samples(2.0)
    assert world.watch(60) is None
    assert world.passed == 62.0
    assert world.instance.state is LOST


def test_what_is_told_meanwhile_is_in_the_picture(world: World) -> None:
    world.script = [(1.0, CONNECTED), (5.0, Problem(START + 5.0, "stem stumbled"))]
    world.samples(2.0)
    world.watch(60)
    assert world.instance.problem == Problem(START + 5.0, "stem stumbled")


def test_an_instance_knows_of_an_event_before_it_can_end_the_look(world: World) -> None:
    world.script = [(1.0, CONNECTED)]
    world.samples(2.0)
    world.watch(None)
    assert world.known_before == [CONNECTED, CONNECTED]


@pytest.mark.parametrize("after", [0.5, 30.0])
def test_a_refusal_ends_it_at_once_and_is_handed_on(world: World, after: float) -> None:
    refusal = ExplainedError("found no tor", "start one")
    world.script = [(after, Refused(refusal))]
    world.samples(1.0)
    assert world.watch(60) is refusal
    assert world.passed == after
    assert world.closed == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_the_source_is_closed_whatever_happens(world: World, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    world.script = [(1.0, CONNECTED), (2.0, fail)]
    with pytest.raises(error):
        world.watch(60)
    assert world.closed == 1


# Several


def test_of_several_the_first_sample_of_each_is_waited_for(world: World) -> None:
    world.among(3)
    for number, when in ((1, 1.0), (2, 1.7), (0, 2.4)):
        world.of(number, when - 0.5, Connected(START, f"tor {number}"))
        world.of(number, when, Sample(START + when, 7, 3, 1.0))
    assert world.watch(None) is None
    assert world.passed == 2.4
    assert world.closed == 3


def test_one_that_does_not_come_is_waited_for_a_little(world: World) -> None:
    world.among(3)
    for number in (0, 2):
        world.of(number, 0.5, Connected(START, f"tor {number}"))
        world.of(number, 1.0 + number / 10, Sample(START + 1, 7, 3, 1.0))
    world.of(1, 0.2, Refused(ExplainedError("nobody there")))
    assert world.watch(None) is None
    assert world.passed == 1.0 + once.WAIT_FOR_OTHERS_S
    assert isinstance(world.instances[2].state, Connected)
    assert world.instances[1].state is None


def test_several_are_watched_for_so_long_from_the_first_sample_of_any_on(world: World) -> None:
    world.among(2)
    world.of(1, 1.0, Connected(START, "tor 1"))
    for second in range(2, 200):
        world.of(1, second, Sample(START + second, 7, 3, 1.0))
    world.of(0, 30.0, CONNECTED)
    assert world.watch(60) is None
    assert world.passed == 62.0


def test_when_all_of_several_refuse_it_ends_with_what_each_says(world: World) -> None:
    world.among(2)
    world.of(0, 0.5, Refused(ExplainedError("a: no")))
    world.of(1, 0.7, Refused(ExplainedError("b: no")))
    refusal = world.watch(None)
    assert refusal is not None
    assert "a: no" in refusal.cause
    assert "b: no" in refusal.cause
    assert world.passed == 0.7
    assert world.closed == 2


def test_what_tor_remembers_of_the_time_before_is_no_look(world: World) -> None:
    before = tuple(Sample(START - ago, 7, 3, 1.0) for ago in (2, 1, 0))
    world.script = [(0.2, Connected(START, "127.0.0.1:9051", recent=before))]
    world.samples(1.1)
    assert world.watch(None) is None
    assert world.passed == 1.1
