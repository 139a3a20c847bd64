"""A recording as a whole: whose it is, what each tor moved when, and the lines that are none.

Owns the way from lines to samples, and the bounds of what is kept. Samples are placed by the time
that the recording says, in seconds since 1970. Must not know where lines come from, nor when they
are shown.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from bwgraph.model.binning import LATE_SPAN_S, spread
from bwgraph.model.events import Sample
from bwgraph.recording.format import FormatError, parse_line

MAX_SAMPLES = 10_000_000
"SeriesKey of one recording: the seconds of one tor for sixteen weeks, in a third of a gigabyte."

MAX_TORS = 64

MAX_OVERLAP_S = 0.5
"Seconds by which a line may begin before the one before it ends: clocks are set now and then."

MAX_NAMED_LINES = 3
"Lines that are named when some were skipped."


class TooLongError(ValueError):
    """There is more of a recording than can be kept."""


@dataclass(slots=True)
class Track:
    """What one tor moved, in the order of time."""

    ends_at: "array[float]" = field(default_factory=lambda: array("d"))
    read: "array[int]" = field(default_factory=lambda: array("q"))
    written: "array[int]" = field(default_factory=lambda: array("q"))
    seconds: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def begin(self) -> float:
        """When the first sample begins."""
        return self.ends_at[0] - self.seconds[0]

    @property
    def end(self) -> float:
        """When the last sample ends."""
        return self.ends_at[-1]

    def samples(self) -> Iterator[Sample]:
        """As a source would tell them.

        A second here and there that came late is handed on as it is, as tor's own would be. But of
        a recording that was made coarser each line is shared among its seconds.
        """
        late = sum(1 for seconds in self.seconds if seconds >= LATE_SPAN_S)
        coarse = 2 * late > len(self.seconds)
        for line in zip(self.ends_at, self.read, self.written, self.seconds, strict=True):
            sample = Sample(*line)
            if coarse and sample.seconds >= LATE_SPAN_S:
                yield from _shared(sample)
            else:
                yield sample


def _shared(sample: Sample) -> Iterator[Sample]:
    """One that covers many seconds, as one for each of them: exact in bytes, even in time.

    >>> [(each.ends_at, each.read) for each in _shared(Sample(60.0, 11, 0, 4.0))]
    [(57.0, 2), (58.0, 3), (59.0, 3), (60.0, 3)]
    """
    count = max(1, round(sample.seconds))
    for part in spread(sample.read, sample.written, sample.seconds, 0, count):
        when = sample.ends_at - (count - part.bucket) * part.seconds
        yield Sample(when, part.read, part.written, part.seconds)


class Recording:
    """Takes the lines of a recording, one after another.

    >>> tape = Recording()
    >>> tape.add('{"time": "2026-01-02T03:04:05.000Z", "tor": "relay", "read": 7,'
    ...          ' "written": 3, "seconds": 1.0}')
    >>> tape.add('{"time": "2026-01-02T03:04:06.0')
    >>> list(tape.tracks), tape.skipped
    (['relay'], 'a line is skipped: line 2 (cut off, or not JSON)')
    """

    def __init__(self) -> None:
        self.tracks: dict[str, Track] = {}
        "By the names of the tors, in the order in which they come."
        self._lines = 0
        self._samples = 0
        self._skipped_count = 0
        self._skipped_lines: list[str] = []

    @property
    def begin(self) -> float:
        """When the earliest sample begins."""
        return min(track.begin for track in self.tracks.values())

    @property
    def end(self) -> float:
        """When the latest sample ends."""
        return max(track.end for track in self.tracks.values())

    @property
    def skipped(self) -> str:
        """What is to be said of lines that are none of a recording; empty if all are."""
        if not self._skipped_count:
            return ""
        lines = "a line is" if self._skipped_count == 1 else f"{self._skipped_count} lines are"
        more = self._skipped_count - len(self._skipped_lines)
        return f"{lines} skipped: {', '.join(self._skipped_lines)}" + (
            f" and {more} more" if more else ""
        )

    def add(self, line: str) -> None:
        """Take the next line; ``TooLongError`` if there are too many."""
        self._lines += 1
        try:
            self._add(line)
        except FormatError as foreign:
            self._skipped_count += 1
            if len(self._skipped_lines) < MAX_NAMED_LINES:
                self._skipped_lines.append(f"line {self._lines} ({foreign})")

    def _add(self, line: str) -> None:
        entry = parse_line(line)
        if entry is None or entry.read is None or entry.written is None:
            return  # a gap is where there is no sample
        track = self.tracks.get(entry.tor)
        when = entry.time.timestamp()
        if track is None:
            if len(self.tracks) >= MAX_TORS:
                message = f"of more than {MAX_TORS} tors"
                raise FormatError(message)
            track = self.tracks[entry.tor] = Track()
        elif when < track.end or when - entry.seconds < track.end - MAX_OVERLAP_S:
            raise FormatError("it goes back in time")
        if self._samples >= MAX_SAMPLES:
            raise TooLongError
        self._samples += 1
        track.ends_at.append(when)
        track.read.append(entry.read)
        track.written.append(entry.written)
        track.seconds.append(entry.seconds)
