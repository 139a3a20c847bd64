"""The main loop: it waits for keys, signals and news of tor, and draws.

Owns when the screen is drawn: once a second at the most for samples, at once for a key, a resize
or a change of tor's state, and when data grows late. It never talks to tor and never waits for
anything else.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen.compose import compose, follow_subject, survey
from bwgraph.screen.frame import Frame
from bwgraph.screen.keymap import ACTIONS, Action, apply
from bwgraph.screen.layout import Layout
from bwgraph.screen.view import Click, Shown, View, move_cursor_to
from bwgraph.system import threads
from bwgraph.system.clock import Clock, SystemClock, now
from bwgraph.system.signals import FATAL_SIGNALS
from bwgraph.system.wakeup import CAUGHT_SIGNALS, Wakeup
from bwgraph.terminal.curses_terminal import Terminal

MIN_REDRAW_FRACTION = 0.95
"""Of a clock's pause between two drawings for samples. Tor's own are a second apart, give or take a
few ms."""

BLOCKED_AFTER_S = 2.0
"Seconds since the last drawing after which samples do not wait for it: who else reads them does."

MAX_QUEUED_SAMPLES = 1024
"Samples that wait for a drawing at the most."

NOTICE_SHOWN_S = 8.0
"Seconds for which a notice stays on the screen."

SavePicture = Callable[[Frame], str]
"Keeps a picture of a frame, and says where; an OSError if that fails."


class LoopEnd(NamedTuple):
    """Why the loop ended; all empty when the user asked for it."""

    signal: int | None = None
    "The signal that asked for it."
    hung_up: bool = False
    "The terminal went away."
    error: ExplainedError | None = None
    "The source had to give up."


def run(
    fleet: Fleet,
    sources: Mapping[Instance, Source],
    view: View,
    terminal: Terminal,
    wakeup: Wakeup,
    *,
    save_picture: SavePicture,
    clock: Clock | None = None,
) -> LoopEnd:
    """Show the tors, each told of by its source, until there is a reason to stop.

    Terminal and wakeup are entered already. Without a ``clock`` it is the present that is shown.
    """
    # curses took some of the signals for itself when the terminal was entered.
    wakeup.catch(CAUGHT_SIGNALS)
    loop = Loop(fleet, sources, view, terminal, wakeup, save_picture=save_picture, clock=clock)
    with threads.report_uncaught(
        lambda trouble: loop.handle(fleet.instances[0], trouble), loop.moment
    ):
        loop.draw()
        for instance, source in sources.items():
            source.start(partial(loop.handle, instance))
        try:
            return loop.run()
        finally:
            for source in sources.values():
                source.close()
            loop.handle_samples()  # which a store is still to have


class Loop:
    """The state of the loop: what is shown and when it was drawn.

    What is shown is shown as of the moment that the clock tells; when it is drawn, and for how long
    a notice stays, goes by the time of whoever looks.
    """

    def __init__(
        self,
        fleet: Fleet,
        sources: Mapping[Instance, Source],
        view: View,
        terminal: Terminal,
        wakeup: Wakeup,
        *,
        save_picture: SavePicture,
        clock: Clock | None = None,
    ) -> None:
        self._fleet = fleet
        self._watched = fleet.instances  # as the view knows them
        self._sources = sources
        self._view = view
        self._terminal = terminal
        self._wakeup = wakeup
        self._woken = False  # by a sample, and nothing has been drawn since
        self._queued: deque[tuple[Instance, Sample]] = deque()
        self._queue_lock = threading.Lock()
        self._save_picture = save_picture
        self._clock: Clock = SystemClock() if clock is None else clock
        self._notice = ""
        self._notice_at = 0.0  # when it came up
        self._drawn_at = 0.0
        self._drawn_newest_at: float | None = None  # when the newest sample came that is drawn
        self._states: tuple[object, ...] = ()  # of the tors, as they were drawn
        self._stop: LoopEnd | None = None
        acts: dict[str, Callable[[], None]] = {
            "SIGINT": partial(self._end, LoopEnd()),
            **{number.name: partial(self._end, LoopEnd(signal=number)) for number in FATAL_SIGNALS},
            "SIGWINCH": terminal.resize,
            "SIGTSTP": terminal.suspend,
            "SIGCONT": terminal.resume,
        }
        self._signals = {int(number): acts[number.name] for number in CAUGHT_SIGNALS}
        self._actions: dict[Action, Callable[[], None]] = {
            Action.QUIT: lambda: self._end(LoopEnd()),
            Action.RETRY: self._retry,
            Action.REDRAW: terminal.redraw,
            Action.SAVE_PICTURE: self._save,
        }

    def handle(self, instance: Instance, event: Event) -> None:
        """Take a source's word, in whatever thread, and have the loop look at it.

        A sample is only put aside: what becomes of those of many tors costs a quarter where the
        loop does it for all at once. Of many that come between two drawings the first alone wakes
        it up, and one that ends a silence, which is news of another kind.
        """
        if isinstance(event, Sample):
            self._queued.append((instance, event))
            late = self._clock.due_at(event.ends_at) - self._drawn_at > BLOCKED_AFTER_S
            if late or len(self._queued) > MAX_QUEUED_SAMPLES:
                # A terminal that takes nothing may hold the loop up for hours.
                self.handle_samples()
            if self._woken and not isinstance(instance.state, Lost):
                return
            self._woken = True
        else:
            self.handle_samples()
            self._fleet.handle(instance, event)
        self._wakeup.poke()

    def handle_samples(self) -> None:
        """Let the fleet know of the samples that were put aside, in their order."""
        with self._queue_lock:
            # Those that are here by now: where they come without a pause there is no end to them.
            for _ in range(len(self._queued)):
                self._fleet.handle(*self._queued.popleft())

    def moment(self) -> Moment:
        """What is the present on the screen."""
        return self._clock.read()

    def run(self) -> LoopEnd:
        """Wait, see what it was, draw if need be; until something ends it."""
        dirty = False  # something waits to be drawn
        while self._stop is None:
            ready = self._wait(dirty=dirty)
            self._follow_subject()
            at_once = self._terminal in ready and self._handle_keys()
            if self._wakeup in ready:
                at_once |= self._handle_signals()
                self.handle_samples()
                dirty = True
            refusal = self._fleet.final_error
            if refusal is not None:
                self._end(LoopEnd(error=refusal))
            at_once |= self._states != self._current_states()
            if self._stop is None and (at_once or now() >= self._redraw_due_at(dirty=dirty)):
                self.draw()
                dirty = False
        return self._stop

    def draw(self) -> None:
        """Put the present onto the screen."""
        self._woken = False
        self.handle_samples()
        moment = self.moment()
        self._drawn_at = now()
        self._states = self._current_states()
        self._drawn_newest_at = self._fleet.newest_at
        if self._fleet.sum is not None and self._drawn_newest_at is not None:
            self._woken = True  # the samples of several come all the time, and wait for their turn
        if self._drawn_at - self._notice_at >= NOTICE_SHOWN_S:
            self._notice = ""
        size = self._terminal.size()
        self._terminal.paint(compose(self._fleet, self._view, size, moment, self._notice))

    def _follow_subject(self) -> None:
        """Keep to the tors that are looked at, whoever has left."""
        watched = self._fleet.instances
        if watched is not self._watched:
            self._view = follow_subject(self._view, self._watched, watched)
            self._watched = watched

    def _current_states(self) -> tuple[object, ...]:
        """What is drawn at once when it changes."""
        return tuple(instance.state for instance in self._fleet.instances)

    def _wait(self, *, dirty: bool) -> list[Terminal | Wakeup]:
        timeout = max(0.0, self._redraw_due_at(dirty=dirty) - now())
        return self._wakeup.wait(self._terminal, timeout)

    def _redraw_due_at(self, *, dirty: bool) -> float:
        """When the screen must be drawn if nothing else comes."""
        newest = self._fleet.newest_at
        pause, comes = self._clock.redraw_interval, self._clock.due_at
        if self._fleet.sum is not None and self._drawn_newest_at is not None:
            return self._drawn_at + pause
        if dirty and newest != self._drawn_newest_at:
            # By when samples came and not by when they were drawn: one that had to wait, or other
            # news between two samples, would put off all that follow.
            return (
                0.0
                if self._drawn_newest_at is None
                else comes(self._drawn_newest_at) + MIN_REDRAW_FRACTION * pause
            )
        if dirty:
            return self._drawn_at + MIN_REDRAW_FRACTION * pause
        well = all(isinstance(each.state, Connected) for each in self._fleet.instances)
        if well and newest is not None:
            # All is well until the newest sample is late; then its age is told by the second.
            return max(comes(newest + LATE_AFTER_S), self._drawn_at + pause)
        return self._drawn_at + 1.0

    def _handle_keys(self) -> bool:
        """Do what the keys ask for; whether there was one to answer to."""
        keys = self._terminal.keys()
        if not keys and self._terminal.is_gone():
            self._end(LoopEnd(hung_up=True))
        for key in keys:
            if isinstance(key, Click):
                self._handle_click(key)
            elif key in ACTIONS:
                self._do_action(ACTIONS[key], key)
        return bool(keys)

    def _do_action(self, action: Action, key: str) -> None:
        """Do what a key asks for; most of them only change the view."""
        if action in self._actions:
            self._actions[action]()
        else:
            shown, _ = self._survey()
            self._view = apply(self._view, action, shown, key)

    def _handle_click(self, click: Click) -> None:
        """Put the cursor onto the column that was clicked."""
        shown, layout = self._survey()
        cell = layout.cell(click.x) if layout is not None else None
        if cell is not None and not self._view.help:
            wide = self._view.glyphs.buckets_per_cell
            self._view = move_cursor_to(self._view, cell * wide + wide - 1, shown)

    def _survey(self) -> tuple[Shown, Layout | None]:
        return survey(self._fleet, self._view, self._terminal.size(), self.moment())

    def _retry(self) -> None:
        for source in self._sources.values():
            source.retry_now()

    def _save(self) -> None:
        size, moment = self._terminal.size(), self.moment()
        try:
            where = self._save_picture(compose(self._fleet, self._view, size, moment))
        except OSError as error:
            self._notice = f"no picture: {error.strerror or error}"
        else:
            self._notice = f"saved {where}"
        self._notice_at = now()

    def _handle_signals(self) -> bool:
        """Do what the signals ask for; whether there was one."""
        numbers = self._wakeup.drain()
        for number in numbers:
            if number in self._signals:
                self._signals[number]()
        return bool(numbers)

    def _end(self, ending: LoopEnd) -> None:
        if self._stop is None:
            self._stop = ending
