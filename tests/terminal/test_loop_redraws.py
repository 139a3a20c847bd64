"""When the main loop draws."""

import itertools
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from loop_world import CONNECTED, START, World, installed_world

from bwgraph.model.events import CounterBase, Lost, Problem
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.screen.view import Click
from bwgraph.system import wakeup as wakeup_module
from bwgraph.system.wakeup import KEY_POLL_S
from bwgraph.terminal.loop import LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with installed_world(monkeypatch) as world:
        yield world


def test_polling_for_keys_on_windows_does_not_draw_more_often(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup_module, "sys", SimpleNamespace(platform="win32"))
    world.instance.handle(CONNECTED)
    for second in range(1, 6):
        world.at(second - 0.01, world.sample)
    world.at(5.50, lambda: world.terminal.press("?"))
    world.at(5.53, lambda: world.terminal.press("q"))
    assert world.run(9.0) == LoopEnd()
    assert world.drawn[1:6] == [0.99, 1.99, 2.99, 3.99, 4.99]
    assert world.time - START < 5.53 + 2 * KEY_POLL_S


def test_each_sample_of_a_second_is_drawn_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    moments = [round(number * 1.0022 - 0.01, 3) for number in range(1, 61)]
    for moment in moments:
        world.at(moment, world.sample)
    assert world.run(60.5) == LoopEnd()
    assert world.drawn[1:] == moments


def test_burst_of_samples_is_drawn_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    for number in range(20):
        world.at(1.1 + number / 100, world.sample)
    world.run(3.0)
    assert world.drawn[1:] == [1.0, 1.95]


def test_fast_samples_are_drawn_at_most_once_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    for number in range(1, 200):
        world.at(number / 20, world.sample)
    world.run(10.0)
    pauses = [b - a for a, b in itertools.pairwise(world.drawn[1:])]
    assert len(pauses) >= 8
    assert all(0.949 < pause < 1.01 for pause in pauses)


def test_early_sample_is_drawn_a_little_late(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.93, 3.0):
        world.at(when, world.sample)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.95, 3.0]


def test_nothing_is_drawn_between_samples(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 2.9):
        world.at(when, world.sample)
    world.run(4.0)
    assert world.drawn[1:] == [1.0, 2.9]


def test_late_data_is_drawn_once_it_is_late_and_then_once_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.run(7.5)
    assert world.drawn[1:] == [1.0, 1.0 + LATE_AFTER_S, 4.0, 5.0, 6.0, 7.0]


def test_age_of_late_data_is_shown_and_grows(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.run(6.5)
    for age, frame in zip((3, 4, 5), world.terminal.frames[-3:], strict=True):
        assert f"no data from tor for {age} s" in "\n".join(frame.text())


def test_lost_tor_is_drawn_once_a_second(world: World) -> None:
    # Which shows the countdown to the next try.
    world.at(2.5, lambda: world.report(Lost(START, "it closed the connection", START + 60)))
    world.run(5.0)
    assert world.drawn == [0, 1, 2, 2.5, 3.5, 4.5]


def test_state_change_is_drawn_at_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.report(Lost(START, "it closed the connection", START + 60)))
    world.at(1.2, lambda: world.report(CONNECTED))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.1, 1.2]


@pytest.mark.parametrize("key", ["r", "^L", "x", Click(0), "m"])
def test_key_is_drawn_at_once(world: World, key: str | Click) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: world.terminal.press(key))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]


def test_resize_is_drawn_at_once(world: World) -> None:
    world.instance.handle(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: signal.raise_signal(signal.SIGWINCH))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]
    assert world.terminal.calls == ["resize"] * 3


@pytest.mark.parametrize("resized", [False, True])
def test_key_or_resize_does_not_delay_samples(world: World, *, resized: bool) -> None:
    def interrupt() -> None:
        if resized:
            signal.raise_signal(signal.SIGWINCH)
        else:
            world.terminal.press("x")

    world.instance.handle(CONNECTED)
    for when in (1.0, 2.0, 3.0):
        world.at(when, world.sample)
    world.at(1.5, interrupt)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.5, 2.0, 3.0]


@pytest.mark.parametrize("when", [1.02, 1.5, 1.999])
@pytest.mark.parametrize("event", [CounterBase(7, 3), Problem(START, "something broke")])
def test_other_events_do_not_delay_samples(
    world: World, event: CounterBase | Problem, when: float
) -> None:
    # Tor is asked for its counters once a minute, at any time between two samples.
    world.instance.handle(CONNECTED)
    moments = [1.0, 2.0, 3.0, 4.0]
    for moment in moments:
        world.at(moment, world.sample)
    world.at(when, lambda: world.report(event))
    world.run(4.5)
    assert set(moments) <= set(world.drawn)
    assert len(world.drawn[1:]) <= len(moments) + 1


def test_burst_does_not_delay_the_samples_after_it(world: World) -> None:
    world.instance.handle(CONNECTED)
    for _ in range(8):
        world.at(1.0, world.sample)
    moments = [1.1, 2.1, 3.1, 4.1]
    for moment in moments:
        world.at(moment, world.sample)
    world.run(4.5)
    assert set(moments[1:]) <= set(world.drawn)


def test_fast_problems_are_drawn_at_most_once_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    for number in range(100):
        world.at(1.01 + number / 20, lambda: world.report(Problem(world.time, "something broke")))
    world.run(6.5)
    pauses = [b - a for a, b in itertools.pairwise(world.drawn[1:])]
    assert all(pause > 0.949 for pause in pauses)


def test_first_sample_is_drawn_at_once(world: World) -> None:
    # It arrives a little more than a second after the connection.
    world.at(0.5, lambda: world.report(CONNECTED))
    for number in (1, 2, 3):
        world.at(0.5 + number * 1.0022, world.sample)
    world.run(4.0)
    for number in (1, 2, 3):
        assert round(0.5 + number * 1.0022, 3) in world.drawn


def test_problem_is_drawn_within_a_second(world: World) -> None:
    world.instance.handle(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.report(Problem(world.time, "something broke")))
    world.run(2.5)
    assert world.drawn[1:] == [1.0, 1.95]
    assert "something broke" in "\n".join(world.terminal.frames[-1].text())
