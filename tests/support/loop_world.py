"""The main loop with a terminal that draws nothing and a clock that the test moves by hand."""

import os
import select
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bwgraph.model.events import Connected, Event, Report, Sample
from bwgraph.model.fleet import Fleet
from bwgraph.model.instance import Instance
from bwgraph.screen.frame import Frame, Size
from bwgraph.screen.view import Click, View
from bwgraph.system.wakeup import Wakeup
from bwgraph.terminal.curses_terminal import Terminal
from bwgraph.terminal.loop import Loop, LoopEnd

if TYPE_CHECKING:
    from bwgraph.system import clock

START = 1000.0


NOON = datetime(2026, 3, 4, 12, 0, 0).timestamp()  # noqa: DTZ001 - wherever this runs
"On the wall clock, when the other shows START."


CONNECTED = Connected(START, "127.0.0.1:9051", "0.4.9.11", "fake")


Act = Callable[[], None]


class Readable(Protocol):
    def fileno(self) -> int: ...


class FakeTerminal(Terminal):
    """Keys from the test, and frames for it."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Size(80, 24)
        self._pressed: list[str | Click] = []
        self.frames: list[Frame] = []
        self.done: list[str] = []
        "What it was asked to do besides painting, in order."
        self.hung_up = False
        self.on_paint: Act = lambda: None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)

    def press(self, *keys: str | Click) -> None:
        self._pressed += keys
        os.write(self._writer, b"x")

    def press_nothing(self) -> None:
        """Be readable, with no key to read: such as after one that curses kept for itself."""
        self.press()

    def hang_up(self) -> None:
        """As a terminal that goes away: readable for ever, with nothing to read."""
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
        self.tell: Report | None = None
        self.retries = 0
        self.closed = 0
        self.on_start: Act = lambda: None
        self.on_close: Act = lambda: None

    def start(self, tell: Report) -> None:
        self.tell = tell
        self.on_start()

    def retry_now(self) -> None:
        self.retries += 1

    def close(self) -> None:
        self.closed += 1
        self.on_close()


class World:
    """The loop's clock and its ``select``, and what happens when."""

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
        self.kept: list[Frame] = []
        "The pictures that were taken."
        self.keep_error: OSError | None = None
        self.drawn: list[float] = []
        "When the screen was drawn, in seconds since the start."
        terminal.on_paint = lambda: self.drawn.append(round(self.time - START, 3))

    def watch(
        self,
        *instances: Instance,
        asks: Callable[[str], bool] = bool,
        fleet: Fleet | None = None,
    ) -> None:
        """Have these be the tors; the first of them has the one source that there was."""
        self.instance = instances[0]
        self.fleet = fleet or Fleet(instances, can_ask_password=asks)
        self.sources = {each: FakeSource() for each in instances}
        self.sources[self.instance] = self.source

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

    def tell(self, event: Event, instance: Instance | None = None) -> None:
        self.loop.handle(instance or self.instance, event)

    def sample(self, read: int = 5, instance: Instance | None = None) -> None:
        self.tell(Sample(self.time, read, 0, 1.0), instance)

    def keep(self, frame: Frame) -> str:
        if self.keep_error is not None:
            raise self.keep_error
        self.kept.append(frame)
        return f"picture-{len(self.kept)}.svg"

    def fill(self, seconds: int) -> None:
        """Be connected, with so much of history: one KiB in the first second, then two, ..."""
        self.instance.handle(CONNECTED)
        for number in range(1, seconds + 1):
            when = START + number - seconds
            self.instance.handle(Sample(when, number * 1024, 512, 1.0))

    def at(self, when: float, act: Act) -> None:
        """Have something happen, so many seconds after the start."""
        self.script.append((when, act))
        self.script.sort(key=lambda happening: happening[0])

    def press(self, when: float, *keys: str | Click) -> None:
        """Have keys pressed, so many seconds after the start."""
        self.at(when, lambda: self.terminal.press(*keys))

    def run(self, until: float) -> LoopEnd:
        """Run the loop; then its user presses q."""
        self.press(until, "q")
        self.loop = Loop(
            self.fleet,
            self.sources,
            self.view,
            self.terminal,
            self.wakeup,
            save_picture=self.keep,
            clock=self.clock,
        )
        self.loop.draw()
        return self.loop.run()

    def after(self, *keys: str | Click) -> View:
        """The view that keys lead to, each with a drawing of its own."""
        for number, key in enumerate(keys):
            self.press(0.01 * (number + 1), key)
        assert self.run(0.9) == LoopEnd()
        return self.loop._view

    def text(self, frame: int = -1) -> str:
        return "\n".join(self.terminal.frames[frame].text())
