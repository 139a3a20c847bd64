"""One-shot output, with a source that has a script and a clock that the test moves."""

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
        "What happens, and when, in seconds after the start."
        self.closed = 0
        self.states_at_get: list[object] = []
        "The first tor's state when each event was taken from the queue."
        self._reports: list[Report] = []

    # The methods of a source

    def start(self, report: Report) -> None:
        assert len(self._reports) < len(self.instances)
        self._reports.append(report)

    def retry_now(self) -> None:
        raise AssertionError("nothing asks for a retry here")

    def close(self) -> None:
        self.closed += 1

    # The methods of the queue

    def put(self, event: QueuedEvent) -> None:
        self._queued.append(event)

    def qsize(self) -> int:
        return len(self._queued)

    def get(self, timeout: float | None) -> QueuedEvent:
        """Let time pass until there is an event or the timeout is over."""
        assert timeout is None or timeout >= 0
        until = None if timeout is None else self.time + timeout
        while not self._queued:
            if self.script and (until is None or START + self.script[0][0] <= until):
                when, what = self.script.pop(0)
                self.time = max(self.time, START + when)
                if callable(what):
                    what()
                else:
                    self._reports[0](what)
            else:
                assert until is not None, "the look does not end"
                self.time = until
                raise queue.Empty
        self.states_at_get.append(self.instance.state)
        return self._queued.pop(0)

    def watch(self, seconds: float | None) -> ExplainedError | None:
        self._queued: list[QueuedEvent] = []
        fleet = Fleet(self.instances)
        return once.watch(dict.fromkeys(self.instances, self), fleet, seconds)

    @property
    def elapsed(self) -> float:
        return round(self.time - START, 3)

    def samples(self, *moments: float) -> None:
        self.script += [(when, Sample(START + when, 7, 3, 1.0)) for when in moments]
        self.script.sort(key=lambda entry: entry[0])

    def watch_several(self, count: int) -> None:
        """Have ``count`` tors. Events in the script are of the first."""
        self.instances = [self.instance, *(Instance(f"tor {i}") for i in range(1, count))]

    def schedule(self, number: int, when: float, event: Event) -> None:
        """Schedule an event of one of several tors."""
        self.script.append((when, lambda: self._reports[number](event)))
        self.script.sort(key=lambda entry: entry[0])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(once, "now", lambda: world.time)
    fake_queue = SimpleNamespace(SimpleQueue=lambda: world, Empty=queue.Empty)
    monkeypatch.setattr(event_queue, "queue", fake_queue)
    return world


def covered_seconds(world: World) -> int:
    return int(sum(world.instance.history.window(world.time, 1000).buckets.seconds))


@pytest.mark.parametrize("seconds", [None, 0, 0.0])
def test_first_sample_ends_the_look(world: World, seconds: float | None) -> None:
    world.script = [(0.5, CONNECTED)]
    world.samples(1.5, 2.5)
    assert world.watch(seconds) is None
    assert world.elapsed == 1.5
    assert world.instance.state is CONNECTED
    assert world.instance.history.newest_at == START + 1.5
    assert world.closed == 1


def test_first_sample_is_waited_for_without_a_limit(world: World) -> None:
    world.script = [(1.0, LOST), (3600.0, CONNECTED)]
    world.samples(3601.0)
    assert world.watch(None) is None
    assert world.elapsed == 3601.0


def test_duration_starts_at_the_first_sample(world: World) -> None:
    world.script = [(4.0, CONNECTED)]
    world.samples(*(5.0 + number for number in range(100)))
    assert world.watch(60) is None
    assert world.elapsed == 65.0
    assert covered_seconds(world) == 61
    assert world.closed == 1


def test_duration_ends_without_further_samples(world: World) -> None:
    world.script = [(1.0, CONNECTED), (3.0, LOST), (500.0, CONNECTED)]
    world.samples(2.0)
    assert world.watch(60) is None
    assert world.elapsed == 62.0
    assert world.instance.state is LOST


def test_other_events_reach_the_fleet(world: World) -> None:
    world.script = [(1.0, CONNECTED), (5.0, Problem(START + 5.0, "stem stumbled"))]
    world.samples(2.0)
    world.watch(60)
    assert world.instance.problem == Problem(START + 5.0, "stem stumbled")


def test_instance_handles_an_event_before_it_can_end_the_look(world: World) -> None:
    world.script = [(1.0, CONNECTED)]
    world.samples(2.0)
    world.watch(None)
    assert world.states_at_get == [CONNECTED, CONNECTED]


@pytest.mark.parametrize("after", [0.5, 30.0])
def test_refusal_ends_the_look_at_once_and_is_returned(world: World, after: float) -> None:
    refusal = ExplainedError("found no tor", "start one")
    world.script = [(after, Refused(refusal))]
    world.samples(1.0)
    assert world.watch(60) is refusal
    assert world.elapsed == after
    assert world.closed == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_exception_closes_the_source(world: World, error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    world.script = [(1.0, CONNECTED), (2.0, fail)]
    with pytest.raises(error):
        world.watch(60)
    assert world.closed == 1


# Several tors


def test_first_sample_of_each_of_several_tors_is_waited_for(world: World) -> None:
    world.watch_several(3)
    for number, when in ((1, 1.0), (2, 1.7), (0, 2.4)):
        world.schedule(number, when - 0.5, Connected(START, f"tor {number}"))
        world.schedule(number, when, Sample(START + when, 7, 3, 1.0))
    assert world.watch(None) is None
    assert world.elapsed == 2.4
    assert world.closed == 3


def test_tor_without_a_sample_is_waited_for_a_little(world: World) -> None:
    world.watch_several(3)
    for number in (0, 2):
        world.schedule(number, 0.5, Connected(START, f"tor {number}"))
        world.schedule(number, 1.0 + number / 10, Sample(START + 1, 7, 3, 1.0))
    world.schedule(1, 0.2, Refused(ExplainedError("nobody there")))
    assert world.watch(None) is None
    assert world.elapsed == 1.0 + once.WAIT_FOR_OTHERS_S
    assert isinstance(world.instances[2].state, Connected)
    assert world.instances[1].state is None


def test_duration_of_several_tors_starts_at_the_first_sample_of_any(world: World) -> None:
    world.watch_several(2)
    world.schedule(1, 1.0, Connected(START, "tor 1"))
    for second in range(2, 200):
        world.schedule(1, second, Sample(START + second, 7, 3, 1.0))
    world.schedule(0, 30.0, CONNECTED)
    assert world.watch(60) is None
    assert world.elapsed == 62.0


def test_refusals_of_all_tors_end_the_look_with_each_cause(world: World) -> None:
    world.watch_several(2)
    world.schedule(0, 0.5, Refused(ExplainedError("a: no")))
    world.schedule(1, 0.7, Refused(ExplainedError("b: no")))
    refusal = world.watch(None)
    assert refusal is not None
    assert "a: no" in refusal.cause
    assert "b: no" in refusal.cause
    assert world.elapsed == 0.7
    assert world.closed == 2


def test_samples_that_tor_remembers_do_not_end_the_look(world: World) -> None:
    before = tuple(Sample(START - ago, 7, 3, 1.0) for ago in (2, 1, 0))
    world.script = [(0.2, Connected(START, "127.0.0.1:9051", recent=before))]
    world.samples(1.1)
    assert world.watch(None) is None
    assert world.elapsed == 1.1
