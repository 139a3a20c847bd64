"""The main loop with several tors, and which samples wake it."""

import itertools
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from event_recorder import PATIENCE
from loop_world import START, World, installed_world

from bwgraph.model import fleet_feed
from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, CounterBase, Lost, Refused, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.terminal.loop import LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with installed_world(monkeypatch) as world:
        yield world


@pytest.mark.parametrize("count", [2, 3, 5, 64])
def test_samples_of_several_tors_are_drawn_once_a_second(world: World, count: int) -> None:
    tors = world.watch_table(count)
    for second in range(12):
        for number, tor in enumerate(tors):
            when = 1 + second * 1.0022 + number / count
            world.at(when, partial(world.sample, instance=tor))
    world.run(12.5)
    drawn = world.drawn[1:]
    assert drawn[0] == 1.0
    pauses = [b - a for a, b in itertools.pairwise(drawn)]
    assert all(0.999 <= pause <= 1.1 for pause in pauses), pauses
    assert len(drawn) == 12


def test_only_the_first_of_many_samples_wakes_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tors = world.watch_table(64)
    pokes: list[float] = []
    poke = world.wakeup.poke

    def counted_poke() -> None:
        pokes.append(world.time)
        poke()

    monkeypatch.setattr(world.wakeup, "poke", counted_poke)
    for second in range(10):
        for number, tor in enumerate(tors):
            world.at(1 + second + number / 64, partial(world.sample, instance=tor))
    world.run(10.999)
    assert pokes == [START + 1], "later samples are drawn at the fixed interval"
    assert world.drawn == [0, *range(1, 11)]


def test_samples_wait_for_the_drawing_and_precede_other_events(world: World) -> None:
    history = world.instance.history

    def sample_and_loss() -> None:
        world.sample()
        assert history.newest_at is None
        world.report(Lost(world.time, "gone", START + 60))
        assert history.newest_at == world.time

    world.at(0.5, sample_and_loss)
    world.run(0.6)


def test_waiting_samples_are_handled_when_the_loop_ends(world: World) -> None:
    def report() -> None:
        world.source.report(Sample(world.time, 5, 0, 1.0))

    world.at(1.0, report)
    world.at(1.4, report)
    world.source.on_close = report  # another one while the source is closed
    world.at(1.4, lambda: world.terminal.press("q"))
    assert world.run_with_sources() == LoopEnd()
    window = world.instance.history.window(world.time, 4)
    assert sum(window.buckets.read) == 15


@pytest.mark.parametrize(
    ("max_waiting", "handled"), [(fleet_feed.MAX_WAITING_SAMPLES, [0, 0, 1]), (1, [0, 1, 1])]
)
def test_samples_do_not_wait_for_a_blocked_loop(
    world: World, monkeypatch: pytest.MonkeyPatch, max_waiting: int, handled: list[int]
) -> None:
    # By a terminal that does not read, while the recorder and the exporter read the fleet.
    monkeypatch.setattr(fleet_feed, "MAX_WAITING_SAMPLES", max_waiting)
    found: list[int] = []

    def block() -> None:
        if world.time == START + 1.0:
            for _ in handled:
                world.time += 0.7
                world.sample()
                newest = world.instance.history.newest_at
                found.append(int(newest is not None and newest > START + 1.0))

    world.terminal.on_paint = block
    world.at(1.0, world.sample)
    world.run(1.1)
    assert found == handled


@pytest.mark.parametrize("count", [1, 3])
def test_other_events_do_not_take_the_first_samples_wakeup(world: World, count: int) -> None:
    # Tor's answers to GETINFO arrive a third of a second after the connection.
    tors = world.watch_table(count)
    world.at(0.3, lambda: world.report(CounterBase(7, 3)))
    world.at(0.5, partial(world.sample, instance=tors[-1]))
    world.run(0.9)
    assert world.drawn == [0, 0.5]


def test_state_change_of_one_of_several_tors_is_drawn_at_once(world: World) -> None:
    tors = world.watch_table(3)
    for number, tor in enumerate(tors):
        world.at(1.0 + number / 10, partial(world.sample, instance=tor))
    world.at(1.5, lambda: world.report(Lost(world.time, "gone", START + 60), tors[1]))
    world.at(1.6, lambda: world.report(Connected(world.time, "tor 1"), tors[1]))
    world.run(1.7)
    assert world.drawn == [0, 1.0, 1.5, 1.6]
    assert "1 down" in world.text(2)
    assert "tor 1: no tor since" in world.text(2)
    assert "1 down" not in world.text(3)


def test_sample_that_ends_a_silence_is_drawn_at_once(world: World) -> None:
    # Though samples do not wake the loop here, since another tor's was drawn already.
    tors = world.watch_table(2)
    world.at(1.0, partial(world.sample, instance=tors[0]))
    world.at(1.1, lambda: world.report(Lost(START, "it is silent", START + 60), tors[1]))
    world.at(1.2, partial(world.sample, instance=tors[0]))
    world.at(1.3, partial(world.sample, instance=tors[1]))
    world.run(1.5)
    assert world.drawn == [0, 1.0, 1.1, 1.3]


def test_late_tor_among_several_is_drawn_once_a_second(world: World) -> None:
    tors = world.watch_table(2)
    world.at(1.0, partial(world.sample, instance=tors[1]))
    for second in range(1, 7):
        world.at(second + 0.1, partial(world.sample, instance=tors[0]))
    world.run(6.9)
    assert len(world.drawn) == 7
    assert "tor 1: late: no data from tor for 5 s" in world.text()


def test_each_source_reports_to_its_own_tor_and_is_closed(world: World) -> None:
    tors = world.watch_table(3, connected=False)

    def start() -> None:
        for number, tor in enumerate(tors):
            source = world.sources[tor]
            source.report(Connected(START, f"tor {number}", process=str(number)))
            source.report(Sample(world.time, (number + 1) << 20, 0, 1.0))

    world.at(0.5, start)
    world.at(2.0, lambda: world.terminal.press("r"))
    world.at(2.5, lambda: world.terminal.press("q"))
    assert world.run_with_sources() == LoopEnd()
    for number, tor in enumerate(tors):
        line = next(line for line in world.text().splitlines() if f" tor {number} " in line)
        assert f"{number + 1}.0M" in line
        assert (world.sources[tor].retries, world.sources[tor].closed) == (1, 1)
    assert "sum of 3 tors" in world.text()
    assert "6.0M" in world.text().split("sum of 3 tors")[1]


def test_loop_ends_when_the_last_tor_is_refused(world: World) -> None:
    tors = world.watch_table(2, connected=False)
    world.at(1.0, lambda: world.report(Refused(ExplainedError("a: no", "cure a")), tors[0]))
    world.at(2.0, lambda: world.report(Refused(ExplainedError("b: no", "cure b")), tors[1]))
    ending = world.run(9.0)
    assert world.time == START + 2.0
    assert ending.error is not None
    assert "a: no" in ending.error.cause
    assert "b: no" in ending.error.cause
    assert ending.error.remedy == "cure a\ncure b"


def test_refusals_do_not_end_the_loop_after_a_connection(world: World) -> None:
    tors = world.watch_table(2, connected=False)
    world.at(1.0, lambda: world.report(Connected(START, "tor 0"), tors[0]))
    world.at(2.0, lambda: world.report(Refused(ExplainedError("b: no")), tors[1]))
    world.at(3.0, lambda: world.report(Lost(START, "gone", START + 9), tors[0]))
    assert world.run(5.0) == LoopEnd()
    assert world.time >= START + 5.0


@pytest.mark.parametrize("can_ask", [True, False])
def test_password_prompt_for_one_of_several_tors_ends_the_loop(
    world: World, *, can_ask: bool
) -> None:
    tors = world.watch_table(3)
    world.watch(*tors, can_ask_password=lambda place: can_ask and place == "here")
    needed = ExplainedError("it asks for a password", needs_password_at="here")
    world.at(1.0, lambda: world.report(Connected(START, "tor 0"), tors[0]))
    world.at(1.5, lambda: world.report(Refused(needed), tors[1]))
    assert world.run(3.0) == (LoopEnd(error=needed) if can_ask else LoopEnd())


def test_uncaught_exception_is_shown_though_the_first_tor_was_a_duplicate(
    world: World,
) -> None:
    tors = world.watch_table(3, connected=False)
    world.fleet = Fleet(tors, found=True)

    def fail() -> None:
        raise ValueError("a bug")

    def start() -> None:
        for tor in (tors[1], tors[0]):
            world.sources[tor].report(Connected(START, tor.name, uptime=7.0, process="4711"))
        thread = threading.Thread(target=fail, name="Tor listener")
        thread.start()
        thread.join(PATIENCE)

    world.at(0.5, start)
    world.at(2.5, lambda: world.terminal.press("q"))
    assert world.run_with_sources() == LoopEnd()
    assert world.fleet.instances == (tors[1], tors[2])
    assert "Tor listener ended: ValueError: a bug" in world.text()


def test_view_stays_on_its_tor_when_a_duplicate_before_it_leaves(world: World) -> None:
    tors = world.watch_table(3, connected=False)
    world.fleet = Fleet(tors, found=True)

    def connect(tor: Instance) -> None:
        world.report(Connected(START, tor.name, uptime=7.0, process="4711"), tor)

    world.press(0.1, "3")
    world.at(0.2, lambda: connect(tors[1]))
    world.at(0.3, lambda: connect(tors[0]))
    world.run(0.4)
    assert world.fleet.instances == (tors[1], tors[2])
    # The change is drawn at once, and does not show the sum.
    assert world.drawn == [0, 0.1, 0.2, 0.3]
    assert ["bwgraph  tor 2" in world.text(frame) for frame in (1, 2, 3)] == [True] * 3


def test_keys_switch_between_the_views_of_several_tors(world: World) -> None:
    world.watch_table(3)
    keys = ["tab", "tab", "shift-tab", "3", "0", "esc", "down", "enter", "esc", "down", "o", "up"]
    for number, key in enumerate(keys):
        world.press(0.01 * (number + 1), key)
    world.run(0.5)
    subjects = [world.text(frame).splitlines()[0].split("  ")[1] for frame in range(len(keys) + 1)]
    table = "all 3 tors, by name"
    sum_ = "sum of 3 tors"
    assert subjects[:6] == [table, sum_, "tor 0", sum_, "tor 2", sum_]
    assert subjects[6:10] == [table, table, "tor 1", table]
    assert subjects[10:] == [table, "all 3 tors, by traffic", "all 3 tors, by traffic"]
