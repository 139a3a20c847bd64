"""The main loop with a terminal that draws nothing and a clock that the test moves."""

import os
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import SimpleNamespace
from typing import Protocol

import pytest

from bwgraph.model.events import Connected, Event, Report, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.view import ALL_TORS, Click, View
from bwgraph.system import clock
from bwgraph.system import wakeup as wakeup_module
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal import loop
from bwgraph.terminal.curses_terminal import Terminal
from bwgraph.terminal.loop import Loop, LoopEnd

START = 1000.0
"What the clock that never steps shows at first."

NOON = datetime(2026, 3, 4, 12, 0, 0).timestamp()  # noqa: DTZ001 - in the local time zone
"What the wall clock shows at ``START``."

CONNECTED = Connected(START, "127.0.0.1:9051", "0.4.9.11", "fake")

Act = Callable[[], None]


class Readable(Protocol):
    def fileno(self) -> int: ...


class FakeTerminal(Terminal):
    """A terminal whose keys the test presses, and whose frames it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Size(80, 24)
        self._pressed: list[str | Click] = []
        self.frames: list[Frame] = []
        self.calls: list[str] = []
        "The names of the methods called besides ``paint``, in order."
        self.hung_up = False
        self.on_paint: Act = lambda: None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)

    def press(self, *keys: str | Click) -> None:
        self._pressed += keys
        os.write(self._writer, b"x")

    def press_nothing(self) -> None:
        """Be readable without a key, as after a resize, which curses handles itself."""
        self.press()

    def hang_up(self) -> None:
        """Be readable without a key for ever, as a terminal that was hung up."""
        self.hung_up = True
        self.press_nothing()

    def fileno(self) -> int:
        return self._reader

    def keys(self) -> list[str | Click]:
        if self.hung_up:
            return []
        with suppress(BlockingIOError):
            os.read(self._reader, 1000)
        pressed, self._pressed = self._pressed, []
        return pressed

    def is_gone(self) -> bool:
        return self.hung_up

    def size(self) -> Size:
        return self.window

    def paint(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.on_paint()

    def resize(self) -> None:
        self.calls.append("resize")

    def redraw(self) -> None:
        self.calls.append("redraw")

    def suspend(self) -> None:
        self.calls.append("suspend")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class FakeSource:
    """A source that reports what the test has it report."""

    def __init__(self) -> None:
        self._report: Report | None = None
        self.retries = 0
        self.closed = 0
        self.on_start: Act = lambda: None
        self.on_close: Act = lambda: None

    def start(self, report: Report) -> None:
        self._report = report
        self.on_start()

    def report(self, event: Event) -> None:
        assert self._report is not None
        self._report(event)

    def retry_now(self) -> None:
        self.retries += 1

    def close(self) -> None:
        self.closed += 1
        self.on_close()


class World:
    """The loop's surroundings: its clock, its ``select``, and a script of what happens when."""

    def __init__(self, terminal: FakeTerminal, wakeup: Wakeup) -> None:
        self.time = START
        self.terminal = terminal
        self.wakeup = wakeup
        self.instance = Instance("a tor")
        self.source = FakeSource()
        self.watch(self.instance)
        self.script: list[tuple[float, Act]] = []
        self.view = View()
        self.clock: clock.Clock | None = None
        self.saved: list[Frame] = []
        "The pictures that were saved."
        self.save_error: OSError | None = None
        self.drawn: list[float] = []
        "When the screen was drawn, in seconds since the start."
        terminal.on_paint = lambda: self.drawn.append(round(self.time - START, 3))

    def watch(
        self,
        *instances: Instance,
        can_ask_password: Callable[[str], bool] = bool,
        fleet: Fleet | None = None,
    ) -> None:
        """Replace the tors. The first gets ``self.source`` as its source."""
        self.instance = instances[0]
        self.fleet = fleet or Fleet(instances, can_ask_password=can_ask_password)
        self.sources = {each: FakeSource() for each in instances}
        self.sources[self.instance] = self.source

    def watch_table(self, count: int, *, connected: bool = True) -> list[Instance]:
        """Replace the tors by some that are shown as a table; return them."""
        tors = [Instance(f"tor {number}") for number in range(count)]
        self.watch(*tors)
        self.view = View(subject=ALL_TORS)
        if connected:
            for number, tor in enumerate(tors):
                self.fleet.handle(tor, Connected(START, f"tor {number}", process=str(number)))
        return tors

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
                assert self.script, "the loop does not end"
                self.time = until + 1e-6  # the real one never returns too early either
                break
        return list(ready), [], []

    def report(self, event: Event, instance: Instance | None = None) -> None:
        """Have the loop handle an event of a tor, the first by default."""
        self.loop.handle(instance or self.instance, event)

    def sample(self, read: int = 5, instance: Instance | None = None) -> None:
        """Have the loop handle a sample of a second that ends now."""
        self.report(Sample(self.time, read, 0, 1.0), instance)

    def save(self, frame: Frame) -> str:
        if self.save_error is not None:
            raise self.save_error
        self.saved.append(frame)
        return f"picture-{len(self.saved)}.svg"

    def fill(self, seconds: int) -> None:
        """Connect, with a history: one KiB in the first second, two in the next, ..."""
        self.instance.handle(CONNECTED)
        for number in range(1, seconds + 1):
            when = START + number - seconds
            self.instance.handle(Sample(when, number * 1024, 512, 1.0))

    def at(self, when: float, act: Act) -> None:
        """Schedule something, in seconds after the start."""
        self.script.append((when, act))
        self.script.sort(key=lambda entry: entry[0])

    def press(self, when: float, *keys: str | Click) -> None:
        """Schedule keys, in seconds after the start."""
        self.at(when, lambda: self.terminal.press(*keys))

    def run(self, until: float) -> LoopEnd:
        """Run the loop without its sources, and press q in the end."""
        self.press(until, "q")
        self.loop = Loop(
            self.fleet,
            self.sources,
            self.view,
            self.terminal,
            self.wakeup,
            save_picture=self.save,
            clock=self.clock,
        )
        self.loop.draw()
        return self.loop.run()

    def run_with_sources(self) -> LoopEnd:
        """Run the loop with its sources, until the script ends it."""
        return loop.run(
            self.fleet,
            self.sources,
            self.view,
            self.terminal,
            self.wakeup,
            save_picture=self.save,
        )

    def view_after(self, *keys: str | Click) -> View:
        """Return the view after these keys, each of them drawn."""
        for number, key in enumerate(keys):
            self.press(0.01 * (number + 1), key)
        assert self.run(0.9) == LoopEnd()
        return self.loop._view

    def text(self, frame: int = -1) -> str:
        return "\n".join(self.terminal.frames[frame].text())


@contextmanager
def installed_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Put a world in the place of the clocks and of ``select``."""
    terminal = FakeTerminal()
    with Wakeup() as wakeup:
        world = World(terminal, wakeup)
        monkeypatch.setattr(loop, "now", world.now)
        monkeypatch.setattr(clock, "now", world.now)
        monkeypatch.setattr(
            clock,
            "time",
            SimpleNamespace(time=lambda: NOON + world.time - START, localtime=time.localtime),
        )
        monkeypatch.setattr(wakeup_module, "select", world)
        yield world
    os.close(wakeup._channel.writer)
    terminal.close()
