"""A recording instead of a tor: its file, its clock, and the sources that play it.

Owns how it is read and how fast it goes by. What is on the screen is then what it was on, at the
time that the recording says; nothing on the way there knows that it is not the present. Must not
know what a line means.
"""

import heapq
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import TextIO

from bwgraph.model.errors import ExplainedError
from bwgraph.model.events import Connected, Ended, Event, Problem, Report, Source
from bwgraph.model.fleet import Fleet
from bwgraph.model.history import History
from bwgraph.model.instance import Instance
from bwgraph.model.moment import Moment
from bwgraph.recording.format import MAX_LINE_CHARS
from bwgraph.recording.reader import Recording, TooLongError, Track
from bwgraph.system.clock import LOCAL_ZONE, now

STANDARD_INPUT = "-"

MAX_REDRAWS_PER_S = 10
"A second, of a recording that goes by faster than time; so that one sees it go by."

MAX_WAIT_S = 3600.0
"Seconds. Longer ones are made of several: not every system waits for years."


def read(name: str) -> Recording:
    """The recording in a file, or in standard input; ``ExplainedError`` if there is none in it."""
    try:
        with _opened(name) as file:
            tape = _read(file)
    except OSError as error:
        raise ExplainedError(f"{_title(name)}: {error.strerror or error}") from None
    except TooLongError:
        raise ExplainedError(
            f"{_title(name)}: too long a recording",
            "take a part of it, or record with a longer --interval",
        ) from None
    if not tape.tracks:
        why = tape.skipped or "there is no sample in it"
        raise ExplainedError(
            f"{_title(name)}: not a recording: {why}",
            "a recording is what bwgraph --json or bwgraph --csv writes",
        )
    return tape


def _title(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def _opened(name: str) -> "nullcontext[TextIO] | TextIO":
    if name != STANDARD_INPUT:
        return Path(name).open(encoding="utf-8", errors="replace")
    if sys.stdin is None:
        message = "it is closed"
        raise OSError(message)
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    return nullcontext(sys.stdin)


def _read(file: TextIO) -> Recording:
    tape = Recording()
    while line := file.readline(MAX_LINE_CHARS + 1):
        tape.add(line)
        while len(line) > MAX_LINE_CHARS and not line.endswith("\n"):
            line = file.readline(MAX_LINE_CHARS + 1)  # the rest of it, and of no use
    return tape


class ReplayClock:
    """The clock of a recording: it stands at the beginning, runs once started, stops at the end."""

    def __init__(self, begin: float, end: float, speed: int) -> None:
        self.end = end
        self._begin = begin
        self._speed = speed
        self._started: float | None = None
        self.redraw_interval = max(1.0 / speed, 1.0 / MAX_REDRAWS_PER_S)

    def start(self) -> None:
        """Run from now on, if it does not yet."""
        if self._started is None:
            self._started = now()

    def jump_to_end(self) -> None:
        """Be at the end at once."""
        self._begin = self.end

    def read(self) -> Moment:
        """The moment that is played."""
        passed = 0.0 if self._started is None else (now() - self._started) * self._speed
        shown = min(self._begin + passed, self.end)
        return Moment(shown, datetime.fromtimestamp(shown, LOCAL_ZONE))

    def due_at(self, when: float) -> float:
        """When it shows this, by our clock, or would if it went on."""
        started = now() if self._started is None else self._started
        return started + (when - self._begin) / self._speed


class ReplaySource:
    """A ``Source`` that tells what one tor moved when the projector comes to it."""

    def __init__(self, name: str, track: Track, projector: ReplayClock, last_words: str) -> None:
        self._name = name
        self._track = track
        self._clock = projector
        self._end_reason = last_words
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, tell: Report) -> None:
        """Begin in a thread of its own."""
        self._clock.start()
        self._thread = threading.Thread(
            target=self._play, args=(tell,), name="bwgraph replay", daemon=True
        )
        self._thread.start()

    def retry_now(self) -> None:
        """There is nothing that could have gone."""

    def close(self) -> None:
        """Stop where it is."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _play(self, tell: Report) -> None:
        for when, _, event in _events(self._name, self._track):
            if not self._wait_until(when):
                return
            tell(event)
        if self._wait_until(self._clock.end):
            tell(Ended(self._end_reason))

    def _wait_until(self, when: float) -> bool:
        """Wait for a moment of the recording; False if it is not going to come."""
        while (left := self._clock.due_at(when) - now()) > 0:
            if self._closed.wait(min(left, MAX_WAIT_S)):
                return False
        return not self._closed.is_set()


class Replay:
    """What is watched where a recording is: in place of ``Targets``."""

    def __init__(self, tape: Recording, name: str, speed: int = 1) -> None:
        self.clock = ReplayClock(tape.begin, tape.end, speed)
        self.skipped = f"{_title(name)}: {tape.skipped}" if tape.skipped else ""
        "What is to be said of lines that are none of a recording."
        self._tracks = tape.tracks
        self._note = "a recording" + (f", {speed} times as fast" if speed > 1 else "")
        self._end_reason = "the recording ends here"
        if tape.skipped:
            self._end_reason += f"; {tape.skipped}"

    def create_fleet(self, *_: object, **__: object) -> tuple[Fleet, dict[Instance, Source]]:
        """Instances, and what tells of each, as of tors that let us in when their samples begin."""
        instances = {
            name: Instance(name, self._note, History(lock=threading.Lock()))
            for name in self._tracks
        }
        fleet = Fleet(tuple(instances.values()), threading.Lock)
        if self.skipped:
            fleet.handle(fleet.instances[0], Problem(self.clock.read().now, self.skipped))
        return fleet, {
            instance: ReplaySource(name, self._tracks[name], self.clock, self._end_reason)
            for name, instance in instances.items()
        }

    def play_at_once(self, fleet: Fleet) -> None:
        """Tell all of it at once."""
        self.clock.jump_to_end()
        instances = {instance.name: instance for instance in fleet.instances}
        parts = [_events(name, track) for name, track in self._tracks.items()]
        for _, name, event in heapq.merge(*parts, key=lambda part: part[0]):
            fleet.handle(instances[name], event)
        for instance in fleet.instances:
            fleet.handle(instance, Ended(self._end_reason))


def _events(name: str, track: Track) -> Iterator[tuple[float, str, Event]]:
    """What is told when, and of which tor: it is there, and then each sample."""
    yield track.begin, name, Connected(track.begin, name)
    for sample in track.samples():
        yield sample.ends_at, name, sample
