"""The main loop, with a terminal that draws nothing and a clock that the test moves by hand."""

import itertools
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import pytest
from ear import PATIENCE, eventually

from bwgraph import app, clock
from bwgraph.app import Ending, Loop
from bwgraph.frame import Frame, Size
from bwgraph.history import LATE
from bwgraph.instance import Instance
from bwgraph.sample import Sample
from bwgraph.source import Connected, Lost, Refusal, Refused, Tell, Trouble
from bwgraph.terminal import Terminal
from bwgraph.view import View
from bwgraph.wakeup import Wakeup

START = 1000.0

CONNECTED = Connected(START, "127.0.0.1:9051", "0.4.9.11", "fake")

Act = Callable[[], None]


class Readable(Protocol):
    def fileno(self) -> int: ...


class FakeTerminal(Terminal):
    """Keys from the test, and frames for it."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self.done: list[str] = []
        "What it was asked to do besides painting, in order."
        self.hung_up = False
        self.on_paint: Act = lambda: None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)

    def press(self, keys: str) -> None:
        os.write(self._writer, keys.encode())

    def hang_up(self) -> None:
        """As a terminal that goes away: readable for ever, with nothing to read."""
        self.hung_up = True
        self.press("x")

    def fileno(self) -> int:
        return self._reader

    def keys(self) -> list[int]:
        if self.hung_up:
            return []
        try:
            return list(os.read(self._reader, 1000))
        except BlockingIOError:
            return []

    def gone(self) -> bool:
        return self.hung_up

    def size(self) -> Size:
        return Size(80, 24)

    def paint(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.on_paint()

    def resize(self) -> None:
        self.done.append("resize")

    def redraw(self) -> None:
        self.done.append("redraw")

    def suspend(self) -> None:
        self.done.append("suspend")

    def resume(self) -> None:
        self.done.append("resume")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class FakeSource:
    """Tells what the test tells it to."""

    def __init__(self) -> None:
        self.tell: Tell | None = None
        self.retries = 0
        self.closed = 0
        self.on_start: Act = lambda: None

    def start(self, tell: Tell) -> None:
        self.tell = tell
        self.on_start()

    def retry(self) -> None:
        self.retries += 1

    def close(self) -> None:
        self.closed += 1


class World:
    """The loop's clock and its ``select``, and what happens when."""

    def __init__(self, terminal: FakeTerminal, wakeup: Wakeup) -> None:
        self.time = START
        self.terminal = terminal
        self.wakeup = wakeup
        self.instance = Instance("a tor")
        self.source = FakeSource()
        self.script: list[tuple[float, Act]] = []
        self.drawn: list[float] = []
        "When the screen was drawn, in seconds since the start."
        terminal.on_paint = lambda: self.drawn.append(round(self.time - START, 3))

    def now(self) -> float:
        return self.time

    def select(
        self, readers: Sequence[Readable], _: list[int], __: list[int], timeout: float
    ) -> tuple[list[Readable], list[int], list[int]]:
        """Let time pass until something happens or the timeout is over."""
        assert timeout >= 0
        until = self.time + timeout
        while not (ready := select.select(readers, [], [], 0)[0]):
            if self.script and START + self.script[0][0] <= until:
                when, act = self.script.pop(0)
                self.time = max(self.time, START + when)
                act()
            else:
                assert self.script, "the loop goes on for ever"
                self.time = until + 1e-6  # as the real one, which is never too early
                break
        return list(ready), [], []

    def tell(self, event: Sample | Connected | Lost | Refused | Trouble) -> None:
        self.instance.tell(event)
        self.wakeup.poke()

    def sample(self, read: int = 5) -> None:
        self.tell(Sample(self.time, read, 0, 1.0))

    def at(self, when: float, act: Act) -> None:
        """Have something happen, so many seconds after the start."""
        self.script.append((when, act))
        self.script.sort(key=lambda happening: happening[0])

    def run(self, until: float) -> Ending:
        """Run the loop; then its user presses q."""
        self.at(until, lambda: self.terminal.press("q"))
        loop = Loop(self.instance, self.source, View(), self.terminal, self.wakeup)
        loop.draw()
        return loop.run()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    terminal = FakeTerminal()
    with Wakeup() as wakeup:
        world = World(terminal, wakeup)
        monkeypatch.setattr(app, "now", world.now)
        monkeypatch.setattr(app, "select", world)
        yield world
    os.close(wakeup._writer)
    terminal.close()


# When it draws


def test_a_sample_a_second_is_a_drawing_a_second(world: World) -> None:
    world.instance.tell(CONNECTED)
    moments = [round(number * 1.0022 - 0.01, 3) for number in range(1, 61)]
    for moment in moments:
        world.at(moment, world.sample)
    assert world.run(60.5) == Ending()
    assert world.drawn[1:] == moments


def test_a_burst_of_samples_is_one_drawing(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, world.sample)
    for number in range(20):
        world.at(1.1 + number / 100, world.sample)
    world.run(3.0)
    assert world.drawn[1:] == [1.0, 1.95]


def test_samples_that_come_too_fast_are_drawn_no_faster(world: World) -> None:
    world.instance.tell(CONNECTED)
    for number in range(1, 200):
        world.at(number / 20, world.sample)
    world.run(10.0)
    pauses = [b - a for a, b in itertools.pairwise(world.drawn[1:])]
    assert len(pauses) >= 8
    assert all(0.949 < pause < 1.01 for pause in pauses)


def test_a_sample_a_little_early_is_drawn_a_little_late(world: World) -> None:
    world.instance.tell(CONNECTED)
    for when in (1.0, 1.93, 3.0):
        world.at(when, world.sample)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.95, 3.0]


def test_while_all_is_well_nothing_is_drawn_between_samples(world: World) -> None:
    world.instance.tell(CONNECTED)
    for when in (1.0, 2.9):
        world.at(when, world.sample)
    world.run(4.0)
    assert world.drawn[1:] == [1.0, 2.9]


def test_late_data_is_drawn_when_it_becomes_late_and_then_once_a_second(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, world.sample)
    world.run(7.5)
    assert world.drawn[1:] == [1.0, 1.0 + LATE, 4.0, 5.0, 6.0, 7.0]


def test_the_age_of_late_data_is_on_the_screen_and_grows(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, world.sample)
    world.run(6.5)
    for age, frame in zip((3, 4, 5), world.terminal.frames[-3:], strict=True):
        assert f"no data from tor for {age} s" in "\n".join(frame.text())


def test_while_there_is_no_tor_it_draws_once_a_second(world: World) -> None:
    # To count down to the next try.
    world.at(2.5, lambda: world.tell(Lost(START, "it closed the connection", START + 60)))
    world.run(5.0)
    assert world.drawn == [0, 1, 2, 2.5, 3.5, 4.5]


def test_a_state_of_tor_is_drawn_at_once(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.tell(Lost(START, "it closed the connection", START + 60)))
    world.at(1.2, lambda: world.tell(CONNECTED))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.1, 1.2]


@pytest.mark.parametrize("key", ["r", "\x0c", "x"])
def test_a_key_is_answered_at_once(world: World, key: str) -> None:
    world.instance.tell(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: world.terminal.press(key))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]


def test_a_resize_is_answered_at_once(world: World) -> None:
    world.instance.tell(CONNECTED)
    for when in (1.0, 1.05, 1.1):
        world.at(when, lambda: signal.raise_signal(signal.SIGWINCH))
    world.run(1.5)
    assert world.drawn[1:] == [1.0, 1.05, 1.1]
    assert world.terminal.done == ["resize"] * 3


@pytest.mark.parametrize("resized", [False, True])
def test_a_key_or_a_resize_does_not_put_samples_off(world: World, *, resized: bool) -> None:
    def disturb() -> None:
        if resized:
            signal.raise_signal(signal.SIGWINCH)
        else:
            world.terminal.press("x")

    world.instance.tell(CONNECTED)
    for when in (1.0, 2.0, 3.0):
        world.at(when, world.sample)
    world.at(1.5, disturb)
    world.run(3.5)
    assert world.drawn[1:] == [1.0, 1.5, 2.0, 3.0]


def test_the_first_sample_is_not_put_off_by_the_wait_for_it(world: World) -> None:
    # It comes a second and a little after the news of the connection.
    world.at(0.5, lambda: world.tell(CONNECTED))
    for number in (1, 2, 3):
        world.at(0.5 + number * 1.0022, world.sample)
    world.run(4.0)
    for number in (1, 2, 3):
        assert round(0.5 + number * 1.0022, 3) in world.drawn


def test_trouble_is_drawn_within_a_second(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, world.sample)
    world.at(1.1, lambda: world.tell(Trouble(world.time, "something broke")))
    world.run(2.5)
    assert world.drawn[1:] == [1.0, 1.95]
    assert "something broke" in "\n".join(world.terminal.frames[-1].text())


# What it does


def test_keys_do_what_they_are_for(world: World) -> None:
    world.at(1.0, lambda: world.terminal.press("r\x0cr"))
    world.run(2.0)
    assert world.source.retries == 2
    assert world.terminal.done == ["redraw"]


def test_a_stop_and_a_continuation_go_to_the_terminal(world: World) -> None:
    world.instance.tell(CONNECTED)
    world.at(1.0, lambda: signal.raise_signal(signal.SIGTSTP))
    world.at(2.0, lambda: signal.raise_signal(signal.SIGCONT))
    world.run(2.5)
    assert world.terminal.done == ["suspend", "resume"]
    assert world.drawn[1:] == [1.0, 2.0]


# How it ends


def test_q_ends_it_without_another_drawing(world: World) -> None:
    world.instance.tell(CONNECTED)
    assert world.run(0.5) == Ending()
    assert world.drawn == [0]


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGINT, Ending()),
        (signal.SIGTERM, Ending(signal=signal.SIGTERM)),
        (signal.SIGHUP, Ending(signal=signal.SIGHUP)),
    ],
)
def test_signals_end_it(world: World, number: int, ending: Ending) -> None:
    world.at(1.5, lambda: signal.raise_signal(number))
    assert world.run(9.0) == ending
    assert world.time == START + 1.5


def test_a_terminal_that_goes_away_ends_it(world: World) -> None:
    world.at(1.5, world.terminal.hang_up)
    assert world.run(9.0) == Ending(hung_up=True)
    assert world.time == START + 1.5


def test_a_terminal_that_is_readable_and_there_does_not_end_it(world: World) -> None:
    # Such as after a key that curses kept for itself.
    def nothing_to_read() -> None:
        world.terminal.press("x")
        os.read(world.terminal.fileno(), 1)
        world.wakeup.poke()

    world.at(1.5, nothing_to_read)
    assert world.run(2.5) == Ending()
    assert world.time >= START + 2.5


def test_a_refusal_ends_it(world: World) -> None:
    refusal = Refusal("found no tor", "start one")
    world.at(1.5, lambda: world.tell(Refused(refusal)))
    assert world.run(9.0) == Ending(refusal=refusal)
    assert world.time == START + 1.5


def test_the_first_reason_is_the_reason(world: World) -> None:
    def all_at_once() -> None:
        world.terminal.press("q")
        signal.raise_signal(signal.SIGTERM)
        world.tell(Refused(Refusal("too late")))

    world.at(1.5, all_at_once)
    assert world.run(9.0) == Ending()


# The whole run


def run(world: World) -> Ending:
    return app.run(world.instance, world.source, View(), world.terminal, world.wakeup)


def test_the_first_picture_comes_before_the_source_begins(world: World) -> None:
    drawn_before: list[int] = []

    def begin() -> None:
        drawn_before.append(len(world.drawn))
        world.terminal.press("q")

    world.source.on_start = begin
    run(world)
    assert drawn_before == [1]


def test_what_the_source_tells_reaches_the_screen(world: World) -> None:
    def begin() -> None:
        assert world.source.tell is not None
        world.source.tell(CONNECTED)
        world.source.tell(Sample(world.time, 123 * 1024, 0, 1.0))

    world.source.on_start = begin
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert "123 KiB/s" in "\n".join(world.terminal.frames[-1].text())


def test_the_source_is_closed_when_it_ends(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    assert run(world) == Ending()
    assert world.source.closed == 1


def test_the_source_is_closed_when_drawing_fails(world: World) -> None:
    hook = threading.excepthook

    def fail() -> None:
        if len(world.terminal.frames) > 1:
            raise ZeroDivisionError

    world.terminal.on_paint = fail
    world.at(9.0, lambda: world.terminal.press("q"))
    with pytest.raises(ZeroDivisionError):
        run(world)
    assert world.source.closed == 1
    assert threading.excepthook is hook


def test_signals_that_curses_took_are_taken_back(world: World) -> None:
    signal.signal(signal.SIGWINCH, signal.SIG_DFL)  # as initscr does
    world.at(0.5, lambda: signal.raise_signal(signal.SIGWINCH))
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert world.terminal.done == ["resize"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("a bug"), "Event notifier ended: ValueError: a bug"),
        (SystemExit(3), "Event notifier ended: SystemExit: 3"),
    ],
)
def test_an_exception_in_a_thread_is_trouble(world: World, error: BaseException, said: str) -> None:
    hook = threading.excepthook

    def fail() -> None:
        raise error

    def begin() -> None:
        thread = threading.Thread(target=fail, name="Event notifier")
        thread.start()
        thread.join(PATIENCE)

    world.source.on_start = begin
    world.at(2.5, lambda: world.terminal.press("q"))
    assert run(world) == Ending()
    assert world.instance.trouble is not None
    assert world.instance.trouble.what == said
    assert said in "\n".join(world.terminal.frames[-1].text())
    # Nothing went to standard error meanwhile, into the middle of the picture; and now it may.
    assert threading.excepthook is hook


def test_a_word_that_comes_after_the_end_hurts_nobody(world: World) -> None:
    world.at(1.5, lambda: world.terminal.press("q"))
    run(world)
    assert world.source.tell is not None
    world.source.tell(CONNECTED)


def test_it_wakes_up_for_news_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real clock and the real select, once."""
    terminal, source = FakeTerminal(), FakeSource()
    instance = Instance("a tor")

    def later() -> None:
        # The loop would look by itself in a second; this is there before.
        eventually(lambda: len(terminal.frames) == 1, "the first picture is there")
        assert source.tell is not None
        source.tell(CONNECTED)
        eventually(lambda: len(terminal.frames) == 2, "the news are drawn")
        terminal.press("q")

    thread = threading.Thread(target=later)
    source.on_start = thread.start
    waits: list[float] = []
    real = clock.now

    def counted() -> float:
        waits.append(real())
        return waits[-1]

    monkeypatch.setattr(app, "now", counted)
    with Wakeup() as wakeup:
        assert app.run(instance, source, View(), terminal, wakeup) == Ending()
    thread.join()
    assert len(terminal.frames) == 2
    assert len(waits) < 30, "it waited, and did not spin"
    os.close(wakeup._writer)
    terminal.close()
