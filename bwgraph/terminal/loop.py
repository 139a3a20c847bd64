"""The main loop: waits for keys, signals and events of the sources, and draws the screen.

Owns when the screen is drawn: at most once per redraw interval for samples, and at once for a key,
a resize or a change of a tor's state. If data is late, it draws once a second to show its age. Must
not talk to tor, nor wait for anything but ``Wakeup.wait``.
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Event, Lost, Sample, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.fleet_feed import FleetFeed
from bwgraph.model.history import LATE_AFTER_S
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.screen.compose import Scene, compose, draw_scene, follow_subject, survey
from bwgraph.screen.frame import Frame
from bwgraph.screen.keymap import ACTIONS, Action, apply_action
from bwgraph.screen.view import Click, View, move_cursor_to
from bwgraph.system import threads
from bwgraph.system.clock import Clock, SystemClock, now
from bwgraph.system.signals import FATAL_SIGNALS
from bwgraph.system.wakeup import CAUGHT_SIGNALS, Wakeup
from bwgraph.terminal.curses_terminal import Terminal

MIN_REDRAW_FRACTION = 0.95
"""The shortest time between two drawings for samples, as a fraction of the clock's redraw interval.
Below 1, since the time between two samples of a tor varies by a few milliseconds."""

NOTICE_SHOWN_S = 8.0
"Seconds for which a notice stays on the screen."

SavePicture = Callable[[Frame], str]
"Saves a picture of a frame and returns its file name. Raises OSError if that fails."


class LoopEnd(NamedTuple):
    """The reason why the loop ended. With the defaults, the user quit."""

    signal: int | None = None
    "The signal that ended the loop."
    hung_up: bool = False
    "Whether the terminal was hung up."
    error: ExplainedError | None = None
    "The reason why there is no tor to wait for."


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
    """Draw the screen, start the sources and run a ``Loop``; close the sources when it ends.

    ``terminal`` and ``wakeup`` must have been entered. ``clock`` is the system's by default.
    """
    # curses took some of the signals when the terminal was entered.
    wakeup.catch(CAUGHT_SIGNALS)
    loop = Loop(fleet, sources, view, terminal, wakeup, save_picture=save_picture, clock=clock)
    with threads.report_uncaught(
        lambda problem: loop.handle(fleet.instances[0], problem), loop.moment
    ):
        loop.draw()
        for instance, source in sources.items():
            source.start(partial(loop.handle, instance))
        try:
            return loop.run()
        finally:
            for source in sources.values():
                source.close()
            loop.flush()  # the recorder must get the last samples


class Loop:
    """The state of the loop: what is on the screen, and when it was drawn.

    The contents of the screen are of the moment that ``clock`` shows, which may be a recording's.
    Redraws and notices are timed by ``now``.
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
        self._view_instances = fleet.instances  # those that the view's subject refers to
        self._sources = sources
        self._view = view
        self._scene: Scene | None = None  # what is on the screen; None if it must be surveyed again
        self._terminal = terminal
        self._wakeup = wakeup
        self._save_picture = save_picture
        self._clock: Clock = SystemClock() if clock is None else clock
        self._feed = FleetFeed(fleet, threading.Lock(), self._clock.due_at)
        # Whether the loop will draw the next sample without being woken by it.
        self._samples_need_no_wakeup = False
        self._notice = ""
        self._notice_at = 0.0  # when the notice appeared
        self._drawn_at = 0.0
        self._drawn_newest_at: float | None = None  # the fleet's `newest_at` when it was drawn
        self._drawn_states: tuple[object, ...] = ()
        self._end_reason: LoopEnd | None = None
        signal_actions: dict[str, Callable[[], None]] = {
            "SIGINT": partial(self._end, LoopEnd()),
            **{number.name: partial(self._end, LoopEnd(signal=number)) for number in FATAL_SIGNALS},
            "SIGWINCH": terminal.resize,
            "SIGTSTP": terminal.suspend,
            "SIGCONT": terminal.resume,
        }
        self._signal_actions = {
            int(number): signal_actions[number.name] for number in CAUGHT_SIGNALS
        }
        self._actions: dict[Action, Callable[[], None]] = {
            Action.QUIT: lambda: self._end(LoopEnd()),
            Action.RETRY: self._retry,
            Action.REDRAW: terminal.redraw,
            Action.SAVE_PICTURE: self._save,
        }

    def handle(self, instance: Instance, event: Event) -> None:
        """Take an event from a source, and wake the loop. May be called from any thread.

        A sample from a lost tor always wakes the loop, since it changes the tor's state. Of the
        others the first after a drawing does, and with several tors none: these are drawn at fixed
        intervals.
        """
        self._feed.handle(instance, event)
        if isinstance(event, Sample):
            if self._samples_need_no_wakeup and not isinstance(instance.state, Lost):
                return
            self._samples_need_no_wakeup = True
        self._wakeup.poke()

    def flush(self) -> None:
        """Hand the waiting samples to the fleet."""
        self._feed.flush(now())

    def moment(self) -> Moment:
        """Return the moment that the screen shows as the present."""
        return self._clock.read()

    def run(self) -> LoopEnd:
        """Wait for input and events, handle them and draw, until something ends the loop."""
        dirty = False  # whether an event has not been drawn yet
        while self._end_reason is None:
            ready = self._wait(dirty=dirty)
            self._follow_subject()
            at_once = self._terminal in ready and self._handle_keys()
            if self._wakeup in ready:
                at_once |= self._handle_signals()
                self.flush()
                dirty = True
            error = self._fleet.final_error
            if error is not None:
                self._end(LoopEnd(error=error))
            at_once |= self._drawn_states != self._current_states()
            if self._end_reason is None and (at_once or now() >= self._redraw_due_at(dirty=dirty)):
                self.draw()
                dirty = False
        return self._end_reason

    def draw(self) -> None:
        """Draw the present state of the fleet."""
        self._samples_need_no_wakeup = False
        self.flush()
        moment = self.moment()
        self._drawn_at = now()
        self._drawn_states = self._current_states()
        self._drawn_newest_at = self._fleet.newest_at
        if self._has_fixed_rate():
            self._samples_need_no_wakeup = True
        if self._drawn_at - self._notice_at >= NOTICE_SHOWN_S:
            self._notice = ""
        size = self._terminal.size()
        self._scene = survey(self._fleet, self._view, size, moment, self._notice)
        self._terminal.paint(draw_scene(self._scene))

    def _has_fixed_rate(self) -> bool:
        """Return whether to draw at fixed intervals: several tors send at different times."""
        return self._fleet.sum is not None and self._drawn_newest_at is not None

    def _follow_subject(self) -> None:
        """Keep the view on the same tor when a tor has left the fleet."""
        instances = self._fleet.instances
        if instances is not self._view_instances:
            self._view = follow_subject(self._view, self._view_instances, instances)
            self._view_instances = instances
            self._scene = None  # it has other tors, with other indexes

    def _current_states(self) -> tuple[object, ...]:
        """Return the states of the tors: a change of them is drawn at once."""
        return tuple(instance.state for instance in self._fleet.instances)

    def _wait(self, *, dirty: bool) -> list[Terminal | Wakeup]:
        timeout = max(0.0, self._redraw_due_at(dirty=dirty) - now())
        return self._wakeup.wait(self._terminal, timeout)

    def _redraw_due_at(self, *, dirty: bool) -> float:
        """Return when to draw next if nothing asks for it at once."""
        interval, due_at = self._clock.redraw_interval, self._clock.due_at
        if self._has_fixed_rate():
            return self._drawn_at + interval
        newest = self._fleet.newest_at
        if dirty:
            if newest == self._drawn_newest_at:
                return self._drawn_at + MIN_REDRAW_FRACTION * interval
            if self._drawn_newest_at is None:
                return 0.0
            # From the time of the drawn sample, not of the drawing: if a sample was drawn late, or
            # something else was drawn between two samples, the next must not be late as well.
            return due_at(self._drawn_newest_at) + MIN_REDRAW_FRACTION * interval
        all_connected = all(isinstance(each.state, Connected) for each in self._fleet.instances)
        if all_connected and newest is not None:
            # Once the newest sample is late, its age is shown and changes each second.
            return max(due_at(newest + LATE_AFTER_S), self._drawn_at + interval)
        return self._drawn_at + 1.0

    def _handle_keys(self) -> bool:
        """Do what the pressed keys ask for. Returns whether there were any."""
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
        """Do what a key asks for; most keys only change the view."""
        if action in self._actions:
            self._actions[action]()
        else:
            self._view = apply_action(self._view, action, self._current_scene().shown, key)

    def _handle_click(self, click: Click) -> None:
        """Put the cursor on the newest bucket of the clicked screen column, in any row."""
        scene = self._current_scene()
        cell = scene.layout.cell(click.x) if scene.layout is not None else None
        if cell is not None and not self._view.help:
            per_cell = self._view.glyphs.buckets_per_cell
            self._view = move_cursor_to(self._view, cell * per_cell + per_cell - 1, scene.shown)

    def _current_scene(self) -> Scene:
        """Return what is on the screen, or would be if an earlier key's view had been drawn."""
        scene, size = self._scene, self._terminal.size()
        if scene is None or scene.view != self._view or scene.size != size:
            scene = self._scene = survey(self._fleet, self._view, size, self.moment())
        return scene

    def _retry(self) -> None:
        for source in self._sources.values():
            source.retry_now()

    def _save(self) -> None:
        size, moment = self._terminal.size(), self.moment()
        try:
            file_name = self._save_picture(compose(self._fleet, self._view, size, moment))
        except OSError as error:
            self._notice = f"no picture: {error.strerror or error}"
        else:
            self._notice = f"saved {file_name}"
        self._notice_at = now()

    def _handle_signals(self) -> bool:
        """Do what the signals that arrived ask for. Returns whether there were any."""
        numbers = self._wakeup.drain()
        for number in numbers:
            if number in self._signal_actions:
                self._signal_actions[number]()
        return bool(numbers)

    def _end(self, reason: LoopEnd) -> None:
        """End the loop; the first reason counts."""
        if self._end_reason is None:
            self._end_reason = reason
