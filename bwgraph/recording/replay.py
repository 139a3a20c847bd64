"""Replaying a recording: reading its file, its clock, and a source for each of its tors.

Owns how a file is read and how fast it is played. The clock gives the time of the recording, so no
other module needs to know that it is not the present. Must not know the format of a line.
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
"The name of a file that stands for standard input."

MAX_REDRAWS_PER_S = 10
"Redraws per second when a recording is played faster than real time."

MAX_SINGLE_WAIT_S = 3600.0
"Seconds of one wait; a longer one is made of several, since systems limit a timeout."


def read(name: str) -> Recording:
    """Return the recording in a file. Raises ExplainedError if there is none in it."""
    try:
        with _opened(name) as file:
            recording = _read(file)
    except OSError as error:
        raise ExplainedError(f"{_title(name)}: {error.strerror or error}") from None
    except TooLongError:
        raise ExplainedError(
            f"{_title(name)}: the recording is too long",
            "replay a part of it, or record with a longer --interval",
        ) from None
    if not recording.tracks:
        reason = recording.skipped_message or "there is no sample in it"
        raise ExplainedError(
            f"{_title(name)}: not a recording: {reason}",
            "to make a recording: bwgraph --json >FILE, or bwgraph --csv >FILE",
        )
    return recording


def _title(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else name


def _opened(name: str) -> "nullcontext[TextIO] | TextIO":
    if name != STANDARD_INPUT:
        return Path(name).open(encoding="utf-8", errors="replace")
    if sys.stdin is None:
        message = "it is closed"
        raise OSError(message)
    # typeshed names no class that has it.
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    return nullcontext(sys.stdin)


def _read(file: TextIO) -> Recording:
    recording = Recording()
    while line := file.readline(MAX_LINE_CHARS + 1):
        recording.add(line)
        while len(line) > MAX_LINE_CHARS and not line.endswith("\n"):
            line = file.readline(MAX_LINE_CHARS + 1)  # skip the rest of a line that is too long
    return recording


class ReplayClock:
    """The clock of a recording: it stands still until it is started, and stops at the end."""

    def __init__(self, begin: float, end: float, speed: int) -> None:
        self.end = end
        self._begin = begin
        self._speed = speed
        self._started_at: float | None = None  # on the system's clock
        self.redraw_interval = max(1.0 / speed, 1.0 / MAX_REDRAWS_PER_S)
        "Seconds between two redraws."

    def start(self) -> None:
        """Start the clock, unless it runs already."""
        if self._started_at is None:
            self._started_at = now()

    def jump_to_end(self) -> None:
        """Set the clock to the end of the recording."""
        self._begin = self.end

    def read(self) -> Moment:
        """Return the moment of the recording that is played now."""
        passed = 0.0 if self._started_at is None else (now() - self._started_at) * self._speed
        time = min(self._begin + passed, self.end)
        return Moment(time, datetime.fromtimestamp(time, LOCAL_ZONE))

    def due_at(self, time: float) -> float:
        """Return when this time of the recording is played, on the system's clock."""
        started_at = now() if self._started_at is None else self._started_at
        return started_at + (time - self._begin) / self._speed


class ReplaySource:
    """A ``Source`` that reports the samples of one tor at their times on a replay's clock."""

    def __init__(self, name: str, track: Track, clock: ReplayClock, end_reason: str) -> None:
        self._name = name
        self._track = track
        self._clock = clock
        self._end_reason = end_reason
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, report: Report) -> None:
        """Start the clock, and report from a thread of its own."""
        self._clock.start()
        self._thread = threading.Thread(
            target=self._play, args=(report,), name="bwgraph replay", daemon=True
        )
        self._thread.start()

    def retry_now(self) -> None:
        """Do nothing: a recording is never lost."""

    def close(self) -> None:
        """Stop reporting."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _play(self, report: Report) -> None:
        for time, _, event in _events(self._name, self._track):
            if not self._wait_until(time):
                return
            report(event)
        if self._wait_until(self._clock.end):
            report(Ended(self._end_reason))

    def _wait_until(self, time: float) -> bool:
        """Wait for a time of the recording. Return False if the source was closed meanwhile."""
        while (left := self._clock.due_at(time) - now()) > 0:
            if self._closed.wait(min(left, MAX_SINGLE_WAIT_S)):
                return False
        return not self._closed.is_set()


class Replay:
    """The tors of a recording. Has the same interface as ``Targets``."""

    def __init__(self, recording: Recording, name: str, speed: int = 1) -> None:
        skipped = recording.skipped_message
        self.clock = ReplayClock(recording.begin, recording.end, speed)
        self.skipped_message = f"{_title(name)}: {skipped}" if skipped else ""
        "A message about the lines that were skipped; empty if none were."
        self._tracks = recording.tracks
        self._note = "a recording" + (f", {speed} times as fast" if speed > 1 else "")
        self._end_reason = "the recording ends here" + (f"; {skipped}" if skipped else "")

    def create_fleet(self, *_: object, **__: object) -> tuple[Fleet, dict[Instance, Source]]:
        """Return a fleet of the recording's tors, and the source of each."""
        instances = {
            name: Instance(name, self._note, History(lock=threading.Lock()))
            for name in self._tracks
        }
        fleet = Fleet(tuple(instances.values()), threading.Lock)
        if self.skipped_message:
            fleet.handle(fleet.instances[0], Problem(self.clock.read().now, self.skipped_message))
        return fleet, {
            instance: ReplaySource(name, self._tracks[name], self.clock, self._end_reason)
            for name, instance in instances.items()
        }

    def play_at_once(self, fleet: Fleet) -> None:
        """Report all samples to a fleet without waiting, and set the clock to the end."""
        self.clock.jump_to_end()
        instances = {instance.name: instance for instance in fleet.instances}
        tracks = [_events(name, track) for name, track in self._tracks.items()]
        for _, name, event in heapq.merge(*tracks, key=lambda timed: timed[0]):
            fleet.handle(instances[name], event)
        for instance in fleet.instances:
            fleet.handle(instance, Ended(self._end_reason))


def _events(name: str, track: Track) -> Iterator[tuple[float, str, Event]]:
    """Yield the time, the tor's name and the event: that it is connected, then each sample."""
    yield track.begin, name, Connected(track.begin, name)
    for sample in track.samples():
        yield sample.ends_at, name, sample
