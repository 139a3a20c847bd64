"""How a run of the main loop starts, ends, and treats its sources."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from event_recorder import PATIENCE, wait_until
from loop_world import CONNECTED, START, FakeSource, FakeTerminal, World, installed_world

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Event, Refused, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.output import svg_file
from bwgraph.screen.view import View
from bwgraph.system import clock
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal import loop
from bwgraph.terminal.loop import LoopEnd


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with installed_world(monkeypatch) as world:
        yield world


# Reasons to end


def test_q_ends_the_loop_without_another_drawing(world: World) -> None:
    world.instance.handle(CONNECTED)
    assert world.run(0.5) == LoopEnd()
    assert world.drawn == [0]


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGINT, LoopEnd()),
        (signal.SIGTERM, LoopEnd(signal=signal.SIGTERM)),
        (signal.SIGHUP, LoopEnd(signal=signal.SIGHUP)),
    ],
)
def test_signals_end_the_loop(world: World, number: int, ending: LoopEnd) -> None:
    world.at(1.5, lambda: signal.raise_signal(number))
    assert world.run(9.0) == ending
    assert world.time == START + 1.5


def test_hang_up_ends_the_loop(world: World) -> None:
    world.at(1.5, world.terminal.hang_up)
    assert world.run(9.0) == LoopEnd(hung_up=True)
    assert world.time == START + 1.5


def test_readable_terminal_without_a_key_does_not_end_the_loop(world: World) -> None:
    world.at(1.5, world.terminal.press_nothing)
    assert world.run(2.5) == LoopEnd()
    assert world.time >= START + 2.5


def test_refusal_ends_the_loop(world: World) -> None:
    refusal = ExplainedError("found no tor", "start one")
    world.at(1.5, lambda: world.report(Refused(refusal)))
    assert world.run(9.0) == LoopEnd(error=refusal)
    assert world.time == START + 1.5


def test_first_reason_to_end_counts(world: World) -> None:
    def report_all() -> None:
        world.terminal.press("q")
        signal.raise_signal(signal.SIGTERM)
        world.report(Refused(ExplainedError("too late")))

    world.at(1.5, report_all)
    assert world.run(9.0) == LoopEnd()


# A run with sources


def test_first_frame_is_drawn_before_the_source_starts(world: World) -> None:
    drawn_before: list[int] = []

    def start() -> None:
        drawn_before.append(len(world.drawn))
        world.terminal.press("q")

    world.source.on_start = start
    world.run_with_sources()
    assert drawn_before == [1]


def test_events_of_the_source_reach_the_screen(world: World) -> None:
    def start() -> None:
        world.source.report(CONNECTED)
        world.source.report(Sample(world.time, 123 * 1024, 0, 1.0))

    world.source.on_start = start
    world.at(1.5, lambda: world.terminal.press("q"))
    world.run_with_sources()
    assert "123 KiB/s" in "\n".join(world.terminal.frames[-1].text())


def test_source_is_closed_when_the_loop_ends(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    assert world.run_with_sources() == LoopEnd()
    assert world.source.closed == 1


def test_source_is_closed_when_drawing_fails(world: World) -> None:
    hook = threading.excepthook

    def fail() -> None:
        if len(world.terminal.frames) > 1:
            raise ZeroDivisionError

    world.terminal.on_paint = fail
    world.at(9.0, lambda: world.terminal.press("q"))
    with pytest.raises(ZeroDivisionError):
        world.run_with_sources()
    assert world.source.closed == 1
    assert threading.excepthook is hook


def test_signals_that_curses_took_are_caught_again(world: World) -> None:
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)  # as initscr does
    world.at(0.5, lambda: signal.raise_signal(signal.SIGWINCH))
    world.at(1.5, lambda: world.terminal.press("q"))
    world.run_with_sources()
    assert world.terminal.calls == ["resize"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a bug"), "Event notifier ended: ValueError: a bug"),
        (SystemExit(3), "Event notifier ended: SystemExit: 3"),
    ],
)
def test_uncaught_exception_of_a_thread_is_shown(
    world: World, error: BaseException, text: str
) -> None:
    hook = threading.excepthook

    def fail() -> None:
        raise error

    def start() -> None:
        thread = threading.Thread(target=fail, name="Event notifier")
        thread.start()
        thread.join(PATIENCE)

    world.source.on_start = start
    world.at(2.5, lambda: world.terminal.press("q"))
    assert world.run_with_sources() == LoopEnd()
    assert world.instance.problem is not None
    assert world.instance.problem.text == text
    assert text in "\n".join(world.terminal.frames[-1].text())
    # Nothing was printed to the screen meanwhile. From now on it would be.
    assert threading.excepthook is hook


def test_event_after_the_end_is_harmless(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    world.run_with_sources()
    world.source.report(CONNECTED)


def test_event_of_another_thread_wakes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses the real clock and the real select."""
    terminal, source = FakeTerminal(), FakeSource()
    instance = Instance("a tor")

    def later() -> None:
        # Without a wakeup the loop would draw after a second.
        wait_until(lambda: len(terminal.frames) == 1, "the first frame is drawn")
        source.report(CONNECTED)
        wait_until(lambda: len(terminal.frames) == 2, "the event is drawn")
        terminal.press("q")

    thread = threading.Thread(target=later)
    source.on_start = thread.start
    waits: list[float] = []
    real_now = clock.now

    def counted_now() -> float:
        waits.append(real_now())
        return waits[-1]

    monkeypatch.setattr(loop, "now", counted_now)
    with Wakeup() as wakeup:
        fleet, sources = Fleet([instance]), {instance: source}
        assert (
            loop.run(fleet, sources, View(), terminal, wakeup, save_picture=svg_file.save_new)
            == LoopEnd()
        )
    thread.join()
    assert len(terminal.frames) == 2
    assert len(waits) < 30, "it waits, and does not spin"
    os.close(wakeup._channel.writer)
    terminal.close()


def test_samples_without_a_pause_do_not_block_drawing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another sample arrives for each that is handled, as from a hostile tor."""
    handled: list[int] = []
    handle = Fleet.handle

    def handle_and_add_another(fleet: Fleet, instance: Instance, event: Event) -> None:
        handle(fleet, instance, event)
        if isinstance(event, Sample):
            handled.append(event.read)
            assert len(handled) < 100, "flush does not end"
            world.loop._feed._waiting.append((instance, event))

    monkeypatch.setattr(Fleet, "handle", handle_and_add_another)
    world.at(0.1, lambda: world.report(CONNECTED))
    world.at(1.1, world.sample)
    world.run(until=5.0)
    assert handled
    assert len(world.drawn) >= 3
